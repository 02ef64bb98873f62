"""Fit a calibration curve to each kind of reading, judge it, and format the tables of the card."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import calibration_error
from pipeline.reading.calibration.curves import CalibrationCurve
from pipeline.reading.calibration.fit import (
    CalibrationScore,
    FittedCurve,
    JudgedReading,
    fit_curve,
    predict,
    reader_p,
    score_probabilities,
    write_curves,
)

DRAWN_MARKS_MAX_P = 0.998
"""Highest p of a curve that rests on drawn marks alone, which are less odd than scanned ones.

Source: reasoned (`data/models/calibration.md`). Test set: none."""
FOLDS = 6
"""Cross-validation holds out a sixth of the writers at a time; the curve in use is fitted to all.
"""


CHANCE_TRIALS = 100
"""Simulations of the calibration error that arises by chance."""


@dataclass(frozen=True, slots=True)
class JudgedCurve(FittedCurve):
    """A curve with the readings behind it.

    `score` is how well it predicts readings that it was not fitted to, `before` how well their
    readers' own scores do; `chance` is the calibration error that is expected if all p are exactly
    true. `fold_curves` are curves of the same kind, each fitted to all writers but those of one
    fold (see `assign_fold`), which they judge.
    """

    readings: int
    parts: int
    before: CalibrationScore | None = None
    score: CalibrationScore | None = None
    chance: float = 0.0
    fold_curves: tuple[CalibrationCurve, ...] = ()


def chance_error(p: NDArray[np.float64]) -> float:
    """Return the calibration error that perfectly calibrated p show by chance on average."""
    if not len(p):
        return 0.0
    rng = np.random.default_rng(0)
    errors = [calibration_error(p, rng.random(len(p)) < p) for _ in range(CHANCE_TRIALS)]
    return float(np.mean(errors))


def assign_fold(part: str) -> int:
    """Return which of `FOLDS` a writer (or font) belongs to, always the same one."""
    return zlib.crc32(part.encode()) % FOLDS


def fit_curves(
    fit_readings: Sequence[JudgedReading],
    test_readings: Sequence[JudgedReading],
    network: Mapping[str, str],
    max_p: Mapping[str, float],
) -> list[JudgedCurve]:
    """Fit a curve for each key of `fit_readings`, judged on that key of `test_readings`.

    `network` (fingerprints) and `max_p` (the highest probabilities) are by key.
    """
    # Group fitting and test readings by the curve that they belong to.
    by_key, test_by_key = group_by_key(fit_readings), group_by_key(test_readings)
    return [
        _fit_key(key, key_readings, test_by_key.get(key, []), network[key], max_p.get(key, 1.0))
        for key, key_readings in sorted(by_key.items())
    ]


def _fit_key(
    key: str,
    key_readings: Sequence[JudgedReading],
    test_readings: Sequence[JudgedReading],
    network: str,
    max_p: float,
) -> JudgedCurve:
    # Fit to one set of readings, and judge on another, if there is one.
    curve = fit_curve(key_readings, max_p)
    parts = len({e.part for e in key_readings})
    if not test_readings:
        return JudgedCurve(key, network, curve, len(key_readings), parts)
    p = predict(test_readings, curve)
    return JudgedCurve(
        key,
        network,
        curve,
        len(key_readings),
        parts,
        score_probabilities(test_readings, reader_p(test_readings)),
        score_probabilities(test_readings, p),
        chance_error(p),
    )


def cross_fit_curves(
    evidence: Sequence[JudgedReading], network: Mapping[str, str], max_p: Mapping[str, float]
) -> list[JudgedCurve]:
    """Fit a curve for each key to all writers, and judge it by cross-validation.

    In each fold the writers are judged with a curve that was not fitted to them.
    """
    return [
        _cross_fit_key(key, key_readings, network[key], max_p.get(key, 1.0))
        for key, key_readings in sorted(group_by_key(evidence).items())
    ]


def _cross_fit_key(
    key: str, key_readings: Sequence[JudgedReading], network: str, max_p: float
) -> JudgedCurve:
    # For each fold its readings, and those of all other writers.
    folds = [[e for e in key_readings if assign_fold(e.part) == fold] for fold in range(FOLDS)]
    others = [[e for e in key_readings if assign_fold(e.part) != fold] for fold in range(FOLDS)]

    # Fit a curve without each fold, and judge the fold by it.
    fold_curves = tuple(fit_curve(fold_readings or key_readings, max_p) for fold_readings in others)
    p = np.concatenate(
        [
            predict(fold_readings, curve)
            for fold_readings, curve in zip(folds, fold_curves, strict=True)
        ]
    )
    readings = [e for fold_readings in folds for e in fold_readings]
    parts = len({e.part for e in key_readings})
    return JudgedCurve(
        key,
        network,
        fit_curve(key_readings, max_p),
        len(key_readings),
        parts,
        score_probabilities(readings, reader_p(readings)),
        score_probabilities(readings, p),
        chance_error(p),
        fold_curves,
    )


def group_by_key(evidence: Iterable[JudgedReading]) -> dict[str, list[JudgedReading]]:
    """Return the readings of each curve."""
    groups: dict[str, list[JudgedReading]] = defaultdict(list)
    for reading in evidence:
        groups[reading.key].append(reading)
    return dict(groups)


def write_fold_curves(
    file: Path, fitted: Sequence[JudgedCurve], note: str, keep: Iterable[str] = ()
) -> None:
    """Write the curves that judge writers which they were not fitted to.

    They are for measuring only, never for reading.
    """
    folds = [
        FittedCurve(fold_key(curve_fit.key, fold), curve_fit.network, curve)
        for curve_fit in fitted
        for fold, curve in enumerate(curve_fit.fold_curves)
    ]
    write_curves(file, folds, note, keep)


def fold_key(key: str, fold: int) -> str:
    """Return the key of the curve that was fitted without a fold."""
    return f"{key}/{fold}"


def format_card_table(fitted: Iterable[JudgedCurve]) -> str:
    """Return a Markdown table: each curve, its readings, and how well it predicts others'."""
    head = (
        "curve",
        "network",
        "fitted to",
        "of hands or pages",
        "judged on",
        "ECE",
        "by chance",
        "before",
        "log loss",
        "before",
        "wrong of p ≥ 0.999 (95 % at most)",
    )
    rows = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    return "\n".join([*rows, *(_format_card_row(curve) for curve in fitted)])


def format_network(network: str) -> str:
    """Return a network's fingerprint as cards show it."""
    return network[:8]


def _format_card_row(curve: JudgedCurve) -> str:
    start = f"| {curve.key} | {format_network(curve.network)} | {curve.readings} | {curve.parts} |"
    # A curve that was not judged has no metrics.
    if curve.score is None or curve.before is None:
        return f"{start} 0 | | | | | | |"
    after, before, very_high = curve.score, curve.before, curve.score.surest
    share = (
        f"{very_high.wrong}/{very_high.of} ({very_high.interval[1]:.2%})"
        if very_high.of
        else "none"
    )
    errors = f"{after.calibration:.3f} | {curve.chance:.3f} | {before.calibration:.3f}"
    losses = f"{after.log_loss:.3f} | {before.log_loss:.3f}"
    return f"{start} {after.values} | {errors} | {losses} | {share} |"
