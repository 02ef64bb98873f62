"""The right person is proposed, and nobody wrong with certainty: simulated rows over a register of 5,000 clients made of official test numbers."""

from __future__ import annotations

import pytest

from pipeline.quality.persons import Figures, figures, simulate
from tests.shared_data import shared

pytestmark = [pytest.mark.shared, pytest.mark.slow, pytest.mark.nightly]
ROWS = 2_000


@pytest.fixture(scope="module")
def found() -> Figures:
    """The figures of a tenth of what `python -m pipeline.quality.persons` simulates."""
    shared("schemas", "identity", "testpersonnummer.txt")
    shared("handwriting", "optdigits.npz")
    return figures(simulate(ROWS, drawn=600))


def test_nobody_wrong_is_proposed_with_certainty(found: Figures) -> None:
    assert found.sure_wrong == 0
    assert found.sure >= 0.5


def test_the_right_one_is_proposed_first(found: Figures) -> None:
    assert found.right_first >= 0.98


def test_probabilities_are_honest(found: Figures) -> None:
    assert found.calibration_error <= 0.02
