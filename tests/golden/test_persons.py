"""The right person is proposed, and no wrong one with high confidence: simulated rows over a
register of 5,000 clients made of official test numbers.
"""

from __future__ import annotations

import pytest

from research.evaluation.persons.measure import MatchMetrics, measure_proposals, simulate_rows
from tests.support.shared_data import shared

pytestmark = [pytest.mark.shared, pytest.mark.slow, pytest.mark.nightly]
ROWS = 2_000


@pytest.fixture(scope="module")
def found() -> MatchMetrics:
    """The metrics of a tenth of the simulation of `python -m
    research.evaluation.persons.measure`.
    """
    shared("schemas", "identity", "testpersonnummer.txt")
    shared("handwriting", "optdigits.npz")
    return measure_proposals(simulate_rows(ROWS, drawn=600))


def test_wrong_person_is_never_proposed_with_high_confidence(found: MatchMetrics) -> None:
    assert found.wrong_with_high_confidence == 0
    assert found.high_confidence >= 0.5


def test_right_person_ranks_first(found: MatchMetrics) -> None:
    assert found.right_first >= 0.98


def test_probabilities_are_calibrated(found: MatchMetrics) -> None:
    assert found.calibration_error <= 0.02
