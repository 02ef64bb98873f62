"""Pages filled in apart from the training: what is true of them is on them."""

from __future__ import annotations

import ast
from datetime import date

import numpy as np
import pytest

from pipeline.domain.form.field import Format, Kind, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.settings import ROOT
from pipeline.registers.clients import load_client_register
from research.evaluation.apart.hands import Hand, held_out_names, load_hands
from research.evaluation.apart.pages import draw_page
from research.evaluation.apart.paper import DPI, Paper
from research.evaluation.apart.people import Municipality, make_municipality
from research.evaluation.apart.values import (
    OUTAGE_END,
    OUTAGE_START,
    FilledPage,
    fill_in,
)
from research.evaluation.apart.words import CARE_NOTES, OFFICE_NOTES, PHRASES
from research.training.strokes.samples import held_out_stroke_writers
from tests.support.shared_data import shared

APART = ROOT / "research" / "evaluation" / "apart"
FORBIDDEN = ("research.training", "research.evaluation.fields", "research.evaluation.damage")
PRACTICE = "pipeline.preparation"
SIGNS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
STEM = (np.array([[0.0, 0.0], [0.2, -0.8], [0.5, -1.5]]),)
FORMS = Forms.load(ROOT / "forms")
SIDES = [
    (FORMS.latest(form_id), page_no)
    for form_id in ("matvarden", "ansokan-ekonomiskt", "besokslista", "ny-patient")
    for page_no in range(1, len(FORMS.latest(form_id).pages) + 1)
]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Municipality:
    """A municipality of the sample register's numbers, which are official test numbers."""
    register = load_client_register(ROOT / "data" / "samples" / "klienter.csv")
    file = tmp_path_factory.mktemp("numbers") / "numbers.txt"
    file.write_text("\n".join(client.pid for client in register), "utf-8")
    return make_municipality(file, np.random.default_rng(1))


@pytest.fixture(scope="module")
def hand() -> Hand:
    """A person who writes every sign as a bent stem."""
    return Hand("nobody", {sign: [STEM] for sign in SIGNS})


def fill(town: Municipality, seeds: range) -> list[FilledPage]:
    """Fill in every side once for each seed."""
    return [
        fill_in(form, page_no, town, np.random.default_rng([seed, number]))
        for seed in seeds
        for number, (form, page_no) in enumerate(SIDES)
    ]


def test_it_shares_no_code_with_the_training_and_its_evidence() -> None:
    imported = {
        name
        for file in APART.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert len(imported) > 10
    assert not [name for name in imported if name.startswith((*FORBIDDEN, PRACTICE))]


def test_its_writers_are_held_out_from_training() -> None:
    """Its rule is the training's, less the names that a trained writer of others has too."""
    writers = [f"{group}/{number}" for group in ("aa", "bb") for number in range(14)]
    writers += ["aa/ann", "cc/ann", "cc/eve", "dd/only"]
    held, ours = held_out_stroke_writers(writers), held_out_names(writers)
    assert ours < held
    assert ours == {
        name
        for name in held
        if name.split("/")[1] not in {one.split("/")[1] for one in writers if one not in held}
    }


def test_numbers_and_names_belong_together(town: Municipality) -> None:
    names = {client.pid: client.name for client in town.clients}
    pairs = 0
    for page in fill(town, range(3)):
        for row in page.form.rows():
            number = page.form.meaning(Meaning.CLIENT_PID, row)
            name = page.form.meaning(Meaning.CLIENT_NAME, row)
            if number and name and {number.name, name.name} <= set(page.values):
                assert page.values[name.name] == names[str(page.values[number.name])]
                pairs += 1
    assert pairs >= 10


def test_sums_are_right_and_events_lie_in_the_outage(town: Municipality) -> None:
    sums = dates = 0
    for page in fill(town, range(3)):
        for spec in page.form.pages[page.page_no - 1].all_fields:
            value = page.values.get(spec.name)
            if value is None:
                continue
            if spec.sum_of:
                parts = [page.values[name] for name in spec.sum_of if name in page.values]
                assert float(str(value)) == sum(float(str(part)) for part in parts)
                sums += 1
            if spec.means is Meaning.EVENT_DATE:
                day = date.fromisoformat(str(value))
                assert OUTAGE_START.date() <= day <= OUTAGE_END.date()
                dates += 1
    assert sums
    assert dates >= 8


def test_rows_are_used_from_the_top_and_times_go_forwards(town: Municipality) -> None:
    form = FORMS.latest("besokslista")
    for seed in range(5):
        values = fill_in(form, 1, town, np.random.default_rng(seed)).values
        used = [row for row in form.rows() if f"rad{row:02d}.start" in values]
        assert used
        assert not any(
            name.startswith(f"rad{row:02d}.") for row in range(12, 16) for name in values
        )
        starts = [str(values[f"rad{row:02d}.start"]) for row in used]
        assert starts == sorted(starts)
        ends = [(row, values.get(f"rad{row:02d}.slut")) for row in used]
        assert all(str(end) > str(values[f"rad{row:02d}.start"]) for row, end in ends if end)


def test_every_sign_of_the_texts_can_be_written(hand: Hand) -> None:
    texts = [text for _, phrases in PHRASES for text in phrases] + [*CARE_NOTES, *OFFICE_NOTES]
    signs = set("".join(texts)) - set(" {}_")
    assert all(hand.write_sign(sign, np.random.default_rng(1)) for sign in signs)


def test_ink_is_where_the_truth_says(town: Municipality, hand: Hand) -> None:
    """Every written field has ink in it, and far from written fields there is none."""
    form = FORMS.latest("matvarden")
    rng = np.random.default_rng(2)
    filled = fill_in(form, 1, town, rng)
    height, width = (round(side / 25.4 * DPI) for side in (297, 210))
    paper = Paper(np.full((height, width, 3), 255, np.uint8), hand, rng)
    assert not paper.write(filled)
    ink = paper.finish().min(axis=2) < 200
    for spec in form.fields:
        x, y, w, h = (round(side / 25.4 * DPI) for side in spec.box)
        inside = ink[y : y + h, x : x + w]
        if spec.name in filled.values or spec.name in filled.cancelled:
            assert inside.any(), spec.name
        elif spec.kind is Kind.DIGITS and spec.format is Format.DATE:
            assert not inside[h // 3 : -h // 3, w // 4 : -w // 4].any(), spec.name


def test_a_page_is_always_the_same(town: Municipality, hand: Hand) -> None:
    form: Form = FORMS.latest("bilaga")
    one, other, another = (
        draw_page(form, 1, town, hand, np.random.default_rng(seed)) for seed in (7, 7, 8)
    )
    assert one == other
    assert another.filled.values != one.filled.values


@pytest.mark.shared
def test_pages_that_judge_are_by_other_writers() -> None:
    rich, others = load_hands(shared("handwriting", "unipen_strokes.npz"))

    assert len(rich) >= 15
    assert len(others) >= 12
    assert not {hand.name for hand in rich} & {hand.name for hand in others}
    assert all(set(SIGNS) <= set(hand.signs) for hand in (*rich, *others))
