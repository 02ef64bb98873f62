"""The other end of the process that opens foreign files: start it, ask it, and end it.

It is started as a program of its own and not forked, since a fork of a process with threads may
wait for ever for a lock that one of them held.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.domain import errors
from pipeline.domain.errors import UsageError
from pipeline.files.sandbox_limits import MEMORY_BYTES, OUTPUT_BYTES, WALL_SECONDS

_PROGRAM_FOLDER = str(Path(__file__).resolve().parents[2])
_CHILD_COMMAND = (sys.executable, "-m", "pipeline.files.sandbox_child")
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH")
"""What the process knows of the program's environment, which holds passwords and keys."""
_ERRORS: dict[str, type[errors.EfterskriftError]] = {
    kind.__name__: kind
    for kind in (
        errors.BrokenFileError,
        errors.MissingProgramError,
        errors.ProgramKilledError,
        errors.StoreUnavailableError,
        errors.UsageError,
    )
}
"""Errors that the process may answer with."""


class ReaderEndedError(Exception):
    """The process was killed by a file or by the machine before it had answered."""


class ReaderTooSlowError(Exception):
    """The process did not answer in time and was ended."""


class SandboxProcess:
    """A process that opens foreign files; it starts at its first use, also after it was killed."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES, seconds: float | None = None) -> None:
        """Take the limits of the process: its memory, and the time for an answer."""
        self._memory_bytes, self._seconds = memory_bytes, seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def is_running(self) -> bool:
        """Whether the process has been started and not ended by this object."""
        return self._process is not None

    def prepare_pages(self) -> None:
        """Start the process now, and let it load what it reads pages with while others work."""
        if self._connection is None:
            self._start("pipeline.files.page_files")

    def ask(self, action: str, *of: object, data: bytes | None = None) -> tuple[Any, bytes]:
        """Ask for something and return the answer: an object and bytes.

        Raises:
            ReaderEndedError, ReaderTooSlowError: there is no answer; the next call starts again.
            MemoryError: the limit of memory does not suffice.
            EfterskriftError: as in the process.
            OSError: the file cannot be read.
        """
        connection = self._connection or self._start()
        try:
            connection.send_bytes(json.dumps({"do": action, "of": of}).encode())
            if data is not None:
                connection.send_bytes(data)
            if not connection.poll(self._seconds or WALL_SECONDS):
                self.end()
                raise ReaderTooSlowError
            head = json.loads(connection.recv_bytes(OUTPUT_BYTES))
            body = connection.recv_bytes(OUTPUT_BYTES)
        except (EOFError, OSError) as error:
            self.end()
            raise ReaderEndedError from error
        except BaseException:
            self.end()  # else its answer would be taken for that of the next file
            raise
        _raise_answer(head)
        return head, body

    def end(self) -> None:
        """End the process and the helper programs that it started."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            # It leads a group of its own, which holds its helper programs too.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = self._connection = None

    def _start(self, *modules: str) -> Connection:
        own, other = multiprocessing.Pipe()
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        path = os.pathsep.join(filter(None, (_PROGRAM_FOLDER, kept.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [*_CHILD_COMMAND, str(other.fileno()), str(self._memory_bytes), *modules],
            pass_fds=(other.fileno(),),
            stdin=subprocess.DEVNULL,
            # What a library says of a file may quote it.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=kept | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        other.close()
        self._connection = own
        return own


@cache
def reaches_network() -> bool:
    """Return whether such a process reaches a network here; it is tried out once.

    Raises:
        ReaderEndedError, ReaderTooSlowError: it does not start.
    """
    with SandboxProcess() as process:
        return not process.ask("cut_off")[0]["cut_off"]


def _raise_answer(head: dict[str, Any]) -> None:
    """Raise the error that the process answered with, if it did."""
    name = head.get("error")
    if name == "MemoryError":
        raise MemoryError
    if name == "OSError":
        raise OSError(head["number"], head["text"])
    if name is not None:
        raise _ERRORS[name](head["key"], **head["values"])


# Parse a foreign table, CSV or workbook, in a sandbox of its own.

_ATTEMPTS = 2

TableRow = tuple[int, tuple[str, ...]]
"""The number of a row in its file, and its cells."""


class NoTableError(Exception):
    """The text is no CSV table. `line` is where that shows."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def read_foreign_table(data: bytes, source: str, *, strict: bool = False) -> list[TableRow]:
    """Return the rows of a table, titles first.

    Args:
        data: CSV in any common encoding and with any separator, or a workbook (xlsx).
        source: names the file in errors.
        strict: whether wrong quotation marks are an error.

    Raises:
        NoTableError: it is no CSV table.
        UsageError: it is another kind of workbook, too large, or cannot be opened.
    """
    for _ in range(_ATTEMPTS):
        try:
            with SandboxProcess() as process:
                head, body = process.ask("table", strict, data=data)
        except ReaderEndedError:
            continue
        except (ReaderTooSlowError, MemoryError) as error:
            raise UsageError("table_too_large", source=source) from error
        except UsageError as error:
            key = error.key.removeprefix(f"{error.topic}.")
            raise UsageError(key, source=source) from error
        if "line" in head:
            raise NoTableError(head["line"])
        return [(number, tuple(cells)) for number, cells in json.loads(body)]
    raise UsageError("table_opening_failed", source=source)
