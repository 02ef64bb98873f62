"""A sheet as PDF/A-2u (ISO 19005-2): its image with the confirmed values as invisible text.

The text makes it searchable and readable aloud. The image is the page registered to its form, so
that the places of the fields hold; the original scan is next to it in the package. Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from fpdf.enums import TextMode

from pipeline.domain.form.field import BoxMm
from pipeline.files.pdf_output import PDFA_ARCHIVE, TYPEFACE, Document
from pipeline.files.text import make_printable, wrap_text

_MM_PER_POINT = 0.3528
_MAX_FONT_PT, _MIN_FONT_PT = 11.0, 5.0
"""Points."""
_FONT_SHARE = 0.62
"""Type size as a share of the height of a line's box."""


@dataclass(frozen=True, slots=True)
class PlacedText:
    """The confirmed value of a field, and its place with room for so many `lines`."""

    box: BoxMm
    text: str
    lines: int = 1


@dataclass(frozen=True, slots=True)
class SheetSide:
    """One side of paper: its image (JPEG), its size, and the text on it."""

    image: bytes
    width: float
    height: float
    words: tuple[PlacedText, ...]


def sheet_pdf(sides: Sequence[SheetSide], title: str, author: str, made_at: datetime) -> bytes:
    """Return the sheet as PDF. Its metadata say when the file was written, besides `made_at`."""
    with Document(make_printable(title), made_at=made_at, compliance=PDFA_ARCHIVE) as pdf:
        pdf.set_auto_page_break(False)
        pdf.set_margin(0)
        pdf.set_author(make_printable(author))
        for side in sides:
            pdf.add_page(format=(side.width, side.height))
            pdf.image(
                BytesIO(side.image), 0, 0, side.width, side.height, alt_text=make_printable(title)
            )
            with pdf.local_context(text_mode=TextMode.INVISIBLE):
                for words in side.words:
                    _write_hidden_text(pdf, words)
        return bytes(pdf.output())


def _write_hidden_text(pdf: Document, words: PlacedText) -> None:
    x, y, width, height = words.box
    # As many lines as the field has; further lines are drawn over the last one.
    step = height / max(1, words.lines)
    size = min(_MAX_FONT_PT, max(_MIN_FONT_PT, step * _FONT_SHARE / _MM_PER_POINT))
    pdf.set_font(TYPEFACE, size=size)
    for number, line in enumerate(wrap_text(pdf.fit(words.text), width, pdf.get_string_width)):
        pdf.text(x, y + min(number * step, max(0.0, height - step)) + step * _FONT_SHARE, line)
