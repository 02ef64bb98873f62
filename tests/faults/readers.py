"""Readers that do on some page what readers do in the worst case. All else is the real reading.

They work in worker processes, so what they need to know they find in the workspace: the file
`trap` names the SHA-256 of the page. What the process logs they write to the file `said`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import Settings
from pipeline.operations.page_job import PageReaderProtocol, make_reader
from pipeline.reading.read_page import PageResult
from pipeline.store.database.store import Store

SECRET = "Namnet på papperet 070-1740605"


@dataclass
class _Trapped:
    """The real reader but for one page."""

    workspace: Path
    real: PageReaderProtocol
    forms: Forms = field(init=False)

    def __post_init__(self) -> None:
        self.forms = self.real.forms

    def read(self, data: bytes, media_type: str, unit: str = "") -> PageResult:
        """As the real reader, unless this is the page of the trap."""
        if hashlib.sha256(data).hexdigest() == (self.workspace / "trap").read_text():
            self.spring()
        return self.real.read(data, media_type, unit)

    def spring(self) -> None:
        """What happens on the page of the trap."""


class _Deadly(_Trapped):
    def spring(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class _Raising(_Trapped):
    def spring(self) -> None:
        raise ValueError(SECRET)


class _Incomplete(_Trapped):
    def spring(self) -> None:
        raise MissingProgramError("network_missing", name="digits", remedy="Fetch it.")


class _Gated(_Trapped):
    """Says that it has begun, and goes on when the gate is opened."""

    def spring(self) -> None:
        (self.workspace / "begun").touch()
        while not (self.workspace / "gate").exists():
            time.sleep(0.02)


@dataclass
class _Endless(_Trapped):
    """Never ends the page. Its time is up at once, so that no other page runs out of it."""

    settings: Settings

    def spring(self) -> None:
        object.__setattr__(
            self.settings, "page_seconds", 0.0
        )  # the worker's own, else unchangeable
        while True:
            signal.pause()


def plain(settings: Settings, store: Store) -> PageReaderProtocol:
    """The real reader."""
    return _listened_to(settings, store)


def deadly(settings: Settings, store: Store) -> PageReaderProtocol:
    """Dies on the page, as on a fault in native code or when memory is out."""
    return _Deadly(settings.workspace, _listened_to(settings, store))


def raising(settings: Settings, store: Store) -> PageReaderProtocol:
    """Raises an unforeseen error that quotes what is on the page."""
    return _Raising(settings.workspace, _listened_to(settings, store))


def incomplete(settings: Settings, store: Store) -> PageReaderProtocol:
    """Lacks what it needs for the page."""
    return _Incomplete(settings.workspace, _listened_to(settings, store))


def endless(settings: Settings, store: Store) -> PageReaderProtocol:
    """Never ends the page."""
    return _Endless(settings.workspace, _listened_to(settings, store), settings)


def gated(settings: Settings, store: Store) -> PageReaderProtocol:
    """Stays with the page until the file `gate` is there."""
    return _Gated(settings.workspace, _listened_to(settings, store))


def _listened_to(settings: Settings, store: Store) -> PageReaderProtocol:
    for name in ("", "dbos"):
        logging.getLogger(name).addHandler(logging.FileHandler(settings.workspace / "said"))
    return make_reader(settings, store)
