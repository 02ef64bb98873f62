"""One row of the table of quality, and how it is reckoned from values whose truth is known.

Whoever measures a kind of field writes a function from `Data` to rows and names it in `pipeline/quality/sets.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

SURE, SUREST = 0.99, 0.999
"""A value with less than `SURE` is doubtful: a person is shown that it is. Of those with `SUREST` at most 1 in 1,000 may be wrong."""
STEPS = 10
"""Parts of equal size for the calibration error."""
CHANCES = 100
"""So often chance is tried."""
Z = 1.96
"""Normal deviate of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Data:
    """Where test data lies. A set whose data is absent is shown as absent.

    `folder` holds `handwriting/` and `scans/` as their publishers' files; `mnist` the idx files of MNIST. `quick` asks for a small part of each set.
    """

    folder: Path | None = None
    mnist: Path | None = None
    quick: bool = False

    def find(self, *parts: str) -> Path | None:
        """A path in the folder, or None where it is absent."""
        path = self.folder.joinpath(*parts) if self.folder else None
        return path if path and path.exists() else None


@dataclass(frozen=True, slots=True)
class Judged:
    """One value that was read: its p, whether value and state are right, who wrote it.

    `wrong` of `units` parts are wrong, for instance edits of the characters written; by default the value is one part. `fitted`: the curve of p was
    fitted to this writer, so that p is no news here.
    """

    p: float
    right: bool
    writer: str = ""
    wrong: float | None = None
    units: float = 1.0
    fitted: bool = False

    @property
    def parts_wrong(self) -> float:
        """Parts of the value that are wrong."""
        return float(not self.right) if self.wrong is None else self.wrong


@dataclass(frozen=True, slots=True)
class Share:
    """`wrong` of `of`, with Wilson's 95 % interval (Wilson, JASA 22, 1927)."""

    wrong: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Between which bounds the true share lies; 0 to 1 when nothing was seen."""
        if not self.of:
            return 0.0, 1.0
        share, square = self.wrong / self.of, Z**2 / self.of
        middle, reach = share + square / 2, Z * sqrt(share * (1 - share) / self.of + square / self.of / 4)
        return max(0.0, (middle - reach) / (1 + square)), min(1.0, (middle + reach) / (1 + square))


@dataclass(frozen=True, slots=True)
class Row:
    """How well one kind of field is read on one set.

    `error` is the share of parts wrong (for text: edits a character written); `median` and `worst` are those of single writers. `calibration` is the
    expected calibration error of p and `doubtful` the share of values below `SURE`, both of hands that no curve was fitted to. `others` are errors of
    other readers on the same pictures. `by_writer` holds each writer's error. A set that is not here has `absent`, the reason, and no values.
    """

    kind: str
    set: str
    values: int = 0
    writers: int = 0
    error: float = 0.0
    median: float = 0.0
    worst: float = 0.0
    calibration: float = 0.0
    doubtful: float = 0.0
    sure: Share = Share(0, 0)
    surest: Share = Share(0, 0)
    others: Mapping[str, float] = field(default_factory=dict)
    by_writer: Mapping[str, float] = field(default_factory=dict)
    absent: str = ""


Measurement = Callable[[Data], list[Row]]
"""Reads sets of one kind and answers with a row each."""


def absent(kind: str, name: str, why: str = "data not here") -> Row:
    """The row of a set that cannot be measured."""
    return Row(kind, name, absent=why)


def row(kind: str, name: str, judged: Sequence[Judged], others: Mapping[str, float] | None = None) -> Row:
    """The row of a set from its values."""
    if not judged:
        return absent(kind, name, "no values")
    errors = by_writer(judged)
    news = [j for j in judged if not j.fitted]
    p, right = np.array([j.p for j in news], np.float64), np.array([j.right for j in news], bool)
    return Row(
        kind,
        name,
        len(judged),
        len(errors),
        sum(j.parts_wrong for j in judged) / max(1e-9, sum(j.units for j in judged)),
        median(errors.values()),
        max(errors.values()),
        calibration_error(p, right),
        float((p < SURE).mean()) if len(p) else 0.0,
        wrong_from(p, right, SURE),
        wrong_from(p, right, SUREST),
        dict(others or {}),
        errors,
    )


def by_writer(judged: Sequence[Judged]) -> dict[str, float]:
    """The share of parts wrong of each writer."""
    wrong: dict[str, float] = defaultdict(float)
    units: dict[str, float] = defaultdict(float)
    for one in judged:
        wrong[one.writer] += one.parts_wrong
        units[one.writer] += one.units
    return {writer: wrong[writer] / max(1e-9, units[writer]) for writer in wrong}


def calibration_error(p: NDArray[np.float64], right: NDArray[np.bool_], steps: int = STEPS) -> float:
    """Mean distance between p and the share right over `steps` parts of equally many values in order of p (Naeini et al., AAAI 2015)."""
    parts = [part for part in np.array_split(np.argsort(p, kind="stable"), steps) if len(part)]
    return float(sum(abs(p[part].mean() - right[part].mean()) * len(part) for part in parts) / max(1, len(p)))


def chance_error(p: NDArray[np.float64], steps: int = STEPS) -> float:
    """The calibration error that so many values show on average by chance alone, their p being exactly true."""
    rng = np.random.default_rng(0)
    return float(np.mean([calibration_error(p, rng.random(len(p)) < p, steps) for _ in range(CHANCES)])) if len(p) else 0.0


def wrong_from(p: NDArray[np.float64], right: NDArray[np.bool_], least: float) -> Share:
    """How many of the values with at least this p are wrong."""
    chosen = p >= least
    return Share(int((chosen & ~right).sum()), int(chosen.sum()))
