"""Cut single letters out of people's words, for training cells of letter boxes.

The handwriting network says where each letter of a word is, and the least ink between two letters
separates them. Letters come from DHSD's words and from fonts. Writers and font families are split
before anything else. German words begin with capitals; a capital Å, Ä or Ö is made of an A or an O
of the same people, since there are next to none. A small l alone is a stroke that might as well be
an I: it is left out.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.letters import CAPITAL_LETTERS, LETTER_SYMBOLS
from research.training.digits.corrections import draw_struck_out
from research.training.digits.glyphs import (
    OPTDIGITS_HELD_OUT,
    cut_to_ink,
    draw_scribble,
    enlarge,
    load_optdigits,
    render_character,
)
from research.training.handwriting.alignment import AlignedLine

CUT_SLANTS = np.linspace(-0.6, 0.6, 7)
"""Columns to the left for each row down; a cut may follow the slant of the writing."""
CUT_RANGE = (0.2, 0.8)
"""Two letters are separated in this range between their middles."""
MIN_FIT = -0.6
"""Words with a worse fit to their label are wrong, or were read too badly to be cut."""
MAX_SPECK_SHARE = 0.04
"""Ink smaller than this part of the largest piece belongs to something else.

The dots of ä and ö are larger.
"""
Mask = NDArray[np.bool_]
NON_LETTER_SIGNS = "347?+-=*#&%/"
"""Characters that no letter looks like."""
STROKE_LETTERS = "l"
CUT_LETTERS = "".join(c for c in CAPITAL_LETTERS + CAPITAL_LETTERS.lower() if c != STROKE_LETTERS)
MARKS_ALONE = (0, 1, 2, 4)
"""Cancelling marks that stand alone in a box; a cross there is the letter X."""
LOWERCASE_SHARE = 0.25
"""How often a letter is a small one."""
MIN_WRITTEN_SHAPES = 8
ACCENTED_BASES = {"Å": "A", "Ä": "A", "Ö": "O"}
MAX_ACCENTED = 150
LetterShapes = dict[int, list[Image]]


SLANT_COST, OFF_MIDDLE_COST = 0.8, 1.2
"""In px of ink that a cut goes through."""


MIN_LETTER_HEIGHT, MAX_LETTER_WIDTH = 0.15, 0.9
"""Height and width of a letter, in heights of the image of its word."""


@dataclass(frozen=True, slots=True)
class CutLetter:
    """A letter as it is in a word, 255 = ink, and its writer."""

    letter: str
    picture: Image
    writer: str


@dataclass(frozen=True, slots=True)
class LetterCut:
    """A line from top to bottom: the column that it passes at half the height, and its slant."""

    column: float
    slant: float


def cut_letters(words: Sequence[AlignedLine], letters: str) -> list[CutLetter]:
    """Return each of `letters` (capitals and small ones as they are) that can be cut out."""
    return [found for word in words if word.fit >= MIN_FIT for found in _cut_word(word, letters)]


def _cut_word(word: AlignedLine, letters: str) -> list[CutLetter]:
    ink = (255 - word.line.picture).astype(np.uint8)
    # Otsu threshold of the word.
    _, dark = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = np.asarray(dark > 0, np.bool_)
    # Cut between the middles that the network's alignment gives.
    cuts = find_cuts(mask, word.middles)
    found = []
    for i, letter in enumerate(word.line.text):
        if letter in letters:
            own = mask_between(mask, cuts[i - 1] if i else None, cuts[i] if i < len(cuts) else None)
            if (picture := _letter_image(ink, own)) is not None:
                found.append(CutLetter(letter, picture, word.line.writer))
    return found


def find_cuts(mask: Mask, middles: Sequence[float]) -> list[LetterCut]:
    """Return where one letter is separated from the next.

    Least ink, fairly upright and half way.
    """
    h, w = mask.shape
    # Shear the word by each slant: a cut at that slant becomes a column, whose ink is summed.
    columns = []
    for slant in CUT_SLANTS:
        upright = cv2.warpAffine(
            mask.astype(np.uint8), np.array([[1, slant, -slant * h / 2], [0, 1, 0]]), (w, h)
        )
        columns.append(np.asarray(upright, np.float64).sum(axis=0))
    ink = np.stack(columns)
    cuts = []
    # Candidates for a cut between two neighbouring letters.
    for left, right in itertools.pairwise(middles):
        gap = max(2.0, right - left)
        at = np.unique(
            np.clip(
                np.arange(left + CUT_RANGE[0] * gap, left + CUT_RANGE[1] * gap + 1), 0, w - 1
            ).astype(np.intp)
        )
        # Cost: ink that is cut, slant, and distance from half way between the letters.
        off = np.abs(at - (left + right) / 2) / gap
        cost = ink[:, at] + SLANT_COST * np.abs(CUT_SLANTS)[:, None] + OFF_MIDDLE_COST * off[None]
        way, place = np.unravel_index(int(cost.argmin()), cost.shape)
        cuts.append(LetterCut(float(at[place]), float(CUT_SLANTS[way])))
    return cuts


def mask_between(mask: Mask, left: LetterCut | None, right: LetterCut | None) -> Mask:
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    # Keep the side of each cut that the letter is on.
    own = mask.copy()
    if left:
        own &= x + left.slant * (y - mask.shape[0] / 2) >= left.column
    if right:
        own &= x + right.slant * (y - mask.shape[0] / 2) < right.column
    return own


def _letter_image(ink: Image, own: Mask) -> Image | None:
    """Return the ink of one letter without specks.

    None where there is too little or too much for a letter.
    """
    # Components of ink; small ones are specks or remains of neighbours.
    count, labels, stats, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0
    kept = np.asarray(
        (areas >= MAX_SPECK_SHARE * areas.max())[np.asarray(labels, np.intp)], np.bool_
    )
    # Refuse what is too low or too wide for a letter.
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    height = own.shape[0]
    if (
        rows[-1] - rows[0] < MIN_LETTER_HEIGHT * height
        or columns[-1] - columns[0] > MAX_LETTER_WIDTH * height
    ):
        return None
    # One more pixel around the ink, for its antialiased edge.
    around = cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8))
    return cut_to_ink((ink * around).astype(np.uint8))


WRITTEN_SHARE, PRINTED_SHARE = 0.6, 0.06
"""How often a letter comes from a person's word (if there are enough) and from print.

The others come from handwriting fonts.
"""


@dataclass(frozen=True, slots=True)
class CaseShapes:
    """Shapes of capitals, or of small letters, by class: from people's words and from fonts."""

    words: LetterShapes
    fonts: LetterShapes

    def any(self, letter: int, rng: Generator) -> Image:
        """Return one of them."""
        own = self.words.get(letter, [])
        return _choose_image(
            own
            if len(own) >= MIN_WRITTEN_SHAPES and rng.random() < WRITTEN_SHARE
            else self.fonts[letter],
            rng,
        )


@dataclass(frozen=True, slots=True)
class LetterContents:
    """Boxes for letters: capitals, small letters, print (there may be none), signs."""

    capitals: CaseShapes
    small: CaseShapes
    printed: LetterShapes
    signs: list[Image]
    empty: int = LETTER_SYMBOLS.index(" ")
    struck: int = LETTER_SYMBOLS.index("#")

    def cell(self, blanks: float, odd: float, rng: Generator) -> tuple[int, Image | None]:
        """Return a written letter, or something else that occurs in such a box."""
        # Empty, a letter, a sign that is no letter, or something struck out.
        if rng.random() < blanks:
            return self.empty, None
        letter = int(rng.integers(len(CAPITAL_LETTERS)))
        shape = self._shape(letter, rng)
        if rng.random() >= odd:
            return letter, shape
        if rng.random() < 0.45:
            return LETTER_SYMBOLS.index("?"), _choose_image(self.signs, rng)
        if rng.random() < 0.65:
            return self.struck, draw_struck_out(draw_scribble(int(rng.integers(5)), rng), shape)
        return self.struck, draw_scribble(int(rng.choice(MARKS_ALONE)), rng)

    def _shape(self, letter: int, rng: Generator) -> Image:
        # Print now and then; otherwise written capitals or small letters.
        if self.printed[letter] and rng.random() < PRINTED_SHARE:
            return _choose_image(self.printed[letter], rng)
        small = rng.random() < LOWERCASE_SHARE and CAPITAL_LETTERS[letter].lower() != STROKE_LETTERS
        return (self.small if small else self.capitals).any(letter, rng)


def _choose_image(images: list[Image], rng: Generator) -> Image:
    return images[int(rng.integers(len(images)))]


def load_letter_digits(file: Path, *, held_out: bool) -> list[Image]:
    """Return digits that people wrote and that look like no letter."""
    pictures, values = load_optdigits(file)
    part = slice(-OPTDIGITS_HELD_OUT, None) if held_out else slice(0, -OPTDIGITS_HELD_OUT)
    chosen = np.isin(values[part], [int(sign) for sign in NON_LETTER_SIGNS if sign.isdigit()])
    return [enlarge(picture, 2.0) for picture in pictures[part][chosen]]


def make_contents(
    cut: Sequence[CutLetter],
    hands: Sequence[Path],
    prints: Sequence[Path],
    signs: Sequence[Image] = (),
) -> LetterContents:
    """Return the shapes of letters cut from words, of handwriting fonts and of printed faces.

    `signs` are no letters.
    """
    # Accented capitals are rare in people's words: draw the accent on their A and O.
    capitals = group_by_letter([one for one in cut if one.letter.isupper()])
    for made, base in ACCENTED_BASES.items():
        plain = capitals.get(CAPITAL_LETTERS.index(base), [])[:MAX_ACCENTED]
        capitals.setdefault(CAPITAL_LETTERS.index(made), []).extend(
            add_accent_marks(picture, ring=made == "Å") for picture in plain
        )
    # The same for the small å.
    small = group_by_letter([one for one in cut if one.letter.islower()])
    small.setdefault(CAPITAL_LETTERS.index("Å"), []).extend(
        add_accent_marks(picture, ring=True) for picture in small.get(0, [])[:MAX_ACCENTED]
    )
    return LetterContents(
        CaseShapes(
            capitals,
            {i: [render_character(f, c) for f in hands] for i, c in enumerate(CAPITAL_LETTERS)},
        ),
        CaseShapes(
            small,
            {
                i: [render_character(f, c.lower()) for f in hands]
                for i, c in enumerate(CAPITAL_LETTERS)
            },
        ),
        {i: [render_character(f, c) for f in prints] for i, c in enumerate(CAPITAL_LETTERS)},
        [*(render_character(f, c) for f in hands for c in NON_LETTER_SIGNS), *signs],
    )


def group_by_letter(cut: Sequence[CutLetter]) -> LetterShapes:
    """Return images by the place of their letter in the alphabet."""
    shapes: LetterShapes = defaultdict(list)
    for one in cut:
        shapes[CAPITAL_LETTERS.index(one.letter.upper())].append(one.picture)
    return dict(shapes)


def add_accent_marks(picture: Image, *, ring: bool) -> Image:
    """Draw a ring or two dots above A or O, as thick as the letter's own stroke."""
    # Make room above the letter.
    height, width = picture.shape
    above = round(0.34 * height)
    out = np.pad(picture, ((above, 0), (2, 2)))
    # Stroke width: ink divided by an assumed stroke length of 3.2 heights.
    thick = max(1, round(float((picture > 127).sum()) / max(1.0, 3.2 * height)))
    middle, y = out.shape[1] // 2, round(0.45 * above)
    if ring:
        cv2.circle(out, (middle, y), max(2, round(0.36 * above)), (255,), thick, cv2.LINE_AA)
    else:
        for side in (-1, 1):
            cv2.circle(
                out,
                (middle + side * max(3, round(0.2 * width)), y),
                max(1, thick),
                (255,),
                -1,
                cv2.LINE_AA,
            )
    return cut_to_ink(out)
