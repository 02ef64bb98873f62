"""The printed text of a page that a feeder has turned a little."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.model import Image
from pipeline.reading.fields.printed_text import read_page_text
from tests.support.pages.sample_pages import printed_paper


@pytest.fixture(scope="module")
def paper() -> Image:
    """A small bill."""
    whole = printed_paper(("Norrkraft AB", "ELRÄKNING", "Fakturadatum 2021-12-10", "450,00 kr"))
    return np.asarray(cv2.resize(whole[:1100, :1400], None, fx=0.5, fy=0.5), np.uint8)


@pytest.mark.parametrize("angle", [0, 9])
def test_words_are_read_and_placed_on_a_page_that_lies_askew(paper: Image, angle: float) -> None:
    height, width = paper.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    turned = np.asarray(
        cv2.warpAffine(paper, turn, (width, height), borderValue=(255, 255, 255)), np.uint8
    )
    words = {word: (x + w / 2, y + h / 2) for word, x, y, w, h in read_page_text(turned)}
    level = {word: (x + w / 2, y + h / 2) for word, x, y, w, h in read_page_text(paper)}
    assert {"ELRÄKNING", "Fakturadatum", "2021-12-10"} <= words.keys()
    x, y = level["2021-12-10"]
    expected = turn @ np.array([x * width, y * height, 1.0]) / (width, height)
    assert words["2021-12-10"] == pytest.approx(tuple(expected), abs=0.01)


def test_an_empty_page_has_no_words() -> None:
    assert read_page_text(np.full((400, 300), 255, np.uint8)) == ()
