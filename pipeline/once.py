"""What follows from an unfilled form alone is worked out once, not for every page that is compared with it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec

from numpy.typing import NDArray

Pixels = NDArray[Any]
P = ParamSpec("P")


def once_a_picture(most_bytes: int) -> Callable[[Callable[Concatenate[Pixels, P], Pixels]], Callable[Concatenate[Pixels, P], Pixels]]:
    """A function of a picture and hashable arguments that remembers its answers for read-only pictures, up to so many bytes of both.

    A picture is known by where it lies in memory, and it is held as long as its answer is, so that nothing else can come to lie there. Answers are
    read-only. Pictures that may be written to are worked on anew each time.
    """

    def remembering(function: Callable[Concatenate[Pixels, P], Pixels]) -> Callable[Concatenate[Pixels, P], Pixels]:
        held = _Held(most_bytes)

        @wraps(function)
        def remembered(picture: Pixels, /, *args: P.args, **kwargs: P.kwargs) -> Pixels:
            if picture.flags.writeable:
                return function(picture, *args, **kwargs)
            place = (picture.__array_interface__["data"][0], picture.shape, picture.strides, picture.dtype.str)
            key = (place, args, tuple(sorted(kwargs.items())))
            answer = held.get(key)
            if answer is None:
                answer = function(picture, *args, **kwargs)
                answer.flags.writeable = False
                held.put(key, picture, answer)
            return answer

        return remembered

    return remembering


class _Held:
    """Answers by key with the pictures they are of; the one used longest ago goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._answers: OrderedDict[Hashable, tuple[Pixels, Pixels]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Pixels | None:
        with self._lock:
            if key not in self._answers:
                return None
            self._answers.move_to_end(key)
            return self._answers[key][1]

    def put(self, key: Hashable, picture: Pixels, answer: Pixels) -> None:
        with self._lock:
            if key in self._answers:
                return
            self._answers[key] = picture, answer
            self._size += picture.nbytes + answer.nbytes
            while self._size > self._most and self._answers:
                _, gone = self._answers.popitem(last=False)
                self._size -= sum(pixels.nbytes for pixels in gone)
