"""Draw check boxes with marks: varying print, a shaking hand, bad scans. For fitting and tests.

Boxes of a sheet share its print, its writer and its scanner, as they do on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image, State
from pipeline.reading.fields.field_image import FieldImage
from research.training.marks.scan_effects import (
    LightLoss,
    Scanner,
    draw_shade,
    draw_show_through,
    draw_stain,
    random_good_scanner,
    random_scanner,
)
from research.training.marks.strokes import MARK_STYLES, MAX_FAINT_STRENGTH, Points, Random

DRAW_PX = 24.0
"""Marks are drawn at this many px per mm and then scaled down."""
BUBBLE_SHARE = 0.5
LIGHT_EFFECTS: dict[str, Callable[[int, float, Random], LightLoss]] = {
    "shown through": draw_show_through,
    "stain": draw_stain,
    "shade": draw_shade,
}
BUBBLE_LABELS = "ABCDE0123456789abcd"
GOOD_SCAN_SHARE, MIN_GOOD_STRENGTH = 0.6, 0.3
"""Share of sheets that are scanned well, where no stroke is fainter than this."""
ONE_BIT_SHARE, COPIED_SHARE = 0.15, 0.12
BOX_MM, BUBBLE_MM = (3.5, 5.5), (2.3, 5.0)
COARSE_SHARE, COARSE_PX_PER_MM = 0.35, (2.9, 3.5, 4.0, 5.0, 5.9)
"""Share of sheets that are scanned or photographed with so few px per mm."""
TEMPLATE_SHARE, SOFT_TEMPLATE_SHARE = 0.7, 0.3


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A crop with what was drawn: the truth, or None where people would disagree.

    `shows` is how much darker the mark makes it, 0…1.
    """

    crop: FieldImage
    style: str
    truth: State | None
    shows: float


@dataclass(frozen=True, slots=True)
class PrintedBox:
    """A box as all of a sheet are printed: mm, tone 0…255, pen in mm.

    `shape` (a bubble's) 0…1, `flat` its height as part of its width.
    """

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
        """Return a random box; `tight`: another may be close to it."""
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
    """What all boxes of a sheet have in common.

    `native` and `scale` are px/mm as scanned and as registered to the form, `pen_mm` how thick the
    pen writes and `pressure` how darkly, 0…1.

    `faintest`: no mark is fainter. `off_mm`: how far print is from its place, at most.
    `softness`: of the blank, px.
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
        """Return a random sheet.

        60 of 100 are scanned well; of the others some in black and white, photocopied, or coarsely.
        """
        # Good scanners have neither few pixels nor 1 bit.
        good = random.random() < GOOD_SCAN_SHARE
        # px/mm at 150, 200 and 300 dpi; 200 dpi is the most frequent.
        scale = float(random.choice([5.9, 8.0, 8.0, 8.0, 11.8]))
        one_bit, copied = (
            not good and random.random() < ONE_BIT_SHARE / (1 - GOOD_SCAN_SHARE),
            not good and random.random() < COPIED_SHARE / (1 - GOOD_SCAN_SHARE),
        )
        native = (
            scale
            if good or random.random() >= COARSE_SHARE
            else float(random.choice(COARSE_PX_PER_MM))
        )
        return cls(
            PrintedBox.any(random, bubble=bubble, tight=tight),
            random_good_scanner(random)
            if good
            else random_scanner(random, one_bit=one_bit, copied=copied),
            None if random.random() < TEMPLATE_SHARE else random_scanner(random, one_bit=False),
            scale,
            native,
            pen_mm=float(random.uniform(0.2, 0.65)),
            pressure=float(
                random.choice(
                    [random.uniform(0.2, 0.45), random.uniform(0.4, 1.0), random.uniform(0.6, 1.0)]
                )
            ),
            faintest=MAX_FAINT_STRENGTH
            if one_bit or copied
            else MIN_GOOD_STRENGTH
            if good
            else 0.0,
            off_mm=float(random.uniform(0, 0.25)),
            softness=float(random.uniform(0.05, 0.22)) * scale
            if random.random() < SOFT_TEMPLATE_SHARE
            else 0.0,
            lit=not (good or one_bit or copied),
        )

    def box(
        self, style: str, random: Random, *, with_blank: bool = True, sheet: int = 0
    ) -> DrawnMark:
        """Draw one box of the sheet with a mark of a style out of `MARK_STYLES`."""
        truth = MARK_STYLES[style][0]
        # Print the empty box, then draw the strokes on a copy.
        blank = (_draw_bubble if self.print.bubble else _draw_box)(self.print, random)
        page = blank.copy()
        for drawn, ink in MARK_STYLES[style][1](self.print.side, random):
            strength = drawn
            placed = ((ink + self.print.margin) * DRAW_PX).astype(np.int32)
            # The writer's pressure sets the strength, unless it is dirt; some marks must not be
            # faint.
            if truth is not State.EMPTY:
                strength = min(
                    1.0,
                    max(
                        self.faintest,
                        MAX_FAINT_STRENGTH if truth is None else 0.0,
                        self.pressure * random.uniform(0.85, 1.15),
                    ),
                )
            _draw_stroke(page, placed, strength, self.pen_mm * random.uniform(0.8, 1.25))
        bare = blank
        # Stains and shadows darken box and mark alike.
        for light in self._lights(style, random):
            lit = light(len(page), DRAW_PX, random)
            page, bare = (page * lit).astype(np.uint8), (bare * lit).astype(np.uint8)
        # Print and ink have the same residual shift from registration.
        shift = random.uniform(-self.off_mm, self.off_mm, 2)
        # Scan the box also without its mark, with the same noise, to know how much the mark shows.
        unmarked = self._seen(bare, self.scanner, shift, deepcopy(random))
        image = self._seen(page, self.scanner, shift, random)
        side = self.print.side
        spec = FieldSpec(name="mark", label="mark", kind=Kind.MARK, box=(20, 20, side, side))
        crop = FieldImage(
            image,
            spec,
            self._unfilled(blank, random) if with_blank else None,
            self.scale,
            self.print.margin,
            sheet_number=sheet,
        )
        return DrawnMark(crop, style, truth, _darkened_share(unmarked, image, self.scale))

    def _seen(self, page: Image, scanner: Scanner, shift_mm: Points, random: Random) -> Image:
        """Return the page as scanned, at times coarser than `scale` and enlarged to it.

        A page that is registered is enlarged so too.
        """
        # Shift and scale to the scanner's resolution, scan, then enlarge.
        image = scanner.sees(_resize_page(page, self.native, shift_mm), self.native, random)
        side = round(len(page) * self.scale / DRAW_PX)
        return (
            image
            if len(image) == side
            else np.asarray(
                cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8
            )
        )

    def _unfilled(self, blank: Image, random: Random) -> Image:
        """Return the blank.

        The form's own image, a scan of a blank sheet, or the soft median of many filled ones.
        """
        # The form's own image, or a scan of an unfilled sheet.
        if self.blank_scanner is None:
            clean = _resize_page(blank, self.scale, 0.0)
        else:
            clean = self._seen(blank, self.blank_scanner, random.uniform(-0.1, 0.1, 2), random)
        # At times softened like a median over many sheets.
        return (
            np.asarray(cv2.GaussianBlur(clean, (0, 0), self.softness), np.uint8)
            if self.softness > 0.3
            else clean
        )

    def _lights(
        self, style: str, random: Random
    ) -> list[Callable[[int, float, Random], LightLoss]]:
        """Return what darkens the paper.

        Always what the style is named after, on poor sheets now and then under any mark.
        """
        # On poor sheets effects occur under any mark.
        shares = (
            {"shown through": 0.15, "stain": 0.08, "shade": 0.15}
            if self.lit
            else dict.fromkeys(LIGHT_EFFECTS, 0.0)
        )
        return [
            LIGHT_EFFECTS[name]
            for name, share in shares.items()
            if style == name or random.random() < share
        ]


def draw_mark(style: str, random: Random, *, with_blank: bool = True) -> DrawnMark:
    """Draw one check box with a mark of a style out of `MARK_STYLES`, of a sheet of its own.

    Nobody could tell a bubble's letter from a mark without its form.
    """
    bubble = with_blank and random.random() < BUBBLE_SHARE
    while True:
        sheet = DrawnSheet.any(random, bubble=bubble, tight=MARK_STYLES[style][0] is not None)
        # A 1-bit scan blackens stains; then nobody could say what was drawn.
        if style not in LIGHT_EFFECTS or (
            sheet.scanner.threshold is None and not sheet.scanner.copies
        ):
            return sheet.box(style, random, with_blank=with_blank)


def draw_sheet(boxes: int, random: Random, number: int) -> list[DrawnMark]:
    """Draw a sheet of so many boxes, numbered for the reader.

    Most or few of them are empty, the marked ones in one or two ways, a few odd.
    """
    # One sheet: the same print, scanner and pen for all boxes.
    sheet = DrawnSheet.any(random, bubble=random.random() < BUBBLE_SHARE)
    empty = float(random.choice([1.0, 0.95, 0.8, 0.75, 0.7, 0.5, 0.2]))
    # A writer uses one or two styles.
    own = random.choice(_choose_styles(State.READ, State.CANCELLED), int(random.integers(1, 3)))
    odd = [style for style in MARK_STYLES if style not in LIGHT_EFFECTS or sheet.lit]
    return [
        sheet.box(_choose_style(empty, own, odd, random), random, sheet=number)
        for _ in range(boxes)
    ]


def _choose_style(
    empty: float, own: Sequence[str] | NDArray[np.str_], odd: Sequence[str], random: Random
) -> str:
    if random.random() < 0.06:
        return str(random.choice(odd))
    return "empty" if random.random() < empty else str(random.choice(own))


def _choose_styles(*truths: State) -> list[str]:
    return [style for style, (truth, _) in MARK_STYLES.items() if truth in truths]


def _draw_box(box: PrintedBox, random: Random) -> Image:
    """Draw the printed box.

    Often with the first letter of its label and a rule of the table at the image's edge.
    """
    # Paper, at times a letter below and a rule above, then the box.
    side = round((box.side + 2 * box.margin) * DRAW_PX)
    page = np.full((side, side), box.paper, np.uint8)
    low, high = round(box.margin * DRAW_PX), round((box.side + box.margin) * DRAW_PX)
    if random.random() < 0.5:
        at = high + round(0.9 * DRAW_PX), round(side / 2 + DRAW_PX)
        cv2.putText(
            page,
            str(random.choice(list("ABDHIMOST"))),
            at,
            cv2.FONT_HERSHEY_SIMPLEX,
            2.6,
            box.tone,
            6,
            cv2.LINE_AA,
        )
    if random.random() < 0.5:
        cv2.line(page, (0, round(0.3 * DRAW_PX)), (side, round(0.3 * DRAW_PX)), box.tone, 5)
    cv2.rectangle(page, (low, low), (high, high), 255, -1)
    cv2.rectangle(page, (low, low), (high, high), box.tone, round(box.pen * DRAW_PX))
    return page


def _draw_bubble(box: PrintedBox, random: Random) -> Image:
    """Draw a bubble of an answer sheet.

    A ring, an ellipse, a small square or only the letter or digit that most of them contain.
    """
    # Ring or ellipse, square, or only the letter.
    side = round((box.side + 2 * box.margin) * DRAW_PX)
    page = np.full((side, side), box.paper, np.uint8)
    middle, half, pen = side // 2, box.side / 2 * DRAW_PX, max(1, round(box.pen * DRAW_PX))
    if box.shape < 0.7:
        cv2.ellipse(
            page,
            (middle, middle),
            (round(half), round(half * box.flat)),
            0,
            0,
            360,
            box.tone,
            pen,
            cv2.LINE_AA,
        )
    elif box.shape < 0.85:
        cv2.rectangle(
            page,
            (round(middle - half),) * 2,
            (round(middle + half),) * 2,
            box.tone,
            pen,
            cv2.LINE_AA,
        )
    if box.letter or box.shape >= 0.85:
        letter, size = (
            str(random.choice(list(BUBBLE_LABELS))),
            (box.letter or 0.6) * box.side * DRAW_PX / 22,
        )
        # Centre the letter in the bubble.
        (width, height), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        at = middle - width // 2, middle + height // 2
        cv2.putText(
            page,
            letter,
            at,
            cv2.FONT_HERSHEY_SIMPLEX,
            size,
            box.tone,
            max(1, round(box.letter_pen * DRAW_PX)),
            cv2.LINE_AA,
        )
    return page


def _darkened_share(before: Image, after: Image, px_per_mm: float) -> float:
    """Return by which part of the paper's grey the image is darker, at its darkest.

    Seen as broad as a stroke.
    """
    # Difference, blurred to a stroke's width; its maximum relative to the paper.
    gone = cv2.GaussianBlur(before.astype(np.float32) - after, (0, 0), 0.15 * px_per_mm)
    return float(gone.max()) / max(1.0, float(np.median(before)))


def _draw_stroke(page: Image, points: NDArray[np.int32], strength: float, width_mm: float) -> None:
    # Ink only darkens.
    layer = np.zeros_like(page)
    cv2.polylines(
        layer,
        [points.reshape(-1, 1, 2)],
        False,
        255,
        max(2, round(width_mm * DRAW_PX)),
        cv2.LINE_AA,
    )
    page[:] = np.minimum(page, 255 - layer * strength).astype(np.uint8)


def _resize_page(page: Image, scale: float, shift_mm: Points | float) -> Image:
    # Move the page by the shift, then scale it down from the drawing's resolution.
    side = round(len(page) * scale / DRAW_PX)
    dx, dy = np.broadcast_to(np.asarray(shift_mm), 2) * DRAW_PX
    moved = cv2.warpAffine(
        page,
        np.array([[1, 0, dx], [0, 1, dy]], np.float32),
        page.shape[::-1],
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cv2.resize(moved, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
