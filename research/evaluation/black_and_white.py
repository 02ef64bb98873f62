"""Measure how well check boxes are read in black and white, on originals and on copies of copies.

    python -m research.evaluation.black_and_white --pages 80 [--first 1000] [--data FOLDER]

Pages of the project's forms are printed, marked, photocopied up to three times (in two ways: the
copier of the damage series and that of the networks' training), scanned with one bit a pixel at
thresholds from far too light to far too dark, and read. `--data` adds real held-out answer sheets,
copied and scanned so from their grey scans. Only boxes read as marked or filled count: a pale
stroke that one bit has lost can be seen by nobody. Pages have seeds of their own: with another
`--first` they are others.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.form.confidence import PREFILL_FROM_BY_KIND, Share
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Image, Outcome, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import render_sheet_page
from pipeline.reading import read_page
from pipeline.reading.field_readers import CALIBRATED_READERS
from pipeline.reading.page_checks.image_quality import is_worn_copy
from pipeline.reading.page_checks.page_context import PageContext
from research.evaluation.damage.damaged_page import Damage, DamagedPage
from research.evaluation.damage.imaging_damage import (
    add_blur,
    add_noise,
    binarize,
    change_contrast,
)
from research.evaluation.damage.page_placement import change_dpi, skew_page
from research.evaluation.damage.paper_damage import add_dust
from research.evaluation.damage.series import photocopied
from research.evaluation.fields.marked_forms import fill_boxes, style_meaning
from research.evaluation.fields.marks import (
    SheetUse,
    cut_boxes,
    load_answer_sheets,
    load_sheet_image,
)
from research.training.marks.printed_forms import FormPage, find_box_pages
from research.training.marks.scan_effects import Scanner, random_scanner

SEED = 20261201
MOST_COPIES = 3
SHEET_COPIES = 2
"""Of real sheets, which have been through a printer or copier before."""
LEAST_STRENGTH = 0.45
"""Pale strokes vanish at one bit; nobody could say what was there."""
MIN_BOXES = 12
COPIED_PX_PER_MM = 8.0
THRESHOLDS = 110, 236
SURE_FROM = PREFILL_FROM_BY_KIND[Kind.MARK]


@dataclass(frozen=True, slots=True)
class SeenMark:
    """A box that was read as marked or filled: on what page, how certainly, and whether rightly."""

    source: str
    page: int
    p: float
    right: bool

    @property
    def is_sure(self) -> bool:
        """Whether review would show it."""
        return self.p >= SURE_FROM


def read_drawn_pages(numbers: range) -> Iterator[SeenMark]:
    """Draw, copy, scan and read these pages; p is without the rule for worn copies."""
    places = [place for place in find_box_pages() if len(place.boxes) >= MIN_BOXES]
    reader = replace(
        read_page.PageReader.of_forms(Forms.load(ROOT / "forms")), kinds=frozenset({Kind.MARK})
    )
    for number in numbers:
        rng = np.random.default_rng([SEED, number])
        copies = number % (MOST_COPIES + 1)
        image, styles = _draw_page(places[int(rng.integers(len(places)))], copies, rng)
        worn: list[bool] = []

        def note(
            context: PageContext, readings: dict[str, Reading], found: list[bool] = worn
        ) -> dict[str, Reading]:
            found.append(is_worn_copy(context.all_fields, context.contrast))
            return readings

        with patch.object(read_page, "cap_marks", note):
            encoded = cv2.imencode(".png", image)[1].tobytes()
            reading = reader.read(encoded, "image/png").reading
        if reading.outcome is not Outcome.READ:
            continue
        source = f"drawn, copied {copies} times, {'worn' if worn[0] else 'clear'} print"
        for name, style in styles.items():
            if name in reading.fields and reading.fields[name].state is not State.EMPTY:
                yield _judge(source, number, reading.fields[name], style_meaning(style))


def _judge(source: str, page: int, reading: Reading, truth: State | None) -> SeenMark:
    # People may disagree on a ring or a mark beside the box.
    return SeenMark(source, page, reading.p, truth is None or reading.state is truth)


def _draw_page(place: FormPage, copies: int, rng: Generator) -> tuple[Image, dict[str, str]]:
    """Return a marked page with one bit a pixel, and the style of each box."""
    clean = render_sheet_page(place.form, Sheet("23456789", "Hemtjänsten Norr"), place.number)
    marked, styles = fill_boxes(clean, place.specs, rng, least=LEAST_STRENGTH)
    grey = np.asarray(cv2.cvtColor(marked, cv2.COLOR_BGR2GRAY), np.uint8)
    if rng.random() < 0.5:
        steps: tuple[Damage, ...] = (
            partial(add_dust, specks=int(rng.integers(30))),
            partial(skew_page, degrees=(-1.5, 1.5)),
            partial(change_dpi, dpi=200),
        )
        scanner = replace(random_scanner(rng, one_bit=True), copies=copies)
        return scanner.sees(_apply(grey, steps, rng), COPIED_PX_PER_MM, rng), styles
    gain, lift = rng.uniform(0.75, 1.1), rng.uniform(-12, 4)
    steps = (
        partial(change_contrast, gain=gain, lift=lift),
        partial(add_dust, specks=int(rng.integers(30))),
        partial(photocopied, generations=copies),
        partial(skew_page, degrees=(-1.5, 1.5)),
        partial(add_blur, millimetres=rng.uniform(0.03, 0.08)),
        partial(change_dpi, dpi=int(rng.choice([300, 200, 200, 150]))),
        partial(add_noise, sigma=rng.uniform(2, 7)),
        partial(binarize, threshold=int(rng.integers(*THRESHOLDS))),
    )
    return _apply(grey, steps, rng), styles


def _apply(image: Image, steps: Sequence[Damage], rng: Generator) -> Image:
    page = DamagedPage(image, lambda points: points)
    for step in steps:
        page = step(page, rng)
    return page.image


def read_answer_sheets(scans: Path) -> Iterator[SeenMark]:
    """Copy and scan the held-out sheets in black and white, and read their boxes."""
    sheets = [sheet for sheet in load_answer_sheets() if sheet.use is SheetUse.HELD_OUT]
    for number, sheet in enumerate(sheets):
        grey = load_sheet_image(sheet, scans).astype(np.float64)
        paper = float(np.quantile(grey, 0.8))
        white = np.clip(grey * 255 / paper, 0, 255).astype(np.uint8)
        for copies in range(SHEET_COPIES + 1):
            rng = np.random.default_rng([SEED, number, copies])
            scanner = Scanner(
                paper=240.0,
                contrast=1.0,
                blur_mm=float(rng.uniform(0.03, 0.08)),
                grain=2.0,
                copies=copies,
                threshold=float(rng.uniform(0.55, 0.85)),
            )
            boxes = cut_boxes(sheet, scanner.sees(white, sheet.px_per_mm, rng))
            readings = CALIBRATED_READERS[Kind.MARK]([box.crop for box in boxes])
            for box, reading in zip(boxes, readings, strict=True):
                if reading.state is not State.EMPTY:
                    right = reading.state is State.READ and box.marked is not False
                    yield SeenMark(f"real, copied {copies} times", number, reading.p, right)


def format_table(seen: Sequence[SeenMark]) -> str:
    """Return a Markdown table: pages, marks, and the sure and wrong ones of them."""
    groups: dict[str, list[SeenMark]] = defaultdict(list)
    for one in seen:
        groups[one.source].append(one)
    head = "| pages | number | read as marked | wrong | sure | wrong of these |"
    return "\n".join(
        [head, "|---|--:|--:|--:|--:|--:|", *(_row(name, groups[name]) for name in sorted(groups))]
    )


def _row(name: str, seen: Sequence[SeenMark]) -> str:
    sure = [one for one in seen if one.is_sure]
    wrong = Share(sum(not one.right for one in sure), len(sure))
    return (
        f"| {name} | {len({one.page for one in seen})} | {len(seen)} "
        f"| {sum(not one.right for one in seen)} | {len(sure)} "
        f"| {wrong.wrong} (≤ {wrong.interval[1]:.2%}) |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=80)
    parser.add_argument("--first", type=int, default=0, help="number of the first page")
    parser.add_argument("--data", type=Path, help="folder with scans/")
    args = parser.parse_args()
    seen = list(read_drawn_pages(range(args.first, args.first + args.pages)))
    if args.data:
        seen += read_answer_sheets(args.data / "scans")
    print(format_table(seen))


if __name__ == "__main__":
    main()
