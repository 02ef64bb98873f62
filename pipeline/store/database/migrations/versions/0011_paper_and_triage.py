"""Packs, closed pages, attachments, triage, outages, providers, client codes, deadlines."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0011"
down_revision = "0006"

_PRINT_GAP = timedelta(seconds=1)
"""Sheets that were registered together are microseconds apart."""
_NO_DEADLINE = "9999-12-31"
_SWEDEN = ZoneInfo("Europe/Stockholm")
_LEVEL_BY_LANE = {0: 1, 1: 3, 2: 4, 3: 5}
"""Lanes were: a legal deadline, and the classes A, B and C."""
_QUEUE_INDEXES = {"entry_queue_oldest": "first_on", "entry_queue_newest": "last_on DESC"}
_ONLY = ""
"""The key of the one deadline that an entry had: its rule is that of its form."""
_UNCERTAIN = ""
"""The time of a deadline whose first day was not certain."""


def upgrade() -> None:
    """Add columns and tables, and fill them from what there is."""
    _add_care()
    _add_depth()
    _add_flow()
    _add_client_codes()
    _add_deadlines()


def _add_care() -> None:
    """Add columns and tables, and say which sheets were printed together."""
    op.add_column(
        "archive_package",
        sa.Column("decision", sa.String(80), nullable=False, server_default=""),
    )
    op.add_column(
        "issued_sheet", sa.Column("pack", sa.String(32), nullable=False, server_default="")
    )
    op.create_index("ix_issued_sheet_pack", "issued_sheet", ["pack"])
    _create_pack_opening()
    _create_page_closure()
    _name_packs(op.get_bind())


def _create_pack_opening() -> None:
    op.create_table(
        "pack_opening",
        _id(),
        sa.Column("pack", sa.String(32), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        *_given(),
        *_undone(),
    )
    _index_active("pack_opening_standing", "pack_opening", ["pack"])


def _create_page_closure() -> None:
    op.create_table(
        "page_closure",
        _id(),
        sa.Column("page", sa.String(40), sa.ForeignKey("page.id"), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("other", sa.String(80), nullable=False, server_default=""),
        *_given(),
        *_undone(),
    )
    _index_active("page_closure_standing", "page_closure", ["page"])


def _name_packs(conn: sa.Connection) -> None:
    """Give sheets of a unit that were registered in one moment the same pack."""
    sheet = sa.table(
        "issued_sheet",
        sa.column("serial", sa.String),
        sa.column("unit", sa.String),
        sa.column("issued_at", UtcDateTime),
        sa.column("pack", sa.String),
    )
    query = sa.select(sheet.c.serial, sheet.c.unit, sheet.c.issued_at)
    unit, last, pack = None, datetime.min, ""
    for row in conn.execute(query.order_by(sheet.c.unit, sheet.c.issued_at)).all():
        # The first sheet of a printing names its pack.
        if row.unit != unit or row.issued_at - last > _PRINT_GAP:
            pack = row.serial
        unit, last = row.unit, row.issued_at
        conn.execute(sa.update(sheet).where(sheet.c.serial == row.serial).values(pack=pack))


def _add_depth() -> None:
    """Add the tables; nothing that is stored changes."""
    op.create_table(
        "attachment",
        _id(),
        _page(),
        sa.Column("sheet", sa.String(41), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        *_given(),
        *_undone(),
    )
    op.create_index("ix_attachment_page", "attachment", ["page"])
    op.create_index("ix_attachment_sheet", "attachment", ["sheet"])
    _index_active("attachment_standing", "attachment", ["page"])
    op.create_table(
        "page_text",
        sa.Column("page", sa.String(40), sa.ForeignKey("page.id"), primary_key=True),
        sa.Column("plain", sa.String, nullable=False),
        sa.Column("words", sa.JSON, nullable=False),
    )
    op.create_table(
        "page_area",
        _id(),
        _page(),
        sa.Column("row", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("x", "y", "w", "h")),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        *_given(),
        *_undone(),
    )
    op.create_index("ix_page_area_page", "page_area", ["page"])
    _index_active("page_area_standing", "page_area", ["page", "row"])
    op.create_table(
        "unit_depth",
        _id(),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("form", sa.String(60), nullable=False),
        sa.Column("depth", sa.String(20), nullable=False),
        *_given(),
    )
    op.create_index("ix_unit_depth_unit", "unit_depth", ["unit"])
    op.create_table(
        "sheet_depth",
        _id(),
        sa.Column("sheet", sa.String(41), nullable=False),
        sa.Column("depth", sa.String(20), nullable=False),
        *_given(),
    )
    op.create_index("ix_sheet_depth_sheet", "sheet_depth", ["sheet"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=True)


def _page() -> sa.Column[str]:
    return sa.Column("page", sa.String(40), sa.ForeignKey("page.id"), nullable=False)


def _given() -> list[sa.Column[Any]]:
    return [
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    ]


def _undone() -> list[sa.Column[Any]]:
    return [sa.Column("undone_by", sa.String(80)), sa.Column("undone_at", UtcDateTime)]


def _index_active(name: str, table: str, columns: list[str]) -> None:
    """Let one row of each stand at a time."""
    is_active = sa.text("undone_at IS NULL")
    op.create_index(
        name, table, columns, unique=True, sqlite_where=is_active, postgresql_where=is_active
    )


def _add_flow() -> None:
    """Add columns and tables, and sort the queue by the levels of triage."""
    for name in ("deceased_on", "moved_on"):
        op.add_column("client", sa.Column(name, sa.String(10), nullable=False, server_default=""))
    op.add_column(
        "entry", sa.Column("due_on", sa.String(10), nullable=False, server_default=_NO_DEADLINE)
    )
    op.add_column("entry", sa.Column("triage", sa.String(40), nullable=False, server_default=""))
    op.add_column("entry", sa.Column("triage_content", sa.JSON(none_as_null=True)))
    _sort_by_level(op.get_bind())
    _replace_queue_indexes()
    _create_triage()
    _create_outage()
    _create_unit_provider()


def _sort_by_level(conn: sa.Connection) -> None:
    """Give entries the level of their lane, and the day of their deadline.

    What they say is looked at when a worker starts (`store/entries/triage.py`).
    """
    entry = sa.table(
        "entry",
        sa.column("id", sa.String),
        sa.column("lane", sa.Integer),
        sa.column("due_at", UtcDateTime),
        sa.column("due_on", sa.String),
    )
    level = sa.case(_LEVEL_BY_LANE, value=entry.c.lane, else_=entry.c.lane)
    conn.execute(sa.update(entry).values(lane=level))
    query = sa.select(entry.c.id, entry.c.due_at).where(entry.c.due_at.is_not(None))
    for entry_id, due_at in conn.execute(query).all():
        conn.execute(
            sa.update(entry).where(entry.c.id == entry_id).values(due_on=_swedish_day(due_at))
        )


def _swedish_day(moment: datetime) -> str:
    return moment.astimezone(_SWEDEN).date().isoformat()


def _replace_queue_indexes() -> None:
    """Sort by the last day instead of the moment, which databases sort in two ways if unknown."""
    is_open = sa.text("state IN ('granskas', 'andra granskning')")
    for name, day in _QUEUE_INDEXES.items():
        op.drop_index(name, "entry")
        first: list[Any] = ["rank", "lane", "skipped", "due_on", sa.text(day)]
        more = [
            "likely_pid",
            "happened",
            "id",
            "unit",
            "area",
            "state",
            "claimed_until",
            "first_by",
        ]
        op.create_index(
            name, "entry", [*first, *more], sqlite_where=is_open, postgresql_where=is_open
        )


def _create_triage() -> None:
    op.create_table(
        "triage_table",
        _id(),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("rules", sa.JSON, nullable=False),
        *_given(),
        *_undone(),
    )
    op.create_index("ix_triage_table_unit", "triage_table", ["unit"])
    op.create_table(
        "triage_order",
        sa.Column("unit", sa.String(80), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
    )


def _create_outage() -> None:
    op.create_table(
        "outage",
        _id(),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("system", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("start", UtcDateTime, nullable=False),
        sa.Column("end", UtcDateTime),
        *_given(),
        *_undone(),
    )


def _create_unit_provider() -> None:
    op.create_table(
        "unit_provider",
        _id(),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("hsa_id", sa.String(64), nullable=False),
        sa.Column("organisation_number", sa.String(20), nullable=False),
        *_given(),
        *_undone(),
    )
    op.create_index("ix_unit_provider_unit", "unit_provider", ["unit"])


def _add_client_codes() -> None:
    """Create the table; a unit's clients get their codes with its next pack."""
    op.create_table(
        "client_code",
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("code", sa.String(4), nullable=False),
        sa.Column("pid", sa.String(20), nullable=False),
        sa.Column("given_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("unit", "code"),
        sa.UniqueConstraint("unit", "pid"),
    )


def _add_deadlines() -> None:
    """Add the column, and give entries the one deadline that they had."""
    op.add_column("entry", sa.Column("deadlines", sa.JSON(none_as_null=True)))
    entry = sa.table(
        "entry",
        sa.column("id", sa.String),
        sa.column("created_at", UtcDateTime),
        sa.column("due_at", UtcDateTime),
        sa.column("deadlines", sa.JSON(none_as_null=True)),
    )
    conn = op.get_bind()
    query = sa.select(entry.c.id, entry.c.created_at, entry.c.due_at)
    for row in conn.execute(query.where(entry.c.due_at.is_not(None))).all():
        # A deadline equal to the creation time meant an unknown day
        time = _UNCERTAIN if row.due_at == row.created_at else row.due_at.isoformat()
        conn.execute(sa.update(entry).where(entry.c.id == row.id).values(deadlines={_ONLY: time}))
