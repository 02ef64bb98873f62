"""Plain text, docx and notes of forms without paper become pages that hold their text."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from pipeline.domain.errors import BrokenFileError
from pipeline.domain.issues import IssueCode
from pipeline.files.documents import (
    PAGE_CHARACTERS,
    TYPED_PNG,
    NoteFileError,
    TypedKind,
    TypedPage,
    draw_typed_page,
    parse_note,
    parse_rows,
    read_typed_page,
)
from pipeline.files.images import decode_image
from pipeline.files.page_files import read_pages
from pipeline.operations.watch_folder import is_complete_file
from tests.support.pages.small_pages import write_stack

_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx(body: str, before: str = "") -> bytes:
    """A document with this body."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml",
            f'<?xml version="1.0"?>{before}<w:document {_WORD}><w:body>{body}</w:body>'
            "</w:document>",
        )
    return out.getvalue()


def texts(file: Path) -> list[str]:
    """The text of each page."""
    pages = list(read_pages(file))
    assert {page.media_type for page in pages} == {TYPED_PNG}
    return [read_typed_page(page.data or b"").text for page in pages]


def test_the_paragraphs_and_tables_of_a_document_are_its_text_without_what_was_deleted(
    tmp_path: Path,
) -> None:
    file = tmp_path / "natten.docx"
    run = "<w:r><w:t>{}</w:t></w:r>"
    file.write_bytes(
        docx(
            f"<w:p>{run.format('Elsa sov gott.')}<w:del><w:r><w:delText>Illa.</w:delText></w:r>"
            f"</w:del></w:p><w:p>{run.format('Kl')}<w:r><w:tab/></w:r>{run.format('07')}</w:p>"
            f"<w:tbl><w:tr><w:tc><w:p>{run.format('Puls')}</w:p></w:tc>"
            f"<w:tc><w:p>{run.format('82')}</w:p></w:tc></w:tr></w:tbl>"
        )
    )
    assert texts(file) == ["Elsa sov gott.\nKl\t07\nPuls\t82"]


def test_no_entity_of_a_document_is_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hemligt")
    file = tmp_path / "x.docx"
    entity = f'<!DOCTYPE d [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    file.write_bytes(docx("<w:p><w:r><w:t>Text &e;</w:t></w:r></w:p>", entity))
    assert "hemligt" not in "".join(texts(file))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.docx", b"PK\x03\x04 is no archive"),
        ("b.docx", docx("<w:p/>")),
        ("c.docx", docx("<w:p>")[:-40]),
        ("d.txt", b"  \n "),
    ],
)
def test_a_damaged_or_empty_document_is_one_page_with_its_problem(
    tmp_path: Path, name: str, data: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    (page,) = read_pages(file)
    assert (page.problem, page.data) == (IssueCode.BROKEN_FILE, None)


def test_a_long_text_becomes_several_pages_and_loses_nothing(tmp_path: Path) -> None:
    lines = [f"Rad {number} " + "ord " * 12 for number in range(700)] + ["x" * 30_000]
    file = tmp_path / "lang.txt"
    file.write_text("\n".join(lines), "utf-8")
    pages = texts(file)
    assert all(len(page) <= PAGE_CHARACTERS for page in pages)
    assert "".join("".join(pages).split()) == "".join("".join(lines).split())


def test_the_same_text_is_the_same_picture_and_another_picture_holds_none(tmp_path: Path) -> None:
    typed = TypedPage(TypedKind.TEXT, "Å ä ö – \N{SNOWMAN}\t<b>\n" * 3)
    data = draw_typed_page(typed, typed.text)
    assert draw_typed_page(typed, typed.text) == data
    assert read_typed_page(data) == typed
    assert decode_image(data, TYPED_PNG).min() < 100
    with pytest.raises(BrokenFileError):
        read_typed_page(write_stack(tmp_path / "in", 1)[0].read_bytes())


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"efterskrift": "note-1"}', '{"efterskrift": 1, "note": {}}', "[" * 100_000],
)
def test_what_is_no_note_is_none(text: str) -> None:
    with pytest.raises(NoteFileError):
        parse_note(text)


def test_a_row_with_a_wrong_part_is_damaged() -> None:
    with pytest.raises(NoteFileError):
        parse_rows('{"efterskrift": "rows-1", "rows": [{"form": 1}]}')
    assert parse_rows('{"efterskrift": "note-1"}') is None


def test_a_watched_folder_waits_for_the_end_of_a_note(tmp_path: Path) -> None:
    file = tmp_path / "a.efterskrift.json"
    file.write_bytes(b'{"efterskrift": "note-1", "note": {"serial": "0"}, "digest": "00')
    assert not is_complete_file(file)
    file.write_bytes(file.read_bytes() + b'"}\n')
    assert is_complete_file(file)
