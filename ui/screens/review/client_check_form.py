"""The wrong-person guard on the screen: what is asked when the sheet contradicts the client, or the
register lacks the client.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from pipeline.domain.errors import (
    AnswerError,
    ClientConflictError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.form.field import Meaning
from pipeline.registers.client_check import (
    NO_CLIENT,
    OUTSIDE_REASONS,
    ClientStatement,
    ConflictChoice,
    allowed_choices,
)
from pipeline.store.entries.entry_view import EntryView
from ui.i18n import code_text, t

_QUESTION_KEY = "client_guard"
"""(entry id, kind of question, kinds of conflict, why the register lacks the client as said before)
of what is asked now.
"""


def set_client_question(view: EntryView, error: AnswerError) -> str:
    """Note what has to be asked because of this error; answers with the key of the text that the
    number's field shall show, empty if none.
    """
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if spec is None or spec.name not in error.fields:
        return ""
    if isinstance(error, ClientConflictError):
        st.session_state[_QUESTION_KEY] = (
            view.entry.id,
            "conflict",
            error.codes,
            client_statement(view).outside,
        )
        return "guard.conflict"
    if isinstance(error, UnknownClientError):
        st.session_state[_QUESTION_KEY] = (view.entry.id, "outside", (), "")
        return "review.unknown_client"
    if isinstance(error, MissingAnswerError):
        st.session_state[_QUESTION_KEY] = (view.entry.id, "temporary", (), "")
        return "guard.no_number"
    return ""


def reset_client_question() -> None:
    """Nothing is asked any longer."""
    st.session_state.pop(_QUESTION_KEY, None)


def client_check_fields(view: EntryView) -> None:
    """Inside the entry's form: the question about the client, if there is one."""
    kind, codes, _ = _current_question(view)
    if kind == "conflict":
        with st.container(border=True, key=f"guard-{view.entry.id}"):
            st.markdown(
                f"**{t('guard.conflict_title')}**  \n"
                + "  \n".join(f"- {code_text('guard.conflicts', code)}" for code in codes)
            )
            offered = [
                choice
                for choice in allowed_choices(codes)
                if choice is not ConflictChoice.HAND_ON or not view.is_second_review
            ]
            st.radio(
                t("guard.choose"),
                offered,
                index=None,
                format_func=lambda choice: t(f"guard.choice.{choice}"),
                key=_widget_key(view, "choice"),
            )
            several = "guard.why_several" if len(codes) > 1 else "guard.why"
            st.text_input(
                t(several), key=_widget_key(view, "why"), max_chars=200, autocomplete="off"
            )
    elif kind in ("outside", "temporary"):
        with st.container(border=True, key=f"guard-{view.entry.id}"):
            st.markdown(f"**{t(f'guard.{kind}_title')}**  \n{t(f'guard.{kind}_what')}")
            st.selectbox(
                t("guard.outside"),
                _missing_number_reasons(view) if kind == "temporary" else OUTSIDE_REASONS,
                index=None,
                format_func=lambda reason: code_text("guard.outside_reasons", reason),
                placeholder=t("guard.outside_choose"),
                key=_widget_key(view, "outside"),
            )
            if kind == "temporary":
                st.text_input(
                    t("guard.name"),
                    key=_widget_key(view, "name"),
                    max_chars=120,
                    autocomplete="off",
                )


def _missing_number_reasons(view: EntryView) -> tuple[str, ...]:
    """Why there is no number. Paper whose form requires none may also be about nobody."""
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    return OUTSIDE_REASONS if spec is None or spec.required else (*OUTSIDE_REASONS, NO_CLIENT)


def client_statement(view: EntryView) -> ClientStatement:
    """What the person has said about the client so far. Nothing said means: tell me of a conflict."""
    kind, _, outside = _current_question(view)
    if kind == "conflict":
        return ClientStatement(
            outside,
            choice=_widget_value(view, "choice") or ConflictChoice.ASK,
            why=_widget_value(view, "why") or "",
        )
    if kind in ("outside", "temporary"):
        return ClientStatement(
            _widget_value(view, "outside") or "",
            _widget_value(view, "name") or "",
            kind == "temporary",
            ConflictChoice.ASK,
        )
    return ClientStatement(choice=ConflictChoice.ASK)


def _current_question(view: EntryView) -> tuple[str, tuple[str, ...], str]:
    entry_id, kind, codes, outside = st.session_state.get(_QUESTION_KEY, ("", "", (), ""))
    return (kind, codes, outside) if entry_id == view.entry.id else ("", (), "")


def _widget_key(view: EntryView, name: str) -> str:
    return f"guard_{name}-{view.entry.id}-{view.entry.revision}"


def _widget_value(view: EntryView, name: str) -> Any:  # noqa: ANN401 - of the widget's kind
    return st.session_state.get(_widget_key(view, name))
