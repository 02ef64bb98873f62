"""One row of the quality table, and how it is computed from values whose truth is known.

To measure a kind of field, write a function from `EvaluationData` to rows and name it in
`research/evaluation/report.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from pipeline.domain.form.confidence import (
    PREFILL_FROM,
    VERY_HIGH_CONFIDENCE,
    Share,
    calibration_error,
    wrong_from,
)


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """The folder of test data. A set whose data is absent is shown as absent.

    `folder` holds `handwriting/` and `scans/` as their publishers' files; `mnist` the idx files
    of MNIST. `quick` asks for a small part of each set.
    """

    folder: Path | None = None
    mnist: Path | None = None
    quick: bool = False

    def find(self, *parts: str) -> Path | None:
        """Return a path in the folder, or None where it is absent."""
        path = self.folder.joinpath(*parts) if self.folder else None
        return path if path and path.exists() else None


@dataclass(frozen=True, slots=True)
class JudgedValue:
    """One value that was read: its p, whether value and state are right, and its writer.

    `wrong` of `units` parts are wrong, for instance edits of the characters written; by default
    the value is one part. `fitted`: the curve of p was fitted to this writer, so that p is no
    news here.
    """

    p: float
    right: bool
    writer: str = ""
    wrong: float | None = None
    units: float = 1.0
    fitted: bool = False

    @property
    def parts_wrong(self) -> float:
        """How many parts of the value are wrong."""
        return float(not self.right) if self.wrong is None else self.wrong


NONE_SEEN = Share(0, 0)


@dataclass(frozen=True, slots=True)
class QualityRow:
    """How well one kind of field is read on one set.

    `error` is the share of parts wrong (for text: edits a character written); `median` and
    `worst` are those of single writers. `calibration` is the expected calibration error of p and
    `doubtful` the share of values below `PREFILL_FROM`, both of writers that no curve was
    fitted to. `others` are errors of other readers on the same images. `by_writer` holds each
    writer's error. A set that is not here has `absent`, the reason, and no values.
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
    sure: Share = NONE_SEEN
    surest: Share = NONE_SEEN
    others: Mapping[str, float] = field(default_factory=dict)
    by_writer: Mapping[str, float] = field(default_factory=dict)
    absent: str = ""


Measurement = Callable[[EvaluationData], list[QualityRow]]
"""A function that reads sets of one kind and returns a row for each."""


def absent_row(kind: str, name: str, reason: str = "data not here") -> QualityRow:
    """Return the row of a set that cannot be measured."""
    return QualityRow(kind, name, absent=reason)


def make_quality_row(
    kind: str, name: str, judged: Sequence[JudgedValue], others: Mapping[str, float] | None = None
) -> QualityRow:
    """Return the row of a set from its values."""
    if not judged:
        return absent_row(kind, name, "no values")
    errors = error_by_writer(judged)
    # Calibration is judged on writers that no curve was fitted to.
    news = [j for j in judged if not j.fitted]
    p, right = np.array([j.p for j in news], np.float64), np.array([j.right for j in news], bool)
    return QualityRow(
        kind,
        name,
        len(judged),
        len(errors),
        # The error of the set weighs parts alike; median and worst weigh writers alike.
        sum(j.parts_wrong for j in judged) / max(1e-9, sum(j.units for j in judged)),
        median(errors.values()),
        max(errors.values()),
        calibration_error(p, right),
        float((p < PREFILL_FROM).mean()) if len(p) else 0.0,
        wrong_from(p, right, PREFILL_FROM),
        wrong_from(p, right, VERY_HIGH_CONFIDENCE),
        dict(others or {}),
        errors,
    )


def error_by_writer(judged: Sequence[JudgedValue]) -> dict[str, float]:
    """Return the share of wrong parts of each writer."""
    wrong: dict[str, float] = defaultdict(float)
    units: dict[str, float] = defaultdict(float)
    for one in judged:
        wrong[one.writer] += one.parts_wrong
        units[one.writer] += one.units
    return {writer: wrong[writer] / max(1e-9, units[writer]) for writer in wrong}
