"""Dubblett: an entry that is in the care system already, or twice here. Compared side by side,
marked with who and when, and never gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rapidfuzz import fuzz
from sqlalchemy import Connection, insert, or_, select, update

from pipeline.domain import permissions
from pipeline.domain.errors import ReviewError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import people, visibility
from pipeline.store.accounts.protected_identity import find_hidden_pids
from pipeline.store.database.image_files import ImageFolder
from pipeline.store.entries.entry import Entry, load_entry, select_entries, stale_decision_error
from pipeline.store.event_log.events import record
from pipeline.store.reports.progress import CLIENT_KEY
from pipeline.store.review.decisions import reject_entry, reopen_rejected
from pipeline.store.schema import paper
from pipeline.store.schema.exports import clash_decision
from pipeline.store.schema.review import duplicate_mark

DUPLICATE_REASON = "dubblett"
_entry_table, _mark_table = paper.entry, duplicate_mark
_MAX_MARKS, _MAX_SIMILAR = 200, 12
_IMAGE_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_PLAIN_COLUMNS = ("reason", "first_by", "second_by", "signed_by", "signed_why")
_TIME_COLUMNS = ("first_at", "second_at", "signed_at")
_MIN_MATCH_SCORE = 88
"""Per cent of likeness from which a value counts as found in a copied text."""


@dataclass(frozen=True, slots=True)
class ComparisonSource:
    """What an entry was compared with: another entry, a text copied from the care system, or a
    picture (PNG or JPEG) of its screen.
    """

    other_entry: str | None = None
    text: str = ""
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class DuplicateMark:
    """An entry that is marked as a duplicate; `other` is the entry that stays, where the person may
    see it. `by` is a name.
    """

    id: int
    entry: Entry
    other: Entry | None
    text: str
    picture_sha256: str | None
    reason: str
    by: str
    at: datetime


def find_similar_entries(
    conn: Connection,
    person: Person,
    entry: Entry,
    numbers: Iterable[str] = (),
    days: Iterable[str] = (),
) -> list[Entry]:
    """Entries that this one may repeat: of the same client, or else of the same form and day; those
    of the same client and day first.

    Args:
        numbers, days: what is known of the entry's client and day (typed, decided).
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, entry)
    who = sorted({*numbers, *([entry.client_pid] if entry.client_pid else [])})
    when = sorted({*days, *([entry.event_on] if entry.event_on else [])})
    same_client = _entry_table.c.client_pid.in_(who)
    same_day = (_entry_table.c.form == entry.form) & _entry_table.c.event_on.in_(when)
    stays = (_entry_table.c.state != EntryState.REJECTED.value) & _entry_table.c.voided.is_(None)
    query = select(_entry_table).where(
        visibility.visible_entries_condition(conn, person),
        _entry_table.c.id != entry.id,
        stays,
        or_(same_client, same_day),
    )
    likely = select_entries(
        conn,
        query.order_by(_entry_table.c.event_on.desc().nulls_last(), _entry_table.c.id).limit(
            _MAX_MARKS
        ),
    )
    likely.sort(key=lambda one: -(2 * (one.client_pid in who) + (one.event_on in when)))
    return likely[:_MAX_SIMILAR]


def is_value_in_text(spec: FieldSpec, answer: Answer, text: str) -> bool | None:
    """Whether a value is found in a text copied from the care system; None where there is nothing
    to look for.
    """
    if (
        not isinstance(answer.value, str)
        or spec.traits.has_check_boxes
        or len(answer.value.strip()) < 2
    ):
        return None
    value, where = answer.value.casefold(), " ".join(text.casefold().split())
    if spec.means is Meaning.CLIENT_PID:
        return _strip_formatting(value)[-10:] in _strip_formatting(where)
    if spec.format is not None:
        return (
            value in where
            or value.replace(":", ".") in where
            or value.replace("-", "") in where
            or value.replace(".", ",") in where
        )
    return bool(fuzz.partial_ratio(" ".join(value.split()), where) >= _MIN_MATCH_SCORE)


def _strip_formatting(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def mark_duplicate(
    conn: Connection,
    images: ImageFolder,
    person: Person,
    entry_id: str,
    revision: int,
    comparison: ComparisonSource,
    reason: str,
    now: datetime,
    *,
    signed: bool = False,
    previous: Entry | None = None,
) -> int:
    """Put an entry aside as a duplicate of what it was compared with; answers with the mark's id.

    Args:
        signed: one that has been signed too; it loses its signature, and has it again if the
            mark is taken back.
        was: what it becomes again if the mark is taken back; without it, what it is now.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.reject`.
        ReviewError: it was compared with nothing, or with itself; or as `decisions.reject`.
    """
    if comparison.other_entry == entry_id or not (
        comparison.other_entry or comparison.text.strip() or comparison.picture
    ):
        raise ReviewError("duplicate_compared_something")
    if comparison.other_entry is not None:
        _lock_entries(conn, entry_id, comparison.other_entry)
        other = load_entry(conn, comparison.other_entry)
        visibility.require_visible_entry(conn, person, Action.REVIEW, other)
        if other.state is EntryState.REJECTED or other.voided is not None:
            raise ReviewError("other_entry_put_aside_itself")
    if comparison.picture is not None and not comparison.picture.startswith(_IMAGE_SIGNATURES):
        raise ReviewError("no_picture")
    before = _values_before_mark(previous or load_entry(conn, entry_id))
    reject_entry(conn, person, entry_id, revision, DUPLICATE_REASON, now, signed=signed)
    kept = images.put(comparison.picture) if comparison.picture else None
    # What an earlier mark, undone since, would make of the entry again has been decided anew.
    earlier = update(_mark_table).where(
        _mark_table.c.entry == entry_id, _mark_table.c.taken_back_at.is_(None)
    )
    conn.execute(earlier.values(taken_back_by=person.login, taken_back_at=now))
    row = {
        "entry": entry_id,
        "other_entry": comparison.other_entry,
        "text": comparison.text.strip(),
        "picture_sha256": kept,
        "why": reason.strip()[:300],
    }
    mark: int = conn.execute(
        insert(_mark_table)
        .values(row | {"by": person.login, "at": now, "before": before})
        .returning(_mark_table.c.id)
    ).scalar_one()
    record(conn, person.login, "mark_duplicate", entry_id, unit=load_entry(conn, entry_id).unit)
    return mark


def find_active_mark(conn: Connection, entry: Entry) -> int | None:
    """The id of the mark for which an entry is put aside now, if it is for one."""
    mine = select(_mark_table.c.id).where(
        _mark_table.c.entry == entry.id, _mark_table.c.taken_back_at.is_(None)
    )
    return conn.execute(mine).scalar_one_or_none() if entry.reason == DUPLICATE_REASON else None


def withdraw_duplicate_mark(conn: Connection, person: Person, mark_id: int, now: datetime) -> None:
    """It was no duplicate: the entry is again what it was. The mark stays, with who took it back
    and when.

    Raises:
        NotAllowedError: another unit or role.
        StaleDecisionError: the entry has moved on.
        ReviewError: there is no such mark.
    """
    row = conn.execute(
        select(_mark_table).where(
            _mark_table.c.id == mark_id, _mark_table.c.taken_back_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise ReviewError("no_such_mark")
    found = load_entry(conn, row.entry)
    if found.reason != DUPLICATE_REASON:  # put aside for another reason since
        raise stale_decision_error()
    reopen_rejected(
        conn, person, found.id, found.revision, as_before=_parse_values_before_mark(row.before)
    )
    taken_back = {"taken_back_by": person.login, "taken_back_at": now}
    conn.execute(update(_mark_table).where(_mark_table.c.id == mark_id).values(taken_back))
    conn.execute(update(clash_decision).where(clash_decision.c.mark == mark_id).values(taken_back))
    record(conn, person.login, "no_duplicate", found.id, unit=found.unit)


def _lock_entries(conn: Connection, *entry_ids: str) -> None:
    """Let nobody change these until this is done: two people who mark each the other's would put
    both aside.

    They are held in one order, so that no two wait for each other.
    """
    conn.execute(
        select(_entry_table.c.id)
        .where(_entry_table.c.id.in_(entry_ids))
        .order_by(_entry_table.c.id)
        .with_for_update()
    )


def _values_before_mark(entry: Entry) -> dict[str, str | None]:
    """What an entry is, to be kept with its mark."""
    said = {name: getattr(entry, name) for name in (*_PLAIN_COLUMNS, *_TIME_COLUMNS)}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in said.items()
    } | {"state": entry.state.value}


def _parse_values_before_mark(before: Mapping[str, str | None] | None) -> dict[str, Any] | None:
    """What an entry was; None for marks of a time before that was kept."""
    if before is None:
        return None
    moments = {
        name: datetime.fromisoformat(text) if (text := before[name]) else None
        for name in _TIME_COLUMNS
    }
    return {**before, **moments}


def list_duplicate_marks(conn: Connection, person: Person) -> list[DuplicateMark]:
    """Entries of the person's units that are marked as duplicates, the latest first.

    Raises:
        NotAllowedError: the person follows nothing up.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    names: Mapping[str, str] = people.names_by_login(conn)
    query = select(_mark_table, CLIENT_KEY.label("who")).join(
        _entry_table, _entry_table.c.id == _mark_table.c.entry
    )
    query = query.where(
        _mark_table.c.taken_back_at.is_(None),
        visibility.visible_entries_condition(conn, person),
        _entry_table.c.reason == DUPLICATE_REASON,
    )
    rows = conn.execute(
        query.order_by(_mark_table.c.at.desc(), _mark_table.c.id.desc()).limit(_MAX_MARKS)
    ).all()
    hidden = find_hidden_pids(
        conn, person, [row.who for row in rows]
    )  # what was copied from the care system names the client
    return [
        DuplicateMark(
            row.id,
            load_entry(conn, row.entry),
            _visible_entry(conn, person, row.other_entry),
            "" if row.who in hidden else row.text,
            None if row.who in hidden else row.picture_sha256,
            row.why,
            names.get(row.by, row.by),
            row.at,
        )
        for row in rows
    ]


def _visible_entry(conn: Connection, person: Person, entry_id: str | None) -> Entry | None:
    found = select_entries(
        conn,
        select(_entry_table).where(
            _entry_table.c.id == entry_id, visibility.visible_entries_condition(conn, person)
        ),
    )
    return found[0] if found else None
