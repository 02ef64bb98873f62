"""The base class of all PDFs that Efterskrift writes: PDF/A with one embedded typeface.

The files of the typeface are closed also when writing fails half-way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, Self
from xml.sax.saxutils import escape

from fpdf import FPDF
from fpdf.fonts import TTFFont

from pipeline.domain.model import Box
from pipeline.files.text import make_printable

TYPEFACE = "sans"
_SEAM_MM = 0.02
"""Overlap of neighbouring black cells, without which a renderer shows hairlines between them."""
MISSING_CHARACTER = "?"
"""Replaces a character that the typeface lacks."""

PDFA_PAPER, PDFA_ARCHIVE = "PDF/A-2b", "PDF/A-2u"
"""Conformance of a PDF, and of one for the archive, whose text must be Unicode."""
_XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"\
 xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
    <rdf:Description rdf:about="" xmp:CreatorTool="Efterskrift" xmp:CreateDate="{made}"\
 xmp:ModifyDate="{made}" xmp:MetadataDate="{made}">
      <pdfaid:part>2</pdfaid:part>
      <pdfaid:conformance>B</pdfaid:conformance>
      <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
    </rdf:Description>
  </rdf:RDF>
</x:xmpmeta>"""
"""Metadata of a PDF.

The library would write the current second into it, but the same content must give the same bytes.
"""


def typeface_file(*, bold: bool = False) -> Path:
    """Return the file of the typeface."""
    name = f"SourceSansPro-{'Semibold' if bold else 'Regular'}.ttf"
    return Path(str(files("font_source_sans_pro") / "files" / name))


class Document(FPDF):
    """A PDF in the typeface `TYPEFACE`, with pages of one size.

    It is used in a `with`, which closes the typeface.

    Args:
        size: of the pages, a name or mm.
        made_at: the time of creation in the metadata; without it the current time.
        compliance: the conformance to PDF/A.
        words: whether it has text; one of images only needs no typeface.
    """

    def __init__(
        self,
        title: str,
        language: str = "sv-SE",
        *,
        size: str | tuple[float, float] = "A4",
        made_at: datetime | None = None,
        compliance: str = PDFA_PAPER,
        words: bool = True,
    ) -> None:
        super().__init__(format=size, enforce_compliance=compliance)
        if words:
            self.add_font(TYPEFACE, "", typeface_file())
            self.add_font(TYPEFACE, "B", typeface_file(bold=True))
        self.set_title(title)
        self.set_lang(language)
        self.set_creator("Efterskrift")
        if made_at:
            self.set_creation_date(made_at)
        if made_at and compliance == PDFA_PAPER:
            self.set_xmp_metadata(
                _XMP.format(
                    title=escape(make_printable(title)), made=made_at.astimezone(UTC).isoformat()
                )
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    def set_style(self, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        """Set the size (pt) and the colour of the text that follows."""
        self.set_font(TYPEFACE, "B" if bold else "", size)
        self.set_text_color(*colour)

    def draw_table(self, rows: Iterable[Iterable[str]], **options: Any) -> None:  # noqa: ANN401
        """Draw a table, headings first; the options are those of the library's `table`."""
        with self.table([[self.fit(cell) for cell in row] for row in rows], **options):
            pass  # the table is drawn when the block ends

    def draw_cells(self, rows: Sequence[Sequence[bool]], box: Box) -> None:
        """Draw the black cells of a code in a square box, mm, without its quiet zone."""
        self.set_fill_color(0, 0, 0)
        pitch = box.w / len(rows)
        for y, row in enumerate(rows):
            seam = _SEAM_MM if y + 1 < len(rows) else 0.0
            start = 0
            # One rectangle for each run of black cells, which overlaps the row below.
            for is_black, cells in groupby(row):
                length = len(list(cells))
                if is_black:
                    x, top = box.x + start * pitch, box.y + y * pitch
                    self.rect(x, top, length * pitch, pitch + seam, style="F")
                start += length

    def fit(self, text: str) -> str:
        """Replace each character that the typeface lacks by `MISSING_CHARACTER`."""
        return "".join(
            char if char == "\n" or self._has(char) else MISSING_CHARACTER
            for char in make_printable(text).replace("\t", " ")
        )

    def _has(self, char: str) -> bool:
        font = self.fonts[TYPEFACE]
        return isinstance(font, TTFFont) and ord(char) in font.cmap
