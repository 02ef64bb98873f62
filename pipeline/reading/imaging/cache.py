"""Caches for results that depend only on objects or images that do not change.

Results about a form template are computed once, not for every page that is compared with it.
"""

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
ObjectT = TypeVar("ObjectT")
ResultT = TypeVar("ResultT")


def cached_per_object(
    function: Callable[Concatenate[ObjectT, P], ResultT],
) -> Callable[Concatenate[ObjectT, P], ResultT]:
    """Cache the results of a function for as long as its first argument lives.

    The first argument must never change; the others must be hashable. Objects are distinguished
    by identity, so their class must not define `__eq__`. A result must not hold its object: the
    object would never be freed.
    """
    caches: WeakKeyDictionary[ObjectT, dict[Hashable, ResultT]] = WeakKeyDictionary()

    @wraps(function)
    def wrapper(owner: ObjectT, /, *args: P.args, **kwargs: P.kwargs) -> ResultT:
        # Results of one owner, dropped when the owner is collected.
        results = caches.setdefault(owner, {})
        key = args, tuple(sorted(kwargs.items()))
        if key not in results:
            results[key] = function(owner, *args, **kwargs)
        return results[key]

    return wrapper


def cached_per_image(
    most_bytes: int,
) -> Callable[[Callable[Concatenate[Pixels, P], Pixels]], Callable[Concatenate[Pixels, P], Pixels]]:
    """Cache the results of a function of a read-only image and hashable arguments.

    The cache holds at most `most_bytes` of images and results together. An image is identified
    by its place in memory, and is held as long as its results are, so that no other image can
    take that place. Results are read-only. Writable images are computed each time.
    """

    def decorate(
        function: Callable[Concatenate[Pixels, P], Pixels],
    ) -> Callable[Concatenate[Pixels, P], Pixels]:
        cache = _ImageCache(most_bytes)

        @wraps(function)
        def wrapper(image: Pixels, /, *args: P.args, **kwargs: P.kwargs) -> Pixels:
            # A writable image may change, so its results are not cached.
            if image.flags.writeable:
                return function(image, *args, **kwargs)
            # The same memory with the same layout is the same image.
            layout = image.__array_interface__
            identity = layout["data"][0], image.shape, image.strides, layout["typestr"]
            key = (identity, args, tuple(sorted(kwargs.items())) if kwargs else ())
            result = cache.get(key)
            if result is None:
                result = function(image, *args, **kwargs)
                result.flags.writeable = False
                cache.put(key, image, result)
            return result

        return wrapper

    return decorate


class _ImageCache:
    """Results by key, with their images; the least recently used result is evicted first.

    The first part of a key identifies the image. An image with several results, such as a page
    with its fields, is counted once.
    """

    def __init__(self, most_bytes: int) -> None:
        self._max_bytes = most_bytes
        self._size = 0
        self._results: OrderedDict[tuple[Hashable, ...], tuple[Pixels, Pixels]] = OrderedDict()
        self._results_per_image: Counter[Hashable] = Counter()
        self._lock = Lock()

    def get(self, key: tuple[Hashable, ...]) -> Pixels | None:
        with self._lock:
            found = self._results.get(key)
            if found is None:
                return None
            # Least recently used order.
            self._results.move_to_end(key)
            return found[1]

    def put(self, key: tuple[Hashable, ...], image: Pixels, result: Pixels) -> None:
        with self._lock:
            if key in self._results:
                return
            self._results[key] = image, result
            # Count the image only with its first result.
            self._size += result.nbytes + (0 if self._results_per_image[key[0]] else image.nbytes)
            self._results_per_image[key[0]] += 1
            while self._size > self._max_bytes and self._results:
                self._evict_oldest()

    def _evict_oldest(self) -> None:
        key, (image, result) = self._results.popitem(last=False)
        # The image counts until its last result is evicted.
        self._results_per_image[key[0]] -= 1
        self._size -= result.nbytes
        if not self._results_per_image[key[0]]:
            del self._results_per_image[key[0]]
            self._size -= image.nbytes
