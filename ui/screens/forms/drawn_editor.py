"""Editor of a draft on the template image of a form printed elsewhere.

Boxes are drawn on the page or entered in millimetres, and each gets its field type.
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
from pipeline.preparation.form_editor.drafts import Draft, YamlData
from pipeline.preparation.form_editor.drawn_boxes import BLANK_IMAGE_FILE, list_boxes
from pipeline.preparation.form_editor.previews import render_blank_for_screen
from ui.browser.box_drawing import BoxRectangle, DrawingPage, box_drawing
from ui.i18n import t
from ui.markdown import plain_with_code
from ui.screens.forms import state
from ui.screens.forms.draft_header import draft_header
from ui.screens.forms.problems import problem_text
from ui.workspace import AppContext

_OPEN_BOX_KEY = "forms_box"
_FIELD_TYPES: list[FieldType] = [
    field_type
    for field_type in FieldType
    if field_type not in (FieldType.CHOICE, FieldType.WORDS, FieldType.PRINTED)
]
_MEANINGS = (
    "",
    *(
        meaning.value
        for meaning in Meaning
        if meaning not in (Meaning.CLIENT_PRINTED, Meaning.UNIT)
    ),
)
_BOX_SIDES = ("x", "y", "width", "height")
_NEW_BOX_MM = (20.0, 40.0, 60.0, 8.0)
"""First place of a box that is added without drawing, mm."""


def drawn_editor(context: AppContext, person: Person, draft: Draft) -> None:
    """Show the editor: the page with its boxes on the left, the chosen box on the right."""
    boxes, version = list_boxes(draft.data), state.editor_version()
    change = partial(state.apply_draft_change, context, person, draft.id, version)
    chosen = min(int(st.session_state.get(_OPEN_BOX_KEY, 0)), len(boxes) - 1)

    def add(box: BoxRectangle) -> None:
        # A new box moves no other, so it may be drawn whatever has changed meanwhile.
        st.session_state[_OPEN_BOX_KEY] = len(boxes)
        edit = partial(drawn_boxes.add_box, box=box, label=t("forms.new_field"))
        state.apply_draft_change(
            context, person, draft.id, state.editor_version(), edit, moves=True
        )

    left, right = st.columns([1.15, 1], gap="large")
    with left:
        _drawing(draft, boxes, chosen, add)
    with right:
        draft_header(context, person, draft)
        for problem in check_draft(draft).problems:
            st.error(plain_with_code(problem_text(draft, problem)), icon=":material/error:")
        st.subheader(t("forms.boxes"), anchor=False)
        st.button(
            t("forms.add_box"),
            key="forms_add_box",
            on_click=add,
            args=(_NEW_BOX_MM,),
            icon=":material/add:",
            help=t("forms.add_box_help"),
        )
        if any(box.get("each_row") for box in boxes):
            _rows_editor(f"forms_rows-{draft.id}-{version}", draft, change)
        if boxes:
            _chosen_box_editor(f"forms_box-{draft.id}-{version}", boxes, chosen, change)


def _drawing(
    draft: Draft, boxes: list[YamlData], chosen: int, on_drawn: Callable[[BoxRectangle], None]
) -> None:
    """Show the page; a click on a box that repeats in each row chooses the box that it repeats."""
    size = (float(draft.data["size"][0]), float(draft.data["size"][1]))
    picture = _screen_image(draft.id, str(draft.folder / BLANK_IMAGE_FILE))
    row_boxes = drawn_boxes.list_row_boxes(draft.data)
    owners = [*range(len(boxes)), *(index for index, _ in row_boxes)]
    shapes = [*(box["box"] for box in boxes), *(shape for _, shape in row_boxes)]
    box_drawing(
        DrawingPage(draft.id, picture, size, shapes, chosen),
        on_drawn,
        lambda index: _choose_box(owners[index]),
    )


def _chosen_box_editor(
    key: str, boxes: list[YamlData], chosen: int, change: Callable[..., None]
) -> None:
    """Show the choice of a box, and the editor of the chosen one."""

    def save_choice() -> None:
        st.session_state[_OPEN_BOX_KEY] = st.session_state[key]

    names = [f"{number} {box.get('label') or ''}" for number, box in enumerate(boxes, start=1)]
    index = st.selectbox(
        t("forms.box"),
        range(len(boxes)),
        chosen,
        format_func=names.__getitem__,
        key=key,
        on_change=save_choice,
    )
    with st.container(border=True):
        _box_editor(f"{key}-{index}", int(index), boxes[int(index)], change)


def _rows_editor(key: str, draft: Draft, change: Callable[..., None]) -> None:
    """Show how many rows the table has, and how far they are from each other (mm)."""

    def save() -> None:
        count = int(st.session_state[f"{key}-count"])
        height = float(st.session_state[f"{key}-apart"])
        change(lambda data: drawn_boxes.set_rows(data, count, height))

    count, height = drawn_boxes.table_rows(draft.data)
    with st.container(horizontal=True):
        st.number_input(
            t("forms.rows_count"),
            2,
            60,
            max(2, min(60, count)),
            key=f"{key}-count",
            on_change=save,
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
            on_change=save,
            width=200,
        )


@st.cache_data(max_entries=10, show_spinner=False)
def _screen_image(draft_id: str, path: str) -> bytes:
    del draft_id
    return render_blank_for_screen(Path(path).read_bytes())


def _choose_box(index: int) -> None:
    st.session_state[_OPEN_BOX_KEY] = index
    state.renew_editor()


def _box_editor(key: str, index: int, box: dict[str, Any], change: Callable[..., None]) -> None:
    """Show what a box is: label, type and what that needs, place, meaning."""

    def saver(name: str) -> Callable[[], None]:
        def save() -> None:
            value = st.session_state[f"{key}-{name}"]
            change(
                lambda data: drawn_boxes.replace_box(
                    data, index, **{name: value.value if isinstance(value, FieldType) else value}
                )
            )

        return save

    def remove() -> None:
        change(lambda data: drawn_boxes.remove_box(data, index), moves=True)

    field_type = FieldType(box.get("sort") or FieldType.TEXT)
    st.text_input(
        t("forms.label"),
        box.get("label") or "",
        key=f"{key}-label",
        on_change=saver("label"),
        max_chars=80,
    )
    st.selectbox(
        t("forms.sort"),
        _FIELD_TYPES,
        _FIELD_TYPES.index(field_type),
        format_func=lambda option: t(f"forms.sort.{option.value}"),
        key=f"{key}-sort",
        on_change=saver("sort"),
    )
    _type_inputs(key, field_type, box, saver)
    _place_inputs(key, index, box, change)
    _role_inputs(key, box, saver)
    st.button(t("forms.remove_box"), key=f"{key}-away", on_click=remove, icon=":material/delete:")


def _role_inputs(key: str, box: dict[str, Any], saver: Callable[[str], Callable[[], None]]) -> None:
    """Show whether the box is in each row, required and critical, and its meaning."""
    st.checkbox(
        t("forms.each_row"),
        bool(box.get("each_row")),
        key=f"{key}-each_row",
        on_change=saver("each_row"),
        help=t("forms.each_row_help"),
    )
    st.checkbox(
        t("forms.required"),
        bool(box.get("required")),
        key=f"{key}-required",
        on_change=saver("required"),
    )
    st.checkbox(
        t("forms.critical"),
        bool(box.get("critical")),
        key=f"{key}-critical",
        on_change=saver("critical"),
        help=t("forms.critical_help"),
    )
    means = str(box.get("means") or "")
    st.selectbox(
        t("forms.means"),
        _MEANINGS,
        _MEANINGS.index(means) if means in _MEANINGS else 0,
        format_func=lambda meaning: (
            t(f"forms.means.{meaning}") if meaning else t("forms.means_nothing")
        ),
        key=f"{key}-means",
        on_change=saver("means"),
        help=t("forms.means_help"),
    )


def _type_inputs(
    key: str,
    field_type: FieldType,
    box: dict[str, Any],
    saver: Callable[[str], Callable[[], None]],
) -> None:
    """Show what a field type needs."""
    if field_type is FieldType.MARK:
        st.text_input(
            t("forms.choice"),
            box.get("choice") or "",
            key=f"{key}-choice",
            on_change=saver("choice"),
            help=t("forms.choice_help"),
        )
    elif field_type in (FieldType.NUMBER, FieldType.CODE, FieldType.LETTERS):
        st.number_input(
            t("forms.cells"),
            1,
            30,
            int(box.get("cells") or 4),
            key=f"{key}-cells",
            on_change=saver("cells"),
            width=160,
        )
    elif field_type is FieldType.LINES:
        lines = int(box.get("lines") or max(1, round(box["box"][3] / drawn_boxes.LINE_HEIGHT_MM)))
        st.number_input(
            t("forms.lines"), 1, 40, lines, key=f"{key}-lines", on_change=saver("lines"), width=160
        )


def _place_inputs(key: str, index: int, box: dict[str, Any], change: Callable[..., None]) -> None:
    """Show the place and size of a box, mm."""

    def save() -> None:
        sides = [round(float(st.session_state[f"{key}-{side}"]), 1) for side in _BOX_SIDES]
        change(lambda data: drawn_boxes.replace_box(data, index, box=sides))

    with st.container(horizontal=True):
        for side, value in zip(_BOX_SIDES, box["box"], strict=True):
            st.number_input(
                t(f"forms.mm.{side}"),
                0.0,
                450.0,
                float(value),
                0.5,
                format="%.1f",
                key=f"{key}-{side}",
                on_change=save,
                width=120,
            )
