"""A draft on the blank of a form printed elsewhere: boxes are drawn on the page or written in millimetres, and each is told what it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from pipeline.field_spec import Meaning
from pipeline.making import drawn_boxes
from pipeline.making.draft_form import checked
from pipeline.making.drafts import Draft
from pipeline.making.drawn_boxes import BLANK, boxes
from pipeline.making.field_sorts import Sort
from pipeline.making.pictures import blank_on_screen
from pipeline.model import Person
from ui.components import form_desk
from ui.components.box_drawing import Box, box_drawing
from ui.components.draft_head import draft_head
from ui.components.form_faults import fault_words
from ui.site import Site
from ui.text import t

_OPEN = "forms_box"
_SORTS: list[Sort] = [sort for sort in Sort if sort not in (Sort.CHOICE, Sort.WORDS, Sort.PRINTED)]
_MEANINGS = ("", *(one.value for one in Meaning if one not in (Meaning.CLIENT_PRINTED, Meaning.UNIT)))
_SIDES = ("x", "y", "width", "height")
_FIRST = (20.0, 40.0, 60.0, 8.0)
"""Where a box begins that is not drawn, mm."""


def drawn_editor(here: Site, person: Person, draft: Draft) -> None:
    """The editor."""
    every, turn = boxes(draft.data), form_desk.turn()
    change = partial(form_desk.changed, here, person, draft.id, turn)

    def pick() -> None:
        st.session_state[_OPEN] = st.session_state[f"forms_box-{draft.id}-{turn}"]

    chosen = min(int(st.session_state.get(_OPEN, 0)), len(every) - 1)

    def add(box: Box) -> None:
        st.session_state[_OPEN] = len(every)  # a new box moves no other, so it may be drawn whatever has changed meanwhile
        edit = partial(drawn_boxes.with_new_box, box=box, label=t("forms.new_field"))
        form_desk.changed(here, person, draft.id, form_desk.turn(), edit, moves=True)

    left, right = st.columns([1.15, 1], gap="large")
    with left:
        size = (float(draft.data["size"][0]), float(draft.data["size"][1]))
        picture = _picture(draft.id, str(draft.folder / BLANK))
        again = drawn_boxes.row_boxes(draft.data)
        owners = [*range(len(every)), *(place for place, _ in again)]
        shapes = [*(one["box"] for one in every), *(box for _, box in again)]
        box_drawing(draft.id, picture, shapes, chosen, size, add, lambda place: _choose(owners[place]))
    with right:
        draft_head(here, person, draft)
        for fault in checked(draft).faults:
            st.error(fault_words(draft, fault), icon=":material/error:")
        st.subheader(t("forms.boxes"), anchor=False)
        st.button(t("forms.add_box"), key="forms_add_box", on_click=add, args=(_FIRST,), icon=":material/add:", help=t("forms.add_box_help"))
        if any(one.get("each_row") for one in every):
            _rows(f"forms_rows-{draft.id}-{turn}", draft, change)
        if every:
            names = [f"{number} {one.get('label') or ''}" for number, one in enumerate(every, start=1)]
            key = f"forms_box-{draft.id}-{turn}"
            shown = st.selectbox(t("forms.box"), range(len(every)), chosen, format_func=names.__getitem__, key=key, on_change=pick)
            with st.container(border=True):
                _box(f"{key}-{shown}", int(shown), every[int(shown)], change)


def _rows(key: str, draft: Draft, change: Callable[..., None]) -> None:
    """How many rows the table has, and how far they are from each other."""

    def kept() -> None:
        count, height = int(st.session_state[f"{key}-count"]), float(st.session_state[f"{key}-apart"])
        change(lambda data: drawn_boxes.with_rows(data, count, height))

    count, height = drawn_boxes.rows(draft.data)
    with st.container(horizontal=True):
        st.number_input(t("forms.rows_count"), 2, 60, max(2, min(60, count)), key=f"{key}-count", on_change=kept, width=160)
        st.number_input(
            t("forms.rows_height"), 3.0, 200.0, min(200.0, max(3.0, height)), 0.1, format="%.2f", key=f"{key}-apart", on_change=kept, width=200
        )


@st.cache_data(max_entries=10, show_spinner=False)
def _picture(draft_id: str, path: str) -> bytes:
    del draft_id
    return blank_on_screen(Path(path).read_bytes())


def _choose(place: int) -> None:
    st.session_state[_OPEN] = place
    st.session_state["forms_turn"] = form_desk.turn() + 1


def _box(key: str, at: int, one: dict[str, Any], change: Callable[..., None]) -> None:
    def put(name: str) -> Callable[[], None]:
        def kept() -> None:
            value = st.session_state[f"{key}-{name}"]
            change(lambda data: drawn_boxes.with_box(data, at, **{name: value.value if isinstance(value, Sort) else value}))

        return kept

    def put_box() -> None:
        change(lambda data: drawn_boxes.with_box(data, at, box=[round(float(st.session_state[f"{key}-{side}"]), 1) for side in _SIDES]))

    sort = Sort(one.get("sort") or Sort.TEXT)
    st.text_input(t("forms.label"), one.get("label") or "", key=f"{key}-label", on_change=put("label"), max_chars=80)
    st.selectbox(
        t("forms.sort"), _SORTS, _SORTS.index(sort), format_func=lambda each: t(f"forms.sort.{each.value}"), key=f"{key}-sort", on_change=put("sort")
    )
    if sort is Sort.MARK:
        st.text_input(t("forms.choice"), one.get("choice") or "", key=f"{key}-choice", on_change=put("choice"), help=t("forms.choice_help"))
    elif sort in (Sort.NUMBER, Sort.CODE, Sort.LETTERS):
        st.number_input(t("forms.cells"), 1, 30, int(one.get("cells") or 4), key=f"{key}-cells", on_change=put("cells"), width=160)
    elif sort is Sort.LINES:
        lines = int(one.get("lines") or max(1, round(one["box"][3] / drawn_boxes.LINE_MM)))
        st.number_input(t("forms.lines"), 1, 40, lines, key=f"{key}-lines", on_change=put("lines"), width=160)
    with st.container(horizontal=True):
        for side, value in zip(_SIDES, one["box"], strict=True):
            st.number_input(t(f"forms.mm.{side}"), 0.0, 450.0, float(value), 0.5, format="%.1f", key=f"{key}-{side}", on_change=put_box, width=120)
    each = bool(one.get("each_row"))
    st.checkbox(t("forms.each_row"), each, key=f"{key}-each_row", on_change=put("each_row"), help=t("forms.each_row_help"))
    st.checkbox(t("forms.required"), bool(one.get("required")), key=f"{key}-required", on_change=put("required"))
    st.checkbox(t("forms.critical"), bool(one.get("critical")), key=f"{key}-critical", on_change=put("critical"), help=t("forms.critical_help"))
    means = str(one.get("means") or "")
    st.selectbox(
        t("forms.means"),
        _MEANINGS,
        _MEANINGS.index(means) if means in _MEANINGS else 0,
        format_func=lambda each: t(f"forms.means.{each}") if each else t("forms.means_nothing"),
        key=f"{key}-means",
        on_change=put("means"),
        help=t("forms.means_help"),
    )
    away = lambda: change(lambda data: drawn_boxes.without_box(data, at), moves=True)  # noqa: E731
    st.button(t("forms.remove_box"), key=f"{key}-away", on_click=away, icon=":material/delete:")
