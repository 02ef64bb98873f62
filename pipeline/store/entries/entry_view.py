"""Show an entry to a person: its fields with images, readings and earlier answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Depth, Form, Forms
from pipeline.domain.issues import Issue, IssueCode, Severity, parse_issues
from pipeline.domain.model import Client, EntryState, Person, Reading, State
from pipeline.domain.review.depth import find_days_in_use, find_deviations
from pipeline.domain.review.rules import (
    REQUIRED_FACTS,
    Answer,
    asked_fields,
    is_read_as_printed,
    needs_blind_keying,
)
from pipeline.store.entries.answers import (
    NO_BATCH_ANSWERS,
    AnswerOrigin,
    BatchAnswers,
    DecidedAnswer,
    decided_answers,
    find_batch_answers,
    list_answer_drafts,
    shared_sheet_answers,
)
from pipeline.store.entries.attached_pages import AttachedPage, cut_pages, list_attached_pages
from pipeline.store.entries.entry import (
    Entry,
    entry_form,
    is_part_of_page,
    load_entry,
    load_entry_readings,
)
from pipeline.store.entries.entry_depth import find_depth, list_asked_names, printed_answers
from pipeline.store.entries.later_scans import find_later_scan_issues
from pipeline.store.entries.queue_order import find_met_rules
from pipeline.store.entries.second_reviewer import must_not_review
from pipeline.store.paper.pages import Page, list_sheet_pages, missing_page_numbers
from pipeline.store.paper.protected_identity import (
    IDENTIFYING_MEANINGS,
    CoveredAreas,
    find_covered_areas,
)
from pipeline.store.registers.client_register import load_client, restrict_client

_OVERRIDES_READING = frozenset({AnswerOrigin.CHANGED, AnswerOrigin.CORRECTION, AnswerOrigin.SECOND})
"""Origins of answers that do not merely confirm the reading."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of an entry.

    `page` is the id of the page that it is on, None if that page is missing. `reading` is withheld
    while the field `is_blind` (blind keying). Where the client's identity is protected from this
    person, identifying fields are hidden (`is_hidden`) and have no values at all. `draft` is what
    this person typed before or, except in second review, what a confirmed row of the same sheet
    says of its head; `first_answer` is what was decided (in second review: by the first reviewer).
    An answer is expected if `is_open`. What batch review confirmed is the draft
    (`is_batch_confirmed`); what it found odd is keyed blind.
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
    """One entry with all that a person needs for deciding it.

    `problems` are issue codes: those of the pages, "page_missing:<n>", "fact_missing:<fact>", and
    where the row has been an entry since an earlier scan "scanned_before" and
    "written_since:<field>". `suggestion` is the client that the sheet was printed for; it is
    withheld while the personal number is keyed blind. `covered` are the areas of the images that
    this person may not see. `depth` is how deep the entry is typed; at the depth of deviations
    `deviations` are the boxes of a grid that seem to say something else than "as planned", and
    `days_in_use` the first and the last day on which anything is written there.
    `attachments` go with the sheet. `met_rules` are the duties that a person has said to be met.
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
    depth: Depth = Depth.FULL
    deviations: frozenset[str] = frozenset()
    days_in_use: tuple[int, int] | None = None
    attachments: tuple[AttachedPage, ...] = ()
    met_rules: frozenset[str] = frozenset()

    @property
    def is_hidden(self) -> bool:
        """Whether this person may not see the client, and so cannot decide the entry."""
        return any(field.is_hidden for field in self.fields)


def load_entry_view(conn: Connection, forms: Forms, person: Person, entry_id: str) -> EntryView:
    """Return the view of an entry for a person. The caller checks permissions."""
    entry = load_entry(conn, entry_id)
    form = entry_form(forms, entry)
    pages = tuple(list_sheet_pages(conn, entry.sheet))
    missing = missing_page_numbers(pages)
    depth = find_depth(conn, form, entry)
    grid = load_entry_readings(conn, entry, pages) if depth is Depth.DEVIATIONS else {}
    sources = _load_field_sources(conn, entry, form, pages, person)
    asked = list_asked_names(conn, form, entry, sources.readings, depth)
    fields = tuple(
        _field_view(spec, entry, sources, is_asked=spec.name in asked)
        for spec in form.entry_fields(entry.row)
    )
    # Hide the identifying fields of a client whose identity the person may not see
    covered = _covered_areas(conn, person, entry, form, pages)
    if covered.is_row_hidden(entry.row):
        fields = tuple(
            _hide_field(field) if field.spec.means in IDENTIFYING_MEANINGS else field
            for field in fields
        )
    blind = {field.spec.name for field in fields if field.is_blind}
    problems = [
        *find_later_scan_issues(conn, entry, form, pages),
        *_page_problems(entry, pages, blind),
        *(str(Issue(IssueCode.PAGE_MISSING, str(number))) for number in missing),
        *(_missing_legal_facts(fields) if depth is not Depth.ATTACHMENT else ()),
    ]
    return EntryView(
        entry,
        form,
        fields,
        cut_pages(conn, entry, pages),
        missing,
        tuple(dict.fromkeys(problems)),
        _suggested_client(conn, person, entry, fields),
        entry.state is EntryState.SECOND,
        covered,
        depth,
        find_deviations(form, grid),
        find_days_in_use(form, grid),
        list_attached_pages(conn, entry.sheet),
        frozenset(find_met_rules(conn, entry.id) if form.all_deadlines else ()),
    )


def _covered_areas(
    conn: Connection, person: Person, entry: Entry, form: Form, pages: tuple[Page, ...]
) -> CoveredAreas:
    """Return what is covered; of a part of a page only what is its own, as it is shown alone."""
    covered = find_covered_areas(conn, person, form, pages)
    if not is_part_of_page(entry) or covered.is_row_hidden(entry.row):
        return covered
    return CoveredAreas({}, frozenset())


def _suggested_client(
    conn: Connection, person: Person, entry: Entry, fields: tuple[FieldView, ...]
) -> Client | None:
    """Return the client as the person may see it, or None while the number is keyed blind."""
    if any(field.is_blind and field.spec.means is Meaning.CLIENT_PID for field in fields):
        return None
    client = load_client(conn, entry.client_pid) if entry.client_pid else None
    return restrict_client(conn, client, person) if client else None


@dataclass(frozen=True, slots=True)
class _FieldSources:
    """What the fields of an entry are shown from, by field name.

    `page_ids` are the sheet's pages by number. `own_drafts` are what the person has typed, `drafts`
    these and what others have said. `is_excluded`: the person cannot be the second reviewer.
    """

    page_numbers: Mapping[str, int]
    page_ids: Mapping[int, str]
    readings: Mapping[str, Reading]
    answers: Mapping[str, DecidedAnswer]
    batch: BatchAnswers
    own_drafts: Mapping[str, Answer]
    drafts: Mapping[str, Answer]
    is_excluded: bool


def _load_field_sources(
    conn: Connection, entry: Entry, form: Form, pages: tuple[Page, ...], person: Person
) -> _FieldSources:
    readings = load_entry_readings(conn, entry, pages)
    # Answers exist after the first decision, batch answers only before it
    answers: dict[str, DecidedAnswer] = {}
    batch = NO_BATCH_ANSWERS
    if entry.state is EntryState.REVIEW:
        batch = find_batch_answers(conn, entry, readings)
    else:
        answers = decided_answers(conn, entry.id, first_only=entry.state is EntryState.SECOND)
    # A second reviewer sees own drafts only; what the person has typed comes before all else
    own_drafts = drafts = list_answer_drafts(conn, entry.id, person.login)
    if entry.state is not EntryState.SECOND:
        drafts = (
            printed_answers(conn, entry, form, readings)
            | shared_sheet_answers(conn, entry, form)
            | _previous_answers(conn, entry, form, readings)
            | batch.answers()
            | own_drafts
        )
    return _FieldSources(
        form.page_numbers,
        {_form_page_number(page, entry): page.id for page in pages},
        readings,
        answers,
        batch,
        own_drafts,
        drafts,
        must_not_review(conn, person.login, entry),
    )


def _previous_answers(
    conn: Connection, entry: Entry, form: Form, readings: Mapping[str, Reading]
) -> dict[str, Answer]:
    """Return answers that differed from the reading before the entry returned to review as a whole.

    Their fields are never collapsed, and the answers are shown in place of the readings.
    """
    if entry.state is not EntryState.REVIEW:
        return {}
    previous = {
        name: decided.answer
        for name, decided in decided_answers(conn, entry.id).items()
        if decided.is_settled and decided.origin in _OVERRIDES_READING
    }
    return {
        spec.name: previous[spec.name]
        for spec in asked_fields(form, entry.row)
        if spec.name in previous and not needs_blind_keying(spec, readings.get(spec.name))
    }


def _field_view(
    spec: FieldSpec, entry: Entry, sources: _FieldSources, *, is_asked: bool
) -> FieldView:
    name, number = spec.name, sources.page_numbers[spec.name]
    reading, decided = sources.readings.get(name), sources.answers.get(name)
    is_blind = name in sources.batch.odd_fields or _is_blind(
        spec, entry, reading, is_excluded=sources.is_excluded
    )
    return FieldView(
        spec=spec,
        page=sources.page_ids.get(number),
        page_no=number,
        reading=None if is_blind else reading,
        is_blind=is_blind,
        draft=sources.drafts.get(name),
        first_answer=decided.answer if decided else None,
        is_open=is_asked and _is_open(spec, entry, sources.answers) and number in sources.page_ids,
        is_batch_confirmed=name in sources.batch.confirmed and name not in sources.own_drafts,
    )


def _hide_field(field: FieldView) -> FieldView:
    return replace(
        field, reading=None, draft=None, first_answer=None, is_open=False, is_hidden=True
    )


def _is_blind(spec: FieldSpec, entry: Entry, reading: Reading | None, *, is_excluded: bool) -> bool:
    """Return whether the field is keyed blind, in first review or by an excluded second reviewer.

    The first reviewer may withdraw the decision and decide again, and so must not see the reading.
    """
    return (
        needs_blind_keying(spec, reading)
        and not is_read_as_printed(spec, entry.client_pid, reading)
        and (entry.state is EntryState.REVIEW or is_excluded)
    )


def _form_page_number(page: Page, entry: Entry) -> int:
    """Return the number of a page within the entry's form.

    An unidentified page is the only page of the free form, whatever its code says.
    """
    return page.page_no if page.form == entry.form and page.page_no else 1


def _is_open(spec: FieldSpec, entry: Entry, answers: Mapping[str, DecidedAnswer]) -> bool:
    if entry.state is EntryState.SECOND:
        return spec.name in answers and not answers[spec.name].is_settled
    return entry.state is EntryState.REVIEW


def _page_problems(entry: Entry, pages: tuple[Page, ...], blind: Collection[str]) -> list[str]:
    """Return the problems of the sheet's pages that this row may show.

    Problems of fields in other rows are left out, and so are those of fields that are keyed blind,
    since they reveal the reading. Two kinds do not reveal a value and are shown all the same: low
    confidence that the field is seen as a whole (`Severity.LOW_CONFIDENCE`), and a visit that seems
    to be after midnight.
    """
    row_prefix = f"{entry.row:02d}." if entry.row else ""
    issues = [issue for page in pages for issue in parse_issues(page.problems)]
    problems = [
        str(issue)
        for issue in issues
        if issue.field not in blind
        or issue.code.severity is Severity.LOW_CONFIDENCE
        or issue.code is IssueCode.AFTER_MIDNIGHT
    ]
    # A problem with a dot names a field of a row
    return [problem for problem in problems if "." not in problem or row_prefix in problem]


def _missing_legal_facts(fields: tuple[FieldView, ...]) -> list[str]:
    """Return the facts that the law requires and that no writing was found for.

    A field that is keyed blind is left out.
    """
    problems = []
    for fact, meanings in REQUIRED_FACTS.items():
        fact_fields = [field for field in fields if field.spec.means in meanings]
        if fact_fields and all(
            not field.is_blind and (field.reading is None or field.reading.state is State.EMPTY)
            for field in fact_fields
        ):
            problems.append(str(Issue(IssueCode.FACT_MISSING, fact)))
    return problems
