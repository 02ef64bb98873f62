"""Where the shapes in training cells of letter boxes come from: letters cut out of DHSD's words, and fonts.

Writers and font families are split before anything else. German words begin with capitals; a capital Å, Ä or Ö is made of an A or an O of the same
people, since there are next to none. A small l alone is a stroke that might as well be an I: it is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.model import Image
from pipeline.recognize.letters import LETTERS, SYMBOLS
from pipeline.training.alignment import placed
from pipeline.training.digit_corrections import struck_out
from pipeline.training.digit_glyphs import OPTDIGITS_HELD, cut_to_ink, enlarged, optdigits, rendered, scribble
from pipeline.training.handwriting_data import dhsd, font_files
from pipeline.training.letter_cuts import CutLetter, cut_letters

SIGNS = "347?+-=*#&%/"
"""What no letter looks like."""
STROKE = "l"
CUT = "".join(c for c in LETTERS + LETTERS.lower() if c != STROKE)
SMALL_SHARE = 0.25
"""How often a letter is a small one."""
HAND_SHARE, PRINT_SHARE = 0.6, 0.06
"""How often a letter comes from a person's word (if there are enough) and from print; the others come from handwriting fonts."""
ENOUGH = 8
MADE = {"Å": "A", "Ä": "A", "Ö": "O"}
MOST_MADE = 150
Shapes = dict[int, list[Image]]


@dataclass(frozen=True, slots=True)
class Case:
    """Shapes of capitals, or of small letters, by class: from people's words and from handwriting fonts."""

    words: Shapes
    fonts: Shapes

    def any(self, letter: int, rng: Generator) -> Image:
        """One of them."""
        own = self.words.get(letter, [])
        return _any(own if len(own) >= ENOUGH and rng.random() < HAND_SHARE else self.fonts[letter], rng)


@dataclass(frozen=True, slots=True)
class Letters:
    """Boxes for letters: capitals, small letters, print (there may be none), signs."""

    capitals: Case
    small: Case
    printed: Shapes
    signs: list[Image]
    empty: int = SYMBOLS.index(" ")
    struck: int = SYMBOLS.index("#")

    def cell(self, blanks: float, odd: float, rng: Generator) -> tuple[int, Image | None]:
        """A letter as somebody writes it, or what else stands in such a box."""
        if rng.random() < blanks:
            return self.empty, None
        letter = int(rng.integers(len(LETTERS)))
        shape = self._shape(letter, rng)
        if rng.random() >= odd:
            return letter, shape
        if rng.random() < 0.45:
            return SYMBOLS.index("?"), _any(self.signs, rng)
        mark = scribble(int(rng.integers(5)), rng)
        return self.struck, struck_out(mark, shape) if rng.random() < 0.65 else mark

    def _shape(self, letter: int, rng: Generator) -> Image:
        if self.printed[letter] and rng.random() < PRINT_SHARE:
            return _any(self.printed[letter], rng)
        small = rng.random() < SMALL_SHARE and LETTERS[letter].lower() != STROKE
        return (self.small if small else self.capitals).any(letter, rng)


def _any(images: list[Image], rng: Generator) -> Image:
    return images[int(rng.integers(len(images)))]


def load(handwriting: Path, print_fonts: list[Path], *, held_out: bool) -> Letters:
    """The shapes of the training side or of the held-out side."""
    hands = font_files(handwriting / "fonts_train", held=held_out)
    prints = [f for i, f in enumerate(sorted(print_fonts)) if (i % 6 == 5) == held_out]
    words = dhsd(handwriting / "dhsd_words.npz", held=held_out)
    return of_words(cut_letters(placed(words), CUT), hands, prints, _digits(handwriting / "optdigits.npz", held_out=held_out))


def _digits(file: Path, *, held_out: bool) -> list[Image]:
    """Digits that people wrote and that look like no letter."""
    pictures, values = optdigits(file)
    part = slice(-OPTDIGITS_HELD, None) if held_out else slice(0, -OPTDIGITS_HELD)
    chosen = np.isin(values[part], [int(sign) for sign in SIGNS if sign.isdigit()])
    return [enlarged(picture, 2.0) for picture in pictures[part][chosen]]


def of_words(cut: Sequence[CutLetter], hands: Sequence[Path], prints: Sequence[Path], signs: Sequence[Image] = ()) -> Letters:
    """The shapes of letters cut from words, of handwriting fonts and of printed faces; `signs` are no letters."""
    capitals = by_class([one for one in cut if one.letter.isupper()])
    for made, base in MADE.items():
        plain = capitals.get(LETTERS.index(base), [])[:MOST_MADE]
        capitals.setdefault(LETTERS.index(made), []).extend(with_accent(picture, ring=made == "Å") for picture in plain)
    small = by_class([one for one in cut if one.letter.islower()])
    small.setdefault(LETTERS.index("Å"), []).extend(with_accent(picture, ring=True) for picture in small.get(0, [])[:MOST_MADE])
    return Letters(
        Case(capitals, {i: [rendered(f, c) for f in hands] for i, c in enumerate(LETTERS)}),
        Case(small, {i: [rendered(f, c.lower()) for f in hands] for i, c in enumerate(LETTERS)}),
        {i: [rendered(f, c) for f in prints] for i, c in enumerate(LETTERS)},
        [*(rendered(f, c) for f in hands for c in SIGNS), *signs],
    )


def by_class(cut: Sequence[CutLetter]) -> Shapes:
    """Pictures by the place of their letter in the alphabet."""
    shapes: Shapes = defaultdict(list)
    for one in cut:
        shapes[LETTERS.index(one.letter.upper())].append(one.picture)
    return dict(shapes)


def with_accent(picture: Image, *, ring: bool) -> Image:
    """A or O with a ring or two dots above, as thick as the letter's own stroke."""
    height, width = picture.shape
    above = round(0.34 * height)
    out = np.pad(picture, ((above, 0), (2, 2)))
    thick = max(1, round(float((picture > 127).sum()) / max(1.0, 3.2 * height)))
    middle, y = out.shape[1] // 2, round(0.45 * above)
    if ring:
        cv2.circle(out, (middle, y), max(2, round(0.36 * above)), (255,), thick, cv2.LINE_AA)
    else:
        for side in (-1, 1):
            cv2.circle(out, (middle + side * max(3, round(0.2 * width)), y), max(1, thick), (255,), -1, cv2.LINE_AA)
    return cut_to_ink(out)
