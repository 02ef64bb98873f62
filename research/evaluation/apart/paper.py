"""Put pen strokes on a printed page: the sizes, places, pens and slips of one person on one page.

Lengths are millimetres, as in forms; the page is drawn at `DPI`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.model import Box, Image
from research.evaluation.apart.hands import Hand, Strokes
from research.evaluation.apart.values import FilledPage

DPI = 300
_PX = DPI / 25.4
_SHIFT = 4
"""Places are drawn to a sixteenth of a pixel."""
_STEP = 0.12
"""Strokes are drawn in pieces of this length."""
_CAPITAL = 1.7
"""Height of a capital in those of a small x."""
_LEAST_X, _NARROW = 1.05, 0.72
"""The smallest small x that people write, and how narrow they squeeze a line before that."""
_PENS = (((140, 60, 25), 0.45), ((45, 40, 40), 0.35), ((95, 95, 95), 0.1), ((120, 40, 60), 0.1))
"""Colours (BGR) with their shares: blue, black, pencil, violet blue."""
_PENCIL = (95, 95, 95)
Line = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a person writes on one page.

    Attributes:
        colour: of the ink, BGR.
        width: of the pen's line.
        pressure: how much the width changes.
        capital: height of a capital in a line.
        digit_share: height of digits as a share of their box.
        left, above: where a line begins, from the left and the bottom of its field.
        slope: how lines rise or fall.
        gap: space between letters, in heights of a small x.
        aside: how far signs are to the side of the middle of their boxes, as a share of them.
        mark: `X` (the writer's own letter), `cross` or `tick`.
    """

    colour: tuple[int, int, int]
    width: float
    pressure: float
    capital: float
    digit_share: float
    left: float
    above: float
    slope: float
    gap: float
    aside: float
    mark: str

    @classmethod
    def of(cls, rng: Generator) -> Manner:
        """Return a person's manner."""
        shares = np.array([share for _, share in _PENS])
        return cls(
            _PENS[int(rng.choice(len(_PENS), p=shares))][0],
            float(rng.uniform(0.25, 0.52)),
            float(rng.uniform(0, 0.3)),
            float(rng.uniform(3.0, 4.6)),
            float(rng.uniform(0.5, 0.82)),
            float(rng.uniform(0.8, 3.5)),
            float(rng.uniform(0.6, 2.2)),
            float(rng.normal(0, 0.007)),
            float(rng.uniform(0.13, 0.3)),
            float(rng.normal(0, 0.05)),
            str(rng.choice(["X", "cross", "tick"], p=[0.45, 0.25, 0.3])),
        )


class Paper:
    """A printed page that one person writes on."""

    def __init__(self, printed: Image, hand: Hand, rng: Generator) -> None:
        """Take a page (BGR at `DPI`) and a person."""
        self.printed, self.hand, self.rng = printed, hand, rng
        self.manner = Manner.of(rng)
        self._ink = np.zeros(printed.shape[:2], np.uint8)

    def write(self, page: FilledPage) -> set[str]:
        """Write all values; return the fields that stay empty as their value has no room."""
        specs = page.form.pages[page.page_no - 1].all_fields
        too_long = set()
        for spec in specs:
            if spec.name in page.cancelled:
                self._mark(spec.area)
                self._fill(spec.area)
            elif spec.name in page.values:
                value = str(page.values[spec.name])
                if not self._write_field(spec, value, page, slip=spec.name in page.corrected):
                    too_long.add(spec.name)
        return too_long

    def finish(self) -> Image:
        """Return the page with the ink on it."""
        cover = self._ink.astype(np.float32) / 255 * self.rng.uniform(0.85, 1.0)
        if self.manner.colour == _PENCIL:
            # Graphite stays on the grain of the paper.
            grain = self.rng.normal(0.75, 0.35, cover.shape).astype(np.float32)
            cover *= np.clip(cv2.GaussianBlur(grain, (0, 0), 0.8), 0.1, 1)
        page = self.printed.copy()
        at = np.nonzero(self._ink)
        share = cover[at][:, None]
        under = page[at].astype(np.float32)
        written = under * (1 - share) + np.minimum(under, self.manner.colour) * share
        page[at] = written.astype(np.uint8)
        return page

    def _write_field(self, spec: FieldSpec, value: str, page: FilledPage, *, slip: bool) -> bool:
        match spec.kind:
            case Kind.MARK:
                self._mark(spec.area)
            case Kind.CHOICE:
                boxes = {option.value: Box(*option.box) for option in spec.options}
                self._mark(boxes.pop(value))
                if slip and boxes:
                    wrong = list(boxes.values())[int(self.rng.integers(len(boxes)))]
                    self._mark(wrong)
                    self._fill(wrong)
            case Kind.DIGITS | Kind.LETTERS:
                self._write_cells(spec, value, slip=slip)
            case Kind.SIGNATURE:
                first, *_, last = page.author.name.split()
                self._line(spec.area, f"{first[0]}{last}", squeeze=0.6, larger=1.5)
            case Kind.LINES:
                self._write_lines(spec, value)
            case _:
                return self._line(spec.area, value, slip=slip)
        return True

    def _draw(self, strokes: Strokes, boldness: float = 1.0) -> None:
        """Draw strokes (mm) with this page's pen."""
        for stroke in strokes:
            places = _even_places(stroke)
            knots = self.rng.normal(0, 1, 2 + len(places) // 12)
            at = np.linspace(0, len(knots) - 1, len(places))
            noise = np.interp(at, np.arange(len(knots)), knots)
            wide = self.manner.width * boldness * (1 + self.manner.pressure * noise) * _PX
            widths = np.clip(np.round(wide), 2, 14).astype(int)
            points = np.round(places * _PX * (1 << _SHIFT)).astype(int).tolist()
            for start, end, width in zip(points[:-1], points[1:], widths, strict=False):
                cv2.line(self._ink, start, end, (255,), int(width), cv2.LINE_AA, _SHIFT)

    def _write_cells(self, spec: FieldSpec, value: str, *, slip: bool) -> None:
        cells = spec.cell_boxes
        written = _in_cells(spec, value)
        places = [i for i, sign in enumerate(written) if sign != " "]
        wrong = places[int(self.rng.integers(len(places)))] if slip and places else None
        for place, (cell, sign) in enumerate(zip(cells, written, strict=False)):
            if sign == " ":
                continue
            if place == wrong and sign.isdigit():
                self._sign_in(cell, str((int(sign) + int(self.rng.integers(1, 9))) % 10))
                self._sign_in(cell, sign, boldness=1.5)
            else:
                self._sign_in(cell, sign)

    def _sign_in(self, cell: Box, sign: str, boldness: float = 1.0) -> None:
        """Write one sign in a box, not quite in its middle."""
        rng = self.rng
        drawn = self.hand.write_sign(sign, rng)
        places = np.concatenate(drawn)
        low, size = places.min(axis=0), np.ptp(places, axis=0)
        height = cell.h * self.manner.digit_share * float(np.clip(rng.normal(1, 0.07), 0.8, 1.2))
        scale = height / max(0.2, float(size[1]))
        # A sign that is too wide for its box is written smaller.
        scale = min(scale, 0.95 * cell.w / max(0.1, float(size[0])))
        off = np.array([self.manner.aside * cell.w, 0]) + rng.normal(0, 0.06, 2) * (cell.w, cell.h)
        corner = np.array([cell.x + cell.w / 2, cell.y + cell.h / 2]) + off - size * scale / 2
        self._draw(tuple((line - low) * scale + corner for line in drawn), boldness)

    def _set(self, text: str) -> tuple[Strokes, float]:
        """Return a text on the line of writing and its width, in heights of a small x."""
        at, strokes = 0.0, []
        for character in text:
            if character == " ":
                at += float(self.rng.uniform(0.8, 1.4))
                continue
            drawn = self.hand.write_sign(character, self.rng)
            places = np.concatenate(drawn)
            shift = (at - float(places[:, 0].min()), float(self.rng.normal(0, 0.04)))
            strokes += [line + shift for line in drawn]
            at += float(np.ptp(places[:, 0])) + max(0.05, self.rng.normal(self.manner.gap, 0.06))
        return tuple(strokes), at

    def _line(
        self,
        box: Box,
        text: str,
        *,
        squeeze: float = 1.0,
        larger: float = 1.0,
        slip: bool = False,
    ) -> bool:
        """Write a text in a box; False, and nothing written, if it does not fit in."""
        left = min(self.manner.left, 0.12 * box.w)
        room = box.w - left - 0.5
        x_height = min(self.manner.capital * larger, 0.8 * box.h) / _CAPITAL
        wrong, wrong_width = self._set(text[: 2 + len(text) // 4]) if slip else ((), -0.7)
        drawn, width = self._set(text)
        whole = (wrong_width + 0.7 + width) * squeeze
        fit = room / max(0.1, whole * x_height)
        if fit < 1:
            squeeze *= max(fit, _NARROW)
            x_height *= min(1.0, fit / _NARROW)
        if x_height < _LEAST_X:
            return False
        x, y = box.x + left, box.y + box.h - min(self.manner.above, 0.25 * box.h)
        y += float(self.rng.normal(0, 0.25))
        if slip:
            end = x + wrong_width * x_height * squeeze
            self._draw(_scale(wrong, x, y, (x_height * squeeze, x_height), self.manner.slope))
            for _ in range(int(self.rng.integers(1, 4))):
                height = y - x_height * float(self.rng.uniform(0.2, 0.8))
                self._draw((np.array([[x - 0.3, height], [end, height - 0.3]]),))
            x = end + 0.7 * x_height * squeeze
        self._draw(_scale(drawn, x, y, (x_height * squeeze, x_height), self.manner.slope))
        return True

    def _write_lines(self, spec: FieldSpec, text: str) -> None:
        count = spec.lines or 1
        pitch = spec.area.h / count
        # About so many characters go on a line.
        most = int(spec.area.w / (self.manner.capital / _CAPITAL) / (0.95 + self.manner.gap))
        lines, words = [""], text.split()
        for word in words:
            if len(lines[-1]) + len(word) + 1 > most:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}".strip()
        for number, line in enumerate(lines[:count]):
            area = Box(spec.area.x, spec.area.y + number * pitch, spec.area.w, pitch)
            self._line(area, line)

    def _mark(self, box: Box) -> None:
        """Cross or tick a box, as this person does."""
        rng, size = self.rng, max(box.w, box.h)
        middle = np.array([box.x + box.w / 2, box.y + box.h / 2]) + rng.normal(0, 0.35, 2)
        if self.manner.mark == "X":
            drawn = self.hand.write_sign("X", rng)
            places = np.concatenate(drawn)
            scale = size * rng.uniform(0.75, 1.3) / max(0.2, float(np.ptp(places, axis=0).max()))
            self._draw(tuple((line - places.mean(axis=0)) * scale + middle for line in drawn))
            return
        shape: Sequence[Line] = (
            [[(-0.5, -0.5), (0.02, 0.03), (0.5, 0.5)], [(0.5, -0.5), (-0.02, 0.0), (-0.5, 0.5)]]
            if self.manner.mark == "cross"
            else [[(-0.45, -0.05), (-0.1, 0.4), (0.15, -0.2), (0.7, -0.75)]]
        )
        scale = size * rng.uniform(0.8, 1.25)
        self._draw(
            tuple((np.array(line) + rng.normal(0, 0.06, (1, 2))) * scale + middle for line in shape)
        )

    def _fill(self, box: Box) -> None:
        """Scribble a box full, to take back what is in it."""
        step = self.manner.width * 0.75
        rows = np.arange(box.y + 0.1, box.y + box.h, step)
        sides = np.where(np.arange(len(rows)) % 2, box.x + 0.1, box.x + box.w - 0.1)
        sides = sides + self.rng.normal(0, 0.15, len(rows))
        self._draw((np.stack([sides, rows], axis=1),))


def _in_cells(spec: FieldSpec, value: str) -> str:
    """Return what is in each box: numbers at the right, codes and letters at the left."""
    if spec.kind is Kind.LETTERS:
        return value
    if spec.format is Format.NUMBER:
        return value.replace(".", "").rjust(spec.cell_count)
    return "".join(sign for sign in value if sign.isdigit())


def _even_places(stroke: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a stroke in even steps, its corners rounded by the pen."""
    if len(stroke) < 2:
        return np.concatenate([stroke, stroke + np.array([0.05, 0.02])])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    count = max(2, int(along[-1] / _STEP) + 1)
    at = np.linspace(0, along[-1], count)
    places = np.stack([np.interp(at, along, stroke[:, i]) for i in (0, 1)], axis=1)
    if count > 4:
        inner = (places[:-2] + 2 * places[1:-1] + places[2:]) / 4
        places = np.concatenate([places[:1], inner, places[-1:]])
    return places


def _scale(
    strokes: Strokes, x: float, y: float, size: tuple[float, float], slope: float
) -> Strokes:
    moved = tuple(line * size + (x, y) for line in strokes)
    return tuple(line + np.stack([0 * line[:, 0], (line[:, 0] - x) * slope], 1) for line in moved)
