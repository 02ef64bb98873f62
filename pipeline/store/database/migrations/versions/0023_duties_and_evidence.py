"""Duties until they are met, publications that were begun, and more evidence of the record.

Pictures, clients, blocks and accounts are among the rows that the event log covers. Those that
exist are covered at the end of the upgrade, by events that say so (`adopt_records`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0023"
down_revision = "0020"

_SWEDEN = ZoneInfo("Europe/Stockholm")
_APPEAL, _ASSESSMENT = "overklagande", "skyddsbedomning"
_REPORT_DAYS = {"orosanmalan": "handelsedatum", "skyddsbedomning": "anmalan_datum"}
"""By form, the field with the day on which a report of concern came in."""
_UNCERTAIN, _NO_DEADLINE = "", "9999-12-31"


def upgrade() -> None:
    """Add tables, columns and indexes, and fill them from what there is."""
    _add_duties()
    _add_intentions()
    # Make room for logins in the table of digests, and count changed rows at each check
    with op.batch_alter_table("record_digest") as table:
        table.alter_column("owner", type_=sa.String(80), existing_type=sa.String(44))
    op.add_column(
        "store_check", sa.Column("changed", sa.Integer, nullable=False, server_default="0")
    )


def _add_duties() -> None:
    """Add table and index, and correct the deadlines that are stored.

    The time of an appeal is nobody's duty here. An assessment may be made the day after the report.
    """
    op.create_table(
        "met_duty",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("entry", sa.String(44), sa.ForeignKey("entry.id"), nullable=False),
        sa.Column("rule", sa.String(60), nullable=False),
        sa.Column("is_met", sa.Boolean, nullable=False),
        sa.Column("how", sa.String(20), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("paper", sa.String(44), sa.ForeignKey("entry.id")),
        sa.Column("due", sa.String(40), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_met_duty_entry", "met_duty", ["entry"])
    _correct_times(op.get_bind())
    op.drop_index("entry_due", "entry")
    has_due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "entry_due", "entry", ["unit", "due_at"], sqlite_where=has_due, postgresql_where=has_due
    )


def _correct_times(conn: sa.Connection) -> None:
    """Correct the stored deadlines of entries, and what is nearest of each."""
    entry = sa.table(
        "entry",
        *(sa.column(name) for name in ("id", "form", "sheet")),
        sa.column("created_at", UtcDateTime),
        sa.column("due_at", UtcDateTime),
        sa.column("due_on", sa.String),
        sa.column("deadlines", sa.JSON(none_as_null=True)),
    )
    for row in conn.execute(sa.select(entry).where(entry.c.due_at.is_not(None))).all():
        times = dict(row.deadlines or {})
        time = times.get(_ASSESSMENT)
        if time and row.form in _REPORT_DAYS:
            times[_ASSESSMENT] = _day_after(conn, row, time)
        duties = [
            row.created_at if time == _UNCERTAIN else datetime.fromisoformat(time)
            for rule, time in times.items()
            if rule != _APPEAL
        ]
        due = min(duties, default=None)
        values = {
            "deadlines": times,
            "due_at": due,
            "due_on": due.astimezone(_SWEDEN).date().isoformat() if due else _NO_DEADLINE,
        }
        conn.execute(sa.update(entry).where(entry.c.id == row.id).values(values))


def _day_after(conn: sa.Connection, row: sa.Row[Any], time: str) -> str:
    """Return the last day of the assessment, where it was the day of the report itself."""
    last = datetime.fromisoformat(time).astimezone(_SWEDEN)
    if last.date().isoformat() != _report_day(conn, row):
        return time
    return datetime.combine(last.date() + timedelta(days=1), last.time(), _SWEDEN).isoformat()


def _report_day(conn: sa.Connection, row: sa.Row[Any]) -> object:
    """Return the day on which the report came in, as decided, else as read."""
    field = _REPORT_DAYS[row.form]
    decision = sa.table(
        "decision",
        *(sa.column(name) for name in ("id", "entry", "field")),
        sa.column("value", sa.JSON),
    )
    decided = (
        sa.select(decision.c.value)
        .where(decision.c.entry == row.id, decision.c.field == field)
        .order_by(decision.c.id.desc())
        .limit(1)
    )
    if (found := conn.execute(decided).scalar()) is not None:
        return found
    reading = sa.table(
        "reading", sa.column("page"), sa.column("field"), sa.column("value", sa.JSON)
    )
    page = sa.table("page", sa.column("id"), sa.column("sheet"))
    read = (
        sa.select(reading.c.value)
        .join(page, page.c.id == reading.c.page)
        .where(page.c.sheet == row.sheet, reading.c.field == field)
        .limit(1)
    )
    return conn.execute(read).scalar()


def _add_intentions() -> None:
    """Add the tables; a package that was fetched before was handed out.

    Counting entries needs no row any more, only the indexes.
    """
    op.add_column("entry", sa.Column("ended_at", sa.DateTime(timezone=True)))
    op.execute(
        """UPDATE entry SET ended_at = (SELECT min(entry_version.at) FROM entry_version
        WHERE entry_version.entry = entry.id AND entry_version.state
            IN ('bekräftad', 'signerad', 'exporterad', 'kvitterad', 'avvisad'))"""
    )
    was_ended = sa.text("ended_at IS NOT NULL")
    op.create_index(
        "entry_ended",
        "entry",
        ["ended_at", "unit", "state"],
        sqlite_where=was_ended,
        postgresql_where=was_ended,
    )
    for name, columns, where in (
        (
            "entry_unreceipted",
            ["unit", "state", "form", "criticality", "created_at", "voided"],
            sa.text("state != 'kvitterad'"),
        ),
        (
            "entry_ready",
            ["unit", "form", "first_by", "version", "area", "voided"],
            sa.text("state = 'bekräftad'"),
        ),
        ("entry_created", ["created_at", "unit", "state", "form", "criticality", "voided"], None),
    ):
        op.drop_index(name, "entry")
        op.create_index(name, "entry", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "archive_delivery",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("package", sa.String(40), sa.ForeignKey("archive_package.id"), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_archive_delivery_package", "archive_delivery", ["package"])
    op.create_table(
        "form_publication",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("form", sa.String(60), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.execute(
        """INSERT INTO archive_delivery (package, "by", at)
        SELECT archive_package.id, event."by", event.at FROM archive_package
        JOIN event ON event.id = (SELECT min(id) FROM event
            WHERE action = 'fetch_package' AND subject = archive_package.id)"""
    )
