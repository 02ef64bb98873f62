"""Train the network that reads single letter boxes, and measure the one that is installed.

    python -m research.training.strokes.letter_network --data FOLDER --run RUN --out FOLDER
        [--measure-only]

It has the layers of the digit networks and begins with what they see in boxes. It has an answer
for each of `LETTER_SYMBOLS` and is trained on boxes drawn with UNIPEN's capitals and small letters,
letters cut from DHSD's words and fonts: some nine minutes on one core. It is written to OUT as
`letters.onnx` (8 bits) and `trained/letters.onnx`; its card is `letters.md`. RUN is a folder for
checkpoints and drawn cells: the same command goes on. FOLDER has `unipen_strokes.npz`,
`dhsd_words.npz`, `optdigits.npz` and `fonts_train/`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pipeline.reading.fields.digits.reader import DIGIT_MODEL
from pipeline.reading.fields.letters import (
    CAPITAL_LETTERS,
    LETTER_MODEL,
    LETTER_SYMBOLS,
    classify_letters,
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
from research.training.rounding import TRAINED_FOLDER
from research.training.strokes.glyphs import load_box_letters

TRAINING_ROWS, EPOCHS, RATE = 25_000, 3, 3e-3
HELD_OUT_ROWS, RANGE_CELLS = 300, 2_600


def draw_letter_cells(
    places: tuple[Path, Path], rows: int, *, held_out: bool, condition: str | None = None
) -> LabelledCells:
    """Draw cells of rows of letter boxes, with a seed of their own.

    `places` are the folders of handwriting and of printed faces.
    """
    number = CONDITIONS.index(condition) if condition else len(CONDITIONS)
    rng = np.random.default_rng([SEED, number, rows, held_out])
    data, print_fonts = places
    contents = load_box_letters(data, tuple(find_print_fonts(print_fonts)), held_out=held_out)
    return draw_condition_cells(contents, rows, rng, condition)


def _print_row(name: str, cells: LabelledCells) -> None:
    pictures, labels = cells
    letters = labels < len(CAPITAL_LETTERS)
    answers = classify_letters(pictures)
    wrong = answers.argmax(axis=1) != labels
    # Letters read as letters, whatever else they are taken for.
    among = answers[:, : len(CAPITAL_LETTERS)].argmax(axis=1) != labels
    figures = wrong[letters].mean(), among[letters].mean(), wrong[~letters].mean()
    print(f"| {name} | {letters.sum()} | {' | '.join(f'{f:.3f}' for f in figures)} |", flush=True)


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
    trained = args.out / TRAINED_FOLDER / LETTER_MODEL.name
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
        quantize_digit_network(trained, cells[0][:RANGE_CELLS], args.out / LETTER_MODEL.name)
    print("| rows | letters | wrong | among letters | other boxes wrong |")
    for condition in CONDITIONS:
        held = draw_letter_cells(places, HELD_OUT_ROWS, held_out=True, condition=condition)
        _print_row(condition, held)


if __name__ == "__main__":
    main()
