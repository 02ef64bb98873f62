"""What may go into a file: confirmed entries with their latest run, whether each belongs in a target, and which wait until a person has decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pipeline.export.clashes import held
from pipeline.export.exporter import Exporter, Terms
from pipeline.record import Earlier, Record
from pipeline.store import exports, records
from pipeline.store.exports import Connection
from pipeline.template import Forms

_BY_HAND = "skriv-in"
Candidate = tuple[Record, Earlier | None]


def candidates_of(conn: Connection, forms: Forms, entry_ids: Sequence[str]) -> list[Candidate]:
    """Confirmed entries with their latest run, in the order in which a person keys them: by client, then by time."""
    found = records.records(conn, forms, entry_ids)
    before = with_carried(conn, forms, found, exports.earlier(conn, entry_ids))
    return sorted(((record, before.get(record.entry_id)) for record in found), key=_order)


def with_carried(conn: Connection, forms: Forms, found: Sequence[Record], before: Mapping[str, Earlier]) -> dict[str, Earlier]:
    """The latest runs by entry, with what they carried where that was about another client than now. A list to key in that nobody has ticked is
    overtaken by the next: what it would have told has to be told again, and where somebody may have keyed it in is told too."""
    now = {record.entry_id: record.client.pid for record in found}
    looked, said = dict(before), dict[str, list[Record]]()
    while looked:
        then = records.records(conn, forms, list(looked), {entry_id: run.entry_revision for entry_id, run in looked.items()})
        for each in then:
            said.setdefault(each.entry_id, []).append(each)
        unsure = {entry_id: run for entry_id, run in looked.items() if run.target == _BY_HAND}
        looked = {entry_id: run for entry_id, last in unsure.items() if (run := exports.before_unanswered(conn, entry_id, last.revision))}
    return dict(before) | {entry_id: _moved(before[entry_id], now[entry_id], then) for entry_id, then in said.items()}


def _moved(run: Earlier, now: str, said: Sequence[Record]) -> Earlier:
    """`said`: what was carried, the latest first. The oldest is what stands there for sure if nobody has keyed in what came after it."""
    *unsure, first = said
    others = {each.client.pid: each for each in reversed(unsure) if each.client.pid not in (now, first.client.pid)}
    return replace(run, carried=first if first.client.pid != now else None, perhaps=tuple(others.values()))


def held_among(conn: Connection, forms: Forms, candidates: Sequence[Candidate], clash_minutes: int) -> frozenset[str]:
    """Those that somebody else may have keyed in already: in no file until a person has decided."""
    return held(conn, forms, [record.entry_id for record, _ in candidates], clash_minutes)


def goes(target: str, exporter: Exporter, candidate: Candidate, terms: Terms, by_hand: frozenset[str] = frozenset()) -> bool:
    """Whether an entry belongs in a target: by its form, and where its first export went. A correction has to follow the original;
    one that the first target cannot carry (`by_hand`) goes on the list to key in, which says where it has to be made void.

    One that became void and was refused by its target is in no system, so there is none to tell.
    """
    record, before = candidate
    return (
        not (record.voided is not None and before is None)
        and (before is None or before.target == target or (exporter.mapping is None and record.entry_id in by_hand))
        and (exporter.mapping is None or record.form in terms.mappings)
    )


def _order(candidate: Candidate) -> tuple[Any, ...]:
    record = candidate[0]
    time = record.event_at or record.written_at or datetime.max
    return record.client.name.casefold(), record.client.pid, time, record.entry_id
