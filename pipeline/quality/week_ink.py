"""How a written value is taken for another: by a machine with the probability it says, and by people with the same ink before them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from random import Random

from pipeline.confidence import UNCALIBRATED_MAX_P
from pipeline.errors import InvalidAnswerError
from pipeline.field_spec import FieldSpec, Format, Kind
from pipeline.model import Reading, State, Value
from pipeline.planting import LIKE
from pipeline.recognize.curves import SHIPPED, key_of, read_curves
from pipeline.recognize.registry import NETWORKS
from pipeline.review import Answer
from pipeline.stored_values import canonical

SURE_CLIENTS, SURE, UNSURE = 0.595, 0.9995, 0.972
"""Personal numbers are weighed with the register: this share is sure, and of the others this share right (docs/reading-methods.md)."""
ALIKE = 0.5
"""Share of a machine's errors that take the ink for what it looks most like; the others are any other value."""
_LETTERS: Mapping[str, str] = {"a": "o", "n": "u", "r": "v", "e": "c", "l": "t", "i": "j", "m": "n", "o": "a", "u": "n", "t": "f", "d": "a", "s": "r"}


class Machine:
    """Reads what a field says, right as often as its curves of `data/models/calibration.json` say: their points are quantiles of real readings."""

    def __init__(self) -> None:
        own = {str(kind): network() for kind, network in NETWORKS.items()}
        self._shares = {key: curve.shares for (key, network), curve in read_curves(SHIPPED).items() if own.get(key.partition("-")[0]) == network}

    @classmethod
    @cache
    def shipped(cls) -> Machine:
        """The one that this version of the program has."""
        return cls()

    def reading(self, spec: FieldSpec, says: Value, chance: Random) -> Reading:
        """What it reads where the paper says this; None is an empty field."""
        true = written(spec, says)
        if spec.traits.is_multiline and true.state is State.READ:
            return self._text(str(says), chance)
        p = self._p(spec, true, chance)
        if chance.random() < p:
            return Reading(true.value, p, true.state)
        other = look_alike(spec, true) if chance.random() < ALIKE else another(spec, true, chance)
        return Reading(other.value, p, other.state)

    def _p(self, spec: FieldSpec, true: Answer, chance: Random) -> float:
        if spec.format is Format.PERSONAL_NUMBER and true.state is State.READ:
            return SURE if chance.random() < SURE_CLIENTS else UNSURE
        shares = self._shares.get(key_of(spec, Reading(true.value, 1.0, true.state)), (UNCALIBRATED_MAX_P,))
        return max(0.02, chance.choice(shares))

    def _text(self, text: str, chance: Random) -> Reading:
        """Word by word: a line of n words that is right with p has words right with the n-th root of p."""
        said = ""
        sure: list[float] = []
        for row in text.split("\n"):
            words = row.split(" ")
            p = max(0.02, chance.choice(self._shares["lines"])) ** (1 / len(words))
            for word in words:
                read = word if chance.random() < p else wrong_word(word, chance)
                # A word that is wrong is mostly doubtful too: its p is drawn as low as the line's is.
                said += read + " "
                sure += [p if read == word else min(p, 0.85 if chance.random() < 0.7 else 0.97)] * len(read) + [1.0]
            said = said[:-1] + "\n"
        return Reading(said[:-1], min(sure), State.READ, characters=tuple(sure[: len(said) - 1]))


def written(spec: FieldSpec, says: Value) -> Answer:
    """What the paper says, as an answer."""
    if says is None or says is False:
        return Answer(False if spec.traits.is_check_box else None, State.EMPTY)
    return Answer(says)


def look_alike(spec: FieldSpec, true: Answer) -> Answer:
    """The value that the ink looks most like, apart from the true one: the same for machine and people."""
    return _another(spec, true, Random(f"{spec.name} {true.value}"))


def another(spec: FieldSpec, true: Answer, chance: Random) -> Answer:
    """Some other value that could stand there."""
    return _another(spec, true, chance)


def wrong_word(word: str, chance: Random) -> str:
    """A word with one character taken for another."""
    places = [place for place, sign in enumerate(word) if sign.lower() in _LETTERS or sign in LIKE]
    if not places:
        return word + "."
    place = chance.choice(places)
    sign = word[place]
    other = LIKE.get(sign) or _LETTERS[sign.lower()]
    return word[:place] + (other.upper() if sign.isupper() else other) + word[place + 1 :]


def _another(spec: FieldSpec, true: Answer, chance: Random) -> Answer:
    if spec.traits.is_check_box:
        return Answer(True) if true.state is State.EMPTY else Answer(False, State.EMPTY)
    if true.state is State.EMPTY:
        return Answer(_noise(spec)) if spec.kind in (Kind.DIGITS, Kind.CHOICE, Kind.SIGNATURE, Kind.INITIALS) else Answer("I")
    if spec.traits.has_options:
        return Answer(chance.choice([option.value for option in spec.options if option.value != true.value]))
    if spec.traits.is_signature:
        return Answer(None, State.EMPTY)
    return Answer(_other_sign(spec, str(true.value), chance))


def _noise(spec: FieldSpec) -> Value:
    """What dirt in an empty field is taken for."""
    if spec.traits.has_options:
        return spec.options[0].value
    if not spec.traits.digits_only:
        return True
    return {Format.DATE: "2021-12-11", Format.TIME: "11:11", Format.PERSONAL_NUMBER: "1" * 12}.get(spec.format or Format.NUMBER, "1")


def _other_sign(spec: FieldSpec, value: str, chance: Random) -> str:
    if spec.kind is Kind.TEXT:
        words = value.split(" ")
        place = chance.randrange(len(words))
        return " ".join([*words[:place], wrong_word(words[place], chance), *words[place + 1 :]])
    places = [place for place, sign in enumerate(value) if sign in LIKE]
    chance.shuffle(places)
    for place in places:
        other = value[:place] + LIKE[value[place]] + value[place + 1 :]
        if _may_be(spec, other):
            return other
    return {Format.DATE: "2021-12-11", Format.TIME: "11:11"}.get(spec.format or Format.NUMBER, "1")


def _may_be(spec: FieldSpec, value: str) -> bool:
    try:
        canonical(spec, value)
    except InvalidAnswerError:
        return False
    return True
