"""A PDF of ours: its typeface, and what is left of it when it is given up half-way."""

from __future__ import annotations

import pytest
from fpdf.fonts import TTFFont

from pipeline.files.pdf_output import Document


@pytest.mark.parametrize("fails", [True, False])
def test_no_file_stays_open_when_a_document_is_left(fails: bool) -> None:
    document = Document("Prov")
    opened = [
        font.ttfont.reader.file
        for font in document.fonts.values()
        if isinstance(font, TTFFont) and font.ttfont.reader
    ]
    try:
        with document:
            document.add_page()
            document.set_style(10, (0, 0, 0))
            document.cell(text="Hej")
            if fails:
                raise ValueError
            document.output()
    except ValueError:
        assert fails
    assert [file.closed for file in opened] == [True, True]


def test_a_letter_that_the_typeface_lacks_is_a_question_mark() -> None:
    with Document("Prov") as document:
        assert document.fit("Č\tŁ\n漢\x00") == "Č Ł\n??"
