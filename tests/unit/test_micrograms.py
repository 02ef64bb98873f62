"""Micrograms are not taken for milligrams: where the network as shipped sees a µ, it is proposed and nothing is sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pipeline.model import Image, Reading, State
from pipeline.recognize import micrograms
from pipeline.recognize.micrograms import SEEN, with_micrograms
from pipeline.recognize.network import Steps
from tests.written_steps import steps_of

KNOWN = "gmuµμ"


@dataclass
class Shipped:
    """Stands in for the network as shipped: it sees a µ with this p in the columns from `start` on, if they are shown to it."""

    p: float
    start: int = 0
    shown: list[Image] = field(default_factory=list)

    def __call__(self, images: Sequence[Image], file: Path) -> list[tuple[Steps, str]]:
        assert file.name.startswith("PP-OCR")
        self.shown += images
        steps = np.zeros((4, 1 + len(KNOWN)), np.float32)
        steps[2, 1 + KNOWN.index("µ")] = steps[2, 1 + KNOWN.index("μ")] = self.p / 2
        return [(steps, KNOWN)]


def read(text: str, shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """The text as it comes out."""
    monkeypatch.setattr(micrograms, "answers", shipped)
    characters = (0.9,) * len(text)
    picture = np.full((48, 16 * len(text)), 255, np.uint8)
    return with_micrograms(Reading(text, 0.88, State.READ, (("else", 0.1),), characters), picture, steps_of(text))


@pytest.mark.parametrize(
    ("text", "micro"),
    [("50 mg", "50 µg"), ("2,5 ug", "2,5 µg"), ("0.5mg x 2", "0.5µg x 2"), ("½ Mg", "½ µg"), ("Fick 50 mg Levaxin kl 7", "Fick 50 µg Levaxin kl 7")],
)
def test_a_micro_sign_is_proposed_and_never_sure(text: str, micro: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(text, Shipped(SEEN), monkeypatch)
    assert found.value == micro
    assert found.alternatives[0] == (text, found.p)
    assert found.p + sum(p for _, p in found.alternatives) <= 1
    assert found.p <= 0.5
    assert [i for i, p in enumerate(found.characters) if p <= 0.5] == [micro.index("µ")]


@pytest.mark.parametrize("text", ["50 mg", "2,5 ug"])
def test_without_a_micro_sign_nothing_changes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(text, Shipped(SEEN / 2), monkeypatch).value == text


@pytest.mark.parametrize("text", ["75 kg", "2 hg", "1 g", "50 mgr", "mg", "I mg", "17.30", "Ringde"])
def test_nobody_is_asked_about_anything_else(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Shipped(1.0)
    assert read(text, shipped, monkeypatch).value == text
    assert shipped.shown == []


def test_only_the_number_and_its_unit_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Shipped(0.0)
    read("Fick 50 mg Levaxin kl 7", shipped, monkeypatch)
    (part,) = shipped.shown
    assert 5 * 16 < part.shape[1] < 8 * 16
