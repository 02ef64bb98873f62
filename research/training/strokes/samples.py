"""Load pen strokes of UNIPEN writers: words, lines, letters and digits with their labels.

The file `unipen_strokes.npz` (CC BY 4.0) has the movements of pens, not images. Writers are held
out whole, at least a sixth of each contributor's: their recordings, devices and texts differ, and
nothing that is measured on was trained on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from research.training.handwriting.texts import CHARACTER_REPLACEMENTS, CHARACTERS

Points = NDArray[np.float32]
"""(n, 2) places of a pen, x to the right and y downwards."""
Strokes = tuple[Points, ...]
KINDS = ("digit", "capital", "small", "word", "line")
SAMPLE_HEIGHT = 400
"""Height of a sample in the file's units."""
HELD_OUT_EVERY = 6
SPACE_BEFORE, SPACE_AFTER = re.compile(r" +([.,;:!?)%\]}])"), re.compile(r"([(\[{]) +")
"""Labels have white around signs where the paper has none."""
WITH_DOTS = {
    "Grunschnabel": "Grünschnabel",
    "Ladenschlusgesetz": "Ladenschlußgesetz",
    "Paul lauft im Zickzack": "Paul läuft im Zickzack",
}
"""The file's labels are ASCII; what is written is not."""
MIN_UNITS_PER_CHARACTER = 55
"""A line that is narrower for its text, in the file's units, has several rows."""
MIN_ROW_TEXT = 5
"""Shorter texts are never taken for several rows."""
MIN_ALPHABET = 14
"""A text without spaces of so many letters may have several rows."""
RETURN_LEFT, RETURN_DOWN = 0.3, 0.25
"""A pen that goes this far back and down, as parts of the width and the height, begins a row."""


@dataclass(frozen=True, slots=True)
class StrokeSample:
    """What one person wrote at a time.

    Its strokes, what it says, the writer and one of `KINDS`.
    """

    strokes: Strokes
    text: str
    writer: str
    kind: str


@dataclass(frozen=True, slots=True)
class StrokeFile:
    """All samples of a file.

    `points` are the strokes' places; stroke j begins at `stroke[j]`, sample i at `sample[i]`.
    """

    points: NDArray[np.int32]
    stroke: NDArray[np.int32]
    sample: NDArray[np.int32]
    texts: tuple[str, ...]
    writers: tuple[str, ...]
    writer: NDArray[np.int16]
    kind: NDArray[np.int8]

    def read(self, place: int) -> StrokeSample:
        """Return the sample at a place of the file, its left and top edge at 0."""
        first, last = int(self.sample[place]), int(self.sample[place + 1])
        edges = self.stroke[first : last + 1]
        points = self.points[edges[0] : edges[-1]]
        # Places are relative to the sample's corner.
        moved = (points - points.min(axis=0)).astype(np.float32)
        strokes = tuple(np.split(moved, edges[1:-1] - edges[0]))
        return StrokeSample(
            strokes,
            self.texts[place],
            self.writers[self.writer[place]],
            KINDS[self.kind[place]],
        )

    def read_size(self, place: int) -> tuple[int, int]:
        """Return width and height of a sample, in the file's units."""
        first, last = self.stroke[self.sample[place]], self.stroke[self.sample[place + 1]]
        width, height = np.ptp(self.points[first:last], axis=0) + 1
        return int(width), int(height)

    def find(self, *kinds: str, held: bool) -> list[int]:
        """Return the places of samples of some kinds.

        Those of writers to train on, or (`held`) of writers held out. Samples in several rows and
        labels that the network cannot answer are left out.
        """
        aside = held_out_stroke_writers(self.writers)
        own = np.array([(writer in aside) == held for writer in self.writers])
        wanted = np.isin(self.kind, [KINDS.index(kind) for kind in kinds]) & own[self.writer]
        return [
            int(place)
            for place in np.flatnonzero(wanted)
            if set(self.texts[place]) <= set(CHARACTERS) and not self._has_rows(int(place))
        ]

    def _has_rows(self, place: int) -> bool:
        text = self.texts[place]
        if len(text) < MIN_ROW_TEXT:
            return False
        edges = self.stroke[self.sample[place] : self.sample[place + 1] + 1]
        points = self.points[edges[0] : edges[-1]]
        size = np.ptp(points, axis=0) + 1
        if size[0] < MIN_UNITS_PER_CHARACTER * len(text):
            return True
        # A word is written in one go, unless it is an alphabet.
        if " " not in text and len(text) < MIN_ALPHABET:
            return False
        # From the end of each stroke to the start of the next; dots and bars are higher up.
        moves = self.points[edges[1:-1]] - self.points[edges[1:-1] - 1]
        returns = (moves[:, 0] < -RETURN_LEFT * size[0]) & (moves[:, 1] > RETURN_DOWN * size[1])
        return bool(returns.any())


@lru_cache(maxsize=1)
def load_stroke_file(file: Path) -> StrokeFile:
    """Load all samples, with their labels as they are on paper."""
    data = np.load(file)
    texts = bytes(data["text"]).decode().split("\n")
    return StrokeFile(
        np.cumsum(data["delta"], axis=0, dtype=np.int32),
        data["stroke"],
        data["sample"],
        tuple(text_on_paper(text) for text in texts),
        tuple(bytes(data["writers"]).decode().split("\n")),
        data["writer"],
        data["kind"],
    )


def text_on_paper(label: str) -> str:
    """Return a label as written: with dots, without the white that was put around signs."""
    text = " ".join(label.translate(CHARACTER_REPLACEMENTS).split())
    return SPACE_AFTER.sub(r"\1", SPACE_BEFORE.sub(r"\1", WITH_DOTS.get(text, text)))


def held_out_stroke_writers(writers: Iterable[str]) -> set[str]:
    """Return at least every sixth writer of each contributor.

    A writer is `contributor/name`. Contributors with a single writer count as one.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for writer in sorted(set(writers)):
        groups[writer.split("/")[0]].append(writer)
    # A contributor's only writer would always be held out.
    alone = [names[0] for names in groups.values() if len(names) == 1]
    others = [names for names in groups.values() if len(names) > 1]
    return {name for names in [alone, *others] for name in names[::HELD_OUT_EVERY]}
