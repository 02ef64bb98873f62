"""Editor of a draft of sections and rows.

The sections on the left, one open at a time; the page as it will print on the right.
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
from ui.markdown import md, plain, plain_with_code
from ui.screens.forms import state
from ui.screens.forms.draft_header import draft_header
from ui.screens.forms.field_editor import ItemPlace, field_editor, move_buttons, widget_saver
from ui.screens.forms.previews import form_images
from ui.screens.forms.problems import problem_text
from ui.workspace import AppContext

_OPEN_SECTION_KEY = "forms_section"
_CUSTOM_SECTION, _TABLE_SECTION, _NEXT_PAGE = "own", "table", "next"


def outline_editor(context: AppContext, person: Person, draft: Draft) -> None:
    """Show the editor."""
    draft_check = check_draft(draft)
    problems: dict[DraftLocation, list[str]] = {}
    # A form that is still being made is not wrong.
    for problem in draft_check.problems if state.was_tried(draft.id) else ():
        problems.setdefault(locate_problem(draft, problem), []).append(problem_text(draft, problem))
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        draft_header(context, person, draft)
        state.undo_button(context, person, draft)
        _sections_editor(context, person, draft, problems)
    with right:
        _page_preview(draft_check, problems)


def _sections_editor(
    context: AppContext, person: Person, draft: Draft, problems: Mapping[DraftLocation, list[str]]
) -> None:
    sections, version = list_sections(draft.data), state.editor_version()
    change = partial(state.apply_draft_change, context, person, draft.id, version)
    st.subheader(t("forms.sections"), anchor=False)
    chosen = min(int(st.session_state.get(_OPEN_SECTION_KEY, 0)), max(0, len(sections) - 1))
    if sections:
        names = [
            f"{number}. {_section_name(draft, section)}"
            for number, section in enumerate(sections, start=1)
        ]
        wrong_sections = {location.section for location in problems}
        key = f"forms_sections-{draft.id}-{version}"
        open_index = st.radio(
            t("forms.open"),
            range(len(sections)),
            chosen,
            format_func=lambda index: (
                plain(names[index])
                + (f" – {t('forms.has_faults')}" if index in wrong_sections else "")
            ),
            key=key,
            on_change=lambda: st.session_state.update({_OPEN_SECTION_KEY: st.session_state[key]}),
        )
        with st.container(border=True):
            _section_editor(draft, int(open_index), sections[int(open_index)], problems, change)
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
    index: int,
    section: YamlData,
    problems: Mapping[DraftLocation, list[str]],
    change: Callable[..., None],
) -> None:
    key = f"forms-{draft.id}-{state.editor_version()}-{index}"
    for text in problems.get(DraftLocation(index), []):
        st.error(plain_with_code(text), icon=":material/error:")
    # A page break has nothing to edit.
    if not section.get("page"):
        _section_texts(key, index, section, change)
        if table := section.get("table"):
            _table_editor(key, index, table, change)
        if repeat := section.get("repeat"):
            st.caption(md("forms.repeated", count=repeat.get("count"), label=repeat.get("label")))
        _items_editor(key, index, section, problems, change)
    _section_move_buttons(key, index, len(list_sections(draft.data)), change)


def _section_texts(key: str, index: int, section: YamlData, change: Callable[..., None]) -> None:
    """Show title and text of a section."""

    saver = widget_saver(
        key,
        lambda name, value: change(
            lambda data: outline_edits.replace_section(
                data, index, list_sections(data)[index] | {name: value}
            )
        ),
    )
    st.text_input(
        t("forms.section_title"),
        section.get("title") or "",
        key=f"{key}-title",
        on_change=saver("title"),
        placeholder=t("forms.title_as_usual") if section.get("use") else None,
        max_chars=80,
    )
    st.text_input(
        t("forms.section_text"),
        section.get("text") or "",
        key=f"{key}-text",
        on_change=saver("text"),
        max_chars=400,
    )
    if section.get("use"):
        st.caption(t(f"forms.standard_what.{section['use']}"))


def _items_editor(
    key: str,
    index: int,
    section: YamlData,
    problems: Mapping[DraftLocation, list[str]],
    change: Callable[..., None],
) -> None:
    """Show the items of a section, each with its problems, and a button that adds a field."""
    items = list_items(section)
    for item_index, item in enumerate(items):
        place = ItemPlace(index, item_index, is_last=item_index == len(items) - 1)
        field_editor(f"{key}-{item_index}", place, item, change)
        for text in problems.get(DraftLocation(index, item_index), []):
            st.error(plain_with_code(text), icon=":material/error:")

    def add() -> None:
        change(lambda data: outline_edits.add_item(data, index, t("forms.new_field")), moves=True)

    st.button(t("forms.add_field"), key=f"{key}-add", on_click=add, icon=":material/add:")


def _table_editor(key: str, index: int, table: YamlData, change: Callable[..., None]) -> None:
    count = 0 if table.get("count") == "fill" else int(table.get("count") or 0)

    def save() -> None:
        rows = int(st.session_state[f"{key}-rows"])
        change(
            lambda data: outline_edits.replace_section(
                data,
                index,
                list_sections(data)[index] | {"table": dict(table) | {"count": rows or "fill"}},
            )
        )

    st.number_input(
        t("forms.rows"),
        0,
        60,
        count,
        key=f"{key}-rows",
        on_change=save,
        width=220,
        help=t("forms.rows_help"),
    )


def _section_move_buttons(key: str, index: int, count: int, change: Callable[..., None]) -> None:
    def move(by: int) -> None:
        st.session_state[_OPEN_SECTION_KEY] = index + by
        change(lambda data: outline_edits.move_section(data, index, by), moves=True)

    move_buttons(
        key,
        ("forms.section_up", "forms.section_down", "forms.section_away"),
        (index == 0, index == count - 1),
        move,
        lambda: change(lambda data: outline_edits.remove_section(data, index), moves=True),
    )


def _add_section_form(draft: Draft, after: int, change: Callable[..., None]) -> None:
    choices = (
        _CUSTOM_SECTION,
        *(section.value for section in StandardSection),
        _TABLE_SECTION,
        _NEXT_PAGE,
    )
    key = f"forms_add-{draft.id}-{state.editor_version()}"

    def add() -> None:
        chosen = str(st.session_state[key])
        st.session_state[_OPEN_SECTION_KEY] = after + 1
        change(
            lambda data: outline_edits.add_section(data, after, _new_section(chosen)), moves=True
        )

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            t("forms.add_what"),
            choices,
            format_func=lambda section: t(f"forms.section.{section}", who=_subject_text(draft)),
            key=key,
            width=360,
        )
        st.button(t("forms.add_section"), key=f"{key}-do", on_click=add, icon=":material/add:")


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


def _page_preview(draft_check: DraftCheck, problems: Mapping[DraftLocation, list[str]]) -> None:
    st.subheader(t("forms.preview"), anchor=False)
    for text in problems.get(DraftLocation(), []):
        st.error(plain_with_code(text), icon=":material/error:")
    if any(location != DraftLocation() for location in problems):
        st.warning(
            md(
                "forms.faults_at_left",
                count=sum(
                    len(texts)
                    for location, texts in problems.items()
                    if location != DraftLocation()
                ),
            ),
            icon=":material/error:",
        )
    if draft_check.form is not None:
        st.caption(md("forms.pages_of", count=len(draft_check.form.pages)))
        form_images(draft_check.form, numbers=True)
    else:
        st.info(t("forms.no_preview"), icon=":material/info:")
