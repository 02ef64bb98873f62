"""Adapting the network's answers to an author by lines whose text is known."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.reading.fields.handwriting.network import ALPHABET
from research.evaluation.authors.adaptation import Change, fit_adaptation
from research.training.handwriting.evaluate import greedy_text
from tests.support.pages.written_steps import Sign, steps_of

# An author whose a looks like o; o itself looks like neither.
OPEN_A, ROUND_O = {"o": 0.55, "a": 0.4}, {"o": 0.9, "a": 0.02}
KNOWN = ("tak", "sal", "lag", "ros", "kol")


def _written(text: str) -> list[Sign]:
    return [{"a": OPEN_A, "o": ROUND_O}.get(character, character) for character in text]


@pytest.mark.parametrize("change", list(Change))
def test_author_is_read_better_by_known_lines(change: Change) -> None:
    adaptation = fit_adaptation([steps_of(_written(text)) for text in KNOWN], KNOWN, change, 0.1)
    steps = steps_of(_written("damrock"))
    assert greedy_text(steps, ALPHABET) == "domrock"
    assert greedy_text(adaptation.apply(steps), ALPHABET) == "damrock"
    assert np.allclose(adaptation.apply(steps).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("text", ["", "наш", "much too long for its steps"])
def test_lines_that_say_nothing_change_nothing(text: str) -> None:
    steps = steps_of(_written("tak"))
    adaptation = fit_adaptation([steps], [text], Change.MATRIX, 0.1)
    assert np.allclose(adaptation.apply(steps), steps, atol=1e-4)


def test_strong_penalty_changes_little() -> None:
    steps = [steps_of(_written(text)) for text in KNOWN]
    adaptation = fit_adaptation(steps, KNOWN, Change.BIAS, 1e4)
    assert np.abs(adaptation.bias).max() < 0.1
