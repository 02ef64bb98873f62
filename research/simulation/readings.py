"""Simulate how a written value is misread, by a machine with its probability and by people.

Both see the same ink.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from random import Random

from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.confidence import UNCALIBRATED_MAX_P
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.seeded_errors import LOOKALIKE_DIGITS
from pipeline.reading.calibration.curves import SHIPPED_CALIBRATION, curve_key, load_curves
from pipeline.reading.field_readers import NETWORK_FINGERPRINTS

CERTAIN_CLIENT_SHARE, CERTAIN_CLIENT_P, UNCERTAIN_CLIENT_P = 0.595, 0.9995, 0.972
"""Personal numbers are matched with the register.

This share has high confidence, and of the others this share is right (docs/reading-results.md).
"""
LOOKALIKE_ERROR_SHARE = 0.5
"""Share of a machine's errors that take the ink for what it resembles most.

The others are any other value.
"""
_LOOKALIKE_LETTERS: Mapping[str, str] = {
    "a": "o",
    "n": "u",
    "r": "v",
    "e": "c",
    "l": "t",
    "i": "j",
    "m": "n",
    "o": "a",
    "u": "n",
    "t": "f",
    "d": "a",
    "s": "r",
}


class SimulatedReader:
    """A reader that is right as often as its curves of `data/models/calibration.json` say.

    Their points are quantiles of real readings.
    """

    def __init__(self) -> None:
        # Curves of the networks of this version only.
        own = {str(kind): network() for kind, network in NETWORK_FINGERPRINTS.items()}
        self._shares = {
            key: curve.shares
            for (key, network), curve in load_curves(SHIPPED_CALIBRATION).items()
            if own.get(key.partition("-")[0]) == network
        }

    @classmethod
    @cache
    def shipped(cls) -> SimulatedReader:
        """Return the reader that this version of the program has."""
        return cls()

    def reading(self, spec: FieldSpec, says: Value, chance: Random) -> Reading:
        """Return what it reads where the paper says this; None is an empty field."""
        # Draw p from the readings that the curve was fitted to, then right or wrong by that p.
        true = to_answer(spec, says)
        if spec.traits.is_multiline and true.state is State.READ:
            return self._text(str(says), chance)
        p = self._p(spec, true, chance)
        if chance.random() < p:
            return Reading(true.value, p, true.state)
        # Half of the errors are the likeliest confusion, which people make too.
        other = (
            lookalike_answer(spec, true)
            if chance.random() < LOOKALIKE_ERROR_SHARE
            else other_answer(spec, true, chance)
        )
        return Reading(other.value, p, other.state)

    def _p(self, spec: FieldSpec, true: Answer, chance: Random) -> float:
        # Personal numbers are matched with the register, which makes most of them certain.
        if spec.format is Format.PERSONAL_NUMBER and true.state is State.READ:
            return (
                CERTAIN_CLIENT_P if chance.random() < CERTAIN_CLIENT_SHARE else UNCERTAIN_CLIENT_P
            )
        # Without a curve, p has an upper limit.
        shares = self._shares.get(
            curve_key(spec, Reading(true.value, 1.0, true.state)), (UNCALIBRATED_MAX_P,)
        )
        # A floor of 2 %: any field may be right.
        return max(0.02, chance.choice(shares))

    def _text(self, text: str, chance: Random) -> Reading:
        """Return a text read word by word.

        A line of n words that is right with p has words right with the n-th root of p.
        """
        read_text = ""
        characters: list[float] = []
        for row in text.split("\n"):
            words = row.split(" ")
            p = max(0.02, chance.choice(self._shares["lines"])) ** (1 / len(words))
            for word in words:
                read = word if chance.random() < p else misread_word(word, chance)
                # A word that is wrong mostly has low confidence too: at most that of the line.
                read_text += read + " "
                characters += [
                    p if read == word else min(p, 0.85 if chance.random() < 0.7 else 0.97)
                ] * len(read) + [1.0]
            read_text = read_text[:-1] + "\n"
        return Reading(
            read_text[:-1],
            min(characters),
            State.READ,
            characters=tuple(characters[: len(read_text) - 1]),
        )


def to_answer(spec: FieldSpec, says: Value) -> Answer:
    """Return what the paper says, as an answer."""
    if says is None or says is False:
        return Answer(False if spec.traits.is_check_box else None, State.EMPTY)
    return Answer(says)


def lookalike_answer(spec: FieldSpec, true: Answer) -> Answer:
    """Return the value that the ink resembles most, apart from the true one.

    It is the same for machine and people.
    """
    # The seed is the ink: machine and people draw the same confusion.
    return _other_value(spec, true, Random(f"{spec.name} {true.value}"))


def other_answer(spec: FieldSpec, true: Answer, chance: Random) -> Answer:
    """Return some other value that could be in the field."""
    return _other_value(spec, true, chance)


def misread_word(word: str, chance: Random) -> str:
    """Return a word with one character misread."""
    # Characters that resemble another.
    places = [
        place
        for place, sign in enumerate(word)
        if sign.lower() in _LOOKALIKE_LETTERS or sign in LOOKALIKE_DIGITS
    ]
    # Without such a character, a point too many.
    if not places:
        return word + "."
    place = chance.choice(places)
    sign = word[place]
    other = LOOKALIKE_DIGITS.get(sign) or _LOOKALIKE_LETTERS[sign.lower()]
    return word[:place] + (other.upper() if sign.isupper() else other) + word[place + 1 :]


def _other_value(spec: FieldSpec, true: Answer, chance: Random) -> Answer:
    # A check box has one other value.
    if spec.traits.is_check_box:
        return Answer(True) if true.state is State.EMPTY else Answer(False, State.EMPTY)
    # Dirt in an empty field is read as something.
    if true.state is State.EMPTY:
        return (
            Answer(_noise_value(spec))
            if spec.kind in (Kind.DIGITS, Kind.CHOICE, Kind.SIGNATURE, Kind.INITIALS)
            else Answer("I")
        )
    # Another option of the choice.
    if spec.traits.has_options:
        return Answer(
            chance.choice([option.value for option in spec.options if option.value != true.value])
        )
    if spec.traits.is_signature:
        return Answer(None, State.EMPTY)
    return Answer(_replace_character(spec, str(true.value), chance))


def _noise_value(spec: FieldSpec) -> Value:
    """Return what dirt in an empty field is read as."""
    if spec.traits.has_options:
        return spec.options[0].value
    if not spec.traits.digits_only:
        return True
    return {Format.DATE: "2021-12-11", Format.TIME: "11:11", Format.PERSONAL_NUMBER: "1" * 12}.get(
        spec.format or Format.NUMBER, "1"
    )


def _replace_character(spec: FieldSpec, value: str, chance: Random) -> str:
    # In a line of text, one word is misread.
    if spec.kind is Kind.TEXT:
        words = value.split(" ")
        place = chance.randrange(len(words))
        return " ".join([*words[:place], misread_word(words[place], chance), *words[place + 1 :]])
    # Replace one digit by its lookalike, such that the value remains possible.
    places = [place for place, sign in enumerate(value) if sign in LOOKALIKE_DIGITS]
    chance.shuffle(places)
    for place in places:
        other = value[:place] + LOOKALIKE_DIGITS[value[place]] + value[place + 1 :]
        if _is_possible(spec, other):
            return other
    return {Format.DATE: "2021-12-11", Format.TIME: "11:11"}.get(spec.format or Format.NUMBER, "1")


def _is_possible(spec: FieldSpec, value: str) -> bool:
    try:
        normalize_value(spec, value)
    except InvalidAnswerError:
        return False
    return True
