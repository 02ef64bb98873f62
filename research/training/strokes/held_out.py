"""Words and lines of UNIPEN writers who are held out, to measure on.

They are drawn in an even black line, 2 px wide at 60 px of height, and cut out as the product cuts.
Labels are as in the file, apart from white around signs; several rows in one label are left out.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np

from research.training.handwriting.lines import TrainingLine, cut_like_product
from research.training.handwriting.texts import normalize_label
from research.training.strokes.pen import draw_plain
from research.training.strokes.samples import (
    StrokeFile,
    held_out_stroke_writers,
    load_stroke_file,
)

MAX_LETTERS = 13
"""Writers who wrote more different small letters alone can fill in a page, and are left for judging
pages that others filled in.
"""
WORDS_EACH, LINES_EACH = 6, 3
"""How many words and lines of each writer."""
SIDE_PX = 12


def load_held_out_strokes(file: Path, kind: str) -> list[TrainingLine]:
    """Return words or lines (`kind`) of all writers held out, a few of each."""
    strokes = load_stroke_file(file)
    own: dict[int, list[int]] = defaultdict(list)
    for place in strokes.find(kind, held=True):
        if normalize_label(strokes.texts[place]) is not None:
            own[int(strokes.writer[place])].append(place)
    each = WORDS_EACH if kind == "word" else LINES_EACH
    chosen = (
        places[int(i)]
        for places in own.values()
        for i in np.linspace(0, len(places) - 1, min(each, len(places)))
    )
    drawn = (draw_line(strokes, place) for place in chosen)
    return [line for line in drawn if line]


@lru_cache(maxsize=1)
def find_fit_writers(file: Path) -> frozenset[str]:
    """Return the writers held out that curves are fitted to.

    Not those who can fill in whole pages, nor those whose name another contributor gave to a writer
    who is trained on: they may be one person.
    """
    strokes = load_stroke_file(file)
    held = held_out_stroke_writers(strokes.writers)
    trained = {writer.partition("/")[2] for writer in strokes.writers if writer not in held}
    letters: dict[str, set[str]] = defaultdict(set)
    for place in strokes.find("small", held=True):
        letters[strokes.writers[strokes.writer[place]]].add(strokes.texts[place])
    return frozenset(
        writer
        for writer in held
        if writer.partition("/")[2] not in trained and len(letters[writer]) <= MAX_LETTERS
    )


def draw_line(strokes: StrokeFile, place: int) -> TrainingLine | None:
    """Draw one sample as the product would cut it out; None if nothing is left of it."""
    sample = strokes.read(place)
    image = np.pad(draw_plain(sample.strokes), SIDE_PX, constant_values=255)
    picture = cut_like_product(image)
    return None if picture is None else TrainingLine(picture, sample.text, sample.writer)
