"""Measure whether a process that reads page after page keeps growing in memory."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.reading.imaging.process_resources import limit_threads
from research.benchmark.compare import read_page_outcome, start_reading

MAX_MEASUREMENTS = 50
"""Memory is measured at most this many times."""


@dataclass(frozen=True, slots=True)
class SoakResult:
    """The memory that a process holds (resident, MiB) after so many pages, from first to last."""

    pages: tuple[int, ...]
    mib: tuple[float, ...]

    @property
    def peak_mib(self) -> float:
        """The largest value, MiB."""
        return max(self.mib)

    @property
    def growth_mib(self) -> float:
        """MiB that 1,000 pages add.

        The slope of a line through the second half, when everything is loaded.
        """
        # Slope of the least-squares line through the second half, scaled to 1,000 pages.
        half = len(self.pages) // 2
        return (
            float(np.polyfit(self.pages[half:], self.mib[half:], 1)[0]) * 1000
            if len(self.pages) - half > 1
            else 0.0
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return {
            **asdict(self),
            "peak_mib": self.peak_mib,
            "growth_mib_per_1000_pages": self.growth_mib,
        }


def run_soak(pages: Sequence[bytes], count: int, tell: Callable[[int, float], None]) -> SoakResult:
    """Read `count` pages in one process, repeating the given ones.

    Now and then the memory in MiB is measured.
    """
    limit_threads()
    # Pages between two measurements, rounded up.
    step = max(1, -(-count // MAX_MEASUREMENTS))
    done, held = [], []
    # A single process, as its memory is what is measured.
    with ProcessPoolExecutor(
        1, multiprocessing.get_context("spawn"), initializer=start_reading
    ) as pool:
        for start in range(0, count, step):
            # Repeat the given pages in turn until `count` pages are read.
            some = [pages[i % len(pages)] for i in range(start, min(start + step, count))]
            held.append(pool.submit(_read_all, some).result())
            done.append(start + len(some))
            tell(done[-1], held[-1])
    return SoakResult(tuple(done), tuple(held))


def _read_all(pages: Sequence[bytes]) -> float:
    for page in pages:
        read_page_outcome(page)
    return _resident_mib()


def _resident_mib() -> float:
    # `statm` counts pages of memory; its second value is the resident set.
    return (
        int(Path("/proc/self/statm").read_text("ascii").split()[1])
        * os.sysconf("SC_PAGE_SIZE")
        / 2**20
    )
