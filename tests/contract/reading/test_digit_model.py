"""The shipped digit network on held-out digits."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.model import State
from pipeline.reading.fields.digits.cells import EMPTY_CLASS
from pipeline.reading.fields.digits.reader import (
    DIGIT_MODEL,
    classify_cells,
    plain_digit_row,
    read_digit_boxes,
)
from pipeline.reading.fields.field_image import FieldImage
from research.training.digits.corrections import CorrectedBoxes
from research.training.digits.glyphs import Glyphs, enlarge
from research.training.digits.rows import draw_row
from tests.support.shared_data import shared

HELD_OUT = 480
"""The last digits of the file; see `data/models/digits.md`."""
PX_PER_MM = 8.0
MARGIN_MM = 2.0
CELL_MM = (5.4, 8.0)

Grey = NDArray[np.uint8]


@cache
def held_out() -> tuple[Grey, NDArray[np.int64]]:
    """Digits (480, 32, 32), 255 = ink, and their labels."""
    data = np.load(shared("handwriting", "optdigits.npz"))
    return data["x"][-HELD_OUT:].astype(np.uint8), data["y"][-HELD_OUT:]


def written_row(text: str, rng: Generator) -> tuple[Grey, Grey]:
    """A registered row and its blank: held-out digits in light boxes, slightly displaced."""
    pictures, labels = held_out()
    margin, pitch, height = (round(mm * PX_PER_MM) for mm in (MARGIN_MM, *CELL_MM))
    blank = np.full((height + 2 * margin, pitch * len(text) + 2 * margin), 255, np.uint8)
    for i in range(len(text) + 1):
        cv2.line(
            blank, (margin + i * pitch, margin), (margin + i * pitch, margin + height), (205,), 2
        )
    for y in (margin, margin + height):
        cv2.line(blank, (margin, y), (margin + pitch * len(text), y), (205,), 2)
    ink = np.zeros(blank.shape, np.float32)
    for i, symbol in enumerate(text):
        if symbol == " ":
            continue
        glyph = pictures[rng.choice(np.flatnonzero(labels == int(symbol)))]
        size = int(rng.integers(34, 46))
        small = (
            cv2.resize(glyph, (round(size * 0.75), size), interpolation=cv2.INTER_AREA).astype(
                np.float32
            )
            / 255
        )
        x = margin + i * pitch + (pitch - small.shape[1]) // 2 + int(rng.integers(-3, 4))
        y = margin + (height - size) // 2 + int(rng.integers(-5, 6))
        part = ink[y : y + size, x : x + small.shape[1]]
        np.maximum(part, small, out=part)
    sheet = np.minimum(
        np.roll(blank, tuple(rng.integers(-1, 2, 2)), (0, 1)) - 12.0,
        243 - 170 * cv2.GaussianBlur(ink, (0, 0), 0.8),
    )
    return np.clip(sheet + rng.normal(0, 4, sheet.shape), 0, 255).astype(np.uint8), blank


def crop_of(text: str, form: Format, rng: Generator) -> FieldImage:
    image, blank = written_row(text, rng)
    width = CELL_MM[0] * len(text)
    field = {
        "name": "f",
        "label": "f",
        "kind": Kind.DIGITS,
        "box": (0, 0, width, CELL_MM[1]),
        "format": form,
        "cells": len(text),
    }
    return FieldImage(image, FieldSpec.model_validate(field), blank, PX_PER_MM, MARGIN_MM)


def test_network_is_small() -> None:
    assert DIGIT_MODEL.stat().st_size <= 1_500_000
    assert DIGIT_MODEL.with_suffix(".md").is_file()


@pytest.mark.shared
def test_isolated_digits_are_read() -> None:
    pictures, labels = held_out()
    readings = read_digit_boxes(
        [FieldImage((255 - picture).astype(np.uint8), plain_digit_row(1)) for picture in pictures]
    )
    right = np.array(
        [reading.value == str(label) for reading, label in zip(readings, labels, strict=True)]
    )
    p = np.array([reading.p for reading in readings])
    assert right.mean() >= 0.985
    assert (p >= 0.999).mean() >= 0.5
    assert (~right & (p >= 0.999)).sum() <= 1


@pytest.mark.shared
def test_rows_of_dates_are_read() -> None:
    rng = np.random.default_rng(7)
    dates = [f"2026{rng.integers(1, 13):02d}{rng.integers(1, 29):02d}" for _ in range(60)]
    readings = read_digit_boxes([crop_of(text, Format.DATE, rng) for text in dates])
    right = np.array(
        [
            reading.value == f"{t[:4]}-{t[4:6]}-{t[6:]}"
            for reading, t in zip(readings, dates, strict=True)
        ]
    )
    assert right.mean() >= 0.93
    assert all(reading.p < 0.999 for reading, good in zip(readings, right, strict=True) if not good)


@pytest.mark.shared
def test_numbers_at_either_end_of_boxes_are_read() -> None:
    rng = np.random.default_rng(8)
    rows = [("37 ", "37"), (" 37", "37"), ("120", "120"), ("  5", "5")] * 10
    readings = read_digit_boxes([crop_of(text, Format.NUMBER, rng) for text, _ in rows])
    assert (
        np.mean(
            [reading.value == value for reading, (_, value) in zip(readings, rows, strict=True)]
        )
        >= 0.93
    )


@pytest.mark.nightly
@pytest.mark.shared
@pytest.mark.parametrize(
    ("kind", "most"), [("slash", 0.01), ("written over", 0.008), ("pair", 0.04)]
)
def test_ambiguous_digits_are_rarely_read_with_high_confidence(kind: str, most: float) -> None:
    """A digit with one stroke through it, one over another, two in a box. Before the networks were
    trained on such boxes, up to 10 % were read with high confidence.
    """
    pictures, labels = held_out()
    shapes = {
        digit: [enlarge(picture, 2.0) for picture in pictures[labels == digit]]
        for digit in range(10)
    }
    glyphs, rng = (
        Glyphs({digit: [found] * 3 for digit, found in shapes.items()}, shapes, []),
        np.random.default_rng(10),
    )
    cells = np.concatenate(
        [draw_row(CorrectedBoxes(glyphs, kind), "plain", rng).pictures() for _ in range(120)]
    )
    sure = classify_cells(cells)[:, :EMPTY_CLASS].max(axis=1) >= 0.99
    assert len(cells) > 300
    assert sure.mean() <= most


def test_empty_row_is_empty_with_high_probability() -> None:
    rng = np.random.default_rng(9)
    blank = np.full((96, 300), 255, np.uint8)
    cv2.rectangle(blank, (16, 16), (284, 80), (200,), 2)
    image = np.clip(blank - 10.0 + rng.normal(0, 5, blank.shape), 0, 255).astype(np.uint8)
    field = FieldSpec(
        name="f", label="f", kind=Kind.DIGITS, box=(0, 0, 33.5, 8), format=Format.DATE
    )
    (reading,) = read_digit_boxes([FieldImage(image, field, blank, PX_PER_MM, MARGIN_MM)])
    assert reading.state is State.EMPTY
    assert reading.p > 0.99


def test_results_are_in_order_of_crops() -> None:
    pictures = []
    for digit in "317":
        picture = np.full((64, 44), 245, np.uint8)
        cv2.putText(picture, digit, (8, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (40,), 3, cv2.LINE_AA)
        pictures.append(picture)
    crops = [FieldImage(picture, plain_digit_row(1)) for picture in pictures]
    together = [reading.value for reading in read_digit_boxes(crops)]
    assert together == [read_digit_boxes([crop])[0].value for crop in crops]
