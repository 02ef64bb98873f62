"""Fitting curves of probabilities to readings whose truth is known.

The features are first weighed by logistic regression, then the score is made a probability by isotonic regression (pool adjacent violators; Ayer
et al. 1955; for calibration Zadrozny & Elkan, KDD 2002). A share near 1 has to be earned: `n` readings without an error give (n + 1) / (n + 2),
Laplace's rule, so 0.999 takes a thousand of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.quality.measure import SUREST, Share, calibration_error, wrong_from
from pipeline.recognize.curves import Curve, Features

PARTS = 30
"""The sorted scores are cut in so many parts before pooling, at most: finer steps would follow chance."""
LEAST_PART = 25
EACH_FEATURE = 60
"""So many readings a feature are needed to weigh them; with fewer, only the first one counts."""
RIDGE = 1e-2
NEWTON_STEPS = 30
LEVEL = 1e-6

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A reading that was judged. `weight` is how many of its like it stands for; `part` its writer or sheet, never split in two."""

    key: str
    features: Features
    right: bool
    part: str
    source: str = ""
    weight: float = 1.0


def expected(evidence: Sequence[Evidence], p: Numbers, count: float) -> list[Evidence]:
    """The same readings as somebody expects them who says `p`, with the weight of `count` readings together: a prior to fit with them."""
    share = count / max(1, len(evidence))
    hits = [replace(e, right=True, weight=share * float(chance)) for e, chance in zip(evidence, p, strict=True)]
    return [*hits, *(replace(e, right=False, weight=share * float(1 - chance)) for e, chance in zip(evidence, p, strict=True))]


def own_p(evidence: Sequence[Evidence]) -> Numbers:
    """The readers' own scores as probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.array([e.features[0] for e in evidence]))), np.float64)


def fitted_parts(parts: Iterable[str]) -> set[str]:
    """The writers (or fonts) of a set that curves are fitted to: every second by name. The others judge."""
    return set(sorted(set(parts))[::2])


def fit(evidence: Sequence[Evidence], surest: float = 1.0) -> Curve:
    """The curve of one key; no probability of it exceeds `surest`.

    Raises:
        ValueError: there is nothing to fit to.
    """
    if not evidence:
        raise ValueError("A curve needs readings to be fitted to.")
    values = np.array([e.features for e in evidence], np.float64)
    right = np.array([e.right for e in evidence], np.float64)
    weight = np.array([e.weight for e in evidence], np.float64)
    count = values.shape[1]
    weights = _weighed(values, right, weight) if count > 1 and len(values) >= count * EACH_FEATURE else (1.0, *[0.0] * (count - 1))
    scores, shares = _isotonic(values @ np.array(weights), right, weight)
    return Curve(weights, scores, tuple(min(surest, share) for share in shares))


def _weighed(values: Numbers, right: Numbers, weight: Numbers) -> Features:
    """Logistic regression with a little ridge, by Newton's method; the constant is left to the isotonic step."""
    spread = np.where(values.std(axis=0) > LEVEL, values.std(axis=0), np.inf)  # a feature that never changes says nothing
    inputs = np.column_stack([(values - values.mean(axis=0)) / spread, np.ones(len(values))])
    ridge = RIDGE * weight.sum() / 100 * np.eye(inputs.shape[1])
    found = np.zeros(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(inputs @ found, -30, 30)))
        slope = inputs.T @ (weight * (right - p)) - ridge @ found
        bend = (inputs * (weight * p * (1 - p))[:, None]).T @ inputs + ridge
        found = found + np.linalg.solve(bend, slope)
    return tuple(float(w) for w in found[:-1] / spread)


def _isotonic(scores: Numbers, right: Numbers, weight: Numbers) -> tuple[Features, Features]:
    order = np.argsort(scores, kind="stable")
    blocks = [
        _Block(float(scores[part[0]]), float(scores[part[-1]]), float((weight * right)[part].sum()), float(weight[part].sum()))
        for part in np.split(order, _cuts(scores[order]))
    ]
    pooled = _pooled(_pooled(blocks, lambda b: b.hits / b.weight), lambda b: b.share)
    points = [(x, b.share) for b in pooled for x in ((b.low, b.high) if b.high > b.low else (b.low,))]
    return tuple(x for x, _ in points), tuple(share for _, share in points)


def _cuts(ordered: Numbers) -> list[int]:
    """Where to cut sorted scores into about equal parts; like scores stay together."""
    parts = max(1, min(PARTS, len(ordered) // LEAST_PART))
    wanted = [len(ordered) * i // parts for i in range(1, parts)]
    moved = {int(np.searchsorted(ordered, ordered[at], side="left")) for at in wanted}
    return sorted(moved - {0})


@dataclass(frozen=True, slots=True)
class _Block:
    """Neighbouring scores that have one share right."""

    low: float
    high: float
    hits: float
    weight: float

    @property
    def share(self) -> float:
        """By Laplace's rule of succession."""
        return (self.hits + 1) / (self.weight + 2)

    def joined(self, other: _Block) -> _Block:
        """Both as one."""
        return _Block(self.low, other.high, self.hits + other.hits, self.weight + other.weight)


def _pooled(blocks: Sequence[_Block], rate: Callable[[_Block], float]) -> list[_Block]:
    pooled: list[_Block] = []
    for block in blocks:
        pooled.append(block)
        while len(pooled) > 1 and rate(pooled[-2]) >= rate(pooled[-1]):
            last = pooled.pop()
            pooled[-1] = pooled[-1].joined(last)
    return pooled


@dataclass(frozen=True, slots=True)
class Score:
    """How well probabilities foretell: mean log loss, Brier's score, expected calibration error, and how many of those ≥ 0.999 are wrong."""

    values: int
    log_loss: float
    brier: float
    calibration: float
    surest: Share


def judged(evidence: Sequence[Evidence], p: Numbers) -> Score:
    """The probabilities against what turned out."""
    right = np.array([e.right for e in evidence], bool)
    weight = np.array([e.weight for e in evidence], np.float64) / max(1e-9, sum(e.weight for e in evidence))
    return Score(
        len(p), float(weight @ losses(evidence, p)), float(weight @ (p - right) ** 2), calibration_error(p, right), wrong_from(p, right, SUREST)
    )


def losses(evidence: Sequence[Evidence], p: Numbers) -> Numbers:
    """The log loss of each."""
    kept = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(-np.where([e.right for e in evidence], np.log(kept), np.log(1 - kept)), np.float64)


def foretold(evidence: Sequence[Evidence], curve: Curve) -> Numbers:
    """The curve's probability for each."""
    return np.array([curve.at(e.features) for e in evidence])
