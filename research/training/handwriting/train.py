"""Fine-tune the handwriting network on lines of known text, and compare it with the shipped one.

    pip install -e '.[train]'
    python -m research.training.handwriting.train train --data FOLDER --run RUN --planned 200000
        [--lines OWN.zip] [--strokes LABELS.npz]
    python -m research.training.handwriting.train measure --data FOLDER --run RUN
        [--lines OWN.zip]
    python -m research.training.handwriting.train export --run RUN
        --out data/models/trained/handwriting-free.onnx [--share 0.5]
    # makes the network that reads of it; then research.training.calibration.fit
    python -m research.training.handwriting.quantize …

`FOLDER` has `dhsd_words.npz` (DHSD, DFKI 2026, CC BY 4.0: `x`, `text`, `writer`) and
`fonts_train/*.ttf` (handwriting fonts under free licences). `--fonts` adds a folder of faces
(`python -m research.training.handwriting.fonts FOLDER` fetches 228). Up to a quarter of what is
trained on is Swedish text composed from pieces of all these lines of people's (`compose_lines.py`),
since hardly any Swedish writers may be trained on.

`--strokes` adds words, lines and composed text of 511 more people, drawn from the movements of
their pens (`unipen_strokes.npz` in FOLDER, UNIPEN, CC BY 4.0); LABELS.npz says what they wrote
(`python -m research.training.strokes.labels`).

`--lines` adds line images of your own, for instance lines that reviewers corrected: a zip file of
images `<writer or page number>…png` and `labels.tsv` (name, tab, text); it may be given more than
once. Lines from health records need a purpose and a legal ground of their own. A line in capitals
is trained on as such, also if its label has small letters (`sources.py`).

`--share` goes only so far from the weights that training started from towards the tuned ones (each
weight a mean of the two; Wortsman et al., CVPR 2022, "Robust fine-tuning of zero-shot models"):
most of what is gained on the writers trained on is kept, and of what was known of other writers
too. `--start FILE` goes on from weights that were tuned before, with a new warm-up; by default
training starts from the network as shipped. Given again when exporting, `--share 0.5` is the mean
of the two tuned networks.

RUN is a folder for checkpoints: the same command continues an interrupted run, also with more lines
`--planned` (`research/training/runs.py`). `measure` and `export` may be used while it runs: they
take the mean of the last checkpoint's weights. `pack` writes a checkpoint of 12 MB to RUN, for
another machine. Nothing in the product imports this module.

Weights may be used as the strictest licence of what they were trained on says: DHSD, UNIPEN and the
fonts leave them free, naming the source. `measure` says whether the tuned network is better on
every held-out set; only then is it worth installing.

Recipe: PP-OCRv6 small with its last layer cut to 137 characters; CTC; AdamW 5e-4 with warm-up and a
linear fall; a running mean of the weights; batch normalisation keeps its statistics.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.nn import functional as nnf

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.network import LINE_HEIGHT, MAX_LINE_WIDTH_PX, STEP_PX
from research.training.handwriting.evaluate import compare_networks
from research.training.handwriting.lines import TrainingLine
from research.training.handwriting.network import (
    TrainableNetwork,
    blend_weights,
    export_network,
    load_shipped,
    load_tuned_weights,
    score_lines,
)
from research.training.handwriting.sources import TrainingSources, load_sources
from research.training.handwriting.texts import CHARACTERS, is_known
from research.training.runs import TrainingRun
from research.training.strokes.sources import load_stroke_source

SEED = 20261124
LEARNING_RATE = 5e-4
POOL_LINES = 96
"""How many lines are drawn at a time and sorted by width, to waste little on white."""
BATCH_PX = 9_600
MAX_LINE_PX = 1_400
SOURCES_FILE = "sources.pickle"
MISLABELLED_LOSS = 3.0
"""A line with more loss per character (nats) has another line's label.

A few pages of DHSD do.
"""
LineBlock = NDArray[np.float32]


def make_block(pictures: Sequence[Image]) -> tuple[LineBlock, list[int]]:
    """Return images as the product hands them to the network, (n, 48, w) in −1…1.

    And the time steps that belong to each.
    """
    # Widths at the network's height, within its limits.
    widths = [
        int(np.clip(round(p.shape[1] * LINE_HEIGHT / p.shape[0]), STEP_PX * 2, MAX_LINE_WIDTH_PX))
        for p in pictures
    ]
    # Pad with white to the widest line, in whole time steps.
    block = np.ones(
        (len(pictures), LINE_HEIGHT, -(-max(*widths, 48) // STEP_PX) * STEP_PX), np.float32
    )
    for row, picture, width in zip(block, pictures, widths, strict=True):
        way = cv2.INTER_AREA if picture.shape[0] > LINE_HEIGHT else cv2.INTER_CUBIC
        # Normalise grey to -1…1.
        row[:, :width] = (
            cv2.resize(picture, (width, LINE_HEIGHT), interpolation=way).astype(np.float32) / 127.5
            - 1.0
        )
    return block, [-(-w // STEP_PX) for w in widths]


def iter_batches(drawn: TrainingSources, rng: Generator) -> Iterator[list[TrainingLine]]:
    """Yield lines of similar width together, without end."""
    while True:
        # Sort a pool by width, so that a batch has little padding.
        pool = sorted((drawn.drawn(rng) for _ in range(POOL_LINES)), key=_line_width)
        pool = [line for line in pool if _line_width(line) <= MAX_LINE_PX and is_known(line.text)]
        ready: list[list[TrainingLine]] = [[]]
        # Fill batches up to a total width, and yield them in random order.
        for line in pool:
            if ready[-1] and (len(ready[-1]) + 1) * _line_width(line) > BATCH_PX:
                ready.append([])
            ready[-1].append(line)
        yield from (ready[int(i)] for i in rng.permutation(len(ready)))


def _line_width(line: TrainingLine) -> float:
    height, width = line.picture.shape
    return float(width * LINE_HEIGHT / height)


def ctc_loss(network: TrainableNetwork, lines: Sequence[TrainingLine]) -> torch.Tensor:
    """Return CTC's loss per character."""
    # Classes start at 1; 0 is CTC's blank.
    block, steps = make_block([line.picture for line in lines])
    texts = [[CHARACTERS.index(c) + 1 for c in line.text] for line in lines]
    answer = score_lines(network.module, block)
    labels = torch.tensor([c for text in texts for c in text])
    lengths = torch.tensor([len(t) for t in texts])
    losses = nnf.ctc_loss(
        answer,
        labels,
        torch.tensor(steps).clamp(max=len(answer)),
        lengths,
        reduction="none",
        zero_infinity=True,
    )
    # Ignore lines that the network finds so improbable that their label must be wrong.
    believed = (losses.detach() < MISLABELLED_LOSS * lengths).float()
    return (losses * believed).sum() / (lengths * believed).sum().clamp(min=1)


def train_network(
    network: TrainableNetwork, drawn: TrainingSources, folder: Path, planned: int
) -> bool:
    """Train until `planned` lines were seen, over all continuations.

    False if the process was asked to end before.
    """
    run = TrainingRun(network.module, network.trained(), folder, LEARNING_RATE)
    run.begin()
    # Data is drawn by the number of the step where a former run stopped.
    rng = np.random.default_rng([SEED, run.steps])
    line_count, total, clock = 0, 0.0, time.process_time()
    for lines in iter_batches(drawn, rng):
        ends = run.must_end(planned)
        if ends or run.should_save():
            now = time.process_time()
            print(
                f"{run.seen} lines, step {run.steps}, loss {total / max(1, line_count):.4f}, "
                f"{line_count / max(1e-6, now - clock):.1f} lines a second of processor time",
                flush=True,
            )
            run.save()
            line_count, total, clock = 0, 0.0, now
        if ends:
            break
        loss = ctc_loss(network, lines)
        run.advance(loss, len(lines), planned)
        line_count, total = line_count + len(lines), total + loss.item() * len(lines)
    return run.seen >= planned


def _load_once(file: Path, load: Callable[[], TrainingSources]) -> TrainingSources:
    """Return what a run is trained on; cutting it takes minutes, so it is kept with the run."""
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_bytes(pickle.dumps(load()))
        part.replace(file)
    held = pickle.loads(file.read_bytes())  # written by the line above
    assert isinstance(held, TrainingSources)
    return held


def _find_shipped_file() -> Path:
    found = find_spec("rapidocr")
    if not found or not found.submodule_search_locations:
        raise SystemExit("Install rapidocr, or name its file with --network.")
    return Path(found.submodule_search_locations[0]) / "models" / "PP-OCRv6_rec_small.onnx"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("train", "measure", "export", "pack"))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--lines", type=Path, action="append", default=[])
    parser.add_argument(
        "--fonts",
        type=Path,
        action="append",
        default=[],
        help="a folder with more handwriting fonts (*.ttf)",
    )
    parser.add_argument("--strokes", type=Path, help="checked labels of UNIPEN")
    parser.add_argument("--planned", type=int, default=200_000, help="lines to train on, in all")
    parser.add_argument(
        "--network", type=Path, help="PP-OCRv6_rec_small.onnx, if rapidocr is not installed here"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="how far to go from the weights that training started from, 0…1",
    )
    parser.add_argument(
        "--start", type=Path, help="a tuned network to go on from, instead of the one as shipped"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    file = args.network or _find_shipped_file()
    network = load_shipped(file)
    if args.start:
        load_tuned_weights(network, args.start)
    if args.action == "train":
        sources = _load_once(
            args.run / SOURCES_FILE,
            lambda: load_sources(args.data, args.lines, args.fonts).with_hands(),
        )
        if args.strokes:
            sources = replace(sources, strokes=load_stroke_source(args.data, args.strokes))
        if not train_network(network, sources, args.run, args.planned):
            raise SystemExit("Stopped; the same command goes on.")
        return
    run = TrainingRun(network.module, network.trained(), args.run, LEARNING_RATE)
    if args.action == "pack":
        run.save_small()
        return
    run.use_mean()
    # Interpolate between the weights before and after training.
    tuned = args.out or args.run / "handwriting.onnx"
    before = load_shipped(file)
    if args.start:
        load_tuned_weights(before, args.start)
    blend_weights(network, before, args.share)
    export_network(network, tuned)
    if args.action == "measure":
        better = compare_networks(file, tuned, args.data, args.lines)
        print(
            "The tuned network is better on every set."
            if better
            else "The tuned network is not better on every set: do not install it."
        )


if __name__ == "__main__":
    main()
