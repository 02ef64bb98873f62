"""Evaluation of handwriting: missing sets are reported, labels normalized, and the lexicon reduced
for tuning.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain.settings import ROOT
from pipeline.reading.language.language_model import load_swedish
from research.evaluation.fields.handwriting import (
    ABSENCE_BY_SET,
    measure_handwriting,
    measure_set,
    strip_accents,
)
from research.evaluation.measure import EvaluationData
from research.training.handwriting.lines import TrainingLine
from research.training.language_model.tune_decoding import remove_words

pytestmark = pytest.mark.slow


def test_missing_sets_are_reported(tmp_path: Path) -> None:
    rows = measure_handwriting(EvaluationData(tmp_path))
    assert [row.set for row in rows] == list(ABSENCE_BY_SET)
    assert all(row.absent for row in rows)


def test_foreign_accents_are_removed_from_labels() -> None:
    assert strip_accents("L'œuvre à Besançon, déjà på ön") == "L'uvre a Besancon, déja på ön"


def test_row_has_edits_by_writer_beside_shipped_network() -> None:
    lines = [
        TrainingLine(_written("Karin"), "Karin", "a"),
        TrainingLine(_written("Hemma"), "Hemmas", "b"),
    ]
    row = measure_set("two words", lines)
    assert (row.values, row.writers) == (2, 2)
    assert row.by_writer == {"a": 0.0, "b": 1 / len("Hemmas")}
    assert row.others["network as shipped"] == 1 / len("KarinHemmas")


def test_every_tenth_word_is_removed_for_tuning() -> None:
    language = load_swedish(ROOT / "data" / "models")
    fewer = remove_words(language)
    assert 0.88 < len(fewer.general.words) / len(language.general.words) < 0.92


def _written(text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    page = np.full((70, 260), 255, np.uint8)
    cv2.putText(page, text, (20, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 20, 3, cv2.LINE_AA)
    return page
