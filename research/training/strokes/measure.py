"""Measure a network of handwriting on all people that nobody trained on, as the product reads.

    python -m research.training.strokes.measure --data SHARED --network FILE.onnx [--most 200]
        [--only "UNIPEN words"]

SHARED has `handwriting/`. FILE is a network that `train export` or `quantize` wrote; without it,
the one of the setting `handwriting` is measured. "Likeliest path" is the network alone, "reads"
with the knowledge of Swedish and all that the product does with a line.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

from pipeline.domain.settings import ROOT
from pipeline.reading.fields.handwriting.line_image import LineImage
from pipeline.reading.fields.handwriting.network import ALPHABET, TUNED_MODELS, read_steps
from pipeline.reading.fields.handwriting.reader import read_line_images
from research.evaluation.fields.handwriting import ABSENCE_BY_SET, load_sets
from research.evaluation.measure import EvaluationData
from research.training.handwriting.evaluate import error_by_writer, greedy_text
from research.training.handwriting.lines import TrainingLine


def install_network(file: Path, folder: Path) -> None:
    """Make the product read with a network, in a folder with links to all other models."""
    for one in (ROOT / "data" / "models").iterdir():
        (folder / one.name).symlink_to(one)
    for name in TUNED_MODELS.values():
        (folder / name).unlink()
        (folder / name).symlink_to(file.resolve())
    os.environ["EFTERSKRIFT_MODELS"] = str(folder)
    os.environ["EFTERSKRIFT_HANDWRITING"] = "free"


def _print_row(name: str, lines: list[TrainingLine]) -> None:
    pictures = [line.picture for line in lines]
    likeliest = [greedy_text(steps, ALPHABET) for steps in read_steps(pictures)]
    read = [str(one.value or "") for one in read_line_images([LineImage(p) for p in pictures])]
    rates = error_by_writer(lines, read)
    writers = [rate for who, rate in rates.items() if who]
    wrong = sum(text != line.text for text, line in zip(read, lines, strict=True)) / len(lines)
    print(
        f"| {name} | {len(lines)} | {len(writers)} | {error_by_writer(lines, likeliest)['']:.3f} | "
        f"{rates['']:.3f} | {np.median(writers):.3f} | {wrong:.3f} |",
        flush=True,
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--network", type=Path)
    parser.add_argument("--most", type=int, default=200, help="lines of a set")
    parser.add_argument("--only", action="append", default=[], help="the name of a set")
    args = parser.parse_args()
    only = frozenset(args.only or ABSENCE_BY_SET)
    with tempfile.TemporaryDirectory() as folder:
        if args.network:
            install_network(args.network, Path(folder))
        print("| set | lines | writers | likeliest path | reads | median writer | lines wrong |")
        print("|---|--:|--:|--:|--:|--:|--:|")
        for name, lines in load_sets(EvaluationData(args.data), only=only):
            _print_row(name, lines[:: max(1, len(lines) // args.most)])


if __name__ == "__main__":
    main()
