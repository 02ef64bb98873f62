"""What one writer wrote, cut into pieces that other text can be put together from.

Pieces are strokes in heights of small letters, on a baseline at 0, so that all of one writer's fit
each other. Words are cut where the network says that letters part and least ink is in the way;
letters and digits that were written alone are pieces as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from research.training.strokes.labels import CheckedLabel
from research.training.strokes.samples import Points, StrokeFile, Strokes, StrokeSample

MAX_PIECE_LETTERS = 6
NETWORK_DELAY_UNITS = 40.0
"""How far right of a letter's middle the network answers, in units of the file."""
MIN_CUT_FIT = -0.8
"""Labels that fit worse (mean logarithm of p per letter) do not say where letters are."""
CUT_RANGE = np.linspace(0.2, 0.8, 9)
"""Where between two letters' middles a cut may be."""
OFF_MIDDLE_COST = 1.5
"""In strokes that a cut goes through, for a cut at a letter's middle."""
ROW_COUNT = 40
"""Rows in which the height of small letters is searched."""
FULL_ROW = 0.45
"""Rows with this share of the fullest row's ink contain small letters."""
MIN_X_HEIGHT, MAX_X_HEIGHT = 0.2, 0.95
"""Height of small letters, as part of the whole height."""
CAPITAL_HEIGHT = 1.65
"""Height of capitals and digits, in heights of small letters."""
WHOLE_STROKE = 1.3
"""A stroke no longer than this, in distances of letters, belongs to one letter: a dot or a bar."""
MAX_CUT_WHITE = 0.25
"""White that is left on each side of a piece at most, in heights of small letters."""
TOPS = {
    **dict.fromkeys("acemnorsuvwxzgpqy", 1.0),
    **dict.fromkeys("bdfhkl", 1.75),
    **dict.fromkeys("ij", 1.5),
    "t": 1.45,
}
"""Height of a small letter above the baseline, in heights of small letters."""
FEET = {**dict.fromkeys("gpqy", 0.75), "j": 0.7, "Q": 0.2, "J": 0.1}
"""How far a letter reaches below the baseline."""
DOT_SIZE = 0.45
"""A dot is smaller than this, in heights of small letters."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Strokes of a few letters, in heights of small letters, from x = 0 to `width`.

    `middles` and `tops` are those of its letters.
    """

    strokes: Strokes
    text: str
    width: float
    middles: tuple[float, ...]
    tops: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CutWord:
    """A word or line in heights of small letters on a baseline at 0, and where its letters part.

    `edges` has one more than letters.
    """

    strokes: Strokes
    text: str
    edges: tuple[float, ...]
    middles: tuple[float, ...]

    def piece(self, first: int, end: int) -> Piece | None:
        """Return its letters from one place to another; None where they have no ink."""
        left, right = self.edges[first], self.edges[end]
        pitch = (right - left) / (end - first)
        strokes = [
            part for stroke in self.strokes for part in _cut_stroke(stroke, left, right, pitch)
        ]
        if not strokes:
            return None
        x = np.concatenate(strokes)[:, 0]
        # At most a little white beside the ink.
        left = max(left, float(x.min()) - MAX_CUT_WHITE)
        right = min(right, float(x.max()) + MAX_CUT_WHITE)
        middles = tuple(middle - left for middle in self.middles[first:end])
        shift = np.array([left, 0], np.float32)
        moved = tuple(stroke - shift for stroke in strokes)
        return Piece(
            moved,
            self.text[first:end],
            right - left,
            middles,
            tuple(_top_at(moved, middle) for middle in middles),
        )


def _cut_stroke(stroke: Points, left: float, right: float, pitch: float) -> list[Points]:
    x = stroke[:, 0]
    low, high = float(x.min()), float(x.max())
    # Short strokes stay whole, with the letter that their middle is at.
    if high - low <= WHOLE_STROKE * pitch:
        return [stroke] if left <= (low + high) / 2 < right else []
    inside = (x >= left) & (x < right)
    edges = np.flatnonzero(np.diff(inside.astype(np.int8), prepend=0, append=0))
    return [stroke[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def _top_at(strokes: Strokes, middle: float) -> float:
    """Return the height of the ink around a letter's middle, at least that of small letters."""
    points = np.concatenate(strokes)
    near = points[np.abs(points[:, 0] - middle) < 0.4, 1]
    return max(1.0, float(-near.min())) if len(near) else 1.0


def find_x_height(strokes: Strokes, text: str) -> tuple[float, float] | None:
    """Return the rows between which small letters are, in units of the file.

    None where they cannot be told. Of writing in capitals the rows where small letters would be.
    """
    points, weights = _spread_ink(strokes)
    height = float(points.max()) + 1
    ink, _ = np.histogram(points, ROW_COUNT, (0, height), weights=weights)
    smooth = np.convolve(ink, [0.25, 0.5, 0.25], "same")
    full = np.flatnonzero(smooth >= FULL_ROW * smooth.max())
    top, base = full[0] * height / ROW_COUNT, (full[-1] + 1) * height / ROW_COUNT
    letters = [sign for sign in text if sign.isalnum()]
    if letters and not any(sign.islower() for sign in letters):
        top, base = 0.0, height
        return base - (base - top) / CAPITAL_HEIGHT, base
    share = (base - top) / height
    tall = any(TOPS.get(sign, CAPITAL_HEIGHT) > 1 or sign in FEET for sign in letters)
    # A word of small letters only is as high as they are.
    if not tall:
        return 0.0, height
    return (float(top), float(base)) if MIN_X_HEIGHT < share < MAX_X_HEIGHT else None


def _spread_ink(strokes: Strokes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rows of ink and how much of it is there: middles of segments and their lengths."""
    middles, lengths = [], []
    for stroke in strokes:
        step = np.diff(stroke, axis=0)
        middles.append((stroke[:-1, 1] + stroke[1:, 1]) / 2)
        lengths.append(np.hypot(step[:, 0], step[:, 1]))
    rows = np.concatenate([*middles, [float(max(s[:, 1].max() for s in strokes))]])
    return rows.astype(np.float64), np.concatenate([*lengths, [0.0]]).astype(np.float64)


def cut_sample(sample: StrokeSample, label: CheckedLabel) -> CutWord | None:
    """Cut a word or line between its letters."""
    rows = find_x_height(sample.strokes, label.text)
    if rows is None or label.fit < MIN_CUT_FIT or len(label.middles) != len(label.text):
        return None
    top, base = rows
    scale = 1 / (base - top)
    origin = np.array([0, base], np.float32)
    strokes = tuple((stroke - origin) * np.float32(scale) for stroke in sample.strokes)
    middles = [max(0.0, (x - NETWORK_DELAY_UNITS)) * scale for x in label.middles]
    segments = np.concatenate(
        [np.stack([s[:-1, 0], s[1:, 0]], axis=1) for s in strokes if len(s) > 1]
        or [np.zeros((0, 2), np.float32)]
    )
    cuts = [_find_cut(segments, a, b) for a, b in pairwise(middles)]
    right = max(float(stroke[:, 0].max()) for stroke in strokes)
    return CutWord(
        strokes, label.text, (-MAX_CUT_WHITE, *cuts, right + MAX_CUT_WHITE), tuple(middles)
    )


def _find_cut(segments: NDArray[np.float32], left: float, right: float) -> float:
    """Return where fewest strokes are cut between two letters' middles."""
    places = left + CUT_RANGE * max(0.05, right - left)
    low, high = segments.min(axis=1, initial=np.inf), segments.max(axis=1, initial=-np.inf)
    crossed = ((low[:, None] <= places) & (high[:, None] > places)).sum(axis=0)
    cost = crossed + OFF_MIDDLE_COST * np.abs(CUT_RANGE - 0.5)
    return float(places[int(cost.argmin())])


def make_letter(sample: StrokeSample) -> Piece | None:
    """Return a letter or digit that was written alone, in its usual height."""
    sign = sample.text
    points = np.concatenate(sample.strokes)
    size = points.max(axis=0) + 1
    if len(sign) != 1 or not sign.isalnum():
        return None
    top, foot = TOPS.get(sign, CAPITAL_HEIGHT), FEET.get(sign, 0.0)
    scale = (top + foot) / float(size[1])
    shift = np.array([0, foot], np.float32)
    strokes = tuple(
        (stroke - np.array([0, size[1]], np.float32)) * np.float32(scale) + shift
        for stroke in sample.strokes
    )
    side = MAX_CUT_WHITE / 2
    moved = tuple(stroke + np.array([side, 0], np.float32) for stroke in strokes)
    width = float(size[0]) * scale + 2 * side
    # A letter much wider than high is something else.
    return Piece(moved, sign, width, (width / 2,), (top,)) if width < 3 * top else None


@dataclass(frozen=True, slots=True)
class PieceWriter:
    """One person's pieces, and where each short text is in them.

    A place is the number of the word and of the letter; of a letter written alone, its number and
    -1. `dots` are small strokes above an i, around their middle.
    """

    writer: str
    words: list[CutWord] = field(default_factory=list)
    letters: list[Piece] = field(default_factory=list)
    places: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    dots: list[Points] = field(default_factory=list)

    def add_word(self, word: CutWord) -> None:
        """Add a word or line."""
        for start in range(len(word.text)):
            for end in range(start + 1, min(start + MAX_PIECE_LETTERS, len(word.text)) + 1):
                text = word.text[start:end]
                if not text.isalnum():
                    break
                self.places[text].append((len(self.words), start))
        for sign, middle in zip(word.text, word.middles, strict=True):
            if sign in "ij":
                self.dots.extend(_find_dots(word.strokes, middle))
        self.words.append(word)

    def add_letter(self, piece: Piece) -> None:
        """Add a letter or digit that was written alone."""
        self.places[piece.text].append((len(self.letters), -1))
        if piece.text in "ij":
            self.dots.extend(_find_dots(piece.strokes, piece.middles[0]))
        self.letters.append(piece)

    def choose(self, text: str, rng: Generator) -> Piece | None:
        """Return a piece with this text."""
        where = self.places.get(text)
        if not where:
            return None
        number, start = where[int(rng.integers(len(where)))]
        if start < 0:
            return self.letters[number]
        return self.words[number].piece(start, start + len(text))


def _find_dots(strokes: Strokes, middle: float) -> list[Points]:
    found = []
    for stroke in strokes:
        size = stroke.max(axis=0) - stroke.min(axis=0)
        centre = (stroke.max(axis=0) + stroke.min(axis=0)) / 2
        if max(size) < DOT_SIZE and centre[1] < -1.05 and abs(centre[0] - middle) < 1.0:
            found.append(np.asarray(stroke - centre, np.float32))
    return found


def make_piece_writer(
    strokes: StrokeFile,
    writer: str,
    places: Sequence[int],
    labels: Mapping[int, CheckedLabel],
) -> PieceWriter:
    """Return a writer with the samples at these places; words need a checked label."""
    made = PieceWriter(writer)
    for place in places:
        sample = strokes.read(place)
        if sample.kind not in ("word", "line"):
            piece = make_letter(sample)
            if piece is not None:
                made.add_letter(piece)
        elif (label := labels.get(place)) and (word := cut_sample(sample, label)):
            made.add_word(word)
    return made
