"""Runs of statistics: files that tell of whole months, beside the one export that takes an entry, and change nothing of it.

A month's file replaces the one before it, so it always holds the whole month. A month is told when one of its entries is new to it, has been
corrected, has become void or can no longer be told since the latest file; or when the latest file was of fewer units than one before. A month in
which nothing has changed is not told again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.export.exporter import Item, Statistics, Terms
from pipeline.record import Record, Run
from pipeline.store import events, exports, records, statistics
from pipeline.store.exports import Connection
from pipeline.store.statistics import Standing

PUT_ASIDE = "Posten är avvisad."
OTHER_MONTH = "Posten gäller en annan månad."


@dataclass(frozen=True, slots=True)
class Month:
    """What a run would tell now: its items, each entry's id, revision and month, and (entry id, reason) of what it cannot tell."""

    items: tuple[Item, ...]
    told: tuple[tuple[str, int, str], ...]
    unfit: tuple[tuple[str, str], ...]


def whole_months(conn: Connection, standings: Sequence[Standing], exporter: Statistics, terms: Terms) -> Month:
    """The entries of all months that have to be told, by month, client and time, of those that whoever asks may see."""
    found = {one.entry_id: one for one in standings}
    known = [record for record in records.records(conn, terms.forms, list(found)) if record.form in terms.mappings]
    unfit = {one.entry_id: why for one in known if not found[one.entry_id].voided and (why := exporter.unfit(one, terms))}
    gone = {entry_id: told.revision for entry_id in unfit if (told := found[entry_id].told)}
    standing = [_standing(record, found[record.entry_id]) for record in known if record.entry_id not in unfit]
    standing += [replace(record, voided=unfit[record.entry_id]) for record in records.records(conn, terms.forms, list(gone), gone)]
    month_of = {record.entry_id: exporter.month(record, terms) for record in standing}
    telling = [
        (record, one)
        for record, one in ((record, found[record.entry_id]) for record in standing)
        if month_of[record.entry_id] and (one.told or record.voided is None)
    ]
    due = _due(telling, month_of)
    chosen = [(record, one) for record, one in telling if month_of[record.entry_id] in due and (one.fresh or record.voided is None)]
    chosen.sort(key=lambda pair: (month_of[pair[0].entry_id], *_order(pair[0])))
    items = tuple(_item(number, record, one) for number, (record, one) in enumerate([*chosen, *_emptied(conn, terms, chosen, due, month_of)], 1))
    return Month(items, tuple((one.entry_id, one.revision, month_of[one.entry_id]) for _, one in chosen), tuple(unfit.items()))


def _due(telling: Sequence[tuple[Record, Standing]], month_of: Mapping[str, str]) -> set[str]:
    """The months with something that no file says yet, and those whose latest file lacks what an earlier one told: it was of fewer units."""
    due = {month for record, one in telling if one.fresh for month in (month_of[record.entry_id], one.told.month if one.told else "")}
    files: dict[str, set[str]] = defaultdict(set)
    for record, one in telling:
        if one.told and record.voided is None:
            files[one.told.month].add(one.told.earlier.run)
    return due | {month for month, runs in files.items() if len(runs) > 1}


def _emptied(
    conn: Connection, terms: Terms, chosen: Sequence[tuple[Record, Standing]], due: set[str], month_of: Mapping[str, str]
) -> list[tuple[Record, Standing]]:
    """What has been moved away from months that nothing is left in, as it was told there and void: else their files would not be made anew."""
    empty = due - {month_of[record.entry_id] for record, _ in chosen}
    moved = {one.entry_id: one for _, one in chosen if one.told and one.told.month in empty}
    then = records.records(conn, terms.forms, list(moved), {entry_id: one.told.revision for entry_id, one in moved.items() if one.told})
    return [(replace(record, voided=OTHER_MONTH), moved[record.entry_id]) for record in then]


def partly(conn: Connection, target: str, month: Month, standings: Sequence[Standing]) -> tuple[str, ...]:
    """That earlier files hold more of these months than this one would, in Swedish: a file replaces the one before it. Empty if they do not."""
    telling = {entry_id for entry_id, _, _ in month.told}
    left = {one.told.month for one in standings if one.told and one.entry_id in telling}
    besides = statistics.told_besides(conn, target, left | {told_in for _, _, told_in in month.told}, {one.entry_id for one in standings})
    return tuple(_more_told(told_in, count) for told_in, count in besides.items())


def _more_told(told_in: str, count: int) -> str:
    return (
        f"En tidigare fil för {told_in} har poster som den här inte tar med ({count} st): från enheter som inte är med här, under ny granskning "
        "eller kontroll, eller utan ny signatur. Ersätt den inte med den här filen utan att ha kontrollerat det."
    )


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
