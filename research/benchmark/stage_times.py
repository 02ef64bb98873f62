"""Measure the processor time of each stage of reading a page."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from pipeline.reading import read_page
from pipeline.reading.field_readers import FIELD_READERS

P = ParamSpec("P")
T = TypeVar("T")
Times = dict[str, float]
"""CPU seconds of this process by stage."""
STAGES = {
    "decode_image": "decode",
    "identify_page": "identify",
    "register_page": "register",
    "transcribe_page": "lines of a free page",
    "read_page_text": "text of a free page",
    "resolve_page": "resolve",
    "find_page_issues": "page checks",
    "_encode_page": "encode",
}
"""The stages that are functions `read_page` calls by these names; field readers are more stages."""


@contextmanager
def collect_times() -> Iterator[Times]:
    """Collect the times of the stages of the pages that are read within."""
    times: Times = defaultdict(float)
    functions = {name: _timed(getattr(read_page, name), of, times) for name, of in STAGES.items()}
    readers = {
        kind: _timed(reader, f"{kind} fields", times) for kind, reader in FIELD_READERS.items()
    }
    with patch.dict(vars(read_page), functions), patch.dict(FIELD_READERS, readers):
        yield times


def _timed(function: Callable[P, T], stage: str, times: Times) -> Callable[P, T]:
    """Return a function that adds the time of each call to a stage."""

    @wraps(function)
    def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            times[stage] += time.process_time() - start

    return timed
