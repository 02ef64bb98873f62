"""Cut words of two present-day Swedish writers out of their pages.

They test the handwriting network and are never trained or tuned on. The pages (`ad1.jpg` …) and
`<Writer>_labels.txt` are Uppsala University's (MIT). A writer's labels follow each page's words by
their left edge, as MATLAB numbers connected components of the page halved at mid grey.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pipeline.domain.model import Image
from research.training.handwriting.lines import TrainingLine, cut_like_product

WRITER_PAGES = {
    "Adina": {"ad1": (27, 17), "ad2": (27, 13)},
    "Christian": {"ch1": (27, 17), "ch2": (27, 17)},
}
"""Writers, their pages in order, and the gap between words.

The gap is how far (px, across and down) ink must be apart to belong to different words.
"""
INK_LEVEL, HALF_LEVEL = 200, 128
MIN_INK_PX = 150
MARGIN_PX = 6


def load_uppsala_words(folder: Path) -> list[TrainingLine]:
    """Return every word of both writers with its label and its image.

    The image is as the product would hand it to the network.

    Raises:
        ValueError: the pages do not have as many words as labels, so they are not the known
        ones.
    """
    found = []
    for writer, pages in WRITER_PAGES.items():
        labels = [
            label
            for line in (folder / f"{writer}_labels.txt").read_text("utf-8").splitlines()
            if (label := line.strip())
        ]
        # Words in reading order: page by page, left to right within a page.
        cut = [
            word
            for name, apart in pages.items()
            for word in _cut_words(_load_grayscale(folder / f"{name}.jpg"), apart)
        ]
        # One word too many or too few would shift all labels.
        if len(cut) != len(labels):
            raise ValueError(f"{folder.name}: {len(cut)} words but {len(labels)} labels")
        found += [
            TrainingLine(picture, label, writer)
            for word, label in zip(cut, labels, strict=True)
            if (picture := cut_like_product(word)) is not None
        ]
    return found


def _load_grayscale(file: Path) -> Image:
    return np.asarray(cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _cut_words(page: Image, apart: tuple[int, int]) -> list[Image]:
    """Return each word alone on white, by its left edge."""
    ink = page < INK_LEVEL
    # Grow ink by the gap between words, so that the letters of a word connect.
    grown = cv2.dilate(ink.astype(np.uint8), np.ones(apart[::-1], np.uint8))
    count, labels = cv2.connectedComponents(grown)
    # Components with little ink are dust.
    inked = np.bincount(labels[ink].astype(np.int64), minlength=count)
    cut = [_cut_word(page, labels == i) for i in range(1, count) if inked[i] > MIN_INK_PX]
    return [word for _, word in sorted(cut, key=lambda item: item[0])]


def _cut_word(
    page: Image, mine: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> tuple[int, Image]:
    # Bounding box of the word's ink.
    dark = mine & (page < INK_LEVEL)
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    # Ink of neighbouring words in the box is whitened.
    alone = np.where(mine[part], page[part], 255).astype(np.uint8)
    # Sort by dark ink, as the pale edge of a stroke varies.
    left = np.flatnonzero((mine & (page < HALF_LEVEL)).any(axis=0))[0]
    return int(left), np.pad(alone, MARGIN_PX, constant_values=255)
