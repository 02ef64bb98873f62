"""Fits `data/models/marks.json`: networks on drawn check boxes and sheets, on our own forms printed, marked and scanned, and on real answer sheets.

How sharp the probabilities may be (temperature scaling, Guo et al. 2017) and how much doubt always stays is fitted on real sheets that were set
aside, some forms at a time, each read by networks that saw none of it, and on other drawn sheets. Of the real answer sheets only those for
development are looked at. The same command makes the same file.

python -m pipeline.training.marks SCANS
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.recognize import mark_sheet
from pipeline.recognize.mark_network import CLASSES, MarkModel, MarkNetwork, Numbers
from pipeline.recognize.marks import FEATURES
from pipeline.settings import ROOT
from pipeline.training.mark_network import Examples, fit_network, losses
from pipeline.training.mark_sets import (
    EACH,
    PRINTED,
    PRINTED_COUNT,
    SHEETS,
    MarkSet,
    drawn_alone,
    drawn_sheets,
    is_marked,
    joined,
    printed,
    real_sheets,
)

SEED = 1
"""Of the first set; each other set and network has a seed of its own."""
MEMBERS, FOLD_MEMBERS = 3, 1
"""Networks that see the other boxes of a sheet: in the model, and in those that are only fitted to judge."""
FOLDS = 3
SHARPNESSES = np.arange(0.4, 1.61, 0.05)
LEAST_DOUBT = 0.006
"""Real sheets elsewhere are not those here: no answer is surer than 0.996, however few are wrong."""
SUREST = 0.99
NOTE = "Networks with one hidden layer, fitted by pipeline/training/marks.py; see marks.md."
DIGITS_KEPT = 4


def fit(examples: MarkSet, members: int) -> MarkModel:
    """A model that is as sure as it was fitted, without doubt."""
    weight = np.ones(len(examples.values))
    first = fit_network(Examples(examples.values, examples.wanted, weight), SEED)
    inked, compared = is_marked(examples.wanted), mark_sheet.compared_columns(examples.values)
    usual = np.stack([compared[~inked].mean(axis=0), compared[inked].mean(axis=0)])
    model = MarkModel(first, (), usual, 1.0, 0.0)
    seen = Examples(model.seen(examples.values, examples.sheets), examples.wanted, weight)
    return replace(model, second=tuple(fit_network(seen, SEED + i + 1) for i in range(members)))


def set_aside(real: MarkSet, drawn: MarkSet) -> list[tuple[MarkModel, MarkSet]]:
    """Models that saw a part of the forms, and the sheets of the others."""
    forms = np.unique(real.source)
    held = [np.isin(real.source, forms[fold::FOLDS]) for fold in range(FOLDS)]
    return [(fit(joined([real.at(~at), drawn]), FOLD_MEMBERS), real.at(at)) for at in held]


def calibrated(model: MarkModel, judged: Sequence[tuple[MarkModel, MarkSet]]) -> MarkModel:
    """With the sharpness that gives the least loss on sheets not fitted to, and as much doubt as its surest answers there deserve."""
    scores = np.vstack([one.scores(held.values, held.sheets) for one, held in judged])
    wanted = np.vstack([held.wanted for _, held in judged])
    sharpness = min(SHARPNESSES, key=lambda s: float(losses(wanted, _powers(s * scores)).mean()))
    p = _powers(sharpness * scores)
    sure = (p.max(axis=1) >= SUREST) & (wanted.max(axis=1) == 1)
    wrong = int(_wrong(p, wanted)[sure].sum())
    error = (wrong + 1) / (int(sure.sum()) + 2)  # Laplace's rule of succession
    return replace(model, sharpness=float(sharpness), doubt=max(LEAST_DOUBT, error * len(CLASSES) / (len(CLASSES) - 1)))


def _powers(scores: Numbers) -> Numbers:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def _wrong(p: Numbers, wanted: Numbers) -> NDArray[np.bool_]:
    """Whether an answer that nobody would dispute was missed."""
    return np.asarray((wanted[np.arange(len(p)), p.argmax(axis=1)] == 0) & (wanted.max(axis=1) == 1), np.bool_)


def report(title: str, judged: Sequence[tuple[MarkModel, MarkSet]], like: MarkModel) -> None:
    """Per form or style: boxes, the share wrong, how many wrong though sure, and the share doubtful, with the sharpness and doubt of a model."""
    print(title)
    for model, held in judged:
        own = replace(model, sharpness=like.sharpness, doubt=like.doubt)
        p = own.probabilities(held.values, held.sheets)
        for name in np.unique(held.source):
            at = held.source == name
            alike = np.maximum(p[at, 0], 1 - p[at, 0]) if held.wanted[at].sum(axis=1).max() > 1.5 else p[at].max(axis=1)
            wrong = _wrong(p[at], held.wanted[at])
            surely, doubtful = (wrong & (alike >= SUREST)).sum(), (alike < SUREST).mean()
            print(f"{name:14} {at.sum():6}  wrong {wrong.mean():.4f}  surely {surely:3}  doubtful {doubtful:.4f}")


def stored(model: MarkModel) -> dict[str, object]:
    """As in the file, numbers with four digits after the point."""
    return {
        "note": NOTE,
        "features": (*FEATURES, *mark_sheet.FEATURES),
        "sharpness": round(model.sharpness, DIGITS_KEPT),
        "doubt": round(model.doubt, DIGITS_KEPT),
        "usual": np.round(model.usual, DIGITS_KEPT).tolist(),
        "first": _layers(model.first),
        "second": [_layers(network) for network in model.second],
    }


def _layers(network: MarkNetwork) -> dict[str, object]:
    return {layer.name: np.round(getattr(network, layer.name), DIGITS_KEPT).tolist() for layer in fields(network)}


def main() -> None:
    """Fit, calibrate on what was set aside, and report."""
    real, ours = real_sheets(Path(sys.argv[1]), SEED + 4), printed(PRINTED, SEED + 5)
    drawn = joined([drawn_alone(EACH, SEED), drawn_sheets(SHEETS, SEED + 1), *[ours] * PRINTED_COUNT])
    model = fit(joined([real, drawn]), MEMBERS)
    folds = set_aside(real, drawn)
    others = joined([drawn_alone(EACH // 2, SEED + 2), drawn_sheets(SHEETS // 3, SEED + 3)])
    model = calibrated(model, [*folds, (model, others)])
    path = ROOT / "data" / "models" / "marks.json"
    path.write_text(json.dumps(stored(model)) + "\n", "utf-8")
    print(f"sharpness {model.sharpness:.2f}, doubt {model.doubt:.4f}")
    report("real sheets of forms set aside:", folds, model)
    report("drawn:", [(model, others)], model)


if __name__ == "__main__":
    main()
