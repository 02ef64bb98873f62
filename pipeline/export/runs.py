"""An export is a run: confirmed entries, fixed, in one file, each entry once at each revision. Statistics tell of entries beside that: `monthly.py`.

The file is made from what the database says, then everything is checked again and written in one transaction: of two that export the same
entries at once, one wins and the other starts over with what is left. A process that is killed leaves a whole run or none.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.access import Action, require
from pipeline.errors import ExportError
from pipeline.export import STATISTICS, TARGETS
from pipeline.export.candidates import Candidate, candidates_of, goes, held_among
from pipeline.export.clashes import HELD, erase_done
from pipeline.export.exporter import Exporter, Item, Terms
from pipeline.export.late_entry import local
from pipeline.export.left_out import left_out_notices
from pipeline.export.mapping import KeyInMapping, load_mappings, require_fields
from pipeline.export.monthly import amended, keep_months, partly, whole_months
from pipeline.model import Person, StaffMember
from pipeline.record import Run
from pipeline.settings import Settings
from pipeline.store import events, exports, records
from pipeline.store.database import Store
from pipeline.store.exports import Connection
from pipeline.store.signing import waiting_signatures
from pipeline.store.staff_list import staff_list
from pipeline.store.statistics import standing
from pipeline.template import Forms

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Office:
    """Where exports are made: the store, the settings and the form definitions."""

    store: Store
    settings: Settings
    forms: Forms


@dataclass(frozen=True, slots=True)
class Unfit:
    """A confirmed entry that a target cannot carry, and why (Swedish, without any value)."""

    entry_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ready:
    """What a run to a target would hold now. `entries` includes `amendments`. `notices`: what to do before a file of
    statistics is handed in, or what a table leaves out. `fault`: what is wrong with the target's own mapping files."""

    target: str
    title: str
    entries: int
    amendments: int
    unfit: tuple[Unfit, ...]
    notices: tuple[str, ...] = ()
    fault: ExportError | None = None


def ready(office: Office, person: Person, unit: str | None = None) -> list[Ready]:
    """What waits to be exported, one line a target.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    with office.store.noting_denials():
        require(person, Action.EXPORT, unit)
    with office.store.read() as conn:
        candidates, staff = _candidates(conn, office, person, unit), staff_list(conn)
        waiting, by_hand = _held(conn, office, candidates), _by_hand(office, candidates, staff)
        lines = []
        for name, exporter in TARGETS.items():
            try:
                terms = terms_of(office, name, exporter, staff)
                if name in STATISTICS:
                    lines.append(_months(conn, office, person, name, unit, terms))
                else:
                    lines.append(_ready(name, exporter, candidates, terms, waiting, by_hand))
            except ExportError as error:
                lines.append(Ready(name, exporter.title, 0, 0, (), fault=error))
    return lines


def unsigned(office: Office, person: Person, unit: str | None = None) -> int:
    """How many confirmed entries are left out until somebody has signed them.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    require(person, Action.EXPORT, unit)
    with office.store.read() as conn:
        return waiting_signatures(conn, office.forms, person, unit)


def make_run(office: Office, person: Person, target: str, now: datetime, unit: str | None = None) -> Run | None:
    """Export all that is ready for a target, from one unit or all of the person's; None when there is nothing, and then nothing changes.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
        ExportError: there is no such target, or a mapping file is wrong.
        StoreError: the database or the disk failed; nothing has been exported.
    """
    with office.store.noting_denials():
        require(person, Action.EXPORT, unit)
    exporter = find_target(target)
    with office.store.begin() as conn:
        erase_done(conn, office.forms, office.settings.clash_minutes, now)
        terms = terms_of(office, target, exporter, staff_list(conn))
    if target in STATISTICS:
        return _make_months(office, person, target, terms, now, unit)
    for _ in range(ATTEMPTS):
        with office.store.read() as conn:
            candidates = _candidates(conn, office, person, unit)
            by_hand = _by_hand(office, candidates, staff_list(conn))
            items = _items(target, exporter, candidates, terms, _held(conn, office, candidates), by_hand)
        if not items:
            return None
        run = _name(target, exporter, person, _not_before(items, now), len(items))
        data = exporter.make(items, run, terms)
        if made := _keep(office, person, unit, items, run, data):
            return made
    raise _restless()


def find_target(target: str) -> Exporter:
    """A target by its name.

    Raises:
        ExportError: there is no such target.
    """
    try:
        return TARGETS[target]
    except KeyError as error:
        raise ExportError("no_target", target=target, targets=", ".join(TARGETS)) from error


def terms_of(office: Office, target: str, exporter: Exporter, staff: Sequence[StaffMember] = ()) -> Terms:
    mappings = load_mappings(office.settings.form_folders, target, exporter.mapping or KeyInMapping)
    require_fields(office.forms, target, mappings)
    return Terms(office.settings, office.forms, mappings, staff, office.store.images.get)


def _make_months(office: Office, person: Person, target: str, terms: Terms, now: datetime, unit: str | None) -> Run | None:
    """As `make_run`, of statistics: kept only if the months are still what the file says."""
    exporter = STATISTICS[target]
    for _ in range(ATTEMPTS):
        with office.store.read() as conn:
            month = whole_months(conn, standing(conn, office.forms, person, target, unit=unit), exporter, terms)
        if not month.items:
            return None
        run = _name(target, exporter, person, _not_before(month.items, now), len(month.items))
        data = exporter.make(month.items, run, terms)
        with office.store.begin() as conn:
            if whole_months(conn, standing(conn, office.forms, person, target, unit=unit, lock=True), exporter, terms) != month:
                continue
            kept = replace(run, sha256=office.store.images.put(data))
            keep_months(conn, person.login, kept, month)
            return kept
    raise _restless()


def _restless() -> ExportError:
    return ExportError("entries_changed_all_time_while")


def _candidates(conn: Connection, office: Office, person: Person, unit: str | None, *, lock: bool = False) -> list[Candidate]:
    return candidates_of(conn, office.forms, records.ready(conn, office.forms, person, unit=unit, lock=lock))


def _held(conn: Connection, office: Office, candidates: Sequence[Candidate]) -> frozenset[str]:
    return held_among(conn, office.forms, candidates, office.settings.clash_minutes)


def _by_hand(office: Office, candidates: Sequence[Candidate], staff: Sequence[StaffMember]) -> frozenset[str]:
    """What a care system has and, as it is corrected, no file can tell it any longer. A payment is put right at the bank.

    A correction for a target whose mapping is wrong waits until it is right.
    """
    sent = [(record, before.target) for record, before in candidates if before and before.target in TARGETS and before.target != "pain001"]
    terms = dict[str, Terms]()
    for name in {target for _, target in sent if TARGETS[target].mapping}:
        with suppress(ExportError):
            terms[name] = terms_of(office, name, TARGETS[name], staff)
    found = ((record, terms[target], TARGETS[target]) for record, target in sent if target in terms)
    return frozenset(record.entry_id for record, own, exporter in found if record.form not in own.mappings or exporter.unfit(record, own))


def _items(
    target: str, exporter: Exporter, candidates: Sequence[Candidate], terms: Terms, waiting: frozenset[str], by_hand: frozenset[str]
) -> list[Item]:
    free = [c for c in candidates if c[0].entry_id not in waiting]
    chosen = [c for c in free if goes(target, exporter, c, terms, by_hand) and not exporter.unfit(c[0], terms)]
    return [Item(number, record, before) for number, (record, before) in enumerate(chosen, 1)]


def _ready(target: str, exporter: Exporter, candidates: Sequence[Candidate], terms: Terms, waiting: frozenset[str], by_hand: frozenset[str]) -> Ready:
    going = [candidate for candidate in candidates if goes(target, exporter, candidate, terms, by_hand)]
    reasons = [(record.entry_id, HELD if record.entry_id in waiting else exporter.unfit(record, terms)) for record, _ in going]
    unfit = [Unfit(entry_id, reason) for entry_id, reason in reasons if reason]
    stopped = {each.entry_id for each in unfit}
    amendments = sum(before is not None and record.entry_id not in stopped for record, before in going)
    notices = left_out_notices(terms, {record.form for record, _ in going})
    return Ready(target, exporter.title, len(going) - len(unfit), amendments, tuple(unfit), notices)


def _months(conn: Connection, office: Office, person: Person, target: str, unit: str | None, terms: Terms) -> Ready:
    exporter, standings = STATISTICS[target], standing(conn, office.forms, person, target, unit=unit)
    month = whole_months(conn, standings, exporter, terms)
    unfit = tuple(Unfit(*each) for each in month.unfit)
    notices = tuple(filter(None, (exporter.notice(terms), *partly(conn, target, month, standings)))) if month.items else ()
    return Ready(target, exporter.title, len(month.items), amended(month.items), unfit, notices)


def _not_before(items: Sequence[Item], now: datetime) -> datetime:
    """The moment of a run: no decision that its file tells of may be later, or the file would tell of what is to come.

    Whoever starts over finds decisions of after `now`, and another machine's clock may be ahead.
    """
    stamps = (stamp for item in items for stamp in (item.record.entered, item.record.verified, item.record.signed) if stamp)
    return max((now, *(stamp.at for stamp in stamps)))


def _name(target: str, exporter: Exporter, person: Person, now: datetime, entries: int) -> Run:
    run_id = f"{local(now):%Y%m%d-%H%M%S}-{target[:10]}-{secrets.token_hex(2)}"
    return Run(run_id, target, f"efterskrift-{run_id}{exporter.suffix}", now, person.name[:80], entries)


def _keep(office: Office, person: Person, unit: str | None, items: Sequence[Item], run: Run, data: bytes) -> Run | None:
    """Write the run if every item is still what the file says; None when something has changed."""
    with office.store.begin() as conn:
        candidates = _candidates(conn, office, person, unit, lock=True)
        now_there = {record.entry_id: (record, before) for record, before in candidates}
        waiting = _held(conn, office, candidates)
        if any(item.record.entry_id in waiting or now_there.get(item.record.entry_id) != (item.record, item.amends) for item in items):
            return None
        kept = replace(run, sha256=office.store.images.put(data))
        exports.add_run(conn, kept, [(item.record.entry_id, item.record.revision) for item in items])
        records.mark_exported(conn, [item.record.entry_id for item in items])
        of = exports.unit_of(conn, kept.id)
        events.record(conn, person.login, "export", kept.id, unit=of, target=kept.target, entries=kept.entries, sha256=kept.sha256)
        for item in items:
            events.record(conn, person.login, "exported", item.record.entry_id, unit=item.record.unit, run=kept.id, revision=item.record.revision)
        return kept
