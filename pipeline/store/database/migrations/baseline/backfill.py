"""Fill the columns that a schema from before Alembic lacked, from its other columns."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from sqlalchemy import Connection, String, bindparam, case, cast, exists, func, select, update

from pipeline.domain.form.form import Forms
from pipeline.store.database.migrations.baseline.metadata import METADATA
from pipeline.store.paper.form_areas import form_area

_WITH_AREA_ADM = 5
_ALL_AREAS_BEFORE, _ALL_AREAS = "HSL IFO LSS SoL", "ADM HSL IFO LSS SoL"
_SECOND_REVIEW = "andra granskning"


def fill_added(conn: Connection, found: int, added: Set[str], forms: Path) -> None:
    """Fill the columns that were added.

    Args:
        conn: a transaction.
        found: the number that the schema had.
        added: the columns, as `table.column`.
        forms: the folder of form definitions.

    Raises:
        FormError: a form definition is invalid.
    """
    if added & {"page.area", "entry.area"}:
        _fill_areas(conn, Forms.load(forms))
    if "entry.lane" in added:
        _fill_queue(conn)
    if found < _WITH_AREA_ADM:
        _widen_areas(conn)
    if "export_item.entry_revision" in added:
        _fill_exported_revisions(conn)
    if "draft.revision" in added:
        _fill_draft_revisions(conn)


def _fill_areas(conn: Connection, forms: Forms) -> None:
    """Give pages and entries the area of law of their form."""
    for (form_id, version), form in forms.items():
        for name in ("page", "entry"):
            table = METADATA.tables[name]
            of_form = update(table).where(table.c.form == form_id, table.c.version == version)
            conn.execute(of_form.where(table.c.area.is_(None)).values(area=form_area(form)))


def _fill_queue(conn: Connection) -> None:
    """Give every entry its place in the queue by class, day and client, without re-reading it."""
    entry = METADATA.tables["entry"]
    day = func.coalesce(entry.c.event_on, func.substr(cast(entry.c.created_at, String), 1, 10))
    lane = case((entry.c.criticality == "A", 1), (entry.c.criticality == "B", 2), else_=3)
    days = {"happened": day, "first_on": day, "last_on": day}
    likely = func.coalesce(entry.c.client_pid, "")
    conn.execute(update(entry).values(lane=lane, likely_pid=likely, **days))
    conn.exec_driver_sql("DROP INDEX IF EXISTS entry_queue")  # the order before lanes


def _widen_areas(conn: Connection) -> None:
    """Give the area ADM, which came later, to the accounts that had all areas."""
    areas = METADATA.tables["staff"].c.areas
    had_all = update(areas.table).where(areas == _ALL_AREAS_BEFORE)
    conn.execute(had_all.values(areas=_ALL_AREAS))


def _fill_exported_revisions(conn: Connection) -> None:
    """Store for every exported entry the revision of its latest decision before the export.

    The log has every decision and every export in order.
    """
    event, item = METADATA.tables["event"], METADATA.tables["export_item"]
    latest, exported = dict[str, int](), list[dict[str, str | int]]()
    columns = select(event.c.action, event.c.subject, event.c.detail)
    query = columns.where(event.c.action.in_(["decide", "exported"])).order_by(event.c.id)
    for row in conn.execute(query):
        if row.action == "decide":
            latest[row.subject] = row.detail["revision"]
            continue
        carried = latest.get(row.subject, 0)
        exported.append({"in_run": row.detail["run"], "of": row.subject, "carried": carried})
    if exported:
        one = update(item).where(item.c.run == bindparam("in_run"), item.c.entry == bindparam("of"))
        conn.execute(one.values(entry_revision=bindparam("carried")), exported)


def _fill_draft_revisions(conn: Connection) -> None:
    """Give drafts typed after the first decision, by the clock, the entry's revision.

    All others keep revision 0, from before every decision.
    """
    draft, entry = METADATA.tables["draft"], METADATA.tables["entry"]
    is_of = entry.c.id == draft.c.entry
    is_second = entry.c.state == _SECOND_REVIEW
    as_second = exists().where(is_of, is_second, draft.c.at >= entry.c.first_at)
    revision = select(entry.c.revision).where(is_of).scalar_subquery()
    conn.execute(update(draft).where(as_second).values(revision=revision))
