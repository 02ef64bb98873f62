"""Micrograms: the tuned networks were never shown the sign µ and take it for an m or a u, so that 50 µg would be 50 mg.

The network as shipped knows the sign. It is asked where a unit of mass that may be one stands after a number, which few lines have.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pipeline.model import Image, Reading
from pipeline.recognize.network import Steps, answers, shipped_file
from pipeline.recognize.word_places import spans

MICRO = "µ"
SEEN = 0.003
"""Highest p of the sign in a line from which on it is proposed: 85 % of it written in fonts have that, none of as many m (at most 0.002)."""
AROUND = 0.3
"""White, or the next letters, on both sides of what is looked at, in heights of the line."""
_SIGNS = "µμ"
"""The micro sign and the Greek letter, which look alike."""
_UNIT = re.compile(r"[\d½][\d.,/½]*\s?(?P<sign>[^\W\d_hk]|½)g(?![^\W_])")


def with_micrograms(found: Reading, picture: Image, steps: Steps) -> Reading:
    """The reading of one line with µ where a unit of mass shows it. What stood there is the first alternative, and neither is sure.

    `picture` is the line's, `steps` what it was read from.
    """
    if not isinstance(found.value, str):
        return found
    signs = [unit.start("sign") for unit in _UNIT.finditer(found.value) if _is_micro(_around(unit, found.value, picture, steps))]
    if not signs:
        return found
    value = "".join(MICRO if i in signs else sign for i, sign in enumerate(found.value))
    characters = tuple(p / 2 if i in signs else p for i, p in enumerate(found.characters))
    return replace(found, value=value, p=found.p / 2, alternatives=((found.value, found.p / 2), *found.alternatives), characters=characters)


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
