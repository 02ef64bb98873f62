"""Read files that were typed and not scanned: notes of forms without paper, plain text and docx.

Runs in the sandbox. A document becomes one page, or several where it is long.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lxml import etree
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont, PngImagePlugin

from pipeline.domain.errors import BrokenFileError
from pipeline.files.csv_tables import decode_text
from pipeline.files.images import IMAGE_ERRORS, open_image
from pipeline.files.pdf_output import typeface_file
from pipeline.files.text import make_printable, wrap_text

# Notes of forms without paper: the small file that a browser saves, and its keyed digest.
#
# The key is in the form's own file, which anybody may open: the digest shows that a note was
# neither cut off nor changed by accident, and which pack its form came from. It proves no author.

NOTE_FORMAT = "note-1"
ROWS_FORMAT = "rows-1"
NOTE_SUFFIX = ".efterskrift.json"
_MAX_PAGES = 20
_HEAD = ("form", "version", "unit", "pack", "made_on")
_FIELDS = (*_HEAD, "title", "serial", "author", "written_at", "pages")
_ITEM_LENGTH = 5


class NoteFileError(Exception):
    """The text is no note, or a part of one."""


@dataclass(frozen=True, slots=True)
class NoteItem:
    """A field that was filled in: its page from 1, its value, and the words that people read."""

    page: int
    field: str
    label: str
    value: str
    shown: str


@dataclass(frozen=True, slots=True)
class NoteFile:
    """A note as it was saved. `written_at` is ISO 8601 with the computer's time zone.

    `unit`, `pack` and `made_on` are those of the form's file. `digest` is what the file says.
    `replaces` is the serial of the author's earlier note that this one corrects.
    """

    form: str
    version: str
    unit: str
    pack: str
    made_on: str
    title: str
    serial: str
    author: str
    written_at: str
    pages: int
    items: tuple[NoteItem, ...]
    digest: str
    signed_text: str
    replaces: str = ""

    @property
    def written_minute(self) -> str:
        """When it was saved, by the clock of its computer, as people write it."""
        return self.written_at[:16].replace("T", " ")

    def canonical_text(self) -> str:
        """Return the file as one text, however it was saved again: the same note is the same."""
        digest = json.dumps(self.digest)
        return f'{{"efterskrift":"{NOTE_FORMAT}","note":{self.signed_text},"digest":{digest}}}'

    def is_signed_with(self, secret: str) -> bool:
        """Whether the digest is that of a form's file made with this installation's secret."""
        key = note_key(secret, self.form, self.version, self.unit, f"{self.pack} {self.made_on}")
        expected = hmac.new(key.encode(), self.signed_text.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, self.digest)


def note_key(secret: str, form: str, version: str, unit: str, pack: str) -> str:
    """Return the key of a form's file: by the installation's secret and what the file says."""
    text = "\n".join(("digital form", form, version, unit, pack))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def parse_note(text: str) -> NoteFile:
    """Parse the file of a note; whether its digest is right is asked later.

    Raises:
        NoteFileError: it is no such file. The error quotes nothing of it.
    """
    try:
        content: Any = json.loads(text.removeprefix("\ufeff"))
        note = content["note"]
        if content["efterskrift"] != NOTE_FORMAT or not all(
            isinstance(note[name], str) for name in _FIELDS
        ):
            raise NoteFileError
        items = tuple(_parse_item(item) for item in note["values"])
        pages = int(note["pages"])
        # As the browser's JSON.stringify writes it.
        signed = json.dumps(note, ensure_ascii=False, separators=(",", ":"))
        signed.encode()
        digest, replaces = content["digest"], note.get("replaces", "")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise NoteFileError from error
    if not 1 <= pages <= _MAX_PAGES or not _is_ascii(digest) or not _is_ascii(replaces):
        raise NoteFileError
    head = {name: note[name] for name in _FIELDS if name != "pages"}
    return NoteFile(
        **head, pages=pages, items=items, digest=digest, signed_text=signed, replaces=replaces
    )


def _is_ascii(value: object) -> bool:
    return isinstance(value, str) and value.isascii()


@dataclass(frozen=True, slots=True)
class RowPage:
    """A page of a form that the row of a table was mapped to, with texts by field.

    `source` says to people which row of which table it was, `shown` what its cells say.
    """

    form: str
    version: int
    page: int
    pages: int
    serial: str
    source: str
    shown: str
    values: dict[str, str]


def format_rows(rows: Sequence[RowPage]) -> bytes:
    """Write the file of the rows of a table, which is imported like a note."""
    content = {"efterskrift": ROWS_FORMAT, "rows": [asdict(row) for row in rows]}
    return json.dumps(content, ensure_ascii=False, indent=0).encode()


def parse_rows(text: str) -> list[RowPage] | None:
    """Parse the file of the rows of a table; None for another file.

    Raises:
        NoteFileError: it is damaged.
    """
    try:
        content: Any = json.loads(text.removeprefix("\ufeff"))
        if content["efterskrift"] != ROWS_FORMAT:
            return None
        return [parse_row(row) for row in content["rows"]]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise NoteFileError from error


def parse_row(content: Any) -> RowPage:  # noqa: ANN401 - of a file
    """Parse one row.

    Raises:
        NoteFileError: it is damaged.
    """
    try:
        row = RowPage(**content)
        texts = (row.form, row.serial, row.source, row.shown, *row.values, *row.values.values())
        if all(isinstance(text, str) for text in texts) and all(
            isinstance(number, int) for number in (row.version, row.page, row.pages)
        ):
            return row
    except (TypeError, AttributeError) as error:
        raise NoteFileError from error
    raise NoteFileError


def _parse_item(item: list[str]) -> NoteItem:
    if len(item) != _ITEM_LENGTH or not all(isinstance(part, str) for part in item):
        raise NoteFileError
    return NoteItem(int(item[0]), *item[1:])


def note_lines(note: NoteFile, page: int) -> str:
    """Return what a note says of one of its pages, a line for each field, for a person to read."""
    head = (
        note.title,
        f"{note.unit} · löpnummer {note.serial} · sida {page} av {note.pages}",
        f"Skrivet på dator av {note.author}, {note.written_minute}",
        "",
    )
    body = (f"{item.label}: {item.shown}" for item in note.items if item.page == page)
    return "\n".join((*head, *body))


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

    The text of a row of a table is JSON (`RowPage`).
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
        if next(block.iterancestors(f"{_WORD}tr", f"{_WORD}p"), None) is not None:
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
