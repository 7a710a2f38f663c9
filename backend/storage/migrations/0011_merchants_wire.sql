CREATE TABLE wire_keys (
	merchant_id TEXT NOT NULL,
	"key" TEXT NOT NULL,
	request_hash BLOB NOT NULL,
	object_id TEXT,
	status INTEGER,
	body BLOB,
	request_id TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_wire_keys PRIMARY KEY (merchant_id, "key"),
	CONSTRAINT ck_wire_keys_answer CHECK ((status IS NULL) = (body IS NULL))
)
 WITHOUT ROWID;

CREATE TABLE gateway_objects (
	id TEXT NOT NULL,
	merchant_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	version INTEGER NOT NULL,
	state TEXT NOT NULL,
	customer_id TEXT,
	payment_id TEXT,
	data TEXT NOT NULL,
	CONSTRAINT pk_gateway_objects PRIMARY KEY (id),
	CONSTRAINT ck_gateway_objects_version CHECK (version > 0)
)
 WITHOUT ROWID;

CREATE INDEX ix_gateway_objects_list ON gateway_objects (merchant_id, kind, id);

CREATE INDEX ix_gateway_objects_unfinished ON gateway_objects (state) WHERE state IN ('processing', 'requires_capture');

CREATE INDEX ix_payments_approved ON payments (id) WHERE state = 'approved';

CREATE INDEX ix_payments_merchant_id_id ON payments (merchant_id, id);
