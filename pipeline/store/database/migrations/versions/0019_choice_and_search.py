"""The choice of what to work with, indexes for searches, and watched folders."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Forms
from pipeline.store.schema.clock import UtcDateTime

revision = "0019"
down_revision = "0016"

_IS_OPEN = "state IN ('granskas', 'andra granskning')"
_DAYS = {"oldest": "first_on", "newest": "last_on DESC"}
_BEFORE_DAY, _AFTER_DAY = ("rank", "lane", "skipped", "due_on"), ("likely_pid", "happened", "id")
_COVERED = ("unit", "area", "state", "claimed_until", "first_by")
_AUTHOR_MEANINGS = (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE)
_SEARCH_INDEXES = {
    "entry_day": ("entry", ["event_on", "unit"], "event_on IS NOT NULL"),
    "entry_author": ("entry", ["author"], "author IS NOT NULL"),
    "event_own_action": (
        "event",
        ["by", "id"],
        "action IN ('decide', 'skip', 'undo', 'forward', 'reopen')",
    ),
}


def upgrade() -> None:
    """Add tables, the author's column and the indexes, and fill the column of open entries."""
    op.create_table(
        "queue_choice",
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), primary_key=True),
        sa.Column("grouping", sa.String(10), nullable=False),
        sa.Column("entry", sa.String(44), nullable=False, server_default=""),
    )
    op.add_column(
        "entry", sa.Column("author_key", sa.String(120), nullable=False, server_default="")
    )
    config = op.get_context().config
    assert config is not None
    _fill_author_keys(op.get_bind(), config.attributes["forms"])
    for name, day in _DAYS.items():
        _create_index(f"entry_form_{name}", ["form", *_order(day), *_COVERED], _IS_OPEN)
    _create_index(
        "entry_author_key",
        ["author_key", *_order(_DAYS["oldest"])],
        f"{_IS_OPEN} AND author_key != ''",
    )
    for name, (table, columns, where) in _SEARCH_INDEXES.items():
        _create_index(name, columns, where, table)
    op.create_table(
        "watched_folder",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("folder", sa.String(400), nullable=False),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("looked_at", UtcDateTime, nullable=False),
        sa.Column("is_away", sa.Boolean, nullable=False),
        sa.Column("passed_over", sa.JSON, nullable=False),
    )
    op.create_index("ix_page_read_at", "page", ["read_at"])


def _order(day: str) -> list[str]:
    return [*_BEFORE_DAY, day, *_AFTER_DAY]


def _create_index(name: str, columns: list[str], where: str, table: str = "entry") -> None:
    op.create_index(
        name,
        table,
        [sa.text(column) if " " in column else column for column in columns],
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _fill_author_keys(conn: sa.Connection, folder: Path) -> None:
    """Give open entries their author as read."""
    entry = sa.table(
        "entry",
        *(
            sa.column(name)
            for name in ("id", "sheet", "form", "version", "row", "state", "author_key")
        ),
    )
    open_entries = sa.select(
        entry.c.id, entry.c.sheet, entry.c.form, entry.c.version, entry.c.row
    ).where(sa.text(_IS_OPEN))
    rows = conn.execute(open_entries).all()
    if not rows:
        return
    forms = Forms.load(folder)
    fields = dict[str, list[str]]()
    for row in rows:
        form = forms.get((row.form, row.version))
        specs = [form.meaning(means, row.row) for means in _AUTHOR_MEANINGS] if form else []
        fields[row.id] = [spec.name for spec in specs if spec]
    names = _read_names(conn, {name for found in fields.values() for name in found})
    values = [
        {"key": row.id, "author": key}
        for row in rows
        if (key := next(filter(None, (names[row.sheet].get(n) for n in fields[row.id])), ""))
    ]
    update = (
        sa.update(entry)
        .where(entry.c.id == sa.bindparam("key"))
        .values(author_key=sa.bindparam("author"))
    )
    if values:
        conn.execute(update, values)


def _read_names(conn: sa.Connection, fields: set[str]) -> defaultdict[str, dict[str, str]]:
    """Return what was read in these fields, by sheet and field."""
    page = sa.table("page", sa.column("id"), sa.column("sheet"))
    reading = sa.table(
        "reading",
        sa.column("page"),
        sa.column("field"),
        sa.column("value", sa.JSON),
        sa.column("state"),
    )
    query = (
        sa.select(page.c.sheet, reading.c.field, reading.c.value)
        .join(reading, reading.c.page == page.c.id)
        .where(reading.c.field.in_(sorted(fields)), page.c.sheet.is_not(None))
    )
    names = defaultdict[str, dict[str, str]](dict)
    for sheet, field, value in conn.execute(query):
        if isinstance(value, str):
            names[sheet][field] = " ".join(value.split()).casefold()[:120]
    return names
