"""The strokes of marks: what people draw in and around a check box.

Strokes are in mm from the corner of the box.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import State

Random = np.random.Generator
Points = NDArray[np.float64]
StrokeList = list[tuple[float, Points]]
MAX_FAINT_STRENGTH = 0.5
"""A stroke of at most this strength is faint."""


def _shake_path(points: Points, random: Random) -> Points:
    """Return a path through the points as a writer draws it: rounded and a little off, mm."""
    # Interpolate between the points, and add smooth noise.
    fine = np.linspace(0, len(points) - 1, 12 * len(points))
    path = np.stack([np.interp(fine, np.arange(len(points)), points[:, i]) for i in (0, 1)], axis=1)
    wobble = (
        cv2.GaussianBlur(random.normal(0, 0.6, path.shape), (1, 0), sigmaX=0.01, sigmaY=4)
        if len(path) > 3
        else 0
    )
    return np.asarray(path + wobble, np.float64)


def _random_strength(random: Random) -> float:
    return float(
        # One third faint, one third of any strength, one third strong.
        random.choice(
            [random.uniform(0.2, 0.45), random.uniform(0.4, 1.0), random.uniform(0.6, 1.0)]
        )
    )


def _draw_path(parts: Points | list[tuple[float, float]], box: float, random: Random) -> Points:
    # Random size and place around the box.
    size, at = random.uniform(0.55, 1.25), random.uniform(-0.18, 0.18, 2)
    return _shake_path(((np.array(parts) - 0.5) * size + 0.5 + at) * box, random)


def _no_strokes(_box: float, _random: Random) -> StrokeList:
    return []


def _cross_strokes(box: float, random: Random) -> StrokeList:
    s = _random_strength(random)
    return [
        (s, _draw_path([(0, 0), (1, 1)], box, random)),
        (s, _draw_path([(1, 0), (0, 1)], box, random)),
    ]


def _tick_strokes(box: float, random: Random) -> StrokeList:
    return [
        (
            _random_strength(random),
            _draw_path(
                [(0.1, 0.5), (0.4, 0.95), (random.uniform(0.8, 1.5), random.uniform(-0.4, 0.2))],
                box,
                random,
            ),
        )
    ]


def _line_strokes(box: float, random: Random) -> StrokeList:
    a = random.uniform(0, np.pi)
    d = np.array([np.cos(a), np.sin(a)]) / 2
    return [(_random_strength(random), _draw_path(np.array([0.5 - d, 0.5 + d]), box, random))]


def _ring_path(box: float, random: Random, radius: float, turns: float = 1.1) -> Points:
    a = np.linspace(0, turns * 2 * np.pi, 20) + random.uniform(0, 6)
    return _shake_path((np.stack([np.cos(a), np.sin(a)], axis=1) * radius + 0.5) * box, random)


def _dot_strokes(box: float, random: Random) -> StrokeList:
    path = (
        _ring_path(box, random, random.uniform(0.06, 0.3), random.uniform(1, 3))
        + random.uniform(-0.15, 0.15, 2) * box
    )
    return [(_random_strength(random), path)]


def _hatch_strokes(
    box: float, random: Random, low: float, high: float, step_mm: float
) -> StrokeList:
    # A path to and fro between the sides, line by line.
    ys = np.arange(low * box, high * box, step_mm)
    points = np.array(
        [
            (random.uniform(0.0, 0.1) if i % 2 else random.uniform(0.9, 1.0), y / box)
            for i, y in enumerate(ys)
        ]
    )
    return (
        [(_random_strength(random), _shake_path(points * box, random))] if len(points) > 1 else []
    )


def _scribble_strokes(box: float, random: Random) -> StrokeList:
    return [
        (
            _random_strength(random),
            _draw_path(random.uniform(0.05, 0.95, (int(random.integers(5, 11)), 2)), box, random),
        )
    ]


def _partial_fill_strokes(box: float, random: Random) -> StrokeList:
    low = random.uniform(0.05, 0.5)
    return _hatch_strokes(box, random, low, low + random.uniform(0.25, 0.5), 0.4)


def _solid_fill_strokes(box: float, random: Random) -> StrokeList:
    # Two passes of hatching, then an outline: round and square.
    s = random.uniform(0.4, 1.0)
    fill = [
        (s, path)
        for _ in range(2)
        for _, path in _hatch_strokes(box, random, 0.02, 0.98, random.uniform(0.2, 0.42))
    ]
    return [
        *fill,
        (s, _ring_path(box, random, 0.42)),
        (
            s,
            _shake_path(
                np.array([(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.1, 0.1)]) * box, random
            ),
        ),
    ]


def _dirt_strokes(box: float, random: Random) -> StrokeList:
    spots = random.uniform(-0.3, 1.3, (int(random.integers(1, 6)), 2)) * box
    return [(random.uniform(0.1, 0.8), np.array([spot, spot + 0.02])) for spot in spots]


def _neighbour_strokes(box: float, random: Random) -> StrokeList:
    x = random.uniform(-0.4, 1.4)
    return [
        (
            _random_strength(random),
            _shake_path(
                np.array([(x, -0.5), (x + 0.1, random.uniform(-0.3, -0.12))]) * box, random
            ),
        )
    ]


def _circle_strokes(box: float, random: Random) -> StrokeList:
    return [
        (
            max(MAX_FAINT_STRENGTH, _random_strength(random)),
            _ring_path(box, random, random.uniform(0.62, 0.75)),
        )
    ]


def _off_box_strokes(box: float, random: Random) -> StrokeList:
    x = random.choice([-0.2, 1.2])
    return [
        (
            max(MAX_FAINT_STRENGTH, _random_strength(random)),
            _shake_path(np.array([(x - 0.1, 0.1), (x + 0.1, 0.9)]) * box, random),
        )
        for _ in range(2)
    ]


MARK_STYLES: dict[str, tuple[State | None, Callable[[float, Random], StrokeList]]] = {
    "empty": (State.EMPTY, _no_strokes),
    "dirt": (State.EMPTY, _dirt_strokes),
    "shown through": (State.EMPTY, _no_strokes),
    "stain": (State.EMPTY, _no_strokes),
    "shade": (State.EMPTY, _no_strokes),
    "neighbour": (State.EMPTY, _neighbour_strokes),
    "cross": (State.READ, _cross_strokes),
    "tick": (State.READ, _tick_strokes),
    "line": (State.READ, _line_strokes),
    "dot": (State.READ, _dot_strokes),
    "scribble": (State.READ, _scribble_strokes),
    "partial": (State.READ, _partial_fill_strokes),
    "solid": (State.CANCELLED, _solid_fill_strokes),
    "around": (None, _circle_strokes),
    "beside": (None, _off_box_strokes),
}
