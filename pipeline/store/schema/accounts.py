"""Tables of sessions, logins and blocks, and of the event log's chain with its triggers.

The triggers do not stop the owner of the database; they stop every mistake and every program that
may only write. If they are removed, `hash_chain.verify_chain` reports it.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from pipeline.store.database.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# Only the server's memory holds the token; the row holds its digest.
browser_session = Table(
    "browser_session",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False, index=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("active_at", UtcDateTime, nullable=False),
    # When the person logged in at the organisation's provider; NULL for a local account.
    Column("proved_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("ended_why", String(20)),
)

# Uses of emergency accounts (nödkonton); `seen_by` has acknowledged the use.
break_glass_use = Table(
    "break_glass_use",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_by", String(80)),
    Column("seen_at", UtcDateTime),
)

# Blocks (spärrar) that units have set for clients. Lifting fills in the last columns; no row is
# removed.
client_block = Table(
    "client_block",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("client_pid", String(20), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("lifted_at", UtcDateTime),
    Column("lifted_by", String(80)),
    Column("lifted_reason", Text),
)
_is_active_block = client_block.c.lifted_at.is_(None)

# Failed logins, and those that are being checked. The login is stored as a digest, since it may be
# a password typed in the wrong box; so are the address and the known browser that it came from.
login_failure = Table(
    "login_failure",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("login_sha256", String(64), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("address_sha256", String(64), index=True),
    Column("device_sha256", String(64), index=True),
)

# Browsers in which a person has logged in before. Only the browser holds the cookie.
known_device = Table(
    "known_device",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("device_sha256", String(64), primary_key=True),
    Column("used_at", UtcDateTime, nullable=False),
)

# Changes that one person makes to another's way in; `kind` is password, second_factor or provider.
# A password is changed once the person types the code, which is stored as a digest; where
# `needs_approval`, not before another administrator has approved.
access_change = Table(
    "access_change",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(80), nullable=False),
    Column("needs_approval", Boolean, nullable=False),
    Column("approved_by", String(80)),
    Column("approved_at", UtcDateTime),
    Column("code_sha256", String(64)),
    Column("expires_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("cancelled_by", String(80)),
    Column("cancelled_at", UtcDateTime),
)

# Second factors (TOTP). The secret is encrypted by a key outside the database, named by `key_id`;
# `last_step` is the time step of the last code, which is not accepted again.
second_factor = Table(
    "second_factor",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("secret", String(400), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("last_step", Integer, nullable=False),
)

# Recovery codes on paper, as digests; each opens once.
recovery_code = Table(
    "recovery_code",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("code_sha256", String(64), primary_key=True),
    Column("used_at", UtcDateTime),
)

# The identity of a person at the organisation's provider, which does not change with the name.
provider_link = Table(
    "provider_link",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    UniqueConstraint("issuer", "subject", name="provider_link_identity"),
)

# Persons who have closed the first-day guide.
closed_guide = Table(
    "closed_guide",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("closed_at", UtcDateTime, nullable=False),
)

# One row: the end of the log's chain. Transactions that add to the log lock it in turn, so that the
# chain cannot fork.
event_head = Table(
    "event_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
)

# One row: the key of the digests by which the log names searched personal numbers; see
# `events.client_log_subject`.
log_key = Table(
    "log_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False),
)
_REFUSAL_TEXT = "the log is only added to"
# By name, what each trigger reacts to. REPLACE deletes rows without firing the delete trigger.
_SQLITE_TRIGGERS = {
    "event_no_update": "BEFORE UPDATE ON event",
    "event_no_delete": "BEFORE DELETE ON event",
    "event_no_replace": (
        "BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id)"
    ),
    "event_head_forward": "BEFORE UPDATE ON event_head WHEN NEW.number <= OLD.number",
    "event_head_no_delete": "BEFORE DELETE ON event_head",
    "event_head_no_replace": (
        "BEFORE INSERT ON event_head WHEN EXISTS (SELECT 1 FROM event_head WHERE id = NEW.id)"
    ),
}
_POSTGRES_TRIGGERS = {
    "event_no_update": "BEFORE UPDATE ON event FOR EACH ROW",
    "event_no_delete": "BEFORE DELETE ON event FOR EACH ROW",
    "event_no_truncate": "BEFORE TRUNCATE ON event FOR EACH STATEMENT",
    "event_head_forward": (
        "BEFORE UPDATE ON event_head FOR EACH ROW WHEN (NEW.number <= OLD.number)"
    ),
    "event_head_no_delete": "BEFORE DELETE ON event_head FOR EACH ROW",
    "event_head_no_truncate": "BEFORE TRUNCATE ON event_head FOR EACH STATEMENT",
}
_POSTGRES_FUNCTION = (
    "CREATE OR REPLACE FUNCTION efterskrift_keep_log() RETURNS trigger LANGUAGE plpgsql AS\n"
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL_TEXT}'"
    " USING ERRCODE = 'integrity_constraint_violation'; END $$"
)


Index(
    "client_block_stands",
    client_block.c.client_pid,
    client_block.c.unit,
    unique=True,
    sqlite_where=_is_active_block,
    postgresql_where=_is_active_block,
)


def protect_log(conn: Connection) -> None:
    """Make the database refuse changes and removals of log rows; repeating it changes nothing."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_POSTGRES_FUNCTION)
        # Replace the triggers, since PostgreSQL cannot create them conditionally
        for name, when in _POSTGRES_TRIGGERS.items():
            conn.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {_trigger_table(when)}")
            conn.exec_driver_sql(
                f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION efterskrift_keep_log()"
            )
        return
    for name, when in _SQLITE_TRIGGERS.items():
        conn.exec_driver_sql(
            f"CREATE TRIGGER IF NOT EXISTS {name} {when}"
            f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL_TEXT}'); END"
        )


def is_log_protected(conn: Connection) -> bool:
    """Return whether the triggers exist and are enabled."""
    if conn.dialect.name == "postgresql":
        expected = set(_POSTGRES_TRIGGERS)
        # Enabled triggers of both tables; PostgreSQL marks disabled ones with D
        query = (
            "SELECT tgname FROM pg_trigger WHERE tgrelid IN"
            " ('event'::regclass, 'event_head'::regclass) AND tgenabled <> 'D'"
        )
    else:
        expected = set(_SQLITE_TRIGGERS)
        query = (
            "SELECT name FROM sqlite_master"
            " WHERE type = 'trigger' AND tbl_name IN ('event', 'event_head')"
        )
    return expected <= set(conn.execute(text(query)).scalars())


def _trigger_table(when: str) -> str:
    """Return the table that a trigger's clause names after ON."""
    return when.split(" ON ")[1].split()[0]
