"""Draw the pages that speed is measured on: Efterskrift's forms, filled in.

They are as a scanner delivers them: A4, grey, 300 dpi, JPEG.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Image, Value
from pipeline.files.images import decode_image
from pipeline.files.page_files import read_pages
from pipeline.forms.fiducials import SERIAL_ALPHABET, SERIAL_LENGTH, is_serial
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import SyntheticWriter, make_writers
from pipeline.reading.imaging.geometry import to_grayscale
from research.evaluation.damage.damaged_page import DamagedPage
from research.evaluation.damage.page_placement import skew_page
from research.evaluation.fields.field_values import make_values
from research.evaluation.fields.sample_content import SAMPLE_NOTES

BOXED_SORT, WRITTEN_SORT = "boxed and ticked forms", "full pages of handwriting"
FORMS_BY_SORT = {
    BOXED_SORT: ("besokslista", "matvarden"),
    WRITTEN_SORT: ("hsl-anteckning", "fri-anteckning"),
}
JPEG_QUALITY = 80
A4_AT_300_DPI = (2480, 3508)
_UNIT = "Hemsjukvården Centrum"
_SKEW_RANGE_DEG = (-1.0, 1.0)


def draw_pages(forms: Forms, each: int) -> dict[str, list[bytes]]:
    """Return this many pages of both sorts, the same on every run."""
    # Fixed seeds give the same pages on every run.
    rng = np.random.default_rng(20211216)
    people = make_writers(6, seed=11)
    return {
        sort: [
            _draw_page(forms.latest(ids[i % len(ids)]), people[i % len(people)], rng)
            for i in range(each)
        ]
        for sort, ids in FORMS_BY_SORT.items()
    }


def draw_every_page(forms: Forms) -> Iterator[bytes]:
    """Return each page of each form once, the same on every run."""
    rng = np.random.default_rng(20211216)
    people = make_writers(6, seed=11)
    for number, form in enumerate(forms.values()):
        for page_no in range(1, len(form.pages) + 1):
            yield _draw_page(form, people[number % len(people)], rng, page_no)


def load_pages(files: Sequence[Path], most: int) -> list[bytes]:
    """Return the first pages of files, each resampled to 300 dpi.

    Raises:
        UsageError: the files hold no page.
        BrokenFileError: a page's picture is damaged.
    """
    pages = list(islice(_iter_pages(files), most))
    if not pages:
        raise UsageError("no_page_to_measure")
    return pages


def _iter_pages(files: Sequence[Path]) -> Iterator[bytes]:
    for page in (page for path in files for page in read_pages(path)):
        # A page that could not be opened has no data; skip it.
        if page.data is not None:
            # Resample to A4 at 300 dpi in the orientation of the page.
            image = to_grayscale(decode_image(page.data, page.media_type))
            size = A4_AT_300_DPI if image.shape[0] >= image.shape[1] else A4_AT_300_DPI[::-1]
            yield _encode_jpeg(
                np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            )


def _draw_page(form: Form, hand: SyntheticWriter, rng: Generator, page_no: int = 1) -> bytes:
    # Fill the page with values of every field kind.
    sheet = Sheet(_random_serial(rng), _UNIT)
    written = fill_field(
        render_sheet_page(form, sheet, page_no),
        form.pages[page_no - 1],
        _full_values(form, rng),
        hand,
        rng,
    )
    # Skew it slightly, as a sheet feeder does.
    turned = skew_page(DamagedPage(written, lambda points: points), rng, degrees=_SKEW_RANGE_DEG)
    return _encode_jpeg(to_grayscale(turned.image))


def _full_values(form: Form, rng: Generator) -> dict[str, Value]:
    """Return values as `make_values` does, with every line of an area filled."""
    values = make_values(form, rng)
    return values | {
        spec.name: _full_text(spec, rng) for spec in form.fields if spec.traits.is_multiline
    }


def _full_text(spec: FieldSpec, rng: Generator) -> str:
    # All sample sentences, in random order, repeated to fill the area.
    sentences = [
        line
        for note in rng.permutation(len(SAMPLE_NOTES))
        for line in str(SAMPLE_NOTES[note][3]).split("\n")
    ]
    return "\n".join((sentences * (spec.lines or 1))[: spec.lines])


def _random_serial(rng: Generator) -> str:
    # Draw serials until the check character is right.
    while True:
        serial = "".join(
            SERIAL_ALPHABET[i] for i in rng.integers(0, len(SERIAL_ALPHABET), SERIAL_LENGTH)
        )
        if is_serial(serial):
            return serial


def _encode_jpeg(image: Image) -> bytes:
    return np.asarray(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    ).tobytes()
