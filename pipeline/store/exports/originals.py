"""Paper originals: their box and bundle, and whether they may be destroyed (får gallras).

They are kept unless every entry on them has its target's receipt, a versioned rule of retention is
known that does not keep them for good, and an archivist has registered the number of a decision.
Scanning weeks after the
paper came is not "i samband med" its arrival, so the rules that let authorities destroy scanned
originals at once (RA-FS 2021:1) do not apply; a municipality decides itself. Only the permission is
registered here: nothing that is stored is removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline.domain.errors import ExportError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.law.retention import is_erasable
from pipeline.domain.model import Person
from pipeline.store.event_log import events
from pipeline.store.exports import archives
from pipeline.store.exports.archives import SheetWait
from pipeline.store.schema import paper
from pipeline.store.schema.exports import archived_sheet, paper_decision, paper_place

_MAX_TEXT_LENGTH = 80
_is_active_decision = paper_decision.c.undone_at.is_(None)


@dataclass(frozen=True, slots=True)
class PaperOriginal:
    """The paper of an archived sheet.

    `place` is what was stated at scanning. `decision` is empty where the paper must be kept, which
    includes sheets that are kept for good (`is_permanent`), that wait for a receipt, or that have
    changed since they were archived.
    """

    sheet: str
    rule: str
    earliest: str
    batch: str
    place: str
    box: str
    bundle: str
    decision: str
    is_permanent: bool


def save_paper_place(
    conn: Connection, person: Person, batch: str, box: str, bundle: str, now: datetime
) -> None:
    """Register where a batch's paper is kept from now on; earlier places stay in the log.

    Raises:
        NotAllowedError: the person does not archive in the batch's unit.
        ExportError: there is no such batch, or no box is named.
    """
    unit = conn.execute(
        select(paper.batch.c.unit).where(paper.batch.c.id == batch)
    ).scalar_one_or_none()
    permissions.require_permission(person, Action.ARCHIVE, unit)
    if unit is None or not box.strip():
        raise ExportError("stack_and_box_missing")
    row = {
        "batch": batch,
        "box": box.strip()[:_MAX_TEXT_LENGTH],
        "bundle": bundle.strip()[:_MAX_TEXT_LENGTH],
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(paper_place).values(row))
    events.record(conn, person.login, "put_in_box", batch, unit=unit)


def list_originals(conn: Connection, person: Person, package_id: str) -> list[PaperOriginal]:
    """Return the paper of a package's sheets: retention rule, place, box, bundle and decision.

    Raises:
        NotAllowedError: the person may not see everything in the package.
        ExportError: there is no such package.
    """
    archives.load_package(conn, person, package_id)
    decision, changed_sheets = (
        find_active_decision(conn, package_id),
        set(archives.changed_archived_sheets(conn, package_id)),
    )
    # Each archived sheet once for every batch that has pages of it.
    query = (
        select(
            archived_sheet.c.sheet,
            archived_sheet.c.rule,
            archived_sheet.c.earliest,
            paper.batch.c.id,
            paper.batch.c.place,
        )
        .join(paper.page, paper.page.c.sheet == archived_sheet.c.sheet)
        .join(paper.batch, paper.batch.c.id == paper.page.c.batch)
        .where(archived_sheet.c.package == package_id)
        .distinct()
        .order_by(archived_sheet.c.sheet, paper.batch.c.id)
    )
    # The latest place of a batch overrides earlier ones.
    boxes = {row.batch: row for row in conn.execute(select(paper_place).order_by(paper_place.c.id))}
    originals = []
    for row in conn.execute(query):
        box = boxes.get(row.id)
        is_permanent = not is_erasable(row.rule)
        valid_decision = "" if is_permanent or row.sheet in changed_sheets else decision
        originals.append(
            PaperOriginal(
                row.sheet,
                row.rule,
                row.earliest,
                row.id,
                row.place,
                box.box if box else "",
                box.bundle if box else "",
                valid_decision,
                is_permanent,
            )
        )
    return originals


def find_active_decision(conn: Connection, package_id: str) -> str:
    """Return the number of the decision that a package's paper may be destroyed; empty: keep."""
    # The decision that has not been withdrawn; at most one.
    query = select(paper_decision.c.number).where(
        paper_decision.c.package == package_id, _is_active_decision
    )
    return str(conn.execute(query).scalar_one_or_none() or "")


def approve_destruction(
    conn: Connection, person: Person, package_id: str, number: str, now: datetime
) -> None:
    """Register a decision, by its number, that the paper of a package may be destroyed.

    Raises:
        NotAllowedError: the person is no archivist, or may not see everything in the package.
        ExportError: there is no such package, no number, a decision already, all of it is kept for
            good; or an entry of it has no receipt, or has been corrected since and is in no later
            package.
    """
    package = archives.load_package(conn, person, package_id, Action.DISPOSE)
    if not number.strip():
        raise ExportError("decision_number_missing")
    if find_active_decision(conn, package_id):
        raise ExportError("decision_package_already")
    waits = archives.package_waits(conn, package.id)
    if lacking := sorted(sheet for sheet, wait in waits.items() if wait is SheetWait.RECEIPT):
        raise ExportError("sheets_wait_for_receipt", sheets=", ".join(lacking[:20]))
    # The rules of retention that were in force when it was archived
    rules = conn.execute(
        select(archived_sheet.c.rule).where(archived_sheet.c.package == package.id)
    ).scalars()
    erasable = sum(map(is_erasable, rules))
    if not erasable:
        raise ExportError("package_kept_for_good")
    # A sheet that was changed since must first be archived again.
    if changed := archives.changed_archived_sheets(conn, package.id):
        raise ExportError("changed_since_archived", changed=", ".join(changed[:20]))
    row = {
        "package": package.id,
        "number": number.strip()[:_MAX_TEXT_LENGTH],
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(paper_decision).values(row))
    events.record(
        conn,
        person.login,
        "may_destroy_paper",
        package.id,
        unit=archives.package_unit(conn, package.id),
        sheets=erasable,
    )


def withdraw_destruction(conn: Connection, person: Person, package_id: str, now: datetime) -> None:
    """Withdraw the decision: the paper is kept after all.

    Raises:
        NotAllowedError: the person is no archivist, or may not see everything in the package.
        ExportError: there is no such package, or no decision.
    """
    package = archives.load_package(conn, person, package_id, Action.DISPOSE)
    # The decision stays in the table as withdrawn.
    undone = (
        update(paper_decision)
        .where(paper_decision.c.package == package.id, _is_active_decision)
        .values(undone_by=person.login, undone_at=now)
    )
    if not conn.execute(undone).rowcount:
        raise ExportError("no_decision_package")
    events.record(
        conn,
        person.login,
        "keep_paper",
        package.id,
        unit=archives.package_unit(conn, package.id),
        sheets=package.sheets,
    )
