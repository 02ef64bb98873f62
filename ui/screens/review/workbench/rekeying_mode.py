"""Rekeying (kontrollskrivning) between two entries: a confirmed field is keyed from its image.

In an adjudication a third person decides between two different answers. A task is at the
workbench like an entry with one field, and its image alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import (
    EfterskriftError,
    InvalidAnswerError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.form.field_labels import accessible_name
from pipeline.domain.model import Person
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import OUTSIDE_REASONS, ClientStatement
from pipeline.review.rekeying import Rekeying
from pipeline.store.entries import queue
from pipeline.store.quality.checked_work import RekeyingOutcome, RekeyingTask
from ui.i18n import t
from ui.screens.review.client_question import ClientQuestion, QuestionKind
from ui.screens.review.current_entry import clear_undo, set_toast, set_warning
from ui.screens.review.field_input import (
    answer_from_code,
    answer_from_text,
    choice_codes,
    code_label,
    describe_answer,
    field_hint,
    is_choice_field,
)
from ui.screens.review.workbench.cards import missing_client_card
from ui.screens.review.workbench.mode import mode_card, mode_field, page_card
from ui.screens.review.workbench_state import Card, FieldValue, HeldEntry, bench_state
from ui.widgets.images import crop_image, find_covered_for, page_image
from ui.widgets.messages import error_text
from ui.widgets.views import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_VIEWED_TASK_KEY = f"{VIEW_KEY_PREFIX}control"
"""Session-state key of the task whose view is recorded for this showing."""


def claim_task(context: AppContext, person: Person) -> RekeyingMode | None:
    """Claim a rekeying task for the user and log the view of its page; None if there is none."""

    def log_view(conn: Connection, task: RekeyingTask) -> None:
        if st.session_state.get(_VIEWED_TASK_KEY) != task.id:
            queue.record_page_view(conn, person, task.page.id)

    task = context.work(Rekeying, person).claim(bench_state().skipped_tasks, log_view)
    st.session_state[_VIEWED_TASK_KEY] = task.id if task is not None else None
    if task is None:
        return None
    return RekeyingMode(context, person, task, f"control:{task.id}", task.form.area)


def end_task_view() -> None:
    """Note that no task is shown: the next view of its page is another one."""
    st.session_state.pop(_VIEWED_TASK_KEY, None)


@dataclass(frozen=True, slots=True)
class RekeyingMode:
    """A task at the workbench: a field to key, or two answers to decide between."""

    context: AppContext
    person: Person
    task: RekeyingTask
    key: str
    area: str

    def card(self, held: HeldEntry) -> tuple[Card, list[bytes]]:
        """Return the card, and the image that it shows: the field alone, if possible."""
        task = self.task
        covered = find_covered_for(self.context, self.person, task.page)
        image = crop_image(self.context, task.page, task.spec.box, covered)
        if image is None:
            image = page_image(self.context, task.page, covered)
        images = [image] if image is not None else []
        label = accessible_name(task.form, task.spec)
        card = mode_card(
            self,
            held,
            t("control.title"),
            origin=f"{task.form.title} · {task.unit}",
            notices=[t("control.third_what" if task.is_adjudication else "control.what")],
            second=task.is_adjudication,
            question=_question_card(task, held),
            fields=[_field_card(task, label, held)],
            focus=task.spec.name,
            pages=[page_card(image, label) for image in images],
        )
        return card, images

    def act(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Save the answer, or leave the task; it comes again after the next entry."""
        if message["kind"] == "skip":
            self.context.work(Rekeying, self.person).skip(self.task)
            bench_state().skipped_tasks |= {self.task.id}
            return True
        return message["kind"] == "save" and self._save(held, message)

    def _save(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Save the answer; return whether the task is done."""
        task = self.task
        held.warning = ""
        answer = _task_answer(task, message["values"].get(task.spec.name))
        is_chosen = task.is_adjudication or is_choice_field(task.spec)
        missing = "review.missing_choice" if is_chosen else "review.missing_answer"
        if answer is None:
            return _refuse(task, held, missing)
        about = ClientStatement(outside=(message.get("question") or {}).get("outside") or "")
        rekeying = self.context.work(Rekeying, self.person)
        try:
            outcome = (
                rekeying.adjudicate(task, answer, about=about)
                if task.is_adjudication
                else rekeying.save_answer(task, answer)
            )
        except UnknownClientError:
            held.question = ClientQuestion(QuestionKind.OUTSIDE, "")
            return _refuse(task, held, "review.unknown_client")
        except MissingAnswerError:
            return _refuse(task, held, missing)
        except InvalidAnswerError:
            return _refuse(task, held, "review.invalid_answer")
        except EfterskriftError as error:
            set_warning(error_text(error))
            return True
        if outcome is RekeyingOutcome.WRONG:
            # A wrong decision has been reopened: it is not the last one to undo.
            clear_undo()
        set_toast(t("control.saved"))
        return True


def _refuse(task: RekeyingTask, held: HeldEntry, key: str) -> bool:
    held.refuse({task.spec.name: t(key)})
    return False


def _field_card(task: RekeyingTask, label: str, held: HeldEntry) -> dict[str, Any]:
    """Return the field without any value: an empty text or choice, or the two answers."""
    is_choice = is_choice_field(task.spec)
    field = partial(
        mode_field,
        name=task.spec.name,
        label=label,
        hint=field_hint(task.spec),
        blind=True,
        error=held.errors.get(task.spec.name, ""),
    )
    if task.is_adjudication:
        options = [{"label": label} for label in _adjudication_choices(task)]
        value = {"choice": -1, "other": ""}
        return field("second", value=value, options=options, typed=not is_choice, reason="")
    if is_choice:
        options = [{"label": code_label(task.spec, code)} for code in choice_codes(task.spec)]
        return field("choice", value=-1, options=options)
    return field("text", value="", placeholder=t("review.type_what_you_see"))


def _question_card(task: RekeyingTask, held: HeldEntry) -> dict[str, Any] | None:
    """Return the question why the register lacks the client, if it is asked."""
    if held.question is None:
        return None
    return missing_client_card(held.question.kind, task.spec.name, "", OUTSIDE_REASONS)


def _task_answer(task: RekeyingTask, value: FieldValue | None) -> Answer | None:
    if task.is_adjudication:
        held = value if isinstance(value, Mapping) else {}
        choices = list(_adjudication_choices(task).values())
        chosen = held.get("choice")
        is_option = isinstance(chosen, int) and 0 <= chosen < len(choices)
        typed = answer_from_text(str(held.get("other") or ""), must_say=True)
        return typed or (choices[chosen] if is_option else None)  # type: ignore[index]
    if is_choice_field(task.spec):
        codes = choice_codes(task.spec)
        is_option = isinstance(value, int) and 0 <= value < len(codes)
        return answer_from_code(task.spec, codes[value] if is_option else None)  # type: ignore[index]
    return answer_from_text(value if isinstance(value, str) else "", must_say=True)


def _adjudication_choices(task: RekeyingTask) -> Mapping[str, Answer]:
    """Return the differing answers and what else can be chosen, by their text.

    The differing answers are in alphabetical order, so that the user cannot see whose is which.
    """
    differing = {describe_answer(task.spec, answer): answer for answer in task.differing_answers}
    answers = [
        answer
        for code in choice_codes(task.spec)
        if (answer := answer_from_code(task.spec, code)) is not None
    ]
    # A typed field can only be empty or illegible (the last two codes) besides a text.
    others = {
        describe_answer(task.spec, answer): answer
        for answer in (answers if is_choice_field(task.spec) else answers[-2:])
    }
    return dict(sorted(differing.items())) | {
        text: answer for text, answer in others.items() if text not in differing
    }
