"""The weights of readings in fitting curves."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.reading.calibration.curves import CalibrationCurve
from pipeline.reading.calibration.fit import JudgedReading
from research.training.calibration.fit import (
    carry_empty_lines,
    limit_unclear,
    network_fingerprints,
)
from research.training.calibration.readings import ROUNDS_PER_AREA_LINE, even_weights, judge_areas
from research.training.handwriting.lines import TrainingLine


def some(count: int, source: str, weight: float = 1.0) -> list[JudgedReading]:
    """A number of readings of a note."""
    return [
        JudgedReading("lines", (0.0,), True, f"{source} {i}", source, weight) for i in range(count)
    ]


def test_collections_have_equal_weight() -> None:
    found = even_weights([*some(10, "small"), *some(120, "large", weight=0.25)])
    shares = {
        source: sum(one.weight for one in found if one.source == source)
        for source in ("small", "large")
    }
    assert shares == pytest.approx({"small": 20.0, "large": 20.0})


def test_line_used_in_several_areas_has_weight_one() -> None:
    picture = np.full((64, 300), 255, np.uint8)
    picture[20:44, 40:260:12] = 0
    found = judge_areas(
        [TrainingLine(picture, "illi", str(i % 2)) for i in range(8)],
        "drawn",
        np.random.default_rng(1),
    )
    assert len(found) >= 2 * ROUNDS_PER_AREA_LINE
    assert sum(one.weight for one in found) == pytest.approx(len(found) / ROUNDS_PER_AREA_LINE)


def test_only_what_was_surest_becomes_surer() -> None:
    known = CalibrationCurve((0.5,), (-1.0, 1.0, 2.0), (0.6, 0.9, 0.98))
    new = CalibrationCurve((1.0,), (-2.0, 8.0), (0.99, 0.999))
    limited = limit_unclear(new, known)
    assert limited.at((-2.0,)) == pytest.approx(0.6)
    assert limited.at((2.0,)) == pytest.approx(0.9)
    assert limited.at((8.0,)) == pytest.approx(0.999)
    assert list(limited.shares) == sorted(limited.shares)


def test_new_network_of_lines_has_curves_of_what_is_empty() -> None:
    own = network_fingerprints()
    curve, kept = (CalibrationCurve((1.0,), (0.0,), (share,)) for share in (0.9, 0.8))
    known = {("text-empty", "other"): curve, ("text", "other"): curve}
    carried = carry_empty_lines(known)
    assert {one.key for one in carried} == {"text-empty"}
    assert own["text"] in {one.network for one in carried}
    assert all(one.curve is curve for one in carried)
    known |= {("text-empty", own["text"]): kept}
    assert own["text"] not in {one.network for one in carry_empty_lines(known)}
