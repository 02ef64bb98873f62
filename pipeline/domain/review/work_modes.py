"""Routine fields of review, and batches of similar field images.

A batch is one grid of field images that the machine read as the same mark, option or digits, in
which the eye finds the odd one. It never has fields of a form of class A, critical fields, or those
of client, time or author.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.issues import parse_issues
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.rules import is_unlikely, needs_blind_keying

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 12, 40
"""For fewer images a change of mode is not worth it; more cannot be checked at a glance."""
_ROUTINE_STATES = frozenset({State.READ, State.EMPTY})


@dataclass(frozen=True, slots=True)
class BatchKey:
    """The common key of the images of a batch: a form's field, without its row, and its value."""

    form: str
    version: int
    column: str
    state: State
    value: Value

    @classmethod
    def of(cls, form: Form, spec: FieldSpec, state: State, value: Value) -> BatchKey:
        """Make the key of a field with this value; an empty field never has one."""
        return cls(
            form.id, form.version, spec.column, state, value if state is State.READ else None
        )


def is_routine(
    form: Form, spec: FieldSpec, reading: Reading | None, issues: Iterable[str] = ()
) -> bool:
    """Whether a field may be collapsed or batched: not keyed blind; in class A a routine box only.

    Args:
        issues: those of the page, as stored; a field that one of them names is not routine.
    """
    # Fields that are too important.
    if form.criticality == "A" and not spec.routine:
        return False
    if spec.means is not None or not spec.traits.can_be_batched:
        return False
    if any(spec.column in (one.day, one.met) for one in form.all_deadlines):
        return False
    # Readings that need more attention.
    if (
        reading is None
        or reading.state not in _ROUTINE_STATES
        or needs_blind_keying(spec, reading)
        or is_unlikely(reading)
    ):
        return False
    if spec.required and reading.state is State.EMPTY:
        return False
    return all(issue.field != spec.name for issue in parse_issues(issues))


def can_batch(form: Form, spec: FieldSpec, row: int | None) -> bool:
    """Whether a field belongs to one entry alone: the head of a table belongs to all its rows.

    Never in class A.
    """
    return spec.row == row and not form.printed_elsewhere and form.criticality != "A"


def largest_batch(keys: Iterable[BatchKey], min_size: int) -> BatchKey | None:
    """Return the most frequent key, the earliest of several; None if none has `min_size` items."""
    counts: dict[BatchKey, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    best = max(counts, key=lambda key: counts[key], default=None)
    return best if best is not None and counts[best] >= min_size else None
