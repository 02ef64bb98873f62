"""Compare the speed of `read`, Tesseract and OCRmyPDF on the same pages.

Pages per second and processor time per page: of `read` step by step, of Tesseract on whole pages,
and of OCRmyPDF.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import cv2
import pytesseract
from PIL import Image as Pillow

from pipeline.domain.errors import MissingProgramError, ReadingError
from pipeline.domain.settings import load_settings
from pipeline.files.images import decode_image
from pipeline.files.page_files import JPEG
from pipeline.reading.imaging.process_resources import limit_threads
from pipeline.reading.read_page import PageReader
from research.benchmark.stage_times import Times, collect_times

TESSERACT_LANGUAGE = "swe"
OTHER_STAGES = "the rest"
FORMS_PER_SORT = 2
"""The first pages of a sort are one of each of its forms."""
SECONDS_TO_WARM_UP = 300
_reader: PageReader | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast some pages were processed.

    Seconds by the clock, and processor seconds (user and system).
    """

    pages: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Pages per second by the clock; other work on the machine slows it."""
        return self.pages / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time per page, ms; other work on the machine hardly changes it."""
        return 1000 * self.cpu_seconds / self.pages


def total_cpu_seconds() -> float:
    """Return the processor time of this process and of the programs it started that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run_tesseract(data: bytes) -> None:
    """Let Tesseract read the whole page; the text is discarded."""
    pytesseract.image_to_string(decode_image(data, JPEG), lang=TESSERACT_LANGUAGE)


def measure_ocrmypdf(pages: Sequence[bytes], jobs: int) -> Pace:
    """Measure OCRmyPDF on one PDF of all pages, with its defaults but without conversion to PDF/A.

    Raises:
        MissingProgramError: it is not installed.
        ReadingError: it failed.
    """
    # Prepare the input outside the clock: a program normally finds its PDF ready.
    program = _find_ocrmypdf()
    if program is None:
        raise MissingProgramError("ocrmypdf_not_installed")
    with tempfile.TemporaryDirectory() as folder:
        scanned, text = Path(folder, "scanned.pdf"), Path(folder, "text.pdf")
        _write_pdf(pages, scanned)
        command = [
            program,
            "--quiet",
            "--jobs",
            str(jobs),
            "--language",
            TESSERACT_LANGUAGE,
            "--output-type",
            "pdf",
            str(scanned),
            str(text),
        ]
        # One thread per Tesseract process; OCRmyPDF runs `jobs` of them side by side.
        start, cpu = time.perf_counter(), total_cpu_seconds()
        done = subprocess.run(
            command, check=False, capture_output=True, env=os.environ | {"OMP_THREAD_LIMIT": "1"}
        )
        pace = Pace(len(pages), time.perf_counter() - start, total_cpu_seconds() - cpu)
    # Discard the measurement of a run that failed.
    if done.returncode:
        raise ReadingError("ocrmypdf_failed", returncode=done.returncode)
    return pace


def _find_ocrmypdf() -> str | None:
    """Find the program next to this Python, where the extra `bench` installs it, or on the path."""
    return shutil.which("ocrmypdf", path=str(Path(sys.executable).parent)) or shutil.which(
        "ocrmypdf"
    )


def _write_pdf(pages: Sequence[bytes], path: Path) -> None:
    first, *rest = (Pillow.open(BytesIO(page)) for page in pages)
    first.save(path, "PDF", save_all=True, append_images=rest, resolution=300)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All programs on one sort of pages.

    `stages` is processor ms per page by step of `read`. `ocrmypdf` is None where it is not
    installed.
    """

    sort: str
    read: Pace
    stages: dict[str, float]
    outcomes: dict[str, int]
    tesseract: Pace
    ocrmypdf: Pace | None
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        rivals = {"tesseract": self.tesseract, "ocrmypdf": self.ocrmypdf}
        return {
            "sort": self.sort,
            "read": _pace_as_dict(self.read),
            "stages_cpu_ms": self.stages,
            "outcomes": self.outcomes,
            **{
                name: pace and _pace_as_dict(pace) | {"times_the_cpu_of_read": self.times(pace)}
                for name, pace in rivals.items()
            },
            "remedy": self.remedy,
        }

    def times(self, rival: Pace) -> float:
        """Return how many times the processor time of `read` another program takes."""
        return rival.cpu_ms / self.read.cpu_ms


def _pace_as_dict(pace: Pace) -> dict[str, float]:
    return {
        "pages": pace.pages,
        "pages_per_second": pace.per_second,
        "cpu_ms_per_page": pace.cpu_ms,
    }


@dataclass(frozen=True, slots=True)
class _PageCost:
    """What a page cost in its process."""

    cpu_seconds: float
    stages: Times
    outcome: str = ""


def compare_programs(sort: str, pages: Sequence[bytes], processes: int) -> Comparison:
    """Read JPEG pages at 300 dpi with every program in turn, each with as many processes.

    Raises:
        MissingProgramError: Tesseract is not installed.
        ReadingError: OCRmyPDF failed.
    """
    limit_threads()
    spawning = multiprocessing.get_context("spawn")
    # All processes and this one meet at the barrier once the networks are loaded.
    warm = spawning.Barrier(processes + 1)
    with ProcessPoolExecutor(processes, spawning, _warm_up, (pages[:FORMS_PER_SORT], warm)) as pool:
        # Start every process now, so that starting is not measured.
        for _ in range(processes):
            pool.submit(os.getpid)  # starts a process, as none is idle yet
        warm.wait(SECONDS_TO_WARM_UP)
        read, done = _measure_pace(pool, _read_timed, pages)
        tesseract, _ = _measure_pace(pool, partial(_time_work, run_tesseract), pages)
    # OCRmyPDF is optional; without it the comparison says how to install it.
    try:
        ocrmypdf, remedy = measure_ocrmypdf(pages, processes), ""
    except MissingProgramError as error:
        ocrmypdf, remedy = None, str(error)
    return Comparison(
        sort,
        read,
        _mean_stages(done),
        dict(Counter(one.outcome for one in done)),
        tesseract,
        ocrmypdf,
        remedy,
    )


def _measure_pace(
    pool: ProcessPoolExecutor, work: Callable[[bytes], _PageCost], pages: Sequence[bytes]
) -> tuple[Pace, list[_PageCost]]:
    start = time.perf_counter()
    done = list(pool.map(work, pages))
    return Pace(len(pages), time.perf_counter() - start, sum(one.cpu_seconds for one in done)), done


def _mean_stages(done: Sequence[_PageCost]) -> dict[str, float]:
    total: Times = defaultdict(float)
    # Sum the processor time by stage over all pages.
    for one in done:
        for name, seconds in one.stages.items():
            total[name] += seconds
        # The stages do not cover all of the work; the remainder is a line of its own.
        total[OTHER_STAGES] += one.cpu_seconds - sum(one.stages.values())
    return {name: 1000 * seconds / len(done) for name, seconds in total.items()}


def start_reading() -> None:
    """Load what this process reads with."""
    global _reader
    # One thread per process: the number of processes alone sets the parallelism.
    cv2.setNumThreads(1)
    _reader = PageReader.of(load_settings(), None)


def _warm_up(pages: Sequence[bytes], warm: Barrier) -> None:
    """Load the networks, render the blank forms in this process, and wait for the others.

    The clock starts when all processes are ready.
    """
    start_reading()
    for page in pages:
        read_page_outcome(page)
    warm.wait(SECONDS_TO_WARM_UP)


def read_page_outcome(data: bytes) -> str:
    """Read a JPEG page and return its outcome; `start_reading` was called before."""
    assert _reader is not None
    return str(_reader.read(data, JPEG).reading.outcome)


def _read_timed(data: bytes) -> _PageCost:
    start = total_cpu_seconds()
    with collect_times() as stages:
        outcome = read_page_outcome(data)
    return _PageCost(total_cpu_seconds() - start, dict(stages), outcome)


def _time_work(work: Callable[[bytes], None], data: bytes) -> _PageCost:
    start = total_cpu_seconds()
    work(data)
    return _PageCost(total_cpu_seconds() - start, {})
