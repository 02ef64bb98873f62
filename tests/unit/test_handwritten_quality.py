"""The measuring of handwriting: sets that are absent say so, labels are made comparable, and the lexicon can be thinned for tuning."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.quality.handwritten import SETS, handwritten, judged_row, plain
from pipeline.quality.measure import Data
from pipeline.recognize.language import swedish
from pipeline.settings import ROOT
from pipeline.training.decoding import with_words_unlisted
from pipeline.training.handwriting_data import Line

pytestmark = pytest.mark.slow


def test_absent_sets_say_so(tmp_path: Path) -> None:
    rows = handwritten(Data(tmp_path))
    assert [row.set for row in rows] == list(SETS)
    assert all(row.absent for row in rows)


def test_labels_lose_accents_that_swedish_paper_does_not_need() -> None:
    assert plain("L'œuvre à Besançon, déjà på ön") == "L'uvre a Besancon, déja på ön"


def test_a_row_counts_edits_by_writer_beside_the_network_as_shipped() -> None:
    lines = [Line(_written("Karin"), "Karin", "a"), Line(_written("Hemma"), "Hemmas", "b")]
    row = judged_row("two words", lines)
    assert (row.values, row.writers) == (2, 2)
    assert row.by_writer == {"a": 0.0, "b": 1 / len("Hemmas")}
    assert row.others["network as shipped"] == 1 / len("KarinHemmas")


def test_every_tenth_word_is_unlisted_for_tuning() -> None:
    language = swedish(ROOT / "data" / "models")
    fewer = with_words_unlisted(language)
    assert 0.88 < len(fewer.general.words) / len(language.general.words) < 0.92


def _written(text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    page = np.full((70, 260), 255, np.uint8)
    cv2.putText(page, text, (20, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 20, 3, cv2.LINE_AA)
    return page
