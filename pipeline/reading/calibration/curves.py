"""Calibration: from a reader's own score to the share of such readings that are right.

`data/models/calibration.json` holds one rising curve per kind of field and network, fitted by
`research/training/calibration/fit.py`. A workspace may have its own beside its database, fitted by
`efterskrift learn`, which takes precedence. Without a curve for its network a reading gets a low
probability: no more than by any curve of another network, and than `UNCALIBRATED_MAX_P`.
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

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.confidence import (
    FORMAT_MISMATCH_MAX_P,
    RULES_LOW_CONFIDENCE_BELOW,
    UNCALIBRATED_MAX_P,
)
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Reading, State
from pipeline.domain.settings import ROOT, load_settings

CALIBRATION_FILE = "calibration.json"
SHIPPED_CALIBRATION = ROOT / "data" / "models" / CALIBRATION_FILE
FORMAT_KEY = "format"
"""End of the key of the curve of lines that have a format."""
LETTER_KEY = "letter"
"""Key of the curve of single characters of a text."""
_INK_KEYS = frozenset(
    f"{kind}-empty"
    for kind in Kind
    if kind.traits.is_handwriting or (kind.traits.has_cells and not kind.traits.digits_only)
)
"""Keys of what is found empty by its ink, before a network of handwriting is asked."""
NO_FINGERPRINT = "absent"
"""Fingerprint of a file that does not exist."""
MAX_LOG_ODDS = 16.0
"""Limit of log odds: beyond it p has no more digits near 1."""
MAX_WORD_LOG = 40.0
"""Limit of the log of a word's probability."""
WRITER_PRIOR_LINES = 3
"""With this many other lines of a writer, their sharpness counts half."""

CurveFeatures = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """A weighted sum of features and, for that score, the probability; both rise.

    The probability is linear between the points and level above them. Below the points there were
    no readings: there the log odds fall as the score does, as in the regression that the curve was
    fitted by.
    """

    weights: CurveFeatures
    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def score(self, features: CurveFeatures) -> float:
        """Return the weighted sum; a curve fitted before a feature was added ignores it."""
        return sum(w * f for w, f in zip(self.weights, features, strict=False))

    def at(self, features: CurveFeatures) -> float:
        """Return the probability that a reading with these features is right."""
        score = self.score(features)
        share = float(np.interp(score, self.scores, self.shares))
        below = self.scores[0] - score
        if below <= 0:
            return share
        # Below the lowest point the log odds fall by one for one.
        return min(share, 1 / (1 + exp(min(below - log_odds(share), MAX_LOG_ODDS))))


CalibrationCurves = Mapping[tuple[str, str], CalibrationCurve]
"""Curves by key and by fingerprint of the network."""


def curve_key(spec: FieldSpec, reading: Reading) -> str:
    """Return the key of the curve that a reading belongs to.

    There is one for each kind, for digits also by format, one for lines with any format, another
    for empty fields, and one for check boxes that were filled solid, which are fewer and harder
    than marks. Rows of letter boxes that cannot be read have their own: they have no value that
    could be right.
    """
    kind = f"{spec.kind}-{spec.format or 'plain'}" if spec.traits.digits_only else str(spec.kind)
    if spec.traits.is_handwriting and spec.format and reading.state is State.READ:
        return f"{kind}-{FORMAT_KEY}"
    if reading.state is State.EMPTY:
        return f"{kind}-empty"
    if reading.state is State.CANCELLED and spec.traits.is_check_box:
        return f"{kind}-cancelled"
    has_letter_boxes = spec.traits.has_cells and not spec.traits.digits_only
    return f"{kind}-unread" if has_letter_boxes and reading.state is not State.READ else kind


def curve_features(spec: FieldSpec, reading: Reading, clarity_lead: float = 0.0) -> CurveFeatures:
    """Return log odds of p, and for text eight more features.

    Text at the same p is more often wrong when it is long. The other features are the lead over the
    second guess, the length, the log odds of the least likely character, the sharpness, the
    `clarity_lead` (how much more clearly the writer's other lines are seen, see `writer_clarity`),
    the log of the image evidence without the language model, that of the number of unknown words,
    and that of how likely the least likely word is.
    """
    if not spec.traits.is_handwriting or reading.state is State.EMPTY:
        return (log_odds(reading.p),)
    # The second guess: the likeliest alternative.
    second = max((p for _, p in reading.alternatives), default=0.0)
    return (
        log_odds(reading.p),
        # The lead over the second guess.
        min(MAX_LOG_ODDS, log(max(reading.p, 1e-9) / max(second, 1e-9))),
        # The length, and the least likely character.
        log(1 + len(str(reading.value or ""))),
        log_odds(min(reading.characters, default=reading.p)),
        # How clearly the line, and other lines of the writer, are seen.
        reading.sharpness or 0.0,
        clarity_lead,
        # The image evidence without the language model, and words outside the lexicon.
        log(max(reading.image_only_p, exp(-MAX_LOG_ODDS))),
        log(1 + reading.unknown_words),
        log(max(reading.least_word_p, exp(-MAX_WORD_LOG))),
    )


def writer_clarity(readings: Sequence[Reading]) -> list[float]:
    """Return for each reading of one writer how much clearer the writer's other lines are.

    0 where no others are known. Few others count less: n of them n / (n + `WRITER_PRIOR_LINES`).
    """
    sharpness = [reading.sharpness for reading in readings if reading.sharpness is not None]
    total, others = sum(sharpness), len(sharpness) - 1
    if others < 1:
        return [0.0] * len(readings)
    # The sum of the others less as many times its own, shrunk towards 0.
    return [
        (total - reading.sharpness - others * reading.sharpness) / (others + WRITER_PRIOR_LINES)
        if reading.sharpness is not None
        else 0.0
        for reading in readings
    ]


def log_odds(p: float) -> float:
    """Return the log of p / (1 - p), limited to ±`MAX_LOG_ODDS`."""
    # Limit p first, as 0 and 1 have no finite log odds.
    limited = min(max(p, exp(-MAX_LOG_ODDS)), 1 - exp(-MAX_LOG_ODDS))
    return log(limited / (1 - limited))


def calibrate_reading(
    spec: FieldSpec,
    reading: Reading,
    network: str,
    curves: CalibrationCurves,
    clarity_lead: float = 0.0,
) -> Reading:
    """Return the reading with a probability instead of its reader's score.

    `network` is the fingerprint of what read it, `clarity_lead` as in `curve_features`.
    Alternatives keep their odds against the value, as far as p leaves room for them.
    """
    # The curve of the reading's key, if one was fitted for this network.
    key, features = curve_key(spec, reading), curve_features(spec, reading, clarity_lead)
    curve = curves.get((key, network))
    p = curve.at(features) if curve else uncalibrated_p(key, features, curves)
    # Where the reader gave up, calibration may only lower p.
    if _is_reader_uncertain(spec, reading):
        p = min(p, reading.p)

    # Scale the alternatives with p, but to no more than 1 - p together.
    share = min(p / max(reading.p, 1e-9), (1 - p) / max(1 - reading.p, 1e-9))
    others = tuple((value, min(1.0, other_p * share)) for value, other_p in reading.alternatives)

    # The characters of a text have their own curve.
    letter = curves.get((LETTER_KEY, network)) if spec.traits.is_handwriting else None
    characters = (
        tuple(letter.at((log_odds(c),)) for c in reading.characters)
        if letter
        else reading.characters
    )
    return replace(reading, p=p, alternatives=others, characters=characters)


def uncalibrated_p(key: str, features: CurveFeatures, curves: CalibrationCurves) -> float:
    """Return p for a reading of a network that has no curve of the key, as nobody measured it.

    It is the least that the curve of any other network gives such a reading, and limited. An empty
    line is found by its ink, whatever network reads, and is not limited further.
    """
    lowest = [curve.at(features) for (other, _), curve in curves.items() if other == key]
    if lowest and key in _INK_KEYS:
        return min(lowest)
    return min(1 / (1 + exp(-features[0])), UNCALIBRATED_MAX_P, *lowest)


def _is_reader_uncertain(spec: FieldSpec, reading: Reading) -> bool:
    """Return whether the reader itself gave up: then no curve may raise its p."""
    traits = spec.traits

    # Handwriting, choices and printed text that could not be read.
    unreadable = reading.state is State.ILLEGIBLE and (
        traits.is_handwriting or traits.has_options or not traits.filled_by_hand
    )

    # Printed text with a flag, such as a strike through it.
    over_print = not traits.filled_by_hand and reading.issues != ()

    # Handwriting that misses its format, or is flagged.
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
    """Return the start of a file's SHA-256, or `NO_FINGERPRINT` if it does not exist.

    Raises:
        OSError: it exists but cannot be read.
    """
    return _cached_fingerprint(file, file.stat().st_mtime_ns) if file.is_file() else NO_FINGERPRINT


@lru_cache(maxsize=16)
def _cached_fingerprint(file: Path, changed: int) -> str:
    """Return the fingerprint; `changed` (ns) makes the cache notice a new file."""
    del changed
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def installed_curves() -> CalibrationCurves:
    """Return the curves shipped with the program, and before them the workspace's own.

    Raises:
        MissingProgramError: a file of curves is missing or damaged.
    """
    # The workspace's own curves come from learning and take precedence.
    learned = load_settings().workspace / "models" / CALIBRATION_FILE
    return _merge_curves(
        SHIPPED_CALIBRATION, _modified_ns(SHIPPED_CALIBRATION), learned, _modified_ns(learned)
    )


def _modified_ns(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=4)
def _merge_curves(
    shipped: Path, changed: int, learned: Path, learned_changed: int
) -> CalibrationCurves:
    """Return both files' curves; the `changed` times make the cache notice new files."""
    del changed
    return {**load_curves(shipped), **(load_curves(learned) if learned_changed else {})}


def load_curves(file: Path) -> dict[tuple[str, str], CalibrationCurve]:
    """Return the curves of a file.

    Raises:
        MissingProgramError: it is missing or is no such file.
    """
    try:
        # A list of curves, each with its key and network.
        stored = json.loads(file.read_text("utf-8"))["curves"]
        return {(curve["key"], curve["network"]): _parse_curve(curve) for curve in stored}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingProgramError("calibration_missing_damaged", file=file) from error


def _parse_curve(stored: Mapping[str, Sequence[float]]) -> CalibrationCurve:
    """Check and return a stored curve.

    Raises:
        ValueError: its scores or shares are impossible.
    """
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
