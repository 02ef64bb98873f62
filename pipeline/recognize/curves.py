"""From a reader's own score to the share of such readings that are right.

`data/models/calibration.json` holds one rising curve a kind of field and network, fitted by `pipeline/training/calibrate.py`; a workspace may have
its own beside its database, fitted by `efterskrift learn`, which goes before. A network that no curve was fitted for is believed little.
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

from pipeline.confidence import FORMAT_MISMATCH_MAX_P, RULES_LOW_CONFIDENCE_BELOW, UNCALIBRATED_MAX_P
from pipeline.errors import MissingProgramError
from pipeline.field_spec import FieldSpec
from pipeline.model import Reading, State
from pipeline.settings import ROOT, load_settings

FILE = "calibration.json"
SHIPPED = ROOT / "data" / "models" / FILE
LETTER = "letter"
"""Key of the curve of single characters of a text."""
ABSENT = "absent"
FARTHEST = 16.0
"""Log odds beyond this are as good as certain: p has no more digits near 1."""
FEW_LINES = 3
"""Other lines of a hand that tell half of what many would."""

Features = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A weighted sum of features and, for that score, the probability: linear between points, level above them. Both rise.

    Below the points nothing was seen: there the log odds sink as the score does, as they do in the regression that the curve was fitted by.
    """

    weights: Features
    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def score(self, features: Features) -> float:
        """The weighted sum. A curve that was fitted before a feature was added does without it."""
        return sum(w * f for w, f in zip(self.weights, features, strict=False))

    def at(self, features: Features) -> float:
        """The probability that a reading with these features is right."""
        score = self.score(features)
        share = float(np.interp(score, self.scores, self.shares))
        below = self.scores[0] - score
        return share if below <= 0 else min(share, 1 / (1 + exp(min(below - log_odds(share), FARTHEST))))


Curves = Mapping[tuple[str, str], Curve]
"""Curves by key and fingerprint of the network."""


def key_of(spec: FieldSpec, reading: Reading) -> str:
    """Which curve a reading belongs to: by kind, digits also by format, and apart for fields without anything written.

    Rows of letter boxes that cannot be read, nearly half of them, are apart too: they have no value that could be right.
    """
    kind = f"{spec.kind}-{spec.format or 'plain'}" if spec.traits.digits_only else str(spec.kind)
    if reading.state is State.EMPTY:
        return f"{kind}-empty"
    return f"{kind}-unread" if spec.traits.has_cells and not spec.traits.digits_only and reading.state is not State.READ else kind


def features_of(spec: FieldSpec, reading: Reading, hand: float = 0.0) -> Features:
    """Log odds of p; for text, which at the same p is more often wrong when it is long, also seven others.

    They are how far the second guess lies behind, the length, the least sure character's log odds, the clarity, the `hand` (how much more clearly
    the same hand's other lines were seen, see `hands_of`), the log of what the picture alone says of the text, and that of how many words are
    unknown.
    """
    if not spec.traits.is_handwriting or reading.state is State.EMPTY:
        return (log_odds(reading.p),)
    second = max((p for _, p in reading.alternatives), default=0.0)
    behind = min(FARTHEST, log(max(reading.p, 1e-9) / max(second, 1e-9)))
    length, least = log(1 + len(str(reading.value or ""))), log_odds(min(reading.characters, default=reading.p))
    seen, unknown = log(max(reading.seen, exp(-FARTHEST))), log(1 + reading.unknown)
    return (log_odds(reading.p), behind, length, least, reading.clarity or 0.0, hand, seen, unknown)


def hands_of(readings: Sequence[Reading]) -> list[float]:
    """For each reading of one hand how much more clearly the hand's other lines were seen; 0 where nothing is known of others.

    Few others count for less: n of them n / (n + `FEW_LINES`).
    """
    seen = [one.clarity for one in readings if one.clarity is not None]
    total, others = sum(seen), len(seen) - 1
    if others < 1:
        return [0.0] * len(readings)
    return [(total - one.clarity - others * one.clarity) / (others + FEW_LINES) if one.clarity is not None else 0.0 for one in readings]


def log_odds(p: float) -> float:
    """Log of p / (1 - p), kept within ±`FARTHEST`."""
    kept = min(max(p, exp(-FARTHEST)), 1 - exp(-FARTHEST))
    return log(kept / (1 - kept))


def calibrated(spec: FieldSpec, reading: Reading, network: str, curves: Curves, hand: float = 0.0) -> Reading:
    """The reading with a probability for a score; `hand` as in `features_of`.

    Alternatives keep their odds against the value, as far as the rest leaves room for them.
    """
    curve = curves.get((key_of(spec, reading), network))
    p = curve.at(features_of(spec, reading, hand)) if curve else min(reading.p, UNCALIBRATED_MAX_P)
    if _is_doubted(spec, reading):
        p = min(p, reading.p)
    share = min(p / max(reading.p, 1e-9), (1 - p) / max(1 - reading.p, 1e-9))
    others = tuple((value, min(1.0, other * share)) for value, other in reading.alternatives)
    letter = curves.get((LETTER, network)) if spec.traits.is_handwriting else None
    characters = tuple(letter.at((log_odds(c),)) for c in reading.characters) if letter else reading.characters
    return replace(reading, p=p, alternatives=others, characters=characters)


def _is_doubted(spec: FieldSpec, reading: Reading) -> bool:
    """Whether the reader itself says that it does not know: no curve, which knows other readings, makes that surer."""
    traits = spec.traits
    unreadable = reading.state is State.ILLEGIBLE and (traits.is_handwriting or traits.has_options or not traits.filled_by_hand)
    over_print = not traits.filled_by_hand and reading.remarks != ()
    misshapen = (spec.format is not None or reading.remarks != ()) and traits.is_handwriting and reading.p <= FORMAT_MISMATCH_MAX_P
    return unreadable or over_print or misshapen or (traits.judged_by_rules and reading.p < RULES_LOW_CONFIDENCE_BELOW)


def fingerprint(file: Path) -> str:
    """The first characters of a file's SHA-256; `ABSENT` without it.

    Raises:
        OSError: it is there but cannot be read.
    """
    return _fingerprint(file, file.stat().st_mtime_ns) if file.is_file() else ABSENT


@lru_cache(maxsize=16)
def _fingerprint(file: Path, changed: int) -> str:
    del changed
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def installed() -> Curves:
    """The curves shipped with the program, and before them those that this workspace has learned.

    Raises:
        MissingProgramError: a file of curves is missing or damaged.
    """
    own = load_settings().workspace / "models" / FILE
    return _merged(SHIPPED, _changed(SHIPPED), own, _changed(own))


def _changed(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=4)
def _merged(shipped: Path, changed: int, own: Path, own_changed: int) -> Curves:
    del changed
    return {**read_curves(shipped), **(read_curves(own) if own_changed else {})}


def read_curves(file: Path) -> dict[tuple[str, str], Curve]:
    """The curves of a file.

    Raises:
        MissingProgramError: it is missing or is no such file.
    """
    try:
        stored = json.loads(file.read_text("utf-8"))["curves"]
        return {(one["key"], one["network"]): _curve(one) for one in stored}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingProgramError("calibration_missing_damaged", file=file) from error


def _curve(stored: Mapping[str, Sequence[float]]) -> Curve:
    scores, shares = tuple(map(float, stored["scores"])), tuple(map(float, stored["shares"]))
    if not scores or len(scores) != len(shares):
        raise ValueError("A curve needs as many scores as shares.")
    if not all(map(isfinite, scores)) or list(scores) != sorted(scores) or not all(0 <= share <= 1 for share in shares):
        raise ValueError("A curve's scores rise, and its shares are probabilities.")
    return Curve(tuple(map(float, stored["weights"])), scores, shares)
