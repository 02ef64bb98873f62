"""A draft of sections and rows: the sections at the left, one open at a time, and the page as it will print at the right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from pipeline.making import outline_edits
from pipeline.making.draft_form import Checked, Where, checked, where
from pipeline.making.drafts import Data, Draft
from pipeline.making.outline_edits import items, sections
from pipeline.model import Person
from pipeline.outline import Standard
from pipeline.template import Area
from ui.components import form_desk
from ui.components.draft_head import draft_head
from ui.components.form_faults import fault_words
from ui.components.form_pictures import form_pictures
from ui.components.item_editor import item_editor
from ui.site import Site
from ui.text import t

_OPEN = "forms_section"
_OWN, _TABLE, _NEXT = "own", "table", "next"


def outline_editor(here: Site, person: Person, draft: Draft) -> None:
    """The editor."""
    found = checked(draft)
    words: dict[Where, list[str]] = {}
    for fault in found.faults:
        words.setdefault(where(draft, fault), []).append(fault_words(draft, fault))
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        draft_head(here, person, draft)
        _sections(here, person, draft, words)
    with right:
        _preview(found, words)


def _sections(here: Site, person: Person, draft: Draft, words: Mapping[Where, list[str]]) -> None:
    every, turn = sections(draft.data), form_desk.turn()
    change = partial(form_desk.changed, here, person, draft.id, turn)
    st.subheader(t("forms.sections"), anchor=False)
    chosen = min(int(st.session_state.get(_OPEN, 0)), max(0, len(every) - 1))
    if every:
        names = [f"{number}. {_name(draft, section)}" for number, section in enumerate(every, start=1)]
        wrong = {at.section for at in words}
        key = f"forms_sections-{draft.id}-{turn}"
        shown = st.radio(
            t("forms.open"),
            range(len(every)),
            chosen,
            format_func=lambda at: names[at] + (f" – {t('forms.has_faults')}" if at in wrong else ""),
            key=key,
            on_change=lambda: st.session_state.update({_OPEN: st.session_state[key]}),
        )
        with st.container(border=True):
            _section(draft, int(shown), every[int(shown)], words, change)
    _add(draft, chosen, change)


def _name(draft: Draft, section: Data) -> str:
    if section.get("page"):
        return t("forms.section.next")
    if use := section.get("use"):
        title = section.get("title") or t(f"forms.section.{use}", who=_who(draft))
        return f"{title} ({t('forms.standard')})"
    return str(section.get("title") or t("forms.untitled"))


def _who(draft: Draft) -> str:
    return "Patient" if draft.data.get("area") == Area.HSL.value else "Klient"


def _section(draft: Draft, at: int, section: Data, words: Mapping[Where, list[str]], change: Callable[..., None]) -> None:
    key = f"forms-{draft.id}-{form_desk.turn()}-{at}"

    def put(name: str) -> Callable[[], None]:
        return lambda: change(lambda data: outline_edits.with_section(data, at, sections(data)[at] | {name: st.session_state[f"{key}-{name}"]}))

    for text in words.get(Where(at), []):
        st.error(text, icon=":material/error:")
    if not section.get("page"):
        title = section.get("title") or ""
        st.text_input(t("forms.section_title"), title, key=f"{key}-title", on_change=put("title"), placeholder=_placeholder(section), max_chars=80)
        st.text_input(t("forms.section_text"), section.get("text") or "", key=f"{key}-text", on_change=put("text"), max_chars=400)
        if section.get("use"):
            st.caption(t(f"forms.standard_what.{section['use']}"))
        if table := section.get("table"):
            _table(key, at, table, change)
        if repeat := section.get("repeat"):
            st.caption(t("forms.repeated", count=repeat.get("count"), label=repeat.get("label")))
        found = items(section)
        for place, item in enumerate(found):
            item_editor(f"{key}-{place}", at, place, item, change, last=place == len(found) - 1)
            for text in words.get(Where(at, place), []):
                st.error(text, icon=":material/error:")
        add = lambda: change(lambda data: outline_edits.with_new_item(data, at, t("forms.new_field")), moves=True)  # noqa: E731
        st.button(t("forms.add_field"), key=f"{key}-add", on_click=add, icon=":material/add:")
    _section_moves(key, at, len(sections(draft.data)), change)


def _placeholder(section: Data) -> str | None:
    return t("forms.title_as_usual") if section.get("use") else None


def _table(key: str, at: int, table: Data, change: Callable[..., None]) -> None:
    count = 0 if table.get("count") == "fill" else int(table.get("count") or 0)

    def kept() -> None:
        rows = int(st.session_state[f"{key}-rows"])
        change(lambda data: outline_edits.with_section(data, at, sections(data)[at] | {"table": dict(table) | {"count": rows or "fill"}}))

    st.number_input(t("forms.rows"), 0, 60, count, key=f"{key}-rows", on_change=kept, width=220, help=t("forms.rows_help"))


def _section_moves(key: str, at: int, count: int, change: Callable[..., None]) -> None:
    def moved(by: int) -> None:
        st.session_state[_OPEN] = at + by
        change(lambda data: outline_edits.with_moved_section(data, at, by), moves=True)

    with st.container(horizontal=True):
        st.button(t("forms.section_up"), key=f"{key}-up", on_click=moved, args=(-1,), disabled=at == 0, icon=":material/arrow_upward:")
        st.button(t("forms.section_down"), key=f"{key}-down", on_click=moved, args=(1,), disabled=at == count - 1, icon=":material/arrow_downward:")
        away = lambda: change(lambda data: outline_edits.without_section(data, at), moves=True)  # noqa: E731
        st.button(t("forms.section_away"), key=f"{key}-away", on_click=away, icon=":material/delete:")


def _add(draft: Draft, after: int, change: Callable[..., None]) -> None:
    choices = (_OWN, *(one.value for one in Standard), _TABLE, _NEXT)
    key = f"forms_add-{draft.id}-{form_desk.turn()}"

    def added() -> None:
        chosen = str(st.session_state[key])
        st.session_state[_OPEN] = after + 1
        change(lambda data: outline_edits.with_new_section(data, after, _new(chosen)), moves=True)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(t("forms.add_what"), choices, format_func=lambda one: t(f"forms.section.{one}", who=_who(draft)), key=key, width=360)
        st.button(t("forms.add_section"), key=f"{key}-do", on_click=added, icon=":material/add:")


def _new(chosen: str) -> Data:
    if chosen == _NEXT:
        return {"page": "next"}
    field = {"label": t("forms.new_field"), "kind": "text"}
    if chosen == _OWN:
        return {"title": t("forms.new_section"), "rows": [[field]]}
    if chosen == _TABLE:
        day = {"label": t("forms.new_day"), "kind": "digits", "format": "date", "required": True, "means": "event_date"}
        return {"title": t("forms.new_section"), "table": {"prefix": "rad", "count": "fill"}, "rows": [[day, field]]}
    return {"use": chosen}


def _preview(found: Checked, words: Mapping[Where, list[str]]) -> None:
    st.subheader(t("forms.preview"), anchor=False)
    for text in words.get(Where(), []):
        st.error(text, icon=":material/error:")
    if any(at != Where() for at in words):
        st.warning(t("forms.faults_at_left", count=sum(len(texts) for at, texts in words.items() if at != Where())), icon=":material/error:")
    if found.form is not None:
        st.caption(t("forms.pages_of", count=len(found.form.pages)))
        form_pictures(found.form, numbers=True)
    else:
        st.info(t("forms.no_preview"), icon=":material/info:")
