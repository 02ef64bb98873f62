"""Calibration on disk: fitted curves, and the card that says how good they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.files.atomic import write_atomically
from pipeline.reading.calibration.curves import CalibrationCurve, CalibrationCurves, load_curves
from pipeline.reading.calibration.fit import (
    CalibrationScore,
)

CURVE_DECIMALS = 4
"""Decimals of a curve's numbers, less one."""


@dataclass(frozen=True, slots=True)
class FittedCurve:
    """A curve with the readings behind it.

    `score` is how well it predicts readings that it was not fitted to, `before` how well their
    readers' own scores do. `fold_curves` are curves of the same kind, each fitted to all writers
    but those of one fold (see `fit.assign_fold`), which they judge.
    """

    key: str
    network: str
    curve: CalibrationCurve
    readings: int
    parts: int
    before: CalibrationScore | None = None
    score: CalibrationScore | None = None
    fold_curves: tuple[CalibrationCurve, ...] = ()


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
