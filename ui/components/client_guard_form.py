"""The wrong-person guard on the screen: what is asked when the sheet contradicts the client, or the register lacks the client."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pipeline.client_guard import NOBODY, OUTSIDE_REASONS, AboutClient, Choice, choices
from pipeline.errors import AnswerError, ClientConflictError, MissingAnswerError, UnknownClientError
from pipeline.field_spec import Meaning
from pipeline.store.entry_views import EntryView
from ui.text import known, t

_ASKED = "client_guard"
"""(entry id, kind of question, kinds of conflict, why the register lacks the client as said before) of what is asked now."""


def ask_about_client(view: EntryView, error: AnswerError) -> str:
    """Note what has to be asked because of this error; answers with the key of the text that the number's field shall show, empty if none."""
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if spec is None or spec.name not in error.fields:
        return ""
    if isinstance(error, ClientConflictError):
        st.session_state[_ASKED] = (view.entry.id, "conflict", error.codes, about_client(view).outside)
        return "guard.conflict"
    if isinstance(error, UnknownClientError):
        st.session_state[_ASKED] = (view.entry.id, "outside", (), "")
        return "review.unknown_client"
    if isinstance(error, MissingAnswerError):
        st.session_state[_ASKED] = (view.entry.id, "temporary", (), "")
        return "guard.no_number"
    return ""


def forget_client() -> None:
    """Nothing is asked any longer."""
    st.session_state.pop(_ASKED, None)


def guard_fields(view: EntryView) -> None:
    """Inside the entry's form: the question about the client, if there is one."""
    kind, codes, _ = _asked(view)
    if kind == "conflict":
        with st.container(border=True, key=f"guard-{view.entry.id}"):
            st.markdown(f"**{t('guard.conflict_title')}**  \n" + "  \n".join(f"- {known('guard.conflicts', code)}" for code in codes))
            offered = [choice for choice in choices(codes) if choice is not Choice.HAND_ON or not view.second]
            st.radio(t("guard.choose"), offered, index=None, format_func=lambda choice: t(f"guard.choice.{choice}"), key=_key(view, "choice"))
            several = "guard.why_several" if len(codes) > 1 else "guard.why"
            st.text_input(t(several), key=_key(view, "why"), max_chars=200, autocomplete="off")
    elif kind in ("outside", "temporary"):
        with st.container(border=True, key=f"guard-{view.entry.id}"):
            st.markdown(f"**{t(f'guard.{kind}_title')}**  \n{t(f'guard.{kind}_what')}")
            st.selectbox(
                t("guard.outside"),
                _reasons(view) if kind == "temporary" else OUTSIDE_REASONS,
                index=None,
                format_func=lambda reason: known("guard.outside_reasons", reason),
                placeholder=t("guard.outside_choose"),
                key=_key(view, "outside"),
            )
            if kind == "temporary":
                st.text_input(t("guard.name"), key=_key(view, "name"), max_chars=120, autocomplete="off")


def _reasons(view: EntryView) -> tuple[str, ...]:
    """Why there is no number. Paper whose form requires none may also be about nobody."""
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    return OUTSIDE_REASONS if spec is None or spec.required else (*OUTSIDE_REASONS, NOBODY)


def about_client(view: EntryView) -> AboutClient:
    """What the person has said about the client so far. Nothing said means: tell me of a conflict."""
    kind, _, outside = _asked(view)
    if kind == "conflict":
        return AboutClient(outside, choice=_held(view, "choice") or Choice.ASK, why=_held(view, "why") or "")
    if kind in ("outside", "temporary"):
        return AboutClient(_held(view, "outside") or "", _held(view, "name") or "", kind == "temporary", Choice.ASK)
    return AboutClient(choice=Choice.ASK)


def _asked(view: EntryView) -> tuple[str, tuple[str, ...], str]:
    entry_id, kind, codes, outside = st.session_state.get(_ASKED, ("", "", (), ""))
    return (kind, codes, outside) if entry_id == view.entry.id else ("", (), "")


def _key(view: EntryView, name: str) -> str:
    return f"guard_{name}-{view.entry.id}-{view.entry.revision}"


def _held(view: EntryView, name: str) -> Any:  # noqa: ANN401 - of the widget's kind
    return st.session_state.get(_key(view, name))
