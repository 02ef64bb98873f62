"""Uppföljning: questions to those who wrote, by author, with a list to print and a place for the answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

import streamlit as st

from pipeline.model import Person
from pipeline.question_list import question_list
from pipeline.store import questions
from pipeline.store.clock import utc_now
from pipeline.store.events import record
from pipeline.store.questions import Question
from pipeline.swedish_time import SWEDEN
from ui.components.duplicate_compare import entry_name, entry_title
from ui.components.follow_up_act import tell, tried
from ui.session import while_open
from ui.site import Site
from ui.text import moment, t


def show(here: Site, person: Person, found: Sequence[object]) -> None:
    """The list by author, and what is already answered below."""
    asked = [one for one in found if isinstance(one, Question)]
    if not asked:
        st.info(t("follow_up.empty.questions"), icon=":material/info:")
    for number, (author, own) in enumerate(groupby(asked, key=lambda one: one.author)):
        _author(here, person, number, author, list(own))
    with here.store.read() as conn:
        answered = questions.questions(conn, person, answered=True)
    if answered:
        with st.expander(t("questions.answered", count=len(answered)), key="questions_answered"):
            for one in answered:
                _answered(here, one)


def _author(here: Site, person: Person, number: int, author: str, own: list[Question]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(author or t("questions.nobody"), anchor=False, width="stretch")
        st.download_button(
            t("questions.print"),
            partial(_printed, here, person, author, own),
            file_name=t("questions.file", number=number + 1),
            mime="application/pdf",
            key=f"print-{number}",
            icon=":material/phone_iphone:",
        )
    for one in own:
        _question(here, person, one)


def _printed(here: Site, person: Person, author: str, own: list[Question]) -> bytes:
    """The list for one author as PDF; that it was printed is written in the log."""
    with here.store.begin() as conn:
        for one in own:
            record(conn, person.login, "print_question", one.entry.id, unit=one.entry.unit)
    return question_list(author, own, here.forms, made_by=person.name, made_at=utc_now())


def _question(here: Site, person: Person, one: Question) -> None:
    keys = {name: f"answer_{name}-{one.id}" for name in ("text", "who", "day", "clock")}
    now = datetime.now(SWEDEN)
    with st.container(border=True):
        st.markdown(f"**{entry_name(here, one.entry)}**  \n{one.text}")
        st.caption(t("questions.asked", by=one.by, at=moment(one.at)))
        with st.expander(t("questions.write"), key=f"write-{one.id}"), st.form(f"answer-{one.id}", border=False):
            st.text_area(t("questions.answer"), key=keys["text"], max_chars=1000, height=90)
            st.text_input(t("questions.who"), value=one.author, key=keys["who"], max_chars=120, autocomplete="off")
            with st.container(horizontal=True):
                st.date_input(t("questions.day"), value=now.date(), max_value=now.date(), key=keys["day"], format="YYYY-MM-DD")
                st.time_input(t("questions.clock"), value=now.time().replace(second=0, microsecond=0), key=keys["clock"], step=300)
            st.form_submit_button(t("questions.do"), key=f"do_answer-{one.id}", on_click=partial(_answer, here, person, one, keys))


@while_open
def _answer(here: Site, person: Person, one: Question, keys: dict[str, str]) -> None:
    held = {name: st.session_state.get(key) for name, key in keys.items()}
    text, who = str(held["text"] or ""), str(held["who"] or "")
    if not text.strip() or not who.strip() or held["day"] is None or held["clock"] is None:
        tell("fault", t("questions.lacks"))
        return
    at = datetime.combine(held["day"], held["clock"], SWEDEN)
    tried(here, "questions.saved", lambda conn: questions.give_answer(conn, person, one.id, text, who, at, utc_now()))


def _answered(here: Site, one: Question) -> None:
    st.markdown(f"**{entry_title(here, one.entry)}**  \n{one.text}")
    for given in one.answers:
        st.markdown(given.text)
        st.caption(t("questions.given", who=given.answered_by, when=moment(given.answered_at), by=given.by, at=moment(given.at)))
