"""How well rows of writing are found: `python -m pipeline.quality.line_measure --lines LINES.zip`.

Lines of real writers set aside (`LINES.zip`) are placed as `line_cases` says. For each case:
the share of lines whose ink is found as one row (at least 95 % of what is
taken for writing, and 80 % of all, in a row of which it is at least 90 %), beside the fixed bands that the rules
alone would give, and the character error of the whole text with the network that reads here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from pipeline.quality.line_cases import CASES, Placed, Script, placed
from pipeline.recognize.handwriting import read_lines
from pipeline.recognize.ink import Ink, find_ink
from pipeline.recognize.line_picture import Line, banded, line_of
from pipeline.recognize.lines import read_areas
from pipeline.recognize.row_ink import row_ink
from pipeline.recognize.written_rows import written_area
from pipeline.training.handwriting_data import folder

SEED = 20261124
OWN, LEFT, ALONE = 0.95, 0.8, 0.9
BELOW_RULE = 0.12
"""Fixed bands reach this part of the pitch below each rule: commas and tails hang there."""


@dataclass(slots=True)
class Count:
    """What was measured in one case."""

    lines: int = 0
    by_rule: int = 0
    found: int = 0
    written: int = 0
    edits_by_rule: int = 0
    edits_found: int = 0

    def __str__(self) -> str:
        shares = f"{self.by_rule / self.lines:.3f} | {self.found / self.lines:.3f}"
        return f"{self.lines} | {shares} | {self.edits_by_rule / max(1, self.written):.3f} | {self.edits_found / max(1, self.written):.3f}"


def measure(scripts: Sequence[Sequence[Script]], case: str, areas: int, read: int) -> Count:
    """Areas of one case, each in one writer's hand, writers in turn; the first `read` of them are read too."""
    rng = np.random.default_rng(SEED)
    count = Count()
    for number in range(areas):
        own = scripts[number % len(scripts)]
        drawn = placed(case, [own[int(i)] for i in rng.permutation(len(own))[:9]], rng)
        ink = find_ink(drawn.crop)
        bands = banded(ink.mask, _edges(ink, drawn.crop.spec.lines or 1))
        owner = np.zeros(ink.mask.shape, np.int32)
        for i, band in enumerate(bands, start=1):
            owner[band] = i
        count.lines += len(drawn.lines)
        count.by_rule += right_lines(drawn, owner)
        count.found += right_lines(drawn, row_ink(ink, drawn.crop.spec.lines).owner + 1)
        if number < read:
            _read(count, drawn, ink, bands)
    return count


def right_lines(drawn: Placed, owner: NDArray[np.int32]) -> int:
    """How many lines have their ink in one row that is theirs; `owner` numbers rows from 1, 0 is none."""
    right = 0
    seen = np.where(owner > 0, drawn.owner, 0)
    for number in range(1, len(drawn.lines) + 1):
        rows = owner[(drawn.owner == number) & (owner >= 0)]
        counts = np.bincount(rows) if rows.size else np.zeros(1, int)
        counts[0] = 0
        row = int(counts.argmax())
        ink = (drawn.owner == number).sum()
        inside = seen[owner == row]
        whole = counts[row] >= max(OWN * counts.sum(), LEFT * ink)
        right += bool(row and whole and (inside == number).sum() >= ALONE * (inside > 0).sum())
    return right


def _read(count: Count, drawn: Placed, ink: Ink, bands: Sequence[NDArray[np.bool_]]) -> None:
    text = " ".join(drawn.lines)
    count.written += len(text)
    (reading,) = read_areas([written_area(ink, drawn.crop.spec.lines)])
    count.edits_found += Levenshtein.distance(" ".join(str(reading.value or "").split()), text)
    lines: list[Line] = [line_of(ink, band) for band in bands]
    fixed = " ".join(str(one.value) for one in read_lines(lines) if one.value)
    count.edits_by_rule += Levenshtein.distance(" ".join(fixed.split()), text)


def _edges(ink: Ink, count: int) -> list[float]:
    _, top, _, bottom = ink.field
    pitch = (bottom - top) / count
    return [top - BELOW_RULE * pitch, *(top + (i + BELOW_RULE) * pitch for i in range(1, count)), bottom + 2 * BELOW_RULE * pitch]


def real_scripts(archive: Path) -> Iterator[list[Script]]:
    """Lines of each writer set aside, cut to their ink; writers with fewer than nine are left out."""
    by_writer: dict[str, list[Script]] = {}
    for line in folder(archive, held=True):
        by_writer.setdefault(line.writer, []).append(Script(_cut(line.picture), line.text))
    yield from (lines for lines in by_writer.values() if len(lines) >= 9)


def _cut(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    dark = picture < 160
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=Path, required=True)
    parser.add_argument("--areas", type=int, default=32, help="so many of each case")
    parser.add_argument("--read", type=int, default=32, help="of these, so many are read too")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    scripts = list(real_scripts(args.lines))
    print("| case | lines | found by rules | found by ink | error by rules | error by ink |\n|---|--:|--:|--:|--:|--:|")
    for case in CASES:
        print(f"| {case} | {measure(scripts, case, args.areas, args.read)} |", flush=True)


if __name__ == "__main__":
    main()
