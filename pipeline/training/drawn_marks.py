"""Check boxes with drawn marks: printed in varying tone, marked by a shaking hand, scanned badly. For fitting and for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image, State
from pipeline.recognize.crop import Crop
from pipeline.training.drawn_damage import Light, scanned, shade, shown_through, stain, well_scanned

Random = np.random.Generator
Points = NDArray[np.float64]
FAINT = 0.5
DRAW_PX = 24.0
"""Marks are drawn at this many px a mm and then scaled down."""
BUBBLES = 0.5
GOOD, PLAIN = 0.6, 0.3
"""So many sheets are scanned well, and then no stroke is fainter than this."""
BOX_MM, BUBBLE_MM = (3.5, 5.5), (2.3, 5.0)
COARSELY, COARSE = 0.35, (2.9, 3.5, 4.0, 5.0, 5.9)
"""So many are scanned or photographed with so few px a mm."""
PRINTED_BLANK, SOFT_BLANK = 0.7, 0.3


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A crop with what was drawn: the truth, or None where people themselves would disagree."""

    crop: Crop
    style: str
    truth: State | None


def drawn_mark(style: str, random: Random, *, with_blank: bool = True) -> DrawnMark:
    """One check box with a mark of a style out of `STYLES`, as scanned at 150–300 dpi or laid on the 8 px canvas."""
    truth = STYLES[style][0]
    bubble = with_blank and random.random() < BUBBLES  # nobody could tell a bubble's letter from a mark without its form
    box, margin = float(random.uniform(*(BUBBLE_MM if bubble else BOX_MM))), float(random.uniform(0.6 if truth else 1.5, 2.2))
    scale = float(random.choice([5.9, 8.0, 8.0, 8.0, 11.8]))
    blank = (_bubble if bubble else _box)(box, margin, random)
    good = random.random() < GOOD
    page = blank.copy()
    strokes = STYLES[style][1](box, random)
    for strength, ink in strokes:
        placed = ((ink + margin) * DRAW_PX).astype(np.int32)
        _stroke(page, placed, max(strength, PLAIN) if good and truth is not State.EMPTY else strength, random)
    lights = [] if good and style not in LIGHTS else _lights(style, random)
    for light in lights:
        page = (page * light(len(page), DRAW_PX, random)).astype(np.uint8)
    # A 1-bit scan loses faint ink altogether and blackens stains; then nobody could say what was drawn.
    may_be_one_bit = not lights and (truth is State.EMPTY or all(strength > FAINT for strength, _ in strokes))
    shift = random.uniform(-0.25, 0.25, 2)
    one_bit = may_be_one_bit and random.random() < 0.15
    image = well_scanned(_resized(page, scale, shift), scale, random) if good else _seen(page, scale, shift, random, one_bit=one_bit)
    spec = FieldSpec(name="mark", label="mark", kind=Kind.MARK, box=(20, 20, box, box))
    clean = _unfilled(blank, scale, random)
    return DrawnMark(Crop(image, spec, clean if with_blank else None, scale, margin), style, truth)


def _seen(page: Image, scale: float, shift_mm: Points, random: Random, *, one_bit: bool) -> Image:
    """The page as scanned, at times coarser than `scale` and enlarged to it, as a page is that is laid on its form."""
    native = float(random.choice(COARSE)) if random.random() < COARSELY else scale
    image = scanned(_resized(page, native, shift_mm), native, random, one_bit=one_bit)
    side = round(len(page) * scale / DRAW_PX)
    return image if len(image) == side else np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _unfilled(blank: Image, scale: float, random: Random) -> Image:
    """The form's own picture, a scan of an unfilled sheet, or the median of many filled ones, which is soft."""
    if random.random() < PRINTED_BLANK:
        clean = _resized(blank, scale, 0.0)
    else:
        clean = _seen(blank, scale, random.uniform(-0.1, 0.1, 2), random, one_bit=False)
    softness = random.uniform(0.05, 0.22) * scale if random.random() < SOFT_BLANK else 0.0
    return np.asarray(cv2.GaussianBlur(clean, (0, 0), softness), np.uint8) if softness > 0.3 else clean


def _lights(style: str, random: Random) -> list[Callable[[int, float, Random], Light]]:
    """What darkens the paper: always what the style is named after, now and then under any mark."""
    shares = {"shown through": 0.15, "stain": 0.08, "shade": 0.15}
    return [LIGHTS[name] for name, share in shares.items() if style == name or random.random() < share]


def _box(box: float, margin: float, random: Random) -> Image:
    """The printed box, often with the first letter of its label and a rule of the table at the picture's edge."""
    side = round((box + 2 * margin) * DRAW_PX)
    page = np.full((side, side), int(random.integers(225, 256)), np.uint8)
    low, high = round(margin * DRAW_PX), round((box + margin) * DRAW_PX)
    tone = int(random.integers(20, 190))
    if random.random() < 0.5:
        at = high + round(0.9 * DRAW_PX), round(side / 2 + DRAW_PX)
        cv2.putText(page, str(random.choice(list("ABDHIMOST"))), at, cv2.FONT_HERSHEY_SIMPLEX, 2.6, tone, 6, cv2.LINE_AA)
    if random.random() < 0.5:
        cv2.line(page, (0, round(0.3 * DRAW_PX)), (side, round(0.3 * DRAW_PX)), tone, 5)
    cv2.rectangle(page, (low, low), (high, high), 255, -1)
    cv2.rectangle(page, (low, low), (high, high), tone, round(random.uniform(0.15, 0.4) * DRAW_PX))
    return page


def _bubble(box: float, margin: float, random: Random) -> Image:
    """A bubble of an answer sheet: a ring, an ellipse, a small square or only the letter or figure that stands in most of them."""
    side = round((box + 2 * margin) * DRAW_PX)
    page = np.full((side, side), int(random.integers(225, 256)), np.uint8)
    tone, middle, half = int(random.integers(0, 215)), side // 2, box / 2 * DRAW_PX
    pen = max(1, round(random.uniform(0.08, 0.35) * DRAW_PX))
    shape = random.random()
    if shape < 0.7:
        axes = round(half), round(half * random.uniform(0.7, 1.0))
        cv2.ellipse(page, (middle, middle), axes, 0, 0, 360, tone, pen, cv2.LINE_AA)
    elif shape < 0.85:
        cv2.rectangle(page, (round(middle - half),) * 2, (round(middle + half),) * 2, tone, pen, cv2.LINE_AA)
    if random.random() < 0.75 or shape >= 0.85:
        letter, size = str(random.choice(list("ABCDE0123456789abcd"))), random.uniform(0.45, 0.75) * box * DRAW_PX / 22
        (width, height), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        at = middle - width // 2, middle + height // 2
        cv2.putText(page, letter, at, cv2.FONT_HERSHEY_SIMPLEX, size, tone, max(1, round(random.uniform(0.1, 0.3) * DRAW_PX)), cv2.LINE_AA)
    return page


def _stroke(page: Image, points: NDArray[np.int32], strength: float, random: Random) -> None:
    layer = np.zeros_like(page)
    width = max(2, round(random.uniform(0.2, 0.65) * DRAW_PX))
    cv2.polylines(layer, [points.reshape(-1, 1, 2)], False, 255, width, cv2.LINE_AA)
    page[:] = np.minimum(page, 255 - layer * strength).astype(np.uint8)


def _resized(page: Image, scale: float, shift_mm: Points | float) -> Image:
    side = round(len(page) * scale / DRAW_PX)
    dx, dy = np.broadcast_to(np.asarray(shift_mm), 2) * DRAW_PX
    moved = cv2.warpAffine(page, np.array([[1, 0, dx], [0, 1, dy]], np.float32), page.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(moved, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


Strokes = list[tuple[float, Points]]


def _shaken(points: Points, random: Random) -> Points:
    """A path through the points as a hand draws it: rounded and a little off, mm."""
    fine = np.linspace(0, len(points) - 1, 12 * len(points))
    path = np.stack([np.interp(fine, np.arange(len(points)), points[:, i]) for i in (0, 1)], axis=1)
    wobble = cv2.GaussianBlur(random.normal(0, 0.6, path.shape), (1, 0), sigmaX=0.01, sigmaY=4) if len(path) > 3 else 0
    return np.asarray(path + wobble, np.float64)


def _strength(random: Random) -> float:
    return float(random.choice([random.uniform(0.2, 0.45), random.uniform(0.4, 1.0), random.uniform(0.6, 1.0)]))


def _path(parts: Points | list[tuple[float, float]], box: float, random: Random) -> Points:
    size, at = random.uniform(0.55, 1.25), random.uniform(-0.18, 0.18, 2)
    return _shaken(((np.array(parts) - 0.5) * size + 0.5 + at) * box, random)


def _nothing(_box: float, _random: Random) -> Strokes:
    return []


def _cross(box: float, random: Random) -> Strokes:
    s = _strength(random)
    return [(s, _path([(0, 0), (1, 1)], box, random)), (s, _path([(1, 0), (0, 1)], box, random))]


def _tick(box: float, random: Random) -> Strokes:
    return [(_strength(random), _path([(0.1, 0.5), (0.4, 0.95), (random.uniform(0.8, 1.5), random.uniform(-0.4, 0.2))], box, random))]


def _line(box: float, random: Random) -> Strokes:
    a = random.uniform(0, np.pi)
    d = np.array([np.cos(a), np.sin(a)]) / 2
    return [(_strength(random), _path(np.array([0.5 - d, 0.5 + d]), box, random))]


def _ring(box: float, random: Random, radius: float, turns: float = 1.1) -> Points:
    a = np.linspace(0, turns * 2 * np.pi, 20) + random.uniform(0, 6)
    return _shaken((np.stack([np.cos(a), np.sin(a)], axis=1) * radius + 0.5) * box, random)


def _dot(box: float, random: Random) -> Strokes:
    path = _ring(box, random, random.uniform(0.06, 0.3), random.uniform(1, 3)) + random.uniform(-0.15, 0.15, 2) * box
    return [(_strength(random), path)]


def _hatched(box: float, random: Random, low: float, high: float, step_mm: float) -> Strokes:
    ys = np.arange(low * box, high * box, step_mm)
    points = np.array([(random.uniform(0.0, 0.1) if i % 2 else random.uniform(0.9, 1.0), y / box) for i, y in enumerate(ys)])
    return [(_strength(random), _shaken(points * box, random))] if len(points) > 1 else []


def _scribble(box: float, random: Random) -> Strokes:
    return [(_strength(random), _path(random.uniform(0.05, 0.95, (int(random.integers(5, 11)), 2)), box, random))]


def _partial(box: float, random: Random) -> Strokes:
    low = random.uniform(0.05, 0.5)
    return _hatched(box, random, low, low + random.uniform(0.25, 0.5), 0.4)


def _solid(box: float, random: Random) -> Strokes:
    s = random.uniform(0.4, 1.0)
    fill = [(s, path) for _ in range(2) for _, path in _hatched(box, random, 0.02, 0.98, random.uniform(0.2, 0.42))]
    return [*fill, (s, _ring(box, random, 0.42)), (s, _shaken(np.array([(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.1, 0.1)]) * box, random))]


def _dirt(box: float, random: Random) -> Strokes:
    spots = random.uniform(-0.3, 1.3, (int(random.integers(1, 6)), 2)) * box
    return [(random.uniform(0.1, 0.8), np.array([spot, spot + 0.02])) for spot in spots]


def _neighbour(box: float, random: Random) -> Strokes:
    x = random.uniform(-0.4, 1.4)
    return [(_strength(random), _shaken(np.array([(x, -0.5), (x + 0.1, random.uniform(-0.3, -0.12))]) * box, random))]


def _around(box: float, random: Random) -> Strokes:
    return [(max(FAINT, _strength(random)), _ring(box, random, random.uniform(0.62, 0.75)))]


def _beside(box: float, random: Random) -> Strokes:
    x = random.choice([-0.2, 1.2])
    return [(max(FAINT, _strength(random)), _shaken(np.array([(x - 0.1, 0.1), (x + 0.1, 0.9)]) * box, random)) for _ in range(2)]


STYLES: dict[str, tuple[State | None, Callable[[float, Random], Strokes]]] = {
    "empty": (State.EMPTY, _nothing),
    "dirt": (State.EMPTY, _dirt),
    "shown through": (State.EMPTY, _nothing),
    "stain": (State.EMPTY, _nothing),
    "shade": (State.EMPTY, _nothing),
    "neighbour": (State.EMPTY, _neighbour),
    "cross": (State.READ, _cross),
    "tick": (State.READ, _tick),
    "line": (State.READ, _line),
    "dot": (State.READ, _dot),
    "scribble": (State.READ, _scribble),
    "partial": (State.READ, _partial),
    "solid": (State.CANCELLED, _solid),
    "around": (None, _around),
    "beside": (None, _beside),
}
LIGHTS: dict[str, Callable[[int, float, Random], Light]] = {"shown through": shown_through, "stain": stain, "shade": shade}
