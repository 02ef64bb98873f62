"""Train a network that reads single letter boxes, and compare it with what reads them today.

    python -m research.training.strokes.letter_network --data FOLDER --run RUN --out FOLDER
        [--measure-only]

It has the layers of the digit networks and begins with what they see in boxes, has an answer for
each of `LETTER_SYMBOLS`, and is trained on boxes drawn with UNIPEN's capitals and small letters,
letters cut from DHSD's words and fonts: some twenty minutes on one core. It is written to OUT as `letters.onnx` (8 bits) and `trained/letters.onnx`. RUN is a folder for
checkpoints and drawn cells: the same command goes on. FOLDER has `unipen_strokes.npz`,
`dhsd_words.npz`, `optdigits.npz` and `fonts_train/`. Nothing that reads uses it yet.
"""

from __future__ import annotations

import argparse
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.cells import STRUCK_CLASS
from pipeline.reading.fields.digits.reader import DIGIT_MODEL, classify_cells
from pipeline.reading.fields.handwriting.network import read_steps
from pipeline.reading.fields.letters import (
    CAPITAL_LETTERS,
    LETTER_SYMBOLS,
    box_probabilities,
    compose_letter_line,
)
from research.training.digits.evaluate import fit_temperature
from research.training.digits.quantize import quantize_digit_network
from research.training.digits.rows import CONDITIONS
from research.training.digits.train import (
    SEED,
    LabelledCells,
    begin_network,
    draw_condition_cells,
    draw_once,
    export_digit_network,
    find_print_fonts,
    score_cells,
    train_cell_network,
)
from research.training.handwriting.alignment import align_lines
from research.training.handwriting.letters import (
    CUT_LETTERS,
    LetterContents,
    cut_letters,
    load_letter_digits,
    make_contents,
)
from research.training.handwriting.lines import find_fonts, load_dhsd
from research.training.rounding import TRAINED_FOLDER
from research.training.strokes.glyphs import load_stroke_letters

MODEL_FILE = "letters.onnx"
TRAINING_ROWS, EPOCHS, RATE = 25_000, 3, 3e-3
HELD_OUT_ROWS, RANGE_ROWS = 300, 500
BOXES_PER_LINE = 20
Answers = NDArray[np.float64]


@lru_cache(maxsize=2)
def load_contents(data: Path, print_fonts: Path, *, held_out: bool) -> LetterContents:
    """Return the shapes of the training side or of the held-out side."""
    words = load_dhsd(data / "dhsd_words.npz", held=held_out)
    prints = [f for i, f in enumerate(find_print_fonts(print_fonts)) if (i % 6 == 5) == held_out]
    return make_contents(
        [
            *cut_letters(align_lines(words), CUT_LETTERS),
            *load_stroke_letters(data / "unipen_strokes.npz", held_out=held_out),
        ],
        find_fonts(data / "fonts_train", held=held_out),
        prints,
        load_letter_digits(data / "optdigits.npz", held_out=held_out),
    )


def draw_letter_cells(
    places: tuple[Path, Path], rows: int, *, held_out: bool, condition: str | None = None
) -> LabelledCells:
    """Draw cells of rows of letter boxes, with a seed of their own.

    `places` are the folders of handwriting and of printed faces.
    """
    number = CONDITIONS.index(condition) if condition else len(CONDITIONS)
    rng = np.random.default_rng([SEED, number, rows, held_out])
    return draw_condition_cells(load_contents(*places, held_out=held_out), rows, rng, condition)


def read_like_product(cells: Image) -> Answers:
    """Return what the product answers for each box today, (n, 32), read in lines of boxes."""
    struck = classify_cells(cells)[:, STRUCK_CLASS]
    parts = []
    for start in range(0, len(cells), BOXES_PER_LINE):
        part = cells[start : start + BOXES_PER_LINE]
        (steps,) = read_steps([compose_letter_line(part)])
        parts.append(box_probabilities(part, steps, struck[start : start + BOXES_PER_LINE]))
    return np.concatenate(parts).astype(np.float64)


def run_network(file: Path, cells: Image) -> Answers:
    """Return what a written network answers for each box."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (answers,) = session.run(None, {"cells": cells[:, None].astype(np.float32) / np.float32(255)})
    return np.asarray(answers, np.float64)


def _print_row(name: str, file: Path, cells: LabelledCells) -> None:
    pictures, labels = cells
    letters = labels < len(CAPITAL_LETTERS)
    figures = []
    for answers in (read_like_product(pictures), run_network(file, pictures)):
        wrong = answers.argmax(axis=1) != labels
        # Letters read as letters, whatever else they are taken for.
        among = answers[:, : len(CAPITAL_LETTERS)].argmax(axis=1) != labels
        figures += [f"{wrong[letters].mean():.3f}", f"{among[letters].mean():.3f}"]
        figures.append(f"{wrong[~letters].mean():.3f}")
    print(f"| {name} | {letters.sum()} | {' | '.join(figures)} |", flush=True)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--measure-only", action="store_true")
    parser.add_argument("--print-fonts", type=Path, default=Path("/usr/share/fonts"))
    args = parser.parse_args()
    places = args.data, args.print_fonts
    torch.set_num_threads(1)
    trained = args.out / TRAINED_FOLDER / MODEL_FILE
    if not args.measure_only:
        cells = draw_once(
            args.run / "cells.npz",
            lambda: draw_letter_cells(places, TRAINING_ROWS, held_out=False),
        )
        torch.manual_seed(SEED)
        network = begin_network(DIGIT_MODEL.parent / TRAINED_FOLDER / DIGIT_MODEL.name, cells[0])
        digits = network[-1]
        assert isinstance(digits, nn.Linear)
        network[-1] = nn.Linear(digits.in_features, len(LETTER_SYMBOLS))
        if not train_cell_network(network, cells, args.run, EPOCHS, RATE):
            raise SystemExit("Stopped; the same command goes on.")
        trained.parent.mkdir(parents=True, exist_ok=True)
        scored, truth = draw_letter_cells(places, 2 * HELD_OUT_ROWS, held_out=True)
        export_digit_network(network, fit_temperature(score_cells(network, scored), truth), trained)
        ranges, _ = draw_letter_cells(places, RANGE_ROWS, held_out=False)
        quantize_digit_network(trained, ranges, args.out / MODEL_FILE)
    print("| rows | letters | today: wrong | among letters | other boxes wrong | network: … |")
    for condition in CONDITIONS:
        held = draw_letter_cells(places, HELD_OUT_ROWS, held_out=True, condition=condition)
        _print_row(condition, args.out / MODEL_FILE, held)


if __name__ == "__main__":
    main()
