"""The clash list: entries that somebody else may have keyed into the care system already (redan
inmatade).

Each is shown beside the row that it may be, with what speaks for it; a person decides. Until
then it goes into no file and is not keyed in, so that nothing stands in the care system twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.record import Record
from pipeline.export.record_text import (
    find_field_spec,
    format_event_time,
    format_field_value,
    to_local_time,
)
from pipeline.registers.care_system_match import MatchFacts, MatchSimilarity, compare_facts
from pipeline.store.accounts.protected_identity import find_hidden_pids
from pipeline.store.database.clock import utc_now
from pipeline.store.entries.entry import OPEN_STATES, Entry
from pipeline.store.exports import records
from pipeline.store.exports.run_items import Connection
from pipeline.store.registers import care_system_matches
from pipeline.store.registers.care_system_exports import erase_finished_lists, has_active_list
from pipeline.store.registers.care_system_matches import CareSystemRow
from pipeline.texts import Text

HELD_FOR_MATCH = Text("export_reason.held_for_match")
"""Why an entry is left out of a run."""


@dataclass(frozen=True, slots=True)
class EntrySide:
    """An entry as it is compared and shown: whom it is about, when, and what it says, field by
    field in words.
    """

    pid: str
    name: str
    when: str
    title: str
    rows: tuple[tuple[str, str], ...]
    author: str


@dataclass(frozen=True, slots=True)
class CareSystemMatch:
    """A pair that nobody has decided on. `ours` is None for an entry that waits for review: what
    the machine read there is not shown.
    """

    entry: Entry
    care_row: CareSystemRow
    likeness: MatchSimilarity
    entry_side: EntrySide | None


@dataclass(frozen=True, slots=True)
class CareSystemMatchList:
    """The pairs that a person may decide on, the likeliest first, and how many there are about
    people whose identity is hidden from the person.
    """

    matches: tuple[CareSystemMatch, ...]
    hidden: int


def list_matches(
    conn: Connection, forms: Forms, person: Person, minutes: int, now: datetime
) -> CareSystemMatchList:
    """The pairs in the person's units and areas of law.

    Args:
        minutes: how far apart two may lie, see `clash.likeness`.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    require_permission(person, Action.FOLLOW_UP)
    found = list(
        _find_likely_matches(
            conn, forms, care_system_matches.list_undecided_pairs(conn, now), minutes
        )
    )
    seen = care_system_matches.filter_visible_matches(conn, person, [one.entry.id for one in found])
    own = [one for one in found if one.entry.id in seen]
    hidden = find_hidden_pids(conn, person, [one.care_row.pid for one in own])
    open_to_person = sorted(
        (one for one in own if one.care_row.pid not in hidden),
        key=lambda one: (-one.likeness.rank, one.entry.id),
    )
    return CareSystemMatchList(tuple(open_to_person), len(own) - len(open_to_person))


def erase_settled_lists(conn: Connection, forms: Forms, minutes: int, now: datetime) -> None:
    """Erase the lists that nothing is left to compare with."""
    if has_active_list(conn):
        undecided = _find_likely_matches(
            conn, forms, care_system_matches.list_undecided_pairs(conn, now), minutes
        )
        erase_finished_lists(conn, {one.care_row.list_id for one in undecided}, now)


def find_entries_with_matches(
    conn: Connection, forms: Forms, entry_ids: Sequence[str], minutes: int
) -> frozenset[str]:
    """Those of these entries that may be in the care system already, as long as nobody has decided."""
    now = utc_now()
    if not entry_ids or not has_active_list(conn):
        return frozenset()
    return frozenset(
        one.entry.id
        for one in _find_likely_matches(
            conn, forms, care_system_matches.list_undecided_pairs(conn, now, entry_ids), minutes
        )
    )


def _find_likely_matches(
    conn: Connection, forms: Forms, pairs: Sequence[tuple[Entry, CareSystemRow]], minutes: int
) -> Iterator[CareSystemMatch]:
    decided = list(dict.fromkeys(found.id for found, _ in pairs if found.state not in OPEN_STATES))
    known = {record.entry_id: record for record in records.load_records(conn, forms, decided)}
    titles = {form.id: form.title for form in forms.values()}
    for found, theirs in pairs:
        record = known.get(found.id)
        own = _record_facts(record, forms) if record else _waiting_entry_facts(found, titles)
        others = [title for form_id, title in titles.items() if form_id != found.form]
        kinds = (theirs.kind,) if theirs.kind else ()
        if like := compare_facts(
            own, MatchFacts(theirs.day, theirs.clock, kinds, theirs.text), minutes, others
        ):
            yield CareSystemMatch(
                found, theirs, like, _entry_side(record, forms) if record else None
            )


def _record_facts(record: Record, forms: Forms) -> MatchFacts:
    at = record.event_at or record.written_at
    clock = "event_at" if record.event_at else "written_at"
    choices = tuple(
        format_field_value(record, name, forms)
        for name in record.fields
        if (spec := find_field_spec(record, name, forms)) and spec.options
    )
    text = " ".join(
        label if record.fields[name] is True else words
        for name, label, words in _compared_fields(record, forms)
    )
    known = f"{to_local_time(at):%H:%M}" if at and clock not in record.clock_unknown else ""
    return MatchFacts(
        f"{to_local_time(at):%Y-%m-%d}" if at else "",
        known,
        (record.title, *filter(None, choices)),
        text,
    )


def _waiting_entry_facts(entry: Entry, titles: Mapping[str, str]) -> MatchFacts:
    """An entry that waits for review, by what the machine is sure of."""
    return MatchFacts(entry.event_on or "", "", (titles.get(entry.form, ""),), "")


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
    """Name, label and words of what the entry says beside whom, when and who wrote."""
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
