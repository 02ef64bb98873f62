"""What lies over part of a page: a stain on the codes, a felt pen or correction tape over fields,
holes that staples tore.

What coffee, pens, punches and dust do to a page, wherever it is scanned afterwards.

Creases: paper that was folded and smoothed out lies a little nearer, and to the side, beyond the
fold.

How a page is seen, wherever it lies: light, noise, focus, thresholds, compression.

Where a page lies in its picture, and how it is stretched: turned, skew, scaled, fed unevenly,
photographed.

A page is an A4 picture, grey or BGR. `where` of the result takes points of the clean page along,
so that registration can be compared with the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.forms.fiducials import CODE_BOXES, MARKER_BOXES
from pipeline.reading.imaging import geometry

_STRIP_ROWS = 32
Points = NDArray[np.float64]
Warp = Callable[[Points], Points]
_STROKE_COUNT = 5
_STROKE_MM = 6.0
_STROKE_LENGTH_MM = 30.0, 70.0
_HOLE_COUNT = 8
_MAX_SHIFT_ANGLE = 40.0
_SHADE_DARKNESS = 0.3
_SHADE_MM = 0.5
_YELLOW_PAPER = np.array([0.86, 0.95, 0.98])
"""Blue, green and red that yellowish paper reflects."""
_TABLE_COLOUR = np.array([60, 95, 140])
"""The colour of a table, as blue, green and red."""


@dataclass(frozen=True, slots=True)
class DamagedPage:
    """A damaged page.

    `where` maps points of the clean page (n, 2), px, to the damaged image, px.
    """

    image: Image
    where: Warp


Damage = Callable[[DamagedPage, Generator], DamagedPage]


def page_px_per_mm(page: Image) -> float:
    """Return the scale of an image that shows just an A4 page."""
    return float(page.shape[1]) / 210.0


def apply_light(state: DamagedPage, light: NDArray[np.floating[Any]]) -> DamagedPage:
    """Return the image seen with this light (h, w), 1 for full."""
    gain = light if state.image.ndim == 2 else light[..., None]
    seen = np.empty_like(state.image)
    for rows in iter_strips(seen):
        seen[rows] = np.clip(state.image[rows] * gain[rows], 0, 255)
    return replace(state, image=seen)


def iter_strips(picture: Image) -> Iterator[slice]:
    """Yield some rows at a time.

    Numbers of a strip fit in the processor's cache, those of a page do not.
    """
    return (slice(top, top + _STRIP_ROWS) for top in range(0, len(picture), _STRIP_ROWS))


def destroy_code(state: DamagedPage, rng: Generator) -> DamagedPage:
    """Scribble over one of the two codes with a thick pen."""
    box = CODE_BOXES[int(rng.integers(2))]
    mm = page_px_per_mm(state.image)
    path = (
        np.stack(
            [rng.uniform(box.x, box.x + box.w, 18), rng.uniform(box.y, box.y + box.h, 18)], axis=1
        )
        * mm
    )
    image = state.image.copy()
    cv2.polylines(
        image,
        [path.round().astype(np.int32).reshape(-1, 1, 2)],
        False,
        (25, 20, 20),
        round(2 * mm),
        cv2.LINE_AA,
    )
    return replace(state, image=image)


def tear_corner(
    state: DamagedPage, rng: Generator, *, millimetres: float = 32.0, ground: int = 40
) -> DamagedPage:
    """Tear one corner off: its marker is gone, and its code where there is one.

    `ground` is the grey of what is under the paper.
    """
    h, w = state.image.shape[:2]
    size = millimetres * page_px_per_mm(state.image)
    box = list(MARKER_BOXES.values())[int(rng.integers(4))]
    right, low = box.x > 100, box.y > 100
    edge = np.linspace(0, 1, 12)
    ragged = np.stack([edge * size, (1 - edge) * size], axis=1) + rng.normal(0, size / 40, (12, 2))
    outline = np.vstack([[[0, 0]], ragged[::-1]])
    outline[:, 0] = np.where(right, w - outline[:, 0], outline[:, 0])
    outline[:, 1] = np.where(low, h - outline[:, 1], outline[:, 1])
    image = state.image.copy()
    cv2.fillPoly(image, [outline.round().astype(np.int32).reshape(-1, 1, 2)], (ground,) * 3)
    return replace(state, image=image)


def spill_coffee(state: DamagedPage, rng: Generator) -> DamagedPage:
    """Draw the ring of a cup, and what ran over."""
    mm = page_px_per_mm(state.image)
    light = np.ones(state.image.shape[:2], np.float32)
    centre = int(rng.uniform(50, 160) * mm), int(rng.uniform(70, 230) * mm)
    cv2.circle(light, centre, round(38 * mm), 0.9, -1)
    cv2.circle(light, centre, round(39 * mm), 0.6, round(2.5 * mm), cv2.LINE_AA)
    return apply_light(
        state, np.asarray(cv2.GaussianBlur(light, (0, 0), 0.5 * mm), dtype=np.float32)
    )


def punch_holes(state: DamagedPage, rng: Generator) -> DamagedPage:
    """Punch four holes (Swedish, 21-70-21 mm) along the left edge.

    They are seen black against the scanner's lid.
    """
    mm = page_px_per_mm(state.image)
    middle = 148.5 + rng.uniform(-2, 2)
    image = state.image.copy()
    for offset in (-56, -35, 35, 56):
        cv2.circle(
            image,
            (round(11 * mm), round((middle + offset) * mm)),
            round(3 * mm),
            (15, 15, 15),
            -1,
            cv2.LINE_AA,
        )
    return replace(state, image=image)


def add_bleed_through(state: DamagedPage, rng: Generator, *, strength: float) -> DamagedPage:
    """Let writing of the other side show through, mirrored and soft.

    `strength` is the share of its darkness that shows.
    """
    grey = geometry.to_grayscale(state.image)
    h, w = grey.shape
    back = np.full((h, w), 255, np.uint8)
    mm = page_px_per_mm(state.image)
    for row in range(22):
        steps = rng.normal((1.3, 0), (0.7, 1.8), (90, 2)).cumsum(axis=0) + np.array(
            [25, 35 + row * 10]
        )
        cv2.polylines(
            back,
            [(steps * mm).round().astype(np.int32).reshape(-1, 1, 2)],
            False,
            (30,),
            round(0.6 * mm),
            cv2.LINE_AA,
        )
    through = cv2.GaussianBlur(back[:, ::-1], (0, 0), 0.35 * mm).astype(np.float32) / 255
    return apply_light(state, 1 - strength * (1 - through))


def add_dust(state: DamagedPage, rng: Generator, *, specks: int) -> DamagedPage:
    """Add small dark specks, 0.1 to 0.4 mm."""
    image = state.image.copy()
    h, w = image.shape[:2]
    for _ in range(specks):
        centre = int(rng.uniform(0, w)), int(rng.uniform(0, h))
        cv2.circle(
            image,
            centre,
            max(1, round(rng.uniform(0.05, 0.2) * page_px_per_mm(image))),
            (90, 90, 90),
            -1,
            cv2.LINE_AA,
        )
    return replace(state, image=image)


_PAPER_LIGHT, _TAPE_LEVEL = 0.94, 250
"""Office paper comes out of a scanner at some 240, correction tape at 250.

Where a scanner makes both white, nothing can be seen.
"""


_TAPE_SHADE_MM, _TAPE_SHADE = 0.15, 222


def stain_codes(state: DamagedPage, rng: Generator, *, darkness: float) -> DamagedPage:
    """Spill coffee over both codes: a blot with a darker rim that takes away this much light."""
    scale = page_px_per_mm(state.image)
    light = np.ones(state.image.shape[:2], np.float32)
    for box in CODE_BOXES:
        centre = np.array([box.x + box.w / 2, box.y + box.h / 2]) + rng.uniform(-3, 3, 2)
        middle = tuple((centre * scale).round().astype(int).tolist())
        axes = round(rng.uniform(11, 14) * scale), round(rng.uniform(9, 12) * scale)
        cv2.ellipse(light, middle, axes, rng.uniform(0, 180), 0, 360, 1 - 0.75 * darkness, -1)
        cv2.ellipse(
            light, middle, axes, rng.uniform(0, 180), 0, 360, 1 - darkness, round(3 * scale)
        )
    return apply_light(
        state, np.asarray(cv2.GaussianBlur(light, (0, 0), 0.5 * scale), dtype=np.float32)
    )


def draw_felt_pen(state: DamagedPage, rng: Generator, *, darkness: float) -> DamagedPage:
    """Draw five strokes of a 6 mm felt pen across the form.

    They let through 1 - `darkness` of the light.
    """
    scale = page_px_per_mm(state.image)
    light = np.ones(state.image.shape[:2], np.float32)
    for path in _draw_strokes(rng):
        cv2.polylines(
            light,
            [(path * scale).round().astype(np.int32).reshape(-1, 1, 2)],
            False,
            1 - darkness,
            round(_STROKE_MM * scale),
        )
    return apply_light(
        state, np.asarray(cv2.GaussianBlur(light, (0, 0), 0.1 * scale), dtype=np.float32)
    )


def apply_tape(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Put five strips of white correction tape, so many mm wide, across the form.

    They are a little whiter than paper, with a faint shade along the lower edge.
    """
    scale = page_px_per_mm(state.image)
    image = (state.image * _PAPER_LIGHT).astype(np.uint8)
    wide = max(1, round(millimetres * scale))
    for path in _draw_strokes(rng):
        for below_mm, grey in ((_TAPE_SHADE_MM, _TAPE_SHADE), (0.0, _TAPE_LEVEL)):
            line = (
                ((path + np.array([0.0, below_mm])) * scale)
                .round()
                .astype(np.int32)
                .reshape(-1, 1, 2)
            )
            cv2.polylines(image, [line], False, (grey,) * 3, wide)
    return replace(state, image=image)


def tear_staple_holes(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Tear holes of so many mm, one near the top left corner and others anywhere.

    What is beneath shows, dark or white.
    """
    scale = page_px_per_mm(state.image)
    image = state.image.copy()
    ground = (20,) * 3 if rng.random() < 0.5 else (255,) * 3
    places = np.vstack(
        [
            rng.uniform((12, 9), (36, 25), (1, 2)),
            rng.uniform((14, 30), (196, 268), (_HOLE_COUNT - 1, 2)),
        ]
    )
    for place in places:
        cv2.circle(
            image,
            tuple((place * scale).round().astype(int).tolist()),
            max(1, round(millimetres / 2 * scale)),
            ground,
            -1,
            cv2.LINE_AA,
        )
    return replace(state, image=image)


def _draw_strokes(rng: Generator) -> Iterator[Points]:
    """Return nearly level strokes, mm, ends (2, 2), apart from each other."""
    for y in (
        rng.uniform(0, 200 / _STROKE_COUNT, _STROKE_COUNT)
        + np.arange(_STROKE_COUNT) * 200 / _STROKE_COUNT
        + 60
    ):
        x, length = rng.uniform(15, 120), rng.uniform(*_STROKE_LENGTH_MM)
        yield np.array([[x, y], [x + length, y + rng.normal(0, 0.02) * length]])


def add_crease(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Fold the page, somewhere in its middle half: all below it is `millimetres` off."""
    h, w = state.image.shape[:2]
    angle = np.radians(rng.uniform(-8, 8))
    through = np.array([w / 2, rng.uniform(0.25, 0.75) * h])
    return _move_half(state, rng, through, np.array([-np.sin(angle), np.cos(angle)]), millimetres)


def add_dog_ear(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Turn a corner down, its sides 70 to 120 mm long: it is `millimetres` off."""
    h, w = state.image.shape[:2]
    scale = page_px_per_mm(state.image)
    across, down = rng.uniform(70, 120, 2) * scale
    right, low = rng.integers(2, size=2)
    ends = np.array(
        [
            [w - across if right else across, h if low else 0],
            [w if right else 0, h - down if low else down],
        ],
        np.float64,
    )
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    normal = np.array([-along[1], along[0]])
    corner = np.array([w if right else 0, h if low else 0])
    return _move_half(
        state, rng, ends[0], normal if normal @ (corner - ends[0]) > 0 else -normal, millimetres
    )


def _move_half(
    state: DamagedPage, rng: Generator, through: Points, normal: Points, millimetres: float
) -> DamagedPage:
    """Move the part on the normal's side of a line towards the line and along it.

    In all by this many mm; the fold casts a shade.
    """
    awry = np.radians(rng.uniform(-_MAX_SHIFT_ANGLE, _MAX_SHIFT_ANGLE))
    turned = np.array([[np.cos(awry), -np.sin(awry)], [np.sin(awry), np.cos(awry)]]) @ normal
    shift = -turned * millimetres * page_px_per_mm(state.image)
    before = state.where

    def where(points: Points) -> Points:
        now = before(points)
        return np.asarray(now + np.where((now - through) @ normal > 0, 1.0, 0.0)[:, None] * shift)

    h, w = state.image.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    away = np.asarray((x - through[0]) * normal[0] + (y - through[1]) * normal[1], np.float32)
    beyond = np.asarray(away > 0, np.float32)
    at_x, at_y = (
        np.asarray(x - beyond * shift[0], np.float32),
        np.asarray(y - beyond * shift[1], np.float32),
    )
    image = cv2.remap(
        state.image,
        at_x,
        at_y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255,) * 3,
    )
    shade = 1 - _SHADE_DARKNESS * np.exp(-((away / (_SHADE_MM * page_px_per_mm(state.image))) ** 2))
    return apply_light(replace(state, image=np.asarray(image, dtype=np.uint8), where=where), shade)


def add_uneven_light(state: DamagedPage, rng: Generator, *, darkest: float) -> DamagedPage:
    """Light the page from one side: brightness falls smoothly to `darkest` of full."""
    h, w = state.image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    ramp = (np.cos(angle) * x + np.sin(angle) * y + 1.42) / 2.84
    return apply_light(state, darkest + (1 - darkest) * ramp)


def add_shadow(state: DamagedPage, rng: Generator, *, darkness: float) -> DamagedPage:
    """Let a hand or a head cast a shadow over part of the page, with a soft edge."""
    h, w = state.image.shape[:2]
    mask = np.zeros((h // 8, w // 8), np.float32)
    centre = int(rng.uniform(0.2, 0.8) * mask.shape[1]), int(rng.uniform(0.4, 0.9) * mask.shape[0])
    cv2.ellipse(
        mask, centre, (mask.shape[1] // 3, mask.shape[0] // 4), rng.uniform(0, 180), 0, 360, 1.0, -1
    )
    soft = cv2.resize(cv2.GaussianBlur(mask, (0, 0), mask.shape[1] / 40), (w, h))
    return apply_light(state, 1 - darkness * soft)


def add_noise(state: DamagedPage, rng: Generator, *, sigma: float) -> DamagedPage:
    """Add sensor noise, grey levels."""
    noisy = np.empty_like(state.image)
    for rows in iter_strips(noisy):  # the dice fall as for the whole page
        grain = rng.normal(0, sigma, noisy[rows].shape).astype(np.float32)
        grain += state.image[rows]
        noisy[rows] = np.clip(grain, 0, 255, out=grain)
    return replace(state, image=noisy)


def add_blur(state: DamagedPage, _rng: Generator, *, millimetres: float) -> DamagedPage:
    """Defocus the image; the Gaussian's sigma."""
    return replace(
        state,
        image=np.asarray(
            cv2.GaussianBlur(state.image, (0, 0), millimetres * page_px_per_mm(state.image)),
            dtype=np.uint8,
        ),
    )


def binarize(state: DamagedPage, _rng: Generator, *, threshold: int) -> DamagedPage:
    """Return black and white, as a fax or an office scanner set to text does."""
    return replace(
        state,
        image=np.where(geometry.to_grayscale(state.image) < threshold, 0, 255).astype(np.uint8),
    )


def compress_jpeg(state: DamagedPage, _rng: Generator, *, quality: int) -> DamagedPage:
    """Compress the image and open it again."""
    data = cv2.imencode(".jpg", state.image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return replace(
        state, image=np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), dtype=np.uint8)
    )


def add_colour_cast(state: DamagedPage, _rng: Generator) -> DamagedPage:
    """Show yellowish paper under a colour scanner."""
    colour = state.image if state.image.ndim == 3 else cv2.cvtColor(state.image, cv2.COLOR_GRAY2BGR)
    seen = (np.arange(256)[:, None] * _YELLOW_PAPER).astype(np.uint8)
    return replace(state, image=np.asarray(cv2.LUT(colour, seen[None]), np.uint8))


def add_motion_blur(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Blur by a hand that moved this far, in any direction, while the picture was taken."""
    length = max(1.0, millimetres * page_px_per_mm(state.image))
    angle, half = rng.uniform(0, np.pi), int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    end = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    first, last = ((half + sign * end) * 16 for sign in (-1, 1))
    cv2.line(
        kernel,
        tuple(first.round().astype(int).tolist()),
        tuple(last.round().astype(int).tolist()),
        1.0,
        1,
        cv2.LINE_AA,
        4,
    )
    kernel /= kernel.sum()
    return replace(
        state,
        image=np.asarray(
            cv2.filter2D(state.image, -1, kernel, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8
        ),
    )


def change_contrast(
    state: DamagedPage, _rng: Generator, *, gain: float, lift: float
) -> DamagedPage:
    """Spread grey levels about the middle and lift them, as a copier does."""
    table = np.clip((np.arange(256) - 128) * gain + 128 + lift, 0, 255).astype(np.uint8)
    return replace(state, image=table[state.image])


def transform_points(matrix: NDArray[np.float64], points: Points) -> Points:
    return np.asarray(
        cv2.perspectiveTransform(points.reshape(-1, 1, 2).astype(np.float64), matrix),
        dtype=np.float64,
    ).reshape(-1, 2)


def warp_page(
    state: DamagedPage, matrix: NDArray[np.float64], size: tuple[int, int], ground: float = 255.0
) -> DamagedPage:
    """Map the image through a homography onto `size` (w, h)."""
    image = cv2.warpPerspective(
        state.image, matrix, size, flags=cv2.INTER_AREA, borderValue=(ground,) * 3
    )
    before = state.where
    return DamagedPage(
        np.asarray(image, dtype=np.uint8), lambda points: transform_points(matrix, before(points))
    )


def turn_page(state: DamagedPage, _rng: Generator, *, quarters: int) -> DamagedPage:
    """Rotate by quarter turns clockwise."""
    h, w = state.image.shape[:2]
    image = np.ascontiguousarray(np.rot90(state.image, -quarters))
    matrix = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, -1, h - 1], [1, 0, 0]],
        2: [[-1, 0, w - 1], [0, -1, h - 1]],
        3: [[0, 1, 0], [-1, 0, w - 1]],
    }[quarters]
    before = state.where
    full = np.array([*matrix, [0, 0, 1]], dtype=np.float64)
    return DamagedPage(image, lambda points: transform_points(full, before(points)))


def skew_page(
    state: DamagedPage, rng: Generator, *, degrees: tuple[float, float], ground: float = 255.0
) -> DamagedPage:
    """Rotate by this many degrees clockwise, on a scanner bed large enough to hold the page."""
    angle = rng.uniform(*degrees)
    h, w = state.image.shape[:2]
    matrix = np.vstack([cv2.getRotationMatrix2D((w / 2, h / 2), -angle, 1), [0, 0, 1]])
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = int(w * cos + h * sin), int(w * sin + h * cos)
    matrix[:2, 2] += (size[0] - w) / 2, (size[1] - h) / 2
    return warp_page(state, matrix, size, ground)


def scale_print(state: DamagedPage, _rng: Generator, *, factor: float) -> DamagedPage:
    """Print at `factor` ("fit to page"), about the middle of the paper."""
    h, w = state.image.shape[:2]
    matrix = np.vstack([cv2.getRotationMatrix2D((w / 2, h / 2), 0, factor), [0, 0, 1]])
    return warp_page(state, matrix, (w, h))


def change_dpi(state: DamagedPage, _rng: Generator, *, dpi: float) -> DamagedPage:
    """Scan the same paper at another resolution."""
    h, w = state.image.shape[:2]
    factor = dpi / (w / 210 * 25.4)
    size = round(w * factor), round(h * factor)
    image = cv2.resize(
        state.image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    )
    before, ratio = state.where, np.array([size[0] / w, size[1] / h])
    return DamagedPage(
        np.asarray(image, dtype=np.uint8), lambda points: (before(points) + 0.5) * ratio - 0.5
    )


def stretch_unevenly(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Stretch the paper smoothly here and there, by at most this many mm.

    As rollers that slip and a fold do.
    """
    h, w = state.image.shape[:2]
    size = millimetres * page_px_per_mm(state.image)
    phase = rng.uniform(0, 2 * np.pi, 3)

    def shift(points: Points) -> Points:
        x, y = points[:, 0] / w, points[:, 1] / h
        dx = 0.4 * size * np.sin(np.pi * y + phase[0])
        dy = size * np.sin(1.5 * np.pi * y + phase[1]) + 0.3 * size * np.sin(np.pi * x + phase[2])
        return np.stack([dx, dy], axis=1)

    grid_y, grid_x = np.mgrid[0 : h : h // 64, 0 : w : w // 64].astype(np.float64)
    moved = shift(np.stack([grid_x.ravel(), grid_y.ravel()], axis=1)).reshape(*grid_x.shape, 2)
    # The picture needs the way back; at these sizes one step of the fixed-point iteration leaves
    # less than a hundredth of a mm.
    back = shift(np.stack([grid_x.ravel(), grid_y.ravel()], axis=1) - moved.reshape(-1, 2)).reshape(
        *grid_x.shape, 2
    )
    full_y, full_x = np.mgrid[0:h, 0:w].astype(np.float32)
    at_x, at_y = full_x / (w // 64), full_y / (h // 64)
    field = [
        cv2.remap(
            back[..., i].astype(np.float32),
            at_x,
            at_y,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for i in (0, 1)
    ]
    image = cv2.remap(
        state.image,
        full_x - field[0],
        full_y - field[1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    before = state.where
    return DamagedPage(
        np.asarray(image, dtype=np.uint8), lambda points: before(points) + shift(before(points))
    )


def photograph_tilted(
    state: DamagedPage,
    rng: Generator,
    *,
    degrees: float,
    width: int = 3024,
    distance_mm: float = 420.0,
) -> DamagedPage:
    """Photograph the page on a table at this angle from straight above, from any side.

    The telephone looks at the middle of the page.
    """
    azimuth, tilt = rng.uniform(0, 2 * np.pi), np.radians(degrees)
    axis = np.array([np.cos(azimuth), np.sin(azimuth), 0.0]) * tilt
    turn_by = np.asarray(cv2.Rodrigues(axis)[0], dtype=np.float64)
    size = width, round(width * 4 / 3)
    mm = np.array(
        [[-105, -148.5, 0], [105, -148.5, 0], [105, 148.5, 0], [-105, 148.5, 0]]
    ) @ turn_by.T + (0, 0, distance_mm)
    seen = mm[:, :2] / mm[:, 2:]
    span = np.ptp(seen, axis=0)
    box = (seen - (seen.min(axis=0) + seen.max(axis=0)) / 2) * (
        0.92 * min(size[0] / span[0], size[1] / span[1])
    ) + np.array(size) / 2
    return _place_on_table(state, rng, box, size)


def photograph_page(
    state: DamagedPage, rng: Generator, *, tilt: float, width: int = 3024
) -> DamagedPage:
    """Photograph the page on a table with a telephone held by hand.

    The perspective is up to `tilt` of the page's width.
    """
    h, w = state.image.shape[:2]
    size = width, round(width * 4 / 3)
    margin = 0.09
    box = np.array(
        [[margin, margin], [1 - margin, margin], [1 - margin, 1 - margin], [margin, 1 - margin]]
    ) * (width, width * h / w * 0.94)
    box += rng.uniform(-tilt, tilt, (4, 2)) * width * 0.5
    return _place_on_table(state, rng, box, size)


def _place_on_table(
    state: DamagedPage, rng: Generator, box: Points, size: tuple[int, int]
) -> DamagedPage:
    """Place the page with its corners at `box` (4, 2) px, the table around it."""
    h, w = state.image.shape[:2]
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float32)
    matrix = np.asarray(
        cv2.getPerspectiveTransform(corners, box.astype(np.float32)), dtype=np.float64
    )
    colour = state.image if state.image.ndim == 3 else cv2.cvtColor(state.image, cv2.COLOR_GRAY2BGR)
    placed = warp_page(replace(state, image=np.asarray(colour, dtype=np.uint8)), matrix, size)
    inside = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, size) > 127
    return replace(placed, image=np.where(inside[..., None], placed.image, _draw_table(size, rng)))


def _draw_table(size: tuple[int, int], rng: Generator) -> Image:
    """Draw a wooden table: brown with streaks in one direction."""
    streaks = cv2.GaussianBlur(rng.normal(0, 1, (size[1], 64)).astype(np.float32), (1, 15), 0)
    grain = (
        np.asarray(cv2.resize(streaks, size, interpolation=cv2.INTER_LINEAR), np.float32)[..., None]
        * 30
    )
    table = np.empty((*grain.shape[:2], 3), np.uint8)
    for rows in iter_strips(table):
        table[rows] = np.clip(_TABLE_COLOUR + grain[rows], 0, 255)
    return table
