"""Where the shapes in training cells of letter boxes come from: fonts, and words of DHSD whose writers set letter beside letter.

A word counts as written in separate letters when, at some slant, white columns part it into as many pieces as it has letters. Writers and font
families are split before anything else.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.model import Image
from pipeline.recognize.letters import LETTERS, SYMBOLS
from pipeline.training.digit_glyphs import cut_to_ink, rendered, scribble
from pipeline.training.digit_rows import struck_out
from pipeline.training.handwriting_data import font_files, set_aside

SIGNS = "3479?+-=*#&%/"
"""What no letter looks like."""
SLANTS = np.linspace(-0.6, 0.6, 13)
LEAST_PIECE_PX = 3
LOWEST, WIDEST = 0.15, 0.75
"""Height and width of a letter, in heights of the picture of its word: lower ones are dashes and broken strokes, wider ones are two letters."""
SMALL_SHARE = 0.2
"""How often a letter is a small one."""
HAND_SHARE, PRINT_SHARE = 0.5, 0.08
"""How often a letter comes from a person's word (if there is one) and from print; the others come from handwriting fonts."""
Shapes = dict[int, list[Image]]


@dataclass(frozen=True, slots=True)
class Letters:
    """Boxes for letters: shapes by class, from people's words, from handwriting fonts (capitals, small letters) and from print."""

    words: Shapes
    capitals: Shapes
    small: Shapes
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
        kind = rng.random()
        if kind < PRINT_SHARE:
            return _any(self.printed[letter], rng)
        if kind < PRINT_SHARE + HAND_SHARE and self.words.get(letter):
            return _any(self.words[letter], rng)
        return _any((self.small if rng.random() < SMALL_SHARE else self.capitals)[letter], rng)


def _any(images: list[Image], rng: Generator) -> Image:
    return images[int(rng.integers(len(images)))]


def load(handwriting: Path, print_fonts: list[Path], *, held_out: bool) -> Letters:
    """The shapes of the training side or of the held-out side."""
    hands = font_files(handwriting / "fonts_train", held=held_out)
    prints = [f for i, f in enumerate(sorted(print_fonts)) if (i % 6 == 5) == held_out]
    return Letters(
        separate_letters(handwriting / "dhsd_words.npz", held_out=held_out),
        {i: [rendered(f, c) for f in hands] for i, c in enumerate(LETTERS)},
        {i: [rendered(f, c.lower()) for f in hands] for i, c in enumerate(LETTERS)},
        {i: [rendered(f, c) for f in prints] for i, c in enumerate(LETTERS)},
        [rendered(f, c) for f in hands for c in SIGNS],
    )


def separate_letters(file: Path, *, held_out: bool) -> Shapes:
    """Letters of DHSD's words that are written apart, by class; of the writers trained on, or of those set aside."""
    data = np.load(file)
    writers = [f"{int(w):02d}" for w in data["writer"]]
    aside = set_aside(writers)
    shapes: Shapes = defaultdict(list)
    for picture, text, writer in zip(data["x"], data["text"], writers, strict=True):
        if (writer in aside) == held_out:
            letters = str(text).replace(" ", "")
            for letter, piece in zip(letters.upper() if "ß" not in letters else "", pieces(picture, len(letters)), strict=False):
                if letter in LETTERS:
                    shapes[LETTERS.index(letter)].append(piece)
    return dict(shapes)


def pieces(picture: Image, count: int) -> list[Image]:
    """A word's letters, 255 = ink, if white columns part it into `count` pieces at some slant; else none."""
    _, mask = cv2.threshold(picture, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    height, width = mask.shape
    for slant in sorted(SLANTS, key=abs):
        upright = np.asarray(cv2.warpAffine(mask, np.array([[1, slant, -slant * height / 2], [0, 1, 0]]), (width, height)), np.uint8)
        inked = np.diff(np.concatenate([[0], upright.any(axis=0).astype(np.int8), [0]]))
        spans = [(a, b) for a, b in zip(np.flatnonzero(inked == 1), np.flatnonzero(inked == -1), strict=True) if b - a >= LEAST_PIECE_PX]
        if len(spans) == count:
            found = [cut_to_ink(upright[:, a:b]) for a, b in spans]
            return found if all(_is_letter(piece, height) for piece in found) else []
    return []


def _is_letter(piece: Image, height: int) -> bool:
    """Not two letters that touch beside one that broke in two."""
    high, wide = piece.shape
    return bool(high >= LOWEST * height and wide <= WIDEST * height)
