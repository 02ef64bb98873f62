"""A decided entry: its picture, what it says, what has happened to it, and the ways to change it. Nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape

import streamlit as st
from sqlalchemy import Connection

from pipeline import review
from pipeline.access import Action, allowed
from pipeline.errors import AnswerError, ClientConflictError, EfterskriftError, InvalidAnswerError, MissingAnswerError, UnknownClientError
from pipeline.model import EntryState, Person
from pipeline.review import Answer
from pipeline.store import corrections, decisions, lookup
from pipeline.store.clock import utc_now
from pipeline.store.entries import OPEN
from pipeline.store.entry_views import EntryView, FieldView, look_at
from pipeline.store.lookup import Happening
from pipeline.told_labels import told_labels
from ui.components.answers import in_words
from ui.components.client_guard_form import about_client, ask_about_client, forget_client, guard_fields
from ui.components.entry_form import answers, field_lines, settled_lines, widget_keys
from ui.components.entry_turn import nothing_to_undo
from ui.components.faults import fault_text
from ui.components.keyboard import keyboard
from ui.components.sheet_pictures import SEEN, note_looks, sheet_pictures
from ui.components.version_table import people_lines, version_table
from ui.session import while_open
from ui.site import Site
from ui.text import known, moment, t

KEY = "keyboard_decided"
Tell = Callable[[str, str], None]
_DOING, _COMPLAINTS = "decided_doing", "decided_complaints"


def forget_decided() -> None:
    """Nothing of the entry that was looked at is left."""
    for key in (_DOING, _COMPLAINTS, SEEN):
        st.session_state.pop(key, None)
    forget_client()


def begin_void() -> None:
    """The next entry that is looked at is to be made void."""
    st.session_state[_DOING] = "void"


def is_voiding() -> bool:
    """Whether the entry that is looked at is about to be made void."""
    return st.session_state.get(_DOING) == "void"


def decided_entry(here: Site, person: Person, entry_id: str, tell: Tell) -> None:
    """Picture to the left; values, history and choices to the right. `tell` says what became of a choice ("ok" or "fault", text)."""
    with here.store.begin() as conn:
        past = lookup.history(conn, person, entry_id)  # asks whether the person may; looking takes an open entry from nobody
        view = look_at(conn, here.forms, person, entry_id)
        note_looks(conn, person, view)
    doing = st.session_state.get(_DOING)
    if doing == "correct":
        view = _opened(view)
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        sheet_pictures(here, view)
    with right:
        if doing == "correct":
            _correct_form(here, person, view, tell)
        elif doing == "void":
            _void_form(here, person, view, tell)
        else:
            _values(here, person, view, past, tell)


def _values(here: Site, person: Person, view: EntryView, past: list[Happening], tell: Tell) -> None:
    entry = view.entry
    if entry.reason:
        st.info(known("reject.reasons", entry.reason), icon=":material/info:")
    settled_lines(view, [field for field in view.fields if field.first is not None])
    people_lines(here, view.entry)
    with st.container(horizontal=True):
        if entry.state is EntryState.REJECTED and not entry.voided:
            reopen = partial(_tried, here, tell, "lookup.reopened", lambda conn: decisions.reopen(conn, person, entry.id, entry.revision))
            st.button(t("lookup.reopen"), key=f"reopen-{entry.id}", on_click=reopen)
        elif not entry.voided:
            if entry.state not in OPEN:
                st.button(t("lookup.correct"), key=f"correct-{entry.id}", on_click=partial(st.session_state.__setitem__, _DOING, "correct"))
            if allowed(person, Action.VOID) and (_was_sent(past) or entry.state is EntryState.SIGNED):
                st.button(t("lookup.void_it"), key=f"void-{entry.id}", on_click=begin_void)
    if not past:
        return
    st.markdown(f"**{t('lookup.history')}**")
    st.html("".join(_told_of(view, happening) for happening in reversed(past)))
    version_table(here, person, view)


def _correct_form(here: Site, person: Person, view: EntryView, tell: Tell) -> None:
    entry = view.entry
    reason, save = _reason_key(view), f"save-{_reason_key(view)}"
    with st.form(f"correct-{entry.id}-{entry.revision}", enter_to_submit=False, border=False):
        st.caption(t("lookup.correct_what"))
        guard_fields(view)
        field_lines(here, view, st.session_state.get(_COMPLAINTS, {}))
        st.text_input(t("lookup.reason"), key=reason, placeholder=t("lookup.reason_example"), max_chars=200, autocomplete="off")
        correct = partial(_correct, here, person, view, tell)
        st.form_submit_button(t("lookup.save_correction"), key=save, type="primary", shortcut="Ctrl+Enter", on_click=correct)
    st.button(t("lookup.leave"), key=f"leave-{entry.id}", on_click=forget_decided)
    keyboard(f"correct-{entry.id}", [*widget_keys(view), reason], save=save, key=KEY)


def _void_form(here: Site, person: Person, view: EntryView, tell: Tell) -> None:
    entry, reason = view.entry, _reason_key(view)
    with st.form(f"void-{entry.id}-{entry.revision}", enter_to_submit=False):
        st.caption(t("lookup.void_what"))
        st.text_input(t("lookup.reason"), key=reason, max_chars=200, autocomplete="off")
        st.form_submit_button(t("lookup.void_it"), key=f"save-{reason}", type="primary", on_click=partial(_void, here, person, view, tell))
    st.button(t("lookup.leave"), key=f"leave-{entry.id}", on_click=forget_decided)
    keyboard(f"void-{entry.id}", [reason], save=f"save-{reason}", key=KEY)


@while_open
def _correct(here: Site, person: Person, view: EntryView, tell: Tell) -> None:
    entry, reason = view.entry, str(st.session_state.get(_reason_key(view)) or "")
    given, before = answers(view), {field.spec.name: field for field in view.fields}
    missing = [field.spec.name for field in view.fields if field.open and field.spec.name not in given and field.first is not None]
    changed = {name: answer for name, answer in given.items() if _is_changed(before[name], answer)}
    if missing:
        st.session_state[_COMPLAINTS] = dict.fromkeys(missing, t("review.missing_answer"))
        return
    if not reason.strip() or not changed:
        tell("fault", t("lookup.reason_missing" if changed else "lookup.nothing_changed"))
        return
    _tried(
        here,
        tell,
        "lookup.corrected",
        lambda conn: corrections.correct(conn, here.forms, person, entry.id, entry.revision, changed, reason, utc_now(), about=about_client(view)),
        view,
    )


def _is_changed(field: FieldView, answer: Answer) -> bool:
    """Whether an answer would be stored as something else than what is decided, or cannot be stored."""
    try:
        return review.checked(field.spec, answer) != field.first
    except AnswerError:
        return True


@while_open
def _void(here: Site, person: Person, view: EntryView, tell: Tell) -> None:
    entry, reason = view.entry, str(st.session_state.get(_reason_key(view)) or "")
    if not reason.strip():
        tell("fault", t("lookup.reason_missing"))
        return
    _tried(here, tell, "lookup.voided", lambda conn: corrections.void(conn, person, entry.id, entry.revision, reason, utc_now()))


@while_open
def _tried(here: Site, tell: Tell, done: str, act: Callable[[Connection], object], view: EntryView | None = None) -> None:
    try:
        with here.store.begin() as conn:
            state = act(conn)
    except (UnknownClientError, ClientConflictError, MissingAnswerError) as error:
        text = (ask_about_client(view, error) if view else "") or "review.missing_answer"
        st.session_state[_COMPLAINTS] = dict.fromkeys(error.fields, t(text))
    except InvalidAnswerError as error:
        st.session_state[_COMPLAINTS] = dict.fromkeys(error.fields, t("review.invalid_answer"))
    except EfterskriftError as error:
        tell("fault", fault_text(error))
        forget_decided()
    else:
        nothing_to_undo()
        tell("ok", t("lookup.corrected_second" if state is EntryState.SECOND else done))
        forget_decided()


def _opened(view: EntryView) -> EntryView:
    """The view with every field open and filled with what is decided. What the machine read is of no interest any longer."""
    fields = [
        replace(field, blind=False, reading=None, draft=field.first, open=field.spec.traits.filled_by_hand and not field.hidden)
        for field in view.fields
    ]
    return replace(view, fields=tuple(fields), second=False)


def _was_sent(past: list[Happening]) -> bool:
    return any(happening.action == "exported" for happening in past)


def _reason_key(view: EntryView) -> str:
    return f"why-{view.entry.id}-{view.entry.revision}"


def _told_of(view: EntryView, happening: Happening) -> str:
    kind = "corrected" if happening.corrected else happening.state if happening.action == "decide" else happening.action
    head = f"{moment(happening.at)} · {happening.by} · {known('happening', kind)}"
    labels = told_labels(view.form, view.entry.row)
    specs, hidden = view.form.by_name, {field.spec.name for field in view.fields if field.hidden}
    changed = "; ".join(
        f"{labels[name]}: {in_words(specs[name], answer)}" for name, answer in happening.answers.items() if name in labels and name not in hidden
    )
    told = f"<div class='ef-muted'>{escape(changed)}</div>" if happening.corrected else ""
    return f'<div class="ef-settled">{escape(head)}{told}</div>'
