"""Receipts by a list from the care system: which exported entries it proves to have arrived.

An entry that is surely in the list becomes a proposed receipt, and a person confirms all proposals
at once. What the list does not prove beyond doubt gets none: an entry that is not found, one whose
numbers differ, and a correction, since the list may still have what it corrects. The list is not
stored, and nothing of it is logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rapidfuzz import utils

from pipeline.domain.errors import ExportError
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.export.authorities.erms.classification import load_plan
from pipeline.export.care_system_matches import record_facts
from pipeline.export.context import ExportContext
from pipeline.export.exporter import DATA_LANGUAGE
from pipeline.export.mapping import ExportMapping, NoteMapping, TableMapping, load_mappings
from pipeline.export.rivta.care_documentation import NOTE_TYPES
from pipeline.export.runs.receipts import ReceiptResult, settle_receipts
from pipeline.registers.care_system_list import (
    CareRow,
    MatchFacts,
    MatchSimilarity,
    compare_facts,
    is_same_kind,
)
from pipeline.store.event_log import events
from pipeline.store.exports import records
from pipeline.store.exports.care_system_matches import list_unproven_items
from pipeline.store.exports.run_items import Connection, Receipt, RunItem
from pipeline.store.exports.runs import Finding, Proof, ProofMeans, save_proofs
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.texts import Text

# The words that target files use for the kind of record of each form.
#
# A list from the care system often has the very words that our own file gave it. A word that is
# neither these nor the form's title is not known to mean another kind: systems have words of their
# own.


@dataclass(frozen=True, slots=True)
class KindWords:
    """The titles of the forms and the words of target files, by form id."""

    titles: Mapping[str, str]
    words: Mapping[str, frozenset[str]]

    def is_kind(self, form: str, title: str, word: str) -> bool | None:
        """Return whether a word of a list means the kind of record of a form.

        None where it does not tell: only the very words of another form mean another kind.

        Args:
            title: the form's title as the entry has it.
        """
        if not word:
            return None
        found = _normal_forms(word)
        if found & (self.words.get(form, frozenset()) | _normal_forms(title)):
            return True
        if any(found & words for each, words in self.words.items() if each != form):
            return False
        others = [each for form_id, each in self.titles.items() if form_id != form]
        return True if is_same_kind((title,), (word,), others) else None


def load_kind_words(context: ExportContext) -> KindWords:
    """Read the mapping files of all targets; a target whose files are wrong gives no words."""
    titles = {form.id: form.title for form in context.forms.values()}
    words = {form_id: set(_normal_forms(title)) for form_id, title in titles.items()}
    for form_id, word in _words_of_targets(context):
        words.setdefault(form_id, set()).update(_normal_forms(word))
    return KindWords(titles, {form_id: frozenset(each) for form_id, each in words.items()})


def _words_of_targets(context: ExportContext) -> Iterator[tuple[str, str]]:
    """Yield ids of forms, each with a word for its kind of record."""
    folders = context.settings.form_folders
    for name, exporter in context.targets.items():
        # Only these have words for a kind
        if exporter.mapping is None or not issubclass(
            exporter.mapping, (TableMapping, NoteMapping)
        ):
            continue
        try:
            mappings = load_mappings(folders, name, exporter.mapping)
        except ExportError:
            continue
        for form_id, mapping in mappings.items():
            yield from ((form_id, word) for word in _words_of_mapping(mapping))
    try:
        plan = load_plan(context.settings)
    except ExportError:
        return
    for version in plan.plan_versions if plan else ():
        for form_id, form in version.forms.items():
            yield form_id, form.document_type.otherwise


def _words_of_mapping(mapping: ExportMapping) -> Iterator[str]:
    if isinstance(mapping, TableMapping):
        yield from (column.constant for column in mapping.columns if column.constant)
    elif isinstance(mapping, NoteMapping):
        yield from filter(None, (mapping.document_title, mapping.note_title))
        # The title of a document has the type of the note before it
        for code in filter(None, (*mapping.kind.codes.values(), mapping.kind.otherwise)):
            yield f"{NOTE_TYPES[code]} {mapping.document_title}"


def _normal_forms(word: str) -> frozenset[str]:
    """Return a word without capitals, hyphens and spaces, in its own and in a fixed order."""
    parts = utils.default_process(word).split()
    return frozenset({"".join(parts), "".join(sorted(parts))} - {""})


FOUND_IN_LIST = Text("receipt_text.found_in_list")
"""What a receipt says that a list gave."""
MAX_SURE_MINUTES = 5
"""Minutes between entry and row that are still the same time; people round."""
MIN_SURE_TEXT = 85
"""Similarity (%) of texts from which one is the other; different notes of the samples reach 58."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


class Doubt(StrEnum):
    """Why an exported entry gets no receipt by a list."""

    NOT_FOUND = "not_found"
    UNLIKE = "unlike"
    NO_TEXT = "no_text"
    OTHER_KIND = "other_kind"
    SEVERAL = "several"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ListScope:
    """What a list is of: a unit, an area of law, and the route whose system it comes from."""

    unit: str
    area: str
    route: str


@dataclass(frozen=True, slots=True)
class UnprovenEntry:
    """An exported entry without a receipt; `doubt` is None if the list surely has it."""

    run_id: str
    item: RunItem
    form: str
    doubt: Doubt | None


@dataclass(frozen=True, slots=True)
class ReceiptProposals:
    """What a list says of each exported entry without a receipt.

    `hidden` counts those about clients whose identity is hidden from the person.
    """

    entries: tuple[UnprovenEntry, ...]
    hidden: int = 0

    @property
    def proposed(self) -> tuple[UnprovenEntry, ...]:
        """The entries that the list surely has."""
        return tuple(entry for entry in self.entries if entry.doubt is None)

    @property
    def doubtful(self) -> tuple[UnprovenEntry, ...]:
        """The entries that get no receipt, those that may be there first."""
        doubts = [entry for entry in self.entries if entry.doubt is not None]
        return tuple(sorted(doubts, key=lambda entry: entry.doubt is Doubt.NOT_FOUND))


def propose_receipts(
    context: ExportContext, person: Person, scope: ListScope, rows: Sequence[CareRow]
) -> ReceiptProposals:
    """Compare what was exported in a route and has no receipt with rows of its system's list.

    Raises:
        NotAllowedError: the person may not receipt in this unit and area of law.
    """
    with context.store.begin() as conn:
        require_permission(person, Action.RECEIPT, scope.unit, scope.area)
        items = list_unproven_items(conn, person, scope.unit, scope.area, scope.route)
        found = _compare(conn, context, person, items, rows)
        events.record(
            conn,
            person.login,
            "propose_receipts",
            scope.route,
            unit=scope.unit,
            rows=len(rows),
            proposed=len(found.proposed),
            entries=len(items),
        )
        return found


def confirm_proposals(
    context: ExportContext,
    person: Person,
    scope: ListScope,
    proposed: Sequence[UnprovenEntry],
    now: datetime,
) -> ReceiptResult:
    """Receipt the proposals of a list; all or none. One that has a receipt by now is counted.

    Raises:
        NotAllowedError: the person may not receipt one of the entries.
    """
    with context.store.begin() as conn:
        require_permission(person, Action.RECEIPT, scope.unit, scope.area)
        waiting = {
            (run_id, item.entry_id, item.revision): item
            for run_id, item in list_unproven_items(
                conn, person, scope.unit, scope.area, scope.route
            )
            if item.is_current
        }
        text = FOUND_IN_LIST.in_language(DATA_LANGUAGE)
        keys = [(entry.run_id, entry.item.entry_id, entry.item.revision) for entry in proposed]
        receipts = [
            (key[0], Receipt(waiting[key], accepted=True, text=text))
            for key in keys
            if key in waiting
        ]
        result = settle_receipts(conn, person, receipts, now)
        for run_id, receipt in receipts:
            entry_id, revision = receipt.item.entry_id, receipt.item.revision
            proof = Proof(entry_id, revision, Finding.SAME, means=ProofMeans.LIST)
            save_proofs(conn, run_id, [proof], person.login, now)
    return ReceiptResult(result.accepted, 0, len(keys) - len(receipts), 0)


def _compare(
    conn: Connection,
    context: ExportContext,
    person: Person,
    items: Sequence[tuple[str, RunItem]],
    rows: Sequence[CareRow],
) -> ReceiptProposals:
    forms = context.forms
    known = {
        record.entry_id: record
        for record in records.load_records(
            conn, forms, sorted({item.entry_id for _, item in items})
        )
    }
    hidden = find_hidden_pids(conn, person, [record.client.pid for record in known.values()])
    visible = [
        (run_id, item) for run_id, item in items if known[item.entry_id].client.pid not in hidden
    ]
    kind_words = load_kind_words(context)
    rows_by_pid: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for pid in row.pids:
            rows_by_pid.setdefault(pid, []).append(number)
    # The rows that may be an entry with what each lacks, None for those that surely are.
    near: dict[str, dict[int, Doubt | None]] = {}
    for entry_id in {item.entry_id for _, item in visible}:
        record = known[entry_id]
        facts = record_facts(record, forms)
        near[entry_id] = {}
        for number in rows_by_pid.get(record.client.pid, ()):
            row_facts = _row_facts(rows[number])
            likeness = compare_facts(
                facts,
                row_facts,
                context.settings.clash_minutes,
                kind=kind_words.is_kind(record.form, record.title, rows[number].kind),
            )
            if likeness is not None:
                near[entry_id][number] = find_row_doubt(facts, row_facts, likeness)
    sure = {
        entry_id: {number for number, doubt in found.items() if doubt is None}
        for entry_id, found in near.items()
    }
    claims: dict[int, int] = {}
    for numbers in sure.values():
        for number in numbers:
            claims[number] = claims.get(number, 0) + 1
    entries = []
    for run_id, item in visible:
        record = known[item.entry_id]
        if item.is_amendment or not item.is_current or record.voided is not None:
            doubt: Doubt | None = Doubt.CHANGED
        else:
            doubt = _find_doubt(near[item.entry_id], claims)
        entries.append(UnprovenEntry(run_id, item, record.form, doubt))
    return ReceiptProposals(tuple(entries), len(items) - len(visible))


def _row_facts(row: CareRow) -> MatchFacts:
    return MatchFacts(row.day, row.clock, (row.kind,) if row.kind else (), row.text)


def find_row_doubt(entry: MatchFacts, row: MatchFacts, likeness: MatchSimilarity) -> Doubt | None:
    """Return why a row about the same client is not surely the entry; None if it is.

    The time is the same where both have one, and the text, with every number of the entry in it: a
    note with another dose is another note. Without a text in the row the time has to be the same
    and the kind has to be named. A word for a kind that is not known refuses nothing.
    """
    if (likeness.minutes or 0) > MAX_SURE_MINUTES:
        return Doubt.UNLIKE
    if likeness.text is None:
        if likeness.kind is False:
            return Doubt.OTHER_KIND
        return None if likeness.minutes is not None and likeness.kind else Doubt.NO_TEXT
    if likeness.text < MIN_SURE_TEXT or not _numbers(entry.text) <= _numbers(row.text):
        return Doubt.UNLIKE
    return Doubt.OTHER_KIND if likeness.kind is False else None


def _numbers(text: str) -> set[str]:
    return {number.replace(",", ".") for number in _NUMBER.findall(text)}


def _find_doubt(near: Mapping[int, Doubt | None], claims: Mapping[int, int]) -> Doubt | None:
    """Return why rows do not prove an entry; None if exactly one row is this and no other entry."""
    sure = [number for number, doubt in near.items() if doubt is None]
    if not sure:
        # What is closest to a proof is what to look at
        closest = (Doubt.OTHER_KIND, Doubt.NO_TEXT, Doubt.UNLIKE)
        return next((each for each in closest if each in near.values()), Doubt.NOT_FOUND)
    if len(sure) > 1 or any(claims[number] > 1 for number in sure):
        return Doubt.SEVERAL
    return None
