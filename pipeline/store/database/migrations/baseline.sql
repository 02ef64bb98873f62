-- The tables of version 1.2.0 (revision 0023). Never changed: later changes are revisions.
-- The words in braces are each database's own.
CREATE TABLE archive_package (
    id VARCHAR(40) NOT NULL,
    file_name VARCHAR(120) NOT NULL,
    file_sha256 VARCHAR(64) NOT NULL,
    made_at {moment} NOT NULL,
    made_by VARCHAR(80) NOT NULL,
    decision VARCHAR(80) DEFAULT '' NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE batch (
    id VARCHAR(32) NOT NULL,
    created_at {moment} NOT NULL,
    created_by VARCHAR(80) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    place VARCHAR(200) NOT NULL,
    taking_in VARCHAR(64),
    content VARCHAR(64),
    PRIMARY KEY (id),
    UNIQUE (taking_in)
);
CREATE INDEX batch_coming ON batch (id) WHERE taking_in IS NOT NULL;
CREATE INDEX batch_created ON batch (created_at, unit);
CREATE INDEX ix_batch_content ON batch (content);
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
    deceased_on VARCHAR(10) DEFAULT '' NOT NULL,
    moved_on VARCHAR(10) DEFAULT '' NOT NULL,
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
CREATE TABLE client_code (
    unit VARCHAR(80) NOT NULL,
    code VARCHAR(4) NOT NULL,
    pid VARCHAR(20) NOT NULL,
    given_at {moment} NOT NULL,
    PRIMARY KEY (unit, code),
    UNIQUE (unit, pid)
);
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
    records VARCHAR(64),
    PRIMARY KEY (id)
);
CREATE INDEX event_own_action ON event ("by", id) WHERE action IN ('decide', 'skip', 'undo', 'forward', 'reopen');
CREATE INDEX event_skip ON event ("by", at) WHERE action = 'skip';
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
    route VARCHAR(40),
    PRIMARY KEY (id)
);
CREATE TABLE form_publication (
    id {serial} NOT NULL,
    form VARCHAR(60) NOT NULL,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    ended_at {moment},
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
CREATE TABLE image_store (
    id VARCHAR(32) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE issued_sheet (
    serial VARCHAR(8) NOT NULL,
    form VARCHAR(60) NOT NULL,
    version INTEGER NOT NULL,
    unit VARCHAR(80) NOT NULL,
    client_pid VARCHAR(20),
    issued_at {moment} NOT NULL,
    issued_by VARCHAR(80) NOT NULL,
    pack VARCHAR(32) DEFAULT '' NOT NULL,
    PRIMARY KEY (serial)
);
CREATE INDEX ix_issued_sheet_pack ON issued_sheet (pack);
CREATE TABLE key_in_order (
    id {serial} NOT NULL,
    system VARCHAR(80) NOT NULL,
    form VARCHAR(80) NOT NULL,
    own JSON NOT NULL,
    note JSON NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX key_in_order_latest ON key_in_order (system, form, id);
CREATE TABLE log_key (
    id INTEGER NOT NULL,
    "key" VARCHAR(64) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE login_failure (
    id {serial} NOT NULL,
    login_sha256 VARCHAR(64) NOT NULL,
    at {moment} NOT NULL,
    address_sha256 VARCHAR(64),
    device_sha256 VARCHAR(64),
    PRIMARY KEY (id)
);
CREATE INDEX ix_login_failure_address_sha256 ON login_failure (address_sha256);
CREATE INDEX ix_login_failure_at ON login_failure (at);
CREATE INDEX ix_login_failure_device_sha256 ON login_failure (device_sha256);
CREATE INDEX ix_login_failure_login_sha256 ON login_failure (login_sha256);
CREATE TABLE outage (
    id {serial} NOT NULL,
    unit VARCHAR(80) NOT NULL,
    system VARCHAR(40) NOT NULL,
    kind VARCHAR(10) NOT NULL,
    start {moment} NOT NULL,
    "end" {moment},
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
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
    id {serial} NOT NULL,
    pack VARCHAR(32) NOT NULL,
    day VARCHAR(10) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX pack_opening_standing ON pack_opening (pack) WHERE undone_at IS NULL;
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
CREATE TABLE record_digest (
    kind VARCHAR(40) NOT NULL,
    owner VARCHAR(80) NOT NULL,
    event INTEGER NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    PRIMARY KEY (kind, owner, event)
);
CREATE INDEX ix_record_digest_event ON record_digest (event);
CREATE TABLE route (
    id {serial} NOT NULL,
    name VARCHAR(40) NOT NULL,
    target VARCHAR(40) NOT NULL,
    forms JSON NOT NULL,
    system VARCHAR(80) DEFAULT '' NOT NULL,
    module VARCHAR(80) DEFAULT '' NOT NULL,
    deliverer VARCHAR(80) DEFAULT '' NOT NULL,
    active BOOLEAN NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_route_name ON route (name);
CREATE TABLE scanned_pack (
    pack VARCHAR(32) NOT NULL,
    PRIMARY KEY (pack)
);
CREATE TABLE schema_info (
    version {serial} NOT NULL,
    PRIMARY KEY (version)
);
CREATE TABLE sheet_depth (
    id {serial} NOT NULL,
    sheet VARCHAR(41) NOT NULL,
    depth VARCHAR(20) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_sheet_depth_sheet ON sheet_depth (sheet);
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
    person_key VARCHAR(80),
    PRIMARY KEY (login)
);
CREATE INDEX ix_staff_person_key ON staff (person_key);
CREATE TABLE staff_signature (
    unit VARCHAR(80) NOT NULL,
    signature VARCHAR(20) NOT NULL,
    name VARCHAR(120) NOT NULL,
    title VARCHAR(80) NOT NULL,
    hsa_id VARCHAR(40) DEFAULT '' NOT NULL,
    role_code VARCHAR(20) DEFAULT '' NOT NULL,
    PRIMARY KEY (unit, signature, name)
);
CREATE TABLE store_check (
    id {serial} NOT NULL,
    started_at {moment} NOT NULL,
    started_by VARCHAR(80) NOT NULL,
    ended_at {moment},
    database_problem TEXT DEFAULT '' NOT NULL,
    files INTEGER DEFAULT '0' NOT NULL,
    missing INTEGER DEFAULT '0' NOT NULL,
    damaged INTEGER DEFAULT '0' NOT NULL,
    orphans INTEGER DEFAULT '0' NOT NULL,
    changed INTEGER DEFAULT '0' NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX store_check_ended ON store_check (ended_at);
CREATE TABLE tally (
    id {serial} NOT NULL,
    what VARCHAR(8) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    form VARCHAR(60) NOT NULL,
    kind VARCHAR(20) NOT NULL,
    is_void BOOLEAN NOT NULL,
    is_second BOOLEAN NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE triage_order (
    unit VARCHAR(80) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    PRIMARY KEY (unit)
);
CREATE TABLE triage_table (
    id {serial} NOT NULL,
    unit VARCHAR(80) NOT NULL,
    version INTEGER NOT NULL,
    rules JSON NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id)
);
CREATE INDEX ix_triage_table_unit ON triage_table (unit);
CREATE TABLE unit (
    name VARCHAR(80) NOT NULL,
    area VARCHAR(8) NOT NULL,
    hsa_id VARCHAR(40) DEFAULT '' NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE unit_depth (
    id {serial} NOT NULL,
    unit VARCHAR(80) NOT NULL,
    form VARCHAR(60) NOT NULL,
    depth VARCHAR(20) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_unit_depth_unit ON unit_depth (unit);
CREATE TABLE unit_provider (
    id {serial} NOT NULL,
    unit VARCHAR(80) NOT NULL,
    name VARCHAR(120) NOT NULL,
    hsa_id VARCHAR(64) NOT NULL,
    organisation_number VARCHAR(20) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id)
);
CREATE INDEX ix_unit_provider_unit ON unit_provider (unit);
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
CREATE TABLE watched_folder (
    id VARCHAR(64) NOT NULL,
    folder VARCHAR(400) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    place VARCHAR(200) NOT NULL,
    looked_at {moment} NOT NULL,
    is_away BOOLEAN NOT NULL,
    passed_over JSON NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE worker (
    id VARCHAR(60) NOT NULL,
    beat_at {moment} NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE access_change (
    id VARCHAR(16) NOT NULL,
    login VARCHAR(80) NOT NULL,
    kind VARCHAR(20) NOT NULL,
    at {moment} NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    needs_approval BOOLEAN NOT NULL,
    approved_by VARCHAR(80),
    approved_at {moment},
    code_sha256 VARCHAR(64),
    expires_at {moment},
    done_at {moment},
    cancelled_by VARCHAR(80),
    cancelled_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE INDEX ix_access_change_login ON access_change (login);
CREATE TABLE archive_delivery (
    id {serial} NOT NULL,
    package VARCHAR(40) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(package) REFERENCES archive_package (id)
);
CREATE INDEX ix_archive_delivery_package ON archive_delivery (package);
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
CREATE TABLE export_delivery (
    id {serial} NOT NULL,
    run VARCHAR(32) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(run) REFERENCES export_run (id)
);
CREATE INDEX ix_export_delivery_run ON export_delivery (run);
CREATE TABLE export_undo (
    run VARCHAR(32) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (run),
    FOREIGN KEY(run) REFERENCES export_run (id)
);
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
CREATE INDEX ix_issued_row_client_pid ON issued_row (client_pid);
CREATE TABLE known_device (
    login VARCHAR(80) NOT NULL,
    device_sha256 VARCHAR(64) NOT NULL,
    used_at {moment} NOT NULL,
    PRIMARY KEY (login, device_sha256),
    FOREIGN KEY(login) REFERENCES staff (login)
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
    standing VARCHAR(8) DEFAULT 'waiting' NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (batch, position),
    FOREIGN KEY(batch) REFERENCES batch (id)
);
CREATE INDEX ix_page_image_sha256 ON page (image_sha256);
CREATE INDEX ix_page_read_at ON page (read_at);
CREATE INDEX ix_page_serial ON page (serial);
CREATE INDEX ix_page_sheet ON page (sheet);
CREATE INDEX ix_page_source_sha256 ON page (source_sha256);
CREATE INDEX page_blank ON page (scanned_at, id) WHERE outcome = 'blank';
CREATE INDEX page_duplicate_of ON page (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX page_live ON page (unit, form, standing, state, sheet) WHERE standing != 'done';
CREATE INDEX page_queue ON page (scanned_at, id, reason) WHERE state = 'queued';
CREATE INDEX page_scanned ON page (scanned_at, unit);
CREATE INDEX page_sheet_side ON page (serial, page_no);
CREATE INDEX page_sides ON page (sheet, page_no, pages, serial, outcome, unit, area, form) WHERE pages > 1;
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
CREATE TABLE provider_link (
    login VARCHAR(80) NOT NULL,
    issuer VARCHAR(255) NOT NULL,
    subject VARCHAR(255) NOT NULL,
    linked_at {moment} NOT NULL,
    PRIMARY KEY (login),
    CONSTRAINT provider_link_identity UNIQUE (issuer, subject),
    FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE queue_choice (
    login VARCHAR(80) NOT NULL,
    grouping VARCHAR(10) NOT NULL,
    entry VARCHAR(44) DEFAULT '' NOT NULL,
    PRIMARY KEY (login),
    FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE recovery_code (
    login VARCHAR(80) NOT NULL,
    code_sha256 VARCHAR(64) NOT NULL,
    used_at {moment},
    PRIMARY KEY (login, code_sha256),
    FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE second_factor (
    login VARCHAR(80) NOT NULL,
    secret VARCHAR(400) NOT NULL,
    key_id VARCHAR(16) NOT NULL,
    added_at {moment} NOT NULL,
    last_step INTEGER NOT NULL,
    PRIMARY KEY (login),
    FOREIGN KEY(login) REFERENCES staff (login)
);
CREATE TABLE staff_unit (
    login VARCHAR(80) NOT NULL,
    unit VARCHAR(80) NOT NULL,
    PRIMARY KEY (login, unit),
    FOREIGN KEY(login) REFERENCES staff (login),
    FOREIGN KEY(unit) REFERENCES unit (name)
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
    id {serial} NOT NULL,
    page VARCHAR(40) NOT NULL,
    sheet VARCHAR(41) NOT NULL,
    number INTEGER NOT NULL,
    title VARCHAR(120) NOT NULL,
    day VARCHAR(10) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(page) REFERENCES page (id)
);
CREATE UNIQUE INDEX attachment_standing ON attachment (page) WHERE undone_at IS NULL;
CREATE INDEX ix_attachment_page ON attachment (page);
CREATE INDEX ix_attachment_sheet ON attachment (sheet);
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
    ended_at {moment},
    claimed_by VARCHAR(80),
    claimed_until {moment},
    skipped INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    voided TEXT,
    lane INTEGER DEFAULT '2' NOT NULL,
    due_at {moment},
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
    signed_at {moment},
    signed_why VARCHAR(300),
    subject VARCHAR(10) DEFAULT 'client' NOT NULL,
    author_key VARCHAR(120) DEFAULT '' NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(page) REFERENCES page (id)
);
CREATE INDEX entry_author ON entry (author) WHERE author IS NOT NULL;
CREATE INDEX entry_author_key ON entry (author_key, rank, lane, skipped, due_on, first_on, likely_pid, happened, id) WHERE state IN ('granskas', 'andra granskning') AND author_key != '';
CREATE INDEX entry_claim ON entry (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX entry_client ON entry (client_pid) WHERE client_pid IS NOT NULL;
CREATE INDEX entry_created ON entry (created_at, unit, state, form, criticality, voided);
CREATE INDEX entry_day ON entry (event_on, unit) WHERE event_on IS NOT NULL;
CREATE INDEX entry_due ON entry (unit, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX entry_ended ON entry (ended_at, unit, state) WHERE ended_at IS NOT NULL;
CREATE INDEX entry_first ON entry (first_at, first_by, unit) WHERE first_at IS NOT NULL;
CREATE INDEX entry_form_newest ON entry (form, rank, lane, skipped, due_on, last_on DESC, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_form_oldest ON entry (form, rank, lane, skipped, due_on, first_on, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_gap ON entry (unit) WHERE state != 'kvitterad' AND state = 'avvisad' AND voided IS NULL AND (reason NOT IN ('dubblett', 'främmande sida', 'tom rad'));
CREATE INDEX entry_likely ON entry (likely_pid) WHERE likely_pid != '';
CREATE INDEX entry_queue_newest ON entry (rank, lane, skipped, due_on, last_on DESC, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_queue_oldest ON entry (rank, lane, skipped, due_on, first_on, likely_pid, happened, id, unit, area, state, claimed_until, first_by) WHERE state IN ('granskas', 'andra granskning');
CREATE INDEX entry_ready ON entry (unit, form, first_by, version, area, voided) WHERE state = 'bekräftad';
CREATE INDEX entry_second ON entry (second_at, second_by, unit) WHERE second_at IS NOT NULL;
CREATE INDEX entry_signed ON entry (unit, form) WHERE state = 'signerad';
CREATE INDEX entry_unreceipted ON entry (unit, state, form, criticality, created_at, voided) WHERE state != 'kvitterad';
CREATE INDEX ix_entry_serial ON entry (serial);
CREATE INDEX ix_entry_sheet ON entry (sheet);
CREATE TABLE page_area (
    id {serial} NOT NULL,
    page VARCHAR(40) NOT NULL,
    "row" INTEGER NOT NULL,
    x FLOAT NOT NULL,
    y FLOAT NOT NULL,
    w FLOAT NOT NULL,
    h FLOAT NOT NULL,
    image_sha256 VARCHAR(64) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(page) REFERENCES page (id)
);
CREATE INDEX ix_page_area_page ON page_area (page);
CREATE UNIQUE INDEX page_area_standing ON page_area (page, "row") WHERE undone_at IS NULL;
CREATE TABLE page_closure (
    id {serial} NOT NULL,
    page VARCHAR(40) NOT NULL,
    reason VARCHAR(40) NOT NULL,
    other VARCHAR(80) DEFAULT '' NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_by VARCHAR(80),
    undone_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(page) REFERENCES page (id)
);
CREATE UNIQUE INDEX page_closure_standing ON page_closure (page) WHERE undone_at IS NULL;
CREATE TABLE page_text (
    page VARCHAR(40) NOT NULL,
    plain VARCHAR NOT NULL,
    words JSON NOT NULL,
    PRIMARY KEY (page),
    FOREIGN KEY(page) REFERENCES page (id)
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
CREATE INDEX entry_version_at ON entry_version (at, entry, state);
CREATE INDEX ix_entry_version_entry ON entry_version (entry);
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
CREATE TABLE export_proof (
    id {serial} NOT NULL,
    run VARCHAR(32) NOT NULL,
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    at {moment} NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    means VARCHAR(20) NOT NULL,
    found VARCHAR(20) NOT NULL,
    differences JSON NOT NULL,
    place VARCHAR(200) DEFAULT '' NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(run) REFERENCES export_run (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_export_proof_entry ON export_proof (entry);
CREATE INDEX ix_export_proof_run ON export_proof (run);
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
CREATE TABLE key_in_copy (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    part VARCHAR(200) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_key_in_copy_entry ON key_in_copy (entry);
CREATE TABLE key_in_signature (
    id {serial} NOT NULL,
    turn VARCHAR(32) NOT NULL,
    run VARCHAR(32) NOT NULL,
    entry VARCHAR(44) NOT NULL,
    revision INTEGER NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    undone_at {moment},
    settled_at {moment},
    PRIMARY KEY (id),
    FOREIGN KEY(run) REFERENCES export_run (id),
    FOREIGN KEY(entry) REFERENCES entry (id)
);
CREATE INDEX ix_key_in_signature_turn ON key_in_signature (turn);
CREATE UNIQUE INDEX key_in_signature_active ON key_in_signature (entry, revision) WHERE undone_at IS NULL;
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
CREATE INDEX look_at ON look (at);
CREATE INDEX look_login ON look (login, at);
CREATE TABLE met_duty (
    id {serial} NOT NULL,
    entry VARCHAR(44) NOT NULL,
    rule VARCHAR(60) NOT NULL,
    is_met BOOLEAN NOT NULL,
    how VARCHAR(20) NOT NULL,
    day VARCHAR(10) NOT NULL,
    paper VARCHAR(44),
    due VARCHAR(40) NOT NULL,
    "by" VARCHAR(80) NOT NULL,
    at {moment} NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(entry) REFERENCES entry (id),
    FOREIGN KEY(paper) REFERENCES entry (id)
);
CREATE INDEX ix_met_duty_entry ON met_duty (entry);
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
CREATE INDEX receipt_run ON receipt (run);
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
    whole BOOLEAN DEFAULT {true} NOT NULL,
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
