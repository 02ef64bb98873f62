"""A sheet as PDF/A-2u (ISO 19005-2): its picture, and over it, unseen, what people confirmed, so that it can be searched and read aloud.

Lengths are mm. The picture is the page laid on its form, so that the places of the fields hold; the scan as it came lies beside in the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from fpdf.enums import TextMode

from pipeline.document import ARCHIVED, FACE, Document
from pipeline.export.wrapping import wrap
from pipeline.field_spec import BoxMm
from pipeline.plain_text import printable

_POINT = 0.3528
_LARGEST, _SMALLEST = 11.0, 5.0
"""Points."""
_PART = 0.62
"""Type size as a part of the height of a line's box."""


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
    with Document(printable(title), made_at=made_at, compliance=ARCHIVED) as pdf:
        pdf.set_auto_page_break(False)
        pdf.set_margin(0)
        pdf.set_author(printable(author))
        for side in sides:
            pdf.add_page(format=(side.width, side.height))
            pdf.image(BytesIO(side.picture), 0, 0, side.width, side.height, alt_text=printable(title))
            with pdf.local_context(text_mode=TextMode.INVISIBLE):
                for words in side.words:
                    _write(pdf, words)
        return bytes(pdf.output())


def _write(pdf: Document, words: Words) -> None:
    x, y, width, height = words.box
    step = height / max(1, words.lines)
    size = min(_LARGEST, max(_SMALLEST, step * _PART / _POINT))
    pdf.set_font(FACE, size=size)
    for number, line in enumerate(wrap(pdf.fit(words.text), width, pdf.get_string_width)):
        pdf.text(x, y + min(number * step, max(0.0, height - step)) + step * _PART, line)
