-- The tables of version 1.0.0 (revision 0001). Never changed: later changes are revisions.
-- The words in braces are each database's own.
CREATE TABLE address_failure (
    id {serial} NOT NULL,
    address_sha256 VARCHAR(64) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_address_failure_address_sha256 ON address_failure (address_sha256);
CREATE TABLE archive_package (
    id VARCHAR(40) NOT NULL,
    file_name VARCHAR(120) NOT NULL,
    file_sha256 VARCHAR(64) NOT NULL,
    made_at {moment} NOT NULL,
    made_by VARCHAR(80) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE batch (
    id VARCHAR(32) NOT NULL,
    created_at {moment} NOT NULL,
    created_by VARCHAR(80) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    place VARCHAR(200) NOT NULL,
    taking_in VARCHAR(64),
    PRIMARY KEY (id),
    UNIQUE (taking_in)
);
CREATE TABLE care_list (
    id {serial} NOT NULL,
    unit VARCHAR(80) NOT NULL,
    area VARCHAR(8) NOT NULL,
    rows INTEGER NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    erased_by VARCHAR(80),
    erased_at {moment},
    PRIMARY KEY (id)
);
CREATE INDEX ix_care_list_unit ON care_list (unit);
CREATE TABLE client (
    pid VARCHAR(20) NOT NULL,
    name VARCHAR(120) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    protected BOOLEAN NOT NULL,
    address VARCHAR(200) DEFAULT '' NOT NULL,
    PRIMARY KEY (pid)
);
CREATE INDEX ix_client_unit ON client (unit);
CREATE TABLE client_block (
    id VARCHAR(16) NOT NULL,
    client_pid VARCHAR(20) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    set_at {moment} NOT NULL,
    set_by VARCHAR(80) NOT NULL,
    reason TEXT NOT NULL,
    lifted_at {moment},
    lifted_by VARCHAR(80),
    lifted_reason TEXT,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX client_block_stands ON client_block (client_pid, unit) WHERE lifted_at IS NULL;
CREATE TABLE control_key (
    id {serial} NOT NULL,
    secret VARCHAR(64) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE event (
    id {serial} NOT NULL,
    at {moment} NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    action VARCHAR(40) NOT NULL,
    subject VARCHAR(80) NOT NULL,
    detail JSON NOT NULL,
    unit VARCHAR(80),
    previous VARCHAR(64),
    sha256 VARCHAR(64),
    PRIMARY KEY (id)
);
CREATE INDEX ix_event_at ON event (at);
CREATE INDEX ix_event_subject ON event (subject);
CREATE TABLE event_head (
    id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE export_run (
    id VARCHAR(32) NOT NULL,
    target VARCHAR(40) NOT NULL,
    file_name VARCHAR(120) NOT NULL,
    file_sha256 VARCHAR(64) NOT NULL,
    made_at {moment} NOT NULL,
    made_by VARCHAR(80) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE group_setting (
    id {serial} NOT NULL,
    unit VARCHAR(80) NOT NULL,
    "on" BOOLEAN NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_group_setting_unit ON group_setting (unit);
CREATE TABLE group_task (
    id VARCHAR(32) NOT NULL,
    login VARCHAR(80) NOT NULL,
    form VARCHAR(60) NOT NULL,
    version INTEGER NOT NULL,
    "column" VARCHAR(80) NOT NULL,
    value JSON,
    state VARCHAR(20) NOT NULL,
    shown_at {moment} NOT NULL,
    claimed_until {moment} NOT NULL,
    ended_at {moment},
    PRIMARY KEY (id)
);
CREATE INDEX group_task_login ON group_task (login, ended_at);
CREATE INDEX group_task_open ON group_task (claimed_until) WHERE ended_at IS NULL;
CREATE TABLE issued_sheet (
    serial VARCHAR(8) NOT NULL,
    form VARCHAR(60) NOT NULL,
    version INTEGER NOT NULL,
    unit VARCHAR(80) NOT NULL,
    client_pid VARCHAR(20),
    issued_at {moment} NOT NULL,
    issued_by VARCHAR(80) NOT NULL,
    PRIMARY KEY (serial)
);
CREATE TABLE log_key (
    id INTEGER NOT NULL,
    "key" VARCHAR(64) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE login_failure (
    id {serial} NOT NULL,
    login_sha256 VARCHAR(64) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_login_failure_login_sha256 ON login_failure (login_sha256);
CREATE TABLE pack_number (
    unit VARCHAR(80) NOT NULL,
    form VARCHAR(60) NOT NULL,
    sheets INTEGER NOT NULL,
    each_client INTEGER NOT NULL,
    PRIMARY KEY (unit, form)
);
CREATE TABLE planned_day (
    unit VARCHAR(80) NOT NULL,
    day VARCHAR(10) NOT NULL,
    kind VARCHAR(10) NOT NULL,
    planned INTEGER NOT NULL,
    PRIMARY KEY (unit, day, kind)
);
CREATE TABLE pull (
    id VARCHAR(32) NOT NULL,
    kind VARCHAR(10) NOT NULL,
    what VARCHAR(44) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id)
);
CREATE TABLE schema_info (
    version {serial} NOT NULL,
    PRIMARY KEY (version)
);
CREATE TABLE staff (
    login VARCHAR(80) NOT NULL,
    name VARCHAR(120) NOT NULL,
    title VARCHAR(80) NOT NULL,
    role VARCHAR(40) NOT NULL,
    password_hash VARCHAR(200) NOT NULL,
    active BOOLEAN NOT NULL,
    areas VARCHAR(40),
    break_glass BOOLEAN DEFAULT {false} NOT NULL,
    must_change BOOLEAN DEFAULT {false} NOT NULL,
    refused_until {moment},
    PRIMARY KEY (login)
);
CREATE TABLE staff_signature (
    unit VARCHAR(80) NOT NULL,
    signature VARCHAR(20) NOT NULL,
    name VARCHAR(120) NOT NULL,
    title VARCHAR(80) NOT NULL,
    PRIMARY KEY (unit, signature, name)
);
CREATE TABLE unit (
    name VARCHAR(80) NOT NULL,
    area VARCHAR(8) NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE unused_sheet (
    id {serial} NOT NULL,
    serial VARCHAR(8) NOT NULL,
    lot VARCHAR(32) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id)
);
CREATE INDEX ix_unused_sheet_lot ON unused_sheet (lot);
CREATE UNIQUE INDEX unused_standing ON unused_sheet (serial) WHERE undone_at IS NULL;
CREATE TABLE worker (
    id VARCHAR(60) NOT NULL,
    beat_at {moment} NOT NULL,
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
CREATE TABLE break_glass_use (
    id VARCHAR(16) NOT NULL,
    login VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    reason TEXT NOT NULL,
    seen_by VARCHAR(80),
    seen_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE browser_session (
    token_sha256 VARCHAR(64) NOT NULL,
    login VARCHAR(80) NOT NULL,
    started_at {moment} NOT NULL,
    active_at {moment} NOT NULL,
    proved_at {moment},
    ended_at {moment},
    ended_why VARCHAR(20),
    PRIMARY KEY (token_sha256),
    FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE INDEX ix_browser_session_login ON browser_session (login);
CREATE TABLE care_row (
    id {serial} NOT NULL,
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
CREATE INDEX ix_care_row_client_pid ON care_row (client_pid);
CREATE INDEX ix_care_row_list ON care_row (list);
CREATE TABLE closed_guide (
    login VARCHAR(80) NOT NULL,
    closed_at {moment} NOT NULL,
    PRIMARY KEY (login),
    FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE issued_row (
    serial VARCHAR(8) NOT NULL,
    "row" INTEGER NOT NULL,
    client_pid VARCHAR(20) NOT NULL,
    printed JSON NOT NULL,
    PRIMARY KEY (serial, "row"),
    FOREIGN KEY(serial) REFERENCES issued_sheet (serial)
);
CREATE INDEX ix_issued_row_client_pid ON issued_row (client_pid);
CREATE TABLE page (
    id VARCHAR(40) NOT NULL,
    batch VARCHAR(32) NOT NULL,
    position INTEGER NOT NULL,
    source_name VARCHAR(400) NOT NULL,
    source_page INTEGER NOT NULL,
    source_sha256 VARCHAR(64),
    image_sha256 VARCHAR(64),
    media_type VARCHAR(40),
    scanned_at {moment} NOT NULL,
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
    read_at {moment},
    reader_version VARCHAR(40),
    PRIMARY KEY (id),
    UNIQUE (batch, position),
    FOREIGN KEY(batch) REFERENCES batch (id)
);
CREATE INDEX ix_page_image_sha256 ON page (image_sha256);
CREATE INDEX ix_page_serial ON page (serial);
CREATE INDEX ix_page_sheet ON page (sheet);
CREATE INDEX ix_page_source_sha256 ON page (source_sha256);
CREATE INDEX ix_page_state ON page (state);
CREATE INDEX page_sheet_side ON page (serial, page_no);
CREATE TABLE paper_decision (
    id {serial} NOT NULL,
    package VARCHAR(40) NOT NULL,
    number VARCHAR(80) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(package) REFERENCES archive_package (id)
);
CREATE UNIQUE INDEX paper_decision_standing ON paper_decision (package) WHERE undone_at IS NULL;
CREATE TABLE paper_place (
    id {serial} NOT NULL,
    batch VARCHAR(32) NOT NULL,
    box VARCHAR(80) NOT NULL,
    bundle VARCHAR(80) DEFAULT '' NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(batch) REFERENCES batch (id)
);
CREATE INDEX ix_paper_place_batch ON paper_place (batch);
CREATE TABLE staff_unit (
    login VARCHAR(80) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    PRIMARY KEY (login, unit),
    FOREIGN KEY(login) REFERENCES staff (login),
    FOREIGN KEY(unit) REFERENCES unit (name)
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
    created_at {moment} NOT NULL,
    first_by VARCHAR(80),
    first_at {moment},
    second_by VARCHAR(80),
    second_at {moment},
    claimed_by VARCHAR(80),
    claimed_until {moment},
    skipped INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    voided TEXT,
    lane INTEGER DEFAULT '2' NOT NULL,
    due_at {moment},
    likely_pid VARCHAR(20) DEFAULT '' NOT NULL,
    happened VARCHAR(16) DEFAULT '' NOT NULL,
    first_on VARCHAR(10) DEFAULT '' NOT NULL,
    last_on VARCHAR(10) DEFAULT '' NOT NULL,
    author VARCHAR(120),
    signed_by VARCHAR(80),
    signed_at {moment},
    signed_why VARCHAR(300),
    subject VARCHAR(10) DEFAULT 'client' NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(page) REFERENCES page (id)
);
CREATE INDEX entry_claim ON entry (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX entry_client ON entry (client_pid) WHERE client_pid IS NOT NULL;
CREATE INDEX entry_likely ON entry (likely_pid) WHERE likely_pid != '';
CREATE INDEX entry_queue_newest ON entry (rank, lane, skipped, due_at, last_on DESC, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_queue_oldest ON entry (rank, lane, skipped, due_at, first_on, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_ready ON entry (unit, form) WHERE state = 'bekräftad';
CREATE INDEX entry_signed ON entry (unit, form) WHERE state = 'signerad';
CREATE INDEX ix_entry_serial ON entry (serial);
CREATE INDEX ix_entry_sheet ON entry (sheet);
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
CREATE TABLE client_choice (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    codes JSON NOT NULL,
    choice VARCHAR(40) NOT NULL,
    why VARCHAR(300) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_client_choice_entry ON client_choice (entry);
CREATE TABLE control (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    field VARCHAR(80) NOT NULL,
    drawn_at {moment} NOT NULL,
    passed INTEGER NOT NULL,
    claimed_by VARCHAR(80),
    claimed_until {moment},
    revision INTEGER,
    confirmed_by VARCHAR(80),
    typed_by VARCHAR(80),
    typed_at {moment},
    typed_value JSON,
    typed_state VARCHAR(20),
    third_by VARCHAR(80),
    third_at {moment},
    outcome VARCHAR(10),
    PRIMARY KEY (id),
    UNIQUE (entry, field),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX control_open ON control (drawn_at) WHERE outcome IS NULL;
CREATE TABLE decision (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    field VARCHAR(80) NOT NULL,
    value JSON,
    state VARCHAR(20) NOT NULL,
    how VARCHAR(20) NOT NULL,
    settled BOOLEAN NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_decision_entry ON decision (entry);
CREATE TABLE draft (
    entry VARCHAR(44) NOT NULL,
    login VARCHAR(80) NOT NULL,
    field VARCHAR(80) NOT NULL,
    value JSON,
    state VARCHAR(20) NOT NULL,
    at {moment} NOT NULL,
    revision INTEGER DEFAULT '0' NOT NULL,
    PRIMARY KEY (entry, login, field),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE duplicate_mark (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    other_entry VARCHAR(44),
    text TEXT NOT NULL,
    picture_sha256 VARCHAR(64),
    why VARCHAR(300) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    taken_back_by VARCHAR(80),
    taken_back_at {moment},
    "before" JSON,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id),
    FOREIGN KEY(other_entry) REFERENCES entry (id)
);
CREATE INDEX ix_duplicate_mark_entry ON duplicate_mark (entry);
CREATE TABLE entry_version (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    state VARCHAR(30) NOT NULL,
    reason TEXT NOT NULL,
    reason_before TEXT,
    voided BOOLEAN NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_entry_version_entry ON entry_version (entry);
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
CREATE TABLE forwarding (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    from_unit VARCHAR(80) NOT NULL,
    to_unit VARCHAR(80) NOT NULL,
    why VARCHAR(300) NOT NULL,
    secret BOOLEAN NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_forwarding_entry ON forwarding (entry);
CREATE INDEX ix_forwarding_from_unit ON forwarding (from_unit);
CREATE TABLE group_cell (
    id {serial} NOT NULL,
    task VARCHAR(32) NOT NULL,
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    field VARCHAR(80) NOT NULL,
    page VARCHAR(40) NOT NULL,
    marked BOOLEAN NOT NULL,
    outcome VARCHAR(10),
    ended_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(task) REFERENCES group_task (id),
    FOREIGN KEY(entry) REFERENCES entry (id),
    FOREIGN KEY(page) REFERENCES page (id)
);
CREATE UNIQUE INDEX group_cell_live ON group_cell (entry, field) WHERE outcome IS NULL OR outcome = 'kept' OR outcome = 'odd';
CREATE INDEX ix_group_cell_entry ON group_cell (entry);
CREATE INDEX ix_group_cell_task ON group_cell (task);
CREATE TABLE key_in_claim (
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    until {moment} NOT NULL,
    PRIMARY KEY (entry, revision),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE look (
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    login VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    fields INTEGER NOT NULL,
    seconds FLOAT NOT NULL,
    second BOOLEAN NOT NULL,
    PRIMARY KEY (entry, revision),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX look_login ON look (login, at);
CREATE TABLE payment_approval (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    seen INTEGER NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_at {moment},
    rows_sha256 VARCHAR(64),
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_payment_approval_entry ON payment_approval (entry);
CREATE UNIQUE INDEX payment_approval_standing ON payment_approval (entry, seen, "by") WHERE undone_at IS NULL;
CREATE TABLE plant (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    login VARCHAR(80) NOT NULL,
    field VARCHAR(80) NOT NULL,
    value JSON,
    state VARCHAR(20) NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    shown_at {moment} NOT NULL,
    outcome VARCHAR(10),
    ended_at {moment},
    PRIMARY KEY (id),
    UNIQUE (entry, login),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE TABLE question (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    author VARCHAR(120) NOT NULL,
    text TEXT NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_question_entry ON question (entry);
CREATE INDEX ix_question_unit ON question (unit);
CREATE TABLE receipt (
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    run VARCHAR(32) NOT NULL,
    at {moment} NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    accepted BOOLEAN NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (entry, revision),
    FOREIGN KEY(entry) REFERENCES entry (id),
    FOREIGN KEY(run) REFERENCES export_run (id)
);
CREATE TABLE signature (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    act VARCHAR(32) NOT NULL,
    taken_back BOOLEAN NOT NULL,
    own BOOLEAN NOT NULL,
    author VARCHAR(120) NOT NULL,
    why VARCHAR(300) NOT NULL,
    rule INTEGER,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_signature_entry ON signature (entry);
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
CREATE INDEX ix_statistics_item_entry ON statistics_item (entry);
CREATE TABLE temporary_identity (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    number VARCHAR(20) NOT NULL,
    name VARCHAR(120) NOT NULL,
    reason TEXT NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    settled_by VARCHAR(80),
    settled_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_temporary_identity_entry ON temporary_identity (entry);
CREATE TABLE author_answer (
    id {serial} NOT NULL,
    question INTEGER NOT NULL,
    text TEXT NOT NULL,
    answered_by VARCHAR(120) NOT NULL,
    answered_at {moment} NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(question) REFERENCES question (id)
);
CREATE INDEX ix_author_answer_question ON author_answer (question);
CREATE TABLE clash_decision (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    same BOOLEAN NOT NULL,
    mark INTEGER,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    taken_back_by VARCHAR(80),
    taken_back_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id),
    FOREIGN KEY(mark) REFERENCES duplicate_mark (id)
);
CREATE UNIQUE INDEX clash_standing ON clash_decision (entry, digest) WHERE taken_back_at IS NULL;
CREATE INDEX ix_clash_decision_entry ON clash_decision (entry);
INSERT INTO schema_info (version) VALUES (9);
