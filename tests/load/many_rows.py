"""Pages, entries and log of a year, added in bulk: one statement a table, made by the database.

A region scans and reviews the same number of pages every day; so more pages mean a longer past,
and what is not finished stays the same. There are no images, and no readings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, text, update

from pipeline.store.database.store import Store
from pipeline.store.registers import client_register
from pipeline.store.schema import accounts
from pipeline.store.schema.append_only import protect_tables, unprotect_tables
from pipeline.store.schema.tally_triggers import (
    create_tally_triggers,
    drop_tally_triggers,
    rebuild_tallies,
)

UNITS = tuple(f"Hemsjukvården {number:02d}" for number in range(20))
PER_DAY = 2_740
"""Pages that come in a day: a million in a year."""
_BATCH, _PACK, _PAGES_A_CLIENT, _RUN = 50, 200, 20, 500
_FORMS = ("hsl-anteckning", "besokslista", "fri-anteckning", "social-anteckning")


def fill(store: Store, pages: int, open_entries: int, now: datetime) -> None:
    """Add so many pages, each with an entry, of which the newest `open_entries` are open.

    A tenth as many are not read, and a quarter as many wait for a signature, export or receipt.
    """
    is_postgres = store.engine.dialect.name == "postgresql"
    with store.begin() as conn:
        client_register.save_units(conn, dict.fromkeys(UNITS, "HSL"))
    with store.begin() as conn:
        unprotect_tables(conn)
        drop_tally_triggers(conn)
        first = now - timedelta(days=pages / PER_DAY)
        words = {
            "moment": _moment(first, is_postgres),
            "open": str(pages - open_entries),
            "work": str(pages - open_entries - open_entries // 4),
            "queued": str(pages - open_entries // 10),
            "last": str(pages),
            "no": "false" if is_postgres else "0",
            "json": "::json" if is_postgres else "",
            "yes": "true" if is_postgres else "1",
            "form": _choice(_FORMS),
        }
        for rows, statement in _STATEMENTS:
            count = max(1, pages // rows)
            _insert(conn, statement, count, words, is_postgres=is_postgres)
        _join_log(conn)
        protect_tables(conn)
        create_tally_triggers(conn)
        rebuild_tallies(conn)
    if is_postgres:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("VACUUM ANALYZE")


def _insert(
    conn: Connection, statement: str, count: int, words: Mapping[str, str], *, is_postgres: bool
) -> None:
    """Run a statement that makes a row of each number `i` from 0."""
    numbers = (
        f"generate_series(0, {count - 1}) AS numbers(i)"
        if is_postgres
        else f"(WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers"
        f" WHERE i < {count - 1}) SELECT i FROM numbers) AS numbers"
    )
    conn.exec_driver_sql(
        statement.format(numbers=numbers, **words), execution_options={"no_parameters": True}
    )


def _moment(first: datetime, is_postgres: bool) -> str:
    """Return the SQL of the moment when the page with number `i` came."""
    seconds = 86_400 / PER_DAY
    if is_postgres:
        return f"(timestamptz '{first.isoformat()}' + i * interval '{seconds:.6f} seconds')"
    start = first.replace(tzinfo=None, microsecond=0).isoformat(" ")
    return (
        f"(datetime('{start}', '+' || CAST(i * {seconds:.6f} AS INTEGER) || ' seconds')||'.000000')"
    )


def _choice(names: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(names))
    return f"CASE i % 11 % {len(names)} {cases} END"


def _join_log(conn: Connection) -> None:
    """Let the log go on after the rows that were added, which are in no chain."""
    last = conn.execute(text("SELECT max(id) FROM event")).scalar_one()
    conn.execute(update(accounts.event_head).values(number=last, sha256="0" * 64))
    if conn.dialect.name == "postgresql":
        conn.execute(
            text("SELECT setval(pg_get_serial_sequence('event', 'id'), :last)"), {"last": last}
        )


# Every thirtieth page is blank and every three hundredth of the newest failed; of the entries
# before the open ones some wait for a signature, an export or a receipt.
_UNIT = "'Hemsjukvården ' || CASE WHEN i / 50 % 20 < 10 THEN '0' ELSE '' END || (i / 50 % 20)"
_PID = "'1930' || (10000000 + i / 20 % 50000)"
_HAS_NO_ENTRY = "(i % 30 = 7 OR i >= {queued} OR (i >= {open} AND i % 300 = 1))"
_STATE = """CASE WHEN i >= {open} AND i % 10 = 3 THEN 'andra granskning'
    WHEN i >= {open} THEN 'granskas' WHEN i % 40 = 5 THEN 'avvisad'
    WHEN i < {work} THEN 'kvitterad' WHEN i % 4 = 0 THEN 'bekräftad'
    WHEN i % 4 = 1 THEN 'signerad' ELSE 'exporterad' END"""
_DECIDED = "i < {open} AND NOT " + _HAS_NO_ENTRY
_STATEMENTS = (
    (
        _BATCH,
        f"""INSERT INTO batch (id, created_at, created_by, unit, place)
        SELECT 'batch-' || (i / 50), {{moment}}, 'anna', {_UNIT}, 'pärm'
        FROM (SELECT i * 50 AS i FROM {{numbers}}) AS batches""",
    ),
    (
        1,
        f"""INSERT INTO page (id, batch, position, source_name, source_page, source_sha256,
        image_sha256, scanned_at, scanned_by, unit, area, state, attempts, outcome, reason,
        settled, form, version, page_no, pages, serial, sheet, problems, read_at)
        SELECT 'page-' || i, 'batch-' || (i / 50), i % 50, 'bunt.pdf', i % 50,
        'source-' || (i / 50), 'image-' || i, {{moment}}, 'anna', {_UNIT}, 'HSL',
        CASE WHEN i >= {{queued}} THEN 'queued'
            WHEN i >= {{open}} AND i % 300 = 1 THEN 'failed' ELSE 'read' END, 1,
        CASE WHEN i >= {{queued}} THEN NULL WHEN i % 30 = 7 THEN 'blank' ELSE 'read' END, '',
        {{no}}, CASE WHEN NOT {_HAS_NO_ENTRY} THEN {{form}} END, 1, 1,
        CASE WHEN i % 10 = 2 THEN 2 ELSE 1 END,
        CASE WHEN NOT {_HAS_NO_ENTRY} THEN 'S' || (1000000 + i) END,
        CASE WHEN NOT {_HAS_NO_ENTRY} THEN 'S' || (1000000 + i) END, '[]'{{json}}, {{moment}}
        FROM {{numbers}}""",
    ),
    (
        1,
        f"""INSERT INTO entry (id, sheet, serial, page, form, version, unit, area, criticality,
        state, revision, reason, client_pid, event_on, created_at, first_by, first_at, second_by,
        second_at, skipped, rank, voided, lane, due_at, deadlines, likely_pid, happened, first_on,
        last_on, due_on, triage, author, signed_by, subject, author_key, ended_at)
        SELECT 'entry-' || i, 'S' || (1000000 + i), 'S' || (1000000 + i), 'page-' || i, {{form}}, 1,
        {_UNIT}, 'HSL', CASE i % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'B' ELSE 'C' END, {_STATE}, 1,
        CASE WHEN i % 40 = 5 AND i % 400 <> 5 THEN 'dubblett' ELSE '' END,
        CASE WHEN i < {{open}} THEN {_PID} END, substr(CAST({{moment}} AS text), 1, 10), {{moment}},
        CASE WHEN i < {{open}} THEN 'nina' END, CASE WHEN i < {{open}} THEN {{moment}} END,
        CASE WHEN i < {{open}} AND i % 3 = 0 THEN 'omar' END,
        CASE WHEN i < {{open}} AND i % 3 = 0 THEN {{moment}} END, 0, 1,
        CASE WHEN i < {{work}} AND i % 500 = 9 THEN 'fel person' END, 2,
        CASE WHEN i % 50 = 0 THEN {{moment}} END,
        CASE WHEN i % 50 = 0 THEN '{{{{}}}}'{{json}} END, {_PID}, '',
        substr(CAST({{moment}} AS text), 1, 10), substr(CAST({{moment}} AS text), 1, 10),
        '9999-12-31', '', 'Berit Berg', NULL, 'client', 'berit berg',
        CASE WHEN {_DECIDED} THEN {{moment}} END
        FROM {{numbers}} WHERE NOT {_HAS_NO_ENTRY}""",
    ),
    (
        1,
        f"""INSERT INTO decision (entry, revision, field, value, state, how, settled, "by", at)
        SELECT 'entry-' || i, 1, field, '"10:15"'{{json}}, 'read', 'typed', {{yes}}, 'nina',
        {{moment}} FROM {{numbers}} CROSS JOIN (SELECT 'datum' AS field UNION ALL SELECT 'tid'
        UNION ALL SELECT 'text') AS fields WHERE {_DECIDED}""",
    ),
    (
        1,
        f"""INSERT INTO entry_version (entry, revision, state, reason, voided, "by", at)
        SELECT 'entry-' || i, 1, CASE WHEN i % 40 = 5 THEN 'avvisad' ELSE 'bekräftad' END, '',
        {{no}}, 'nina', {{moment}} FROM {{numbers}} WHERE {_DECIDED}""",
    ),
    (
        1,
        f"""INSERT INTO look (entry, revision, login, at, fields, seconds, second)
        SELECT 'entry-' || i, 1, 'nina', {{moment}}, 12, 40.0, {{no}} FROM {{numbers}}
        WHERE {_DECIDED}""",
    ),
    (
        _RUN,
        """INSERT INTO export_run (id, target, file_name, file_sha256, made_at, made_by)
        SELECT 'run-' || (i / 500), 'rivta', 'a.zip', 'x', {moment}, 'rita'
        FROM (SELECT i * 500 AS i FROM {numbers}) AS runs""",
    ),
    (
        _RUN,
        """INSERT INTO export_delivery (run, "by", at)
        SELECT 'run-' || (i / 500), 'rita', {moment} FROM (SELECT i * 500 AS i FROM {numbers})
        AS runs""",
    ),
    (
        1,
        f"""INSERT INTO export_item (run, entry, revision, number, entry_revision, route_revision)
        SELECT 'run-' || (i / 500), 'entry-' || i, 1, i % 500, 1, 1 FROM {{numbers}}
        WHERE {_DECIDED} AND i % 40 <> 5 AND (i < {{work}} OR i % 4 > 1)
        AND i / 500 < {{last}} / 500""",
    ),
    (
        1,
        f"""INSERT INTO receipt (entry, revision, run, at, "by", accepted, text)
        SELECT 'entry-' || i, 1, 'run-' || (i / 500), {{moment}}, 'rita', {{yes}}, ''
        FROM {{numbers}} WHERE {_DECIDED} AND i % 40 <> 5 AND i < {{work}}""",
    ),
    (
        1,
        f"""INSERT INTO issued_sheet (serial, form, version, unit, issued_at, issued_by, pack)
        SELECT 'S' || (1000000 + i), {{form}}, 1, {_UNIT}, {{moment}}, 'anna', 'pack-' || (i / 200)
        FROM {{numbers}}""",
    ),
    (
        _PAGES_A_CLIENT,
        """INSERT INTO client (pid, name, unit, protected)
        SELECT '1930' || (10000000 + i), 'Asta Provberg ' || i,
        'Hemsjukvården ' || CASE WHEN i % 20 < 10 THEN '0' ELSE '' END || (i % 20), {no}
        FROM {numbers}
        WHERE i < 50000""",
    ),
    (
        1,
        f"""INSERT INTO event (id, at, "by", action, subject, detail, unit, previous, sha256)
        SELECT 100 + i * 3 + place, {{moment}},
        CASE WHEN kind = 'read_page' THEN 'system' ELSE 'nina' END, kind,
        CASE WHEN kind = 'decide' THEN 'entry-' ELSE 'page-' END || i, '{{{{}}}}'{{json}},
        {_UNIT}, '', '' FROM {{numbers}} CROSS JOIN (SELECT 'read_page' AS kind, 0 AS place
        UNION ALL SELECT 'view_page', 1 UNION ALL SELECT 'decide', 2) AS kinds
        WHERE kind = 'read_page' OR i < {{open}} AND (kind = 'view_page' OR i % 10 <> 4)""",
    ),
)
