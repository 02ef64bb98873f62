"""Fitting curves of probabilities to readings whose truth is known.

Logistic regression (Platt 1999), held near what readers say of themselves, weighs the features
and gives a probability. It is then cut to what has been earned: of all readings with at least
some score, `n` of them, `k` wrong, a share of (n - k + 1) / (n + 2) right (Laplace's rule of
succession). So 0.999 takes a thousand readings without an error. Where features were weighed, p
is bent as beta calibration does (M. Kull, T. Silva Filho, P. Flach, AISTATS 2017): lines are
right more often than the weighed p says in the middle, and less often near 0 and 1. Isotonic
regression was tried and is worse here: it pools the surest readings and forgets how they differ.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.confidence import (
    VERY_HIGH_CONFIDENCE,
    Share,
    calibration_error,
    chance_error,
    wrong_from,
)
from pipeline.reading.calibration.curves import CalibrationCurve, CurveFeatures

CURVE_POINTS = 60
"""Of a curve: as many quantiles of the scores."""
REGULARIZATION = 3.0
"""How hard logistic regression is held near the readers' own scores."""
READER_PRIOR_WEIGHT = 50.0
"""What a reader of boxes says of itself counts as so many readings: it was fitted too, on other
data. Scores of lines are no probabilities.
"""
FOLDS = 6
"""Hands are set apart a sixth at a time: the curve in use is fitted to all, and judged by curves
that each knew all others.
"""
NEWTON_STEPS = 60
MAX_NEWTON_STEP = 0.5
"""Newton's method may not leap where the readings are nearly all right."""
MIN_FEATURE_SPREAD = 1e-6

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgedReading:
    """A reading that was judged. `weight` is how many of its like it stands for; `part` its writer
    or sheet, never split in two.
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
    """The same readings as somebody expects them who says `p`, with the weight of `count` readings
    together: a prior to fit with them.
    """
    share = count / max(1, len(evidence))
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
    """The readers' own scores as probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.array([e.features[0] for e in evidence]))), np.float64)


def assign_fold(part: str) -> int:
    """Which of `FOLDS` a writer (or font) belongs to, always the same one: a curve fitted without
    this fold judges it.
    """
    return zlib.crc32(part.encode()) % FOLDS


def fit_curve(evidence: Sequence[JudgedReading], surest: float = 1.0) -> CalibrationCurve:
    """The curve of one key; no probability of it exceeds `surest`.

    Raises:
        ValueError: there is nothing to fit to.
    """
    if not evidence:
        raise ValueError("A curve needs readings to be fitted to.")
    values = np.array([e.features for e in evidence], np.float64)
    right = np.array([e.right for e in evidence], np.float64)
    weight = np.array([e.weight for e in evidence], np.float64)
    weights, level = _fit_logistic(values, right, weight)
    odds = values @ np.array(weights)
    points = np.unique(np.quantile(odds, np.linspace(0, 1, CURVE_POINTS)))
    is_weighed = values.shape[1] > 1
    smooth = (
        _beta_calibrate(odds + level, right, weight, points + level)
        if is_weighed
        else _to_probability(points + level)
    )
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
        weights, tuple(points.tolist()), tuple(np.minimum(shares, surest).tolist())
    )


def _beta_calibrate(odds: Numbers, right: Numbers, weight: Numbers, points: Numbers) -> Numbers:
    """Beta calibration of log odds, at some of them: log p and log (1 - p) are weighed, as their
    difference (held near 1) and their sum (near 0).
    """
    (slope, bend), level = _fit_logistic(_log_features(odds), right, weight)
    return np.maximum.accumulate(
        _to_probability(_log_features(points) @ np.array([slope, bend]) + level)
    )


def _log_features(odds: Numbers) -> Numbers:
    """(n, 2): log p - log (1 - p), and log p + log (1 - p)."""
    p = _to_probability(odds)
    return np.column_stack([odds, np.log(p * (1 - p))])


def _to_probability(odds: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float64)


def _fit_logistic(values: Numbers, right: Numbers, weight: Numbers) -> tuple[CurveFeatures, float]:
    """Logistic regression (Platt 1999) by Newton's method, held near what readers say of
    themselves: weight 1 for the first feature, 0 for the rest.

    Answers with the weights and the constant.
    """
    spread = np.where(
        values.std(axis=0) > MIN_FEATURE_SPREAD, values.std(axis=0), np.inf
    )  # a feature that never changes says nothing
    inputs = np.column_stack([(values - values.mean(axis=0)) / spread, np.ones(len(values))])
    start = np.zeros(inputs.shape[1])
    if np.isfinite(spread[0]):
        start[0] = spread[0]
    start[-1] = values[:, 0].mean()
    found = start.copy()
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(inputs @ found, -30, 30)))
        slope = inputs.T @ (weight * (right - p)) - REGULARIZATION * (found - start)
        bend = (inputs * (weight * p * (1 - p))[:, None]).T @ inputs + REGULARIZATION * np.eye(
            len(start)
        )
        found = found + np.clip(np.linalg.solve(bend, slope), -MAX_NEWTON_STEP, MAX_NEWTON_STEP)
    weights = found[:-1] / spread
    if not np.isfinite(spread[0]):
        weights[0] = 1.0
    return tuple(float(w) for w in weights), float(found[-1] - weights @ values.mean(axis=0))


def _earned_shares(
    odds: Numbers,
    right_and_said: tuple[Numbers, Numbers],
    weight: Numbers,
    points: Numbers,
    trust: float,
) -> Numbers:
    """The highest share that readings from each score on have earned, by Laplace's rule: of all
    readings from some score up to it on.

    What the readers say of them counts as `trust` further readings.
    """
    order = np.argsort(-odds, kind="stable")
    count, hits, said = (
        np.cumsum(of[order]) for of in (weight, *(weight * share for share in right_and_said))
    )
    above = np.searchsorted(-odds[order], -points, side="right") - 1
    earned = (hits[above] + 1 + trust * said[above] / count[above]) / (count[above] + 2 + trust)
    return np.maximum.accumulate(earned)


@dataclass(frozen=True, slots=True)
class CalibrationScore:
    """How well probabilities foretell: mean log loss, Brier's score, expected calibration error,
    and how many of those ≥ 0.999 are wrong.

    `chance` is the calibration error that would be seen on average if all p were exactly true.
    """

    values: int
    log_loss: float
    brier: float
    calibration: float
    surest: Share
    chance: float = 0.0


def score_probabilities(evidence: Sequence[JudgedReading], p: Numbers) -> CalibrationScore:
    """The probabilities against what turned out."""
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
        chance_error(p),
    )


def log_losses(evidence: Sequence[JudgedReading], p: Numbers) -> Numbers:
    """The log loss of each."""
    kept = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(
        -np.where([e.right for e in evidence], np.log(kept), np.log(1 - kept)), np.float64
    )


def predict(evidence: Sequence[JudgedReading], curve: CalibrationCurve) -> Numbers:
    """The curve's probability for each."""
    return np.array([curve.at(e.features) for e in evidence])
