CREATE TABLE events (
	source TEXT NOT NULL,
	seq INTEGER NOT NULL,
	lab_time_us INTEGER NOT NULL,
	real_time_us INTEGER NOT NULL,
	actor TEXT NOT NULL,
	kind TEXT NOT NULL,
	payment_id TEXT,
	tap_id TEXT,
	cause_id TEXT,
	data TEXT NOT NULL,
	CONSTRAINT pk_events PRIMARY KEY (source, seq)
)
 WITHOUT ROWID;

CREATE INDEX ix_events_payment_id ON events (payment_id);

CREATE INDEX ix_events_tap_id ON events (tap_id);

CREATE TABLE outbox_cursors (
	consumer TEXT NOT NULL,
	seq INTEGER NOT NULL,
	CONSTRAINT pk_outbox_cursors PRIMARY KEY (consumer)
);

CREATE TABLE tap_beliefs (
	tap_id TEXT NOT NULL,
	phone TEXT,
	till TEXT,
	updated_at_us INTEGER NOT NULL,
	CONSTRAINT pk_tap_beliefs PRIMARY KEY (tap_id)
);

CREATE TABLE audit_logs (
	id INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	user_id TEXT,
	action TEXT NOT NULL,
	resource_type TEXT NOT NULL,
	resource_id TEXT,
	result TEXT NOT NULL,
	ip_address TEXT,
	metadata TEXT NOT NULL,
	CONSTRAINT pk_audit_logs PRIMARY KEY (id)
);

CREATE TABLE ledger_entries (
	shard INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	transaction_id TEXT NOT NULL,
	purpose TEXT NOT NULL,
	payment_id TEXT NOT NULL,
	account TEXT NOT NULL,
	direction TEXT NOT NULL,
	amount_minor INTEGER NOT NULL,
	currency TEXT NOT NULL,
	sentence TEXT NOT NULL,
	at_us INTEGER NOT NULL,
	previous_hash BLOB NOT NULL,
	hash BLOB NOT NULL,
	CONSTRAINT pk_ledger_entries PRIMARY KEY (shard, seq),
	CONSTRAINT ck_ledger_entries_direction CHECK (direction IN ('debit', 'credit')),
	CONSTRAINT ck_ledger_entries_amount CHECK (amount_minor >= 0)
)
 WITHOUT ROWID;

CREATE INDEX ix_ledger_entries_payment_id ON ledger_entries (payment_id);

CREATE TRIGGER tr_ledger_entries_no_update BEFORE UPDATE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: correct by reversing'); END;

CREATE TRIGGER tr_ledger_entries_no_delete BEFORE DELETE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: correct by reversing'); END;

CREATE TABLE event_numbers (
	source TEXT NOT NULL,
	reserved_to INTEGER NOT NULL,
	CONSTRAINT pk_event_numbers PRIMARY KEY (source)
);

CREATE TABLE merchants (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	category TEXT NOT NULL,
	terminal_id TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_merchants PRIMARY KEY (id)
);

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
	CONSTRAINT pk_payments PRIMARY KEY (id),
	CONSTRAINT ck_payments_amount CHECK (amount_minor > 0),
	CONSTRAINT ck_payments_atc CHECK (atc BETWEEN 1 AND 65535),
	CONSTRAINT ck_payments_type CHECK (transaction_type IN ('nfc', 'in_app', 'web')),
	CONSTRAINT ck_payments_state CHECK (state IN ('authorizing', 'approved', 'declined', 'not_sent', 'unknown', 'reversing', 'reversed'))
)
 WITHOUT ROWID;

CREATE INDEX ix_payments_token_ref_created_at_us ON payments (token_ref, created_at_us DESC);

CREATE INDEX ix_payments_unsettled ON payments (state) WHERE state IN ('authorizing', 'unknown', 'reversing');

CREATE TABLE idempotency_keys (
	account TEXT NOT NULL,
	mode TEXT NOT NULL,
	"key" TEXT NOT NULL,
	request_hash BLOB NOT NULL,
	payment_id TEXT NOT NULL,
	state TEXT NOT NULL,
	response_status INTEGER,
	response_body BLOB,
	created_at_us INTEGER NOT NULL,
	updated_at_us INTEGER NOT NULL,
	CONSTRAINT pk_idempotency_keys PRIMARY KEY (account, mode, "key"),
	CONSTRAINT ck_idempotency_keys_state CHECK (state IN ('in_flight', 'released', 'pending', 'final'))
)
 WITHOUT ROWID;

CREATE TABLE token_atc (
	token_ref TEXT NOT NULL,
	last_atc INTEGER NOT NULL,
	updated_at_us INTEGER NOT NULL,
	CONSTRAINT pk_token_atc PRIMARY KEY (token_ref),
	CONSTRAINT ck_token_atc_last_atc CHECK (last_atc BETWEEN 1 AND 65535)
);

CREATE TABLE atc_reservations (
	token_ref TEXT NOT NULL,
	atc INTEGER NOT NULL,
	payment_id TEXT NOT NULL,
	forged INTEGER NOT NULL,
	CONSTRAINT pk_atc_reservations PRIMARY KEY (token_ref, atc)
)
 WITHOUT ROWID;

CREATE TABLE payment_follow_ups (
	id INTEGER NOT NULL,
	payment_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	due_at_us INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	done_at_us INTEGER,
	result TEXT,
	CONSTRAINT pk_payment_follow_ups PRIMARY KEY (id),
	CONSTRAINT ck_payment_follow_ups_kind CHECK (kind IN ('status_query', 'reversal'))
);

CREATE INDEX ix_payment_follow_ups_due ON payment_follow_ups (due_at_us) WHERE done_at_us IS NULL;

CREATE INDEX ix_payment_follow_ups_payment_id ON payment_follow_ups (payment_id);

CREATE TABLE network_numbers (
	id INTEGER NOT NULL,
	next_number INTEGER NOT NULL,
	CONSTRAINT pk_network_numbers PRIMARY KEY (id),
	CONSTRAINT ck_network_numbers_one_row CHECK (id = 1)
);

CREATE TABLE request_keys (
	user_id TEXT NOT NULL,
	"key" TEXT NOT NULL,
	request_hash BLOB NOT NULL,
	answer BLOB,
	claimed_at_us INTEGER NOT NULL,
	CONSTRAINT pk_request_keys PRIMARY KEY (user_id, "key")
)
 WITHOUT ROWID;

CREATE TABLE users (
	id TEXT NOT NULL,
	email TEXT NOT NULL,
	password_hash TEXT,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_users PRIMARY KEY (id),
	CONSTRAINT uq_users_email UNIQUE (email)
);

CREATE TABLE devices (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	lost_at_us INTEGER,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_devices PRIMARY KEY (id),
	CONSTRAINT ck_devices_kind CHECK (kind IN ('phone', 'watch'))
);

CREATE TABLE sessions (
	id_hash BLOB NOT NULL,
	user_id TEXT NOT NULL,
	device_id TEXT,
	created_at_us INTEGER NOT NULL,
	expires_at_us INTEGER NOT NULL,
	CONSTRAINT pk_sessions PRIMARY KEY (id_hash)
);

CREATE TABLE provisioned_cards (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	token_ref TEXT NOT NULL,
	token_fingerprint BLOB NOT NULL,
	network TEXT NOT NULL,
	last4 TEXT NOT NULL,
	token_last4 TEXT NOT NULL,
	card_type TEXT NOT NULL,
	product TEXT NOT NULL,
	card_art_url TEXT NOT NULL,
	status TEXT NOT NULL,
	is_default INTEGER NOT NULL,
	suspended_at_us INTEGER,
	suspend_reason TEXT,
	provisioned_at_us INTEGER NOT NULL,
	updated_at_us INTEGER NOT NULL,
	CONSTRAINT pk_provisioned_cards PRIMARY KEY (id),
	CONSTRAINT uq_provisioned_cards_user_id_device_id_last4_network UNIQUE (user_id, device_id, last4, network),
	CONSTRAINT ck_provisioned_cards_status CHECK (status IN ('pending', 'active', 'suspended')),
	CONSTRAINT uq_provisioned_cards_token_ref UNIQUE (token_ref),
	CONSTRAINT uq_provisioned_cards_token_fingerprint UNIQUE (token_fingerprint)
);

CREATE UNIQUE INDEX ix_one_default_a_device ON provisioned_cards (user_id, device_id) WHERE is_default = 1;

CREATE TABLE device_messages (
	id INTEGER NOT NULL,
	device_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	body TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	delivered_at_us INTEGER,
	CONSTRAINT pk_device_messages PRIMARY KEY (id)
);

CREATE INDEX ix_device_messages_device_id ON device_messages (device_id);
