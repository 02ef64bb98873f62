"""Writing with too few time steps per letter is read again, widened; other writing is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting import reader
from pipeline.reading.fields.handwriting.line_image import LineImage
from pipeline.reading.fields.handwriting.network import ALPHABET, STEP_PX, Steps
from pipeline.reading.fields.handwriting.reader import (
    MAX_SPREADS,
    SPREAD_FACTOR,
    read_condensed,
    read_line_images,
)
from research.training.handwriting.lines import find_fonts, render_line
from tests.support.shared_data import shared

HEIGHT, WIDTH = 48, 160


def answering(text: str) -> Steps:
    """Network output with as many steps as the image has and this text as its best path (`_` is a
    blank).
    """
    steps = np.zeros((WIDTH // STEP_PX, 1 + len(ALPHABET)), np.float32)
    steps[:, 0] = 0.1
    for i, sign in enumerate(text):
        steps[i, 0 if sign == "_" else 1 + ALPHABET.index(sign)] = 1.0
    return steps


@pytest.mark.parametrize(
    ("path", "spread"),
    [
        ("a_b_c_d_e_f_g_h_i_j_", False),
        ("a_bcd_efg_hij_klm_no", True),
        ("aaabbbcccdddeeefff__", False),
        ("____________________", True),
    ],
)
def test_only_dense_or_unread_writing_is_widened(
    path: str, spread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []

    def network(images: Sequence[Image], file: Path | None = None) -> list[Steps]:
        assert file is None
        shown.extend(image.shape[1] for image in images)
        return [answering(path) for _ in images]

    monkeypatch.setattr(reader, "read_steps", network)
    ((seen, _),) = read_condensed([np.full((HEIGHT, WIDTH), 255, np.uint8)])
    assert shown == [
        WIDTH,
        *(round(SPREAD_FACTOR**times * WIDTH) for times in range(1, MAX_SPREADS + 1) if spread),
    ]
    assert seen.shape == (HEIGHT, shown[-1])


@pytest.mark.shared
def test_words_in_narrow_writing_are_read_and_located() -> None:
    """Half of the letters were lost, and with them all but one position."""
    font = next(
        file
        for file in find_fonts(shared("handwriting", "fonts_train"), held=True)
        if file.stem.startswith("just-another")
    )
    picture = render_line(font, np.random.default_rng(1), "Metoprolol och Amlodipin").picture
    narrow = np.asarray(
        cv2.resize(
            picture, (round(0.7 * picture.shape[1]), picture.shape[0]), interpolation=cv2.INTER_AREA
        ),
        np.uint8,
    )
    (found,) = read_line_images([LineImage(narrow)], with_word_boxes=True)
    assert found.value == "Metoprolol och Amlodipin"
    assert [found.value[word.start : word.end] for word in found.words] == [
        "Metoprolol",
        "och",
        "Amlodipin",
    ]
    assert narrow.shape[1] / 2 < found.words[-1].box[0] + found.words[-1].box[2] <= narrow.shape[1]
