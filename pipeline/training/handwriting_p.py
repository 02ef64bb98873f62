"""Fits `data/models/handwriting_p.json`: how often the handwriting network is right, by its own score.

    python -m pipeline.training.handwriting_p DHSD_WORDS.npz

The data (DHSD, DFKI, CC BY 4.0) is not part of the project. Words with ß are left out: Swedish paper has none and the alphabet lacks it. A fit on
half of the writers shows on the other half the error that is left; the table rests on all.
The fit is isotonic (pool adjacent violators; Ayer et al. 1955).
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image
from pipeline.recognize.crop import Crop
from pipeline.recognize.ctc import decode
from pipeline.recognize.ink import find_ink
from pipeline.recognize.line_picture import banded, line_picture
from pipeline.recognize.network import ALPHABET, read_steps
from pipeline.settings import ROOT

Pairs = list[tuple[float, bool]]
LINE_MM = 9.0
NOTE = "Isotonic fit of the shipped PP-OCRv6 small network on DHSD words (CC BY 4.0) without ß; made by pipeline/training/handwriting_p.py"


def isotonic(pairs: Pairs, points: int = 24) -> list[tuple[float, float]]:
    """A rising table (score, share right) of at most `points` points, each resting on equally many pairs."""
    ordered = sorted(pairs)
    chunks = [c for c in np.array_split(np.array(ordered, float), points) if len(c)]
    blocks = [[float(c[:, 0].mean()), float(c[:, 1].mean()), float(len(c))] for c in chunks]
    pooled: list[list[float]] = []
    for block in blocks:
        pooled.append(block)
        while len(pooled) > 1 and pooled[-2][1] >= pooled[-1][1]:
            (s1, p1, n1), (s2, p2, n2) = pooled[-2:]
            total = n1 + n2
            pooled[-2:] = [[(s1 * n1 + s2 * n2) / total, (p1 * n1 + p2 * n2) / total, total]]
    inner = [(round(s, 5), round(min(max(p, 0.005), 0.995), 4)) for s, p, _ in pooled]
    return [(0.0, inner[0][1]), *inner, (1.0, inner[-1][1])]


def expected_error(pairs: Pairs, fitted: Sequence[tuple[float, float]]) -> float:
    """Expected calibration error over ten equal parts."""
    scores, shares = zip(*fitted, strict=True)
    said = np.interp([s for s, _ in pairs], scores, shares)
    order = np.argsort(said)
    right = np.array([r for _, r in pairs], float)
    parts = np.array_split(order, 10)
    return float(sum(len(i) * abs(said[i].mean() - right[i].mean()) for i in parts) / len(pairs))


def _measured(images: Sequence[Image], texts: Sequence[str]) -> tuple[Pairs, Pairs]:
    pictures = [_picture(image) for image in images]
    kept = [(p, t) for p, t in zip(pictures, texts, strict=True) if p is not None]
    lines: Pairs = []
    letters: Pairs = []
    for steps, (_, text) in zip(read_steps([p for p, _ in kept]), kept, strict=True):
        best = decode(steps, ALPHABET)[0]
        lines.append((best.p, best.text.strip() == text))
        right = {i for a, _, n in difflib.SequenceMatcher(None, best.text, text, autojunk=False).get_matching_blocks() for i in range(a, a + n)}
        letters += [(p, i in right) for i, p in enumerate(best.characters)]
    return lines, letters


def _picture(image: Image) -> Image | None:
    height, width = image.shape
    spec = FieldSpec(name="word", label="word", kind=Kind.TEXT, box=(0, 0, LINE_MM * width / height, LINE_MM))
    ink = find_ink(Crop(image, spec))
    return line_picture(ink, banded(ink.mask, (0, height))[0])


def main(path: Path) -> None:
    """Print the error of a fit on half of the writers on the other half, then fit on all and write the table."""
    data = np.load(path)
    plain = np.array(["ß" not in t for t in data["text"]])
    half = data["writer"] % 2 == 0
    seen = _measured(data["x"][plain & half], data["text"][plain & half])
    unseen = _measured(data["x"][plain & ~half], data["text"][plain & ~half])
    for what, pairs, others in zip(("line", "character"), seen, unseen, strict=True):
        print(f"{what}: calibration error on other writers {expected_error(others, isotonic(pairs)):.3f}")
    tables = {what: isotonic(pairs + others) for what, pairs, others in zip(("line", "character"), seen, unseen, strict=True)}
    target = ROOT / "data" / "models" / "handwriting_p.json"
    target.write_text(json.dumps({"note": NOTE, **tables}, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
