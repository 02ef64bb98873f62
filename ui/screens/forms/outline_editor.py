"""A draft of sections and rows: the sections at the left, one open at a time, and the page as it
will print at the right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from pipeline.domain.form.form import Area
from pipeline.domain.model import Person
from pipeline.forms.layout.outline import StandardSection
from pipeline.preparation.form_editor import outline_edits
from pipeline.preparation.form_editor.draft_form import (
    DraftCheck,
    DraftLocation,
    check_draft,
    locate_problem,
)
from pipeline.preparation.form_editor.drafts import Draft, YamlData
from pipeline.preparation.form_editor.outline_edits import list_items, list_sections
from ui.i18n import t
from ui.screens.forms import state
from ui.screens.forms.draft_header import draft_header
from ui.screens.forms.field_editor import field_editor
from ui.screens.forms.previews import form_images
from ui.screens.forms.problems import problem_text
from ui.workspace import AppContext

_OPEN_SECTION_KEY = "forms_section"
_CUSTOM_SECTION, _TABLE_SECTION, _NEXT_PAGE = "own", "table", "next"


def outline_editor(context: AppContext, person: Person, draft: Draft) -> None:
    """The editor."""
    found = check_draft(draft)
    words: dict[DraftLocation, list[str]] = {}
    for fault in found.problems:
        words.setdefault(locate_problem(draft, fault), []).append(problem_text(draft, fault))
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        draft_header(context, person, draft)
        _sections_editor(context, person, draft, words)
    with right:
        _page_preview(found, words)


def _sections_editor(
    context: AppContext, person: Person, draft: Draft, words: Mapping[DraftLocation, list[str]]
) -> None:
    every, turn = list_sections(draft.data), state.editor_version()
    change = partial(state.apply_draft_change, context, person, draft.id, turn)
    st.subheader(t("forms.sections"), anchor=False)
    chosen = min(int(st.session_state.get(_OPEN_SECTION_KEY, 0)), max(0, len(every) - 1))
    if every:
        names = [
            f"{number}. {_section_name(draft, section)}"
            for number, section in enumerate(every, start=1)
        ]
        wrong = {at.section for at in words}
        key = f"forms_sections-{draft.id}-{turn}"
        shown = st.radio(
            t("forms.open"),
            range(len(every)),
            chosen,
            format_func=lambda at: (
                names[at] + (f" – {t('forms.has_faults')}" if at in wrong else "")
            ),
            key=key,
            on_change=lambda: st.session_state.update({_OPEN_SECTION_KEY: st.session_state[key]}),
        )
        with st.container(border=True):
            _section_editor(draft, int(shown), every[int(shown)], words, change)
    _add_section_form(draft, chosen, change)


def _section_name(draft: Draft, section: YamlData) -> str:
    if section.get("page"):
        return t("forms.section.next")
    if use := section.get("use"):
        title = section.get("title") or t(f"forms.section.{use}", who=_subject_text(draft))
        return f"{title} ({t('forms.standard')})"
    return str(section.get("title") or t("forms.untitled"))


def _subject_text(draft: Draft) -> str:
    return "Patient" if draft.data.get("area") == Area.HSL.value else "Klient"


def _section_editor(
    draft: Draft,
    at: int,
    section: YamlData,
    words: Mapping[DraftLocation, list[str]],
    change: Callable[..., None],
) -> None:
    key = f"forms-{draft.id}-{state.editor_version()}-{at}"

    def put(name: str) -> Callable[[], None]:
        return lambda: change(
            lambda data: outline_edits.replace_section(
                data, at, list_sections(data)[at] | {name: st.session_state[f"{key}-{name}"]}
            )
        )

    for text in words.get(DraftLocation(at), []):
        st.error(text, icon=":material/error:")
    if not section.get("page"):
        title = section.get("title") or ""
        st.text_input(
            t("forms.section_title"),
            title,
            key=f"{key}-title",
            on_change=put("title"),
            placeholder=_section_placeholder(section),
            max_chars=80,
        )
        st.text_input(
            t("forms.section_text"),
            section.get("text") or "",
            key=f"{key}-text",
            on_change=put("text"),
            max_chars=400,
        )
        if section.get("use"):
            st.caption(t(f"forms.standard_what.{section['use']}"))
        if table := section.get("table"):
            _table_editor(key, at, table, change)
        if repeat := section.get("repeat"):
            st.caption(t("forms.repeated", count=repeat.get("count"), label=repeat.get("label")))
        found = list_items(section)
        for place, item in enumerate(found):
            field_editor(f"{key}-{place}", at, place, item, change, last=place == len(found) - 1)
            for text in words.get(DraftLocation(at, place), []):
                st.error(text, icon=":material/error:")
        add = lambda: change(
            lambda data: outline_edits.add_item(data, at, t("forms.new_field")), moves=True
        )  # noqa: E731
        st.button(t("forms.add_field"), key=f"{key}-add", on_click=add, icon=":material/add:")
    _section_move_buttons(key, at, len(list_sections(draft.data)), change)


def _section_placeholder(section: YamlData) -> str | None:
    return t("forms.title_as_usual") if section.get("use") else None


def _table_editor(key: str, at: int, table: YamlData, change: Callable[..., None]) -> None:
    count = 0 if table.get("count") == "fill" else int(table.get("count") or 0)

    def kept() -> None:
        rows = int(st.session_state[f"{key}-rows"])
        change(
            lambda data: outline_edits.replace_section(
                data,
                at,
                list_sections(data)[at] | {"table": dict(table) | {"count": rows or "fill"}},
            )
        )

    st.number_input(
        t("forms.rows"),
        0,
        60,
        count,
        key=f"{key}-rows",
        on_change=kept,
        width=220,
        help=t("forms.rows_help"),
    )


def _section_move_buttons(key: str, at: int, count: int, change: Callable[..., None]) -> None:
    def moved(by: int) -> None:
        st.session_state[_OPEN_SECTION_KEY] = at + by
        change(lambda data: outline_edits.move_section(data, at, by), moves=True)

    with st.container(horizontal=True):
        st.button(
            t("forms.section_up"),
            key=f"{key}-up",
            on_click=moved,
            args=(-1,),
            disabled=at == 0,
            icon=":material/arrow_upward:",
        )
        st.button(
            t("forms.section_down"),
            key=f"{key}-down",
            on_click=moved,
            args=(1,),
            disabled=at == count - 1,
            icon=":material/arrow_downward:",
        )
        away = lambda: change(lambda data: outline_edits.remove_section(data, at), moves=True)  # noqa: E731
        st.button(
            t("forms.section_away"), key=f"{key}-away", on_click=away, icon=":material/delete:"
        )


def _add_section_form(draft: Draft, after: int, change: Callable[..., None]) -> None:
    choices = (_CUSTOM_SECTION, *(one.value for one in StandardSection), _TABLE_SECTION, _NEXT_PAGE)
    key = f"forms_add-{draft.id}-{state.editor_version()}"

    def added() -> None:
        chosen = str(st.session_state[key])
        st.session_state[_OPEN_SECTION_KEY] = after + 1
        change(
            lambda data: outline_edits.add_section(data, after, _new_section(chosen)), moves=True
        )

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            t("forms.add_what"),
            choices,
            format_func=lambda one: t(f"forms.section.{one}", who=_subject_text(draft)),
            key=key,
            width=360,
        )
        st.button(t("forms.add_section"), key=f"{key}-do", on_click=added, icon=":material/add:")


def _new_section(chosen: str) -> YamlData:
    if chosen == _NEXT_PAGE:
        return {"page": "next"}
    field = {"label": t("forms.new_field"), "kind": "text"}
    if chosen == _CUSTOM_SECTION:
        return {"title": t("forms.new_section"), "rows": [[field]]}
    if chosen == _TABLE_SECTION:
        day = {
            "label": t("forms.new_day"),
            "kind": "digits",
            "format": "date",
            "required": True,
            "means": "event_date",
        }
        return {
            "title": t("forms.new_section"),
            "table": {"prefix": "rad", "count": "fill"},
            "rows": [[day, field]],
        }
    return {"use": chosen}


def _page_preview(draft_check: DraftCheck, words: Mapping[DraftLocation, list[str]]) -> None:
    st.subheader(t("forms.preview"), anchor=False)
    for text in words.get(DraftLocation(), []):
        st.error(text, icon=":material/error:")
    if any(at != DraftLocation() for at in words):
        st.warning(
            t(
                "forms.faults_at_left",
                count=sum(len(texts) for at, texts in words.items() if at != DraftLocation()),
            ),
            icon=":material/error:",
        )
    if draft_check.form is not None:
        st.caption(t("forms.pages_of", count=len(draft_check.form.pages)))
        form_images(draft_check.form, numbers=True)
    else:
        st.info(t("forms.no_preview"), icon=":material/info:")
