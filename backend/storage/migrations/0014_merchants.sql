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

CREATE TABLE disputes (
	id TEXT NOT NULL,
	case_id TEXT NOT NULL,
	payment_id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	network TEXT NOT NULL,
	amount_minor INTEGER NOT NULL,
	currency TEXT NOT NULL,
	fee_minor INTEGER NOT NULL,
	fee_returned INTEGER NOT NULL,
	reason TEXT NOT NULL,
	state TEXT NOT NULL,
	liability TEXT NOT NULL,
	evidence TEXT NOT NULL,
	metadata TEXT NOT NULL,
	evidence_due_at_us INTEGER NOT NULL,
	submitted_at_us INTEGER,
	closed_at_us INTEGER,
	closed_why TEXT,
	due_at_us INTEGER,
	tries INTEGER NOT NULL,
	version INTEGER NOT NULL,
	created_at_us INTEGER NOT NULL,
	updated_at_us INTEGER NOT NULL,
	CONSTRAINT pk_disputes PRIMARY KEY (id),
	CONSTRAINT uq_disputes_case_id UNIQUE (case_id),
	CONSTRAINT uq_disputes_payment_id UNIQUE (payment_id),
	CONSTRAINT ck_disputes_amount CHECK (amount_minor > 0),
	CONSTRAINT ck_disputes_fee CHECK (fee_minor >= 0),
	CONSTRAINT ck_disputes_state CHECK (state IN ('needs_response', 'under_review', 'won', 'lost')),
	CONSTRAINT ck_disputes_liability CHECK (liability IN ('merchant', 'issuer')),
	CONSTRAINT ck_disputes_closed CHECK ((state IN ('won', 'lost')) = (closed_at_us IS NOT NULL)),
	CONSTRAINT ck_disputes_due CHECK ((due_at_us IS NULL) = (closed_at_us IS NOT NULL))
);

CREATE INDEX ix_disputes_due ON disputes (due_at_us) WHERE due_at_us IS NOT NULL;

CREATE INDEX ix_disputes_merchant_id ON disputes (merchant_id, id);

CREATE TABLE liability_shifts (
	payment_id TEXT NOT NULL,
	at_us INTEGER NOT NULL,
	CONSTRAINT pk_liability_shifts PRIMARY KEY (payment_id)
);
