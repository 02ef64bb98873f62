"""The pages that speed is measured on: our own forms, filled in, as a scanner sends them (A4, grey, 300 dpi, JPEG)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.errors import UsageError
from pipeline.fiducials import SERIAL_ALPHABET, SERIAL_LENGTH, is_serial
from pipeline.field_spec import FieldSpec
from pipeline.model import Image, Value
from pipeline.picture import decode
from pipeline.plane import grey
from pipeline.printing import Sheet
from pipeline.quality.damage_paper import Damaged
from pipeline.quality.damage_place import skew
from pipeline.quality.filled_values import values_for
from pipeline.quality.filling import fill, printed_page
from pipeline.quality.hands import Hand, hands
from pipeline.quality.sample_texts import NOTES
from pipeline.scan import pages_of
from pipeline.template import Form, Forms

BOXED, WRITTEN = "boxed and ticked forms", "full pages of handwriting"
FORMS = {BOXED: ("besokslista", "matvarden"), WRITTEN: ("hsl-anteckning", "fri-anteckning")}
JPEG_QUALITY = 80
A4_AT_300_DPI = (2480, 3508)
_UNIT = "Hemsjukvården Centrum"
_SKEW_DEG = (-1.0, 1.0)


def made_pages(forms: Forms, each: int) -> dict[str, list[bytes]]:
    """So many pages of both sorts, the same on every run."""
    rng = np.random.default_rng(20211216)
    people = hands(6, seed=11)
    return {sort: [_made(forms.latest(ids[i % len(ids)]), people[i % len(people)], rng) for i in range(each)] for sort, ids in FORMS.items()}


def every_page(forms: Forms) -> Iterator[bytes]:
    """Each page of each form once, the same on every run."""
    rng = np.random.default_rng(20211216)
    people = hands(6, seed=11)
    for number, form in enumerate(forms.values()):
        for page_no in range(1, len(form.pages) + 1):
            yield _made(form, people[number % len(people)], rng, page_no)


def given_pages(files: Sequence[Path], most: int) -> list[bytes]:
    """The first pages of files, each brought to 300 dpi.

    Raises:
        UsageError: the files hold no page.
        BrokenFileError: a page's picture is damaged.
    """
    pages = list(islice(_pages(files), most))
    if not pages:
        raise UsageError("no_page_measure")
    return pages


def _pages(files: Sequence[Path]) -> Iterator[bytes]:
    for page in (page for path in files for page in pages_of(path)):
        if page.data is not None:
            image = grey(decode(page.data, page.media_type))
            size = A4_AT_300_DPI if image.shape[0] >= image.shape[1] else A4_AT_300_DPI[::-1]
            yield _jpeg(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))


def _made(form: Form, hand: Hand, rng: Generator, page_no: int = 1) -> bytes:
    sheet = Sheet(_serial(rng), _UNIT)
    written = fill(printed_page(form, sheet, page_no), form.pages[page_no - 1], _values(form, rng), hand, rng)
    turned = skew(Damaged(written, lambda points: points), rng, degrees=_SKEW_DEG)
    return _jpeg(grey(turned.image))


def _values(form: Form, rng: Generator) -> dict[str, Value]:
    """As `values_for`, with every line of an area written on."""
    values = values_for(form, rng)
    return values | {spec.name: _full(spec, rng) for spec in form.fields if spec.traits.is_multiline}


def _full(spec: FieldSpec, rng: Generator) -> str:
    sentences = [line for note in rng.permutation(len(NOTES)) for line in str(NOTES[note][3]).split("\n")]
    return "\n".join((sentences * (spec.lines or 1))[: spec.lines])


def _serial(rng: Generator) -> str:
    while True:
        serial = "".join(SERIAL_ALPHABET[i] for i in rng.integers(0, len(SERIAL_ALPHABET), SERIAL_LENGTH))
        if is_serial(serial):
            return serial


def _jpeg(image: Image) -> bytes:
    return np.asarray(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]).tobytes()
