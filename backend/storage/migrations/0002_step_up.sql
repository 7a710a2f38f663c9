DROP INDEX ix_one_default_a_device;

ALTER TABLE provisioned_cards RENAME TO provisioned_cards_0001;

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
	decisions TEXT DEFAULT '' NOT NULL,
	terms_version TEXT,
	terms_accepted_at_us INTEGER,
	CONSTRAINT pk_provisioned_cards PRIMARY KEY (id),
	CONSTRAINT uq_provisioned_cards_user_id_device_id_last4_network UNIQUE (user_id, device_id, last4, network),
	CONSTRAINT ck_provisioned_cards_status CHECK (status IN ('requested', 'pending', 'active', 'suspended', 'rejected')),
	CONSTRAINT uq_provisioned_cards_token_ref UNIQUE (token_ref),
	CONSTRAINT uq_provisioned_cards_token_fingerprint UNIQUE (token_fingerprint)
);

CREATE UNIQUE INDEX ix_one_default_a_device ON provisioned_cards (user_id, device_id) WHERE is_default = 1;

INSERT INTO provisioned_cards (
    id, user_id, device_id, token_ref, token_fingerprint, network, last4, token_last4,
    card_type, product, card_art_url, status, is_default, suspended_at_us, suspend_reason,
    provisioned_at_us, updated_at_us, decisions
)
SELECT
    id, user_id, device_id, token_ref, token_fingerprint, network, last4, token_last4,
    card_type, product, card_art_url, CASE status WHEN 'pending' THEN 'requested' ELSE status
    END, is_default, suspended_at_us, suspend_reason, provisioned_at_us, updated_at_us, ''
FROM provisioned_cards_0001;

DROP TABLE provisioned_cards_0001;
