"""Fits `data/models/marks.json`: softmax regression on drawn check boxes, half of them given without their blank.

python -m pipeline.training.marks
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.frame import framed
from pipeline.recognize.ink import find_ink
from pipeline.recognize.mark_features import FEATURES, WIDEST_MARK_MM, features
from pipeline.recognize.marks import CLASSES, MarkModel
from pipeline.settings import ROOT
from pipeline.training.drawn_marks import STYLES, DrawnMark, drawn_mark

Numbers = NDArray[np.float64]
EACH = 600
STEPS = 10_000
RATE = 0.5
WEIGHT_DECAY = 2e-5
SURE = 0.9
NOTE = "Softmax regression on drawn check boxes; made by pipeline/training/marks.py. Own work, no data of others."


def drawn(each: int, seed: int) -> list[DrawnMark]:
    """`each` boxes of every style, every second without its blank; but what is drawn around a box is only seen with it."""
    random = np.random.default_rng(seed)
    return [drawn_mark(style, random, with_blank=i % 2 == 0 or truth is None) for style, (truth, _) in STYLES.items() for i in range(each)]


def measured(marks: Sequence[DrawnMark]) -> Numbers:
    """(marks, features)."""
    crops = [m.crop if m.crop.blank is not None else framed(m.crop) for m in marks]
    return np.stack([features(find_ink(crop, WIDEST_MARK_MM)) for crop in crops])


def wanted(marks: Sequence[DrawnMark]) -> Numbers:
    """(marks, classes): 1 for the truth; where people disagree, empty and marked share it."""
    split = [0.5 if state in CLASSES[:2] else 0.0 for state in CLASSES]
    return np.array([split if m.truth is None else [float(m.truth is state) for state in CLASSES] for m in marks])


def fit(values: Numbers, target: Numbers) -> MarkModel:
    """Gradient descent with weight decay on the cross entropy."""
    mean, scale = values.mean(axis=0), values.std(axis=0) + 1e-6
    model = MarkModel(mean, scale, np.zeros((values.shape[1], len(CLASSES))), np.zeros(len(CLASSES)))
    normal = (values - mean) / scale
    for _ in range(STEPS):
        slope = (model.probabilities(values) - target) / len(values)
        weights = model.weights * (1 - RATE * WEIGHT_DECAY) - RATE * normal.T @ slope
        model = MarkModel(mean, scale, weights, model.bias - RATE * slope.sum(axis=0))
    return model


def report(model: MarkModel, marks: Sequence[DrawnMark]) -> None:
    """Per style: the share wrong, wrong though sure, and doubtful."""
    p = model.probabilities(measured(marks))
    for style in STYLES:
        at = np.array([m.style == style for m in marks])
        sure = p[at].max(axis=1) >= SURE
        truth = STYLES[style][0]
        wrong = p[at].argmax(axis=1) != CLASSES.index(truth) if truth is not None else np.zeros(at.sum(), bool)
        print(f"{style:14} wrong {wrong.mean():.3f}  wrong and sure {(wrong & sure).mean():.3f}  doubtful {(~sure).mean():.3f}")


def main() -> None:
    """Fit on one set, report on another."""
    marks = drawn(EACH, seed=1)
    model = fit(measured(marks), wanted(marks))
    numbers = {key: np.round(getattr(model, key), 4).tolist() for key in ("mean", "scale", "weights", "bias")}
    target = ROOT / "data" / "models" / "marks.json"
    target.write_text(json.dumps({"note": NOTE, "features": FEATURES, **numbers}, indent=1) + "\n", "utf-8")
    report(model, drawn(EACH // 2, seed=2))


if __name__ == "__main__":
    main()
