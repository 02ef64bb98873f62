"""Accuracy does not decrease: a quick run of `efterskrift bench --quality` against floors.

Floors may be raised, never lowered without a reason in the changelog. They leave room for
chance: a quick run reads a small part of each set.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from research.evaluation.fields.boxes import measure_digits, measure_forms
from research.evaluation.fields.handwriting import WORDS_SET, load_sets, measure_set
from research.evaluation.fields.marked_forms import read_marked_boxes
from research.evaluation.fields.marks import MARKS_SEED, QUICK_PAGE_COUNT, judge_boxes
from research.evaluation.measure import EvaluationData, QualityRow
from tests.support.shared_data import shared

pytestmark = pytest.mark.nightly

MOST_WRONG = {
    "digits, optdigits, held out": 0.012,
    "digits, rows, date": 0.09,
    "digits, rows, time": 0.06,
    "digits, rows, personnummer": 0.09,
    "digits, rows, number": 0.07,
    "digits, forms, by way of scanning": 0.05,
    "mark, forms, by way of scanning": 0.01,
    "choice, forms, by way of scanning": 0.15,
    "signature, forms, by way of scanning": 0.15,
    "initials, forms, by way of scanning": 0.10,
}
"""Greatest share of wrong values."""
RARE_SETS = {"initials, forms, by way of scanning"}
"""Sets on so few forms that a quick run may have none."""
CALIBRATION_ERROR_CEILING = 0.06
"""Expected calibration error; with some sixty values much of it is chance."""
CONFIDENT_SHARE_FLOOR = 0.5
"""Least share of digits with high confidence: without it, low confidence alone would pass."""
WORD_ERROR_CEILING = 0.30
"""Character error rate on real words of held-out writers, with the installed weights."""


def _record_row(row: QualityRow, record_property: Callable[[str, object], None]) -> str:
    name = f"{row.kind}, {row.set}"
    record_property(
        "measured",
        (
            f"{name}: error {row.error:.3f}, ECE {row.calibration:.3f}, low confidence "
            f"{row.doubtful:.2f} of {row.values}"
        ),
    )
    return name


@pytest.mark.slow
@pytest.mark.shared
def test_digit_boxes_meet_floors(record_property: Callable[[str, object], None]) -> None:
    folder = shared("handwriting").parent
    rows = [
        row
        for measure in (measure_digits, measure_forms)
        for row in measure(EvaluationData(folder, quick=True))
        if not row.absent
    ]
    assert {f"{row.kind}, {row.set}" for row in rows} >= set(MOST_WRONG) - RARE_SETS
    for row in rows:
        name = _record_row(row, record_property)
        assert row.error <= MOST_WRONG.get(name, 1.0), name
        if row.kind == "digits":
            assert row.calibration <= CALIBRATION_ERROR_CEILING, name
            assert row.surest.wrong == 0, name
            assert row.doubtful <= 1 - CONFIDENT_SHARE_FLOOR or "forms" in name or "rows" in name, (
                name
            )


@pytest.mark.slow
def test_marks_on_own_forms_meet_floors(record_property: Callable[[str, object], None]) -> None:
    """A page with each kind of damage. A mark beside its box counts as an error if it is read as
    empty.
    """
    boxes = judge_boxes(list(read_marked_boxes(QUICK_PAGE_COUNT, MARKS_SEED)))
    error, confident_errors = (
        sum(not box.right for box in boxes if box.p >= least) / len(boxes) for least in (0.0, 0.99)
    )
    record_property(
        "measured",
        f"marks, own forms: error {error:.3f}, confident errors {confident_errors:.4f} "
        f"of {len(boxes)}",
    )
    assert len(boxes) >= 600
    assert error <= 0.08
    assert confident_errors == 0


@pytest.mark.slow
@pytest.mark.shared
def test_handwritten_words_meet_floors(record_property: Callable[[str, object], None]) -> None:
    folder: Path = shared("handwriting").parent
    name, lines = next(iter(load_sets(EvaluationData(folder, quick=True))))
    assert name == WORDS_SET
    row = measure_set(name, lines[:: max(1, len(lines) // 40)])
    _record_row(row, record_property)
    assert row.error <= WORD_ERROR_CEILING
    assert row.error < row.others["network as shipped"] + 0.02
