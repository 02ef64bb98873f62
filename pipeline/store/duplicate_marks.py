"""Dubblett: an entry that is in the care system already, or twice here. Compared side by side, marked with who and when, and never gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rapidfuzz import fuzz
from sqlalchemy import Connection, insert, or_, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import ReviewError
from pipeline.field_spec import FieldSpec, Meaning
from pipeline.model import EntryState, Person
from pipeline.review import Answer
from pipeline.store import people, sight, tables
from pipeline.store.care_list_tables import clash_decision
from pipeline.store.decisions import reject, reopen
from pipeline.store.entries import Entry, entries, entry, stale
from pipeline.store.events import record
from pipeline.store.images import ImageFolder
from pipeline.store.progress_counts import WHO
from pipeline.store.protection import hidden_numbers
from pipeline.store.return_tables import duplicate_mark

DUPLICATE = "dubblett"
_entry, _mark = tables.entry, duplicate_mark
_MOST, _MOST_LIKE = 200, 12
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_PLAIN = ("reason", "first_by", "second_by", "signed_by", "signed_why")
_MOMENTS = ("first_at", "second_at", "signed_at")
_FOUND_FROM = 88
"""Per cent of likeness from which a value counts as found in a copied text."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What an entry was compared with: another entry, a text copied from the care system, or a picture (PNG or JPEG) of its screen."""

    other_entry: str | None = None
    text: str = ""
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class DuplicateMark:
    """An entry that is marked as a duplicate; `other` is the entry that stays, where the person may see it. `by` is a name."""

    id: int
    entry: Entry
    other: Entry | None
    text: str
    picture_sha256: str | None
    why: str
    by: str
    at: datetime


def alike(conn: Connection, person: Person, found: Entry, numbers: Iterable[str] = (), days: Iterable[str] = ()) -> list[Entry]:
    """Entries that this one may repeat: of the same client, or else of the same form and day; those of the same client and day first.

    Args:
        numbers, days: what is known of the entry's client and day (typed, decided).
    """
    sight.require_entry(conn, person, Action.REVIEW, found)
    who = sorted({*numbers, *([found.client_pid] if found.client_pid else [])})
    when = sorted({*days, *([found.event_on] if found.event_on else [])})
    same_client = _entry.c.client_pid.in_(who)
    same_day = (_entry.c.form == found.form) & _entry.c.event_on.in_(when)
    stays = (_entry.c.state != EntryState.REJECTED.value) & _entry.c.voided.is_(None)
    query = select(_entry).where(sight.visible_entries(conn, person), _entry.c.id != found.id, stays, or_(same_client, same_day))
    likely = entries(conn, query.order_by(_entry.c.event_on.desc().nulls_last(), _entry.c.id).limit(_MOST))
    likely.sort(key=lambda one: -(2 * (one.client_pid in who) + (one.event_on in when)))
    return likely[:_MOST_LIKE]


def in_text(spec: FieldSpec, answer: Answer, text: str) -> bool | None:
    """Whether a value is found in a text copied from the care system; None where there is nothing to look for."""
    if not isinstance(answer.value, str) or spec.traits.has_check_boxes or len(answer.value.strip()) < 2:
        return None
    value, where = answer.value.casefold(), " ".join(text.casefold().split())
    if spec.means is Meaning.CLIENT_PID:
        return _bare(value)[-10:] in _bare(where)
    if spec.format is not None:
        return value in where or value.replace(":", ".") in where or value.replace("-", "") in where or value.replace(".", ",") in where
    return bool(fuzz.partial_ratio(" ".join(value.split()), where) >= _FOUND_FROM)


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def mark_duplicate(
    conn: Connection,
    images: ImageFolder,
    person: Person,
    entry_id: str,
    revision: int,
    compared: Compared,
    why: str,
    now: datetime,
    *,
    signed: bool = False,
    was: Entry | None = None,
) -> int:
    """Put an entry aside as a duplicate of what it was compared with; answers with the mark's id.

    Args:
        signed: one that has been signed too; it loses its signature, and has it again if the mark is taken back.
        was: what it becomes again if the mark is taken back; without it, what it is now.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.reject`.
        ReviewError: it was compared with nothing, or with itself; or as `decisions.reject`.
    """
    if compared.other_entry == entry_id or not (compared.other_entry or compared.text.strip() or compared.picture):
        raise ReviewError("duplicate_compared_something")
    if compared.other_entry is not None:
        _hold(conn, entry_id, compared.other_entry)
        other = entry(conn, compared.other_entry)
        sight.require_entry(conn, person, Action.REVIEW, other)
        if other.state is EntryState.REJECTED or other.voided is not None:
            raise ReviewError("other_entry_put_aside_itself")
    if compared.picture is not None and not compared.picture.startswith(_PICTURES):
        raise ReviewError("no_picture")
    before = _before(was or entry(conn, entry_id))
    reject(conn, person, entry_id, revision, DUPLICATE, now, signed=signed)
    kept = images.put(compared.picture) if compared.picture else None
    # What an earlier mark, undone since, would make of the entry again has been decided anew.
    earlier = update(_mark).where(_mark.c.entry == entry_id, _mark.c.taken_back_at.is_(None))
    conn.execute(earlier.values(taken_back_by=person.login, taken_back_at=now))
    row = {"entry": entry_id, "other_entry": compared.other_entry, "text": compared.text.strip(), "picture_sha256": kept, "why": why.strip()[:300]}
    mark: int = conn.execute(insert(_mark).values(row | {"by": person.login, "at": now, "before": before}).returning(_mark.c.id)).scalar_one()
    record(conn, person.login, "mark_duplicate", entry_id, unit=entry(conn, entry_id).unit)
    return mark


def standing_mark(conn: Connection, found: Entry) -> int | None:
    """The id of the mark for which an entry is put aside now, if it is for one."""
    mine = select(_mark.c.id).where(_mark.c.entry == found.id, _mark.c.taken_back_at.is_(None))
    return conn.execute(mine).scalar_one_or_none() if found.reason == DUPLICATE else None


def take_back_duplicate(conn: Connection, person: Person, mark_id: int, now: datetime) -> None:
    """It was no duplicate: the entry is again what it was. The mark stays, with who took it back and when.

    Raises:
        NotAllowedError: another unit or role.
        StaleDecisionError: the entry has moved on.
        ReviewError: there is no such mark.
    """
    row = conn.execute(select(_mark).where(_mark.c.id == mark_id, _mark.c.taken_back_at.is_(None))).one_or_none()
    if row is None:
        raise ReviewError("no_such_mark")
    found = entry(conn, row.entry)
    if found.reason != DUPLICATE:  # put aside for another reason since
        raise stale()
    reopen(conn, person, found.id, found.revision, as_before=_restored(row.before))
    taken_back = {"taken_back_by": person.login, "taken_back_at": now}
    conn.execute(update(_mark).where(_mark.c.id == mark_id).values(taken_back))
    conn.execute(update(clash_decision).where(clash_decision.c.mark == mark_id).values(taken_back))
    record(conn, person.login, "no_duplicate", found.id, unit=found.unit)


def _hold(conn: Connection, *entry_ids: str) -> None:
    """Let nobody change these until this is done: two people who mark each the other's would put both aside.

    They are held in one order, so that no two wait for each other.
    """
    conn.execute(select(_entry.c.id).where(_entry.c.id.in_(entry_ids)).order_by(_entry.c.id).with_for_update())


def _before(found: Entry) -> dict[str, str | None]:
    """What an entry is, to be kept with its mark."""
    said = {name: getattr(found, name) for name in (*_PLAIN, *_MOMENTS)}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()} | {"state": found.state.value}


def _restored(before: Mapping[str, str | None] | None) -> dict[str, Any] | None:
    """What an entry was; None for marks of a time before that was kept."""
    if before is None:
        return None
    moments = {name: datetime.fromisoformat(text) if (text := before[name]) else None for name in _MOMENTS}
    return {**before, **moments}


def duplicates(conn: Connection, person: Person) -> list[DuplicateMark]:
    """Entries of the person's units that are marked as duplicates, the latest first.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    access.require(person, Action.FOLLOW_UP)
    names: Mapping[str, str] = people.names(conn)
    query = select(_mark, WHO.label("who")).join(_entry, _entry.c.id == _mark.c.entry)
    query = query.where(_mark.c.taken_back_at.is_(None), sight.visible_entries(conn, person), _entry.c.reason == DUPLICATE)
    rows = conn.execute(query.order_by(_mark.c.at.desc(), _mark.c.id.desc()).limit(_MOST)).all()
    hidden = hidden_numbers(conn, person, [row.who for row in rows])  # what was copied from the care system names the client
    return [
        DuplicateMark(
            row.id,
            entry(conn, row.entry),
            _seen(conn, person, row.other_entry),
            "" if row.who in hidden else row.text,
            None if row.who in hidden else row.picture_sha256,
            row.why,
            names.get(row.by, row.by),
            row.at,
        )
        for row in rows
    ]


def _seen(conn: Connection, person: Person, entry_id: str | None) -> Entry | None:
    found = entries(conn, select(_entry).where(_entry.c.id == entry_id, sight.visible_entries(conn, person)))
    return found[0] if found else None
