"""Where a person is on the screen Blanketter, and what every editor of a draft there does: change
it, keep the change, say what went wrong.

A change begins from the draft as it is on disk, in the callback of a widget: what was typed and
the button that was pressed right after it are two changes, one upon the other. If somebody else
has saved meanwhile, nothing is written and the person is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pipeline.domain.errors import EfterskriftError, FormEditorError
from pipeline.domain.model import Person
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.drafts import Draft, YamlData, load_draft
from ui.i18n import t
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.workspace import AppContext

_LOCATION_KEY, _MESSAGE_KEY, _SEEN_REVISION_KEY, _EDITOR_VERSION_KEY = (
    "forms_place",
    "forms_said",
    "forms_seen",
    "forms_turn",
)


@dataclass(frozen=True, slots=True)
class FormsLocation:
    """`kind` is "list", "form", "new" or "draft"."""

    kind: str = "list"
    id: str = ""
    version: int = 0


def current_location() -> FormsLocation:
    """Where the person is."""
    return FormsLocation(*st.session_state.get(_LOCATION_KEY, ()))


def go_to(kind: str, form_id: str = "", version: int = 0) -> None:
    """Go there at the next drawing."""
    st.session_state[_LOCATION_KEY] = (kind, form_id, version)
    st.session_state[_EDITOR_VERSION_KEY] = editor_version() + 1


def back_button() -> None:
    """The way back to the list."""
    st.button(
        t("forms.back"),
        key="forms_back",
        on_click=go_to,
        args=("list",),
        icon=":material/arrow_back:",
    )


def editor_version() -> int:
    """Part of the key of every widget of an editor: other widgets when fields have moved."""
    return int(st.session_state.get(_EDITOR_VERSION_KEY, 0))


def note_shown_revision(draft: Draft) -> None:
    """Note which saving is on the screen."""
    st.session_state[_SEEN_REVISION_KEY] = (draft.id, draft.revision)


@requires_open_session
def apply_draft_change(
    context: AppContext,
    person: Person,
    draft_id: str,
    at_turn: int,
    change: Callable[[YamlData], YamlData],
    *,
    moves: bool = False,
) -> None:
    """Change a draft; `moves` if fields or sections stand elsewhere afterwards. What comes from
    widgets of an earlier turn is left.
    """
    if at_turn != editor_version():
        return
    try:
        found = load_draft(context.settings.form_drafts, draft_id)
        if st.session_state.get(_SEEN_REVISION_KEY) != (found.id, found.revision):
            raise FormEditorError("stale")
        note_shown_revision(actions.change_draft(context.store, person, found, change(found.data)))
    except EfterskriftError as error:
        set_message("fault", describe_error(error))
        moves = True
    if moves:
        st.session_state[_EDITOR_VERSION_KEY] = editor_version() + 1


def describe_error(error: EfterskriftError) -> str:
    """An error in the words of somebody who makes forms."""
    return t(error.key) if isinstance(error, FormEditorError) else error_text(error)


def set_message(kind: str, text: str) -> None:
    """Say something ("ok" or "fault") at the next drawing."""
    st.session_state[_MESSAGE_KEY] = (kind, text)


def show_message() -> None:
    """Say what became of the last act."""
    if said := st.session_state.pop(_MESSAGE_KEY, None):
        (st.success if said[0] == "ok" else st.error)(said[1])
