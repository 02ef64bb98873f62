"""The legal duties of Läge: what has passed, what is next, and that one is met.

Opened from the sentence above. A duty is there until a person says that it is met. No client is
named: a manager sees which paper it is by its serial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from pipeline.domain.dates import swedish_day
from pipeline.domain.errors import ReviewError
from pipeline.domain.law.duties import MetHow, duty_text, find_deadline_rule
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.forms.fiducials import format_serial_or_id, normalize_serial
from pipeline.reporting.progress import Overview, find_due_name
from pipeline.store.review.duties import (
    Duty,
    LaterPaper,
    MetAnswer,
    MetDuty,
    find_paper_of_same_person,
    list_duties,
    list_met_duties,
    meet_duty,
    retract_met_duty,
)
from pipeline.store.schema.clock import utc_now
from ui.i18n import current_language, format_moment, format_weekday, t
from ui.markdown import md, plain
from ui.session import requires_open_session
from ui.widgets.heading import screen_link
from ui.widgets.messages import Message, errors_to
from ui.workspace import AppContext

_SHOWN_KEY, _LENGTH_KEY = "deadlines_shown", "deadlines_length"
_MESSAGE = Message("deadlines_message", icon=":material/error:")
_OPEN_KEY = "deadlines_open"
_HOW_KEY, _DAY_KEY, _PAPER_KEY = "duty_how", "duty_day", "duty_paper"
_PASSED, _AHEAD, _MET = "passed", "ahead", "met"
_ICONS = {_PASSED: ":material/gavel:", _AHEAD: ":material/event:", _MET: ":material/task_alt:"}
_PASSED_NAMES = frozenset({"over", "uncertain"})
_PAGE_LENGTH = 10
"""Duties that are shown at once."""


def deadline_section(context: AppContext, person: Person, overview: Overview) -> None:
    """Show ways to what is dangerous, on paper and by law, and the list of duties asked for."""
    counts = dict.fromkeys((_PASSED, _AHEAD), 0)
    for deadline in overview.deadlines:
        is_passed = find_due_name(deadline.due_at, overview.at) in _PASSED_NAMES
        counts[_PASSED if is_passed else _AHEAD] += deadline.entries
    met = context.store.query(list_met_duties, person)
    shown = st.session_state.get(_SHOWN_KEY, "")
    with st.container(horizontal=True):
        for name, count in {**counts, _MET: len(met)}.items():
            if count:
                st.button(
                    md(f"deadline.{'hide' if shown == name else 'show'}_{name}", count=count),
                    key=f"deadlines_{name}",
                    on_click=partial(_show_list, context, "" if shown == name else name),
                    icon=_ICONS[name],
                )
        if is_allowed(person, Action.BACKLOG):
            for name, count in overview.dangers.items():
                if count:
                    screen_link("backlog", md(f"deadline.show_{name}", count=count), danger=name)
    _MESSAGE.show()
    length = st.session_state.get(_LENGTH_KEY, _PAGE_LENGTH)
    listed = 0
    if shown == _MET:
        listed = len(met)
        met_rows(context, person, met[:length])
    elif counts.get(shown):
        st.caption(t("deadline.about"))
        duties = [
            duty
            for duty in context.store.query(list_duties, context.forms, person)
            if (find_due_name(duty.due_at, overview.at) in _PASSED_NAMES) is (shown == _PASSED)
        ]
        listed = len(duties)
        duty_rows(context, person, duties[:length])
    if listed > length:
        st.button(
            md("deadline.more", count=min(_PAGE_LENGTH, listed - length)),
            key="deadlines_more",
            on_click=partial(_show_more, context, length),
        )


@requires_open_session
def _show_list(_context: AppContext, name: str) -> None:
    st.session_state[_SHOWN_KEY] = name
    st.session_state.pop(_LENGTH_KEY, None)
    st.session_state.pop(_OPEN_KEY, None)


@requires_open_session
def _show_more(_context: AppContext, length: int) -> None:
    st.session_state[_LENGTH_KEY] = length + _PAGE_LENGTH


def entry_duties(context: AppContext, person: Person, entry_id: str) -> None:
    """Show the duties of one entry, open and met, to who may say that they are met."""
    if not is_allowed(person, Action.DUTY):
        return
    _MESSAGE.show()
    with context.store.read() as conn:
        duties = list_duties(conn, context.forms, person, [entry_id])
        met = list_met_duties(conn, person, entry_id)
    duty_rows(context, person, duties)
    met_rows(context, person, met)


def duty_rows(context: AppContext, person: Person, duties: Sequence[Duty]) -> None:
    """Show open duties, each with what says that it is met."""
    for duty in duties:
        key = (duty.entry_id, duty.rule)
        name = "-".join(key)
        with st.container(border=True, key=f"duty-{name}"):
            with st.container(horizontal=True, vertical_alignment="center"):
                with st.container(gap=None):
                    text = duty_text(duty.rule, duty.due_at, utc_now(), current_language())
                    is_passed = find_due_name(duty.due_at, utc_now()) in _PASSED_NAMES
                    st.markdown(f":red[**{plain(text)}**]" if is_passed else f"**{plain(text)}**")
                    st.caption(plain(_paper_text(context, duty)))
                st.button(
                    t("deadline.mark"),
                    key=f"duty_mark-{name}",
                    help=t("deadline.mark_help"),
                    on_click=partial(_open_form, context, key),
                )
            if duty.proposal is not None:
                _proposal_row(context, person, key, duty.proposal)
            if st.session_state.get(_OPEN_KEY) == key:
                _met_form(context, person, key)


def _paper_text(context: AppContext, duty: Duty) -> str:
    form = context.forms.get((duty.form, duty.version))
    serial = t("deadline.serial", serial=format_serial_or_id(duty.serial or duty.entry_id))
    return " · ".join((form.title if form else duty.form, serial, duty.unit))


def _proposal_row(
    context: AppContext, person: Person, key: tuple[str, str], proposal: LaterPaper
) -> None:
    form = context.forms.get((proposal.form, proposal.version))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            md(
                "deadline.proposal",
                form=form.title if form else proposal.form,
                serial=format_serial_or_id(proposal.serial or proposal.entry_id),
                day=format_weekday(proposal.day),
            )
        )
        st.button(
            t("deadline.agree"),
            key=f"duty_agree-{'-'.join(key)}",
            type="primary",
            on_click=partial(_meet, context, person, key, lambda: proposal.answer),
        )


def _met_form(context: AppContext, person: Person, key: tuple[str, str]) -> None:
    """Ask how and when a duty was met, and by which paper."""
    how = st.radio(
        t("deadline.how"),
        [how.value for how in MetHow],
        format_func=lambda value: t(f"deadline.how.{value}"),
        horizontal=True,
        key=_HOW_KEY,
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        today = swedish_day(utc_now())
        st.date_input(
            t("deadline.when"),
            value=None,
            max_value=today,
            format="YYYY-MM-DD",
            width=180,
            key=_DAY_KEY,
        )
        if how == MetHow.PAPER:
            st.text_input(
                t("deadline.which"),
                key=_PAPER_KEY,
                autocomplete="off",
                placeholder=t("deadline.which_example"),
            )
        st.button(
            t("deadline.save"),
            key="duty_save",
            type="primary",
            on_click=partial(
                _meet, context, person, key, partial(_typed_answer, context, person, key)
            ),
        )
        st.button(t("deadline.cancel"), key="duty_cancel", on_click=partial(_open_form, context))


def _typed_answer(context: AppContext, person: Person, key: tuple[str, str]) -> MetAnswer:
    how, paper = MetHow(st.session_state[_HOW_KEY]), None
    if how is MetHow.PAPER:
        with context.store.read() as conn:
            serial = normalize_serial(st.session_state.get(_PAPER_KEY, ""))
            paper = find_paper_of_same_person(conn, person, key[0], serial)
    if (day := st.session_state[_DAY_KEY]) is None:
        raise ReviewError("duty_day_missing")
    return MetAnswer(how, day, paper)


@requires_open_session
def _open_form(_context: AppContext, key: tuple[str, str] | None = None) -> None:
    # The widgets of the form have the same keys for every duty.
    st.session_state[_OPEN_KEY] = key
    for name in (_HOW_KEY, _DAY_KEY, _PAPER_KEY):
        st.session_state.pop(name, None)


@requires_open_session
def _meet(
    context: AppContext, person: Person, key: tuple[str, str], answer: Callable[[], MetAnswer]
) -> None:
    with errors_to(_MESSAGE.failed):
        given = answer()
        context.store.change(meet_duty, context.forms, person, key, given, utc_now())
        st.session_state.pop(_OPEN_KEY, None)


def met_rows(context: AppContext, person: Person, met: Sequence[MetDuty]) -> None:
    """Show duties that a person has said to be met, each with a way to take it back."""
    for one in met:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                rule = find_deadline_rule(one.duty.rule, one.answer.day)
                st.markdown(plain(rule.what))
                said = t(
                    "deadline.met_by",
                    how=t(f"deadline.how.{one.answer.how.value}"),
                    day=format_weekday(one.answer.day),
                    by=one.by,
                    at=format_moment(one.at),
                )
                st.caption(plain(f"{said} · {_paper_text(context, one.duty)}"))
            key = (one.duty.entry_id, one.duty.rule)
            st.button(
                t("deadline.undo"),
                key=f"duty_undo-{'-'.join(key)}",
                on_click=partial(_retract, context, person, key),
            )


@requires_open_session
def _retract(context: AppContext, person: Person, key: tuple[str, str]) -> None:
    with errors_to(_MESSAGE.failed), context.store.begin() as conn:
        retract_met_duty(conn, context.forms, person, key, utc_now())
