"""Compare an entry with a row of the care system that may be the same record, keyed in already.

Too many pairs are better than too few: a wrong pair costs a short check, an entry that is keyed in
twice is wrong in the client's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rapidfuzz import fuzz, utils

MIN_TEXT_SIMILARITY = 65
"""Similarity (%) from which two texts count as the same.

Different notes of the sample stack reach 58, shortened ones 93 and more
(`tests/unit/registers/test_care_system_match.py`).
"""
_MIN_KIND_SIMILARITY = 80
"""Similarity (%) from which two words for a kind of record mean the same kind."""
_UNKNOWN_SIMILARITY = 50.0
"""Points of a text or time that cannot be compared."""


@dataclass(frozen=True, slots=True)
class MatchFacts:
    """The facts of an entry or row that are compared.

    `day` is YYYY-MM-DD and `clock` HH:MM, empty where it is not known; `kinds` are words for the
    kind of record.
    """

    day: str
    clock: str
    kinds: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class MatchSimilarity:
    """The evidence for an entry and a row being the same record.

    Attributes:
        minutes: Time between them; None where a time of day is missing.
        text: Similarity of the texts in %; None where one is missing.
        kind: Whether they are of the same kind; None where the row's word does not tell.
        rank: The higher, the likelier a match.
    """

    minutes: int | None
    text: int | None
    kind: bool | None
    rank: float


def compare_facts(
    entry: MatchFacts, row: MatchFacts, max_minutes: int, other_kinds: Sequence[str] = ()
) -> MatchSimilarity | None:
    """Compare an entry and a row about the same person; return None if they do not match.

    They match within `max_minutes`, or on the same day where one has no time of day, or on the
    same day with similar texts. A row that is named as another kind of record matches by similar
    texts only.

    Args:
        other_kinds: the words for other kinds of records in Efterskrift.
    """
    kind = is_same_kind(entry.kinds, row.kinds, other_kinds)
    return compare_facts_of_kind(entry, row, max_minutes, kind=kind)


def compare_facts_of_kind(
    entry: MatchFacts, row: MatchFacts, max_minutes: int, *, kind: bool | None
) -> MatchSimilarity | None:
    """As `compare_facts`, where it is known whether they are of the same kind."""
    minutes = _minutes_between(entry, row)
    text = _text_similarity(entry.text, row.text)
    # Similar texts of the same day match, whatever the time and kind.
    is_same_text = text is not None and text >= MIN_TEXT_SIMILARITY
    is_same_day = not entry.day or bool(_candidate_days(entry) & _candidate_days(row))
    is_near = minutes <= max_minutes if minutes is not None else is_same_day
    if not (is_same_text and is_same_day) and (not is_near or not entry.day or kind is False):
        return None
    # Rank by closeness in time, similarity of the texts and kind.
    closeness = (
        _UNKNOWN_SIMILARITY
        if minutes is None
        else 100 * max(0.0, 1 - minutes / max(max_minutes, 1))
    )
    rank = (
        closeness
        + (_UNKNOWN_SIMILARITY if text is None else text)
        + {True: 20, None: 0, False: -20}[kind]
    )
    return MatchSimilarity(minutes, text, kind, round(rank, 1))


def _candidate_days(facts: MatchFacts) -> set[date]:
    """Return its day, and for midnight also the day before, to which 24:00 on paper belongs."""
    day = date.fromisoformat(facts.day)
    return {day, day - timedelta(days=1)} if facts.clock == "00:00" and day > date.min else {day}


def _minutes_between(entry: MatchFacts, row: MatchFacts) -> int | None:
    if not (entry.day and entry.clock and row.clock):
        return None
    difference = _to_moment(entry) - _to_moment(row)
    return int(abs(difference.total_seconds()) // 60)


def _to_moment(facts: MatchFacts) -> datetime:
    hour, minute = map(int, facts.clock.split(":"))
    return datetime.combine(date.fromisoformat(facts.day), datetime.min.time()).replace(
        hour=hour, minute=minute
    )


def _text_similarity(entry_text: str, row_text: str) -> int | None:
    if not entry_text.strip() or not row_text.strip():
        return None
    return round(fuzz.token_set_ratio(entry_text, row_text, processor=utils.default_process))


def is_same_kind(
    entry_kinds: Sequence[str], row_kinds: Sequence[str], other_kinds: Sequence[str]
) -> bool | None:
    """Return whether words for a kind mean the same; None where the row's words do not tell."""
    same, other = _best_similarity(row_kinds, entry_kinds), _best_similarity(row_kinds, other_kinds)
    if same >= _MIN_KIND_SIMILARITY and same >= other:
        return True
    return False if other >= _MIN_KIND_SIMILARITY else None


def _best_similarity(words: Sequence[str], known_words: Sequence[str]) -> float:
    return max(
        (
            fuzz.token_set_ratio(word, known_word, processor=utils.default_process)
            for word in words
            if word
            for known_word in known_words
        ),
        default=0.0,
    )
