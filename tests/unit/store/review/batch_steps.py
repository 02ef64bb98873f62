"""What the tests of group review do to a group."""

from __future__ import annotations

from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import Answer
from pipeline.review import batches, decisions
from pipeline.review.batches import (
    BatchResult,
    ReviewBatch,
)
from pipeline.store.entries import queue
from tests.support.pages.alike import DAY
from tests.support.store.ward import (
    ASTA,
    EVA,
    FORMS,
    Ward,
    answers,
    later,
)

ATE = (True, True, True)


SAID = {"datum": DAY, "skribent": "Disa Penn", "pnr": ASTA.pid, "tid": "08:15", "sign": "DP"}


def offered(
    ward: Ward, person: Person = EVA, minutes: float = 0, share: float = 0.0, least: int = 12
) -> ReviewBatch | None:
    with ward.store.begin() as conn:
        return batches.claim_next_batch(
            conn, FORMS, person, later(minutes), share=share, least=least
        )


def group_of(
    ward: Ward, person: Person = EVA, minutes: float = 0, share: float = 0.0, least: int = 12
) -> ReviewBatch:
    found = offered(ward, person, minutes, share, least)
    assert found is not None
    return found


def mark(
    ward: Ward, group: ReviewBatch, *odd: str, is_odd: bool = True, minutes: float = 1
) -> None:
    """Mark the pieces of these entries, or take their marks away."""
    marks = {cell.id: is_odd for cell in group.items if cell.entry in odd}
    with ward.store.begin() as conn:
        batches.save_marked_items(conn, EVA, group.id, marks, later(minutes))


def confirmed(
    ward: Ward, group: ReviewBatch, *odd: str, person: Person = EVA, minutes: float = 1
) -> BatchResult:
    """Confirm with the pieces of these entries marked."""
    marks = {cell.id: True for cell in group.items if cell.entry in odd}
    with ward.store.begin() as conn:
        return batches.confirm_batch(conn, FORMS, person, group.id, marks, later(minutes))


def sheet(row: int, **more: Answer) -> dict[str, Answer]:
    """What the sheet's reviewer types: everything but whether she ate."""
    said = answers(SAID)
    return {
        name if name in ("datum", "skribent") else f"rad{row:02d}.{name}": answer
        for name, answer in said.items()
    } | more


def decide(
    ward: Ward, entry_id: str, person: Person = EVA, minutes: float = 2, **more: Answer
) -> EntryState:
    with ward.store.begin() as conn:
        found = queue.open_claimed_entry(conn, FORMS, person, entry_id, later(minutes)).entry
        row = found.row or 0
        given = sheet(row, **{f"rad{row:02d}.{name}": answer for name, answer in more.items()})
        return decisions.decide_entry(
            conn, FORMS, person, decisions.Decision(entry_id, found.revision, given), later(minutes)
        )
