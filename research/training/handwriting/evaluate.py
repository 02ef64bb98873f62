"""Compare the tuned handwriting network with the shipped one on held-out writers and fonts.

Both get the same images and the same greedy decoding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.network import ALPHABET, LINE_HEIGHT, STEP_PX
from research.training.handwriting.augment import spoil
from research.training.handwriting.lines import (
    TrainingLine,
    find_fonts,
    load_archive,
    load_dhsd,
    render_line,
)
from research.training.handwriting.texts import CHARACTERS

SEED = 7
LINES_PER_FONT = 20
"""Lines per held-out font."""
LineReader = Callable[[Image], str]


def error_by_writer(lines: Sequence[TrainingLine], texts: Sequence[str]) -> dict[str, float]:
    """Return the character error rate (edits per character written) of each writer.

    "" is all of them together.
    """
    wrong: dict[str, int] = defaultdict(int)
    written: dict[str, int] = defaultdict(int)
    for line, text in zip(lines, texts, strict=True):
        # Count for the writer and for the total.
        for who in ("", line.writer):
            wrong[who] += Levenshtein.distance(text, line.text)
            written[who] += len(line.text)
    return {who: wrong[who] / written[who] for who in written}


def greedy_text(steps: NDArray[np.float32], characters: str) -> str:
    """Return the most probable symbols, without repeats and blanks (column 0)."""
    # Greedy CTC decoding: collapse repeats, then drop blanks.
    best = steps.argmax(-1)
    kept = best[np.flatnonzero(np.diff(best, prepend=-1))]
    return " ".join("".join(characters[i - 1] for i in kept if i).split())


def make_reader(file: Path) -> LineReader:
    """Return a reader of single lines with a network's file.

    It is restricted to what both networks answer for.
    """
    import onnxruntime

    # One thread, so that results and times are comparable.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    # Only the characters that both networks know, in one order.
    known = [*session.get_modelmeta().custom_metadata_map["character"].split("\n"), " "]
    place = {c: i for i, c in enumerate(known, start=1)}
    characters = ALPHABET + "".join(c for c in CHARACTERS if c not in ALPHABET)
    columns = [0, *(place[c] for c in characters)]

    def read(picture: Image) -> str:
        # Scale to the network's height; the width is a multiple of its stride.
        width = max(2 * STEP_PX, round(picture.shape[1] * LINE_HEIGHT / picture.shape[0]))
        way = cv2.INTER_AREA if picture.shape[0] > LINE_HEIGHT else cv2.INTER_CUBIC
        block = np.ones(
            (1, 3, LINE_HEIGHT, -(-max(width, LINE_HEIGHT) // STEP_PX) * STEP_PX), np.float32
        )
        # Normalise to -1…1; padding is white.
        block[..., :width] = (
            cv2.resize(picture, (width, LINE_HEIGHT), interpolation=way).astype(np.float32) / 127.5
            - 1.0
        )
        # Drop the time steps of the padding.
        answer = np.asarray(session.run(None, {session.get_inputs()[0].name: block})[0], np.float32)
        return greedy_text(answer[0][: -(-width // STEP_PX), columns], characters)

    return read


def load_held_out(data: Path, archives: Sequence[Path]) -> Iterator[tuple[str, list[TrainingLine]]]:
    """Return each set with its name."""
    yield "DHSD words", load_dhsd(data / "dhsd_words.npz", held=True)
    rng = np.random.default_rng(SEED)
    drawn = [
        render_line(font, rng)
        for font in find_fonts(data / "fonts_train", held=True)
        for _ in range(LINES_PER_FONT)
    ]
    yield (
        "Swedish phrases, fonts",
        [
            TrainingLine(spoil(line.picture, rng, real=False), line.text, line.writer)
            for line in drawn
        ],
    )
    for archive in archives:
        yield archive.stem, load_archive(archive, held=True)


def compare_networks(shipped: Path, tuned: Path, data: Path, archives: Sequence[Path]) -> bool:
    """Print the character error rates of both networks on every set, in total and by writer.

    True if the tuned one is better on each.
    """
    readers = make_reader(shipped), make_reader(tuned)
    better = True
    print(
        "| set | lines | writers | shipped | tuned | shipped: median, worst writer | tuned: "
        "median, worst writer |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    for name, lines in load_held_out(data, archives):
        # Error rates of both networks on the same lines.
        rates = [error_by_writer(lines, [read(line.picture) for line in lines]) for read in readers]
        writers = [[rate for who, rate in r.items() if who] for r in rates]
        spread = [f"{np.median(w):.3f}, {max(w):.3f}" for w in writers]
        print(
            f"| {name} | {len(lines)} | {len(writers[0])} | {rates[0]['']:.3f} | "
            f"{rates[1]['']:.3f} | {spread[0]} | {spread[1]} |",
            flush=True,
        )
        # Better only if the total error of every set is lower.
        better &= rates[1][""] < rates[0][""]
    return better
