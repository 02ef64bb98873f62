"""Check boxes with drawn marks: printed in varying tone, marked by a shaking hand, scanned badly. For fitting and for tests.

Boxes of a sheet share its print, its hand and its scanner, as they do on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image, State
from pipeline.recognize.crop import Crop
from pipeline.training.drawn_damage import Light, Scanner, any_scanner, good_scanner, shade, shown_through, stain
from pipeline.training.drawn_strokes import FAINT, STYLES

Random = np.random.Generator
Points = NDArray[np.float64]
DRAW_PX = 24.0
"""Marks are drawn at this many px a mm and then scaled down."""
BUBBLES = 0.5
GOOD, PLAIN = 0.6, 0.3
"""So many sheets are scanned well, and then no stroke is fainter than this."""
ONE_BIT, COPIED = 0.15, 0.12
BOX_MM, BUBBLE_MM = (3.5, 5.5), (2.3, 5.0)
COARSELY, COARSE = 0.35, (2.9, 3.5, 4.0, 5.0, 5.9)
"""So many are scanned or photographed with so few px a mm."""
PRINTED_BLANK, SOFT_BLANK = 0.7, 0.3
LIGHTS: dict[str, Callable[[int, float, Random], Light]] = {"shown through": shown_through, "stain": stain, "shade": shade}
LETTERS = "ABCDE0123456789abcd"


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A crop with what was drawn: the truth, or None where people themselves would disagree; `shows` is how much darker the mark makes it, 0…1."""

    crop: Crop
    style: str
    truth: State | None
    shows: float


@dataclass(frozen=True, slots=True)
class PrintedBox:
    """The box as all of a sheet are printed: mm, tone 0…255, pen in mm; `shape` (a bubble's) 0…1, `flat` its height as part of its width."""

    bubble: bool
    side: float
    margin: float
    paper: int
    tone: int
    pen: float
    shape: float
    flat: float
    letter: float
    letter_pen: float

    @classmethod
    def any(cls, random: Random, *, bubble: bool, tight: bool = True) -> PrintedBox:
        """Some box; `tight`: another may be close beside it."""
        return cls(
            bubble,
            side=float(random.uniform(*(BUBBLE_MM if bubble else BOX_MM))),
            margin=float(random.uniform(0.6 if tight else 1.5, 2.2)),
            paper=int(random.integers(225, 256)),
            tone=int(random.integers(0, 215) if bubble else random.integers(20, 190)),
            pen=float(random.uniform(0.08, 0.35) if bubble else random.uniform(0.15, 0.4)),
            shape=float(random.random()),
            flat=float(random.uniform(0.7, 1.0)),
            letter=float(random.uniform(0.45, 0.75) if random.random() < 0.75 else 0.0),
            letter_pen=float(random.uniform(0.1, 0.3)),
        )


@dataclass(frozen=True, slots=True)
class DrawnSheet:
    """What all boxes of a sheet have in common; `native` and `scale` are px/mm as scanned and as laid on the form, `pen_mm` how thick the hand writes
    and `pressure` how darkly, 0…1.

    `faintest`: no mark is fainter. `off_mm`: how far print lies from its place, at most. `softness`: of the blank, px.
    """

    print: PrintedBox
    scanner: Scanner
    blank_scanner: Scanner | None
    scale: float
    native: float
    pen_mm: float
    pressure: float
    faintest: float
    off_mm: float
    softness: float
    lit: bool

    @classmethod
    def any(cls, random: Random, *, bubble: bool, tight: bool = True) -> DrawnSheet:
        """Some sheet: 60 of 100 are scanned well; of the others some in black and white, photocopied, or coarsely."""
        good = random.random() < GOOD
        scale = float(random.choice([5.9, 8.0, 8.0, 8.0, 11.8]))
        one_bit, copied = not good and random.random() < ONE_BIT / (1 - GOOD), not good and random.random() < COPIED / (1 - GOOD)
        native = scale if good or random.random() >= COARSELY else float(random.choice(COARSE))
        return cls(
            PrintedBox.any(random, bubble=bubble, tight=tight),
            good_scanner(random) if good else any_scanner(random, one_bit=one_bit, copied=copied),
            None if random.random() < PRINTED_BLANK else any_scanner(random, one_bit=False),
            scale,
            native,
            pen_mm=float(random.uniform(0.2, 0.65)),
            pressure=float(random.choice([random.uniform(0.2, 0.45), random.uniform(0.4, 1.0), random.uniform(0.6, 1.0)])),
            faintest=FAINT if one_bit or copied else PLAIN if good else 0.0,
            off_mm=float(random.uniform(0, 0.25)),
            softness=float(random.uniform(0.05, 0.22)) * scale if random.random() < SOFT_BLANK else 0.0,
            lit=not (good or one_bit or copied),
        )

    def box(self, style: str, random: Random, *, with_blank: bool = True, sheet: int = 0) -> DrawnMark:
        """One box of it with a mark of a style out of `STYLES`."""
        truth = STYLES[style][0]
        blank = (_bubble if self.print.bubble else _box)(self.print, random)
        page = blank.copy()
        for drawn, ink in STYLES[style][1](self.print.side, random):
            strength = drawn
            placed = ((ink + self.print.margin) * DRAW_PX).astype(np.int32)
            if truth is not State.EMPTY:
                strength = min(1.0, max(self.faintest, FAINT if truth is None else 0.0, self.pressure * random.uniform(0.85, 1.15)))
            _stroke(page, placed, strength, self.pen_mm * random.uniform(0.8, 1.25))
        bare = blank
        for light in self._lights(style, random):
            lit = light(len(page), DRAW_PX, random)
            page, bare = (page * lit).astype(np.uint8), (bare * lit).astype(np.uint8)
        shift = random.uniform(-self.off_mm, self.off_mm, 2)
        unmarked = self._seen(bare, self.scanner, shift, deepcopy(random))
        image = self._seen(page, self.scanner, shift, random)
        side = self.print.side
        spec = FieldSpec(name="mark", label="mark", kind=Kind.MARK, box=(20, 20, side, side))
        crop = Crop(image, spec, self._unfilled(blank, random) if with_blank else None, self.scale, self.print.margin, sheet=sheet)
        return DrawnMark(crop, style, truth, _darkened(unmarked, image, self.scale))

    def _seen(self, page: Image, scanner: Scanner, shift_mm: Points, random: Random) -> Image:
        """The page as scanned, at times coarser than `scale` and enlarged to it, as a page is that is laid on its form."""
        image = scanner.sees(_resized(page, self.native, shift_mm), self.native, random)
        side = round(len(page) * self.scale / DRAW_PX)
        return image if len(image) == side else np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)

    def _unfilled(self, blank: Image, random: Random) -> Image:
        """The form's own picture, a scan of an unfilled sheet, or the median of many filled ones, which is soft."""
        if self.blank_scanner is None:
            clean = _resized(blank, self.scale, 0.0)
        else:
            clean = self._seen(blank, self.blank_scanner, random.uniform(-0.1, 0.1, 2), random)
        return np.asarray(cv2.GaussianBlur(clean, (0, 0), self.softness), np.uint8) if self.softness > 0.3 else clean

    def _lights(self, style: str, random: Random) -> list[Callable[[int, float, Random], Light]]:
        """What darkens the paper: always what the style is named after, on poor sheets now and then under any mark."""
        shares = {"shown through": 0.15, "stain": 0.08, "shade": 0.15} if self.lit else dict.fromkeys(LIGHTS, 0.0)
        return [LIGHTS[name] for name, share in shares.items() if style == name or random.random() < share]


def drawn_mark(style: str, random: Random, *, with_blank: bool = True) -> DrawnMark:
    """One check box with a mark of a style out of `STYLES`, of a sheet of its own.

    Nobody could tell a bubble's letter from a mark without its form.
    """
    bubble = with_blank and random.random() < BUBBLES
    while True:
        sheet = DrawnSheet.any(random, bubble=bubble, tight=STYLES[style][0] is not None)
        # A 1-bit scan blackens stains; then nobody could say what was drawn.
        if style not in LIGHTS or (sheet.scanner.threshold is None and not sheet.scanner.copies):
            return sheet.box(style, random, with_blank=with_blank)


def drawn_sheet(boxes: int, random: Random, number: int) -> list[DrawnMark]:
    """A sheet of so many boxes, numbered for the reader: most or few of them empty, the marked ones in one or two ways, a few odd."""
    sheet = DrawnSheet.any(random, bubble=random.random() < BUBBLES)
    empty = float(random.choice([1.0, 0.95, 0.8, 0.75, 0.7, 0.5, 0.2]))
    own = random.choice(_styles(State.READ, State.CANCELLED), int(random.integers(1, 3)))
    odd = [style for style in STYLES if style not in LIGHTS or sheet.lit]
    return [sheet.box(_style(empty, own, odd, random), random, sheet=number) for _ in range(boxes)]


def _style(empty: float, own: Sequence[str] | NDArray[np.str_], odd: Sequence[str], random: Random) -> str:
    if random.random() < 0.06:
        return str(random.choice(odd))
    return "empty" if random.random() < empty else str(random.choice(own))


def _styles(*truths: State) -> list[str]:
    return [style for style, (truth, _) in STYLES.items() if truth in truths]


def _box(box: PrintedBox, random: Random) -> Image:
    """The printed box, often with the first letter of its label and a rule of the table at the picture's edge."""
    side = round((box.side + 2 * box.margin) * DRAW_PX)
    page = np.full((side, side), box.paper, np.uint8)
    low, high = round(box.margin * DRAW_PX), round((box.side + box.margin) * DRAW_PX)
    if random.random() < 0.5:
        at = high + round(0.9 * DRAW_PX), round(side / 2 + DRAW_PX)
        cv2.putText(page, str(random.choice(list("ABDHIMOST"))), at, cv2.FONT_HERSHEY_SIMPLEX, 2.6, box.tone, 6, cv2.LINE_AA)
    if random.random() < 0.5:
        cv2.line(page, (0, round(0.3 * DRAW_PX)), (side, round(0.3 * DRAW_PX)), box.tone, 5)
    cv2.rectangle(page, (low, low), (high, high), 255, -1)
    cv2.rectangle(page, (low, low), (high, high), box.tone, round(box.pen * DRAW_PX))
    return page


def _bubble(box: PrintedBox, random: Random) -> Image:
    """A bubble of an answer sheet: a ring, an ellipse, a small square or only the letter or figure that stands in most of them."""
    side = round((box.side + 2 * box.margin) * DRAW_PX)
    page = np.full((side, side), box.paper, np.uint8)
    middle, half, pen = side // 2, box.side / 2 * DRAW_PX, max(1, round(box.pen * DRAW_PX))
    if box.shape < 0.7:
        cv2.ellipse(page, (middle, middle), (round(half), round(half * box.flat)), 0, 0, 360, box.tone, pen, cv2.LINE_AA)
    elif box.shape < 0.85:
        cv2.rectangle(page, (round(middle - half),) * 2, (round(middle + half),) * 2, box.tone, pen, cv2.LINE_AA)
    if box.letter or box.shape >= 0.85:
        letter, size = str(random.choice(list(LETTERS))), (box.letter or 0.6) * box.side * DRAW_PX / 22
        (width, height), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        at = middle - width // 2, middle + height // 2
        cv2.putText(page, letter, at, cv2.FONT_HERSHEY_SIMPLEX, size, box.tone, max(1, round(box.letter_pen * DRAW_PX)), cv2.LINE_AA)
    return page


def _darkened(before: Image, after: Image, px_per_mm: float) -> float:
    """By which part of the paper's grey the picture is darker where it is most so, seen as broad as a stroke."""
    gone = cv2.GaussianBlur(before.astype(np.float32) - after, (0, 0), 0.15 * px_per_mm)
    return float(gone.max()) / max(1.0, float(np.median(before)))


def _stroke(page: Image, points: NDArray[np.int32], strength: float, width_mm: float) -> None:
    layer = np.zeros_like(page)
    cv2.polylines(layer, [points.reshape(-1, 1, 2)], False, 255, max(2, round(width_mm * DRAW_PX)), cv2.LINE_AA)
    page[:] = np.minimum(page, 255 - layer * strength).astype(np.uint8)


def _resized(page: Image, scale: float, shift_mm: Points | float) -> Image:
    side = round(len(page) * scale / DRAW_PX)
    dx, dy = np.broadcast_to(np.asarray(shift_mm), 2) * DRAW_PX
    moved = cv2.warpAffine(page, np.array([[1, 0, dx], [0, 1, dy]], np.float32), page.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(moved, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
