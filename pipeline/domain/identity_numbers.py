"""Identity numbers: personnummer, samordningsnummer, nationellt reservnummer and local numbers.

Sources: folkbokföringslagen (1991:481) 18 § for the personal number, lag (2022:1697) for the
coordination number (day + 60), the national format of reserve numbers (OID 1.2.752.74.9.1).
Skatteverket's official test numbers show that a coordination number may have month 00, day 60
(unknown) and a day that its month lacks. A right check digit guards against misreading; it never
proves identity.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.domain import dates

_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]")
_PERSONAL_12 = re.compile(r"(\d{8})\+?(\d{4})", re.ASCII)
_PERSONAL_10 = re.compile(r"(\d{6})(\+?)(\d{4})", re.ASCII)
_RESERVE_LETTERS = "A-HJ-NPR-UX-Z"
_RESERVE_PATTERN = re.compile(
    rf"(\d\d)(\d\d)(\d\d)(\d\d)[{_RESERVE_LETTERS}]{{2}}[\d{_RESERVE_LETTERS}]\d", re.ASCII
)
_LOCAL_PATTERN = re.compile(r"(?=.*\d)(?=.*[A-ZÅÄÖ/])[0-9A-ZÅÄÖ/]+", re.ASCII)
MAX_LOCAL_PID_LENGTH = 20
"""Characters of a local number that the register can hold."""
_CENTURIES = (18, 19, 20, 21)
_MAX_AGE_YEARS = 125
"""A century by which a person would be older is left out."""
TEMPORARY_PREFIX = "TILLF"
"""Prefix of a temporary identity (tillfällig identitet), which only Efterskrift knows."""
_TEMPORARY_ALPHABET = "ACDEFHJKLMNPRTUVXY346789"
"""Letters and digits that do not look alike."""
_BIRTH_DATED_PID = re.compile(r"(18|19|20|21)\d{10}|\d{10}", re.ASCII)
CENTURY_PREFIXES = ("18", "19", "20", "21")
"""Prefixes that no national reserve number has."""
PID_LENGTH = 12
"""Characters of a number of a national series."""
CLIENT_CODE_LENGTH = 4
"""Digits of a client code (klientkod): three, and a check digit."""
CLIENT_CODE_COUNT = 10 ** (CLIENT_CODE_LENGTH - 1)
"""Client codes that a unit has at most."""
_HSA_ID_PATTERN = re.compile(r"[A-Z]{2}(16)?\d{10}-[A-Z0-9]{1,18}", re.ASCII)
_ROLE_CODE_PATTERN = re.compile(r"\d{6}", re.ASCII)
MAX_HSA_ID_LENGTH = 31
"""Characters of an HSA-id (of care staff, units and systems) at most."""


class PidKind(StrEnum):
    """The series of an identity number."""

    PERSONAL = "personnummer"
    COORDINATION = "samordningsnummer"
    RESERVE = "nationellt reservnummer"
    LOCAL = "lokalt reservnummer, ej kontrollerat"


PID_OIDS = {
    PidKind.PERSONAL: "1.2.752.129.2.1.3.1",
    PidKind.COORDINATION: "1.2.752.129.2.1.3.3",
    PidKind.RESERVE: "1.2.752.74.9.1",
}
"""Object identifiers that Swedish care exchanges use for the national series."""


@dataclass(frozen=True, slots=True)
class Pid:
    """An identity number in its normal form.

    `value12` has twelve characters, or is empty when the century is unknown; then `candidates`
    holds each possible number, the youngest person first. For a local number it is the text
    without blanks and hyphens. `valid` means that date and check digit are right, not that the
    person exists.
    """

    value12: str
    kind: PidKind
    valid: bool
    candidates: tuple[str, ...] = ()


def normalize_pid(text: str, today: date | None = None) -> Pid:
    """Parse an identity number with or without century, hyphen, blanks or plus sign.

    The plus sign is for people of 100 or older. A hyphen does not tell the century: on paper the
    plus sign is often forgotten, so ten digits without it fit two persons a hundred years apart.
    """
    plain = _SEPARATORS.sub("", text).upper()
    day = today or dates.today_in_sweden()
    # Twelve digits, ten digits, a national reserve number; all else is local.
    if match := _PERSONAL_12.fullmatch(plain):
        return _parse_birth_number(match[1] + match[2], day)
    if match := _PERSONAL_10.fullmatch(plain):
        return _expand_century(match[1] + match[3], day, aged=bool(match[2]))
    if match := _RESERVE_PATTERN.fullmatch(plain):
        return Pid(plain, PidKind.RESERVE, _is_reserve(plain, match))
    return Pid(plain, PidKind.LOCAL, valid=False)


def is_local_pid(value12: str) -> bool:
    """Whether a number can be a municipality's reserve number or one of the Migration Agency (LMA).

    The first has letters, the second a slash. Digits alone are an incomplete or too long number;
    1,93001E+11 is what a spreadsheet makes of twelve digits.
    """
    return _LOCAL_PATTERN.fullmatch(value12) is not None


def format_pid(value12: str) -> str:
    """Format a number for people: ÅÅÅÅMMDD-NNNN; a local number as it is."""
    return f"{value12[:8]}-{value12[8:]}" if len(value12) == PID_LENGTH else value12


def new_temporary_pid() -> str:
    """Make a temporary identity of 12 characters, without letters and digits that look alike."""
    length = PID_LENGTH - len(TEMPORARY_PREFIX)
    return TEMPORARY_PREFIX + "".join(secrets.choice(_TEMPORARY_ALPHABET) for _ in range(length))


def is_temporary_pid(number: str) -> bool:
    """Whether a number is a temporary identity."""
    return number.startswith(TEMPORARY_PREFIX)


def make_client_code(number: int) -> str:
    """Make the client code of a number below `CLIENT_CODE_COUNT`: its digits and a check digit."""
    digits = f"{number:0{CLIENT_CODE_LENGTH - 1}}"
    return f"{digits}{_luhn_check_digit(_character_values(digits))}"


def is_client_code(text: str) -> bool:
    """Whether a text is a client code: four digits with the right check digit."""
    return (
        re.fullmatch(rf"\d{{{CLIENT_CODE_LENGTH}}}", text, re.ASCII) is not None
        and make_client_code(int(text[:-1])) == text
    )


def age_on(value12: str, day: date) -> int | None:
    """Return the age in whole years on a day, None where the number contains no date.

    The date in the number is sometimes a day close to that of the birth.
    """
    if not re.fullmatch(r"\d{12}", value12):
        return None
    born = _find_birth_date(value12, _classify_day(value12[6:8]))
    if born is None or born > day:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _parse_birth_number(digits: str, today: date) -> Pid:
    kind = _classify_day(digits[6:8])
    born = _find_birth_date(digits, kind)
    # The check digit covers the ten digits without the century.
    is_plausible = born is not None and born <= today and digits[8:11] != "000"
    is_valid = is_plausible and _luhn_check_digit(_character_values(digits[2:11])) == int(
        digits[11]
    )
    return Pid(digits, kind, is_valid)


def _expand_century(ten_digits: str, today: date, *, aged: bool) -> Pid:
    # Every century in which a person of this number can be alive, the latest first.
    min_age = 100 if aged else 0
    numbers = [
        f"{century}{ten_digits}"
        for century in reversed(_CENTURIES)
        if min_age <= today.year - int(f"{century}{ten_digits[:2]}") <= _MAX_AGE_YEARS
    ]
    # Of those the numbers with a right date and check digit.
    candidates = tuple(number for number in numbers if _parse_birth_number(number, today).valid)
    value = candidates[0] if len(candidates) == 1 else ""
    return Pid(value, _classify_day(ten_digits[4:6]), bool(candidates), candidates)


def _classify_day(day: str) -> PidKind:
    return PidKind.COORDINATION if int(day) >= 60 else PidKind.PERSONAL


def _find_birth_date(digits: str, kind: PidKind) -> date | None:
    """Return the birth date in a number, None if there is no such day.

    In a coordination number it is not exact (see the module).
    """
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    if kind is PidKind.COORDINATION:
        month, day = month or 1, min(max(day - 60, 1), 28) if day <= 91 else 99
    return dates.calendar_day(year, month, day)


def _is_reserve(text: str, match: re.Match[str]) -> bool:
    century, _, month, day = (int(match[i]) for i in range(1, 5))
    if century == 0:
        # Without a birth date: month and day have values that no date has.
        is_dated = 20 <= month <= 99 and 40 <= day <= 59
    else:
        # The coded century is the real one plus a multiple of three.
        real = next((c for c in (19, 20, 21) if (century - c) % 3 == 0), 0)
        is_dated = (
            century > 21 and _find_birth_date(f"{real:02}{text[2:8]}", PidKind.PERSONAL) is not None
        )
    return is_dated and _luhn_check_digit(_character_values(text[:-1])) == int(text[-1])


def _character_values(text: str) -> list[int]:
    """Return digits as themselves and letters as their ASCII value, as in reserve numbers."""
    return [int(c) if c.isdigit() else ord(c) for c in text]


def _luhn_check_digit(values: Iterable[int]) -> int:
    """Compute the Luhn check digit.

    Every other value is doubled, from the last one on; the digit sums are added up, and the check
    digit is what is missing to the next ten.
    """
    doubled = (
        value * (2 if place % 2 == 0 else 1) for place, value in enumerate(reversed(list(values)))
    )
    return -sum(int(digit) for value in doubled for digit in str(value)) % 10


def pid_kind(pid: str) -> PidKind | None:
    """Return the series of a number, under which a receiving system files it.

    None for an empty text, and for a number that looks national but is wrong or lacks its century,
    so that its series is unknown. Regions give reserve numbers of twelve characters too, which
    contain no date; these are local.
    """
    number = normalize_pid(pid)
    if number.valid:
        return number.kind if number.value12 == pid else None
    is_like_national = (
        not pid.startswith(CENTURY_PREFIXES)
        if number.kind is PidKind.RESERVE
        else bool(_BIRTH_DATED_PID.fullmatch(pid))
    )
    return None if not pid or is_like_national else PidKind.LOCAL


def pid_oid(pid: str, local: str = "") -> str:
    """Return the OID of the number's series; empty for no number or a wrong one.

    `local` (which may be empty) is the OID of local numbers.
    """
    series = pid_kind(pid)
    return PID_OIDS.get(series, local) if series else ""


def birth_date(pid: str) -> date | None:
    """Return the birth date in a personal or coordination number, None where there is none.

    It is from 1900 on, as the contracts of exchange formats demand.
    """
    kind = normalize_pid(pid).kind
    if kind not in (PidKind.PERSONAL, PidKind.COORDINATION) or not re.fullmatch(
        r"(19|20)\d{10}", pid, re.ASCII
    ):
        return None
    day = int(pid[6:8]) - (60 if kind is PidKind.COORDINATION else 0)
    return dates.calendar_day(int(pid[:4]), int(pid[4:6]), day)


def is_hsa_id(text: str) -> bool:
    """Return whether a text has the form of an HSA-id.

    That is the country, the organisation number with or without its 16, and a part of the
    organisation's own, in capitals. Whether the directory has it is not known here.
    """
    return len(text) <= MAX_HSA_ID_LENGTH and bool(_HSA_ID_PATTERN.fullmatch(text))


def is_role_code(text: str) -> bool:
    """Return whether a text has the form of a role code of HSA (befattningskod), six digits."""
    return bool(_ROLE_CODE_PATTERN.fullmatch(text))


def format_short_pid(pid: str, today: date) -> str:
    """Format a number as `ÅÅMMDD-NNNN`, with `+` from the year in which the person turns 100.

    Any number but a personal or coordination number is returned as it is.
    """
    if (
        normalize_pid(pid, today).kind not in (PidKind.PERSONAL, PidKind.COORDINATION)
        or len(pid) != PID_LENGTH
    ):
        return pid
    sign = "+" if today.year - int(pid[:4]) >= 100 else "-"
    return f"{pid[2:8]}{sign}{pid[8:]}"
