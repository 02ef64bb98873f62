"""Rows of letter boxes in one person's capitals, as the line network is shown them.

The product cuts each box out and puts the letters of a row side by side
(`pipeline/reading/fields/digits/letters.py`). Letters are drawn at random, so that the shape alone
says what they are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from numpy.random import Generator

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.letters import (
    CAPITAL_LETTERS,
    LETTER_SYMBOLS,
    compose_letter_line,
)
from research.training.digits.rows import CONDITIONS, draw_row
from research.training.handwriting.compose_lines import BASE_LETTERS
from research.training.handwriting.lines import TrainingLine
from research.training.strokes.compose import draw_accents
from research.training.strokes.glyphs import draw_glyph
from research.training.strokes.pieces import Piece, PieceWriter

MIN_CAPITALS = 12
"""Different capitals that a writer must have."""
MIN_INK_LEVEL = 60
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
    inked = [bool((cell > MIN_INK_LEVEL).any()) for cell in cells]
    if "#" in text or not text.strip() or inked != [sign != " " for sign in text]:
        return None
    # An empty box between two letters is a space.
    return TrainingLine(compose_letter_line(cells), " ".join(text.split()), hand.writer)
