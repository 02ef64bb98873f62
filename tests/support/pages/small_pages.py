"""Small real pages that are read fast: blank paper, and paper with something on that belongs to no
form.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow


def blank_page(number: int) -> bytes:
    """White paper as PNG; no two numbers give the same bytes."""
    paper = np.full((566, 400), 255, np.uint8)
    paper[0, :4] = 255 - np.array([(number >> shift) & 7 for shift in (0, 3, 6, 9)])
    return cv2.imencode(".png", paper)[1].tobytes()


def foreign_page(number: int | str) -> bytes:
    """Paper of no form of Efterskrift, as PNG."""
    paper = np.full((566, 400), 255, np.uint8)
    for line in range(6):
        cv2.putText(
            paper,
            f"Rad {line} blad {number}",
            (40, 80 + 60 * line),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.9,
            0,
            2,
        )
    return cv2.imencode(".png", paper)[1].tobytes()


def write_stack(folder: Path, count: int, start: int = 0) -> list[Path]:
    """Files of one page each, blank and foreign in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(start, start + count):
        path = folder / f"{number:04d}.png"
        path.write_bytes(foreign_page(number) if number % 2 else blank_page(number))
        paths.append(path)
    return paths


def pdf(path: Path, count: int) -> Path:
    """A PDF of so many grey pages."""
    frames = [Pillow.fromarray(np.full((60, 40), 100 + n, np.uint8)) for n in range(count)]
    frames[0].save(path, "PDF", save_all=True, append_images=frames[1:])
    return path


class CutShortError(Exception):
    """What stands for the end of the process in the middle of taking in."""


def stop_after(number: int) -> Callable[[int], None]:
    """What `take_in` reports its pages ends it after so many."""

    def on_page(done: int) -> None:
        if done == number:
            raise CutShortError

    return on_page
