"""An option that is scribbled out beside a clear mark is cancelled; a cross gone over is not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from pipeline.domain.form.confidence import PREFILL_FROM
from pipeline.domain.form.field import FieldSpec, Kind, Option
from pipeline.domain.model import Image, State
from pipeline.reading.field_readers import CALIBRATED_READERS
from pipeline.reading.fields.field_image import FieldImage

PX, SIDE, LEFT = 8, 5.0, (5.0, 25.0, 45.0)


def _blank() -> Image:
    page = np.full((15 * PX, 60 * PX), 250, np.uint8)
    for x in LEFT:
        corner, other = (round(x * PX), 5 * PX), (round((x + SIDE) * PX), 10 * PX)
        cv2.rectangle(page, corner, other, (90,), 2)
    return page


def _draw(page: Image, x: float, points: list[tuple[float, float]]) -> None:
    path = np.round((np.array(points) * SIDE + (x, 5.0)) * PX * 8).astype(np.int32)
    cv2.polylines(page, [path.reshape(-1, 1, 2)], False, (40,), 3, cv2.LINE_AA, 3)


def _cross(page: Image, x: float, off: float = 0.0) -> None:
    _draw(page, x, [(0.05 + off, 0.05), (0.95, 0.95 - off)])
    _draw(page, x, [(0.95 - off, 0.05), (0.05, 0.95 - off)])


def _zigzag(page: Image, x: float) -> None:
    _draw(page, x, [(-0.05 if i % 2 else 1.05, 0.02 + 0.08 * i) for i in range(13)])


def _loops(page: Image, x: float) -> None:
    turns = np.linspace(0, 14 * np.pi, 140)
    radius = 0.28 + 0.2 * np.abs(np.sin(0.31 * turns))
    path = np.stack([0.5 + radius * np.cos(turns), 0.5 + radius * np.sin(turns)], axis=1)
    _draw(page, x, [(float(a), float(b)) for a, b in path])


def _crop(page: Image) -> FieldImage:
    options = tuple(
        Option(value=v, label=v, box=(45 + x, 50, SIDE, SIDE))
        for v, x in zip(("telefon", "hemma", "annat"), LEFT, strict=True)
    )
    spec = FieldSpec(
        name="contact", label="contact", kind=Kind.CHOICE, box=(50, 50, 45, SIDE), options=options
    )
    return FieldImage(page, spec, _blank(), float(PX), 5.0)


@pytest.mark.parametrize("scribble", [_zigzag, _loops])
def test_the_clear_mark_beside_a_scribbled_one_is_the_choice(
    scribble: Callable[[Image, float], None],
) -> None:
    page = _blank()
    _cross(page, LEFT[1])
    _cross(page, LEFT[0])
    scribble(page, LEFT[0])
    (reading,) = CALIBRATED_READERS[Kind.CHOICE]([_crop(page)])
    assert (reading.value, reading.state) == ("hemma", State.READ)
    assert reading.p >= PREFILL_FROM


def test_a_cross_that_is_gone_over_is_not_cancelled() -> None:
    page = _blank()
    _cross(page, LEFT[1])
    for off in (0.0, 0.06, 0.12):
        _cross(page, LEFT[0], off)
    (reading,) = CALIBRATED_READERS[Kind.CHOICE]([_crop(page)])
    assert reading.p < PREFILL_FROM


def test_two_scribbled_options_and_a_clear_one_leave_the_clear_one() -> None:
    page = _blank()
    for x in LEFT:
        _cross(page, x)
    _zigzag(page, LEFT[0])
    _loops(page, LEFT[2])
    (reading,) = CALIBRATED_READERS[Kind.CHOICE]([_crop(page)])
    assert reading.value == "hemma"


def test_a_scribble_alone_is_not_cancelled_for_sure() -> None:
    page = _blank()
    _cross(page, LEFT[0])
    _zigzag(page, LEFT[0])
    (reading,) = CALIBRATED_READERS[Kind.CHOICE]([_crop(page)])
    assert reading.p < PREFILL_FROM
