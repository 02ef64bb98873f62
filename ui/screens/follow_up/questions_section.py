"""Uppföljning: questions to authors, with a list to print and a form for the answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import Any

import streamlit as st

from pipeline.domain.dates import SWEDEN
from pipeline.domain.model import Person
from pipeline.reporting.author_questions import make_question_list
from pipeline.review.questions import Questions
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.event_log.events import record
from pipeline.store.review.author_questions import Question, list_questions
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md, plain
from ui.screens.follow_up import MESSAGE
from ui.screens.review.duplicate_comparison import entry_name, entry_title
from ui.screens.review.sheet_images import end_page_views, record_page_views, sheet_images
from ui.session import requires_open_session
from ui.widgets.messages import carry_out
from ui.workspace import AppContext

# Texts that are not sent yet: they are there again when the person comes back to them.
#
# Streamlit forgets what a field holds as soon as another screen is shown.

_KEPT_KEY = "half_written"


def kept_widget(key: str, nothing: object = "") -> dict[str, Any]:
    """Return the key and callback of a widget, outside any form, that keeps what is typed in it.

    `nothing` is what it holds before anything is typed.
    """
    # Set before the widget is made: Streamlit refuses a value for one that is drawn already.
    if key not in st.session_state:
        st.session_state[key] = _kept().get(key, nothing)
    return {"key": key, "on_change": partial(_keep, key)}


def _keep(key: str) -> None:
    _kept()[key] = st.session_state[key]


def _kept() -> dict[str, object]:
    kept: dict[str, object] = st.session_state.setdefault(_KEPT_KEY, {})
    return kept


_SHOWN_KEY = "question_paper"
"""The question whose sheet is shown."""
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
"""A day outside these is replaced by Streamlit silently; one in the future is refused and said."""


def show(context: AppContext, person: Person, asked: Sequence[Question]) -> None:
    """Show the open questions by author, and the answered ones below."""
    by_author = groupby(asked, key=lambda question: question.author)
    for number, (author, questions_of) in enumerate(by_author):
        _author_section(context, person, number, author, list(questions_of))
    answered = context.store.query(list_questions, person, answered=True)
    if answered:
        with st.expander(md("questions.answered", count=len(answered)), key="questions_answered"):
            for question in answered:
                _answered_row(context, question)


def _author_section(
    context: AppContext, person: Person, number: int, author: str, questions: list[Question]
) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.header(plain(author) or t("questions.nobody"), anchor=False, width="stretch")
        st.download_button(
            t("questions.print"),
            partial(_print_questions, context, person, author, questions),
            file_name=t("questions.file", number=number + 1),
            mime="application/pdf",
            key=f"print-{number}",
            icon=":material/phone_iphone:",
        )
    for question in questions:
        _question_row(context, person, question)


def _print_questions(
    context: AppContext, person: Person, author: str, questions: list[Question]
) -> bytes:
    """Return the list for one author as PDF; the printing is logged."""
    with context.store.begin() as conn:
        for question in questions:
            record(
                conn, person.login, "print_question", question.entry.id, unit=question.entry.unit
            )
    return make_question_list(
        author, questions, context.forms, made_by=person.name, made_at=utc_now()
    )


def _question_row(context: AppContext, person: Person, question: Question) -> None:
    keys = {name: f"answer_{name}-{question.id}" for name in ("text", "who", "day", "clock")}
    now = datetime.now(SWEDEN)
    with st.container(border=True):
        st.markdown(f"**{plain(entry_name(context, question.entry))}**  \n{plain(question.text)}")
        st.caption(md("questions.asked", by=question.by, at=format_moment(question.at)))
        _paper(context, person, question)
        with st.expander(t("questions.write"), key=f"write-{question.id}"):
            # In no form: what is half written is kept
            st.text_area(
                t("questions.answer"), max_chars=1000, height=90, **kept_widget(keys["text"])
            )
            st.text_input(
                t("questions.who"),
                max_chars=120,
                autocomplete="off",
                **kept_widget(keys["who"], question.author),
            )
            with st.container(horizontal=True):
                st.date_input(
                    t("questions.day"),
                    min_value=_FIRST_DAY,
                    max_value=_LAST_DAY,
                    format="YYYY-MM-DD",
                    **kept_widget(keys["day"], now.date()),
                )
                st.time_input(
                    t("questions.clock"),
                    step=300,
                    **kept_widget(keys["clock"], now.time().replace(second=0, microsecond=0)),
                )
            st.button(
                t("questions.do"),
                key=f"do_answer-{question.id}",
                on_click=partial(_save_answer, context, person, question, keys),
            )


def _paper(context: AppContext, person: Person, question: Question) -> None:
    """Show the sheet that the question is about, when it is asked for."""
    is_shown = st.session_state.get(_SHOWN_KEY) == question.id
    st.button(
        t("questions.hide_paper" if is_shown else "questions.show_paper"),
        key=f"paper-{question.id}",
        icon=":material/description:",
        on_click=partial(_choose_paper, None if is_shown else question.id),
    )
    if is_shown:
        with context.store.begin() as conn:
            view = load_entry_view(conn, context.forms, person, question.entry.id)
            record_page_views(person, conn, view)
        with st.container(key="picture"):
            sheet_images(context, view)


def _choose_paper(question_id: int | None) -> None:
    end_page_views()
    st.session_state[_SHOWN_KEY] = question_id


@requires_open_session
def _save_answer(
    context: AppContext, person: Person, question: Question, keys: dict[str, str]
) -> None:
    values = {name: st.session_state.get(key) for name, key in keys.items()}
    text, who = str(values["text"] or ""), str(values["who"] or "")
    if not text.strip() or not who.strip() or values["day"] is None or values["clock"] is None:
        MESSAGE.failed(t("questions.lacks"))
        return
    at = datetime.combine(values["day"], values["clock"], SWEDEN)
    save = partial(context.work(Questions, person).save_answer, question.id, text, who, at)
    carry_out(context, MESSAGE, save, "questions.saved")


def _answered_row(context: AppContext, question: Question) -> None:
    st.markdown(f"**{plain(entry_title(context, question.entry))}**  \n{plain(question.text)}")
    for answer in question.answers:
        st.markdown(plain(answer.text))
        st.caption(
            md(
                "questions.given",
                who=answer.answered_by,
                when=format_moment(answer.answered_at),
                by=answer.by,
                at=format_moment(answer.at),
            )
        )
