"""Swedish text in people's own letters: pieces are cut out of lines of one hand and put together anew, å, ä and ö with the ring and dots drawn.

There are few Swedish hands to train on. What a network learns from German and French lines besides their letters is which letters follow each other;
these lines say so for Swedish, in the same hands. Pieces are as long as the hand's lines allow, so that most joins are real.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from numpy.random import Generator

from pipeline.training.alignment import placed
from pipeline.training.drawn_accents import PLAIN
from pipeline.training.handwriting_data import Line
from pipeline.training.piece_sheet import PieceSheet, WrittenLine, written_line

LONGEST = 6
"""Letters of a piece."""
WHOLE = 0.8
"""How often the longest piece that a hand has is taken, and not a shorter one."""
BORROWED = 0.15
"""At most this share of a text's letters may come from other hands, unless the caller says otherwise."""
LEAST_FIT = -0.4
"""Lines that fit their text worse (mean logarithm of p a letter) were read too badly to be cut."""
FEWEST = 60
"""Different pieces that make a hand."""


@dataclass(frozen=True, slots=True)
class Hand:
    """What one person wrote: lines, and where in them each short text stands, as the line's number and the letter's."""

    writer: str
    lines: list[WrittenLine] = field(default_factory=list)
    places: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, line: WrittenLine) -> None:
        """Take in one more line."""
        for start in range(len(line.text)):
            for end in range(start + 1, min(start + LONGEST, len(line.text)) + 1):
                if " " in (piece := line.text[start:end]):
                    break
                self.places[piece].append((len(self.lines), start))
        self.lines.append(line)

    def piece(self, text: str, rng: Generator) -> tuple[WrittenLine, int]:
        """A line with the text, and the letter in it that the text begins with."""
        where = self.places[text]
        line, place = where[int(rng.integers(len(where)))]
        return self.lines[line], place


@dataclass(frozen=True, slots=True)
class Hands:
    """All hands, and everything that all of them wrote, to borrow from."""

    single: list[Hand]
    all: Hand

    def composed(self, text: str, rng: Generator, borrowed: float = BORROWED) -> Line | None:
        """A text in one of the hands; None where more than the share `borrowed` of its letters would have to come from others, and for numbers.

        A letter that was cut wrongly is soon mended by its neighbours, a digit never.
        """
        hand = self.single[int(rng.integers(len(self.single)))]
        plain = "".join(PLAIN[c] if c in PLAIN and (c not in hand.places or rng.random() < 0.5) else c for c in text)
        letters = [c for c in plain if c != " "]
        lacking = [c for c in letters if c not in hand.places]
        if re.search(r"\d", text) or len(lacking) > borrowed * len(letters) or any(c not in self.all.places for c in lacking):
            return None
        sheet = PieceSheet(rng)
        for word in re.finditer(r"\S+", plain):
            sheet.begin_word()
            for start, piece in _pieces(hand, word[0], rng):
                line, place = (hand if piece in hand.places else self.all).piece(piece, rng)
                at = word.start() + start
                sheet.put(line, place, text[at : at + len(piece)])
        picture = sheet.picture()
        return None if picture is None else Line(picture, text, hand.writer)


def _pieces(hand: Hand, word: str, rng: Generator) -> Iterator[tuple[int, str]]:
    """The pieces of a word and where each begins; a letter that the hand lacks is one by itself."""
    at = 0
    while at < len(word):
        longest = next((n for n in range(min(LONGEST, len(word) - at), 1, -1) if word[at : at + n] in hand.places), 1)
        piece = word[at : at + (longest if rng.random() < WHOLE else int(rng.integers(1, longest + 1)))]
        yield at, piece
        at += len(piece)


def hands(lines: Sequence[Line]) -> Hands:
    """The hands of lines that the network can lay along their text.

    Raises:
        MissingProgramError: the network's file is not installed.
    """
    found: dict[str, Hand] = {}
    everyone = Hand("")
    for line in placed(lines):
        cut = written_line(line) if line.fit >= LEAST_FIT else None
        if cut is not None:
            found.setdefault(line.line.writer, Hand(line.line.writer)).add(cut)
            everyone.add(cut)
    return Hands([hand for hand in found.values() if len(hand.places) > FEWEST], everyone)
