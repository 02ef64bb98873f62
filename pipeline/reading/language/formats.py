"""The shapes that a handwritten line with a format may have: dates, times, doses, blood pressures,
amounts, numbers, telephone numbers.

Dates, times, numbers and personal numbers are read to the values that digit boxes give
(`2026-11-24`, `08:30`, `37.5`); the rest stays as written. A shape is a regular expression made
of a few parts and followed sign by sign by its derivatives (J. Brzozowski, JACM 11, 1964): what
is left to match after a sign, or nothing when no text of the shape begins so. A shape weighs
nothing: it only says what is possible.

What a handwritten line with a format stands for: the same values that digit boxes give.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from pipeline.domain import dates
from pipeline.domain.form.field import Format

UNITS = (
    "mg g mcg ug µg mikrogram ml dl l E IE enheter mmol tabl tabl. tablett tabletter st "
    "kaps kapsel kapslar droppar dr puff puffar inh dos doser plåster påse"
)
_DAY_FIRST_PATTERN = re.compile(r"\d{1,2}[/.]\d{1,2}[-– ]|\d[/.]|\d\d[/.]\d[/.]")
"""`24/11-26`: a slash between the first two and none after them. `3.1.22`: one figure is no year.
`16/1/22`: after a year the month has two.
"""
_AMBIGUOUS_DATE_PATTERN = re.compile(r"\d\d[/.]\d\d[/.]\d\d")
"""`16/12/21`: some people begin with the day, some with the year."""


class Pattern(ABC):
    """What is left to match."""

    @property
    @abstractmethod
    def may_end(self) -> bool:
        """Whether the empty text matches."""

    @abstractmethod
    def after(self, sign: str) -> Pattern | None:
        """What is left after a sign; None when it cannot come here."""

    def __add__(self, other: Pattern | str) -> Pattern:
        return _concatenate(self, _to_pattern(other))

    def __radd__(self, other: str) -> Pattern:
        return _concatenate(_to_pattern(other), self)

    def __or__(self, other: Pattern | str) -> Pattern:
        return _alternate(self, _to_pattern(other))

    def __ror__(self, other: str) -> Pattern:
        return _alternate(_to_pattern(other), self)


@dataclass(frozen=True, eq=False)
class End(Pattern):
    """The empty text."""

    @property
    def may_end(self) -> bool:
        """It is empty."""
        return True

    def after(self, sign: str) -> Pattern | None:
        """Nothing follows."""
        del sign
        return None


@dataclass(frozen=True, eq=False)
class OneOf(Pattern):
    """One sign of several."""

    signs: str

    @property
    def may_end(self) -> bool:
        """It is one sign."""
        return False

    def after(self, sign: str) -> Pattern | None:
        """Nothing is left after one of the signs."""
        return END if sign in self.signs else None


@dataclass(frozen=True, eq=False)
class Then(Pattern):
    """One pattern after another."""

    first: Pattern
    second: Pattern

    @cached_property
    def may_end(self) -> bool:
        """Both may be empty."""
        return self.first.may_end and self.second.may_end

    def after(self, sign: str) -> Pattern | None:
        """The sign belongs to the first, or to the second if the first may be empty."""
        left = self.first.after(sign)
        found = _concatenate(left, self.second) if left else None
        skipped = self.second.after(sign) if self.first.may_end else None
        return _alternate(found, skipped) if found and skipped else found or skipped


@dataclass(frozen=True, eq=False)
class Either(Pattern):
    """One pattern or another."""

    one: Pattern
    other: Pattern

    @cached_property
    def may_end(self) -> bool:
        """One of them may be empty."""
        return self.one.may_end or self.other.may_end

    def after(self, sign: str) -> Pattern | None:
        """What is left of either."""
        one, other = self.one.after(sign), self.other.after(sign)
        return _alternate(one, other) if one and other else one or other


END = End()


def _concatenate(first: Pattern, second: Pattern) -> Pattern:
    return second if first is END else first if second is END else Then(first, second)


def _alternate(one: Pattern, other: Pattern) -> Pattern:
    return one if one is other else Either(one, other)


def _to_pattern(part: Pattern | str) -> Pattern:
    if isinstance(part, Pattern):
        return part
    found: Pattern = END
    for sign in reversed(part):
        found = _concatenate(OneOf(sign), found)
    return found


def optional(part: Pattern | str) -> Pattern:
    """The part or nothing."""
    return _alternate(_to_pattern(part), END)


def any_word(listed: str) -> Pattern:
    """One of the words, separated by spaces in `listed`."""
    first, *others = listed.split()
    found = _to_pattern(first)
    for word in others:
        found = found | word
    return found


def repeat(part: Pattern, least: int, most: int) -> Pattern:
    """The part so many times."""
    found: Pattern = END
    for count in range(most, 0, -1):
        found = part + found if count <= least else optional(part + found)
    return found


def digit_run(least: int, most: int) -> Pattern:
    """So many digits."""
    return repeat(OneOf("0123456789"), least, most)


def number_up_to(highest: int, lowest: int = 0, *, padded: bool = False) -> Pattern:
    """A number from `lowest` to `highest`, below 100; with a leading zero, or without."""
    numbers = [f"{n:02d}" for n in range(lowest, highest + 1)]
    if not padded:
        numbers += [str(n) for n in range(lowest, min(highest, 9) + 1)]
    return any_word(" ".join(numbers))


OPTIONAL_SPACE = optional(" ")


DECIMAL_PART = optional(OneOf(",.") + digit_run(1, 2))


DAY, MONTH = number_up_to(31, 1), number_up_to(12, 1)


TWO_DIGIT_MONTH, TWO_DIGIT_DAY = number_up_to(12, 1, padded=True), number_up_to(31, 1, padded=True)


CENTURY = "19" | _to_pattern("20")


YEAR = optional(CENTURY) + digit_run(2, 2)


DATE = (
    YEAR + OneOf("-–/.") + TWO_DIGIT_MONTH + OneOf("-–/.") + TWO_DIGIT_DAY
    | YEAR + TWO_DIGIT_MONTH + TWO_DIGIT_DAY
    | DAY + OneOf("/.") + MONTH + OneOf("-–/. ") + CENTURY + digit_run(2, 2)
    | DAY + OneOf("/.") + MONTH + OneOf("-–/. ") + digit_run(2, 2)
)


MIDNIGHT = "24" + optional(OPTIONAL_SPACE + OneOf(":.,") + OPTIONAL_SPACE) + "00"


CLOCK = (
    number_up_to(23)
    + OPTIONAL_SPACE
    + OneOf(":.,")
    + OPTIONAL_SPACE
    + number_up_to(59, padded=True)
    | number_up_to(23, padded=True) + number_up_to(59, padded=True)
    | MIDNIGHT
)


TIME = optional(any_word("kl kl. Kl Kl. klockan") + OPTIONAL_SPACE) + CLOCK


FRACTION_SIGN = any_word("½ 1/2 1/4 3/4")


SMALL_AMOUNT = digit_run(1, 2) + "," + digit_run(3, 4) | "0." + digit_run(3, 4)


DOSE_AMOUNT = (
    digit_run(1, 5) + DECIMAL_PART
    | SMALL_AMOUNT
    | digit_run(1, 3) + " " + digit_run(3, 3)
    | FRACTION_SIGN
    | digit_run(1, 2) + OPTIONAL_SPACE + "½"
    | digit_run(1, 2) + " " + FRACTION_SIGN
)


SINGLE_DOSE = digit_run(1, 2) + DECIMAL_PART | optional(digit_run(1, 2)) + "½"


DOSE_SCHEDULE = repeat(SINGLE_DOSE + OneOf("+-–"), 1, 3) + SINGLE_DOSE | digit_run(
    1, 2
) + OPTIONAL_SPACE + OneOf("x*") + OPTIONAL_SPACE + digit_run(1, 2)


PER_UNIT = "/" + any_word("h tim timme min dygn dag d ml l kg")


ROUTE = any_word("vb v.b. v.b po p.o. iv i.v. im i.m. sc s.c.")
"""When needed, by mouth, into a vein or a muscle, under the skin. "sl" looks like "st" and is left
to people.
"""


QUANTITY = (
    DOSE_AMOUNT
    + optional(OPTIONAL_SPACE + OneOf("-–") + OPTIONAL_SPACE + DOSE_AMOUNT)
    + optional(OPTIONAL_SPACE + any_word(UNITS) + optional(PER_UNIT))
)


DOSE = (
    QUANTITY + optional(OPTIONAL_SPACE + OneOf("x*") + OPTIONAL_SPACE + digit_run(1, 2))
    | DOSE_SCHEDULE
) + repeat(OPTIONAL_SPACE + ROUTE, 0, 2)


BLOOD_PRESSURE = (
    optional(any_word("BT Bt bt") + optional(":") + OPTIONAL_SPACE)
    + digit_run(2, 3)
    + OPTIONAL_SPACE
    + "/"
    + OPTIONAL_SPACE
    + digit_run(2, 3)
    + optional(OPTIONAL_SPACE + any_word("mmHg mm"))
)


THOUSANDS = digit_run(1, 3) + repeat(OneOf(" .") + digit_run(3, 3), 0, 3) | digit_run(1, 7)


MONEY_AMOUNT = (
    optional(OneOf("-–"))
    + THOUSANDS
    + optional(OneOf(",.:") + (digit_run(2, 2) | OneOf("-–")))
    + optional(OPTIONAL_SPACE + any_word("kr kr. kronor SEK"))
)


NUMBER = (
    optional(OneOf("-–"))
    + (digit_run(1, 3) + repeat(" " + digit_run(3, 3), 0, 3) | digit_run(1, 7))
    + DECIMAL_PART
)


CODE = digit_run(1, 8) + repeat(optional(OneOf("-– ")) + digit_run(1, 8), 0, 5)


PHONE = optional("+") + digit_run(2, 4) + repeat(optional(OneOf("-– ")) + digit_run(1, 4), 2, 5)


PERSONAL_NUMBER = (
    optional(CENTURY)
    + digit_run(6, 6)
    + OPTIONAL_SPACE
    + optional(OneOf("-–+"))
    + OPTIONAL_SPACE
    + digit_run(4, 4)
)


FORMAT_PATTERNS: dict[Format, Pattern] = {
    Format.DATE: DATE,
    Format.TIME: TIME,
    Format.DOSE: DOSE,
    Format.BLOOD_PRESSURE: BLOOD_PRESSURE,
    Format.AMOUNT: MONEY_AMOUNT,
    Format.NUMBER: NUMBER,
    Format.CODE: CODE,
    Format.PHONE: PHONE,
    Format.PERSONAL_NUMBER: PERSONAL_NUMBER,
}


@dataclass(frozen=True, slots=True)
class FormatGuide:
    """Guides the search of texts to those of a pattern; spaces around are allowed."""

    pattern: Pattern

    def start(self) -> Pattern:
        """All of the pattern is left."""
        return self.pattern

    def extended(self, state: Pattern, sign: str) -> Pattern | None:
        """What is left after a sign."""
        return _consume(state, sign)

    def value(self, state: Pattern) -> float:
        """No text of the pattern is likelier than another."""
        del state
        return 0.0

    def closed(self, state: Pattern) -> float:
        """Nothing may be left."""
        return 0.0 if state.may_end else -math.inf

    def fits(self, text: str) -> bool:
        """Whether a whole text is of the pattern."""
        state: Pattern | None = self.pattern
        for sign in text:
            state = state.after(sign) if state else None
        return state is not None and state.may_end


@lru_cache(maxsize=20_000)
def _consume(pattern: Pattern, sign: str) -> Pattern | None:
    return pattern.after(sign)


def format_guide(form: Format) -> FormatGuide:
    """The shape of a format."""
    return FormatGuide(FORMAT_PATTERNS[form])


def parse_values(form: Format, text: str) -> tuple[str, ...]:
    """`24/11 2026` and `24/11-26` → `2026-11-24`, `kl 8.30` → `08:30`, `37,5` → `37.5`,
    `121212-1212` → `1212121212`; other formats stay as written.

    `text` has the shape of the format. None where it stands for no value nevertheless, such as
    the 31st of June; several where it may be either.
    """
    return _VALUE_PARSERS.get(form, _keep_text)(text)


def _keep_text(text: str) -> tuple[str, ...]:
    return (text,)


def _parse_dates(text: str) -> tuple[str, ...]:
    parts = re.findall(r"\d+", text)
    if len(parts) == 1:
        orders = [[parts[0][:-4], parts[0][-4:-2], parts[0][-2:]]]
    elif len(parts[2]) == len("2026") or _DAY_FIRST_PATTERN.match(text):
        orders = [parts[::-1]]
    else:
        orders = [parts[::-1], parts] if _AMBIGUOUS_DATE_PATTERN.fullmatch(text) else [parts]
    days = (
        _to_iso_day(meant, month, day)
        for year, month, day in (map(int, order) for order in orders)
        for meant in _candidate_years(year)
    )
    return tuple(dict.fromkeys(day for day in days if day))


def _candidate_years(written: int) -> tuple[int, ...]:
    return (written,) if written > 99 else dates.candidate_years(written)


def _to_iso_day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:  # no such day
        return None


def _parse_times(text: str) -> tuple[str, ...]:
    digits = "".join(re.findall(r"\d", text))
    return (f"{int(digits[:-2]):02d}:{digits[-2:]}",)


def _parse_numbers(text: str) -> tuple[str, ...]:
    return (text.replace("–", "-").replace(" ", "").replace(",", "."),)


def _bare_digits(text: str) -> tuple[str, ...]:
    return ("".join(re.findall(r"\d", text)),)


def _parse_personal_numbers(text: str) -> tuple[str, ...]:
    """The plus sign of those who are a hundred or older tells the century."""
    (bare,) = _bare_digits(text)
    return (f"19{bare}" if "+" in text and len(bare) == len("1212121212") else bare,)


_VALUE_PARSERS: dict[Format, Callable[[str], tuple[str, ...]]] = {
    Format.DATE: _parse_dates,
    Format.TIME: _parse_times,
    Format.NUMBER: _parse_numbers,
    Format.PERSONAL_NUMBER: _parse_personal_numbers,
    Format.CODE: _bare_digits,
}
