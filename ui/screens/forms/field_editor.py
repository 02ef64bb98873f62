"""Editor of one field of a section, on a line: label, field type and what that needs.

The rest is under Mer. Each change is saved at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

from pipeline.domain.form.field import Meaning
from pipeline.forms.field_types import FieldType, change_field_type, find_field_type
from pipeline.preparation.form_editor import outline_edits
from pipeline.preparation.form_editor.drafts import YamlData
from pipeline.preparation.form_editor.outline_edits import OutlineItem, list_items, list_sections
from ui.i18n import t

Saver = Callable[..., Callable[[], None]]
"""Makes the callback that saves what a widget holds: `saver(name, convert)`."""
ChangeDraft = Callable[..., None]
"""Saves a change of the draft: `change(edit, moves=False)`."""

_CELL_TYPES = (FieldType.NUMBER, FieldType.CODE, FieldType.LETTERS)
_WIDTH_TYPES = (
    FieldType.TEXT,
    FieldType.DATE_LINE,
    FieldType.TIME_LINE,
    FieldType.PERSONAL_NUMBER_LINE,
    FieldType.PHONE,
    FieldType.AMOUNT,
    FieldType.DOSE,
    FieldType.BLOOD_PRESSURE,
    FieldType.SIGNATURE,
    FieldType.INITIALS,
)
_MEANINGS = ("", *(meaning.value for meaning in Meaning if meaning is not Meaning.CLIENT_PRINTED))
_FILL_LINES = 0
"""Number of lines that means: fill the page."""


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """Where an item is in the outline: indexes of its section and of the item in it."""

    section: int
    item: int
    is_last: bool


def widget_saver(key: str, save: Callable[[str, Any], None]) -> Saver:
    """Return what makes the callbacks of an editor; `save` gets a widget's name and its value.

    `key` begins the keys of the widgets; their names follow.
    """

    def saver(name: str, convert: Callable[[Any], Any] = lambda value: value) -> Callable[[], None]:
        # Read in the callback: when the widget is drawn its new value is not there yet.
        return lambda: save(name, convert(st.session_state[f"{key}-{name}"]))

    return saver


def field_editor(key: str, place: ItemPlace, item: OutlineItem, change: ChangeDraft) -> None:
    """Show the line of a field or of printed words; `key` begins the keys of its widgets."""
    field_type = (
        FieldType.WORDS
        if item.is_words
        else find_field_type(str(item.data.get("kind") or "text"), item.data.get("format"))
    )
    label, kind, more = st.columns([4, 3, 1.3], vertical_alignment="bottom")

    saver = widget_saver(
        key,
        lambda name, value: change(lambda data: _with_properties(data, place, {name: value})),
    )
    text_name = "text" if item.is_words else "label"
    label.text_input(
        t("forms.label"),
        str(item.data.get(text_name) or ""),
        key=f"{key}-{text_name}",
        on_change=saver(text_name),
        max_chars=300,
    )
    kind.selectbox(
        t("forms.sort"),
        list(FieldType),
        list(FieldType).index(field_type),
        format_func=lambda option: t(f"forms.sort.{option.value}"),
        key=f"{key}-sort",
        on_change=lambda: change(
            lambda data: _with_field_type(data, place, FieldType(st.session_state[f"{key}-sort"])),
            moves=True,
        ),
    )
    _required_inputs(key, item.data, field_type, saver)
    with more.popover(t("forms.more"), width="stretch"):
        if not item.is_words:
            requirement_inputs(key, item.data, saver)
            if place.item:
                _beside_input(key, place, item, change)
            _more_inputs(key, item.data, field_type, saver)
        move_buttons(
            key,
            ("forms.up", "forms.down", "forms.remove"),
            (place.item == 0, place.is_last),
            lambda by: change(
                lambda data: outline_edits.move_item(data, place.section, place.item, by),
                moves=True,
            ),
            lambda: change(
                lambda data: outline_edits.remove_item(data, place.section, place.item), moves=True
            ),
        )


def _required_inputs(
    key: str,
    properties: Mapping[str, Any],
    field_type: FieldType,
    saver: Saver,
) -> None:
    """Show what a field type cannot be without."""
    if field_type is FieldType.CHOICE:
        options = properties.get("options") or []
        option_text = "; ".join(str(option.get("label")) for option in options)
        st.text_input(
            t("forms.options"),
            option_text,
            key=f"{key}-options",
            on_change=saver("options", lambda text: outline_edits.parse_options(text, options)),
        )
    elif field_type in _CELL_TYPES:
        cells_input(key, properties, saver)
    elif field_type is FieldType.LINES:
        lines = properties.get("lines")
        count = _FILL_LINES if lines == "fill" else int(lines or 3)
        save = saver("lines", lambda value: "fill" if value == _FILL_LINES else value)
        st.number_input(
            t("forms.lines_fill"),
            0,
            30,
            count,
            key=f"{key}-lines",
            on_change=save,
            width=160,
            help=t("forms.lines_help"),
        )


def cells_input(key: str, properties: Mapping[str, Any], saver: Saver) -> None:
    """Show how many cells a row of boxes has."""
    st.number_input(
        t("forms.cells"),
        1,
        30,
        int(properties.get("cells") or 4),
        key=f"{key}-cells",
        on_change=saver("cells"),
        width=160,
    )


def requirement_inputs(key: str, properties: Mapping[str, Any], saver: Saver) -> None:
    """Show whether a field is required and critical."""
    st.checkbox(
        t("forms.required"),
        bool(properties.get("required")),
        key=f"{key}-required",
        on_change=saver("required"),
    )
    st.checkbox(
        t("forms.critical"),
        bool(properties.get("critical")),
        key=f"{key}-critical",
        on_change=saver("critical"),
        help=t("forms.critical_help"),
    )


def _beside_input(key: str, place: ItemPlace, item: OutlineItem, change: ChangeDraft) -> None:
    st.checkbox(
        t("forms.beside"),
        item.is_beside_previous,
        key=f"{key}-beside",
        on_change=lambda: change(
            partial(_with_beside, place=place, is_beside=bool(st.session_state[f"{key}-beside"]))
        ),
    )


def _more_inputs(
    key: str,
    properties: Mapping[str, Any],
    field_type: FieldType,
    saver: Saver,
) -> None:
    st.text_input(
        t("forms.hint"),
        str(properties.get("hint") or ""),
        key=f"{key}-hint",
        on_change=saver("hint"),
        max_chars=60,
    )
    if field_type is FieldType.NUMBER:
        st.number_input(
            t("forms.decimals"),
            0,
            3,
            int(properties.get("decimals") or 0),
            key=f"{key}-decimals",
            on_change=saver("decimals"),
        )
        st.text_input(
            t("forms.measure"),
            str(properties.get("measure") or ""),
            key=f"{key}-measure",
            on_change=saver("measure"),
            max_chars=12,
        )
    if field_type in _WIDTH_TYPES:
        save = saver("width", lambda value: value or None)
        st.number_input(
            t("forms.width"),
            0.0,
            180.0,
            float(properties.get("width") or 0),
            1.0,
            key=f"{key}-width",
            on_change=save,
            help=t("forms.width_help"),
        )
    meaning_input(key, properties, saver, _MEANINGS)


def meaning_input(
    key: str,
    properties: Mapping[str, Any],
    saver: Saver,
    meanings: Sequence[str],
) -> None:
    """Show what a field means, one of `meanings` or nothing."""
    means = str(properties.get("means") or "")
    st.selectbox(
        t("forms.means"),
        meanings,
        meanings.index(means) if means in meanings else 0,
        format_func=lambda meaning: (
            t(f"forms.means.{meaning}") if meaning else t("forms.means_nothing")
        ),
        key=f"{key}-means",
        on_change=saver("means"),
        help=t("forms.means_help"),
    )


def move_buttons(
    key: str,
    texts: tuple[str, str, str],
    is_at_end: tuple[bool, bool],
    move: Callable[[int], None],
    remove: Callable[[], None],
) -> None:
    """Show what moves something up and down and removes it; `texts` are the keys of the words.

    Args:
        is_at_end: whether it is the first and the last.
        move: gets how many places to go down.
    """
    up, down, away = texts
    is_first, is_last = is_at_end
    with st.container(horizontal=True):
        st.button(
            t(up),
            key=f"{key}-up",
            on_click=move,
            args=(-1,),
            disabled=is_first,
            icon=":material/arrow_upward:",
        )
        st.button(
            t(down),
            key=f"{key}-down",
            on_click=move,
            args=(1,),
            disabled=is_last,
            icon=":material/arrow_downward:",
        )
        st.button(t(away), key=f"{key}-away", on_click=remove, icon=":material/delete:")


def _with_properties(data: YamlData, place: ItemPlace, properties: Mapping[str, Any]) -> YamlData:
    item = _item_at(data, place)
    # Empty properties are left out of the file, except those that every item has.
    merged = {
        key: value
        for key, value in {**item.data, **properties}.items()
        if value not in ("", None, False, []) or key in ("label", "text", "name")
    }
    return _replace_item(data, place, replace(item, data=merged))


def _with_field_type(data: YamlData, place: ItemPlace, field_type: FieldType) -> YamlData:
    item = _item_at(data, place)
    return _replace_item(data, place, replace(item, data=change_field_type(item.data, field_type)))


def _with_beside(data: YamlData, place: ItemPlace, is_beside: bool) -> YamlData:
    return _replace_item(data, place, replace(_item_at(data, place), is_beside_previous=is_beside))


def _item_at(data: YamlData, place: ItemPlace) -> OutlineItem:
    return list_items(list_sections(data)[place.section])[place.item]


def _replace_item(data: YamlData, place: ItemPlace, item: OutlineItem) -> YamlData:
    return outline_edits.replace_item(data, place.section, place.item, item)
