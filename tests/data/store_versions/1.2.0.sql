BEGIN TRANSACTION;
CREATE TABLE access_change (
	id VARCHAR(16) NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	needs_approval BOOLEAN NOT NULL, 
	approved_by VARCHAR(80), 
	approved_at DATETIME, 
	code_sha256 VARCHAR(64), 
	expires_at DATETIME, 
	done_at DATETIME, 
	cancelled_by VARCHAR(80), 
	cancelled_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0023');
CREATE TABLE archive_delivery (
	id INTEGER NOT NULL, 
	package VARCHAR(40) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(package) REFERENCES archive_package (id)
);
CREATE TABLE archive_package (
	id VARCHAR(40) NOT NULL, 
	file_name VARCHAR(120) NOT NULL, 
	file_sha256 VARCHAR(64) NOT NULL, 
	made_at DATETIME NOT NULL, 
	made_by VARCHAR(80) NOT NULL, 
	decision VARCHAR(80) DEFAULT '' NOT NULL, 
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
CREATE TABLE assignment (
	login VARCHAR(80) NOT NULL, 
	number INTEGER NOT NULL, 
	role VARCHAR(40) NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	areas VARCHAR(40), 
	PRIMARY KEY (login, number), 
	FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE assignment_unit (
	login VARCHAR(80) NOT NULL, 
	number INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	PRIMARY KEY (login, number, unit), 
	FOREIGN KEY(login, number) REFERENCES assignment (login, number), 
	FOREIGN KEY(unit) REFERENCES unit (name)
);
CREATE TABLE attachment (
	id INTEGER NOT NULL, 
	page VARCHAR(40) NOT NULL, 
	sheet VARCHAR(41) NOT NULL, 
	number INTEGER NOT NULL, 
	title VARCHAR(120) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(page) REFERENCES page (id)
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
	content VARCHAR(64), 
	PRIMARY KEY (id), 
	UNIQUE (taking_in)
);
INSERT INTO "batch" VALUES('20261202-6ed46484','2026-12-02 19:21:44.134909','bo','Norr','pärm 3',NULL,NULL);
INSERT INTO "batch" VALUES('20261202-72cd1cc5','2026-12-02 19:21:44.608677','bo','Norr','pärm 3',NULL,NULL);
INSERT INTO "batch" VALUES('20261202-271e5e36','2026-12-02 19:21:44.788526','bo','Norr','pärm 3',NULL,NULL);
INSERT INTO "batch" VALUES('20261202-2e7492d8','2026-12-02 19:21:45.772557','bo','Söder','pärm 4',NULL,NULL);
INSERT INTO "batch" VALUES('20261202-fa791a92','2026-12-02 19:21:45.838257','bo','Norr','pärm 3',NULL,NULL);
INSERT INTO "batch" VALUES('20261206-49fb9057','2026-12-06 12:41:21.504439','bo','Norr','pärm 3',NULL,NULL);
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
	deceased_on VARCHAR(10) DEFAULT '' NOT NULL, 
	moved_on VARCHAR(10) DEFAULT '' NOT NULL, 
	PRIMARY KEY (pid)
);
INSERT INTO "client" VALUES('192801287158','Siv Åkerlund','Norr',0,'','','');
INSERT INTO "client" VALUES('193402287381','Arne Öman','Norr',0,'','','');
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
CREATE TABLE client_code (
	unit VARCHAR(80) NOT NULL, 
	code VARCHAR(4) NOT NULL, 
	pid VARCHAR(20) NOT NULL, 
	given_at DATETIME NOT NULL, 
	PRIMARY KEY (unit, code), 
	UNIQUE (unit, pid)
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
INSERT INTO "control_key" VALUES(1,'bdbd1def13f603e2b808106c6b4c5d490ca18479dda62284a1ab7a683dc931fa');
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
INSERT INTO "decision" VALUES(1,'AAAA01-00',1,'personnummer','"192801287158"','read','typed',0,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(2,'AAAA01-00',1,'namn','null','empty','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(3,'AAAA01-00',1,'handelsedatum','"2021-12-17"','read','typed',0,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(4,'AAAA01-00',1,'handelsetid','"08:15"','read','typed',0,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(5,'AAAA01-00',1,'skrivet_datum','null','empty','typed',0,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(6,'AAAA01-00',1,'skriven_tid','null','empty','typed',0,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(7,'AAAA01-00',1,'kontakttyp','"besok"','read','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(8,'AAAA01-00',1,'information','false','empty','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(9,'AAAA01-00',1,'anteckning','"L\u00e4ker."','read','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(10,'AAAA01-00',1,'plan','null','empty','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(11,'AAAA01-00',1,'lakare_datum','null','empty','typed',0,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(12,'AAAA01-00',1,'lakare_tid','null','empty','typed',0,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(13,'AAAA01-00',1,'lakare_namn','null','empty','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(14,'AAAA01-00',1,'skribent','"Gun Ek"','read','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(15,'AAAA01-00',1,'yrkestitel','"sjuksk\u00f6terska"','read','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(16,'AAAA01-00',1,'underskrift','null','empty','changed',1,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "decision" VALUES(17,'AAAA01-00',2,'personnummer','"192801287158"','read','second',1,'per','2026-12-02 19:21:44.461611');
INSERT INTO "decision" VALUES(18,'AAAA01-00',2,'handelsedatum','"2021-12-17"','read','second',1,'per','2026-12-02 19:21:44.461611');
INSERT INTO "decision" VALUES(19,'AAAA01-00',2,'handelsetid','"08:15"','read','second',1,'per','2026-12-02 19:21:44.461611');
INSERT INTO "decision" VALUES(20,'AAAA01-00',2,'skrivet_datum','null','empty','second',1,'per','2026-12-02 19:21:44.461611');
INSERT INTO "decision" VALUES(21,'AAAA01-00',2,'skriven_tid','null','empty','second',1,'per','2026-12-02 19:21:44.461611');
INSERT INTO "decision" VALUES(22,'AAAA01-00',2,'lakare_datum','null','empty','second',1,'per','2026-12-02 19:21:44.461611');
INSERT INTO "decision" VALUES(23,'AAAA01-00',2,'lakare_tid','null','empty','second',1,'per','2026-12-02 19:21:44.461611');
INSERT INTO "decision" VALUES(24,'BBBB01-00',1,'personnummer','"192801287158"','read','typed',0,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(25,'BBBB01-00',1,'namn','null','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(26,'BBBB01-00',1,'handelsedatum','"2021-12-17"','read','typed',0,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(27,'BBBB01-00',1,'handelsetid','"08:15"','read','typed',0,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(28,'BBBB01-00',1,'skrivet_datum','null','empty','typed',0,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(29,'BBBB01-00',1,'skriven_tid','null','empty','typed',0,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(30,'BBBB01-00',1,'insats','null','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(31,'BBBB01-00',1,'lss','false','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(32,'BBBB01-00',1,'anteckning','"L\u00e4ker."','read','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(33,'BBBB01-00',1,'avvikelse_plan','false','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(34,'BBBB01-00',1,'klagomal','false','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(35,'BBBB01-00',1,'anhorig_kontaktad','false','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(36,'BBBB01-00',1,'sjukskoterska_kontaktad','false','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(37,'BBBB01-00',1,'oriktig','false','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(38,'BBBB01-00',1,'skribent','"Gun Ek"','read','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(39,'BBBB01-00',1,'yrkestitel','"sjuksk\u00f6terska"','read','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(40,'BBBB01-00',1,'underskrift','null','empty','changed',1,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "decision" VALUES(41,'BBBB01-00',2,'personnummer','"192801287158"','read','second',1,'per','2026-12-02 19:21:44.712991');
INSERT INTO "decision" VALUES(42,'BBBB01-00',2,'handelsedatum','"2021-12-17"','read','second',1,'per','2026-12-02 19:21:44.712991');
INSERT INTO "decision" VALUES(43,'BBBB01-00',2,'handelsetid','"08:15"','read','second',1,'per','2026-12-02 19:21:44.712991');
INSERT INTO "decision" VALUES(44,'BBBB01-00',2,'skrivet_datum','null','empty','second',1,'per','2026-12-02 19:21:44.712991');
INSERT INTO "decision" VALUES(45,'BBBB01-00',2,'skriven_tid','null','empty','second',1,'per','2026-12-02 19:21:44.712991');
INSERT INTO "decision" VALUES(46,'CCCC01-00',1,'personnummer','"192801287158"','read','typed',0,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(47,'CCCC01-00',1,'namn','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(48,'CCCC01-00',1,'handelsedatum','"2021-12-23"','read','typed',0,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(49,'CCCC01-00',1,'handelsetid','"10:15"','read','typed',0,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(50,'CCCC01-00',1,'satt','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(51,'CCCC01-00',1,'anmalare_namn','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(52,'CCCC01-00',1,'anmalare_roll','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(53,'CCCC01-00',1,'telefon','null','empty','typed',0,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(54,'CCCC01-00',1,'anonym','false','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(55,'CCCC01-00',1,'vardnadshavare1_namn','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(56,'CCCC01-00',1,'vardnadshavare1_telefon','null','empty','typed',0,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(57,'CCCC01-00',1,'vardnadshavare2_namn','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(58,'CCCC01-00',1,'vardnadshavare2_telefon','null','empty','typed',0,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(59,'CCCC01-00',1,'vistelse','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(60,'CCCC01-00',1,'syskon','false','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(61,'CCCC01-00',1,'informerade','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(62,'CCCC01-00',1,'oro','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(63,'CCCC01-00',1,'akut','false','empty','typed',0,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(64,'CCCC01-00',1,'skribent','"Gun Ek"','read','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(65,'CCCC01-00',1,'yrkestitel','"sjuksk\u00f6terska"','read','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(66,'CCCC01-00',1,'underskrift','null','empty','changed',1,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "decision" VALUES(67,'CCCC01-00',2,'personnummer','"192801287158"','read','second',1,'per','2026-12-02 19:21:44.925583');
INSERT INTO "decision" VALUES(68,'CCCC01-00',2,'handelsedatum','"2021-12-23"','read','second',1,'per','2026-12-02 19:21:44.925583');
INSERT INTO "decision" VALUES(69,'CCCC01-00',2,'handelsetid','"10:15"','read','second',1,'per','2026-12-02 19:21:44.925583');
INSERT INTO "decision" VALUES(70,'CCCC01-00',2,'telefon','null','empty','second',1,'per','2026-12-02 19:21:44.925583');
INSERT INTO "decision" VALUES(71,'CCCC01-00',2,'vardnadshavare1_telefon','null','empty','second',1,'per','2026-12-02 19:21:44.925583');
INSERT INTO "decision" VALUES(72,'CCCC01-00',2,'vardnadshavare2_telefon','null','empty','second',1,'per','2026-12-02 19:21:44.925583');
INSERT INTO "decision" VALUES(73,'CCCC01-00',2,'akut','false','empty','second',1,'per','2026-12-02 19:21:44.925583');
INSERT INTO "decision" VALUES(74,'AAAA01-00',4,'anteckning','"L\u00e4kt."','read','correction',1,'anna','2026-12-02 19:21:45.713732');
INSERT INTO "decision" VALUES(75,'FFFF01-00',1,'personnummer','"192801287158"','read','typed',0,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(76,'FFFF01-00',1,'namn','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(77,'FFFF01-00',1,'handelsedatum','"2021-12-23"','read','typed',0,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(78,'FFFF01-00',1,'handelsetid','"10:15"','read','typed',0,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(79,'FFFF01-00',1,'satt','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(80,'FFFF01-00',1,'anmalare_namn','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(81,'FFFF01-00',1,'anmalare_roll','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(82,'FFFF01-00',1,'telefon','null','empty','typed',0,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(83,'FFFF01-00',1,'anonym','false','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(84,'FFFF01-00',1,'vardnadshavare1_namn','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(85,'FFFF01-00',1,'vardnadshavare1_telefon','null','empty','typed',0,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(86,'FFFF01-00',1,'vardnadshavare2_namn','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(87,'FFFF01-00',1,'vardnadshavare2_telefon','null','empty','typed',0,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(88,'FFFF01-00',1,'vistelse','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(89,'FFFF01-00',1,'syskon','false','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(90,'FFFF01-00',1,'informerade','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(91,'FFFF01-00',1,'oro','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(92,'FFFF01-00',1,'akut','false','empty','typed',0,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(93,'FFFF01-00',1,'skribent','"Gun Ek"','read','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(94,'FFFF01-00',1,'yrkestitel','"sjuksk\u00f6terska"','read','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(95,'FFFF01-00',1,'underskrift','null','empty','changed',1,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "decision" VALUES(96,'FFFF01-00',2,'personnummer','"192801287158"','read','second',1,'per','2026-12-06 12:41:21.586683');
INSERT INTO "decision" VALUES(97,'FFFF01-00',2,'handelsedatum','"2021-12-23"','read','second',1,'per','2026-12-06 12:41:21.586683');
INSERT INTO "decision" VALUES(98,'FFFF01-00',2,'handelsetid','"10:15"','read','second',1,'per','2026-12-06 12:41:21.586683');
INSERT INTO "decision" VALUES(99,'FFFF01-00',2,'telefon','null','empty','second',1,'per','2026-12-06 12:41:21.586683');
INSERT INTO "decision" VALUES(100,'FFFF01-00',2,'vardnadshavare1_telefon','null','empty','second',1,'per','2026-12-06 12:41:21.586683');
INSERT INTO "decision" VALUES(101,'FFFF01-00',2,'vardnadshavare2_telefon','null','empty','second',1,'per','2026-12-06 12:41:21.586683');
INSERT INTO "decision" VALUES(102,'FFFF01-00',2,'akut','false','empty','second',1,'per','2026-12-06 12:41:21.586683');
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
	deadlines JSON, 
	likely_pid VARCHAR(20) DEFAULT '' NOT NULL, 
	happened VARCHAR(16) DEFAULT '' NOT NULL, 
	first_on VARCHAR(10) DEFAULT '' NOT NULL, 
	last_on VARCHAR(10) DEFAULT '' NOT NULL, 
	due_on VARCHAR(10) DEFAULT '9999-12-31' NOT NULL, 
	triage VARCHAR(40) DEFAULT '' NOT NULL, 
	triage_content JSON, 
	author VARCHAR(120), 
	signed_by VARCHAR(80), 
	signed_at DATETIME, 
	signed_why VARCHAR(300), 
	subject VARCHAR(10) DEFAULT 'client' NOT NULL, author_key VARCHAR(120) DEFAULT '' NOT NULL, ended_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(page) REFERENCES page (id)
);
INSERT INTO "entry" VALUES('AAAA01-00','AAAA01','AAAA01','20261202-6ed46484-00001',NULL,'hsl-anteckning',1,'Norr','HSL','A','signerad',5,'läste fel','192801287158','2021-12-17','2026-12-02 19:21:44.180859','anna','2026-12-02 19:21:45.713732',NULL,NULL,NULL,NULL,0,1,NULL,3,NULL,NULL,'','2026-12-02','2026-12-02','2026-12-02','9999-12-31','klass-a','{"f": [], "w": [], "n": {}}','Gun Ek','per','2026-12-02 19:21:45.746267','författaren har slutat','client','','2026-12-02 19:21:44.461611');
INSERT INTO "entry" VALUES('BBBB01-00','BBBB01','BBBB01','20261202-72cd1cc5-00001',NULL,'social-anteckning',1,'Norr','SoL','A','bekräftad',2,'','192801287158','2021-12-17','2026-12-02 19:21:44.620949','anna','2026-12-02 19:21:44.641208','per','2026-12-02 19:21:44.712991',NULL,NULL,0,1,NULL,3,NULL,NULL,'','2026-12-02','2026-12-02','2026-12-02','9999-12-31','klass-a','{"f": [], "w": [], "n": {}}','Gun Ek',NULL,NULL,NULL,'client','','2026-12-02 19:21:44.712991');
INSERT INTO "entry" VALUES('CCCC01-00','CCCC01','CCCC01','20261202-271e5e36-00001',NULL,'orosanmalan',1,'Norr','IFO','A','bekräftad',2,'','192801287158','2021-12-23','2026-12-02 19:21:44.792024','anna','2026-12-02 19:21:44.841850','per','2026-12-02 19:21:44.925583',NULL,NULL,0,1,NULL,1,'2021-12-24 22:59:00.000000','{"skyddsbedomning": "2021-12-24T23:59:00+01:00"}','','2026-12-02','2026-12-02','2026-12-02','2021-12-24','lagens-tid','{"f": [], "w": [], "n": {}}','Gun Ek',NULL,NULL,NULL,'client','','2026-12-02 19:21:44.925583');
INSERT INTO "entry" VALUES('EEEE01-00','EEEE01','EEEE01','20261202-fa791a92-00001',NULL,'hsl-anteckning',2,'Norr','HSL','A','granskas',0,'',NULL,NULL,'2026-12-02 19:21:45.860788',NULL,NULL,NULL,NULL,NULL,NULL,0,1,NULL,3,NULL,NULL,'','2026-12-02','2026-12-02','2026-12-02','9999-12-31','klass-a','{"f": ["anteckning"], "w": ["gott", "sov"], "n": {}}',NULL,NULL,NULL,NULL,'client','',NULL);
INSERT INTO "entry" VALUES('FFFF01-00','FFFF01','FFFF01','20261206-49fb9057-00001',NULL,'orosanmalan',1,'Norr','IFO','A','bekräftad',2,'','192801287158','2021-12-23','2026-12-06 12:41:21.526256','anna','2026-12-06 12:41:21.544236','per','2026-12-06 12:41:21.586683',NULL,NULL,0,1,NULL,1,NULL,'{}','','2026-12-06','2026-12-06','2026-12-06','9999-12-31','lagens-tid','{"f": [], "w": [], "n": {}}','Gun Ek',NULL,NULL,NULL,'client','','2026-12-06 12:41:21.586683');
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
INSERT INTO "entry_version" VALUES(1,'AAAA01-00',1,'andra granskning','','',0,'anna','2026-12-02 19:21:44.271790');
INSERT INTO "entry_version" VALUES(2,'AAAA01-00',2,'bekräftad','','',0,'per','2026-12-02 19:21:44.461611');
INSERT INTO "entry_version" VALUES(3,'BBBB01-00',1,'andra granskning','','',0,'anna','2026-12-02 19:21:44.641208');
INSERT INTO "entry_version" VALUES(4,'BBBB01-00',2,'bekräftad','','',0,'per','2026-12-02 19:21:44.712991');
INSERT INTO "entry_version" VALUES(5,'CCCC01-00',1,'andra granskning','','',0,'anna','2026-12-02 19:21:44.841850');
INSERT INTO "entry_version" VALUES(6,'CCCC01-00',2,'bekräftad','','',0,'per','2026-12-02 19:21:44.925583');
INSERT INTO "entry_version" VALUES(7,'AAAA01-00',4,'bekräftad','läste fel','',0,'anna','2026-12-02 19:21:45.713732');
INSERT INTO "entry_version" VALUES(8,'FFFF01-00',1,'andra granskning','','',0,'anna','2026-12-06 12:41:21.544236');
INSERT INTO "entry_version" VALUES(9,'FFFF01-00',2,'bekräftad','','',0,'per','2026-12-06 12:41:21.586683');
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
	records VARCHAR(64), 
	PRIMARY KEY (id)
);
INSERT INTO "event" VALUES(1,'2026-12-02 19:21:43.986373','system','save_unit','Norr','{"area": "HSL"}','Norr','0000000000000000000000000000000000000000000000000000000000000000','f7bef02964fd23cf8c063438fe98527499fa363b2fb70b5daef0a4ff0e30c1b5',NULL);
INSERT INTO "event" VALUES(2,'2026-12-02 19:21:43.986395','system','save_unit','Söder','{"area": "HSL"}','Söder','f7bef02964fd23cf8c063438fe98527499fa363b2fb70b5daef0a4ff0e30c1b5','cfaefc575785e73aff95e4663caa8c1dc967334f9f05e03ba0b010e07095dbba',NULL);
INSERT INTO "event" VALUES(3,'2026-12-02 19:21:43.987202','system','save_clients','clients','{"count": 2}',NULL,'cfaefc575785e73aff95e4663caa8c1dc967334f9f05e03ba0b010e07095dbba','9e30da4f3d3f2204a2dfb69be9a58e3027b2378f45b587d7ed0f92e84aa9e81e',NULL);
INSERT INTO "event" VALUES(4,'2026-12-02 19:21:43.998252','system','save_person','anna','{"role": "granskare", "units": 2, "areas": "ADM HSL IFO LSS SoL"}',NULL,'9e30da4f3d3f2204a2dfb69be9a58e3027b2378f45b587d7ed0f92e84aa9e81e','53c2f4fee043102709c1e4c11c54f5540c7c1a16c294ec10f09ba39718260d56',NULL);
INSERT INTO "event" VALUES(5,'2026-12-02 19:21:43.998985','system','save_person','per','{"role": "granskare", "units": 2, "areas": "ADM HSL IFO LSS SoL"}',NULL,'53c2f4fee043102709c1e4c11c54f5540c7c1a16c294ec10f09ba39718260d56','e18de23074186b5f18df799a00a39f8de9b570f03543737ba238b821958e48d4',NULL);
INSERT INTO "event" VALUES(6,'2026-12-02 19:21:43.999517','system','save_person','tora','{"role": "granskare", "units": 2, "areas": "ADM HSL IFO LSS SoL"}',NULL,'e18de23074186b5f18df799a00a39f8de9b570f03543737ba238b821958e48d4','0491718703682d7804e91913579bf084210b8dce8bbd60c6359a22cf98069417',NULL);
INSERT INTO "event" VALUES(7,'2026-12-02 19:21:44.000126','system','save_person','stig','{"role": "granskare", "units": 1, "areas": "ADM HSL IFO LSS SoL"}',NULL,'0491718703682d7804e91913579bf084210b8dce8bbd60c6359a22cf98069417','21d982c57d62dd2ae1222671cc1e05f47f4b475ed4d812165dbc043646234f7b',NULL);
INSERT INTO "event" VALUES(8,'2026-12-02 19:21:44.135817','bo','add_batch','20261202-6ed46484','{}','Norr','21d982c57d62dd2ae1222671cc1e05f47f4b475ed4d812165dbc043646234f7b','38fa5355a3916b34444e28346e12d7981f3f6a83e4094cb2d0c71a723192134f',NULL);
INSERT INTO "event" VALUES(9,'2026-12-02 19:21:44.154598','system','read_page','20261202-6ed46484-00001','{"outcome": "read", "fields": 0}','Norr','38fa5355a3916b34444e28346e12d7981f3f6a83e4094cb2d0c71a723192134f','3cf1ff3ef0e4a2e6c5c353f694b9d18b803400aaa695ffb86d30d802ce0d2a94','d64fc1bb200c753221c1bd824096064dd37f02a858ebacf579e77be5d049f91d');
INSERT INTO "event" VALUES(10,'2026-12-02 19:21:44.377392','anna','decide','AAAA01-00','{"state": "andra granskning", "revision": 1, "fields": 16, "unsettled": 7}','Norr','3cf1ff3ef0e4a2e6c5c353f694b9d18b803400aaa695ffb86d30d802ce0d2a94','bda1dc70ea51534c06421584314965180ea9ed6a3b6b6ff64731347174f65616','f22d8ad22de08d370d5a3ab44bfa0beb793fd850b1370ac0f781da9947bed026');
INSERT INTO "event" VALUES(11,'2026-12-02 19:21:44.489686','per','decide','AAAA01-00','{"state": "bekr\u00e4ftad", "revision": 2, "fields": 7, "unsettled": 0}','Norr','bda1dc70ea51534c06421584314965180ea9ed6a3b6b6ff64731347174f65616','a7dd7afd4b876a4f7d632f1d88ef00e379c243b93d84cfbaaf52ac034a5ec635','652b06e6915390f1d7b20067af5187e0a123b9ede2269872d027841096ba6a25');
INSERT INTO "event" VALUES(12,'2026-12-02 19:21:44.555100','per','sign','AAAA01-00','{"own": false, "revision": 2, "profession": "nurse"}','Norr','a7dd7afd4b876a4f7d632f1d88ef00e379c243b93d84cfbaaf52ac034a5ec635','b3115e54aedf6254ceea1002ce9b4c7a3f94779565997411b367cb68de9b0872','687c717cc1571d0cf187e6101e1507548d831022cff8c521eee658da4b690b81');
INSERT INTO "event" VALUES(13,'2026-12-02 19:21:44.609074','bo','add_batch','20261202-72cd1cc5','{}','Norr','b3115e54aedf6254ceea1002ce9b4c7a3f94779565997411b367cb68de9b0872','b5e91ab282ee6a7bfff5b65d53e9f911d4c2188e30626a9345f928a38d00a1cf',NULL);
INSERT INTO "event" VALUES(14,'2026-12-02 19:21:44.610459','system','read_page','20261202-72cd1cc5-00001','{"outcome": "read", "fields": 0}','Norr','b5e91ab282ee6a7bfff5b65d53e9f911d4c2188e30626a9345f928a38d00a1cf','bcad262e337b570e21c9e9de901663cd3e53fe917e12ce663050319bf0571d50','32b9dea919f00b1b56de0be2293d660526aafc09fa477798901b2146e2297130');
INSERT INTO "event" VALUES(15,'2026-12-02 19:21:44.668512','anna','decide','BBBB01-00','{"state": "andra granskning", "revision": 1, "fields": 17, "unsettled": 5}','Norr','bcad262e337b570e21c9e9de901663cd3e53fe917e12ce663050319bf0571d50','94290adf66966c3036e6eb8489321178c2043c402560b55539c626b05552386f','9ab45d872a353ca94793eacfdf0be1c282838f547f2a215ddfc24da31bad4a95');
INSERT INTO "event" VALUES(16,'2026-12-02 19:21:44.730728','per','decide','BBBB01-00','{"state": "bekr\u00e4ftad", "revision": 2, "fields": 5, "unsettled": 0}','Norr','94290adf66966c3036e6eb8489321178c2043c402560b55539c626b05552386f','8fd95dce437b348b5d0e2e14c55a388013fc3674f2029daf4b8deacea981ff79','62bc0a09c6a9679519fed3a3e4169613a8418c6306501a62d17e132814e5218c');
INSERT INTO "event" VALUES(17,'2026-12-02 19:21:44.788867','bo','add_batch','20261202-271e5e36','{}','Norr','8fd95dce437b348b5d0e2e14c55a388013fc3674f2029daf4b8deacea981ff79','ced8b5ae140fa92897f39777efad4a1a0d897c962d3d07e8cb9191c07f041757',NULL);
INSERT INTO "event" VALUES(18,'2026-12-02 19:21:44.790013','system','read_page','20261202-271e5e36-00001','{"outcome": "read", "fields": 0}','Norr','ced8b5ae140fa92897f39777efad4a1a0d897c962d3d07e8cb9191c07f041757','9dad8237fab6997b40e16f39b07cadc63f35313efc954c119446afff6d1955b1','bc14fa7fd731c8242380428bf17ca79d6e3a5ba11ba4d8c3a2e206ef94ccd15d');
INSERT INTO "event" VALUES(19,'2026-12-02 19:21:44.872050','anna','decide','CCCC01-00','{"state": "andra granskning", "revision": 1, "fields": 21, "unsettled": 7}','Norr','9dad8237fab6997b40e16f39b07cadc63f35313efc954c119446afff6d1955b1','0a7cdd060c7a42ebd1ba5637d1a68579814b157338cfd97b78e54ac36b36bfca','6079d836ada4a230a5bd74508e29c48ad64f889ea58b5c57b8d5b016ca46af80');
INSERT INTO "event" VALUES(20,'2026-12-02 19:21:44.949593','per','decide','CCCC01-00','{"state": "bekr\u00e4ftad", "revision": 2, "fields": 7, "unsettled": 0}','Norr','0a7cdd060c7a42ebd1ba5637d1a68579814b157338cfd97b78e54ac36b36bfca','e9a8fcf802f2b190652969484e7c429fdfde501967b6f814fba51532efcad2be','28c94d423592330fba46df1ddec6b9483e31b0001804748e533c6ed00daaabc1');
INSERT INTO "event" VALUES(21,'2026-12-02 19:21:45.008170','vera','set_route','rivta','{"target": "rivta", "forms": "hsl-anteckning palliativ-hemakt tillagg-omvardnadsjournal utskrivningsklar", "system": "", "module": "", "deliverer": "", "active": true}',NULL,'e9a8fcf802f2b190652969484e7c429fdfde501967b6f814fba51532efcad2be','01b30333174ee10e43aac40d9ee02a2557470daee59d7eb72f91a923fa687d75','3840e9a231b1eb66cfc8f31c1068549520b47b838e85cfb82ef5e2bcd279a47a');
INSERT INTO "event" VALUES(22,'2026-12-02 19:21:45.689324','anna','export','20261202-202244-rivta-yda07','{"target": "rivta", "route": "rivta", "entries": 1, "sha256": "6b5c26d59f7210cf8faf473a030b383055d6095c0a0660233813b82846a76ef2"}','Norr','01b30333174ee10e43aac40d9ee02a2557470daee59d7eb72f91a923fa687d75','9ddf765c3a736408fd7f8501d69d9a91bca92ec6d0465f68991b3717e6dd7376',NULL);
INSERT INTO "event" VALUES(23,'2026-12-02 19:21:45.689346','anna','exported','AAAA01-00','{"run": "20261202-202244-rivta-yda07", "revision": 1}','Norr','9ddf765c3a736408fd7f8501d69d9a91bca92ec6d0465f68991b3717e6dd7376','138ab5b009616cda7848a0ae778a28530cd286f337df5f40d0ca3ddb1ca60e07','3b38340b57e26cd8fd2755fbe89dd1273acb977f4fe9cde481739c47c5d3dd40');
INSERT INTO "event" VALUES(24,'2026-12-02 19:21:45.722831','anna','decide','AAAA01-00','{"state": "bekr\u00e4ftad", "revision": 4, "fields": 1, "unsettled": 0}','Norr','138ab5b009616cda7848a0ae778a28530cd286f337df5f40d0ca3ddb1ca60e07','ba95e24c58609259d209f47caaac56afeaf9a95b36f5ff1389bfedb054cd9ce6','12240348174960f99472af7fedcf1627122b1f2f2268c1aba2a49612a68d337b');
INSERT INTO "event" VALUES(25,'2026-12-02 19:21:45.748116','per','sign','AAAA01-00','{"own": false, "revision": 4, "profession": "nurse"}','Norr','ba95e24c58609259d209f47caaac56afeaf9a95b36f5ff1389bfedb054cd9ce6','1625b0f14e0a0a9d526fead9fe630ecb3e3b670b7a5885acce0afd043fed80fd','f114a58d79c24234e608f50d053ab558332825d2382979b64555ec9691f7c6bf');
INSERT INTO "event" VALUES(26,'2026-12-02 19:21:45.772839','bo','add_batch','20261202-2e7492d8','{}','Söder','1625b0f14e0a0a9d526fead9fe630ecb3e3b670b7a5885acce0afd043fed80fd','74e5c7a35557bab39d657a007c2fea535b148b32c090c029a26bbea370140020',NULL);
INSERT INTO "event" VALUES(27,'2026-12-02 19:21:45.838749','bo','add_batch','20261202-fa791a92','{}','Norr','74e5c7a35557bab39d657a007c2fea535b148b32c090c029a26bbea370140020','a2ced7e849165f09efd02dcd1ed74436aead63c408af10ad370f8d4ee7460fd8',NULL);
INSERT INTO "event" VALUES(28,'2026-12-02 19:21:45.845291','system','read_page','20261202-fa791a92-00001','{"outcome": "read", "fields": 31}','Norr','a2ced7e849165f09efd02dcd1ed74436aead63c408af10ad370f8d4ee7460fd8','ee224434311b3237b3cdfaf2f96f537bb9f53c88d8364ef62b57f21b376baaf6','db207b5994b5e05701cb35891c25940e36f3e003c9f4c8e6032a177b287b0b54');
INSERT INTO "event" VALUES(29,'2026-12-06 12:41:21.473137','system','adopt_records','record','{"rows": 18}',NULL,'ee224434311b3237b3cdfaf2f96f537bb9f53c88d8364ef62b57f21b376baaf6','1a3acacda96220b4954a1cd0a7935e8c17a11813526993d8bf551eb3e4c75a04','c067eca62f8aef5aec4838e289b1a54e4c9e3ff8d8768c051a2369d508c92a9f');
INSERT INTO "event" VALUES(30,'2026-12-06 12:41:21.505752','bo','add_batch','20261206-49fb9057','{}','Norr','1a3acacda96220b4954a1cd0a7935e8c17a11813526993d8bf551eb3e4c75a04','bf922dfa843e5c04a7de14601486e0da95bd876a690ed67e1a178a3170126e9f',NULL);
INSERT INTO "event" VALUES(31,'2026-12-06 12:41:21.508470','bo','add_page','20261206-49fb9057-00001','{}','Norr','bf922dfa843e5c04a7de14601486e0da95bd876a690ed67e1a178a3170126e9f','2128c1d9d42788f797ff5ce845def3bd27e5e682200e4446e051e472ccf842e6',NULL);
INSERT INTO "event" VALUES(32,'2026-12-06 12:41:21.513266','system','read_page','20261206-49fb9057-00001','{"outcome": "read", "fields": 0}','Norr','2128c1d9d42788f797ff5ce845def3bd27e5e682200e4446e051e472ccf842e6','8e37770ff696b71d7bf1a699a8d1d45812685354330853417989046540f1dffc','ff181084c45ef07ab8d4865e9b0c82bb2faacc3902e0d06d6d35a2b489982b0f');
INSERT INTO "event" VALUES(33,'2026-12-06 12:41:21.560926','anna','decide','FFFF01-00','{"state": "andra granskning", "revision": 1, "fields": 21, "unsettled": 7}','Norr','8e37770ff696b71d7bf1a699a8d1d45812685354330853417989046540f1dffc','f1bd4e05ac77f342ae87c7ee229fd350176be7906409224a0961654dfeed2eb7','54057aaabfc48c6d14247210c84c3cfbc78588872cd22337de0ecc7ee30c6c15');
INSERT INTO "event" VALUES(34,'2026-12-06 12:41:21.598264','per','decide','FFFF01-00','{"state": "bekr\u00e4ftad", "revision": 2, "fields": 7, "unsettled": 0}','Norr','f1bd4e05ac77f342ae87c7ee229fd350176be7906409224a0961654dfeed2eb7','4d0fec65a24acfe7874922e7dfcdd91279d950a169afb62844c965ba4c46b0db','9938746c52abab35004237136bed6a5cca1170cf46a04efd7f3a85b617cd1e64');
INSERT INTO "event" VALUES(35,'2026-12-06 12:41:21.615264','system','save_person','mona','{"role": "chef", "units": 1, "areas": "ADM HSL IFO LSS SoL"}',NULL,'4d0fec65a24acfe7874922e7dfcdd91279d950a169afb62844c965ba4c46b0db','41b76f2758ae6734e2bff7d9eab159481eb7d8e94ba627bcd4b51275e5c712ba','fedf7648146fc7d85bb707304fbbc9114ee6792b60c8208b88de244007b25b4d');
INSERT INTO "event" VALUES(36,'2026-12-06 12:41:21.626182','mona','meet_duty','FFFF01-00','{"rules": "skyddsbedomning", "kind": "target"}','Norr','41b76f2758ae6734e2bff7d9eab159481eb7d8e94ba627bcd4b51275e5c712ba','ccfb80e35995a4dcbbf1f3862315846f4f29f6e26722a3a9d9838fd089b8e362','71bed175ea607e014f426b85cc7e02c9753b06c52f3f6e04513744fe2c123637');
CREATE TABLE event_head (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "event_head" VALUES(1,36,'ccfb80e35995a4dcbbf1f3862315846f4f29f6e26722a3a9d9838fd089b8e362');
CREATE TABLE export_delivery (
	id INTEGER NOT NULL, 
	run VARCHAR(32) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES export_run (id)
);
CREATE TABLE export_item (
	run VARCHAR(32) NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	entry_revision INTEGER DEFAULT '0' NOT NULL, 
	route_revision INTEGER, 
	routes JSON, 
	PRIMARY KEY (run, entry), 
	UNIQUE (entry, revision), 
	FOREIGN KEY(run) REFERENCES export_run (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
INSERT INTO "export_item" VALUES('20261202-202244-rivta-yda07','AAAA01-00',1,1,3,1,'["rivta"]');
CREATE TABLE export_proof (
	id INTEGER NOT NULL, 
	run VARCHAR(32) NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	means VARCHAR(20) NOT NULL, 
	found VARCHAR(20) NOT NULL, 
	differences JSON NOT NULL, 
	place VARCHAR(200) DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
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
	route VARCHAR(40), 
	PRIMARY KEY (id)
);
INSERT INTO "export_run" VALUES('20261202-202244-rivta-yda07','rivta','efterskrift-20261202-202244-rivta-yda07.zip','6b5c26d59f7210cf8faf473a030b383055d6095c0a0660233813b82846a76ef2','2026-12-02 19:22:44.972090','Anna Öst','rivta');
CREATE TABLE export_undo (
	run VARCHAR(32) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (run), 
	FOREIGN KEY(run) REFERENCES export_run (id)
);
CREATE TABLE form_publication (
	id INTEGER NOT NULL, 
	form VARCHAR(60) NOT NULL, 
	version INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	ended_at DATETIME, 
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
CREATE TABLE image_store (
	id VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "image_store" VALUES('a2a38220198e093fd7c702d87147c0bf');
CREATE TABLE import_attempt (
	batch VARCHAR(32) NOT NULL, 
	source_sha256 VARCHAR(64) NOT NULL, 
	copy INTEGER NOT NULL, 
	source_page INTEGER NOT NULL, 
	starts INTEGER NOT NULL, 
	deaths INTEGER NOT NULL, 
	pages INTEGER, 
	PRIMARY KEY (batch, source_sha256, copy), 
	FOREIGN KEY(batch) REFERENCES batch (id)
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
	pack VARCHAR(32) DEFAULT '' NOT NULL, 
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
CREATE TABLE key_in_copy (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	part VARCHAR(200) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE key_in_order (
	id INTEGER NOT NULL, 
	system VARCHAR(80) NOT NULL, 
	form VARCHAR(80) NOT NULL, 
	own JSON NOT NULL, 
	note JSON NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE key_in_signature (
	id INTEGER NOT NULL, 
	turn VARCHAR(32) NOT NULL, 
	run VARCHAR(32) NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_at DATETIME, 
	settled_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES export_run (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE known_device (
	login VARCHAR(80) NOT NULL, 
	device_sha256 VARCHAR(64) NOT NULL, 
	used_at DATETIME NOT NULL, 
	PRIMARY KEY (login, device_sha256), 
	FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE log_key (
	id INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "log_key" VALUES(1,'305c803b900432c8137d7255102b3875529a153b660940387cb8d86a0c658bae');
CREATE TABLE login_failure (
	id INTEGER NOT NULL, 
	login_sha256 VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	address_sha256 VARCHAR(64), 
	device_sha256 VARCHAR(64), 
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
CREATE TABLE met_duty (
	id INTEGER NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	rule VARCHAR(60) NOT NULL, 
	is_met BOOLEAN NOT NULL, 
	how VARCHAR(20) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	paper VARCHAR(44), 
	due VARCHAR(40) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entry (id), 
	FOREIGN KEY(paper) REFERENCES entry (id)
);
INSERT INTO "met_duty" VALUES(1,'FFFF01-00','skyddsbedomning',1,'target','2021-12-24',NULL,'2021-12-24T23:59:00+01:00','mona','2026-12-06 12:41:21.620035');
CREATE TABLE outage (
	id INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	system VARCHAR(40) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	start DATETIME NOT NULL, 
	"end" DATETIME, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE outstanding_sheet (
	serial VARCHAR(8) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	form VARCHAR(60) NOT NULL, 
	pack VARCHAR(32) NOT NULL, 
	PRIMARY KEY (serial)
);
CREATE TABLE pack_number (
	unit VARCHAR(80) NOT NULL, 
	form VARCHAR(60) NOT NULL, 
	sheets INTEGER NOT NULL, 
	each_client INTEGER NOT NULL, 
	PRIMARY KEY (unit, form)
);
CREATE TABLE pack_opening (
	id INTEGER NOT NULL, 
	pack VARCHAR(32) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
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
	reader_version VARCHAR(40), standing VARCHAR(8) DEFAULT 'waiting' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (batch, position), 
	FOREIGN KEY(batch) REFERENCES batch (id)
);
INSERT INTO "page" VALUES('20261202-6ed46484-00001','20261202-6ed46484',1,'a.pdf',1,NULL,'fe0f434b5d44550df779129cc2f15ba90f8115b7e90334c8c2acc6eff5b4ea93','image/png','2026-12-02 19:21:44.140752','bo','Norr','HSL','read',0,'read','',NULL,0,'hsl-anteckning',1,1,1,'AAAA01','AAAA01',0.0,NULL,'[]',NULL,'2026-12-02 19:21:44.152906','1','done');
INSERT INTO "page" VALUES('20261202-72cd1cc5-00001','20261202-72cd1cc5',1,'a.pdf',1,NULL,'46fcc902aabfbfeee9ed100f45fdc5ac6cc5143fe99cb94ec272189f587fc278','image/png','2026-12-02 19:21:44.609347','bo','Norr','SoL','read',0,'read','',NULL,0,'social-anteckning',1,1,1,'BBBB01','BBBB01',0.0,NULL,'[]',NULL,'2026-12-02 19:21:44.609785','1','done');
INSERT INTO "page" VALUES('20261202-271e5e36-00001','20261202-271e5e36',1,'a.pdf',1,NULL,'9eb2f0ab1b8418b289983e72833eb9be5502136b7b0b3cf8d782270b890a0516','image/png','2026-12-02 19:21:44.789096','bo','Norr','IFO','read',0,'read','',NULL,0,'orosanmalan',1,1,1,'CCCC01','CCCC01',0.0,NULL,'[]',NULL,'2026-12-02 19:21:44.789521','1','done');
INSERT INTO "page" VALUES('20261202-2e7492d8-00001','20261202-2e7492d8',1,'b.pdf',1,NULL,'b57e6a6aed738c21c1ec5166aac7abe47992949eb03a8f338daea8edaf35b239','image/png','2026-12-02 19:21:45.792719','bo','Söder',NULL,'queued',0,NULL,'',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'[]',NULL,NULL,NULL,'waiting');
INSERT INTO "page" VALUES('20261202-fa791a92-00001','20261202-fa791a92',1,'e.pdf',1,NULL,'ff922533506655bfb12585b70eebbc5c531a12bfc3f3320205f6fcaeb9c3d283','image/png','2026-12-02 19:21:45.839045','bo','Norr','HSL','read',0,'read','',NULL,0,'hsl-anteckning',2,1,2,'EEEE01','EEEE01',0.0,0.1,'[]',NULL,'2026-12-02 19:21:45.839606','1','waiting');
INSERT INTO "page" VALUES('20261206-49fb9057-00001','20261206-49fb9057',1,'a.pdf',1,NULL,'ca41474c375897581eda970438ca4c5072f80ec6784021814b3abb2c2e051dbc','image/png','2026-12-06 12:41:21.506382','bo','Norr','IFO','read',0,'read','',NULL,0,'orosanmalan',1,1,1,'FFFF01','FFFF01',0.0,NULL,'[]',NULL,'2026-12-06 12:41:21.510170','1','done');
CREATE TABLE page_area (
	id INTEGER NOT NULL, 
	page VARCHAR(40) NOT NULL, 
	"row" INTEGER NOT NULL, 
	x FLOAT NOT NULL, 
	y FLOAT NOT NULL, 
	w FLOAT NOT NULL, 
	h FLOAT NOT NULL, 
	image_sha256 VARCHAR(64) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(page) REFERENCES page (id)
);
CREATE TABLE page_closure (
	id INTEGER NOT NULL, 
	page VARCHAR(40) NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	other VARCHAR(80) DEFAULT '' NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(page) REFERENCES page (id)
);
CREATE TABLE page_text (
	page VARCHAR(40) NOT NULL, 
	plain VARCHAR NOT NULL, 
	words JSON NOT NULL, 
	PRIMARY KEY (page), 
	FOREIGN KEY(page) REFERENCES page (id)
);
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
CREATE TABLE provider_link (
	login VARCHAR(80) NOT NULL, 
	issuer VARCHAR(255) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	linked_at DATETIME NOT NULL, 
	PRIMARY KEY (login), 
	CONSTRAINT provider_link_identity UNIQUE (issuer, subject), 
	FOREIGN KEY(login) REFERENCES staff (login)
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
CREATE TABLE queue_choice (
	login VARCHAR(80) NOT NULL, 
	grouping VARCHAR(10) NOT NULL, 
	entry VARCHAR(44) DEFAULT '' NOT NULL, 
	PRIMARY KEY (login), 
	FOREIGN KEY(login) REFERENCES staff (login)
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
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','enhet','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','registrerat_namn','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','personnummer','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','namn','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','tillfalligt_id','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','fortsattning_pa','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','handelsedatum','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','handelsetid','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','skrivet_datum','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','skriven_tid','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','kontakttyp','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','information','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','insatstyp','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','kva','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','kva2','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_b1','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_b2','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_b3','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_b4','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_b5','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_b6','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_b7','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_b8','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_d3','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_d4','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_d5','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_d6','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_d7','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_e1','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','sokord_e3','null',0.995,'empty','[]','[]','[]',NULL);
INSERT INTO "reading" VALUES('20261202-fa791a92-00001','anteckning','"Sov gott."',0.995,'read','[]','[]','[]',NULL);
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
CREATE TABLE "record_digest" (
	kind VARCHAR(40) NOT NULL, 
	owner VARCHAR(80) NOT NULL, 
	event INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (kind, owner, event)
);
INSERT INTO "record_digest" VALUES('entry','AAAA01-00',9,'16f66a4c4885f0a3576072da17717dc11717e08965d9aa3e7fae9394edf481ac');
INSERT INTO "record_digest" VALUES('decision','AAAA01-00',10,'7d0629ee18abb8cb1c0358ad1d5781c52e1a9edaae3d17fae6ef8ce611011a8f');
INSERT INTO "record_digest" VALUES('entry_version','AAAA01-00',10,'52df0c7ad83251c9840e10fc02a0b33967896ea1b322bf9e36d693b1d1c6d03d');
INSERT INTO "record_digest" VALUES('entry','AAAA01-00',10,'d11e6d6ece28c5faa499ae98fefee2f6d54675f170c86a12cb93924e32228b17');
INSERT INTO "record_digest" VALUES('decision','AAAA01-00',11,'88b642f5ffaef9e20dc9ddfaac8653028dcab0b003cdf518e0e1afc78fd56864');
INSERT INTO "record_digest" VALUES('entry_version','AAAA01-00',11,'270d853e7def07f7701766870e4de697bdf5a9848c52f3cfffdffadf4c3ee006');
INSERT INTO "record_digest" VALUES('entry','AAAA01-00',11,'581cc1e528bd59fb283c385934d31066a03d28f1409c49d37b75b0492c155134');
INSERT INTO "record_digest" VALUES('signature','AAAA01-00',12,'8c20370c6db040c438c19482aa870f7d5640f9296d43d7e18a797a29766b690f');
INSERT INTO "record_digest" VALUES('entry','AAAA01-00',12,'eeadb015903a14b97ea362a3b371a96dda55bbec7fb450f381636437c741533e');
INSERT INTO "record_digest" VALUES('entry','BBBB01-00',14,'a725e9db16bec3c97c61ab4aa82234d5330ffe042f14b621fa9e7b364ef3f591');
INSERT INTO "record_digest" VALUES('decision','BBBB01-00',15,'2df6fc71ec90c550ca36d3f39dd7f67927db2018797f5626ebfb1a14fe60cf4a');
INSERT INTO "record_digest" VALUES('entry_version','BBBB01-00',15,'2ea5fd83b1ad3209db1536c26b9c591f5cb59373251d4bb9f3a1f392933a41ed');
INSERT INTO "record_digest" VALUES('entry','BBBB01-00',15,'46098a7f55bc2150be2757f9932a32d95ba7d65ee8f46ed5073e9165de93303f');
INSERT INTO "record_digest" VALUES('decision','BBBB01-00',16,'f558073e10f1917e46461b625073eb8d126afde303db247f0e68750a8796493f');
INSERT INTO "record_digest" VALUES('entry_version','BBBB01-00',16,'c3080155a21812cfa34c797fcbb9d82725faad6fe2e585754ed2c0a19b99b544');
INSERT INTO "record_digest" VALUES('entry','BBBB01-00',16,'cf35689036a46d72c4a269d88c22da80f4ee00d49bd28a9fc482c4a77e63496e');
INSERT INTO "record_digest" VALUES('entry','CCCC01-00',18,'3ce8e6d7fb2db9878ad87a1c0797ee9d8fb09dcaf5a80413b65a82e7f7e7f9cd');
INSERT INTO "record_digest" VALUES('decision','CCCC01-00',19,'b268059c41aa6a41442221007dd2d6a90960c9969f2042cb446b4c4633a26231');
INSERT INTO "record_digest" VALUES('entry_version','CCCC01-00',19,'47365767c8ed0838bdb4f4a1c598f4da47750b76bdd6e641568966d11b3da1aa');
INSERT INTO "record_digest" VALUES('entry','CCCC01-00',19,'35b526a413eab7864a23589fbabbbfc928e952a5b4eeaeaa078e18071786e771');
INSERT INTO "record_digest" VALUES('decision','CCCC01-00',20,'f4208ebec85c79f147b16342d8d3e033daf36533651eea9fcf9f29987646e045');
INSERT INTO "record_digest" VALUES('entry_version','CCCC01-00',20,'92af014bda285d30b8af34c3d75e456ec4fca16fa09f01ad18698c8ae35a7a6d');
INSERT INTO "record_digest" VALUES('entry','CCCC01-00',20,'b475a1ebd09c65936ec223458d36d54f79244d01aed42e89bfaf02c2c19f3251');
INSERT INTO "record_digest" VALUES('route','rivta',21,'43425463081dd45ae3b619421eb48df5a3f174cbf5a612cc7f0afbf0178157d6');
INSERT INTO "record_digest" VALUES('export_item','20261202-202244-rivta-yda07',23,'2b08e54e091fe72228e71b8d540434e5d2834fcf87c1b37b8f28ba259cb86326');
INSERT INTO "record_digest" VALUES('entry','AAAA01-00',23,'b7e6574ad8133bbd9b0a501c381e5ac6d907f69ecf1e462282ef3a495dd9e35e');
INSERT INTO "record_digest" VALUES('export_run','20261202-202244-rivta-yda07',23,'0d27e9b74a13f88a25da4cfefa45a56dc4cc14d10d7482d2181e63e7385c784f');
INSERT INTO "record_digest" VALUES('decision','AAAA01-00',24,'0807edf582d6fc488992dbf5bb4a4e43193e1dc80a94906022d602073b0ea406');
INSERT INTO "record_digest" VALUES('entry_version','AAAA01-00',24,'c1533a21c25ddd6f46806df5772274c9e49f46a34148356a35a3911a09695e7d');
INSERT INTO "record_digest" VALUES('entry','AAAA01-00',24,'356916fde276f388918950d8bb37c5a9cd25384bc61f6c878aa618ba47b8caee');
INSERT INTO "record_digest" VALUES('signature','AAAA01-00',25,'95d97a49d9ee45db241842c515a002d1f9e578269fde1c63b5b71a5041e8921c');
INSERT INTO "record_digest" VALUES('entry','AAAA01-00',25,'bba694162af4d5b3207bbbcde389c2024b83b808ae3d96be95cd103eede83605');
INSERT INTO "record_digest" VALUES('entry','EEEE01-00',28,'2bdb45f9ad72256c1e4acb4cb5f256c5778e5b18ef26b4c8f3157d8aac775aab');
INSERT INTO "record_digest" VALUES('client','192801287158',29,'67a1b83393732456d7f72ecda4b15671484fd3dba34ed2e2f63069233636975c');
INSERT INTO "record_digest" VALUES('client','193402287381',29,'55c6e6c66027e1ec5490e481d727100c4152cf2fea4b3990a71656dce4b6b9d6');
INSERT INTO "record_digest" VALUES('entry','AAAA01-00',29,'28f92a9c3f9cdfe457847c1a8fe8f9efda27428a98cbc73e131dac3843d58ba6');
INSERT INTO "record_digest" VALUES('entry','BBBB01-00',29,'fd00b387d540246ee20b474023909304ad8773f184d37b44c256aab54278aca8');
INSERT INTO "record_digest" VALUES('entry','CCCC01-00',29,'7c01e3d29de3e63baf813cc41f8fdc8e1eba9a5ed90b1563c30d4d467b363290');
INSERT INTO "record_digest" VALUES('page','20261202-271e5e36-00001',29,'69ba11abd69d13b45dafcbec76a50696e60abb939222fc71002db38bb5941495');
INSERT INTO "record_digest" VALUES('page','20261202-2e7492d8-00001',29,'485aca2c5e3181f65ab63dcfa4fcec3461e5eb323b6185e8648fb918f13ff1eb');
INSERT INTO "record_digest" VALUES('page','20261202-6ed46484-00001',29,'dcb6959ff2d6c946e2809285c1a1105b1fcac150f7717a01ac39512117187767');
INSERT INTO "record_digest" VALUES('page','20261202-72cd1cc5-00001',29,'ce2fb09d6387390d9ed4dcb1cbe109e7efc5becf6026958b75c6e7543a39053b');
INSERT INTO "record_digest" VALUES('page','20261202-fa791a92-00001',29,'307dfb0f91e343adce01c19ad879fb0b9d21ac7ec62120c193ef7b4e9b2f291d');
INSERT INTO "record_digest" VALUES('staff','anna',29,'e889a8d6ee627312d8153dad5166136ec3e8b1cd2cc093e74dbaba3932eef95b');
INSERT INTO "record_digest" VALUES('staff','per',29,'877fbcf3401a319c39ae0b6d88d9b172db9a8e84516f4b3216568742065b7f10');
INSERT INTO "record_digest" VALUES('staff','stig',29,'0df5471f208f7445ed5e0faf6265753fbb2341260c6f592165419333e7199226');
INSERT INTO "record_digest" VALUES('staff','tora',29,'24bd136955b0bfb7a1d6fc935e4951b6705320398dbb806f0ef73c857ded7bbe');
INSERT INTO "record_digest" VALUES('staff_unit','anna',29,'0a97452f8eea7298ea4d1863c8c8a4dfd0030933be852f3a9085651f2df9cb38');
INSERT INTO "record_digest" VALUES('staff_unit','per',29,'3dc2054b2e13c75d4992cd3e380ca167507b38b2e258535c47797d67fdd1127d');
INSERT INTO "record_digest" VALUES('staff_unit','stig',29,'58eee4b5f7402d02a18299b1e62411cbf274f4288dc5ec159e458f4a32e87849');
INSERT INTO "record_digest" VALUES('staff_unit','tora',29,'391bdd391df16b47a739f0d7d34913cda9b1bb54efbc36a36ea3f6b238dfa85a');
INSERT INTO "record_digest" VALUES('entry','FFFF01-00',32,'f0b87d61c92fd013c59bf920e726f34415c3f405e67f9f26986e78b6959362d3');
INSERT INTO "record_digest" VALUES('page','20261206-49fb9057-00001',32,'b4a27d1069ec7fd058fc6bfb342090c6721e9e3cf626173a9ef901186f821452');
INSERT INTO "record_digest" VALUES('entry','FFFF01-00',33,'66c3f8f88bcb6e574a3b1c5dfff1c92de589e25979adf9febdb73d4114626151');
INSERT INTO "record_digest" VALUES('entry_version','FFFF01-00',33,'1e951eef94fed195b7c03364c71e0b8bdba92707d57c6ab54d1c7580344a5d0c');
INSERT INTO "record_digest" VALUES('decision','FFFF01-00',33,'d9fb8185e5e4ff1d839a88b80406912b49beda81b60ba1aa9b13c3ef8ff3e3bb');
INSERT INTO "record_digest" VALUES('entry','FFFF01-00',34,'b3846bfcfd8e76ecdcfe57d9849a3165c9fe0853419d7778c968a6f189f83be1');
INSERT INTO "record_digest" VALUES('entry_version','FFFF01-00',34,'e38f19bd3901525bdbe18ba7203b410aa3db911a29e3f7d2fe30c327c7d406de');
INSERT INTO "record_digest" VALUES('decision','FFFF01-00',34,'1e9e4da3b6cdc0320f698410cef7700fa79c2ed1e03a935b6330776339327fb8');
INSERT INTO "record_digest" VALUES('staff_unit','mona',35,'a2000b699e9b326eb9ad56547532c99a73a64ea92655da9ef1c4501662b4d28d');
INSERT INTO "record_digest" VALUES('staff','mona',35,'5980d5fab0632b095abf13b3b4ba4d1d8ea489e3a36d83f4b0f5f21b06ff3689');
INSERT INTO "record_digest" VALUES('met_duty','FFFF01-00',36,'36b61ad751cf93d957dd37169f838e02cc9d2c794d1ec7d291f59fa4314f22fb');
CREATE TABLE recovery_code (
	login VARCHAR(80) NOT NULL, 
	code_sha256 VARCHAR(64) NOT NULL, 
	used_at DATETIME, 
	PRIMARY KEY (login, code_sha256), 
	FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE route (
	id INTEGER NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	target VARCHAR(40) NOT NULL, 
	forms JSON NOT NULL, 
	system VARCHAR(80) DEFAULT '' NOT NULL, 
	module VARCHAR(80) DEFAULT '' NOT NULL, 
	deliverer VARCHAR(80) DEFAULT '' NOT NULL, 
	active BOOLEAN NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "route" VALUES(1,'rivta','rivta','["hsl-anteckning", "palliativ-hemakt", "tillagg-omvardnadsjournal", "utskrivningsklar"]','','','',1,'vera','2026-12-02 19:21:44.999137');
CREATE TABLE scanned_pack (
	pack VARCHAR(32) NOT NULL, 
	PRIMARY KEY (pack)
);
CREATE TABLE schema_info (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_info" VALUES(9);
CREATE TABLE second_factor (
	login VARCHAR(80) NOT NULL, 
	secret VARCHAR(400) NOT NULL, 
	key_id VARCHAR(16) NOT NULL, 
	added_at DATETIME NOT NULL, 
	last_step INTEGER NOT NULL, 
	PRIMARY KEY (login), 
	FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE sheet_depth (
	id INTEGER NOT NULL, 
	sheet VARCHAR(41) NOT NULL, 
	depth VARCHAR(20) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
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
INSERT INTO "signature" VALUES(1,'AAAA01-00',2,'546d0c752a5681d0',0,0,'Gun Ek','författaren har slutat',4,'per','2026-12-02 19:21:44.534856');
INSERT INTO "signature" VALUES(2,'AAAA01-00',4,'a023515f11c03051',0,0,'Gun Ek','författaren har slutat',4,'per','2026-12-02 19:21:45.746267');
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
	person_key VARCHAR(80), 
	PRIMARY KEY (login)
);
INSERT INTO "staff" VALUES('anna','Anna Öst','sjuksköterska','granskare','$argon2id$v=19$m=8,t=1,p=1$e5rzEP6OfoeUT6O4UXGxIw$p1hT50Cd1UZHSkPKklXQwyj752HmUSHQlfqbkpDtoTE',1,'ADM HSL IFO LSS SoL',0,0,NULL,NULL);
INSERT INTO "staff" VALUES('per','Per Åhs','sjuksköterska','granskare','$argon2id$v=19$m=8,t=1,p=1$e5rzEP6OfoeUT6O4UXGxIw$p1hT50Cd1UZHSkPKklXQwyj752HmUSHQlfqbkpDtoTE',1,'ADM HSL IFO LSS SoL',0,0,NULL,NULL);
INSERT INTO "staff" VALUES('tora','Tora Ås','sjuksköterska','granskare','$argon2id$v=19$m=8,t=1,p=1$e5rzEP6OfoeUT6O4UXGxIw$p1hT50Cd1UZHSkPKklXQwyj752HmUSHQlfqbkpDtoTE',1,'ADM HSL IFO LSS SoL',0,0,NULL,NULL);
INSERT INTO "staff" VALUES('stig','Stig Alm','undersköterska','granskare','$argon2id$v=19$m=8,t=1,p=1$e5rzEP6OfoeUT6O4UXGxIw$p1hT50Cd1UZHSkPKklXQwyj752HmUSHQlfqbkpDtoTE',1,'ADM HSL IFO LSS SoL',0,0,NULL,NULL);
INSERT INTO "staff" VALUES('mona','Mona Ek','enhetschef','chef','$argon2id$v=19$m=8,t=1,p=1$u/RfSRIr0OretqotQlt8WA$s037BkjpvNQEFYCDrjwr/4Lzt7gVfMm63NFsLypUlKw',1,'ADM HSL IFO LSS SoL',0,0,NULL,NULL);
CREATE TABLE staff_signature (
	unit VARCHAR(80) NOT NULL, 
	signature VARCHAR(20) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	hsa_id VARCHAR(40) DEFAULT '' NOT NULL, 
	role_code VARCHAR(20) DEFAULT '' NOT NULL, 
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
INSERT INTO "staff_unit" VALUES('mona','Norr');
CREATE TABLE statistics_item (
	run VARCHAR(32) NOT NULL, 
	entry VARCHAR(44) NOT NULL, 
	revision INTEGER NOT NULL, 
	month VARCHAR(7) NOT NULL, 
	number INTEGER NOT NULL, 
	whole BOOLEAN DEFAULT 1 NOT NULL, 
	PRIMARY KEY (run, entry), 
	FOREIGN KEY(run) REFERENCES export_run (id), 
	FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE store_check (
	id INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	started_by VARCHAR(80) NOT NULL, 
	ended_at DATETIME, 
	database_problem TEXT DEFAULT '' NOT NULL, 
	files INTEGER DEFAULT '0' NOT NULL, 
	missing INTEGER DEFAULT '0' NOT NULL, 
	damaged INTEGER DEFAULT '0' NOT NULL, 
	orphans INTEGER DEFAULT '0' NOT NULL, changed INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE tally (
	id INTEGER NOT NULL, 
	what VARCHAR(8) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	form VARCHAR(60) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	is_void BOOLEAN NOT NULL, 
	is_second BOOLEAN NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "tally" VALUES(1,'page','Norr','hsl-anteckning','read',0,0,1);
INSERT INTO "tally" VALUES(2,'page','Norr','orosanmalan','read',0,0,1);
INSERT INTO "tally" VALUES(3,'page','Norr','social-anteckning','read',0,0,1);
INSERT INTO "tally" VALUES(4,'page','Norr','orosanmalan','read',0,0,1);
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
CREATE TABLE triage_order (
	unit VARCHAR(80) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	PRIMARY KEY (unit)
);
CREATE TABLE triage_table (
	id INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	version INTEGER NOT NULL, 
	rules JSON NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id)
);
CREATE TABLE unit (
	name VARCHAR(80) NOT NULL, 
	area VARCHAR(8) NOT NULL, 
	hsa_id VARCHAR(40) DEFAULT '' NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "unit" VALUES('Norr','HSL','');
INSERT INTO "unit" VALUES('Söder','HSL','');
CREATE TABLE unit_depth (
	id INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	form VARCHAR(60) NOT NULL, 
	depth VARCHAR(20) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE unit_provider (
	id INTEGER NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	hsa_id VARCHAR(64) NOT NULL, 
	organisation_number VARCHAR(20) NOT NULL, 
	"by" VARCHAR(80) NOT NULL, 
	at DATETIME NOT NULL, 
	undone_by VARCHAR(80), 
	undone_at DATETIME, 
	PRIMARY KEY (id)
);
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
CREATE TABLE watched_folder (
	id VARCHAR(64) NOT NULL, 
	folder VARCHAR(400) NOT NULL, 
	unit VARCHAR(80) NOT NULL, 
	place VARCHAR(200) NOT NULL, 
	looked_at DATETIME NOT NULL, 
	is_away BOOLEAN NOT NULL, 
	passed_over JSON NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE worker (
	id VARCHAR(60) NOT NULL, 
	beat_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX ix_staff_person_key ON staff (person_key);
CREATE INDEX ix_client_unit ON client (unit);
CREATE INDEX ix_issued_sheet_pack ON issued_sheet (pack);
CREATE UNIQUE INDEX pack_opening_standing ON pack_opening (pack) WHERE undone_at IS NULL;
CREATE INDEX ix_batch_content ON batch (content);
CREATE INDEX ix_event_subject ON event (subject);
CREATE INDEX ix_event_at ON event (at);
CREATE UNIQUE INDEX unused_standing ON unused_sheet (serial) WHERE undone_at IS NULL;
CREATE INDEX ix_unused_sheet_lot ON unused_sheet (lot);
CREATE INDEX ix_route_name ON route (name);
CREATE INDEX ix_care_list_unit ON care_list (unit);
CREATE INDEX group_task_login ON group_task (login, ended_at);
CREATE INDEX group_task_open ON group_task (claimed_until) WHERE ended_at IS NULL;
CREATE INDEX ix_group_setting_unit ON group_setting (unit);
CREATE UNIQUE INDEX client_block_stands ON client_block (client_pid, unit) WHERE lifted_at IS NULL;
CREATE INDEX ix_login_failure_at ON login_failure (at);
CREATE INDEX ix_login_failure_address_sha256 ON login_failure (address_sha256);
CREATE INDEX ix_login_failure_device_sha256 ON login_failure (device_sha256);
CREATE INDEX ix_login_failure_login_sha256 ON login_failure (login_sha256);
CREATE INDEX ix_unit_depth_unit ON unit_depth (unit);
CREATE INDEX ix_sheet_depth_sheet ON sheet_depth (sheet);
CREATE INDEX key_in_order_latest ON key_in_order (system, form, id);
CREATE INDEX store_check_ended ON store_check (ended_at);
CREATE INDEX ix_triage_table_unit ON triage_table (unit);
CREATE INDEX ix_unit_provider_unit ON unit_provider (unit);
CREATE INDEX ix_page_image_sha256 ON page (image_sha256);
CREATE INDEX ix_page_serial ON page (serial);
CREATE INDEX ix_page_sheet ON page (sheet);
CREATE INDEX page_sheet_side ON page (serial, page_no);
CREATE INDEX ix_page_source_sha256 ON page (source_sha256);
CREATE INDEX ix_issued_row_client_pid ON issued_row (client_pid);
CREATE INDEX ix_export_delivery_run ON export_delivery (run);
CREATE INDEX ix_paper_place_batch ON paper_place (batch);
CREATE UNIQUE INDEX paper_decision_standing ON paper_decision (package) WHERE undone_at IS NULL;
CREATE INDEX ix_care_row_list ON care_row (list);
CREATE INDEX ix_care_row_client_pid ON care_row (client_pid);
CREATE INDEX ix_browser_session_login ON browser_session (login);
CREATE INDEX ix_access_change_login ON access_change (login);
CREATE INDEX entry_client ON entry (client_pid) WHERE client_pid IS NOT NULL;
CREATE INDEX entry_claim ON entry (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX ix_entry_sheet ON entry (sheet);
CREATE INDEX entry_queue_newest ON entry (rank, lane, skipped, due_on, last_on DESC, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX ix_entry_serial ON entry (serial);
CREATE INDEX entry_signed ON entry (unit, form) WHERE state = 'signerad';
CREATE INDEX entry_likely ON entry (likely_pid) WHERE likely_pid != '';
CREATE INDEX entry_queue_oldest ON entry (rank, lane, skipped, due_on, first_on, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE UNIQUE INDEX page_closure_standing ON page_closure (page) WHERE undone_at IS NULL;
CREATE INDEX ix_attachment_sheet ON attachment (sheet);
CREATE UNIQUE INDEX attachment_standing ON attachment (page) WHERE undone_at IS NULL;
CREATE INDEX ix_attachment_page ON attachment (page);
CREATE INDEX ix_page_area_page ON page_area (page);
CREATE UNIQUE INDEX page_area_standing ON page_area (page, "row") WHERE undone_at IS NULL;
CREATE INDEX ix_decision_entry ON decision (entry);
CREATE INDEX ix_export_proof_run ON export_proof (run);
CREATE INDEX ix_export_proof_entry ON export_proof (entry);
CREATE UNIQUE INDEX payment_approval_standing ON payment_approval (entry, seen, "by") WHERE undone_at IS NULL;
CREATE INDEX ix_payment_approval_entry ON payment_approval (entry);
CREATE INDEX ix_statistics_item_entry ON statistics_item (entry);
CREATE INDEX control_open ON control (drawn_at) WHERE outcome IS NULL;
CREATE INDEX look_login ON look (login, at);
CREATE INDEX ix_group_cell_task ON group_cell (task);
CREATE INDEX ix_group_cell_entry ON group_cell (entry);
CREATE UNIQUE INDEX group_cell_live ON group_cell (entry, field) WHERE outcome IS NULL OR outcome = 'kept' OR outcome = 'odd';
CREATE INDEX ix_temporary_identity_entry ON temporary_identity (entry);
CREATE INDEX ix_client_choice_entry ON client_choice (entry);
CREATE INDEX ix_forwarding_from_unit ON forwarding (from_unit);
CREATE INDEX ix_forwarding_entry ON forwarding (entry);
CREATE INDEX ix_question_unit ON question (unit);
CREATE INDEX ix_question_entry ON question (entry);
CREATE INDEX ix_duplicate_mark_entry ON duplicate_mark (entry);
CREATE INDEX ix_entry_version_entry ON entry_version (entry);
CREATE INDEX ix_signature_entry ON signature (entry);
CREATE INDEX ix_key_in_signature_turn ON key_in_signature (turn);
CREATE UNIQUE INDEX key_in_signature_active ON key_in_signature (entry, revision) WHERE undone_at IS NULL;
CREATE INDEX ix_key_in_copy_entry ON key_in_copy (entry);
CREATE UNIQUE INDEX clash_standing ON clash_decision (entry, digest) WHERE taken_back_at IS NULL;
CREATE INDEX ix_clash_decision_entry ON clash_decision (entry);
CREATE INDEX ix_author_answer_question ON author_answer (question);
CREATE INDEX entry_form_oldest ON entry (form, rank, lane, skipped, due_on, first_on, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_form_newest ON entry (form, rank, lane, skipped, due_on, last_on DESC, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_author_key ON entry (author_key, rank, lane, skipped, due_on, first_on, likely_pid, happened, id) WHERE state IN ('granskas', 'andra granskning') AND author_key != '';
CREATE INDEX entry_day ON entry (event_on, unit) WHERE event_on IS NOT NULL;
CREATE INDEX entry_author ON entry (author) WHERE author IS NOT NULL;
CREATE INDEX event_own_action ON event ("by", id) WHERE action IN ('decide', 'skip', 'undo', 'forward', 'reopen');
CREATE INDEX ix_page_read_at ON page (read_at);
CREATE INDEX page_live ON page (unit, form, standing, state, sheet) WHERE standing != 'done';
CREATE INDEX page_queue ON page (scanned_at, id, reason) WHERE state = 'queued';
CREATE INDEX page_duplicate_of ON page (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX page_blank ON page (scanned_at, id) WHERE outcome = 'blank';
CREATE INDEX page_sides ON page (sheet, page_no, pages, serial, outcome, unit, area, form) WHERE pages > 1;
CREATE INDEX page_scanned ON page (scanned_at, unit);
CREATE INDEX batch_created ON batch (created_at, unit);
CREATE INDEX batch_coming ON batch (id) WHERE taking_in IS NOT NULL;
CREATE INDEX entry_gap ON entry (unit) WHERE state != 'kvitterad' AND state = 'avvisad' AND voided IS NULL AND (reason NOT IN ('dubblett', 'främmande sida', 'tom rad'));
CREATE INDEX entry_first ON entry (first_at, first_by, unit) WHERE first_at IS NOT NULL;
CREATE INDEX entry_second ON entry (second_at, second_by, unit) WHERE second_at IS NOT NULL;
CREATE INDEX entry_version_at ON entry_version (at, entry, state);
CREATE INDEX look_at ON look (at);
CREATE INDEX receipt_run ON receipt (run);
CREATE INDEX event_skip ON event ("by", at) WHERE action = 'skip';
CREATE INDEX ix_met_duty_entry ON met_duty (entry);
CREATE INDEX entry_due ON entry (unit, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX entry_ended ON entry (ended_at, unit, state) WHERE ended_at IS NOT NULL;
CREATE INDEX entry_unreceipted ON entry (unit, state, form, criticality, created_at, voided) WHERE state != 'kvitterad';
CREATE INDEX entry_ready ON entry (unit, form, first_by, version, area, voided) WHERE state = 'bekräftad';
CREATE INDEX entry_created ON entry (created_at, unit, state, form, criticality, voided);
CREATE INDEX ix_archive_delivery_package ON archive_delivery (package);
CREATE INDEX ix_record_digest_event ON record_digest (event);
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER event_no_replace BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER record_digest_no_update BEFORE UPDATE ON record_digest BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER record_digest_no_delete BEFORE DELETE ON record_digest BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER record_digest_no_replace BEFORE INSERT ON record_digest WHEN EXISTS (SELECT 1 FROM record_digest WHERE ("kind" = NEW."kind" AND "owner" = NEW."owner" AND "event" = NEW."event")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER log_key_no_update BEFORE UPDATE ON log_key BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER log_key_no_delete BEFORE DELETE ON log_key BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER log_key_no_replace BEFORE INSERT ON log_key WHEN EXISTS (SELECT 1 FROM log_key WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER sheet_depth_no_update BEFORE UPDATE ON sheet_depth BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER sheet_depth_no_delete BEFORE DELETE ON sheet_depth BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER sheet_depth_no_replace BEFORE INSERT ON sheet_depth WHEN EXISTS (SELECT 1 FROM sheet_depth WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER unit_depth_no_update BEFORE UPDATE ON unit_depth BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER unit_depth_no_delete BEFORE DELETE ON unit_depth BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER unit_depth_no_replace BEFORE INSERT ON unit_depth WHEN EXISTS (SELECT 1 FROM unit_depth WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER decision_no_replace BEFORE INSERT ON decision WHEN EXISTS (SELECT 1 FROM decision WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER issued_sheet_no_update BEFORE UPDATE ON issued_sheet BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER issued_sheet_no_delete BEFORE DELETE ON issued_sheet BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER issued_sheet_no_replace BEFORE INSERT ON issued_sheet WHEN EXISTS (SELECT 1 FROM issued_sheet WHERE ("serial" = NEW."serial")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER issued_row_no_update BEFORE UPDATE ON issued_row BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER issued_row_no_delete BEFORE DELETE ON issued_row BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER issued_row_no_replace BEFORE INSERT ON issued_row WHEN EXISTS (SELECT 1 FROM issued_row WHERE ("serial" = NEW."serial" AND "row" = NEW."row")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER author_answer_no_update BEFORE UPDATE ON author_answer BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER author_answer_no_delete BEFORE DELETE ON author_answer BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER author_answer_no_replace BEFORE INSERT ON author_answer WHEN EXISTS (SELECT 1 FROM author_answer WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER client_choice_no_update BEFORE UPDATE ON client_choice BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER client_choice_no_delete BEFORE DELETE ON client_choice BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER client_choice_no_replace BEFORE INSERT ON client_choice WHEN EXISTS (SELECT 1 FROM client_choice WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER client_code_no_update BEFORE UPDATE ON client_code BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER client_code_no_delete BEFORE DELETE ON client_code BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER client_code_no_replace BEFORE INSERT ON client_code WHEN EXISTS (SELECT 1 FROM client_code WHERE ("unit" = NEW."unit" AND "code" = NEW."code") OR ("unit" = NEW."unit" AND "pid" = NEW."pid")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER control_key_no_update BEFORE UPDATE ON control_key BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER control_key_no_delete BEFORE DELETE ON control_key BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER entry_version_no_update BEFORE UPDATE ON entry_version BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER entry_version_no_delete BEFORE DELETE ON entry_version BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER entry_version_no_replace BEFORE INSERT ON entry_version WHEN EXISTS (SELECT 1 FROM entry_version WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER forwarding_no_update BEFORE UPDATE ON forwarding BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER forwarding_no_delete BEFORE DELETE ON forwarding BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER forwarding_no_replace BEFORE INSERT ON forwarding WHEN EXISTS (SELECT 1 FROM forwarding WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER group_setting_no_update BEFORE UPDATE ON group_setting BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER group_setting_no_delete BEFORE DELETE ON group_setting BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER group_setting_no_replace BEFORE INSERT ON group_setting WHEN EXISTS (SELECT 1 FROM group_setting WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER look_no_update BEFORE UPDATE ON look BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER look_no_delete BEFORE DELETE ON look BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER met_duty_no_update BEFORE UPDATE ON met_duty BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER met_duty_no_delete BEFORE DELETE ON met_duty BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER met_duty_no_replace BEFORE INSERT ON met_duty WHEN EXISTS (SELECT 1 FROM met_duty WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER question_no_update BEFORE UPDATE ON question BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER question_no_delete BEFORE DELETE ON question BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER question_no_replace BEFORE INSERT ON question WHEN EXISTS (SELECT 1 FROM question WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER signature_no_update BEFORE UPDATE ON signature BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER signature_no_delete BEFORE DELETE ON signature BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER signature_no_replace BEFORE INSERT ON signature WHEN EXISTS (SELECT 1 FROM signature WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archive_delivery_no_update BEFORE UPDATE ON archive_delivery BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archive_delivery_no_delete BEFORE DELETE ON archive_delivery BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archive_delivery_no_replace BEFORE INSERT ON archive_delivery WHEN EXISTS (SELECT 1 FROM archive_delivery WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archive_package_no_update BEFORE UPDATE ON archive_package BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archive_package_no_delete BEFORE DELETE ON archive_package BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archive_package_no_replace BEFORE INSERT ON archive_package WHEN EXISTS (SELECT 1 FROM archive_package WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archived_sheet_no_update BEFORE UPDATE ON archived_sheet BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archived_sheet_no_delete BEFORE DELETE ON archived_sheet BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER archived_sheet_no_replace BEFORE INSERT ON archived_sheet WHEN EXISTS (SELECT 1 FROM archived_sheet WHERE ("package" = NEW."package" AND "sheet" = NEW."sheet") OR ("sheet" = NEW."sheet" AND "content" = NEW."content")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_delivery_no_update BEFORE UPDATE ON export_delivery BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_delivery_no_delete BEFORE DELETE ON export_delivery BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_delivery_no_replace BEFORE INSERT ON export_delivery WHEN EXISTS (SELECT 1 FROM export_delivery WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_item_no_update BEFORE UPDATE ON export_item BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_item_no_delete BEFORE DELETE ON export_item BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_item_no_replace BEFORE INSERT ON export_item WHEN EXISTS (SELECT 1 FROM export_item WHERE ("run" = NEW."run" AND "entry" = NEW."entry") OR ("entry" = NEW."entry" AND "revision" = NEW."revision")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_proof_no_update BEFORE UPDATE ON export_proof BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_proof_no_delete BEFORE DELETE ON export_proof BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_proof_no_replace BEFORE INSERT ON export_proof WHEN EXISTS (SELECT 1 FROM export_proof WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_run_no_update BEFORE UPDATE ON export_run BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_run_no_delete BEFORE DELETE ON export_run BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_run_no_replace BEFORE INSERT ON export_run WHEN EXISTS (SELECT 1 FROM export_run WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_undo_no_update BEFORE UPDATE ON export_undo BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_undo_no_delete BEFORE DELETE ON export_undo BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER export_undo_no_replace BEFORE INSERT ON export_undo WHEN EXISTS (SELECT 1 FROM export_undo WHERE ("run" = NEW."run")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER paper_place_no_update BEFORE UPDATE ON paper_place BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER paper_place_no_delete BEFORE DELETE ON paper_place BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER paper_place_no_replace BEFORE INSERT ON paper_place WHEN EXISTS (SELECT 1 FROM paper_place WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER receipt_no_delete BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER receipt_no_replace BEFORE INSERT ON receipt WHEN EXISTS (SELECT 1 FROM receipt WHERE ("entry" = NEW."entry" AND "revision" = NEW."revision")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER route_no_update BEFORE UPDATE ON route BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER route_no_delete BEFORE DELETE ON route BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER route_no_replace BEFORE INSERT ON route WHEN EXISTS (SELECT 1 FROM route WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER statistics_item_no_update BEFORE UPDATE ON statistics_item BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER statistics_item_no_delete BEFORE DELETE ON statistics_item BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER statistics_item_no_replace BEFORE INSERT ON statistics_item WHEN EXISTS (SELECT 1 FROM statistics_item WHERE ("run" = NEW."run" AND "entry" = NEW."entry")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER key_in_copy_no_update BEFORE UPDATE ON key_in_copy BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER key_in_copy_no_delete BEFORE DELETE ON key_in_copy BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER key_in_copy_no_replace BEFORE INSERT ON key_in_copy WHEN EXISTS (SELECT 1 FROM key_in_copy WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER key_in_order_no_update BEFORE UPDATE ON key_in_order BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER key_in_order_no_delete BEFORE DELETE ON key_in_order BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER key_in_order_no_replace BEFORE INSERT ON key_in_order WHEN EXISTS (SELECT 1 FROM key_in_order WHERE ("id" = NEW."id")) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER event_head_forward BEFORE UPDATE ON event_head WHEN NEW.number <= OLD.number BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER event_head_no_delete BEFORE DELETE ON event_head BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER event_head_no_replace BEFORE INSERT ON event_head WHEN EXISTS (SELECT 1 FROM event_head WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'rows of this table are only added'); END;
CREATE TRIGGER tally_page_added AFTER INSERT ON page BEGIN INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'page', NEW.unit, coalesce(NEW.form, ''), NEW.state, 0, 0, 1 WHERE NEW.standing = 'done'; UPDATE page SET standing = CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END WHERE id = NEW.id AND standing <> CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END; END;
CREATE TRIGGER tally_page_judged AFTER UPDATE OF state, outcome, settled, sheet ON page BEGIN UPDATE page SET standing = CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END WHERE id = NEW.id AND standing <> CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END; END;
CREATE TRIGGER tally_page_changed AFTER UPDATE OF standing, unit, form, state ON page WHEN (OLD.standing = 'done' OR NEW.standing = 'done') AND (OLD.standing, OLD.unit, OLD.form, OLD.state) IS NOT (NEW.standing, NEW.unit, NEW.form, NEW.state) BEGIN INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'page', OLD.unit, coalesce(OLD.form, ''), OLD.state, 0, 0, -1 WHERE OLD.standing = 'done'; INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'page', NEW.unit, coalesce(NEW.form, ''), NEW.state, 0, 0, 1 WHERE NEW.standing = 'done'; END;
CREATE TRIGGER tally_page_removed AFTER DELETE ON page WHEN OLD.standing = 'done' BEGIN INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'page', OLD.unit, coalesce(OLD.form, ''), OLD.state, 0, 0, -1 WHERE OLD.standing = 'done'; END;
CREATE TRIGGER tally_sheet_printed AFTER INSERT ON issued_sheet BEGIN INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'sheet', NEW.unit, NEW.form, '', 0, 0, 1; INSERT INTO outstanding_sheet (serial, unit, form, pack)
    SELECT NEW.serial, NEW.unit, NEW.form, NEW.pack
    WHERE NOT EXISTS (SELECT 1 FROM page WHERE page.serial = NEW.serial);
INSERT INTO scanned_pack (pack) SELECT NEW.pack
    WHERE EXISTS (SELECT 1 FROM page WHERE page.serial = NEW.serial)
    AND NOT EXISTS (SELECT 1 FROM scanned_pack WHERE scanned_pack.pack = NEW.pack) ; END;
CREATE TRIGGER tally_sheet_back AFTER INSERT ON page WHEN NEW.serial IS NOT NULL BEGIN INSERT INTO scanned_pack (pack) SELECT pack FROM outstanding_sheet AS one
    WHERE one.serial = NEW.serial
    AND NOT EXISTS (SELECT 1 FROM scanned_pack WHERE scanned_pack.pack = one.pack) ;
DELETE FROM outstanding_sheet WHERE serial = NEW.serial; END;
CREATE TRIGGER tally_sheet_named AFTER UPDATE OF serial ON page WHEN NEW.serial IS NOT OLD.serial BEGIN INSERT INTO scanned_pack (pack) SELECT pack FROM outstanding_sheet AS one
    WHERE one.serial = NEW.serial
    AND NOT EXISTS (SELECT 1 FROM scanned_pack WHERE scanned_pack.pack = one.pack) ;
DELETE FROM outstanding_sheet WHERE serial = NEW.serial; DELETE FROM scanned_pack
    WHERE pack IN (SELECT pack FROM issued_sheet WHERE serial = OLD.serial)
    AND NOT EXISTS (SELECT 1 FROM issued_sheet AS one JOIN page ON page.serial = one.serial
        WHERE one.pack = scanned_pack.pack);
INSERT INTO outstanding_sheet (serial, unit, form, pack)
    SELECT one.serial, one.unit, one.form, one.pack FROM issued_sheet AS one
    WHERE one.serial = OLD.serial
    AND NOT EXISTS (SELECT 1 FROM page WHERE page.serial = OLD.serial)
    AND NOT EXISTS (SELECT 1 FROM outstanding_sheet AS out WHERE out.serial = OLD.serial); END;
CREATE TRIGGER tally_sheet_gone AFTER DELETE ON page WHEN OLD.serial IS NOT NULL BEGIN DELETE FROM scanned_pack
    WHERE pack IN (SELECT pack FROM issued_sheet WHERE serial = OLD.serial)
    AND NOT EXISTS (SELECT 1 FROM issued_sheet AS one JOIN page ON page.serial = one.serial
        WHERE one.pack = scanned_pack.pack);
INSERT INTO outstanding_sheet (serial, unit, form, pack)
    SELECT one.serial, one.unit, one.form, one.pack FROM issued_sheet AS one
    WHERE one.serial = OLD.serial
    AND NOT EXISTS (SELECT 1 FROM page WHERE page.serial = OLD.serial)
    AND NOT EXISTS (SELECT 1 FROM outstanding_sheet AS out WHERE out.serial = OLD.serial); END;
CREATE TRIGGER tally_entry_added AFTER INSERT ON entry BEGIN INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'entry', NEW.unit, NEW.form, NEW.criticality, NEW.voided IS NOT NULL, NEW.second_by IS NOT NULL, 1 WHERE NEW.state = 'kvitterad'; UPDATE page SET standing = CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END WHERE sheet = NEW.sheet AND standing <> CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END; END;
CREATE TRIGGER tally_entry_changed AFTER UPDATE OF state, sheet, unit, form, criticality, second_by, voided ON entry WHEN OLD.state = 'kvitterad' OR NEW.state = 'kvitterad' BEGIN INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'entry', OLD.unit, OLD.form, OLD.criticality, OLD.voided IS NOT NULL, OLD.second_by IS NOT NULL, -1 WHERE OLD.state = 'kvitterad'; INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'entry', NEW.unit, NEW.form, NEW.criticality, NEW.voided IS NOT NULL, NEW.second_by IS NOT NULL, 1 WHERE NEW.state = 'kvitterad'; END;
CREATE TRIGGER tally_entry_judged AFTER UPDATE OF state, sheet ON entry WHEN OLD.sheet <> NEW.sheet OR (OLD.state IN ('granskas', 'andra granskning')) <> (NEW.state IN ('granskas', 'andra granskning')) BEGIN UPDATE page SET standing = CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END WHERE sheet IN (OLD.sheet, NEW.sheet) AND standing <> CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END; END;
CREATE TRIGGER tally_entry_removed AFTER DELETE ON entry BEGIN INSERT INTO tally (what, unit, form, kind, is_void, is_second, number) SELECT 'entry', OLD.unit, OLD.form, OLD.criticality, OLD.voided IS NOT NULL, OLD.second_by IS NOT NULL, -1 WHERE OLD.state = 'kvitterad'; UPDATE page SET standing = CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END WHERE sheet = OLD.sheet AND standing <> CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END; END;
CREATE TRIGGER tally_page_closed AFTER INSERT ON page_closure BEGIN UPDATE page SET standing = CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END WHERE id = NEW.page AND standing <> CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END; END;
CREATE TRIGGER tally_page_reopened AFTER UPDATE OF undone_at ON page_closure BEGIN UPDATE page SET standing = CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END WHERE id = NEW.page AND standing <> CASE
        WHEN page.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = page.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN page.state = 'read' AND (coalesce(page.outcome, '') = 'blank' OR page.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = page.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = page.sheet AND entry.state IN ('granskas', 'andra granskning'))))
            THEN 'done'
        ELSE 'waiting' END; END;
COMMIT;
