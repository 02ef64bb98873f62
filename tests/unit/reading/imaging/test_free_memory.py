"""Memory that was freed goes back to the system, so that a reading process stays small."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.reading.imaging.process_resources import give_memory_back

MIB = 2**20


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


@pytest.mark.skipif(sys.platform != "linux", reason="other systems give memory back themselves")
def test_memory_between_what_is_kept_is_given_back() -> None:
    # Pieces too small to be mapped by themselves; some are kept, so that the heap stays large.
    pieces = [np.ones(8_000) for _ in range(1_000)]
    kept = pieces[::50]
    del pieces
    before = _resident_mib()
    give_memory_back()
    assert len(kept) == 20
    assert _resident_mib() <= before


def test_nothing_happens_without_such_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.reading.imaging.process_resources._find_trim", lambda: None)
    give_memory_back()
