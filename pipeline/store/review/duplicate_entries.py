"""Duplicates (dubbletter): entries that are in the care system already, or twice in the store.

They are compared side by side and marked with reviewer and time; they are never deleted.
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
from pipeline.store.database.image_files import Images
from pipeline.store.entries.entry import (
    CLIENT_KEY,
    Entry,
    load_entry,
    select_entries,
    stale_decision_error,
)
from pipeline.store.event_log.events import record
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.review.decisions import reject_entry, reopen_rejected
from pipeline.store.schema import paper
from pipeline.store.schema.exports import clash_decision
from pipeline.store.schema.review import duplicate_mark

DUPLICATE_REASON = "dubblett"
"""The reason, as stored, of an entry that is marked as a duplicate."""
_entry_table, _mark_table = paper.entry, duplicate_mark
_MAX_MARKS, _MAX_SIMILAR = 200, 12
_IMAGE_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_PLAIN_COLUMNS = ("reason", "first_by", "second_by", "signed_by", "signed_why")
_TIME_COLUMNS = ("first_at", "second_at", "signed_at")
_MIN_MATCH_SCORE = 88
"""Similarity in per cent from which a value counts as found in a copied text."""


@dataclass(frozen=True, slots=True)
class ComparisonSource:
    """What an entry was compared with.

    Another entry, a text copied from the care system, or a screenshot (PNG or JPEG) of it.
    """

    other_entry: str | None = None
    text: str = ""
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class DuplicateMark:
    """An entry that is marked as a duplicate.

    `other` is the entry that is valid, where the person can see it. `by` is a name.
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
    """Return entries that this one may repeat, those of the same client and day first.

    They are of the same client, or else of the same form and day.

    Args:
        numbers: personal numbers known of the entry's client (typed, decided).
        days: days known of the entry's event.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, entry)
    pids = sorted({*numbers, *([entry.client_pid] if entry.client_pid else [])})
    event_days = sorted({*days, *([entry.event_on] if entry.event_on else [])})
    same_client = _entry_table.c.client_pid.in_(pids)
    same_day = (_entry_table.c.form == entry.form) & _entry_table.c.event_on.in_(event_days)
    is_valid = (_entry_table.c.state != EntryState.REJECTED.value) & _entry_table.c.voided.is_(None)
    # Other valid entries that the person can see: same client, or same form and day.
    query = select(_entry_table).where(
        visibility.visible_entries_condition(conn, person, Action.REVIEW),
        _entry_table.c.id != entry.id,
        is_valid,
        or_(same_client, same_day),
    )
    similar = select_entries(
        conn,
        query.order_by(_entry_table.c.event_on.desc().nulls_last(), _entry_table.c.id).limit(
            _MAX_MARKS
        ),
    )
    # The same client weighs more than the same day.
    similar.sort(
        key=lambda other: -(2 * (other.client_pid in pids) + (other.event_on in event_days))
    )
    return similar[:_MAX_SIMILAR]


def is_value_in_text(spec: FieldSpec, answer: Answer, text: str) -> bool | None:
    """Return whether a value is found in a text copied from the care system.

    None where there is nothing to search for.
    """
    # Check boxes and single characters are found everywhere.
    if (
        not isinstance(answer.value, str)
        or spec.traits.has_check_boxes
        or len(answer.value.strip()) < 2
    ):
        return None
    value, searched = answer.value.casefold(), " ".join(text.casefold().split())
    # A personal number, with or without century and separators.
    if spec.means is Meaning.CLIENT_PID:
        return _strip_formatting(value)[-10:] in _strip_formatting(searched)
    # Times, dates and numbers in the other usual ways of writing.
    if spec.format is not None:
        return (
            value in searched
            or value.replace(":", ".") in searched
            or value.replace("-", "") in searched
            or value.replace(".", ",") in searched
        )
    return bool(fuzz.partial_ratio(" ".join(value.split()), searched) >= _MIN_MATCH_SCORE)


def _strip_formatting(text: str) -> str:
    """Return the letters and digits only."""
    return "".join(c for c in text if c.isalnum())


def mark_duplicate(
    conn: Connection,
    images: Images,
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
    """Reject an entry as a duplicate of what it was compared with; return the mark's id.

    Args:
        signed: also mark a signed entry; it loses its signature, and gets it back if the mark is
            taken back.
        previous: what the entry becomes again if the mark is taken back; without it, what it is
            now.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.reject_entry`.
        ReviewError: it was compared with nothing, or with itself; or as `decisions.reject_entry`.
    """
    _require_comparison(conn, person, entry_id, comparison)
    before = _values_before_mark(previous or load_entry(conn, entry_id))
    reject_entry(conn, person, entry_id, revision, DUPLICATE_REASON, now, signed=signed)
    picture = images.put(comparison.picture) if comparison.picture else None
    # An earlier mark that is still active no longer says what the entry was: it has been decided
    # again since.
    earlier = update(_mark_table).where(
        _mark_table.c.entry == entry_id, _mark_table.c.taken_back_at.is_(None)
    )
    conn.execute(earlier.values(taken_back_by=person.login, taken_back_at=now))
    row = {
        "entry": entry_id,
        "other_entry": comparison.other_entry,
        "text": comparison.text.strip(),
        "picture_sha256": picture,
        "why": reason.strip()[:300],
        "by": person.login,
        "at": now,
        "before": before,
    }
    mark: int = conn.execute(
        insert(_mark_table).values(row).returning(_mark_table.c.id)
    ).scalar_one()
    record(conn, person.login, "mark_duplicate", entry_id, unit=load_entry(conn, entry_id).unit)
    return mark


def _require_comparison(
    conn: Connection, person: Person, entry_id: str, comparison: ComparisonSource
) -> None:
    """Require something valid that the entry can be a duplicate of.

    Raises:
        NotAllowedError: the person cannot see the other entry.
        ReviewError: nothing was compared, the entry itself or a rejected or void one, or the
            picture is none.
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


def find_active_mark(conn: Connection, entry: Entry) -> int | None:
    """Return the id of the mark for which an entry is rejected now, or None."""
    # The mark that has not been taken back; at most one.
    mine = select(_mark_table.c.id).where(
        _mark_table.c.entry == entry.id, _mark_table.c.taken_back_at.is_(None)
    )
    return conn.execute(mine).scalar_one_or_none() if entry.reason == DUPLICATE_REASON else None


def withdraw_duplicate_mark(conn: Connection, person: Person, mark_id: int, now: datetime) -> None:
    """Take a mark back: the entry is again what it was.

    The mark stays in the table, with person and time of taking it back.

    Raises:
        NotAllowedError: another unit or role.
        StaleDecisionError: the entry has changed since.
        ReviewError: there is no such mark.
    """
    row = conn.execute(
        select(_mark_table).where(
            _mark_table.c.id == mark_id, _mark_table.c.taken_back_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise ReviewError("no_such_mark")
    entry = load_entry(conn, row.entry)
    # Rejected for another reason since.
    if entry.reason != DUPLICATE_REASON:
        raise stale_decision_error()
    reopen_rejected(
        conn, person, entry.id, entry.revision, as_before=_parse_values_before_mark(row.before)
    )
    # The comparison with the care system that led to the mark is open again too.
    taken_back = {"taken_back_by": person.login, "taken_back_at": now}
    conn.execute(update(_mark_table).where(_mark_table.c.id == mark_id).values(taken_back))
    conn.execute(update(clash_decision).where(clash_decision.c.mark == mark_id).values(taken_back))
    record(conn, person.login, "no_duplicate", entry.id, unit=entry.unit)


def _lock_entries(conn: Connection, *entry_ids: str) -> None:
    """Lock entries until the transaction ends.

    Two people who mark each other's entry as a duplicate would reject both. The entries are locked
    in one order, so that no two transactions wait for each other.
    """
    conn.execute(
        select(_entry_table.c.id)
        .where(_entry_table.c.id.in_(entry_ids))
        .order_by(_entry_table.c.id)
        .with_for_update()
    )


def _values_before_mark(entry: Entry) -> dict[str, str | None]:
    """Return the columns of an entry that are stored with its mark."""
    values = {name: getattr(entry, name) for name in (*_PLAIN_COLUMNS, *_TIME_COLUMNS)}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    } | {"state": entry.state.value}


def _parse_values_before_mark(before: Mapping[str, str | None] | None) -> dict[str, Any] | None:
    """Return the stored columns of an entry; None for marks from before they were stored."""
    if before is None:
        return None
    moments = {
        name: datetime.fromisoformat(text) if (text := before[name]) else None
        for name in _TIME_COLUMNS
    }
    return {**before, **moments}


def list_duplicate_marks(conn: Connection, person: Person) -> list[DuplicateMark]:
    """Return entries of the person's units that are marked as duplicates, the latest first.

    Raises:
        NotAllowedError: the person does not follow up entries.
    """
    permissions.require_permission(person, Action.FOLLOW_UP)
    names: Mapping[str, str] = people.names_by_login(conn)
    query = select(_mark_table, CLIENT_KEY.label("who")).join(
        _entry_table, _entry_table.c.id == _mark_table.c.entry
    )
    # Active marks of entries that are still rejected for it and that the person can see.
    query = query.where(
        _mark_table.c.taken_back_at.is_(None),
        visibility.visible_entries_condition(conn, person, Action.FOLLOW_UP),
        _entry_table.c.reason == DUPLICATE_REASON,
    )
    rows = conn.execute(
        query.order_by(_mark_table.c.at.desc(), _mark_table.c.id.desc()).limit(_MAX_MARKS)
    ).all()
    # What was copied from the care system names the client.
    hidden = find_hidden_pids(conn, person, [row.who for row in rows])
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
    # The entry, if the person can see it.
    visible = select_entries(
        conn,
        select(_entry_table).where(
            _entry_table.c.id == entry_id,
            visibility.visible_entries_condition(conn, person, Action.REVIEW),
        ),
    )
    return visible[0] if visible else None
