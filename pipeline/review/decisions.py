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
from pipeline.registers.client_check import ClientStatement
from pipeline.review import seeded_errors
from pipeline.review.client_question import (
    complete_client_numbers,
    find_contradicted_client_field,
    save_client_choice,
)
from pipeline.review.seeded_errors import sample_for_rekeying
from pipeline.store.entries.answers import (
    AnswerOrigin,
    BatchAnswers,
    DecidedAnswer,
    add_decided_answers,
    decided_answers,
    delete_answer_drafts,
    fields_taken_back,
    find_batch_answers,
    save_version,
    shared_sheet_answers,
)
from pipeline.store.entries.client_identities import answer_number_by_code
from pipeline.store.entries.entry import (
    OPEN_STATES,
    Entry,
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

NO_CLIENT_STATEMENT = ClientStatement()


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
    entry = load_entry_as_seen(conn, person, decision.entry_id, decision.revision, OPEN_STATES)
    if is_claimed_by_other(entry, person, now):
        raise stale_decision_error()
    if entry.state is EntryState.SECOND:
        return _decide_second(conn, forms, person, entry, decision, now)
    return _decide_first(conn, forms, person, entry, decision, now)


def _decide_first(
    conn: Connection, forms: Forms, person: Person, entry: Entry, decision: Decision, now: datetime
) -> EntryState:
    """Decide the fields that are not printed; what is in doubt is left to a second person."""
    answers, about = decision.answers, decision.about
    # What is asked, what was read, and what batches have answered already.
    form = entry_form(forms, entry)
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
    complete = complete_answers(specs, _add_temporary_identity(form, entry, filled, about))
    completed = complete_client_numbers(conn, person, form, entry.row, complete, about)
    # A seeded error that was confirmed: the person decides again.
    by_name = {spec.name: spec for spec in specs}
    if seeded_errors.judge_seeded_error(conn, person, entry, by_name, readings, completed, now):
        return EntryState.REVIEW
    _ask_norm_of_year(conn, person, entry, form, completed, is_confirmed=decision.is_norm_confirmed)
    # What another person has to see, whatever the answer is.
    shared = printed_answers(conn, entry, form, readings) | shared_sheet_answers(conn, entry, form)
    doubt = {
        find_contradicted_client_field(conn, form, entry, completed, about),
        *seeded_errors.fields_matching_seeded_errors(
            conn, person, entry.id, by_name, readings, completed
        ),
        *fields_taken_back(conn, entry.id, person.login),
        *fields_to_recheck(
            form,
            entry.row,
            completed,
            now,
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
    decided = first_review_answers(
        specs,
        completed,
        readings,
        shared,
        in_groups,
        doubt=doubt,
        answered=answers,
        printed=entry.client_pid,
    )
    # Nobody can read the fields of pages that have not come.
    decided |= {
        spec.name: DecidedAnswer(Answer(None, State.ILLEGIBLE), AnswerOrigin.PAGE_MISSING, True)
        for spec in asked
        if spec.name in missing
    }
    reviewer = {"first_by": person.login, "first_at": now}
    return write_answers(
        conn, person, form, entry, decided, now, reviewer, answered=completed, about=about
    )


def _ask_norm_of_year(
    conn: Connection,
    person: Person,
    entry: Entry,
    form: Form,
    answers: Mapping[str, Answer],
    *,
    is_confirmed: bool,
) -> None:
    """Ask about a norm of another year; what the person answered is in the log."""
    try:
        require_norm_of_year(form, answers)
    except RecountError:
        if not is_confirmed:
            raise
        record(conn, person.login, "confirm_norm_year", entry.id, unit=entry.unit)


def _decide_second(
    conn: Connection, forms: Forms, person: Person, entry: Entry, decision: Decision, now: datetime
) -> EntryState:
    """Decide the fields that were left to a second person, and confirm the entry."""
    if must_not_review(conn, person.login, entry):
        raise NotAllowedError(
            "disputed_by_you", by=person.login, action=Action.REVIEW.value, unit=entry.unit
        )
    form, about = entry_form(forms, entry), decision.about
    # Only the fields that the first review left unsettled are answered.
    earlier = decided_answers(conn, entry.id, first_only=True)
    disputed = [
        spec
        for spec in asked_fields(form, entry.row)
        if spec.name in earlier and not earlier[spec.name].is_settled
    ]
    # Complete and check the answers.
    completed = complete_client_numbers(
        conn,
        person,
        form,
        entry.row,
        complete_answers(disputed, _add_temporary_identity(form, entry, decision.answers, about)),
        about,
    )
    decided = {
        name: DecidedAnswer(answer, AnswerOrigin.SECOND, True) for name, answer in completed.items()
    }
    both = {name: answer.answer for name, answer in (earlier | decided).items()}
    _ask_norm_of_year(conn, person, entry, form, both, is_confirmed=decision.is_norm_confirmed)
    # Raises where the sheet still contradicts the client without a statement.
    find_contradicted_client_field(conn, form, entry, both, about)
    reviewer = {"second_by": person.login, "second_at": now}
    return write_answers(
        conn, person, form, entry, decided, now, reviewer, earlier=earlier, about=about
    )


def _add_temporary_identity(
    form: Form, entry: Entry, answers: Mapping[str, Answer], about: ClientStatement
) -> Mapping[str, Answer]:
    """Return the answers with an empty or illegible number for a client outside the register.

    The number is replaced by a temporary identity later. It is illegible where the paper has no
    number that could be typed, and empty if the entry is about no client.
    """
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
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
    conn: Connection,
    person: Person,
    form: Form,
    entry: Entry,
    new: Mapping[str, DecidedAnswer],
    now: datetime,
    columns: Mapping[str, Any],
    *,
    answered: Mapping[str, Answer] | None = None,
    earlier: Mapping[str, DecidedAnswer] = MappingProxyType({}),
    about: ClientStatement = NO_CLIENT_STATEMENT,
) -> EntryState:
    """Store answers and what they say of the entry; return its state.

    Another person looks at what is not settled.

    Args:
        columns: who decides, and why.
        answered: those of the answers that the person gave, if not all of them.
        earlier: what the other fields say.
        about: what the person said of the client.

    Raises:
        StaleDecisionError: another person decided first.
    """
    is_settled_all = all(decided.is_settled for decided in new.values())
    state = EntryState.CONFIRMED if is_settled_all else EntryState.SECOND
    facts = derive_entry_facts(conn, form, entry, {**earlier, **new})
    write_decision(conn, person, entry, new, now, state=state, form=form, **columns, **facts)
    if answered is None:
        answered = {name: decided.answer for name, decided in new.items()}
    before = {name: decided.answer for name, decided in earlier.items()}
    save_client_choice(conn, person, form, entry, answered, about, now, before=before)
    return state


def write_decision(
    conn: Connection,
    person: Person,
    entry: Entry,
    new: Mapping[str, DecidedAnswer],
    now: datetime,
    *,
    state: EntryState,
    form: Form | None = None,
    **values: Any,  # noqa: ANN401 - columns of many types
) -> None:
    """Write one decision.

    The entry is advanced first, so that the second of two simultaneous decisions fails before it
    adds an answer. A confirmed entry of one of `INTERNAL_FORMS`, which are not exported, is final:
    its state is RECEIPTED.

    Args:
        form: given when fields are confirmed, so that some of them are drawn for rekeying.

    Raises:
        StaleDecisionError: another person decided first.
    """
    if state is EntryState.CONFIRMED and entry.form in INTERNAL_FORMS:
        state = EntryState.RECEIPTED
    if state not in {EntryState.REVIEW, EntryState.SECOND}:
        values["ended_at"] = now
    advance_entry(conn, entry, state=state.value, **values)
    # What has met a deadline comes by what it says
    if form is not None and "deadlines" in values:
        sort_entry(conn, Forms({(form.id, form.version): form}), entry.id)
    if "area" in values and not is_part_of_page(entry):
        set_confirmed_area(conn, entry.form, entry.sheet, values["area"])
    # Store the answers and the version that they make.
    seeded_errors.withdraw_seeded_errors(conn, entry.id, person.login, new, now)
    add_decided_answers(conn, entry.id, entry.revision + 1, new, person.login, now)
    save_version(
        conn,
        entry,
        person.login,
        now,
        state=state,
        reason=str(values.get("reason") or ""),
        voided=bool(values.get("voided")),
    )
    # The second person starts without the drafts of disputed fields.
    disputed = (
        {name for name, answer in new.items() if not answer.is_settled}
        if state is EntryState.SECOND
        else set()
    )
    # Drafts of a rejected entry are kept for when it is reopened.
    if state is not EntryState.REJECTED or values.get("voided"):
        delete_answer_drafts(conn, entry.id, person.login, disputed)
    if form is not None and state is EntryState.CONFIRMED:
        sample_for_rekeying(conn, form, entry, now)
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


def first_review_answers(
    specs: Iterable[FieldSpec],
    answers: Mapping[str, Answer],
    readings: Mapping[str, Reading],
    shared: Mapping[str, Answer],
    in_groups: BatchAnswers,
    *,
    doubt: Collection[str | None],
    answered: Collection[str],
    printed: str | None = None,
) -> dict[str, DecidedAnswer]:
    """Return each field's answer with its origin and whether it is settled.

    Args:
        specs: the fields that were answered.
        answers: the answer of each.
        readings: what the reading said.
        shared: the answers of confirmed rows of the same sheet; they settle what is not in doubt.
        in_groups: the answers of batches; a person who has `answered` the field on the sheet
            overrides them.
        doubt: fields that another person has to see whatever the answer is.
        answered: the fields that the person answered on the sheet.
        printed: the client's number as the program printed it, if it did.
    """
    decided = {}
    for spec in specs:
        name = spec.name
        # Confirmed in a batch and not touched on the sheet: the batch's reviewer answers for it.
        if name in in_groups.confirmed and name not in answered and name not in doubt:
            decided[name] = DecidedAnswer(
                answers[name], AnswerOrigin.BATCH, True, in_groups.confirmed_by(name)
            )
        else:
            reading = readings.get(name)
            origin = _answer_origin(
                spec, answers[name], reading, printed, odd=name in in_groups.odd_fields
            )
            # Settled: as on a confirmed row of the sheet, or as read.
            settled = answers[name] == shared.get(name) or is_settled(spec, answers[name], reading)
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
