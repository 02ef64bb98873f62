"""Entries that may have been keyed into the care system already (redan inmatade).

Each is shown next to the row that it may match, with the evidence; a person decides. Until then
it goes into no file and is not keyed in, so that nothing is in the care system twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.domain.record import Record
from pipeline.export.record_text import (
    find_field_spec,
    format_event_time,
    format_field_value,
    to_local_time,
)
from pipeline.registers.care_system_list import (
    MatchFacts,
    MatchSimilarity,
    compare_facts,
    is_same_kind,
)
from pipeline.store.entries.entry import OPEN_STATES, Entry
from pipeline.store.exports import care_system_matches, records
from pipeline.store.exports.care_system_exports import erase_finished_lists, has_active_list
from pipeline.store.exports.care_system_matches import CareSystemRow
from pipeline.store.exports.run_items import Connection
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text

HELD_FOR_MATCH = Text("export_reason.held_for_match")
"""Why an entry is left out of a run."""


@dataclass(frozen=True, slots=True)
class EntrySide:
    """An entry as it is compared and shown: client, time, and its fields in words."""

    pid: str
    name: str
    when: str
    title: str
    rows: tuple[tuple[str, str], ...]
    author: str


@dataclass(frozen=True, slots=True)
class CareSystemMatch:
    """An undecided pair of an entry and a row of the care system.

    `entry_side` is None for an entry that waits for review: what the machine read is not shown.
    """

    entry: Entry
    care_row: CareSystemRow
    likeness: MatchSimilarity
    entry_side: EntrySide | None


@dataclass(frozen=True, slots=True)
class CareSystemMatchList:
    """The pairs that a person may decide on, the likeliest first.

    `hidden` counts those about clients whose identity is hidden from the person.
    """

    matches: tuple[CareSystemMatch, ...]
    hidden: int


def list_matches(
    conn: Connection, forms: Forms, person: Person, minutes: int, now: datetime
) -> CareSystemMatchList:
    """List the pairs in the person's units and areas of law.

    Args:
        minutes: how far apart two times may be, see `compare_facts`.

    Raises:
        NotAllowedError: the person does not follow up.
    """
    require_permission(person, Action.FOLLOW_UP)
    matches = list(
        _find_likely_matches(
            conn, forms, care_system_matches.list_undecided_pairs(conn, now), minutes
        )
    )
    visible_ids = care_system_matches.filter_visible_matches(
        conn, person, [match.entry.id for match in matches]
    )
    visible = [match for match in matches if match.entry.id in visible_ids]
    # Pairs of clients whose paper is hidden from the person are only counted.
    hidden_pids = find_hidden_pids(conn, person, [match.care_row.pid for match in visible])
    shown = sorted(
        (match for match in visible if match.care_row.pid not in hidden_pids),
        key=lambda match: (-match.likeness.rank, match.entry.id),
    )
    return CareSystemMatchList(tuple(shown), len(visible) - len(shown))


def erase_settled_lists(conn: Connection, forms: Forms, minutes: int, now: datetime) -> None:
    """Erase the lists that nothing is left to compare with."""
    if has_active_list(conn):
        undecided = _find_likely_matches(
            conn, forms, care_system_matches.list_undecided_pairs(conn, now), minutes
        )
        erase_finished_lists(conn, {match.care_row.list_id for match in undecided}, now)


def find_entries_with_matches(
    conn: Connection, forms: Forms, entry_ids: Sequence[str], minutes: int
) -> frozenset[str]:
    """Return those of these entries that may be in the care system already and are undecided."""
    now = utc_now()
    if not entry_ids or not has_active_list(conn):
        return frozenset()
    return frozenset(
        match.entry.id
        for match in _find_likely_matches(
            conn, forms, care_system_matches.list_undecided_pairs(conn, now, entry_ids), minutes
        )
    )


def _find_likely_matches(
    conn: Connection, forms: Forms, pairs: Sequence[tuple[Entry, CareSystemRow]], minutes: int
) -> Iterator[CareSystemMatch]:
    """Yield the pairs that are similar enough, with what is compared of each entry."""
    # Only confirmed entries are compared by their values.
    confirmed = list(
        dict.fromkeys(entry.id for entry, _ in pairs if entry.state not in OPEN_STATES)
    )
    record_by_id = {
        record.entry_id: record for record in records.load_records(conn, forms, confirmed)
    }
    titles = {form.id: form.title for form in forms.values()}
    for entry, row in pairs:
        record = record_by_id.get(entry.id)
        # What is compared of an entry that waits for review: its day and form.
        facts = (
            record_facts(record, forms)
            if record
            else MatchFacts(entry.event_on or "", "", (titles.get(entry.form, ""),), "")
        )
        row_facts = MatchFacts(row.day, row.clock, (row.kind,) if row.kind else (), row.text)
        other_titles = [title for form_id, title in titles.items() if form_id != entry.form]
        kind = is_same_kind(facts.kinds, row_facts.kinds, other_titles)
        if likeness := compare_facts(facts, row_facts, minutes, kind=kind):
            side = _entry_side(record, forms) if record else None
            yield CareSystemMatch(entry, row, likeness, side)


def record_facts(record: Record, forms: Forms) -> MatchFacts:
    """Return what is compared of a confirmed entry."""
    # The time of the event, else that of writing.
    at = record.event_at or record.written_at
    clock_name = "event_at" if record.event_at else "written_at"
    choices = tuple(
        format_field_value(record, name, forms)
        for name in record.fields
        if (spec := find_field_spec(record, name, forms)) and spec.options
    )
    # A ticked box counts by its label, any other field by its words.
    text = " ".join(
        label if record.fields[name] is True else words
        for name, label, words in _compared_fields(record, forms)
    )
    has_clock = at is not None and clock_name not in record.clock_unknown
    return MatchFacts(
        f"{to_local_time(at):%Y-%m-%d}" if at else "",
        f"{to_local_time(at):%H:%M}" if at and has_clock else "",
        (record.title, *filter(None, choices)),
        text,
    )


def _entry_side(record: Record, forms: Forms) -> EntrySide:
    rows = tuple((label, words) for _, label, words in _compared_fields(record, forms))
    return EntrySide(
        record.client.pid,
        record.client.name,
        format_event_time(record),
        record.title,
        rows,
        record.author,
    )


def _compared_fields(record: Record, forms: Forms) -> Iterator[tuple[str, str, str]]:
    """Yield name, label and words of an entry's fields, without client, time and author."""
    for name in record.fields:
        spec = find_field_spec(record, name, forms)
        if (
            spec is None
            or spec.means is not None
            or spec.traits.is_signature
            or record.fields[name] in (None, False)
        ):
            continue
        yield name, record.labels.get(name, name), format_field_value(record, name, forms)
