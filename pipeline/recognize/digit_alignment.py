"""Where the printed boxes of a row of digits lie on a sheet, when they are a few pixels off: the best of all moves by whole pixels.

Print consists of lines and few words, so that most of its rows of pixels are alike. Each kind of row is held against the sheet once; what all rows of
the print have in common with the sheet is added up from there. This takes half of the time of a Fourier transform.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Image
from pipeline.once import once_a_picture

ALIGN = 4
"""How far the print may be moved to lie on the sheet, px (half a millimetre)."""
MOVES = 2 * ALIGN + 1

Grey = NDArray[np.float32]


def best_move(printed: Image | Grey, ink: Image | Grey) -> tuple[int, int]:
    """By how many px the print (h, w) must go down and right to lie on the ink (h, w): there the cosine between both is greatest.

    What comes within `ALIGN` px of the print's edge does not count, as it may leave the picture. The print stays where it is if nothing else is left,
    or if the ink has nothing in common with it. Of moves that are as good, the one farthest up and left.
    """
    if min(printed.shape) <= 2 * ALIGN:
        return 0, 0
    full = ink.astype(np.float32)
    rows = full @ _kinds_of_rows(printed)
    common = rows.reshape(-1, MOVES).take(_places(printed), axis=0).reshape(MOVES, -1, MOVES).sum(axis=1)
    if not common.any():
        return 0, 0
    height, width = full.shape
    length = np.sqrt(_windows(height) @ (full * full) @ _windows(width).T)
    down, right = np.unravel_index(np.argmax(common / np.maximum(length, np.finfo(np.float32).tiny)), common.shape)
    return int(down) - ALIGN, int(right) - ALIGN


@once_a_picture(most_bytes=16_000_000)
def _kinds_of_rows(printed: Image | Grey) -> Grey:
    """Each kind of row in each of the places where it may lie, (w, kinds * MOVES)."""
    kinds = np.stack(list(_kinds(printed).values()))
    out = np.zeros((printed.shape[1], len(kinds), MOVES), np.float32)
    for move in range(MOVES):
        out[move : move + kinds.shape[1], :, move] = kinds.T
    return out.reshape(len(out), -1)


@once_a_picture(most_bytes=16_000_000)
def _places(printed: Image | Grey) -> NDArray[np.intp]:
    """For each move down and each row of the print the place in (h * kinds) of that row's kind on the row of ink where it then lies."""
    inner, kinds = _inner(printed), list(_kinds(printed))
    kind = np.array([kinds.index(row.tobytes()) for row in inner])
    row = np.arange(MOVES)[:, None] + np.arange(len(inner))
    return np.asarray(row * len(kinds) + kind, np.intp).ravel()


def _kinds(printed: Image | Grey) -> dict[bytes, Image | Grey]:
    return {row.tobytes(): row for row in _inner(printed)}


def _inner(printed: Image | Grey) -> Image | Grey:
    return printed[ALIGN:-ALIGN, ALIGN:-ALIGN]


@lru_cache(maxsize=256)
def _windows(length: int) -> Grey:
    """For each move what the print then covers, (MOVES, length), 1 or 0."""
    out = np.zeros((MOVES, length), np.float32)
    for move in range(MOVES):
        out[move, move : length - 2 * ALIGN + move] = 1
    return out
