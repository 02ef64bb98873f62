"""An entry as the browser gets it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import EntriesPer
from pipeline.domain.issues import parse_issues
from pipeline.domain.model import EntryState, Person
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.review.author_questions import ANSWERED_REASON
from ui.i18n import code_text, issue_texts, t
from ui.screens.review.client_card import banner_card
from ui.screens.review.client_question import (
    MAX_NAME_LENGTH,
    MAX_WHY_LENGTH,
    ClientQuestion,
    QuestionKind,
    conflict_choices,
    missing_client_reasons,
)
from ui.screens.review.deviations import (
    added_deviation_count,
    deviation_areas,
    deviation_choices,
    sheet_look_text,
    strip_cards,
)
from ui.screens.review.entry_actions import entry_actions
from ui.screens.review.entry_header import (
    entry_facts,
    entry_origin_text,
    first_outage_day,
    outage_of,
    replaced_text,
)
from ui.screens.review.field_cards import (
    PageImages,
    answers_so_far,
    field_cards,
    folded_cards,
    folded_fields,
    initial_value,
    open_fields,
    settled_card,
)
from ui.screens.review.rejection import author_answer_texts, rejection_card
from ui.screens.review.sheet_images import page_cards, page_images, row_area
from ui.screens.review.workbench_state import Card, HeldEntry
from ui.workspace import AppContext


def entry_card(
    context: AppContext,
    person: Person,
    view: EntryView,
    held: HeldEntry,
) -> tuple[Card, list[bytes]]:
    """Return the card of an entry, and the images that it shows (JPEG).

    The caller has logged the view of its pages.
    """
    sheet, images, pictures = sheet_card(context, view)
    card = {
        "entry": view.entry.id,
        "revision": view.entry.revision,
        "title": view.form.title,
        "origin": entry_origin_text(context, person, view),
        "notices": [*filter(None, [replaced_text(context, view)]), *_notices(view)],
        "authorAnswers": author_answer_texts(context, person, view),
        "second": view.is_second_review,
        "fields": []
        if view.is_hidden
        else value_cards(view, held, images, outage_of(context, view.form, view.entry.unit)),
        "strips": strip_cards(view, images),
        "head": [field.spec.name for field in _head_fields(view)],
        "folded": folded_cards(view, held, images),
        "unfold": _unfold_text(view, held),
        "settled": None if view.is_hidden else settled_card(view),
        "look": {"text": text} if (text := sheet_look_text(view)) else None,
        "add": _add_card(view),
        "actions": _action_cards(context, person, view, held),
        "hidden": _hidden_card(view),
    }
    return card | sheet | live_card(context, person, view, held), pictures


def sheet_card(context: AppContext, view: EntryView) -> tuple[Card, PageImages, list[bytes]]:
    """Return the sheet's pages and what is marked in them, their images by page, and the images."""
    shown = page_images(context, view)
    images = PageImages.of(shown)
    ids = list(images.ids)
    card = {
        "pages": page_cards(view.form.pages[0].size, shown),
        "row": row_area(view, ids),
        "marked": [list(area) for area in deviation_areas(view, ids)],
    }
    return card, images, [image for _, image in shown]


def live_card(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry
) -> dict[str, Any]:
    """Return what changes while the user types: client, facts, errors, and what is asked."""
    question = question_card(view, held.question) if held.question is not None else None
    if held.is_rejecting:
        question = rejection_card(context, person, view)
    names = [field.spec.name for field in open_fields(view, held)]
    return {
        "attempt": held.attempts,
        "completed": held.completed,
        "banner": banner_card(context, person, view, held),
        "facts": [
            {"text": fact.text, "kind": fact.kind, "passed": fact.tag}
            for fact in entry_facts(
                view, answers_so_far(view, held), first_outage_day(context, view)
            )
        ],
        "question": question,
        "focus": held.focus or next((name for name in names if name in held.errors), ""),
    }


def question_card(view: EntryView, question: ClientQuestion) -> dict[str, Any]:
    """Return a question about the client as it is asked at its field."""
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    field = spec.name if spec is not None else ""
    if question.kind is QuestionKind.CONFLICT:
        why = t("guard.why_several" if len(question.codes) > 1 else "guard.why")
        return {
            "kind": question.kind.value,
            "field": field,
            "number": question.number,
            "title": t("guard.conflict_title"),
            "lines": [code_text("guard.conflicts", code) for code in question.codes],
            "choose": t("guard.choose"),
            "choices": [
                {"value": "correct", "label": t("guard.choice.correct")},
                *(
                    {"value": choice.value, "label": t(f"guard.choice.{choice}")}
                    for choice in conflict_choices(view, question)
                ),
            ],
            "why": {"label": why, "max": MAX_WHY_LENGTH},
            "name": None,
            "select": None,
        }
    reasons = missing_client_reasons(view, question)
    return missing_client_card(question.kind, field, question.number, reasons)


def missing_client_card(
    kind: QuestionKind, field: str, number: str, reasons: Sequence[str]
) -> dict[str, Any]:
    """Return the question why the register lacks the client of a number, or there is none.

    `reasons` are the codes of what can be answered.
    """
    is_temporary = kind is QuestionKind.TEMPORARY
    return {
        "kind": kind.value,
        "field": field,
        "number": number,
        "title": t(f"guard.{kind}_title"),
        "lines": [t(f"guard.{kind}_what")],
        "choose": "",
        "choices": [],
        "why": None,
        "name": {"label": t("guard.name"), "max": MAX_NAME_LENGTH} if is_temporary else None,
        "select": {
            "label": t("guard.outside"),
            "placeholder": t("guard.outside_choose"),
            "options": [
                {"value": reason, "label": code_text("guard.outside_reasons", reason)}
                for reason in reasons
            ],
        },
    }


def can_advance(view: EntryView, ahead: EntryView) -> bool:
    """Return whether the next entry may be shown before this one's save is answered.

    Not if it is another row of the same sheet and the head of the sheet is answered for the first
    time now: those answers will be in it. The browser waits too if the head is changed.
    """
    if view.entry.sheet != ahead.entry.sheet or view.form.entries is not EntriesPer.ROW:
        return True
    return all(field.draft is not None for field in _head_fields(view))


def _head_fields(view: EntryView) -> list[FieldView]:
    """Return the fields of the sheet's head that are asked in this row."""
    if view.form.entries is not EntriesPer.ROW:
        return []
    return [field for field in view.fields if field.is_open and field.spec.row is None]


def value_cards(
    view: EntryView, held: HeldEntry, images: PageImages, outage: tuple[date, date] | None
) -> list[dict[str, Any]]:
    """Return a card for each open field, with its value and what is wrong with it."""
    by_name = {field.spec.name: field for field in view.fields}
    return [
        card
        | {"error": held.errors.get(card["name"], "")}
        | {"value": held.values.get(card["name"], initial_value(view, by_name[card["name"]]))}
        for card in field_cards(view, held, images, outage)
    ]


def _action_cards(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry
) -> list[dict[str, str]]:
    """Return what the entry allows; asked of the store once, since all drafts come by here."""
    if held.actions is None:
        held.actions = [
            {"kind": f"open:{action.name}", "label": action.label, "key": action.keys}
            for action in entry_actions(context, person, view)
        ]
    return held.actions


def _notices(view: EntryView) -> list[str]:
    # `entry_facts` compares the times as they are answered so far; once is enough.
    problems = [
        str(issue)
        for issue in parse_issues(view.problems)
        if view.is_second_review or not issue.code.recount.is_order
    ]
    lines = issue_texts(problems, view.form)
    if view.is_second_review:
        lines.insert(0, t("review.second"))
    if view.entry.reason:
        is_answered = view.entry.reason == ANSWERED_REASON
        key = "returns.answered" if is_answered else "review.returned"
        lines.insert(0, t(key) if is_answered else t(key, reason=view.entry.reason))
    return lines


def _unfold_text(view: EntryView, held: HeldEntry) -> str:
    fields = folded_fields(view, held)
    return t("fold.open", count=len(fields)) if fields else ""


def _add_card(view: EntryView) -> dict[str, Any] | None:
    """Return the choice of one more box that deviates, where only deviations are answered."""
    choices = deviation_choices(view)
    if not choices:
        return None
    return {
        "label": t("deviations.add"),
        "placeholder": t("deviations.add_which"),
        "number": added_deviation_count(view),
        "options": [{"value": name, "label": label} for name, label in choices.items()],
    }


def _hidden_card(view: EntryView) -> dict[str, str] | None:
    if not view.is_hidden or view.entry.state not in (EntryState.REVIEW, EntryState.SECOND):
        return None
    return {"title": t("hidden.title"), "text": t("hidden.what"), "do": t("hidden.hand_on")}
