"""Where a person is on the screen Blanketter, and what every editor of a draft there does: change it, keep the change, say what went wrong.

A change begins from the draft as it is on disk, in the callback of a widget: what was typed and the button that was pressed right after it
are two changes, one upon the other. If somebody else has saved meanwhile, nothing is written and the person is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pipeline.errors import EfterskriftError, FormMakingError
from pipeline.making import acts
from pipeline.making.drafts import Data, Draft, draft
from pipeline.model import Person
from ui.components.faults import fault_text
from ui.session import while_open
from ui.site import Site
from ui.text import t

_PLACE, _SAID, _SEEN, _TURN = "forms_place", "forms_said", "forms_seen", "forms_turn"


@dataclass(frozen=True, slots=True)
class Place:
    """`kind` is "list", "form", "new" or "draft"."""

    kind: str = "list"
    id: str = ""
    version: int = 0


def place() -> Place:
    """Where the person is."""
    return Place(*st.session_state.get(_PLACE, ()))


def go(kind: str, form_id: str = "", version: int = 0) -> None:
    """Go there at the next drawing."""
    st.session_state[_PLACE] = (kind, form_id, version)
    st.session_state[_TURN] = turn() + 1


def back() -> None:
    """The way back to the list."""
    st.button(t("forms.back"), key="forms_back", on_click=go, args=("list",), icon=":material/arrow_back:")


def turn() -> int:
    """Part of the key of every widget of an editor: other widgets when fields have moved."""
    return int(st.session_state.get(_TURN, 0))


def seen(shown: Draft) -> None:
    """Note which saving is on the screen."""
    st.session_state[_SEEN] = (shown.id, shown.revision)


@while_open
def changed(here: Site, person: Person, draft_id: str, at_turn: int, edit: Callable[[Data], Data], *, moves: bool = False) -> None:
    """Change a draft; `moves` if fields or sections stand elsewhere afterwards. What comes from widgets of an earlier turn is left."""
    if at_turn != turn():
        return
    try:
        found = draft(here.settings.form_drafts, draft_id)
        if st.session_state.get(_SEEN) != (found.id, found.revision):
            raise FormMakingError("stale")
        seen(acts.change(here.store, person, found, edit(found.data)))
    except EfterskriftError as error:
        tell("fault", wrong(error))
        moves = True
    if moves:
        st.session_state[_TURN] = turn() + 1


def wrong(error: EfterskriftError) -> str:
    """An error in the words of somebody who makes forms."""
    return t(error.key) if isinstance(error, FormMakingError) else fault_text(error)


def tell(kind: str, text: str) -> None:
    """Say something ("ok" or "fault") at the next drawing."""
    st.session_state[_SAID] = (kind, text)


def told() -> None:
    """Say what became of the last act."""
    if said := st.session_state.pop(_SAID, None):
        (st.success if said[0] == "ok" else st.error)(said[1])
