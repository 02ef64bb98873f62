"""Fits `data/models/marks.json`: a network with one hidden layer on drawn check boxes, half of them given without their blank, and on the boxes of
those real answer sheets that are for development.

Adam (Kingma & Ba 2015) on the cross entropy with weight decay, stopped where other drawn boxes are read best. Those also give how sharp the
probabilities may be (temperature scaling, Guo et al. 2017) and how much doubt always stays.

python -m pipeline.training.marks SCANS
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.quality.answer_sheets import Use, answer_sheets, seen_boxes
from pipeline.recognize.marks import CLASSES, FEATURES, LAYERS, MarkModel, Numbers, measured
from pipeline.settings import ROOT
from pipeline.training.drawn_marks import STYLES, DrawnMark, drawn_mark

EACH = 600
REPEATED = 1
"""How often each real box counts."""
UNITS = 32
STEPS = 600
RATE = 0.02
MEMORY = (0.9, 0.999)
WEIGHT_DECAY = 5e-4
CHECKED_EVERY = 25
SHARPNESSES = np.arange(0.4, 1.41, 0.05)
LEAST_DOUBT = 0.006
"""Drawn boxes are not scanned ones: no answer is surer than 0.996, however few of the drawn are wrong."""
SURE = 0.9
SUREST = 0.99
NOTE = "Network with one hidden layer, fitted by pipeline/training/marks.py; see marks.md."


def drawn(each: int, seed: int) -> list[DrawnMark]:
    """`each` boxes of every style, every second without its blank.

    What is drawn around a box is only seen with a blank, and rare on paper: a fifth as many, so that plain empty boxes stay sure. Most boxes on paper
    are empty: three times as many.
    """
    random = np.random.default_rng(seed)
    counts = {style: each if truth else each // 5 for style, (truth, _) in STYLES.items()} | {"empty": 3 * each}
    return [drawn_mark(style, random, with_blank=i % 2 == 0 or STYLES[style][0] is None) for style, n in counts.items() for i in range(n)]


def measurements(marks: Sequence[DrawnMark]) -> Numbers:
    """(marks, features)."""
    return np.stack([measured(m.crop) for m in marks])


def wanted(marks: Sequence[DrawnMark]) -> Numbers:
    """(marks, classes): 1 for the truth; where people disagree, empty and marked share it."""
    split = [0.5 if state in CLASSES[:2] else 0.0 for state in CLASSES]
    return np.array([split if m.truth is None else [float(m.truth is state) for state in CLASSES] for m in marks])


def real(scans: Path) -> tuple[Numbers, Numbers]:
    """Measurements and wanted answers of the answer sheets for development; a filled bubble may count as marked or as filled solid.

    Of what people disagree on, half is wanted as empty.
    """
    boxes = [box for sheet in answer_sheets() if sheet.use is Use.DEVELOPMENT for box in seen_boxes(sheet, scans)]
    answers = {True: (0.0, 1.0, 1.0), False: (1.0, 0.0, 0.0), None: (0.5, 0.25, 0.25)}
    return np.stack([measured(box.crop) for box in boxes]), np.array([answers[box.marked] for box in boxes])


def fit(values: Numbers, target: Numbers, others: Numbers, their_target: Numbers) -> MarkModel:
    """The model of the step at which the other boxes have the least loss, calibrated on them."""
    model = _start(values)
    first, second = ([np.zeros_like(layer) for layer in _trained(model)] for _ in range(2))
    best, least = model, np.inf
    for step in range(1, STEPS + 1):
        for i, slope in enumerate(_slopes(model, values, target)):
            first[i] = MEMORY[0] * first[i] + (1 - MEMORY[0]) * slope
            second[i] = MEMORY[1] * second[i] + (1 - MEMORY[1]) * slope**2
        rate = RATE * np.sqrt(1 - MEMORY[1] ** step) / (1 - MEMORY[0] ** step)
        model = _with(model, [layer - rate * m / (np.sqrt(v) + 1e-8) for layer, m, v in zip(_trained(model), first, second, strict=True)])
        if step % CHECKED_EVERY == 0 and (loss := _loss(model, others, their_target)) < least:
            best, least = model, loss
    return calibrated(best, others, their_target)


def calibrated(model: MarkModel, others: Numbers, target: Numbers) -> MarkModel:
    """With the sharpness that gives the least loss on boxes not fitted to, and as much doubt as its surest answers there deserve."""
    sharpest = min((replace(model, sharpness=float(s)) for s in SHARPNESSES), key=lambda m: _loss(m, others, target))
    p = sharpest.probabilities(others)
    sure = (p.max(axis=1) >= SUREST) & (target.max(axis=1) == 1)
    wrong = int((p[sure].argmax(axis=1) != target[sure].argmax(axis=1)).sum())
    error = (wrong + 1) / (int(sure.sum()) + 2)  # Laplace's rule of succession
    return replace(sharpest, doubt=max(LEAST_DOUBT, error * len(CLASSES) / (len(CLASSES) - 1)))


def _start(values: Numbers) -> MarkModel:
    random = np.random.default_rng(4)
    count = values.shape[1]
    hidden, weights = random.normal(0, count**-0.5, (count, UNITS)), random.normal(0, UNITS**-0.5, (UNITS, len(CLASSES)))
    return MarkModel(values.mean(axis=0), values.std(axis=0) + 1e-6, hidden, np.zeros(UNITS), weights, np.zeros(len(CLASSES)), 1.0, 0.0)


def _trained(model: MarkModel) -> list[Numbers]:
    return [model.hidden, model.hidden_bias, model.weights, model.bias]


def _with(model: MarkModel, layers: Sequence[Numbers]) -> MarkModel:
    hidden, hidden_bias, weights, bias = layers
    return replace(model, hidden=hidden, hidden_bias=hidden_bias, weights=weights, bias=bias)


def _slopes(model: MarkModel, values: Numbers, target: Numbers) -> list[Numbers]:
    """Derivatives of the loss by the layers of `_trained`."""
    normal = (values - model.mean) / model.scale
    units = np.tanh(normal @ model.hidden + model.hidden_bias)
    p = model.probabilities(values)
    scores = (p - _met(target, p)) / len(values)
    below = scores @ model.weights.T * (1 - units**2)
    decay = [WEIGHT_DECAY * layer for layer in (model.hidden, model.weights)]
    return [normal.T @ below + decay[0], below.sum(axis=0), units.T @ scores + decay[1], scores.sum(axis=0)]


def _met(target: Numbers, p: Numbers) -> Numbers:
    """The target, shared as the model shares it where either of two answers is right (both 1): expectation maximisation."""
    either = target.sum(axis=1) > 1.5
    shared = target * p
    return np.where(either[:, None], shared / shared.sum(axis=1, keepdims=True), target)


def _loss(model: MarkModel, values: Numbers, target: Numbers) -> float:
    p = model.probabilities(values)
    return float(-(_met(target, p) * np.log(p + 1e-12)).sum(axis=1).mean())


def report(model: MarkModel, marks: Sequence[DrawnMark]) -> None:
    """Per style: the share wrong, wrong though sure, and doubtful."""
    p = model.probabilities(measurements(marks))
    for style in STYLES:
        at = np.array([m.style == style for m in marks])
        sure, surest = (p[at].max(axis=1) >= least for least in (SURE, SUREST))
        truth = STYLES[style][0]
        wrong = p[at].argmax(axis=1) != CLASSES.index(truth) if truth is not None else np.zeros(at.sum(), bool)
        shares = f"{(wrong & sure).mean():.3f}  {(wrong & surest).mean():.4f}  doubtful {(~sure).mean():.3f}"
        print(f"{style:14} wrong {wrong.mean():.3f}  at p ≥ {SURE} and ≥ {SUREST} {shares}")


def main() -> None:
    """Fit on one drawn set and the real boxes, stop and calibrate on another, report on a third."""
    marks, others = drawn(EACH, seed=1), drawn(EACH // 2, seed=2)
    seen, answers = real(Path(sys.argv[1]))
    values, target = np.vstack([measurements(marks), *[seen] * REPEATED]), np.vstack([wanted(marks), *[answers] * REPEATED])
    model = fit(values, target, measurements(others), wanted(others))
    numbers = {key: np.round(getattr(model, key), 4).tolist() for key in (*LAYERS, "sharpness", "doubt")}
    path = ROOT / "data" / "models" / "marks.json"
    path.write_text(json.dumps({"note": NOTE, "features": FEATURES, **numbers}, indent=1) + "\n", "utf-8")
    print(f"sharpness {model.sharpness:.2f}, doubt {model.doubt:.4f}")
    report(model, drawn(EACH // 2, seed=3))


if __name__ == "__main__":
    main()
