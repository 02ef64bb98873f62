"""Compose Swedish text from pieces of one writer's lines; the marks of å, ä and ö are drawn.

There are few Swedish writers to train on. What a network learns from German and French lines
besides their letters is which letters follow each other; these lines teach it for Swedish, in the
same writing. Pieces are as long as the writer's lines allow, so that most joins are real. They have
one height and one baseline, and are joined where they were cut.

Short texts of held-out people are composed too: lines are judged on them, next to the lines that
these people wrote in other languages. Knowledge of Swedish corrects Swedish words and misleads on
German and French ones. A probability that was fitted to those alone is too low for Swedish writers;
real Swedish writers are too few to fit to.

Lines are also cut into stretches of a few words, as in a field: what people write there is seldom a
whole line of running text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.line_image import cut_columns
from pipeline.reading.imaging.pixels import Mask
from research.training.handwriting.alignment import AlignedLine, align_lines
from research.training.handwriting.augment import InkImage, UnaccentedLetter, add_accent
from research.training.handwriting.letters import LetterCut, find_cuts, mask_between
from research.training.handwriting.lines import TrainingLine, cut_clean_ink
from research.training.handwriting.texts import draw_text
from research.training.language_model.build import unknown_phrases

BASE_LETTERS = {"å": "a", "ä": "a", "ö": "o", "Å": "A", "Ä": "A", "Ö": "O"}
"""The letters from which an accent makes others."""
X_HEIGHT_PX = 26.0
"""Height of small letters on the sheet."""
WORD_GAP = (0.6, 1.6)
"""White between words, in heights of small letters."""
BASELINE_SPREAD = 0.03
"""How far letters leave the baseline (standard deviation), in heights of small letters."""
MAX_CUT_WHITE_PX = 2.0
"""White that is left at a cut, at most."""
NETWORK_DELAY = 0.1
"""How far right of a letter's middle the network answers, in heights of the line.

4.8 px of 48 behind the middle of white between words.
"""
MIN_X_HEIGHT_INK = 0.45
"""Rows with this share of the fullest row's ink contain small letters."""
MIN_X_HEIGHT_PX = 8
INK_THRESHOLD = 0.4
MAX_PIECE_LETTERS = 6
"""Letters of a piece."""
LONGEST_PIECE_P = 0.8
"""How often the longest piece that a writer has is taken, and not a shorter one."""
MAX_BORROWED_SHARE = 0.15
"""Share of a text's letters that may come from other writers.

It holds unless the caller says otherwise.
"""
MIN_FIT = -0.4
"""Lines with a worse fit (mean logarithm of p per letter) were read too badly to be cut."""
MIN_PIECES = 60
"""Different pieces that a writer must have."""
TEXT_WORD_COUNTS = (1, 1, 2, 3)
"""How many words a text has, as in a field."""
MAX_TRIES = 20
"""Texts that are drawn for each wanted one, at most: a writer lacks letters of many."""
STRETCH_WORD_COUNTS = (1, 2, 3, 4)
"""How many words a stretch has."""
INK_LEVEL = 128
MAX_GAP_OFFSET = 0.6
"""How far from the network's place a gap between words is searched, in heights of the line."""
MIN_GAP_WIDTH = 0.08
"""The least width of a gap, in heights of the line.

Where there is none, two words stay together.
"""


SHEET_HEIGHT, SHEET_BASELINE, GROWTH_PX = 6.0, 3.6, 400
"""Height of the sheet and its baseline, in heights of small letters.

Also the growth of its width, px.
"""


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line cut into letters.

    `ink` (255 most) and `mask` are its picture; `cuts` part its letters (none at both ends), and
    `edges` are the columns where they do so at the height of small letters; `middles` are its
    letters' columns, `top` and `base` the rows between which small letters are.
    """

    text: str
    ink: Image
    mask: Mask
    cuts: tuple[LetterCut | None, ...]
    edges: tuple[float, ...]
    middles: tuple[float, ...]
    top: float
    base: float

    @property
    def scale(self) -> float:
        """The factor from its px to those of a sheet."""
        return X_HEIGHT_PX / (self.base - self.top)


def cut_written_line(placed: AlignedLine) -> WrittenLine | None:
    """Cut a line between letters whose places are known.

    None where small letters are too low to be distinguished from dirt.
    """
    ink = (255 - placed.line.picture).astype(np.uint8)
    # Otsu threshold of the line.
    _, dark = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = np.asarray(dark > 0, np.bool_)
    # Profile of ink by row; its full rows are those of small letters.
    rows = cv2.GaussianBlur(mask.sum(axis=1).astype(np.float32)[:, None], (1, 5), 0)[:, 0]
    full = np.flatnonzero(rows >= MIN_X_HEIGHT_INK * rows.max())
    top, base = float(full[0]), float(full[-1] + 1)
    if base - top < MIN_X_HEIGHT_PX:
        return None
    height, width = mask.shape
    # The network answers slightly to the right of a letter's middle.
    middles = tuple(x - NETWORK_DELAY * height for x in placed.middles)
    cuts = find_cuts(mask, middles)
    # Where each cut crosses the middle of small letters.
    columns = [cut.column - cut.slant * ((top + base) / 2 - height / 2) for cut in cuts]
    return WrittenLine(
        placed.line.text,
        ink,
        mask,
        (None, *cuts, None),
        (0.0, *columns, float(width)),
        middles,
        top,
        base,
    )


class PieceSheet:
    """White paper that pieces are put on, from left to right."""

    def __init__(self, rng: Generator) -> None:
        self._rng = rng
        self._ink = np.zeros((round(SHEET_HEIGHT * X_HEIGHT_PX), GROWTH_PX), np.float32)
        self._x = X_HEIGHT_PX
        self._joins = False

    def begin_word(self) -> None:
        """Leave white before the next word."""
        self._x += X_HEIGHT_PX * float(self._rng.uniform(*WORD_GAP))
        self._joins = False

    def put(self, line: WrittenLine, first: int, text: str) -> None:
        """Add the letters of a line from number `first` on.

        `text` is what they are to say, with accents that they may lack.
        """
        # The part of the line between two cuts.
        own = mask_between(line.mask, line.cuts[first], line.cuts[first + len(text)])
        columns = np.flatnonzero(own.any(axis=0))
        if not len(columns):
            return
        left, right = self._sides(line, first, first + len(text), int(columns[0]), int(columns[-1]))
        from_x, to_x = max(0, int(columns[0]) - 2), int(columns[-1]) + 3
        # Place it at the current position, on the baseline with some deviation.
        at, base = (
            self._x + (from_x - left) * line.scale,
            (SHEET_BASELINE + self._rng.normal(0, BASELINE_SPREAD)) * X_HEIGHT_PX,
        )
        start = max(0, int(at))
        # Keep the antialiased edge of the piece, but no ink of its neighbours.
        grown = cv2.dilate(own[:, from_x:to_x].view(np.uint8), np.ones((3, 3), np.uint8))
        piece = (line.ink[:, from_x:to_x] * grown).astype(np.float32) / np.float32(255)
        # Draw it at the sheet's scale.
        shown = self._drawn(piece, line.scale, (at - start, base - line.base * line.scale), start)
        # Add the accents that the piece lacks.
        for i, letter in enumerate(text, first):
            if line.text[i] == BASE_LETTERS.get(letter):
                middle = self._x + (line.middles[i] - left) * line.scale
                top = _letter_top(shown, middle - start, base)
                unaccented = UnaccentedLetter(letter, middle, top, X_HEIGHT_PX, float(shown.max()))
                add_accent(self._ink, unaccented, self._rng)
        self._x += (right - left) * line.scale
        self._joins = True

    def _sides(
        self, line: WrittenLine, first: int, end: int, left_ink: int, right_ink: int
    ) -> tuple[float, float]:
        """Return where a piece begins and ends: at its cuts, or near its ink in white."""
        # White at a cut is limited to `MAX_CUT_WHITE_PX` at the sheet's scale.
        near = MAX_CUT_WHITE_PX / line.scale
        left, right = line.edges[first], min(line.edges[end], right_ink + near)
        # A new word begins at its ink; others keep the cut's white, up to the limit.
        if not self._joins:
            left = float(left_ink)
        elif left_ink > left + 2 * near:
            left = left_ink - near
        return left, right

    def _drawn(
        self, piece: InkImage, scale: float, to: tuple[float, float], start: int
    ) -> InkImage:
        """Put a piece at the sheet's scale on it, from a column on."""
        shape = (int(piece.shape[1] * scale) + 2, self._ink.shape[0])
        # Enlarge the sheet if the piece does not fit.
        lacking = start + shape[0] + round(X_HEIGHT_PX) - self._ink.shape[1]
        if lacking > 0:
            self._ink = np.pad(self._ink, ((0, 0), (0, lacking + GROWTH_PX)))
        # Scale, and translate to the place.
        moved = np.array([[scale, 0, to[0]], [0, scale, to[1]]])
        shown = np.clip(
            cv2.warpAffine(
                piece, moved, shape, flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            ),
            0,
            1,
        )
        # Darker ink wins where pieces overlap.
        here = self._ink[:, start : start + shape[0]]
        np.maximum(here, shown, out=here)
        return np.asarray(shown, np.float32)

    def picture(self) -> Image | None:
        """Return ink on white, cut to it; None without any."""
        return cut_clean_ink((255 - 255 * self._ink).astype(np.uint8))


def _letter_top(shown: InkImage, middle: float, base: float) -> float:
    """Return the row where the ink around a letter begins.

    As high as small letters if there is none.
    """
    # The columns around the letter's middle.
    around = shown[
        :, max(0, round(middle - 0.4 * X_HEIGHT_PX)) : max(1, round(middle + 0.4 * X_HEIGHT_PX))
    ]
    rows = np.flatnonzero((around > INK_THRESHOLD).any(axis=1))
    return float(rows[0]) if len(rows) else base - X_HEIGHT_PX


@dataclass(frozen=True, slots=True)
class LetterWriter:
    """What one person wrote: lines, and where in them each short text is.

    A place is the number of the line and of the letter.
    """

    writer: str
    lines: list[WrittenLine] = field(default_factory=list)
    places: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, line: WrittenLine) -> None:
        """Add one more line."""
        # Index all pieces within words, by their text.
        for start in range(len(line.text)):
            for end in range(start + 1, min(start + MAX_PIECE_LETTERS, len(line.text)) + 1):
                if " " in (piece := line.text[start:end]):
                    break
                self.places[piece].append((len(self.lines), start))
        self.lines.append(line)

    def piece(self, text: str, rng: Generator) -> tuple[WrittenLine, int]:
        """Return a line with the text, and the letter in it that the text begins with."""
        where = self.places[text]
        line, place = where[int(rng.integers(len(where)))]
        return self.lines[line], place


@dataclass(frozen=True, slots=True)
class LetterWriters:
    """All writers, and everything that they wrote, to borrow from."""

    single: list[LetterWriter]
    all: LetterWriter

    def composed(
        self, text: str, rng: Generator, borrowed: float = MAX_BORROWED_SHARE
    ) -> TrainingLine | None:
        """Return a text in the letters of one writer.

        None where more than the share `borrowed` of its letters would have to come from others, and
        for numbers.

        A letter that was cut wrongly is soon repaired by its neighbours, a digit never.
        """
        hand = self.single[int(rng.integers(len(self.single)))]
        # Use the writer's own å, ä and ö in half of the cases where there are any.
        plain = "".join(
            BASE_LETTERS[c]
            if c in BASE_LETTERS and (c not in hand.places or rng.random() < 0.5)
            else c
            for c in text
        )
        # Refuse numbers, texts with too many letters from others, and letters that nobody has.
        letters = [c for c in plain if c != " "]
        lacking = [c for c in letters if c not in hand.places]
        if (
            re.search(r"\d", text)
            or len(lacking) > borrowed * len(letters)
            or any(c not in self.all.places for c in lacking)
        ):
            return None
        # Put the word together from pieces, borrowing only what the writer lacks.
        sheet = PieceSheet(rng)
        for word in re.finditer(r"\S+", plain):
            sheet.begin_word()
            for start, piece in _find_pieces(hand, word[0], rng):
                line, place = (hand if piece in hand.places else self.all).piece(piece, rng)
                at = word.start() + start
                sheet.put(line, place, text[at : at + len(piece)])
        picture = sheet.picture()
        return None if picture is None else TrainingLine(picture, text, hand.writer)


def _find_pieces(hand: LetterWriter, word: str, rng: Generator) -> Iterator[tuple[int, str]]:
    """Return the pieces of a word and where each begins.

    A letter that the writer lacks is a piece of its own.
    """
    at = 0
    while at < len(word):
        # The longest piece of the writer that continues the word.
        longest = next(
            (
                n
                for n in range(min(MAX_PIECE_LETTERS, len(word) - at), 1, -1)
                if word[at : at + n] in hand.places
            ),
            1,
        )
        # Mostly that one; sometimes a shorter one, for variety.
        piece = word[
            at : at
            + (longest if rng.random() < LONGEST_PIECE_P else int(rng.integers(1, longest + 1)))
        ]
        yield at, piece
        at += len(piece)


def make_letter_writers(lines: Sequence[TrainingLine]) -> LetterWriters:
    """Return the writers of lines that the network can align with their text.

    Raises:
        MissingProgramError: the network's file is not installed.
    """
    found: dict[str, LetterWriter] = {}
    everyone = LetterWriter("")
    for line in align_lines(lines):
        # Lines with a poor alignment would be cut in the wrong places.
        cut = cut_written_line(line) if line.fit >= MIN_FIT else None
        if cut is not None:
            found.setdefault(line.line.writer, LetterWriter(line.line.writer)).add(cut)
            everyone.add(cut)
    # Writers with few pieces cannot compose anything.
    return LetterWriters(
        [hand for hand in found.values() if len(hand.places) > MIN_PIECES], everyone
    )


def compose_swedish_texts(
    lines: Sequence[TrainingLine], count: int, rng: Generator
) -> list[TrainingLine]:
    """Return texts of one to three words, composed from the lines.

    Of the care phrases only those that the language model does not know.

    Fewer than `count` if the lines are too few to put them together.

    Raises:
        MissingProgramError: the handwriting network is not installed.
    """
    people, phrases = make_letter_writers(lines), unknown_phrases()
    found: list[TrainingLine] = []
    # A writer may lack letters of a text, so more texts are tried than are wanted.
    for _ in range(MAX_TRIES * count if people.single else 0):
        if len(found) == count:
            break
        line = people.composed(_shorten_text(draw_text(rng, phrases), rng), rng)
        found += [line] if line is not None else []
    return found


def _shorten_text(text: str, rng: Generator) -> str:
    words = text.split()
    start, length = int(rng.integers(len(words))), int(rng.choice(TEXT_WORD_COUNTS))
    return " ".join(words[start : start + length])


def cut_into_stretches(lines: Sequence[TrainingLine], rng: Generator) -> list[TrainingLine]:
    """Cut each line at some of its gaps.

    Only lines that the network can align with their text.
    """
    return [part for word in align_lines(lines) for part in _cut_line(word, rng)]


def _cut_line(line: AlignedLine, rng: Generator) -> Iterator[TrainingLine]:
    text, start_px, start = line.line.text, 0, 0
    left = int(rng.choice(STRETCH_WORD_COUNTS))
    # Cut at a space once the stretch has enough words, if there is a gap in the ink.
    for at, sign in enumerate(text):
        left -= sign == " "
        if (
            sign == " "
            and left <= 0
            and (cut := _find_gap(line.line.picture, line.middles[at])) is not None
        ):
            yield from _cut_part(line.line, text[start:at], start_px, cut)
            start_px, start, left = cut, at + 1, int(rng.choice(STRETCH_WORD_COUNTS))
    # The remainder of a line that was cut.
    if start:
        yield from _cut_part(line.line, text[start:], start_px, line.line.picture.shape[1])


def _cut_part(line: TrainingLine, text: str, start: int, end: int) -> Iterator[TrainingLine]:
    cut = cut_columns(line.picture, start, end)
    if cut is not None and text.strip():
        yield TrainingLine(cut.picture, text.strip(), line.writer)


def _find_gap(picture: Image, middle: float) -> int | None:
    """Return the middle of the widest run of white columns near a place (px), if wide enough."""
    # Search around the place where the network read the space.
    reach = MAX_GAP_OFFSET * picture.shape[0]
    first, last = max(0, round(middle - reach)), min(picture.shape[1], round(middle + reach))
    white = ~(picture[:, first:last] < INK_LEVEL).any(axis=0)
    # Runs of white columns: pairs of edges.
    edges = np.flatnonzero(np.diff(white.astype(np.int8), prepend=0, append=0))
    runs = [(int(b - a), int(a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    width, at = max(runs, default=(0, 0))
    return first + at + width // 2 if width >= MIN_GAP_WIDTH * picture.shape[0] else None
