"""Measure line segmentation: how well lines of writing in an area are found.

    python -m research.evaluation.fields.lines --lines LINES.zip

Lines of held-out real writers (`LINES.zip`) are placed on ruled areas in the ways people write:
slanted, drifting, squeezed, between the lines, out of the field, struck out, underlined. Only the
placing is drawn. For each case: the share of lines whose ink is found as one line (at least 95 % of
what is taken for writing, and 80 % of all, in a line of which it is at least 90 %), next to the
fixed bands that the rules alone would give, and the character error of the whole text with the
network that reads.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.line_image import (
    LineImage,
    make_line_image,
    split_into_bands,
)
from pipeline.reading.fields.handwriting.reader import read_line_images
from pipeline.reading.fields.ink import Ink, find_ink
from pipeline.reading.fields.segmentation.lines import read_written_areas
from pipeline.reading.fields.segmentation.rows import segment_area, segment_rows
from research.training.handwriting.lines import load_archive

CASE_PX_PER_MM = 8.0
LINE_HEIGHT_RANGE = (0.66, 0.92)
"""The height of a line's image, from the lowest to the highest letter, in parts of the pitch."""
SEED = 20261124
BAND_BELOW_RULE = 0.12
"""Fixed bands reach this part of the pitch below each rule, for commas and descenders."""


AREA_WIDTH_MM, RULE_PITCH_MM, RULE_COUNT, AREA_MARGIN_MM = 180.0, 9.0, 9, 8.0
"""An area as on Efterskrift's forms, and the paper around it."""


@dataclass(frozen=True, slots=True)
class Script:
    """A line to place: its image (dark ink on white) and what it says."""

    picture: Image
    text: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline of a line, mm below the field's top.

    It starts at the left, falls by `slope`, by `sag` at the far end, and moves up and down by
    `waver`.
    """

    at: float
    slope: float = 0.0
    sag: float = 0.0
    waver: float = 0.0

    def y(self, x: float) -> float:
        """Return the height at `x` mm from the field's left."""
        return (
            self.at
            + self.slope * x
            + self.sag * (x / AREA_WIDTH_MM) ** 2
            + self.waver * float(np.sin(x / 30))
        )


@dataclass(frozen=True, slots=True)
class DrawnArea:
    """An area with what it says.

    `owner` (h, w) numbers the line of each ink pixel from 1 in reading order; 0 is paper.
    """

    crop: FieldImage
    lines: tuple[str, ...]
    owner: NDArray[np.int32]


@dataclass(slots=True)
class _Sheet:
    image: Image
    owner: NDArray[np.int32]
    lines: list[str]

    def write(self, script: Script, x_mm: float, foot: Baseline, high_mm: float) -> None:
        """Draw a line from `x_mm` on, with the bottom of its image at `foot`."""
        # Scale the line to its height on paper.
        height = max(8, round(high_mm * CASE_PX_PER_MM))
        width = max(8, round(script.picture.shape[1] * height / script.picture.shape[0]))
        way = cv2.INTER_AREA if script.picture.shape[0] > height else cv2.INTER_CUBIC
        self._lay(
            np.asarray(cv2.resize(script.picture, (width, height), interpolation=way), np.uint8),
            x_mm,
            foot,
            len(self.lines) + 1,
        )
        self.lines.append(script.text)

    def _lay(self, line: Image, x_mm: float, foot: Baseline, number: int) -> None:
        # Place column by column, so that a line follows its baseline.
        left = round((x_mm + AREA_MARGIN_MM) * CASE_PX_PER_MM)
        for column in range(min(line.shape[1], self.image.shape[1] - left)):
            low = round((foot.y(x_mm + column / CASE_PX_PER_MM) + AREA_MARGIN_MM) * CASE_PX_PER_MM)
            top = max(0, low - line.shape[0])
            bottom = min(self.image.shape[0], low)
            # Clip at the upper and lower edge of the area.
            ink = line[top - low + line.shape[0] : bottom - low + line.shape[0], column]
            place = slice(top, bottom), left + column
            # Ownership goes to the darkest ink of a pixel.
            darker = (ink < 160) & (ink <= self.image[place])
            self.owner[place] = np.where(darker, number, self.owner[place])
            self.image[place] = np.minimum(self.image[place], ink)


def draw_rules(rows: int = RULE_COUNT) -> Image:
    """Draw the empty area with its margin: pale rules."""
    size = (
        round((rows * RULE_PITCH_MM + 2 * AREA_MARGIN_MM) * CASE_PX_PER_MM),
        round((AREA_WIDTH_MM + 2 * AREA_MARGIN_MM) * CASE_PX_PER_MM),
    )
    blank = np.full(size, 255, np.uint8)
    for row in range(1, rows + 1):
        y = round((row * RULE_PITCH_MM + AREA_MARGIN_MM) * CASE_PX_PER_MM)
        blank[
            y - 1 : y + 1,
            round(AREA_MARGIN_MM * CASE_PX_PER_MM) : -round(AREA_MARGIN_MM * CASE_PX_PER_MM),
        ] = 170
    return blank


def draw_case(case: str, scripts: Sequence[Script], rng: Generator) -> DrawnArea:
    """Draw the lines as the case (a key of `CASES`) says."""
    # Draw the writing on an empty sheet, then the printed rules below it.
    blank = draw_rules()
    sheet = _Sheet(np.full_like(blank, 255), np.zeros(blank.shape, np.int32), [])
    CASE_WRITERS[case](sheet, scripts, rng)
    spec = FieldSpec(
        name="note",
        label="note",
        kind=Kind.LINES,
        box=(0, 0, AREA_WIDTH_MM, RULE_COUNT * RULE_PITCH_MM),
        lines=RULE_COUNT,
    )
    return DrawnArea(
        FieldImage(np.minimum(sheet.image, blank), spec, blank, CASE_PX_PER_MM, AREA_MARGIN_MM),
        tuple(sheet.lines),
        sheet.owner,
    )


def _random_height(rng: Generator) -> float:
    return RULE_PITCH_MM * float(rng.uniform(*LINE_HEIGHT_RANGE))


def _write_straight(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    # One height per area, as of one writer.
    high = _random_height(rng)
    for number, script in enumerate(scripts[:7]):
        # Baselines slightly below the rules, as people write.
        foot = (number + 1 + rng.normal(0.12, 0.05)) * RULE_PITCH_MM
        sheet.write(script, float(rng.uniform(0, 8)), Baseline(foot), high)


def _write_slanted(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Let all lines rise or fall by two to six degrees, each slightly differently."""
    slope = float(np.tan(np.deg2rad(rng.uniform(2, 6) * rng.choice((-1, 1)))))
    # Start lower if the lines rise, so that their far ends stay in the area.
    start = 1.0 + (max(0.0, -slope) * 90 / RULE_PITCH_MM)
    high = _random_height(rng)
    for number, script in enumerate(scripts[:5]):
        # Each line has the common slope with a small deviation.
        foot, own = (
            (number + start + rng.normal(0.12, 0.05)) * RULE_PITCH_MM,
            slope + float(rng.normal(0, 0.006)),
        )
        sheet.write(_shorten(script, high, 110), 2.0, Baseline(foot, own), high)


def _write_bent(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Let lines rise or sink more and more, by up to half a pitch, and waver."""
    high = _random_height(rng)
    sag = float(rng.uniform(0.25, 0.55) * rng.choice((-1, 1))) * RULE_PITCH_MM
    for number, script in enumerate(scripts[:6]):
        foot = (number + 1.5 + rng.normal(0.0, 0.05)) * RULE_PITCH_MM
        sheet.write(script, 2.0, Baseline(foot, sag=sag, waver=0.5), high)


def _write_squeezed(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Draw two lines of small writing between two rules."""
    high = RULE_PITCH_MM * 0.46
    for number, script in enumerate(scripts[:8]):
        foot = (number / 2 + 1.05 + rng.normal(0, 0.02)) * RULE_PITCH_MM
        sheet.write(script, float(rng.uniform(0, 3)), Baseline(foot), high)


def _write_drifting(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Draw lines closer or wider than the rules, so that the writing leaves them."""
    # A pitch clearly smaller or larger than that of the rules.
    high, pitch = _random_height(rng) * 0.9, RULE_PITCH_MM * float(rng.choice((0.82, 1.2)))
    for number, script in enumerate(scripts[:6]):
        foot = 1.1 * RULE_PITCH_MM + number * pitch
        sheet.write(script, float(rng.uniform(0, 6)), Baseline(foot), high)


def _write_past_edge(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Draw lines that go on to the right of the field, and a line below its last rule."""
    high = _random_height(rng) * 0.85
    for number, script in enumerate(scripts[:8]):
        foot = (number + 2.1) * RULE_PITCH_MM
        length = script.picture.shape[1] * high / script.picture.shape[0]
        # Start so far right that the line ends in the margin.
        x = max(0.0, AREA_WIDTH_MM + AREA_MARGIN_MM - 1.0 - length)
        sheet.write(script, x, Baseline(foot), high)


def _write_touching(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Write so large that descenders and tall letters of neighbouring lines touch."""
    high = RULE_PITCH_MM * float(rng.uniform(1.1, 1.3))
    for number, script in enumerate(scripts[:7]):
        foot = (number + 1.3) * RULE_PITCH_MM
        sheet.write(script, float(rng.uniform(0, 6)), Baseline(foot), high)


def _write_inserted(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Insert words between two lines."""
    high = _random_height(rng) * 0.85
    for number, script in enumerate(scripts[:5]):
        foot = (2 * number * 0.85 + 1.1) * RULE_PITCH_MM
        # Insert above the second and the fourth line, at 60 % of their height.
        if number in (1, 3):
            words = _shorten(scripts[5 + number], 0.6 * high, 30)
            sheet.write(words, float(rng.uniform(10, 50)), Baseline(foot - 0.95 * high), 0.6 * high)
        sheet.write(script, 2.0, Baseline(foot), high)


def _write_underlined(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Underline a part of some lines by hand."""
    _write_straight(sheet, scripts[:6], rng)
    for number in range(0, 6, 2):
        x0 = float(rng.uniform(2, 25))
        # A nearly level stroke just below the writing, with slope and tremor.
        x = np.linspace(x0, x0 + rng.uniform(15, 45), 12)
        y = (
            (number + 1.12 + rng.uniform(0.08, 0.16)) * RULE_PITCH_MM
            + rng.normal(0, 0.012) * (x - x0)
            + rng.normal(0, 0.08, 12)
        )
        # Fixed-point coordinates with 3 fractional bits, for antialiasing.
        points = np.stack(
            [(x + AREA_MARGIN_MM) * CASE_PX_PER_MM * 8, (y + AREA_MARGIN_MM) * CASE_PX_PER_MM * 8],
            axis=1,
        )
        cv2.polylines(
            sheet.image, [np.round(points).astype(np.int32)], False, (60,), 3, cv2.LINE_AA, 3
        )


def _shorten(script: Script, high_mm: float, width_mm: float) -> Script:
    """Cut a line for writing of limited length; its text is cut in proportion, at a word."""
    # The width that fits, px of the line's own image.
    most = round(width_mm * script.picture.shape[0] / high_mm)
    if script.picture.shape[1] <= most:
        return script
    # Gaps between words: runs of white columns wider than a fifth of the height.
    white = np.flatnonzero((script.picture > 200).all(axis=0))
    cuts = [
        int(run[len(run) // 2])
        for run in np.split(white, np.flatnonzero(np.diff(white) > 1) + 1)
        if len(run) > 0.2 * script.picture.shape[0]
    ]
    # Cut at the last gap that fits; keep words in proportion.
    at = max([cut for cut in cuts if cut <= most], default=most)
    words = script.text.split()
    share = at / script.picture.shape[1]
    return Script(script.picture[:, :at], " ".join(words[: max(1, round(share * len(words)))]))


CASE_WRITERS: dict[str, Callable[[_Sheet, Sequence[Script], Generator], None]] = {
    "straight": _write_straight,
    "slanted": _write_slanted,
    "bent": _write_bent,
    "drifting": _write_drifting,
    "squeezed": _write_squeezed,
    "leaving the field": _write_past_edge,
    "touching": _write_touching,
    "words between lines": _write_inserted,
    "underlined": _write_underlined,
}


# Shares for a line that is found: of its owned ink in one row, of all its ink in that row, and of
# the row's ink that is its own.
MIN_OWN_INK, MIN_ROW_INK, MIN_PURITY = 0.95, 0.8, 0.9


@dataclass(slots=True)
class LineCounts:
    """The counts of one case."""

    lines: int = 0
    by_rule: int = 0
    found: int = 0
    written: int = 0
    edits_by_rule: int = 0
    edits_found: int = 0

    def __str__(self) -> str:
        shares = f"{self.by_rule / self.lines:.3f} | {self.found / self.lines:.3f}"
        return (
            f"{self.lines} | {shares} | {self.edits_by_rule / max(1, self.written):.3f} | "
            f"{self.edits_found / max(1, self.written):.3f}"
        )


def measure_case(
    scripts: Sequence[Sequence[Script]], case: str, areas: int, read: int
) -> LineCounts:
    """Measure areas of one case, each by one writer in turn; the first `read` are also read."""
    rng = np.random.default_rng(SEED)
    count = LineCounts()
    for number in range(areas):
        # Nine lines of one writer, in random order.
        own = scripts[number % len(scripts)]
        drawn = draw_case(case, [own[int(i)] for i in rng.permutation(len(own))[:9]], rng)
        # The baseline method: fixed bands between the printed rules.
        ink = find_ink(drawn.crop)
        bands = split_into_bands(ink.mask, _band_edges(ink, drawn.crop.spec.lines or 1))
        owner = np.zeros(ink.mask.shape, np.int32)
        for i, band in enumerate(bands, start=1):
            owner[band] = i
        count.lines += len(drawn.lines)
        count.by_rule += count_right_lines(drawn, owner)
        # The method of the product: lines found from the ink.
        count.found += count_right_lines(drawn, segment_rows(ink, drawn.crop.spec.lines).owner + 1)
        if number < read:
            _count_edits(count, drawn, ink, bands)
    return count


def count_right_lines(drawn: DrawnArea, owner: NDArray[np.int32]) -> int:
    """Count lines whose ink is in one line of their own.

    `owner` numbers lines from 1; 0 is none.
    """
    right = 0
    # Drawn lines at the pixels that are assigned to any row.
    assigned = np.where(owner > 0, drawn.owner, 0)
    for number in range(1, len(drawn.lines) + 1):
        # The row that holds most of this line's ink.
        rows = owner[(drawn.owner == number) & (owner >= 0)]
        counts = np.bincount(rows) if rows.size else np.zeros(1, int)
        counts[0] = 0
        row = int(counts.argmax())
        ink = (drawn.owner == number).sum()
        # Purity: the share of that row's ink that is of this line.
        inside = assigned[owner == row]
        whole = counts[row] >= max(MIN_OWN_INK * counts.sum(), MIN_ROW_INK * ink)
        right += bool(row and whole and (inside == number).sum() >= MIN_PURITY * (inside > 0).sum())
    return right


def _count_edits(
    count: LineCounts, drawn: DrawnArea, ink: Ink, bands: Sequence[NDArray[np.bool_]]
) -> None:
    text = " ".join(drawn.lines)
    count.written += len(text)
    # Read the area with the product's segmentation.
    (reading,) = read_written_areas([segment_area(ink, drawn.crop.spec.lines)])
    count.edits_found += Levenshtein.distance(" ".join(str(reading.value or "").split()), text)
    # Read the same ink cut into fixed bands.
    lines: list[LineImage] = [make_line_image(ink, band) for band in bands]
    fixed = " ".join(str(one.value) for one in read_line_images(lines) if one.value)
    count.edits_by_rule += Levenshtein.distance(" ".join(fixed.split()), text)


def _band_edges(ink: Ink, count: int) -> list[float]:
    # The field's top and bottom, px of the image.
    _, top, _, bottom = ink.field
    pitch = (bottom - top) / count
    return [
        top - BAND_BELOW_RULE * pitch,
        *(top + (i + BAND_BELOW_RULE) * pitch for i in range(1, count)),
        bottom + 2 * BAND_BELOW_RULE * pitch,
    ]


def load_real_scripts(archive: Path) -> Iterator[list[Script]]:
    """Return the lines of each held-out writer, cut to their ink.

    Writers with fewer than nine lines are left out.
    """
    by_writer: dict[str, list[Script]] = {}
    for line in load_archive(archive, held=True):
        by_writer.setdefault(line.writer, []).append(Script(_cut_to_ink(line.picture), line.text))
    yield from (lines for lines in by_writer.values() if len(lines) >= 9)


def _cut_to_ink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # The bounding box of ink.
    dark = picture < 160
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=Path, required=True)
    parser.add_argument("--areas", type=int, default=32, help="so many of each case")
    parser.add_argument("--read", type=int, default=32, help="of these, so many are read too")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    scripts = list(load_real_scripts(args.lines))
    print(
        "| case | lines | found by rules | found by ink | error by rules | error by ink "
        "|\n|---|--:|--:|--:|--:|--:|"
    )
    for case in CASE_WRITERS:
        print(f"| {case} | {measure_case(scripts, case, args.areas, args.read)} |", flush=True)


if __name__ == "__main__":
    main()
