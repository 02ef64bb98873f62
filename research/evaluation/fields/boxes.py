"""Measure how well boxes are read: single digits, rows in each format, and whole drawn forms.

The digits are of held-out people. Tesseract and the handwriting network as shipped read the same
images; of their answers only the digits count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.field import Format, Kind
from pipeline.domain.model import Image, Reading, State, Value
from pipeline.reading.field_readers import CALIBRATED_READERS
from pipeline.reading.fields.digits.reader import plain_digit_row
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.network import ALPHABET, find_shipped_file, read_steps
from pipeline.reading.fields.printed_text import read_printed_line
from research.evaluation.fields.digit_rows import draw_row_field
from research.evaluation.fields.filled_pages import (
    DigitShapes,
    draw_filled_fields,
    make_digit_writers,
)
from research.evaluation.measure import (
    EvaluationData,
    JudgedValue,
    QualityRow,
    absent_row,
    make_quality_row,
)
from research.training.digits.glyphs import OPTDIGITS_HELD_OUT, enlarge, load_mnist, load_optdigits
from research.training.handwriting.evaluate import greedy_text
from research.training.handwriting.lines import find_fonts

SEED = 20261125
MEASURED_OPTDIGITS_COUNT = OPTDIGITS_HELD_OUT * 2 // 3
"""The digits that are measured.

The first third of the held-out part gave the temperature and the curves.
"""
ROW_COUNT, QUICK_ROW_COUNT = 400, 60
PAGE_COUNT, QUICK_PAGE_COUNT = 24, 4
SINGLE_DIGIT_COUNT, QUICK_SINGLE_DIGIT_COUNT = 10_000, 300
COMPARED_COUNT = 500
"""How many images of a set, the first ones, are also given to the other readers."""
WRITER_COUNT = 12
SHAPE_COUNT = 1000
PICTURE_DPI = 203
DIGIT_COLUMNS = [0, *(ALPHABET.index(digit) + 1 for digit in "0123456789")]
PAGE_KINDS = (Kind.MARK, Kind.CHOICE, Kind.PRINTED, Kind.SIGNATURE, Kind.INITIALS)


@dataclass(frozen=True, slots=True)
class LabelledField:
    """An image and what it says."""

    crop: FieldImage
    value: Value
    state: State
    writer: str = ""


def measure_digits(data: EvaluationData) -> list[QualityRow]:
    """Measure single digits of MNIST's test part and optdigits, and drawn rows in each format."""
    rows = [
        _measure_row("digits", name, asked) if asked else absent_row("digits", name)
        for name, asked in _single_digit_sets(data)
    ]
    # Rows of each format, written with the same unseen digits.
    pool = load_unseen_digits(data)
    count = QUICK_ROW_COUNT if data.quick else ROW_COUNT
    for form in (Format.DATE, Format.TIME, Format.PERSONAL_NUMBER, Format.NUMBER):
        name = f"rows, {form}"
        rows.append(
            _measure_row("digits", name, list(_draw_rows(form, pool, count)))
            if pool
            else absent_row("digits", name)
        )
    return rows


def measure_forms(data: EvaluationData) -> list[QualityRow]:
    """Measure every field kind but lines, on drawn and degraded forms."""
    # Forms need digits for boxes and fonts for text.
    pool, fonts = load_unseen_digits(data), data.find("handwriting", "fonts_train")
    if not pool or not fonts:
        return [absent_row(str(kind), "forms") for kind in (Kind.DIGITS, *PAGE_KINDS)]
    rng = np.random.default_rng(SEED)
    # Every other held-out font.
    people = make_digit_writers(find_fonts(fonts, held=True)[1::2], pool, WRITER_COUNT, rng)
    by_kind: dict[Kind, list[LabelledField]] = defaultdict(list)
    # Collect the fields of all pages by kind.
    pages = range(QUICK_PAGE_COUNT if data.quick else PAGE_COUNT)
    for fields in draw_filled_fields(people, pages, rng):
        for one in fields:
            by_kind[one.crop.spec.kind].append(
                LabelledField(one.crop, one.value, one.state, one.way)
            )
    return [
        _measure_row(str(kind), "forms, by way of scanning", by_kind[kind])
        for kind in (Kind.DIGITS, *PAGE_KINDS)
        if kind in by_kind
    ]


def load_unseen_digits(data: EvaluationData) -> DigitShapes:
    """Return digits of people that no network and no curve has seen.

    Empty where the data is absent.
    """
    file = data.find("handwriting", "optdigits.npz")
    if file is None:
        return {}
    scans, values = load_optdigits(file)
    # Only the part of optdigits that neither temperature nor curves were fitted on.
    scans, values = scans[-MEASURED_OPTDIGITS_COUNT:], values[-MEASURED_OPTDIGITS_COUNT:]
    pictures, labels = load_mnist(data.mnist, "t10k") if data.mnist else (scans[:0], values[:0])
    pictures, labels = pictures[:SHAPE_COUNT], labels[:SHAPE_COUNT]
    # Both sets at about 65 px: optdigits has 32 px, MNIST 28 px.
    return {
        d: [enlarge(p, 2.0) for p in scans[values == d]]
        + [enlarge(p, 2.4) for p in pictures[labels == d]]
        for d in range(10)
    }


def _single_digit_sets(data: EvaluationData) -> Iterator[tuple[str, list[LabelledField]]]:
    most = QUICK_SINGLE_DIGIT_COUNT if data.quick else SINGLE_DIGIT_COUNT
    pictures, labels = load_mnist(data.mnist, "t10k") if data.mnist else (None, None)
    yield (
        "MNIST test",
        _label_digits(pictures[:most], labels[:most].tolist())
        if pictures is not None and labels is not None
        else [],
    )
    file = data.find("handwriting", "optdigits.npz")
    scans, values = load_optdigits(file) if file else (None, None)
    own = slice(-MEASURED_OPTDIGITS_COUNT, None)
    yield (
        "optdigits, held out",
        _label_digits(scans[own], values[own].tolist())
        if scans is not None and values is not None
        else [],
    )


def _label_digits(pictures: Image, labels: Sequence[int]) -> list[LabelledField]:
    # Black on white, as on paper.
    crops = [
        FieldImage((255 - picture).astype(np.uint8), plain_digit_row(1)) for picture in pictures
    ]
    return [
        LabelledField(crop, str(label), State.READ)
        for crop, label in zip(crops, labels, strict=True)
    ]


def _draw_rows(form: Format, pool: DigitShapes, count: int) -> Iterator[LabelledField]:
    rng = np.random.default_rng([SEED, list(Format).index(form)])
    # Every eighth row is empty.
    for i in range(count):
        crop, (value, state) = draw_row_field(form, pool, rng, empty=i % 8 == 0)
        yield LabelledField(crop, value, state)


def _measure_row(kind: str, name: str, asked: Sequence[LabelledField]) -> QualityRow:
    # Read with calibrated p, as the product does.
    readings = CALIBRATED_READERS[asked[0].crop.spec.kind]([one.crop for one in asked])
    judged = [
        JudgedValue(reading.p, _is_right(one, reading), one.writer)
        for one, reading in zip(asked, readings, strict=True)
    ]
    return make_quality_row(
        kind,
        name,
        judged,
        _other_readers(asked[:COMPARED_COUNT]) if asked[0].crop.spec.traits.digits_only else None,
    )


def _is_right(one: LabelledField, reading: Reading) -> bool:
    # The value counts only where something was written.
    return reading.state is one.state and (
        one.state is not State.READ or reading.value == one.value
    )


def _other_readers(asked: Sequence[LabelledField]) -> dict[str, float]:
    """Return the share of values whose digits another reader gets wrong.

    The reader gets the places of the printed boxes.
    """
    # Other readers get the image without the printed boxes.
    pictures = [_remove_print(one.crop) for one in asked]
    wanted = ["".join(c for c in str(one.value or "") if c.isdigit()) for one in asked]
    # The network as shipped reads text; keep its digit classes only.
    shipped = [
        greedy_text(steps[:, DIGIT_COLUMNS], "0123456789")
        for steps in read_steps(pictures, find_shipped_file())
    ]
    found = {"network as shipped": _error_rate(shipped, wanted)}
    # Tesseract may be missing; its column is then empty.
    try:
        found["Tesseract"] = _error_rate(
            ["".join(word.text for word in read_printed_line(p, PICTURE_DPI)) for p in pictures],
            wanted,
        )
    except MissingProgramError:  # shown by the missing figure
        return found
    return found


def _remove_print(crop: FieldImage) -> Image:
    if crop.template_image is None:
        return crop.image
    # Add the template's darkness back: printed boxes become white.
    cleaned = crop.image.astype(np.int16) + (255 - crop.template_image.astype(np.int16))
    return np.asarray(np.clip(cleaned, 0, 255), np.uint8)


def _error_rate(texts: Sequence[str], wanted: Sequence[str]) -> float:
    # Spaces and punctuation do not count.
    digits_only = ("".join(c for c in text if c.isdigit()) for text in texts)
    return float(np.mean([text != want for text, want in zip(digits_only, wanted, strict=True)]))
