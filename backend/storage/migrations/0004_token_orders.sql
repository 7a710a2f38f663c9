ALTER TABLE provisioned_cards ADD COLUMN suspended_by TEXT DEFAULT '' NOT NULL;

ALTER TABLE provisioned_cards ADD COLUMN pending_operation TEXT;

UPDATE provisioned_cards
SET suspended_by = CASE suspend_reason WHEN 'device_lost' THEN 'TOKEN_REQUESTOR' ELSE 'CARDHOLDER' END
WHERE status = 'suspended';

CREATE TABLE token_orders (
	id INTEGER NOT NULL,
	card_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	network TEXT NOT NULL,
	token_ref TEXT NOT NULL,
	operation TEXT NOT NULL,
	actor TEXT NOT NULL,
	reason TEXT NOT NULL,
	ip_address TEXT,
	created_at_us INTEGER NOT NULL,
	due_at_us INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	done_at_us INTEGER,
	result TEXT,
	CONSTRAINT pk_token_orders PRIMARY KEY (id),
	CONSTRAINT ck_token_orders_operation CHECK (operation IN ('suspend', 'resume', 'delete', 'refresh', 'admit'))
);

CREATE INDEX ix_token_orders_open ON token_orders (card_id, id) WHERE done_at_us IS NULL;

CREATE TABLE network_cursors (
	network TEXT NOT NULL,
	event_id INTEGER NOT NULL,
	CONSTRAINT pk_network_cursors PRIMARY KEY (network)
);
