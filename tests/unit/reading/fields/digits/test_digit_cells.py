"""Cropping of digit rows into cells, and the results of their networks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.field import Kind
from pipeline.domain.model import Image
from pipeline.reading.field_readers import NETWORK_FINGERPRINTS
from pipeline.reading.fields.digits import reader
from pipeline.reading.fields.digits.cells import CELL_PX, segment_digit_row
from pipeline.reading.fields.digits.decoding import likeliest_rows
from pipeline.reading.fields.digits.reader import (
    DIGIT_MODEL,
    SECOND_DIGIT_MODEL,
    SECOND_PASS_BELOW,
    SECOND_PASS_SHIFTS,
    classify_cells,
    read_digit_boxes,
    run_digit_network,
)
from tests.unit.reading.fields.digits.digit_rows import (
    row,
)

pytestmark = pytest.mark.slow


def drawn_row(digits: str, *, lines: int = 200) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """A row of boxes 44 × 64 px with digits drawn in them, its blank, and the margin."""
    margin, pitch, height = 16, 44, 64
    blank = np.full((height + 2 * margin, pitch * len(digits) + 2 * margin), 255, np.uint8)
    for i in range(len(digits) + 1):
        cv2.line(
            blank, (margin + i * pitch, margin), (margin + i * pitch, margin + height), (lines,), 2
        )
    for y in (margin, margin + height):
        cv2.line(blank, (margin, y), (margin + pitch * len(digits), y), (lines,), 2)
    image = blank.copy()
    for i, digit in enumerate(digits.replace(" ", "\0")):
        if digit != "\0":
            cv2.putText(
                image,
                digit,
                (margin + i * pitch + 9, margin + 48),
                cv2.FONT_HERSHEY_SIMPLEX,
                1.3,
                (40,),
                3,
                cv2.LINE_AA,
            )
    return image, blank, margin


@pytest.mark.parametrize("with_blank", [True, False])
def test_printed_lines_are_not_ink(*, with_blank: bool) -> None:
    image, blank, margin = drawn_row("1 8 ", lines=120)
    if with_blank:
        pictures = segment_digit_row(image, blank, 4, margin).pictures
    else:
        pictures = segment_digit_row(
            np.ascontiguousarray(image[margin:-margin, margin:-margin]), None, 4
        ).pictures
    assert pictures.shape == (4, CELL_PX, CELL_PX)
    assert [bool(picture.any()) for picture in pictures] == [True, False, True, False]


def test_slightly_displaced_blank_is_aligned() -> None:
    image, blank, margin = drawn_row("    ", lines=150)
    moved = np.roll(image, (2, 3), (0, 1))
    assert not segment_digit_row(moved, blank, 4, margin).pictures.any()


def test_shadow_over_half_of_row_is_not_ink() -> None:
    image, blank, margin = drawn_row("123456")
    shaded = image.astype(np.float32)
    shaded[:, image.shape[1] // 2 :] *= 0.5
    lit, dark = (
        segment_digit_row(picture, blank, 6, margin).pictures
        for picture in (image, shaded.astype(np.uint8))
    )
    assert [bool(cell.any()) for cell in dark] == [bool(cell.any()) for cell in lit]
    assert np.abs(dark[-1].astype(int) - lit[-1]).mean() < 12


def test_stroke_outside_its_box_is_assigned_to_its_digit() -> None:
    image, blank, margin = drawn_row("    ")
    cv2.line(image, (margin + 20, margin + 10), (margin + 54, margin + 40), (30,), 4)
    inked = [bool(picture.any()) for picture in segment_digit_row(image, blank, 4, margin).pictures]
    assert inked == [True, False, False, False]


def test_touching_digits_are_separated() -> None:
    image, blank, margin = drawn_row("1 8 ")
    cv2.line(image, (margin + 30, margin + 30), (margin + 110, margin + 30), (30,), 4)
    inked = [bool(picture.any()) for picture in segment_digit_row(image, blank, 4, margin).pictures]
    assert inked[0]
    assert inked[2]


def test_crop_is_independent_of_scale_and_polarity() -> None:
    image, _, margin = drawn_row("5")
    cell = np.ascontiguousarray(image[margin + 3 : -margin - 3, margin + 3 : -margin - 3])
    once = segment_digit_row(cell, None, 1).pictures[0].astype(int)
    twice = (
        segment_digit_row(cv2.resize(cell, None, fx=2, fy=2).astype(np.uint8), None, 1)
        .pictures[0]
        .astype(int)
    )
    inverted = segment_digit_row((255 - cell).astype(np.uint8), None, 1).pictures[0].astype(int)
    assert np.abs(once - twice).mean() < 12
    assert np.abs(once - inverted).mean() < 6


def test_empty_batch_has_no_readings() -> None:
    assert read_digit_boxes([]) == []


@pytest.mark.parametrize("name", ["DIGIT_MODEL", "SECOND_DIGIT_MODEL"])
def test_missing_network_error_has_remedy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "digits.onnx"
    monkeypatch.setattr(
        reader,
        "SECOND_PASS_SHIFTS",
        {
            gone if file == getattr(reader, name) else file: moves
            for file, moves in SECOND_PASS_SHIFTS.items()
        },
    )
    monkeypatch.setattr(reader, name, gone)
    with pytest.raises(MissingProgramError, match=r"digits\.onnx") as raised:
        classify_cells(_clear_and_ambiguous())
    assert "git checkout data/models" in raised.value.remedy


def _clear_and_ambiguous() -> NDArray[np.uint8]:
    """Ten clearly drawn digits, and ten times two digits drawn on top of each other."""
    cells = np.zeros((20, CELL_PX, CELL_PX), np.uint8)
    for i, cell in enumerate(cells):
        for digit in {i % 10, (i + 3) % 10 if i >= 10 else i % 10}:
            cv2.putText(cell, str(digit), (6, 27), cv2.FONT_HERSHEY_DUPLEX, 1.0, 255, 2)
    return cells


def test_only_uncertain_cell_is_reread_by_both_networks() -> None:
    """Uncertain cells get the mean of all readings, the others that of the first network."""
    cells = _clear_and_ambiguous()
    once = run_digit_network(cells, DIGIT_MODEL)
    uncertain = once.max(axis=1) < SECOND_PASS_BELOW
    looks = [
        run_digit_network(np.roll(cells[uncertain], move, axis=(1, 2)), DIGIT_MODEL)
        for move in ((0, 0), (1, 0), (0, 1))
    ]
    looks += [
        run_digit_network(np.roll(cells[uncertain], move, axis=(1, 2)), SECOND_DIGIT_MODEL)
        for move in ((0, 0), (-1, 0), (0, -1))
    ]
    mean = np.exp(np.mean(np.log(np.maximum(looks, 1e-9)), axis=0))
    found = classify_cells(cells)
    assert uncertain.any()
    assert not uncertain.all()
    assert np.allclose(found[~uncertain], once[~uncertain], atol=1e-5)
    assert np.allclose(found[uncertain], mean / mean.sum(axis=1, keepdims=True), atol=1e-4)


def test_row_without_strokes_is_empty_on_any_paper() -> None:
    rng = np.random.default_rng(5)
    paper = np.clip(rng.normal(235, 2, (96, 400)), 0, 255).astype(np.uint8)
    assert not segment_digit_row(paper, np.full_like(paper, 255), 4, 16).pictures.any()
    faint = paper.copy()
    cv2.line(faint, (150, 35), (140, 60), 200, 4)
    found = segment_digit_row(faint, np.full_like(paper, 255), 4, 16).pictures
    assert found.any(axis=(1, 2)).tolist() == [False, True, False, False]


def test_repeated_reading_of_rows_gives_same_result() -> None:
    answers = row("1 3")
    first, rest = likeliest_rows(answers)
    first.clear()
    assert likeliest_rows(answers)[0][0][0] == "1 3"
    assert likeliest_rows(answers)[1] == rest


@pytest.mark.parametrize("name", ["DIGIT_MODEL", "SECOND_DIGIT_MODEL"])
def test_other_network_needs_its_own_calibration(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = NETWORK_FINGERPRINTS[Kind.DIGITS]()
    other = tmp_path / "other.onnx"
    other.write_bytes(getattr(reader, name).read_bytes() + b"0")
    monkeypatch.setattr(reader, name, other)
    assert NETWORK_FINGERPRINTS[Kind.DIGITS]() != before


@pytest.mark.parametrize("network", [DIGIT_MODEL, SECOND_DIGIT_MODEL])
def test_exported_network_matches_trained_network(network: Path) -> None:
    cells = _drawn_cells()
    reads, trained = (
        run_digit_network(cells, network),
        run_digit_network(cells, network.parent / "trained" / network.name),
    )
    assert len(np.unique(trained.argmax(axis=1))) > 5
    assert np.mean(reads.argmax(axis=1) == trained.argmax(axis=1)) > 0.97
    assert np.abs(reads - trained).max(axis=1).mean() < 0.02


def _drawn_cells() -> Image:
    """Cells of digits in OpenCV's typefaces, thin and bold, upright and slanted, with noise."""
    rng = np.random.default_rng(4)
    rows = []
    for face in (
        cv2.FONT_HERSHEY_SIMPLEX,
        cv2.FONT_HERSHEY_PLAIN,
        cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
        cv2.FONT_ITALIC,
    ):
        for width in (1, 2, 4):
            row = np.full((60, 400), 250, np.uint8)
            for place, digit in enumerate(rng.permutation(10)):
                cv2.putText(
                    row,
                    str(digit),
                    (place * 40 + 9, 45),
                    face,
                    1.9 if face == cv2.FONT_HERSHEY_PLAIN else 1.2,
                    40,
                    width,
                    cv2.LINE_AA,
                )
            rows.append(
                segment_digit_row(
                    (row + rng.normal(0, 4, row.shape)).clip(0, 255).astype(np.uint8), None, 10
                ).pictures
            )
    return np.concatenate(rows)


def _printed_row(frame: int, divider: int) -> tuple[Image, NDArray[np.bool_]]:
    """Four boxes of 44 × 64 px within a margin of 16 px, and where their frame is."""
    row = np.full((96, 208), 255, np.uint8)
    for x in (60, 104, 148):
        row[16:80, x - 1 : x + 1] = divider
    before = row.copy()
    cv2.rectangle(row, (16, 16), (191, 79), frame, 2)
    return row, np.asarray(row != before, np.bool_)


def test_frame_that_one_bit_made_black_is_no_ink() -> None:
    """The lines between the boxes are lost, so that the mean print is as if there were none."""
    template, frame = _printed_row(185, 205)
    random = np.random.default_rng(5)
    sheet = np.where(frame & (random.random(frame.shape) < 0.6), 0, 255).astype(np.uint8)
    cut = segment_digit_row(sheet, template, 4, 16.0)
    assert not cut.outside
    assert not cut.pictures.any()


def test_side_of_a_black_frame_between_two_pixels_is_no_ink() -> None:
    """It is paler on the template than the sides that lie on pixels, but weighs as much."""
    template, frame = _printed_row(185, 205)
    side = np.zeros_like(frame)
    side[16:80, 190:193] = True
    template[side], frame = 255, frame & ~side
    template[16:80, 190:193] = (220, 185, 220)
    sheet = np.where(frame | (side & (np.arange(208) < 192)), 0, 255).astype(np.uint8)
    cut = segment_digit_row(sheet, template, 4, 16.0)
    assert not cut.outside
    assert not cut.pictures.any()


def test_edge_of_the_next_frame_is_no_digit_beside_the_boxes() -> None:
    """Black and white makes it a pixel bolder, so that the image just shows it."""
    template, _ = _printed_row(185, 205)
    sheet = np.full_like(template, 255)
    sheet[20:76, -1:] = 0
    assert not segment_digit_row(sheet, template, 4, 16.0).outside
    sheet[20:76, -5:] = 0
    assert segment_digit_row(sheet, template, 4, 16.0).outside


def test_digit_in_black_frame_is_kept() -> None:
    template, frame = _printed_row(185, 205)
    sheet = np.where(frame, 0, 255).astype(np.uint8)
    cv2.line(sheet, (82, 28), (80, 68), 0, 5)
    cut = segment_digit_row(sheet, template, 4, 16.0)
    assert not cut.outside
    assert cut.pictures.reshape(4, -1).any(axis=1).tolist() == [False, True, False, False]
