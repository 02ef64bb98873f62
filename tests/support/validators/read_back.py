"""What is read back from a file that was exported, by independent readers.

A file becomes its leaves: each with its place (a column, the path of an element, the page of a
PDF) and what it says. Nothing here knows what the exporters do.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

Leaf = tuple[str, str]
_LISTS = {"manifest.json", "SHA256SUMS"}
PDF_PLACE = "pdf"


def read_leaves(name: str, data: bytes) -> list[Leaf]:
    """The leaves of a file, by the ending of its name."""
    ending = name.rpartition(".")[2]
    match ending:
        case "zip":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return [
                    leaf
                    for number, inner in enumerate(sorted(archive.namelist()))
                    if inner not in _LISTS
                    for leaf in _placed(f"{number}", read_leaves(inner, archive.read(inner)))
                ]
        case "csv":
            return list(_table_leaves(data))
        case "txt":
            return list(_plain_table_leaves(data))
        case "xml":
            return list(_xml_leaves(etree.fromstring(data)))
        case "ndjson":
            return [
                leaf
                for number, line in enumerate(data.splitlines())
                for leaf in _placed(f"{number}", list(_json_leaves(json.loads(line), "")))
            ]
        case "pdf":
            return [(PDF_PLACE, pdf_words(data))]
        case _:
            raise ValueError(ending)


def pdf_words(data: bytes) -> str:
    """All that a PDF says, in the order of reading."""
    said = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True
    )
    return said.stdout.decode()


def _placed(place: str, leaves: list[Leaf]) -> Iterator[Leaf]:
    return ((f"{place}/{path}", text) for path, text in leaves)


def _table_leaves(data: bytes) -> Iterator[Leaf]:
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";")
    titles = next(reader)
    for number, row in enumerate(reader):
        for title, cell in zip(titles, row, strict=True):
            # What a spreadsheet takes for a formula has an apostrophe before it.
            yield f"{number}/{title}", cell.removeprefix("'")


def _plain_table_leaves(data: bytes) -> Iterator[Leaf]:
    text = data.decode("iso-8859-1")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in text else ";")
    for number, row in enumerate(reader):
        for column, cell in enumerate(row, 1):
            yield f"{number}/{column}", cell


def _xml_leaves(element: Any, path: str = "") -> Iterator[Leaf]:  # noqa: ANN401 - lxml
    here = f"{path}/{etree.QName(element).localname}"
    for name, value in element.attrib.items():
        yield f"{here}@{name}", value
    counts: dict[str, int] = {}
    children = [child for child in element if isinstance(child.tag, str)]
    for child in children:
        number = counts[child.tag] = counts.get(child.tag, 0) + 1
        yield from _xml_leaves(child, f"{here}[{number}]")
    if not children and element.text:
        yield here, element.text


def _json_leaves(part: Any, path: str) -> Iterator[Leaf]:  # noqa: ANN401 - JSON
    match part:
        case dict():
            # An answer is found by its question, wherever it is.
            here = f"{path}({part['linkId']})" if "linkId" in part else path
            for key, value in part.items():
                if key == "data" and part.get("contentType", "").startswith("text/"):
                    yield f"{here}/{key}", base64.b64decode(value).decode()
                elif key != "data":
                    yield from _json_leaves(value, f"{here}/{key}")
        case list():
            for number, value in enumerate(part):
                named = isinstance(value, dict) and "linkId" in value
                yield from _json_leaves(value, path if named else f"{path}[{number}]")
        case bool():
            yield path, "true" if part else "false"
        case None:
            return
        case _:
            yield path, str(part)
