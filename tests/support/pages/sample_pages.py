"""What the sample stack is made with: a desk where sheets are issued and filled in, and how their
pictures become files.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pikepdf
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Client, Image, Value
from pipeline.domain.settings import ROOT
from pipeline.files.pdf_output import typeface_file
from pipeline.forms.fiducials import SERIAL_ALPHABET, SERIAL_LENGTH, is_serial
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.registers.clients import load_client_register

SAMPLES = ROOT / "data" / "samples"
HSL_UNIT, HOME_CARE_UNIT = "Hemsjukvården Centrum", "Hemtjänsten Norr"


@dataclass(frozen=True, slots=True)
class Filled:
    """A page with what is written on it; `image` is clean, BGR at 300 dpi."""

    image: Image
    form: str
    serial: str
    values: dict[str, Value]
    outcome: str = "read"
    note: str = ""
    truth: Mapping[str, object] = field(default_factory=dict)
    """What else is true of the page: whose codes, whose parts, what it is attached to."""


class Desk:
    """Where the paper is filled in: one random generator, writers, clients, forms."""

    def __init__(self, seed: int = 20211216) -> None:
        self.rng = np.random.default_rng(seed)
        self.forms = Forms.load(ROOT / "forms")
        self.hands = make_writers(8, seed=5)
        everyone = load_client_register(SAMPLES / "klienter.csv").clients
        self.patients = [c for c in everyone if c.unit == HSL_UNIT and not c.protected]
        self.home_care = [c for c in everyone if c.unit == HOME_CARE_UNIT]
        self.issued: list[tuple[str, str, int, str, str]] = []

    def sheet(
        self,
        form: Form,
        unit: str,
        client: Client | None = None,
        prefilled: tuple[tuple[str, str], ...] = (),
    ) -> Sheet:
        """A sheet with the next serial, noted as issued."""
        while True:
            serial = "".join(SERIAL_ALPHABET[i] for i in self.rng.integers(0, 32, SERIAL_LENGTH))
            if is_serial(serial):
                break
        self.issued.append((serial, form.id, form.version, unit, client.pid if client else ""))
        return Sheet(serial, unit, client, prefilled)


def grey(image: Image) -> Image:
    """Without colour."""
    return (
        image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    )


def at_dpi(image: Image, dpi: int) -> Image:
    """A 300-dpi picture at another resolution."""
    return np.asarray(
        cv2.resize(image, None, fx=dpi / 300, fy=dpi / 300, interpolation=cv2.INTER_AREA), np.uint8
    )


def jpeg(image: Image, dpi: int, quality: int) -> bytes:
    """A JPEG that says its resolution."""
    buffer = io.BytesIO()
    Pillow.fromarray(image if image.ndim == 2 else image[:, :, ::-1]).save(
        buffer, "JPEG", quality=quality, dpi=(dpi, dpi), optimize=True
    )
    return buffer.getvalue()


def scanned_pdf(path: Path, pictures: list[tuple[bytes, Image]], dpi: int) -> None:
    """A PDF as a scanner writes it: one JPEG a page."""
    pdf = pikepdf.new()
    for data, image in pictures:
        height, width = image.shape[:2]
        size = (width * 72 / dpi, height * 72 / dpi)
        space = pikepdf.Name.DeviceGray if image.ndim == 2 else pikepdf.Name.DeviceRGB
        picture = pikepdf.Stream(
            pdf, data, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image,
            Width=width, Height=height,
            ColorSpace=space, BitsPerComponent=8, Filter=pikepdf.Name.DCTDecode,
        )  # fmt: skip
        page = pdf.add_blank_page(page_size=size)
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=picture))
        page.Contents = pikepdf.Stream(
            pdf, f"q {size[0]:.3f} 0 0 {size[1]:.3f} 0 0 cm /I Do Q".encode()
        )
    pdf.save(path, deterministic_id=True)


def expected_page(file: str, number: int, page: Filled, way: str) -> dict[str, object]:
    """A page as `expected.json` reports it."""
    return {
        "file": file, "page": number, "outcome": page.outcome,
        "form": page.form, "serial": page.serial,
        "way": way, "note": page.note, "values": page.values, **page.truth,
    }  # fmt: skip


def printed_paper(lines: Sequence[str]) -> Image:
    """A bill or a statement as an office printer makes it, BGR at 300 dpi."""
    paper = Pillow.new("L", (2480, 3508), 252)
    draw = ImageDraw.Draw(paper)
    for number, line in enumerate(lines):
        font = ImageFont.truetype(typeface_file(bold=number < 2), 64 if number < 2 else 46)
        draw.text((280, 320 + number * 150), line, fill=25, font=font)
    return np.dstack([np.asarray(paper, np.uint8)] * 3)
