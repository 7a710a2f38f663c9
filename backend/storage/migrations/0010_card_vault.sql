CREATE TABLE vault_keys (
	version INTEGER NOT NULL,
	kek INTEGER NOT NULL,
	home TEXT NOT NULL,
	wrapped BLOB NOT NULL,
	created_at_us INTEGER NOT NULL,
	wrapped_at_us INTEGER NOT NULL,
	CONSTRAINT pk_vault_keys PRIMARY KEY (version),
	CONSTRAINT ck_vault_keys_version CHECK (version > 0)
);

CREATE TABLE vault_cards (
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	network TEXT NOT NULL,
	last4 TEXT NOT NULL,
	exp_month INTEGER NOT NULL,
	exp_year INTEGER NOT NULL,
	fingerprint TEXT NOT NULL,
	country TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	key_version INTEGER NOT NULL,
	sealed_number BLOB NOT NULL,
	CONSTRAINT pk_vault_cards PRIMARY KEY (id),
	CONSTRAINT uq_vault_cards_merchant_id_fingerprint_exp_year_exp_month UNIQUE (merchant_id, fingerprint, exp_year, exp_month)
)
 WITHOUT ROWID;

CREATE TABLE vault_codes (
	card_id TEXT NOT NULL,
	key_version INTEGER NOT NULL,
	sealed_code BLOB NOT NULL,
	kept_at_us INTEGER NOT NULL,
	CONSTRAINT pk_vault_codes PRIMARY KEY (card_id)
)
 WITHOUT ROWID;

CREATE INDEX ix_vault_codes_kept_at_us ON vault_codes (kept_at_us);

CREATE TRIGGER tr_payments_forget_code AFTER UPDATE OF state ON payments WHEN NEW.transaction_type = 'web' AND OLD.state = 'authorizing' AND NEW.state NOT IN ('authorizing', 'not_sent') BEGIN DELETE FROM vault_codes WHERE card_id = NEW.card_id; END;
