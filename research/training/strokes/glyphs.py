"""Single letters and digits of UNIPEN writers as shapes for boxes.

A shape is grey, 255 = ink, cut to its ink and about 64 px high, as `digits/glyphs.py` and
`handwriting/letters.py` have them. Writers are held out as for lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator

from pipeline.domain.model import Image
from research.training.digits.glyphs import GLYPH_HEIGHT, cut_to_ink
from research.training.handwriting.alignment import align_lines
from research.training.handwriting.compose_lines import BASE_LETTERS
from research.training.handwriting.letters import (
    CUT_LETTERS,
    CutLetter,
    LetterContents,
    cut_letters,
    load_letter_digits,
    make_contents,
)
from research.training.handwriting.lines import find_fonts, load_dhsd
from research.training.strokes.compose import draw_accents
from research.training.strokes.pen import bend_strokes, choose_pen, draw_ink, smooth_strokes
from research.training.strokes.pieces import PieceWriter, make_piece_writer
from research.training.strokes.samples import StrokeFile, Strokes, load_stroke_file

SEED = 20261130
SAMPLES_EACH = 40
"""How many shapes of a sign each writer gives at most."""
CAPITALS_PER_GLYPH = 1.65
"""Height of a shape, in heights of small letters, by which a pen's width is given."""
CUT_WRONGLY = ("ibm",)
"""Contributors whose digits are partly cut wrongly."""
MAX_SHAPE = 3.0
"""A sign that is wider than this for its height is something else; a 1 or an l is narrow."""


def draw_glyph(strokes: Strokes, rng: Generator) -> Image:
    """Return the shape of a letter or digit, bent a little and drawn by some pen."""
    if rng.random() < 0.5:
        strokes = smooth_strokes(strokes)
    bent = bend_strokes(strokes, rng, 0.5)
    y = np.concatenate(bent)[:, 1]
    scale = GLYPH_HEIGHT / max(float(np.ptp(y)), 1e-3)
    pen = choose_pen(rng)
    width = max(1.5, pen.width * GLYPH_HEIGHT / CAPITALS_PER_GLYPH)
    drawn = draw_ink(tuple(stroke * np.float32(scale) for stroke in bent), width, pen, rng)
    # Ink is full: what a pen leaves on paper is drawn with the row.
    ink = (255 - drawn.astype(np.float32)) * (255 / max(1, 255 - pen.darkness))
    return cut_to_ink(np.clip(ink, 0, 255).astype(np.uint8))


def load_stroke_digits(file: Path, *, held_out: bool) -> dict[int, list[Image]]:
    """Return shapes of each digit, of the writers to train on or (`held_out`) of the others."""
    rng = np.random.default_rng([SEED, held_out])
    shapes: dict[int, list[Image]] = defaultdict(list)
    strokes = load_stroke_file(file)
    for place in _iter_places(strokes, ("digit",), held=held_out):
        if strokes.writers[strokes.writer[place]].split("/")[0] not in CUT_WRONGLY:
            shapes[int(strokes.texts[place])].append(draw_glyph(strokes.read(place).strokes, rng))
    return dict(shapes)


def load_stroke_letters(file: Path, *, held_out: bool) -> list[CutLetter]:
    """Return shapes of capitals and small letters, of one side of the split."""
    rng = np.random.default_rng([SEED, held_out])
    strokes = load_stroke_file(file)
    by_writer: dict[str, list[int]] = defaultdict(list)
    for place in _iter_places(strokes, ("capital", "small"), held=held_out):
        by_writer[strokes.writers[strokes.writer[place]]].append(place)
    found = []
    for writer, places in by_writer.items():
        hand = make_piece_writer(strokes, writer, places, {})
        for place in places:
            sample = strokes.read(place)
            shape = draw_glyph(sample.strokes, rng)
            found.append(CutLetter(sample.text, shape, sample.writer))
        found += _draw_accented(hand, rng)
    return found


def _draw_accented(hand: PieceWriter, rng: Generator) -> Iterator[CutLetter]:
    """Yield the writer's a and o with rings and dots as this person writes them."""
    for piece in hand.letters:
        for letter, base in BASE_LETTERS.items():
            if base == piece.text:
                marks = draw_accents(hand, piece, letter, rng)
                shape = draw_glyph((*piece.strokes, *marks), rng)
                yield CutLetter(letter, shape, hand.writer)


@lru_cache(maxsize=2)
def load_box_letters(
    data: Path, print_fonts: tuple[Path, ...], *, held_out: bool
) -> LetterContents:
    """Return everything that is drawn in letter boxes, of one side of the split.

    `data` has UNIPEN, DHSD, optdigits and fonts; every sixth printed face is held out.
    """
    words = load_dhsd(data / "dhsd_words.npz", held=held_out)
    prints = [f for i, f in enumerate(print_fonts) if (i % 6 == 5) == held_out]
    return make_contents(
        [
            *cut_letters(align_lines(words), CUT_LETTERS),
            *load_stroke_letters(data / "unipen_strokes.npz", held_out=held_out),
        ],
        find_fonts(data / "fonts_train", held=held_out),
        prints,
        load_letter_digits(data / "optdigits.npz", held_out=held_out),
    )


def _iter_places(strokes: StrokeFile, kinds: tuple[str, ...], *, held: bool) -> Iterator[int]:
    """Yield at most `SAMPLES_EACH` samples of a writer's sign."""
    seen: dict[tuple[int, str], int] = defaultdict(int)
    for place in strokes.find(*kinds, held=held):
        sign = int(strokes.writer[place]), strokes.texts[place]
        if len(sign[1]) != 1 or seen[sign] == SAMPLES_EACH:
            continue
        width, height = strokes.read_size(place)
        if width < MAX_SHAPE * height:
            seen[sign] += 1
            yield place
