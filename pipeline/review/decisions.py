"""Decide entries: the first and second review, and what their answers tell.

Nothing is overwritten. Answers are added, and each decision increments the entry's revision, which
stops a second key press. Each answer is stored with its origin: keyed blind, accepted as read,
changed, or confirmed in a batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from pipeline.domain.errors import NotAllowedError, RecountError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import INTERNAL_FORMS, Form, Forms, Subject
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.review.recount import fields_to_recheck, require_norm_of_year
from pipeline.domain.review.rules import (
    Answer,
    agrees_with_reading,
    answered_text,
    asked_fields,
    complete_answers,
    confirmed_area,
    fields_for_second_reviewer,
    fill_left_empty,
    is_read_as_printed,
    is_settled,
    needs_blind_keying,
)
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement
from pipeline.review import seeded_errors
from pipeline.review.client_question import (
    answer_number_by_code,
    complete_client_numbers,
    find_contradicted_client_field,
    save_client_choice,
)
from pipeline.review.seeded_errors import sample_for_rekeying
from pipeline.store.entries.answers import (
    NO_BATCH_ANSWERS,
    AnswerOrigin,
    BatchAnswers,
    DecidedAnswer,
    decided_answers,
    delete_answer_drafts,
    fields_taken_back,
    find_batch_answers,
    save_version,
    shared_sheet_answers,
)
from pipeline.store.entries.entry import (
    OPEN_STATES,
    Entry,
    EntryWork,
    advance_entry,
    entry_form,
    is_claimed_by_other,
    is_part_of_page,
    load_entry_as_seen,
    load_entry_readings,
    stale_decision_error,
)
from pipeline.store.entries.entry_depth import needed_fields, printed_answers
from pipeline.store.entries.queue_order import decided_due_time
from pipeline.store.entries.second_reviewer import must_not_review
from pipeline.store.entries.triage import sort_entry
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import list_sheet_pages, missing_page_numbers, set_confirmed_area
from pipeline.store.review.duties import reopen_duties


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided of an entry, as it was seen at a revision.

    `about` is the person's statement on the client beyond the number: why the register lacks the
    client, and how it is where the sheet contradicts the client. With `ask_figures` the person is
    warned of figures and days before another person has to see them. `is_norm_confirmed`: the paper
    has a calculation by the norm of another year. `outage_start` is the first day of the outage.
    """

    entry_id: str
    revision: int
    answers: Mapping[str, Answer]
    about: ClientStatement = NO_CLIENT_STATEMENT
    ask_figures: bool = False
    is_norm_confirmed: bool = False
    outage_start: date | None = None


def decide_entry(
    conn: Connection, forms: Forms, person: Person, decision: Decision, now: datetime
) -> EntryState:
    """Decide an entry and return its new state.

    The state is CONFIRMED, SECOND if another person has to look, or REVIEW if the person is to
    decide again (`seeded_errors.judge_seeded_error`).

    The first person answers for every field that is not printed, the second for those on which
    person and reading disagreed. Fields of a missing page need no answer, nor do those confirmed
    in a batch; if they are answered all the same, the answer counts. A calculation by the norm of
    another year than its month's is decided only if each person who decides confirms it.

    Another person looks at a contradiction without a statement; at figures that do not add up
    and at days in the future (with `ask_figures` the person is warned first, also of an end
    before its start, and of an event long before `outage_start`); at all critical fields of a
    form of `Forms.double_check`; and at what the person's answer left to another before it was
    taken back (`answers.fields_taken_back`).

    Raises:
        NotAllowedError: another unit or area of law, a blocked client, or the person has given
            the answers that a second person is to judge.
        StaleDecisionError: it has been decided since the person saw `revision`, or another
            person has it.
        MissingAnswerError, InvalidAnswerError, UnknownClientError, ClientConflictError,
            RecountError: the fields that prevent the decision.
    """
    seen = (decision.entry_id, decision.revision)
    entry = load_entry_as_seen(conn, person, seen, OPEN_STATES)
    if is_claimed_by_other(entry, person, now):
        raise stale_decision_error()
    work = EntryWork(conn, person, entry_form(forms, entry), entry, now, decision.about)
    if entry.state is EntryState.SECOND:
        return _decide_second(work, decision)
    return _decide_first(work, forms, decision)


def _decide_first(work: EntryWork, forms: Forms, decision: Decision) -> EntryState:
    """Decide the fields that are not printed; what is in doubt is left to a second person."""
    conn, person, form, entry = work.conn, work.person, work.form, work.entry
    answers = decision.answers
    # What is asked, what was read, and what batches have answered already.
    pages = tuple(list_sheet_pages(conn, entry.sheet))
    readings = load_entry_readings(conn, entry, pages)
    missing_pages = missing_page_numbers(pages)
    missing = {name for name, number in form.page_numbers.items() if number in missing_pages}
    asked = needed_fields(conn, form, entry, readings, answers)
    specs = [spec for spec in asked if spec.name not in missing]
    in_groups = find_batch_answers(conn, entry, readings)
    # Complete and check the answers; a missing or impossible one ends here.
    filled = fill_left_empty(
        specs,
        {**in_groups.answers(), **answers},
        {k: v for k, v in readings.items() if k not in in_groups.odd_fields},
    )
    filled = answer_number_by_code(conn, form, entry, filled)
    complete = complete_answers(specs, _add_temporary_identity(work, filled))
    completed = complete_client_numbers(work, complete)
    # A seeded error that was confirmed: the person decides again.
    if seeded_errors.judge_seeded_error(work, readings, completed):
        return EntryState.REVIEW
    _ask_norm_of_year(work, completed, is_confirmed=decision.is_norm_confirmed)
    # What another person has to see, whatever the answer is.
    shared = printed_answers(conn, entry, form, readings) | shared_sheet_answers(conn, entry, form)
    doubt = {
        find_contradicted_client_field(work, completed),
        *seeded_errors.fields_matching_seeded_errors(work, readings, completed),
        *fields_taken_back(conn, entry.id, person.login),
        *fields_to_recheck(
            form,
            entry.row,
            completed,
            work.now,
            ask=decision.ask_figures,
            outage_start=decision.outage_start,
        ),
        *(
            name
            for name in fields_for_second_reviewer(forms, form, specs, completed)
            if completed[name] != shared.get(name)
        ),
    }
    # Unsettled answers leave the entry to a second person.
    before = AnswersBefore(readings, shared, in_groups, entry.client_pid)
    decided = first_review_answers(specs, completed, before, doubt=doubt, answered=answers)
    # Nobody can read the fields of pages that have not come.
    decided |= {
        spec.name: DecidedAnswer(Answer(None, State.ILLEGIBLE), AnswerOrigin.PAGE_MISSING, True)
        for spec in asked
        if spec.name in missing
    }
    reviewer = {"first_by": person.login, "first_at": work.now}
    return write_answers(work, decided, reviewer, answered=completed)


def _ask_norm_of_year(
    work: EntryWork, answers: Mapping[str, Answer], *, is_confirmed: bool
) -> None:
    """Ask about a norm of another year; what the person answered is in the log."""
    try:
        require_norm_of_year(work.form, answers)
    except RecountError:
        if not is_confirmed:
            raise
        entry = work.entry
        record(work.conn, work.person.login, "confirm_norm_year", entry.id, unit=entry.unit)


def _decide_second(work: EntryWork, decision: Decision) -> EntryState:
    """Decide the fields that were left to a second person, and confirm the entry."""
    conn, person, entry = work.conn, work.person, work.entry
    if must_not_review(conn, person.login, entry):
        raise NotAllowedError(
            "disputed_by_you", by=person.login, action=Action.REVIEW.value, unit=entry.unit
        )
    # Only the fields that the first review left unsettled are answered.
    earlier = decided_answers(conn, entry.id, first_only=True)
    disputed = [
        spec
        for spec in asked_fields(work.form, entry.row)
        if spec.name in earlier and not earlier[spec.name].is_settled
    ]
    # Complete and check the answers.
    answers = complete_answers(disputed, _add_temporary_identity(work, decision.answers))
    completed = complete_client_numbers(work, answers)
    decided = {
        name: DecidedAnswer(answer, AnswerOrigin.SECOND, True) for name, answer in completed.items()
    }
    both = {name: answer.answer for name, answer in (earlier | decided).items()}
    _ask_norm_of_year(work, both, is_confirmed=decision.is_norm_confirmed)
    # Raises where the sheet still contradicts the client without a statement.
    find_contradicted_client_field(work, both)
    reviewer = {"second_by": person.login, "second_at": work.now}
    return write_answers(work, decided, reviewer, earlier=earlier)


def _add_temporary_identity(work: EntryWork, answers: Mapping[str, Answer]) -> Mapping[str, Answer]:
    """Return the answers with an empty or illegible number for a client outside the register.

    The number is replaced by a temporary identity later. It is illegible where the paper has no
    number that could be typed, and empty if the entry is about no client.
    """
    spec, about = work.form.meaning(Meaning.CLIENT_PID, work.entry.row), work.about
    number = answers.get(spec.name) if spec else None
    # Nothing to add: no such field, no temporary identity wanted, or a number was read after all.
    if (
        spec is None
        or not about.temporary
        or not about.outside
        or (number is not None and number.state is State.READ)
    ):
        return answers
    return {
        **answers,
        spec.name: Answer(None, State.EMPTY if about.is_about_no_client else State.ILLEGIBLE),
    }


def write_answers(
    work: EntryWork,
    new: Mapping[str, DecidedAnswer],
    columns: Mapping[str, Any],
    *,
    answered: Mapping[str, Answer] | None = None,
    earlier: Mapping[str, DecidedAnswer] = MappingProxyType({}),
) -> EntryState:
    """Store answers and what they say of the entry; return its state.

    Another person looks at what is not settled.

    Args:
        columns: who decides, and why.
        answered: those of the answers that the person gave, if not all of them.
        earlier: what the other fields say.

    Raises:
        StaleDecisionError: another person decided first.
    """
    conn, form, entry, now = work.conn, work.form, work.entry, work.now
    is_settled_all = all(decided.is_settled for decided in new.values())
    state = EntryState.CONFIRMED if is_settled_all else EntryState.SECOND
    facts = derive_entry_facts(conn, form, entry, {**earlier, **new})
    write_decision(conn, work.person, entry, now, new, state=state, **columns, **facts)
    # What has met a deadline comes by what it says
    if "deadlines" in facts:
        sort_entry(conn, Forms({(form.id, form.version): form}), entry.id)
    # Some of the fields of an entry that is exported are keyed once more
    if is_settled_all and entry.form not in INTERNAL_FORMS:
        sample_for_rekeying(conn, form, entry, now)
    if answered is None:
        answered = {name: decided.answer for name, decided in new.items()}
    before = {name: decided.answer for name, decided in earlier.items()}
    save_client_choice(work, answered, before)
    return state


def write_decision(
    conn: Connection,
    person: Person,
    entry: Entry,
    now: datetime,
    new: Mapping[str, DecidedAnswer],
    **values: Any,  # noqa: ANN401 - columns of many types
) -> None:
    """Write one decision.

    The entry is advanced first, so that the second of two simultaneous decisions fails before it
    adds an answer. A confirmed entry of one of `INTERNAL_FORMS`, which are not exported, is final:
    its state is RECEIPTED.

    Args:
        new: the answers that are decided; none if the entry is rejected or void.
        values: the columns that change, `state` among them.

    Raises:
        StaleDecisionError: another person decided first.
    """
    state = values["state"]
    if state is EntryState.CONFIRMED and entry.form in INTERNAL_FORMS:
        state = EntryState.RECEIPTED
    if state not in {EntryState.REVIEW, EntryState.SECOND}:
        values["ended_at"] = now
    advance_entry(conn, entry, **{**values, "state": state.value})
    if "area" in values and not is_part_of_page(entry):
        set_confirmed_area(conn, entry.form, entry.sheet, values["area"])
    # Store the answers and the version that they make.
    seeded_errors.withdraw_seeded_errors(conn, entry.id, person.login, new, now)
    version = {
        "state": state.value,
        "reason": str(values.get("reason") or ""),
        "voided": bool(values.get("voided")),
        "by": person.login,
        "at": now,
    }
    save_version(conn, entry, version, new)
    # The second person starts without the drafts of disputed fields.
    disputed = (
        {name for name, answer in new.items() if not answer.is_settled}
        if state is EntryState.SECOND
        else set()
    )
    # Drafts of a rejected entry are kept for when it is reopened.
    if state is not EntryState.REJECTED or values.get("voided"):
        delete_answer_drafts(conn, entry.id, person.login, disputed)
    counts = {
        "revision": entry.revision + 1,
        "fields": len(new),
        "unsettled": sum(not answer.is_settled for answer in new.values()),
    }
    record(conn, person.login, "decide", entry.id, unit=entry.unit, state=state.value, **counts)
    reopen_duties(conn, person, entry.id, now)


# What answers tell: how they came about, which are settled, and what lists show of the entry.
#
# Lists, permissions and metrics need its client, day, author, legal deadline and area of law.


@dataclass(frozen=True, slots=True)
class AnswersBefore:
    """What is known of the fields of an entry before a person answers.

    Attributes:
        readings: What was read.
        shared: The answers of confirmed rows of the same sheet; they settle what is not in doubt.
        in_groups: The answers of batches.
        printed: The client's number as the program printed it, if it did.
    """

    readings: Mapping[str, Reading]
    shared: Mapping[str, Answer]
    in_groups: BatchAnswers = NO_BATCH_ANSWERS
    printed: str | None = None


def first_review_answers(
    specs: Iterable[FieldSpec],
    answers: Mapping[str, Answer],
    before: AnswersBefore,
    *,
    doubt: Collection[str | None],
    answered: Collection[str],
) -> dict[str, DecidedAnswer]:
    """Return each field's answer with its origin and whether it is settled.

    Args:
        specs: the fields that were answered.
        answers: the answer of each.
        before: what is known of them.
        doubt: fields that another person has to see whatever the answer is.
        answered: the fields that the person answered on the sheet, which overrides a batch.
    """
    decided, in_groups = {}, before.in_groups
    for spec in specs:
        name = spec.name
        # Confirmed in a batch and not touched on the sheet: the batch's reviewer answers for it.
        if name in in_groups.confirmed and name not in answered and name not in doubt:
            decided[name] = DecidedAnswer(
                answers[name], AnswerOrigin.BATCH, True, in_groups.confirmed_by(name)
            )
        else:
            reading = before.readings.get(name)
            origin = _answer_origin(
                spec, answers[name], reading, before.printed, odd=name in in_groups.odd_fields
            )
            # Settled: as on a confirmed row of the sheet, or as read.
            settled = answers[name] == before.shared.get(name) or is_settled(
                spec, answers[name], reading
            )
            decided[name] = DecidedAnswer(answers[name], origin, settled and name not in doubt)
    return decided


def _answer_origin(
    spec: FieldSpec, answer: Answer, reading: Reading | None, printed: str | None, *, odd: bool
) -> AnswerOrigin:
    """Return how an answer came about: keyed blind, accepted as read, or changed.

    The client's number is accepted where it was printed, shown, and left as it was.
    """
    agrees = agrees_with_reading(spec, answer, reading)
    if agrees and is_read_as_printed(spec, printed, reading):
        return AnswerOrigin.ACCEPTED
    if odd or needs_blind_keying(spec, reading):
        return AnswerOrigin.TYPED
    return AnswerOrigin.ACCEPTED if agrees else AnswerOrigin.CHANGED


def derive_entry_facts(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]
) -> dict[str, Any]:
    """Return the columns that follow from the answers: client, day, deadline, author and area."""
    facts: dict[str, Any] = {}
    if form.all_deadlines:
        facts = decided_due_time(conn, form, entry, answers)
    for column, means in (("client_pid", Meaning.CLIENT_PID), ("event_on", Meaning.EVENT_DATE)):
        spec = form.meaning(means, entry.row)
        decided = answers.get(spec.name) if spec else None
        # A field on a missing page says nothing
        if decided is None or decided.origin is AnswerOrigin.PAGE_MISSING:
            continue
        answer = decided.answer
        # Where the form's number may be left empty, it says whether the entry is about a client
        if means is Meaning.CLIENT_PID:
            subject = Subject.CLIENT if answer.state is State.READ else Subject.NONE
            facts["subject"] = subject.value
        if decided.is_settled:
            facts[column] = answer.value if isinstance(answer.value, str) else None
    plain = {name: decided.answer for name, decided in answers.items()}
    # The author's name, or the initials where there is no name
    names = (
        answered_text(form, entry.row, plain, means).strip()[:120]
        for means in (Meaning.AUTHOR_NAME, Meaning.AUTHOR_SIGNATURE)
    )
    facts["author"] = next(filter(None, names), None)
    # Until a second reviewer has settled it, the entry stays visible to those who saw it before
    if all(decided.is_settled for decided in answers.values()):
        facts["area"] = confirmed_area(form, plain)
    return facts
