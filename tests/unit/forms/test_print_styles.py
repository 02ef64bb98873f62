"""The two styles of print: what was published stays, what is new is large and dark enough."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec
from pipeline.forms.drawing import Colour, PaperDocument, Point, TextStyle
from pipeline.forms.field_drawing import PRINT_STYLES
from pipeline.forms.layout.form import place_outline
from pipeline.forms.layout.outline import Outline
from pipeline.forms.library import dump_form
from pipeline.forms.printing import Sheet, print_sheets
from tests.support.form_rules import form_problem_texts

_ROWS = [
    [
        {"name": "dag", "label": "Dag", "kind": "digits", "format": "date", "hint": "ÅÅÅÅ"},
        {
            "name": "typ",
            "label": "Typ",
            "kind": "choice",
            "options": [{"value": "a", "label": "Fall"}],
        },
        {"name": "smitta", "label": "Smitta", "kind": "mark"},
    ]
]
_TABLE_ROWS = [
    [
        {"name": "tid", "label": "Klocka", "kind": "digits", "format": "time"},
        {"name": "gjort", "label": "Gjort", "kind": "mark", "label_at": "right"},
    ]
]


def _form(print_style: int, **more: object) -> Form:
    outline: dict[str, Any] = {
        "id": "prov",
        "version": 1,
        "title": "Prov",
        "area": "SoL",
        "criticality": "B",
        "law": [{"ref": "Lag (2000:1)", "source": "SFS"}],
        "entries": "row",
        "print_style": print_style,
        "sections": [
            {"use": "client"},
            {"use": "event"},
            {"title": "Avsnitt", "rows": _ROWS},
            {"title": "Rader", "rows": _TABLE_ROWS, "table": {"prefix": "rad", "count": 2}},
            {"use": "author"},
        ],
    } | more
    return place_outline(Outline.model_validate(outline))


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, TextStyle]]:
    """What is printed, with its style."""
    words: list[tuple[str, TextStyle]] = []
    original = PaperDocument.words

    def record(self: PaperDocument, text: str, at: Point, style: TextStyle) -> float:
        words.append((text, style))
        return original(self, text, at, style)

    monkeypatch.setattr(PaperDocument, "words", record)
    return words


@pytest.mark.parametrize(
    ("print_style", "sizes"),
    [
        (
            1,
            {
                "Dag": 7,
                "ÅÅÅÅ": 6.5,
                "Fall": 8.5,
                "Smitta": 8.5,
                "Klocka": 6.8,
                "Gjort": 6.8,
                "1": 9,
            },
        ),
        (2, {"Dag": 8, "ÅÅÅÅ": 7.5, "Fall": 8.5, "Smitta": 8.5, "Klocka": 8, "Gjort": 8, "1": 9}),
    ],
)
def test_labels_and_hints_have_the_sizes_of_their_style(
    print_style: int, sizes: dict[str, float], printed: list[tuple[str, TextStyle]]
) -> None:
    print_sheets(_form(print_style), [Sheet("00000000")])
    assert {text: style.size for text, style in printed if text in sizes} == sizes


def test_first_style_keeps_its_colours() -> None:
    first = PRINT_STYLES[1]
    assert (first.label.colour, first.row_label.colour) == (Colour.LABEL, Colour.LABEL)
    assert (first.hint.colour, first.row_number.colour) == (Colour.HINT, Colour.HINT)
    assert (first.lift, first.hint_drop) == (3.1, 0.1)


def _luminance(colour: Colour) -> float:
    """Relative luminance, WCAG 2.2."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in colour.value)
    ]
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(dark: Colour, light: Colour) -> float:
    return (_luminance(light) + 0.05) / (_luminance(dark) + 0.05)


def test_what_must_be_read_stands_out_from_its_ground(
    printed: list[tuple[str, TextStyle]],
) -> None:
    print_sheets(_form(2), [Sheet("00000000")])
    assert min(_contrast(style.colour, Colour.GROUND) for _, style in printed) >= 4.5
    assert min(style.size for _, style in printed) >= 7.5


@pytest.mark.parametrize("colour", [Colour.FRAME, Colour.RULE, Colour.GROUND])
def test_boxes_and_lines_stay_pale(colour: Colour) -> None:
    red, green, blue = colour.value
    assert 0.299 * red + 0.587 * green + 0.114 * blue >= 0.7 * 255


def test_style_is_kept_in_the_form() -> None:
    assert "print_style: 2" in dump_form(_form(2))


def test_larger_labels_take_more_room() -> None:
    row = [
        {"name": "antal", "label": "Antal gånger per dag", "kind": "digits", "cells": 2}
        | {"format": "number"},
        {"name": "vad", "label": "Vad", "kind": "text"},
    ]
    small, large = (
        _form(style, entries="sheet", sections=[{"title": "A", "rows": [row]}]).by_name["vad"]
        for style in (1, 2)
    )
    assert large.area.x > small.area.x


def _with_page(form: Form, **more: object) -> Form:
    (page,) = form.pages
    changed = PageSpec.model_validate(page.model_dump() | more)
    return form.model_copy(update={"pages": (changed,)})


@pytest.mark.parametrize(("print_style", "found"), [(1, False), (2, True)])
def test_small_texts_are_found_from_the_second_style(print_style: int, found: bool) -> None:
    small = {"text": "Finstilt", "at": (15, 250), "size": 7}
    problems = form_problem_texts(_with_page(_form(print_style), texts=[small]))
    assert any("Finstilt" in problem for problem in problems) is found


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ("Dag", None),
        ("En ledtext som är så lång att den går in över nästa fälts ledtext", "reaches typ"),
        ("Lång " * 40, "beyond the page"),
    ],
)
def test_labels_that_reach_others_are_found(label: str, what: str | None) -> None:
    form = _form(2)
    fields = [
        spec.model_dump() | ({"label": label} if spec.name == "dag" else {})
        for spec in form.pages[0].fields
    ]
    problems = form_problem_texts(_with_page(form, fields=fields))
    assert any(what in problem for problem in problems) if what else problems == []
