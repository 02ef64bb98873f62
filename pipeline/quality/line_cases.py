"""Areas of ruled paper written on in the ways people do: slanted, drifting, squeezed, between the lines, out of the field, struck out, underlined.

Only the placing is drawn; the writing itself is given as pictures of lines, of real people or in fonts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image
from pipeline.recognize.crop import Crop

PX = 8.0
WIDTH_MM, PITCH_MM, ROWS, MARGIN_MM = 180.0, 9.0, 9, 8.0
"""An area as on our forms, and the paper around it."""
LETTERS = (0.66, 0.92)
"""How high a line's picture is, from the lowest to the highest letter, in parts of the pitch."""


@dataclass(frozen=True, slots=True)
class Script:
    """A line to place: its picture (dark ink on white) and what it says."""

    picture: Image
    text: str


@dataclass(frozen=True, slots=True)
class Foot:
    """What a line stands on, mm below the field's top: at its left, falling by `slope`, by `sag` at the far end, up and down by `waver`."""

    at: float
    slope: float = 0.0
    sag: float = 0.0
    waver: float = 0.0

    def y(self, x: float) -> float:
        """The height at `x` mm from the field's left."""
        return self.at + self.slope * x + self.sag * (x / WIDTH_MM) ** 2 + self.waver * float(np.sin(x / 30))


@dataclass(frozen=True, slots=True)
class Placed:
    """An area with what it says. `owner` (h, w) numbers the line each inked pixel belongs to, from 1 in reading order; 0 is paper."""

    crop: Crop
    lines: tuple[str, ...]
    owner: NDArray[np.int32]


@dataclass(slots=True)
class _Sheet:
    image: Image
    owner: NDArray[np.int32]
    lines: list[str]

    def write(self, script: Script, x_mm: float, foot: Foot, high_mm: float) -> None:
        """A line from `x_mm` on, the foot of its picture on `foot`."""
        height = max(8, round(high_mm * PX))
        width = max(8, round(script.picture.shape[1] * height / script.picture.shape[0]))
        way = cv2.INTER_AREA if script.picture.shape[0] > height else cv2.INTER_CUBIC
        self._lay(np.asarray(cv2.resize(script.picture, (width, height), interpolation=way), np.uint8), x_mm, foot, len(self.lines) + 1)
        self.lines.append(script.text)

    def _lay(self, line: Image, x_mm: float, foot: Foot, number: int) -> None:
        left = round((x_mm + MARGIN_MM) * PX)
        for column in range(min(line.shape[1], self.image.shape[1] - left)):
            low = round((foot.y(x_mm + column / PX) + MARGIN_MM) * PX)
            top = max(0, low - line.shape[0])
            bottom = min(self.image.shape[0], low)
            ink = line[top - low + line.shape[0] : bottom - low + line.shape[0], column]
            place = slice(top, bottom), left + column
            darker = (ink < 160) & (ink <= self.image[place])
            self.owner[place] = np.where(darker, number, self.owner[place])
            self.image[place] = np.minimum(self.image[place], ink)


def ruled(rows: int = ROWS) -> Image:
    """The unfilled area with its margin: pale rules."""
    size = round((rows * PITCH_MM + 2 * MARGIN_MM) * PX), round((WIDTH_MM + 2 * MARGIN_MM) * PX)
    blank = np.full(size, 255, np.uint8)
    for row in range(1, rows + 1):
        y = round((row * PITCH_MM + MARGIN_MM) * PX)
        blank[y - 1 : y + 1, round(MARGIN_MM * PX) : -round(MARGIN_MM * PX)] = 170
    return blank


def placed(case: str, scripts: Sequence[Script], rng: Generator) -> Placed:
    """The lines written as the case (a key of `CASES`) says."""
    blank = ruled()
    sheet = _Sheet(np.full_like(blank, 255), np.zeros(blank.shape, np.int32), [])
    CASES[case](sheet, scripts, rng)
    spec = FieldSpec(name="note", label="note", kind=Kind.LINES, box=(0, 0, WIDTH_MM, ROWS * PITCH_MM), lines=ROWS)
    return Placed(Crop(np.minimum(sheet.image, blank), spec, blank, PX, MARGIN_MM), tuple(sheet.lines), sheet.owner)


def _high(rng: Generator) -> float:
    return PITCH_MM * float(rng.uniform(*LETTERS))


def _straight(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    high = _high(rng)
    for number, script in enumerate(scripts[:7]):
        foot = (number + 1 + rng.normal(0.12, 0.05)) * PITCH_MM
        sheet.write(script, float(rng.uniform(0, 8)), Foot(foot), high)


def _slanted(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """All lines rise or fall by two to six degrees, each a little otherwise."""
    slope = float(np.tan(np.deg2rad(rng.uniform(2, 6) * rng.choice((-1, 1)))))
    start = 1.0 + (max(0.0, -slope) * 90 / PITCH_MM)
    high = _high(rng)
    for number, script in enumerate(scripts[:5]):
        foot, own = (number + start + rng.normal(0.12, 0.05)) * PITCH_MM, slope + float(rng.normal(0, 0.006))
        sheet.write(_at_most(script, high, 110), 2.0, Foot(foot, own), high)


def _bent(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Lines that rise or sink more and more, by up to half a pitch, and waver."""
    high = _high(rng)
    sag = float(rng.uniform(0.25, 0.55) * rng.choice((-1, 1))) * PITCH_MM
    for number, script in enumerate(scripts[:6]):
        foot = (number + 1.5 + rng.normal(0.0, 0.05)) * PITCH_MM
        sheet.write(script, 2.0, Foot(foot, sag=sag, waver=0.5), high)


def _squeezed(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Two rows of small writing between two rules."""
    high = PITCH_MM * 0.46
    for number, script in enumerate(scripts[:8]):
        foot = (number / 2 + 1.05 + rng.normal(0, 0.02)) * PITCH_MM
        sheet.write(script, float(rng.uniform(0, 3)), Foot(foot), high)


def _drifting(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Rows closer or wider than the rules, so that the writing comes off them."""
    high, pitch = _high(rng) * 0.9, PITCH_MM * float(rng.choice((0.82, 1.2)))
    for number, script in enumerate(scripts[:6]):
        foot = 1.1 * PITCH_MM + number * pitch
        sheet.write(script, float(rng.uniform(0, 6)), Foot(foot), high)


def _leaving(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Lines that go on to the right of the field, and a row below its last rule."""
    high = _high(rng) * 0.85
    for number, script in enumerate(scripts[:8]):
        foot = (number + 2.1) * PITCH_MM
        length = script.picture.shape[1] * high / script.picture.shape[0]
        x = max(0.0, WIDTH_MM + MARGIN_MM - 1.0 - length)
        sheet.write(script, x, Foot(foot), high)


def _touching(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Writing so high that tails and tall letters of neighbours grow together."""
    high = PITCH_MM * float(rng.uniform(1.1, 1.3))
    for number, script in enumerate(scripts[:7]):
        foot = (number + 1.3) * PITCH_MM
        sheet.write(script, float(rng.uniform(0, 6)), Foot(foot), high)


def _inserted(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Words put between two lines."""
    high = _high(rng) * 0.85
    for number, script in enumerate(scripts[:5]):
        foot = (2 * number * 0.85 + 1.1) * PITCH_MM
        if number in (1, 3):
            words = _at_most(scripts[5 + number], 0.6 * high, 30)
            sheet.write(words, float(rng.uniform(10, 50)), Foot(foot - 0.95 * high), 0.6 * high)
        sheet.write(script, 2.0, Foot(foot), high)


def _underlined(sheet: _Sheet, scripts: Sequence[Script], rng: Generator) -> None:
    """Lines of which a part is underlined by hand."""
    _straight(sheet, scripts[:6], rng)
    for number in range(0, 6, 2):
        x0 = float(rng.uniform(2, 25))
        x = np.linspace(x0, x0 + rng.uniform(15, 45), 12)
        y = (number + 1.12 + rng.uniform(0.08, 0.16)) * PITCH_MM + rng.normal(0, 0.012) * (x - x0) + rng.normal(0, 0.08, 12)
        points = np.stack([(x + MARGIN_MM) * PX * 8, (y + MARGIN_MM) * PX * 8], axis=1)
        cv2.polylines(sheet.image, [np.round(points).astype(np.int32)], False, (60,), 3, cv2.LINE_AA, 3)


def _at_most(script: Script, high_mm: float, width_mm: float) -> Script:
    """The line cut short in writing that may not run long; its text is cut in proportion, at a word."""
    most = round(width_mm * script.picture.shape[0] / high_mm)
    if script.picture.shape[1] <= most:
        return script
    white = np.flatnonzero((script.picture > 200).all(axis=0))
    cuts = [int(run[len(run) // 2]) for run in np.split(white, np.flatnonzero(np.diff(white) > 1) + 1) if len(run) > 0.2 * script.picture.shape[0]]
    at = max([cut for cut in cuts if cut <= most], default=most)
    words = script.text.split()
    share = at / script.picture.shape[1]
    return Script(script.picture[:, :at], " ".join(words[: max(1, round(share * len(words)))]))


CASES: dict[str, Callable[[_Sheet, Sequence[Script], Generator], None]] = {
    "straight": _straight,
    "slanted": _slanted,
    "bent": _bent,
    "drifting": _drifting,
    "squeezed": _squeezed,
    "leaving the field": _leaving,
    "touching": _touching,
    "words between lines": _inserted,
    "underlined": _underlined,
}
