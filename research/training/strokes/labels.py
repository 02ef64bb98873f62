"""Check the labels of words and lines with the present network, and find each letter's place.

    python -m research.training.strokes.labels --data FOLDER --out LABELS.npz

Some labels do not fit: they are in another case than the ink, lack a letter that is written or
have one that is not, or belong to another sample. Of a label's cases the likeliest is taken; a
label that fits badly is left out. A stop and a new start go on where it was. One core needs about
half an hour. Nothing of writers who are held out is looked at.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.handwriting.network import LINE_HEIGHT, STEP_PX, read_all_characters
from research.training.handwriting.alignment import MIN_P, LogProbabilities, find_best_alignment
from research.training.handwriting.lines import cut_clean_ink
from research.training.strokes.pen import draw_plain
from research.training.strokes.samples import StrokeFile, StrokeSample, load_stroke_file

SAMPLES_PER_WRITER = 150
"""More words of one writer, or more lines, teach little."""
GOOD_FIT = -0.25
"""A label that fits so well (mean logarithm of p per letter) has the right case."""
MIN_FIT = -2.5
"""A label that fits worse is another text's; hard hands fit badly too."""
MIN_CASE_GAIN = 2.0
"""How much likelier another case must be, in nats."""
SAVE_EVERY = 500
PAD_BESIDE = 0.3


@dataclass(frozen=True, slots=True)
class CheckedLabel:
    """What a sample says, and where its letters are.

    `middles` are places from the left in the file's units; `fit` is the mean logarithm of p per
    letter.
    """

    text: str
    fit: float
    middles: tuple[int, ...]


def order_by_writer(strokes: StrokeFile) -> list[int]:
    """Return the words and lines to train on: one of each writer, then a second, …"""
    own: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in strokes.find("word", "line", held=False):
        own[int(strokes.writer[place]), int(strokes.kind[place])].append(place)
    # Spread evenly over what a writer wrote.
    kept = {
        writer: [places[i] for i in np.linspace(0, len(places) - 1, SAMPLES_PER_WRITER, dtype=int)]
        if len(places) > SAMPLES_PER_WRITER
        else places
        for writer, places in own.items()
    }
    return [
        places[turn]
        for turn in range(SAMPLES_PER_WRITER)
        for places in kept.values()
        if turn < len(places)
    ]


def check_label(sample: StrokeSample) -> CheckedLabel | None:
    """Return the case of a label that fits best, and its letters' places.

    None without ink, or if it has more letters than the network's time steps.
    """
    picture = cut_clean_ink(draw_plain(sample.strokes))
    if picture is None:
        return None
    ((steps, characters),) = read_all_characters([picture])
    logs = np.log(np.maximum(steps.astype(np.float64), MIN_P))
    found = choose_case(logs, characters, sample.text)
    if found is None:
        return None
    text, fit, places = found
    # From time steps over px of the image to the file's units.
    height, width = picture.shape
    beside = round(PAD_BESIDE * height / (1 + PAD_BESIDE))
    right = max(float(stroke[:, 0].max()) for stroke in sample.strokes)
    per_px = right / max(1, width - 2 * beside)
    px = [(place + 0.5) * STEP_PX * height / LINE_HEIGHT - beside for place in places]
    return CheckedLabel(text, fit, tuple(round(x * per_px) for x in px))


def choose_case(
    logs: LogProbabilities, characters: str, label: str
) -> tuple[str, float, list[float]] | None:
    """Return the case of a label that fits best, its fit and the letters' time steps."""
    best: tuple[str, float, list[float]] | None = None
    for text in dict.fromkeys(
        (label, label.lower(), label.upper(), label[:1].upper() + label[1:].lower())
    ):
        if len(logs) < len(text) or any(sign not in characters for sign in text):
            continue
        places, total = find_best_alignment(logs, [characters.index(sign) + 1 for sign in text])
        # The label itself comes first; another case must be clearly likelier.
        if best is None or total > best[1] * len(best[0]) + MIN_CASE_GAIN:
            best = text, total / max(1, len(text)), places
        if best[1] >= GOOD_FIT:
            break
    return best


def load_labels(file: Path) -> dict[int, CheckedLabel]:
    """Return the labels that fit, by the place of their sample."""
    return {place: label for place, label in _iter_saved(file) if label and label.fit >= MIN_FIT}


def _iter_saved(file: Path) -> Iterator[tuple[int, CheckedLabel | None]]:
    if not file.is_file():
        return
    data = np.load(file)
    places, fits, ends, middles = (data[key] for key in ("place", "fit", "end", "middles"))
    start = 0
    for place, fit, end, text in zip(
        places, fits, ends, bytes(data["text"]).decode().split("\n"), strict=True
    ):
        own: NDArray[np.int16] = middles[start:end]
        label = CheckedLabel(text, float(fit), tuple(int(x) for x in own)) if text else None
        yield int(place), label
        start = end


def save_labels(labels: Sequence[tuple[int, CheckedLabel | None]], file: Path) -> None:
    """Write labels with the places of their samples; None stands for one that cannot be read."""
    lengths = [len(label.middles) if label else 0 for _, label in labels]
    part = file.with_suffix(".part.npz")
    np.savez_compressed(
        part,
        place=np.array([place for place, _ in labels], np.int32),
        fit=np.array([label.fit if label else 0 for _, label in labels], np.float16),
        end=np.cumsum(lengths, dtype=np.int32),
        middles=np.array([x for _, label in labels if label for x in label.middles], np.int16),
        text=np.frombuffer(
            "\n".join(label.text if label else "" for _, label in labels).encode(), np.uint8
        ),
    )
    # A crash leaves the old file.
    part.replace(file)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    strokes = load_stroke_file(args.data / "unipen_strokes.npz")
    labels = list(_iter_saved(args.out))
    known = {place for place, _ in labels}
    left = [place for place in order_by_writer(strokes) if place not in known]
    for number, place in enumerate(left, 1):
        labels.append((place, check_label(strokes.read(place))))
        if number % SAVE_EVERY == 0 or number == len(left):
            save_labels(labels, args.out)
            print(f"{number} of {len(left)}", flush=True)


if __name__ == "__main__":
    main()
