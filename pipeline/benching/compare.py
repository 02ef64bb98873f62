"""Pages a second and processor time a page: of `read` step by step, of Tesseract on whole pages, and of OCRmyPDF."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from typing import Any

import cv2

from pipeline.benching.rivals import Pace, cpu_seconds, ocrmypdf_pace, tesseract_page
from pipeline.digitize import Reader
from pipeline.errors import MissingProgramError
from pipeline.one_thread import one_thread_each
from pipeline.scan import JPEG
from pipeline.settings import load_settings
from pipeline.stages import Times, timed_stages

REST = "the rest"
FORMS_OF_A_SORT = 2
"""The first pages of a sort are one of each of its forms."""
SECONDS_TO_WARM_UP = 300
_reader: Reader | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All programs on one sort of pages; `stages` is processor ms a page by step of `read`. `ocrmypdf` is None where it is not installed."""

    sort: str
    read: Pace
    stages: dict[str, float]
    outcomes: dict[str, int]
    tesseract: Pace
    ocrmypdf: Pace | None
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        rivals = {"tesseract": self.tesseract, "ocrmypdf": self.ocrmypdf}
        return {
            "sort": self.sort,
            "read": _pace(self.read),
            "stages_cpu_ms": self.stages,
            "outcomes": self.outcomes,
            **{name: pace and _pace(pace) | {"times_the_cpu_of_read": self.times(pace)} for name, pace in rivals.items()},
            "remedy": self.remedy,
        }

    def times(self, rival: Pace) -> float:
        """How many times the processor time of `read` another program takes."""
        return rival.cpu_ms / self.read.cpu_ms


def _pace(pace: Pace) -> dict[str, float]:
    return {"pages": pace.pages, "pages_per_second": pace.per_second, "cpu_ms_per_page": pace.cpu_ms}


@dataclass(frozen=True, slots=True)
class _Done:
    """What a page took in its process."""

    cpu_seconds: float
    stages: Times
    outcome: str = ""


def compare(sort: str, pages: Sequence[bytes], processes: int) -> Comparison:
    """Read JPEG pages at 300 dpi in all ways, one after the other, each with as many processes.

    Raises:
        MissingProgramError: Tesseract is not installed.
        ReadingError: OCRmyPDF failed.
    """
    one_thread_each()
    spawning = multiprocessing.get_context("spawn")
    warm = spawning.Barrier(processes + 1)
    with ProcessPoolExecutor(processes, spawning, _warm_up, (pages[:FORMS_OF_A_SORT], warm)) as pool:
        for _ in range(processes):
            pool.submit(os.getpid)  # starts a process, as none is idle yet
        warm.wait(SECONDS_TO_WARM_UP)
        read, done = _paced(pool, _read, pages)
        tesseract, _ = _paced(pool, partial(_timed, tesseract_page), pages)
    try:
        ocrmypdf, remedy = ocrmypdf_pace(pages, processes), ""
    except MissingProgramError as error:
        ocrmypdf, remedy = None, str(error)
    return Comparison(sort, read, _stages(done), dict(Counter(one.outcome for one in done)), tesseract, ocrmypdf, remedy)


def _paced(pool: ProcessPoolExecutor, work: Callable[[bytes], _Done], pages: Sequence[bytes]) -> tuple[Pace, list[_Done]]:
    start = time.perf_counter()
    done = list(pool.map(work, pages))
    return Pace(len(pages), time.perf_counter() - start, sum(one.cpu_seconds for one in done)), done


def _stages(done: Sequence[_Done]) -> dict[str, float]:
    total: Times = defaultdict(float)
    for one in done:
        for name, seconds in one.stages.items():
            total[name] += seconds
        total[REST] += one.cpu_seconds - sum(one.stages.values())
    return {name: 1000 * seconds / len(done) for name, seconds in total.items()}


def start_reading() -> None:
    """Make what this process reads with."""
    global _reader
    cv2.setNumThreads(1)
    _reader = Reader.of(load_settings(), None)


def _warm_up(pages: Sequence[bytes], warm: Barrier) -> None:
    """Load the networks and draw the unfilled forms in this process, and wait for the others: the clock starts when all are ready."""
    start_reading()
    for page in pages:
        read_page(page)
    warm.wait(SECONDS_TO_WARM_UP)


def read_page(data: bytes) -> str:
    """Read a JPEG page and say its outcome; `start_reading` was called before."""
    assert _reader is not None
    return str(_reader.read(data, JPEG).reading.outcome)


def _read(data: bytes) -> _Done:
    start = cpu_seconds()
    with timed_stages() as stages:
        outcome = read_page(data)
    return _Done(cpu_seconds() - start, dict(stages), outcome)


def _timed(work: Callable[[bytes], None], data: bytes) -> _Done:
    start = cpu_seconds()
    work(data)
    return _Done(cpu_seconds() - start, {})
