"""Print pages of the project's forms, fill them in, and scan them as an office scanner does.

Whole pages, at 300 and 200 dpi, grey, in colour and in black and white. Each page is a print run of
its own: toner, specks, paper, and where the scanner puts black. `filled_pages` cuts single fields
out of pages whose place is known; these pages have to be identified and registered as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.form.form import Form
from pipeline.domain.model import Image, Value
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import PRINT_DPI, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import SyntheticWriter
from research.evaluation.damage.damaged_page import DamagedPage
from research.evaluation.damage.imaging_damage import (
    add_noise,
    binarize,
    change_contrast,
    compress_jpeg,
)
from research.evaluation.damage.page_placement import change_dpi, skew_page
from research.evaluation.damage.paper_damage import add_dust

SCANNED_SHEET = Sheet("23456789", "Hemsjukvården Centrum")
COLOUR, ONE_BIT = "colour", "1 bit"


@dataclass(frozen=True, slots=True)
class ScannerMode:
    """How a page is scanned: at how many dpi, and `grey`, in `colour` or with `1 bit`."""

    dpi: int
    tone: str

    def __str__(self) -> str:
        """Return it as tables show it."""
        return f"{self.dpi} dpi, {self.tone}"


SCANNER_MODES = tuple(
    ScannerMode(dpi, tone) for dpi in (PRINT_DPI, 200) for tone in ("grey", COLOUR, ONE_BIT)
)


def fill_printed_page(
    form: Form,
    page_no: int,
    values: Mapping[str, Value],
    writer: SyntheticWriter,
    rng: Generator,
) -> Image:
    """Return a printed page (BGR, 300 dpi) with these values written on it."""
    paper = render_sheet_page(form, SCANNED_SHEET, page_no)
    return fill_field(paper, form.pages[page_no - 1], values, writer, rng) if values else paper


def scan_printed_page(paper: Image, mode: ScannerMode, rng: Generator) -> Image:
    """Return a page (BGR, 300 dpi) as it is scanned: a little askew, soft, and noisy."""
    # Without colour the page is grey from the start, which is quicker and looks the same.
    image = paper if mode.tone == COLOUR else cv2.cvtColor(paper, cv2.COLOR_BGR2GRAY)
    soft = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9)), np.uint8)
    page = DamagedPage(soft, lambda points: points)
    # The print run: pale or strong toner on paper that is not quite white, and specks.
    page = change_contrast(page, rng, gain=rng.uniform(0.75, 1.1), lift=rng.uniform(-12, 4))
    page = add_dust(page, rng, specks=int(rng.integers(30)))
    # The scanner.
    page = skew_page(page, rng, degrees=(-1.5, 1.5))
    if mode.dpi != PRINT_DPI:
        page = change_dpi(page, rng, dpi=mode.dpi)
    page = add_noise(page, rng, sigma=rng.uniform(2, 7))
    if mode.tone == ONE_BIT:
        return binarize(page, rng, threshold=int(rng.integers(150, 205))).image
    return compress_jpeg(page, rng, quality=int(rng.integers(60, 92))).image
