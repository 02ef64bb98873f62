"""What all PDFs of ours are set in: one typeface, embedded, whose files are closed also when a document is given up half-way."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Self

from fpdf import FPDF
from fpdf.fonts import TTFFont

from pipeline.plain_text import printable

FACE = "sans"
LACKING = "?"
"""Stands for a character that the typeface lacks."""


def face_file(*, bold: bool = False) -> Path:
    """The file of the typeface."""
    return Path(str(files("font_source_sans_pro") / "files" / f"SourceSansPro-{'Semibold' if bold else 'Regular'}.ttf"))


class Document(FPDF):
    """A PDF in Swedish, set in `FACE`, of pages of one size (a name, or mm). To be used in a `with`, which closes the typeface."""

    def __init__(self, title: str, language: str = "sv-SE", *, size: str | tuple[float, float] = "A4", compliance: str | None = None) -> None:
        super().__init__(format=size, enforce_compliance=compliance)
        self.add_font(FACE, "", face_file())
        self.add_font(FACE, "B", face_file(bold=True))
        self.set_title(title)
        self.set_lang(language)
        self.set_creator("Efterskrift")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    def dress(self, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        """Set the size (pt) and the colour of the words that follow."""
        self.set_font(FACE, "B" if bold else "", size)
        self.set_text_color(*colour)

    def fit(self, text: str) -> str:
        """The text with `LACKING` for each character that the typeface lacks."""
        return "".join(char if char == "\n" or self._has(char) else LACKING for char in printable(text).replace("\t", " "))

    def _has(self, char: str) -> bool:
        font = self.fonts[FACE]
        return isinstance(font, TTFFont) and ord(char) in font.cmap
