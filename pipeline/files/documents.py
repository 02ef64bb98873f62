"""Read files that were typed and not scanned: notes of forms without paper, plain text and docx.

Runs in the sandbox. A document becomes one page, or several where it is long.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from lxml import etree
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont, PngImagePlugin

from pipeline.domain.errors import BrokenFileError
from pipeline.files.csv_tables import decode_text
from pipeline.files.images import IMAGE_ERRORS, open_image
from pipeline.files.note_files import (
    NoteFileError,
    RowPage,
    note_lines,
    parse_note,
    parse_rows,
)
from pipeline.files.pdf_output import typeface_file
from pipeline.files.text import make_printable, wrap_text

# Pages that nobody wrote on paper: a picture of the text, with the text itself inside.
#
# The picture is drawn when such a file is taken in, and is kept like a scan. What was typed is in a
# text chunk of the PNG, from which it is read without any error of reading. The same text always
# gives the same bytes.

TYPED_PNG = "image/png;typed=1"
"""The media type of such a picture; only this program gives it, when it has drawn one."""
PAGE_CHARACTERS = 12_000
"""Characters of a document that are drawn on one page; the rest follows on others."""
_CHUNK = "efterskrift"
_WIDTH_PX, _MARGIN_PX, _FONT_PX, _LINE_PX = 1240, 90, 25, 36
"""A4 at 150 dpi; the page is as high as its text, at least as paper."""
_LEAST_HEIGHT_PX, _MAX_HEIGHT_PX = 1754, 24_000
_INK = (24, 36, 40)


class TypedKind(StrEnum):
    """What the text of a page is."""

    NOTE = "note"
    TEXT = "text"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class TypedPage:
    """A typed page: the file of a note and the number of its page, or a text.

    The text of a row of a table is JSON (`note_files.RowPage`).
    """

    kind: TypedKind
    text: str
    page: int = 1


def draw_typed_page(typed: TypedPage, shown: str) -> bytes:
    """Draw `shown` as a PNG that holds the typed page."""
    font = ImageFont.truetype(str(typeface_file()), _FONT_PX)
    printable = make_printable(shown).replace("\t", "    ")
    lines = wrap_text(printable, _WIDTH_PX - 2 * _MARGIN_PX, font.getlength)
    height = min(_MAX_HEIGHT_PX, max(_LEAST_HEIGHT_PX, 2 * _MARGIN_PX + len(lines) * _LINE_PX))
    picture = Pillow.new("RGB", (_WIDTH_PX, height), "white")
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((_MARGIN_PX, _MARGIN_PX + number * _LINE_PX), line, fill=_INK, font=font)
    return _encode(picture, typed)


def _encode(picture: Pillow.Image, typed: TypedPage) -> bytes:
    chunks, out = PngImagePlugin.PngInfo(), io.BytesIO()
    chunks.add_itxt(_CHUNK, json.dumps(asdict(typed), ensure_ascii=False), zip=True)
    picture.quantize(32).save(out, "PNG", pnginfo=chunks, dpi=(150, 150))
    return out.getvalue()


def read_typed_page(data: bytes) -> TypedPage:
    """Return what was typed.

    Raises:
        BrokenFileError: the picture holds no text, or is damaged.
    """
    try:
        with open_image(io.BytesIO(data), ("PNG",)) as picture:
            content = json.loads(str(picture.info[_CHUNK]))
        return TypedPage(TypedKind(content["kind"]), content["text"], content["page"])
    except IMAGE_ERRORS as error:
        raise BrokenFileError("image_damaged", media_type=TYPED_PNG) from error


NOTE, TEXT, DOCX = (
    "application/vnd.efterskrift.note+json",
    "text/plain",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)
TYPED_TYPES = frozenset({NOTE, TEXT, DOCX})
TYPED_SUFFIXES = frozenset({".json", ".txt", ".docx"})
"""Usual suffixes of such files."""
_MAX_BYTES = 20_000_000
_MAX_UNPACKED_BYTES = 50_000_000
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_NOTE_START = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"efterskrift"')


class DocumentError(Exception):
    """The file is damaged, or is no such document."""


def detect_typed(path: Path, start: bytes) -> str | None:
    """Return the type of a typed file by its first bytes and its suffix; None if it is none."""
    if _NOTE_START.match(start):
        return NOTE
    suffix = path.suffix.lower()
    if suffix == ".docx" and start.startswith(b"PK\x03\x04"):
        return DOCX
    return TEXT if suffix == ".txt" and start and b"\0" not in start[2:] else None


@dataclass(frozen=True, slots=True)
class TypedFile:
    """The pages of a typed file, each with the text that is shown."""

    pages: tuple[tuple[TypedPage, str], ...]

    def draw(self, number: int) -> bytes:
        """Draw a page, numbered from 1, as a PNG that holds its text."""
        return draw_typed_page(*self.pages[number - 1])


def open_typed(path: Path, kind: str) -> TypedFile:
    """Open a typed file.

    Raises:
        DocumentError: it is damaged, too large or empty.
        OSError: it cannot be read.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise DocumentError
    data = path.read_bytes()
    if kind == NOTE:
        return _open_note(data)
    text = (_read_docx(data) if kind == DOCX else decode_text(data)).strip()
    if not text:
        raise DocumentError
    pieces = _split_text(text)
    return TypedFile(tuple((TypedPage(TypedKind.TEXT, piece), piece) for piece in pieces))


def _open_note(data: bytes) -> TypedFile:
    try:
        text = data.decode()
        rows = parse_rows(text)
        if rows is not None:
            return TypedFile(tuple(_row_page(row) for row in rows))
        note = parse_note(text)
    except (UnicodeDecodeError, NoteFileError) as error:
        raise DocumentError from error
    return TypedFile(
        tuple(
            (TypedPage(TypedKind.NOTE, note.canonical_text(), page), note_lines(note, page))
            for page in range(1, note.pages + 1)
        )
    )


def _row_page(row: RowPage) -> tuple[TypedPage, str]:
    text = json.dumps(asdict(row), ensure_ascii=False)
    return TypedPage(TypedKind.ROW, text, row.page), f"{row.source}\n\n{row.shown}"


def _split_text(text: str) -> list[str]:
    """Split a long text at ends of lines; a line that is too long is cut."""
    pieces, piece = list[str](), ""
    for line in text.splitlines():
        while len(line) > PAGE_CHARACTERS:
            pieces, piece = [*pieces, *filter(None, [piece]), line[:PAGE_CHARACTERS]], ""
            line = line[PAGE_CHARACTERS:]
        if piece and len(piece) + len(line) >= PAGE_CHARACTERS:
            pieces.append(piece)
            piece = ""
        piece = f"{piece}\n{line}" if piece else line
    return [*pieces, *filter(None, [piece])]


def _read_docx(data: bytes) -> str:
    """Return the text of a document, a line for each paragraph; cells of a table are tabs apart.

    Deleted text of tracked changes is left out, pictures and notes too.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = archive.getinfo("word/document.xml")
            if member.file_size > _MAX_UNPACKED_BYTES:
                raise DocumentError
            xml = archive.read(member)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        root = etree.fromstring(xml, parser)
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError, OSError, ValueError) as error:
        raise DocumentError from error
    lines = []
    for block in root.iter(f"{_WORD}p", f"{_WORD}tr"):
        is_inside = next(block.iterancestors(f"{_WORD}tr", f"{_WORD}p"), None) is not None
        if is_inside:
            continue
        if block.tag == f"{_WORD}tr":
            cells = block.iterchildren(f"{_WORD}tc")
            lines.append("\t".join(" ".join(_paragraph_text(cell).split()) for cell in cells))
        else:
            lines.append(_paragraph_text(block))
    return "\n".join(lines)


def _paragraph_text(block: etree._Element) -> str:
    marks = {f"{_WORD}tab": "\t", f"{_WORD}br": "\n", f"{_WORD}cr": "\n", f"{_WORD}p": " "}
    return "".join(
        (part.text or "") if part.tag == f"{_WORD}t" else marks[part.tag]
        for part in block.iter(f"{_WORD}t", *marks)
        if part is not block
    )
