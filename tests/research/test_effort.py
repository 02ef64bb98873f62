"""The scripted user: what more is typed takes longer, and depth of entry counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.form.form import Depth, Forms
from pipeline.domain.settings import ROOT
from research.effort.operators import Effort, thinking, typing
from research.effort.papers import PAPERS, Paper, Sheet
from research.effort.table import format_table
from research.effort.ways import Ways, measure_paper

FORMS = Forms.load(ROOT / "forms")
NOTE, VISITS, _, AID = PAPERS


def _at_depth(form_id: str, depth: Depth) -> Forms:
    form = FORMS.latest(form_id).model_copy(update={"depth": depth})
    forms = Forms({**FORMS, (form.id, form.version): form})
    forms.signing = FORMS.signing
    return forms


def _measured(paper: Paper, forms: Forms = FORMS) -> Ways:
    return measure_paper(paper, forms, draws=2)


def test_efforts_add_up() -> None:
    assert typing(2) + thinking() == Effort(2, 2 * 0.28 + 1.35)
    assert typing(1, code=True) * 3 == Effort(3, 1.5)


def test_longer_note_takes_more_of_everything() -> None:
    longer = replace(NOTE, sheets=(Sheet("hsl-anteckning", note=NOTE.sheets[0].note * 2),))
    short, long = _measured(NOTE), _measured(longer)
    for way in ("by_hand", "key_in", "imported"):
        assert getattr(long, way).seconds > getattr(short, way).seconds
    assert short.imported.keys < short.key_in.keys


@pytest.mark.parametrize("depth", [Depth.DEVIATIONS, Depth.ATTACHMENT])
def test_shallow_list_is_faster_than_a_typed_one(depth: Depth) -> None:
    shallow = _measured(VISITS, _at_depth("besokslista", depth))
    assert shallow.key_in.seconds < _measured(VISITS).key_in.seconds / 2


def test_attachments_that_are_not_typed_save_time() -> None:
    typed = _measured(replace(AID, sheets=()))
    seen = _measured(replace(AID, sheets=()), _at_depth("forsattsblad", Depth.ATTACHMENT))
    assert seen.key_in.seconds < typed.key_in.seconds


def test_table_says_whether_the_aim_is_reached() -> None:
    easy, hard = replace(NOTE, aim=60), replace(NOTE, aim=0.1)
    rows = format_table([easy, hard], FORMS, draws=1).splitlines()[2:]
    assert [row.rsplit("|", 2)[1].strip() for row in rows] == [
        "60 min: reached",
        "0.1 min: **not reached**",
    ]
    assert all("hsl-anteckning" in row for row in rows)
