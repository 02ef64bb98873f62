"""Calibration curves: monotonic, conservative with few readings, order of alternatives, unknown
networks.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.confidence import UNCALIBRATED_MAX_P
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.model import Reading, State
from pipeline.reading.calibration.curves import (
    CalibrationCurve,
    calibrate_reading,
    curve_features,
    curve_key,
    load_curves,
    log_odds,
    writer_clarity,
)
from pipeline.reading.calibration.fit import (
    JudgedReading,
    fit_curve,
    predict,
    score_probabilities,
    write_curves,
)
from research.training.calibration.curve_fits import (
    FOLDS,
    chance_error,
    cross_fit_curves,
    fit_curves,
    fold_key,
    write_fold_curves,
)
from research.training.calibration.model_card import write_card

MARK = FieldSpec(name="f", label="f", kind=Kind.MARK, box=(0, 0, 5, 5))
TEXT = FieldSpec(name="f", label="f", kind=Kind.TEXT, box=(0, 0, 50, 9))


def readings(count: int, seed: int, power: float = 2.0) -> list[JudgedReading]:
    """Readings whose share of right ones is below their confidence: p ** power."""
    random = np.random.default_rng(seed)
    return [
        JudgedReading("mark", (log_odds(p),), bool(random.random() < p**power), str(i))
        for i, p in enumerate(random.uniform(0.2, 1, count))
    ]


def test_curve_fits_share_of_right_readings() -> None:
    unseen = readings(12_000, 2)
    curve = fit_curve(readings(12_000, 1))
    raw = np.array([1 / (1 + np.exp(-e.features[0])) for e in unseen])
    assert (
        score_probabilities(unseen, predict(unseen, curve)).calibration
        < 0.02
        < score_probabilities(unseen, raw).calibration
    )


def test_curve_is_monotonic() -> None:
    curve = fit_curve(readings(1500, 3))
    assert list(curve.scores) == sorted(curve.scores)
    assert list(curve.shares) == sorted(curve.shares)


@pytest.mark.parametrize(("count", "sure"), [(100, False), (900, False), (1200, True)])
def test_high_confidence_needs_many_readings(count: int, sure: bool) -> None:
    curve = fit_curve([JudgedReading("mark", (8.0 + i / count,), True, "") for i in range(count)])
    assert (curve.at((8.5,)) >= 0.999) == sure


def test_length_of_text_is_a_feature() -> None:
    random = np.random.default_rng(4)
    known = []
    for length in random.integers(1, 60, 3000):
        features = curve_features(TEXT, Reading("x" * int(length), 0.9, State.READ))
        known.append(JudgedReading("text", features, bool(random.random() < 0.97**length), ""))
    curve = fit_curve(known)
    short, long = (
        curve.at(curve_features(TEXT, Reading("x" * n, 0.9, State.READ))) for n in (3, 50)
    )
    assert short > 0.8 > 0.4 > long


def test_alternatives_keep_order_within_remaining_probability() -> None:
    curve = CalibrationCurve((1.0,), (-20.0, 20.0), (0.4, 0.4))
    reading = Reading(True, 0.9, State.READ, ((False, 0.08),))
    found = calibrate_reading(MARK, reading, "n", {("mark", "n"): curve})
    assert found.p == pytest.approx(0.4)
    assert found.alternatives[0][1] < found.p
    assert found.p + found.alternatives[0][1] <= 1


def test_network_without_curve_has_low_confidence() -> None:
    assert (
        calibrate_reading(MARK, Reading(True, 0.9999, State.READ), "unknown", {}).p
        == UNCALIBRATED_MAX_P
    )


def test_empty_fields_have_curves_of_their_own() -> None:
    assert curve_key(MARK, Reading(False, 0.9, State.EMPTY)) == "mark-empty"
    assert curve_key(MARK, Reading(True, 0.9, State.READ)) == "mark"


def test_boxes_that_are_filled_solid_do_not_share_the_curve_of_marks() -> None:
    """They are fewer and harder; their errors would keep every clear cross from being sure."""
    assert curve_key(MARK, Reading(False, 0.9, State.CANCELLED)) == "mark-cancelled"


def test_rows_of_letters_without_a_value_have_a_curve_of_their_own() -> None:
    row = FieldSpec(name="f", label="f", kind=Kind.LETTERS, box=(0, 0, 22, 8), cells=4)
    keys = {
        state: curve_key(row, Reading(None, 0.9, state))
        for state in State
        if state is not State.READ
    }
    assert {state for state, key in keys.items() if key == "letters-unread"} == {
        State.ILLEGIBLE,
        State.CANCELLED,
    }
    assert curve_key(row, Reading("ABCD", 0.9, State.READ)) == "letters"


def test_a_file_keeps_curves_of_other_networks(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    known = readings(400, 5)
    write_curves(file, fit_curves(known, known, {"mark": "old"}, {}), "")
    write_curves(file, fit_curves(known, known, {"mark": "new"}, {}), "", keep={"old"})
    assert set(load_curves(file)) == {("mark", "old"), ("mark", "new")}
    write_curves(file, fit_curves(known, known, {"mark": "new"}, {}), "")
    assert set(load_curves(file)) == {("mark", "new")}


@pytest.mark.parametrize(
    "arguments",
    [
        "--handwriting /somebody/hands --only boxes --pages 40",
        "--handwriting=/some/hands --pages=40 --only=marks --weights free",
    ],
)
def test_card_has_command_for_whole_calibration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    monkeypatch.setattr("sys.argv", ["calibrate", *arguments.split()])
    known = readings(400, 5)
    write_card(tmp_path / "calibration.md", fit_curves(known, known, {"mark": "a-network"}, {}))
    assert "    python -m research.training.calibration.fit --handwriting hands --pages 40\n" in (
        tmp_path / "calibration.md"
    ).read_text("utf-8")


def test_card_keeps_measurements_of_other_networks(tmp_path: Path) -> None:
    card = tmp_path / "calibration.md"
    known = readings(400, 5)
    write_card(card, fit_curves(known, known, {"mark": "the-old-network"}, {}))
    write_card(
        card, fit_curves(known, known, {"mark": "the-new-network"}, {}), keep={"the-old-network"}
    )
    assert [
        line.split(" | ")[1]
        for line in card.read_text("utf-8").splitlines()
        if line.startswith("| mark")
    ] == ["the-new-", "the-old-"]
    write_card(card, fit_curves(known, known, {"mark": "the-new-network"}, {}))
    assert "the-old-" not in card.read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        json.dumps(
            {
                "curves": [
                    {"key": "mark", "network": "n", "weights": [1], "scores": [], "shares": []}
                ]
            }
        ),
    ],
)
def test_damaged_file_error_has_remedy(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text, "utf-8")
    with pytest.raises(MissingProgramError, match="git checkout"):
        load_curves(file)


def test_clear_handwriting_raises_confidence() -> None:
    seen = [Reading("lugn", 0.9, State.READ, sharpness=clarity) for clarity in (-0.5, -0.1, -0.1)]
    unclear, first, second = writer_clarity(seen)
    assert unclear > 0 > first
    assert first == second
    assert writer_clarity(seen[:1]) == [0.0]
    assert writer_clarity([seen[0], Reading(True, 0.9, State.READ)]) == [0.0, 0.0]


def test_more_lines_of_a_writer_have_more_influence() -> None:
    few, many = (
        [Reading("ja", 0.9, State.READ, sharpness=c) for c in (-0.5, *[-0.1] * n)] for n in (1, 20)
    )
    assert 0 < writer_clarity(few)[0] < writer_clarity(many)[0]


def test_older_curve_is_used_without_new_features() -> None:
    reading = Reading("lugn", 0.9, State.READ, sharpness=-0.2)
    old = CalibrationCurve((1.0, 0.0, 0.0, 0.0), (-20.0, 20.0), (0.1, 0.7))
    assert (
        calibrate_reading(TEXT, reading, "n", {("text", "n"): old}, clarity_lead=3.0).p
        == calibrate_reading(TEXT, reading, "n", {("text", "n"): old}).p
    )


def readings_of_writers(count: int, each: int, seed: int) -> list[JudgedReading]:
    """Lines of writers whose accuracy depends on no feature of the line but on the clarity of the
    writer's lines.
    """
    random = np.random.default_rng(seed)
    found = []
    for writer in range(count):
        clarity = float(random.normal(0, 1))
        p = 1 / (1 + np.exp(-2 * clarity))
        found += [
            JudgedReading(
                "text",
                (0.0, 0.0, 1.0, 0.0, clarity, 0.0),
                bool(random.random() < p),
                f"hand {writer}",
            )
            for _ in range(each)
        ]
    return found


def test_cross_validation_excludes_the_writer() -> None:
    (fitted,) = cross_fit_curves(readings_of_writers(60, 20, 7), {"text": "n"}, {})
    assert len(fitted.fold_curves) == FOLDS
    assert fitted.score is not None
    assert fitted.before is not None
    assert fitted.score.values == fitted.readings == 1200
    assert fitted.score.calibration < 0.06 < fitted.before.calibration


def test_curves_of_folds_are_written(tmp_path: Path) -> None:
    file = tmp_path / "apart.json"
    fitted = cross_fit_curves(readings_of_writers(30, 10, 8), {"text": "n"}, {})
    write_fold_curves(file, fitted, "")
    assert set(load_curves(file)) == {(fold_key("text", fold), "n") for fold in range(FOLDS)}


def test_expected_calibration_error_by_chance_decreases_with_readings() -> None:
    few, many = (chance_error(np.full(count, 0.5)) for count in (100, 10_000))
    assert many < 0.02 < few


def test_confidence_below_fitted_range_is_extrapolated_downwards() -> None:
    """Corrections are few and mostly of fields with high confidence: fields with low confidence are
    not in them.
    """
    right = [
        JudgedReading("k", (log_odds(p),), right=True, part=f"s{i}")
        for i, p in enumerate(np.linspace(0.95, 0.999, 300))
    ]
    curve = fit_curve(right)
    assert curve.at((log_odds(0.95),)) > 0.95
    assert curve.at((log_odds(0.05),)) < 0.7


def test_equal_confidences_do_not_calibrate_other_confidences() -> None:
    equal = [
        JudgedReading("k", (log_odds(0.97),), right=i % 10 > 0, part=f"s{i}") for i in range(300)
    ]
    curve = fit_curve(equal)
    assert curve.at((log_odds(0.97),)) == pytest.approx(0.9, abs=0.02)
    assert curve.at((log_odds(0.05),)) < 0.5


@pytest.mark.parametrize(
    ("scores", "shares"),
    [
        ("[0, 1]", "[0.5, 1.5]"),
        ("[0, 1]", "[NaN, 0.9]"),
        ("[1, 0]", "[0.5, 0.9]"),
        ("[0, NaN]", "[0.5, 0.9]"),
    ],
)
def test_curve_without_valid_probabilities_is_rejected(
    tmp_path: Path, scores: str, shares: str
) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(
        f'{{"curves": [{{"key": "mark", "network": "n", "weights": [1], "scores": '
        f'{scores}, "shares": {shares}}}]}}'
    )
    with pytest.raises(MissingProgramError, match="damaged"):
        load_curves(file)


def _one_sided(count: int, seed: int) -> list[JudgedReading]:
    """Lines of which the middling ones are right more often than by any logistic curve that fits
    the best ones.
    """
    random = np.random.default_rng(seed)
    found = []
    for score in random.normal(0, 2.5, count):
        p = 1 - 1 / (1 + np.exp(score)) ** 0.4
        found.append(
            JudgedReading(
                "text", (float(score), float(random.normal())), bool(random.random() < p), ""
            )
        )
    return found


def test_curve_of_lines_may_be_asymmetric() -> None:
    unseen = _one_sided(20_000, 6)
    p = predict(unseen, fit_curve(_one_sided(20_000, 7)))
    assert score_probabilities(unseen, p).calibration < 2 * chance_error(
        p
    )  # three times as much without a bend


def test_image_only_probability_is_a_feature() -> None:
    clear, aided = (
        curve_features(TEXT, Reading("lugn", 0.9, State.READ, image_only_p=seen))
        for seen in (0.9, 0.01)
    )
    assert [a > b for a, b in zip(clear, aided, strict=True) if a != b] == [True]
    assert np.isfinite(
        curve_features(TEXT, Reading("lugn", 0.9, State.READ, image_only_p=0.0))
    ).all()


def test_likelihood_of_the_least_likely_word_is_a_feature() -> None:
    usual, odd = (
        curve_features(TEXT, Reading("jordnötter", 0.9, State.READ, least_word_p=p))
        for p in (1e-6, 1e-11)
    )
    assert [a > b for a, b in zip(usual, odd, strict=True) if a != b] == [True]
    assert np.isfinite(
        curve_features(TEXT, Reading("jordnötter", 0.9, State.READ, least_word_p=0.0))
    ).all()


def test_lines_with_a_format_have_a_curve_of_their_own() -> None:
    dated = TEXT.model_copy(update={"format": Format.DATE})
    assert curve_key(dated, Reading("13/2", 0.9, State.READ)) == "text-format"
    assert curve_key(dated, Reading.empty(0.9)) == "text-empty"
    assert curve_key(TEXT, Reading("13/2", 0.9, State.READ)) == "text"


def test_number_of_unknown_words_is_a_feature() -> None:
    known, strange = (
        curve_features(TEXT, Reading("lugn natt", 0.9, State.READ, unknown_words=unknown))
        for unknown in (0, 2)
    )
    assert [b > a for a, b in zip(known, strange, strict=True) if a != b] == [True]
