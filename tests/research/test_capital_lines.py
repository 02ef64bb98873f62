"""Lines in capitals are trained on as capitals, with any label, and the training set has some."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from pipeline.domain.model import Image
from pipeline.reading.language.language_model import capital_share
from research.training.handwriting.lines import TrainingLine, cut_clean_ink
from research.training.handwriting.sources import (
    CAPITALS_SHARE,
    TrainingSources,
    is_in_capitals,
    label_capitals,
)

pytestmark = pytest.mark.slow


def test_line_in_capitals_is_labelled_in_capitals() -> None:
    lines = [
        TrainingLine(_written("BOENDE PIGG IDAG"), "Boende pigg idag", "a"),
        TrainingLine(_written("Boende pigg idag"), "Boende pigg idag", "b"),
    ]
    assert [line.text for line in label_capitals(lines)] == ["BOENDE PIGG IDAG", "Boende pigg idag"]


def test_line_without_label_in_capitals_is_excluded() -> None:
    assert label_capitals([TrainingLine(_written("COEUR BATTANT"), "cœur battant", "a")]) == []


@pytest.mark.parametrize(
    ("seen", "label", "expected"),
    [
        ("NAJAF KHAN", "Najaf Khan", True),
        ("NAJAF KHAN", "NAJAF KHAN", False),
        ("Najaf Khan", "Najaf Khan", False),
        ("E 22 KL", "e 22 kl", False),
        ("UN MOnDe FOU, Fou", "un monde fou, fou", False),
    ],
    ids=[
        "labelled in small letters",
        "labelled in capitals",
        "not in capitals",
        "too few letters",
        "both",
    ],
)
def test_only_lines_wholly_in_capitals_are_capital_lines(
    seen: str, label: str, *, expected: bool
) -> None:
    assert is_in_capitals(seen, label) is expected


def test_digits_and_signs_are_not_capitals() -> None:
    assert capital_share("2 ST, BT 120/80") == 1.0
    assert capital_share("12.30") == 0.0


def test_training_set_contains_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("research.training.handwriting.sources.draw_text", lambda _: "sover gott")
    monkeypatch.setattr(
        "research.training.handwriting.sources.render_line",
        lambda *_: TrainingLine(_written("x"), _[2] or "", "font"),
    )
    monkeypatch.setattr("research.training.handwriting.sources.can_draw", lambda *_: True)
    monkeypatch.setattr(
        "research.training.handwriting.sources.spoil", lambda picture, *_, **__: picture
    )
    rng = np.random.default_rng(1)
    word = TrainingLine(_written("Ort"), "Ort", "01")
    drawn = [TrainingSources([word], [], [None]).drawn(rng).text for _ in range(600)]  # type: ignore[list-item]
    assert abs(drawn.count("SOVER GOTT") / 600 - CAPITALS_SHARE) < 0.04


def _written(text: str) -> Image:
    sheet = Pictures.new("L", (30 * len(text) + 60, 100), 255)
    ImageDraw.Draw(sheet).text((30, 25), text, font=ImageFont.load_default(44), fill=20)
    cut = cut_clean_ink(np.asarray(sheet, np.uint8))
    assert cut is not None
    return cut
