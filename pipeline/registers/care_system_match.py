"""What speaks for an entry of ours and a row of the care system being the same: somebody has keyed
it in already.

Rather a pair too many than one too few: a pair that is none costs a look, an entry keyed in
twice stands in somebody's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rapidfuzz import fuzz, utils

MIN_TEXT_SIMILARITY = 65
"""Per cent of likeness from which two texts count as alike: different notes of the sample stack
reach 58, shortened ones 93 and more (`tests/unit/registers/test_care_system_match.py`).
"""
_MIN_KIND_SIMILARITY = 80
_UNKNOWN_SIMILARITY = 50.0


@dataclass(frozen=True, slots=True)
class MatchFacts:
    """What is compared of either side. `day` is YYYY-MM-DD and `clock` HH:MM, empty where it is not
    known; `kinds` are words for what it is.
    """

    day: str
    clock: str
    kinds: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class MatchSimilarity:
    """What speaks for two of the same person being one. `minutes` is None where a time of day is
    missing, `text` per cent or None, `kind` None where the other side's word says nothing.
    `rank`: the more, the likelier.
    """

    minutes: int | None
    text: int | None
    kind: bool | None
    rank: float


def compare_facts(
    ours: MatchFacts, theirs: MatchFacts, minutes: int, other_kinds: Sequence[str] = ()
) -> MatchSimilarity | None:
    """How alike an entry and a row about the same person are; None if nothing speaks for their
    being the same.

    Both lie within `minutes` of each other, or on the same day where one has no time of day, or
    on the same day with texts that are alike. What is called by a name of another kind of record
    is only the same if the texts are alike.

    Args:
        other_kinds: what other kinds of records are called here.
    """
    text, kind = (
        _text_similarity(ours.text, theirs.text),
        _is_same_kind(ours.kinds, theirs.kinds, other_kinds),
    )
    apart, alike = _minutes_apart(ours, theirs), text is not None and text >= MIN_TEXT_SIMILARITY
    same_day = not ours.day or bool(_candidate_days(ours) & _candidate_days(theirs))
    near = apart <= minutes if apart is not None else same_day
    if not (alike and same_day) and (not near or not ours.day or kind is False):
        return None
    close = _UNKNOWN_SIMILARITY if apart is None else 100 * max(0.0, 1 - apart / max(minutes, 1))
    rank = (
        close
        + (_UNKNOWN_SIMILARITY if text is None else text)
        + {True: 20, None: 0, False: -20}[kind]
    )
    return MatchSimilarity(apart, text, kind, round(rank, 1))


def _candidate_days(said: MatchFacts) -> set[date]:
    """Its day; midnight is also of the day that it ends, which is where paper and many systems put
    it (24.00).
    """
    day = date.fromisoformat(said.day)
    return {day, day - timedelta(days=1)} if said.clock == "00:00" and day > date.min else {day}


def _minutes_apart(ours: MatchFacts, theirs: MatchFacts) -> int | None:
    if not (ours.day and ours.clock and theirs.clock):
        return None
    apart = _to_moment(ours) - _to_moment(theirs)
    return int(abs(apart.total_seconds()) // 60)


def _to_moment(said: MatchFacts) -> datetime:
    hour, minute = map(int, said.clock.split(":"))
    return datetime.combine(date.fromisoformat(said.day), datetime.min.time()).replace(
        hour=hour, minute=minute
    )


def _text_similarity(ours: str, theirs: str) -> int | None:
    if not ours.strip() or not theirs.strip():
        return None
    return round(fuzz.token_set_ratio(ours, theirs, processor=utils.default_process))


def _is_same_kind(ours: Sequence[str], theirs: Sequence[str], others: Sequence[str]) -> bool | None:
    own, other = _best_similarity(theirs, ours), _best_similarity(theirs, others)
    if own >= _MIN_KIND_SIMILARITY and own >= other:
        return True
    return False if other >= _MIN_KIND_SIMILARITY else None


def _best_similarity(words: Sequence[str], known: Sequence[str]) -> float:
    return max(
        (
            fuzz.token_set_ratio(a, b, processor=utils.default_process)
            for a in words
            if a
            for b in known
        ),
        default=0.0,
    )
