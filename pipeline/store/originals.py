"""Paper originals: in which box and bundle they are, and whether they may be destroyed (får gallras).

They are kept unless an archivist has written down the number of a decision. Scanning weeks after the paper came is not "i samband med" its
arrival, so the rules that let authorities destroy scanned originals at once (RA-FS 2021:1) do not fit; a municipality decides itself. What is
written here is leave, never the act: nothing that is stored is removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import ExportError
from pipeline.model import Person
from pipeline.store import archives, events, tables
from pipeline.store.archive_tables import archived_sheet, paper_decision, paper_place

_LONGEST = 80
_standing = paper_decision.c.undone_at.is_(None)


@dataclass(frozen=True, slots=True)
class Original:
    """The paper of an archived sheet. `place` is what was said when it was scanned; `decision` is empty: keep; so of a
    sheet that has changed since it was archived."""

    sheet: str
    rule: str
    earliest: str
    batch: str
    place: str
    box: str
    bundle: str
    decision: str


def put_in_box(conn: Connection, person: Person, batch: str, box: str, bundle: str, now: datetime) -> None:
    """Say where a stack's paper is kept from now on. What was said before stays readable in the log.

    Raises:
        NotAllowedError: the person does not archive in the stack's unit.
        ExportError: there is no such stack, or no box is named.
    """
    unit = conn.execute(select(tables.batch.c.unit).where(tables.batch.c.id == batch)).scalar_one_or_none()
    access.require(person, Action.ARCHIVE, unit)
    if unit is None or not box.strip():
        raise ExportError("name_stack_box")
    row = {"batch": batch, "box": box.strip()[:_LONGEST], "bundle": bundle.strip()[:_LONGEST], "by": person.login, "at": now}
    conn.execute(insert(paper_place).values(row))
    events.record(conn, person.login, "put_in_box", batch, unit=unit)


def originals(conn: Connection, person: Person, package_id: str) -> list[Original]:
    """The paper of a package's sheets: class of retention, place, box and bundle, and the decision if there is one.

    Raises:
        NotAllowedError: the person may not see everything in the package.
        ExportError: there is no such package.
    """
    archives.package(conn, person, package_id)
    decision, changed = standing_decision(conn, package_id), set(archives.changed_since(conn, package_id))
    query = (
        select(archived_sheet.c.sheet, archived_sheet.c.rule, archived_sheet.c.earliest, tables.batch.c.id, tables.batch.c.place)
        .join(tables.page, tables.page.c.sheet == archived_sheet.c.sheet)
        .join(tables.batch, tables.batch.c.id == tables.page.c.batch)
        .where(archived_sheet.c.package == package_id)
        .distinct()
        .order_by(archived_sheet.c.sheet, tables.batch.c.id)
    )
    boxes = {row.batch: row for row in conn.execute(select(paper_place).order_by(paper_place.c.id))}
    found = []
    for row in conn.execute(query):
        box = boxes.get(row.id)
        kept = "" if row.sheet in changed else decision
        found.append(Original(row.sheet, row.rule, row.earliest, row.id, row.place, box.box if box else "", box.bundle if box else "", kept))
    return found


def standing_decision(conn: Connection, package_id: str) -> str:
    """The number of the decision that a package's paper may be destroyed; empty: keep."""
    query = select(paper_decision.c.number).where(paper_decision.c.package == package_id, _standing)
    return str(conn.execute(query).scalar_one_or_none() or "")


def may_be_destroyed(conn: Connection, person: Person, package_id: str, number: str, now: datetime) -> None:
    """Write down that the paper of a package's sheets may be destroyed by a decision with this number.

    Raises:
        NotAllowedError: the person is no archivist, or may not see everything in the package.
        ExportError: there is no such package, no number, a decision already, or a sheet of it has been corrected since and is in no later package.
    """
    found = archives.package(conn, person, package_id, Action.DISPOSE)
    if not number.strip():
        raise ExportError("decision_needs_number")
    if standing_decision(conn, package_id):
        raise ExportError("decision_package_already")
    if changed := archives.changed_since(conn, found.id):
        raise ExportError("changed_since_archived", changed=", ".join(changed[:20]))
    row = {"package": found.id, "number": number.strip()[:_LONGEST], "by": person.login, "at": now}
    conn.execute(insert(paper_decision).values(row))
    events.record(conn, person.login, "may_destroy_paper", found.id, unit=_unit(conn, found.id), sheets=found.sheets)


def take_back_decision(conn: Connection, person: Person, package_id: str, now: datetime) -> None:
    """Keep the paper after all.

    Raises:
        NotAllowedError: the person is no archivist, or may not see everything in the package.
        ExportError: there is no such package, or no decision.
    """
    found = archives.package(conn, person, package_id, Action.DISPOSE)
    undone = update(paper_decision).where(paper_decision.c.package == found.id, _standing).values(undone_by=person.login, undone_at=now)
    if not conn.execute(undone).rowcount:
        raise ExportError("no_decision_package")
    events.record(conn, person.login, "keep_paper", found.id, unit=_unit(conn, found.id), sheets=found.sheets)


def _unit(conn: Connection, package_id: str) -> str | None:
    units = archives.units_of(conn, package_id)
    return units[0] if len(units) == 1 else None
