"""What follows from an unfilled form alone is worked out once, not for every page that is compared
with it.

Pictures that are kept for long in little room, exactly: masks in a bit a pixel, maps that are 0
nearly everywhere by their other values.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
P = ParamSpec("P")
ObjectT = TypeVar("ObjectT")
ResultT = TypeVar("ResultT")
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
PixelIndices = NDArray[np.integer]
"""Of pixels put in a row."""


def cached_per_object(
    function: Callable[Concatenate[ObjectT, P], ResultT],
) -> Callable[Concatenate[ObjectT, P], ResultT]:
    """A function of a thing that never changes and hashable arguments that remembers its answers
    for as long as the thing lives.

    A thing is known by itself, not by what it is like: its class must leave `__eq__` alone. An
    answer must not hold its thing, or it never goes.
    """
    held: WeakKeyDictionary[ObjectT, dict[Hashable, ResultT]] = WeakKeyDictionary()

    @wraps(function)
    def remembered(thing: ObjectT, /, *args: P.args, **kwargs: P.kwargs) -> ResultT:
        answers = held.get(thing)
        if answers is None:
            answers = held.setdefault(thing, {})
        key = args, tuple(sorted(kwargs.items()))
        if key not in answers:
            answers[key] = function(thing, *args, **kwargs)
        return answers[key]

    return remembered


def cached_per_image(
    most_bytes: int,
) -> Callable[[Callable[Concatenate[Pixels, P], Pixels]], Callable[Concatenate[Pixels, P], Pixels]]:
    """A function of a picture and hashable arguments that remembers its answers for read-only
    pictures, up to so many bytes of both.

    A picture is known by where it lies in memory, and it is held as long as its answer is, so
    that nothing else can come to lie there. Answers are read-only. Pictures that may be written
    to are worked on anew each time.
    """

    def remembering(
        function: Callable[Concatenate[Pixels, P], Pixels],
    ) -> Callable[Concatenate[Pixels, P], Pixels]:
        held = _ImageCache(most_bytes)

        @wraps(function)
        def remembered(picture: Pixels, /, *args: P.args, **kwargs: P.kwargs) -> Pixels:
            if picture.flags.writeable:
                return function(picture, *args, **kwargs)
            place = (
                picture.__array_interface__["data"][0],
                picture.shape,
                picture.strides,
                picture.dtype.str,
            )
            key = (place, args, tuple(sorted(kwargs.items())))
            answer = held.get(key)
            if answer is None:
                answer = function(picture, *args, **kwargs)
                answer.flags.writeable = False
                held.put(key, picture, answer)
            return answer

        return remembered

    return remembering


class _ImageCache:
    """Answers by key, whose first part is the picture's place, with the pictures they are of; the
    one used longest ago goes first.

    A picture of which many answers are held, such as a page with its fields, takes its bytes
    once.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._answers: OrderedDict[tuple[Hashable, ...], tuple[Pixels, Pixels]] = OrderedDict()
        self._answers_of: Counter[Hashable] = Counter()
        self._lock = Lock()

    def get(self, key: tuple[Hashable, ...]) -> Pixels | None:
        with self._lock:
            if key not in self._answers:
                return None
            self._answers.move_to_end(key)
            return self._answers[key][1]

    def put(self, key: tuple[Hashable, ...], picture: Pixels, answer: Pixels) -> None:
        with self._lock:
            if key in self._answers:
                return
            self._answers[key] = picture, answer
            self._size += answer.nbytes + (0 if self._answers_of[key[0]] else picture.nbytes)
            self._answers_of[key[0]] += 1
            while self._size > self._most and self._answers:
                self._drop()

    def _drop(self) -> None:
        key, (picture, answer) = self._answers.popitem(last=False)
        self._answers_of[key[0]] -= 1
        self._size -= answer.nbytes
        if not self._answers_of[key[0]]:
            del self._answers_of[key[0]]
            self._size -= picture.nbytes


class CompressedMask:
    """A mask in an eighth of its room."""

    def __init__(self, mask: Mask) -> None:
        self._bits, self._shape = np.packbits(mask), mask.shape

    @property
    def mask(self) -> Mask:
        """(h, w), made anew each time."""
        return (
            np.unpackbits(self._bits, count=math.prod(self._shape))
            .view(np.bool_)
            .reshape(self._shape)
        )


class CompressedMap:
    """A map in twice the room of those of its values that are not 0."""

    def __init__(self, values: Map) -> None:
        self._places: PixelIndices = np.flatnonzero(values).astype(np.int32)
        self._values, self._shape = values.ravel().take(self._places), values.shape

    @property
    def map(self) -> Map:
        """(h, w), made anew each time."""
        out = np.zeros(self._shape, np.float32)
        out.put(self._places, self._values)
        return out
