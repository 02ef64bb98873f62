"""Strike out a written row on pages drawn apart, and count what stays silent and what is flagged.

    python -m research.evaluation.apart.strikes --pages 50 --data FOLDER

A field that the line crosses is silent if its reading has high confidence all the same. Flags of
fields in other rows are false.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import IssueCode, parse_issues
from pipeline.domain.model import Image, PageReading, State
from pipeline.domain.review.rules import prefill_from
from pipeline.domain.settings import ROOT, Settings
from pipeline.reading.read_page import PageReader
from pipeline.registers.staff import StaffRegister
from research.evaluation.apart.hands import load_hands
from research.evaluation.apart.pages import PageSet, make_town, print_page
from research.evaluation.apart.paper import DPI, Paper
from research.evaluation.apart.scanner import scan
from research.evaluation.apart.values import OUTAGE_END, OUTAGE_START, FilledPage, fill_in

_SEED = 77
_MIN_ROWS, _MIN_WRITTEN = 4, 2
_PX_PER_MM = DPI / 25.4
_PEN_MM, _PEN_TONE = 0.45, 40
Line = NDArray[np.float64]
"""(n, 2) places of a line, mm."""


@dataclass(frozen=True, slots=True)
class StruckPage:
    """A page of which a row was struck out: what is crossed, and what was read."""

    crossed: Sequence[FieldSpec]
    others: Sequence[FieldSpec]
    reading: PageReading

    @property
    def silent(self) -> list[str]:
        """The crossed fields whose reading has high confidence."""
        fields = self.reading.fields
        return [
            spec.name
            for spec in self.crossed
            if fields[spec.name].p >= prefill_from(spec) and fields[spec.name].state is State.READ
        ]

    @property
    def false(self) -> list[str]:
        """Fields of other rows that are flagged."""
        issues = parse_issues(self.reading.issues)
        flagged = {issue.field for issue in issues if issue.code is IssueCode.LINE_ACROSS}
        return [spec.name for spec in self.others if spec.name in flagged]


def strike_pages(data: Path, count: int) -> Iterator[StruckPage]:
    """Yield so many pages with a row struck out, of the forms that have rows."""
    town = make_town(data / "schemas" / "identity" / "testpersonnummer.txt", PageSet.DEVELOPMENT)
    settings = Settings(
        workspace=ROOT / "data" / "samples", outage_start=OUTAGE_START, outage_end=OUTAGE_END
    )
    reader = PageReader.of(settings, town.clients, StaffRegister(town.staff))
    hands, _ = load_hands(data / "handwriting" / "unipen_strokes.npz")
    latest = [reader.forms.latest(form_id) for form_id in sorted({one for one, _ in reader.forms})]
    sides = [
        (form, number + 1)
        for form in latest
        for number, page in enumerate(form.pages)
        if len({spec.row for spec in page.all_fields if spec.row}) >= _MIN_ROWS
    ]
    for place in range(count):
        form, page_no = sides[place % len(sides)]
        rng = np.random.default_rng([_SEED, place])
        filled = fill_in(form, page_no, town, rng)
        row = _choose_row(filled, rng)
        if not row:
            continue
        paper = Paper(print_page(form, page_no), hands[place % len(hands)], rng)
        too_long = paper.write(filled)
        line = _make_line(row, rng)
        scanned = scan(_draw_line(paper.finish(), line), DPI, rng)
        reading = reader.read(scanned.data, scanned.media_type).reading
        crossed = [
            spec
            for spec in row
            if _is_crossed(spec, line) and spec.name in filled.values.keys() - too_long
        ]
        names = {spec.name for spec in row}
        others = [spec for spec in form.pages[page_no - 1].all_fields if spec.name not in names]
        if reading.fields:
            yield StruckPage(crossed, others, reading)


def _choose_row(filled: FilledPage, rng: Generator) -> list[FieldSpec]:
    """Return the fields of a row in which something is written; nothing if there is none."""
    rows: dict[int, list[FieldSpec]] = defaultdict(list)
    for spec in filled.form.pages[filled.page_no - 1].all_fields:
        if spec.row and spec.traits.filled_by_hand:
            rows[spec.row].append(spec)
    written = [
        own
        for own in rows.values()
        if sum(spec.name in filled.values for spec in own) >= _MIN_WRITTEN
    ]
    return written[int(rng.integers(len(written)))] if written else []


def _make_line(row: Sequence[FieldSpec], rng: Generator) -> Line:
    """Return a line through the middle of a row, as a writer draws it."""
    boxes = [spec.area for spec in row]
    left, right = min(box.x for box in boxes), max(box.x + box.w for box in boxes)
    x = np.linspace(left - 1, right + 1, 40)
    middle = np.median([box.y + box.h / 2 for box in boxes])
    y = middle + (x - x.mean()) * rng.normal(0, 0.008) + np.cumsum(rng.normal(0, 0.06, len(x)))
    return np.stack([x, y], axis=1)


def _draw_line(page: Image, line: Line) -> Image:
    layer = np.zeros(page.shape[:2], np.uint8)
    points = np.round(line * _PX_PER_MM).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(layer, [points], False, 255, max(2, round(_PEN_MM * _PX_PER_MM)), cv2.LINE_AA)
    cover = layer.astype(np.float32) / 255
    cover = cover[..., None] if page.ndim > layer.ndim else cover
    return np.minimum(page, page * (1 - cover) + _PEN_TONE * cover).astype(np.uint8)


def _is_crossed(spec: FieldSpec, line: Line) -> bool:
    box = spec.area
    x, y = line.T
    inside = (x > box.x) & (x < box.x + box.w) & (y > box.y + 0.5) & (y < box.y + box.h - 0.5)
    return bool(inside.any())


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    pages = list(strike_pages(args.data, args.pages))
    print(
        f"{len(pages)} rows; silent {sum(len(page.silent) for page in pages)} of "
        f"{sum(len(page.crossed) for page in pages)} crossed fields; line_across on "
        f"{sum(len(page.false) for page in pages)} of {sum(len(page.others) for page in pages)} "
        "other fields"
    )


if __name__ == "__main__":
    main()
