"""The clash list: entries that somebody else may have keyed into the care system already (redan inmatade).

Each is shown beside the row that it may be, with what speaks for it; a person decides. Until then it goes into no file and is not keyed in, so
that nothing stands in the care system twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.access import Action, require
from pipeline.clash import Likeness, Said, likeness
from pipeline.export.late_entry import event_time, local
from pipeline.export.values import shown, spec_of
from pipeline.model import Person
from pipeline.record import Record
from pipeline.store import clash_pairs, records
from pipeline.store.care_lists import erase_finished, there_is_any
from pipeline.store.clash_pairs import CareSaid
from pipeline.store.clock import utc_now
from pipeline.store.entries import OPEN, Entry
from pipeline.store.exports import Connection
from pipeline.store.protection import hidden_numbers
from pipeline.template import Forms

HELD = "Kan redan vara inmatad i vårdsystemet. Enhetens granskare jämför och avgör under Uppföljning."
"""Why an entry is left out of a run, in Swedish."""


@dataclass(frozen=True, slots=True)
class Ours:
    """An entry as it is compared and shown: whom it is about, when, and what it says, field by field in words."""

    pid: str
    name: str
    when: str
    title: str
    rows: tuple[tuple[str, str], ...]
    author: str


@dataclass(frozen=True, slots=True)
class Clash:
    """A pair that nobody has decided on. `ours` is None for an entry that waits for review: what the machine read there is not shown."""

    entry: Entry
    theirs: CareSaid
    likeness: Likeness
    ours: Ours | None


@dataclass(frozen=True, slots=True)
class ClashList:
    """The pairs that a person may decide on, the likeliest first, and how many there are about people whose identity is hidden from the person."""

    clashes: tuple[Clash, ...]
    hidden: int


def clash_list(conn: Connection, forms: Forms, person: Person, minutes: int, now: datetime) -> ClashList:
    """The pairs in the person's units and areas of law.

    Args:
        minutes: how far apart two may lie, see `clash.likeness`.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    require(person, Action.FOLLOW_UP)
    found = list(_likely(conn, forms, clash_pairs.undecided_pairs(conn, now), minutes))
    seen = clash_pairs.visible_among(conn, person, [one.entry.id for one in found])
    own = [one for one in found if one.entry.id in seen]
    hidden = hidden_numbers(conn, person, [one.theirs.pid for one in own])
    open_to_person = sorted((one for one in own if one.theirs.pid not in hidden), key=lambda one: (-one.likeness.rank, one.entry.id))
    return ClashList(tuple(open_to_person), len(own) - len(open_to_person))


def erase_done(conn: Connection, forms: Forms, minutes: int, now: datetime) -> None:
    """Erase the lists that nothing is left to compare with."""
    if there_is_any(conn):
        undecided = _likely(conn, forms, clash_pairs.undecided_pairs(conn, now), minutes)
        erase_finished(conn, {one.theirs.list_id for one in undecided}, now)


def held(conn: Connection, forms: Forms, entry_ids: Sequence[str], minutes: int) -> frozenset[str]:
    """Those of these entries that may be in the care system already, as long as nobody has decided."""
    now = utc_now()
    if not entry_ids or not there_is_any(conn):
        return frozenset()
    return frozenset(one.entry.id for one in _likely(conn, forms, clash_pairs.undecided_pairs(conn, now, entry_ids), minutes))


def _likely(conn: Connection, forms: Forms, pairs: Sequence[tuple[Entry, CareSaid]], minutes: int) -> Iterator[Clash]:
    decided = list(dict.fromkeys(found.id for found, _ in pairs if found.state not in OPEN))
    known = {record.entry_id: record for record in records.records(conn, forms, decided)}
    titles = {form.id: form.title for form in forms.values()}
    for found, theirs in pairs:
        record = known.get(found.id)
        own = _said(record, forms) if record else _read(found, titles)
        others = [title for form_id, title in titles.items() if form_id != found.form]
        kinds = (theirs.kind,) if theirs.kind else ()
        if like := likeness(own, Said(theirs.day, theirs.clock, kinds, theirs.text), minutes, others):
            yield Clash(found, theirs, like, _ours(record, forms) if record else None)


def _said(record: Record, forms: Forms) -> Said:
    at = record.event_at or record.written_at
    clock = "event_at" if record.event_at else "written_at"
    choices = tuple(shown(record, name, forms) for name in record.fields if (spec := spec_of(record, name, forms)) and spec.options)
    text = " ".join(label if record.fields[name] is True else words for name, label, words in _told(record, forms))
    known = f"{local(at):%H:%M}" if at and clock not in record.clock_unknown else ""
    return Said(f"{local(at):%Y-%m-%d}" if at else "", known, (record.title, *filter(None, choices)), text)


def _read(found: Entry, titles: Mapping[str, str]) -> Said:
    """An entry that waits for review, by what the machine is sure of."""
    return Said(found.event_on or "", "", (titles.get(found.form, ""),), "")


def _ours(record: Record, forms: Forms) -> Ours:
    rows = tuple((label, words) for _, label, words in _told(record, forms))
    return Ours(record.client.pid, record.client.name, event_time(record), record.title, rows, record.author)


def _told(record: Record, forms: Forms) -> Iterator[tuple[str, str, str]]:
    """Name, label and words of what the entry says beside whom, when and who wrote."""
    for name in record.fields:
        spec = spec_of(record, name, forms)
        if spec is None or spec.means is not None or spec.traits.is_signature or record.fields[name] in (None, False):
            continue
        yield name, record.labels.get(name, name), shown(record, name, forms)
