"""A page votes for its form among many that share words with it, and for none if it has none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain.model import Image
from pipeline.reading.imaging import geometry
from pipeline.reading.register.template_images import (
    Blank,
    count_votes,
    extract_features,
    rank_likely,
)
from tests.support.pages.printed_elsewhere import care_blank, page
from tests.support.pages.synthetic_page import rendered, scribbled

pytestmark = pytest.mark.slow

TITLES = [(f"Lista {turn}", turn) for turn in range(1, 7)]


@pytest.fixture(scope="module")
def blanks(tmp_path_factory: pytest.TempPathFactory) -> list[Blank]:
    folder = tmp_path_factory.mktemp("blanks")
    for title, turn in TITLES:
        cv2.imwrite(str(folder / f"{turn}.png"), page(title, turn))
    return [(folder / f"{turn}.png", (210, 297)) for _, turn in TITLES]


def _votes(image: Image, blanks: list[Blank]) -> list[int]:
    written = scribbled(image, np.random.default_rng(4), lines=25)
    return count_votes(extract_features(geometry.shrink_image(written, 1200 / 3508), 3000), blanks)


def test_page_votes_most_for_its_form(blanks: list[Blank]) -> None:
    for number in (1, 4):
        turned = np.ascontiguousarray(np.rot90(page(*TITLES[number])))
        assert rank_likely(_votes(turned, blanks))[0] == number


@pytest.mark.parametrize("name", ["note", "other form"])
def test_page_of_no_known_form_votes_for_none(name: str, blanks: list[Blank]) -> None:
    image = np.full((3508, 2480), 240, np.uint8) if name == "note" else rendered(care_blank(), 300)
    assert rank_likely(_votes(image, blanks)) == []


def test_blank_without_print_has_no_votes(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((3508, 2480), 255, np.uint8))
    assert _votes(page(*TITLES[0]), [(tmp_path / "empty.png", (210, 297))]) == [0]
    assert count_votes(extract_features(np.full((300, 200), 255, np.uint8), 3000), []) == []
