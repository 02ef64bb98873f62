BEGIN TRANSACTION;
CREATE TABLE batch (
	id VARCHAR(32) NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(80) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	place VARCHAR(200) NOT NULL, 
	taking_in VARCHAR(64), 
	PRIMARY KEY (id), 
	UNIQUE (taking_in)
);
INSERT INTO "batch" VALUES('b','2026-11-24 10:00:00.000000','eva','Norr','',NULL);
CREATE TABLE client (
	pid VARCHAR(20) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	protected BOOLEAN NOT NULL, 
	address VARCHAR(200) DEFAULT '' NOT NULL, 
	PRIMARY KEY (pid)
);
INSERT INTO "client" VALUES('189001019802','Asta Ek','Norr',0,'');
CREATE TABLE decision (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	field VARCHAR(80) NOT NULL, 
	value JSON, 
	state VARCHAR(20) NOT NULL, 
	how VARCHAR(20) NOT NULL, 
	settled BOOLEAN NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE draft (
	entry VARCHAR(44) NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	field VARCHAR(80) NOT NULL, 
	value JSON, 
	state VARCHAR(20) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (entry, login, field), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE entry (
	id VARCHAR(44) NOT NULL, 
	sheet VARCHAR(41) NOT NULL, 
	serial VARCHAR(8), 
	page VARCHAR(40) NOT NULL, 
	"row" INTEGER, 
	form VARCHAR(60) NOT NULL, 
	version INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	criticality VARCHAR(1) NOT NULL, 
	state VARCHAR(30) NOT NULL, 
	revision INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	client_pid VARCHAR(20), 
	event_on VARCHAR(10), 
	created_at DATETIME NOT NULL, 
	first_by VARCHAR(80), 
	first_at DATETIME, 
	second_by VARCHAR(80), 
	second_at DATETIME, 
	claimed_by VARCHAR(80), 
	claimed_until DATETIME, 
	skipped INTEGER NOT NULL, 
	rank INTEGER NOT NULL, 
	voided TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(page) REFERENCES page (id)
);
INSERT INTO "entry" VALUES('p-00','p',NULL,'p',NULL,'besokslista',1,'Norr','A','review',0,'','189001019802','2026-11-20','2026-11-24 10:00:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,0,1,NULL);
CREATE TABLE event (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	subject VARCHAR(80) NOT NULL, 
	detail JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "event" VALUES(1,'2026-11-28 21:26:31.896395','eva','try','x','{"count": 1}');
CREATE TABLE export_item (
	run VARCHAR(32) NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (run, entry), 
	UNIQUE (entry, revision), 
	FOREIGN KEY(run) REFERENCES export_run (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE export_run (
	id VARCHAR(32) NOT NULL, 
	target VARCHAR(40) NOT NULL, 
	file_name VARCHAR(120) NOT NULL, 
	file_sha256 VARCHAR(64) NOT NULL, 
	made_at DATETIME NOT NULL, 
	made_by VARCHAR(80) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE issued_sheet (
	serial VARCHAR(8) NOT NULL, 
	form VARCHAR(60) NOT NULL, 
	version INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	client_pid VARCHAR(20), 
	issued_at DATETIME NOT NULL, 
	issued_by VARCHAR(80) NOT NULL, 
	PRIMARY KEY (serial)
);
CREATE TABLE login_failure (
	id INTEGER NOT NULL, 
	login_sha256 VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE page (
	id VARCHAR(40) NOT NULL, 
	batch VARCHAR(32) NOT NULL, 
	position INTEGER NOT NULL, 
	source_name VARCHAR(400) NOT NULL, 
	source_page INTEGER NOT NULL, 
	source_sha256 VARCHAR(64), 
	image_sha256 VARCHAR(64), 
	media_type VARCHAR(40), 
	scanned_at DATETIME NOT NULL, 
	scanned_by VARCHAR(80) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	attempts INTEGER NOT NULL, 
	outcome VARCHAR(20), 
	reason TEXT NOT NULL, 
	duplicate_of VARCHAR(40), 
	settled BOOLEAN NOT NULL, 
	form VARCHAR(60), 
	version INTEGER, 
	page_no INTEGER, 
	pages INTEGER, 
	serial VARCHAR(8), 
	sheet VARCHAR(41), 
	rotation_deg FLOAT, 
	residual_mm FLOAT, 
	problems JSON NOT NULL, 
	upright_sha256 VARCHAR(64), 
	read_at DATETIME, 
	reader_version VARCHAR(40), 
	PRIMARY KEY (id), 
	UNIQUE (batch, position), 
	FOREIGN KEY(batch) REFERENCES batch (id)
);
INSERT INTO "page" VALUES('p','b',0,'',0,NULL,NULL,NULL,'2026-11-24 10:00:00.000000','','Norr','read',0,NULL,'',NULL,0,'besokslista',1,NULL,NULL,NULL,'p',NULL,NULL,'[]',NULL,NULL,NULL);
CREATE TABLE reading (
	page VARCHAR(40) NOT NULL, 
	field VARCHAR(80) NOT NULL, 
	value JSON, 
	p FLOAT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	alternatives JSON NOT NULL, 
	characters JSON NOT NULL, 
	reasons JSON, 
	PRIMARY KEY (page, field), 
	FOREIGN KEY(page) REFERENCES page (id)
);
INSERT INTO "reading" VALUES('p','datum',NULL,1.0,'read','[]','[]',NULL);
CREATE TABLE receipt (
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	run VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	accepted BOOLEAN NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (entry, revision), 
	FOREIGN KEY(entry) REFERENCES entry (id), 
	FOREIGN KEY(run) REFERENCES export_run (id)
);
CREATE TABLE schema_info (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_info" VALUES(3);
CREATE TABLE staff (
	login VARCHAR(80) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	role VARCHAR(40) NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	active BOOLEAN NOT NULL, 
	PRIMARY KEY (login)
);
INSERT INTO "staff" VALUES('eva','Eva','','reviewer','x',1);
CREATE TABLE staff_signature (
	unit VARCHAR(80) NOT NULL, 
	signature VARCHAR(20) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	PRIMARY KEY (unit, signature, name)
);
CREATE TABLE staff_unit (
	login VARCHAR(80) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	PRIMARY KEY (login, unit), 
	FOREIGN KEY(login) REFERENCES staff (login), 
	FOREIGN KEY(unit) REFERENCES unit (name)
);
CREATE TABLE unit (
	name VARCHAR(80) NOT NULL, 
	area VARCHAR(8) NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "unit" VALUES('Norr','HSL');
CREATE TABLE worker (
	id VARCHAR(60) NOT NULL, 
	beat_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX ix_client_unit ON client (unit);
CREATE INDEX ix_login_failure_login_sha256 ON login_failure (login_sha256);
CREATE INDEX ix_event_subject ON event (subject);
CREATE INDEX ix_page_state ON page (state);
CREATE INDEX ix_page_image_sha256 ON page (image_sha256);
CREATE INDEX ix_page_source_sha256 ON page (source_sha256);
CREATE INDEX page_sheet_side ON page (serial, page_no);
CREATE INDEX ix_page_sheet ON page (sheet);
CREATE INDEX ix_page_serial ON page (serial);
CREATE INDEX entry_claim ON entry (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX ix_entry_serial ON entry (serial);
CREATE INDEX entry_ready ON entry (unit, form) WHERE state = 'bekräftad';
CREATE INDEX ix_entry_sheet ON entry (sheet);
CREATE INDEX entry_queue ON entry (rank, criticality, skipped, created_at, id, unit, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX ix_decision_entry ON decision (entry);
COMMIT;
