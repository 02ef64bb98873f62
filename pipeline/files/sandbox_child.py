"""The process that opens foreign files: it answers requests until its parent ends.

A request is JSON, followed by bytes where it says so; an answer is JSON with its bytes. The modules
for a format are imported at its first use, under the limits.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from itertools import accumulate
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.domain.errors import EfterskriftError, UsageError
from pipeline.files.plug_ins import READERS, LineReader, find_plug_ins
from pipeline.files.sandbox_limits import (
    MAX_TABLE_BYTES,
    confine,
    is_cut_off,
    renew_processor_time,
)

Answer = tuple[dict[str, Any], bytes]


class PageRequests:
    """The file whose pages are read; the next file closes it."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._file: Any = None
        self._path = Path()

    def open(self, path: str) -> Answer:
        """Open a file and count its pages."""
        from pipeline.files.page_files import open_pages

        self._open.close()
        self._path = Path(path)
        self._file = self._open.enter_context(open_pages(self._path))
        return {"pages": self._file.page_count}, b""

    def read(self, number: int) -> Answer:
        """Read a page of the open file."""
        from pipeline.files.page_files import read_page

        page = read_page(self._file, self._path, number)
        head = {"media_type": page.media_type, "problem": page.problem, "reason": page.reason}
        return head | {"has_data": page.data is not None}, page.data or b""

    def flatten(self, number: int) -> Answer:
        """Read a page and encode its pixels again, so that the parent decodes no foreign data."""
        import cv2

        from pipeline.files.images import decode_image
        from pipeline.files.page_files import PNG, read_page

        page = read_page(self._file, self._path, number)
        if page.data is None:
            return self.read(number)
        encoded = cv2.imencode(".png", decode_image(page.data, page.media_type))[1]
        head = {"media_type": PNG, "problem": "", "reason": "", "has_data": True}
        return head, encoded.tobytes()

    def words(self, number: int) -> Answer:
        """Return the words that a page of the open file has as text; only a PDF has any."""
        from pipeline.files.page_files import PDF, detect_media_type
        from pipeline.files.pdf_input import read_pdf_words

        is_pdf = detect_media_type(self._path) == PDF
        return {"words": read_pdf_words(self._path, number) if is_pdf else []}, b""


def parse_table(data: bytes, strict: bool) -> Answer:
    """Parse a table of text or a workbook; a text that is no table is answered with the line."""
    import csv

    from pipeline.files.csv_tables import csv_reader, decode_text, is_workbook

    if is_workbook(data):
        from pipeline.files.workbook import read_workbook

        return {}, _encode_rows(read_workbook(data))
    reader = csv_reader(decode_text(data), strict=strict)
    try:
        rows = [(reader.line_num, cells) for cells in reader]
    except csv.Error:
        return {"line": reader.line_num}, b""
    return {}, _encode_rows(rows)


def _encode_rows(rows: list[tuple[int, list[str]]]) -> bytes:
    encoded = json.dumps(rows).encode()
    if len(encoded) > MAX_TABLE_BYTES:
        raise UsageError("table_too_large")
    return encoded


def read_lines(data: bytes, name: str, shapes: list[tuple[int, int]]) -> Answer:
    """Let a further reader read pictures of lines: their pixels one after another."""
    import numpy as np

    ends = list(accumulate(height * width for height, width in shapes))
    pixels = np.split(np.frombuffer(data, np.uint8), ends[:-1])
    lines = [each.reshape(shape) for each, shape in zip(pixels, shapes, strict=True)]
    try:
        answers = _load_reader(name).read_lines(lines)
        read = [(str(text), float(score)) for text, score in answers]
        is_right = len(read) == len(lines) and all(0 <= score <= 1 for _, score in read)
    except Exception:  # it is the plug-in's, and may quote what it read
        is_right = False
    return ({"lines": read} if is_right else {"failed": True}), b""


@cache
def _load_reader(name: str) -> LineReader:
    point = find_plug_ins(READERS, (name,))[name]
    reader: LineReader = point.load()()
    return reader


def serve(connection: Connection) -> None:
    """Answer requests until the other end is closed."""
    pages = PageRequests()
    actions: dict[str, Callable[..., Answer]] = {
        "open": pages.open,
        "read": pages.read,
        "flatten": pages.flatten,
        "words": pages.words,
        "cut_off": lambda: ({"cut_off": is_cut_off()}, b""),
    }
    with_data: dict[str, Callable[..., Answer]] = {"table": parse_table, "lines": read_lines}
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        renew_processor_time()
        try:
            if request["do"] in with_data:
                head, data = with_data[request["do"]](connection.recv_bytes(), *request["of"])
            else:
                head, data = actions[request["do"]](*request["of"])
        except MemoryError:
            head, data = {"error": "MemoryError"}, b""
        except EfterskriftError as error:
            values = {name: str(value) for name, value in error.values.items()}
            key = error.key.removeprefix(f"{error.topic}.")
            head, data = {"error": type(error).__name__, "key": key, "values": values}, b""
        except OSError as error:
            head, data = {"error": "OSError", "number": error.errno, "text": error.strerror}, b""
        connection.send_bytes(json.dumps(head).encode())
        connection.send_bytes(data)


if __name__ == "__main__":
    confine(int(sys.argv[2]))
    for module in sys.argv[3:]:
        importlib.import_module(module)
    serve(Connection(int(sys.argv[1])))
