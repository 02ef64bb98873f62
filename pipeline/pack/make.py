"""Making a pack: one file to print from beginning to end, each part by itself, the register of its serials, and the numbers it was made from.

Needs the forms and nothing else: no database, no network.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.drawing import Paper
from pipeline.errors import UsageError
from pipeline.keeping import Keeping
from pipeline.model import IssuedSheet
from pipeline.pack.contents import Line, contents_pages, draw_contents
from pipeline.pack.issue_file import write_issued
from pipeline.pack.numbers import checked, needs_table
from pipeline.pack.parts import Order, Part, clients_of, parts
from pipeline.template import Forms
from pipeline.whole_file import write_secretly

ISSUED_FILE, NUMBERS_FILE = "utlamnade.csv", "antal.csv"


@dataclass(frozen=True, slots=True)
class Pack:
    """The files by name, the first to be printed first, and the sheets that were issued."""

    files: Mapping[str, bytes]
    sheets: tuple[IssuedSheet, ...]

    @property
    def strangers(self) -> str:
        """The file with the planned visits to clients whom the register lacks; empty if there are none."""
        return next((name for name in self.files if name.endswith(f"{Keeping.UNKNOWN}.pdf")), "")

    @property
    def zipped(self) -> bytes:
        """All files in one, to be carried on a stick."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in self.files.items():
                archive.writestr(name, data)
        return out.getvalue()


def make_pack(order: Order, forms: Forms) -> Pack:
    """Print a pack; every sheet has a new serial.

    Raises:
        UsageError: a number is wrong, or there is nothing to print.
        FormError: there is no such form.
    """
    checked(order.needs)
    found = parts(order, forms)
    if not any(part.issued for part in found):
        raise UsageError("pack_would_hold_no_sheets")
    sheets = tuple(sheet for part in found for sheet in part.issued)
    lines = _lines(found)
    files = {f"reservpaket-{plain_name(order.about.unit)}.pdf": _document(order, lines, [part for part in found if not part.apart])}
    files["01-innehall.pdf"] = _document(order, lines, [])
    for number, part in enumerate(found, start=2):
        files[f"{number:02d}-{part.name}.pdf"] = _alone(order, part)
    files[ISSUED_FILE] = write_issued(sheets)
    files[NUMBERS_FILE] = needs_table(order.about.unit, order.needs)
    return Pack(files, sheets)


def write_pack(pack: Pack, folder: Path) -> None:
    """Write the files, for their owner only. The register of serials comes first: there is never paper that it lacks.

    Raises:
        UsageError: the folder has a pack already, or cannot be written.
    """
    if (folder / ISSUED_FILE).exists():
        raise UsageError("pack_already", folder=folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in sorted(pack.files, key=lambda name: name != ISSUED_FILE):
            write_secretly(folder / name, pack.files[name])
    except OSError as error:
        raise UsageError("pack_not_written", folder=folder, reason=error.strerror) from error


def plain_name(text: str) -> str:
    """A unit's name as part of a file's name."""
    letters = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "enhet"


def _lines(found: Sequence[Part]) -> list[Line]:
    page = contents_pages(len(found)) + 1
    lines = []
    for part in found:
        lines.append(Line(part.title, None if part.apart else (page, page + part.pages - 1), part.sheets, part.how))
        page += 0 if part.apart else part.pages
    return lines


def _document(order: Order, lines: Sequence[Line], following: Sequence[Part]) -> bytes:
    with Paper(f"Reservpaket {order.about.unit}", order.about.printed_on) as paper:
        draw_contents(paper, order.about, lines, order.days, clients_of(order))
        for part in following:
            part.draw(paper)
        return bytes(paper.output())


def _alone(order: Order, part: Part) -> bytes:
    with Paper(part.title, order.about.printed_on) as paper:
        part.draw(paper)
        return bytes(paper.output())
