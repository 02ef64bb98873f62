"""Train the network that reads letter boxes, measure it, and write `letters.onnx` with its card `letters.md`.

    python -m pipeline.training.letters --handwriting FOLDER --out data/models

What to install is said in `digits.py`; `FOLDER` holds `dhsd_words.npz` (DHSD, DFKI 2026, CC BY 4.0) and `fonts_train/*.ttf`. The seed is fixed; one
core needs about a quarter of an hour. Nothing in the product imports this module.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.model import Image
from pipeline.recognize.digits import cell_probabilities
from pipeline.recognize.letters import LETTERS, SYMBOLS
from pipeline.training.alignment import placed
from pipeline.training.digit_measures import expected_calibration_error, fitted_temperature
from pipeline.training.digit_rows import CONDITIONS
from pipeline.training.digits import SEED, Labels, cells_of_rows, export, isolated, print_faces, scores, train
from pipeline.training.handwriting_data import Line, dhsd, folder
from pipeline.training.letter_cuts import CutLetter, cut_letters
from pipeline.training.letter_glyphs import CUT, Letters, load

CARD = """# Letter boxes: `letters.onnx`

Reads one box of a row of letter boxes: 32 × 32 grey in (made by `pipeline/recognize/digit_cells.py`), probabilities of
32 answers out: the 29 letters of the Swedish alphabet (small letters count as capitals), empty, struck out or filled in,
other (a digit or sign). No form uses such boxes yet.

## Data

| source | licence | used for |
|---|---|---|
| DHSD (DFKI 2026): words of 27 German writers, those written in separate letters | CC BY 4.0 | letters |
| 61 handwriting fonts | OFL-1.1 or Apache-2.0 | letters and signs |
| DejaVu, Liberation, URW base 35 | Bitstream Vera, OFL-1.1, AGPL with font exception | printed letters |

{cells:,} training cells, drawn as for `digits.onnx`. Held out: every sixth writer of DHSD, every sixth family of
handwriting fonts, every sixth printed face. German words have no Å and few Q, X, Y; those come from fonts alone. The
weights carry the licence CC BY 4.0, with the sources named as above.

## Figures

Rows are drawn from held-out shapes. ECE: expected calibration error over 15 steps of p. The temperature
({temperature:.3f}) was fitted on other drawn rows of the held-out shapes.

| set | cells | error | ECE | share with p ≥ 0.999 | of these wrong |
|---|--:|--:|--:|--:|--:|
{rows}

## Make it again

    python -m pipeline.training.letters --handwriting FOLDER --out data/models --rows {drawn} --epochs {epochs}

## Limits

Few real letters, and of few hands. Small letters that look like another capital (l and I) and capitals that look alike
in quick hands (U and V) are mixed up.
"""


def real_letters(lines: Sequence[Line]) -> dict[str, tuple[Image, Labels]]:
    """Letters cut from lines as live crops are cut: capitals, and small letters."""
    cut = cut_letters(placed(lines), CUT)
    cases = {"capitals": [one for one in cut if one.letter.isupper()], "small letters": [one for one in cut if one.letter.islower()]}
    return {case: _as_cells(some) for case, some in cases.items() if some}


def _as_cells(cut: Sequence[CutLetter]) -> tuple[Image, Labels]:
    labels = np.array([LETTERS.index(one.letter.upper()) for one in cut], np.int64)
    return np.concatenate([isolated(np.pad(one.picture, 6)[None]) for one in cut]), labels


def measured(model: Path, pictures: Image, labels: Labels) -> str:
    """A set's cells of the table."""
    p = cell_probabilities(pictures, model)
    best, top = p.argmax(axis=1), p.max(axis=1)
    right = best == labels
    error, sure = float((~right).mean()), top >= 0.999
    ece = expected_calibration_error(top.astype(np.float64), right)
    return f"{len(labels)} | {error:.2%} | {ece:.4f} | {float(sure.mean()):.1%} | {int((~right & sure).sum())} |"


def drawn_sets(shapes: Letters) -> dict[str, tuple[Image, Labels]]:
    """Held-out rows in each condition."""
    return {f"rows, {c}": cells_of_rows(shapes, 500, np.random.default_rng([SEED, 7, i]), c) for i, c in enumerate(CONDITIONS)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handwriting", type=Path, required=True)
    parser.add_argument("--lines", type=Path, help="zip of lines of other writers, only measured on")
    parser.add_argument("--print-fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rows", type=int, default=24_000)
    args = parser.parse_args()
    faces, words = print_faces(args.print_fonts), args.handwriting / "dhsd_words.npz"
    pictures, labels = cells_of_rows(load(args.handwriting, faces, held_out=False), args.rows, np.random.default_rng(SEED), None)
    print(f"{len(labels)} cells of {len(LETTERS)} letters", flush=True)
    network = train(pictures, labels, args.epochs, len(SYMBOLS))
    held = load(args.handwriting, faces, held_out=True)
    calibration = cells_of_rows(held, 2_000, np.random.default_rng([SEED, 8]), None)
    temperature = fitted_temperature(scores(network, calibration[0]), calibration[1])
    model = args.out / "letters.onnx"
    export(network, temperature, model)
    sets = drawn_sets(held) | {f"DHSD, held-out writers, {case}": of for case, of in real_letters(dhsd(words, held=True)).items()}
    if args.lines:
        sets |= {f"lines, other writers, {case}": of for case, of in real_letters(folder(args.lines, held=True)).items()}
    rows = "\n".join(f"| {name} | {measured(model, *cells)}" for name, cells in sets.items())
    text = CARD.format(cells=len(labels), temperature=temperature, rows=rows, drawn=args.rows, epochs=args.epochs)
    (args.out / "letters.md").write_text(text, "utf-8")
    print(rows)


if __name__ == "__main__":
    main()
