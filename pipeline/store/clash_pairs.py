"""Pairs of an entry that is not in the care system yet and a row of what is there about the same person; and what people decided of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, insert, not_, or_, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import ReviewError
from pipeline.model import EntryState, Person
from pipeline.store import export_tables, people, sight, tables
from pipeline.store.care_list_tables import care_list, care_row, clash_decision
from pipeline.store.care_lists import standing
from pipeline.store.entries import Entry, entry, stale
from pipeline.store.events import record
from pipeline.store.plants import has_open_plant

KEYED_IN = "skriv-in"
"""The target whose entries are still to be keyed in when they have been exported."""
_entry, _item, _receipt = tables.entry, export_tables.export_item, export_tables.receipt
_MOST_IDS, _MOST = 500, 50


@dataclass(frozen=True, slots=True)
class CareSaid:
    """What the care system says in a row. `list_id` is where it was handed in, `digest` tells the row again in another list."""

    list_id: int
    digest: str
    pid: str
    day: str
    clock: str
    kind: str
    text: str
    author: str


@dataclass(frozen=True, slots=True)
class OtherDecided:
    """A pair that somebody found to be two different things. `by` is a name."""

    id: int
    entry: Entry
    by: str
    at: datetime


def undecided_pairs(conn: Connection, now: datetime, entry_ids: Sequence[str] | None = None) -> list[tuple[Entry, CareSaid]]:
    """Entries and rows about the same person that nobody has decided on, of all entries or of these."""
    if entry_ids is None:
        return _pairs(conn, _query(now))
    parts = (entry_ids[start : start + _MOST_IDS] for start in range(0, len(entry_ids), _MOST_IDS))
    return [pair for part in parts for pair in _pairs(conn, _query(now).where(_entry.c.id.in_(part)))]


def visible_among(conn: Connection, person: Person, entry_ids: Sequence[str]) -> set[str]:
    """Those of these entries that the person may see.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    access.require(person, Action.FOLLOW_UP)
    return sight.visible_among(conn, person, entry_ids)


def add_decision(conn: Connection, person: Person, found: Entry, digest: str, now: datetime, *, mark: int | None) -> int:
    """Write down what somebody decided of a pair: the same if there is a `mark`. Answers with the decision's id."""
    stands = select(clash_decision.c.id).where(_of(found.id, digest), _decided_other())
    if conn.execute(stands).first() is not None:
        raise stale()
    given_up = update(clash_decision).where(_of(found.id, digest), clash_decision.c.taken_back_at.is_(None))
    conn.execute(given_up.values(taken_back_by=person.login, taken_back_at=now))
    row = {"entry": found.id, "digest": digest, "same": mark is not None, "mark": mark, "by": person.login, "at": now}
    made: int = conn.execute(insert(clash_decision).values(row).returning(clash_decision.c.id)).scalar_one()
    record(conn, person.login, "decide_clash", found.id, unit=found.unit, same=mark is not None)
    return made


def take_back_other(conn: Connection, person: Person, decision_id: int, now: datetime) -> None:
    """It may be the same after all: the pair is to be decided anew.

    Raises:
        NotAllowedError: another unit or role.
        ReviewError: there is no such decision.
    """
    stands = and_(clash_decision.c.id == decision_id, ~clash_decision.c.same, clash_decision.c.taken_back_at.is_(None))
    row = conn.execute(select(clash_decision).where(stands)).one_or_none()
    if row is None:
        raise ReviewError("no_such_decision")
    found = entry(conn, row.entry)
    sight.require_entry(conn, person, Action.REVIEW, found)
    conn.execute(update(clash_decision).where(clash_decision.c.id == decision_id).values(taken_back_by=person.login, taken_back_at=now))
    record(conn, person.login, "take_back_clash", found.id, unit=found.unit)


def others_decided(conn: Connection, person: Person) -> list[OtherDecided]:
    """The pairs that people of the person's units found to be two different things, the latest first.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    access.require(person, Action.FOLLOW_UP)
    names = people.names(conn)
    query = select(clash_decision).join(_entry, _entry.c.id == clash_decision.c.entry)
    query = query.where(~clash_decision.c.same, clash_decision.c.taken_back_at.is_(None), sight.visible_entries(conn, person))
    rows = conn.execute(query.order_by(clash_decision.c.at.desc(), clash_decision.c.id.desc()).limit(_MOST)).all()
    return [OtherDecided(row.id, entry(conn, row.entry), names.get(row.by, row.by), row.at) for row in rows]


def _of(entry_id: str, digest: str) -> ColumnElement[bool]:
    return and_(clash_decision.c.entry == entry_id, clash_decision.c.digest == digest)


def _decided_other() -> ColumnElement[bool]:
    """What was found to be the same is put aside; if it is on its way again, for whatever reason, the pair is to be decided anew."""
    return and_(~clash_decision.c.same, clash_decision.c.taken_back_at.is_(None))


def _pairs(conn: Connection, query: Select[Any]) -> list[tuple[Entry, CareSaid]]:
    """Each pair once, though a row may stand in several lists."""
    found: dict[tuple[str, str], tuple[Entry, CareSaid]] = {}
    for row in conn.execute(query).mappings():
        said = CareSaid(row["list"], row["digest"], row["row_pid"], row["day"], row["clock"], row["kind"], row["row_text"], row["row_author"])
        found.setdefault((row["id"], said.digest), (Entry.of(row), said))
    return list(found.values())


def _query(now: datetime) -> Select[Any]:
    row, unit = care_row.c, tables.unit.c
    area = func.coalesce(_entry.c.area, unit.area)
    pid = func.coalesce(_entry.c.client_pid, _entry.c.likely_pid)
    decided = exists().where(clash_decision.c.entry == _entry.c.id, clash_decision.c.digest == row.digest, _decided_other())
    said = (
        row.list,
        row.digest,
        row.day,
        row.clock,
        row.kind,
        row.client_pid.label("row_pid"),
        row.text.label("row_text"),
        row.author.label("row_author"),
    )
    return (
        select(_entry, *said)
        .join(tables.unit, unit.name == _entry.c.unit)
        .join(care_list, and_(care_list.c.unit == _entry.c.unit, care_list.c.area == area))
        .join(care_row, and_(row.list == care_list.c.id, row.client_pid == pid))
        .where(standing(now), _not_there_yet(), ~decided)
        .order_by(_entry.c.id, row.id)
    )


def _not_there_yet() -> ColumnElement[bool]:
    """Entries that wait for review, that are confirmed and were never exported, or that stand in a list to key in and are not ticked.

    A correction is none of them: what it corrects is in the care system because of us.
    """
    refused = exists().where(_receipt.c.entry == _item.c.entry, _receipt.c.revision == _item.c.revision, _receipt.c.accepted.is_(False))
    carried = exists().where(_item.c.entry == _entry.c.id, not_(refused))
    accepted = exists().where(_receipt.c.entry == _entry.c.id, _receipt.c.accepted)
    answered = exists().where(_receipt.c.entry == _item.c.entry, _receipt.c.revision == _item.c.revision)
    run = export_tables.export_run.c
    in_list = exists().where(_item.c.entry == _entry.c.id, run.id == _item.c.run, run.target == KEYED_IN, not_(answered))
    open_or_confirmed = (EntryState.REVIEW, EntryState.SECOND, EntryState.CONFIRMED, EntryState.SIGNED)
    return and_(
        _entry.c.voided.is_(None),
        ~has_open_plant(_entry.c.id),
        or_(
            and_(_entry.c.state.in_([state.value for state in open_or_confirmed]), not_(carried)),
            and_(_entry.c.state == EntryState.EXPORTED.value, in_list, not_(accepted)),
        ),
    )
