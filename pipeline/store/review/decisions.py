"""Deciding entries. Nothing is overwritten: answers are added, and each decision moves the entry's
revision on, which stops a second key press.

How the first person's answers are kept: what was typed unseen, what stands as it was read, what
was changed, and what a group has confirmed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form, Forms, settled_state
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.permissions import Action
from pipeline.domain.review import rules
from pipeline.domain.review.recount import fields_to_recheck
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import (
    AnswerOrigin,
    DecidedAnswer,
    add_decided_answers,
    decided_answers,
    delete_answer_draft,
    delete_answer_drafts,
    fields_taken_back,
    save_answer_drafts,
    shared_sheet_answers,
)
from pipeline.store.entries.batch_answers import BatchAnswers, find_batch_answers
from pipeline.store.entries.client_check import (
    complete_client_numbers,
    find_contradicted_client_field,
    save_client_choice,
)
from pipeline.store.entries.entry import (
    DECIDED_STATES,
    OPEN_STATES,
    UNDECIDED_VALUES,
    Entry,
    advance_entry,
    is_claimed_by_other,
    load_entry,
    require_not_void,
    stale_decision_error,
)
from pipeline.store.entries.entry_facts import derive_entry_facts
from pipeline.store.entries.entry_view import entry_form, load_readings, page_number_by_field
from pipeline.store.entries.queue import CLAIM_MINUTES, renew_claim
from pipeline.store.entries.second_reviewer import must_not_review
from pipeline.store.entries.versions import previous_return_reason, save_version
from pipeline.store.event_log.events import record
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.paper.form_areas import set_free_note_area
from pipeline.store.paper.pages import Page
from pipeline.store.paper.sheets import list_sheet_pages, missing_page_numbers
from pipeline.store.quality import seeded_errors
from pipeline.store.quality.rekeying import sample_for_rekeying
from pipeline.store.schema import paper

_entry_table = paper.entry
NO_CLIENT_STATEMENT = ClientStatement()


def first_review_answers(
    specs: Iterable[FieldSpec],
    answers: Mapping[str, Answer],
    readings: Mapping[str, Reading],
    shared: Mapping[str, Answer],
    in_groups: BatchAnswers,
    *,
    doubt: Collection[str | None],
    answered: Collection[str],
) -> dict[str, DecidedAnswer]:
    """Each field's answer with how it came about.

    Args:
        specs: the fields that were answered.
        given: what is said of each.
        readings: what the machine read.
        shared: what confirmed rows of the same sheet say; it settles what nobody doubts.
        in_groups: what groups have said; whoever has `answered` the field on the sheet has the
            last word.
        doubt: fields that another person has to see whatever they say.
        answered: the fields that the person answered on the sheet.
    """
    new = {}
    for spec in specs:
        name = spec.name
        if name in in_groups.confirmed and name not in answered and name not in doubt:
            new[name] = DecidedAnswer(
                answers[name], AnswerOrigin.BATCH, True, in_groups.confirmed_by(name)
            )
        else:
            how = _answer_origin(
                spec, answers[name], readings.get(name), odd=name in in_groups.odd_fields
            )
            settled = answers[name] == shared.get(name) or rules.is_settled(
                spec, answers[name], readings.get(name)
            )
            new[name] = DecidedAnswer(answers[name], how, settled and name not in doubt)
    return new


def _answer_origin(
    spec: FieldSpec, answer: Answer, reading: Reading | None, *, odd: bool
) -> AnswerOrigin:
    if odd or rules.needs_blind_keying(spec, reading):
        return AnswerOrigin.TYPED
    return (
        AnswerOrigin.ACCEPTED
        if rules.agrees_with_reading(spec, answer, reading)
        else AnswerOrigin.CHANGED
    )


def save_draft(
    conn: Connection,
    person: Person,
    entry_id: str,
    field: str,
    answer: Answer | None,
    now: datetime,
    minutes: int = CLAIM_MINUTES,
) -> None:
    """Keep what a person has typed, or that it was taken away (None), so that a closed browser
    loses nothing. Whoever types keeps the entry.

    Raises:
        StaleDecisionError: the entry is decided or another person has it, or it waits for a
        second person who is another.
    """
    found = load_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, Action.REVIEW, found)
    if (
        found.state not in OPEN_STATES
        or is_claimed_by_other(found, person, now)
        or must_not_review(conn, person.login, found)
    ):
        raise stale_decision_error()
    if answer is None:
        delete_answer_draft(conn, entry_id, person.login, field)
    else:
        save_answer_drafts(conn, entry_id, found.revision, person.login, {field: answer}, now)
    renew_claim(conn, person, entry_id, now, minutes)


def decide_entry(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    answers: Mapping[str, Answer],
    now: datetime,
    *,
    about: ClientStatement = NO_CLIENT_STATEMENT,
    ask_figures: bool = False,
) -> EntryState:
    """Decide an entry; answers with CONFIRMED, SECOND if another person has to look, or REVIEW if
    the person is to decide anew (`plants.judged`).

    The first person answers for every field that is not printed, the second for those that
    person and machine disagreed on. Fields of a missing page need no answer, nor do those
    confirmed in a group; what is answered all the same counts. `about` is what the person says
    of the client beyond the number: why the register lacks the client, and how it is where the
    sheet contradicts the client. Where nothing is said of a contradiction, another person looks;
    so where figures do not add up, of which the person is told first with `ask_figures`; and so
    at all critical fields of a form of `Forms.double_check`, and at what the person's answer
    left to another before it was taken back (`answers.taken_back`).

    Raises:
        NotAllowedError: another unit or area of law, a client behind a block, or the person has
        said what a second person is to judge.
        StaleDecisionError: it has been decided since the person saw `revision`, or another
        person has it. MissingAnswerError, InvalidAnswerError, UnknownClientError,
        ClientConflictError, RecountError: the fields that hinder it.
    """
    found = require_entry_as_seen(conn, person, entry_id, revision, OPEN_STATES)
    if is_claimed_by_other(found, person, now):
        raise stale_decision_error()
    if found.state is EntryState.SECOND:
        return _decide_second(conn, forms, person, found, answers, now, about)
    form = entry_form(forms, found)
    pages = tuple(list_sheet_pages(conn, found.sheet))
    readings = load_readings(conn, pages)
    missing = _fields_of_missing_pages(pages, form)
    specs = rules.asked_fields(form, found.row)
    here = [spec for spec in specs if spec.name not in missing]
    in_groups = find_batch_answers(conn, found, readings)
    said = rules.fill_left_empty(
        here,
        {**in_groups.answers(), **answers},
        {k: v for k, v in readings.items() if k not in in_groups.odd_fields},
    )
    complete = rules.complete_answers(here, _add_temporary_identity(form, found, said, about))
    given = complete_client_numbers(conn, person, form, found.row, complete, about)
    by_name = {spec.name: spec for spec in here}
    if seeded_errors.judge_seeded_error(conn, person, found, by_name, readings, given, now):
        return EntryState.REVIEW
    shared = shared_sheet_answers(conn, found, form)
    doubt = {
        find_contradicted_client_field(conn, form, found, given, about),
        *seeded_errors.fields_matching_seeded_errors(
            conn, person, entry_id, by_name, readings, given
        ),
    }
    doubt |= fields_taken_back(conn, entry_id, person.login) | fields_to_recheck(
        form, found.row, given, ask=ask_figures
    )
    doubt |= {
        name
        for name in rules.fields_for_second_reviewer(forms, form, here, given)
        if given[name] != shared.get(name)
    }
    new = first_review_answers(
        here, given, readings, shared, in_groups, doubt=doubt, answered=answers
    )
    new |= {
        spec.name: DecidedAnswer(Answer(None, State.ILLEGIBLE), AnswerOrigin.PAGE_MISSING, True)
        for spec in specs
        if spec.name in missing
    }
    state = rules.next_state(sum(not one.is_settled for one in new.values()))
    write_decision(
        conn,
        person,
        found,
        new,
        now,
        state=state,
        form=form,
        first_by=person.login,
        first_at=now,
        **derive_entry_facts(form, found, new),
    )
    save_client_choice(conn, person, form, found, given, about, now)
    return state


def reject_entry(
    conn: Connection,
    person: Person,
    entry_id: str,
    revision: int,
    reason: str,
    now: datetime,
    *,
    signed: bool = False,
) -> None:
    """Put an entry aside, with one of `review.REASONS`. It stays readable and can be taken up
    again.

    Args:
        signed: one that has been signed too; it loses its signature.

    Raises:
        NotAllowedError, StaleDecisionError: as `save_answers`.
        ReviewError: the reason is none of those, or the entry has been exported or, unless
        `signed`, signed (then `void`).
    """
    if reason not in rules.REJECTION_REASONS:
        raise ReviewError(
            "entry_rejected_one_given_reasons", review=", ".join(rules.REJECTION_REASONS)
        )
    found = require_entry_as_seen(conn, person, entry_id, revision, OPEN_STATES | DECIDED_STATES)
    if is_claimed_by_other(found, person, now):
        raise stale_decision_error()
    require_not_exported(conn, found, signed=signed)
    who: dict[str, Any] = (
        {"second_by": person.login, "second_at": now}
        if found.first_by
        else {"first_by": person.login, "first_at": now}
    )
    write_decision(conn, person, found, {}, now, state=EntryState.REJECTED, reason=reason, **who)


def reopen_rejected(
    conn: Connection,
    person: Person,
    entry_id: str,
    revision: int,
    reason: str = "",
    *,
    as_before: Mapping[str, Any] | None = None,
) -> None:
    """Give a rejected entry back to review; `reason` is told to whoever reviews it, or why it had
    come back before it was rejected.

    Args:
        as_before: what it was before it was rejected, as columns and values: then it is that
            again.

    Raises:
        NotAllowedError, StaleDecisionError: as `save_answers`.
    """
    found = require_entry_as_seen(
        conn, person, entry_id, revision, frozenset({EntryState.REJECTED})
    )
    require_not_void(found)
    advance_entry(
        conn,
        found,
        **(
            as_before
            or {**UNDECIDED_VALUES, "reason": reason or previous_return_reason(conn, found) or ""}
        ),
    )
    record(conn, person.login, "reopen", entry_id, unit=found.unit)


def require_entry_as_seen(
    conn: Connection,
    person: Person,
    entry_id: str,
    revision: int,
    states: frozenset[EntryState],
    action: Action = Action.REVIEW,
) -> Entry:
    """The entry, if the person may decide it and it is as the person saw it."""
    found = load_entry(conn, entry_id)
    visibility.require_visible_entry(conn, person, action, found)
    if found.revision != revision or found.state not in states:
        raise stale_decision_error()
    return found


def require_not_exported(conn: Connection, entry: Entry, *, signed: bool = False) -> None:
    """Go on only with an entry that no target has and, unless `signed`, that nobody has signed.

    Raises:
        ReviewError: it is.
    """
    if entry.state is EntryState.SIGNED and not signed:
        raise ReviewError("entry_signed")
    if latest_exports(conn, [entry.id]):  # what its target refused is in no system
        raise ReviewError("entry_exported")


def _denied_error(person: Person, entry: Entry, key: str) -> NotAllowedError:
    return NotAllowedError(key, by=person.login, action=Action.REVIEW.value, unit=entry.unit)


def _decide_second(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry: Entry,
    answers: Mapping[str, Answer],
    now: datetime,
    about: ClientStatement,
) -> EntryState:
    if must_not_review(conn, person.login, entry):
        raise _denied_error(person, entry, "disputed_by_you")
    form = entry_form(forms, entry)
    before = decided_answers(conn, entry.id, first_only=True)
    disputed = [
        spec
        for spec in rules.asked_fields(form, entry.row)
        if spec.name in before and not before[spec.name].is_settled
    ]
    given = complete_client_numbers(
        conn,
        person,
        form,
        entry.row,
        rules.complete_answers(disputed, _add_temporary_identity(form, entry, answers, about)),
        about,
    )
    new = {name: DecidedAnswer(answer, AnswerOrigin.SECOND, True) for name, answer in given.items()}
    find_contradicted_client_field(
        conn, form, entry, {name: one.answer for name, one in (before | new).items()}, about
    )
    facts = derive_entry_facts(form, entry, before | new)
    write_decision(
        conn,
        person,
        entry,
        new,
        now,
        state=EntryState.CONFIRMED,
        form=form,
        second_by=person.login,
        second_at=now,
        **facts,
    )
    save_client_choice(
        conn,
        person,
        form,
        entry,
        given,
        about,
        now,
        before={name: one.answer for name, one in before.items()},
    )
    return EntryState.CONFIRMED


def _add_temporary_identity(
    form: Form, entry: Entry, answers: Mapping[str, Answer], about: ClientStatement
) -> Mapping[str, Answer]:
    """The answers, with a place held for a temporary identity where the paper has no number that
    could be typed, or empty if it is about nobody.
    """
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    said = answers.get(spec.name) if spec else None
    if (
        spec is None
        or not about.temporary
        or not about.outside
        or (said is not None and said.state is State.READ)
    ):  # found after all
        return answers
    return {
        **answers,
        spec.name: Answer(None, State.EMPTY if about.is_about_no_client else State.ILLEGIBLE),
    }


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
    """Write one decision. The entry is moved on first: whoever comes second fails before adding an
    answer.

    What is confirmed of a form that stays here (`own_forms`) has arrived: its state is
    RECEIPTED.

    Args:
        form: given when fields are confirmed, so that some of them are drawn for control.

    Raises:
        StaleDecisionError: somebody was quicker.
    """
    state = settled_state(entry.form) if state is EntryState.CONFIRMED else state
    advance_entry(conn, entry, state=state.value, **values)
    if "area" in values:
        set_free_note_area(conn, entry.form, entry.sheet, values["area"])
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
    disputed = (
        {name for name, one in new.items() if not one.is_settled}
        if state is EntryState.SECOND
        else set()
    )
    if state is not EntryState.REJECTED or values.get(
        "voided"
    ):  # what was typed is there again if it is taken up again
        delete_answer_drafts(conn, entry.id, person.login, disputed)
    if form is not None and state is EntryState.CONFIRMED:
        sample_for_rekeying(conn, form, entry, now)
    counts = {
        "revision": entry.revision + 1,
        "fields": len(new),
        "unsettled": sum(not one.is_settled for one in new.values()),
    }
    record(conn, person.login, "decide", entry.id, unit=entry.unit, state=state.value, **counts)


def _fields_of_missing_pages(pages: tuple[Page, ...], form: Form) -> set[str]:
    missing = missing_page_numbers(pages)
    return {name for name, number in page_number_by_field(form).items() if number in missing}
