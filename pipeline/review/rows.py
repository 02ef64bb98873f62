"""Confirm the rows of a sheet that say nothing unusual in one step; the others one by one.

At the depth of deviations a person looks at the sheet and at what was read in each row. A row is
confirmed with others if its client is known, from print or from number or code and name together,
and the machine is sure of all that matters in it; what it is not sure of is typed in the row,
without seeing the reading, and goes to a second person where the two differ. Each row stays an
entry of its own client. Free text that only repeats the client is not typed; it stays in the image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Connection

from pipeline.domain.errors import AnswerError, BlockedClientError
from pipeline.domain.form.confidence import BOX_WRITTEN_FROM
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Depth, EntriesPer, Form, Forms
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Client, EntryState, Person, Reading, State
from pipeline.domain.review.depth import is_left_in_image, list_row_deviations
from pipeline.domain.review.recount import fields_to_look_at
from pipeline.domain.review.rules import Answer, answered_text, asked_fields, complete_answers
from pipeline.review.client_question import (
    answer_number_by_code,
    complete_client_numbers,
    find_client_of_code,
    find_contradicted_client_field,
)
from pipeline.review.decisions import AnswersBefore, first_review_answers, write_answers
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.review.seeded_errors import (
    fields_matching_seeded_errors,
    judge_marked,
    judge_seeded_error,
    with_seeded_error,
)
from pipeline.review.session import Review
from pipeline.store.accounts import visibility
from pipeline.store.entries.answers import (
    AnswerOrigin,
    DecidedAnswer,
    fields_taken_back,
    shared_sheet_answers,
)
from pipeline.store.entries.entry import (
    Entry,
    EntryWork,
    is_claimed_by_other,
    list_sheet_entries,
    load_entry,
    load_entry_readings,
    load_visible_entry,
)
from pipeline.store.entries.entry_depth import find_depth
from pipeline.store.entries.entry_view import EntryView, load_entry_view
from pipeline.store.entries.queue import ClaimTerms, open_claimed_entry
from pipeline.store.paper.pages import Page, list_sheet_pages
from pipeline.store.registers.client_register import find_client, restrict_client

MIN_SHEET_VIEW_TIME = timedelta(seconds=2)
"""A sheet that has been on the screen for less than this has not been looked at."""
BLANK_ROW_REASON = "tom rad"
"""The reason, as stored, of a row in which nothing is written; see `rules.REJECTION_REASONS`."""
LogPages = Callable[[Connection, Sequence[Page]], None]
"""Logs that the person views the pages of a sheet, before anything of it is shown."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a sheet that waits for its first review.

    `answers` is what is confirmed if nothing speaks against it. `deviations` are the fields that
    have to be typed first, or because of which it `is_alone`: reviewed on its own. `head` are the
    fields above and below the rows that need not be typed; they are shown, and may be corrected.
    `is_client_open` if its client is not known. It `looks_blank` if nothing was read in it.
    """

    entry: Entry
    form: Form
    client: Client | None
    answers: Mapping[str, Answer]
    deviations: tuple[str, ...]
    is_client_open: bool
    view: EntryView
    is_alone: bool = False
    looks_blank: bool = False
    head: tuple[str, ...] = ()

    @property
    def can_be_confirmed(self) -> bool:
        """Whether the row can be confirmed together with others."""
        return not self.deviations and not self.is_client_open

    @property
    def can_be_typed(self) -> bool:
        """Whether the row can be confirmed with others once its deviations are typed."""
        return bool(self.deviations) and not self.is_alone

    @property
    def is_for_confirming(self) -> bool:
        """Whether the row can be confirmed together with others, now or once something is typed."""
        return not self.looks_blank and (self.can_be_confirmed or self.can_be_typed)

    @property
    def line(self) -> list[FieldSpec]:
        """Return the fields whose values stand beside the row's ink; whose it is is beside them."""
        return [
            spec
            for spec in self.form.entry_fields(self.entry.row)
            if spec.row is not None
            and spec.name in self.answers
            and spec.means is not Meaning.CLIENT_PID
        ]


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A row as a person saw it at a revision, with what the person typed in it, by field.

    One that is not ticked deviates, and is reviewed on its own.
    """

    entry_id: str
    revision: int
    typed: Mapping[str, Answer] = field(default_factory=dict)
    is_ticked: bool = True


@dataclass(frozen=True, slots=True)
class RowsResult:
    """What became of rows: the entries that were decided, and where a seeded error was `missed`.

    `missed` has its field by entry; such a row stays open.
    """

    confirmed: list[str] = field(default_factory=list)
    missed: dict[str, str] = field(default_factory=dict)


class RowReview(Review):
    """The review of the rows of a sheet that say nothing unusual."""

    def open(self, sheet: str, log_view: LogPages) -> tuple[list[SheetRow], list[Page]]:
        """Return the rows of a sheet whose client the person may see, and the sheet's pages.

        Raises:
            NotAllowedError: the person does not review.
        """
        with self.store.begin() as conn:
            pages = list_sheet_pages(conn, sheet)
            log_view(conn, pages)
            return [
                self._with_seeded_error(conn, row)
                for row in list_rows(conn, self.forms, self.person, sheet, self.clock())
                if row.client is None
                or restrict_client(conn, row.client, self.person) == row.client
            ], pages

    def _with_seeded_error(self, conn: Connection, row: SheetRow) -> SheetRow:
        """Return the row as it is shown, perhaps with one wrong value in its line."""
        names = {spec.name for spec in row.line}
        true = [field for field in row.view.fields if field.spec.name in names]
        if not row.is_for_confirming:
            return row
        view, share = replace(row.view, fields=tuple(true)), self.settings.plant_share
        shown = with_seeded_error(conn, self.person, view, share, self.clock())
        wrong = {
            field.spec.name: Answer(field.reading.value, field.reading.state)
            for field, before in zip(shown.fields, true, strict=True)
            if field.reading is not None and field.reading != before.reading
        }
        return replace(row, answers={**row.answers, **wrong})

    def check(self, seen: Sequence[SeenRow]) -> list[SheetRow]:
        """Return rows as they are with what the person has typed in them; nothing is saved.

        Raises:
            NotAllowedError: the person does not review one of these entries.
        """
        with self.store.read() as conn:
            return [
                _sheet_row(
                    conn,
                    self.forms,
                    self.person,
                    load_visible_entry(conn, self.person, Action.REVIEW, each.entry_id),
                    each.typed,
                )
                for each in seen
            ]

    def confirm(self, seen: Sequence[SeenRow], shown_at: datetime | None) -> RowsResult | None:
        """Confirm rows, as `confirm_rows`; None if the sheet has just come on the screen."""
        if not self.has_been_seen(shown_at, MIN_SHEET_VIEW_TIME):
            return None
        return self.store.change(confirm_rows, self.forms, self.person, seen, self.clock())

    def close_blank(self, rows: Sequence[SheetRow], shown_at: datetime | None) -> bool:
        """Reject rows as blank; False if the sheet has not been on the screen for long.

        Raises:
            NotAllowedError, StaleDecisionError, ReviewError: as `rejections.reject_entry`.
        """
        if not self.has_been_seen(shown_at, MIN_SHEET_VIEW_TIME):
            return False
        person, now = self.person, self.clock()
        with self.store.begin() as conn:
            for entry in (row.entry for row in rows):
                rejection = Rejection(entry.id, entry.revision, BLANK_ROW_REASON)
                reject_entry(conn, person, rejection, now)
        return True


def list_rows(
    conn: Connection, forms: Forms, person: Person, sheet: str, now: datetime
) -> list[SheetRow]:
    """Return the rows of a sheet that wait for a first review by this person, in their order.

    None of a form that is typed in another depth than its deviations.

    Raises:
        NotAllowedError: the person does not review.
    """
    require_permission(person, Action.REVIEW)
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
    seen: Sequence[SeenRow],
    now: datetime,
) -> RowsResult:
    """Confirm the ticked rows as the person saw them.

    A row that has changed since, in which something is still to be typed, or that can no longer be
    confirmed with others, is left as it is. A row in which something else was typed than read is
    left to a second person. A seeded error is missed in a ticked row, and caught in another.

    Raises:
        NotAllowedError: the person does not review one of these entries.
        StaleDecisionError: a colleague has one of them open.
    """
    result = RowsResult()
    for each in seen:
        entry = load_visible_entry(conn, person, Action.REVIEW, each.entry_id)
        if each.is_ticked:
            open_claimed_entry(conn, forms, person, each.entry_id, ClaimTerms(now))
            entry = load_entry(conn, each.entry_id)
        if entry.revision != each.revision or entry.state is not EntryState.REVIEW:
            continue
        row = _sheet_row(conn, forms, person, entry, each.typed)
        work = EntryWork(conn, person, row.form, entry, now)
        shown_fields = {spec.name for spec in row.line}
        if not each.is_ticked:
            judge_marked(work, shown_fields, is_odd=True)
        elif row.can_be_confirmed:
            readings = load_entry_readings(conn, entry, row.view.pages)
            if field := judge_seeded_error(work, readings, each.typed, shown_fields):
                result.missed[entry.id] = field
                continue
            decided = _decide_row(work, row, readings, each.typed)
            write_answers(work, decided, {"first_by": person.login, "first_at": now})
            result.confirmed.append(entry.id)
    return result


def _decide_row(
    work: EntryWork, row: SheetRow, readings: Mapping[str, Reading], typed: Mapping[str, Answer]
) -> dict[str, DecidedAnswer]:
    """Return what was read as accepted, and what was typed as in any first review."""
    accepted = {
        name: DecidedAnswer(answer, AnswerOrigin.ACCEPTED, True)
        for name, answer in row.answers.items()
    }
    # A number that follows from a typed code is as sure as the code.
    number = row.form.meaning(Meaning.CLIENT_PID, row.entry.row)
    code = row.form.meaning(Meaning.CLIENT_CODE, row.entry.row)
    names = {name for name in typed if name in row.answers}
    names |= {number.name} if number and code and code.name in names else set()
    # What was shown to the person as an error before is seen by another person too.
    doubt = fields_matching_seeded_errors(work, readings, row.answers)
    names |= doubt
    specs = [spec for spec in asked_fields(row.form, row.entry.row) if spec.name in names]
    shared = shared_sheet_answers(work.conn, row.entry, row.form)
    return accepted | first_review_answers(
        specs, row.answers, AnswersBefore(readings, shared), doubt=doubt, answered=names
    )


def _sheet_row(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry: Entry,
    typed: Mapping[str, Answer] = MappingProxyType({}),
) -> SheetRow:
    view = load_entry_view(conn, forms, person, entry.id)
    form, readings = view.form, load_entry_readings(conn, entry, view.pages)
    shared = shared_sheet_answers(conn, entry, form)
    pid_field = form.meaning(Meaning.CLIENT_PID, entry.row)
    known = dict(shared)
    # A number that was printed in the row, unless something else was read there
    if pid_field and entry.client_pid:
        number = readings.get(pid_field.name)
        if number is None or number.state is State.EMPTY or number.value == entry.client_pid:
            known[pid_field.name] = Answer(entry.client_pid)
    specs = [spec for spec in asked_fields(form, entry.row) if not is_left_in_image(spec)]
    doubtful = list_row_deviations(specs, readings, known)
    to_type, follows = _code_or_number(conn, form, entry, readings, doubtful)
    answers = known | {
        spec.name: Answer(readings[spec.name].value, readings[spec.name].state)
        for spec in specs
        if spec.name not in known and spec.name not in (*to_type, follows)
    }
    head = tuple(
        spec.name
        for spec in specs
        if spec.row is None and spec.name in answers and spec.name not in known
    )
    answers |= {name: typed[name] for name in (*to_type, *head) if name in typed}
    deviations = tuple(name for name in to_type if name not in answers)
    is_alone = view.is_hidden or bool(view.missing_pages)
    is_blank = _looks_blank(view, readings)
    row = SheetRow(entry, form, None, answers, deviations, True, view, is_alone, is_blank, head)
    if deviations or is_alone:
        return replace(row, client=_find_row_client(conn, row))
    try:
        answers = answer_number_by_code(conn, form, entry, answers)
    except AnswerError as error:
        return replace(row, deviations=error.fields, is_alone=True)
    row = replace(row, answers=answers)
    client = _find_row_client(conn, row)
    if client is None:
        return replace(row, is_alone=True)
    return _checked(conn, person, replace(row, client=client, is_client_open=False))


def _looks_blank(view: EntryView, readings: Mapping[str, Reading]) -> bool:
    """Whether nothing was read in a row, no client was printed for it, and nobody has typed in it.

    Faint ink in a check box or a place for initials may come through from the other side.
    """
    return view.entry.client_pid is None and not any(
        field.draft is not None or _is_written(field.spec, readings.get(field.spec.name))
        for field in view.fields
        if field.spec.row is not None
    )


def _is_written(spec: FieldSpec, reading: Reading | None) -> bool:
    if reading is None or reading.state is State.EMPTY:
        return False
    return not spec.traits.is_boolean or reading.p >= BOX_WRITTEN_FROM


def _find_row_client(conn: Connection, row: SheetRow) -> Client | None:
    pid = answered_text(row.form, row.entry.row, row.answers, Meaning.CLIENT_PID)
    return find_client(conn, pid) if pid else None


def _code_or_number(
    conn: Connection,
    form: Form,
    entry: Entry,
    readings: Mapping[str, Reading],
    doubtful: Sequence[str],
) -> tuple[list[str], str]:
    """Return the doubtful fields with the client's code or number, not both, and what follows.

    A code that is the sure number's own is known with it. Where the number is not sure and a code
    is written, the code is typed, and the number follows from it.
    """
    number, code = (
        form.meaning(means, entry.row) for means in (Meaning.CLIENT_PID, Meaning.CLIENT_CODE)
    )
    reading = readings.get(code.name) if code else None
    if number is None or code is None or reading is None or reading.is_seen_empty:
        return list(doubtful), ""
    others = [name for name in doubtful if name not in (number.name, code.name)]
    if number.name in doubtful:
        return [code.name, *others], number.name
    owner = (
        find_client_of_code(conn, entry, reading.value) if isinstance(reading.value, str) else None
    )
    is_own = owner is not None and owner == readings[number.name].value
    return (others if is_own else [code.name, *others]), ""


def _checked(conn: Connection, person: Person, row: SheetRow) -> SheetRow:
    """Return the row as it is, or with what speaks against confirming it together with others."""
    entry, form = row.entry, row.form
    specs = [spec for spec in asked_fields(form, entry.row) if spec.name in row.answers]
    work = EntryWork(conn, person, form, entry)
    try:
        complete = complete_client_numbers(work, complete_answers(specs, row.answers))
        contradicted = find_contradicted_client_field(work, complete)
    except (AnswerError, BlockedClientError) as error:
        fields = tuple(getattr(error, "fields", ()))
        return replace(row, deviations=fields, is_client_open=True, is_alone=True)
    doubt = {
        contradicted,
        *fields_to_look_at(form, entry.row, complete),
        *fields_taken_back(conn, entry.id, person.login),
    } - {None}
    return replace(
        row,
        answers=complete,
        deviations=tuple(sorted(map(str, doubt))),
        is_client_open=bool(contradicted),
        is_alone=bool(doubt),
    )
