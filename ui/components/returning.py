"""What a rejection needs besides its reason: which unit, which question, or what it is a duplicate of."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Connection

from pipeline.model import Person
from pipeline.store import forwarding, questions
from pipeline.store.clock import utc_now
from pipeline.store.duplicate_marks import DUPLICATE, mark_duplicate
from pipeline.store.entry_views import EntryView
from pipeline.store.questions import ANSWERED, ASK_AUTHOR
from ui.components.duplicate_compare import compare, compared_with, forget_compared
from ui.components.keyboard import keyboard
from ui.site import Site
from ui.text import moment, t

FORWARD = "annan enhet"
STEPS = frozenset({FORWARD, ASK_AUTHOR, DUPLICATE})
"""Reasons that ask for more."""
Tried = Callable[[Callable[[Connection], object]], None]
_STEP, _LACKS = "returning_step", "returning_lacks"


def step_of(view: EntryView) -> str | None:
    """The reason that is being filled in for this entry, if one is."""
    entry_id, reason = st.session_state.get(_STEP, ("", ""))
    return reason if entry_id == view.entry.id else None


def forget_returning() -> None:
    """Begin anew."""
    for key in (_STEP, _LACKS):
        st.session_state.pop(key, None)
    forget_compared()


def return_entry(here: Site, person: Person, view: EntryView, reason: str, tried: Tried) -> bool:
    """Take the step that a reason needs: first its form, then the act. False if the reason needs none."""
    if reason not in STEPS:
        return False
    if step_of(view) != reason:
        st.session_state[_STEP] = (view.entry.id, reason)
        return True
    act = {FORWARD: _forward, ASK_AUTHOR: _ask, DUPLICATE: _mark}[reason](here, person, view)
    if act is None:
        st.session_state[_LACKS] = reason
    else:
        tried(act)
    return True


def step_form(here: Site, person: Person, view: EntryView, reason: str, done: Callable[[], None]) -> None:
    """The form of a step."""
    if st.session_state.pop(_LACKS, None) == reason:
        st.warning(t(f"returns.lacks.{_NAMES[reason]}"), icon=":material/error:")
    if reason == DUPLICATE:
        compare(here, person, view, done)
        return
    with st.form(f"return-{view.entry.id}-{view.entry.revision}", enter_to_submit=False):
        st.header(t(f"returns.{_NAMES[reason]}.title"), anchor=False)
        st.caption(t(f"returns.{_NAMES[reason]}.what"))
        fields = _unit_fields(here, view) if reason == FORWARD else _question_fields(here, person, view)
        do = f"do-return-{view.entry.id}"
        st.form_submit_button(t(f"returns.{_NAMES[reason]}.do"), key=do, type="primary", shortcut="Ctrl+Enter", on_click=done)
    keyboard(f"return-{view.entry.id}", fields, save=do)


def author_said(here: Site, person: Person, view: EntryView) -> list[str]:
    """Questions and answers of an entry that the author's answer brought back."""
    if view.entry.reason != ANSWERED:
        return []
    with here.store.read() as conn:
        asked = questions.questions_of(conn, person, view.entry.id)
    return [
        t("returns.author_said", question=one.text, answer=given.text, who=given.answered_by, when=moment(given.answered_at))
        for one in asked
        for given in one.answers
    ]


_NAMES = {FORWARD: "forward", ASK_AUTHOR: "ask", DUPLICATE: "duplicate"}


def _unit_fields(here: Site, view: EntryView) -> list[str]:
    with here.store.read() as conn:
        units = forwarding.can_go_to(conn, view.entry)
    st.selectbox(t("returns.forward.unit"), units, index=None, placeholder=t("returns.forward.choose"), key=_key(view, "unit"))
    st.text_input(t("returns.forward.why"), key=_key(view, "why"), max_chars=200, autocomplete="off")
    return [_key(view, "unit"), _key(view, "why")]


def _question_fields(here: Site, person: Person, view: EntryView) -> list[str]:
    with here.store.read() as conn:
        author = questions.author_on_paper(conn, here.forms, person, view.entry)
    st.text_area(t("returns.ask.question"), key=_key(view, "question"), max_chars=600, height=110)
    st.text_input(t("returns.ask.author"), value=author, key=_key(view, "author"), max_chars=120, autocomplete="off")
    return [_key(view, "question"), _key(view, "author")]


Act = Callable[[Connection], object] | None


def _forward(here: Site, person: Person, view: EntryView) -> Act:
    unit, why = _held(view, "unit"), _held(view, "why")
    if not unit:
        return None
    return lambda conn: forwarding.forward(conn, here.forms, person, view.entry.id, view.entry.revision, unit, why, utc_now())


def _ask(here: Site, person: Person, view: EntryView) -> Act:
    question, author = _held(view, "question"), _held(view, "author")
    if not question.strip():
        return None
    return lambda conn: questions.ask_author(conn, here.forms, person, view.entry.id, view.entry.revision, question, author, utc_now())


def _mark(here: Site, person: Person, view: EntryView) -> Act:
    given, why = compared_with(view)
    if given is None:
        return None
    return lambda conn: mark_duplicate(conn, here.store.images, person, view.entry.id, view.entry.revision, given, why, utc_now())


def _key(view: EntryView, name: str) -> str:
    return f"return_{name}-{view.entry.id}-{view.entry.revision}"


def _held(view: EntryView, name: str) -> str:
    return str(st.session_state.get(_key(view, name)) or "")
