"""Triggers that make the database refuse changes and removals of rows that are only added.

They do not stop the owner of the database; they stop every mistake and every program that may only
write. If they are removed, `verification.verify_chain` reports it.
"""

from __future__ import annotations

from sqlalchemy import Connection, Table, UniqueConstraint, text

from pipeline.store.schema import exports, paper, review
from pipeline.store.schema.accounts import log_key, record_digest
from pipeline.store.schema.registers import issued_row, issued_sheet

_REFUSAL_TEXT = "rows of this table are only added"
_LOG_TABLES = (paper.event, record_digest, log_key)
APPEND_ONLY_TABLES: tuple[Table, ...] = (
    *_LOG_TABLES,
    review.sheet_depth,
    review.unit_depth,
    paper.decision,
    issued_sheet,
    issued_row,
    review.author_answer,
    review.client_choice,
    review.client_code,
    review.control_key,
    review.entry_version,
    review.forwarding,
    review.group_setting,
    review.look,
    review.met_duty,
    review.question,
    review.signature,
    exports.archive_delivery,
    exports.archive_package,
    exports.archived_sheet,
    exports.export_delivery,
    exports.export_item,
    exports.export_proof,
    exports.export_run,
    exports.export_undo,
    exports.paper_place,
    exports.receipt,
    exports.route,
    exports.statistics_item,
    exports.key_in_copy,
    exports.key_in_order,
)
"""Tables whose rows the program never changes and never removes."""
_SKIPS_EXISTING = frozenset({review.look.name, review.control_key.name})
"""Tables to which rows are added unless they exist: there a repeated row is skipped, not refused.
"""
# By name, what each trigger reacts to: the end of the chain only moves forward
_HEAD_TRIGGERS = {
    "sqlite": {
        "event_head_forward": "BEFORE UPDATE ON event_head WHEN NEW.number <= OLD.number",
        "event_head_no_delete": "BEFORE DELETE ON event_head",
        "event_head_no_replace": (
            "BEFORE INSERT ON event_head WHEN EXISTS (SELECT 1 FROM event_head WHERE id = NEW.id)"
        ),
    },
    "postgresql": {
        "event_head_forward": (
            "BEFORE UPDATE ON event_head FOR EACH ROW WHEN (NEW.number <= OLD.number)"
        ),
        "event_head_no_delete": "BEFORE DELETE ON event_head FOR EACH ROW",
        "event_head_no_truncate": "BEFORE TRUNCATE ON event_head FOR EACH STATEMENT",
    },
}
_POSTGRES_FUNCTION = (
    "CREATE OR REPLACE FUNCTION efterskrift_keep_log() RETURNS trigger LANGUAGE plpgsql AS\n"
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL_TEXT}'"
    " USING ERRCODE = 'integrity_constraint_violation'; END $$"
)


def protect_tables(conn: Connection) -> None:
    """Protect all tables that are only added to; repeating it changes nothing."""
    _create(conn, _all_triggers(conn))


def unprotect_tables(conn: Connection) -> None:
    """Remove the triggers, for a change of the schema that may have to fill in columns."""
    existing = _existing_triggers(conn)
    for name, when in _all_triggers(conn).items():
        place = f" ON {_trigger_table(when)}" if conn.dialect.name == "postgresql" else ""
        if name in existing:
            conn.exec_driver_sql(f"DROP TRIGGER {name}{place}")


def unprotected_tables(conn: Connection) -> list[str]:
    """Return the names of tables whose triggers are missing or disabled."""
    existing = _existing_triggers(conn)
    return sorted(
        {_trigger_table(when) for name, when in _all_triggers(conn).items() if name not in existing}
    )


def _all_triggers(conn: Connection) -> dict[str, str]:
    return _triggers_of(conn, APPEND_ONLY_TABLES) | _HEAD_TRIGGERS[conn.dialect.name]


def _triggers_of(conn: Connection, tables: tuple[Table, ...]) -> dict[str, str]:
    """Return by name what each trigger of these tables reacts to."""
    triggers = dict[str, str]()
    for table in tables:
        name = table.name
        if conn.dialect.name == "postgresql":
            triggers |= {
                f"{name}_no_update": f"BEFORE UPDATE ON {name} FOR EACH ROW",
                f"{name}_no_delete": f"BEFORE DELETE ON {name} FOR EACH ROW",
                f"{name}_no_truncate": f"BEFORE TRUNCATE ON {name} FOR EACH STATEMENT",
            }
            continue
        triggers |= {
            f"{name}_no_update": f"BEFORE UPDATE ON {name}",
            f"{name}_no_delete": f"BEFORE DELETE ON {name}",
        }
        # REPLACE deletes rows without firing the delete trigger
        if name not in _SKIPS_EXISTING:
            same_keys = " OR ".join(_same_key(keys) for keys in _unique_keys(table))
            triggers[f"{name}_no_replace"] = (
                f"BEFORE INSERT ON {name} WHEN EXISTS (SELECT 1 FROM {name} WHERE {same_keys})"
            )
    return triggers


def _unique_keys(table: Table) -> list[list[str]]:
    """Return the columns of each key that no two rows share."""
    unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    return [[column.name for column in key.columns] for key in (table.primary_key, *unique)]


def _same_key(columns: list[str]) -> str:
    return "(" + " AND ".join(f'"{name}" = NEW."{name}"' for name in columns) + ")"


def _create(conn: Connection, triggers: dict[str, str]) -> None:
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_POSTGRES_FUNCTION)
        # Replace the triggers, since PostgreSQL cannot create them conditionally
        for name, when in triggers.items():
            conn.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {_trigger_table(when)}")
            conn.exec_driver_sql(
                f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION efterskrift_keep_log()"
            )
        return
    for name, when in triggers.items():
        conn.exec_driver_sql(
            f"CREATE TRIGGER IF NOT EXISTS {name} {when}"
            f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL_TEXT}'); END"
        )


def _existing_triggers(conn: Connection) -> set[str]:
    """Return the names of triggers that exist and are enabled; PostgreSQL marks disabled with D."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        if conn.dialect.name == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    return set(conn.execute(text(query)).scalars())


def _trigger_table(when: str) -> str:
    """Return the table that a trigger's clause names after ON."""
    return when.split(" ON ")[1].split()[0]
