"""Calibration on disk: curves with what they were fitted to, and the card that says how good they
are.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.files.atomic import write_atomically
from pipeline.reading.calibration.curves import CalibrationCurve, CalibrationCurves, load_curves
from pipeline.reading.calibration.fit import (
    FOLDS,
    CalibrationScore,
    JudgedReading,
    assign_fold,
    fit_curve,
    predict,
    reader_p,
    score_probabilities,
)

CURVE_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class FittedCurve:
    """A curve with what it rests on: `score` is how it foretells readings that it was not fitted
    to, `before` how their own p does.

    `apart` are curves of the same kind, each fitted to all hands but those of one fold (see
    `calibration_fit.fold_of`): they judge those.
    """

    key: str
    network: str
    curve: CalibrationCurve
    readings: int
    parts: int
    before: CalibrationScore | None = None
    score: CalibrationScore | None = None
    fold_curves: tuple[CalibrationCurve, ...] = ()


def fit_curves(
    known: Sequence[JudgedReading],
    unseen: Sequence[JudgedReading],
    network: Mapping[str, str],
    surest: Mapping[str, float],
) -> list[FittedCurve]:
    """A curve for each key of `known`, judged on the same key of `unseen`. `network` and `surest`
    are by key.
    """
    seen, others = group_by_key(known), group_by_key(unseen)
    return [
        _fit_key(key, own, others.get(key, []), network[key], surest.get(key, 1.0))
        for key, own in sorted(seen.items())
    ]


def _fit_key(
    key: str,
    own: Sequence[JudgedReading],
    others: Sequence[JudgedReading],
    network: str,
    surest: float,
) -> FittedCurve:
    curve = fit_curve(own, surest)
    parts = len({e.part for e in own})
    if not others:
        return FittedCurve(key, network, curve, len(own), parts)
    return FittedCurve(
        key,
        network,
        curve,
        len(own),
        parts,
        score_probabilities(others, reader_p(others)),
        score_probabilities(others, predict(others, curve)),
    )


def cross_fit_curves(
    evidence: Sequence[JudgedReading], network: Mapping[str, str], surest: Mapping[str, float]
) -> list[FittedCurve]:
    """A curve for each key fitted to all hands, and judged fold by fold with curves that were not
    fitted to the hands that they judge.
    """
    return [
        _cross_fit_key(key, own, network[key], surest.get(key, 1.0))
        for key, own in sorted(group_by_key(evidence).items())
    ]


def _cross_fit_key(
    key: str, own: Sequence[JudgedReading], network: str, surest: float
) -> FittedCurve:
    folds = [[e for e in own if assign_fold(e.part) == fold] for fold in range(FOLDS)]
    others = [[e for e in own if assign_fold(e.part) != fold] for fold in range(FOLDS)]
    apart = tuple(fit_curve(some or own, surest) for some in others)
    p = np.concatenate([predict(some, curve) for some, curve in zip(folds, apart, strict=True)])
    readings = [e for some in folds for e in some]
    parts = len({e.part for e in own})
    return FittedCurve(
        key,
        network,
        fit_curve(own, surest),
        len(own),
        parts,
        score_probabilities(readings, reader_p(readings)),
        score_probabilities(readings, p),
        apart,
    )


def group_by_key(evidence: Iterable[JudgedReading]) -> dict[str, list[JudgedReading]]:
    """Evidence of each curve."""
    found: dict[str, list[JudgedReading]] = defaultdict(list)
    for one in evidence:
        found[one.key].append(one)
    return dict(found)


def write_fold_curves(
    file: Path, fitted: Sequence[FittedCurve], note: str, keep: Iterable[str] = ()
) -> None:
    """Write the curves that judge hands which they were not fitted to: only for measuring, never
    for reading.
    """
    folds = [
        FittedCurve(fold_key(one.key, fold), one.network, curve, 0, 0)
        for one in fitted
        for fold, curve in enumerate(one.fold_curves)
    ]
    write_curves(file, folds, note, keep)


def fold_key(key: str, fold: int) -> str:
    """The key of the curve that was fitted without a fold."""
    return f"{key}/{fold}"


def write_curves(
    file: Path, fitted: Sequence[FittedCurve], note: str, keep: Iterable[str] = ()
) -> None:
    """Write the curves. Of a file that is there, curves of networks in `keep` stay, unless there
    are new ones of the same key and network.
    """
    kept: CalibrationCurves = load_curves(file) if file.is_file() else {}
    networks = set(keep)
    curves = {place: curve for place, curve in kept.items() if place[1] in networks} | {
        (f.key, f.network): f.curve for f in fitted
    }
    stored = [
        _serialize_curve(key, network, curve)
        for (key, network), curve in sorted(curves.items(), key=lambda item: item[0])
    ]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in stored)
    write_atomically(
        file, f'{{"note": {json.dumps(note, ensure_ascii=False)},\n"curves": [\n{lines}\n]}}\n'
    )


def _serialize_curve(key: str, network: str, curve: CalibrationCurve) -> dict[str, object]:
    numbers = {
        name: [round(x, CURVE_DECIMALS + 1) for x in getattr(curve, name)]
        for name in ("weights", "scores", "shares")
    }
    return {"key": key, "network": network, **numbers}


def format_card_table(fitted: Iterable[FittedCurve]) -> str:
    """What each curve rests on and how it foretells others' readings, as Markdown."""
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
    return "\n".join([*rows, *(_format_card_row(one) for one in fitted)])


def format_network(network: str) -> str:
    """A network's fingerprint as cards show it."""
    return network[:8]


def _format_card_row(one: FittedCurve) -> str:
    start = f"| {one.key} | {format_network(one.network)} | {one.readings} | {one.parts} |"
    if one.score is None or one.before is None:
        return f"{start} 0 | | | | | | |"
    after, before, sure = one.score, one.before, one.score.surest
    share = f"{sure.wrong}/{sure.of} ({sure.interval[1]:.2%})" if sure.of else "none"
    errors = f"{after.calibration:.3f} | {after.chance:.3f} | {before.calibration:.3f}"
    return f"{start} {after.values} | {errors} | {after.log_loss:.3f} | {before.log_loss:.3f} | {share} |"
