"""A draft on the blank of a form printed elsewhere: boxes are drawn on the page or written in
millimetres, and each is told what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from pipeline.domain.form.field import Meaning
from pipeline.domain.model import Person
from pipeline.forms.field_types import FieldType
from pipeline.preparation.form_editor import drawn_boxes
from pipeline.preparation.form_editor.draft_form import check_draft
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.form_editor.drawn_boxes import BLANK_IMAGE_FILE, list_boxes
from pipeline.preparation.form_editor.previews import render_blank_for_screen
from ui.browser.box_drawing import BoxRectangle, box_drawing
from ui.i18n import t
from ui.screens.forms import state
from ui.screens.forms.draft_header import draft_header
from ui.screens.forms.problems import problem_text
from ui.workspace import AppContext

_OPEN_BOX_KEY = "forms_box"
_FIELD_TYPES: list[FieldType] = [
    sort for sort in FieldType if sort not in (FieldType.CHOICE, FieldType.WORDS, FieldType.PRINTED)
]
_MEANINGS = (
    "",
    *(one.value for one in Meaning if one not in (Meaning.CLIENT_PRINTED, Meaning.UNIT)),
)
_BOX_SIDES = ("x", "y", "width", "height")
_NEW_BOX_MM = (20.0, 40.0, 60.0, 8.0)
"""Where a box begins that is not drawn, mm."""


def drawn_editor(context: AppContext, person: Person, draft: Draft) -> None:
    """The editor."""
    every, turn = list_boxes(draft.data), state.editor_version()
    change = partial(state.apply_draft_change, context, person, draft.id, turn)

    def pick() -> None:
        st.session_state[_OPEN_BOX_KEY] = st.session_state[f"forms_box-{draft.id}-{turn}"]

    chosen = min(int(st.session_state.get(_OPEN_BOX_KEY, 0)), len(every) - 1)

    def add(box: BoxRectangle) -> None:
        st.session_state[_OPEN_BOX_KEY] = len(
            every
        )  # a new box moves no other, so it may be drawn whatever has changed meanwhile
        edit = partial(drawn_boxes.add_box, box=box, label=t("forms.new_field"))
        state.apply_draft_change(
            context, person, draft.id, state.editor_version(), edit, moves=True
        )

    left, right = st.columns([1.15, 1], gap="large")
    with left:
        size = (float(draft.data["size"][0]), float(draft.data["size"][1]))
        picture = _screen_image(draft.id, str(draft.folder / BLANK_IMAGE_FILE))
        again = drawn_boxes.list_row_boxes(draft.data)
        owners = [*range(len(every)), *(place for place, _ in again)]
        shapes = [*(one["box"] for one in every), *(box for _, box in again)]
        box_drawing(
            draft.id, picture, shapes, chosen, size, add, lambda place: _choose_box(owners[place])
        )
    with right:
        draft_header(context, person, draft)
        for fault in check_draft(draft).problems:
            st.error(problem_text(draft, fault), icon=":material/error:")
        st.subheader(t("forms.boxes"), anchor=False)
        st.button(
            t("forms.add_box"),
            key="forms_add_box",
            on_click=add,
            args=(_NEW_BOX_MM,),
            icon=":material/add:",
            help=t("forms.add_box_help"),
        )
        if any(one.get("each_row") for one in every):
            _rows_editor(f"forms_rows-{draft.id}-{turn}", draft, change)
        if every:
            names = [
                f"{number} {one.get('label') or ''}" for number, one in enumerate(every, start=1)
            ]
            key = f"forms_box-{draft.id}-{turn}"
            shown = st.selectbox(
                t("forms.box"),
                range(len(every)),
                chosen,
                format_func=names.__getitem__,
                key=key,
                on_change=pick,
            )
            with st.container(border=True):
                _box_editor(f"{key}-{shown}", int(shown), every[int(shown)], change)


def _rows_editor(key: str, draft: Draft, change: Callable[..., None]) -> None:
    """How many rows the table has, and how far they are from each other."""

    def kept() -> None:
        count, height = (
            int(st.session_state[f"{key}-count"]),
            float(st.session_state[f"{key}-apart"]),
        )
        change(lambda data: drawn_boxes.set_rows(data, count, height))

    count, height = drawn_boxes.table_rows(draft.data)
    with st.container(horizontal=True):
        st.number_input(
            t("forms.rows_count"),
            2,
            60,
            max(2, min(60, count)),
            key=f"{key}-count",
            on_change=kept,
            width=160,
        )
        st.number_input(
            t("forms.rows_height"),
            3.0,
            200.0,
            min(200.0, max(3.0, height)),
            0.1,
            format="%.2f",
            key=f"{key}-apart",
            on_change=kept,
            width=200,
        )


@st.cache_data(max_entries=10, show_spinner=False)
def _screen_image(draft_id: str, path: str) -> bytes:
    del draft_id
    return render_blank_for_screen(Path(path).read_bytes())


def _choose_box(place: int) -> None:
    st.session_state[_OPEN_BOX_KEY] = place
    st.session_state["forms_turn"] = state.editor_version() + 1


def _box_editor(key: str, at: int, one: dict[str, Any], change: Callable[..., None]) -> None:
    def put(name: str) -> Callable[[], None]:
        def kept() -> None:
            value = st.session_state[f"{key}-{name}"]
            change(
                lambda data: drawn_boxes.replace_box(
                    data, at, **{name: value.value if isinstance(value, FieldType) else value}
                )
            )

        return kept

    def put_box() -> None:
        change(
            lambda data: drawn_boxes.replace_box(
                data,
                at,
                box=[round(float(st.session_state[f"{key}-{side}"]), 1) for side in _BOX_SIDES],
            )
        )

    sort = FieldType(one.get("sort") or FieldType.TEXT)
    st.text_input(
        t("forms.label"),
        one.get("label") or "",
        key=f"{key}-label",
        on_change=put("label"),
        max_chars=80,
    )
    st.selectbox(
        t("forms.sort"),
        _FIELD_TYPES,
        _FIELD_TYPES.index(sort),
        format_func=lambda each: t(f"forms.sort.{each.value}"),
        key=f"{key}-sort",
        on_change=put("sort"),
    )
    if sort is FieldType.MARK:
        st.text_input(
            t("forms.choice"),
            one.get("choice") or "",
            key=f"{key}-choice",
            on_change=put("choice"),
            help=t("forms.choice_help"),
        )
    elif sort in (FieldType.NUMBER, FieldType.CODE, FieldType.LETTERS):
        st.number_input(
            t("forms.cells"),
            1,
            30,
            int(one.get("cells") or 4),
            key=f"{key}-cells",
            on_change=put("cells"),
            width=160,
        )
    elif sort is FieldType.LINES:
        lines = int(one.get("lines") or max(1, round(one["box"][3] / drawn_boxes.LINE_HEIGHT_MM)))
        st.number_input(
            t("forms.lines"), 1, 40, lines, key=f"{key}-lines", on_change=put("lines"), width=160
        )
    with st.container(horizontal=True):
        for side, value in zip(_BOX_SIDES, one["box"], strict=True):
            st.number_input(
                t(f"forms.mm.{side}"),
                0.0,
                450.0,
                float(value),
                0.5,
                format="%.1f",
                key=f"{key}-{side}",
                on_change=put_box,
                width=120,
            )
    each = bool(one.get("each_row"))
    st.checkbox(
        t("forms.each_row"),
        each,
        key=f"{key}-each_row",
        on_change=put("each_row"),
        help=t("forms.each_row_help"),
    )
    st.checkbox(
        t("forms.required"),
        bool(one.get("required")),
        key=f"{key}-required",
        on_change=put("required"),
    )
    st.checkbox(
        t("forms.critical"),
        bool(one.get("critical")),
        key=f"{key}-critical",
        on_change=put("critical"),
        help=t("forms.critical_help"),
    )
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
    away = lambda: change(lambda data: drawn_boxes.remove_box(data, at), moves=True)  # noqa: E731
    st.button(t("forms.remove_box"), key=f"{key}-away", on_click=away, icon=":material/delete:")
