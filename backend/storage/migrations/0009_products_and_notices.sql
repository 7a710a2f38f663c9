ALTER TABLE provisioned_cards ADD COLUMN design TEXT DEFAULT '' NOT NULL;

UPDATE provisioned_cards SET design = lower(product) WHERE product IN ('Everyday', 'Travel', 'Reserve');

CREATE TABLE notices (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	recipient_kind TEXT NOT NULL,
	recipient TEXT NOT NULL,
	kind TEXT NOT NULL,
	payment_id TEXT,
	card_id TEXT,
	facts TEXT NOT NULL,
	cause_id TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT ck_notices_recipient_kind CHECK (recipient_kind IN ('cardholder', 'merchant')),
	CONSTRAINT uq_notices_cause_id_recipient_kind_recipient UNIQUE (cause_id, recipient_kind, recipient)
);

CREATE INDEX ix_notices_recipient ON notices (recipient_kind, recipient, id);
