"""Placing outlines on A4."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec, LabelSide
from pipeline.domain.form.form import Form
from pipeline.forms.fiducials import CONTENT_BOX
from pipeline.forms.field_drawing import FIRST_STYLE, measure_text_width
from pipeline.forms.layout.form import place_outline, write_form_yaml
from pipeline.forms.layout.measures import measure_label_width
from pipeline.forms.layout.outline import Outline, OutlineField
from pipeline.forms.library import dump_form
from pipeline.forms.problems import LayoutError
from tests.support.form_rules import form_problem_texts

LAW = [{"ref": "Lag (2000:1)", "source": "SFS"}]
CLIENT, EVENT, AUTHOR = {"use": "client"}, {"use": "event"}, {"use": "author"}


def _text(name: str, **more: object) -> dict[str, Any]:
    return {"name": name, "label": name.capitalize(), "kind": "text"} | more


def _digits(name: str, cells: int) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.capitalize(),
        "kind": "digits",
        "format": "number",
        "cells": cells,
    }


def _mark(name: str, label: str = "") -> dict[str, Any]:
    return {"name": name, "label": label or name.capitalize(), "kind": "mark"}


def _outline(*sections: dict[str, Any], **more: object) -> dict[str, Any]:
    attributes = {
        "id": "prov",
        "version": 1,
        "title": "Prov",
        "area": "SoL",
        "criticality": "B",
        "law": LAW,
        "entries": "sheet",
    }
    return attributes | {"sections": list(sections)} | more


def _form(*sections: dict[str, Any], **more: object) -> Form:
    form = place_outline(Outline.model_validate(_outline(*sections, **more)))
    assert form_problem_texts(form) == []
    return form


def _rows(*rows: object, **more: object) -> dict[str, Any]:
    return {"title": "Avsnitt", "rows": list(rows)} | more


def _box(form: Form, name: str) -> tuple[float, float, float, float]:
    return form.by_name[name].box


def test_standard_sections_are_at_fixed_positions() -> None:
    form = _form(CLIENT, EVENT, AUTHOR)
    assert _box(form, "personnummer") == (15, 46, 66, 8)
    assert _box(form, "namn") == (86, 46, 109, 8)
    assert _box(form, "registrerat_namn") == (108.3, 36.8, 86, 5)
    assert _box(form, "skrivet_datum") == (124, 68, 44, 8)
    assert form.pages[0].sections[0].box == (12, 36, 186, 20)


def test_fields_without_width_share_rest_of_row() -> None:
    form = _form(
        CLIENT, EVENT, _rows([_digits("antal", 4), _text("vad"), _text("varav", width=30)]), AUTHOR
    )
    (antal, vad, varav) = (_box(form, name) for name in ("antal", "vad", "varav"))
    assert antal[2] == 22
    assert vad[0] == antal[0] + antal[2] + 5
    assert vad[0] + vad[2] + 5 == pytest.approx(varav[0], abs=0.1)
    assert varav[0] + varav[2] == pytest.approx(195, abs=0.1)


def test_label_is_never_wider_than_its_slot() -> None:
    long = "En mycket lång ledtext som ingen ruta rymmer"
    form = _form(
        CLIENT, EVENT, _rows([_digits("antal", 2) | {"label": long}, _text("vad")]), AUTHOR
    )
    assert _box(form, "vad")[0] >= 15 + measure_label_width(
        OutlineField.model_validate(_digits("antal", 2) | {"label": long}), FIRST_STYLE
    )


def test_too_wide_row_is_broken_into_lines() -> None:
    form = _form(CLIENT, EVENT, _rows([_text("a", width=100), _text("b", width=100)]), AUTHOR)
    assert _box(form, "b")[0] == 15
    assert _box(form, "b")[1] >= _box(form, "a")[1] + 8 + 3.5


def test_check_boxes_of_several_lines_are_in_columns() -> None:
    form = _form(
        CLIENT,
        EVENT,
        _rows([_mark(f"m{n}", "Någonting långt att kryssa för") for n in range(7)]),
        AUTHOR,
    )
    places = [_box(form, f"m{n}") for n in range(7)]
    across = sorted({x for x, *_ in places})
    assert 1 < len(across) < 7
    assert min(b - a for a, b in pairwise(across)) >= 5 + 0.9 + 3 + measure_text_width(
        "Någonting långt att kryssa för", FIRST_STYLE.option
    )


def test_columns_of_section_are_aligned_and_handwriting_stretches() -> None:
    wide = _digits("a", 5) | {"label": "En lång ledtext"}
    form = _form(
        CLIENT,
        EVENT,
        _rows([wide, *(_digits(n, 5) for n in "bcd")], [_digits("e", 6), _text("f")], columns=4),
        AUTHOR,
    )
    assert [_box(form, name)[0] for name in "abcd"] == pytest.approx(
        [15 + n * 46.25 for n in range(4)], abs=0.06
    )
    assert (_box(form, "e")[0], _box(form, "f")[0]) == (_box(form, "a")[0], _box(form, "b")[0])
    assert _box(form, "f")[0] + _box(form, "f")[2] == pytest.approx(195, abs=0.2)
    with pytest.raises(LayoutError):
        place_outline(
            Outline.model_validate(
                _outline(CLIENT, EVENT, _rows([_digits("a", 8)], columns=5), AUTHOR)
            )
        )


def test_repeated_rows_are_aligned_for_any_label_width() -> None:
    row = [_text("namn"), _mark("lunch", "En lång ledtext"), _digits("belopp", 5)]
    form = _form(
        CLIENT,
        EVENT,
        {"title": "Barn", "repeat": {"prefix": "barn", "count": 3, "label": "Barn"}, "rows": [row]},
        AUTHOR,
    )
    for name in ("namn", "lunch", "belopp"):
        boxes = [_box(form, f"barn{turn}_{name}") for turn in (1, 2, 3)]
        assert len({(x, w) for x, _, w, _ in boxes}) == 1
        assert [form.by_name[f"barn{turn}_{name}"].label_side for turn in (1, 2, 3)] == [
            LabelSide.ABOVE,
            LabelSide.NONE,
            LabelSide.NONE,
        ]


def test_options_are_side_by_side_and_wrap() -> None:
    options = [{"value": f"v{n}", "label": "Ett ganska långt val nummer"} for n in range(6)]
    form = _form(
        CLIENT,
        EVENT,
        _rows([{"name": "typ", "label": "Typ", "kind": "choice", "options": options}]),
        AUTHOR,
    )
    spec = form.by_name["typ"]
    assert len({option.box[1] for option in spec.options}) > 1
    assert all(option.box[2:] == (5, 5) for option in spec.options)


def test_filling_field_takes_rest_of_page() -> None:
    form = _form(
        CLIENT,
        EVENT,
        _rows([{"name": "allt", "label": "Avsnitt", "kind": "lines", "lines": "fill"}]),
        AUTHOR,
    )
    last = form.pages[0].sections[-1].box
    assert last[1] + last[3] == pytest.approx(CONTENT_BOX.y + CONTENT_BOX.h, abs=0.02)
    spec = form.by_name["allt"]
    assert spec.lines is not None
    assert 9 <= spec.box[3] / spec.lines < 10


def test_section_that_does_not_fit_begins_page_with_client() -> None:
    tall = [[{"name": f"t{n}", "label": "Text", "kind": "lines", "lines": 14}] for n in range(2)]
    form = _form(CLIENT, EVENT, _rows(tall[0]), _rows(tall[1]), AUTHOR)
    assert [len(page.sections) for page in form.pages] == [3, 2]
    assert form.by_name["klient_sida2"].means == "client_printed"


@pytest.mark.parametrize(
    ("top", "label"),
    [
        ({"area": "HSL"}, "Patientens namn och personnummer"),
        ({"area": "SoL"}, "Klientens namn och personnummer"),
        ({"area": "HSL", "continuation": "Patient och månad"}, "Patient och månad"),
    ],
)
def test_further_page_says_whose_it_is_in_the_words_of_its_trade(
    top: dict[str, str], label: str
) -> None:
    form = _form(CLIENT, EVENT, AUTHOR, {"page": "next"}, _rows([_text("mer")]), **top)
    assert form.by_name["klient_sida2"].label == label


def test_page_without_client_has_no_client_field() -> None:
    form = _form(EVENT, AUTHOR, {"page": "next"}, _rows([_text("mer")]), area="ADM", subject="none")
    assert len(form.pages) == 2
    assert "klient_sida2" not in form.by_name


def test_repeated_rows_have_unique_names_and_group() -> None:
    repeat = {"prefix": "barn", "count": 3, "label": "Barn"}
    row = [{**_digits("start", 4), "less_than": "slut"}, _digits("slut", 4), _text("namn")]
    form = _form(CLIENT, EVENT, _rows(row, repeat=repeat), AUTHOR)
    assert form.by_name["barn2_start"].less_than == "barn2_slut"
    assert form.by_name["barn2_namn"].full_label == "Barn 2: Namn"
    assert [form.by_name[f"barn{n}_namn"].label_side for n in (1, 2)] == [
        LabelSide.ABOVE,
        LabelSide.NONE,
    ]
    assert [text.text for text in form.pages[0].texts] == ["Barn 1", "Barn 2", "Barn 3"]


def test_single_line_table_has_labels_only_once() -> None:
    table = _rows(
        [_text("vad", means="author_name"), _mark("klart")],
        title="Rader",
        table={"prefix": "rad", "count": 4},
    )
    form = _form(CLIENT, EVENT, table, entries="row")
    assert form.by_name["rad03.klart"].label_side is LabelSide.HEADING
    assert form.pages[0].table is not None
    assert form.pages[0].table.height == 10
    assert form.rows() == [1, 2, 3, 4]


def test_table_fills_its_page() -> None:
    table = _rows(
        [_text("vad")],
        [_mark("klart"), _text("annat")],
        title="Rader",
        table={"prefix": "rad", "count": "fill"},
    )
    form = _form(CLIENT, EVENT, table, AUTHOR, entries="row")
    placed = form.pages[0].table
    assert placed is not None
    assert placed.count > 3
    assert CONTENT_BOX.y + CONTENT_BOX.h - sum(form.pages[0].sections[-1].box[1::2]) < placed.height


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ([_rows([_digits("antal", 40)])], "antal tar 220 mm av 180"),
        ([_rows(*[[_text(f"t{n}")] for n in range(30)])], "Avsnittet Avsnitt är för högt"),
        ([_rows([_text("t")], table={"prefix": "rad", "count": 40})], "Ta högst"),
    ],
)
def test_error_of_part_that_does_not_fit_has_remedy(
    sections: list[dict[str, Any]], message: str
) -> None:
    entries = "row" if "table" in sections[0] else "sheet"
    with pytest.raises(LayoutError, match=message) as raised:
        place_outline(
            Outline.model_validate(_outline(CLIENT, EVENT, *sections, AUTHOR, entries=entries))
        )
    assert raised.value.remedy
    assert raised.value.problem.at[:2] == ("sections", 2)


def test_formatted_fields_but_phone_are_critical_in_class_a() -> None:
    form = _form(
        CLIENT,
        EVENT,
        _rows([_digits("dos", 3), _text("tel", format="phone")]),
        AUTHOR,
        criticality="A",
    )
    assert form.by_name["dos"].critical
    assert not form.by_name["tel"].critical
    assert form.by_name["skrivet_datum"].critical


def test_written_file_loads_to_same_form() -> None:
    row = [
        _text("vad"),
        {
            "name": "typ",
            "label": "Typ",
            "kind": "choice",
            "options": [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}],
        },
    ]
    form = _form(CLIENT, EVENT, _rows(row, {"text": "Skriv: tydligt."}), AUTHOR, subject="client")
    text = dump_form(form)
    assert text.startswith("# Placed from outline.yaml")
    assert Form.model_validate(yaml.safe_load(text)) == form


def test_a_placed_form_is_written_into_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "prov"
    folder.mkdir()
    (folder / "outline.yaml").write_text(yaml.safe_dump(_outline(CLIENT, EVENT, AUTHOR)), "utf-8")
    assert write_form_yaml(folder).id == "prov"
    assert "personnummer" in (folder / "form.yaml").read_text("utf-8")


def test_published_version_is_not_placed_with_other_geometry(tmp_path: Path) -> None:
    folder = tmp_path / "prov"
    folder.mkdir()
    (folder / "outline.yaml").write_text(yaml.safe_dump(_outline(CLIENT, EVENT, AUTHOR)), "utf-8")
    (tmp_path / "published.json").write_text('{"prov/1": "annat"}', "utf-8")
    with pytest.raises(FormError, match="Make version 2"):
        write_form_yaml(folder)
    assert not (folder / "form.yaml").exists()


def test_fields_keep_outline_order() -> None:
    form = _form(CLIENT, EVENT, _rows([_text("a"), _text("b")], [_text("c")]), AUTHOR)
    names = [spec.name for spec in form.fields if isinstance(spec, FieldSpec)]
    assert names.index("a") < names.index("b") < names.index("c") < names.index("skribent")
