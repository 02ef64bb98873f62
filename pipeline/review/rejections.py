"""Reject entries, also as duplicates, and give rejected ones back to review.

A rejected entry stays readable, and keeps what people have typed in it.
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
from pipeline.domain.review.rules import REJECTION_REASONS, Answer
from pipeline.review.decisions import write_decision
from pipeline.store.accounts import visibility
from pipeline.store.database.image_files import Images
from pipeline.store.entries.answers import previous_return_reason
from pipeline.store.entries.entry import (
    DECIDED_STATES,
    OPEN_STATES,
    UNDECIDED_VALUES,
    Entry,
    advance_entry,
    is_claimed_by_other,
    load_entry,
    load_entry_as_seen,
    require_not_void,
    stale_decision_error,
)
from pipeline.store.event_log.events import record
from pipeline.store.exports.run_items import latest_exports
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
class Rejection:
    """The rejection of an entry as it was seen at a revision; `signed` also of a signed one."""

    entry_id: str
    revision: int
    reason: str
    signed: bool = False


def reject_entry(conn: Connection, person: Person, rejection: Rejection, now: datetime) -> None:
    """Reject an entry with one of `rules.REJECTION_REASONS`; it stays readable and can be reopened.

    A signed entry loses its signature.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.decide_entry`.
        ReviewError: the reason is not allowed, or the entry has been exported or, unless `signed`,
            signed (then `Corrections.void`).
    """
    if rejection.reason not in REJECTION_REASONS:
        raise ReviewError("rejection_reason_unknown", review=", ".join(REJECTION_REASONS))
    seen = (rejection.entry_id, rejection.revision)
    entry = load_entry_as_seen(conn, person, seen, OPEN_STATES | DECIDED_STATES)
    if is_claimed_by_other(entry, person, now):
        raise stale_decision_error()
    require_not_exported(conn, entry, signed=rejection.signed)
    # The first decision, or one more after it.
    reviewer: dict[str, Any] = (
        {"second_by": person.login, "second_at": now}
        if entry.first_by
        else {"first_by": person.login, "first_at": now}
    )
    reviewer |= {"state": EntryState.REJECTED, "reason": rejection.reason}
    write_decision(conn, person, entry, now, {}, **reviewer)


def reopen_rejected(
    conn: Connection,
    person: Person,
    entry_id: str,
    revision: int,
    *,
    as_before: Mapping[str, Any] | None = None,
) -> None:
    """Give a rejected entry back to review, for the reason for which it had come back before.

    Args:
        as_before: columns and values from before the entry was rejected; they are restored.

    Raises:
        NotAllowedError, StaleDecisionError: as `decisions.decide_entry`.
    """
    seen = (entry_id, revision)
    entry = load_entry_as_seen(conn, person, seen, frozenset({EntryState.REJECTED}))
    require_not_void(entry)
    # Restored as it was, or undecided.
    if as_before is None:
        as_before = {**UNDECIDED_VALUES, "reason": previous_return_reason(conn, entry)}
    advance_entry(conn, entry, **as_before)
    record(conn, person.login, "reopen", entry_id, unit=entry.unit)


def require_not_exported(conn: Connection, entry: Entry, *, signed: bool = False) -> None:
    """Require that no target has the entry and, unless `signed`, that nobody has signed it.

    Raises:
        ReviewError: it is exported or signed.
    """
    if entry.state is EntryState.SIGNED and not signed:
        raise ReviewError("entry_signed")
    # An entry that its target refused is in no system.
    if latest_exports(conn, [entry.id]):
        raise ReviewError("entry_exported")


# Duplicates (dubbletter): entries that are in the care system already, or twice in the store.
#
# They are compared side by side and marked with reviewer and time; they are never deleted.


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


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The decision that an entry, as it was seen at a revision, is a duplicate.

    Attributes:
        comparison: What it was compared with.
        previous: What the entry becomes again if the mark is taken back; without it, what it is
            now. With it a signed entry is marked too: it loses its signature, and gets it back.
    """

    entry_id: str
    revision: int
    comparison: ComparisonSource
    reason: str = ""
    previous: Entry | None = None


def mark_duplicate(
    conn: Connection, images: Images, person: Person, duplicate: Duplicate, now: datetime
) -> int:
    """Reject an entry as a duplicate of what it was compared with; return the mark's id.

    Raises:
        NotAllowedError, StaleDecisionError: as `reject_entry`.
        ReviewError: it was compared with nothing, or with itself; or as `reject_entry`.
    """
    entry_id, comparison, previous = duplicate.entry_id, duplicate.comparison, duplicate.previous
    _require_comparison(conn, person, entry_id, comparison)
    before = _values_before_mark(previous or load_entry(conn, entry_id))
    is_also_signed = previous is not None
    rejection = Rejection(entry_id, duplicate.revision, DUPLICATE_REASON, is_also_signed)
    reject_entry(conn, person, rejection, now)
    picture = images.put(comparison.picture) if comparison.picture else None
    # An earlier mark that is still active no longer says what the entry was: it has been decided
    # again since.
    end_marks(conn, person.login, now, entry_id=entry_id)
    row = {
        "entry": entry_id,
        "other_entry": comparison.other_entry,
        "text": comparison.text.strip(),
        "picture_sha256": picture,
        "why": duplicate.reason.strip()[:300],
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


def _parse_values_before_mark(before: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the stored columns of an entry."""
    moments = {
        name: datetime.fromisoformat(text) if (text := before[name]) else None
        for name in _TIME_COLUMNS
    }
    return {**before, **moments}
