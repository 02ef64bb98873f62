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


def care_blank() -> bytes:
    """A form of a care unit as PDF, A4, of 29 fields with the labels that such forms have."""
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.set_font("helvetica", "B", 15)
    pdf.text(20, 18, "Rapport från nattpatrullen")
    pdf.set_font("helvetica", "", 9)
    pdf.set_line_width(0.25)

    def comb(label: str, x: float, y: float, cells: int) -> None:
        pdf.text(x, y - 1, label)
        for cell in range(cells):
            pdf.rect(x + 5 * cell, y, 5, 7)

    def box(label: str, x: float, y: float, width: float) -> None:
        pdf.text(x, y - 1, label)
        pdf.rect(x, y, width, 8)

    comb("Personnummer", 20, 30, 12)
    box("Namn", 90, 30, 100)
    comb("Datum", 20, 46, 8)
    comb("Klockslag", 70, 46, 4)
    box("Adress", 100, 46, 90)
    for row, labels in enumerate((("Toalett", "Dryck", "Vändning"), ("Hygien", "Mat", "Samtal"))):
        for column, label in enumerate(labels):
            pdf.rect(20 + 60 * column, 62 + 9 * row, 5, 5)
            pdf.text(27 + 60 * column, 66 + 9 * row, label)
    for row, label in enumerate(("Puls", "Temp", "Blodtryck", "Vikt", "Saturation", "Smärta")):
        box(label, 20 + 60 * (row % 3), 88 + 15 * (row // 3), 50)
    for row, label in enumerate(("Larm från", "Nyckel", "Resväg", "Insats")):
        pdf.text(20, 128 + 11 * row, label)
        pdf.line(45, 128.5 + 11 * row, 190, 128.5 + 11 * row)
    pdf.text(20, 175, "Anteckning")
    for row in range(5):
        pdf.line(20, 186 + 9 * row, 190, 186 + 9 * row)
    box("Kontaktad", 20, 236, 80)
    box("Telefon", 110, 236, 80)
    box("Namnförtydligande", 20, 252, 80)
    box("Titel", 110, 252, 80)
    box("Underskrift", 20, 268, 80)
    comb("Skrivet datum", 110, 268, 8)
    box("Enhet", 160, 268, 30)
    return bytes(pdf.output())
