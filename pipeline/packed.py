"""Pictures that are kept for long in little room, exactly: masks in a bit a pixel, maps that are 0 nearly everywhere by their other values."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.integer]
"""Of pixels put in a row."""


class PackedMask:
    """A mask in an eighth of its room."""

    def __init__(self, mask: Mask) -> None:
        self._bits, self._shape = np.packbits(mask), mask.shape

    @property
    def mask(self) -> Mask:
        """(h, w), made anew each time."""
        return np.unpackbits(self._bits, count=math.prod(self._shape)).view(np.bool_).reshape(self._shape)


class PackedMap:
    """A map in twice the room of those of its values that are not 0."""

    def __init__(self, values: Map) -> None:
        self._places: Places = np.flatnonzero(values).astype(np.int32)
        self._values, self._shape = values.ravel().take(self._places), values.shape

    @property
    def map(self) -> Map:
        """(h, w), made anew each time."""
        out = np.zeros(self._shape, np.float32)
        out.put(self._places, self._values)
        return out
