BEGIN TRANSACTION;
CREATE TABLE address_failure (
	id INTEGER NOT NULL, 
	address_sha256 VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE author_answer (
	id INTEGER NOT NULL, 
	question INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	answered_by VARCHAR(120) NOT NULL, 
	answered_at DATETIME NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(question) REFERENCES question (id)
);
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
CREATE TABLE break_glass_use (
	id VARCHAR(16) NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	reason TEXT NOT NULL, 
	seen_by VARCHAR(80), 
	seen_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE browser_session (
	token_sha256 VARCHAR(64) NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	started_at DATETIME NOT NULL, 
	active_at DATETIME NOT NULL, 
	proved_at DATETIME, 
	ended_at DATETIME, 
	ended_why VARCHAR(20), 
	PRIMARY KEY (token_sha256), 
	FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE client (
	pid VARCHAR(20) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	protected BOOLEAN NOT NULL, 
	address VARCHAR(200) DEFAULT '' NOT NULL, 
	PRIMARY KEY (pid)
);
INSERT INTO "client" VALUES('189001019802','Asta Ek','Norr',0,'');
CREATE TABLE client_block (
	id VARCHAR(16) NOT NULL, 
	client_pid VARCHAR(20) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	set_at DATETIME NOT NULL, 
	set_by VARCHAR(80) NOT NULL, 
	reason TEXT NOT NULL, 
	lifted_at DATETIME, 
	lifted_by VARCHAR(80), 
	lifted_reason TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE client_choice (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	codes JSON NOT NULL, 
	choice VARCHAR(40) NOT NULL, 
	why VARCHAR(300) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE closed_guide (
	login VARCHAR(80) NOT NULL, 
	closed_at DATETIME NOT NULL, 
	PRIMARY KEY (login), 
	FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE control (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	field VARCHAR(80) NOT NULL, 
	drawn_at DATETIME NOT NULL, 
	passed INTEGER NOT NULL, 
	claimed_by VARCHAR(80), 
	claimed_until DATETIME, 
	revision INTEGER, 
	confirmed_by VARCHAR(80), 
	typed_by VARCHAR(80), 
	typed_at DATETIME, 
	typed_value JSON, 
	typed_state VARCHAR(20), 
	third_by VARCHAR(80), 
	third_at DATETIME, 
	outcome VARCHAR(10), 
	PRIMARY KEY (id), 
	UNIQUE (entry, field), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE control_key (
	id INTEGER NOT NULL, 
	secret VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
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
CREATE TABLE duplicate_mark (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	other_entry VARCHAR(44), 
	text TEXT NOT NULL, 
	picture_sha256 VARCHAR(64), 
	why VARCHAR(300) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	taken_back_by VARCHAR(80), 
	taken_back_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id), 
	FOREIGN KEY(other_entry) REFERENCES entry (id)
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
	area VARCHAR(8), 
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
	lane INTEGER DEFAULT '2' NOT NULL, 
	due_at DATETIME, 
	likely_pid VARCHAR(20) DEFAULT '' NOT NULL, 
	happened VARCHAR(16) DEFAULT '' NOT NULL, 
	first_on VARCHAR(10) DEFAULT '' NOT NULL, 
	last_on VARCHAR(10) DEFAULT '' NOT NULL, 
	author VARCHAR(120), 
	signed_by VARCHAR(80), 
	signed_at DATETIME, 
	signed_why VARCHAR(300), 
	PRIMARY KEY (id), 
	FOREIGN KEY(page) REFERENCES page (id)
);
INSERT INTO "entry" VALUES('p-00','p',NULL,'p',NULL,'besokslista',1,'Norr',NULL,'A','review',0,'','189001019802','2026-11-20','2026-11-24 10:00:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,0,1,NULL,2,NULL,'','','','',NULL,NULL,NULL,NULL);
CREATE TABLE entry_version (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	state VARCHAR(30) NOT NULL, 
	reason TEXT NOT NULL, 
	voided BOOLEAN NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE event (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	subject VARCHAR(80) NOT NULL, 
	detail JSON NOT NULL, 
	unit VARCHAR(80), 
	previous VARCHAR(64), 
	sha256 VARCHAR(64), 
	PRIMARY KEY (id)
);
INSERT INTO "event" VALUES(1,'2026-11-28 21:26:42.315370','system','save_unit','Norr','{"area": "HSL"}','Norr','0000000000000000000000000000000000000000000000000000000000000000','1b4bf21fcc9b01b5b3bf54fa8b0d80af66bc0d1dec140053244bf28d5bdd09ef');
INSERT INTO "event" VALUES(2,'2026-11-28 21:26:42.325091','system','save_clients','clients','{"count": 1}',NULL,'1b4bf21fcc9b01b5b3bf54fa8b0d80af66bc0d1dec140053244bf28d5bdd09ef','17c756f6d0124157dd10e0d527396d7e55088e7d90cc646e71bcc7373bb8e261');
INSERT INTO "event" VALUES(3,'2026-11-28 21:26:42.325395','eva','try','x','{"count": 1}',NULL,'17c756f6d0124157dd10e0d527396d7e55088e7d90cc646e71bcc7373bb8e261','282e68f5872aa5990c081220984817b9376ea08dcd423c5ebf0256beaa474369');
CREATE TABLE event_head (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "event_head" VALUES(1,3,'282e68f5872aa5990c081220984817b9376ea08dcd423c5ebf0256beaa474369');
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
CREATE TABLE forwarding (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	from_unit VARCHAR(80) NOT NULL, 
	to_unit VARCHAR(80) NOT NULL, 
	why VARCHAR(300) NOT NULL, 
	secret BOOLEAN NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
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
CREATE TABLE log_key (
	id INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "log_key" VALUES(1,'2c8bbb814795e051ee3e9f635425683a5dda2e633d4c6c1a699d60417819b91e');
CREATE TABLE login_failure (
	id INTEGER NOT NULL, 
	login_sha256 VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE look (
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	fields INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	second BOOLEAN NOT NULL, 
	PRIMARY KEY (entry, revision), 
	FOREIGN KEY(entry) REFERENCES entry (id)
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
	area VARCHAR(8), 
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
INSERT INTO "page" VALUES('p','b',0,'',0,NULL,NULL,NULL,'2026-11-24 10:00:00.000000','','Norr',NULL,'read',0,NULL,'',NULL,0,'besokslista',1,NULL,NULL,NULL,'p',NULL,NULL,'[]',NULL,NULL,NULL);
CREATE TABLE plant (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	field VARCHAR(80) NOT NULL, 
	value JSON, 
	state VARCHAR(20) NOT NULL, 
	start INTEGER NOT NULL, 
	"end" INTEGER NOT NULL, 
	shown_at DATETIME NOT NULL, 
	outcome VARCHAR(10), 
	ended_at DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (entry, login), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE pull (
	id VARCHAR(32) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	what VARCHAR(44) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE question (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	author VARCHAR(120) NOT NULL, 
	text TEXT NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
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
INSERT INTO "schema_info" VALUES(4);
CREATE TABLE signature (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	act VARCHAR(32) NOT NULL, 
	taken_back BOOLEAN NOT NULL, 
	own BOOLEAN NOT NULL, 
	author VARCHAR(120) NOT NULL, 
	why VARCHAR(300) NOT NULL, 
	rule INTEGER, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE staff (
	login VARCHAR(80) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	role VARCHAR(40) NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	active BOOLEAN NOT NULL, 
	areas VARCHAR(40), 
	break_glass BOOLEAN DEFAULT 0 NOT NULL, 
	must_change BOOLEAN DEFAULT 0 NOT NULL, 
	refused_until DATETIME, 
	PRIMARY KEY (login)
);
INSERT INTO "staff" VALUES('eva','Eva','','reviewer','x',1,'HSL IFO LSS SoL',0,0,NULL);
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
CREATE TABLE temporary_identity (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	number VARCHAR(20) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	reason TEXT NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	settled_by VARCHAR(80), 
	settled_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE unit (
	name VARCHAR(80) NOT NULL, 
	area VARCHAR(8) NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "unit" VALUES('Norr','HSL');
CREATE TABLE unused_sheet (
	id INTEGER NOT NULL, 
	serial VARCHAR(8) NOT NULL, 
	lot VARCHAR(32) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE worker (
	id VARCHAR(60) NOT NULL, 
	beat_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX ix_client_unit ON client (unit);
CREATE INDEX ix_event_at ON event (at);
CREATE INDEX ix_event_subject ON event (subject);
CREATE INDEX ix_address_failure_address_sha256 ON address_failure (address_sha256);
CREATE UNIQUE INDEX client_block_stands ON client_block (client_pid, unit) WHERE lifted_at IS NULL;
CREATE INDEX ix_login_failure_login_sha256 ON login_failure (login_sha256);
CREATE UNIQUE INDEX unused_standing ON unused_sheet (serial) WHERE undone_at IS NULL;
CREATE INDEX ix_unused_sheet_lot ON unused_sheet (lot);
CREATE INDEX ix_page_sheet ON page (sheet);
CREATE INDEX ix_page_image_sha256 ON page (image_sha256);
CREATE INDEX ix_page_source_sha256 ON page (source_sha256);
CREATE INDEX ix_page_serial ON page (serial);
CREATE INDEX ix_page_state ON page (state);
CREATE INDEX page_sheet_side ON page (serial, page_no);
CREATE INDEX ix_browser_session_login ON browser_session (login);
CREATE INDEX entry_likely ON entry (likely_pid) WHERE likely_pid != '';
CREATE INDEX entry_claim ON entry (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX ix_entry_sheet ON entry (sheet);
CREATE INDEX entry_signed ON entry (unit, form) WHERE state = 'signerad';
CREATE INDEX entry_ready ON entry (unit, form) WHERE state = 'bekräftad';
CREATE INDEX entry_queue_oldest ON entry (rank, lane, skipped, due_at, first_on, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_queue_newest ON entry (rank, lane, skipped, due_at, last_on DESC, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_client ON entry (client_pid) WHERE client_pid IS NOT NULL;
CREATE INDEX ix_entry_serial ON entry (serial);
CREATE INDEX ix_decision_entry ON decision (entry);
CREATE INDEX control_open ON control (drawn_at) WHERE outcome IS NULL;
CREATE INDEX look_login ON look (login, at);
CREATE INDEX ix_temporary_identity_entry ON temporary_identity (entry);
CREATE INDEX ix_client_choice_entry ON client_choice (entry);
CREATE INDEX ix_forwarding_from_unit ON forwarding (from_unit);
CREATE INDEX ix_forwarding_entry ON forwarding (entry);
CREATE INDEX ix_question_entry ON question (entry);
CREATE INDEX ix_question_unit ON question (unit);
CREATE INDEX ix_duplicate_mark_entry ON duplicate_mark (entry);
CREATE INDEX ix_entry_version_entry ON entry_version (entry);
CREATE INDEX ix_signature_entry ON signature (entry);
CREATE INDEX ix_author_answer_question ON author_answer (question);
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_no_replace BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_head_forward BEFORE UPDATE ON event_head WHEN NEW.number <= OLD.number BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_head_no_delete BEFORE DELETE ON event_head BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_head_no_replace BEFORE INSERT ON event_head WHEN EXISTS (SELECT 1 FROM event_head WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
COMMIT;
