"""The program's own log: text or JSON lines, on the terminal or in a file, without field values.

An exception's message may quote what is written on paper, so only its kind and place are written.
What looks like a personal number is left out of any message, no matter who wrote it. The log of
who has seen what is another one: it is in the database (`store/event_log`).
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import sys
import traceback
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.settings import LogFormat, Settings, load_settings

_FILES = 5
"""How many full files are kept beside the one in use."""
_HIDDEN = "\N{HORIZONTAL ELLIPSIS}"
_PERSONAL_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:\d{2})?\d{6}[-+ ]?\d{4}(?![0-9A-Za-z])")
_TEXT_FORMAT = "%(levelname)s %(name)s: %(message)s"


class PrivateValues(logging.Filter):
    """Leaves out what may be a value of a field; lets every record through."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace an exception by its kind and place, and what looks like a personal number."""
        text = record.getMessage()
        if record.exc_info and (error := record.exc_info[1]):
            text = f"{text}: {_describe_origin(error)}"
        record.msg, record.args = _PERSONAL_NUMBER.sub(_HIDDEN, text), ()
        record.exc_info = record.exc_text = record.stack_info = None
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, process and message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC)
        fields = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        return json.dumps(fields, ensure_ascii=False)


class SharedFileHandler(RotatingFileHandler):
    """A file that several processes write to: one of them renames it when it is full.

    Each line is written under a lock, to the file that has the name then.
    """

    def __init__(self, file: Path, most_bytes: int) -> None:
        self._lock_file = file.with_name(f"{file.name}.lock")
        super().__init__(
            file, maxBytes=most_bytes, backupCount=_FILES, encoding="utf-8", delay=True
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a full or missing disk is no reason to stop working."""
        try:
            handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            self.handleError(record)
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if self.stream is not None and self._was_renamed(self.stream):
                self.stream.close()
                self.stream = None
            super().emit(record)
        finally:
            os.close(handle)

    def _was_renamed(self, stream: TextIO) -> bool:
        """Whether another process has begun a new file."""
        try:
            return Path(self.baseFilename).stat().st_ino != os.fstat(stream.fileno()).st_ino
        except OSError:
            return True

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        os.fchmod(stream.fileno(), 0o600)
        return stream


def start_log(settings: Settings | None = None, *, verbose: bool = False) -> logging.Handler:
    """Let this process log as the settings say, and return what writes.

    Settings that are wrong are reported when they are needed.

    Args:
        settings: of the workspace; default: those of `EFTERSKRIFT_WORKSPACE`.
        verbose: log progress too.
    """
    try:
        handler = make_log_handler(settings or load_settings())
    except (EfterskriftError, OSError):
        handler = _finish(_StandardError(), logging.Formatter(_TEXT_FORMAT))
    root = logging.getLogger()
    for earlier in root.handlers[:]:
        if any(isinstance(each, PrivateValues) for each in earlier.filters):
            root.removeHandler(earlier)
            earlier.close()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if verbose else logging.WARNING)
    return handler


def make_log_handler(settings: Settings) -> logging.Handler:
    """Return what writes the log as the settings say.

    Raises:
        OSError: the folder of the file may not be written.
    """
    handler: logging.Handler = _StandardError()
    if settings.log_file is not None:
        file = settings.workspace / settings.log_file
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = SharedFileHandler(file, settings.log_file_mb * 1024 * 1024)
    is_json = settings.log_format is LogFormat.JSON
    return _finish(handler, JsonLines() if is_json else logging.Formatter(_TEXT_FORMAT))


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error then: a command may be run within another program."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _finish(handler: logging.Handler, formatter: logging.Formatter) -> logging.Handler:
    handler.setFormatter(formatter)
    handler.addFilter(PrivateValues())
    return handler


def _describe_origin(error: BaseException) -> str:
    """Return the class of an error and where it was raised, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}"
