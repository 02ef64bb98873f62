"""Rows of letter boxes in one person's capitals, as lines for the line network.

Each box is cut out as for reading, and the letters of a row are put side by side. They are drawn
at random, so that the shape alone says what they are: the network learns capitals.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.network import LINE_HEIGHT
from pipeline.reading.fields.letters import CAPITAL_LETTERS, INK_LEVEL, LETTER_SYMBOLS
from research.training.digits.rows import CONDITIONS, draw_row
from research.training.handwriting.compose_lines import BASE_LETTERS
from research.training.handwriting.lines import TrainingLine
from research.training.strokes.compose import draw_accents
from research.training.strokes.glyphs import draw_glyph
from research.training.strokes.pieces import Piece, PieceWriter

MIN_CAPITALS = 12
"""Different capitals that a writer must have."""
SLOT_WIDTH_PX, LETTER_HEIGHT_PX, BASELINE_PX = 40, 32, 39
"""Width of a box, height of a letter and its baseline in the line."""
EMPTY_SHARE = 0.3
"""How often a box is empty, in rows with empty boxes."""


@dataclass(frozen=True, slots=True)
class WriterBoxes:
    """Boxes for the capitals of one writer; nothing is struck out or foreign."""

    hand: PieceWriter
    capitals: dict[str, list[Piece]]
    empty: int = LETTER_SYMBOLS.index(" ")
    struck: int = LETTER_SYMBOLS.index("#")

    def cell(self, blanks: float, odd: float, rng: Generator) -> tuple[int, Image | None]:
        """Return a capital, or now and then an empty box."""
        if rng.random() < EMPTY_SHARE * blanks * (1 - odd):
            return self.empty, None
        letter = CAPITAL_LETTERS[int(rng.integers(len(CAPITAL_LETTERS)))]
        # A letter that the writer lacks is replaced by one that is there.
        if (plain := BASE_LETTERS.get(letter, letter)) not in self.capitals:
            letter = plain = list(self.capitals)[int(rng.integers(len(self.capitals)))]
        own = self.capitals[plain]
        piece = own[int(rng.integers(len(own)))]
        marks = draw_accents(self.hand, piece, letter, rng)
        return CAPITAL_LETTERS.index(letter), draw_glyph((*piece.strokes, *marks), rng)


def draw_letter_row(hand: PieceWriter, rng: Generator) -> TrainingLine | None:
    """Return a row of a writer's capitals in boxes; None if the writer has too few."""
    capitals: dict[str, list[Piece]] = defaultdict(list)
    for piece in hand.letters:
        if piece.text.isupper():
            capitals[piece.text].append(piece)
    if len(capitals) < MIN_CAPITALS:
        return None
    row = draw_row(WriterBoxes(hand, dict(capitals)), str(rng.choice(CONDITIONS)), rng)
    cells = row.pictures()
    text = "".join(LETTER_SYMBOLS[label] for label in row.labels)
    # A box that lost its ink, or a row struck out, is nothing to read.
    inked = [bool((cell > INK_LEVEL).any()) for cell in cells]
    if "#" in text or not text.strip() or inked != [sign != " " for sign in text]:
        return None
    # An empty box between two letters is a space.
    return TrainingLine(_compose_letter_line(cells), " ".join(text.split()), hand.writer)


def _compose_letter_line(cells: Image) -> Image:
    """Put the letters of a row (cells, 32, 32), 255 = ink, into a line, dark on white."""
    line = np.full((LINE_HEIGHT, SLOT_WIDTH_PX * len(cells)), 255, np.uint8)
    for i, cell in enumerate(cells):
        # Boxes without ink are left white.
        if (cell > INK_LEVEL).any():
            letter = _resize_letter(cell)
            left = i * SLOT_WIDTH_PX + (SLOT_WIDTH_PX - letter.shape[1]) // 2
            line[BASELINE_PX - letter.shape[0] : BASELINE_PX, left : left + letter.shape[1]] = (
                letter
            )
    return line


def _resize_letter(cell: Image) -> Image:
    """Cut a cell to its ink and scale it to the usual height of a letter."""
    rows, columns = (np.flatnonzero((cell > INK_LEVEL).any(axis=axis)) for axis in (1, 0))
    cut = (255 - cell[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).astype(np.uint8)
    # A wide letter is scaled by its width.
    scale = LETTER_HEIGHT_PX / max(cut.shape[0], 0.8 * cut.shape[1])
    size = (
        min(SLOT_WIDTH_PX - 2, max(4, round(cut.shape[1] * scale))),
        max(4, round(cut.shape[0] * scale)),
    )
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC), np.uint8)
