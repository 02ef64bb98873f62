"""Routes, runs that are undone, HSA-ids, keying in, lists of statistics, proofs of exports."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema.clock import UtcDateTime

revision = "0016"
down_revision = "0011"

_KEY_IN = "skriv-in"
"""The target that needs no route."""
_BY = "system"


def upgrade() -> None:
    """Add tables and columns; what was made of statistics before were files."""
    _add_routes()
    _add_hsa_ids()
    _add_key_in()
    op.add_column(
        "statistics_item",
        sa.Column("whole", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.create_table(
        "export_proof",
        _id(),
        sa.Column("run", sa.String(32), sa.ForeignKey("export_run.id"), nullable=False),
        sa.Column("entry", sa.String(44), sa.ForeignKey("entry.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("means", sa.String(20), nullable=False),
        sa.Column("found", sa.String(20), nullable=False),
        sa.Column("differences", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("place", sa.String(200), nullable=False, server_default=""),
    )
    op.create_index("ix_export_proof_run", "export_proof", ["run"])
    op.create_index("ix_export_proof_entry", "export_proof", ["entry"])


def _add_routes() -> None:
    """Add the tables, and make the routes that earlier runs were of.

    A run names its target, which is the name of the route that is made from it, so that no row of
    the record changes.
    """
    _create_tables()
    conn = op.get_bind()
    run = sa.table("export_run", sa.column("id"), sa.column("target", sa.String))
    targets = conn.execute(sa.select(run.c.target).distinct()).scalars()
    names = sorted(target for target in targets if target != _KEY_IN)
    forms = _forms_by_target(conn)
    route = sa.table(
        "route",
        sa.column("name", sa.String),
        sa.column("target", sa.String),
        sa.column("forms", sa.JSON),
        sa.column("active", sa.Boolean),
        sa.column("by", sa.String),
        sa.column("at", UtcDateTime),
    )
    rows = [
        {
            "name": name,
            "target": name,
            "forms": forms.get(name, []),
            "active": bool(forms.get(name)),
            "by": _BY,
            "at": datetime.now(UTC),
        }
        for name in names
    ]
    if rows:
        conn.execute(sa.insert(route), rows)


def _create_tables() -> None:
    op.create_table(
        "route",
        _id(),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("target", sa.String(40), nullable=False),
        sa.Column("forms", sa.JSON, nullable=False),
        sa.Column("system", sa.String(80), nullable=False, server_default=""),
        sa.Column("module", sa.String(80), nullable=False, server_default=""),
        sa.Column("deliverer", sa.String(80), nullable=False, server_default=""),
        sa.Column("active", sa.Boolean, nullable=False),
        *_who(),
    )
    op.create_index("ix_route_name", "route", ["name"])
    op.create_table(
        "export_undo",
        sa.Column("run", sa.String(32), sa.ForeignKey("export_run.id"), primary_key=True),
        *_who(),
    )
    op.add_column("export_run", sa.Column("route", sa.String(40)))
    op.add_column("export_item", sa.Column("route_revision", sa.Integer))
    op.add_column("export_item", sa.Column("routes", sa.JSON(none_as_null=True)))


def _forms_by_target(conn: sa.Connection) -> dict[str, list[str]]:
    """Return the forms that each target took alone, and those that each statistics file reported.

    A form that went to several targets has no route until an administrator sets one.
    """
    entry = sa.table("entry", sa.column("id"), sa.column("form", sa.String))
    run = sa.table("export_run", sa.column("id"), sa.column("target", sa.String))
    found = defaultdict[str, list[str]](list)
    for name in ("export_item", "statistics_item"):
        item = sa.table(name, sa.column("run"), sa.column("entry"))
        joined = item.join(run, run.c.id == item.c.run).join(entry, entry.c.id == item.c.entry)
        pairs = sa.select(entry.c.form, run.c.target).select_from(joined).distinct()
        targets = defaultdict[str, list[str]](list)
        for form, target in conn.execute(pairs.order_by(entry.c.form, run.c.target)):
            targets[form].append(target)
        for form, taken_by in targets.items():
            if name == "statistics_item" or len(taken_by) == 1:
                for target in taken_by:
                    found[target].append(form)
    return found


def _add_hsa_ids() -> None:
    """Add the columns; an id or code is empty until somebody says it."""
    op.add_column(
        "staff_signature",
        sa.Column("role_code", sa.String(20), nullable=False, server_default=""),
    )
    for table in ("unit", "staff_signature"):
        op.add_column(table, sa.Column("hsa_id", sa.String(40), nullable=False, server_default=""))


def _add_key_in() -> None:
    """Add the tables; nothing that is stored changes."""
    op.create_table(
        "key_in_signature",
        _id(),
        sa.Column("turn", sa.String(32), nullable=False),
        sa.Column("run", sa.String(32), sa.ForeignKey("export_run.id"), nullable=False),
        sa.Column("entry", sa.String(44), sa.ForeignKey("entry.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        *_who(),
        sa.Column("undone_at", UtcDateTime),
        sa.Column("settled_at", UtcDateTime),
    )
    op.create_index("ix_key_in_signature_turn", "key_in_signature", ["turn"])
    op.create_index(
        "key_in_signature_active",
        "key_in_signature",
        ["entry", "revision"],
        unique=True,
        sqlite_where=sa.text("undone_at IS NULL"),
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "key_in_copy",
        _id(),
        sa.Column("entry", sa.String(44), sa.ForeignKey("entry.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("part", sa.String(200), nullable=False),
        *_who(),
    )
    op.create_index("ix_key_in_copy_entry", "key_in_copy", ["entry"])
    op.create_table(
        "key_in_order",
        _id(),
        sa.Column("system", sa.String(80), nullable=False),
        sa.Column("form", sa.String(80), nullable=False),
        sa.Column("own", sa.JSON, nullable=False),
        sa.Column("note", sa.JSON, nullable=False),
        *_who(),
    )
    op.create_index("key_in_order_latest", "key_in_order", ["system", "form", "id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=True)


def _who() -> list[sa.Column[Any]]:
    return [
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    ]
