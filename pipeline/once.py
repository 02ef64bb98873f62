"""What follows from an unfilled form alone is worked out once, not for every page that is compared with it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from numpy.typing import NDArray

Pixels = NDArray[Any]
P = ParamSpec("P")
Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


def while_it_lives(function: Callable[Concatenate[Thing, P], Answer]) -> Callable[Concatenate[Thing, P], Answer]:
    """A function of a thing that never changes and hashable arguments that remembers its answers for as long as the thing lives.

    A thing is known by itself, not by what it is like: its class must leave `__eq__` alone. An answer must not hold its thing, or it never goes.
    """
    held: WeakKeyDictionary[Thing, dict[Hashable, Answer]] = WeakKeyDictionary()

    @wraps(function)
    def remembered(thing: Thing, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        answers = held.get(thing)
        if answers is None:
            answers = held.setdefault(thing, {})
        key = args, tuple(sorted(kwargs.items()))
        if key not in answers:
            answers[key] = function(thing, *args, **kwargs)
        return answers[key]

    return remembered


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
    """Answers by key, whose first part is the picture's place, with the pictures they are of; the one used longest ago goes first.

    A picture of which many answers are held, such as a page with its fields, takes its bytes once.
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
