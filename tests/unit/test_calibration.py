"""Curves of probabilities: they rise, surety has to be earned, alternatives keep their place, and unknown networks are believed little."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.calibration_file import fit_keys, write
from pipeline.calibration_fit import Evidence, fit, foretold, judged
from pipeline.errors import MissingProgramError
from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Reading, State
from pipeline.recognize.curves import UNFITTED, Curve, calibrated, features_of, key_of, log_odds, read_curves

MARK = FieldSpec(name="f", label="f", kind=Kind.MARK, box=(0, 0, 5, 5))
TEXT = FieldSpec(name="f", label="f", kind=Kind.TEXT, box=(0, 0, 50, 9))


def readings(count: int, seed: int, power: float = 2.0) -> list[Evidence]:
    """Readings that are right less often than they say: with probability p ** power."""
    random = np.random.default_rng(seed)
    return [Evidence("mark", (log_odds(p),), bool(random.random() < p**power), str(i)) for i, p in enumerate(random.uniform(0.2, 1, count))]


def test_a_curve_finds_the_share_that_is_right() -> None:
    unseen = readings(12_000, 2)
    curve = fit(readings(12_000, 1))
    raw = np.array([1 / (1 + np.exp(-e.features[0])) for e in unseen])
    assert judged(unseen, foretold(unseen, curve)).calibration < 0.02 < judged(unseen, raw).calibration


def test_a_curve_rises() -> None:
    curve = fit(readings(1500, 3))
    assert list(curve.scores) == sorted(curve.scores)
    assert list(curve.shares) == sorted(curve.shares)


@pytest.mark.parametrize(("count", "sure"), [(100, False), (900, False), (1200, True)])
def test_surety_has_to_be_earned(count: int, sure: bool) -> None:
    curve = fit([Evidence("mark", (8.0 + i / count,), True, "") for i in range(count)])
    assert (curve.at((8.5,)) >= 0.999) == sure


def test_length_counts_for_texts() -> None:
    random = np.random.default_rng(4)
    known = []
    for length in random.integers(1, 60, 3000):
        features = features_of(TEXT, Reading("x" * int(length), 0.9, State.READ))
        known.append(Evidence("text", features, bool(random.random() < 0.97**length), ""))
    curve = fit(known)
    short, long = (curve.at(features_of(TEXT, Reading("x" * n, 0.9, State.READ))) for n in (3, 50))
    assert short > 0.8 > 0.4 > long


def test_alternatives_keep_their_order_and_leave_room() -> None:
    curve = Curve((1.0,), (-20.0, 20.0), (0.4, 0.4))
    reading = Reading(True, 0.9, State.READ, ((False, 0.08),))
    found = calibrated(MARK, reading, "n", {("mark", "n"): curve})
    assert found.p == pytest.approx(0.4)
    assert found.alternatives[0][1] < found.p
    assert found.p + found.alternatives[0][1] <= 1


def test_a_network_without_a_curve_is_believed_little() -> None:
    assert calibrated(MARK, Reading(True, 0.9999, State.READ), "unknown", {}).p == UNFITTED


def test_empty_fields_have_curves_of_their_own() -> None:
    assert key_of(MARK, Reading(False, 0.9, State.EMPTY)) == "mark-empty"
    assert key_of(MARK, Reading(True, 0.9, State.READ)) == "mark"


def test_a_file_keeps_curves_of_other_networks(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    known = readings(400, 5)
    write(file, fit_keys(known, known, {"mark": "old"}, {}), "")
    write(file, fit_keys(known, known, {"mark": "new"}, {}), "", keep={"old"})
    assert set(read_curves(file)) == {("mark", "old"), ("mark", "new")}
    write(file, fit_keys(known, known, {"mark": "new"}, {}), "")
    assert set(read_curves(file)) == {("mark", "new")}


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"curves": [{"key": "mark", "network": "n", "weights": [1], "scores": [], "shares": []}]})])
def test_a_damaged_file_says_how_to_get_it_back(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text, "utf-8")
    with pytest.raises(MissingProgramError, match="git checkout"):
        read_curves(file)
