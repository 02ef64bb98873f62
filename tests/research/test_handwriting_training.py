"""The functions of handwriting training without PyTorch: texts, splits, augmentation,
error rates.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.network import ALPHABET
from research.evaluation.fields.uppsala import load_uppsala_words
from research.training.handwriting.augment import spoil
from research.training.handwriting.evaluate import error_by_writer, greedy_text
from research.training.handwriting.lines import (
    TrainingLine,
    cut_clean_ink,
    cut_like_product,
    held_out_writers,
    join_words,
    load_archive,
)
from research.training.handwriting.texts import (
    CHARACTERS,
    PHRASES_FILE,
    SLOT_DRAWERS,
    fill_slots,
    is_known,
    normalize_label,
)
from tests.support.shared_data import shared

pytestmark = pytest.mark.slow


def test_network_covers_whole_alphabet() -> None:
    assert set(ALPHABET) <= set(CHARACTERS)
    assert len(set(CHARACTERS)) == len(CHARACTERS)
    assert CHARACTERS.endswith(" ")


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ("l’eau  fraîche", "l'eau fraîche"),
        ("Straße", "Straße"),
        ("en >struken< rad", None),
        ("ord 漢", None),
        ("  ", None),
    ],
)
def test_labels_are_normalized_or_excluded(label: str, kept: str | None) -> None:
    assert normalize_label(label) == kept


def test_every_phrase_is_filled_within_alphabet() -> None:
    lines = [
        line for line in PHRASES_FILE.read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    assert len(lines) == len(set(lines)) > 200
    for line in lines:
        assert set(re.findall(r"\{(\w+)\}", line)) <= SLOT_DRAWERS.keys(), line
        assert set(re.sub(r"\{\w+\}", "1", line)) <= set(CHARACTERS), line


def test_slots_are_filled_in_usual_notations() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        assert re.fullmatch(
            r"BT \d{2,3}/\d{2,3} puls \d{2,3} \d\d[,.]\d",
            fill_slots("BT {bt} puls {puls} {temp}", rng),
        )
        assert re.fullmatch(r"070-1740(6[0-9]{2})", fill_slots("{tel}", rng))


def test_every_sixth_writer_is_held_out() -> None:
    assert held_out_writers([f"{writer:02d}" for writer in range(13)] * 2) == {"05", "11"}
    assert held_out_writers(["01", "02"]) == set()


def test_own_lines_are_loaded_from_zip_file(tmp_path: Path) -> None:
    archive = tmp_path / "own.zip"
    names = [f"brev_{page:04d}_{i:02d}.png" for page in range(6) for i in range(2)]
    with zipfile.ZipFile(archive, "w") as files:
        for name in names:
            files.writestr(name, cv2.imencode(".png", _worded("Hemma 12"))[1].tobytes())
        files.writestr(
            "labels.tsv",
            "".join(f"{name}\t{'>bort<' if name == names[0] else 'Hemma 12'}\n" for name in names),
        )
    seen, held = load_archive(archive, held=False), load_archive(archive, held=True)
    assert {line.text for line in seen + held} == {"Hemma 12"}
    assert [line.writer for line in seen] == ["0000"] + [
        f"{page:04d}" for page in range(1, 5) for _ in range(2)
    ]
    assert [line.writer for line in held] == ["0005", "0005"]


def test_training_lines_are_cropped_as_in_reading() -> None:
    read, cut = cut_like_product(_worded("Hemma")), cut_clean_ink(_worded("Hemma"))
    assert read is not None
    assert cut is not None
    assert np.abs(np.subtract(read.shape, cut.shape)).max() <= 4
    assert cut_like_product(np.full((80, 200), 255, np.uint8)) is None
    assert cut_clean_ink(np.full((80, 200), 255, np.uint8)) is None


@pytest.mark.parametrize("real", [False, True])
def test_augmented_lines_keep_their_ink(real: bool) -> None:
    picture = cut_clean_ink(_worded("Hemma 12"))
    assert picture is not None
    rng = np.random.default_rng(2)
    for _ in range(40):
        out = spoil(picture, rng, real=real)
        assert out.dtype == np.uint8
        assert 0.5 < out.shape[1] / (picture.shape[1] * out.shape[0] / picture.shape[0]) < 2.5
        assert 0.01 < float((out < 200).mean()) < 0.6


def test_words_are_joined_to_a_line() -> None:
    line = join_words(_words(), np.random.default_rng(3))
    assert (line.text, line.writer) == ("Hemma ute", "07")
    assert line.picture.shape[1] > 1.5 * line.picture.shape[0]


def test_error_rates_are_by_character_and_writer() -> None:
    blank = np.full((8, 8), 255, np.uint8)
    rates = error_by_writer(
        [TrainingLine(blank, "abcd", "1"), TrainingLine(blank, "ab", "2")], ["abcx", "ab"]
    )
    assert rates == {"": 1 / 6, "1": 0.25, "2": 0.0}


def test_greedy_decoding_collapses_repeats_and_blanks() -> None:
    steps = np.eye(4, dtype=np.float32)[[1, 1, 0, 1, 2, 3, 0, 2]]
    assert greedy_text(steps, "ab ") == "aab b"


def _words() -> list[TrainingLine]:
    pictures = [(text, cut_clean_ink(_worded(text))) for text in ("Hemma", "ute")]
    return [TrainingLine(picture, text, "07") for text, picture in pictures if picture is not None]


def _worded(text: str) -> Image:
    page = np.full((80, 40 + 24 * len(text)), 255, np.uint8)
    cv2.putText(page, text, (16, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 30, 2, cv2.LINE_AA)
    return page


@pytest.mark.shared
def test_swedish_test_words_match_their_labels() -> None:
    lines = load_uppsala_words(shared("handwriting", "uppsala_words"))
    assert {line.writer for line in lines} == {"Adina", "Christian"}
    assert len(lines) == 2 * 98
    widths = {
        line.text: line.picture.shape[1] / line.picture.shape[0]
        for line in lines
        if line.writer == "Adina"
    }
    assert widths["köttfärssås"] > widths["önskar"] > widths["får"]


def test_unknown_pages_are_rejected(tmp_path: Path) -> None:
    for name in ("ad1", "ad2"):
        (tmp_path / f"{name}.jpg").write_bytes(
            cv2.imencode(".jpg", np.full((40, 40), 255, np.uint8))[1].tobytes()
        )
    (tmp_path / "Adina_labels.txt").write_text("ord\n", "utf-8")
    with pytest.raises(ValueError, match="0 words but 1 labels"):
        load_uppsala_words(tmp_path)


def test_a_text_in_capitals_may_hold_what_the_network_cannot_answer() -> None:
    assert is_known("Noël")
    assert not is_known("Noël".upper())
