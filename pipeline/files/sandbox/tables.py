"""Parse a foreign table, CSV or workbook, in a sandbox of its own."""

from __future__ import annotations

import json

from pipeline.domain.errors import UsageError
from pipeline.files.sandbox.process import ReaderEndedError, ReaderTooSlowError, SandboxProcess

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
