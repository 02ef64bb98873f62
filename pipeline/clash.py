"""What speaks for an entry of ours and a row of the care system being the same: somebody has keyed it in already.

Rather a pair too many than one too few: a pair that is none costs a look, an entry keyed in twice stands in somebody's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rapidfuzz import fuzz, utils

TEXT_ALIKE = 65
"""Per cent of likeness from which two texts count as alike: different notes of the sample stack reach 58, shortened ones 93 and more
(`tests/unit/test_clash.py`)."""
_KIND_ALIKE = 80
_NOT_KNOWN = 50.0


@dataclass(frozen=True, slots=True)
class Said:
    """What is compared of either side. `day` is YYYY-MM-DD and `clock` HH:MM, empty where it is not known; `kinds` are words for what it is."""

    day: str
    clock: str
    kinds: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """What speaks for two of the same person being one. `minutes` is None where a time of day is missing, `text` per cent or None, `kind` None
    where the other side's word says nothing. `rank`: the more, the likelier.
    """

    minutes: int | None
    text: int | None
    kind: bool | None
    rank: float


def likeness(ours: Said, theirs: Said, minutes: int, other_kinds: Sequence[str] = ()) -> Likeness | None:
    """How alike an entry and a row about the same person are; None if nothing speaks for their being the same.

    Both lie within `minutes` of each other, or on the same day where one has no time of day, or on the same day with texts that are alike. What is
    called by a name of another kind of record is only the same if the texts are alike.

    Args:
        other_kinds: what other kinds of records are called here.
    """
    text, kind = _text(ours.text, theirs.text), _kind(ours.kinds, theirs.kinds, other_kinds)
    apart, alike = _minutes(ours, theirs), text is not None and text >= TEXT_ALIKE
    same_day = not ours.day or bool(_days(ours) & _days(theirs))
    near = apart <= minutes if apart is not None else same_day
    if not (alike and same_day) and (not near or not ours.day or kind is False):
        return None
    close = _NOT_KNOWN if apart is None else 100 * max(0.0, 1 - apart / max(minutes, 1))
    rank = close + (_NOT_KNOWN if text is None else text) + {True: 20, None: 0, False: -20}[kind]
    return Likeness(apart, text, kind, round(rank, 1))


def _days(said: Said) -> set[date]:
    """Its day; midnight is also of the day that it ends, which is where paper and many systems put it (24.00)."""
    day = date.fromisoformat(said.day)
    return {day, day - timedelta(days=1)} if said.clock == "00:00" and day > date.min else {day}


def _minutes(ours: Said, theirs: Said) -> int | None:
    if not (ours.day and ours.clock and theirs.clock):
        return None
    apart = _moment(ours) - _moment(theirs)
    return int(abs(apart.total_seconds()) // 60)


def _moment(said: Said) -> datetime:
    hour, minute = map(int, said.clock.split(":"))
    return datetime.combine(date.fromisoformat(said.day), datetime.min.time()).replace(hour=hour, minute=minute)


def _text(ours: str, theirs: str) -> int | None:
    if not ours.strip() or not theirs.strip():
        return None
    return round(fuzz.token_set_ratio(ours, theirs, processor=utils.default_process))


def _kind(ours: Sequence[str], theirs: Sequence[str], others: Sequence[str]) -> bool | None:
    own, other = _best(theirs, ours), _best(theirs, others)
    if own >= _KIND_ALIKE and own >= other:
        return True
    return False if other >= _KIND_ALIKE else None


def _best(words: Sequence[str], known: Sequence[str]) -> float:
    return max((fuzz.token_set_ratio(a, b, processor=utils.default_process) for a in words if a for b in known), default=0.0)
