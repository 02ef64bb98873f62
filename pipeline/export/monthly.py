"""Runs of statistics: files that tell of whole months, beside the one export that takes an entry, and change nothing of it.

A month's file replaces the one before it, so it always holds the whole month. A month is told when one of its entries is new to it, has been
corrected or has become void since the latest file; a month in which nothing has changed is not told again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.export.exporter import Item, Statistics, Terms
from pipeline.model import Record, Run
from pipeline.store import events, exports, records, statistics
from pipeline.store.exports import Connection
from pipeline.store.statistics import Standing

PUT_ASIDE = "Posten är avvisad."


@dataclass(frozen=True, slots=True)
class Month:
    """What a run would tell now: its items, each entry's id, revision and month, and (entry id, reason) of what it cannot tell."""

    items: tuple[Item, ...]
    told: tuple[tuple[str, int, str], ...]
    unfit: tuple[tuple[str, str], ...]


def whole_months(conn: Connection, standings: Sequence[Standing], exporter: Statistics, terms: Terms) -> Month:
    """The entries of all months that have to be told, by month, client and time, of those that whoever asks may see."""
    found = {one.entry_id: one for one in standings}
    telling_of = [record for record in records.records(conn, terms.forms, list(found)) if record.form in terms.mappings]
    known = [(_standing(record, found[record.entry_id]), found[record.entry_id]) for record in telling_of]
    unfit = tuple((record.entry_id, reason) for record, one in known if not one.voided and (reason := exporter.unfit(record, terms)))
    stopped = {entry_id for entry_id, _ in unfit}
    month_of = {record.entry_id: exporter.month(record, terms) for record, _ in known}
    telling = [
        (record, one) for record, one in known if record.entry_id not in stopped and (one.told or not one.voided) and month_of[record.entry_id]
    ]
    due = {month for record, one in telling if one.fresh for month in (month_of[record.entry_id], one.told.month if one.told else "")}
    chosen = [(record, one) for record, one in telling if month_of[record.entry_id] in due and (one.fresh or not one.voided)]
    chosen.sort(key=lambda pair: (month_of[pair[0].entry_id], *_order(pair[0])))
    items = tuple(_item(number, record, one) for number, (record, one) in enumerate(chosen, 1))
    return Month(items, tuple((one.entry_id, one.revision, month_of[one.entry_id]) for _, one in chosen), unfit)


def keep_months(conn: Connection, by: str, run: Run, month: Month) -> None:
    """Write down the run and what it told of. The entries stay as they are."""
    exports.add_run(conn, run, [])
    statistics.add_statistics(conn, run.id, month.told)
    of = exports.unit_of(conn, run.id)
    events.record(conn, by, "export", run.id, unit=of, target=run.target, entries=run.entries, sha256=run.sha256)


def amended(items: Sequence[Item]) -> int:
    """How many of these have been told otherwise before."""
    return sum(item.amends is not None for item in items)


def _standing(record: Record, one: Standing) -> Record:
    """What was told and then put aside, as a duplicate for instance, is void for the statistics."""
    return replace(record, voided=record.voided or PUT_ASIDE) if one.voided else record


def _item(number: int, record: Record, one: Standing) -> Item:
    """`revision` counts the versions that files have told of this one as changed; it stays while nothing changes."""
    if one.told is None:
        return Item(number, replace(record, revision=1))
    if one.fresh:
        return Item(number, replace(record, revision=one.told.times + 1), one.told.earlier)
    return Item(number, replace(record, revision=one.told.times))


def _order(record: Record) -> tuple[str, str, datetime, str]:
    time = record.event_at or datetime.max
    return record.client.name.casefold(), record.client.pid, time, record.entry_id
