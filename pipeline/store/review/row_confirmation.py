"""Confirm the rows of a sheet that say nothing unusual in one step; the others one by one.

At the depth of deviations a person looks at the sheet and at what was read in each row. A row can
be confirmed with others if the machine is sure of all that matters in it, and its client is known
from print or from number and name together. Each row stays an entry of its own client. Free text
that only repeats the client is not typed; it stays in the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from pipeline.domain.errors import AnswerError, BlockedClientError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Depth, EntriesPer, Form, Forms
from pipeline.domain.model import Client, EntryState, Person, Reading, State
from pipeline.domain.permissions import Action
from pipeline.domain.review.depth import list_row_deviations
from pipeline.domain.review.recount import fields_to_recheck
from pipeline.domain.review.rules import Answer, asked_fields, complete_answers
from pipeline.store.accounts import visibility
from pipeline.store.depth.settings import find_depth
from pipeline.store.entries.answers import (
    AnswerOrigin,
    DecidedAnswer,
    fields_taken_back,
    shared_sheet_answers,
)
from pipeline.store.entries.client_check import (
    complete_client_numbers,
    find_contradicted_client_field,
)
from pipeline.store.entries.entry import Entry, is_claimed_by_other, list_sheet_entries, load_entry
from pipeline.store.entries.entry_facts import derive_entry_facts
from pipeline.store.entries.entry_view import load_entry_readings, load_entry_view
from pipeline.store.entries.queue import open_claimed_entry
from pipeline.store.registers.client_register import find_client
from pipeline.store.review.decisions import NO_CLIENT_STATEMENT, write_decision

_REPEATED = frozenset({Meaning.CLIENT_NAME, Meaning.CLIENT_ADDRESS})
"""Text that says who the client is, which the number says already."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a sheet that waits for its first review.

    `answers` is what is confirmed if nothing speaks against it. `deviations` are the fields because
    of which it has to be reviewed on its own; `is_client_open` if its client is not known.
    """

    entry: Entry
    form: Form
    client: Client | None
    answers: Mapping[str, Answer]
    deviations: tuple[str, ...]
    is_client_open: bool

    @property
    def can_be_confirmed(self) -> bool:
        """Whether the row can be confirmed together with others."""
        return not self.deviations and not self.is_client_open


def list_rows(
    conn: Connection, forms: Forms, person: Person, sheet: str, now: datetime
) -> list[SheetRow]:
    """Return the rows of a sheet that wait for a first review by this person, in their order.

    None of a form that is typed in another depth than its deviations.
    """
    rows = []
    for entry in list_sheet_entries(conn, sheet):
        form = forms.get((entry.form, entry.version))
        if (
            form is None
            or form.entries is not EntriesPer.ROW
            or form.id in forms.double_check
            or entry.state is not EntryState.REVIEW
            or entry.voided is not None
            or is_claimed_by_other(entry, person, now)
            or find_depth(conn, form, entry) is not Depth.DEVIATIONS
            or not visibility.filter_visible_entries(conn, person, Action.REVIEW, [entry.id])
        ):
            continue
        rows.append(_sheet_row(conn, forms, person, entry))
    return rows


def confirm_rows(
    conn: Connection,
    forms: Forms,
    person: Person,
    seen: Sequence[tuple[str, int]],
    now: datetime,
) -> list[str]:
    """Confirm rows as the person saw them, and return the ids of those that were confirmed.

    A row that has changed since, or can no longer be confirmed with others, is left as it is.

    Args:
        conn: a transaction.
        forms: all forms.
        person: who looked at the sheet.
        seen: entry ids with the revisions that the person saw.
        now: when it is confirmed.

    Raises:
        NotAllowedError: the person does not review one of these entries.
        StaleDecisionError: a colleague has one of them open.
    """
    confirmed = []
    for entry_id, revision in seen:
        open_claimed_entry(conn, forms, person, entry_id, now)
        entry = load_entry(conn, entry_id)
        if entry.revision != revision or entry.state is not EntryState.REVIEW:
            continue
        row = _sheet_row(conn, forms, person, entry)
        if not row.can_be_confirmed:
            continue
        decided = {
            name: DecidedAnswer(answer, AnswerOrigin.ACCEPTED, True)
            for name, answer in row.answers.items()
        }
        write_decision(
            conn,
            person,
            entry,
            decided,
            now,
            state=EntryState.CONFIRMED,
            form=row.form,
            first_by=person.login,
            first_at=now,
            **derive_entry_facts(row.form, entry, decided),
        )
        confirmed.append(entry_id)
    return confirmed


def _is_sheet_signature(spec: FieldSpec) -> bool:
    """Whether a field is a signature, no initials of a row, that may be left empty."""
    traits = spec.traits
    return traits.is_signature and not traits.names_signer and not spec.required


def _sheet_row(conn: Connection, forms: Forms, person: Person, entry: Entry) -> SheetRow:
    view = load_entry_view(conn, forms, person, entry.id)
    form, readings = view.form, load_entry_readings(conn, entry, view.pages)
    shared = shared_sheet_answers(conn, entry, form)
    pid_field = form.meaning(Meaning.CLIENT_PID, entry.row)
    known = dict(shared)
    # A number that was printed in the row, unless something else was read there
    if pid_field and entry.client_pid and _agrees(readings.get(pid_field.name), entry.client_pid):
        known[pid_field.name] = Answer(entry.client_pid)
    specs = [
        spec
        for spec in asked_fields(form, entry.row)
        if spec.means not in _REPEATED and not _is_sheet_signature(spec)
    ]
    deviations = list_row_deviations(specs, readings, known)
    answers = known | {
        spec.name: Answer(readings[spec.name].value, readings[spec.name].state)
        for spec in specs
        if spec.name not in known and spec.name not in deviations
    }
    pid = answers[pid_field.name].value if pid_field and pid_field.name in answers else None
    client = find_client(conn, pid) if isinstance(pid, str) else None
    row = SheetRow(entry, form, client, answers, tuple(deviations), client is None)
    if not row.can_be_confirmed or view.is_hidden or view.missing_pages:
        return SheetRow(entry, form, client, answers, tuple(deviations), True)
    return _checked(conn, person, row)


def _checked(conn: Connection, person: Person, row: SheetRow) -> SheetRow:
    """Return the row as it is, or with what speaks against confirming it together with others."""
    entry, form = row.entry, row.form
    specs = [spec for spec in asked_fields(form, entry.row) if spec.name in row.answers]
    try:
        complete = complete_answers(specs, row.answers)
        complete = complete_client_numbers(
            conn, person, form, entry.row, complete, NO_CLIENT_STATEMENT
        )
        contradicted = find_contradicted_client_field(
            conn, form, entry, complete, NO_CLIENT_STATEMENT
        )
    except (AnswerError, BlockedClientError) as error:
        fields = getattr(error, "fields", ())
        return SheetRow(entry, form, row.client, row.answers, tuple(fields), True)
    doubt = {
        contradicted,
        *fields_to_recheck(form, entry.row, complete, ask=False),
        *fields_taken_back(conn, entry.id, person.login),
    } - {None}
    return SheetRow(
        entry, form, row.client, complete, tuple(sorted(map(str, doubt))), bool(contradicted)
    )


def _agrees(reading: Reading | None, pid: str) -> bool:
    return reading is None or reading.state is State.EMPTY or reading.value == pid
