"""Formats that a handwritten line may have, such as dates, times and doses, and their values.

Dates, times, numbers and personal numbers are parsed to the values that digit boxes give
(`2026-11-24`, `08:30`, `37.5`); the rest is kept as written. A format is a regular expression of a
few parts, followed character by character by its derivatives (J. Brzozowski, JACM 11, 1964): what
is left to match after a character, or nothing if no text of the format begins so. A format weighs
nothing: it only says what is possible.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pipeline.domain import dates
from pipeline.domain.form.field import Format
from pipeline.domain.review.field_values import without_grouping

UNITS = (
    "mg g mcg ug µg mikrogram ml dl l E IE enheter mmol tabl tabl. tablett tabletter st "
    "kaps kapsel kapslar droppar dr puff puffar inh dos doser plåster påse"
)
"""Units of doses, separated by spaces."""
_DAY_FIRST_PATTERN = re.compile(r"\d{1,2}[/.]\d{1,2}[-– ]|\d[/.]|\d\d[/.]\d[/.]")
"""Dates that begin with the day.

`24/11-26`: a slash between the first two and none after them. `3.1.22`: one digit is no year.
`16/1/22`: after a year the month has two digits.
"""
_AMBIGUOUS_DATE_PATTERN = re.compile(r"\d\d[/.]\d\d[/.]\d\d")
"""`16/12/21`: some people begin with the day, some with the year."""

_PHONE_PLAN = re.compile(
    r"(?:\+46|0046|0)(?:7\d{8}|(?!20)[1-689]\d{6,8})|(?:\+|00)(?!46)[1-9]\d{7,14}|[1-9]\d{2,7}"
)
"""Numbers of the Swedish plan for telephony (PTS, ITU-T E.164): after the 0 that leads out of the
area nine digits where the first is a 7, as of all mobile phones, else seven to nine. Or one
abroad, of the same area, or within the house. Numbers with 020 are no person's.
"""
OUT_OF_PLAN_WEIGHT, UNLISTED_PHONE_WEIGHT = 0.02, 0.6
"""Likelihood of a telephone number that is not in the plan relative to one in it, and of what no
reader listed: a lost or doubled digit mostly leads out of the plan, a changed one seldom.
"""


class Pattern(ABC):
    """What is left to match."""

    @property
    @abstractmethod
    def may_end(self) -> bool:
        """Whether the empty text matches."""

    @abstractmethod
    def after(self, character: str) -> Pattern | None:
        """Return what is left after a character; None if it is not possible here."""

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
        """Always."""
        return True

    def after(self, character: str) -> Pattern | None:
        """Return None, since nothing may follow."""
        del character
        return None


@dataclass(frozen=True, eq=False)
class OneOf(Pattern):
    """One character of several."""

    characters: str

    @property
    def may_end(self) -> bool:
        """Never."""
        return False

    def after(self, character: str) -> Pattern | None:
        """Return the empty pattern after one of the characters."""
        return END if character in self.characters else None


@dataclass(frozen=True, eq=False)
class Then(Pattern):
    """One pattern after another."""

    first: Pattern
    second: Pattern

    @cached_property
    def may_end(self) -> bool:
        """Whether both may be empty."""
        return self.first.may_end and self.second.may_end

    def after(self, character: str) -> Pattern | None:
        """Return what is left after a character.

        It belongs to the first pattern, or to the second if the first may be empty.
        """
        remainder = self.first.after(character)
        continued = _concatenate(remainder, self.second) if remainder else None
        skipped = self.second.after(character) if self.first.may_end else None
        return _alternate(continued, skipped) if continued and skipped else continued or skipped


@dataclass(frozen=True, eq=False)
class Either(Pattern):
    """One pattern or another."""

    first: Pattern
    second: Pattern

    @cached_property
    def may_end(self) -> bool:
        """Whether one of them may be empty."""
        return self.first.may_end or self.second.may_end

    def after(self, character: str) -> Pattern | None:
        """Return what is left of either."""
        # Follow both alternatives at once.
        first, second = self.first.after(character), self.second.after(character)
        return _alternate(first, second) if first and second else first or second


END = End()


def _concatenate(first: Pattern, second: Pattern) -> Pattern:
    # The empty pattern is neutral.
    return second if first is END else first if second is END else Then(first, second)


def _alternate(first: Pattern, second: Pattern) -> Pattern:
    return first if first is second else Either(first, second)


def _to_pattern(part: Pattern | str) -> Pattern:
    if isinstance(part, Pattern):
        return part
    # Built from the end, so that each step has one character in front.
    pattern: Pattern = END
    for character in reversed(part):
        pattern = _concatenate(OneOf(character), pattern)
    return pattern


def optional(part: Pattern | str) -> Pattern:
    """Return a pattern for the part or nothing."""
    return _alternate(_to_pattern(part), END)


def any_word(words_text: str) -> Pattern:
    """Return a pattern for one of the words, separated by spaces."""
    first, *others = words_text.split()
    pattern = _to_pattern(first)
    for word in others:
        pattern = pattern | word
    return pattern


def repeat(pattern: Pattern, least: int, most: int) -> Pattern:
    """Return a pattern repeated `least` to `most` times."""
    # Built from the end: the last repetitions are optional, each within the one before.
    repeated: Pattern = END
    for count in range(most, 0, -1):
        repeated = pattern + repeated if count <= least else optional(pattern + repeated)
    return repeated


def digit_run(least: int, most: int) -> Pattern:
    """Return a pattern for `least` to `most` digits."""
    return repeat(OneOf("0123456789"), least, most)


def number_up_to(highest: int, lowest: int = 0, *, padded: bool = False) -> Pattern:
    """Return a pattern for the numbers from `lowest` to `highest`, below 100.

    Single digits may be without a leading zero, unless they have to be `padded`.
    """
    numbers = [f"{n:02d}" for n in range(lowest, highest + 1)]
    if not padded:
        numbers += [str(n) for n in range(lowest, min(highest, 9) + 1)]
    return any_word(" ".join(numbers))


# Parts that several formats share
OPTIONAL_SPACE = optional(" ")
DECIMAL_PART = optional(OneOf(",.") + digit_run(1, 2))

# Dates
DAY, MONTH = number_up_to(31, 1), number_up_to(12, 1)
TWO_DIGIT_MONTH, TWO_DIGIT_DAY = number_up_to(12, 1, padded=True), number_up_to(31, 1, padded=True)
CENTURY = "19" | _to_pattern("20")
YEAR = optional(CENTURY) + digit_run(2, 2)
DATE = (
    YEAR + OneOf("-–/.") + TWO_DIGIT_MONTH + OneOf("-–/.") + TWO_DIGIT_DAY
    | YEAR + TWO_DIGIT_MONTH + TWO_DIGIT_DAY
    | DAY + OneOf("/.") + MONTH + OneOf("-–/. ") + CENTURY + digit_run(2, 2)
    | DAY + OneOf("/.") + MONTH + OneOf("-–/. ") + digit_run(2, 2)
    | DAY + "/" + MONTH
)

# Times of day
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

# Doses
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
"""As needed, by mouth, into a vein or a muscle, under the skin.

"sl" looks like "st" and is left to the reviewer.
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

# Measurements and money
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

# Codes and numbers of people
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
    """Guides the search to the texts of a pattern."""

    pattern: Pattern

    def start(self) -> Pattern:
        """Return the whole pattern."""
        return self.pattern

    def extended(self, state: Pattern, character: str) -> Pattern | None:
        """Return what is left after a character."""
        return _consume(state, character)

    def value(self, state: Pattern) -> float:
        """Add nothing: all texts of the pattern are equally likely."""
        del state
        return 0.0

    def closed(self, state: Pattern) -> float:
        """Allow the end only if nothing is left to match."""
        return 0.0 if state.may_end else -math.inf

    def fits(self, text: str) -> bool:
        """Check whether a whole text is of the pattern."""
        state: Pattern | None = self.pattern
        for character in text:
            state = state.after(character) if state else None
        return state is not None and state.may_end


@lru_cache(maxsize=20_000)
def _consume(pattern: Pattern, character: str) -> Pattern | None:
    return pattern.after(character)


def format_guide(value_format: Format) -> FormatGuide:
    """Return the guide of a format."""
    return FormatGuide(FORMAT_PATTERNS[value_format])


def parse_values(value_format: Format, text: str) -> tuple[str, ...]:
    """Return the values that a text of a format may mean.

    `24/11 2026` and `24/11-26` → `2026-11-24`, `kl 8.30` → `08:30`, `37,5` → `37.5`,
    `121212-1212` → `1212121212`; other formats stay as written, and so does `24/11`, whose year
    only the outage tells. None if the text means no value, such as the 31st of June; several if
    it is ambiguous.
    """
    return _VALUE_PARSERS.get(value_format, _keep_text)(text)


def weigh_value(value_format: Format, text: str) -> float:
    """Return how likely a value is relative to other values of the format, whatever was seen."""
    if value_format is not Format.PHONE:
        return 1.0
    plain = without_grouping(value_format, text)
    return 1.0 if _PHONE_PLAN.fullmatch(plain) else OUT_OF_PLAN_WEIGHT


def weigh_unlisted(value_format: Format) -> float:
    """Return the same for all values that a search did not find."""
    return UNLISTED_PHONE_WEIGHT if value_format is Format.PHONE else 1.0


def is_same_value(value_format: Format, text: str, other: str) -> bool:
    """Check whether two values of a format say the same, grouped one way or another."""
    return without_grouping(value_format, text) == without_grouping(value_format, other)


def _keep_text(text: str) -> tuple[str, ...]:
    return (text,)


def _parse_dates(text: str) -> tuple[str, ...]:
    parts = re.findall(r"\d+", text)
    if len(parts) == 2:
        # A leap year, so that the 29th of February is a day.
        return (text,) if dates.calendar_day(2024, int(parts[1]), int(parts[0])) else ()
    # Find the order of year, month and day; some texts allow two.
    if len(parts) == 1:
        orders = [[parts[0][:-4], parts[0][-4:-2], parts[0][-2:]]]
    elif len(parts[2]) == len("2026") or _DAY_FIRST_PATTERN.match(text):
        orders = [parts[::-1]]
    else:
        orders = [parts[::-1], parts] if _AMBIGUOUS_DATE_PATTERN.fullmatch(text) else [parts]
    days = (
        dates.calendar_day(full_year, month, day)
        for year, month, day in (map(int, order) for order in orders)
        for full_year in ((year,) if year > 99 else dates.candidate_years(year))
    )
    return tuple(dict.fromkeys(day.isoformat() for day in days if day))


def _parse_times(text: str) -> tuple[str, ...]:
    # The last two digits are minutes.
    digits = "".join(re.findall(r"\d", text))
    return (f"{int(digits[:-2]):02d}:{digits[-2:]}",)


def _parse_numbers(text: str) -> tuple[str, ...]:
    # One minus sign, no spaces, and a decimal point.
    return (text.replace("–", "-").replace(" ", "").replace(",", "."),)


def _bare_digits(text: str) -> tuple[str, ...]:
    return ("".join(re.findall(r"\d", text)),)


def _parse_personal_numbers(text: str) -> tuple[str, ...]:
    """Return the digits; a plus sign, for the age of a hundred and more, tells the century."""
    (bare,) = _bare_digits(text)
    return (f"19{bare}" if "+" in text and len(bare) == len("1212121212") else bare,)


_VALUE_PARSERS: dict[Format, Callable[[str], tuple[str, ...]]] = {
    Format.DATE: _parse_dates,
    Format.TIME: _parse_times,
    Format.NUMBER: _parse_numbers,
    Format.PERSONAL_NUMBER: _parse_personal_numbers,
    Format.CODE: _bare_digits,
}
