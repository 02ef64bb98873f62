"""From a reader's own score to the share of such readings that are right.

`data/models/calibration.json` holds one rising curve a kind of field and network, fitted by
`research/training/calibration/fit.py`; a workspace may have its own beside its database, fitted
by `efterskrift learn`, which goes before. A network that no curve was fitted for is believed
little.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, isfinite, log
from pathlib import Path

import numpy as np

from pipeline.domain.confidence import (
    FORMAT_MISMATCH_MAX_P,
    RULES_LOW_CONFIDENCE_BELOW,
    UNCALIBRATED_MAX_P,
)
from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.model import Reading, State
from pipeline.domain.settings import ROOT, load_settings

CALIBRATION_FILE = "calibration.json"
SHIPPED_CALIBRATION = ROOT / "data" / "models" / CALIBRATION_FILE
LETTER_KEY = "letter"
"""Key of the curve of single characters of a text."""
NO_FINGERPRINT = "absent"
MAX_LOG_ODDS = 16.0
"""Log odds beyond this are as good as certain: p has no more digits near 1."""
WRITER_PRIOR_LINES = 3
"""Other lines of a hand that tell half of what many would."""

CurveFeatures = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """A weighted sum of features and, for that score, the probability: linear between points, level
    above them. Both rise.

    Below the points nothing was seen: there the log odds sink as the score does, as they do in
    the regression that the curve was fitted by.
    """

    weights: CurveFeatures
    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def score(self, features: CurveFeatures) -> float:
        """The weighted sum. A curve that was fitted before a feature was added does without it."""
        return sum(w * f for w, f in zip(self.weights, features, strict=False))

    def at(self, features: CurveFeatures) -> float:
        """The probability that a reading with these features is right."""
        score = self.score(features)
        share = float(np.interp(score, self.scores, self.shares))
        below = self.scores[0] - score
        return (
            share
            if below <= 0
            else min(share, 1 / (1 + exp(min(below - log_odds(share), MAX_LOG_ODDS))))
        )


CalibrationCurves = Mapping[tuple[str, str], CalibrationCurve]
"""Curves by key and fingerprint of the network."""


def curve_key(spec: FieldSpec, reading: Reading) -> str:
    """Which curve a reading belongs to: by kind, digits also by format, and apart for fields
    without anything written.

    Rows of letter boxes that cannot be read, nearly half of them, are apart too: they have no
    value that could be right.
    """
    kind = f"{spec.kind}-{spec.format or 'plain'}" if spec.traits.digits_only else str(spec.kind)
    if reading.state is State.EMPTY:
        return f"{kind}-empty"
    return (
        f"{kind}-unread"
        if spec.traits.has_cells and not spec.traits.digits_only and reading.state is not State.READ
        else kind
    )


def curve_features(spec: FieldSpec, reading: Reading, hand: float = 0.0) -> CurveFeatures:
    """Log odds of p; for text, which at the same p is more often wrong when it is long, also seven
    others.

    They are how far the second guess lies behind, the length, the least sure character's log
    odds, the clarity, the `hand` (how much more clearly the same hand's other lines were seen,
    see `hands_of`), the log of what the picture alone says of the text, and that of how many
    words are unknown.
    """
    if not spec.traits.is_handwriting or reading.state is State.EMPTY:
        return (log_odds(reading.p),)
    second = max((p for _, p in reading.alternatives), default=0.0)
    behind = min(MAX_LOG_ODDS, log(max(reading.p, 1e-9) / max(second, 1e-9)))
    length, least = (
        log(1 + len(str(reading.value or ""))),
        log_odds(min(reading.characters, default=reading.p)),
    )
    seen, unknown = (
        log(max(reading.image_only_p, exp(-MAX_LOG_ODDS))),
        log(1 + reading.unknown_words),
    )
    return (
        log_odds(reading.p),
        behind,
        length,
        least,
        reading.sharpness or 0.0,
        hand,
        seen,
        unknown,
    )


def writer_clarity(readings: Sequence[Reading]) -> list[float]:
    """For each reading of one hand how much more clearly the hand's other lines were seen; 0 where
    nothing is known of others.

    Few others count for less: n of them n / (n + `FEW_LINES`).
    """
    seen = [one.sharpness for one in readings if one.sharpness is not None]
    total, others = sum(seen), len(seen) - 1
    if others < 1:
        return [0.0] * len(readings)
    return [
        (total - one.sharpness - others * one.sharpness) / (others + WRITER_PRIOR_LINES)
        if one.sharpness is not None
        else 0.0
        for one in readings
    ]


def log_odds(p: float) -> float:
    """Log of p / (1 - p), kept within ±`FARTHEST`."""
    kept = min(max(p, exp(-MAX_LOG_ODDS)), 1 - exp(-MAX_LOG_ODDS))
    return log(kept / (1 - kept))


def calibrate_reading(
    spec: FieldSpec, reading: Reading, network: str, curves: CalibrationCurves, hand: float = 0.0
) -> Reading:
    """The reading with a probability for a score; `hand` as in `features_of`.

    Alternatives keep their odds against the value, as far as the rest leaves room for them.
    """
    curve = curves.get((curve_key(spec, reading), network))
    p = (
        curve.at(curve_features(spec, reading, hand))
        if curve
        else min(reading.p, UNCALIBRATED_MAX_P)
    )
    if _is_reader_uncertain(spec, reading):
        p = min(p, reading.p)
    share = min(p / max(reading.p, 1e-9), (1 - p) / max(1 - reading.p, 1e-9))
    others = tuple((value, min(1.0, other * share)) for value, other in reading.alternatives)
    letter = curves.get((LETTER_KEY, network)) if spec.traits.is_handwriting else None
    characters = (
        tuple(letter.at((log_odds(c),)) for c in reading.characters)
        if letter
        else reading.characters
    )
    return replace(reading, p=p, alternatives=others, characters=characters)


def _is_reader_uncertain(spec: FieldSpec, reading: Reading) -> bool:
    """Whether the reader itself says that it does not know: no curve, which knows other readings,
    makes that surer.
    """
    traits = spec.traits
    unreadable = reading.state is State.ILLEGIBLE and (
        traits.is_handwriting or traits.has_options or not traits.filled_by_hand
    )
    over_print = not traits.filled_by_hand and reading.issues != ()
    misshapen = (
        (spec.format is not None or reading.issues != ())
        and traits.is_handwriting
        and reading.p <= FORMAT_MISMATCH_MAX_P
    )
    return (
        unreadable
        or over_print
        or misshapen
        or (traits.judged_by_rules and reading.p < RULES_LOW_CONFIDENCE_BELOW)
    )


def file_fingerprint(file: Path) -> str:
    """The first characters of a file's SHA-256; `ABSENT` without it.

    Raises:
        OSError: it is there but cannot be read.
    """
    return _cached_fingerprint(file, file.stat().st_mtime_ns) if file.is_file() else NO_FINGERPRINT


@lru_cache(maxsize=16)
def _cached_fingerprint(file: Path, changed: int) -> str:
    del changed
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def installed_curves() -> CalibrationCurves:
    """The curves shipped with the program, and before them those that this workspace has learned.

    Raises:
        MissingProgramError: a file of curves is missing or damaged.
    """
    own = load_settings().workspace / "models" / CALIBRATION_FILE
    return _merge_curves(
        SHIPPED_CALIBRATION, _modified_ns(SHIPPED_CALIBRATION), own, _modified_ns(own)
    )


def _modified_ns(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=4)
def _merge_curves(shipped: Path, changed: int, own: Path, own_changed: int) -> CalibrationCurves:
    del changed
    return {**load_curves(shipped), **(load_curves(own) if own_changed else {})}


def load_curves(file: Path) -> dict[tuple[str, str], CalibrationCurve]:
    """The curves of a file.

    Raises:
        MissingProgramError: it is missing or is no such file.
    """
    try:
        stored = json.loads(file.read_text("utf-8"))["curves"]
        return {(one["key"], one["network"]): _parse_curve(one) for one in stored}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingProgramError("calibration_missing_damaged", file=file) from error


def _parse_curve(stored: Mapping[str, Sequence[float]]) -> CalibrationCurve:
    scores, shares = tuple(map(float, stored["scores"])), tuple(map(float, stored["shares"]))
    if not scores or len(scores) != len(shares):
        raise ValueError("A curve needs as many scores as shares.")
    if (
        not all(map(isfinite, scores))
        or list(scores) != sorted(scores)
        or not all(0 <= share <= 1 for share in shares)
    ):
        raise ValueError("A curve's scores rise, and its shares are probabilities.")
    return CalibrationCurve(tuple(map(float, stored["weights"])), scores, shares)
