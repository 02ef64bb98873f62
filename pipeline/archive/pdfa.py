"""A sheet as PDF/A-2u (ISO 19005-2): its picture, and over it, unseen, what people confirmed, so that it can be searched and read aloud.

Lengths are mm. The picture is the page laid on its form, so that the places of the fields hold; the scan as it came lies beside in the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from io import BytesIO

from fpdf import FPDF
from fpdf.enums import TextMode
from fpdf.fonts import TTFFont

from pipeline.export.plain_text import printable
from pipeline.export.wrapping import wrap
from pipeline.field_spec import BoxMm

_FAMILY = "body"
_POINT = 0.3528
_LARGEST, _SMALLEST = 11.0, 5.0
"""Points."""
_PART = 0.62
"""Type size as a part of the height of a line's box."""
_UNKNOWN = "?"
"""Stands for a character that the typeface lacks: PDF/A allows no reference to a missing glyph."""


@dataclass(frozen=True, slots=True)
class Words:
    """What was confirmed in a field, and the field's place. `lines` is how many lines of writing the place has."""

    box: BoxMm
    text: str
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Side:
    """One side of paper: its picture (JPEG), its size, and the words on it."""

    picture: bytes
    width: float
    height: float
    words: tuple[Words, ...]


def sheet_pdf(sides: Sequence[Side], title: str, author: str, made_at: datetime) -> bytes:
    """The sheet. Its metadata say when the file was written, besides `made_at`."""
    pdf = FPDF(enforce_compliance="PDF/A-2u")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.add_font(_FAMILY, "", str(files("font_source_sans_pro") / "files" / "SourceSansPro-Regular.ttf"))
    pdf.set_title(printable(title))
    pdf.set_author(printable(author))
    pdf.set_creator("Efterskrift")
    pdf.set_lang("sv-SE")
    pdf.set_creation_date(made_at)
    for side in sides:
        pdf.add_page(format=(side.width, side.height))
        pdf.image(BytesIO(side.picture), 0, 0, side.width, side.height, alt_text=printable(title))
        with pdf.local_context(text_mode=TextMode.INVISIBLE):
            for words in side.words:
                _write(pdf, words)
    return bytes(pdf.output())


def _write(pdf: FPDF, words: Words) -> None:
    x, y, width, height = words.box
    step = height / max(1, words.lines)
    size = min(_LARGEST, max(_SMALLEST, step * _PART / _POINT))
    pdf.set_font(_FAMILY, size=size)
    for number, line in enumerate(wrap(_known(pdf, words.text), width, pdf.get_string_width)):
        pdf.text(x, y + min(number * step, max(0.0, height - step)) + step * _PART, line)


def _known(pdf: FPDF, text: str) -> str:
    """The text with a question mark for each character that the typeface lacks."""
    face = pdf.current_font
    known = face.cmap if isinstance(face, TTFFont) else {}
    return "".join(char if char == "\n" or ord(char) in known else _UNKNOWN for char in printable(text).replace("\t", " "))
