CREATE TABLE webhook_endpoints (
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	url TEXT NOT NULL,
	style TEXT NOT NULL,
	enabled_events TEXT NOT NULL,
	schedule TEXT NOT NULL,
	strict_200 INTEGER NOT NULL,
	state TEXT NOT NULL,
	disabled_reason TEXT,
	description TEXT,
	metadata TEXT NOT NULL,
	secret BLOB NOT NULL,
	old_secret BLOB,
	old_secret_until_us INTEGER,
	is_healthy INTEGER NOT NULL,
	created_at_us INTEGER NOT NULL,
	after_seq INTEGER NOT NULL,
	CONSTRAINT pk_webhook_endpoints PRIMARY KEY (id),
	CONSTRAINT ck_webhook_endpoints_style CHECK (style IN ('stripe', 's3')),
	CONSTRAINT ck_webhook_endpoints_state CHECK (state IN ('enabled', 'disabled', 'deleted'))
);

CREATE INDEX ix_webhook_endpoints_merchant_id ON webhook_endpoints (merchant_id);

CREATE TABLE merchant_events (
	number INTEGER NOT NULL,
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	type TEXT NOT NULL,
	object TEXT NOT NULL,
	object_id TEXT NOT NULL,
	order_key TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	created_at_us INTEGER NOT NULL,
	source_seq INTEGER NOT NULL,
	endpoints INTEGER NOT NULL,
	data BLOB,
	CONSTRAINT pk_merchant_events PRIMARY KEY (number),
	CONSTRAINT ck_merchant_events_sequence CHECK (sequence > 0),
	CONSTRAINT uq_merchant_events_id UNIQUE (id)
);

CREATE INDEX ix_merchant_events_merchant_id ON merchant_events (merchant_id);

CREATE UNIQUE INDEX ix_merchant_events_order ON merchant_events (order_key, sequence);

CREATE TABLE webhook_deliveries (
	id INTEGER NOT NULL,
	endpoint_id TEXT NOT NULL,
	event_number INTEGER NOT NULL,
	order_key TEXT NOT NULL,
	state TEXT NOT NULL,
	tries INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	due_at_us INTEGER NOT NULL,
	created_at_us INTEGER NOT NULL,
	ended_at_us INTEGER,
	last_status INTEGER,
	last_error TEXT,
	CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
	CONSTRAINT ck_webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'failed')),
	CONSTRAINT ck_webhook_deliveries_ended CHECK ((state = 'pending') = (ended_at_us IS NULL))
);

CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at_us) WHERE state = 'pending';

CREATE INDEX ix_webhook_deliveries_order ON webhook_deliveries (order_key, endpoint_id, id) WHERE state = 'pending';

CREATE UNIQUE INDEX ix_webhook_deliveries_event ON webhook_deliveries (event_number, endpoint_id);

CREATE TABLE webhook_attempts (
	id INTEGER NOT NULL,
	delivery_id INTEGER NOT NULL,
	number INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	duration_us INTEGER NOT NULL,
	signature TEXT NOT NULL,
	status INTEGER,
	error TEXT,
	answer BLOB NOT NULL,
	CONSTRAINT pk_webhook_attempts PRIMARY KEY (id),
	CONSTRAINT ck_webhook_attempts_outcome CHECK ((status IS NULL) = (error IS NOT NULL))
);

CREATE UNIQUE INDEX ix_webhook_attempts_delivery ON webhook_attempts (delivery_id, number);

INSERT OR REPLACE INTO outbox_cursors (consumer, seq)
SELECT 'webhooks', coalesce(max(seq), 0) FROM events WHERE source = 'engine';
