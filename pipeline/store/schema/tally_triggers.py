"""Triggers that keep the counts of `tally.py`, and the statement by which they are made anew."""

from __future__ import annotations

from sqlalchemy import Connection, text

from pipeline.domain.model import EntryState

_OPEN = f"('{EntryState.REVIEW}', '{EntryState.SECOND}')"
_COLUMNS = "(what, unit, form, kind, is_void, is_second, number)"


def standing_expression(page: str) -> str:
    """Return the SQL of what a page's standing has to be.

    Args:
        page: the name of the page's row in the statement.
    """
    return f"""CASE
        WHEN {page}.state = 'failed' THEN CASE WHEN EXISTS (SELECT 1 FROM page_closure
            WHERE page_closure.page = {page}.id AND page_closure.undone_at IS NULL)
            THEN 'done' ELSE 'failed' END
        WHEN {page}.state = 'read' AND (coalesce({page}.outcome, '') = 'blank' OR {page}.settled
            OR (EXISTS (SELECT 1 FROM entry WHERE entry.sheet = {page}.sheet)
                AND NOT EXISTS (SELECT 1 FROM entry
                    WHERE entry.sheet = {page}.sheet AND entry.state IN {_OPEN})))
            THEN 'done'
        ELSE 'waiting' END"""


def _page_row(row: str, sign: str) -> str:
    return (
        f"SELECT 'page', {row}.unit, coalesce({row}.form, ''), {row}.state, {{false}}, {{false}},"
        f" {sign}1 WHERE {row}.standing = 'done'"
    )


def _entry_row(row: str, sign: str) -> str:
    return (
        f"SELECT 'entry', {row}.unit, {row}.form, {row}.criticality, {row}.voided IS NOT NULL,"
        f" {row}.second_by IS NOT NULL, {sign}1 WHERE {row}.state = '{EntryState.RECEIPTED}'"
    )


def _add(rows: str) -> str:
    return f"INSERT INTO tally {_COLUMNS} {rows};"


# Steps of the triggers, the same on both databases
_SHEET_COUNT = _add("SELECT 'sheet', NEW.unit, NEW.form, '', {false}, {false}, 1")
_SHEET_OUT = """INSERT INTO outstanding_sheet (serial, unit, form, pack)
    SELECT NEW.serial, NEW.unit, NEW.form, NEW.pack
    WHERE NOT EXISTS (SELECT 1 FROM page WHERE page.serial = NEW.serial);
INSERT INTO scanned_pack (pack) SELECT NEW.pack
    WHERE EXISTS (SELECT 1 FROM page WHERE page.serial = NEW.serial)
    AND NOT EXISTS (SELECT 1 FROM scanned_pack WHERE scanned_pack.pack = NEW.pack) {ignore};"""
_SHEET_BACK = """INSERT INTO scanned_pack (pack) SELECT pack FROM outstanding_sheet AS one
    WHERE one.serial = NEW.serial
    AND NOT EXISTS (SELECT 1 FROM scanned_pack WHERE scanned_pack.pack = one.pack) {ignore};
DELETE FROM outstanding_sheet WHERE serial = NEW.serial;"""
_SHEET_GONE = """DELETE FROM scanned_pack
    WHERE pack IN (SELECT pack FROM issued_sheet WHERE serial = OLD.serial)
    AND NOT EXISTS (SELECT 1 FROM issued_sheet AS one JOIN page ON page.serial = one.serial
        WHERE one.pack = scanned_pack.pack);
INSERT INTO outstanding_sheet (serial, unit, form, pack)
    SELECT one.serial, one.unit, one.form, one.pack FROM issued_sheet AS one
    WHERE one.serial = OLD.serial
    AND NOT EXISTS (SELECT 1 FROM page WHERE page.serial = OLD.serial)
    AND NOT EXISTS (SELECT 1 FROM outstanding_sheet AS out WHERE out.serial = OLD.serial);"""
_PAGE_WITHOUT, _PAGE_WITH = _add(_page_row("OLD", "-")), _add(_page_row("NEW", ""))
_ENTRY_WITHOUT, _ENTRY_WITH = _add(_entry_row("OLD", "-")), _add(_entry_row("NEW", ""))


def _judge(condition: str) -> str:
    right = standing_expression("page")
    return f"UPDATE page SET standing = {right} WHERE {condition} AND standing <> {right};"


_PAGE_COLUMNS = "state, outcome, settled, sheet"
_ENTRY_COLUMNS = "state, sheet, unit, form, criticality, second_by, voided"
_SQLITE_TRIGGERS = {
    # A row is counted as it was added, then judged, which counts the difference
    "tally_page_added": (
        "AFTER INSERT ON page",
        f"{_PAGE_WITH} {_judge('id = NEW.id')}",
    ),
    "tally_page_judged": (f"AFTER UPDATE OF {_PAGE_COLUMNS} ON page", _judge("id = NEW.id")),
    "tally_page_changed": (
        "AFTER UPDATE OF standing, unit, form, state ON page WHEN (OLD.standing = 'done'"
        " OR NEW.standing = 'done') AND (OLD.standing, OLD.unit, OLD.form, OLD.state)"
        " IS NOT (NEW.standing, NEW.unit, NEW.form, NEW.state)",
        f"{_PAGE_WITHOUT} {_PAGE_WITH}",
    ),
    "tally_page_removed": ("AFTER DELETE ON page WHEN OLD.standing = 'done'", _PAGE_WITHOUT),
    "tally_sheet_printed": ("AFTER INSERT ON issued_sheet", f"{_SHEET_COUNT} {_SHEET_OUT}"),
    "tally_sheet_back": ("AFTER INSERT ON page WHEN NEW.serial IS NOT NULL", _SHEET_BACK),
    "tally_sheet_named": (
        "AFTER UPDATE OF serial ON page WHEN NEW.serial IS NOT OLD.serial",
        f"{_SHEET_BACK} {_SHEET_GONE}",
    ),
    "tally_sheet_gone": ("AFTER DELETE ON page WHEN OLD.serial IS NOT NULL", _SHEET_GONE),
    "tally_entry_added": (
        "AFTER INSERT ON entry",
        f"{_ENTRY_WITH} {_judge('sheet = NEW.sheet')}",
    ),
    "tally_entry_changed": (
        f"AFTER UPDATE OF {_ENTRY_COLUMNS} ON entry WHEN OLD.state = '{EntryState.RECEIPTED}'"
        f" OR NEW.state = '{EntryState.RECEIPTED}'",
        f"{_ENTRY_WITHOUT} {_ENTRY_WITH}",
    ),
    "tally_entry_judged": (
        f"AFTER UPDATE OF state, sheet ON entry WHEN OLD.sheet <> NEW.sheet"
        f" OR (OLD.state IN {_OPEN}) <> (NEW.state IN {_OPEN})",
        _judge("sheet IN (OLD.sheet, NEW.sheet)"),
    ),
    "tally_entry_removed": (
        "AFTER DELETE ON entry",
        f"{_ENTRY_WITHOUT} {_judge('sheet = OLD.sheet')}",
    ),
    "tally_page_closed": ("AFTER INSERT ON page_closure", _judge("id = NEW.page")),
    "tally_page_reopened": ("AFTER UPDATE OF undone_at ON page_closure", _judge("id = NEW.page")),
}
# Two transactions that decide the last two entries of a sheet would each see the other's still
# open: they take turns, and what is judged after the turn sees what the other has committed. Sheets
# share the turns, since a transaction with many sheets would otherwise need more locks than there
# are.
_TURN = "PERFORM pg_advisory_xact_lock(20, hashtext({sheet}) & 1023);"
_POSTGRES_FUNCTIONS = {
    "tally_judge_page": f"""BEGIN
        IF NEW.sheet IS NOT NULL THEN {_TURN.format(sheet="NEW.sheet")} END IF;
        NEW.standing := {standing_expression("NEW")};
        RETURN NEW; END""",
    "tally_count_page": f"""BEGIN
        IF TG_OP = 'UPDATE' AND (OLD.standing, OLD.unit, OLD.form, OLD.state)
            IS NOT DISTINCT FROM (NEW.standing, NEW.unit, NEW.form, NEW.state)
            THEN RETURN NULL; END IF;
        IF TG_OP <> 'INSERT' AND OLD.standing = 'done' THEN {_PAGE_WITHOUT} END IF;
        IF TG_OP <> 'DELETE' AND NEW.standing = 'done' THEN {_PAGE_WITH} END IF;
        RETURN NULL; END""",
    "tally_place_sheet": f"""BEGIN
        IF TG_OP = 'UPDATE' AND OLD.serial IS NOT DISTINCT FROM NEW.serial
            THEN RETURN NULL; END IF;
        IF TG_OP <> 'DELETE' AND NEW.serial IS NOT NULL THEN {_SHEET_BACK} END IF;
        IF TG_OP <> 'INSERT' AND OLD.serial IS NOT NULL THEN {_SHEET_GONE} END IF;
        RETURN NULL; END""",
    "tally_count_sheet": f"BEGIN {_SHEET_COUNT} {_SHEET_OUT} RETURN NULL; END",
    "tally_count_entry": f"""BEGIN
        IF TG_OP <> 'INSERT' AND OLD.state = '{EntryState.RECEIPTED}' THEN {_ENTRY_WITHOUT} END IF;
        IF TG_OP <> 'DELETE' AND NEW.state = '{EntryState.RECEIPTED}' THEN {_ENTRY_WITH} END IF;
        IF TG_OP = 'UPDATE' AND OLD.sheet = NEW.sheet
            AND (OLD.state IN {_OPEN}) = (NEW.state IN {_OPEN}) THEN RETURN NULL; END IF;
        IF TG_OP <> 'INSERT' THEN
            {_TURN.format(sheet="OLD.sheet")} {_judge("sheet = OLD.sheet")} END IF;
        IF TG_OP <> 'DELETE' THEN
            {_TURN.format(sheet="NEW.sheet")} {_judge("sheet = NEW.sheet")} END IF;
        RETURN NULL; END""",
    "tally_judge_closed": f"BEGIN {_judge('id = NEW.page')} RETURN NULL; END",
}
_POSTGRES_TRIGGERS = {
    "tally_page_judged": (
        f"BEFORE INSERT OR UPDATE OF {_PAGE_COLUMNS} ON page",
        "tally_judge_page",
    ),
    "tally_page_counted": (
        f"AFTER INSERT OR DELETE OR UPDATE OF {_PAGE_COLUMNS}, standing, unit, form ON page",
        "tally_count_page",
    ),
    "tally_sheet_placed": (
        "AFTER INSERT OR DELETE OR UPDATE OF serial ON page",
        "tally_place_sheet",
    ),
    "tally_sheet_printed": ("AFTER INSERT ON issued_sheet", "tally_count_sheet"),
    "tally_entry_counted": (
        f"AFTER INSERT OR DELETE OR UPDATE OF {_ENTRY_COLUMNS} ON entry",
        "tally_count_entry",
    ),
    "tally_page_closed": (
        "AFTER INSERT OR UPDATE OF undone_at ON page_closure",
        "tally_judge_closed",
    ),
}
_IN_POSTGRES = {"false": "false", "ignore": "ON CONFLICT DO NOTHING"}
_IN_SQLITE = {"false": "0", "ignore": ""}


def create_tally_triggers(conn: Connection) -> None:
    """Create the triggers; repeating it changes nothing."""
    drop_tally_triggers(conn)
    if conn.dialect.name == "postgresql":
        for name, body in _POSTGRES_FUNCTIONS.items():
            conn.exec_driver_sql(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ {body.format(**_IN_POSTGRES)} $$"
            )
        for name, (when, function) in _POSTGRES_TRIGGERS.items():
            conn.exec_driver_sql(
                f"CREATE TRIGGER {name} {when} FOR EACH ROW EXECUTE FUNCTION {function}()"
            )
        return
    for name, (when, body) in _SQLITE_TRIGGERS.items():
        conn.exec_driver_sql(f"CREATE TRIGGER {name} {when} BEGIN {body.format(**_IN_SQLITE)} END")


def drop_tally_triggers(conn: Connection) -> None:
    """Remove the triggers, for a change of the schema or a load of many rows."""
    if conn.dialect.name == "postgresql":
        tables = conn.execute(text("SELECT tgname, tgrelid::regclass::text FROM pg_trigger"))
        for name, table in tables.all():
            if name in _POSTGRES_TRIGGERS:
                conn.exec_driver_sql(f"DROP TRIGGER {name} ON {table}")
        return
    for name in _SQLITE_TRIGGERS:
        conn.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


_TRUE_ROWS = f"""SELECT 'page' AS what, unit, coalesce(form, '') AS form, state AS kind,
        {{false}} AS is_void, {{false}} AS is_second, count(*) AS number
        FROM page WHERE standing = 'done' GROUP BY unit, coalesce(form, ''), state
    UNION ALL SELECT 'entry', unit, form, criticality, voided IS NOT NULL, second_by IS NOT NULL,
        count(*) FROM entry WHERE state = '{EntryState.RECEIPTED}'
        GROUP BY unit, form, criticality, voided IS NOT NULL, second_by IS NOT NULL
    UNION ALL SELECT 'sheet', unit, form, '', {{false}}, {{false}}, count(*)
        FROM issued_sheet GROUP BY unit, form"""
_KEYS = "what, unit, form, kind, is_void, is_second"
_OUTSTANDING = """SELECT serial, unit, form, pack FROM issued_sheet
    WHERE NOT EXISTS (SELECT 1 FROM page WHERE page.serial = issued_sheet.serial)"""
_SCANNED = """SELECT DISTINCT pack FROM issued_sheet
    WHERE EXISTS (SELECT 1 FROM page WHERE page.serial = issued_sheet.serial)"""


def count_wrong_tallies(conn: Connection) -> int:
    """Count the pages, numbers, sheets and packs that are not as a count of all rows has them.

    One statement each, so that what others write meanwhile is seen in both or in neither.
    """
    wrong_pages = f"SELECT count(*) FROM page WHERE standing <> {standing_expression('page')}"
    wrong_numbers = f"""SELECT count(*) FROM (SELECT {_KEYS} FROM (
        SELECT {_KEYS}, number FROM tally UNION ALL
        SELECT {_KEYS}, -number FROM ({_TRUE_ROWS}) AS counted) AS both_sides
        GROUP BY {_KEYS} HAVING sum(number) <> 0) AS wrong"""
    statements = [wrong_pages, wrong_numbers]
    for stored, right in (
        ("SELECT serial, unit, form, pack FROM outstanding_sheet", _OUTSTANDING),
        ("SELECT pack FROM scanned_pack", _SCANNED),
    ):
        either = f"""SELECT count(*) FROM (SELECT * FROM ({stored} EXCEPT {right}) AS more
            UNION ALL SELECT * FROM ({right} EXCEPT {stored}) AS less) AS wrong"""
        statements.append(either)
    return sum(conn.execute(text(one.format(**_words(conn)))).scalar_one() for one in statements)


def rebuild_tallies(conn: Connection) -> None:
    """Make triggers and all counts anew; nobody else writes meanwhile."""
    if conn.dialect.name == "postgresql":
        tables = "page, page_closure, entry, issued_sheet, tally"
        conn.exec_driver_sql(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")
    statements = (
        _judge("id IS NOT NULL"),
        "DELETE FROM tally",
        f"INSERT INTO tally ({_KEYS}, number) {_TRUE_ROWS}",
        "DELETE FROM outstanding_sheet",
        f"INSERT INTO outstanding_sheet (serial, unit, form, pack) {_OUTSTANDING}",
        "DELETE FROM scanned_pack",
        f"INSERT INTO scanned_pack (pack) {_SCANNED}",
    )
    # Off meanwhile: they would count every page that is judged
    drop_tally_triggers(conn)
    for statement in statements:
        conn.execute(text(statement.format(**_words(conn))))
    create_tally_triggers(conn)


def fold_tallies(conn: Connection, more_than: int = 0) -> None:
    """Add up the rows of `tally` if there are more than so many, so that they stay few."""
    if conn.execute(text("SELECT count(*) FROM tally")).scalar_one() <= more_than:
        return
    total = f"SELECT {_KEYS}, sum(number) AS number FROM"
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(
            f"WITH gone AS (DELETE FROM tally RETURNING {_KEYS}, number)"
            f" INSERT INTO tally ({_KEYS}, number)"
            f" {total} gone GROUP BY {_KEYS} HAVING sum(number) <> 0"
        )
        return
    # One writer at a time: what is added up is all that is removed
    last = conn.execute(text("SELECT coalesce(max(id), 0) FROM tally")).scalar_one()
    conn.exec_driver_sql(
        f"INSERT INTO tally ({_KEYS}, number)"
        f" {total} tally GROUP BY {_KEYS} HAVING sum(number) <> 0"
    )
    conn.execute(text("DELETE FROM tally WHERE id <= :last"), {"last": last})


def _words(conn: Connection) -> dict[str, str]:
    return _IN_POSTGRES if conn.dialect.name == "postgresql" else _IN_SQLITE
