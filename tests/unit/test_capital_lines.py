"""Lines in capitals are trained on as capitals, whatever their labels say; and what is trained on holds some."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from pipeline.model import Image
from pipeline.recognize.language import capitals
from pipeline.training.capital_lines import as_written, is_in_capitals
from pipeline.training.handwriting_data import Line, as_cut
from pipeline.training.handwriting_sources import OF_CAPITALS, Sources

pytestmark = pytest.mark.slow


def test_a_line_seen_in_capitals_is_labelled_so() -> None:
    lines = [Line(_written("BOENDE PIGG IDAG"), "Boende pigg idag", "a"), Line(_written("Boende pigg idag"), "Boende pigg idag", "b")]
    assert [line.text for line in as_written(lines)] == ["BOENDE PIGG IDAG", "Boende pigg idag"]


def test_a_line_that_cannot_be_labelled_in_capitals_is_left_out() -> None:
    assert as_written([Line(_written("COEUR BATTANT"), "cœur battant", "a")]) == []


@pytest.mark.parametrize(
    ("seen", "label", "expected"),
    [
        ("NAJAF KHAN", "Najaf Khan", True),
        ("NAJAF KHAN", "NAJAF KHAN", False),
        ("Najaf Khan", "Najaf Khan", False),
        ("E 22 KL", "e 22 kl", False),
        ("UN MOnDe FOU, Fou", "un monde fou, fou", False),
    ],
    ids=["labelled in small letters", "labelled in capitals", "not in capitals", "too few letters", "both"],
)
def test_only_lines_in_capitals_throughout_are(seen: str, label: str, *, expected: bool) -> None:
    assert is_in_capitals(seen, label) is expected


def test_figures_and_signs_are_no_capitals() -> None:
    assert capitals("2 ST, BT 120/80") == 1.0
    assert capitals("12.30") == 0.0


def test_some_of_what_is_trained_on_is_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.training.handwriting_sources.drawn_text", lambda _: "sover gott")
    monkeypatch.setattr("pipeline.training.handwriting_sources.rendered", lambda *_: Line(_written("x"), _[2] or "", "font"))
    monkeypatch.setattr("pipeline.training.handwriting_sources.draws", lambda *_: True)
    monkeypatch.setattr("pipeline.training.handwriting_sources.spoiled", lambda picture, *_, **__: picture)
    rng = np.random.default_rng(1)
    word = Line(_written("Ort"), "Ort", "01")
    drawn = [Sources([word], [], [None]).drawn(rng).text for _ in range(600)]  # type: ignore[list-item]
    assert abs(drawn.count("SOVER GOTT") / 600 - OF_CAPITALS) < 0.04


def _written(text: str) -> Image:
    sheet = Pictures.new("L", (30 * len(text) + 60, 100), 255)
    ImageDraw.Draw(sheet).text((30, 25), text, font=ImageFont.load_default(44), fill=20)
    cut = as_cut(np.asarray(sheet, np.uint8))
    assert cut is not None
    return cut
