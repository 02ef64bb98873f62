"""Fit the curves of `data/models/calibration.json` to whatever the readers of this version answer, and write their card.

    python -m pipeline.training.calibrate --handwriting FOLDER --mnist package/data [--archive OWN.zip] [--only lines] [--pages 100]

`FOLDER` holds `optdigits.npz`, `dhsd_words.npz` and `fonts_train/` (see `pipeline/training/digits.py` and `handwriting.py`, also for installing).
Only writers, font families and pictures that the networks never saw are used. For boxes half of the people are fitted to, and the others judge. For
lines there are fewer: a sixth of the hands at a time is judged by a curve fitted to the others; the curve in use is fitted to all. The six are
kept in `calibration_apart.json`, so that `bench --quality` can judge the same hands. Sets that are absent are told of.
Run it again after every change of a network or of how readings are decoded; curves of networks that were left out stay.
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

from pipeline.calibration_file import Fitted, card_table, fit_crossed, fit_keys, write, write_apart
from pipeline.calibration_fit import Evidence
from pipeline.confidence import DRAWN_MARKS_MAX_P
from pipeline.field_spec import Kind
from pipeline.model import Image
from pipeline.quality.filled_pages import Digits as Pool
from pipeline.quality.filled_pages import writers
from pipeline.quality.handwritten import COPISTE, SETS, SWEDISH, WORDS, sets_of
from pipeline.quality.measure import Data
from pipeline.recognize.curves import LETTER, SHIPPED
from pipeline.recognize.network import network_file
from pipeline.recognize.registry import NETWORKS
from pipeline.settings import Handwriting
from pipeline.training import evidence, letter_glyphs
from pipeline.training.calibration_card import write_card
from pipeline.training.digit_glyphs import MNIST_HELD, OPTDIGITS_HELD, Glyphs, enlarged, load, mnist, optdigits
from pipeline.training.digit_rows import Digits
from pipeline.training.handwriting_data import Line, font_files
from pipeline.training.line_stretches import stretches
from pipeline.training.swedish_hands import swedish_texts

SEED = 20261124
SUREST = dict.fromkeys(
    ("mark", "mark-empty", "choice", "choice-empty", "signature", "signature-empty", "initials", "initials-empty"), DRAWN_MARKS_MAX_P
)
"""No probability that rests on drawn marks alone is higher: drawn ones are not as odd as scanned ones."""
PEOPLE = 12
SHAPES = 1000
"""So many of MNIST's digits are written with, the last of its held-out part and of its test part."""
NOTE = "Fitted by pipeline/training/calibrate.py; see calibration.md."
Labels = NDArray[np.int64]
Halves = tuple[list[Evidence], list[Evidence]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is read for each half: pages, single digits, drawn rows (also of each format), check boxes a style, lines a set."""

    pages: int
    digits: int
    rows: int
    marks: int
    lines: int


SIZES = Sizes(pages=400, digits=2000, rows=1300, marks=320, lines=400)
BOXES = tuple(kind for kind in Kind if kind is not Kind.LETTERS)
"""Rows of letter boxes are read by the network of lines, and fitted with it on real hands."""
LETTER_ROWS = 3
"""So many times as many rows of letter boxes as lines of a set: half of them cannot be read."""
COMPOSED = "Swedish in people's letters"
RUNNING_TEXT = 25
"""Lines of on average more signs than this are running text: longer than what people write in a field."""


def boxed(handwriting: Path, mnist_folder: Path, sizes: Sizes, bar: Progress) -> Halves:
    """Everything but lines: two halves with other people's digits, other fonts and other pages."""
    glyphs = load(handwriting, mnist_folder, [], held_out=True)
    fonts = font_files(handwriting / "fonts_train", held=True)
    halves: Halves = ([], [])
    task = bar.add_task("forms", total=2 * sizes.pages)
    for half, (own, digits, cells) in enumerate(
        zip(halves, _pools(handwriting, mnist_folder), _cells(handwriting, mnist_folder, sizes.digits), strict=True)
    ):
        rng = np.random.default_rng([SEED, half])
        own += evidence.pages(writers(fonts[half::2], digits, PEOPLE, rng), sizes.pages, rng, lambda: bar.advance(task), BOXES)
        for name, (pictures, labels) in cells.items():
            own += evidence.cells(pictures, labels.tolist(), name)
        own += evidence.rows(Digits(_half(glyphs, half)), sizes.rows, rng)
        own += evidence.formatted_rows(digits, sizes.rows, rng)
        own += evidence.marks(sizes.marks, seed=SEED + half)
    return halves


def marked(handwriting: Path, mnist_folder: Path, sizes: Sizes, bar: Progress) -> Halves:
    """Check boxes and choices alone, after a change of their network."""
    fonts = font_files(handwriting / "fonts_train", held=True)
    halves: Halves = ([], [])
    task = bar.add_task("forms", total=2 * sizes.pages)
    for half, (own, digits) in enumerate(zip(halves, _pools(handwriting, mnist_folder), strict=True)):
        rng = np.random.default_rng([SEED, half])
        own += evidence.pages(writers(fonts[half::2], digits, PEOPLE, rng), sizes.pages, rng, lambda: bar.advance(task), (Kind.MARK, Kind.CHOICE))
        own += evidence.marks(sizes.marks, seed=SEED + half)
    return halves


def _pools(handwriting: Path, mnist_folder: Path) -> tuple[Pool, Pool]:
    """Digits of people set aside: those that also gave the temperature, and those of the figures."""
    scans, values = optdigits(handwriting / "optdigits.npz")
    start, third = len(scans) - OPTDIGITS_HELD, OPTDIGITS_HELD // 3
    parts = slice(start, start + third), slice(start + third, None)
    own, test = mnist(mnist_folder, "train"), mnist(mnist_folder, "t10k")
    others = (own[0][-SHAPES:], own[1][-SHAPES:]), (test[0][-SHAPES:], test[1][-SHAPES:])
    first, second = (_shapes(scans[part], values[part], *more) for part, more in zip(parts, others, strict=True))
    return first, second


def _shapes(scans: Image, values: Labels, pictures: Image, labels: Labels) -> Pool:
    return {d: [enlarged(p, 2.0) for p in scans[values == d]] + [enlarged(p, 2.4) for p in pictures[labels == d]] for d in range(10)}


def _cells(handwriting: Path, mnist_folder: Path, count: int) -> tuple[dict[str, tuple[Image, Labels]], ...]:
    scans, values = optdigits(handwriting / "optdigits.npz")
    start, third = len(scans) - OPTDIGITS_HELD, OPTDIGITS_HELD // 3
    own, own_labels = mnist(mnist_folder, "train")
    test, test_labels = mnist(mnist_folder, "t10k")
    return (
        {
            "MNIST": (own[-MNIST_HELD:][:count], own_labels[-MNIST_HELD:][:count]),
            "optdigits": (scans[start : start + third], values[start : start + third]),
        },
        {"MNIST": (test[:count], test_labels[:count]), "optdigits": (scans[start + third :], values[start + third :])},
    )


def _half(glyphs: Glyphs, half: int) -> Glyphs:
    written = {digit: [images[half::2] for images in sources] for digit, sources in glyphs.written.items()}
    faces = {digit: sources[-1] for digit, sources in written.items()}  # no printed ones here: handwriting fonts stand in
    return Glyphs(written, faces, glyphs.letters[half::2])


def handwritten(sets: Mapping[str, Sequence[Line]], shapes: letter_glyphs.Letters, most: int) -> list[Evidence]:
    """Lines, letters and areas of all hands and fonts set aside; lines of running text are also cut into stretches, as people fill in fields."""
    found = evidence.rows(shapes, LETTER_ROWS * most, np.random.default_rng(SEED), Kind.LETTERS)
    for name, written in sets.items():
        rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
        chosen = [written[i] for i in rng.permutation(len(written))[:most]]
        if np.mean([len(line.text) for line in chosen]) > RUNNING_TEXT:
            chosen = chosen[: most // 2]
            short = stretches(chosen, rng)
            found += evidence.lines(short, f"{name}, stretches", rng)
            found += evidence.areas(short[:most], name, rng)
        else:
            found += evidence.areas(chosen, name, rng)
        found += evidence.lines(chosen, name, rng)
    return evidence.evened(found)


def held_lines(handwriting: Path, archives: Sequence[Path], count: int) -> dict[str, list[Line]]:
    """The sets of hands and fonts set aside that are here, but for the Swedish one, which is only ever tested on, and Swedish in people's letters.

    `handwriting` lies in the folder of all data.
    """
    found = dict(sets_of(Data(handwriting.parent), archives, only=frozenset(SETS) - {SWEDISH}))
    people = [line for name in (WORDS, COPISTE) for line in found.get(name, ())]
    return {**found, COMPOSED: swedish_texts(people, count, np.random.default_rng(SEED))}


@contextmanager
def weights(choice: Handwriting) -> Iterator[None]:
    """Read with other weights for a while."""
    name = "EFTERSKRIFT_HANDWRITING"
    before = os.environ.get(name)
    os.environ[name] = choice.value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def networks() -> dict[str, str]:
    """The fingerprint of the network behind each key."""
    known = {str(kind): name() for kind, name in NETWORKS.items()}
    return {LETTER: known[Kind.TEXT], **known}


def _fit(halves: Halves) -> list[Fitted]:
    return fit_keys(*halves, _network_of(e for half in halves for e in half), SUREST)


def _network_of(some: Iterable[Evidence]) -> dict[str, str]:
    own = networks()
    return {key: own[key.partition("-")[0]] for key in {e.key for e in some}}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handwriting", type=Path, required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument(
        "--archive", type=Path, action="append", default=[], dest="archives", help="zip of lines; see pipeline/training/handwriting.py"
    )
    parser.add_argument("--only", choices=("boxes", "marks", "lines"))
    for name, size in asdict(SIZES).items():
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()
    sizes = Sizes(**{name: getattr(args, name) for name in asdict(SIZES)})
    fitted: list[Fitted] = []
    with Progress(console=Console(stderr=True)) as bar:
        if args.only == "marks":
            fitted += _fit(marked(args.handwriting, args.mnist, sizes, bar))
        if args.only in (None, "boxes"):
            fitted += _fit(boxed(args.handwriting, args.mnist, sizes, bar))
        if args.only in (None, "lines"):
            files: set[Path] = set()
            sets = held_lines(args.handwriting, args.archives, sizes.lines)
            shapes = letter_glyphs.load(args.handwriting, [], held_out=True)
            for name in sorted(SETS.keys() - sets.keys() - {SWEDISH}):
                bar.console.print(f"{name} is left out: {SETS[name]}. The curves of lines are poorer for it.")
            for choice in bar.track(list(Handwriting), description="lines"):
                with weights(choice):
                    if network_file().is_file() and network_file() not in files:
                        files.add(network_file())
                        found = handwritten(sets, shapes, sizes.lines)
                        fitted += fit_crossed(found, _network_of(found), SUREST)
    kept = _others(fitted)
    write(args.out, fitted, NOTE, keep=kept)
    if any(one.apart for one in fitted):
        write_apart(args.out.with_stem(f"{args.out.stem}_apart"), fitted, NOTE, keep=kept)
    write_card(args.out.with_suffix(".md"), fitted, keep=kept)
    print(card_table(fitted))


def _others(fitted: Sequence[Fitted]) -> set[str]:
    """Networks that are installed but were left out this time."""
    found = set(networks().values())
    for choice in Handwriting:
        with weights(choice):
            found |= set(networks().values())
    return found - {one.network for one in fitted}


if __name__ == "__main__":
    main()
