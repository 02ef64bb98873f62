"""Draw lines of UNIPEN writers to train on: words, lines, and text composed of their strokes.

Every writer is as likely as every other, however much a person wrote.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator

from pipeline.domain.model import Image
from research.training.handwriting.augment import spoil
from research.training.handwriting.lines import TrainingLine, cut_clean_ink
from research.training.handwriting.texts import draw_text
from research.training.strokes.boxes import draw_letter_row
from research.training.strokes.compose import ComposedText, compose_text, join_stroke_words
from research.training.strokes.labels import CheckedLabel, load_labels
from research.training.strokes.paper import scan_line
from research.training.strokes.pen import (
    bend_strokes,
    choose_pen,
    draw_ink,
    smooth_strokes,
)
from research.training.strokes.pieces import PieceWriter, find_x_height, make_piece_writer
from research.training.strokes.samples import (
    SAMPLE_HEIGHT,
    StrokeFile,
    Strokes,
    StrokeSample,
    load_stroke_file,
)

DRAWN_KINDS = ("word", "line", "joined", "composed", "capitals", "boxes")
KIND_SHARES = (0.42, 0.24, 0.09, 0.17, 0.03, 0.05)
"""How often each kind of `DRAWN_KINDS` is trained on."""
PAPER_SHARE = 0.3
"""Share of lines that are put on a scanned form and cut out again."""
X_HEIGHT_PX = (24, 44)
"""Height of small letters as they are drawn."""
MAX_HEIGHT_PX = 160
HEIGHT_OF_ALL = 2.4
"""Height of a whole line, in heights of small letters, where these cannot be found."""
LETTERS_PER_WRITER = 120
MIN_PIECES = 40
"""Different pieces that a writer must have to compose text from."""
MAX_TRIES = 8
"""Writers and texts that are tried for a text that a writer has all letters of."""


@dataclass(frozen=True, slots=True)
class StrokeSource:
    """Words and lines by writer, and the samples of each writer to compose text from."""

    strokes: StrokeFile
    labels: Mapping[int, CheckedLabel]
    words: list[list[int]]
    lines: list[list[int]]
    own: dict[str, list[int]]
    writers: list[str]

    def drawn(self, rng: Generator) -> TrainingLine:
        """Draw one line."""
        kind = str(rng.choice(DRAWN_KINDS, p=KIND_SHARES))
        if kind not in ("word", "line"):
            for _ in range(MAX_TRIES):
                hand = self._hand(self.writers[int(rng.integers(len(self.writers)))])
                if kind == "boxes":
                    if row := draw_letter_row(hand, rng):
                        return row
                    continue
                made = _compose(hand, kind, rng)
                picture = draw_line(made.strokes, 1.0, rng) if made else None
                if made and picture is not None:
                    return TrainingLine(picture, made.text, hand.writer)
        while True:
            groups = self.lines if kind == "line" else self.words
            places = groups[int(rng.integers(len(groups)))]
            place = places[int(rng.integers(len(places)))]
            sample = self.strokes.read(place)
            if line := draw_sample(sample, self.labels[place].text, rng):
                return line

    def _hand(self, writer: str) -> PieceWriter:
        return _load_hand(_Key(self, writer))


@dataclass(frozen=True, slots=True)
class _Key:
    """A writer of a source; sources are alike if they are the same object."""

    source: StrokeSource
    writer: str

    def __hash__(self) -> int:
        return hash(self.writer)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Key) and self.source is other.source and self.writer == other.writer
        )


@lru_cache(maxsize=200)
def _load_hand(key: _Key) -> PieceWriter:
    source = key.source
    return make_piece_writer(source.strokes, key.writer, source.own[key.writer], source.labels)


def _compose(hand: PieceWriter, kind: str, rng: Generator) -> ComposedText | None:
    if kind == "joined":
        single = [word for word in hand.words if " " not in word.text]
        if len(single) < 2:
            return None
        chosen = rng.choice(len(single), min(len(single), int(rng.integers(2, 6))), False)
        return join_stroke_words([single[int(i)] for i in chosen], rng)
    if len(hand.places) < MIN_PIECES:
        return None
    text = draw_text(rng)
    # A few words of the text are enough.
    words = text.split()
    count = int(rng.integers(1, 6))
    start = int(rng.integers(max(1, len(words) - count + 1)))
    text = " ".join(words[start : start + count])
    return compose_text(hand, text.upper() if kind == "capitals" else text, rng)


def draw_sample(sample: StrokeSample, text: str, rng: Generator) -> TrainingLine | None:
    """Return a sample as a line of ink that says `text`; None without ink."""
    rows = find_x_height(sample.strokes, text)
    x_height = rows[1] - rows[0] if rows else SAMPLE_HEIGHT / HEIGHT_OF_ALL
    picture = draw_line(sample.strokes, x_height, rng)
    return None if picture is None else TrainingLine(picture, text, sample.writer)


def draw_line(strokes: Strokes, x_height: float, rng: Generator) -> Image | None:
    """Return strokes as a line of ink, bent, drawn by some pen and scanned; None without ink."""
    y = np.concatenate(strokes)[:, 1]
    height = float(y.max() - y.min())
    # Draw small letters at a common size, but nothing much larger than them.
    px = float(rng.uniform(*X_HEIGHT_PX))
    scale = min(px / max(x_height, 1e-3), MAX_HEIGHT_PX / max(height, 1e-3))
    if rng.random() < 0.5:
        strokes = smooth_strokes(strokes)
    pen = choose_pen(rng)
    scaled = tuple(stroke * np.float32(scale) for stroke in bend_strokes(strokes, rng))
    width = max(1.0, pen.width * x_height * scale)
    picture = _cut_to_ink(draw_ink(scaled, width, pen, rng))
    if picture is None:
        return None
    if rng.random() < PAPER_SHARE and (scanned := scan_line(picture, rng)) is not None:
        return scanned
    clean = cut_clean_ink(picture)
    return None if clean is None else spoil(clean, rng, real=True)


def _cut_to_ink(ink: Image) -> Image | None:
    mask = ink < 200
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def load_stroke_source(data: Path, labels: Path) -> StrokeSource:
    """Load the samples of all writers to train on, with the labels that `labels.py` checked.

    Args:
        data: the folder of `unipen_strokes.npz`.
        labels: what `python -m research.training.strokes.labels` wrote.
    """
    strokes = load_stroke_file(data / "unipen_strokes.npz")
    whole = set(strokes.find("word", "line", held=False))
    checked = {place: label for place, label in load_labels(labels).items() if place in whole}
    words: dict[int, list[int]] = defaultdict(list)
    lines: dict[int, list[int]] = defaultdict(list)
    own: dict[str, list[int]] = defaultdict(list)
    for place in checked:
        writer = int(strokes.writer[place])
        (lines if " " in strokes.texts[place] else words)[writer].append(place)
        own[strokes.writers[writer]].append(place)
    letters: dict[int, list[int]] = defaultdict(list)
    for place in strokes.find("digit", "capital", "small", held=False):
        letters[int(strokes.writer[place])].append(place)
    for writer, places in letters.items():
        chosen = np.linspace(0, len(places) - 1, min(len(places), LETTERS_PER_WRITER), dtype=int)
        own[strokes.writers[writer]] += [places[i] for i in chosen]
    return StrokeSource(
        strokes, checked, list(words.values()), list(lines.values()), dict(own), list(own)
    )
