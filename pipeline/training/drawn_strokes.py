"""What people draw in and around a check box, stroke by stroke, in mm from the corner of the box."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import State

Random = np.random.Generator
Points = NDArray[np.float64]
FAINT = 0.5
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
