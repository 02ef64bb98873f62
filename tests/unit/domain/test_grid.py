"""A grid of days: each line has its fields and a box a day, on two sides of one entry."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from pipeline.domain.form.field import FieldSpec, LabelSide
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.settings import ROOT
from pipeline.forms.layout.form import place_outline
from pipeline.forms.layout.outline import Outline
from pipeline.forms.library import dump_form
from pipeline.forms.problems import LayoutError
from pipeline.preparation.form_check.rules import find_form_problems

FORMS = Forms.load(ROOT / "forms")
LIST = FORMS.latest("signeringslista")
BOX = {"name": "dag", "label": "Dag", "kind": "initials", "planned_by": "tid", "width": 7.3}


def outline(**grid: Any) -> Outline:  # noqa: ANN401 - parts of a grid
    given = {"prefix": "rad", "label": "Rad", "count": 3, "first": 1, "last": 16, "box": BOX}
    rows = [[{"name": "tid", "label": "Tid", "kind": "text", "width": 13}]]
    sections = [
        {"use": "client"},
        {"use": "event"},
        {"title": "Dagar", "grid": given | grid, "rows": rows},
        {"use": "author"},
    ]
    return Outline.model_validate(
        {
            "id": "prov",
            "version": 1,
            "title": "Prov",
            "area": "HSL",
            "criticality": "A",
            "law": [{"ref": "Lag", "source": "SFS"}],
            "entries": "sheet",
            "print_style": 2,
            "sections": sections,
        }
    )


def boxes(form: Form, line: int) -> list[FieldSpec]:
    return [spec for spec in form.fields if spec.name.startswith(f"rad{line}_dag")]


def test_each_line_has_a_box_a_day_that_its_time_plans() -> None:
    form = place_outline(outline())
    assert find_form_problems(form) == []
    assert [spec.day for spec in boxes(form, 2)] == list(range(1, 17))
    assert {spec.planned_by for spec in boxes(form, 2)} == {"rad2_tid"}
    assert {spec.full_label for spec in boxes(form, 2)[:2]} == {"Rad 2: Dag 1", "Rad 2: Dag 2"}
    # All lines at the same distance, and the days printed once.
    tops = [boxes(form, line)[0].area.y for line in (1, 2, 3)]
    assert tops[1] - tops[0] == pytest.approx(tops[2] - tops[1])
    assert [boxes(form, line)[0].label_side for line in (1, 2)] == [
        LabelSide.ABOVE,
        LabelSide.NONE,
    ]


def test_a_grid_is_the_same_after_writing_and_reading() -> None:
    form = place_outline(outline(codes=[{"value": "1", "label": "ej given"}]))
    assert Form.model_validate(yaml.safe_load(dump_form(form))) == form
    assert any("1 = ej given" in text.text for page in form.pages for text in page.texts)


@pytest.mark.parametrize(
    "wrong", [{"first": 17}, {"box": BOX | {"width": None}}, {"last": 32}, {"count": 41}]
)
def test_days_are_in_order_and_boxes_have_a_width(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        outline(**wrong)


def test_fields_that_do_not_fit_before_the_boxes_are_an_error() -> None:
    with pytest.raises(LayoutError):
        place_outline(outline(box=BOX | {"width": 12}))


def test_the_signing_list_has_a_month_on_two_sides() -> None:
    for line in (1, 24):
        assert [spec.day for spec in boxes(LIST, line)] == list(range(1, 32))
        assert {spec.planned_by for spec in boxes(LIST, line)} == {f"rad{line}_tid"}
    assert min(spec.area.w for spec in LIST.fields if spec.day) >= 7


def test_the_note_has_the_headings_of_the_list() -> None:
    text = (ROOT / "data" / "headings" / "sokord-hsl.yaml").read_text("utf-8")
    (*_, newest) = yaml.safe_load(text)
    assert newest["source"]
    note = FORMS.latest("hsl-anteckning")
    labels = {
        spec.name.removeprefix("sokord_"): spec.label
        for spec in note.fields
        if spec.name.startswith("sokord_")
    }
    assert labels == {item["code"]: item["words"] for item in newest["items"]}
    mapping = (ROOT / "forms" / "hsl-anteckning" / "export.rivta.yaml").read_text("utf-8")
    for item in newest["items"]:
        assert f"ICF {item['code']}: {item['title']}" in mapping
