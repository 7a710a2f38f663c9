CREATE INDEX ix_ledger_entries_of_merchants ON ledger_entries (account, seq) WHERE account >= 'liabilities:merchant-' AND account < 'liabilities:merchant.';

CREATE TABLE ledger_checkpoints (
	shard INTEGER NOT NULL,
	account TEXT NOT NULL,
	currency TEXT NOT NULL,
	balance_minor INTEGER NOT NULL,
	CONSTRAINT pk_ledger_checkpoints PRIMARY KEY (shard, account, currency)
)
 WITHOUT ROWID;

CREATE TABLE ledger_checkpoint_heads (
	shard INTEGER NOT NULL,
	through_seq INTEGER NOT NULL,
	CONSTRAINT pk_ledger_checkpoint_heads PRIMARY KEY (shard)
);

CREATE TABLE settlement_batches (
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	currency TEXT NOT NULL,
	business_day TEXT NOT NULL,
	after_seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	gross_minor INTEGER NOT NULL,
	fees_minor INTEGER NOT NULL,
	refunds_minor INTEGER NOT NULL,
	disputes_minor INTEGER NOT NULL,
	reserve_minor INTEGER NOT NULL,
	net_minor INTEGER NOT NULL,
	captures INTEGER NOT NULL,
	transactions INTEGER NOT NULL,
	settled_at_us INTEGER NOT NULL,
	available_at_us INTEGER NOT NULL,
	reserve_due_at_us INTEGER NOT NULL,
	reserve_released_at_us INTEGER,
	CONSTRAINT pk_settlement_batches PRIMARY KEY (id),
	CONSTRAINT uq_settlement_batches_merchant_id_currency_last_seq UNIQUE (merchant_id, currency, last_seq),
	CONSTRAINT ck_settlement_batches_range CHECK (after_seq < last_seq),
	CONSTRAINT ck_settlement_batches_reserve CHECK (reserve_minor >= 0),
	CONSTRAINT ck_settlement_batches_net CHECK (net_minor = gross_minor - fees_minor - refunds_minor - disputes_minor - reserve_minor)
);

CREATE INDEX ix_settlement_batches_merchant_id_last_seq ON settlement_batches (merchant_id, last_seq);

CREATE INDEX ix_settlement_batches_reserves ON settlement_batches (reserve_due_at_us) WHERE reserve_minor > 0 AND reserve_released_at_us IS NULL;

CREATE TABLE settlement_terms (
	merchant_id TEXT NOT NULL,
	time_zone TEXT NOT NULL,
	cut_off_minutes INTEGER NOT NULL,
	settled_after_days INTEGER NOT NULL,
	available_after_days INTEGER NOT NULL,
	reserve_days INTEGER NOT NULL,
	CONSTRAINT pk_settlement_terms PRIMARY KEY (merchant_id),
	CONSTRAINT ck_settlement_terms_cut_off CHECK (cut_off_minutes BETWEEN 0 AND 1439),
	CONSTRAINT ck_settlement_terms_days CHECK (settled_after_days BETWEEN 1 AND available_after_days AND available_after_days <= 30)
);

CREATE TABLE bank_accounts (
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	country TEXT NOT NULL,
	last4 TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_bank_accounts PRIMARY KEY (id)
);

CREATE INDEX ix_bank_accounts_merchant_id ON bank_accounts (merchant_id);

CREATE TABLE payouts (
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	currency TEXT NOT NULL,
	amount_minor INTEGER NOT NULL,
	destination TEXT NOT NULL,
	state TEXT NOT NULL,
	automatic_day TEXT,
	created_at_us INTEGER NOT NULL,
	send_at_us INTEGER NOT NULL,
	arrival_at_us INTEGER NOT NULL,
	ended_at_us INTEGER,
	failure TEXT,
	description TEXT,
	metadata TEXT NOT NULL,
	CONSTRAINT pk_payouts PRIMARY KEY (id),
	CONSTRAINT ck_payouts_amount CHECK (amount_minor > 0),
	CONSTRAINT ck_payouts_state CHECK (state IN ('pending', 'in_transit', 'paid', 'failed', 'canceled'))
);

CREATE INDEX ix_payouts_merchant_id_id ON payouts (merchant_id, id);

CREATE INDEX ix_payouts_open ON payouts (state) WHERE state IN ('pending', 'in_transit');

CREATE UNIQUE INDEX ix_payouts_automatic ON payouts (merchant_id, currency, automatic_day) WHERE automatic_day IS NOT NULL;

CREATE TABLE bank_transfers (
	reference TEXT NOT NULL,
	last4 TEXT NOT NULL,
	amount_minor INTEGER NOT NULL,
	currency TEXT NOT NULL,
	arrives_at_us INTEGER NOT NULL,
	failure TEXT,
	CONSTRAINT pk_bank_transfers PRIMARY KEY (reference),
	CONSTRAINT ck_bank_transfers_amount CHECK (amount_minor > 0)
);

CREATE INDEX ix_bank_transfers_arrives_at_us ON bank_transfers (arrives_at_us);

CREATE TABLE clearings (
	id TEXT NOT NULL,
	network TEXT NOT NULL,
	day TEXT NOT NULL,
	currency TEXT NOT NULL,
	completions_minor INTEGER NOT NULL,
	refunds_minor INTEGER NOT NULL,
	lines INTEGER NOT NULL,
	closes_us INTEGER NOT NULL,
	posted_at_us INTEGER NOT NULL,
	CONSTRAINT pk_clearings PRIMARY KEY (id),
	CONSTRAINT uq_clearings_network_day_currency UNIQUE (network, day, currency)
);

CREATE INDEX ix_clearings_closes_us ON clearings (closes_us);

CREATE TABLE clearing_progress (
	id INTEGER NOT NULL,
	until_us INTEGER NOT NULL,
	CONSTRAINT pk_clearing_progress PRIMARY KEY (id),
	CONSTRAINT ck_clearing_progress_one_row CHECK (id = 1)
);

CREATE TABLE exchange_rates (
	rate_id INTEGER NOT NULL,
	base TEXT NOT NULL,
	quote TEXT NOT NULL,
	rate TEXT NOT NULL,
	valid_from_us INTEGER NOT NULL,
	valid_until_us INTEGER NOT NULL,
	CONSTRAINT pk_exchange_rates PRIMARY KEY (rate_id),
	CONSTRAINT ck_exchange_rates_validity CHECK (valid_from_us < valid_until_us)
);

CREATE INDEX ix_exchange_rates_pair ON exchange_rates (base, quote, valid_from_us);

CREATE TABLE payment_conversions (
	payment_id TEXT NOT NULL,
	rate TEXT NOT NULL,
	presentment_minor INTEGER NOT NULL,
	presentment_currency TEXT NOT NULL,
	settlement_minor INTEGER NOT NULL,
	settlement_currency TEXT NOT NULL,
	fee_minor INTEGER NOT NULL,
	returned_minor INTEGER NOT NULL,
	fee_returned_minor INTEGER NOT NULL,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_payment_conversions PRIMARY KEY (payment_id),
	CONSTRAINT ck_payment_conversions_returned CHECK (returned_minor BETWEEN 0 AND settlement_minor),
	CONSTRAINT ck_payment_conversions_fee_returned CHECK (fee_returned_minor BETWEEN 0 AND fee_minor)
);

CREATE TABLE refund_conversions (
	refund_id TEXT NOT NULL,
	payment_id TEXT NOT NULL,
	returned_minor INTEGER NOT NULL,
	fee_returned_minor INTEGER NOT NULL,
	CONSTRAINT pk_refund_conversions PRIMARY KEY (refund_id),
	CONSTRAINT ck_refund_conversions_returned CHECK (returned_minor >= 0),
	CONSTRAINT ck_refund_conversions_fee_returned CHECK (fee_returned_minor BETWEEN 0 AND returned_minor)
);

CREATE INDEX ix_refund_conversions_payment_id ON refund_conversions (payment_id);
