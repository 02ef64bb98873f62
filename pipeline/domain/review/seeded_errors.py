"""Known-wrong values for fields that are shown filled in: what is put in the reading's place, and
whether it is still there afterwards.

Whoever looks at the paper changes it. Identities are never touched, nor anything that is typed
blind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from rapidfuzz.distance import Levenshtein

from pipeline.domain.confidence import SEEDED_ERROR_CHARACTERS_FROM
from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.rules import Answer, agrees_with_reading

LOOKALIKE_DIGITS: Mapping[str, str] = {
    "0": "6",
    "1": "7",
    "2": "7",
    "3": "8",
    "4": "9",
    "5": "6",
    "6": "0",
    "7": "1",
    "8": "3",
    "9": "4",
}
"""For each digit one that is mistaken for it."""
OPPOSITES: Mapping[str, str] = {
    one: other
    for pair in (
        ("höger", "vänster"),
        ("högra", "vänstra"),
        ("ökat", "minskat"),
        ("ökad", "minskad"),
        ("bättre", "sämre"),
        ("före", "efter"),
        ("morgonen", "kvällen"),
        ("morgon", "kväll"),
        ("måndag", "torsdag"),
        ("tisdag", "fredag"),
        ("med", "utan"),
        ("ja", "nej"),
        ("aldrig", "alltid"),
    )
    for one, other in (pair, pair[::-1])
}
"""Words that turn a note round: one who reads the paper cannot take one for the other."""
UNSEEDED_MEANINGS = frozenset(Meaning) - {
    Meaning.WRITTEN_DATE,
    Meaning.WRITTEN_TIME,
    Meaning.EVENT_DATE,
    Meaning.EVENT_TIME,
}
"""Who it is about and who wrote."""
_WORD_PATTERN = re.compile(r"\d+|[^\W\d]+")


@dataclass(frozen=True, slots=True)
class SeededError:
    """A wrong value. In a text the characters from `start` up to `end` are the wrong ones;
    elsewhere both are 0.
    """

    value: Value
    state: State = State.READ
    start: int = 0
    end: int = 0


def make_seeded_error(spec: FieldSpec, reading: Reading, seed: str) -> SeededError | None:
    """A value that the paper does not say, if what was read is right; None for fields that nothing
    is planted in. The same seed gives the same.
    """
    if (
        spec.critical
        or spec.means in UNSEEDED_MEANINGS
        or reading.state not in (State.READ, State.EMPTY)
    ):
        return None
    chance = Random(seed)
    if spec.traits.is_check_box:
        return (
            SeededError(True) if reading.state is State.EMPTY else SeededError(False, State.EMPTY)
        )
    if reading.state is not State.READ or not isinstance(reading.value, str):
        return None
    if spec.traits.has_options:
        others = [option.value for option in spec.options if option.value != reading.value]
        return SeededError(chance.choice(others)) if others else None
    if spec.traits.digits_only:
        return _replace_digit(spec, reading.value, chance)
    return _replace_word(reading, reading.value, chance) if spec.traits.is_handwriting else None


def apply_seeded_error(plant: SeededError, reading: Reading) -> Reading:
    """The reading as it is shown: nothing but the value tells it from the true one."""
    characters = reading.characters
    if characters and isinstance(reading.value, str) and isinstance(plant.value, str):
        after = len(plant.value) - plant.end
        kept = len(reading.value) - after
        wrong = (max(characters),) * (plant.end - plant.start)
        characters = (*characters[: plant.start], *wrong, *characters[kept:])
    return replace(reading, value=plant.value, state=plant.state, characters=characters)


def is_undetected(spec: FieldSpec, plant: SeededError, reading: Reading, answer: Answer) -> bool:
    """Whether an answer says what was planted. In doubt it does: a text in which other places were
    changed counts while the wrong word stands.
    """
    if agrees_with_reading(spec, answer, Reading(plant.value, 1.0, plant.state)):
        return True
    if not (
        spec.traits.is_handwriting
        and answer.state is State.READ
        and isinstance(answer.value, str)
        and isinstance(plant.value, str)
    ):
        return False
    wrong = _count_words(plant.value) - _count_words(str(reading.value))
    given = _count_words(answer.value) - _count_words(str(reading.value))
    return bool(wrong & given) or _locate_seeded(plant, answer.value) is not None


def restore_true_words(plant: SeededError, reading: Reading, answer: Answer) -> Answer | None:
    """The person's text with the true words where the planted ones stood; None where the reading
    itself is to be shown again.
    """
    if (
        not (
            isinstance(answer.value, str)
            and isinstance(plant.value, str)
            and isinstance(reading.value, str)
        )
        or plant.start == plant.end
    ):
        return None
    at = _locate_seeded(plant, answer.value)
    if at is None or answer.value.strip() == plant.value.strip():
        return None
    true = reading.value[plant.start : len(reading.value) - (len(plant.value) - plant.end)]
    return Answer(answer.value[:at] + true + answer.value[at + plant.end - plant.start :])


def _replace_digit(spec: FieldSpec, value: str, chance: Random) -> SeededError | None:
    places = [place for place, sign in enumerate(value) if sign in LOOKALIKE_DIGITS]
    chance.shuffle(places)
    for place in places:
        other = value[:place] + LOOKALIKE_DIGITS[value[place]] + value[place + 1 :]
        if _is_plausible(spec, other) and normalize_value(spec, other) != normalize_value(
            spec, value
        ):
            return SeededError(other)
    return None


def _is_plausible(spec: FieldSpec, value: str) -> bool:
    """Whether the value could stand there: nobody should find it by its form alone."""
    try:
        kept = normalize_value(spec, value)
    except InvalidAnswerError:
        return False
    lowest, highest = spec.plausible or (None, None)
    if spec.format is not Format.NUMBER:
        return True
    number = float(str(kept))
    bounds = ((spec.minimum, spec.maximum), (lowest, highest))
    return all(
        (low is None or number >= low) and (high is None or number <= high) for low, high in bounds
    )


def _replace_word(reading: Reading, text: str, chance: Random) -> SeededError | None:
    found = [
        match
        for match in _WORD_PATTERN.finditer(text)
        if _is_confident(reading, match) and (match[0].isdecimal() or match[0].lower() in OPPOSITES)
    ]
    if not found:
        return None
    match = chance.choice(found)
    word = match[0]
    if word.isdecimal():
        place = chance.choice(
            [place for place, sign in enumerate(word) if sign in LOOKALIKE_DIGITS] or [0]
        )
        other = word[:place] + LOOKALIKE_DIGITS.get(word[place], "7") + word[place + 1 :]
    else:
        other = OPPOSITES[word.lower()]
        other = other.capitalize() if word[0].isupper() else other
    return SeededError(
        text[: match.start()] + other + text[match.end() :],
        State.READ,
        match.start(),
        match.start() + len(other),
    )


def _is_confident(reading: Reading, match: re.Match[str]) -> bool:
    """A word marked as doubtful would be looked at for that alone."""
    return all(
        p >= SEEDED_ERROR_CHARACTERS_FROM for p in reading.characters[match.start() : match.end()]
    )


def _count_words(text: str) -> Counter[str]:
    return Counter(match[0].casefold() for match in _WORD_PATTERN.finditer(text))


def _locate_seeded(plant: SeededError, answer: str) -> int | None:
    """Where the planted characters stand in an edited text, if they were left alone."""
    if plant.start == plant.end:
        return None
    for code in Levenshtein.opcodes(str(plant.value), answer):
        if code.tag == "equal" and code.src_start <= plant.start and plant.end <= code.src_end:
            return code.dest_start + plant.start - code.src_start
    return None
