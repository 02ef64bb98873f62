"""Properties of the geometry and of the sheet's code."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.model import Image, SheetCode
from pipeline.forms.fiducials import (
    SERIAL_ALPHABET,
    format_code,
    format_serial,
    is_serial,
    new_serial,
    normalize_serial,
    parse_code,
)
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.imaging import geometry
from pipeline.reading.register.register import register_page
from tests.support.pages.synthetic_page import CODE, scribbled, synthetic_blank, synthetic_page

PLACES = np.stack(np.meshgrid(np.linspace(13, 197, 7), np.linspace(29, 268, 9)), axis=-1).reshape(
    -1, 2
)
SOURCE = np.diag([2480 / 210, 3508 / 297, 1.0])

serials = st.integers(min_value=0).map(lambda _: new_serial())
codes = st.builds(
    SheetCode,
    st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    st.integers(1, 99),
    st.integers(1, 99),
    st.integers(1, 99),
    serials,
)


@cache
def _filled() -> Image:
    return scribbled(synthetic_page(300), np.random.default_rng(3))


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    turn=st.floats(0, 360),
    scale=st.floats(0.55, 1.3),
    tilt=st.lists(st.floats(-0.05, 0.05), min_size=8, max_size=8),
)
def test_homography_and_its_inverse_restore_page(
    turn: float, scale: float, tilt: list[float]
) -> None:
    h, w = _filled().shape
    start = np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=np.float64)
    tilted = start + np.array(tilt).reshape(4, 2) * w
    spin = cv2.getRotationMatrix2D((w / 2, h / 2), -turn, scale)
    end = tilted @ spin[:, :2].T + spin[:, 2]
    end += 20 - end.min(axis=0)
    matrix = np.asarray(
        cv2.getPerspectiveTransform(start.astype(np.float32), end.astype(np.float32)),
        dtype=np.float64,
    )
    size = tuple(int(v) for v in np.ceil(end.max(axis=0)) + 20)
    picture = np.asarray(
        cv2.warpPerspective(_filled(), matrix, size, borderValue=(255,)), dtype=np.uint8
    )

    found = identify_page(picture)
    assert found.code == CODE
    registration = register_page(picture, found, synthetic_blank())
    true_px = geometry.transform_points(
        matrix @ np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]) @ SOURCE, PLACES
    )
    back_mm = geometry.transform_points(registration.to_mm, true_px)
    if registration.bend is None:
        assert np.percentile(np.linalg.norm(back_mm - PLACES, axis=1), 95) <= 0.2
    off_px = np.linalg.norm(registration.to_px(PLACES) - true_px, axis=1)
    assert np.percentile(off_px, 95) <= 0.2 * geometry.scale_at_centre(
        np.linalg.inv(registration.to_mm)
    )


@given(codes)
def test_formatted_code_is_parsed_unchanged(code: SheetCode) -> None:
    assert parse_code(format_code(code)) == code


@given(serials)
def test_typed_serial_is_normalized(serial: str) -> None:
    assert is_serial(serial)
    assert normalize_serial(format_serial(serial).lower()) == serial


@given(serials, st.integers(0, 7), st.sampled_from(SERIAL_ALPHABET))
def test_single_wrong_character_is_detected(serial: str, place: int, character: str) -> None:
    wrong = serial[:place] + character + serial[place + 1 :]
    assert is_serial(wrong) == (wrong == serial)
