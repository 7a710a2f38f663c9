DROP INDEX ix_payments_token_ref_created_at_us;
DROP INDEX ix_payments_unsettled;

ALTER TABLE payments RENAME TO payments_0004;

CREATE TABLE payments (
	id TEXT NOT NULL,
	tap_id TEXT,
	account TEXT NOT NULL,
	terminal_reference TEXT NOT NULL,
	transaction_type TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	updated_at_us INTEGER NOT NULL,
	version INTEGER NOT NULL,
	state TEXT NOT NULL,
	network TEXT,
	token_ref TEXT,
	card_id TEXT,
	user_id TEXT,
	last4 TEXT,
	atc INTEGER NOT NULL,
	amount_minor INTEGER NOT NULL,
	currency TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	merchant_name TEXT NOT NULL,
	merchant_category TEXT NOT NULL,
	merchant_terminal_id TEXT NOT NULL,
	terminal_id TEXT NOT NULL,
	rrn TEXT,
	stan TEXT,
	sent_at_us INTEGER,
	response_code TEXT,
	auth_code TEXT,
	reason TEXT,
	steered TEXT,
	hold_open INTEGER NOT NULL,
	engine_us INTEGER NOT NULL,
	network_us INTEGER NOT NULL,
	issuer_us INTEGER NOT NULL,
	database_us INTEGER NOT NULL,
	synthetic INTEGER NOT NULL,
	captured_minor INTEGER DEFAULT 0 NOT NULL,
	fee_minor INTEGER DEFAULT 0 NOT NULL,
	refunded_minor INTEGER DEFAULT 0 NOT NULL,
	fee_returned_minor INTEGER DEFAULT 0 NOT NULL,
	voided_at_us INTEGER,
	CONSTRAINT pk_payments PRIMARY KEY (id),
	CONSTRAINT ck_payments_amount CHECK (amount_minor > 0),
	CONSTRAINT ck_payments_captured CHECK (captured_minor BETWEEN 0 AND amount_minor),
	CONSTRAINT ck_payments_refunded CHECK (refunded_minor BETWEEN 0 AND captured_minor),
	CONSTRAINT ck_payments_fee_returned CHECK (fee_returned_minor BETWEEN 0 AND fee_minor),
	CONSTRAINT ck_payments_atc CHECK (atc BETWEEN 1 AND 65535),
	CONSTRAINT ck_payments_type CHECK (transaction_type IN ('nfc', 'in_app', 'web')),
	CONSTRAINT ck_payments_state CHECK (state IN ('authorizing', 'approved', 'declined', 'not_sent', 'unknown', 'reversing', 'reversed', 'captured'))
)
 WITHOUT ROWID;

CREATE INDEX ix_payments_token_ref_created_at_us ON payments (token_ref, created_at_us DESC);

CREATE INDEX ix_payments_unsettled ON payments (state) WHERE state IN ('authorizing', 'unknown', 'reversing');

INSERT INTO payments (
    id, tap_id, account, terminal_reference, transaction_type, created_at_us, updated_at_us,
    version, state, network, token_ref, card_id, user_id, last4, atc, amount_minor, currency,
    merchant_id, merchant_name, merchant_category, merchant_terminal_id, terminal_id, rrn, stan,
    sent_at_us, response_code, auth_code, reason, steered, hold_open, engine_us, network_us,
    issuer_us, database_us, synthetic
)
SELECT
    id, tap_id, account, terminal_reference, transaction_type, created_at_us, updated_at_us,
    version, state, network, token_ref, card_id, user_id, last4, atc, amount_minor, currency,
    merchant_id, merchant_name, merchant_category, merchant_terminal_id, terminal_id, rrn, stan,
    sent_at_us, response_code, auth_code, reason, steered, hold_open, engine_us, network_us,
    issuer_us, database_us, synthetic
FROM payments_0004;

DROP TABLE payments_0004;

CREATE TABLE refunds (
	id TEXT NOT NULL,
	payment_id TEXT NOT NULL,
	amount_minor INTEGER NOT NULL,
	fee_returned_minor INTEGER NOT NULL,
	reason TEXT,
	state TEXT NOT NULL,
	failure TEXT,
	created_at_us INTEGER NOT NULL,
	completed_at_us INTEGER,
	CONSTRAINT pk_refunds PRIMARY KEY (id),
	CONSTRAINT ck_refunds_amount CHECK (amount_minor > 0),
	CONSTRAINT ck_refunds_state CHECK (state IN ('pending', 'succeeded', 'failed'))
);

CREATE INDEX ix_refunds_payment_id ON refunds (payment_id);

CREATE TABLE advices (
	id INTEGER NOT NULL,
	payment_id TEXT NOT NULL,
	refund_id TEXT,
	kind TEXT NOT NULL,
	amount_minor INTEGER NOT NULL,
	rrn TEXT NOT NULL,
	stan TEXT NOT NULL,
	sent_at_us INTEGER NOT NULL,
	due_at_us INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	done_at_us INTEGER,
	response_code TEXT,
	CONSTRAINT pk_advices PRIMARY KEY (id),
	CONSTRAINT ck_advices_amount CHECK (amount_minor > 0),
	CONSTRAINT ck_advices_kind CHECK (kind IN ('completion', 'refund')),
	CONSTRAINT ck_advices_refund CHECK ((kind = 'refund') = (refund_id IS NOT NULL))
);

CREATE INDEX ix_advices_due ON advices (due_at_us) WHERE done_at_us IS NULL;

CREATE INDEX ix_advices_payment_id ON advices (payment_id);
