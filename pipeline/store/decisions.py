"""Deciding entries. Nothing is overwritten: answers are added, and each decision moves the entry's revision on, which stops a second key press."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from pipeline import review
from pipeline.access import Action
from pipeline.client_guard import AboutClient
from pipeline.errors import NotAllowedError, ReviewError
from pipeline.field_spec import Meaning
from pipeline.model import EntryState, Person, State
from pipeline.own_forms import settled_state
from pipeline.recount import doubted_figures
from pipeline.review import Answer
from pipeline.store import plants, sight, tables
from pipeline.store.answers import (
    Decided,
    How,
    add_decided,
    decided,
    drop_draft,
    drop_drafts,
    keep_drafts,
    shared_answers,
    taken_back,
)
from pipeline.store.claims import CLAIM_MINUTES, renew
from pipeline.store.client_check import doubted_client, in_register
from pipeline.store.control_draw import draw_controls
from pipeline.store.decided_facts import facts_of
from pipeline.store.entries import DECIDED, OPEN, UNDECIDED, Entry, change, entry, held_by_other, refuse_void, stale
from pipeline.store.entry_views import form_of, page_numbers, readings_of
from pipeline.store.events import record
from pipeline.store.exports import earlier
from pipeline.store.first_review import first_decided
from pipeline.store.form_areas import lay_free_note
from pipeline.store.group_answers import grouped
from pipeline.store.pages import Page
from pipeline.store.second_person import may_not_judge
from pipeline.store.sheets import missing_among, sheet_pages
from pipeline.store.temporary_identities import note_client
from pipeline.store.versions import note_version, reason_before
from pipeline.template import Form, Forms

_entry = tables.entry

NOTHING_SAID = AboutClient()


def save_draft(
    conn: Connection, person: Person, entry_id: str, field: str, answer: Answer | None, now: datetime, minutes: int = CLAIM_MINUTES
) -> None:
    """Keep what a person has typed, or that it was taken away (None), so that a closed browser loses nothing. Whoever types keeps the entry.

    Raises:
        StaleDecisionError: the entry is decided or another person has it, or it waits for a second person who is another.
    """
    found = entry(conn, entry_id)
    sight.require_entry(conn, person, Action.REVIEW, found)
    if found.state not in OPEN or held_by_other(found, person, now) or may_not_judge(conn, person.login, found):
        raise stale()
    if answer is None:
        drop_draft(conn, entry_id, person.login, field)
    else:
        keep_drafts(conn, entry_id, found.revision, person.login, {field: answer}, now)
    renew(conn, person, entry_id, now, minutes)


def save_answers(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    answers: Mapping[str, Answer],
    now: datetime,
    *,
    about: AboutClient = NOTHING_SAID,
    ask_figures: bool = False,
) -> EntryState:
    """Decide an entry; answers with CONFIRMED, SECOND if another person has to look, or REVIEW if the person is to decide anew (`plants.judged`).

    The first person answers for every field that is not printed, the second for those that person and machine disagreed on. Fields of a
    missing page need no answer, nor do those confirmed in a group; what is answered all the same counts. `about` is what the person says of the
    client beyond the number: why the register lacks the client, and how it is where the sheet contradicts the client. Where nothing is said of a
    contradiction, another person looks; so where figures do not add up, of which the person is told first with `ask_figures`; and so at all critical
    fields of a form of `Forms.double_check`, and at what the person's answer left to another before it was taken back (`answers.taken_back`).

    Raises:
        NotAllowedError: another unit or area of law, a client behind a block, or the person has said what a second person is to judge.
        StaleDecisionError: it has been decided since the person saw `revision`, or another person has it.
        MissingAnswerError, InvalidAnswerError, UnknownClientError, ClientConflictError, RecountError: the fields that hinder it.
    """
    found = seen(conn, person, entry_id, revision, OPEN)
    if held_by_other(found, person, now):
        raise stale()
    if found.state is EntryState.SECOND:
        return _decide_second(conn, forms, person, found, answers, now, about)
    form = form_of(forms, found)
    pages = tuple(sheet_pages(conn, found.sheet))
    readings = readings_of(conn, pages)
    missing = _missing_fields(pages, form)
    specs = review.asked(form, found.row)
    here = [spec for spec in specs if spec.name not in missing]
    in_groups = grouped(conn, found, readings)
    said = review.with_fields_left_empty(here, {**in_groups.answers(), **answers}, {k: v for k, v in readings.items() if k not in in_groups.odd})
    complete = review.complete(here, _with_temporary(form, found, said, about))
    given = in_register(conn, person, form, found.row, complete, about)
    by_name = {spec.name: spec for spec in here}
    if plants.judged(conn, person, found, by_name, readings, given, now):
        return EntryState.REVIEW
    shared = shared_answers(conn, found, form)
    doubt = {doubted_client(conn, form, found, given, about), *plants.doubted(conn, person, entry_id, by_name, readings, given)}
    doubt |= taken_back(conn, entry_id, person.login) | doubted_figures(form, found.row, given, ask=ask_figures)
    doubt |= {name for name in review.seen_by_two(forms, form, here, given) if given[name] != shared.get(name)}
    new = first_decided(here, given, readings, shared, in_groups, doubt=doubt, answered=answers)
    new |= {spec.name: Decided(Answer(None, State.ILLEGIBLE), How.PAGE_MISSING, True) for spec in specs if spec.name in missing}
    state = review.next_state(sum(not one.settled for one in new.values()))
    decide(conn, person, found, new, now, state=state, form=form, first_by=person.login, first_at=now, **facts_of(form, found, new))
    note_client(conn, person, form, found, given, about, now)
    return state


def reject(conn: Connection, person: Person, entry_id: str, revision: int, reason: str, now: datetime, *, signed: bool = False) -> None:
    """Put an entry aside, with one of `review.REASONS`. It stays readable and can be taken up again.

    Args:
        signed: one that has been signed too; it loses its signature.

    Raises:
        NotAllowedError, StaleDecisionError: as `save_answers`.
        ReviewError: the reason is none of those, or the entry has been exported or, unless `signed`, signed (then `void`).
    """
    if reason not in review.REASONS:
        raise ReviewError("entry_rejected_one_given_reasons", review=", ".join(review.REASONS))
    found = seen(conn, person, entry_id, revision, OPEN | DECIDED)
    if held_by_other(found, person, now):
        raise stale()
    refuse_ended(conn, found, signed=signed)
    who: dict[str, Any] = {"second_by": person.login, "second_at": now} if found.first_by else {"first_by": person.login, "first_at": now}
    decide(conn, person, found, {}, now, state=EntryState.REJECTED, reason=reason, **who)


def reopen(conn: Connection, person: Person, entry_id: str, revision: int, reason: str = "", *, as_before: Mapping[str, Any] | None = None) -> None:
    """Give a rejected entry back to review; `reason` is told to whoever reviews it, or why it had come back before it was rejected.

    Args:
        as_before: what it was before it was rejected, as columns and values: then it is that again.

    Raises:
        NotAllowedError, StaleDecisionError: as `save_answers`.
    """
    found = seen(conn, person, entry_id, revision, frozenset({EntryState.REJECTED}))
    refuse_void(found)
    change(conn, found, **(as_before or {**UNDECIDED, "reason": reason or reason_before(conn, found) or ""}))
    record(conn, person.login, "reopen", entry_id, unit=found.unit)


def seen(conn: Connection, person: Person, entry_id: str, revision: int, states: frozenset[EntryState], action: Action = Action.REVIEW) -> Entry:
    """The entry, if the person may decide it and it is as the person saw it."""
    found = entry(conn, entry_id)
    sight.require_entry(conn, person, action, found)
    if found.revision != revision or found.state not in states:
        raise stale()
    return found


def refuse_ended(conn: Connection, found: Entry, *, signed: bool = False) -> None:
    """Go on only with an entry that no target has and, unless `signed`, that nobody has signed.

    Raises:
        ReviewError: it is.
    """
    if found.state is EntryState.SIGNED and not signed:
        raise ReviewError("entry_signed")
    if earlier(conn, [found.id]):  # what its target refused is in no system
        raise ReviewError("entry_exported")


def _denied(person: Person, found: Entry, key: str) -> NotAllowedError:
    return NotAllowedError(key, by=person.login, action=Action.REVIEW.value, unit=found.unit)


def _decide_second(
    conn: Connection,
    forms: Forms,
    person: Person,
    found: Entry,
    answers: Mapping[str, Answer],
    now: datetime,
    about: AboutClient,
) -> EntryState:
    if may_not_judge(conn, person.login, found):
        raise _denied(person, found, "disputed_by_you")
    form = form_of(forms, found)
    before = decided(conn, found.id, first_only=True)
    disputed = [spec for spec in review.asked(form, found.row) if spec.name in before and not before[spec.name].settled]
    given = in_register(conn, person, form, found.row, review.complete(disputed, _with_temporary(form, found, answers, about)), about)
    new = {name: Decided(answer, How.SECOND, True) for name, answer in given.items()}
    doubted_client(conn, form, found, {name: one.answer for name, one in (before | new).items()}, about)
    facts = facts_of(form, found, before | new)
    decide(conn, person, found, new, now, state=EntryState.CONFIRMED, form=form, second_by=person.login, second_at=now, **facts)
    note_client(conn, person, form, found, given, about, now, before={name: one.answer for name, one in before.items()})
    return EntryState.CONFIRMED


def _with_temporary(form: Form, found: Entry, answers: Mapping[str, Answer], about: AboutClient) -> Mapping[str, Answer]:
    """The answers, with a place held for a temporary identity where the paper has no number that could be typed, or empty if it is about nobody."""
    spec = form.meaning(Meaning.CLIENT_PID, found.row)
    said = answers.get(spec.name) if spec else None
    if spec is None or not about.temporary or not about.outside or (said is not None and said.state is State.READ):  # found after all
        return answers
    return {**answers, spec.name: Answer(None, State.EMPTY if about.nobody else State.ILLEGIBLE)}


def decide(
    conn: Connection,
    person: Person,
    found: Entry,
    new: Mapping[str, Decided],
    now: datetime,
    *,
    state: EntryState,
    form: Form | None = None,
    **values: Any,  # noqa: ANN401 - columns of many types
) -> None:
    """Write one decision. The entry is moved on first: whoever comes second fails before adding an answer.

    What is confirmed of a form that stays here (`own_forms`) has arrived: its state is RECEIPTED.

    Args:
        form: given when fields are confirmed, so that some of them are drawn for control.

    Raises:
        StaleDecisionError: somebody was quicker.
    """
    state = settled_state(found.form) if state is EntryState.CONFIRMED else state
    change(conn, found, state=state.value, **values)
    if "area" in values:
        lay_free_note(conn, found.form, found.sheet, values["area"])
    plants.end_all(conn, found.id, person.login, new, now)
    add_decided(conn, found.id, found.revision + 1, new, person.login, now)
    note_version(conn, found, person.login, now, state=state, reason=str(values.get("reason") or ""), voided=bool(values.get("voided")))
    disputed = {name for name, one in new.items() if not one.settled} if state is EntryState.SECOND else set()
    if state is not EntryState.REJECTED or values.get("voided"):  # what was typed is there again if it is taken up again
        drop_drafts(conn, found.id, person.login, disputed)
    if form is not None and state is EntryState.CONFIRMED:
        draw_controls(conn, form, found, now)
    counts = {"revision": found.revision + 1, "fields": len(new), "unsettled": sum(not one.settled for one in new.values())}
    record(conn, person.login, "decide", found.id, unit=found.unit, state=state.value, **counts)


def _missing_fields(pages: tuple[Page, ...], form: Form) -> set[str]:
    missing = missing_among(pages)
    return {name for name, number in page_numbers(form).items() if number in missing}
