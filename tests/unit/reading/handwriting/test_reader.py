"""Handwritten lines: ink, decoding, calibration, and error rates on held-out writers."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, State
from pipeline.reading.fields.field_image import FieldImage, TextList
from pipeline.reading.fields.handwriting import reader
from pipeline.reading.fields.handwriting.line_image import split_into_bands
from pipeline.reading.fields.handwriting.network import read_steps
from pipeline.reading.fields.handwriting.strikethrough import Strike
from pipeline.reading.fields.ink import find_ink, render_ink
from pipeline.reading.fields.segmentation import lines
from pipeline.reading.fields.segmentation.lines import count_lines
from pipeline.reading.language.ctc import decode_ctc
from tests.support.pages.written_steps import steps_of, with_doubt
from tests.support.shared_data import shared

PX = 8.0


def test_a_word_is_read_with_its_characters_and_alternatives() -> None:
    (reading,) = reader.read_handwriting([_crop(_worded("Hemma 12"))])
    assert (reading.value, reading.state) == ("Hemma 12", State.READ)
    assert len(reading.characters) == len("Hemma 12")
    assert all(0 <= p <= reading.p for _, p in reading.alternatives)


def test_field_of_a_name_is_read_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_HANDWRITING", "shipped")  # has no second pass
    steps = steps_of(with_doubt("Anna svensson", {5: {"s": 0.6, "S": 0.4}}))
    monkeypatch.setattr(
        reader, "read_condensed", lambda pictures: [(picture, steps) for picture in pictures]
    )
    note = _crop(_worded("Karin"))
    name = replace(note, spec=note.spec.model_copy(update={"means": Meaning.CLIENT_NAME}))
    read = [reading.value for reading in reader.read_handwriting([note, name, note])]
    assert read == ["Anna svensson", "Anna Svensson", "Anna svensson"]


def test_line_tells_how_well_the_image_fits_each_text_of_its_list() -> None:
    plain = _crop(_worded("Hemma"))
    listed = replace(plain, listed=TextList(["Hemma", "Hamma", "Sjukhus"]))
    without, with_list = reader.read_handwriting([plain, listed])
    assert without.listed == ()
    assert with_list == without
    likelihoods = dict(with_list.listed)
    assert likelihoods.keys() == {"Hemma", "Hamma"}
    assert likelihoods["Hamma"] < likelihoods["Hemma"] == 1.0


@pytest.mark.parametrize(("p", "value"), [(0.8, "Hemma 12"), (0.95, "12")])
def test_weak_strike_through_a_legible_word_is_none(
    monkeypatch: pytest.MonkeyPatch, p: float, value: str
) -> None:
    """A long bar of a t may look like a strike; a real one is found certainly or hides the word."""
    monkeypatch.setattr(
        reader, "find_strikes", lambda pictures, _: [(Strike(10, 150, p),) for _ in pictures]
    )
    (reading,) = reader.read_handwriting([_crop(_worded("Hemma 12"))])
    assert reading.value == value
    assert (IssueCode.STRUCK_OUT in reading.issues) is (p > 0.9)
    assert (reading.p > 0.3) is (p < 0.9)


def test_weak_strike_through_an_illegible_word_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        reader, "find_strikes", lambda pictures, _: [(Strike(10, 150, 0.8),) for _ in pictures]
    )
    page = _worded("Hemma 12")
    for y in range(40, 72, 9):
        cv2.line(page, (16, y), (150, y + 6), 20, 3, cv2.LINE_AA)
    (reading,) = reader.read_handwriting([_crop(page)])
    assert IssueCode.STRUCK_OUT in reading.issues
    assert reading.p <= 0.3


def test_print_is_removed_from_word() -> None:
    blank = _page()
    cv2.putText(blank, "Namn", (16, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 120, 1, cv2.LINE_AA)
    cv2.line(blank, (0, 80), (blank.shape[1], 80), 150, 2)
    crops = [_crop(np.minimum(_worded("Karin"), blank), blank), _crop(blank, blank)]
    word, nothing = reader.read_handwriting(crops)
    assert word.value == "Karin"
    assert (nothing.value, nothing.state) == (None, State.EMPTY)


def test_faint_pencil_is_ink_and_dirt_is_not() -> None:
    faint = 255 - (255 - _worded("Karin").astype(np.int32)) // 4
    dirty = _page()
    dirty[40:42, 60:62] = 90
    pencil, dirt = reader.read_handwriting([_crop(faint.astype(np.uint8)), _crop(dirty)])
    assert pencil.value == "Karin"
    assert dirt.state is State.EMPTY


def test_specks_and_rule_residues_are_not_ink() -> None:
    specked, ruled = _page(), _page()
    for x in range(20, 180, 20):
        specked[50:54, x : x + 4] = 0
    ruled[70:72, 30:60] = 0
    readings = reader.read_handwriting([_crop(specked, _page()), _crop(ruled, _page())])
    assert all((r.value, r.state) == (None, State.EMPTY) for r in readings)
    assert all(0.7 <= r.p < 0.99 for r in readings)
    (area,) = lines.read_text_areas([_crop(specked, _page())])
    assert (area.state, area.p) == (State.EMPTY, readings[0].p)


def test_rule_in_image_without_form_is_not_ink() -> None:
    page = _page()
    page[84:86] = 120
    assert not find_ink(_crop(page)).mask.any()


def test_normalized_image_has_white_paper_and_black_ink() -> None:
    grey = (_worded("ab").astype(np.int32) // 2 + 90).astype(np.uint8)
    picture = render_ink(find_ink(_crop(grey)))
    assert picture.max() == 255
    assert picture.min() < 10


def test_stroke_is_assigned_to_line_of_its_centre() -> None:
    mask = np.zeros((100, 40), np.bool_)
    mask[20:58, 5:8] = True
    mask[60:80, 20:23] = True
    first, second = split_into_bands(mask, (0, 50, 100))
    assert first.sum() == 38 * 3
    assert second.sum() == 20 * 3


def test_ink_connected_across_lines_is_split_at_rules() -> None:
    mask = np.zeros((100, 40), np.bool_)
    mask[5:95, 5:8] = True
    assert [int(part.sum()) for part in split_into_bands(mask, (0, 50, 100))] == [45 * 3, 45 * 3]


def test_lines_are_joined_without_trailing_empty_lines() -> None:
    spec = FieldSpec(name="note", label="note", kind=Kind.LINES, box=(0, 0, 60, 48), lines=4)
    page = np.full((round(48 * PX), round(60 * PX)), 255, np.uint8)
    blank = page.copy()
    for row in range(1, 5):
        blank[row * 96 - 2 : row * 96] = 170
    for at, text in ((0, "Blodtryck"), (2, "Ringde son")):
        page[at * 96 : (at + 1) * 96] = _worded(text, 60)
    read, empty = lines.read_text_areas(
        [FieldImage(np.minimum(page, blank), spec, blank, PX), FieldImage(blank, spec, blank, PX)]
    )
    assert read.value == "Blodtryck\n\nRingde son"
    assert len(read.characters) == len(str(read.value))
    assert empty.state is State.EMPTY
    assert count_lines(page) == 2


def test_decoding_collapses_repeats_but_keeps_double_letters() -> None:
    alphabet = "ab"
    path = [1, 1, 0, 1, 2, 2, 0]
    steps = np.full((len(path), 3), 0.05, np.float32)
    steps[np.arange(len(path)), path] = 0.9
    best, *others = decode_ctc(steps, alphabet)
    assert best.text == "aab"
    assert len(best.characters) == 3
    assert best.p > others[0].p


def test_decoding_sums_alignments_instead_of_best_path() -> None:
    steps = np.array([[0.6, 0.4], [0.6, 0.4]], np.float32)
    best = decode_ctc(steps, "a")[0]
    assert best.text == "a"
    assert best.p == pytest.approx(0.64)


def test_decoding_of_no_steps_is_empty_text() -> None:
    assert decode_ctc(np.zeros((0, 3), np.float32), "ab")[0].text == ""


def test_reading_of_line_is_independent_of_batch() -> None:
    pictures = [_worded(text) for text in ("Anna", "Undersköterska", "12")]
    together = read_steps(pictures)
    for picture, steps in zip(pictures, together, strict=True):
        (alone,) = read_steps([picture])
        assert np.array_equal(alone, steps)
        assert steps.sum(axis=1) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.nightly
@pytest.mark.shared
@pytest.mark.slow
def test_error_rate_on_real_words() -> None:
    data = np.load(shared("handwriting", "dhsd_words.npz"))
    images, texts = data["x"], [str(text) for text in data["text"]]
    at = [i for i, text in enumerate(texts) if "ß" not in text][:200]
    readings = reader.read_handwriting([_loose(images[i]) for i in at])
    wrong = sum(
        Levenshtein.distance(str(r.value or ""), texts[i])
        for r, i in zip(readings, at, strict=True)
    )
    assert wrong / sum(len(texts[i]) for i in at) < 0.15


def _page(width: float = 60) -> Image:
    return np.full((96, round(width * PX)), 255, np.uint8)


def _worded(text: str, width: float = 60) -> Image:
    page = _page(width)
    cv2.putText(page, text, (20, 68), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 20, 3, cv2.LINE_AA)
    return page


def _crop(image: Image, blank: Image | None = None) -> FieldImage:
    spec = FieldSpec(name="text", label="text", kind=Kind.TEXT, box=(0, 0, image.shape[1] / PX, 12))
    return FieldImage(image, spec, blank, PX)


def _loose(image: Image) -> FieldImage:
    spec = FieldSpec(name="text", label="text", kind=Kind.TEXT, box=(0, 0, 36, 9))
    return FieldImage(image, spec)
