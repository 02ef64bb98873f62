"""Damage to the paper itself, however it is scanned afterwards.

Torn corners and holes, scribbles, stains, correction tape, bleed-through and dust. Creases: paper
that was folded and smoothed out is a little nearer, and to the side, beyond the fold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.forms.fiducials import CODE_BOXES, MARKER_BOXES
from pipeline.reading.imaging import geometry
from research.evaluation.damage.damaged_page import DamagedPage, Points, apply_light, page_px_per_mm

_STROKE_COUNT = 5
_STROKE_MM = 6.0
# Length from, to.
_STROKE_LENGTH_MM = 30.0, 70.0
_HOLE_COUNT = 8
_MAX_SHIFT_ANGLE = 40.0
_SHADE_DARKNESS = 0.3
_SHADE_MM = 0.5
_PAPER_LIGHT, _TAPE_LEVEL = 0.94, 250
"""Office paper comes out of a scanner at some 240, correction tape at 250.

Where a scanner makes both white, nothing can be seen.
"""
_TAPE_SHADE_MM, _TAPE_SHADE = 0.15, 222


def destroy_code(state: DamagedPage, rng: Generator) -> DamagedPage:
    """Scribble over one of the two codes with a thick pen."""
    # Choose one of the two codes.
    box = CODE_BOXES[int(rng.integers(2))]
    mm = page_px_per_mm(state.image)
    # A scribble: random points within the code, connected.
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
    # Choose one of the four corners.
    box = list(MARKER_BOXES.values())[int(rng.integers(4))]
    right, low = box.x > 100, box.y > 100
    # A triangle at the top left with a ragged edge.
    edge = np.linspace(0, 1, 12)
    ragged = np.stack([edge * size, (1 - edge) * size], axis=1) + rng.normal(0, size / 40, (12, 2))
    outline = np.vstack([[[0, 0]], ragged[::-1]])
    # Mirror it into the chosen corner.
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
    # The spill inside the ring lets through 90 % of the light, the ring 60 %.
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
    # Punch position along the edge, with the tolerance of a hole punch.
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
    # Random walks, one below the other, resemble lines of writing.
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
    # Mirror them, as paper does, and blur: fibres scatter the light.
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


def stain_codes(state: DamagedPage, rng: Generator, *, darkness: float) -> DamagedPage:
    """Spill coffee over both codes: a blot with a darker rim that takes away this much light."""
    scale = page_px_per_mm(state.image)
    light = np.ones(state.image.shape[:2], np.float32)
    for box in CODE_BOXES:
        # A blot near the middle of the code, with a random shape.
        centre = np.array([box.x + box.w / 2, box.y + box.h / 2]) + rng.uniform(-3, 3, 2)
        middle = tuple((centre * scale).round().astype(int).tolist())
        axes = round(rng.uniform(11, 14) * scale), round(rng.uniform(9, 12) * scale)
        cv2.ellipse(light, middle, axes, rng.uniform(0, 180), 0, 360, 1 - 0.75 * darkness, -1)
        # Coffee dries darkest at the rim.
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
    # Darken the paper first, as tape is whiter than paper.
    image = (state.image * _PAPER_LIGHT).astype(np.uint8)
    wide = max(1, round(millimetres * scale))
    for path in _draw_strokes(rng):
        # Draw the shade first, slightly lower; the tape then covers all but its lower edge.
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
    # What is beneath the paper: a dark lid or a white one.
    ground = (20,) * 3 if rng.random() < 0.5 else (255,) * 3
    # One hole where staples usually are, the others anywhere.
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
    # One stroke in each of five equal bands, so that no two meet.
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
    # A nearly level fold through the middle half.
    through = np.array([w / 2, rng.uniform(0.25, 0.75) * h])
    return _move_half(state, rng, through, np.array([-np.sin(angle), np.cos(angle)]), millimetres)


def add_dog_ear(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Turn a corner down, its sides 70 to 120 mm long: it is `millimetres` off."""
    h, w = state.image.shape[:2]
    scale = page_px_per_mm(state.image)
    # The fold line runs from a point on the top or bottom edge to one on a side edge.
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
    # The normal of the fold points to the corner that is turned down.
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
    # The flap moves towards the fold, at an angle of at most `_MAX_SHIFT_ANGLE`.
    awry = np.radians(rng.uniform(-_MAX_SHIFT_ANGLE, _MAX_SHIFT_ANGLE))
    turned = np.array([[np.cos(awry), -np.sin(awry)], [np.sin(awry), np.cos(awry)]]) @ normal
    shift = -turned * millimetres * page_px_per_mm(state.image)
    before = state.where

    def where(points: Points) -> Points:
        now = before(points)
        return np.asarray(now + np.where((now - through) @ normal > 0, 1.0, 0.0)[:, None] * shift)

    h, w = state.image.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    # Signed distance of each pixel from the fold, px.
    away = np.asarray((x - through[0]) * normal[0] + (y - through[1]) * normal[1], np.float32)
    beyond = np.asarray(away > 0, np.float32)
    # Resample: beyond the fold from the shifted place.
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
    # Gaussian shade along the fold.
    shade = 1 - _SHADE_DARKNESS * np.exp(-((away / (_SHADE_MM * page_px_per_mm(state.image))) ** 2))
    return apply_light(replace(state, image=np.asarray(image, dtype=np.uint8), where=where), shade)
