"""Measure `efterskrift recognize` on what no network was trained on, as a user runs it.

    python -m research.evaluation.recognize --data FOLDER [--mnist FOLDER/mnist] [--most 300]
        [--only text]

Images of single fields go into an archive, the command reads it in a process of its own, and what
it prints is compared with what is true. A field without its form has no unfilled print, register
or neighbours: on a page the same writing is read better. A set that is not here is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.domain.form.confidence import PREFILL_FROM, PREFILL_FROM_BY_KIND, Share
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Image, State
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.fields.digits.letters import LETTER_SYMBOLS
from research.evaluation.damage.damaged_page import DamagedPage
from research.evaluation.damage.imaging_damage import add_noise
from research.evaluation.fields.boxes import MEASURED_OPTDIGITS_COUNT
from research.evaluation.fields.handwriting import load_sets
from research.evaluation.fields.marked_forms import (
    MARKED_FORM,
    MARKED_SERIAL,
    MARKED_UNIT,
    fill_boxes,
    style_meaning,
)
from research.evaluation.measure import EvaluationData
from research.training.calibration.readings import make_area_image
from research.training.digits.glyphs import load_mnist, load_optdigits
from research.training.digits.rows import draw_row
from research.training.handwriting.lines import TrainingLine
from research.training.strokes.glyphs import load_box_letters, load_stroke_digits

SEED = 20261130
START_PROGRAM = "from pipeline.cli.app import main; main()"
AREA_LINES = 3
LETTER_CELLS = 6
MIN_LETTERS = 3
"""Rows with fewer letters are left out."""
MARKED_PAGES = 8
PAPER_MM = 0.8
"""Paper around a check box."""


@dataclass(frozen=True, slots=True)
class FieldPicture:
    """The image of a field, what it says (a text, or whether it is marked), and who wrote it."""

    image: Image
    says: str | bool
    writer: str = ""


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Images of one kind that are read with one command."""

    kind: Kind
    name: str
    pictures: Sequence[FieldPicture]
    cells: int | None = None


def load_picture_sets(data: EvaluationData) -> Iterator[PictureSet]:
    """Yield all sets that are here."""
    for name, lines in load_sets(data):
        yield PictureSet(Kind.TEXT, name, [_picture_of(line) for line in lines])
        if name.endswith("lines"):
            yield PictureSet(Kind.LINES, f"{name}, areas", list(_join_areas(lines)), AREA_LINES)
    yield from _load_digits(data)
    yield from _load_letters(data)
    yield from _load_marks()


def _picture_of(line: TrainingLine) -> FieldPicture:
    return FieldPicture(line.picture, line.text, line.writer)


def _join_areas(lines: Sequence[TrainingLine]) -> Iterator[FieldPicture]:
    """Yield areas of a few lines of one writer."""
    by_writer: dict[str, list[TrainingLine]] = defaultdict(list)
    for line in lines:
        by_writer[line.writer].append(line)
    for writer, own in by_writer.items():
        for start in range(0, len(own) - AREA_LINES + 1, AREA_LINES):
            part = own[start : start + AREA_LINES]
            area = make_area_image([line.picture for line in part])
            yield FieldPicture(area.image, " ".join(line.text for line in part), writer)


def _load_digits(data: EvaluationData) -> Iterator[PictureSet]:
    if data.mnist:
        pictures, labels = load_mnist(data.mnist, "t10k")
        yield _single_digits("MNIST test", pictures, labels)
    if file := data.find("handwriting", "optdigits.npz"):
        scans, values = load_optdigits(file)
        own = slice(-MEASURED_OPTDIGITS_COUNT, None)
        yield _single_digits("optdigits, held out", scans[own], values[own])
    if file := data.find("handwriting", "unipen_strokes.npz"):
        shapes = load_stroke_digits(file, held_out=True)
        pairs = [(picture, label) for label, own in shapes.items() for picture in own]
        yield _single_digits("UNIPEN, held out", *zip(*pairs, strict=True))


def _single_digits(name: str, pictures: Iterable[Image], labels: Iterable[int]) -> PictureSet:
    # As black on white, with paper around.
    found = [
        FieldPicture(
            np.pad((255 - picture).astype(np.uint8), 6, constant_values=255),
            str(label),
        )
        for picture, label in zip(pictures, labels, strict=True)
    ]
    return PictureSet(Kind.DIGITS, name, found, 1)


def _load_letters(data: EvaluationData) -> Iterator[PictureSet]:
    if not (file := data.find("handwriting", "unipen_strokes.npz")):
        return
    rng = np.random.default_rng(SEED)
    letters = load_box_letters(file.parent, (), held_out=True)
    rows: list[FieldPicture] = []
    while len(rows) < 1_000:
        row = draw_row(letters, "no_blank", rng)
        text = "".join(LETTER_SYMBOLS[label] for label in row.labels)
        if len(text) == LETTER_CELLS and len(text.strip()) >= MIN_LETTERS and _are_letters(text):
            # Empty boxes are one space, as in what was read.
            rows.append(FieldPicture(row.image, " ".join(text.split())))
    yield PictureSet(Kind.LETTERS, "held-out letters in boxes", rows, LETTER_CELLS)


def _are_letters(text: str) -> bool:
    return text.replace(" ", "").isalpha()


def _load_marks() -> Iterator[PictureSet]:
    """Yield check boxes cut out of an own page, with the paper around them."""
    form = Forms.load(ROOT / "forms").latest(MARKED_FORM)
    specs = [spec for spec in form.pages[0].all_fields if spec.kind is Kind.MARK]
    clean = render_sheet_page(form, Sheet(MARKED_SERIAL, MARKED_UNIT))
    boxes = []
    for number in range(MARKED_PAGES):
        rng = np.random.default_rng([SEED, number])
        image, styles = fill_boxes(clean, specs, rng, 0.0)
        scanned = add_noise(DamagedPage(image, lambda points: points), rng, sigma=4).image
        for spec in specs:
            state = style_meaning(styles[spec.name])
            if state in (State.READ, State.EMPTY):
                boxes.append(FieldPicture(_cut_box(scanned, spec), state is State.READ))
    yield PictureSet(Kind.MARK, "own check boxes", boxes)


def _cut_box(page: Image, spec: FieldSpec) -> Image:
    left, top, width, height = (side * PRINT_PX_PER_MM for side in spec.box)
    around = PAPER_MM * PRINT_PX_PER_MM
    cut = page[
        round(top - around) : round(top + height + around),
        round(left - around) : round(left + width + around),
    ]
    return np.ascontiguousarray(cut)


def run_command(group: PictureSet) -> list[dict[str, Any]]:
    """Return what the command prints for each image, in order.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "fields.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
            for number, picture in enumerate(group.pictures):
                encoded = cv2.imencode(".png", picture.image)[1].tobytes()
                packed.writestr(f"{number:06}.png", encoded)
        command = [sys.executable, "-c", START_PROGRAM, "recognize", str(group.kind)]
        command += [str(archive), "--json"]
        command += ["--cells", str(group.cells)] if group.cells else []
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def format_row(group: PictureSet, results: Sequence[dict[str, Any]]) -> str:
    """Return a row of the table: edits a character (marks: boxes wrong), and the sure ones."""
    edits: dict[str, float] = defaultdict(float)
    length: dict[str, float] = defaultdict(float)
    right = []
    for picture, result in zip(group.pictures, results, strict=True):
        if isinstance(picture.says, bool):
            wrong, size = float(bool(result["value"]) is not picture.says), 1
        else:
            read = " ".join(str(result["value"] or "").split())
            wrong, size = float(Levenshtein.distance(read, picture.says)), len(picture.says)
        edits[picture.writer] += wrong
        length[picture.writer] += size
        right.append(wrong == 0)
    limit = PREFILL_FROM_BY_KIND.get(group.kind, PREFILL_FROM)
    sure = [one for one, result in zip(right, results, strict=True) if result["p"] >= limit]
    share = Share(len(sure) - sum(sure), len(sure))
    by_writer = [edits[writer] / length[writer] for writer in edits]
    return (
        f"| {group.kind} | {group.name} | {len(results):,} | {len(by_writer)} "
        f"| {sum(edits.values()) / sum(length.values()):.4f} | {median(by_writer):.4f} "
        f"| {1 - sum(right) / len(right):.4f} | {len(sure) / len(right):.1%} "
        f"| {share.wrong} of {share.of:,} (≤ {share.interval[1]:.2%}) |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--most", type=int, default=300, help="images of a set")
    parser.add_argument("--only", type=Kind, choices=tuple(Kind))
    args = parser.parse_args()
    print(
        "| kind | set | fields | writers | error a character | median writer | fields wrong "
        "| sure | wrong of these |\n|---|---|--:|--:|--:|--:|--:|--:|--:|"
    )
    for group in load_picture_sets(EvaluationData(args.data, args.mnist)):
        if args.only in (None, group.kind):
            step = max(1, len(group.pictures) // args.most)
            part = PictureSet(group.kind, group.name, group.pictures[::step], group.cells)
            print(format_row(part, run_command(part)), flush=True)


if __name__ == "__main__":
    main()
