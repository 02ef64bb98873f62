"""Editor of one box of a form printed elsewhere: its label, field type, place and meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pipeline.domain.form.field import Meaning
from pipeline.forms.field_types import FIELD_TYPE_TRAITS, FieldType
from pipeline.preparation.form_editor import drawn_boxes
from pipeline.preparation.form_editor.drafts import YamlData
from ui.i18n import t
from ui.screens.forms.field_editor import cells_input, meaning_input, requirement_inputs

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


def label_key(key: str) -> str:
    """Return the widget key of the label in an editor of this key."""
    return f"{key}-label"


def box_editor(key: str, box: YamlData, change: Callable[..., None]) -> None:
    """Show what a box is: label, type and what that needs, place, meaning.

    Every change of a proposal accepts it.
    """
    box_id = int(box["id"])

    def saver(name: str) -> Callable[[], None]:
        def save() -> None:
            value = st.session_state[f"{key}-{name}"]
            plain = value.value if isinstance(value, FieldType) else value
            # A meaning brings other facts with it, which new widgets show.
            change(
                lambda data: drawn_boxes.replace_box(data, box_id, **{name: plain}),
                moves=name == "means",
            )

        return save

    field_type = FieldType(box.get("sort") or FieldType.TEXT)
    st.text_input(
        t("forms.label"),
        box.get("label") or "",
        key=label_key(key),
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
    _role_inputs(key, box, saver)
    with st.expander(t("forms.place"), key=f"{key}-place"):
        _place_inputs(key, box_id, box, change)


def _role_inputs(key: str, box: dict[str, Any], saver: Callable[[str], Callable[[], None]]) -> None:
    """Show whether the box is in each row, required and critical, and its meaning."""
    st.checkbox(
        t("forms.each_row"),
        bool(box.get("each_row")),
        key=f"{key}-each_row",
        on_change=saver("each_row"),
        help=t("forms.each_row_help"),
    )
    requirement_inputs(key, box, saver)
    meaning_input(key, box, saver, _MEANINGS)


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
    elif FIELD_TYPE_TRAITS[field_type].cells:
        cells_input(key, box, saver)
    elif field_type is FieldType.LINES:
        lines = int(box.get("lines") or max(1, round(box["box"][3] / drawn_boxes.LINE_HEIGHT_MM)))
        st.number_input(
            t("forms.lines"), 1, 40, lines, key=f"{key}-lines", on_change=saver("lines"), width=160
        )


def _place_inputs(key: str, box_id: int, box: dict[str, Any], change: Callable[..., None]) -> None:
    """Show the place and size of a box, mm."""

    def save() -> None:
        sides = [round(float(st.session_state[f"{key}-{side}"]), 1) for side in _BOX_SIDES]
        change(lambda data: drawn_boxes.replace_box(data, box_id, box=sides))

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
