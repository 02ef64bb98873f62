"""Judged readings on disk: a run that was interrupted goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.reading.calibration.fit import JudgedReading
from research.training.calibration.kept import KeptReadings

FOUND = [
    JudgedReading("mark", (4.5,), True, "sheet 1", "drawn marks"),
    JudgedReading("text", (1.5, 0.0, -2.0), False, "någon", "ord", 0.25),
]


def test_a_part_is_read_once(tmp_path: Path) -> None:
    kept = KeptReadings(tmp_path / "kept")
    assert kept.once("0-marks", lambda: FOUND) == FOUND
    assert kept.once("0-marks", lambda: pytest.fail("read again")) == FOUND


def test_an_interrupted_part_is_read_again(tmp_path: Path) -> None:
    kept = KeptReadings(tmp_path)

    def interrupt() -> list[JudgedReading]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.once("0-marks", interrupt)
    assert kept.once("0-marks", lambda: FOUND) == FOUND


def test_without_a_folder_nothing_is_kept() -> None:
    assert KeptReadings().once("0-marks", lambda: FOUND) == FOUND
    assert KeptReadings().once("0-marks", list) == []
