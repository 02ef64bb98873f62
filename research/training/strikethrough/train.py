"""Train the network that finds struck-out words, and measure it on lines of real writers.

    pip install -e '.[train]'
    python -m research.training.strikethrough.train train --data FOLDER --strokes LABELS.npz
        --out data/models/strikes.onnx
    python -m research.training.strikethrough.train join --networks FIRST.onnx SECOND.onnx
        --out data/models/strikes.onnx
    python -m research.training.strikethrough.train measure --data FOLDER --lines LINES.zip

`FOLDER` has `dhsd_words.npz`, `fonts_train/*.ttf` and `unipen_strokes.npz`; strokes are drawn on
their words (`draw.py`). `--strokes` has the labels of UNIPEN's
(`python -m research.training.strokes.labels`); without it the network does not know their hands.
`LINES.zip` has images of lines and `labels.tsv`, in which `>word<` or `<>` is a struck-out place.
`measure` prints metrics for the held-out writers, `measure --others` for the rest. `join` makes one
network of two, whose answer is the mean of theirs. Nothing in the product imports this module.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper
from torch import nn
from torch.nn import functional as nnf

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.strikethrough import (
    STRIKE_INPUT_HEIGHT,
    STRIKE_MODEL,
    STRIKE_STEP_PX,
    prepare_input,
)
from research.training.handwriting.augment import spoil
from research.training.handwriting.lines import (
    TrainingLine,
    find_fonts,
    join_words,
    load_dhsd,
    render_line,
)
from research.training.onnx_tools import save_onnx
from research.training.strikethrough.draw import draw_line
from research.training.strikethrough.evaluate import measure_strikes
from research.training.strokes.sources import load_stroke_source

SEED = 20261124
EXAMPLE_WIDTH_PX = 512
BATCH_SIZE = 16
LEARNING_RATE = 2e-3
REAL_LINE_SHARE = 0.6
"""Share of lines that are words of real writers; the others are in fonts."""
STROKE_LINE_SHARE = 0.45
"""Share of lines that are of UNIPEN's writers; of the rest `REAL_LINE_SHARE` is of DHSD's."""
THICK_SHARE, THICKEST = 0.3, 0.07
"""How often a line is drawn with a thicker pen, and by how much at most, in heights of the line.

Felt pens, and what one bit makes of a ballpoint, fill loops and join letters.
"""


class StrikeNetwork(nn.Module):  # type: ignore[misc]
    """Four convolutions over the image, three along the line; about 60,000 parameters.

    (n, 1, 32, w) in 0…1 to (n, w / 4) scores.
    """

    def __init__(self) -> None:
        super().__init__()
        # Convolutions reduce the height to 1 and the width to a quarter.
        self.picture = nn.Sequential(
            *_make_block(1, 12, (2, 2)),
            *_make_block(12, 24, (2, 2)),
            *_make_block(24, 40, (2, 1)),
            *_make_block(40, 56, (4, 1)),
        )
        # Convolutions along the line give context to both sides.
        along = [layer for _ in range(2) for layer in (nn.Conv1d(56, 56, 7, padding=3), nn.ReLU())]
        self.line = nn.Sequential(*along, nn.Conv1d(56, 1, 3, padding=1))

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.line(self.picture(lines).squeeze(2))
        return scores.squeeze(1)


def _make_block(inward: int, outward: int, pool: tuple[int, int]) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inward, outward, 3, padding=1),
        nn.BatchNorm2d(outward),
        nn.ReLU(),
        nn.MaxPool2d(pool),
    )


def iter_batches(
    data: Path, labels: Path | None, rng: Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield drawn lines without end: images (n, 1, 32, 512).

    And whether each time step of 4 px is struck out.
    """
    strokes = load_stroke_source(data, labels) if labels else None
    # Group words by writer; a line is of one writer.
    words: dict[str, list[TrainingLine]] = {}
    for word in load_dhsd(data / "dhsd_words.npz", held=False):
        words.setdefault(word.writer, []).append(word)
    hands, fonts = list(words.values()), find_fonts(data / "fonts_train", held=False)
    while True:
        lines = (
            strokes.drawn(rng).picture
            if strokes and rng.random() < STROKE_LINE_SHARE
            else _choose_line(hands, fonts, rng)
            for _ in range(BATCH_SIZE)
        )
        drawn = [_make_example(_thicken(line, rng), rng) for line in lines]
        pictures, struck = np.stack([p for p, _ in drawn]), np.stack([s for _, s in drawn])
        yield torch.from_numpy(pictures).unsqueeze(1), torch.from_numpy(struck)


def _choose_line(hands: list[list[TrainingLine]], fonts: list[Path], rng: Generator) -> Image:
    if rng.random() < REAL_LINE_SHARE:
        words = hands[int(rng.integers(len(hands)))]
        # Two to five words of a writer, joined and degraded.
        line = join_words(
            [words[int(i)] for i in rng.integers(len(words), size=int(rng.integers(2, 6)))], rng
        )
        return spoil(line.picture, rng, real=True)
    return spoil(render_line(fonts[int(rng.integers(len(fonts)))], rng).picture, rng, real=False)


def _thicken(picture: Image, rng: Generator) -> Image:
    """Return a line (dark on white), now and then as a thicker pen would have written it."""
    if rng.random() >= THICK_SHARE:
        return picture
    side = max(2, round(float(rng.uniform(0.02, THICKEST)) * picture.shape[0]))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.erode(picture, kernel), np.uint8)


def _make_example(
    picture: Image, rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a piece of the line `WIDTH` px wide, with white next to it.

    And the share of each time step that is struck out, rounded.
    """
    drawn = draw_line(picture, rng)
    # Map the truth to the columns of the network's input, then to its time steps.
    ink = prepare_input(drawn.picture)
    at = np.minimum(
        (np.arange(ink.shape[1]) * len(drawn.struck)) // ink.shape[1], len(drawn.struck) - 1
    )
    struck = drawn.struck[at].reshape(-1, STRIKE_STEP_PX).mean(axis=1).round()
    # A random window at a time step.
    start = int(rng.integers(max(1, ink.shape[1] - EXAMPLE_WIDTH_PX + 1))) // STRIKE_STEP_PX
    steps = EXAMPLE_WIDTH_PX // STRIKE_STEP_PX
    # Pad with white; white is not struck out.
    block, target = (
        np.zeros((STRIKE_INPUT_HEIGHT, EXAMPLE_WIDTH_PX), np.float32),
        np.zeros(steps, np.float32),
    )
    piece = ink[:, start * STRIKE_STEP_PX : start * STRIKE_STEP_PX + EXAMPLE_WIDTH_PX]
    block[:, : piece.shape[1]] = piece
    target[: len(struck[start : start + steps])] = struck[start : start + steps]
    return block, target


def train_strike_network(data: Path, labels: Path | None, steps: int) -> StrikeNetwork:
    """Return a network trained for so many steps of `BATCH_SIZE` lines.

    It prints the loss now and then.
    """
    torch.manual_seed(SEED)
    network = StrikeNetwork()
    # AdamW with a one-cycle learning rate (Smith and Topin 2018).
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    recent: list[float] = []
    for step, (pictures, struck) in zip(
        range(1, steps + 1), iter_batches(data, labels, np.random.default_rng(SEED)), strict=False
    ):
        loss = nnf.binary_cross_entropy_with_logits(network(pictures), struck)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        # Mean loss of the last 200 steps.
        recent = [*recent[-199:], float(loss.detach())]
        if step % 200 == 0:
            print(f"step {step}: loss {np.mean(recent):.4f}", flush=True)
    return network


def export_strike_network(network: StrikeNetwork, file: Path) -> None:
    """Write the network as one ONNX file that returns probabilities."""
    example = torch.zeros(1, 1, STRIKE_INPUT_HEIGHT, 256)
    # A symbolic width in time steps.
    width = {0: {3: torch.export.Dim("steps", min=4, max=4000) * STRIKE_STEP_PX}}
    whole = nn.Sequential(network, nn.Sigmoid()).eval()
    save_onnx(
        torch.onnx.export(
            whole,
            (example,),
            input_names=["lines"],
            output_names=["p"],
            dynamic_shapes=(width[0],),
            dynamo=True,
        ),
        file,
    )


def join_strike_networks(files: Sequence[Path], out: Path) -> None:
    """Write one ONNX file that returns the mean of the answers of two networks."""
    graphs = [
        compose.add_prefix(onnx.load(file), f"{number}_") for number, file in enumerate(files)
    ]
    joined = compose.merge_models(*graphs, io_map=[])
    graph = joined.graph
    # Both read the same lines.
    source = helper.make_tensor_value_info("lines", TensorProto.FLOAT, None)
    source.CopyFrom(graph.input[0])
    source.name = "lines"
    nodes = [
        *(helper.make_node("Identity", ["lines"], [one.name]) for one in graph.input),
        *graph.node,
        helper.make_node("Mean", [one.name for one in graph.output], ["p"]),
    ]
    target = type(graph.output[0])()
    target.CopyFrom(graph.output[0])
    target.name = "p"
    whole = helper.make_graph(nodes, "strikes", [source], [target], graph.initializer)
    onnx.save(helper.make_model(whole, opset_imports=joined.opset_import), str(out))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("train", "join", "measure"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--networks", type=Path, nargs=2, help="what to join")
    parser.add_argument("--out", type=Path, default=STRIKE_MODEL)
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--strokes", type=Path, help="checked labels of UNIPEN")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument(
        "--others", action="store_true", help="measure on the writers that are not set aside"
    )
    args = parser.parse_args()
    if args.action == "train":
        export_strike_network(train_strike_network(args.data, args.strokes, args.steps), args.out)
    elif args.action == "join":
        join_strike_networks(args.networks, args.out)
    else:
        print(measure_strikes(args.lines, args.out, held=not args.others))


if __name__ == "__main__":
    main()
