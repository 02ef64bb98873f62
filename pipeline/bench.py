"""How fast reading is, against whole-page Tesseract on the same pages in the same run."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import pytesseract

from pipeline.digitize import Reader
from pipeline.errors import UsageError
from pipeline.model import Image, Outcome
from pipeline.scan import decode, pages_of
from pipeline.settings import ROOT, load_settings

SAMPLES = ROOT / "data" / "samples" / "stack"
A4_AT_300_DPI = (2480, 3508)

_reader: Reader | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pages a second of both ways."""

    pages: int
    processes: int
    read_per_second: float
    tesseract_per_second: float

    @property
    def ratio(self) -> float:
        """How many times as fast `read` is."""
        return self.read_per_second / self.tesseract_per_second

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ratio": self.ratio}


def compare(files: Sequence[Path] | None, processes: int, most: int) -> Comparison:
    """Read up to `most` form pages both ways, each page brought to 300 dpi first.

    Raises:
        UsageError: none of the files holds a page of a known form.
    """
    os.environ["OMP_THREAD_LIMIT"] = os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_start) as pool:
        pages = list(islice(_form_pages(files or sorted(SAMPLES.iterdir())), most))
        if not pages:
            raise UsageError("No page of a known form to measure with.", "Give files that hold filled forms, or run `make samples`.")
        list(pool.map(_read, pages[:processes]))  # starts the processes and loads the models before the clock starts
        read = _per_second(pool, _read, pages)
        tesseract = _per_second(pool, _tesseract, pages)
    return Comparison(len(pages), processes, read, tesseract)


def _per_second(pool: ProcessPoolExecutor, work: Callable[[bytes], None], pages: Sequence[bytes]) -> float:
    start = time.perf_counter()
    list(pool.map(work, pages))
    return len(pages) / (time.perf_counter() - start)


def _form_pages(files: Iterable[Path]) -> Iterable[bytes]:
    _start()
    for path in files:
        for page in pages_of(path):
            if page.data is None:
                continue
            data = _at_300_dpi(decode(page.data, page.media_type))
            if _reader and _reader.read(data, "image/png").reading.outcome is Outcome.READ:
                yield data


def _at_300_dpi(image: Image) -> bytes:
    size = A4_AT_300_DPI if image.shape[0] >= image.shape[1] else A4_AT_300_DPI[::-1]
    return cv2.imencode(".png", cv2.resize(image, size, interpolation=cv2.INTER_AREA))[1].tobytes()


def _start() -> None:
    global _reader
    cv2.setNumThreads(1)
    _reader = _reader or Reader.of(load_settings(), None)


def _read(data: bytes) -> None:
    assert _reader is not None
    _reader.read(data, "image/png")


def _tesseract(data: bytes) -> None:
    pytesseract.image_to_string(decode(data, "image/png"), lang="swe")
