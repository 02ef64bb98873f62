"""Fit calibration curves to readings whose truth is known.

Logistic regression (Platt 1999), regularized towards the readers' own scores, weighs the features
and gives a probability. That is then limited to what has been earned: of all `n` readings with at
least some score, `k` of them wrong, a share of (n - k + 1) / (n + 2) is right (Laplace's rule of
succession). So 0.999 takes a thousand readings without an error. Where features were weighed, p is
bent by beta calibration (M. Kull, T. Silva Filho, P. Flach, AISTATS 2017): lines are right more
often than the weighed p in the middle, and less often near 0 and 1. Isotonic regression was tried
and is worse here: it pools the readings of highest confidence and forgets how they differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import (
    VERY_HIGH_CONFIDENCE,
    Share,
    calibration_error,
    wrong_from,
)
from pipeline.files.atomic import write_atomically
from pipeline.reading.calibration.curves import (
    CalibrationCurve,
    CalibrationCurves,
    CurveFeatures,
    load_curves,
)

CURVE_POINTS = 60
"""Points of a curve: as many quantiles of the scores."""
REGULARIZATION = 3.0
"""Weight that holds the logistic regression near the readers' own scores."""
READER_PRIOR_WEIGHT = 50.0
"""The own score of a reader of boxes counts as this many readings: it was fitted too, on other
data. Scores of lines are no probabilities.
"""
NEWTON_STEPS = 60
MAX_NEWTON_STEP = 0.5
"""Largest step of a weight: Newton's method may not leap where nearly all readings are right."""
MIN_FEATURE_SPREAD = 1e-6
"""A feature with a lower standard deviation is constant and gets no weight."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgedReading:
    """A reading that was judged right or wrong.

    `weight` is how many readings like it there are; `part` is its writer or sheet, which is never
    split over folds.
    """

    key: str
    features: CurveFeatures
    right: bool
    part: str
    source: str = ""
    weight: float = 1.0


def make_prior_readings(
    evidence: Sequence[JudgedReading], p: Numbers, count: float
) -> list[JudgedReading]:
    """Return a prior to fit with: the readings as expected by `p`, weighing `count` readings."""
    share = count / max(1, len(evidence))
    # Each reading as right with weight p, and as wrong with weight 1 - p.
    hits = [
        replace(e, right=True, weight=share * float(chance))
        for e, chance in zip(evidence, p, strict=True)
    ]
    return [
        *hits,
        *(
            replace(e, right=False, weight=share * float(1 - chance))
            for e, chance in zip(evidence, p, strict=True)
        ),
    ]


def reader_p(evidence: Sequence[JudgedReading]) -> Numbers:
    """Return the readers' own scores as probabilities."""
    # Logistic function: the first feature is the log odds of the reader's score.
    return np.asarray(1 / (1 + np.exp(-np.array([e.features[0] for e in evidence]))), np.float64)


def fit_curve(evidence: Sequence[JudgedReading], max_p: float = 1.0) -> CalibrationCurve:
    """Fit the curve of one key; no probability of it exceeds `max_p`.

    Raises:
        ValueError: there is nothing to fit to.
    """
    if not evidence:
        raise ValueError("A curve needs readings to be fitted to.")
    values = np.array([e.features for e in evidence], np.float64)
    right = np.array([e.right for e in evidence], np.float64)
    weight = np.array([e.weight for e in evidence], np.float64)

    # Weigh the features; the curve's points are quantiles of the scores.
    weights, level = _fit_logistic(values, right, weight)
    odds = values @ np.array(weights)
    points = np.unique(np.quantile(odds, np.linspace(0, 1, CURVE_POINTS)))

    # The smooth curve through the scores.
    is_weighed = values.shape[1] > 1
    smooth = (
        _beta_calibrate(odds + level, right, weight, points + level)
        if is_weighed
        else _to_probability(points + level)
    )

    # Limit it to what the readings have earned.
    shares = np.minimum(
        smooth,
        _earned_shares(
            odds,
            (right, reader_p(evidence)),
            weight,
            points,
            0.0 if is_weighed else READER_PRIOR_WEIGHT,
        ),
    )
    return CalibrationCurve(
        weights, tuple(points.tolist()), tuple(np.minimum(shares, max_p).tolist())
    )


def _beta_calibrate(odds: Numbers, right: Numbers, weight: Numbers, points: Numbers) -> Numbers:
    """Return beta-calibrated probabilities at some `points` of log odds.

    log p and log (1 - p) are weighed, as their difference (regularized towards 1) and their sum
    (towards 0).
    """
    (slope, bend), level = _fit_logistic(_log_features(odds), right, weight)
    # The result must rise with the score.
    return np.maximum.accumulate(
        _to_probability(_log_features(points) @ np.array([slope, bend]) + level)
    )


def _log_features(odds: Numbers) -> Numbers:
    """Return (n, 2): log p - log (1 - p), and log p + log (1 - p)."""
    p = _to_probability(odds)
    return np.column_stack([odds, np.log(p * (1 - p))])


def _to_probability(odds: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float64)


def _fit_logistic(values: Numbers, right: Numbers, weight: Numbers) -> tuple[CurveFeatures, float]:
    """Fit logistic regression (Platt 1999) by Newton's method; return weights and constant.

    It is regularized towards the readers' own scores: weight 1 for the first feature, 0 for the
    rest.
    """
    # Standardize the features; a constant feature gets no weight.
    spread = np.where(values.std(axis=0) > MIN_FEATURE_SPREAD, values.std(axis=0), np.inf)
    inputs = np.column_stack([(values - values.mean(axis=0)) / spread, np.ones(len(values))])

    # Start from the readers' own scores, which is also the point of regularization.
    start = np.zeros(inputs.shape[1])
    if np.isfinite(spread[0]):
        start[0] = spread[0]
    start[-1] = values[:, 0].mean()
    estimate = start.copy()

    # Newton's method with limited steps.
    for _ in range(NEWTON_STEPS):
        # Gradient and Hessian of the penalized log likelihood.
        p = 1 / (1 + np.exp(-np.clip(inputs @ estimate, -30, 30)))
        gradient = inputs.T @ (weight * (right - p)) - REGULARIZATION * (estimate - start)
        hessian = (inputs * (weight * p * (1 - p))[:, None]).T @ inputs + REGULARIZATION * np.eye(
            len(start)
        )
        estimate = estimate + np.clip(
            np.linalg.solve(hessian, gradient), -MAX_NEWTON_STEP, MAX_NEWTON_STEP
        )

    # Undo the standardization.
    weights = estimate[:-1] / spread
    # A constant score keeps weight 1.
    if not np.isfinite(spread[0]):
        weights[0] = 1.0
    return tuple(float(w) for w in weights), float(estimate[-1] - weights @ values.mean(axis=0))


def _earned_shares(
    odds: Numbers,
    right_and_reader_p: tuple[Numbers, Numbers],
    weight: Numbers,
    points: Numbers,
    trust: float,
) -> Numbers:
    """Return the highest share that the readings from each score on have earned.

    By Laplace's rule, over all readings with that score or a higher one. The readers' own scores,
    the second of `right_and_reader_p`, count as `trust` further readings.
    """
    # Running totals from the highest score down.
    order = np.argsort(-odds, kind="stable")
    count, hits, expected = (
        np.cumsum(of[order]) for of in (weight, *(weight * share for share in right_and_reader_p))
    )

    # For each point the last reading that is not below it.
    above = np.searchsorted(-odds[order], -points, side="right") - 1
    earned = (hits[above] + 1 + trust * expected[above] / count[above]) / (count[above] + 2 + trust)
    # More score never earns less.
    return np.maximum.accumulate(earned)


@dataclass(frozen=True, slots=True)
class CalibrationScore:
    """How well probabilities predict: log loss, Brier's score, calibration error (ECE).

    `surest` is how many of those ≥ 0.999 are wrong.
    """

    values: int
    log_loss: float
    brier: float
    calibration: float
    surest: Share


def score_probabilities(evidence: Sequence[JudgedReading], p: Numbers) -> CalibrationScore:
    """Return how well the probabilities predict what turned out right."""
    right = np.array([e.right for e in evidence], bool)
    weight = np.array([e.weight for e in evidence], np.float64) / max(
        1e-9, sum(e.weight for e in evidence)
    )
    return CalibrationScore(
        len(p),
        float(weight @ log_losses(evidence, p)),
        float(weight @ (p - right) ** 2),
        calibration_error(p, right),
        wrong_from(p, right, VERY_HIGH_CONFIDENCE),
    )


def log_losses(evidence: Sequence[JudgedReading], p: Numbers) -> Numbers:
    """Return the log loss of each reading."""
    # Limit p, so that a single error cannot dominate.
    limited = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(
        -np.where([e.right for e in evidence], np.log(limited), np.log(1 - limited)), np.float64
    )


def predict(evidence: Sequence[JudgedReading], curve: CalibrationCurve) -> Numbers:
    """Return the curve's probability for each reading."""
    return np.array([curve.at(e.features) for e in evidence])


# Calibration on disk: fitted curves, and the card that says how good they are.

CURVE_DECIMALS = 4
"""Decimals of a curve's numbers, less one."""


@dataclass(frozen=True, slots=True)
class FittedCurve:
    """A curve of a kind of reading by a network."""

    key: str
    network: str
    curve: CalibrationCurve


def write_curves(
    file: Path, fitted: Sequence[FittedCurve], note: str, keep: Iterable[str] = ()
) -> None:
    """Write the curves to a file.

    Curves of networks in `keep` that the file already has stay, unless there are new ones of the
    same key and network.
    """
    # Keep curves of other networks; new curves replace old ones.
    existing: CalibrationCurves = load_curves(file) if file.is_file() else {}
    networks = set(keep)
    curves = {
        identity: curve for identity, curve in existing.items() if identity[1] in networks
    } | {(f.key, f.network): f.curve for f in fitted}

    # One curve per line, so that changes are easy to compare.
    stored = [
        _serialize_curve(key, network, curve)
        for (key, network), curve in sorted(curves.items(), key=lambda item: item[0])
    ]
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in stored)
    write_atomically(
        file, f'{{"note": {json.dumps(note, ensure_ascii=False)},\n"curves": [\n{lines}\n]}}\n'
    )


def _serialize_curve(key: str, network: str, curve: CalibrationCurve) -> dict[str, object]:
    numbers = {
        name: [round(x, CURVE_DECIMALS + 1) for x in getattr(curve, name)]
        for name in ("weights", "scores", "shares")
    }
    return {"key": key, "network": network, **numbers}
