"""One field of a section, on a line: its label, its sort and what that needs; the rest under Mer. Each change is kept at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pipeline.field_spec import Meaning
from pipeline.making import outline_edits
from pipeline.making.drafts import Data
from pipeline.making.field_sorts import Sort, sort_of, turned_into
from pipeline.making.outline_edits import Item, items, sections
from ui.text import t

Change = Callable[..., None]
"""Keeps a change of the draft: `change(edit, moves=False)`."""

_CELLS = (Sort.NUMBER, Sort.CODE, Sort.LETTERS)
_WIDTH = (Sort.TEXT, Sort.PHONE, Sort.AMOUNT, Sort.DOSE, Sort.BLOOD_PRESSURE, Sort.SIGNATURE, Sort.INITIALS)
_MEANINGS = ("", *(one.value for one in Meaning if one is not Meaning.CLIENT_PRINTED))
_FILL = 0


def item_editor(key: str, at: int, place: int, item: Item, change: Change, *, last: bool) -> None:
    """The line of a field or of printed words. `key` begins the keys of its widgets; `at` is its section, `place` its place there."""
    sort = Sort.WORDS if item.is_words else sort_of(str(item.what.get("kind") or "text"), item.what.get("format"))
    label, kind, more = st.columns([4, 3, 1.3], vertical_alignment="bottom")

    def put(name: str, turn: Callable[[Any], Any] = lambda value: value) -> Callable[[], None]:
        """Keep what a widget holds as a fact of the field."""

        def kept() -> None:
            value = turn(st.session_state[f"{key}-{name}"])
            change(lambda data: _with(data, at, place, {name: value}))

        return kept

    text = "text" if item.is_words else "label"
    label.text_input(t("forms.label"), str(item.what.get(text) or ""), key=f"{key}-{text}", on_change=put(text), max_chars=300)
    kind.selectbox(
        t("forms.sort"),
        list(Sort),
        list(Sort).index(sort),
        format_func=lambda one: t(f"forms.sort.{one.value}"),
        key=f"{key}-sort",
        on_change=lambda: change(lambda data: _as_sort(data, at, place, Sort(st.session_state[f"{key}-sort"])), moves=True),
    )
    _needs(key, item.what, sort, put)
    with more.popover(t("forms.more"), width="stretch"):
        if not item.is_words:
            _more(key, item, sort, place, put, lambda beside: change(lambda data: _beside(data, at, place, beside)))
        _moves(key, at, place, change, last=last)


def _needs(key: str, what: Mapping[str, Any], sort: Sort, put: Callable[..., Callable[[], None]]) -> None:
    """What a sort cannot be without."""
    if sort is Sort.CHOICE:
        known = what.get("options") or []
        shown = "; ".join(str(one.get("label")) for one in known)
        st.text_input(t("forms.options"), shown, key=f"{key}-options", on_change=put("options", lambda text: outline_edits.options_of(text, known)))
    elif sort in _CELLS:
        st.number_input(t("forms.cells"), 1, 30, int(what.get("cells") or 4), key=f"{key}-cells", on_change=put("cells"), width=160)
    elif sort is Sort.LINES:
        lines = what.get("lines")
        count = _FILL if lines == "fill" else int(lines or 3)
        keep = put("lines", lambda value: "fill" if value == _FILL else value)
        st.number_input(t("forms.lines_fill"), 0, 30, count, key=f"{key}-lines", on_change=keep, width=160, help=t("forms.lines_help"))


def _more(key: str, item: Item, sort: Sort, place: int, put: Callable[..., Callable[[], None]], set_beside: Callable[[bool], None]) -> None:
    what = item.what
    st.checkbox(t("forms.required"), bool(what.get("required")), key=f"{key}-required", on_change=put("required"))
    st.checkbox(t("forms.critical"), bool(what.get("critical")), key=f"{key}-critical", on_change=put("critical"), help=t("forms.critical_help"))
    if place:
        st.checkbox(t("forms.beside"), item.beside, key=f"{key}-beside", on_change=lambda: set_beside(bool(st.session_state[f"{key}-beside"])))
    st.text_input(t("forms.hint"), str(what.get("hint") or ""), key=f"{key}-hint", on_change=put("hint"), max_chars=60)
    if sort is Sort.NUMBER:
        st.number_input(t("forms.decimals"), 0, 3, int(what.get("decimals") or 0), key=f"{key}-decimals", on_change=put("decimals"))
        st.text_input(t("forms.measure"), str(what.get("measure") or ""), key=f"{key}-measure", on_change=put("measure"), max_chars=12)
    if sort in _WIDTH:
        keep = put("width", lambda value: value or None)
        st.number_input(
            t("forms.width"), 0.0, 180.0, float(what.get("width") or 0), 1.0, key=f"{key}-width", on_change=keep, help=t("forms.width_help")
        )
    st.selectbox(
        t("forms.means"),
        _MEANINGS,
        _MEANINGS.index(str(what.get("means") or "")) if str(what.get("means") or "") in _MEANINGS else 0,
        format_func=lambda one: t(f"forms.means.{one}") if one else t("forms.means_nothing"),
        key=f"{key}-means",
        on_change=put("means"),
        help=t("forms.means_help"),
    )


def _moves(key: str, at: int, place: int, change: Change, *, last: bool) -> None:
    with st.container(horizontal=True):
        up = lambda: change(lambda data: outline_edits.with_moved_item(data, at, place, -1), moves=True)  # noqa: E731
        down = lambda: change(lambda data: outline_edits.with_moved_item(data, at, place, 1), moves=True)  # noqa: E731
        away = lambda: change(lambda data: outline_edits.without_item(data, at, place), moves=True)  # noqa: E731
        st.button(t("forms.up"), key=f"{key}-up", on_click=up, disabled=place == 0, icon=":material/arrow_upward:")
        st.button(t("forms.down"), key=f"{key}-down", on_click=down, disabled=last, icon=":material/arrow_downward:")
        st.button(t("forms.remove"), key=f"{key}-away", on_click=away, icon=":material/delete:")


def _with(data: Data, at: int, place: int, facts: Mapping[str, Any]) -> Data:
    item = items(sections(data)[at])[place]
    what = {key: value for key, value in {**item.what, **facts}.items() if value not in ("", None, False, []) or key in ("label", "text", "name")}
    return outline_edits.with_item(data, at, place, replace(item, what=what))


def _as_sort(data: Data, at: int, place: int, sort: Sort) -> Data:
    item = items(sections(data)[at])[place]
    return outline_edits.with_item(data, at, place, replace(item, what=turned_into(item.what, sort)))


def _beside(data: Data, at: int, place: int, beside: bool) -> Data:
    return outline_edits.with_item(data, at, place, replace(items(sections(data)[at])[place], beside=beside))
