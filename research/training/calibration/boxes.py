"""Read boxes whose truth is known: digits, marks, signatures, and fields that nobody wrote in.

Two halves with different people's digits, fonts, pages and print runs. The work is divided into
parts that are kept (`kept.py`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from pipeline.domain.form.field import Kind
from pipeline.domain.model import Image
from pipeline.reading.calibration.fit import JudgedReading
from research.evaluation.fields.filled_pages import DigitShapes as Pool
from research.evaluation.fields.filled_pages import DigitWriter, make_digit_writers
from research.training.calibration import readings
from research.training.calibration.kept import KeptReadings
from research.training.calibration.scans import (
    LINE_NETWORK_KINDS,
    judge_empty_rows,
    judge_scanned_pages,
)
from research.training.digits.glyphs import (
    MNIST_HELD_OUT,
    OPTDIGITS_HELD_OUT,
    Glyphs,
    enlarge,
    load_digit_glyphs,
    load_mnist,
    load_optdigits,
)
from research.training.digits.rows import DigitContents
from research.training.handwriting.lines import find_fonts

SEED = 20261124
WRITER_COUNT = 12
MNIST_SHAPE_COUNT = 1000
"""How many of MNIST's digits are used, the last of its held-out and of its test part."""
SINGLE_DIGIT_COUNT = 2000
"""How many single digits of each set are read."""
PART_SIZE = {
    "pages": 25,
    "scans": 5,
    "marks": 40,
    "rows": 650,
    "formatted rows": 650,
    "empty rows": 500,
}
"""How much is read for one part: pages, boxes a style, rows of a kind."""
BOX_KINDS = tuple(kind for kind in Kind if kind not in LINE_NETWORK_KINDS)
"""The field kinds of boxes.

Rows of letter boxes, areas and lines are read by the network of lines, and fitted with it on real
writers; only that nothing is written in them is judged here.
"""
SCANNED_KINDS = frozenset(Kind) - {Kind.PRINTED}
MARK_KINDS = (Kind.MARK, Kind.CHOICE)
Labels = NDArray[np.int64]
Halves = tuple[list[JudgedReading], list[JudgedReading]]
Part = tuple[str, Callable[[np.random.Generator], list[JudgedReading]]]
"""A part of the work: its name, and what judges it from a seed of its own."""


@dataclass(frozen=True, slots=True)
class BoxSizes:
    """How much is read for each half.

    Drawn pages, scanned pages, drawn rows (also of each format), check boxes a style, empty rows.
    """

    pages: int = 25
    scans: int = 20
    rows: int = 650
    marks: int = 120
    empties: int = 500


@dataclass(frozen=True, slots=True)
class BoxSources:
    """The folders of handwriting and of MNIST."""

    handwriting: Path
    mnist: Path


def judge_boxes(
    sources: BoxSources, sizes: BoxSizes, kept: KeptReadings, bar: Progress, only: str
) -> Halves:
    """Read everything but lines (`only` is "boxes").

    Or only "digits" or "marks", or only what is judged for "empty" fields, scanned pages for all.
    """
    page_kinds = {"boxes": BOX_KINDS, "digits": (Kind.DIGITS,)}.get(only, MARK_KINDS)
    scanned = (Kind.DIGITS,) if only == "digits" else SCANNED_KINDS
    halves: Halves = ([], [])
    shapes = load_digit_glyphs(sources.handwriting, sources.mnist, [], held_out=True)
    fonts = find_fonts(sources.handwriting / "fonts_train", held=True)
    pools = load_digit_pools(sources)
    cells = _held_out_cells(sources)
    for half, own in enumerate(halves):
        # Each part has its own seed.
        people = make_digit_writers(
            fonts[half::2], pools[half], WRITER_COUNT, np.random.default_rng([SEED, half])
        )
        parts = list(_scan_parts(people, sizes.scans, scanned))
        if only not in ("mark", "marks"):
            parts += [*_empty_row_parts(sizes.empties), *_formatted_row_parts(pools[half], sizes)]
        if only != "empty":
            parts += _page_parts(people, sizes.pages, page_kinds)
        if only not in ("empty", "digits"):
            parts += _mark_parts(sizes.marks)
        if only in ("boxes", "digits"):
            parts += _row_parts(DigitContents(_half_glyphs(shapes, half)), sizes)
            for name, (pictures, labels) in cells[half].items():
                own += readings.judge_cells(pictures, labels.tolist(), name)
        for name, judge in bar.track(parts, description=f"half {half + 1}"):
            rng = np.random.default_rng([SEED, half, zlib.crc32(name.encode())])
            own += kept.once(f"{half}-{name}", partial(judge, rng))
    return halves


def _divide(total: int, kind: str) -> Iterator[tuple[str, range]]:
    """Yield the name of each part of so many, and which they are."""
    for start in range(0, total, PART_SIZE[kind]):
        numbers = range(start, min(total, start + PART_SIZE[kind]))
        yield f"{kind.replace(' ', '-')}-{start:05d}", numbers


def _scan_parts(
    people: Sequence[DigitWriter], total: int, kinds: Collection[Kind]
) -> Iterator[Part]:
    for name, numbers in _divide(total, "scans"):
        yield name, partial(judge_scanned_pages, people, numbers, kinds)


def _page_parts(
    people: Sequence[DigitWriter], total: int, kinds: Collection[Kind]
) -> Iterator[Part]:
    for name, numbers in _divide(total, "pages"):
        judge = partial(readings.judge_pages, people, numbers, kinds)
        yield f"{name}-{len(kinds)}-kinds", judge


def _mark_parts(total: int) -> Iterator[Part]:
    for name, numbers in _divide(total, "marks"):
        yield name, partial(readings.judge_marks, len(numbers))


def _row_parts(glyphs: DigitContents, sizes: BoxSizes) -> Iterator[Part]:
    for name, numbers in _divide(sizes.rows, "rows"):
        yield name, partial(readings.judge_rows, glyphs, len(numbers), Kind.DIGITS)


def _formatted_row_parts(pool: Pool, sizes: BoxSizes) -> Iterator[Part]:
    for name, numbers in _divide(sizes.rows, "formatted rows"):
        yield name, partial(readings.judge_formatted_rows, pool, len(numbers))


def _empty_row_parts(total: int) -> Iterator[Part]:
    for name, numbers in _divide(total, "empty rows"):
        yield name, partial(judge_empty_rows, len(numbers))


def load_digit_pools(sources: BoxSources) -> tuple[Pool, Pool]:
    """Return digits of held-out people: those that also gave the temperature, and the others."""
    scans, values = load_optdigits(sources.handwriting / "optdigits.npz")
    # The held-out end of optdigits: its first third also gave the temperature.
    start, third = len(scans) - OPTDIGITS_HELD_OUT, OPTDIGITS_HELD_OUT // 3
    parts = slice(start, start + third), slice(start + third, None)
    # MNIST: held-out training images for one half, the test part for the other.
    own, test = load_mnist(sources.mnist, "train"), load_mnist(sources.mnist, "t10k")
    others = (
        (own[0][-MNIST_SHAPE_COUNT:], own[1][-MNIST_SHAPE_COUNT:]),
        (test[0][-MNIST_SHAPE_COUNT:], test[1][-MNIST_SHAPE_COUNT:]),
    )
    first, second = (
        _make_pool(scans[part], values[part], *more)
        for part, more in zip(parts, others, strict=True)
    )
    return first, second


def _make_pool(scans: Image, values: Labels, pictures: Image, labels: Labels) -> Pool:
    # Both sets enlarged to about the same height.
    return {
        d: [enlarge(p, 2.0) for p in scans[values == d]]
        + [enlarge(p, 2.4) for p in pictures[labels == d]]
        for d in range(10)
    }


def _held_out_cells(sources: BoxSources) -> tuple[dict[str, tuple[Image, Labels]], ...]:
    scans, values = load_optdigits(sources.handwriting / "optdigits.npz")
    start, third = len(scans) - OPTDIGITS_HELD_OUT, OPTDIGITS_HELD_OUT // 3
    own, own_labels = load_mnist(sources.mnist, "train")
    test, test_labels = load_mnist(sources.mnist, "t10k")
    count = SINGLE_DIGIT_COUNT
    return (
        {
            "MNIST": (own[-MNIST_HELD_OUT:][:count], own_labels[-MNIST_HELD_OUT:][:count]),
            "optdigits": (scans[start : start + third], values[start : start + third]),
        },
        {
            "MNIST": (test[:count], test_labels[:count]),
            "optdigits": (scans[start + third :], values[start + third :]),
        },
    )


def _half_glyphs(glyphs: Glyphs, half: int) -> Glyphs:
    # Every other shape of each source.
    written = {
        digit: [images[half::2] for images in sources] for digit, sources in glyphs.written.items()
    }
    faces = {
        digit: sources[-1] for digit, sources in written.items()
    }  # no printed ones here: handwriting fonts are in
    return Glyphs(written, faces, glyphs.letters[half::2])
