"""Notes of forms without paper: the small file that a browser saves, and its keyed digest.

The key is in the form's own file, which anybody may open: the digest shows that a note was neither
cut off nor changed by accident, and which pack its form came from. It proves no author.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

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
