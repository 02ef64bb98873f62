"""What a form.yaml may say, and what it unfolds to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec, Kind, LabelSide, Meaning
from pipeline.domain.form.form import Form, Forms, load_form
from tests.support.form_rules import form_problem_texts

FIELD: dict[str, Any] = {
    "name": "datum",
    "label": "Datum",
    "kind": "digits",
    "format": "date",
    "box": [15, 46, 44, 8],
}


def _form(
    *fields: dict[str, Any],
    table: dict[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401
) -> dict[str, Any]:
    page = {"fields": list(fields)} | ({"table": table} if table else {})
    whole = {
        "id": "prov",
        "version": 1,
        "title": "Prov",
        "area": "HSL",
        "criticality": "A",
        "law": [],
        "entries": "sheet",
        "pages": [page],
    }
    return whole | changes


def _load(folder: Path, content: object) -> Form:
    path = folder / "form.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return load_form(path)


def test_cells_divide_the_box_evenly() -> None:
    cells = FieldSpec.model_validate(FIELD).cell_boxes
    assert len(cells) == 8
    assert {round(cell.w, 6) for cell in cells} == {5.5}
    assert cells[-1].x + cells[-1].w == pytest.approx(59)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": None}, "needs a format"),
        ({"format": "number"}, "needs cells"),
        ({"kind": "choice"}, "options"),
        ({"kind": "lines"}, "lines"),
        ({"kind": "stämpel"}, "kind"),
        ({"box": [15, 46, 200, 8]}, "outside the page"),
        ({"box": [15, 46, 44]}, "box"),
        ({"kritisk": True}, "kritisk"),
        ({"name": "Datum"}, "name"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(FormError, match=complaint):
        _load(tmp_path, _form(FIELD | change))


def test_a_name_used_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="used twice"):
        _load(tmp_path, _form(FIELD, FIELD))


def test_entries_a_row_need_a_table(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="need a table"):
        _load(tmp_path, _form(FIELD, entries="row"))


def test_what_is_no_form_at_all(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="Check that the form's folder"):
        load_form(tmp_path / "form.yaml")
    (tmp_path / "form.yaml").write_text("id: [", "utf-8")
    with pytest.raises(FormError, match="not valid YAML"):
        load_form(tmp_path / "form.yaml")


@given(count=st.integers(1, 20), height=st.floats(8, 12), x=st.floats(0, 20), top=st.floats(0, 50))
def test_a_table_unfolds_row_by_row(count: int, height: float, x: float, top: float) -> None:
    table = {
        "prefix": "rad",
        "count": count,
        "x": x,
        "top": top,
        "width": 100,
        "height": height,
        "fields": [FIELD | {"box": [1, 1, 36, 7]}],
    }
    form = Form.model_validate(_form(table=table, entries="row"))
    assert [spec.name for spec in form.fields] == [
        f"rad{row:02d}.datum" for row in range(1, count + 1)
    ]
    assert [spec.row for spec in form.fields] == list(form.rows())
    for spec in form.fields:
        assert spec.row is not None
        assert spec.column == "datum"
        assert spec.area.x == pytest.approx(x + 1, abs=0.001)
        assert spec.area.y == pytest.approx(top + (spec.row - 1) * height + 1, abs=0.001)


def test_options_move_with_their_row() -> None:
    choice = {
        "name": "val",
        "label": "Val",
        "kind": "choice",
        "box": [0, 0, 20, 5],
        "options": [{"value": "ja", "label": "Ja", "box": [0, 0, 5, 5]}],
    }
    table = {
        "prefix": "rad",
        "count": 2,
        "x": 10,
        "top": 30,
        "width": 100,
        "height": 10,
        "fields": [choice],
    }
    form = Form.model_validate(_form(table=table, entries="row"))
    assert form.by_name["rad02.val"].options[0].box == (10, 40, 5, 5)


def test_the_rows_own_field_plays_the_part_before_the_sheets() -> None:
    own = FIELD | {"name": "raddatum", "means": "event_date", "box": [1, 1, 36, 7]}
    table = {
        "prefix": "rad",
        "count": 2,
        "x": 10,
        "top": 60,
        "width": 100,
        "height": 10,
        "fields": [own],
    }
    form = Form.model_validate(_form(FIELD | {"means": "event_date"}, table=table, entries="row"))
    row, sheet = form.meaning(Meaning.EVENT_DATE, 2), form.meaning(Meaning.EVENT_DATE)
    assert row is not None
    assert row.name == "rad02.raddatum"
    assert sheet is not None
    assert sheet.name == "datum"
    assert [spec.name for spec in form.entry_fields(1)] == ["datum", "rad01.raddatum"]


def test_the_newest_version_is_the_one_that_is_used(tmp_path: Path) -> None:
    for folder, version in (("prov/v1", 1), ("prov", 2)):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        _load(tmp_path / folder, _form(FIELD, version=version))
    forms = Forms.load(tmp_path)
    assert set(forms) == {("prov", 1), ("prov", 2)}
    assert forms.latest("prov").version == 2
    with pytest.raises(FormError, match="There is no form"):
        forms.latest("annan")


def test_labels_stand_where_the_kind_is_used_to_unless_said_otherwise() -> None:
    mark = FieldSpec(name="a", label="A", kind=Kind.MARK, box=(0, 0, 5, 5))
    assert mark.label_side is LabelSide.RIGHT
    assert mark.model_copy(update={"label_at": LabelSide.LEFT}).label_side is LabelSide.LEFT
    assert FieldSpec.model_validate(FIELD).label_side is LabelSide.ABOVE


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ([FIELD | {"box": [15, 46, 30, 8]}], "at least 4.5"),
        ([FIELD | {"box": [15, 20, 44, 8]}], "markers and codes"),
        ([FIELD, FIELD | {"name": "annat", "box": [20, 50, 44, 8]}], "overlap"),
        ([{"name": "a", "label": "A", "kind": "mark", "box": [15, 46, 3, 5]}], "check box"),
        ([{"name": "a", "label": "A", "kind": "text", "box": [15, 46, 30, 7]}], "8 mm high"),
        (
            [{"name": "a", "label": "A", "kind": "lines", "lines": 3, "box": [15, 46, 30, 21]}],
            "8 mm apart",
        ),
        ([FIELD], "no field means client_pid"),
    ],
)
def test_what_cannot_be_written_on_or_read_is_named(
    fields: list[dict[str, Any]], complaint: str
) -> None:
    assert complaint in " · ".join(form_problem_texts(Form.model_validate(_form(*fields))))


def test_a_form_is_understood_once_and_anew_when_its_file_or_folder_is_another(
    tmp_path: Path,
) -> None:
    (tmp_path / "other").mkdir()
    content = _form(FIELD)
    content["pages"][0] |= {"blank": "blank.png", "size": [210, 297]}
    first = _load(tmp_path, content)
    assert load_form(tmp_path / "form.yaml") is first
    assert (
        _load(tmp_path / "other", content).pages[0].blank
        == (tmp_path / "other" / "blank.png").resolve()
    )
    assert _load(tmp_path, content | {"title": "Ett annat prov"}).title == "Ett annat prov"
