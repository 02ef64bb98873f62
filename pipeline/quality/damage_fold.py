"""Creases: paper that was folded and smoothed out lies a little nearer, and to the side, beyond the fold."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.quality.damage_paper import Damaged, Points, lit, px_per_mm

_AWRY_DEGREES = 40.0
_SHADE = 0.3
_SHADE_MM = 0.5


def crease(state: Damaged, rng: Generator, *, millimetres: float) -> Damaged:
    """A fold across the page, somewhere in its middle half: all below it lies `millimetres` off."""
    h, w = state.image.shape[:2]
    angle = np.radians(rng.uniform(-8, 8))
    through = np.array([w / 2, rng.uniform(0.25, 0.75) * h])
    return _moved(state, rng, through, np.array([-np.sin(angle), np.cos(angle)]), millimetres)


def dog_ear(state: Damaged, rng: Generator, *, millimetres: float) -> Damaged:
    """A corner that was turned down, its sides 70 to 120 mm long: it lies `millimetres` off."""
    h, w = state.image.shape[:2]
    scale = px_per_mm(state.image)
    across, down = rng.uniform(70, 120, 2) * scale
    right, low = rng.integers(2, size=2)
    ends = np.array([[w - across if right else across, h if low else 0], [w if right else 0, h - down if low else down]], np.float64)
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    normal = np.array([-along[1], along[0]])
    corner = np.array([w if right else 0, h if low else 0])
    return _moved(state, rng, ends[0], normal if normal @ (corner - ends[0]) > 0 else -normal, millimetres)


def _moved(state: Damaged, rng: Generator, through: Points, normal: Points, millimetres: float) -> Damaged:
    """The part on the normal's side of a line moved towards the line, and along it, in all by so many mm; the fold casts a shade."""
    awry = np.radians(rng.uniform(-_AWRY_DEGREES, _AWRY_DEGREES))
    turned = np.array([[np.cos(awry), -np.sin(awry)], [np.sin(awry), np.cos(awry)]]) @ normal
    shift = -turned * millimetres * px_per_mm(state.image)
    before = state.where

    def where(points: Points) -> Points:
        now = before(points)
        return np.asarray(now + np.where((now - through) @ normal > 0, 1.0, 0.0)[:, None] * shift)

    h, w = state.image.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    away = np.asarray((x - through[0]) * normal[0] + (y - through[1]) * normal[1], np.float32)
    beyond = np.asarray(away > 0, np.float32)
    at_x, at_y = np.asarray(x - beyond * shift[0], np.float32), np.asarray(y - beyond * shift[1], np.float32)
    image = cv2.remap(state.image, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,) * 3)
    shade = 1 - _SHADE * np.exp(-((away / (_SHADE_MM * px_per_mm(state.image))) ** 2))
    return lit(replace(state, image=np.asarray(image, dtype=np.uint8), where=where), shade)
