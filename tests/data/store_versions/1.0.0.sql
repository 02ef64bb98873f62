BEGIN TRANSACTION;
CREATE TABLE address_failure (
	id INTEGER NOT NULL, 
	address_sha256 VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE archive_package (
	id VARCHAR(40) NOT NULL, 
	file_name VARCHAR(120) NOT NULL, 
	file_sha256 VARCHAR(64) NOT NULL, 
	made_at DATETIME NOT NULL, 
	made_by VARCHAR(80) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE archived_sheet (
	package VARCHAR(40) NOT NULL, 
	sheet VARCHAR(41) NOT NULL, 
	content VARCHAR(64) NOT NULL, 
	rule VARCHAR(40) NOT NULL, 
	earliest VARCHAR(10) DEFAULT '' NOT NULL, 
	PRIMARY KEY (package, sheet), 
	UNIQUE (sheet, content), 
	FOREIGN KEY(package) REFERENCES archive_package (id)
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
INSERT INTO "batch" VALUES('20261202-f63cb953','2026-12-02 19:21:24.252698','bo','Norr','pärm 3',NULL);
INSERT INTO "batch" VALUES('20261202-3c161eee','2026-12-02 19:21:24.516604','bo','Norr','pärm 3',NULL);
INSERT INTO "batch" VALUES('20261202-2948c5cc','2026-12-02 19:21:24.640566','bo','Norr','pärm 3',NULL);
INSERT INTO "batch" VALUES('20261202-6352f212','2026-12-02 19:21:25.033673','bo','Söder','pärm 4',NULL);
INSERT INTO "batch" VALUES('20261202-90551166','2026-12-02 19:21:25.104302','bo','Norr','pärm 3',NULL);
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
CREATE TABLE care_list (
	id INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	area VARCHAR(8) NOT NULL, 
	rows INTEGER NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	erased_by VARCHAR(80), 
	erased_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE care_row (
	id INTEGER NOT NULL, 
	list INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	client_pid VARCHAR(20) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	clock VARCHAR(5) NOT NULL, 
	kind VARCHAR(200) NOT NULL, 
	text TEXT NOT NULL, 
	author VARCHAR(200) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(list) REFERENCES care_list (id)
);
CREATE TABLE clash_decision (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	same BOOLEAN NOT NULL, 
	mark INTEGER, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	taken_back_by VARCHAR(80), 
	taken_back_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id), 
	FOREIGN KEY(mark) REFERENCES duplicate_mark (id)
);
CREATE TABLE client (
	pid VARCHAR(20) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	protected BOOLEAN NOT NULL, 
	address VARCHAR(200) DEFAULT '' NOT NULL, 
	PRIMARY KEY (pid)
);
INSERT INTO "client" VALUES('192801287158','Siv Åkerlund','Norr',0,'');
INSERT INTO "client" VALUES('193402287381','Arne Öman','Norr',0,'');
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
INSERT INTO "control" VALUES(1,'BBBB01-00','lss','2026-12-02 19:21:24.586098',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE control_key (
	id INTEGER NOT NULL, 
	secret VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "control_key" VALUES(1,'62c869b1a654b91e43a87e38f29e14ee07cd2faafa0ad371907d891be3ff7558');
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
INSERT INTO "decision" VALUES(1,'AAAA01-00',1,'personnummer','"192801287158"','read','typed',0,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(2,'AAAA01-00',1,'namn','null','empty','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(3,'AAAA01-00',1,'handelsedatum','"2021-12-17"','read','typed',0,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(4,'AAAA01-00',1,'handelsetid','"08:15"','read','typed',0,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(5,'AAAA01-00',1,'skrivet_datum','null','empty','typed',0,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(6,'AAAA01-00',1,'skriven_tid','null','empty','typed',0,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(7,'AAAA01-00',1,'kontakttyp','"besok"','read','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(8,'AAAA01-00',1,'information','false','empty','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(9,'AAAA01-00',1,'anteckning','"L\u00e4ker."','read','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(10,'AAAA01-00',1,'plan','null','empty','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(11,'AAAA01-00',1,'lakare_datum','null','empty','typed',0,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(12,'AAAA01-00',1,'lakare_tid','null','empty','typed',0,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(13,'AAAA01-00',1,'lakare_namn','null','empty','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(14,'AAAA01-00',1,'skribent','"Gun Ek"','read','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(15,'AAAA01-00',1,'yrkestitel','"sjuksk\u00f6terska"','read','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(16,'AAAA01-00',1,'underskrift','null','empty','changed',1,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "decision" VALUES(17,'AAAA01-00',2,'personnummer','"192801287158"','read','second',1,'per','2026-12-02 19:21:24.421266');
INSERT INTO "decision" VALUES(18,'AAAA01-00',2,'handelsedatum','"2021-12-17"','read','second',1,'per','2026-12-02 19:21:24.421266');
INSERT INTO "decision" VALUES(19,'AAAA01-00',2,'handelsetid','"08:15"','read','second',1,'per','2026-12-02 19:21:24.421266');
INSERT INTO "decision" VALUES(20,'AAAA01-00',2,'skrivet_datum','null','empty','second',1,'per','2026-12-02 19:21:24.421266');
INSERT INTO "decision" VALUES(21,'AAAA01-00',2,'skriven_tid','null','empty','second',1,'per','2026-12-02 19:21:24.421266');
INSERT INTO "decision" VALUES(22,'AAAA01-00',2,'lakare_datum','null','empty','second',1,'per','2026-12-02 19:21:24.421266');
INSERT INTO "decision" VALUES(23,'AAAA01-00',2,'lakare_tid','null','empty','second',1,'per','2026-12-02 19:21:24.421266');
INSERT INTO "decision" VALUES(24,'BBBB01-00',1,'personnummer','"192801287158"','read','typed',0,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(25,'BBBB01-00',1,'namn','null','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(26,'BBBB01-00',1,'handelsedatum','"2021-12-17"','read','typed',0,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(27,'BBBB01-00',1,'handelsetid','"08:15"','read','typed',0,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(28,'BBBB01-00',1,'skrivet_datum','null','empty','typed',0,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(29,'BBBB01-00',1,'skriven_tid','null','empty','typed',0,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(30,'BBBB01-00',1,'insats','null','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(31,'BBBB01-00',1,'lss','false','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(32,'BBBB01-00',1,'anteckning','"L\u00e4ker."','read','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(33,'BBBB01-00',1,'avvikelse_plan','false','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(34,'BBBB01-00',1,'klagomal','false','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(35,'BBBB01-00',1,'anhorig_kontaktad','false','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(36,'BBBB01-00',1,'sjukskoterska_kontaktad','false','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(37,'BBBB01-00',1,'oriktig','false','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(38,'BBBB01-00',1,'skribent','"Gun Ek"','read','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(39,'BBBB01-00',1,'yrkestitel','"sjuksk\u00f6terska"','read','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(40,'BBBB01-00',1,'underskrift','null','empty','changed',1,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "decision" VALUES(41,'BBBB01-00',2,'personnummer','"192801287158"','read','second',1,'per','2026-12-02 19:21:24.586098');
INSERT INTO "decision" VALUES(42,'BBBB01-00',2,'handelsedatum','"2021-12-17"','read','second',1,'per','2026-12-02 19:21:24.586098');
INSERT INTO "decision" VALUES(43,'BBBB01-00',2,'handelsetid','"08:15"','read','second',1,'per','2026-12-02 19:21:24.586098');
INSERT INTO "decision" VALUES(44,'BBBB01-00',2,'skrivet_datum','null','empty','second',1,'per','2026-12-02 19:21:24.586098');
INSERT INTO "decision" VALUES(45,'BBBB01-00',2,'skriven_tid','null','empty','second',1,'per','2026-12-02 19:21:24.586098');
INSERT INTO "decision" VALUES(46,'CCCC01-00',1,'personnummer','"192801287158"','read','typed',0,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(47,'CCCC01-00',1,'namn','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(48,'CCCC01-00',1,'handelsedatum','"2021-12-23"','read','typed',0,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(49,'CCCC01-00',1,'handelsetid','"10:15"','read','typed',0,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(50,'CCCC01-00',1,'satt','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(51,'CCCC01-00',1,'anmalare_namn','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(52,'CCCC01-00',1,'anmalare_roll','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(53,'CCCC01-00',1,'telefon','null','empty','typed',0,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(54,'CCCC01-00',1,'anonym','false','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(55,'CCCC01-00',1,'vardnadshavare1_namn','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(56,'CCCC01-00',1,'vardnadshavare1_telefon','null','empty','typed',0,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(57,'CCCC01-00',1,'vardnadshavare2_namn','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(58,'CCCC01-00',1,'vardnadshavare2_telefon','null','empty','typed',0,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(59,'CCCC01-00',1,'vistelse','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(60,'CCCC01-00',1,'syskon','false','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(61,'CCCC01-00',1,'informerade','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(62,'CCCC01-00',1,'oro','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(63,'CCCC01-00',1,'akut','false','empty','typed',0,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(64,'CCCC01-00',1,'skribent','"Gun Ek"','read','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(65,'CCCC01-00',1,'yrkestitel','"sjuksk\u00f6terska"','read','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(66,'CCCC01-00',1,'underskrift','null','empty','changed',1,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "decision" VALUES(67,'CCCC01-00',2,'personnummer','"192801287158"','read','second',1,'per','2026-12-02 19:21:24.708939');
INSERT INTO "decision" VALUES(68,'CCCC01-00',2,'handelsedatum','"2021-12-23"','read','second',1,'per','2026-12-02 19:21:24.708939');
INSERT INTO "decision" VALUES(69,'CCCC01-00',2,'handelsetid','"10:15"','read','second',1,'per','2026-12-02 19:21:24.708939');
INSERT INTO "decision" VALUES(70,'CCCC01-00',2,'telefon','null','empty','second',1,'per','2026-12-02 19:21:24.708939');
INSERT INTO "decision" VALUES(71,'CCCC01-00',2,'vardnadshavare1_telefon','null','empty','second',1,'per','2026-12-02 19:21:24.708939');
INSERT INTO "decision" VALUES(72,'CCCC01-00',2,'vardnadshavare2_telefon','null','empty','second',1,'per','2026-12-02 19:21:24.708939');
INSERT INTO "decision" VALUES(73,'CCCC01-00',2,'akut','false','empty','second',1,'per','2026-12-02 19:21:24.708939');
INSERT INTO "decision" VALUES(74,'AAAA01-00',4,'anteckning','"L\u00e4kt."','read','correction',1,'anna','2026-12-02 19:21:24.997538');
CREATE TABLE draft (
	entry VARCHAR(44) NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	field VARCHAR(80) NOT NULL, 
	value JSON, 
	state VARCHAR(20) NOT NULL, 
	at DATETIME NOT NULL, 
	revision INTEGER DEFAULT '0' NOT NULL, 
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
	"before" JSON, 
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
	subject VARCHAR(10) DEFAULT 'client' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(page) REFERENCES page (id)
);
INSERT INTO "entry" VALUES('AAAA01-00','AAAA01','AAAA01','20261202-f63cb953-00001',NULL,'hsl-anteckning',1,'Norr','HSL','A','signerad',5,'läste fel','192801287158','2021-12-17','2026-12-02 19:21:24.287933','anna','2026-12-02 19:21:24.997538',NULL,NULL,NULL,NULL,0,1,NULL,1,NULL,'','2026-12-02','2026-12-02','2026-12-02','Gun Ek','per','2026-12-02 19:21:25.030260','författaren har slutat','client');
INSERT INTO "entry" VALUES('BBBB01-00','BBBB01','BBBB01','20261202-3c161eee-00001',NULL,'social-anteckning',1,'Norr','SoL','A','bekräftad',2,'','192801287158','2021-12-17','2026-12-02 19:21:24.520177','anna','2026-12-02 19:21:24.533019','per','2026-12-02 19:21:24.586098',NULL,NULL,0,1,NULL,1,NULL,'','2026-12-02','2026-12-02','2026-12-02','Gun Ek',NULL,NULL,NULL,'client');
INSERT INTO "entry" VALUES('CCCC01-00','CCCC01','CCCC01','20261202-2948c5cc-00001',NULL,'orosanmalan',1,'Norr','IFO','A','bekräftad',2,'','192801287158','2021-12-23','2026-12-02 19:21:24.644123','anna','2026-12-02 19:21:24.665127','per','2026-12-02 19:21:24.708939',NULL,NULL,0,1,NULL,0,'2021-12-24 22:59:00.000000','','2026-12-02','2026-12-02','2026-12-02','Gun Ek',NULL,NULL,NULL,'client');
INSERT INTO "entry" VALUES('EEEE01-00','EEEE01','EEEE01','20261202-90551166-00001',NULL,'hsl-anteckning',1,'Norr','HSL','A','granskas',0,'',NULL,NULL,'2026-12-02 19:21:25.109449',NULL,NULL,NULL,NULL,NULL,NULL,0,1,NULL,1,NULL,'','2026-12-02','2026-12-02','2026-12-02',NULL,NULL,NULL,NULL,'client');
CREATE TABLE entry_version (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	state VARCHAR(30) NOT NULL, 
	reason TEXT NOT NULL, 
	reason_before TEXT, 
	voided BOOLEAN NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
INSERT INTO "entry_version" VALUES(1,'AAAA01-00',1,'andra granskning','','',0,'anna','2026-12-02 19:21:24.321675');
INSERT INTO "entry_version" VALUES(2,'AAAA01-00',2,'bekräftad','','',0,'per','2026-12-02 19:21:24.421266');
INSERT INTO "entry_version" VALUES(3,'BBBB01-00',1,'andra granskning','','',0,'anna','2026-12-02 19:21:24.533019');
INSERT INTO "entry_version" VALUES(4,'BBBB01-00',2,'bekräftad','','',0,'per','2026-12-02 19:21:24.586098');
INSERT INTO "entry_version" VALUES(5,'CCCC01-00',1,'andra granskning','','',0,'anna','2026-12-02 19:21:24.665127');
INSERT INTO "entry_version" VALUES(6,'CCCC01-00',2,'bekräftad','','',0,'per','2026-12-02 19:21:24.708939');
INSERT INTO "entry_version" VALUES(7,'AAAA01-00',4,'bekräftad','läste fel','',0,'anna','2026-12-02 19:21:24.997538');
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
INSERT INTO "event" VALUES(1,'2026-12-02 19:21:21.744132','system','save_unit','Norr','{"area": "HSL"}','Norr','0000000000000000000000000000000000000000000000000000000000000000','7a9f12bf2211931e8b60578410fcbe40f53251406dceb53e7215f259080c216e');
INSERT INTO "event" VALUES(2,'2026-12-02 19:21:21.744153','system','save_unit','Söder','{"area": "HSL"}','Söder','7a9f12bf2211931e8b60578410fcbe40f53251406dceb53e7215f259080c216e','548591108f4af0d5a0ab20a54fd2db072f7b25cb3f25ccd83948118de985bdc0');
INSERT INTO "event" VALUES(3,'2026-12-02 19:21:21.752848','system','save_clients','clients','{"count": 2}',NULL,'548591108f4af0d5a0ab20a54fd2db072f7b25cb3f25ccd83948118de985bdc0','a8adca6750a70d1876f6525f67b9c13683ea9abde81815b90b0688160f0f5585');
INSERT INTO "event" VALUES(4,'2026-12-02 19:21:22.370723','system','save_person','anna','{"role": "granskare", "units": 2, "areas": "ADM HSL IFO LSS SoL"}',NULL,'a8adca6750a70d1876f6525f67b9c13683ea9abde81815b90b0688160f0f5585','9f81cc9d6df5dbdabe07c55d7835f1846254f8ea8c5c25a897aedfcbbad8d39f');
INSERT INTO "event" VALUES(5,'2026-12-02 19:21:22.983543','system','save_person','per','{"role": "granskare", "units": 2, "areas": "ADM HSL IFO LSS SoL"}',NULL,'9f81cc9d6df5dbdabe07c55d7835f1846254f8ea8c5c25a897aedfcbbad8d39f','5e0b3c8913a120b419e93b708c4082a3c528155317105199d7cdb9d3bb09d8f5');
INSERT INTO "event" VALUES(6,'2026-12-02 19:21:23.625300','system','save_person','tora','{"role": "granskare", "units": 2, "areas": "ADM HSL IFO LSS SoL"}',NULL,'5e0b3c8913a120b419e93b708c4082a3c528155317105199d7cdb9d3bb09d8f5','fe8114792fba1341842d5d76b871341a4fe25a46b0c18496e84bacbbf6094605');
INSERT INTO "event" VALUES(7,'2026-12-02 19:21:24.113145','system','save_person','stig','{"role": "granskare", "units": 1, "areas": "ADM HSL IFO LSS SoL"}',NULL,'fe8114792fba1341842d5d76b871341a4fe25a46b0c18496e84bacbbf6094605','c468da691276694b3ddf32546f2aead5fc15f014ceb4a202b0027fda66c9137a');
INSERT INTO "event" VALUES(8,'2026-12-02 19:21:24.253630','bo','add_batch','20261202-f63cb953','{}','Norr','c468da691276694b3ddf32546f2aead5fc15f014ceb4a202b0027fda66c9137a','18fa04d06698c618787c48843eca5bd1c5d62445f9de100fa0b7c1d1a01a948e');
INSERT INTO "event" VALUES(9,'2026-12-02 19:21:24.263114','system','read_page','20261202-f63cb953-00001','{"outcome": "read", "fields": 0}','Norr','18fa04d06698c618787c48843eca5bd1c5d62445f9de100fa0b7c1d1a01a948e','a2fd42396c9d90b69f6ca8586c40a4c53c229e8d0d814f150efa749998b240b7');
INSERT INTO "event" VALUES(10,'2026-12-02 19:21:24.353012','anna','decide','AAAA01-00','{"state": "andra granskning", "revision": 1, "fields": 16, "unsettled": 7}','Norr','a2fd42396c9d90b69f6ca8586c40a4c53c229e8d0d814f150efa749998b240b7','3e1b4458cc21394f711c4cef38b7b86cefeb405a0937551fa33013d739aca762');
INSERT INTO "event" VALUES(11,'2026-12-02 19:21:24.444876','per','decide','AAAA01-00','{"state": "bekr\u00e4ftad", "revision": 2, "fields": 7, "unsettled": 0}','Norr','3e1b4458cc21394f711c4cef38b7b86cefeb405a0937551fa33013d739aca762','67ae76561a0104431be92e29a958e84f40206c184a082c03f88124490da14076');
INSERT INTO "event" VALUES(12,'2026-12-02 19:21:24.470817','per','sign','AAAA01-00','{"own": false, "revision": 2}','Norr','67ae76561a0104431be92e29a958e84f40206c184a082c03f88124490da14076','5165007517df1c9c2f6aaf6fb56d0796c0c0934a427f419cbb415f37356c7819');
INSERT INTO "event" VALUES(13,'2026-12-02 19:21:24.516984','bo','add_batch','20261202-3c161eee','{}','Norr','5165007517df1c9c2f6aaf6fb56d0796c0c0934a427f419cbb415f37356c7819','42a9c7d8ced208e81a3633ae1a5e902629a4c5707f6f67cd2df21fc05eae1c23');
INSERT INTO "event" VALUES(14,'2026-12-02 19:21:24.518172','system','read_page','20261202-3c161eee-00001','{"outcome": "read", "fields": 0}','Norr','42a9c7d8ced208e81a3633ae1a5e902629a4c5707f6f67cd2df21fc05eae1c23','65580809ec222e1989a161e348e28d7063880208b4de72d56578d4a29a887226');
INSERT INTO "event" VALUES(15,'2026-12-02 19:21:24.549507','anna','decide','BBBB01-00','{"state": "andra granskning", "revision": 1, "fields": 17, "unsettled": 5}','Norr','65580809ec222e1989a161e348e28d7063880208b4de72d56578d4a29a887226','8a145eadccd8c3abfe27f7492b3981a1d29680564fd555c52276edf7858c263e');
INSERT INTO "event" VALUES(16,'2026-12-02 19:21:24.605399','per','decide','BBBB01-00','{"state": "bekr\u00e4ftad", "revision": 2, "fields": 5, "unsettled": 0}','Norr','8a145eadccd8c3abfe27f7492b3981a1d29680564fd555c52276edf7858c263e','0e5ce39586f5ac9bc442c2fda87a4dc3edd642aec33949a908f2b990567e5159');
INSERT INTO "event" VALUES(17,'2026-12-02 19:21:24.640958','bo','add_batch','20261202-2948c5cc','{}','Norr','0e5ce39586f5ac9bc442c2fda87a4dc3edd642aec33949a908f2b990567e5159','a0a95192e2f8e3c518542bb93f95ea9efec01cedace10514cc734b38fcede530');
INSERT INTO "event" VALUES(18,'2026-12-02 19:21:24.642139','system','read_page','20261202-2948c5cc-00001','{"outcome": "read", "fields": 0}','Norr','a0a95192e2f8e3c518542bb93f95ea9efec01cedace10514cc734b38fcede530','7b0f53974638fc80690e8603ddd1bd8357e8dd1032fd6920d392e0766fdf98f8');
INSERT INTO "event" VALUES(19,'2026-12-02 19:21:24.677274','anna','decide','CCCC01-00','{"state": "andra granskning", "revision": 1, "fields": 21, "unsettled": 7}','Norr','7b0f53974638fc80690e8603ddd1bd8357e8dd1032fd6920d392e0766fdf98f8','350ffc3ee9c6c55e34e01bad3ffcdceb1173d519597ccc250924517c2aac8d93');
INSERT INTO "event" VALUES(20,'2026-12-02 19:21:24.741762','per','decide','CCCC01-00','{"state": "bekr\u00e4ftad", "revision": 2, "fields": 7, "unsettled": 0}','Norr','350ffc3ee9c6c55e34e01bad3ffcdceb1173d519597ccc250924517c2aac8d93','99a85dcee51ae9bf95b1190e4754fb10c9699c3ba03f8f85017ee3d1b9070db4');
INSERT INTO "event" VALUES(21,'2026-12-02 19:21:24.980004','anna','export','20261202-202224-rivta-7f40','{"target": "rivta", "entries": 1, "sha256": "d8378741876995ea11920034b30edd903a0d7827082e59b34174fb28aecf5a21"}','Norr','99a85dcee51ae9bf95b1190e4754fb10c9699c3ba03f8f85017ee3d1b9070db4','06202e42d0bc389f8cd635fc1f192afbe199a0d4bf1eb75bb5623e14ce9f4bd6');
INSERT INTO "event" VALUES(22,'2026-12-02 19:21:24.980027','anna','exported','AAAA01-00','{"run": "20261202-202224-rivta-7f40", "revision": 1}','Norr','06202e42d0bc389f8cd635fc1f192afbe199a0d4bf1eb75bb5623e14ce9f4bd6','53bc89971e3bc87195ae2be5e5a6bda5eb331c2def0c6dd31dfa39ec4e769aa1');
INSERT INTO "event" VALUES(23,'2026-12-02 19:21:25.010546','anna','decide','AAAA01-00','{"state": "bekr\u00e4ftad", "revision": 4, "fields": 1, "unsettled": 0}','Norr','53bc89971e3bc87195ae2be5e5a6bda5eb331c2def0c6dd31dfa39ec4e769aa1','99f0a6ceecb08e23147a4300ab2d83a6c708e9873a6b9f708d27266041c2f97b');
INSERT INTO "event" VALUES(24,'2026-12-02 19:21:25.031681','per','sign','AAAA01-00','{"own": false, "revision": 4}','Norr','99f0a6ceecb08e23147a4300ab2d83a6c708e9873a6b9f708d27266041c2f97b','c4f289acd40b8fa79a6f0759b6d5f90ded34f8adc61285541b52bf54b53a3e8d');
INSERT INTO "event" VALUES(25,'2026-12-02 19:21:25.033937','bo','add_batch','20261202-6352f212','{}','Söder','c4f289acd40b8fa79a6f0759b6d5f90ded34f8adc61285541b52bf54b53a3e8d','8e68317aa2adf5bba8c7bc28aba4e216962338670411a386ed228dd4a3eb3869');
INSERT INTO "event" VALUES(26,'2026-12-02 19:21:25.104767','bo','add_batch','20261202-90551166','{}','Norr','8e68317aa2adf5bba8c7bc28aba4e216962338670411a386ed228dd4a3eb3869','3deac55f49e03c65986315eb03820f2e56225007492085bbb02f103252bef3d8');
INSERT INTO "event" VALUES(27,'2026-12-02 19:21:25.106586','system','read_page','20261202-90551166-00001','{"outcome": "read", "fields": 18}','Norr','3deac55f49e03c65986315eb03820f2e56225007492085bbb02f103252bef3d8','545a85b9fcb1f7bbacace314cc6cae03a459f6aa7c10600a812154c32ca6b408');
CREATE TABLE event_head (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "event_head" VALUES(1,27,'545a85b9fcb1f7bbacace314cc6cae03a459f6aa7c10600a812154c32ca6b408');
CREATE TABLE export_item (
	run VARCHAR(32) NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	entry_revision INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (run, entry), 
	UNIQUE (entry, revision), 
	FOREIGN KEY(run) REFERENCES export_run (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
INSERT INTO "export_item" VALUES('20261202-202224-rivta-7f40','AAAA01-00',1,1,3);
CREATE TABLE export_run (
	id VARCHAR(32) NOT NULL, 
	target VARCHAR(40) NOT NULL, 
	file_name VARCHAR(120) NOT NULL, 
	file_sha256 VARCHAR(64) NOT NULL, 
	made_at DATETIME NOT NULL, 
	made_by VARCHAR(80) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "export_run" VALUES('20261202-202224-rivta-7f40','rivta','efterskrift-20261202-202224-rivta-7f40.xml','d8378741876995ea11920034b30edd903a0d7827082e59b34174fb28aecf5a21','2026-12-02 19:22:24.768958','Anna Öst');
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
CREATE TABLE group_cell (
	id INTEGER NOT NULL, 
	task VARCHAR(32) NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	field VARCHAR(80) NOT NULL, 
	page VARCHAR(40) NOT NULL, 
	marked BOOLEAN NOT NULL, 
	outcome VARCHAR(10), 
	ended_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(task) REFERENCES group_task (id), 
	FOREIGN KEY(entry) REFERENCES entry (id), 
	FOREIGN KEY(page) REFERENCES page (id)
);
CREATE TABLE group_setting (
	id INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	"on" BOOLEAN NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE group_task (
	id VARCHAR(32) NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	form VARCHAR(60) NOT NULL, 
	version INTEGER NOT NULL, 
	"column" VARCHAR(80) NOT NULL, 
	value JSON, 
	state VARCHAR(20) NOT NULL, 
	shown_at DATETIME NOT NULL, 
	claimed_until DATETIME NOT NULL, 
	ended_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE issued_row (
	serial VARCHAR(8) NOT NULL, 
	"row" INTEGER NOT NULL, 
	client_pid VARCHAR(20) NOT NULL, 
	printed JSON NOT NULL, 
	PRIMARY KEY (serial, "row"), 
	FOREIGN KEY(serial) REFERENCES issued_sheet (serial)
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
CREATE TABLE key_in_claim (
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	until DATETIME NOT NULL, 
	PRIMARY KEY (entry, revision), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE log_key (
	id INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "log_key" VALUES(1,'642d0dfb5283e9fb1268392d3fb6952a38d767f946394d0031e057ff132ba6f8');
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
CREATE TABLE pack_number (
	unit VARCHAR(80) NOT NULL, 
	form VARCHAR(60) NOT NULL, 
	sheets INTEGER NOT NULL, 
	each_client INTEGER NOT NULL, 
	PRIMARY KEY (unit, form)
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
INSERT INTO "page" VALUES('20261202-f63cb953-00001','20261202-f63cb953',1,'a.pdf',1,NULL,'fe0f434b5d44550df779129cc2f15ba90f8115b7e90334c8c2acc6eff5b4ea93','image/png','2026-12-02 19:21:24.254192','bo','Norr','HSL','read',0,'read','',NULL,0,'hsl-anteckning',1,1,1,'AAAA01','AAAA01',0.0,NULL,'[]',NULL,'2026-12-02 19:21:24.256021','1');
INSERT INTO "page" VALUES('20261202-3c161eee-00001','20261202-3c161eee',1,'a.pdf',1,NULL,'46fcc902aabfbfeee9ed100f45fdc5ac6cc5143fe99cb94ec272189f587fc278','image/png','2026-12-02 19:21:24.517247','bo','Norr','SoL','read',0,'read','',NULL,0,'social-anteckning',1,1,1,'BBBB01','BBBB01',0.0,NULL,'[]',NULL,'2026-12-02 19:21:24.517684','1');
INSERT INTO "page" VALUES('20261202-2948c5cc-00001','20261202-2948c5cc',1,'a.pdf',1,NULL,'9eb2f0ab1b8418b289983e72833eb9be5502136b7b0b3cf8d782270b890a0516','image/png','2026-12-02 19:21:24.641228','bo','Norr','IFO','read',0,'read','',NULL,0,'orosanmalan',1,1,1,'CCCC01','CCCC01',0.0,NULL,'[]',NULL,'2026-12-02 19:21:24.641648','1');
INSERT INTO "page" VALUES('20261202-6352f212-00001','20261202-6352f212',1,'b.pdf',1,NULL,'b57e6a6aed738c21c1ec5166aac7abe47992949eb03a8f338daea8edaf35b239','image/png','2026-12-02 19:21:25.060681','bo','Söder',NULL,'queued',0,NULL,'',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'[]',NULL,NULL,NULL);
INSERT INTO "page" VALUES('20261202-90551166-00001','20261202-90551166',1,'e.pdf',1,NULL,'ff922533506655bfb12585b70eebbc5c531a12bfc3f3320205f6fcaeb9c3d283','image/png','2026-12-02 19:21:25.105021','bo','Norr','HSL','read',0,'read','',NULL,0,'hsl-anteckning',1,1,1,'EEEE01','EEEE01',0.0,0.1,'[]',NULL,'2026-12-02 19:21:25.105495','1');
CREATE TABLE paper_decision (
	id INTEGER NOT NULL, 
	package VARCHAR(40) NOT NULL, 
	number VARCHAR(80) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(package) REFERENCES archive_package (id)
);
CREATE TABLE paper_place (
	id INTEGER NOT NULL, 
	batch VARCHAR(32) NOT NULL, 
	box VARCHAR(80) NOT NULL, 
	bundle VARCHAR(80) DEFAULT '' NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(batch) REFERENCES batch (id)
);
CREATE TABLE payment_approval (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	seen INTEGER NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_at DATETIME, 
	rows_sha256 VARCHAR(64), 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE planned_day (
	unit VARCHAR(80) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	planned INTEGER NOT NULL, 
	PRIMARY KEY (unit, day, kind)
);
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
	words JSON, 
	PRIMARY KEY (page, field), 
	FOREIGN KEY(page) REFERENCES page (id)
);
INSERT INTO "reading" VALUES('20261202-90551166-00001','enhet','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','registrerat_namn','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','personnummer','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','namn','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','handelsedatum','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','handelsetid','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','skrivet_datum','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','skriven_tid','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','kontakttyp','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','information','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','anteckning','"Sov gott."',0.995,'read','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','plan','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','lakare_datum','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','lakare_tid','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','lakare_namn','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','skribent','"Gun Ek"',0.995,'read','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','yrkestitel','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-90551166-00001','underskrift','null',0.995,'empty','[]','[]','[]',NULL);
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
INSERT INTO "schema_info" VALUES(9);
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
INSERT INTO "signature" VALUES(1,'AAAA01-00',2,'9a26d9ef4f886dbb',0,0,'Gun Ek','författaren har slutat',2,'per','2026-12-02 19:21:24.455558');
INSERT INTO "signature" VALUES(2,'AAAA01-00',4,'bc0670fd98440edd',0,0,'Gun Ek','författaren har slutat',2,'per','2026-12-02 19:21:25.030260');
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
INSERT INTO "staff" VALUES('anna','Anna Öst','sjuksköterska','granskare','$argon2id$v=19$m=65536,t=3,p=4$qltOfDHfsFEvK/oApozrOQ$QFgELI8OWgpZ6uLm8nLIFM1EMl6T2SDC7OhRZIYo/uU',1,'ADM HSL IFO LSS SoL',0,0,NULL);
INSERT INTO "staff" VALUES('per','Per Åhs','sjuksköterska','granskare','$argon2id$v=19$m=65536,t=3,p=4$isdEvfJssyiHQL44e+W0ZQ$vOsizBnqNmuKTerz33fqQGpZF5HNAUk+zrVZmVJS6v0',1,'ADM HSL IFO LSS SoL',0,0,NULL);
INSERT INTO "staff" VALUES('tora','Tora Ås','sjuksköterska','granskare','$argon2id$v=19$m=65536,t=3,p=4$gXgcbpOXQs8PAuG2Zviy0g$orCnSBnC1Wfcf+5I+I0lc2ZfIvRx7St7XdI9WYbrbJ8',1,'ADM HSL IFO LSS SoL',0,0,NULL);
INSERT INTO "staff" VALUES('stig','Stig Alm','undersköterska','granskare','$argon2id$v=19$m=65536,t=3,p=4$3DoyMf4Ec6K4Xsf3XRQUcQ$M+BIEKSc+Nd6Mom2YZ/l31mhx8YV6KB4sZ7lGYkfzF0',1,'ADM HSL IFO LSS SoL',0,0,NULL);
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
INSERT INTO "staff_unit" VALUES('anna','Norr');
INSERT INTO "staff_unit" VALUES('anna','Söder');
INSERT INTO "staff_unit" VALUES('per','Norr');
INSERT INTO "staff_unit" VALUES('per','Söder');
INSERT INTO "staff_unit" VALUES('tora','Norr');
INSERT INTO "staff_unit" VALUES('tora','Söder');
INSERT INTO "staff_unit" VALUES('stig','Söder');
CREATE TABLE statistics_item (
	run VARCHAR(32) NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	month VARCHAR(7) NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (run, entry), 
	FOREIGN KEY(run) REFERENCES export_run (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
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
INSERT INTO "unit" VALUES('Söder','HSL');
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
CREATE INDEX ix_event_subject ON event (subject);
CREATE INDEX ix_event_at ON event (at);
CREATE UNIQUE INDEX unused_standing ON unused_sheet (serial) WHERE undone_at IS NULL;
CREATE INDEX ix_unused_sheet_lot ON unused_sheet (lot);
CREATE INDEX ix_address_failure_address_sha256 ON address_failure (address_sha256);
CREATE UNIQUE INDEX client_block_stands ON client_block (client_pid, unit) WHERE lifted_at IS NULL;
CREATE INDEX ix_login_failure_login_sha256 ON login_failure (login_sha256);
CREATE INDEX group_task_login ON group_task (login, ended_at);
CREATE INDEX group_task_open ON group_task (claimed_until) WHERE ended_at IS NULL;
CREATE INDEX ix_group_setting_unit ON group_setting (unit);
CREATE INDEX ix_care_list_unit ON care_list (unit);
CREATE INDEX ix_page_serial ON page (serial);
CREATE INDEX ix_page_state ON page (state);
CREATE INDEX ix_page_source_sha256 ON page (source_sha256);
CREATE INDEX page_sheet_side ON page (serial, page_no);
CREATE INDEX ix_page_image_sha256 ON page (image_sha256);
CREATE INDEX ix_page_sheet ON page (sheet);
CREATE INDEX ix_issued_row_client_pid ON issued_row (client_pid);
CREATE INDEX ix_browser_session_login ON browser_session (login);
CREATE INDEX ix_paper_place_batch ON paper_place (batch);
CREATE UNIQUE INDEX paper_decision_standing ON paper_decision (package) WHERE undone_at IS NULL;
CREATE INDEX ix_care_row_client_pid ON care_row (client_pid);
CREATE INDEX ix_care_row_list ON care_row (list);
CREATE INDEX ix_entry_sheet ON entry (sheet);
CREATE INDEX entry_claim ON entry (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX entry_client ON entry (client_pid) WHERE client_pid IS NOT NULL;
CREATE INDEX entry_queue_newest ON entry (rank, lane, skipped, due_at, last_on DESC, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_queue_oldest ON entry (rank, lane, skipped, due_at, first_on, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_ready ON entry (unit, form) WHERE state = 'bekräftad';
CREATE INDEX ix_entry_serial ON entry (serial);
CREATE INDEX entry_likely ON entry (likely_pid) WHERE likely_pid != '';
CREATE INDEX entry_signed ON entry (unit, form) WHERE state = 'signerad';
CREATE INDEX ix_decision_entry ON decision (entry);
CREATE INDEX control_open ON control (drawn_at) WHERE outcome IS NULL;
CREATE INDEX look_login ON look (login, at);
CREATE UNIQUE INDEX group_cell_live ON group_cell (entry, field) WHERE outcome IS NULL OR outcome = 'kept' OR outcome = 'odd';
CREATE INDEX ix_group_cell_task ON group_cell (task);
CREATE INDEX ix_group_cell_entry ON group_cell (entry);
CREATE INDEX ix_temporary_identity_entry ON temporary_identity (entry);
CREATE INDEX ix_client_choice_entry ON client_choice (entry);
CREATE INDEX ix_forwarding_entry ON forwarding (entry);
CREATE INDEX ix_forwarding_from_unit ON forwarding (from_unit);
CREATE INDEX ix_question_entry ON question (entry);
CREATE INDEX ix_question_unit ON question (unit);
CREATE INDEX ix_duplicate_mark_entry ON duplicate_mark (entry);
CREATE INDEX ix_entry_version_entry ON entry_version (entry);
CREATE INDEX ix_signature_entry ON signature (entry);
CREATE INDEX ix_payment_approval_entry ON payment_approval (entry);
CREATE UNIQUE INDEX payment_approval_standing ON payment_approval (entry, seen, "by") WHERE undone_at IS NULL;
CREATE INDEX ix_statistics_item_entry ON statistics_item (entry);
CREATE INDEX ix_author_answer_question ON author_answer (question);
CREATE INDEX ix_clash_decision_entry ON clash_decision (entry);
CREATE UNIQUE INDEX clash_standing ON clash_decision (entry, digest) WHERE taken_back_at IS NULL;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_no_replace BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_head_forward BEFORE UPDATE ON event_head WHEN NEW.number <= OLD.number BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_head_no_delete BEFORE DELETE ON event_head BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_head_no_replace BEFORE INSERT ON event_head WHEN EXISTS (SELECT 1 FROM event_head WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
COMMIT;
