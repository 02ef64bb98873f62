"""Fit the curves of `data/models/calibration.json` to the readers of this version.

    python -m research.training.calibration.fit --handwriting FOLDER --mnist package/data
        [--archive OWN.zip] [--only lines] [--pages 100]

The card is written too. `FOLDER` has `optdigits.npz`, `dhsd_words.npz` and `fonts_train/` (see
`research/training/digits/train.py` and `handwriting/train.py`, also for installing). Only writers,
font families and images that the networks never saw are used. For boxes half of the people are
fitted to, and the others judge. For lines there are fewer: a sixth of the writers at a time is
judged by a curve fitted to the others; the curve in use is fitted to all. The six are kept in
`calibration_apart.json`, so that `bench --quality` can judge the same writers. Missing sets are
reported. Run it again after every change of a network or of how readings are decoded; curves of
networks that were left out stay.
"""

from __future__ import annotations

import argparse
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from pipeline.domain.confidence import DRAWN_MARKS_MAX_P
from pipeline.domain.form.field import Kind
from pipeline.domain.model import Image
from pipeline.domain.settings import Handwriting
from pipeline.reading.calibration.curves import LETTER_KEY, SHIPPED_CALIBRATION
from pipeline.reading.calibration.files import (
    FittedCurve,
    cross_fit_curves,
    fit_curves,
    format_card_table,
    write_curves,
    write_fold_curves,
)
from pipeline.reading.calibration.fit import JudgedReading
from pipeline.reading.fields.handwriting.network import find_network_file
from pipeline.reading.fields.registry import NETWORK_FINGERPRINTS
from research.evaluation.fields.filled_pages import DigitShapes as Pool
from research.evaluation.fields.filled_pages import make_digit_writers
from research.evaluation.fields.handwriting import (
    ABSENCE_BY_SET,
    COPISTE_SET,
    SWEDISH_SET,
    WORDS_SET,
    load_sets,
)
from research.evaluation.measure import EvaluationData
from research.training.calibration import readings
from research.training.calibration.model_card import write_card
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
from research.training.handwriting import letters
from research.training.handwriting.compose_lines import compose_swedish_texts, cut_into_stretches
from research.training.handwriting.lines import TrainingLine, find_fonts

SEED = 20261124
MAX_P_BY_KEY = dict.fromkeys(
    (
        "mark",
        "mark-empty",
        "choice",
        "choice-empty",
        "signature",
        "signature-empty",
        "initials",
        "initials-empty",
    ),
    DRAWN_MARKS_MAX_P,
)
"""The highest probability that rests on drawn marks alone.

Drawn marks are not as odd as scanned ones.
"""
WRITER_COUNT = 12
MNIST_SHAPE_COUNT = 1000
"""How many of MNIST's digits are used, the last of its held-out and of its test part."""
CURVES_NOTE = "Fitted by research/training/calibration/fit.py; see calibration.md."
Labels = NDArray[np.int64]
Halves = tuple[list[JudgedReading], list[JudgedReading]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is read for each half.

    Pages, single digits, drawn rows (also of each format), check boxes a style, lines a set.
    """

    pages: int
    digits: int
    rows: int
    marks: int
    lines: int


DEFAULT_SIZES = Sizes(pages=400, digits=2000, rows=1300, marks=320, lines=400)
BOX_KINDS = tuple(kind for kind in Kind if kind is not Kind.LETTERS)
"""The field kinds of boxes.

Rows of letter boxes are read by the network of lines, and fitted with it on real writers.
"""
LETTER_ROW_FACTOR = 3
"""How many times as many rows of letter boxes as lines of a set are drawn.

Half of them cannot be read.
"""
COMPOSED_SET = "Swedish in people's letters"
MIN_RUNNING_TEXT = 25
"""Lines of on average more characters are running text, longer than a field's content."""


def evaluate_boxes(handwriting: Path, mnist_folder: Path, sizes: Sizes, bar: Progress) -> Halves:
    """Read everything but lines: two halves with different people's digits, fonts and pages."""
    # Digits and fonts that no network was trained on, split into two halves.
    glyphs = load_digit_glyphs(handwriting, mnist_folder, [], held_out=True)
    fonts = find_fonts(handwriting / "fonts_train", held=True)
    halves: Halves = ([], [])
    task = bar.add_task("forms", total=2 * sizes.pages)
    for half, (own, digits, cells) in enumerate(
        zip(
            halves,
            _load_pools(handwriting, mnist_folder),
            _held_out_cells(handwriting, mnist_folder, sizes.digits),
            strict=True,
        )
    ):
        # Each half has its own seed.
        rng = np.random.default_rng([SEED, half])
        own += readings.judge_pages(
            make_digit_writers(fonts[half::2], digits, WRITER_COUNT, rng),
            sizes.pages,
            rng,
            lambda: bar.advance(task),
            BOX_KINDS,
        )
        # Single digits, rows in all conditions, rows of each format, and check boxes.
        for name, (pictures, labels) in cells.items():
            own += readings.judge_cells(pictures, labels.tolist(), name)
        own += readings.judge_rows(DigitContents(_half_glyphs(glyphs, half)), sizes.rows, rng)
        own += readings.judge_formatted_rows(digits, sizes.rows, rng)
        own += readings.judge_marks(sizes.marks, seed=SEED + half)
    return halves


def evaluate_marks(handwriting: Path, mnist_folder: Path, sizes: Sizes, bar: Progress) -> Halves:
    """Read check boxes and choices only, after a change of their network."""
    fonts = find_fonts(handwriting / "fonts_train", held=True)
    halves: Halves = ([], [])
    task = bar.add_task("forms", total=2 * sizes.pages)
    for half, (own, digits) in enumerate(
        zip(halves, _load_pools(handwriting, mnist_folder), strict=True)
    ):
        rng = np.random.default_rng([SEED, half])
        own += readings.judge_pages(
            make_digit_writers(fonts[half::2], digits, WRITER_COUNT, rng),
            sizes.pages,
            rng,
            lambda: bar.advance(task),
            (Kind.MARK, Kind.CHOICE),
        )
        own += readings.judge_marks(sizes.marks, seed=SEED + half)
    return halves


def _load_pools(handwriting: Path, mnist_folder: Path) -> tuple[Pool, Pool]:
    """Return digits of held-out people: those that also gave the temperature, and the others."""
    scans, values = load_optdigits(handwriting / "optdigits.npz")
    # The held-out end of optdigits: its first third also gave the temperature.
    start, third = len(scans) - OPTDIGITS_HELD_OUT, OPTDIGITS_HELD_OUT // 3
    parts = slice(start, start + third), slice(start + third, None)
    # MNIST: held-out training images for one half, the test part for the other.
    own, test = load_mnist(mnist_folder, "train"), load_mnist(mnist_folder, "t10k")
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


def _held_out_cells(
    handwriting: Path, mnist_folder: Path, count: int
) -> tuple[dict[str, tuple[Image, Labels]], ...]:
    scans, values = load_optdigits(handwriting / "optdigits.npz")
    start, third = len(scans) - OPTDIGITS_HELD_OUT, OPTDIGITS_HELD_OUT // 3
    own, own_labels = load_mnist(mnist_folder, "train")
    test, test_labels = load_mnist(mnist_folder, "t10k")
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
    }  # no printed ones here: handwriting fonts stand in
    return Glyphs(written, faces, glyphs.letters[half::2])


def evaluate_handwriting(
    sets: Mapping[str, Sequence[TrainingLine]], shapes: letters.LetterContents, most: int
) -> list[JudgedReading]:
    """Read lines, letters and areas of all held-out writers and fonts.

    Lines of running text are also cut into stretches, as people fill in fields.
    """
    # Rows of letter boxes.
    found = readings.judge_rows(
        shapes, LETTER_ROW_FACTOR * most, np.random.default_rng(SEED), Kind.LETTERS
    )
    for name, written in sets.items():
        # A seed for each set, independent of the other sets.
        rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
        chosen = [written[i] for i in rng.permutation(len(written))[:most]]
        # Running text also in stretches as long as the content of fields.
        if np.mean([len(line.text) for line in chosen]) > MIN_RUNNING_TEXT:
            chosen = chosen[: most // 2]
            short = cut_into_stretches(chosen, rng)
            found += readings.judge_lines(short, f"{name}, stretches", rng)
            found += readings.judge_areas(short[:most], name, rng)
        else:
            found += readings.judge_areas(chosen, name, rng)
        found += readings.judge_lines(chosen, name, rng)
    # Large sets must not dominate the curves.
    return readings.even_weights(found)


def load_held_out_lines(
    handwriting: Path, archives: Sequence[Path], count: int
) -> dict[str, list[TrainingLine]]:
    """Return the held-out sets that are present, and Swedish composed of people's letters.

    The Swedish set is left out: it is only ever tested on.

    `handwriting` is in the folder of all data.
    """
    # The Swedish set is reserved for testing.
    found = dict(
        load_sets(
            EvaluationData(handwriting.parent),
            archives,
            only=frozenset(ABSENCE_BY_SET) - {SWEDISH_SET},
        )
    )
    # Swedish texts composed of the letters of held-out writers.
    people = [line for name in (WORDS_SET, COPISTE_SET) for line in found.get(name, ())]
    return {
        **found,
        COMPOSED_SET: compose_swedish_texts(people, count, np.random.default_rng(SEED)),
    }


@contextmanager
def use_weights(choice: Handwriting) -> Iterator[None]:
    """Read with other weights for a while."""
    name = "EFTERSKRIFT_HANDWRITING"
    # The environment variable selects the weights; restore it afterwards.
    before = os.environ.get(name)
    os.environ[name] = choice.value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def network_fingerprints() -> dict[str, str]:
    """Return the fingerprint of the network behind each key."""
    known = {str(kind): name() for kind, name in NETWORK_FINGERPRINTS.items()}
    # Characters are read by the network of lines.
    return {LETTER_KEY: known[Kind.TEXT], **known}


def _fit_halves(halves: Halves) -> list[FittedCurve]:
    # Fit on one half, judge on the other.
    return fit_curves(*halves, _network_by_key(e for half in halves for e in half), MAX_P_BY_KEY)


def _network_by_key(some: Iterable[JudgedReading]) -> dict[str, str]:
    own = network_fingerprints()
    return {key: own[key.partition("-")[0]] for key in {e.key for e in some}}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--handwriting", type=Path, required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument(
        "--archive",
        type=Path,
        action="append",
        default=[],
        dest="archives",
        help="zip of lines; see research/training/handwriting/train.py",
    )
    parser.add_argument("--only", choices=("boxes", "marks", "lines"))
    for name, size in asdict(DEFAULT_SIZES).items():
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--out", type=Path, default=SHIPPED_CALIBRATION)
    args = parser.parse_args()
    sizes = Sizes(**{name: getattr(args, name) for name in asdict(DEFAULT_SIZES)})
    fitted: list[FittedCurve] = []
    # Boxes are fitted in two halves.
    with Progress(console=Console(stderr=True)) as bar:
        if args.only == "marks":
            fitted += _fit_halves(evaluate_marks(args.handwriting, args.mnist, sizes, bar))
        if args.only in (None, "boxes"):
            fitted += _fit_halves(evaluate_boxes(args.handwriting, args.mnist, sizes, bar))
        # Lines are fitted by cross-validation over writers, for every set of weights that is
        # present.
        if args.only in (None, "lines"):
            files: set[Path] = set()
            sets = load_held_out_lines(args.handwriting, args.archives, sizes.lines)
            shapes = letters.load_letter_glyphs(args.handwriting, [], held_out=True)
            for name in sorted(ABSENCE_BY_SET.keys() - sets.keys() - {SWEDISH_SET}):
                bar.console.print(
                    f"{name} is left out: {ABSENCE_BY_SET[name]}. The curves of lines are poorer "
                    "for it."
                )
            # The same file may serve two choices; it is fitted once.
            for choice in bar.track(list(Handwriting), description="lines"):
                with use_weights(choice):
                    if find_network_file().is_file() and find_network_file() not in files:
                        files.add(find_network_file())
                        found = evaluate_handwriting(sets, shapes, sizes.lines)
                        fitted += cross_fit_curves(found, _network_by_key(found), MAX_P_BY_KEY)
    # Curves of networks that were not fitted this time remain.
    kept = _other_networks(fitted)
    write_curves(args.out, fitted, CURVES_NOTE, keep=kept)
    # The curves of cross-validation are for evaluation only.
    if any(one.fold_curves for one in fitted):
        write_fold_curves(
            args.out.with_stem(f"{args.out.stem}_apart"), fitted, CURVES_NOTE, keep=kept
        )
    write_card(args.out.with_suffix(".md"), fitted, keep=kept)
    print(format_card_table(fitted))


def _other_networks(fitted: Sequence[FittedCurve]) -> set[str]:
    """Return networks that are installed but were left out this time."""
    found = set(network_fingerprints().values())
    for choice in Handwriting:
        with use_weights(choice):
            found |= set(network_fingerprints().values())
    return found - {one.network for one in fitted}


if __name__ == "__main__":
    main()
