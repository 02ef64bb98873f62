"""A trial sheet is printed, filled in by hand and read; what is said of each field is what is wrong
with the form.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import BoxMm, FieldSpec, Format, Kind, Option
from pipeline.domain.form.form import Area, EntriesPer, Form
from pipeline.domain.form.page import PageSpec, Table
from pipeline.domain.model import Box, Image, Outcome, Value
from pipeline.files.images import decode_image
from pipeline.forms.printing import make_blank_sheets
from pipeline.forms.problems import FormProblem
from pipeline.preparation.form_editor.trial import (
    TRIAL_ID_PREFIX,
    make_trial_form,
    read_trial_pages,
)
from pipeline.preparation.form_editor.trial_judging import (
    TrialFieldResult,
    is_serious,
    judge_page,
    measure_printed_area,
    number_fields,
)
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.texts import catalogue

pytestmark = pytest.mark.slow

NOTE = "Lägger om såret igen"


def field(name: str, box: BoxMm, kind: Kind = Kind.TEXT, **facts: object) -> FieldSpec:
    return FieldSpec.model_validate(
        {"name": name, "label": name.capitalize(), "kind": kind, "box": box} | facts
    )


GOOD = (
    field("datum", (20, 45, 44, 8), Kind.DIGITS, format=Format.DATE, required=True),
    field("tid", (80, 45, 22, 8), Kind.DIGITS, format=Format.TIME),
    field("namn", (20, 65, 90, 9)),
    field("titel", (120, 65, 60, 9)),
    field("klar", (20, 85, 5, 5), Kind.MARK),
    field("text", (20, 100, 160, 36), Kind.LINES, lines=4),
)


def form_of(*fields: FieldSpec) -> Form:
    pages = (PageSpec(fields=fields),)
    return Form(
        id="egen-prov",
        version=1,
        title="Prov",
        area=Area.HSL,
        criticality="B",
        law=(),
        entries=EntriesPer.SHEET,
        pages=pages,
    )


def filled(form: Form, values: Mapping[str, Value], spec: PageSpec | None = None) -> Image:
    """The trial sheet with handwriting; with a `spec`, written as if its fields were those of that
    page.
    """
    tried, (hand,) = make_trial_form(form), make_writers(1, seed=3)
    return fill_field(
        render_sheet_page(tried, make_blank_sheets(1)[0]),
        spec or tried.pages[0],
        values,
        hand,
        np.random.default_rng(5),
    )


def judged(form: Form, picture: Image) -> dict[str, TrialFieldResult]:
    (page,) = read_trial_pages(form, cv2.imencode(".png", picture)[1].tobytes(), "prov.png")
    assert page.reading.outcome is Outcome.READ
    assert page.upright is not None
    found = judge_page(
        make_trial_form(form),
        1,
        decode_image(page.upright, "image/jpeg"),
        page.reading.fields,
        page.reading.issues,
    )
    return {one.spec.name: one for one in found}


def serious(found: Mapping[str, TrialFieldResult]) -> dict[str, list[str]]:
    told = {
        name: [fault.what() for fault in one.remarks if is_serious(fault)]
        for name, one in found.items()
    }
    return {name: texts for name, texts in told.items() if texts}


VALUES: dict[str, Value] = {
    "datum": "2021-12-17",
    "tid": "09:40",
    "namn": "Nina Berglund",
    "titel": "sköterska",
    "klar": True,
    "text": "Sover gott\nÄter lite\nDricker",
}


def test_a_form_with_room_gets_no_serious_remark() -> None:
    form = form_of(*GOOD)
    found = judged(form, filled(form, VALUES))
    assert serious(found) == {}
    assert found["datum"].reading is not None
    assert found["datum"].reading.value == "2021-12-17"
    assert [one.number for one in found.values()] == [1, 2, 3, 4, 5, 6]


def test_a_box_that_is_too_low_for_the_writing_in_it_is_said_to_be_so_by_its_number() -> None:
    low = field("anmarkning", (20, 150, 120, 4.5))
    form = form_of(*GOOD, low)
    as_written = PageSpec(fields=(*GOOD, field("anmarkning", (20, 147.5, 120, 10))))
    found = judged(form, filled(form, VALUES | {"anmarkning": NOTE}, as_written))
    assert serious(found) == {"anmarkning": ["fält 7: rutan är för låg för handskrift"]}
    (fault,) = (fault for fault in found["anmarkning"].remarks if is_serious(fault))
    assert "4,5 mm hög" in fault.remedy()
    assert "8 mm" in fault.remedy()


def test_a_low_box_that_the_writing_fits_is_only_advice() -> None:
    form = form_of(*GOOD, field("anmarkning", (20, 150, 120, 6)))
    found = judged(form, filled(form, VALUES | {"anmarkning": "se nova"}))
    assert serious(found) == {}
    assert "trial_low" in {fault.code for fault in found["anmarkning"].remarks}


def test_a_box_that_is_too_narrow_is_said_to_be_so() -> None:
    form = form_of(*GOOD, field("ort", (20, 150, 14, 9)))
    as_written = PageSpec(fields=(*GOOD, field("ort", (20, 150, 60, 9))))
    assert serious(
        judged(form, filled(form, VALUES | {"ort": "Överkalix kommun"}, as_written))
    ) == {"ort": ["fält 7: rutan är för smal för det som ska stå där"]}


def test_lines_that_are_too_close_are_said_to_be_so() -> None:
    tight = field("plan", (20, 150, 160, 15), Kind.LINES, lines=3)
    form = form_of(*GOOD, tight)
    as_written = PageSpec(fields=(*GOOD, field("plan", (20, 148, 160, 20), Kind.LINES, lines=2)))
    told = serious(judged(form, filled(form, VALUES | {"plan": f"{NOTE}\n{NOTE}"}, as_written)))
    assert told == {"plan": ["fält 7: raderna är för täta för handskrift"]}


def test_marks_whose_ticks_reach_each_other_are_too_near() -> None:
    near = [field("ja", (20, 150, 5, 5), Kind.MARK), field("nej", (25.6, 150, 5, 5), Kind.MARK)]
    form = form_of(*GOOD, *near)
    picture = filled(form, VALUES)
    corners = [(19.5, 149.5), (27.6, 155.5)], [(19.5, 155.5), (27.6, 149.5)]
    for start, end in corners:
        points = [tuple(round(side * PRINT_PX_PER_MM) for side in point) for point in (start, end)]
        cv2.line(picture, points[0], points[1], (90, 40, 20), 5, cv2.LINE_AA)
    assert serious(judged(form, picture))["ja"] == ["fält 7: krysset når in i ”Nej”"]


def test_print_inside_a_box_is_told_from_its_frame_and_its_rules() -> None:
    page = np.full((400, 800), 255, np.uint8)
    cv2.rectangle(page, (80, 80), (720, 240), 0, 3)
    cv2.line(page, (80, 160), (720, 160), 0, 2)
    box = Box(10, 10, 80, 20)
    assert measure_printed_area(page, box) == 0
    cv2.putText(page, "Namn", (100, 140), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 0, 3)
    assert measure_printed_area(page, box) > 3


def test_a_field_that_has_to_be_filled_in_has_to_be_tried() -> None:
    form = form_of(*GOOD)
    found = judged(
        form,
        filled(
            form, {name: value for name, value in VALUES.items() if name not in ("datum", "titel")}
        ),
    )
    assert serious(found) == {"datum": ["fält 1: inget är skrivet"]}
    assert {fault.code for fault in found["titel"].remarks} == {"trial_left_empty"}


def test_options_of_a_choice_are_tried_each_by_itself() -> None:
    options = [
        Option(value=name, label=name.capitalize(), box=(20 + 30 * place, 150, 5, 5))
        for place, name in enumerate(("fall", "annat"))
    ]
    form = form_of(
        *GOOD, field("typ", (20, 150, 60, 5), Kind.CHOICE, options=options, required=True)
    )
    found = judged(form, filled(form, VALUES | {"typ": "annat"}))
    assert serious(found) == {}
    assert found["typ"].reading is not None
    assert found["typ"].reading.value == "annat"


def test_a_column_is_judged_by_all_its_rows() -> None:
    columns = (
        field("dag", (10, 3, 44, 8), Kind.DIGITS, format=Format.DATE, required=True),
        field("vad", (60, 4.5, 60, 4.5)),
    )
    table = Table(prefix="rad", count=3, x=12, top=60, width=186, height=14, fields=columns)
    facts = {
        "id": "egen-prov",
        "version": 1,
        "title": "Prov",
        "area": "HSL",
        "criticality": "B",
        "law": (),
        "entries": "row",
    }
    form = Form.model_validate({**facts, "pages": (PageSpec(table=table),)})
    roomy = Table(**{**dict(table), "fields": (columns[0], field("vad", (60, 2, 60, 10)))})
    values = {"rad02.dag": "2021-12-17", "rad02.vad": NOTE, "rad03.dag": "2021-12-18"}
    found = {
        one.spec.column: one
        for one in judged(form, filled(form, values, PageSpec(table=roomy))).values()
    }
    assert {name: one.number for name, one in found.items()} == {"dag": 1, "vad": 2}
    assert serious(found) == {"vad": ["fält 2: rutan är för låg för handskrift"]}
    assert found["dag"].reading is not None
    assert (found["dag"].spec.row, found["dag"].reading.value) == (2, "2021-12-17")


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_remark_can_be_said(language: str) -> None:
    values = dict.fromkeys(
        ("number", "height", "width", "over", "least", "most", "gap", "other"), 5.0
    )
    keys = [key for key in catalogue(language) if key.startswith("form_problem.trial_")]
    codes = {key.split(".")[1] for key in keys}
    assert len(keys) == 2 * len(codes)
    for code in codes:
        fault = FormProblem(code, values)
        assert "{" not in fault.what(language) + fault.remedy(language)


def test_a_trial_sheet_bears_a_name_that_no_form_in_use_has() -> None:
    form = form_of(*GOOD)
    assert make_trial_form(form).id == f"{TRIAL_ID_PREFIX}prov"
    assert number_fields(form) == {
        "datum": 1,
        "tid": 2,
        "namn": 3,
        "titel": 4,
        "klar": 5,
        "text": 6,
    }
