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
NOTE, VISITS, SIGNING, AID = PAPERS


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


@pytest.mark.parametrize(
    ("paper", "depth"), [(VISITS, Depth.ATTACHMENT), (SIGNING, Depth.DEVIATIONS)]
)
def test_shallow_list_is_faster_than_a_typed_one(paper: Paper, depth: Depth) -> None:
    form_id = paper.sheets[0].form
    shallow, typed = (_measured(paper, _at_depth(form_id, one)) for one in (depth, Depth.FULL))
    assert shallow.key_in.seconds < typed.key_in.seconds / 2


def test_a_stack_of_attachments_is_saved_once() -> None:
    one, eight = (
        _measured(replace(AID, sheets=(), attachments=count)).key_in.seconds for count in (1, 8)
    )
    assert eight < 8 * one


def test_table_says_whether_the_aim_is_reached() -> None:
    easy, hard = replace(NOTE, aim=60), replace(NOTE, aim=0.1)
    rows = format_table([easy, hard], FORMS, draws=1).splitlines()[2:]
    assert [row.rsplit("|", 2)[1].strip() for row in rows] == [
        "60 min: reached",
        "0.1 min: **not reached**",
    ]
    assert all("hsl-anteckning" in row for row in rows)
