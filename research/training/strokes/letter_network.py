"""Train the network that reads single letter boxes, and measure the one that is installed.

    python -m research.training.strokes.letter_network --data FOLDER --run RUN --out FOLDER
        [--measure-only]

It has the layers of the digit networks and an answer for each of `LETTER_SYMBOLS`. Training goes on
with the weights that are installed, which began with those for digits, on boxes drawn with UNIPEN's
capitals and small letters, letters cut from DHSD's words and fonts: some 35 minutes on two cores.
It is written to OUT as `letters.onnx` (8 bits) and `trained/letters.onnx`; its card is
`letters.md`. RUN is a folder for checkpoints and drawn cells: the same command goes on. FOLDER has
`unipen_strokes.npz`, `dhsd_words.npz`, `optdigits.npz` and `fonts_train/`.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch

from pipeline.reading.fields.digits.letters import (
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

CHUNKS, CHUNK_ROWS, EPOCHS, RATE = 8, 10_000, 6, 3e-3
HELD_OUT_ROWS, RANGE_CELLS = 300, 2_600


def draw_letter_cells(
    places: tuple[Path, Path],
    rows: int,
    *,
    held_out: bool,
    condition: str | None = None,
    chunk: int = 0,
) -> LabelledCells:
    """Draw cells of rows of letter boxes, with a seed of their own.

    `places` are the folders of handwriting and of printed faces.
    """
    cv2.setNumThreads(1)
    number = CONDITIONS.index(condition) if condition else len(CONDITIONS) + chunk
    rng = np.random.default_rng([SEED, number, rows, held_out])
    data, print_fonts = places
    contents = load_box_letters(data, tuple(find_print_fonts(print_fonts)), held_out=held_out)
    return draw_condition_cells(contents, rows, rng, condition)


def draw_training_cells(places: tuple[Path, Path], processes: int) -> LabelledCells:
    """Draw what is trained on; the number of processes does not matter."""
    with ProcessPoolExecutor(processes) as pool:
        jobs = [
            pool.submit(draw_letter_cells, places, CHUNK_ROWS, held_out=False, chunk=chunk)
            for chunk in range(CHUNKS)
        ]
        parts = [job.result() for job in jobs]
    return np.concatenate([p for p, _ in parts]), np.concatenate([v for _, v in parts])


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
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--print-fonts", type=Path, default=Path("/usr/share/fonts"))
    args = parser.parse_args()
    places = args.data, args.print_fonts
    torch.set_num_threads(args.processes)
    trained = args.out / TRAINED_FOLDER / LETTER_MODEL.name
    if not args.measure_only:
        cells = draw_once(
            args.run / "cells.npz",
            lambda: draw_training_cells(places, args.processes),
        )
        torch.manual_seed(SEED)
        written = LETTER_MODEL.parent / TRAINED_FOLDER / LETTER_MODEL.name
        network = begin_network(written, cells[0], len(LETTER_SYMBOLS))
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
