"""An entry as a person sees it: each field with its picture, what may be shown of the reading, and
what was answered before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.issues import Issue, IssueCode, Severity, parse_issues
from pipeline.domain.model import Client, EntryState, Person, Reading, State
from pipeline.domain.review.rules import REQUIRED_FACTS, Answer, asked_fields, needs_blind_keying
from pipeline.store.accounts.protected_identity import (
    IDENTIFYING_MEANINGS,
    CoveredAreas,
    find_covered_areas,
)
from pipeline.store.entries.answers import (
    AnswerOrigin,
    DecidedAnswer,
    decided_answers,
    list_answer_drafts,
    shared_sheet_answers,
)
from pipeline.store.entries.batch_answers import NO_BATCH_ANSWERS, find_batch_answers
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.entries.second_reviewer import must_not_review
from pipeline.store.paper.later_scans import find_later_scan_issues
from pipeline.store.paper.pages import Page, load_page_reading
from pipeline.store.paper.sheets import list_sheet_pages, missing_page_numbers
from pipeline.store.registers.client_register import load_client, restrict_client

_OVERRIDES_READING = frozenset({AnswerOrigin.CHANGED, AnswerOrigin.CORRECTION, AnswerOrigin.SECOND})
"""How somebody decides who does not only confirm what the machine read."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of an entry.

    `page` is the id of the page that it stands on, None if that page is missing. `reading` is
    what the machine read, withheld while the field is `blind`. Where the client's identity is
    protected from this person, fields that tell it are `hidden` and say nothing at all. `draft`
    is what this person typed before or, but in second review, what a confirmed row of the same
    sheet says of its head; `first` is what was decided (in second review: by the first person).
    An answer is expected where `open`. What was confirmed in a group is `grouped` and stands as
    the draft; what was found odd there is typed blind.
    """

    spec: FieldSpec
    page: str | None
    page_no: int
    reading: Reading | None
    is_blind: bool
    draft: Answer | None
    first_answer: Answer | None
    is_open: bool
    is_hidden: bool = False
    is_batch_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry with all that a person needs for deciding. `second` tells that this is the second
    person's turn.

    `problems` are codes: those of the pages, "page_missing:<n>", "fact_missing:<fact>", and
    where the row has been an entry since an earlier scan "scanned_before" and
    "written_since:<field>". `suggestion` is the client that the sheet was printed for; it is
    withheld while the personal number is typed blind. `covered` are the places of the pictures
    that this person may not see.
    """

    entry: Entry
    form: Form
    fields: tuple[FieldView, ...]
    pages: tuple[Page, ...]
    missing_pages: tuple[int, ...]
    problems: tuple[str, ...]
    suggestion: Client | None
    is_second_review: bool
    covered: CoveredAreas

    @property
    def is_hidden(self) -> bool:
        """Whether this person may not see whom the entry is about, and so cannot decide it."""
        return any(field.is_hidden for field in self.fields)


def entry_form(forms: Forms, entry: Entry) -> Form:
    """The form that an entry is written on.

    Raises:
        FormError: the program does not have that version any longer.
    """
    form = forms.get((entry.form, entry.version))
    if form is None:
        raise FormError("no_form_version", form=entry.form, version=entry.version)
    return form


def load_readings(conn: Connection, pages: tuple[Page, ...]) -> dict[str, Reading]:
    """What the machine read on the pages of a sheet, by field."""
    return {
        name: reading
        for page in pages
        for name, reading in load_page_reading(conn, page.id).items()
    }


def page_number_by_field(form: Form) -> dict[str, int]:
    """The page that each field of a form stands on, from 1."""
    return {
        spec.name: number for number, page in enumerate(form.pages, 1) for spec in page.all_fields
    }


def load_entry_view(conn: Connection, forms: Forms, person: Person, entry_id: str) -> EntryView:
    """The view of an entry for a person. Rights are checked by the caller."""
    found = load_entry(conn, entry_id)
    form = entry_form(forms, found)
    pages = tuple(list_sheet_pages(conn, found.sheet))
    missing = missing_page_numbers(pages)
    fields = _field_views(conn, found, form, pages, person)
    covered = find_covered_areas(conn, person, form, pages)
    if covered.is_row_hidden(found.row):
        fields = tuple(
            _hide_field(field) if field.spec.means in IDENTIFYING_MEANINGS else field
            for field in fields
        )
    blind = {field.spec.name for field in fields if field.is_blind}
    since, absent = (
        find_later_scan_issues(conn, found, form, pages),
        [str(Issue(IssueCode.PAGE_MISSING, str(number))) for number in missing],
    )
    problems = [
        *since,
        *_page_problems(found, pages, blind),
        *absent,
        *_missing_legal_facts(fields),
    ]
    blind_pid = any(field.is_blind and field.spec.means is Meaning.CLIENT_PID for field in fields)
    known = load_client(conn, found.client_pid) if found.client_pid and not blind_pid else None
    suggestion = restrict_client(conn, known, person) if known else None
    return EntryView(
        found,
        form,
        fields,
        pages,
        missing,
        tuple(dict.fromkeys(problems)),
        suggestion,
        found.state is EntryState.SECOND,
        covered,
    )


def _field_views(
    conn: Connection, entry: Entry, form: Form, pages: tuple[Page, ...], person: Person
) -> tuple[FieldView, ...]:
    readings = load_readings(conn, pages)
    answers = (
        decided_answers(conn, entry.id, first_only=entry.state is EntryState.SECOND)
        if entry.state is not EntryState.REVIEW
        else {}
    )
    in_groups = (
        find_batch_answers(conn, entry, readings)
        if entry.state is EntryState.REVIEW
        else NO_BATCH_ANSWERS
    )
    own = list_answer_drafts(conn, entry.id, person.login)
    typed = own
    if entry.state is not EntryState.SECOND:
        typed = (
            shared_sheet_answers(conn, entry, form)
            | _previous_answers(conn, entry, form, readings)
            | in_groups.answers()
            | own
        )
    apart = must_not_review(conn, person.login, entry)
    numbers = page_number_by_field(form)
    by_number = {_form_page_number(page, entry): page.id for page in pages}
    expected = {
        spec.name for spec in asked_fields(form, entry.row) if _is_open(spec, entry, answers)
    }
    return tuple(
        _field_view(
            spec,
            spec.name in in_groups.odd_fields
            or _is_blind(spec, entry, readings.get(spec.name), is_separate=apart),
            numbers[spec.name],
            by_number,
            readings,
            typed,
            answers,
            spec.name in expected,
            grouped=spec.name in in_groups.confirmed and spec.name not in own,
        )
        for spec in form.entry_fields(entry.row)
    )


def _previous_answers(
    conn: Connection, entry: Entry, form: Form, readings: Mapping[str, Reading]
) -> dict[str, Answer]:
    """What people had said otherwise than the machine before the entry came back whole: never
    folded, and shown in the reading's place.
    """
    if entry.state is not EntryState.REVIEW:
        return {}
    said = {
        name: one.answer
        for name, one in decided_answers(conn, entry.id).items()
        if one.is_settled and one.origin in _OVERRIDES_READING
    }
    return {
        spec.name: said[spec.name]
        for spec in asked_fields(form, entry.row)
        if spec.name in said and not needs_blind_keying(spec, readings.get(spec.name))
    }


def _field_view(
    spec: FieldSpec,
    blind: bool,
    number: int,
    pages: Mapping[int, str],
    readings: Mapping[str, Reading],
    typed: Mapping[str, Answer],
    answers: Mapping[str, DecidedAnswer],
    expected: bool,
    *,
    grouped: bool,
) -> FieldView:
    before = answers.get(spec.name)
    return FieldView(
        spec=spec,
        page=pages.get(number),
        page_no=number,
        reading=None if blind else readings.get(spec.name),
        is_blind=blind,
        draft=typed.get(spec.name),
        first_answer=before.answer if before else None,
        is_open=expected and number in pages,
        is_batch_confirmed=grouped,
    )


def _hide_field(field: FieldView) -> FieldView:
    return replace(
        field, reading=None, draft=None, first_answer=None, is_open=False, is_hidden=True
    )


def _is_blind(spec: FieldSpec, entry: Entry, reading: Reading | None, *, is_separate: bool) -> bool:
    """Also in second review for whoever is kept `apart` from it: the first person may take the
    decision back and decide anew.
    """
    return needs_blind_keying(spec, reading) and (entry.state is EntryState.REVIEW or is_separate)


def _form_page_number(page: Page, entry: Entry) -> int:
    """Which page of the entry's form a page stands for; an unidentified one, whatever its code
    said, is the free form's only one.
    """
    return page.page_no if page.form == entry.form and page.page_no else 1


def _is_open(spec: FieldSpec, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> bool:
    if entry.state is EntryState.SECOND:
        return spec.name in answers and not answers[spec.name].is_settled
    return entry.state is EntryState.REVIEW


def _page_problems(entry: Entry, pages: tuple[Page, ...], blind: Collection[str]) -> list[str]:
    """The problems of the sheet's pages, without those of fields in other rows and of fields that
    are typed blind: they tell what was read.

    Two kinds are shown for a blind field all the same, since they do not tell its value: that it
    cannot be seen as a whole (`Severity.LOW_CONFIDENCE`), and that a visit seems to be after
    midnight.
    """
    row = f"{entry.row:02d}." if entry.row else ""
    every = [issue for page in pages for issue in parse_issues(page.problems)]
    problems = [
        str(issue)
        for issue in every
        if issue.field not in blind
        or issue.code.severity is Severity.LOW_CONFIDENCE
        or issue.code is IssueCode.AFTER_MIDNIGHT
    ]
    return [problem for problem in problems if "." not in problem or row in problem]


def _missing_legal_facts(fields: tuple[FieldView, ...]) -> list[str]:
    """Facts that the law asks for and that the machine found nothing written for. Nothing is told
    of a field that is typed blind.
    """
    problems = []
    for fact, meanings in REQUIRED_FACTS.items():
        own = [field for field in fields if field.spec.means in meanings]
        if own and all(
            not field.is_blind and (field.reading is None or field.reading.state is State.EMPTY)
            for field in own
        ):
            problems.append(str(Issue(IssueCode.FACT_MISSING, fact)))
    return problems
