CREATE TABLE token_keys (
	name TEXT NOT NULL,
	certificate TEXT NOT NULL,
	sealed_key BLOB NOT NULL,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_token_keys PRIMARY KEY (name)
);

CREATE TABLE in_app_sessions (
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	amount_minor INTEGER NOT NULL,
	currency TEXT NOT NULL,
	country TEXT NOT NULL,
	line_items TEXT NOT NULL,
	networks TEXT NOT NULL,
	capabilities TEXT NOT NULL,
	unpredictable_number BLOB NOT NULL,
	created_at_us INTEGER NOT NULL,
	expires_at_us INTEGER NOT NULL,
	cancelled_at_us INTEGER,
	payment_id TEXT,
	CONSTRAINT pk_in_app_sessions PRIMARY KEY (id),
	CONSTRAINT ck_in_app_sessions_amount CHECK (amount_minor > 0)
);

CREATE TABLE in_app_tokens (
	transaction_id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	payment_id TEXT NOT NULL,
	version TEXT NOT NULL,
	signed_at_us INTEGER NOT NULL,
	CONSTRAINT pk_in_app_tokens PRIMARY KEY (transaction_id)
);

CREATE INDEX ix_in_app_tokens_payment_id ON in_app_tokens (payment_id);
