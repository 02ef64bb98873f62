"""One field of a section, on a line: its label, its sort and what that needs; the rest under Mer.
Each change is kept at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pipeline.domain.form.field import Meaning
from pipeline.forms.field_types import FieldType, change_field_type, find_field_type
from pipeline.preparation.form_editor import outline_edits
from pipeline.preparation.form_editor.drafts import YamlData
from pipeline.preparation.form_editor.outline_edits import OutlineItem, list_items, list_sections
from ui.i18n import t

ChangeDraft = Callable[..., None]
"""Keeps a change of the draft: `change(edit, moves=False)`."""

_CELL_TYPES = (FieldType.NUMBER, FieldType.CODE, FieldType.LETTERS)
_WIDTH_TYPES = (
    FieldType.TEXT,
    FieldType.PHONE,
    FieldType.AMOUNT,
    FieldType.DOSE,
    FieldType.BLOOD_PRESSURE,
    FieldType.SIGNATURE,
    FieldType.INITIALS,
)
_MEANINGS = ("", *(one.value for one in Meaning if one is not Meaning.CLIENT_PRINTED))
_FILL_WIDTH = 0


def field_editor(
    key: str, at: int, place: int, item: OutlineItem, change: ChangeDraft, *, last: bool
) -> None:
    """The line of a field or of printed words. `key` begins the keys of its widgets; `at` is its
    section, `place` its place there.
    """
    sort = (
        FieldType.WORDS
        if item.is_words
        else find_field_type(str(item.data.get("kind") or "text"), item.data.get("format"))
    )
    label, kind, more = st.columns([4, 3, 1.3], vertical_alignment="bottom")

    def put(name: str, turn: Callable[[Any], Any] = lambda value: value) -> Callable[[], None]:
        """Keep what a widget holds as a fact of the field."""

        def kept() -> None:
            value = turn(st.session_state[f"{key}-{name}"])
            change(lambda data: _with_facts(data, at, place, {name: value}))

        return kept

    text = "text" if item.is_words else "label"
    label.text_input(
        t("forms.label"),
        str(item.data.get(text) or ""),
        key=f"{key}-{text}",
        on_change=put(text),
        max_chars=300,
    )
    kind.selectbox(
        t("forms.sort"),
        list(FieldType),
        list(FieldType).index(sort),
        format_func=lambda one: t(f"forms.sort.{one.value}"),
        key=f"{key}-sort",
        on_change=lambda: change(
            lambda data: _with_field_type(
                data, at, place, FieldType(st.session_state[f"{key}-sort"])
            ),
            moves=True,
        ),
    )
    _required_inputs(key, item.data, sort, put)
    with more.popover(t("forms.more"), width="stretch"):
        if not item.is_words:
            _more_inputs(
                key,
                item,
                sort,
                place,
                put,
                lambda beside: change(lambda data: _with_beside(data, at, place, beside)),
            )
        _move_buttons(key, at, place, change, last=last)


def _required_inputs(
    key: str,
    what: Mapping[str, Any],
    field_type: FieldType,
    on_change: Callable[..., Callable[[], None]],
) -> None:
    """What a sort cannot be without."""
    if field_type is FieldType.CHOICE:
        known = what.get("options") or []
        shown = "; ".join(str(one.get("label")) for one in known)
        st.text_input(
            t("forms.options"),
            shown,
            key=f"{key}-options",
            on_change=on_change("options", lambda text: outline_edits.parse_options(text, known)),
        )
    elif field_type in _CELL_TYPES:
        st.number_input(
            t("forms.cells"),
            1,
            30,
            int(what.get("cells") or 4),
            key=f"{key}-cells",
            on_change=on_change("cells"),
            width=160,
        )
    elif field_type is FieldType.LINES:
        lines = what.get("lines")
        count = _FILL_WIDTH if lines == "fill" else int(lines or 3)
        keep = on_change("lines", lambda value: "fill" if value == _FILL_WIDTH else value)
        st.number_input(
            t("forms.lines_fill"),
            0,
            30,
            count,
            key=f"{key}-lines",
            on_change=keep,
            width=160,
            help=t("forms.lines_help"),
        )


def _more_inputs(
    key: str,
    item: OutlineItem,
    field_type: FieldType,
    place: int,
    on_change: Callable[..., Callable[[], None]],
    set_beside: Callable[[bool], None],
) -> None:
    what = item.data
    st.checkbox(
        t("forms.required"),
        bool(what.get("required")),
        key=f"{key}-required",
        on_change=on_change("required"),
    )
    st.checkbox(
        t("forms.critical"),
        bool(what.get("critical")),
        key=f"{key}-critical",
        on_change=on_change("critical"),
        help=t("forms.critical_help"),
    )
    if place:
        st.checkbox(
            t("forms.beside"),
            item.is_beside_previous,
            key=f"{key}-beside",
            on_change=lambda: set_beside(bool(st.session_state[f"{key}-beside"])),
        )
    st.text_input(
        t("forms.hint"),
        str(what.get("hint") or ""),
        key=f"{key}-hint",
        on_change=on_change("hint"),
        max_chars=60,
    )
    if field_type is FieldType.NUMBER:
        st.number_input(
            t("forms.decimals"),
            0,
            3,
            int(what.get("decimals") or 0),
            key=f"{key}-decimals",
            on_change=on_change("decimals"),
        )
        st.text_input(
            t("forms.measure"),
            str(what.get("measure") or ""),
            key=f"{key}-measure",
            on_change=on_change("measure"),
            max_chars=12,
        )
    if field_type in _WIDTH_TYPES:
        keep = on_change("width", lambda value: value or None)
        st.number_input(
            t("forms.width"),
            0.0,
            180.0,
            float(what.get("width") or 0),
            1.0,
            key=f"{key}-width",
            on_change=keep,
            help=t("forms.width_help"),
        )
    st.selectbox(
        t("forms.means"),
        _MEANINGS,
        _MEANINGS.index(str(what.get("means") or ""))
        if str(what.get("means") or "") in _MEANINGS
        else 0,
        format_func=lambda one: t(f"forms.means.{one}") if one else t("forms.means_nothing"),
        key=f"{key}-means",
        on_change=on_change("means"),
        help=t("forms.means_help"),
    )


def _move_buttons(key: str, at: int, place: int, change: ChangeDraft, *, last: bool) -> None:
    with st.container(horizontal=True):
        up = lambda: change(lambda data: outline_edits.move_item(data, at, place, -1), moves=True)  # noqa: E731
        down = lambda: change(lambda data: outline_edits.move_item(data, at, place, 1), moves=True)  # noqa: E731
        away = lambda: change(lambda data: outline_edits.remove_item(data, at, place), moves=True)  # noqa: E731
        st.button(
            t("forms.up"),
            key=f"{key}-up",
            on_click=up,
            disabled=place == 0,
            icon=":material/arrow_upward:",
        )
        st.button(
            t("forms.down"),
            key=f"{key}-down",
            on_click=down,
            disabled=last,
            icon=":material/arrow_downward:",
        )
        st.button(t("forms.remove"), key=f"{key}-away", on_click=away, icon=":material/delete:")


def _with_facts(data: YamlData, at: int, place: int, facts: Mapping[str, Any]) -> YamlData:
    item = list_items(list_sections(data)[at])[place]
    what = {
        key: value
        for key, value in {**item.data, **facts}.items()
        if value not in ("", None, False, []) or key in ("label", "text", "name")
    }
    return outline_edits.replace_item(data, at, place, replace(item, data=what))


def _with_field_type(data: YamlData, at: int, place: int, field_type: FieldType) -> YamlData:
    item = list_items(list_sections(data)[at])[place]
    return outline_edits.replace_item(
        data, at, place, replace(item, data=change_field_type(item.data, field_type))
    )


def _with_beside(data: YamlData, at: int, place: int, beside: bool) -> YamlData:
    return outline_edits.replace_item(
        data,
        at,
        place,
        replace(list_items(list_sections(data)[at])[place], is_beside_previous=beside),
    )
