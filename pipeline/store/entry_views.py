"""An entry as a person sees it: each field with its picture, what may be shown of the reading, and what was answered before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from pipeline.errors import FormError
from pipeline.field_spec import FieldSpec, Meaning
from pipeline.issues import Issue, IssueCode, Severity, parse_issues
from pipeline.model import Client, EntryState, Person, Reading, State
from pipeline.review import FACTS, Answer, asked, is_typed
from pipeline.store.answers import Decided, How, decided, drafts, shared_answers
from pipeline.store.entries import Entry, entry
from pipeline.store.group_answers import NO_GROUP, grouped
from pipeline.store.pages import Page, page_reading
from pipeline.store.protection import TELLS, Covered, covered_on
from pipeline.store.registers import client, shown_client
from pipeline.store.second_person import may_not_judge
from pipeline.store.sheets import missing_among, sheet_pages
from pipeline.store.written_since import told_of
from pipeline.template import Form, Forms

_OVER_THE_MACHINE = frozenset({How.CHANGED, How.CORRECTION, How.SECOND})
"""How somebody decides who does not only confirm what the machine read."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of an entry.

    `page` is the id of the page that it stands on, None if that page is missing. `reading` is what the machine read, withheld while the field
    is `blind`. Where the client's identity is protected from this person, fields that tell it are `hidden` and say nothing at all.
    `draft` is what this person typed before or, but in second review, what a confirmed row of the same sheet says of its head; `first` is what
    was decided (in second review: by the first person). An answer is expected where `open`. What was confirmed in a group is `grouped` and
    stands as the draft; what was found odd there is typed blind.
    """

    spec: FieldSpec
    page: str | None
    page_no: int
    reading: Reading | None
    blind: bool
    draft: Answer | None
    first: Answer | None
    open: bool
    hidden: bool = False
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry with all that a person needs for deciding. `second` tells that this is the second person's turn.

    `problems` are codes: those of the pages, "page_missing:<n>", "fact_missing:<fact>", and where the row has been an entry since an earlier scan
    "scanned_before" and "written_since:<field>". `suggestion` is the client that the sheet was printed for; it is withheld while the personal number
    is typed blind. `covered` are the places of the pictures that this person may not see.
    """

    entry: Entry
    form: Form
    fields: tuple[FieldView, ...]
    pages: tuple[Page, ...]
    missing_pages: tuple[int, ...]
    problems: tuple[str, ...]
    suggestion: Client | None
    second: bool
    covered: Covered

    @property
    def hidden(self) -> bool:
        """Whether this person may not see whom the entry is about, and so cannot decide it."""
        return any(field.hidden for field in self.fields)


def form_of(forms: Forms, found: Entry) -> Form:
    """The form that an entry is written on.

    Raises:
        FormError: the program does not have that version any longer.
    """
    form = forms.get((found.form, found.version))
    if form is None:
        raise FormError("no_form_version", form=found.form, version=found.version)
    return form


def readings_of(conn: Connection, pages: tuple[Page, ...]) -> dict[str, Reading]:
    """What the machine read on the pages of a sheet, by field."""
    return {name: reading for page in pages for name, reading in page_reading(conn, page.id).items()}


def page_numbers(form: Form) -> dict[str, int]:
    """The page that each field of a form stands on, from 1."""
    return {spec.name: number for number, page in enumerate(form.pages, 1) for spec in page.all_fields}


def look_at(conn: Connection, forms: Forms, person: Person, entry_id: str) -> EntryView:
    """The view of an entry for a person. Rights are checked by the caller."""
    found = entry(conn, entry_id)
    form = form_of(forms, found)
    pages = tuple(sheet_pages(conn, found.sheet))
    missing = missing_among(pages)
    fields = _fields(conn, found, form, pages, person)
    covered = covered_on(conn, person, form, pages)
    if covered.hides(found.row):
        fields = tuple(_covered(field) if field.spec.means in TELLS else field for field in fields)
    blind = {field.spec.name for field in fields if field.blind}
    since, absent = told_of(conn, found, form, pages), [str(Issue(IssueCode.PAGE_MISSING, str(number))) for number in missing]
    problems = [*since, *_page_problems(found, pages, blind), *absent, *_facts(fields)]
    blind_pid = any(field.blind and field.spec.means is Meaning.CLIENT_PID for field in fields)
    known = client(conn, found.client_pid) if found.client_pid and not blind_pid else None
    suggestion = shown_client(conn, known, person) if known else None
    return EntryView(found, form, fields, pages, missing, tuple(dict.fromkeys(problems)), suggestion, found.state is EntryState.SECOND, covered)


def _fields(conn: Connection, found: Entry, form: Form, pages: tuple[Page, ...], person: Person) -> tuple[FieldView, ...]:
    readings = readings_of(conn, pages)
    answers = decided(conn, found.id, first_only=found.state is EntryState.SECOND) if found.state is not EntryState.REVIEW else {}
    in_groups = grouped(conn, found, readings) if found.state is EntryState.REVIEW else NO_GROUP
    own = drafts(conn, found.id, person.login)
    typed = own
    if found.state is not EntryState.SECOND:
        typed = shared_answers(conn, found, form) | _said_before(conn, found, form, readings) | in_groups.answers() | own
    apart = may_not_judge(conn, person.login, found)
    numbers = page_numbers(form)
    by_number = {_number(page, found): page.id for page in pages}
    expected = {spec.name for spec in asked(form, found.row) if _is_open(spec, found, answers)}
    return tuple(
        _field(
            spec,
            spec.name in in_groups.odd or _is_blind(spec, found, readings.get(spec.name), apart=apart),
            numbers[spec.name],
            by_number,
            readings,
            typed,
            answers,
            spec.name in expected,
            grouped=spec.name in in_groups.kept and spec.name not in own,
        )
        for spec in form.entry_fields(found.row)
    )


def _said_before(conn: Connection, found: Entry, form: Form, readings: Mapping[str, Reading]) -> dict[str, Answer]:
    """What people had said otherwise than the machine before the entry came back whole: never folded, and shown in the reading's place."""
    if found.state is not EntryState.REVIEW:
        return {}
    said = {name: one.answer for name, one in decided(conn, found.id).items() if one.settled and one.how in _OVER_THE_MACHINE}
    return {spec.name: said[spec.name] for spec in asked(form, found.row) if spec.name in said and not is_typed(spec, readings.get(spec.name))}


def _field(
    spec: FieldSpec,
    blind: bool,
    number: int,
    pages: Mapping[int, str],
    readings: Mapping[str, Reading],
    typed: Mapping[str, Answer],
    answers: Mapping[str, Decided],
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
        blind=blind,
        draft=typed.get(spec.name),
        first=before.answer if before else None,
        open=expected and number in pages,
        grouped=grouped,
    )


def _covered(field: FieldView) -> FieldView:
    return replace(field, reading=None, draft=None, first=None, open=False, hidden=True)


def _is_blind(spec: FieldSpec, found: Entry, reading: Reading | None, *, apart: bool) -> bool:
    """Also in second review for whoever is kept `apart` from it: the first person may take the decision back and decide anew."""
    return is_typed(spec, reading) and (found.state is EntryState.REVIEW or apart)


def _number(page: Page, found: Entry) -> int:
    """Which page of the entry's form a page stands for; an unidentified one, whatever its code said, is the free form's only one."""
    return page.page_no if page.form == found.form and page.page_no else 1


def _is_open(spec: FieldSpec, found: Entry, answers: Mapping[str, Decided]) -> bool:
    if found.state is EntryState.SECOND:
        return spec.name in answers and not answers[spec.name].settled
    return found.state is EntryState.REVIEW


def _page_problems(found: Entry, pages: tuple[Page, ...], blind: Collection[str]) -> list[str]:
    """The problems of the sheet's pages, without those of fields in other rows and of fields that are typed blind: they tell what was read.

    Two kinds are shown for a blind field all the same, since they do not tell its value: that it cannot be seen as a whole
    (`Severity.LOW_CONFIDENCE`), and that a visit seems to be after midnight.
    """
    row = f"{found.row:02d}." if found.row else ""
    every = [issue for page in pages for issue in parse_issues(page.problems)]
    problems = [
        str(issue)
        for issue in every
        if issue.field not in blind or issue.code.severity is Severity.LOW_CONFIDENCE or issue.code is IssueCode.AFTER_MIDNIGHT
    ]
    return [problem for problem in problems if "." not in problem or row in problem]


def _facts(fields: tuple[FieldView, ...]) -> list[str]:
    """Facts that the law asks for and that the machine found nothing written for. Nothing is told of a field that is typed blind."""
    problems = []
    for fact, meanings in FACTS.items():
        own = [field for field in fields if field.spec.means in meanings]
        if own and all(not field.blind and (field.reading is None or field.reading.state is State.EMPTY) for field in own):
            problems.append(str(Issue(IssueCode.FACT_MISSING, fact)))
    return problems
