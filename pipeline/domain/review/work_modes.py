"""The ways of working at the workbench: which fields are routine, what may stand in one group, and
what an entry is worked as.

A group is one grid of pieces of paper that the machine read as the same mark, option or digits:
the eye finds the odd one. Never in class A, never a critical field, and never what says who,
when or by whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.issues import parse_issues
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.rules import is_unlikely, needs_blind_keying

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 12, 40
"""A group of fewer is not worth changing the way of working for; the eye does not keep more apart
at one look.
"""
_ROUTINE_STATES = frozenset({State.READ, State.EMPTY})


class WorkMode(StrEnum):
    """How the queue lets a person work."""

    SHEET = "sheet"
    GROUP = "group"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class BatchKey:
    """What the pieces of one group have in common: a field of a form, without its row, and what it
    says.
    """

    form: str
    version: int
    column: str
    state: State
    value: Value

    @classmethod
    def of(cls, form: Form, spec: FieldSpec, state: State, value: Value) -> BatchKey:
        """That of a field that says this. An empty field has no value, however its reader says so."""
        return cls(
            form.id, form.version, spec.column, state, value if state is State.READ else None
        )


def is_routine(
    form: Form, spec: FieldSpec, reading: Reading | None, told: Iterable[str] = ()
) -> bool:
    """Whether a field may be folded or grouped: not typed unseen, and not in class A.

    Args:
        told: the problems of the page; a field that one of them names is not routine.
    """
    if form.criticality == "A" or spec.means is not None or not spec.traits.can_be_batched:
        return False
    if form.deadline is not None and spec.column == form.deadline.day:
        return False
    if (
        reading is None
        or reading.state not in _ROUTINE_STATES
        or needs_blind_keying(spec, reading)
        or is_unlikely(reading)
    ):
        return False
    if spec.required and reading.state is State.EMPTY:
        return False
    return all(issue.field != spec.name for issue in parse_issues(told))


def can_batch(form: Form, spec: FieldSpec, row: int | None) -> bool:
    """Whether a field belongs to one entry alone: the head of a table belongs to all of its rows."""
    return spec.row == row and not form.printed_elsewhere


def largest_batch(sorts: Iterable[BatchKey], least: int) -> BatchKey | None:
    """The sort that there are most of, the earliest of several; None when there are fewer than
    `least` of each.
    """
    counts: dict[BatchKey, int] = {}
    for sort in sorts:
        counts[sort] = counts.get(sort, 0) + 1
    best = max(counts, key=lambda sort: counts[sort], default=None)
    return best if best is not None and counts[best] >= least else None


def choose_work_mode(form: Form, readings: Iterable[tuple[FieldSpec, Reading | None]]) -> WorkMode:
    """How one entry is worked: as a note where free text is written, else as a sheet."""
    written = any(
        spec.traits.is_multiline and (reading is None or reading.state is not State.EMPTY)
        for spec, reading in readings
    )
    return (
        WorkMode.NOTE
        if written and any(spec.traits.is_multiline for spec in form.fields)
        else WorkMode.SHEET
    )
