"""Tables among the uploaded files: which form each is, and which field each column belongs to.

Asked between the press and the import, with what is known from such titles filled in beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Form
from pipeline.preparation.digital_forms.table_rows import (
    TABLE_SUFFIXES,
    choose_columns,
    field_labels,
    has_free_text,
    load_columns,
    make_note_file,
    propose_form,
)
from pipeline.registers.care_system_list import CareTable, parse_care_table
from ui.i18n import t
from ui.markdown import md, plain
from ui.widgets.messages import show_error
from ui.workspace import AppContext

_FILES_KEY, _ASKED_KEY = "table_files", "table_asked"
_FREE_TEXT, _LEFT_OUT = "*", ""
"""Choices of a column besides fields."""
_SAMPLE_LENGTH = 40
_Answer = tuple[Form, dict[int, str]]
"""The form of a table, and the fields of its columns."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Files for a unit, and where their paper is; `contents` are names and bytes to import."""

    unit: str
    place: str
    files: list[UploadedFile]
    contents: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """An upload that waits for answers, and the tables in it by the number of their file."""

    unit: str
    place: str
    tables: Mapping[int, CareTable] = field(default_factory=dict)


def is_asking() -> bool:
    """Whether an upload waits for answers."""
    return _ASKED_KEY in st.session_state


def forget() -> None:
    """Ask no more."""
    for key in (_FILES_KEY, _ASKED_KEY):
        st.session_state.pop(key, None)


def begin(upload: Upload) -> bool:
    """Open the tables of an upload and ask for their forms; False if it has none.

    A file that is no table is named, and nothing is imported.
    """
    found = [
        number
        for number, file in enumerate(upload.files)
        if Path(file.name).suffix.casefold() in TABLE_SUFFIXES
    ]
    if not found:
        return False
    try:
        opened = {
            number: parse_care_table(
                upload.files[number].getvalue(), Path(upload.files[number].name).name
            )
            for number in found
        }
    except EfterskriftError as error:
        show_error(error)
        return True
    # Uploads count as held while they lie in the session's state
    st.session_state[_FILES_KEY] = upload.files
    st.session_state[_ASKED_KEY] = _Asked(upload.unit, upload.place, opened)
    # The questions take the place of the form for files, which this run has drawn already.
    st.rerun()


def ask_for_forms(
    context: AppContext, cancel: Callable[[list[UploadedFile]], None]
) -> Upload | None:
    """Ask for the form and the columns of each table; return the upload once all is answered."""
    files: list[UploadedFile] = st.session_state[_FILES_KEY]
    asked: _Asked = st.session_state[_ASKED_KEY]
    st.caption(md("scan.table.what", unit=asked.unit))
    answers = {
        number: _ask(context, files[number], number, table)
        for number, table in asked.tables.items()
    }
    with st.container(horizontal=True):
        is_sent = st.button(
            t("scan.take_in"),
            key="table_submit",
            type="primary",
            disabled=None in answers.values(),
        )
        if st.button(t("scan.table.cancel"), key="table_cancel"):
            cancel(files)
            st.rerun()
    if not is_sent:
        return None
    try:
        contents = [
            _content(context, file, asked.tables.get(number), answers.get(number))
            for number, file in enumerate(files)
        ]
    except EfterskriftError as error:
        show_error(error)
        return None
    return Upload(asked.unit, asked.place, files, contents)


def _content(
    context: AppContext,
    file: UploadedFile,
    table: CareTable | None,
    answer: _Answer | None,
) -> tuple[str, bytes]:
    if table is None or answer is None:
        return file.name, file.getvalue()
    form, columns = answer
    name = Path(file.name).name
    return make_note_file(context.settings.workspace, table, form, columns, name)


def _ask(context: AppContext, file: UploadedFile, number: int, table: CareTable) -> _Answer | None:
    """Ask for the form and the columns of a table; None while something is not answered."""
    workspace, turn = context.settings.workspace, f"{number}-{file.file_id}"
    latest = {form.id: context.forms.latest(form.id) for form in context.forms.values()}
    forms = sorted(latest.values(), key=lambda form: form.title)
    with st.container(border=True, key=f"table-{number}"):
        st.markdown(md("scan.table.file", name=Path(file.name).name, count=len(table.rows)))
        proposed = propose_form(workspace, table.titles, forms)
        form_id = st.selectbox(
            t("scan.table.form"),
            [form.id for form in forms],
            index=forms.index(proposed) if proposed else None,
            format_func=lambda form_id: f"{latest[form_id].title} ({latest[form_id].area.value})",
            placeholder=t("scan.table.form_choose"),
            key=f"table_form-{turn}",
        )
        if form_id is None:
            return None
        form, key = latest[form_id], f"{turn}-{form_id}"
        known = choose_columns(table.titles, form, (), load_columns(workspace, table.titles, form))
        unknown = [index for index in range(len(table.titles)) if index not in known]
        chosen = {index: _ask_column(table, form, index, None, key) for index in unknown}
        if known:
            lines = st.container(gap=None)
            with st.expander(md("scan.table.known", count=len(known)), key=f"table_known-{key}"):
                chosen |= {
                    index: _ask_column(table, form, index, known[index], key)
                    for index in sorted(known)
                }
            choices = _choices(form)
            with lines:
                for index in sorted(known):
                    meaning = choices[chosen[index] or _LEFT_OUT]
                    st.markdown(f"{plain(table.titles[index])} → {plain(meaning)}")
    answered = {index: name for index, name in chosen.items() if name is not None}
    if len(answered) < len(chosen):
        return None
    return form, {index: name for index, name in answered.items() if name != _FREE_TEXT}


def _ask_column(
    table: CareTable, form: Form, index: int, known: str | None, key: str
) -> str | None:
    """Ask which field a column belongs to, unless it is known; the first cell is shown with it."""
    choices = _choices(form)
    if known is None and _FREE_TEXT in choices:
        known = _FREE_TEXT
    options, first = list(choices), table.rows[0][1]
    title = table.titles[index] or t("scan.table.untitled", number=index + 1)
    sample = first[index][:_SAMPLE_LENGTH] if index < len(first) else ""
    return st.selectbox(
        plain(f"{title}: {sample}" if sample else title),
        options,
        index=None if known is None else options.index(known),
        format_func=lambda choice: choices[choice],
        placeholder=t("scan.table.field_choose"),
        key=f"table_column-{key}-{index}",
    )


def _choices(form: Form) -> dict[str, str]:
    """Return what a column may be, with the words for it."""
    free_text = {_FREE_TEXT: t("scan.table.free_text")} if has_free_text(form) else {}
    return free_text | field_labels(form) | {_LEFT_OUT: t("scan.table.left_out")}
