"""Writing outside all fields raises an issue at the nearest field; other ink does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.form.page import PageSpec
from pipeline.domain.model import UNSEEN_P, Box, Client, Image, PageReading, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.forms.letterhead import Letterhead
from pipeline.forms.printing import Sheet, make_blank_sheets, print_sheets
from pipeline.preparation.practice.fill_sheet import (
    PRINT_DPI,
    PRINT_PX_PER_MM,
    fill_field,
    render_sheet_page,
)
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.imaging.geometry import to_grayscale
from pipeline.reading.imaging.print_contrast import measure_print_contrast
from pipeline.reading.page_checks.stray_writing import PRINTED_MARKS, find_stray_writing
from pipeline.reading.read_page import PageReader
from pipeline.reading.register.template_images import template_image
from tests.support.pages.form_choice import by_form
from tests.support.pages.logo import grey_logo
from tests.support.pages.synthetic_page import rendered

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
NOTE = FORMS["hsl-anteckning", 1]
HAND = make_writers(1, seed=11)[0]
CLIENT = Client("193511275863", "Karin Åström-Lagerkvist", "Hemsjukvården Centrum")
UNFILLED_DPI = 8 * 25.4
"""That of unfilled forms, 8 px/mm."""
SHEET = Sheet("23456789", "Socialförvaltningens kansli", CLIENT)


def written(page: Image, text: str, place: Box, turned: bool = False) -> Image:
    """The page with a line of handwriting, downwards if `turned`."""
    spec = next(spec for spec in NOTE.pages[0].fields if spec.kind is Kind.TEXT)
    field = spec.model_copy(update={"name": "skrift", "box": (place.x, place.y, place.w, place.h)})
    paper = np.ascontiguousarray(np.rot90(page), np.uint8) if turned else page
    paper = fill_field(
        paper, PageSpec(fields=(field,)), {"skrift": text}, HAND, np.random.default_rng(4)
    )
    return np.ascontiguousarray(np.rot90(paper, -1)) if turned else paper


@cache
def read(text: str, place: tuple[float, float, float, float], turned: bool = False) -> PageReading:
    """The reading of a note with some writing on it."""
    page = written(render_sheet_page(NOTE, SHEET), text, Box(*place), turned)
    return (
        PageReader.of_forms(FORMS, [CLIENT])
        .read(cv2.imencode(".png", page)[1].tobytes(), "image/png")
        .reading
    )


def stray_on(
    form_id: str, draw: Callable[[Image], Image] | None = None, fields: Mapping[str, Reading] = {}
) -> frozenset[str]:
    """The stray writing on the first page of a form with a drawing on it, registered as printed."""
    form = FORMS[form_id, 1]
    letterhead = Letterhead(
        "Provköpings kommun, socialförvaltningen", grey_logo(), date(2026, 1, 1)
    )
    pdf = print_sheets(form, [SHEET], letterhead=letterhead)
    page = (
        draw(np.asarray(cv2.cvtColor(rendered(pdf, PRINT_DPI), cv2.COLOR_GRAY2BGR), np.uint8))
        if draw
        else rendered(pdf, UNFILLED_DPI)
    )
    unfilled = template_image(form, 1)
    registered = cv2.resize(to_grayscale(page), unfilled.shape[::-1], interpolation=cv2.INTER_AREA)
    return find_stray_writing(
        form.pages[0].all_fields,
        fields,
        measure_print_contrast(np.asarray(registered, np.uint8), unfilled),
        PRINTED_MARKS,
    )


def fields_with_issue(reading: PageReading) -> list[str]:
    return [
        problem.partition(":")[2]
        for problem in reading.issues
        if problem.startswith("stray_writing:")
    ]


def test_words_between_two_notes_raise_issue() -> None:
    note, plan = NOTE.by_name["anteckning"].area, NOTE.by_name["plan"].area
    between = Box(60.0, note.y + note.h + 3.0, 80.0, 6.5)
    assert between.y + between.h < plan.y
    reading = read(
        "Ringde dottern, hon kommer i kväll", (between.x, between.y, between.w, between.h)
    )
    assert fields_with_issue(reading)
    assert set(fields_with_issue(reading)) <= {"anteckning", "plan"}
    assert all(reading.fields[name].p <= UNSEEN_P for name in fields_with_issue(reading))


def test_words_beside_check_boxes_raise_issue() -> None:
    mark = NOTE.by_name["information"].area
    assert fields_with_issue(read("nej, sover", (mark.x, mark.y - 7.5, 30.0, 6.0))) == [
        "information"
    ]


def test_vertical_words_in_margin_raise_issue() -> None:
    assert fields_with_issue(
        read("OBS ej tryck i vänster arm", (60.0, 6.5, 80.0, 6.0), turned=True)
    )


def test_line_below_last_rule_is_read_without_issue() -> None:
    note = NOTE.by_name["anteckning"].area
    reading = read("Ringde dottern i kväll", (note.x + 3, note.y + note.h - 2.5, 80.0, 6.5))
    assert len(str(reading.fields["anteckning"].value)) > 10
    assert not fields_with_issue(reading)


@pytest.mark.parametrize(
    "form_id", by_form(sorted({form.id for form in FORMS.values() if not form.printed_elsewhere}))
)
def test_print_on_sheet_is_not_writing(form_id: str) -> None:
    """The unit, the client and their labels are not on the unfilled form."""
    assert not stray_on(form_id)


def stain(page: Image) -> Image:
    paper = page.copy()
    cv2.circle(paper, (1500, 1900), 420, (150, 170, 190), 14, cv2.LINE_AA)
    return paper


def crease(page: Image) -> Image:
    paper = page.copy()
    for x in (700, 1200, 1230):
        cv2.line(paper, (x, 0), (x + 25, paper.shape[0]), (140, 140, 140), 4, cv2.LINE_AA)
    cv2.line(paper, (0, 2870), (paper.shape[1], 2860), (140, 140, 140), 4, cv2.LINE_AA)
    return paper


def dust(page: Image) -> Image:
    rng = np.random.default_rng(2)
    paper = page.copy()
    for x, y in rng.integers(0, [paper.shape[1], paper.shape[0]], (400, 2)):
        cv2.circle(paper, (int(x), int(y)), int(rng.integers(1, 4)), (60, 60, 60), -1)
    return paper


def underlined(page: Image) -> Image:
    """Titles of sections, and a bracket beside a note."""
    paper = page.copy()
    for section in NOTE.pages[0].sections:
        x, y = (
            round((section.box[0] + 3) * PRINT_PX_PER_MM),
            round((section.box[1] + 5.4) * PRINT_PX_PER_MM),
        )
        cv2.line(paper, (x, y), (x + 400, y + 6), (120, 40, 20), 5, cv2.LINE_AA)
    return paper


@pytest.mark.parametrize("draw", [stain, crease, dust, underlined])
def test_dirt_folds_and_lines_are_not_writing(draw: Callable[[Image], Image]) -> None:
    assert not stray_on("hsl-anteckning", draw)


def test_read_words_of_note_raise_no_issue() -> None:
    """The words of a field are at the place where they were read, also outside of it."""
    note = NOTE.by_name["anteckning"].area
    text, place = "Ringde dottern i kväll", Box(note.x + 3, note.y + note.h + 1.0, 80.0, 6.5)
    fields = read(text, (place.x, place.y, place.w, place.h)).fields
    unread = {name: replace(each, words=()) for name, each in fields.items()}
    assert not stray_on("hsl-anteckning", lambda page: written(page, text, place), fields)
    assert stray_on("hsl-anteckning", lambda page: written(page, text, place), unread)


WRITER = NOTE.by_name["skribent"].area


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Britt", (WRITER.x, WRITER.y + WRITER.h - 1.0, 30.0, 4.0)),
        ("Anna Ek", (WRITER.x, WRITER.y + 4.5, 30.0, WRITER.h)),
        ("Anna-Lena Bergman", (WRITER.x + 40.0, WRITER.y, 100.0, WRITER.h)),
    ],
    ids=["below its line", "half below its picture", "beyond its end"],
)
def test_writing_half_beside_line_raises_issue(
    text: str, place: tuple[float, float, float, float]
) -> None:
    reading = read(text, place)
    assert fields_with_issue(reading).count("skribent") == 1
    assert reading.fields["skribent"].p <= UNSEEN_P


def test_line_of_note_beyond_image_raises_issue() -> None:
    note = NOTE.by_name["anteckning"].area
    assert fields_with_issue(
        read("Ringde dottern om ny tid på måndag, återkommer", (note.x + 125.0, note.y, 70.0, 7.5))
    ) == ["anteckning"]


def test_name_with_descenders_raises_no_issue() -> None:
    assert fields_with_issue(read("Peggy Jyllberg", (WRITER.x, WRITER.y, WRITER.w, WRITER.h))) == []


def test_two_rows_in_single_line_field_raise_issue() -> None:
    page = written(
        render_sheet_page(NOTE, SHEET), "Alvedon", Box(WRITER.x, WRITER.y, WRITER.w, 4.2)
    )
    page = written(page, "Panodil", Box(WRITER.x, WRITER.y + 3.9, WRITER.w, 4.2))
    reading = (
        PageReader.of_forms(FORMS, [CLIENT])
        .read(cv2.imencode(".png", page)[1].tobytes(), "image/png")
        .reading
    )
    assert fields_with_issue(reading) == ["skribent"]
    assert reading.fields["skribent"].p <= UNSEEN_P


def test_comma_below_dose_raises_issue() -> None:
    form = FORMS["palliativ-hemakt", 1]
    area = form.by_name["rad01.dos"].area
    for drop, is_lost in ((0.5, True), (-0.9, False)):
        page = written(render_sheet_page(form, SHEET), "2", Box(area.x, area.y + 2.4, 6.0, 6.6))
        page = written(page, "5 ml", Box(area.x + 6.5, area.y + 2.4, 20.0, 6.6))
        at = np.round(
            np.array(
                [
                    (area.x + 6.3, area.y + area.h + drop),
                    (area.x + 6.0, area.y + area.h + drop + 0.7),
                ]
            )
            * PRINT_PX_PER_MM
        ).astype(np.int32)
        cv2.polylines(page, [at], False, (90, 50, 30), round(0.35 * PRINT_PX_PER_MM), cv2.LINE_AA)
        reading = (
            PageReader.of_forms(FORMS, [CLIENT])
            .read(cv2.imencode(".png", page)[1].tobytes(), "image/png")
            .reading
        )
        dose = reading.fields["rad01.dos"]
        assert (fields_with_issue(reading) == ["rad01.dos"]) is is_lost, (drop, dose.value)
        assert dose.p < 0.5 or str(dose.value).startswith("2,5")


def test_foot_of_initials_in_the_row_above_raises_no_issue() -> None:
    """The empty field below them sees the foot, too."""
    form, (sheet,) = FORMS["narkotikalista", 1], make_blank_sheets(1)
    paper = render_sheet_page(form, sheet)
    area = form.by_name["rad2_signatur"].area
    for x in (3.0, 7.0):
        for start, end in (
            ((x, 2.0), (x, area.h - 0.4)),
            ((x - 1.2, area.h - 0.6), (x + 2.2, area.h - 0.6)),
        ):
            (left, top), (right, bottom) = (
                (
                    round((area.x + across) * PRINT_PX_PER_MM),
                    round((area.y + down) * PRINT_PX_PER_MM),
                )
                for across, down in (start, end)
            )
            cv2.line(paper, (left, top), (right, bottom), (115, 60, 30), 6, cv2.LINE_AA)
    page = cv2.imencode(".png", paper)[1].tobytes()
    reading = PageReader.of_forms(FORMS).read(page, "image/png").reading
    assert reading.fields["rad2_signatur"].value is True
    assert [problem for problem in reading.issues if problem.startswith("stray_writing")] == []
    assert reading.fields["rad3_signatur"].p > UNSEEN_P


def test_tails_of_the_row_above_are_no_text() -> None:
    """They hang far down into an empty field, and were read as letters."""
    form, (sheet,) = FORMS["narkotikalista", 1], make_blank_sheets(1)
    paper = render_sheet_page(form, sheet)
    area = form.by_name["rad2_anmarkning"].area
    top, reach = area.y + 0.4, area.h + 1.3
    for x in (4.0, 7.0, 10.0):
        points = np.array([(x, 0.0), (x - 0.4, reach), (x - 0.8, reach - 0.2)])
        at = np.round((points + np.array((area.x, top))) * PRINT_PX_PER_MM).astype(np.int32)
        cv2.polylines(paper, [at], False, (115, 60, 30), 6, cv2.LINE_AA)
    page = cv2.imencode(".png", paper)[1].tobytes()
    reading = PageReader.of_forms(FORMS).read(page, "image/png").reading
    assert reading.fields["rad2_anmarkning"].state is not State.EMPTY
    assert reading.fields["rad3_anmarkning"].state is State.EMPTY
