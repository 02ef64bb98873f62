"""No damage causes silent errors, and tolerated damage stays tolerated.

The whole series is `efterskrift bench --damage` (too long for every change); these cases
once had silent errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from pipeline.domain.form.confidence import POOR_IMAGE_MAX_P
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Outcome, PageReading, Reading, SheetCode, State
from pipeline.domain.settings import ROOT
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM
from research.evaluation.damage.report import format_markdown, summarize_series
from research.evaluation.damage.series import (
    DAMAGE_SERIES,
    DamageTrial,
    FieldOutcome,
    PageOutcome,
    judge_page,
    run_trial,
)

ONCE_SILENT = (
    DamageTrial("besokslista", 0, "felt pen over fields", 0.7),
    DamageTrial("matvarden", 0, "torn corner", 150),
    DamageTrial("besokslista", 0, "creased corner", 6),
    DamageTrial("matvarden", 0, "felt pen over fields", 0.7),
    DamageTrial("matvarden", 0, "felt pen over fields", 1),
    DamageTrial("inkop", 0, "creased corner", 6),
    DamageTrial("besokslista", 0, "shadow", 0.95),
    DamageTrial("besokslista", 0, "correction tape", 4),
)
ONCE_SILENT_EVERYWHERE = (
    DamageTrial("besokslista", 0, "bleed-through", 0.9),
    DamageTrial("matvarden", 1, "bleed-through", 0.3),
    DamageTrial("hsl-anteckning", 1, "bleed-through", 0.5),
    DamageTrial("matvarden", 1, "shadow", 0.8),
)
TOLERATED = (
    DamageTrial("besokslista", 0, "none", 0),
    DamageTrial("besokslista", 0, "skew", 45),
    DamageTrial("besokslista", 0, "perspective", 50),
    DamageTrial("besokslista", 0, "coffee over both codes", 0.8),
    DamageTrial("besokslista", 0, "1-bit, too light", 140),
)


def few(trials: Sequence[DamageTrial], count: int) -> list[ParameterSet]:
    """Trials of which all but the first few run at night only."""
    return [
        pytest.param(trial, marks=() if number < count else pytest.mark.nightly)
        for number, trial in enumerate(trials)
    ]


@pytest.mark.parametrize(
    "trial", few(ONCE_SILENT, 3), ids=lambda trial: f"{trial.form} {trial.kind} {trial.strength:g}"
)
def test_damage_that_hides_a_field_is_detected(trial: DamageTrial) -> None:
    page = run_trial(trial)
    assert [field for field in page.fields if field.silent] == []
    assert page.refused or any(field.flagged for field in page.fields)


@pytest.mark.parametrize(
    "trial",
    few(ONCE_SILENT_EVERYWHERE, 1),
    ids=lambda trial: f"{trial.form} {trial.kind} {trial.strength:g}",
)
def test_all_fields_of_unclear_page_have_low_confidence(trial: DamageTrial) -> None:
    page = run_trial(trial)
    assert page.fields
    assert max(field.p for field in page.fields) <= POOR_IMAGE_MAX_P


@pytest.mark.parametrize(
    "trial", few(TOLERATED, 2), ids=lambda trial: f"{trial.kind} {trial.strength:g}"
)
def test_damage_within_tolerance_is_read(trial: DamageTrial) -> None:
    page = run_trial(trial)
    assert not page.refused
    assert [field for field in page.fields if field.silent or field.flagged] == []
    assert sum(not field.right for field in page.fields) <= 0.02 * len(page.fields)


def _page(*fields: FieldOutcome, refused: tuple[str, ...] = ()) -> PageOutcome:
    return PageOutcome(refused, 0.1, fields)


def _field(
    *, right: bool = True, p: float = 0.999, offset_mm: float = 0.1, flagged: bool = False
) -> FieldOutcome:
    return FieldOutcome("a", Kind.MARK, right, p, offset_mm, flagged)


def test_confident_wrong_or_displaced_field_without_issue_is_silent_error() -> None:
    assert _field(right=False).silent
    assert _field(offset_mm=1.5).silent
    assert not _field().silent
    assert not _field(right=False, p=0.9).silent
    assert not _field(right=False, flagged=True).silent


def test_report_has_first_failing_level_of_damage() -> None:
    (kind,) = (one for one in DAMAGE_SERIES if one.name == "skew")
    first, second, third = kind.strengths[:3]
    done = [
        (DamageTrial("f", 0, "none", 0), _page(_field())),
        (DamageTrial("f", 0, "skew", first), _page(_field())),
        (DamageTrial("f", 0, "skew", second), _page(_field(right=False, p=0.5))),
        (DamageTrial("f", 0, "skew", third), _page(refused=("no_code",))),
    ]
    none, skew = summarize_series(done, DAMAGE_SERIES)
    assert (none.last_good, none.failing) == (0, None)
    assert (skew.last_good, skew.failing) == (first, second)
    assert "1 of 1 fields wrong" in skew.how
    assert "4 pages, 1 refused; 3 fields read, 0 of them silently wrong." in format_markdown(
        [none, skew]
    )


def test_displacement_of_field_is_measured_against_ground_truth() -> None:
    page = Forms.load(ROOT / "forms").latest("fri-anteckning").pages[0]
    by = 2.0 * PRINT_PX_PER_MM
    fields = {}
    for spec in page.all_fields:
        x, y, w, h = (round(side * PRINT_PX_PER_MM) for side in spec.area.as_list())
        fields[spec.name] = Reading(None, 0.999, State.EMPTY, box_px=(x, y, w, h))
    reading = PageReading(
        Outcome.READ, SheetCode("fri-anteckning", 1, 1, 1, "00000000"), fields=fields
    )
    result = judge_page(reading, page, {}, lambda points: points + np.array([0, by]))
    assert all(math.isclose(field.offset_mm, 2.0, abs_tol=0.1) for field in result.fields)
    assert all(field.silent for field in result.fields)
