"""Numbers that say who somebody is: personnummer, samordningsnummer, nationellt reservnummer, and what is none of these.

Rules: folkbokföringslagen (1991:481) 18 § for the personal number, lag (2022:1697) for the coordination number (day + 60), the national format
of reserve numbers (OID 1.2.752.74.9.1). Skatteverket's official test numbers show that a coordination number may have month 00, day 60 (unknown)
and a day that its month lacks. A right check digit is a guard against misreading, never proof of identity.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline import swedish_time

_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]")
_BORN_12 = re.compile(r"(\d{8})\+?(\d{4})", re.ASCII)
_BORN_10 = re.compile(r"(\d{6})(\+?)(\d{4})", re.ASCII)
_RESERVE_LETTERS = "A-HJ-NPR-UX-Z"
_RESERVE = re.compile(rf"(\d\d)(\d\d)(\d\d)(\d\d)[{_RESERVE_LETTERS}]{{2}}[\d{_RESERVE_LETTERS}]\d", re.ASCII)
_LOCAL = re.compile(r"(?=.*\d)(?=.*[A-ZÅÄÖ/])[0-9A-ZÅÄÖ/]+", re.ASCII)
LONGEST_LOCAL = 20
"""Characters of a local number that the register can hold."""
_CENTURIES = (18, 19, 20, 21)
_OLDEST = 125
"""Years. Nobody is older, so a century that would make somebody so is left out."""


class PidKind(StrEnum):
    """What sort of number it is."""

    PERSONAL = "personnummer"
    COORDINATION = "samordningsnummer"
    RESERVE = "nationellt reservnummer"
    LOCAL = "lokalt reservnummer, ej kontrollerat"


@dataclass(frozen=True, slots=True)
class Pid:
    """An identity number in its normal form.

    `value12` is the twelve characters, or empty when the century is unknown; then `candidates` holds each possible number, the youngest person
    first. For a local number it is the text without blanks and hyphens. `valid` says that date and check digit are right,
    never that the person exists.
    """

    value12: str
    kind: PidKind
    valid: bool
    candidates: tuple[str, ...] = ()


def normal_pid(text: str, today: date | None = None) -> Pid:
    """An identity number as written: with or without century, hyphen, blanks, or the plus sign of those who are 100 or older.

    A hyphen says nothing of the century: on paper the plus sign is often forgotten, so ten digits without it fit two persons a hundred years apart.
    """
    plain = _SEPARATORS.sub("", text).upper()
    day = today or swedish_time.today()
    if match := _BORN_12.fullmatch(plain):
        return _born(match[1] + match[2], day)
    if match := _BORN_10.fullmatch(plain):
        return _without_century(match[1] + match[3], day, aged=bool(match[2]))
    if match := _RESERVE.fullmatch(plain):
        return Pid(plain, PidKind.RESERVE, _is_reserve(plain, match))
    return Pid(plain, PidKind.LOCAL, valid=False)


def is_local(value12: str) -> bool:
    """Whether a number of none of the national series can be a reserve number of a municipality, or one of the Migration Agency (LMA).

    The first has letters, the second a slash. Digits alone lack some, or have too many; 1,93001E+11 is what a spreadsheet makes of twelve.
    """
    return _LOCAL.fullmatch(value12) is not None


def shown_pid(value12: str) -> str:
    """A number as people read it: ÅÅÅÅMMDD-NNNN; a local number as it is."""
    return f"{value12[:8]}-{value12[8:]}" if len(value12) == 12 else value12


TEMPORARY = "TILLF"
"""How a temporary identity (tillfällig identitet) begins: made here and known nowhere else."""
_SERIAL = "ACDEFHJKLMNPRTUVXY346789"


def new_temporary() -> str:
    """A temporary identity of 12 characters, without letters and digits that look alike."""
    return TEMPORARY + "".join(secrets.choice(_SERIAL) for _ in range(7))


def is_temporary(number: str) -> bool:
    """Whether a number is a temporary identity."""
    return number.startswith(TEMPORARY)


def age_on(value12: str, day: date) -> int | None:
    """Whole years on a day by the date in the number, which now and then is a near-by day of the birth; None where the number tells no date."""
    if not re.fullmatch(r"\d{12}", value12):
        return None
    born = _earliest_birth(value12, _kind(value12[6:8]))
    if born is None or born > day:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _born(digits: str, today: date) -> Pid:
    kind = _kind(digits[6:8])
    born = _earliest_birth(digits, kind)
    in_order = born is not None and born <= today and digits[8:11] != "000"
    return Pid(digits, kind, in_order and _luhn(_values(digits[2:11])) == int(digits[11]))


def _without_century(ten: str, today: date, *, aged: bool) -> Pid:
    past = [f"{century}{ten}" for century in reversed(_CENTURIES) if int(f"{century}{ten[:2]}") <= today.year]
    living = [number for number in past if today.year - int(number[:4]) <= _OLDEST]
    if aged:
        living = [number for number in living if today.year - int(number[:4]) >= 100]
    candidates = tuple(number for number in living if _born(number, today).valid)
    value = candidates[0] if len(candidates) == 1 else ""
    return Pid(value, _kind(ten[4:6]), bool(candidates), candidates)


def _kind(day: str) -> PidKind:
    return PidKind.COORDINATION if int(day) >= 60 else PidKind.PERSONAL


def _earliest_birth(digits: str, kind: PidKind) -> date | None:
    """The birth date in a number, None if there is no such day. In a coordination number it is less than exact: see above."""
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    if kind is PidKind.COORDINATION:
        month, day = month or 1, min(max(day - 60, 1), 28) if day <= 91 else 99
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _is_reserve(text: str, match: re.Match[str]) -> bool:
    century, _, month, day = (int(match[i]) for i in range(1, 5))
    if century == 0:
        dated = 20 <= month <= 99 and 40 <= day <= 59
    else:
        real = next((c for c in (19, 20, 21) if (century - c) % 3 == 0), 0)
        dated = century > 21 and _earliest_birth(f"{real:02}{text[2:8]}", PidKind.PERSONAL) is not None
    return dated and _luhn(_values(text[:-1])) == int(text[-1])


def _values(text: str) -> list[int]:
    """Digits as themselves, letters as their ASCII value: the rule of the national reserve number."""
    return [int(c) if c.isdigit() else ord(c) for c in text]


def _luhn(values: Iterable[int]) -> int:
    """The check digit: every other value doubled from the last one on, digit sums added up, what is missing to the next ten."""
    doubled = (value * (2 if place % 2 == 0 else 1) for place, value in enumerate(reversed(list(values))))
    return -sum(int(digit) for value in doubled for digit in str(value)) % 10
