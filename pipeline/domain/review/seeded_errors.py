"""Seeded errors: known-wrong values in prefilled fields, and whether a reviewer detected them.

A reviewer who compares with the paper corrects them. Identities and fields that are keyed blind
never get one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from rapidfuzz.distance import Levenshtein

from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.confidence import SEEDED_ERROR_CHARACTERS_FROM
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
"""For each digit one that it is often confused with."""
OPPOSITES: Mapping[str, str] = {
    word: opposite
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
    for word, opposite in (pair, pair[::-1])
}
"""Words that reverse the meaning of a note, and that are not confused on paper."""
UNSEEDED_MEANINGS = frozenset(Meaning) - {
    Meaning.WRITTEN_DATE,
    Meaning.WRITTEN_TIME,
    Meaning.EVENT_DATE,
    Meaning.EVENT_TIME,
}
"""Client and author."""
_WORD_PATTERN = re.compile(r"\d+|[^\W\d]+")


@dataclass(frozen=True, slots=True)
class SeededError:
    """A wrong value.

    In a text the characters from `start` up to `end` are the wrong ones; elsewhere both are 0.
    """

    value: Value
    state: State = State.READ
    start: int = 0
    end: int = 0


def make_seeded_error(spec: FieldSpec, reading: Reading, seed: str) -> SeededError | None:
    """Make a value that differs from the reading; None for fields that are never seeded.

    The same `seed` gives the same value.
    """
    if (
        spec.critical
        or spec.means in UNSEEDED_MEANINGS
        or reading.state not in (State.READ, State.EMPTY)
    ):
        return None
    random = Random(seed)
    if spec.traits.is_check_box:
        return (
            SeededError(True) if reading.state is State.EMPTY else SeededError(False, State.EMPTY)
        )
    if reading.state is not State.READ or not isinstance(reading.value, str):
        return None
    if spec.traits.has_options:
        others = [option.value for option in spec.options if option.value != reading.value]
        return SeededError(random.choice(others)) if others else None
    if spec.traits.digits_only:
        return _replace_digit(spec, reading.value, random)
    return _replace_word(reading, reading.value, random) if spec.traits.is_handwriting else None


def apply_seeded_error(error: SeededError, reading: Reading) -> Reading:
    """Return the reading as it is shown, different from the true one in nothing but its value."""
    characters = reading.characters
    if characters and isinstance(reading.value, str) and isinstance(error.value, str):
        # The wrong characters get the highest p, so that none is underlined.
        tail_length = len(error.value) - error.end
        tail_start = len(reading.value) - tail_length
        wrong = (max(characters),) * (error.end - error.start)
        characters = (*characters[: error.start], *wrong, *characters[tail_start:])
    return replace(reading, value=error.value, state=error.state, characters=characters)


def is_undetected(spec: FieldSpec, error: SeededError, reading: Reading, answer: Answer) -> bool:
    """Whether an answer still has the seeded error.

    A text that was changed in other places counts as such as long as it has the wrong word.
    """
    if agrees_with_reading(spec, answer, Reading(error.value, 1.0, error.state)):
        return True
    if not (
        spec.traits.is_handwriting
        and answer.state is State.READ
        and isinstance(answer.value, str)
        and isinstance(error.value, str)
    ):
        return False
    # The words that error and answer add to the reading.
    wrong_words = _count_words(error.value) - _count_words(str(reading.value))
    added_words = _count_words(answer.value) - _count_words(str(reading.value))
    return bool(wrong_words & added_words) or _locate_seeded(error, answer.value) is not None


def restore_true_words(error: SeededError, reading: Reading, answer: Answer) -> Answer | None:
    """Replace the seeded words of an answer by the true ones.

    None means that the reading itself is to be shown again.
    """
    if (
        not (
            isinstance(answer.value, str)
            and isinstance(error.value, str)
            and isinstance(reading.value, str)
        )
        or error.start == error.end
    ):
        return None
    start = _locate_seeded(error, answer.value)
    if start is None or answer.value.strip() == error.value.strip():
        return None
    true_words = reading.value[error.start : len(reading.value) - (len(error.value) - error.end)]
    end = start + error.end - error.start
    return Answer(answer.value[:start] + true_words + answer.value[end:])


def _replace_digit(spec: FieldSpec, value: str, random: Random) -> SeededError | None:
    positions = [i for i, character in enumerate(value) if character in LOOKALIKE_DIGITS]
    random.shuffle(positions)
    # The first position where the new value is plausible and not just another format.
    for i in positions:
        wrong = value[:i] + LOOKALIKE_DIGITS[value[i]] + value[i + 1 :]
        if _is_plausible(spec, wrong) and normalize_value(spec, wrong) != normalize_value(
            spec, value
        ):
            return SeededError(wrong)
    return None


def _is_plausible(spec: FieldSpec, value: str) -> bool:
    """Whether the value fits the field: an error must not be found by its format alone."""
    try:
        normalized = normalize_value(spec, value)
    except InvalidAnswerError:
        return False
    if spec.format is not Format.NUMBER:
        return True
    number = float(str(normalized))
    bounds = ((spec.minimum, spec.maximum), spec.plausible or (None, None))
    return all(
        (low is None or number >= low) and (high is None or number <= high) for low, high in bounds
    )


def _replace_word(reading: Reading, text: str, random: Random) -> SeededError | None:
    matches = [
        match
        for match in _WORD_PATTERN.finditer(text)
        if _is_confident(reading, match) and (match[0].isdecimal() or match[0].lower() in OPPOSITES)
    ]
    if not matches:
        return None
    match = random.choice(matches)
    word = match[0]
    if word.isdecimal():
        # Another digit in a number.
        i = random.choice(
            [i for i, character in enumerate(word) if character in LOOKALIKE_DIGITS] or [0]
        )
        wrong = word[:i] + LOOKALIKE_DIGITS.get(word[i], "7") + word[i + 1 :]
    else:
        # The opposite of a word.
        wrong = OPPOSITES[word.lower()]
        wrong = wrong.capitalize() if word[0].isupper() else wrong
    return SeededError(
        text[: match.start()] + wrong + text[match.end() :],
        State.READ,
        match.start(),
        match.start() + len(wrong),
    )


def _is_confident(reading: Reading, match: re.Match[str]) -> bool:
    """Whether a word has no character of low confidence: those are checked anyway."""
    return all(
        p >= SEEDED_ERROR_CHARACTERS_FROM for p in reading.characters[match.start() : match.end()]
    )


def _count_words(text: str) -> Counter[str]:
    return Counter(match[0].casefold() for match in _WORD_PATTERN.finditer(text))


def _locate_seeded(error: SeededError, answer: str) -> int | None:
    """Return where the wrong characters begin in an edited text, if they were not edited."""
    if error.start == error.end:
        return None
    for code in Levenshtein.opcodes(str(error.value), answer):
        if code.tag == "equal" and code.src_start <= error.start and error.end <= code.src_end:
            return code.dest_start + error.start - code.src_start
    return None
