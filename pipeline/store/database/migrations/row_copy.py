"""All rows of the database as lines of JSON, which fill an empty database of either kind.

Every table begins with a line that names it and its columns; a line with the values of one row
follows for each. A value is text, a number or truth; a moment is ISO 8601 in UTC, and JSON is text.
The sum of a table does not depend on the order of its rows, which is each database's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    cast,
    insert,
    inspect,
    null,
    select,
    text,
)
from sqlalchemy.exc import StatementError

from pipeline.domain.errors import StoreError
from pipeline.store.database.engines import (
    check_foreign_keys,
    make_engine,
    redact_error,
    suspend_foreign_keys,
)
from pipeline.store.database.history import head, lock_schema
from pipeline.store.database.store import create_schema
from pipeline.store.event_log.events import discard_pending
from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata, schema_info

_ROWS_AT_A_TIME = 1000
_PLAIN_TYPES = (String, Integer, Boolean, Float)
_SUM_RANGE = 2**256


@dataclass(frozen=True, slots=True)
class TableSum:
    """How many rows a table has, and the sum of their digests."""

    rows: int
    sha256: str


class _Adder:
    """Adds the digests of lines, in any order."""

    def __init__(self) -> None:
        self._rows, self._sum = 0, 0

    def add(self, line: bytes) -> None:
        self._rows += 1
        self._sum += int.from_bytes(hashlib.sha256(line).digest())

    def total(self) -> TableSum:
        return TableSum(self._rows, f"{self._sum % _SUM_RANGE:064x}")


def write_rows(conn: Connection, write: Callable[[bytes], object]) -> dict[str, TableSum]:
    """Write all rows of all tables and return the sum of each table.

    Args:
        conn: a transaction that sees one moment (`Store.snapshot`).
        write: gets one line at a time.
    """
    return _write_columns(conn, {table.name: [*table.columns] for table in _tables()}, write)


def _write_columns(
    conn: Connection, columns: Mapping[str, Sequence[Column[Any]]], write: Callable[[bytes], object]
) -> dict[str, TableSum]:
    sums = {}
    for table, listed in columns.items():
        write(_to_line({"table": table, "columns": [column.name for column in listed]}))
        adder = _Adder()
        for line in _row_lines(conn, listed):
            adder.add(line)
            write(line)
        sums[table] = adder.total()
    return sums


def sum_lines(lines: Iterable[bytes]) -> dict[str, TableSum]:
    """Return the sum of each table in the lines that `write_rows` wrote.

    Raises:
        ValueError: they are no such lines.
    """
    adders = dict[str, _Adder]()
    adder = _Adder()
    for line in lines:
        if line.startswith(b"{"):
            adder = adders.setdefault(str(json.loads(line)["table"]), _Adder())
        else:
            adder.add(line)
    return {name: one.total() for name, one in adders.items()}


def fill_database(
    url: str, lines: Iterable[bytes], expected: Mapping[str, TableSum], revision: str
) -> None:
    """Make the tables of an empty database and fill them; all of it or nothing.

    Every row is read again and compared with what it was made from. Rows of an earlier revision are
    filled into its tables, and upgraded after that.

    Args:
        url: of the database.
        lines: as `write_rows` wrote them.
        expected: the sum of each table.
        revision: of the database that they were read from.

    Raises:
        StoreError: the database has tables already, refuses a row, or has other rows than expected.
        StoreUnavailableError: it is locked, full or out of reach.
        ValueError: they are no such lines.
    """
    engine = make_engine(url)
    name = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as conn:
            if revision != head():
                suspend_foreign_keys(conn)
            with conn.begin():
                lock_schema(conn)
                if inspect(conn).get_table_names():
                    raise StoreError("database_not_empty", name=name)
                if revision == head():
                    _fill_tables(conn, lines, expected)
                else:
                    _fill_earlier_tables(conn, lines, expected, revision)
                    check_foreign_keys(conn, name)
    except StatementError as error:
        raise redact_error(error, name) from None
    finally:
        engine.dispose()


def _fill_tables(
    conn: Connection, lines: Iterable[bytes], expected: Mapping[str, TableSum]
) -> None:
    def fill(conn: Connection) -> None:
        _insert_lines(conn, lines, metadata)

    create_schema(conn, fill)
    _continue_numbers(conn, _tables())
    _compare_sums(write_rows(conn, lambda _line: None), expected)


def _fill_earlier_tables(
    conn: Connection, lines: Iterable[bytes], expected: Mapping[str, TableSum], revision: str
) -> None:
    # Alembic is imported only when there is something to upgrade
    from pipeline.store.database.migrations.run import make_earlier_tables, migrate

    known = make_earlier_tables(conn, revision)
    columns = _insert_lines(conn, lines, known)
    _continue_numbers(conn, known.sorted_tables)
    _compare_sums(_write_columns(conn, columns, lambda _line: None), expected)
    migrate(conn)


def _compare_sums(found: Mapping[str, TableSum], expected: Mapping[str, TableSum]) -> None:
    tables = {*found, *expected}
    if wrong := sorted(table for table in tables if found.get(table) != expected.get(table)):
        raise StoreError("restored_rows_differ", tables=", ".join(wrong))


def _tables() -> list[Table]:
    """Return the tables whose rows are copied, each after those that it refers to.

    The number of the schema from before its history belongs to the schema.
    """
    return [table for table in metadata.sorted_tables if table is not schema_info]


def _row_lines(conn: Connection, columns: Sequence[Column[Any]]) -> Iterator[bytes]:
    query = select(*(_as_read(column) for column in columns))
    found = conn.execute(query, execution_options={"yield_per": _ROWS_AT_A_TIME})
    to_plain = [_WRITTEN.get(type(column.type)) for column in columns]
    for row in found:
        yield _to_line(
            [
                value if value is None or convert is None else convert(value)
                for value, convert in zip(row, to_plain, strict=True)
            ]
        )


def _as_read(column: Column[Any]) -> ColumnElement[Any]:
    """Return what is read of a column: JSON as text, which tells an empty value from JSON's null.

    Raises:
        TypeError: the column is of a type that has no form here, which is a programming error.
    """
    if isinstance(column.type, JSON):
        return cast(column, Text)
    if not isinstance(column.type, (*_PLAIN_TYPES, UtcDateTime)):
        raise TypeError(f"{column} has a type that backups do not know")
    return column


def _normalize_json(value: str) -> str:
    """Return JSON as the program writes it: a migration may have spaced it otherwise."""
    return json.dumps(json.loads(value))


def _read_json(value: str | None) -> object:
    return null() if value is None else JSON.NULL if value == "null" else json.loads(value)


def _read_moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


_WRITTEN: Mapping[type, Callable[[Any], object]] = {
    JSON: _normalize_json,
    UtcDateTime: datetime.isoformat,
}
_READ: Mapping[type, Callable[[Any], object]] = {JSON: _read_json, UtcDateTime: _read_moment}


def _to_line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _insert_lines(
    conn: Connection, lines: Iterable[bytes], known: MetaData
) -> dict[str, list[Column[Any]]]:
    """Insert all rows; return the columns that were written of each table, in their order."""
    rest = iter(lines)
    columns = dict[str, list[Column[Any]]]()
    table: Table | None = None
    names: list[str] = []
    while batch := list(islice(rest, _ROWS_AT_A_TIME)):
        rows = list[list[Any]]()
        for line in batch:
            content = json.loads(line)
            if isinstance(content, dict):
                _insert_rows(conn, table, names, rows)
                table, names = known.tables[content["table"]], content["columns"]
                columns[table.name] = [table.columns[name] for name in names]
                rows = []
            else:
                rows.append(content)
        _insert_rows(conn, table, names, rows)
    return columns


def _insert_rows(
    conn: Connection, table: Table | None, names: list[str], rows: list[list[Any]]
) -> None:
    if table is None or not rows:
        return
    readers = [_READ.get(type(table.columns[name].type)) for name in names]
    values = [
        {
            name: value if convert is None else convert(value)
            for name, value, convert in zip(names, row, readers, strict=True)
        }
        for row in rows
    ]
    conn.execute(insert(table), values)
    # Nothing here is a change of the record: the log that covers it is filled in too
    discard_pending(conn)


def _continue_numbers(conn: Connection, tables: Iterable[Table]) -> None:
    """Let PostgreSQL number new rows after those that were filled in; SQLite does so itself."""
    if conn.dialect.name != "postgresql":
        return
    for table in tables:
        column = table.autoincrement_column
        if column is not None:
            conn.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'),"
                    f' max("{column.name}")) FROM "{table.name}" HAVING count(*) > 0'
                )
            )
