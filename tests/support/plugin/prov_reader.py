"""Further readers of another package. They import nothing of Efterskrift."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Lines = Sequence[NDArray[np.uint8]]


class StrokeCounter:
    """Counts upright strokes, as in tally marks; a white line has no text."""

    def read_lines(self, lines: Lines) -> list[tuple[str, float]]:
        """Return the number of strokes of each line."""
        inked = [(line < 128).any(axis=0).astype(int) for line in lines]
        counts = [np.count_nonzero(np.diff(each, prepend=0) > 0) for each in inked]
        return [(str(count), 0.9) if count else ("", 0.0) for count in counts]


class Hanging:
    """Never answers."""

    def read_lines(self, lines: Lines) -> list[tuple[str, float]]:
        """Sleep for a day."""
        time.sleep(24 * 3600)
        return [("", 0.0)] * len(lines)


class Dying:
    """Ends its process."""

    def read_lines(self, lines: Lines) -> list[tuple[str, float]]:
        """End."""
        os._exit(len(lines))


class Curious:
    """Answers what it knows besides the lines, with a low score if it reaches a network."""

    def read_lines(self, lines: Lines) -> list[tuple[str, float]]:
        """Return the names of variables that it sees."""
        with socket.socket(type=socket.SOCK_DGRAM) as asked:
            is_cut_off = asked.connect_ex(("192.0.2.1", 9)) != 0
        return [(" ".join(sorted(os.environ)), 0.9 if is_cut_off else 0.1)] * len(lines)


class Sloppy:
    """Answers with one line too few."""

    def read_lines(self, lines: Lines) -> list[tuple[str, float]]:
        """Return too little."""
        return [("1", 0.9)] * (len(lines) - 1)
