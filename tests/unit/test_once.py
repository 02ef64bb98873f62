"""Answers that are remembered for pictures that do not change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.once import once_a_picture

Picture = NDArray[np.uint8]
asked: list[int] = []


@once_a_picture(most_bytes=1000)
def brighter(picture: Picture, by: int) -> Picture:
    """Something to work out."""
    asked.append(by)
    return np.asarray(picture + by, np.uint8)


def read_only(value: int, size: int = 10) -> Picture:
    """A picture that stays as it is."""
    picture = np.full((size, 10), value, np.uint8)
    picture.flags.writeable = False
    return picture


def test_a_read_only_picture_is_worked_on_once() -> None:
    asked.clear()
    picture = read_only(3)
    assert (brighter(picture, 4) == 7).all()
    assert brighter(picture[:], 4) is brighter(picture, 4)
    assert (brighter(picture[2:], 4)).shape == (8, 10)
    assert asked == [4, 4]


def test_other_arguments_have_their_own_answers() -> None:
    picture = read_only(1)
    assert (brighter(picture, 1) == 2).all()
    assert (brighter(picture, 2) == 3).all()


def test_a_picture_that_may_change_is_worked_on_anew() -> None:
    picture = np.full((10, 10), 1, np.uint8)
    assert (brighter(picture, 1) == 2).all()
    picture[:] = 5
    assert (brighter(picture, 1) == 6).all()


def test_memory_is_bounded_and_nothing_is_mistaken() -> None:
    asked.clear()
    for value in range(50):
        assert (brighter(read_only(value), 1) == value + 1).all()
    assert len(asked) == 50
    first = read_only(200)
    brighter(first, 9)
    for value in range(5):
        brighter(read_only(value), 9)
    asked.clear()
    assert (brighter(first, 9) == 209).all()
    assert asked == [9]
