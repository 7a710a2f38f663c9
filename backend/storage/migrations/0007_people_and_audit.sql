ALTER TABLE users ADD COLUMN erased_at_us INTEGER;

ALTER TABLE devices ADD COLUMN public_key TEXT;

ALTER TABLE sessions ADD COLUMN device_verified_at_us INTEGER;

ALTER TABLE sessions ADD COLUMN face_enrolled INTEGER DEFAULT 0 NOT NULL;

ALTER TABLE audit_logs RENAME TO audit_logs_0005;

CREATE TABLE audit_logs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	at_us INTEGER NOT NULL,
	user_id TEXT,
	action TEXT NOT NULL,
	resource_type TEXT NOT NULL,
	resource_id TEXT,
	result TEXT NOT NULL,
	metadata TEXT NOT NULL,
	address_digest BLOB,
	hash BLOB NOT NULL,
	ip_address TEXT,
	address_salt BLOB
);

CREATE INDEX ix_audit_logs_addresses ON audit_logs (user_id) WHERE ip_address IS NOT NULL;

-- The lines that there were are chained here.

DROP TABLE audit_logs_0005;

CREATE TRIGGER tr_audit_logs_no_update BEFORE UPDATE OF id, at_us, user_id, action, resource_type, resource_id, result, metadata, address_digest, hash ON audit_logs BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER tr_audit_logs_only_erase BEFORE UPDATE OF ip_address, address_salt ON audit_logs WHEN NEW.ip_address IS NOT NULL OR NEW.address_salt IS NOT NULL BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER tr_audit_logs_no_delete BEFORE DELETE ON audit_logs BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
