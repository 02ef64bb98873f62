"""Fit `data/models/marks.json`: the networks that read check boxes.

    python -m research.training.marks.train SCANS

They are fitted to drawn check boxes and sheets, to Efterskrift's forms printed, marked and scanned,
and to real answer sheets. How sharp the probabilities may be (temperature scaling, Guo et al. 2017)
and how much doubt always remains is fitted on held-out real sheets, some forms at a time, each read
by networks that saw none of it, and on other drawn sheets. Of the real answer sheets only those for
development are looked at. The same command makes the same file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.settings import ROOT
from pipeline.reading.fields.marks import classifier
from pipeline.reading.fields.marks.classifier import MARK_CLASSES, MarkModel, MarkNetwork, Numbers
from pipeline.reading.fields.marks.reader import MARK_FEATURES
from research.training.marks.datasets import (
    BOXES_PER_STYLE,
    DRAWN_SHEET_COUNT,
    PRINTED_PAGE_COUNT,
    PRINTED_PAGE_WEIGHT,
    MarkSet,
    draw_sheets,
    draw_single_boxes,
    is_marked,
    join_sets,
    load_real_sheets,
    print_sheets,
)
from research.training.marks.network import Examples, cross_entropy, fit_network

SEED = 1
"""The seed of the first set; each other set and network has a seed of its own."""
ENSEMBLE_SIZE, FOLD_ENSEMBLE_SIZE = 3, 1
"""Networks that see the other boxes of a sheet.

In the model, and in those that are only fitted to judge.
"""
FOLDS = 3
TRIED_SHARPNESSES = np.arange(0.4, 1.61, 0.05)
MIN_DOUBT = 0.006
"""No answer has a higher probability than 0.996, however few are wrong.

Real sheets elsewhere are not those here.
"""
HIGH_CONFIDENCE = 0.99
MODEL_NOTE = (
    "Networks with one hidden layer, fitted by research/training/marks/train.py; see marks.md."
)
MODEL_DECIMALS = 4


def fit_mark_model(examples: MarkSet, members: int) -> MarkModel:
    """Return a model with the probabilities as fitted, without doubt."""
    weight = np.ones(len(examples.values))
    # The first network sees single boxes.
    first = fit_network(Examples(examples.values, examples.wanted, weight), SEED)
    # Mean features of empty and marked boxes, as reference for a sheet's own.
    inked, compared = is_marked(examples.wanted), examples.values[:, classifier.COMPARED_COLUMNS]
    usual = np.stack([compared[~inked].mean(axis=0), compared[inked].mean(axis=0)])
    model = MarkModel(first, (), usual, 1.0, 0.0)
    # The second networks see the other boxes of the sheet too.
    second_examples = Examples(
        model.second_features(examples.values, examples.sheets), examples.wanted, weight
    )
    return replace(
        model, second=tuple(fit_network(second_examples, SEED + i + 1) for i in range(members))
    )


def fit_held_out(real: MarkSet, drawn: MarkSet) -> list[tuple[MarkModel, MarkSet]]:
    """Return models that saw a part of the forms, and the sheets of the others."""
    # Cross-validation over forms: all sheets of a form are in one fold.
    forms = np.unique(real.source)
    held = [np.isin(real.source, forms[fold::FOLDS]) for fold in range(FOLDS)]
    return [
        (fit_mark_model(join_sets([real.at(~at), drawn]), FOLD_ENSEMBLE_SIZE), real.at(at))
        for at in held
    ]


def calibrate_model(model: MarkModel, judged: Sequence[tuple[MarkModel, MarkSet]]) -> MarkModel:
    """Return the model with the sharpness that gives the least loss on sheets not fitted to.

    And as much doubt as its most confident answers there deserve.
    """
    # Only boxes that the model was not fitted to.
    scores = np.vstack([one.scores(held.values, held.sheets) for one, held in judged])
    wanted = np.vstack([held.wanted for _, held in judged])
    # Sharpness (inverse temperature) with the least cross-entropy.
    sharpness = min(
        TRIED_SHARPNESSES,
        key=lambda s: float(cross_entropy(wanted, _powers_of_scores(s * scores)).mean()),
    )
    # Errors among answers with high confidence, disputed boxes apart.
    p = _powers_of_scores(sharpness * scores)
    is_confident = (p.max(axis=1) >= HIGH_CONFIDENCE) & (wanted.max(axis=1) == 1)
    wrong = int(_find_errors(p, wanted)[is_confident].sum())
    error = (wrong + 1) / (int(is_confident.sum()) + 2)  # Laplace's rule of succession
    return replace(
        model,
        sharpness=float(sharpness),
        doubt=max(MIN_DOUBT, error * len(MARK_CLASSES) / (len(MARK_CLASSES) - 1)),
    )


def _powers_of_scores(scores: Numbers) -> Numbers:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def _find_errors(p: Numbers, wanted: Numbers) -> NDArray[np.bool_]:
    """Return whether an answer that nobody would dispute was missed."""
    return np.asarray(
        (wanted[np.arange(len(p)), p.argmax(axis=1)] == 0) & (wanted.max(axis=1) == 1), np.bool_
    )


def print_report(title: str, judged: Sequence[tuple[MarkModel, MarkSet]], like: MarkModel) -> None:
    """Print per form or style: boxes, share wrong, wrong with high confidence, low confidence.

    With the sharpness and doubt of a model.
    """
    print(title)
    for model, held in judged:
        own = replace(model, sharpness=like.sharpness, doubt=like.doubt)
        p = own.probabilities(held.values, held.sheets, own.doubt)
        for name in np.unique(held.source):
            at = held.source == name
            # For disputed boxes any answer but "empty" is one answer.
            alike = (
                np.maximum(p[at, 0], 1 - p[at, 0])
                if held.wanted[at].sum(axis=1).max() > 1.5
                else p[at].max(axis=1)
            )
            wrong = _find_errors(p[at], held.wanted[at])
            confident_errors, low_share = (
                (wrong & (alike >= HIGH_CONFIDENCE)).sum(),
                (alike < HIGH_CONFIDENCE).mean(),
            )
            print(
                f"{name:14} {at.sum():6}  wrong {wrong.mean():.4f}  "
                f"confident {confident_errors:3}  low {low_share:.4f}"
            )


def serialize_model(model: MarkModel) -> dict[str, object]:
    """Return the model as in the file, numbers with four digits after the point."""
    return {
        "note": MODEL_NOTE,
        "features": (*MARK_FEATURES, *classifier.SHEET_FEATURES),
        "sharpness": round(model.sharpness, MODEL_DECIMALS),
        "doubt": round(model.doubt, MODEL_DECIMALS),
        "usual": np.round(model.usual, MODEL_DECIMALS).tolist(),
        "first": _serialize_layers(model.first),
        "second": [_serialize_layers(network) for network in model.second],
    }


def _serialize_layers(network: MarkNetwork) -> dict[str, object]:
    return {
        layer.name: np.round(getattr(network, layer.name), MODEL_DECIMALS).tolist()
        for layer in fields(network)
    }


def main() -> None:
    """Fit, calibrate on held-out data, and report."""
    # Real sheets for development, and printed forms.
    real, ours = (
        load_real_sheets(Path(sys.argv[1]), SEED + 4),
        print_sheets(PRINTED_PAGE_COUNT, SEED + 5),
    )
    drawn = join_sets(
        [
            draw_single_boxes(BOXES_PER_STYLE, SEED),
            draw_sheets(DRAWN_SHEET_COUNT, SEED + 1),
            *[ours] * PRINTED_PAGE_WEIGHT,
        ]
    )
    model = fit_mark_model(join_sets([real, drawn]), ENSEMBLE_SIZE)
    folds = fit_held_out(real, drawn)
    # Other drawn boxes than those fitted to.
    others = join_sets(
        [
            draw_single_boxes(BOXES_PER_STYLE // 2, SEED + 2),
            draw_sheets(DRAWN_SHEET_COUNT // 3, SEED + 3),
        ]
    )
    model = calibrate_model(model, [*folds, (model, others)])
    path = ROOT / "data" / "models" / "marks.json"
    path.write_text(json.dumps(serialize_model(model)) + "\n", "utf-8")
    print(f"sharpness {model.sharpness:.2f}, doubt {model.doubt:.4f}")
    print_report("real sheets of forms set aside:", folds, model)
    print_report("drawn:", [(model, others)], model)


if __name__ == "__main__":
    main()
