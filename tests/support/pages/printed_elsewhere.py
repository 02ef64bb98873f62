"""Forms of our own making as if they were printed elsewhere: without markers and codes, on paper of
any size.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import yaml
from fpdf import FPDF

from pipeline.domain.form.form import Form, load_form
from pipeline.domain.model import Image
from tests.support.pages.synthetic_page import rendered

SYLLABLES = (
    "da",
    "vård",
    "av",
    "blod",
    "puls",
    "temp",
    "and",
    "satu",
    "vikt",
    "läke",
    "dos",
    "giv",
    "an",
    "kvitt",
    "mål",
    "vät",
    "sömn",
    "hud",
)
WORDS = tuple(f"{one}{other}ning".capitalize() for one in SYLLABLES for other in SYLLABLES[::-1])
"""Invented, and each of its own shape."""


def drawn(title: str, turn: int, lower_turn: int | None = None) -> bytes:
    """A form as PDF, A4: labels in three columns with a box each, the words beginning at `turn`,
    those of the lower half at `lower_turn`.
    """
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.set_font("helvetica", "B", 15)
    pdf.text(20, 18, title)
    pdf.set_line_width(0.25)
    pdf.rect(180, 10, 5, 5)
    for row in range(21):
        begin = turn if row < 11 or lower_turn is None else lower_turn
        for column in range(3):
            x, y = 15 + 62 * column, 28 + 12 * row
            pdf.set_font("helvetica", "", 8)
            pdf.text(x, y, f"{WORDS[(row * 37 + column * 101 + 7 * begin) % len(WORDS)]}")
            pdf.rect(x, y + 1.5, 50, 7)
    return bytes(pdf.output())


@cache
def page(title: str, turn: int, lower_turn: int | None = None) -> Image:
    """The unfilled page, grey, 300 dpi."""
    return rendered(drawn(title, turn, lower_turn), 300)


def written_form(
    folder: Path, form_id: str, blank: Image, size: tuple[float, float] = (210, 297)
) -> Form:
    """A form in its folder, with its blank beside it: a mark at the top right and a line in the
    second box.
    """
    place = folder / form_id
    place.mkdir(parents=True)
    cv2.imwrite(str(place / "blank.png"), blank)
    fields = [
        {"name": "klar", "label": "Klar", "kind": "mark", "box": [180, 10, 5, 5]},
        {"name": "namn", "label": "Namn", "kind": "text", "box": [77, 29.5, 50, 7]},
    ]
    head = {
        "id": form_id,
        "version": 1,
        "title": form_id,
        "area": "HSL",
        "criticality": "A",
        "law": [],
        "entries": "sheet",
    }
    content = head | {"pages": [{"blank": "blank.png", "size": list(size), "fields": fields}]}
    (place / "form.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return load_form(place / "form.yaml")
