"""Lines across several fields: crossed fields were confidently read as marked, signed or empty, and
struck-out rows as valid.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import UNSEEN_P, Box, Image, PageReading, Value
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.read_page import PageReader
from research.evaluation.fields.field_values import make_values

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
PEN = (115, 60, 30)
Line = Sequence[tuple[float, float]]


def area(form_id: str, name: str) -> Box:
    spec = FORMS[form_id, 1].by_name[name]
    return Box(*spec.options[0].box) if spec.options else spec.area


def drawn(paper: Image, *lines: Line) -> Image:
    """Handwritten lines (mm), up to half a millimetre off their course."""
    rng = np.random.default_rng(1)
    for line in lines:
        shaken: list[tuple[float, float]] = []
        for (x0, y0), (x1, y1) in itertools.pairwise(line):
            steps = np.linspace(0, 1, max(2, round(float(np.hypot(x1 - x0, y1 - y0)) / 4)))
            shaken += [
                (x0 + t * (x1 - x0) + rng.normal(0, 0.25), y0 + t * (y1 - y0) + rng.normal(0, 0.25))
                for t in steps
            ]
        points = np.round(np.array(shaken) * PRINT_PX_PER_MM).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(paper, [points], False, PEN, 5, cv2.LINE_AA)
    return paper


def filled(form_id: str, rows: int) -> Image:
    """A page with its first rows written, marked and signed."""
    form, (sheet,) = FORMS[form_id, 1], make_blank_sheets(1)
    written = make_values(form, np.random.default_rng(5))
    first = form.rows()[:rows]
    values: dict[str, Value] = {}
    for spec in form.pages[0].all_fields:
        if spec.row in first and spec.kind in (Kind.MARK, Kind.CHOICE, Kind.INITIALS):
            values[spec.name] = {
                Kind.MARK: True,
                Kind.CHOICE: spec.options[0].value if spec.options else None,
                Kind.INITIALS: "AB",
            }[spec.kind]
        elif spec.row in first and spec.name in written:
            values[spec.name] = written[spec.name]
    return fill_field(
        render_sheet_page(form, sheet),
        form.pages[0],
        values,
        make_writers(1, seed=5)[0],
        np.random.default_rng(5),
    )


def read(paper: Image) -> PageReading:
    grey = cv2.cvtColor(paper, cv2.COLOR_BGR2GRAY)
    return (
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", grey)[1].tobytes(), "image/png")
        .reading
    )


def fields_with_issue(reading: PageReading) -> set[str]:
    names = {
        problem.partition(":")[2]
        for problem in reading.issues
        if problem.startswith("line_across:")
    }
    assert all(reading.fields[name].p <= UNSEEN_P for name in names)
    return names


def sure(reading: PageReading, prefix: str = "") -> set[str]:
    """The fields with a value of high confidence."""
    return {
        name
        for name, field in reading.fields.items()
        if name.startswith(prefix) and field.value not in (None, False) and field.p >= 0.9
    }


@pytest.mark.parametrize("column", ["given2", "avvikelse3"])
def test_line_down_column_raises_issue_in_every_crossed_row(column: str) -> None:
    first, last = (
        area("signeringslista", f"dag02.{column}"),
        area("signeringslista", f"dag05.{column}"),
    )
    paper = drawn(
        filled("signeringslista", 1), [(first.x + 2, first.y - 1), (last.x + 2.5, last.y + 4)]
    )
    assert fields_with_issue(read(paper)) == {f"dag{row:02d}.{column}" for row in (2, 3, 4, 5)}


def test_tick_across_three_rows_is_not_confident_mark_at_its_ends() -> None:
    first, last = (
        area("utbetalningslista", "rad01.utbetald"),
        area("utbetalningslista", "rad03.utbetald"),
    )
    (sheet,) = make_blank_sheets(1)
    paper = render_sheet_page(FORMS.latest("utbetalningslista"), sheet)
    tick = [(last.x - 1, last.y - 14.0), (last.x + 2, last.y + 4), (first.x + 6, first.y)]
    assert {f"rad{row:02d}.utbetald" for row in (1, 2, 3)} <= fields_with_issue(
        read(drawn(paper, tick))
    )


@pytest.mark.parametrize("form_id", ["besokslista", "signeringslista", "palliativ-hemakt"])
def test_rows_of_crossed_out_page_have_low_confidence(form_id: str) -> None:
    form = FORMS[form_id, 1]
    paper = drawn(filled(form_id, 3), [(17.0, 275.0), (194.0, 45.0)])
    reading = read(paper)
    rows = tuple(spec.name for spec in form.fields if spec.row in form.rows()[:3])
    assert sure(reading, form.fields[-1].name[:3]) & set(rows) - fields_with_issue(reading) == set()


def test_hatching_over_row_includes_fields_between_strokes() -> None:
    top, low = area("besokslista", "rad02.personnummer"), area("besokslista", "rad02.omvardnad")
    strokes = [[(x, low.y + 5), (x + 9, top.y)] for x in range(22, 185, 14)]
    reading = read(drawn(filled("besokslista", 3), *strokes))
    assert sure(reading, "rad02.") - fields_with_issue(reading) == set()
    assert {name for name in fields_with_issue(reading) if not name.startswith("rad02.")} == set()


def test_line_between_field_lines_of_row_raises_issue_for_whole_row() -> None:
    low = area("korlista", "rad02.utford")
    reading = read(drawn(filled("korlista", 3), [(20.0, low.y - 2.0), (197.0, low.y - 2.5)]))
    assert sure(reading, "rad02.") - fields_with_issue(reading) == set()
    assert {name.partition(".")[0] for name in fields_with_issue(reading)} == {"rad02"}


def test_tall_digits_in_rows_above_each_other_are_no_line() -> None:
    """Each reaches its frame, but the page is pale between the rows, where a line would go on."""
    boxes = [area("narkotikalista", f"rad{row}_saldo") for row in range(1, 7)]
    x = boxes[0].x + boxes[0].w - 2.5
    digits = [[(x, box.y + 0.9), (x, box.y + box.h - 0.9)] for box in boxes]
    paper = render_sheet_page(FORMS["narkotikalista", 1], make_blank_sheets(1)[0])
    assert fields_with_issue(read(drawn(paper.copy(), *digits))) == set()
    whole = [(x, boxes[0].y + 0.3), (x, boxes[-1].y + boxes[-1].h - 0.3)]
    names = fields_with_issue(read(drawn(paper.copy(), whole)))
    assert {f"rad{row}_saldo" for row in range(1, 7)} <= names


def test_line_through_empty_rows_does_not_affect_rows_above() -> None:
    top, low = area("signeringslista", "dag05.datum"), area("signeringslista", "dag10.datum")
    z = [(24.0, top.y + 3), (190.0, top.y + 4), (25.0, low.y + 5), (190.0, low.y + 5)]
    reading = read(drawn(filled("signeringslista", 3), z))
    assert {name.partition(".")[0] for name in fields_with_issue(reading)} <= {
        f"dag{row:02d}" for row in range(5, 11)
    }
    assert {
        name for name in sure(reading, "dag") - fields_with_issue(reading) if name >= "dag05"
    } == set()


def test_bracket_beside_two_rows_raises_issue_in_both() -> None:
    top, low = area("matvarden", "rad02.datum"), area("matvarden", "rad03.vikt")
    x = top.x - 2.0
    bracket = [(x + 2, top.y + 1), (x, top.y + 3), (x, low.y + 4), (x + 2, low.y + 6)]
    names = fields_with_issue(read(drawn(filled("matvarden", 3), bracket)))
    assert {name.partition(".")[0] for name in names} == {"rad02", "rad03"}


@pytest.mark.parametrize(
    "form_id",
    ["besokslista", "matvarden", "signeringslista", "signaturfortydligande", "hsl-anteckning"],
)
def test_writing_in_fields_is_not_a_strike_line(form_id: str) -> None:
    form, (sheet,) = FORMS[form_id, 1], make_blank_sheets(1)
    for seed in (6, 7):
        values = make_values(form, np.random.default_rng(seed))
        here = {
            spec.name: values[spec.name] for spec in form.pages[0].all_fields if spec.name in values
        }
        paper = fill_field(
            render_sheet_page(form, sheet),
            form.pages[0],
            here,
            make_writers(2, seed)[1],
            np.random.default_rng(seed),
        )
        assert fields_with_issue(read(paper)) == set()
