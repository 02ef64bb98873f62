"""State of the screen Blanketter: where the user is, and changing a draft from its editors.

A change begins from the draft as it is on disk, in the callback of a widget: typed text and the
button that was clicked right after it are two changes, one upon the other. If another user has
saved meanwhile, nothing is written and the user gets a message.
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
from ui.widgets.messages import Message, error_text, errors_to
from ui.workspace import AppContext

MESSAGE = Message("forms_said")
_LOCATION_KEY = "forms_place"
_SEEN_REVISION_KEY, _EDITOR_VERSION_KEY = "forms_seen", "forms_turn"
_UNDO_KEY, _TRIED_KEY = "forms_undo", "forms_tried"


@dataclass(frozen=True, slots=True)
class FormsLocation:
    """Where the user is; `kind` is "list", "form", "new" or "draft"."""

    kind: str = "list"
    id: str = ""
    version: int = 0


def current_location() -> FormsLocation:
    """Return where the user is."""
    return FormsLocation(*st.session_state.get(_LOCATION_KEY, ()))


def go_to(kind: str, form_id: str = "", version: int = 0) -> None:
    """Go to a place at the next drawing."""
    st.session_state[_LOCATION_KEY] = (kind, form_id, version)
    renew_editor()


def back_button() -> None:
    """Show the button back to the list."""
    st.button(
        t("forms.back"),
        key="forms_back",
        on_click=go_to,
        args=("list",),
        icon=":material/arrow_back:",
    )


def editor_version() -> int:
    """Return a part of the key of every widget of an editor; it changes when fields move."""
    return int(st.session_state.get(_EDITOR_VERSION_KEY, 0))


def renew_editor() -> None:
    """Give the widgets of the editor new keys, so that they show the stored draft."""
    st.session_state[_EDITOR_VERSION_KEY] = editor_version() + 1


def note_shown_revision(draft: Draft) -> None:
    """Note which revision is on the screen."""
    st.session_state[_SEEN_REVISION_KEY] = (draft.id, draft.revision)


@requires_open_session
def apply_draft_change(
    context: AppContext,
    person: Person,
    draft_id: str,
    from_version: int,
    change: Callable[[YamlData], YamlData],
    *,
    moves: bool = False,
) -> None:
    """Change a draft; `moves` if fields or sections have other places afterwards.

    Changes from widgets of an earlier editor version are ignored.
    """
    # A late change of a widget that is gone: it would overwrite what the new one shows.
    if from_version != editor_version():
        return
    try:
        draft = load_draft(context.settings.form_drafts, draft_id)
        if st.session_state.get(_SEEN_REVISION_KEY) != (draft.id, draft.revision):
            raise FormEditorError("stale")
        changed = actions.change_draft(context.store, person, draft, change(draft.data))
        if changed.revision != draft.revision:
            st.session_state[_UNDO_KEY] = (draft.id, [*_undo_revisions(draft.id), draft.revision])
        note_shown_revision(changed)
    except EfterskriftError as error:
        MESSAGE.failed(describe_error(error))
        # New widgets show the draft as it is stored.
        moves = True
    if moves:
        renew_editor()


@requires_open_session
def finish(context: AppContext, person: Person, form_id: str, version: int) -> None:
    """Finish a publication that was stopped half done."""
    with errors_to(MESSAGE.failed, describe_error):
        is_done = actions.finish_publication(
            context.store, context.settings, person, form_id, version
        )
        key = "forms.is_finished" if is_done else "forms.try_again"
        (MESSAGE.done if is_done else MESSAGE.failed)(t(key, form=form_id, version=version))


def undo_button(context: AppContext, person: Person, draft: Draft) -> None:
    """Show the button that takes back the last change that was made here."""
    st.button(
        t("forms.undo"),
        key="forms_undo_do",
        on_click=undo,
        args=(context, person, draft.id),
        disabled=not _undo_revisions(draft.id),
        icon=":material/undo:",
    )


@requires_open_session
def undo(context: AppContext, person: Person, draft_id: str) -> None:
    """Take back the last change that was made here; changes of other users are not lost."""
    revisions = _undo_revisions(draft_id)
    if not revisions:
        return
    with errors_to(MESSAGE.failed, describe_error):
        draft = load_draft(context.settings.form_drafts, draft_id)
        if st.session_state.get(_SEEN_REVISION_KEY) != (draft.id, draft.revision):
            raise FormEditorError("stale")
        note_shown_revision(actions.restore_draft(context.store, person, draft, revisions[-1]))
        st.session_state[_UNDO_KEY] = (draft_id, revisions[:-1])
    renew_editor()


def _undo_revisions(draft_id: str) -> list[int]:
    """Return the revisions before each change of this draft, the last change last."""
    known_id, revisions = st.session_state.get(_UNDO_KEY, ("", []))
    return list(revisions) if known_id == draft_id else []


def note_tried(draft_id: str) -> None:
    """Note that the user has tried to go on with a draft: from now on its problems are shown."""
    st.session_state[_TRIED_KEY] = {*st.session_state.get(_TRIED_KEY, ()), draft_id}


def was_tried(draft_id: str) -> bool:
    """Return whether the user has tried to go on with a draft."""
    return draft_id in st.session_state.get(_TRIED_KEY, ())


def describe_error(error: EfterskriftError) -> str:
    """Return an error in words for users who make forms."""
    return t(error.key) if isinstance(error, FormEditorError) else error_text(error)
