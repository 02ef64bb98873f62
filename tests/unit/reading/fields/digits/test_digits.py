"""Decoding of digit rows from made-up probabilities, and cutting of rows into cells."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import UNSEEN_P, Box, Image, PageReading, State
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.fields.digits import reader
from pipeline.reading.fields.digits.cells import CELL_CLASS_COUNT, CELL_PX, cell_images
from pipeline.reading.fields.digits.decoding import DIGIT_SYMBOLS, decode_digits, likeliest_rows
from pipeline.reading.fields.digits.formats import has_valid_check_digit, is_personal_number
from pipeline.reading.fields.digits.reader import (
    DIGIT_MODEL,
    SECOND_DIGIT_MODEL,
    SECOND_PASS_BELOW,
    SECOND_PASS_SHIFTS,
    classify_cells,
    plain_digit_row,
    read_digit_boxes,
    run_digit_network,
)
from pipeline.reading.fields.digits.strokes import Stroke, has_two_digits, is_not_one
from pipeline.reading.fields.registry import NETWORK_FINGERPRINTS
from pipeline.reading.read_page import PageReader

pytestmark = pytest.mark.slow

NUMBER = "189001019802"
"""An official test number (Skatteverket)."""


def spec(form: Format, cells: int | None = None, **more: float) -> FieldSpec:
    return FieldSpec.model_validate(
        {
            "name": "f",
            "label": "f",
            "kind": Kind.DIGITS,
            "box": (0, 0, 40, 8),
            "format": form,
            "cells": cells,
        }
        | more
    )


def row(
    text: str, p: float = 0.999, doubts: dict[int, dict[str, float]] | None = None
) -> NDArray[np.float32]:
    """Probabilities of a row that says `text` with `p` a box; `doubts` gives other symbols of a box
    their share.
    """
    out = np.full((len(text), CELL_CLASS_COUNT), (1 - p) / (CELL_CLASS_COUNT - 1), np.float32)
    for i, symbol in enumerate(text):
        out[i, DIGIT_SYMBOLS.index(symbol)] = p
        for other, share in (doubts or {}).get(i, {}).items():
            out[i, DIGIT_SYMBOLS.index(other)] = share
            out[i, DIGIT_SYMBOLS.index(symbol)] -= share
    return np.asarray(out / out.sum(axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("20261124", spec(Format.DATE), "2026-11-24"),
        ("20240229", spec(Format.DATE), "2024-02-29"),
        ("0715", spec(Format.TIME), "07:15"),
        ("2359", spec(Format.TIME), "23:59"),
        (NUMBER, spec(Format.PERSONAL_NUMBER), NUMBER),
        ("120", spec(Format.NUMBER, 3), "120"),
        (" 80", spec(Format.NUMBER, 3), "80"),
        ("80 ", spec(Format.NUMBER, 3), "80"),
        ("080", spec(Format.NUMBER, 3), "80"),
        ("375", spec(Format.NUMBER, 3, decimals=1), "37.5"),
        (" 05", spec(Format.NUMBER, 3, decimals=1), "0.5"),
        ("  5", spec(Format.NUMBER, 3, decimals=1), "0.5"),
        ("37 ", spec(Format.NUMBER, 3, decimals=1, minimum=30, maximum=43), "37"),
        ("375 ", spec(Format.NUMBER, 4, decimals=1, minimum=30, maximum=43), "37.5"),
        ("000", spec(Format.NUMBER, 3), "0"),
        ("007 ", plain_digit_row(4), "007"),
        ("0041 ", spec(Format.CODE, 5), "0041"),
        ("0412345678", spec(Format.CODE, 10), "0412345678"),
    ],
)
def test_reads_what_the_format_says(text: str, field: FieldSpec, value: str) -> None:
    reading = decode_digits(row(text), field)
    assert (reading.value, reading.state) == (value, State.READ)
    assert len(reading.characters) == len(value)
    assert 0.5 < reading.p <= 1


def test_a_clear_row_has_high_p() -> None:
    assert decode_digits(row("20261124"), spec(Format.DATE)).p > 0.99
    assert decode_digits(row(NUMBER), spec(Format.PERSONAL_NUMBER)).p > 0.99


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("20261324", Format.DATE),
        ("20230229", Format.DATE),
        ("2460", Format.TIME),
        (NUMBER[:-1] + "3", Format.PERSONAL_NUMBER),
    ],
)
def test_a_clear_row_that_breaks_its_format_stays_and_is_doubted(text: str, form: Format) -> None:
    reading = decode_digits(row(text, 0.9999), spec(form))
    assert (reading.value, reading.state) == (text, State.READ)
    assert reading.p <= 0.5


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("1 5", spec(Format.NUMBER, 3), "15"),
        ("1  5", spec(Format.NUMBER, 4), "15"),
        ("8 25", spec(Format.NUMBER, 4, decimals=1), "82.5"),
        ("125 5", spec(Format.NUMBER, 5, decimals=2), "125.5"),
        ("   5", spec(Format.NUMBER, 4, decimals=2), "0.5"),
        ("83 79", spec(Format.CODE, 5), "8379"),
        ("123 ", spec(Format.TIME), "01:23"),
    ],
)
def test_a_number_with_an_empty_box_in_it_is_doubted(
    text: str, field: FieldSpec, value: str
) -> None:
    """A pale nought that was not seen makes 15 of 105, 125,50 of 125,05, and 1.23 of 12.30."""
    reading = decode_digits(row(text, 0.9999), field)
    assert (reading.value, reading.state) == (value, State.READ)
    assert reading.p <= 0.5


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("1 250", spec(Format.NUMBER, 5), "1250"),
        ("37 5", spec(Format.NUMBER, 4, decimals=1), "37.5"),
    ],
)
def test_an_empty_box_for_thousands_or_the_comma_is_no_doubt(
    text: str, field: FieldSpec, value: str
) -> None:
    reading = decode_digits(row(text, 0.9999), field)
    assert reading.value == value
    assert reading.p > 0.99


def test_a_number_that_another_row_gives_too_is_doubted_by_that_rows_share() -> None:
    seen = row("15 ", 0.9999, doubts={1: {" ": 0.1}, 2: {"5": 0.1}})
    assert decode_digits(seen, spec(Format.NUMBER, 3)).p > 0.75


def test_ten_digits_in_twelve_boxes_stay_and_are_doubted() -> None:
    reading = decode_digits(row("  " + NUMBER[2:]), spec(Format.PERSONAL_NUMBER))
    assert reading.value == NUMBER[2:]
    assert reading.p <= 0.5


def test_the_check_digit_settles_a_doubt_and_the_other_row_is_listed() -> None:
    wrong = NUMBER[:4] + "7" + NUMBER[5:]
    seen = row(wrong, doubts={4: {NUMBER[4]: 0.3}})
    reading = decode_digits(seen, spec(Format.PERSONAL_NUMBER))
    assert reading.value == NUMBER
    assert 0.8 < reading.p < 0.99
    assert wrong in dict(reading.alternatives)
    assert reading.characters[4] == min(reading.characters)


def test_the_check_digit_does_not_hide_that_two_numbers_fit() -> None:
    """Two boxes doubtful in ways that both satisfy Luhn: p is shared."""
    other = next(
        f"{NUMBER[:10]}{a}{b}"
        for a in "0123456789"
        for b in "0123456789"
        if a != NUMBER[10] and b != NUMBER[11] and is_personal_number(f"{NUMBER[:10]}{a}{b}")
    )
    seen = row(NUMBER, doubts={10: {other[10]: 0.49}, 11: {other[11]: 0.49}})
    reading = decode_digits(seen, spec(Format.PERSONAL_NUMBER))
    assert reading.p < 0.6
    assert {reading.value, *dict(reading.alternatives)} >= {NUMBER, other}


def test_a_number_outside_its_range_gives_way_to_a_likely_one_within() -> None:
    field = spec(Format.NUMBER, 3, minimum=30, maximum=220)
    doubtful = decode_digits(row("780", doubts={0: {"1": 0.2}}), field)
    clear = decode_digits(row("780"), field)
    assert doubtful.value == "180"
    assert "780" in dict(doubtful.alternatives)
    assert clear.value == "780"


def test_all_boxes_empty() -> None:
    reading = decode_digits(row(" " * 12, 0.99), spec(Format.PERSONAL_NUMBER))
    assert (reading.value, reading.state) == (None, State.EMPTY)
    assert reading.p > 0.95


def test_a_struck_out_row_is_cancelled() -> None:
    assert decode_digits(row("########"), spec(Format.DATE)).state is State.CANCELLED
    assert decode_digits(row("##2#####"), spec(Format.DATE)).state is State.CANCELLED
    assert decode_digits(row("#  "), spec(Format.NUMBER, 3)).state is State.CANCELLED


def test_a_letter_among_digits_is_illegible_and_what_it_may_be_is_listed() -> None:
    reading = decode_digits(row("07?5", doubts={2: {"1": 0.1, "4": 0.05}}), spec(Format.TIME))
    assert (reading.value, reading.state, reading.characters) == (None, State.ILLEGIBLE, ())
    assert [value for value, _ in reading.alternatives[:2]] == ["07:15", "07:45"]


def test_probabilities_of_a_reading_never_exceed_one() -> None:
    rng = np.random.default_rng(5)
    for form, cells in (
        (Format.DATE, 8),
        (Format.TIME, 4),
        (Format.PERSONAL_NUMBER, 12),
        (Format.NUMBER, 5),
    ):
        for sharpness in (0.3, 1, 3, 8):
            flat = np.exp(sharpness * rng.normal(size=(cells, CELL_CLASS_COUNT))).astype(np.float32)
            reading = decode_digits(flat / flat.sum(axis=1, keepdims=True), spec(form, cells))
            assert 0 <= reading.p <= 1
            assert reading.p + sum(p for _, p in reading.alternatives) <= 1 + 1e-6
            assert all(0 <= p <= 1 + 1e-6 for p in reading.characters)


def test_rows_are_listed_exactly_and_nothing_is_lost() -> None:
    seen = row("12", 0.6, {0: {"7": 0.3}})
    rows, rest = likeliest_rows(seen)
    assert rows[0][0] == "12"
    assert rows[0][1] == pytest.approx(float(seen[0, 1] * seen[1, 2]), rel=1e-5)
    assert sum(p for _, p in rows) + rest == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("digits", "holds"), [(NUMBER[2:], True), ("9001019803", False), ("7010632391", True)]
)
def test_check_digit(digits: str, *, holds: bool) -> None:
    assert has_valid_check_digit(digits) is holds


def test_a_coordination_number_is_a_personal_number() -> None:
    assert is_personal_number("197010632391")
    assert not is_personal_number("197010992391")


@pytest.mark.parametrize("number", ["191500722390", "191711602399", "192004912388"])
def test_a_coordination_number_whose_birth_date_is_not_known_is_read_as_surely_as_any(
    number: str,
) -> None:
    """Official test numbers: month 00, day 60, and a day that its month lacks."""
    reading = decode_digits(row(number), spec(Format.PERSONAL_NUMBER))
    assert (reading.value, reading.state) == (number, State.READ)
    assert reading.p > 0.99


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
def test_printed_lines_are_no_ink(*, with_blank: bool) -> None:
    image, blank, margin = drawn_row("1 8 ", lines=120)
    if with_blank:
        pictures = cell_images(image, blank, 4, margin)
    else:
        pictures = cell_images(np.ascontiguousarray(image[margin:-margin, margin:-margin]), None, 4)
    assert pictures.shape == (4, CELL_PX, CELL_PX)
    assert [bool(picture.any()) for picture in pictures] == [True, False, True, False]


def test_a_blank_that_lies_a_little_off_is_moved() -> None:
    image, blank, margin = drawn_row("    ", lines=150)
    moved = np.roll(image, (2, 3), (0, 1))
    assert not cell_images(moved, blank, 4, margin).any()


def test_a_shadow_over_half_a_row_is_no_ink() -> None:
    image, blank, margin = drawn_row("123456")
    shaded = image.astype(np.float32)
    shaded[:, image.shape[1] // 2 :] *= 0.5
    lit, dark = (
        cell_images(picture, blank, 6, margin) for picture in (image, shaded.astype(np.uint8))
    )
    assert [bool(cell.any()) for cell in dark] == [bool(cell.any()) for cell in lit]
    assert np.abs(dark[-1].astype(int) - lit[-1]).mean() < 12


def test_a_stroke_that_leaves_its_box_stays_with_its_digit() -> None:
    image, blank, margin = drawn_row("    ")
    cv2.line(image, (margin + 20, margin + 10), (margin + 54, margin + 40), (30,), 4)
    inked = [bool(picture.any()) for picture in cell_images(image, blank, 4, margin)]
    assert inked == [True, False, False, False]


def test_digits_that_touch_are_divided() -> None:
    image, blank, margin = drawn_row("1 8 ")
    cv2.line(image, (margin + 30, margin + 30), (margin + 110, margin + 30), (30,), 4)
    inked = [bool(picture.any()) for picture in cell_images(image, blank, 4, margin)]
    assert inked[0]
    assert inked[2]


def test_scale_and_polarity_do_not_matter() -> None:
    image, _, margin = drawn_row("5")
    cell = np.ascontiguousarray(image[margin + 3 : -margin - 3, margin + 3 : -margin - 3])
    once = cell_images(cell, None, 1)[0].astype(int)
    twice = cell_images(cv2.resize(cell, None, fx=2, fy=2).astype(np.uint8), None, 1)[0].astype(int)
    inverted = cell_images((255 - cell).astype(np.uint8), None, 1)[0].astype(int)
    assert np.abs(once - twice).mean() < 12
    assert np.abs(once - inverted).mean() < 6


def test_no_crops_no_readings() -> None:
    assert read_digit_boxes([]) == []


@pytest.mark.parametrize("name", ["DIGIT_MODEL", "SECOND_DIGIT_MODEL"])
def test_a_missing_network_names_its_remedy(
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
        classify_cells(_clear_and_doubtful())
    assert "git checkout data/models" in raised.value.remedy


def _clear_and_doubtful() -> NDArray[np.uint8]:
    """Ten digits drawn clearly, and ten times two drawn on top of each other."""
    cells = np.zeros((20, CELL_PX, CELL_PX), np.uint8)
    for i, cell in enumerate(cells):
        for digit in {i % 10, (i + 3) % 10 if i >= 10 else i % 10}:
            cv2.putText(cell, str(digit), (6, 27), cv2.FONT_HERSHEY_DUPLEX, 1.0, 255, 2)
    return cells


def test_only_a_doubtful_cell_is_looked_at_again_and_by_both_networks() -> None:
    """A doubtful one is answered by the mean of all looks, the others as the first network answers."""
    cells = _clear_and_doubtful()
    once = run_digit_network(cells, DIGIT_MODEL)
    doubtful = once.max(axis=1) < SECOND_PASS_BELOW
    looks = [
        run_digit_network(np.roll(cells[doubtful], move, axis=(1, 2)), DIGIT_MODEL)
        for move in ((0, 0), (1, 0), (0, 1))
    ]
    looks += [
        run_digit_network(np.roll(cells[doubtful], move, axis=(1, 2)), SECOND_DIGIT_MODEL)
        for move in ((0, 0), (-1, 0), (0, -1))
    ]
    mean = np.exp(np.mean(np.log(np.maximum(looks, 1e-9)), axis=0))
    found = classify_cells(cells)
    assert doubtful.any()
    assert not doubtful.all()
    assert np.allclose(found[~doubtful], once[~doubtful], atol=1e-5)
    assert np.allclose(found[doubtful], mean / mean.sum(axis=1, keepdims=True), atol=1e-4)


def test_a_row_without_a_stroke_has_empty_cells_however_the_paper_looks() -> None:
    rng = np.random.default_rng(5)
    paper = np.clip(rng.normal(235, 2, (96, 400)), 0, 255).astype(np.uint8)
    assert not cell_images(paper, np.full_like(paper, 255), 4, 16).any()
    faint = paper.copy()
    cv2.line(faint, (150, 35), (140, 60), 200, 4)
    found = cell_images(faint, np.full_like(paper, 255), 4, 16)
    assert found.any(axis=(1, 2)).tolist() == [False, True, False, False]


def test_rows_asked_for_again_are_answered_alike() -> None:
    answers = row("1 3")
    first, rest = likeliest_rows(answers)
    first.clear()
    assert likeliest_rows(answers)[0][0][0] == "1 3"
    assert likeliest_rows(answers)[1] == rest


@pytest.mark.parametrize("name", ["DIGIT_MODEL", "SECOND_DIGIT_MODEL"])
def test_another_network_needs_curves_of_its_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = NETWORK_FINGERPRINTS[Kind.DIGITS]()
    other = tmp_path / "other.onnx"
    other.write_bytes(getattr(reader, name).read_bytes() + b"0")
    monkeypatch.setattr(reader, name, other)
    assert NETWORK_FINGERPRINTS[Kind.DIGITS]() != before


@pytest.mark.parametrize("network", [DIGIT_MODEL, SECOND_DIGIT_MODEL])
def test_what_reads_answers_as_what_was_trained(network: Path) -> None:
    cells = _drawn_cells()
    reads, trained = (
        run_digit_network(cells, network),
        run_digit_network(cells, network.parent / "trained" / network.name),
    )
    assert len(np.unique(trained.argmax(axis=1))) > 5
    assert np.mean(reads.argmax(axis=1) == trained.argmax(axis=1)) > 0.97
    assert np.abs(reads - trained).max(axis=1).mean() < 0.02


def _drawn_cells() -> Image:
    """Cells of digits in OpenCV's faces, thin and bold, upright and slanted, with grain."""
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
                cell_images(
                    (row + rng.normal(0, 4, row.shape)).clip(0, 255).astype(np.uint8), None, 10
                )
            )
    return np.concatenate(rows)


@pytest.mark.parametrize(("right", "down"), [(0.0, -4.7), (0.0, 4.7), (-4.5, 0.0), (4.5, 0.0)])
def test_a_digit_that_stands_half_outside_the_boxes_does_not_vanish(
    right: float, down: float
) -> None:
    """Read by itself the row is surely empty, or a number without that digit."""
    forms = Forms.load(ROOT / "forms")
    form, (sheet,) = forms.latest("matvarden"), make_blank_sheets(1)
    field = form.by_name["rad02.smarta"]
    paper, cell = render_sheet_page(form, sheet), field.cell_boxes[0 if right <= 0 else -1]
    _write(paper, "4", Box(cell.x + 1 + right, cell.y + 1.4 + down, cell.w - 2, cell.h - 2.8))
    reading = (
        PageReader.of_forms(forms)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )
    assert f"outside_boxes:{field.name}" in reading.issues
    assert reading.fields[field.name].p <= UNSEEN_P
    beside = {
        f"outside_boxes:{field.name}",
        "outside_boxes:rad02.bt_sys",
    }  # the row above, in whose picture it shows too
    assert {problem for problem in reading.issues if problem.startswith("outside_boxes")} <= beside


@pytest.mark.parametrize("down", [-5.2, 5.5, 6.0])
def test_a_number_above_or_below_its_boxes_does_not_leave_them_surely_empty(down: float) -> None:
    """Written in the gap between two rows it was in neither; now at most half of such numbers,
    which lie on the label, are.
    """
    form, paper = _matvarden()
    names = [f"rad{row:02d}.{value}" for row in range(2, 6) for value in ("puls", "saturation")]
    for name in names:
        _write_number(paper, form.by_name[name], "96", down)
    reading = _read(paper)
    silent = [
        name
        for name in names
        if reading.fields[name].p > UNSEEN_P and reading.fields[name].value != "96"
    ]
    assert len(silent) <= len(names) // 2, silent


def test_the_tail_of_a_tick_below_the_boxes_is_nothing_that_was_written_in_them() -> None:
    form, paper = _matvarden()
    names = [f"rad{row:02d}.puls" for row in range(2, 6)]
    for name in names:
        spec = form.by_name[name]
        _write_number(paper, spec, "86")
        x, below = spec.area.x + 4, spec.area.y + spec.area.h
        start, end = (
            (round(x * PRINT_PX_PER_MM), round(y * PRINT_PX_PER_MM))
            for x, y in ((x, below + 3), (x + 1.2, below + 0.5))
        )
        cv2.line(paper, start, end, (90, 40, 30), 6, cv2.LINE_AA)
    reading = _read(paper)
    assert [problem for problem in reading.issues if problem.startswith("outside_boxes")] == []


def test_a_correction_above_a_digit_makes_the_row_doubtful() -> None:
    """A digit struck out with a single stroke may still be read, and the one that is meant stands
    small above it.
    """
    form = Forms.load(ROOT / "forms").latest("nyckelkvittens")
    paper = render_sheet_page(form, make_blank_sheets(1)[0])
    dates = [spec for spec in form.fields if spec.format is Format.DATE and spec.row in (2, 3, 4)]
    for spec in dates:
        _write_number(paper, spec, "20211217")
        cell = spec.cell_boxes[-1]
        _write(paper, "8", Box(cell.x + 1, cell.y - 2.4, cell.w - 2, 2.0))
    reading = _read(paper)
    assert [spec.name for spec in dates if reading.fields[spec.name].p > UNSEEN_P] == []


def test_a_1_on_the_line_between_two_boxes_does_not_vanish_surely() -> None:
    """As thin as the line it was taken for a sliver of it, and a pulse of 136 was surely 36."""
    form, paper = _matvarden()
    names = [f"rad{row:02d}.puls" for row in range(1, 8)]
    for place, name in enumerate(names):
        _write_number(paper, form.by_name[name], "36")
        cell = form.by_name[name].cell_boxes[-2]
        x, top, bottom = cell.x + (-0.2, 0.2)[place % 2], cell.y + 0.9, cell.y + cell.h - 0.9
        _draw(paper, (x, top), (x, bottom), (3, 4)[place % 2])
    reading = _read(paper)
    silent = [
        name
        for name in names
        if reading.fields[name].value == "36" and reading.fields[name].p > UNSEEN_P
    ]
    assert len(silent) <= 1, silent


def test_a_digit_that_touches_the_next_one_across_their_line_does_not_vanish_surely() -> None:
    """Both were taken for the second digit: 11.30 was surely 01:30, and a pulse of 141 surely 41."""
    form, paper = _matvarden()
    names = [f"rad{row:02d}.puls" for row in range(1, 8)]
    for place, name in enumerate(names):
        _write_number(paper, form.by_name[name], "41")
        cell = form.by_name[name].cell_boxes[-2]
        left, right = cell.x - (0.8, 1.0, 1.2, 1.4)[place % 4], cell.x + (1.5, 1.9)[place % 2]
        _draw(paper, (right, cell.y + 1.4), (left, cell.y + cell.h - 1.2), 4)
    reading = _read(paper)
    assert [
        name
        for name in names
        if reading.fields[name].value == "41" and reading.fields[name].p > UNSEEN_P
    ] == []


@pytest.mark.parametrize("is_ring", [True, False], ids=["ring", "line below"])
def test_a_number_in_a_ring_or_underlined_is_not_surely_struck_out(is_ring: bool) -> None:
    form, paper = _matvarden()
    names = [
        spec.name
        for spec in form.fields
        if spec.row and spec.name.endswith((".puls", ".bt_sys", ".saturation"))
    ]
    for place, name in enumerate(names):
        _write_number(paper, form.by_name[name], "97")
        box = form.by_name[name].area
        x, y, w, h = (round(side * PRINT_PX_PER_MM) for side in (box.x, box.y, box.w, box.h))
        if is_ring:
            cv2.ellipse(
                paper,
                (x + w // 2, y + h // 2),
                (round(w * 0.52), round(h * 0.5)),
                0,
                0,
                360,
                (90, 40, 30),
                4,
                cv2.LINE_AA,
            )
        else:
            below = y + round(h * (0.82, 0.88, 0.94)[place % 3])
            cv2.line(paper, (x + 5, below), (x + w - 5, below), (90, 40, 30), 4, cv2.LINE_AA)
    reading = _read(paper)
    assert [
        name
        for name in names
        if reading.fields[name].state is State.CANCELLED and reading.fields[name].p > UNSEEN_P
    ] == []


def _matvarden() -> tuple[Form, Image]:
    """The form and a printed page of it."""
    form = Forms.load(ROOT / "forms").latest("matvarden")
    return form, render_sheet_page(form, make_blank_sheets(1)[0])


def _write_number(paper: Image, spec: FieldSpec, number: str, down: float = 0.0) -> None:
    """A figure in each of the last boxes, so many mm lower."""
    for cell, figure in zip(spec.cell_boxes[-len(number) :], number, strict=True):
        _write(paper, figure, Box(cell.x + 1.2, cell.y + 1.4 + down, cell.w - 2.4, cell.h - 2.8))


def _draw(
    paper: Image, start: tuple[float, float], end: tuple[float, float], thick_px: int
) -> None:
    """A stroke of a pen from one place to another, mm."""
    (x, y), (to_x, to_y) = (
        (round(one * PRINT_PX_PER_MM) for one in place) for place in (start, end)
    )
    cv2.line(paper, (x, y), (to_x, to_y), (90, 40, 30), thick_px, cv2.LINE_AA)


def _read(paper: Image) -> PageReading:
    return (
        PageReader.of_forms(Forms.load(ROOT / "forms"))
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )


Stretch = tuple[tuple[float, float], tuple[float, float]]
DITTO: tuple[Stretch, ...] = (((0.35, 0.3), (0.33, 0.55)), ((0.65, 0.3), (0.63, 0.55)))
UPRIGHT: tuple[Stretch, ...] = (((0.5, 0.05), (0.48, 0.95)),)
PASSING: tuple[Stretch, ...] = (((0.5, -0.6), (0.5, 1.6)),)


@pytest.mark.parametrize(
    "strokes",
    [DITTO, UPRIGHT, PASSING],
    ids=["ditto mark", "a single upright stroke", "an arrow through the rows"],
)
def test_strokes_that_are_taken_for_something_else_are_told_of(
    strokes: tuple[Stretch, ...],
) -> None:
    """A ditto mark was read as a sure 1, a 1 as straight as a ruler and an arrow through the rows
    as boxes that are surely empty.
    """
    forms = Forms.load(ROOT / "forms")
    form, (sheet,) = forms.latest("matvarden"), make_blank_sheets(1)
    paper, names = render_sheet_page(form, sheet), [f"rad{row:02d}.smarta" for row in range(1, 5)]
    for name in names:
        cell = form.by_name[name].cell_boxes[0]
        for stretch in strokes:
            start, end = (
                (
                    round((cell.x + x * cell.w) * PRINT_PX_PER_MM),
                    round((cell.y + y * cell.h) * PRINT_PX_PER_MM),
                )
                for x, y in stretch
            )
            cv2.line(paper, start, end, (90, 40, 30), 4, cv2.LINE_AA)
    reading = (
        PageReader.of_forms(forms)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )
    told = [name for name in names if f"odd_strokes:{name}" in reading.issues]
    assert len(told) >= 2
    assert max(reading.fields[name].p for name in told) <= UNSEEN_P
    assert max(reading.fields[name].p for name in names) < 0.98


@pytest.mark.parametrize("value", ["10", "12", "13", "14", "16", "18"])
def test_two_digits_in_one_box_are_not_surely_the_wider_one(value: str) -> None:
    """Of people who began close to the edge: a pain of 10 was surely 0, a blood sugar of 14 surely
    4.
    """
    forms = Forms.load(ROOT / "forms")
    form, (sheet,) = forms.latest("matvarden"), make_blank_sheets(1)
    paper, names = render_sheet_page(form, sheet), [f"rad{row:02d}.b_glukos" for row in range(1, 5)]
    for place, name in enumerate(names):
        cell = form.by_name[name].cell_boxes[0]
        for character, left, width in zip(value, (0.8, 2.3), (0.4, 2.6 + 0.2 * place), strict=True):
            _write(paper, character, Box(cell.x + left, cell.y + 1.2, width, 4.8))
    reading = (
        PageReader.of_forms(forms)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )
    assert [
        name
        for name in names
        if reading.fields[name].value != value and reading.fields[name].p > UNSEEN_P
    ] == []
    assert f"odd_strokes:{names[0]}" in reading.issues


def _write(paper: Image, character: str, box: Box) -> None:
    """A character of a pen that fills a rectangle (mm) of a page at 300 dpi."""
    drawn = np.full((200, 200), 255, np.uint8)
    cv2.putText(drawn, character, (30, 150), cv2.FONT_HERSHEY_SIMPLEX, 5, 60, 14, cv2.LINE_AA)
    x, y, w, h = cv2.boundingRect((drawn < 128).view(np.uint8))
    left, top, width, height = (
        round(side * PRINT_PX_PER_MM) for side in (box.x, box.y, box.w, box.h)
    )
    small = cv2.resize(drawn[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_AREA)
    place = paper[top : top + height, left : left + width]
    place[:] = np.minimum(place, small[..., None])


@pytest.mark.parametrize(
    ("strokes", "are_two"),
    [
        ([Stroke(1, 10, 20, 5, 40, 150), Stroke(2, 20, 21, 20, 38, 300)], True),
        (
            [
                Stroke(1, 10, 20, 16, 40, 300),
                Stroke(2, 30, 20, 8, 16, 60),
                Stroke(3, 32, 52, 6, 8, 40),
            ],
            True,
        ),
        ([Stroke(1, 10, 20, 12, 24, 100), Stroke(2, 18, 20, 6, 44, 200)], False),
        ([Stroke(1, 10, 20, 20, 40, 300), Stroke(2, 34, 40, 6, 12, 60)], False),
        ([Stroke(1, 10, 20, 8, 24, 100), Stroke(2, 20, 44, 8, 24, 100)], False),
    ],
    ids=[
        "a 1 and a 2",
        "a 3 and half a 5",
        "a 4 whose halves lie over each other",
        "a digit and a blot",
        "halves above each other",
    ],
)
def test_which_strokes_are_two_digits(strokes: list[Stroke], are_two: bool) -> None:
    assert has_two_digits(strokes, 56) is are_two


@pytest.mark.parametrize(
    ("strokes", "is_mark"),
    [
        ([Stroke(1, 10, 20, 3, 15, 40), Stroke(2, 22, 21, 3, 14, 38)], True),
        ([Stroke(1, 10, 2, 4, 92, 300)], True),
        ([Stroke(1, 20, 20, 3, 50, 150), Stroke(2, 12, 22, 8, 12, 40)], False),
        ([Stroke(1, 20, 20, 3, 25, 75), Stroke(2, 20, 47, 3, 22, 70)], False),
    ],
    ids=[
        "two alike beside each other",
        "from top to bottom",
        "a 1 whose flag stands apart",
        "a 1 that is broken in two",
    ],
)
def test_which_strokes_no_one_has(strokes: list[Stroke], is_mark: bool) -> None:
    assert is_not_one(strokes, 93) is is_mark
