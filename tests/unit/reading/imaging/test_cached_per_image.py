"""Results derived from an image or an object are computed once, within a memory limit or the
lifetime of the object.
"""

from __future__ import annotations

import gc
from weakref import ref

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.reading.imaging.cache import cached_per_image, cached_per_object

pytestmark = pytest.mark.slow

PAGE = 1000
"""Bytes of the picture."""


def page() -> NDArray[np.uint8]:
    out = np.zeros(PAGE, np.uint8)
    out.flags.writeable = False
    return out


def test_image_with_many_results_is_counted_once() -> None:
    asked = []

    @cached_per_image(most_bytes=2 * PAGE)
    def part(picture: NDArray[np.uint8], at: int) -> NDArray[np.uint8]:
        asked.append(at)
        return picture[at : at + 10].copy()

    picture = page()
    for at in [*range(0, PAGE, 10)] * 2:
        part(picture, at)
    assert len(asked) == PAGE / 10


def test_least_recently_used_entry_is_evicted_first() -> None:
    asked = []

    @cached_per_image(most_bytes=2 * PAGE + 20)
    def first(picture: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
        asked.append(picture)
        return picture[:count].copy()

    one, two, three = page(), page(), page()
    for picture in (one, two, one, three, one, two):
        first(picture, 10)
    assert [
        next(i for i, each in enumerate((one, two, three)) if each is picture) for picture in asked
    ] == [0, 1, 2, 1]


def test_writable_image_is_not_cached() -> None:
    @cached_per_image(most_bytes=PAGE)
    def total(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
        return np.array([picture.sum()])

    picture = np.zeros(10, np.uint8)
    assert total(picture) == [0]
    picture[0] = 1
    assert total(picture) == [1]


class Thing:
    """An immutable object."""


def test_result_is_computed_once_and_freed_with_its_object() -> None:
    asked = []

    @cached_per_object
    def part(thing: Thing, at: int) -> NDArray[np.uint8] | None:
        asked.append((thing.__class__, at))
        return np.zeros(at, np.uint8) if at else None

    thing = Thing()
    answers = [part(thing, at) for at in (1, 0, 1, 0)]
    assert [at for _, at in asked] == [1, 0]
    assert answers[0] is answers[2]
    assert part(Thing(), 1) is not answers[0]
    gone, answer = ref(thing), ref(answers[0])
    del thing, answers
    gc.collect()
    assert gone() is None
    assert answer() is None
