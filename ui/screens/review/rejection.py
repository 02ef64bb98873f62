"""Avvisa: rejecting an entry that cannot be entered in the system, with a reason.

The paper and its image remain. The bench asks for the reason in place of the fields. Some reasons
need more: which unit, which question, or what the entry is a duplicate of; that is compared on a
screen of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.review.rules import REJECTION_REASONS
from pipeline.review.questions import Questions
from pipeline.review.session import ReviewSession
from pipeline.review.transfers import Transfers
from pipeline.store.accounts import people
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.event_log.events import contains_pid
from pipeline.store.review import author_questions
from pipeline.store.review.author_questions import ANSWERED_REASON, ASK_AUTHOR_REASON
from pipeline.store.review.duplicate_entries import DUPLICATE_REASON
from ui.i18n import code_text, format_moment, t
from ui.workspace import AppContext

FORWARD_REASON = "annan enhet"


def rejection_card(context: AppContext, person: Person, view: EntryView) -> dict[str, Any]:
    """Return the question why the entry is rejected, with what each reason needs."""
    return {
        "kind": "reject",
        "field": "",
        "number": "",
        "title": t("reject.title"),
        "lines": [t("reject.what")],
        "choices": [
            {
                "value": reason,
                "label": code_text("reject.reasons", reason)
                + (" …" if reason == DUPLICATE_REASON else ""),
                **_needed_parts(context, person, view, reason),
            }
            for reason in REJECTION_REASONS
        ],
        "do": t("reject.do"),
        "back": t("reject.back"),
    }


def _needed_parts(
    context: AppContext, person: Person, view: EntryView, reason: str
) -> dict[str, Any]:
    if reason == FORWARD_REASON:
        attended = context.store.query(people.units_with_someone, Action.REVIEW)
        return {
            "select": {
                "label": t("returns.forward.unit"),
                "placeholder": t("returns.forward.choose"),
                "options": [
                    {
                        "value": unit,
                        "label": unit
                        if unit in attended
                        else t("returns.forward.nobody", unit=unit),
                    }
                    for unit in context.work(Transfers, person).list_units(view.entry)
                ],
            },
            "why": {"label": t("returns.forward.why"), "max": 200},
        }
    if reason == ASK_AUTHOR_REASON:
        author = context.work(Questions, person).find_author(view.entry)
        return {
            "why": {"label": t("returns.ask.question"), "max": 600, "lines": 4},
            "name": {"label": t("returns.ask.author"), "max": 120, "value": author},
        }
    return {}


def rejection_action(
    context: AppContext, person: Person, view: EntryView, given: Mapping[str, str]
) -> Callable[[], object] | str:
    """Return what rejects the entry as it is `given`; the key of the text of what is missing."""
    entry, reason, text = view.entry, given.get("choice", ""), given.get("why", "")
    if not reason:
        return "reject.choose"
    if reason == FORWARD_REASON:
        if not given.get("outside"):
            return "returns.lacks.forward"
        send = context.work(Transfers, person).send
        return partial(send, entry.id, entry.revision, given["outside"], text)
    if reason == ASK_AUTHOR_REASON:
        if not text.strip():
            return "returns.lacks.ask"
        if contains_pid(text):
            return "returns.ask.number"
        ask = context.work(Questions, person).ask
        return partial(ask, entry.id, entry.revision, text, given.get("name", ""))
    reject = context.work(ReviewSession, person).reject
    return partial(reject, entry.id, entry.revision, reason)


def rejected_text(context: AppContext, given: Mapping[str, str]) -> str:
    """Return what is shown when an entry is rejected as `given`; empty if nothing has to be."""
    if given.get("choice") == ASK_AUTHOR_REASON:
        return t("returns.ask.done")
    if given.get("choice") != FORWARD_REASON:
        return ""
    unit = given["outside"]
    is_attended = unit in context.store.query(people.units_with_someone, Action.REVIEW)
    return t("returns.forward.done" if is_attended else "returns.forward.done_nobody", unit=unit)


def author_answer_texts(context: AppContext, person: Person, view: EntryView) -> list[str]:
    """Return questions and answers of an entry that the author's answer brought back."""
    if view.entry.reason != ANSWERED_REASON:
        return []
    entry_questions = context.store.query(
        author_questions.list_entry_questions, person, view.entry.id
    )
    return [
        t(
            "returns.author_said",
            question=question.text,
            answer=answer.text,
            who=answer.answered_by,
            when=format_moment(answer.answered_at),
        )
        for question in entry_questions
        for answer in question.answers
    ]
