"""Ditto marks in tables: the value of the row above is only proposed, for review."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Forms
from pipeline.domain.model import UNSEEN_P, Box, Image, Reading, State, Value
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.fields.handwriting.corrections import (
    is_ditto_ink,
    is_ditto_text,
    is_nearly_ditto_text,
    may_be_ditto_text,
)
from pipeline.reading.read_page import PageReader
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page

FORMS = Forms.load(ROOT / "forms")
TOUR = FORMS.latest("korlista")
FIRST_TOUR = FORMS["korlista", 1]
"""The second version has no initials in its rows."""


def read(text: Value, p: float = 0.99) -> Reading:
    return Reading(text, p, State.READ)


def resolved(**insats: str) -> dict[str, Reading]:
    """The column Insats of a tour list as read (`rad02="samma"`), after resolving."""
    fields = {spec.name: Reading.empty(0.99) for spec in TOUR.fields} | {
        f"{row}.insats": read(text) for row, text in insats.items()
    }
    found, _ = resolve_page(TOUR.fields, TOUR, fields, ReadingContext())
    return {row: found[f"{row}.insats"] for row in insats}


@pytest.mark.parametrize(
    "mark", ["samma", "Samma.", "d:o", "dito", '"', '-"-', "”", "11", "-11-", "-ll-", "1-", "//"]
)
def test_value_of_row_above_is_proposed_with_low_confidence(mark: str) -> None:
    found = resolved(rad01="Dusch", rad02=mark, rad03=mark)
    assert [found[row].value for row in ("rad02", "rad03")] == ["Dusch", "Dusch"]
    assert all(
        found[row].p <= UNSEEN_P and found[row].issues == ("ditto",) for row in ("rad02", "rad03")
    )
    assert found["rad02"].alternatives == ((mark, 0.5),)
    assert found["rad01"] == read("Dusch")


def test_eleven_in_number_column_is_kept_with_low_confidence() -> None:
    found = resolved(rad01="rum 12", rad02="11")["rad02"]
    assert (found.value, found.p, found.alternatives, found.issues) == (
        "11",
        UNSEEN_P,
        (("rum 12", UNSEEN_P),),
        ("ditto",),
    )


@pytest.mark.parametrize("text", ["Dusch", "111", "1", "-", "Do", "samma dag", "Ida"])
def test_other_text_is_kept_as_read(text: str) -> None:
    assert resolved(rad01="Mat", rad02=text)["rad02"] == read(text)


def test_ditto_without_value_above_has_low_confidence() -> None:
    found = resolved(rad01="samma", rad03="11")
    assert (found["rad01"].value, found["rad01"].p, found["rad01"].issues) == (
        "samma",
        UNSEEN_P,
        ("ditto",),
    )
    assert found["rad03"] == read("11")


def test_same_text_outside_tables_is_kept() -> None:
    fields = {spec.name: Reading.empty(0.99) for spec in TOUR.fields} | {"rutt": read("samma")}
    assert resolve_page(TOUR.fields, TOUR, fields, ReadingContext())[0]["rutt"] == read("samma")


def test_readings_are_recognized_as_ditto_marks() -> None:
    assert [text for text in (" - ″ - ", "Samma som ovan", "11", "DO") if is_ditto_text(text)] == [
        " - ″ - ",
        "Samma som ovan",
    ]
    assert [text for text in ("II", "= | | =", "IL", "12") if may_be_ditto_text(text)] == [
        "II",
        "= | | =",
    ]


def test_near_matches_of_ditto_word_are_recognized() -> None:
    """`samma` in a box for initials was read as these in 3 of 72 drawn samples, with high
    confidence.
    """
    assert all(is_nearly_ditto_text(text) for text in ("Sam ma", "såmma", "sämma", "sama"))
    assert not any(is_nearly_ditto_text(text) for text in ("SM", "Sanna", "Emma", "Sam", "AMA"))


def _drawn(*lines: tuple[tuple[float, float], tuple[float, float]]) -> Image:
    """Pen strokes given in mm on white paper of 16 × 8 mm, 10 px/mm."""
    paper = np.zeros((80, 160), np.uint8)
    for (x0, y0), (x1, y1) in lines:
        cv2.line(paper, (round(x0 * 10), round(y0 * 10)), (round(x1 * 10), round(y1 * 10)), 1, 4)
    return paper


MARK = (((7.0, 3.0), (6.7, 5.0)), ((8.4, 3.1), (8.1, 5.2)))
DASHES = (((3.0, 4.0), (5.5, 4.1)), ((9.5, 4.0), (12.0, 3.9)))
LETTER_L = (((8.4, 3.0), (8.4, 5.0)), ((8.4, 5.0), (10.0, 5.0)))


def test_strokes_are_recognized_as_ditto_mark() -> None:
    def is_mark(*lines: tuple[tuple[float, float], tuple[float, float]]) -> bool:
        return is_ditto_ink(_drawn(*lines).view(np.bool_), 10.0)

    third = ((12.0, 3.0), (11.8, 5.0))
    assert [is_mark(*lines) for lines in (MARK, (*MARK, *DASHES))] == [True, True]
    assert [
        is_mark(*lines) for lines in (MARK[:1], DASHES, (MARK[0], *LETTER_L), (*MARK, third))
    ] == [False] * 4


def _stroke(paper: Image, box: Box, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a pen stroke given in shares of a box, on a page at 300 dpi."""
    (x0, y0), (x1, y1) = (
        (round((box.x + x * box.w) * PRINT_PX_PER_MM), round((box.y + y * box.h) * PRINT_PX_PER_MM))
        for x, y in (start, end)
    )
    cv2.line(paper, (x0, y0), (x1, y1), (90, 40, 30), 3, cv2.LINE_AA)


def _marked(spec: FieldSpec, paper: Image) -> None:
    """Draw a small ditto mark in the field, or in its first box."""
    box = (
        spec.cell_boxes[0]
        if spec.kind == "digits"
        else Box(spec.area.x + 1, spec.area.y, 6, spec.area.h)
    )
    for x in (0.42, 0.58):
        _stroke(paper, box, (x, 0.3), (x - 0.02, 0.43))


def test_small_ditto_marks_are_not_confidently_empty_or_signed() -> None:
    """At a height of one millimetre, times were read as empty and initials as present, with high
    confidence.
    """
    (sheet,) = make_blank_sheets(1)
    paper = render_sheet_page(FIRST_TOUR, sheet)
    names = [
        f"rad{row:02d}.{column}"
        for row in (2, 3)
        for column in ("planerad_tid", "start", "slut", "signatur")
    ]
    for name in names:
        _marked(FIRST_TOUR.by_name[name], paper)
    reading = (
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )
    assert {
        name: reading.fields[name].p for name in names if reading.fields[name].p > UNSEEN_P
    } == {}
    names_with_issue = {
        problem.partition(":")[2]
        for problem in reading.issues
        if problem.partition(":")[0] in ("odd_strokes", "ditto")
    }
    assert set(names) <= names_with_issue
