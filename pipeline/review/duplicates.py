"""Duplicates (dubbletter): entries that are in the care system already, or twice in the store.

They are compared side by side and marked with reviewer and time; they are never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rapidfuzz import fuzz
from sqlalchemy import Connection

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import Answer
from pipeline.review.rejections import reject_entry, reopen_rejected
from pipeline.store.accounts import visibility
from pipeline.store.database.image_files import Images
from pipeline.store.entries.entry import Entry, load_entry, stale_decision_error
from pipeline.store.event_log.events import record
from pipeline.store.review.duplicate_entries import (
    DUPLICATE_REASON,
    add_mark,
    end_marks,
    find_mark_row,
    lock_entries,
)

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
        NotAllowedError, StaleDecisionError: as `rejections.reject_entry`.
        ReviewError: it was compared with nothing, or with itself; or as `rejections.reject_entry`.
    """
    _require_comparison(conn, person, entry_id, comparison)
    before = _values_before_mark(previous or load_entry(conn, entry_id))
    reject_entry(conn, person, entry_id, revision, DUPLICATE_REASON, now, signed=signed)
    picture = images.put(comparison.picture) if comparison.picture else None
    # An earlier mark that is still active no longer says what the entry was: it has been decided
    # again since.
    end_marks(conn, person.login, now, entry_id=entry_id)
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
    mark = add_mark(conn, row)
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
        raise ReviewError("duplicate_without_original")
    if comparison.other_entry is not None:
        lock_entries(conn, entry_id, comparison.other_entry)
        other = load_entry(conn, comparison.other_entry)
        visibility.require_visible_entry(conn, person, Action.REVIEW, other)
        if other.state is EntryState.REJECTED or other.voided is not None:
            raise ReviewError("other_entry_skipped")
    if comparison.picture is not None and not comparison.picture.startswith(_IMAGE_SIGNATURES):
        raise ReviewError("not_an_image")


def withdraw_duplicate_mark(conn: Connection, person: Person, mark_id: int, now: datetime) -> None:
    """Take a mark back: the entry is again what it was.

    The mark stays in the table, with person and time of taking it back.

    Raises:
        NotAllowedError: another unit or role.
        StaleDecisionError: the entry has changed since.
        ReviewError: there is no such mark.
    """
    row = find_mark_row(conn, mark_id)
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
    end_marks(conn, person.login, now, mark_id=mark_id)
    record(conn, person.login, "no_duplicate", entry.id, unit=entry.unit)


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
