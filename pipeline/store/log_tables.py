"""What stands beside the log: where its chain ends, and the key of its digests. And what keeps its rows as they are.

The triggers are no wall against whoever owns the database; they stop every mistake and every program that only may write. Who takes them away
is found by `chain.check`.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, String, Table, text

from pipeline.store.tables import metadata

# One row. Two transactions that add to the log take turns at it, so the chain cannot fork.
event_head = Table(
    "event_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
)

# One row. Personal numbers that were looked for are in the log as digests with this key: see events.client_subject.
log_key = Table("log_key", metadata, Column("id", Integer, primary_key=True, autoincrement=False), Column("key", String(64), nullable=False))


_WHY = "the log is only added to"
_SQLITE = {
    "event_no_update": "BEFORE UPDATE ON event",
    "event_no_delete": "BEFORE DELETE ON event",
    # REPLACE deletes without asking the trigger above.
    "event_no_replace": "BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id)",
    "event_head_forward": "BEFORE UPDATE ON event_head WHEN NEW.number <= OLD.number",
    "event_head_no_delete": "BEFORE DELETE ON event_head",
    "event_head_no_replace": "BEFORE INSERT ON event_head WHEN EXISTS (SELECT 1 FROM event_head WHERE id = NEW.id)",
}
_POSTGRES = {
    "event_no_update": "BEFORE UPDATE ON event FOR EACH ROW",
    "event_no_delete": "BEFORE DELETE ON event FOR EACH ROW",
    "event_no_truncate": "BEFORE TRUNCATE ON event FOR EACH STATEMENT",
    "event_head_forward": "BEFORE UPDATE ON event_head FOR EACH ROW WHEN (NEW.number <= OLD.number)",
    "event_head_no_delete": "BEFORE DELETE ON event_head FOR EACH ROW",
    "event_head_no_truncate": "BEFORE TRUNCATE ON event_head FOR EACH STATEMENT",
}
_FUNCTION = f"""CREATE OR REPLACE FUNCTION efterskrift_keep_log() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_WHY}' USING ERRCODE = 'integrity_constraint_violation'; END $$"""


def protect(conn: Connection) -> None:
    """Let the database itself refuse to change or remove rows of the log. Done again, it changes nothing."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_FUNCTION)
        for name, when in _POSTGRES.items():
            conn.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {_table(when)}")
            conn.exec_driver_sql(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION efterskrift_keep_log()")
        return
    for name, when in _SQLITE.items():
        conn.exec_driver_sql(f"CREATE TRIGGER IF NOT EXISTS {name} {when} BEGIN SELECT RAISE(ABORT, '{_WHY}'); END")


def is_protected(conn: Connection) -> bool:
    """Whether the triggers are there and at work."""
    if conn.dialect.name == "postgresql":
        wanted = set(_POSTGRES)
        query = "SELECT tgname FROM pg_trigger WHERE tgrelid IN ('event'::regclass, 'event_head'::regclass) AND tgenabled <> 'D'"
    else:
        wanted = set(_SQLITE)
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('event', 'event_head')"
    return wanted <= set(conn.execute(text(query)).scalars())


def _table(when: str) -> str:
    return when.split(" ON ")[1].split()[0]
