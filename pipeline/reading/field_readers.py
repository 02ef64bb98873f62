"""Which reader reads which kind of field, with calibrated probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from pipeline.domain.errors import BrokenFileError, UsageError
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image, Reading
from pipeline.domain.settings import ROOT, load_settings
from pipeline.reading.calibration.curves import (
    calibrate_reading,
    file_fingerprint,
    installed_curves,
    writer_clarity,
)
from pipeline.reading.fields import printed_text
from pipeline.reading.fields.digits import letters, reader
from pipeline.reading.fields.digits import reader as digits
from pipeline.reading.fields.field_image import FieldImage, FieldReader
from pipeline.reading.fields.handwriting import network, signature
from pipeline.reading.fields.handwriting import reader as handwriting
from pipeline.reading.fields.marks import choice
from pipeline.reading.fields.marks import reader as marks
from pipeline.reading.fields.segmentation import lines

FIELD_READERS: dict[Kind, FieldReader] = {
    Kind.MARK: marks.read_marks,
    Kind.CHOICE: choice.read_choices,
    Kind.DIGITS: digits.read_digit_boxes,
    Kind.LETTERS: letters.read_letter_boxes,
    Kind.TEXT: handwriting.read_handwriting,
    Kind.LINES: lines.read_text_areas,
    Kind.PRINTED: printed_text.read_printed_texts,
    Kind.SIGNATURE: signature.read_signatures,
    Kind.INITIALS: signature.read_initials,
}
"""Readers by kind; p is their own score."""


def _handwriting_fingerprint() -> str:
    file = network.find_network_file()
    return _own_fingerprint(file) if file == load_settings().weights else file_fingerprint(file)


@lru_cache(maxsize=2)
def _own_fingerprint(file: Path) -> str:
    """Return the fingerprint of the organisation's own file as it was when it was opened.

    A process reads with it to the end, even if the file is replaced meanwhile.
    """
    return file_fingerprint(file)


def _marks_fingerprint() -> str:
    return file_fingerprint(ROOT / "data" / "models" / "marks.json")


def _digits_fingerprint() -> str:
    """Return the fingerprint of both networks that read digits."""
    return (
        file_fingerprint(digits.DIGIT_MODEL)[:8] + file_fingerprint(digits.SECOND_DIGIT_MODEL)[:8]
    )


def _letters_fingerprint() -> str:
    """Return the fingerprint of both networks that read letters in boxes."""
    return _handwriting_fingerprint()[:8] + file_fingerprint(letters.LETTER_MODEL)[:8]


NETWORK_FINGERPRINTS: dict[Kind, Callable[[], str]] = {
    Kind.MARK: _marks_fingerprint,
    Kind.CHOICE: _marks_fingerprint,
    Kind.DIGITS: _digits_fingerprint,
    Kind.LETTERS: _letters_fingerprint,
    Kind.TEXT: _handwriting_fingerprint,
    Kind.LINES: _handwriting_fingerprint,
    Kind.PRINTED: lambda: "tesseract",
    Kind.SIGNATURE: lambda: "rules",
    Kind.INITIALS: lambda: "rules",
}
"""The fingerprint of the network that reads a kind: another one needs its own curves."""


def calibrate_readings(
    specs: Sequence[FieldSpec], readings: Sequence[Reading], *, single_writer: bool = False
) -> list[Reading]:
    """Return readings with probabilities for the scores that their readers gave.

    `single_writer`: all of them were written by one person, such as a page.
    """
    # Curves are chosen by the fingerprint of the network that read.
    curves = installed_curves()
    networks = {kind: NETWORK_FINGERPRINTS[kind]() for kind in {spec.kind for spec in specs}}
    leads = writer_clarity(readings) if single_writer else [0.0] * len(readings)
    return [
        calibrate_reading(spec, reading, networks[spec.kind], curves, lead)
        for spec, reading, lead in zip(specs, readings, leads, strict=True)
    ]


def _calibrated_reader(kind: Kind) -> FieldReader:
    return lambda crops: calibrate_readings(
        [crop.spec for crop in crops], FIELD_READERS[kind](crops)
    )


CALIBRATED_READERS: dict[Kind, FieldReader] = {
    kind: _calibrated_reader(kind) for kind in FIELD_READERS
}
"""Readers by kind with calibrated probabilities: what the program uses."""


MAX_BOX_ASPECT = 2.0
"""Width by height: a wider image shows a row of boxes. Read as one box, a personal number was read
as empty with high confidence.
"""


def make_field_image(image: Image, kind: Kind, cells: int | None) -> FieldImage:
    """Return the field image of a field that fills the whole image.

    `cells` counts digit boxes or ruled lines (None: lines are as on plain paper, digits are one
    box).

    Raises:
        UsageError: the kind needs a form.
        BrokenFileError: the image is too wide for one box, and `cells` is None.
    """
    # The boxes of a choice are known from its form only.
    if kind.traits.has_options:
        raise UsageError("choice_needs_form")
    if kind.traits.has_cells:
        if cells is None and image.shape[1] > MAX_BOX_ASPECT * image.shape[0]:
            raise BrokenFileError("wider_than_one_box")
        row = reader.plain_digit_row if kind.traits.digits_only else letters.plain_letter_row
        return FieldImage(image, row(cells or 1))

    # Other kinds are as high as usual, and as wide as the image shows.
    lines = cells if kind.traits.is_multiline else None
    height = kind.traits.image_height_mm * (lines or 1)
    box = (0.0, 0.0, height * image.shape[1] / image.shape[0], height)
    return FieldImage(
        image, FieldSpec.model_construct(name="crop", label="crop", kind=kind, box=box, lines=lines)
    )
