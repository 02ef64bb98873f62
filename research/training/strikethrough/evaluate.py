"""Measure how well struck-out places are found on lines of real writers.

The labels mark them (`>word<`, `<>`).
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.strikethrough import (
    Strike,
    extract_strikes,
    strike_probabilities,
)
from research.training.handwriting.lines import archive_writer, cut_like_product, held_out_writers

STRUCK_LABEL_PATTERN = re.compile(r">([^<>]*)<|<>")
MAX_PLACE_OFFSET = 0.12
"""A strike within this part of the line's width from its labelled place is that strike."""


def load_labelled_lines(archive: Path, *, held: bool) -> Iterator[tuple[Image, str]]:
    """Return each line as the product cuts it and its label.

    Of the held-out writers (`held`) or of the others.
    """
    with zipfile.ZipFile(archive) as files:
        rows = list(
            csv.reader(
                io.StringIO(files.read("labels.tsv").decode("utf-8")),
                delimiter="\t",
                quoting=csv.QUOTE_NONE,
            )
        )
        aside = held_out_writers(archive_writer(name) for name, _ in rows)
        # The writers of one side of the split.
        for name, text in rows:
            if (archive_writer(name) in aside) != held:
                continue
            grey = cv2.imdecode(np.frombuffer(files.read(name), np.uint8), cv2.IMREAD_GRAYSCALE)
            picture = cut_like_product(np.asarray(grey, np.uint8))
            if picture is not None:
                yield picture, text


def labelled_strikes(text: str) -> list[tuple[float, int]]:
    """Return where a label says that something is struck out.

    The middle as part of the line's length, and how many letters (0: not known).
    """
    found = []
    # Length of the text as it is on the paper; an unreadable deletion counts as two letters.
    shown = len(STRUCK_LABEL_PATTERN.sub(lambda m: m[1] or "##", text)) or 1
    before = 0
    end = 0
    # Characters between deletions count for the position.
    for match in STRUCK_LABEL_PATTERN.finditer(text):
        before += match.start() - end
        letters = len(match[1] or "")
        found.append(((before + (letters or 2) / 2) / shown, letters))
        before += letters or 2
        end = match.end()
    return found


def measure_strikes(archive: Path, model: Path, *, held: bool) -> str:
    """Return a table row in words.

    Places found, false places, and lines without a strike that were taken to have one.
    """
    counts: Counter[str] = Counter()
    # Match the strikes that the network finds with those of the label.
    for picture, text in load_labelled_lines(archive, held=held):
        _count_matches(
            counts,
            extract_strikes(strike_probabilities(picture, model), picture),
            labelled_strikes(text),
            picture,
        )
    found = counts["longer found"] + counts["short found"]
    total = counts["longer"] + counts["short"]
    return (
        f"lines {counts['lines']}; struck-out places {total}, found {found} "
        f"({found / max(1, total):.2f}); "
        f"of those of two letters and more or of unknown length {counts['longer found']} of "
        f"{counts['longer']}; "
        f"strikes reported {counts['reported']}, of these right {found} "
        f"({found / max(1, counts['reported']):.2f}); "
        f"lines without a strike {counts['plain']}, with a false one {counts['plain wrong']} "
        f"({counts['plain wrong'] / max(1, counts['plain']):.4f})"
    )


def _count_matches(
    counts: Counter[str],
    strikes: Sequence[Strike],
    marked: Sequence[tuple[float, int]],
    picture: Image,
) -> None:
    width = picture.shape[1]
    counts["lines"] += 1
    counts["reported"] += len(strikes)
    counts["plain"] += not marked
    counts["plain wrong"] += bool(strikes) and not marked
    # Each strike may match one labelled place.
    left = list(strikes)
    for middle, letters in marked:
        kind = "short" if letters == 1 else "longer"
        counts[kind] += 1
        # Near enough: within a share of the line's width.
        near = [
            s
            for s in left
            if s.start / width - MAX_PLACE_OFFSET <= middle <= s.end / width + MAX_PLACE_OFFSET
        ]
        if near:
            counts[f"{kind} found"] += 1
            left.remove(near[0])
