CREATE TABLE merchant_settings (
	merchant_id TEXT NOT NULL,
	country TEXT NOT NULL,
	settlement_currency TEXT NOT NULL,
	payout_schedule TEXT NOT NULL,
	fee_plan TEXT NOT NULL,
	tier INTEGER NOT NULL,
	statement_name TEXT NOT NULL,
	reserve_basis_points INTEGER NOT NULL,
	dispute_fee_major TEXT NOT NULL,
	dispute_fee_back_if_won INTEGER NOT NULL,
	evidence_days INTEGER NOT NULL,
	updated_at_us INTEGER NOT NULL,
	CONSTRAINT pk_merchant_settings PRIMARY KEY (merchant_id),
	CONSTRAINT ck_merchant_settings_tier CHECK (tier IN (1, 2, 3)),
	CONSTRAINT ck_merchant_settings_reserve CHECK (reserve_basis_points BETWEEN 0 AND 10000),
	CONSTRAINT ck_merchant_settings_payout_schedule CHECK (payout_schedule IN ('daily', 'weekly', 'monthly', 'manual'))
);

CREATE TABLE api_keys (
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	secret_hash BLOB NOT NULL,
	last4 TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	expires_at_us INTEGER,
	revoked_at_us INTEGER,
	CONSTRAINT pk_api_keys PRIMARY KEY (id),
	CONSTRAINT uq_api_keys_secret_hash UNIQUE (secret_hash)
);

CREATE INDEX ix_api_keys_merchant_id ON api_keys (merchant_id);

CREATE TABLE merchant_notices (
	id INTEGER NOT NULL,
	merchant_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	text TEXT NOT NULL,
	object_id TEXT,
	sent_at_us INTEGER NOT NULL,
	CONSTRAINT pk_merchant_notices PRIMARY KEY (id)
);

CREATE INDEX ix_merchant_notices_merchant_id ON merchant_notices (merchant_id);
