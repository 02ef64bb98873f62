"""Known-wrong values for fields that are shown filled in: what is put in the reading's place, and whether it is still there afterwards.

Whoever looks at the paper changes it. Identities are never touched, nor anything that is typed blind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from rapidfuzz.distance import Levenshtein

from pipeline.confidence import SEEDED_ERROR_CHARACTERS_FROM
from pipeline.errors import InvalidAnswerError
from pipeline.field_spec import FieldSpec, Format, Meaning
from pipeline.model import Reading, State, Value
from pipeline.review import Answer, agree
from pipeline.stored_values import canonical

LIKE: Mapping[str, str] = {"0": "6", "1": "7", "2": "7", "3": "8", "4": "9", "5": "6", "6": "0", "7": "1", "8": "3", "9": "4"}
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
UNTOUCHED = frozenset(Meaning) - {Meaning.WRITTEN_DATE, Meaning.WRITTEN_TIME, Meaning.EVENT_DATE, Meaning.EVENT_TIME}
"""Who it is about and who wrote."""
_WORD = re.compile(r"\d+|[^\W\d]+")


@dataclass(frozen=True, slots=True)
class Plant:
    """A wrong value. In a text the characters from `start` up to `end` are the wrong ones; elsewhere both are 0."""

    value: Value
    state: State = State.READ
    start: int = 0
    end: int = 0


def wrong_value(spec: FieldSpec, reading: Reading, seed: str) -> Plant | None:
    """A value that the paper does not say, if what was read is right; None for fields that nothing is planted in. The same seed gives the same."""
    if spec.critical or spec.means in UNTOUCHED or reading.state not in (State.READ, State.EMPTY):
        return None
    chance = Random(seed)
    if spec.traits.is_check_box:
        return Plant(True) if reading.state is State.EMPTY else Plant(False, State.EMPTY)
    if reading.state is not State.READ or not isinstance(reading.value, str):
        return None
    if spec.traits.has_options:
        others = [option.value for option in spec.options if option.value != reading.value]
        return Plant(chance.choice(others)) if others else None
    if spec.traits.digits_only:
        return _other_digits(spec, reading.value, chance)
    return _other_word(reading, reading.value, chance) if spec.traits.is_handwriting else None


def as_read(plant: Plant, reading: Reading) -> Reading:
    """The reading as it is shown: nothing but the value tells it from the true one."""
    characters = reading.characters
    if characters and isinstance(reading.value, str) and isinstance(plant.value, str):
        after = len(plant.value) - plant.end
        kept = len(reading.value) - after
        wrong = (max(characters),) * (plant.end - plant.start)
        characters = (*characters[: plant.start], *wrong, *characters[kept:])
    return replace(reading, value=plant.value, state=plant.state, characters=characters)


def still_there(spec: FieldSpec, plant: Plant, reading: Reading, answer: Answer) -> bool:
    """Whether an answer says what was planted. In doubt it does: a text in which other places were changed counts while the wrong word stands."""
    if agree(spec, answer, Reading(plant.value, 1.0, plant.state)):
        return True
    if not (spec.traits.is_handwriting and answer.state is State.READ and isinstance(answer.value, str) and isinstance(plant.value, str)):
        return False
    wrong = _words(plant.value) - _words(str(reading.value))
    given = _words(answer.value) - _words(str(reading.value))
    return bool(wrong & given) or _place(plant, answer.value) is not None


def put_back(plant: Plant, reading: Reading, answer: Answer) -> Answer | None:
    """The person's text with the true words where the planted ones stood; None where the reading itself is to be shown again."""
    if not (isinstance(answer.value, str) and isinstance(plant.value, str) and isinstance(reading.value, str)) or plant.start == plant.end:
        return None
    at = _place(plant, answer.value)
    if at is None or answer.value.strip() == plant.value.strip():
        return None
    true = reading.value[plant.start : len(reading.value) - (len(plant.value) - plant.end)]
    return Answer(answer.value[:at] + true + answer.value[at + plant.end - plant.start :])


def _other_digits(spec: FieldSpec, value: str, chance: Random) -> Plant | None:
    places = [place for place, sign in enumerate(value) if sign in LIKE]
    chance.shuffle(places)
    for place in places:
        other = value[:place] + LIKE[value[place]] + value[place + 1 :]
        if _fits(spec, other) and canonical(spec, other) != canonical(spec, value):
            return Plant(other)
    return None


def _fits(spec: FieldSpec, value: str) -> bool:
    """Whether the value could stand there: nobody should find it by its form alone."""
    try:
        kept = canonical(spec, value)
    except InvalidAnswerError:
        return False
    lowest, highest = spec.plausible or (None, None)
    if spec.format is not Format.NUMBER:
        return True
    number = float(str(kept))
    bounds = ((spec.minimum, spec.maximum), (lowest, highest))
    return all((low is None or number >= low) and (high is None or number <= high) for low, high in bounds)


def _other_word(reading: Reading, text: str, chance: Random) -> Plant | None:
    found = [match for match in _WORD.finditer(text) if _sure(reading, match) and (match[0].isdecimal() or match[0].lower() in OPPOSITES)]
    if not found:
        return None
    match = chance.choice(found)
    word = match[0]
    if word.isdecimal():
        place = chance.choice([place for place, sign in enumerate(word) if sign in LIKE] or [0])
        other = word[:place] + LIKE.get(word[place], "7") + word[place + 1 :]
    else:
        other = OPPOSITES[word.lower()]
        other = other.capitalize() if word[0].isupper() else other
    return Plant(text[: match.start()] + other + text[match.end() :], State.READ, match.start(), match.start() + len(other))


def _sure(reading: Reading, match: re.Match[str]) -> bool:
    """A word marked as doubtful would be looked at for that alone."""
    return all(p >= SEEDED_ERROR_CHARACTERS_FROM for p in reading.characters[match.start() : match.end()])


def _words(text: str) -> Counter[str]:
    return Counter(match[0].casefold() for match in _WORD.finditer(text))


def _place(plant: Plant, answer: str) -> int | None:
    """Where the planted characters stand in an edited text, if they were left alone."""
    if plant.start == plant.end:
        return None
    for code in Levenshtein.opcodes(str(plant.value), answer):
        if code.tag == "equal" and code.src_start <= plant.start and plant.end <= code.src_end:
            return code.dest_start + plant.start - code.src_start
    return None
