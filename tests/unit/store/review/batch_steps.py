"""What the tests of group review do to a group."""

from __future__ import annotations

from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import Answer
from pipeline.review import decisions
from pipeline.review.batches import (
    BatchResult,
    BatchReview,
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
from tests.support.store.work import work

ATE = (True, True, True)


SAID = {"datum": DAY, "skribent": "Disa Penn", "pnr": ASTA.pid, "tid": "08:15", "sign": "DP"}


def offered(
    ward: Ward, person: Person = EVA, minutes: float = 0, share: float = 0.0, least: int = 12
) -> ReviewBatch | None:
    with ward.store.begin() as conn:
        return work(BatchReview, conn, person, later(minutes), plant_share=share).claim(
            lambda *_: None, least
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
        work(BatchReview, conn, EVA, later(minutes)).mark(group.id, marks)


def confirmed(
    ward: Ward, group: ReviewBatch, *odd: str, person: Person = EVA, minutes: float = 1
) -> BatchResult:
    """Confirm with the pieces of these entries marked."""
    marks = {cell.id: True for cell in group.items if cell.entry in odd}
    with ward.store.begin() as conn:
        done = work(BatchReview, conn, person, later(minutes)).confirm(group.id, marks, later(0))
    assert done is not None
    return done


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
        found = queue.open_claimed_entry(
            conn, FORMS, person, entry_id, queue.ClaimTerms(later(minutes))
        ).entry
        row = found.row or 0
        given = sheet(row, **{f"rad{row:02d}.{name}": answer for name, answer in more.items()})
        return decisions.decide_entry(
            conn, FORMS, person, decisions.Decision(entry_id, found.revision, given), later(minutes)
        )
