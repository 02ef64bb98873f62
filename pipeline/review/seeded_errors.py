"""Seeded errors, shown and judged; and which confirmed fields are drawn to be keyed again.

A seeded error is a wrong value that is shown to one person in one entry, and judged when that
person decides.

They are never stored as an answer, draft or reading, and the reading itself is not touched. While a
seeded error is open its entry cannot become a record (`exports.records`), and an entry that a
person decides with the wrong value still in it is not decided: the true reading is shown again.

Both are drawn by the key of the workspace; the draw is the same however often it is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from pipeline.domain.errors import StoreError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.issues import parse_issues
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, Reading, State
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.domain.review.seeded_errors import (
    SeededError,
    apply_seeded_error,
    is_undetected,
    make_seeded_error,
    restore_true_words,
)
from pipeline.store.accounts import visibility
from pipeline.store.accounts.visibility import find_own_logins
from pipeline.store.database.sampling_key import (
    is_drawn,
    keyed_fraction,
    rekeying_share,
    sampling_key,
)
from pipeline.store.entries.answers import (
    DecidedAnswer,
    decided_answers,
    delete_answer_draft,
    save_answer_drafts,
)
from pipeline.store.entries.entry import Entry, EntryWork, advance_entry, load_entry
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.paper.pages import list_sheet_pages, missing_page_numbers
from pipeline.store.quality.checked_work import (
    OUTCOME_CAUGHT,
    OUTCOME_MISSED,
    OUTCOME_WITHDRAWN,
    ShownError,
    add_rekeying_tasks,
    add_seeded_error,
    end_seeded_error,
    list_seeded_errors,
)


def with_seeded_error(
    conn: Connection, person: Person, view: EntryView, share: float, now: datetime
) -> EntryView:
    """Return the view as it is shown to the person, perhaps with one wrong value.

    The value is in one of the fields that are shown filled in.

    Args:
        share: of such fields, those that are drawn for a seeded error; an entry has at most one,
            once for a person.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, view.entry)
    if view.entry.state is not EntryState.REVIEW:
        return view
    shown = _find_seeded_error(conn, view.entry.id, person.login)
    # None so far: one may be drawn, and is stored before it is shown.
    if shown is None and share > 0 and (chosen := _choose_field(conn, view, share)) is not None:
        add_seeded_error(conn, person.login, view.entry.id, chosen, now)
        shown = _find_seeded_error(conn, view.entry.id, person.login)
    if shown is None or shown.outcome is not None:
        return view
    return replace(view, fields=tuple(_show_seeded_value(field, shown) for field in view.fields))


def judge_seeded_error(
    work: EntryWork,
    readings: Mapping[str, Reading],
    answers: Mapping[str, Answer],
    shown_fields: Collection[str] = (),
) -> str | None:
    """Judge the person's seeded error; return its field if the person has confirmed it, else None.

    If so, the true reading is restored, the other answers are stored as drafts, and the entry stays
    with the person under a new revision, to be decided again.

    Args:
        shown_fields: fields that are confirmed as they were shown unless they are answered.
    """
    conn, entry, login, now = work.conn, work.entry, work.person.login, work.now
    shown = _find_open_error(conn, entry.id, login)
    if shown is None:
        return None
    name, error = shown.field, shown.error
    as_shown = Answer(error.value, error.state) if name in shown_fields else None
    answer = answers.get(name, as_shown)
    # Neither answered nor in sight: nobody has looked at it.
    if answer is None:
        end_seeded_error(conn, shown.id, OUTCOME_WITHDRAWN, now)
        return None
    # Missed: the answer still says the wrong value.
    is_missed = name in readings and is_undetected(
        work.form.by_name[name], error, readings[name], answer
    )
    end_seeded_error(conn, shown.id, OUTCOME_MISSED if is_missed else OUTCOME_CAUGHT, now)
    if not is_missed:
        return None
    advance_entry(conn, entry, claimed_by=login, claimed_until=entry.claimed_until)
    # Other changes in the same field are kept with the true words.
    restored = restore_true_words(error, readings[name], answer)
    drafts = {field: answer for field, answer in answers.items() if field != name} | (
        {name: restored} if restored else {}
    )
    # The wrong value must not come back from a draft.
    delete_answer_draft(conn, entry.id, login, name)
    save_answer_drafts(conn, replace(entry, revision=entry.revision + 1), login, drafts, now)
    return name


def fields_matching_seeded_errors(
    work: EntryWork, readings: Mapping[str, Reading], answers: Mapping[str, Answer]
) -> frozenset[str]:
    """Return fields whose answers equal a seeded error that was shown to this person before.

    The paper may say just that, but then another person has to see it too.
    """
    conn, specs = work.conn, work.form.by_name
    seeded = list_seeded_errors(conn, work.entry.id)
    own_logins = find_own_logins(conn, work.person.login) if seeded else frozenset()
    return frozenset(
        shown.field
        for shown in seeded
        if shown.login in own_logins
        and shown.outcome is not None
        and shown.field in answers
        and shown.field in readings
        and is_undetected(
            specs[shown.field], shown.error, readings[shown.field], answers[shown.field]
        )
    )


def last_missed_field(conn: Connection, person: Person, entry_id: str) -> str | None:
    """Return the field whose seeded error the person has just confirmed in this entry, or None.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, load_entry(conn, entry_id))
    shown = _find_seeded_error(conn, entry_id, person.login)
    return shown.field if shown is not None and shown.outcome == OUTCOME_MISSED else None


def add_batch_seeded_error(
    conn: Connection, person: Person, entry_id: str, chosen: tuple[str, SeededError], now: datetime
) -> None:
    """Store what a batch shows in place of a reading; an earlier seeded error of the entry stays.

    Raises:
        NotAllowedError: the person does not review this entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, load_entry(conn, entry_id))
    add_seeded_error(conn, person.login, entry_id, chosen, now)


def judge_marked(work: EntryWork, shown_fields: Collection[str], *, is_odd: bool) -> str | None:
    """End the person's seeded error in one of these fields and return CAUGHT or MISSED.

    It is caught if what it was shown in was marked as odd: a field image of a batch, or a row of a
    list. None where there is none.
    """
    shown = _find_open_error(work.conn, work.entry.id, work.person.login)
    if shown is None or shown.field not in shown_fields:
        return None
    outcome = OUTCOME_CAUGHT if is_odd else OUTCOME_MISSED
    end_seeded_error(work.conn, shown.id, outcome, work.now)
    return outcome


def withdraw_seeded_errors(
    conn: Connection, entry_id: str, login: str, fields: Mapping[str, object], now: datetime
) -> None:
    """Withdraw the seeded errors of other people: the entry is decided.

    Raises:
        StoreError: the person's own seeded error has not been judged (`judge_seeded_error`);
            nothing may be decided then.
    """
    for shown in list_seeded_errors(conn, entry_id):
        if shown.outcome is not None:
            continue
        if shown.login == login and shown.field in fields:
            raise StoreError("seeded_error_not_judged")
        end_seeded_error(conn, shown.id, OUTCOME_WITHDRAWN, now)


def draw_seeded_error(
    key: str, share: float, entry_id: str, shown: Iterable[tuple[FieldSpec, Reading]]
) -> tuple[str, SeededError] | None:
    """Return the first drawn field whose reading can be changed plausibly, and the wrong value.

    The draw depends on the key alone: it is the same whenever it is made.
    """
    drawn = [
        (spec, reading)
        for spec, reading in shown
        if is_drawn(key, share, "plant", entry_id, spec.name)
    ]
    drawn.sort(key=lambda one: keyed_fraction(key, "plant", entry_id, one[0].name))
    for spec, reading in drawn:
        error = make_seeded_error(spec, reading, f"{key} {entry_id} {spec.name}")
        if error is not None:
            return spec.name, error
    return None


def _choose_field(
    conn: Connection, view: EntryView, share: float
) -> tuple[str, SeededError] | None:
    """Return a drawn field with a plausible wrong value for it, or None."""
    flagged_fields = {issue.field for issue in parse_issues(view.problems)}
    # Only fields that are shown filled in and not flagged. No author has typed a seeded error.
    shown = [
        (field.spec, field.reading)
        for field in view.fields
        if field.is_open
        and not field.is_blind
        and field.reading
        and not field.reading.is_typed
        and field.draft is None
        and field.spec.name not in flagged_fields
    ]
    return draw_seeded_error(sampling_key(conn), share, view.entry.id, shown)


def _show_seeded_value(field: FieldView, shown: ShownError) -> FieldView:
    """Return the field with the wrong value in its reading, if it is the seeded one."""
    if field.spec.name != shown.field or field.reading is None or field.is_blind:
        return field
    return replace(field, reading=apply_seeded_error(shown.error, field.reading))


def _find_seeded_error(conn: Connection, entry_id: str, login: str) -> ShownError | None:
    """Return the seeded error of the person in the entry; there is at most one."""
    shown = list_seeded_errors(conn, entry_id)
    return next((one for one in shown if one.login == login), None)


def _find_open_error(conn: Connection, entry_id: str, login: str) -> ShownError | None:
    """Return the seeded error of the person in the entry that is not judged yet."""
    shown = _find_seeded_error(conn, entry_id, login)
    return shown if shown is not None and shown.outcome is None else None


# Which confirmed fields are drawn to be rekeyed (kontrollskrivning).


def sample_for_rekeying(conn: Connection, form: Form, entry: Entry, now: datetime) -> None:
    """Add the drawn fields of an entry to the rekeying tasks; existing tasks stay as they are.

    Free text is never drawn, since two people never set the same commas, nor initials, of which
    the reading only says that they are there.
    """
    share = rekeying_share(conn)
    if not share:
        return
    key, answers = sampling_key(conn), decided_answers(conn, entry.id)
    # A field without an image cannot be keyed.
    numbers = form.page_numbers
    missing = missing_page_numbers(list_sheet_pages(conn, entry.sheet))
    # Neither a number that stands for a client code nor a temporary identity is on paper.
    coded = _number_by_code(form, entry, answers)
    drawn = [
        spec.name
        for spec in asked_fields(form, entry.row)
        if spec.traits.can_be_rekeyed
        and spec.name in answers
        and spec.name != coded
        and not is_temporary_pid(str(answers[spec.name].answer.value))
        and numbers[spec.name] not in missing
        and is_drawn(key, share, "control", entry.id, spec.name)
    ]
    add_rekeying_tasks(conn, entry.id, drawn, now)


def _number_by_code(form: Form, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> str | None:
    """Return the field of the client's number if a client code was written, else None."""
    number, code = (
        form.meaning(means, entry.row) for means in (Meaning.CLIENT_PID, Meaning.CLIENT_CODE)
    )
    is_coded = (
        code is not None and code.name in answers and answers[code.name].answer.state is State.READ
    )
    return number.name if number is not None and is_coded else None
