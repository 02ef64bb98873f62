"""Units of doses that are written like something else: a µ that is taken for an m or a u, a g for a 9, an l for a 1.

50 µg would be 50 mg, and 1 g would be 19, surely. The tuned networks were never shown a µ; the network as shipped knows it and is asked where a unit
of mass stands after a number. A g and an l are told from figures by where they stand: apart from the number, and a g lower than it.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from pipeline.field_spec import Format
from pipeline.model import Image, Reading
from pipeline.recognize.ink import Mask
from pipeline.recognize.network import Steps, answers, shipped_file
from pipeline.recognize.text_grammar import UNITS
from pipeline.recognize.word_places import aligned, spans

MICRO = "µ"
SEEN = 0.003
"""Highest p of the sign in a line from which on it is proposed: 85 % of it written in fonts have that, none of as many m (at most 0.002)."""
AROUND = 0.3
"""White, or the next letters, on both sides of what is looked at, in heights of the line."""
LETTERS = {"9": " g", "1": " l"}
APART = {"9": 0.4, "1": 0.35}
"""White before the last sign of a number from which on it may be a letter, in heights of the figure before; a 9 also has to stand a little lower."""
LOWER, LOWER_AT_TOP, A_LITTLE_LOWER = 0.15, 0.08, 0.1
"""How much lower than that figure a g ends and begins. Of numbers in fonts that end in 9 or 1 these limits doubt 3 %; they find 96 % of the g
that stand apart, and 77 % of the l."""
_DARK = 128
"""Ink is darker than this, grey levels."""
_SIGNS = "µμ"
"""The micro sign and the Greek letter, which look alike."""
_OTHER_UNITS = "kg hg cl mmHg kr mm cm % °"
_MASS = re.compile(r"[\d½][\d.,/½]*\s?(?P<sign>[^\W\d_hk]|½)g(?![^\W_])")
_BARE = re.compile(
    r"(?<![\w.,:/+–-])(?!(?:19|20)\d\d\b)\d(?:[\d.,]*\d)?(?P<sign>[91])(?![\w½])(?![.,:/–-]\s?\d)"
    rf"(?!\s?(?:{'|'.join(map(re.escape, [*UNITS.split(), *_OTHER_UNITS.split()]))})(?![^\W_]))"
)
"""A number that nothing belongs to and that is no year."""


def with_unit_signs(found: Reading, picture: Image, steps: Steps, form: Format | None) -> Reading:
    """The reading of one line with the signs of units that it may have taken for others; neither reading is sure then.

    `picture` is the line's, `steps` what it was read from, `form` the field's format.
    """
    return _with_letters(_with_micrograms(found, picture, steps), picture, steps, form)


def _with_micrograms(found: Reading, picture: Image, steps: Steps) -> Reading:
    """With µ where a unit of mass shows it."""
    text = found.value if isinstance(found.value, str) else ""
    signs = {unit.start("sign"): MICRO for unit in _MASS.finditer(text) if _is_micro(_around(unit, text, picture, steps))}
    return replace(_either(found, text, signs), value=_with(text, signs)) if signs else found


def _with_letters(found: Reading, picture: Image, steps: Steps, form: Format | None) -> Reading:
    """With the figures as read, doubtful where the last may be a letter, as in every dose without a unit; other formats have no such letter."""
    if form not in (None, Format.DOSE):
        return found
    text = found.value if isinstance(found.value, str) else ""
    places = [number.start("sign") for number in _BARE.finditer(text)]
    signs = {i: LETTERS[text[i]] for i in places if form is Format.DOSE or _is_letter(i, text, picture, steps)}
    return _either(found, _with(text, signs), signs) if signs else found


def _with(text: str, signs: dict[int, str]) -> str:
    return "".join(signs.get(i, sign) for i, sign in enumerate(text))


def _either(found: Reading, other: str, places: dict[int, str]) -> Reading:
    """Doubtful at some places, with another text that is as likely."""
    half = found.p / 2
    characters = tuple(p / 2 if i in places else p for i, p in enumerate(found.characters))
    rest = tuple((value, p) for value, p in found.alternatives if value != other)
    return replace(found, p=half, alternatives=((other, half), *rest), characters=characters)


def _around(unit: re.Match[str], text: str, picture: Image, steps: Steps) -> Image:
    """The part of a line's picture that shows a number and its unit; all of it where it is not known what stands where."""
    height, width = picture.shape
    words = [word for word in spans(steps, text, width) if word.end > unit.start() and word.start < unit.end()]
    if not words:
        return picture
    return picture[:, max(0, round(words[0].left - AROUND * height)) : round(words[-1].right + AROUND * height)]


def _is_micro(picture: Image) -> bool:
    ((steps, known),) = answers([picture], shipped_file())
    columns = [1 + known.index(sign) for sign in _SIGNS]
    return bool(steps[:, columns].sum(axis=1).max() >= SEEN)


def _is_letter(i: int, text: str, picture: Image, steps: Steps) -> bool:
    """Whether the last figure of a number stands as a letter does: apart from the one before, and lower if it is a 9."""
    where = aligned(steps, text.replace(MICRO, "m"))  # the network that answered the steps has no µ
    if where is None:
        return False
    before, here = ((first + last + 1) / 2 * picture.shape[1] / len(steps) for first, last in where[i - 1 : i + 1])
    ink, wide = np.asarray(picture < _DARK, np.bool_), here - before
    left, right = _widest_white(ink[:, int(before) : int(here)])
    middle = int(before) + (left + right) // 2
    figure, last = ink[:, max(0, int(before - 0.6 * wide)) : middle], ink[:, middle : int(here + 0.8 * wide) + 1]
    if not (figure.any() and last.any()):
        return False
    (top, bottom), (last_top, last_bottom) = _extent(figure), _extent(last)
    high = max(1, bottom - top)
    apart, lower, at_top = (right - left) / high, (last_bottom - bottom) / high, (last_top - top) / high
    if text[i] == "9":
        return (lower >= LOWER and at_top >= LOWER_AT_TOP) or (apart >= APART["9"] and lower >= A_LITTLE_LOWER)
    return apart >= APART["1"]


def _widest_white(ink: Mask) -> tuple[int, int]:
    """The first and the last column, exclusive, of the widest white between two signs; the middle where there is none."""
    edges = np.flatnonzero(np.concatenate([[True], ink.any(axis=0), [True]]))
    widest = int(np.diff(edges).argmax())
    left, right = int(edges[widest]), int(edges[widest + 1]) - 1
    return (left, right) if right > left else (ink.shape[1] // 2, ink.shape[1] // 2)


def _extent(ink: Mask) -> tuple[int, int]:
    rows = np.flatnonzero(ink.any(axis=1))
    return int(rows[0]), int(rows[-1])
