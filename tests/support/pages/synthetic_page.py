"""A page that looks like one of our forms but belongs to none: for tests of geometry that must not
depend on a real form.
"""

from __future__ import annotations

import io
import tempfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import segno
from fpdf import FPDF
from numpy.random import Generator
from pdf2image import convert_from_path

from pipeline.domain.model import Box, Image, SheetCode
from pipeline.forms import fiducials

CODE = SheetCode("synthetic", 1, 1, 2, "7K3M9QX1")
LABELS = (
    "Klientens namn",
    "Personnummer",
    "Händelsedatum",
    "Klockslag",
    "Enhet",
    "Typ av kontakt",
    "Bedömning",
    "Åtgärd",
    "Planering",
    "Underskrift",
    "Titel",
    "Ja",
    "Nej",
    "Övrigt",
)


def sheet_code(text: str, box: Box, pdf: FPDF) -> None:
    """Draw a QR code into its box."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=20, border=0)
    pdf.image(out, box.x, box.y, box.w, box.h)


def markers(pdf: FPDF) -> None:
    """Draw the four corner markers."""
    dictionary = cv2.aruco.getPredefinedDictionary(fiducials.MARKER_DICTIONARY)
    for marker, box in fiducials.MARKER_BOXES.items():
        picture = cv2.aruco.generateImageMarker(dictionary, marker, 600)
        pdf.image(
            io.BytesIO(cv2.imencode(".png", picture)[1].tobytes()), box.x, box.y, box.w, box.h
        )


def _rows(pdf: FPDF) -> None:
    pdf.set_draw_color(150, 190, 215)
    pdf.set_line_width(0.25)
    for row in range(24):
        y = 34 + row * 9.6
        for column in range(3):
            x = 14 + column * 62
            pdf.set_font("helvetica", "", 7)
            pdf.text(x, y, f"{LABELS[(row * 3 + column * 5) % len(LABELS)]} {row + 1}")
            if (row + column) % 3 == 0:
                for cell in range(10):
                    pdf.rect(x + cell * 5.4, y + 1, 5.4, 6.4)
            elif (row + column) % 3 == 1:
                pdf.line(x, y + 7.4, x + 56, y + 7.4)
            else:
                pdf.rect(x, y + 1.2, 4, 4)


@cache
def synthetic_pdf(code: str | None = None) -> bytes:
    """The page as PDF, with the code's text given or that of CODE."""
    text = fiducials.format_code(CODE) if code is None else code
    pdf = FPDF(unit="mm", format="A4")
    pdf.set_auto_page_break(False)
    pdf.add_page()
    markers(pdf)
    for box in fiducials.CODE_BOXES:
        sheet_code(text, box, pdf)
    pdf.set_font("helvetica", "B", 14)
    pdf.text(60, 18, "Påhittad blankett, sida 1 av 2")
    _rows(pdf)
    return bytes(pdf.output())


@cache
def synthetic_page(dpi: float) -> Image:
    """The unfilled page, grey, at some dpi."""
    return rendered(synthetic_pdf(), dpi)


@cache
def synthetic_blank() -> Image:
    """The unfilled page as registration wants it, 8 px/mm. Drawn finer and averaged, because
    poppler moves letters to whole pixels.
    """
    fine = rendered(synthetic_pdf(), 4 * 203.2)
    return np.asarray(cv2.resize(fine, (1680, 2376), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def rendered(pdf: bytes, dpi: float) -> Image:
    """The first page of a PDF in grey. Pictures of exactly A4 size at this dpi."""
    size = round(210 / 25.4 * dpi), round(297 / 25.4 * dpi)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.pdf")
        path.write_bytes(pdf)
        (page,) = convert_from_path(path, size=size, last_page=1, fmt="ppm", grayscale=True)
        return np.asarray(page.convert("L"), dtype=np.uint8)


def scribbled(page: Image, rng: Generator, lines: int = 40) -> Image:
    """The page with pen strokes over a good part of it, as a substitute for handwriting."""
    out = page.copy()
    mm = page.shape[1] / 210
    for _ in range(lines):
        start = np.array([rng.uniform(14, 150), rng.uniform(34, 265)])
        steps = rng.normal((1.1, 0), (0.6, 1.6), size=(int(rng.integers(15, 45)), 2))
        path = np.round((start + np.cumsum(steps, axis=0)) * mm * 16).astype(np.int32)
        cv2.polylines(
            out,
            [path.reshape(-1, 1, 2)],
            False,
            int(rng.integers(20, 110)),
            max(1, round(0.5 * mm)),
            cv2.LINE_AA,
            4,
        )
    return out
