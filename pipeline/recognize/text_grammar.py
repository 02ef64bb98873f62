"""The shapes that a handwritten line with a format may have: dates, times, doses, blood pressures, amounts, numbers, telephone numbers.

Dates, times, numbers and personal numbers are read to the values that digit boxes give (`2026-11-24`, `08:30`, `37.5`); the rest stays as written.
A shape is a regular expression made of a few parts and followed sign by sign by its derivatives (J. Brzozowski, JACM 11, 1964): what is left to
match after a sign, or nothing when no text of the shape begins so. A shape weighs nothing: it only says what is possible.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pipeline.field_spec import Format


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
        return _then(self, _pattern(other))

    def __radd__(self, other: str) -> Pattern:
        return _then(_pattern(other), self)

    def __or__(self, other: Pattern | str) -> Pattern:
        return _either(self, _pattern(other))

    def __ror__(self, other: str) -> Pattern:
        return _either(_pattern(other), self)


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
        found = _then(left, self.second) if left else None
        skipped = self.second.after(sign) if self.first.may_end else None
        return _either(found, skipped) if found and skipped else found or skipped


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
        return _either(one, other) if one and other else one or other


END = End()


def _then(first: Pattern, second: Pattern) -> Pattern:
    return second if first is END else first if second is END else Then(first, second)


def _either(one: Pattern, other: Pattern) -> Pattern:
    return one if one is other else Either(one, other)


def _pattern(part: Pattern | str) -> Pattern:
    if isinstance(part, Pattern):
        return part
    found: Pattern = END
    for sign in reversed(part):
        found = _then(OneOf(sign), found)
    return found


def maybe(part: Pattern | str) -> Pattern:
    """The part or nothing."""
    return _either(_pattern(part), END)


def words(listed: str) -> Pattern:
    """One of the words, separated by spaces in `listed`."""
    first, *others = listed.split()
    found = _pattern(first)
    for word in others:
        found = found | word
    return found


def repeated(part: Pattern, least: int, most: int) -> Pattern:
    """The part so many times."""
    found: Pattern = END
    for count in range(most, 0, -1):
        found = part + found if count <= least else maybe(part + found)
    return found


def digits(least: int, most: int) -> Pattern:
    """So many digits."""
    return repeated(OneOf("0123456789"), least, most)


def below(highest: int, lowest: int = 0, *, padded: bool = False) -> Pattern:
    """A number from `lowest` to `highest`, below 100; with a leading zero, or without."""
    numbers = [f"{n:02d}" for n in range(lowest, highest + 1)]
    if not padded:
        numbers += [str(n) for n in range(lowest, min(highest, 9) + 1)]
    return words(" ".join(numbers))


GAP = maybe(" ")
FRACTION = maybe(OneOf(",.") + digits(1, 2))
DAY, MONTH = below(31, 1), below(12, 1)
TWO_MONTH, TWO_DAY = below(12, 1, padded=True), below(31, 1, padded=True)
CENTURY = "19" | _pattern("20")
YEAR = maybe(CENTURY) + digits(2, 2)
DATE = (
    YEAR + OneOf("-–/.") + TWO_MONTH + OneOf("-–/.") + TWO_DAY
    | YEAR + TWO_MONTH + TWO_DAY
    | DAY + OneOf("/.") + MONTH + OneOf("-–/. ") + CENTURY + digits(2, 2)
    | DAY + OneOf("/.") + MONTH + OneOf("-–/. ") + digits(2, 2)
)
MIDNIGHT = "24" + maybe(GAP + OneOf(":.,") + GAP) + "00"
CLOCK = below(23) + GAP + OneOf(":.,") + GAP + below(59, padded=True) | below(23, padded=True) + below(59, padded=True) | MIDNIGHT
TIME = maybe(words("kl kl. Kl Kl. klockan") + GAP) + CLOCK
PART = words("½ 1/2 1/4 3/4")
SMALL = digits(1, 2) + "," + digits(3, 4) | "0." + digits(3, 4)
AMOUNT_OF = digits(1, 5) + FRACTION | SMALL | digits(1, 3) + " " + digits(3, 3) | PART | digits(1, 2) + GAP + "½" | digits(1, 2) + " " + PART
UNITS = (
    "mg g mcg ug µg mikrogram ml dl l E IE enheter mmol tabl tabl. tablett tabletter st "
    "kaps kapsel kapslar droppar dr puff puffar inh dos doser plåster påse"
)
AT_ONCE = digits(1, 2) + FRACTION | maybe(digits(1, 2)) + "½"
SCHEME = repeated(AT_ONCE + OneOf("+-–"), 1, 3) + AT_ONCE | digits(1, 2) + GAP + OneOf("x*") + GAP + digits(1, 2)
PER = "/" + words("h tim timme min dygn dag d ml l kg")
ROUTE = words("vb v.b. v.b po p.o. iv i.v. im i.m. sc s.c.")
"""When needed, by mouth, into a vein or a muscle, under the skin. "sl" looks like "st" and is left to people."""
QUANTITY = AMOUNT_OF + maybe(GAP + OneOf("-–") + GAP + AMOUNT_OF) + maybe(GAP + words(UNITS) + maybe(PER))
DOSE = (QUANTITY + maybe(GAP + OneOf("x*") + GAP + digits(1, 2)) | SCHEME) + repeated(GAP + ROUTE, 0, 2)
PRESSURE = maybe(words("BT Bt bt") + maybe(":") + GAP) + digits(2, 3) + GAP + "/" + GAP + digits(2, 3) + maybe(GAP + words("mmHg mm"))
THOUSANDS = digits(1, 3) + repeated(OneOf(" .") + digits(3, 3), 0, 3) | digits(1, 7)
MONEY = maybe(OneOf("-–")) + THOUSANDS + maybe(OneOf(",.:") + (digits(2, 2) | OneOf("-–"))) + maybe(GAP + words("kr kr. kronor SEK"))
NUMBER = maybe(OneOf("-–")) + (digits(1, 3) + repeated(" " + digits(3, 3), 0, 3) | digits(1, 7)) + FRACTION
CODE = digits(1, 8) + repeated(maybe(OneOf("-– ")) + digits(1, 8), 0, 5)
PHONE = maybe("+") + digits(2, 4) + repeated(maybe(OneOf("-– ")) + digits(1, 4), 2, 5)
PERSON = maybe(CENTURY) + digits(6, 6) + GAP + maybe(OneOf("-–+")) + GAP + digits(4, 4)

PATTERNS: dict[Format, Pattern] = {
    Format.DATE: DATE,
    Format.TIME: TIME,
    Format.DOSE: DOSE,
    Format.BLOOD_PRESSURE: PRESSURE,
    Format.AMOUNT: MONEY,
    Format.NUMBER: NUMBER,
    Format.CODE: CODE,
    Format.PHONE: PHONE,
    Format.PERSONAL_NUMBER: PERSON,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Guides the search of texts to those of a pattern; spaces around are allowed."""

    pattern: Pattern

    def start(self) -> Pattern:
        """All of the pattern is left."""
        return self.pattern

    def extended(self, state: Pattern, sign: str) -> Pattern | None:
        """What is left after a sign."""
        return _after(state, sign)

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
def _after(pattern: Pattern, sign: str) -> Pattern | None:
    return pattern.after(sign)


def shape_of(form: Format) -> Shape:
    """The shape of a format."""
    return Shape(PATTERNS[form])
