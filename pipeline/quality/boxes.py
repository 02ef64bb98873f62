"""How well boxes are read: single digits of people set aside, rows in each format, and whole forms filled in by drawing.

Of what Tesseract and the handwriting network as shipped say of the same pictures, the digits are taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.errors import MissingProgramError
from pipeline.field_spec import Format, Kind
from pipeline.model import Image, Reading, State, Value
from pipeline.quality.filled_pages import Digits, filled_fields, writers
from pipeline.quality.filled_rows import drawn_field
from pipeline.quality.measure import Data, Judged, Row, absent, row
from pipeline.recognize.crop import Crop
from pipeline.recognize.digits import plain_row
from pipeline.recognize.network import ALPHABET, read_steps, shipped_file
from pipeline.recognize.registry import RECOGNIZERS
from pipeline.recognize.tesseract import read_line
from pipeline.training.digit_glyphs import OPTDIGITS_HELD, enlarged, mnist, optdigits
from pipeline.training.handwriting_data import font_files
from pipeline.training.handwriting_measures import greedy

SEED = 20261125
MEASURED_OPTDIGITS = OPTDIGITS_HELD * 2 // 3
"""The first third of the held-out part gave the temperature and the curves."""
ROWS, QUICK_ROWS = 400, 60
PAGES, QUICK_PAGES = 24, 4
SINGLE, QUICK_SINGLE = 10_000, 300
BESIDE = 500
"""So many pictures of a set are also given to the other readers: the first ones."""
PEOPLE = 12
SHAPES = 1000
DPI = 203
ONLY_DIGITS = [0, *(ALPHABET.index(digit) + 1 for digit in "0123456789")]
PAGE_KINDS = (Kind.MARK, Kind.CHOICE, Kind.PRINTED, Kind.SIGNATURE, Kind.INITIALS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture and what it says."""

    crop: Crop
    value: Value
    state: State
    writer: str = ""


def digits(data: Data) -> list[Row]:
    """Single digits of MNIST's test part and of optdigits, and drawn rows in each format."""
    rows = [_row("digits", name, asked) if asked else absent("digits", name) for name, asked in _singles(data)]
    pool = shapes(data)
    count = QUICK_ROWS if data.quick else ROWS
    for form in (Format.DATE, Format.TIME, Format.PERSONAL_NUMBER, Format.NUMBER):
        name = f"rows, {form}"
        rows.append(_row("digits", name, list(_rows(form, pool, count))) if pool else absent("digits", name))
    return rows


def forms(data: Data) -> list[Row]:
    """Every kind of field but lines, on forms filled in by drawing and spoilt as scanners do."""
    pool, fonts = shapes(data), data.find("handwriting", "fonts_train")
    if not pool or not fonts:
        return [absent(str(kind), "forms") for kind in (Kind.DIGITS, *PAGE_KINDS)]
    rng = np.random.default_rng(SEED)
    people = writers(font_files(fonts, held=True)[1::2], pool, PEOPLE, rng)
    by_kind: dict[Kind, list[Asked]] = defaultdict(list)
    for fields in filled_fields(people, QUICK_PAGES if data.quick else PAGES, rng):
        for one in fields:
            by_kind[one.crop.spec.kind].append(Asked(one.crop, one.value, one.state, one.way))
    return [_row(str(kind), "forms, by way of scanning", by_kind[kind]) for kind in (Kind.DIGITS, *PAGE_KINDS) if kind in by_kind]


def shapes(data: Data) -> Digits:
    """Digits of people that no network and no curve has seen; empty where the data is absent."""
    file = data.find("handwriting", "optdigits.npz")
    if file is None:
        return {}
    scans, values = optdigits(file)
    scans, values = scans[-MEASURED_OPTDIGITS:], values[-MEASURED_OPTDIGITS:]
    pictures, labels = mnist(data.mnist, "t10k") if data.mnist else (scans[:0], values[:0])
    pictures, labels = pictures[:SHAPES], labels[:SHAPES]
    return {d: [enlarged(p, 2.0) for p in scans[values == d]] + [enlarged(p, 2.4) for p in pictures[labels == d]] for d in range(10)}


def _singles(data: Data) -> Iterator[tuple[str, list[Asked]]]:
    most = QUICK_SINGLE if data.quick else SINGLE
    pictures, labels = mnist(data.mnist, "t10k") if data.mnist else (None, None)
    yield "MNIST test", _single(pictures[:most], labels[:most].tolist()) if pictures is not None and labels is not None else []
    file = data.find("handwriting", "optdigits.npz")
    scans, values = optdigits(file) if file else (None, None)
    own = slice(-MEASURED_OPTDIGITS, None)
    yield "optdigits, held out", _single(scans[own], values[own].tolist()) if scans is not None and values is not None else []


def _single(pictures: Image, labels: Sequence[int]) -> list[Asked]:
    crops = [Crop((255 - picture).astype(np.uint8), plain_row(1)) for picture in pictures]
    return [Asked(crop, str(label), State.READ) for crop, label in zip(crops, labels, strict=True)]


def _rows(form: Format, pool: Digits, count: int) -> Iterator[Asked]:
    rng = np.random.default_rng([SEED, list(Format).index(form)])
    for i in range(count):
        crop, (value, state) = drawn_field(form, pool, rng, empty=i % 8 == 0)
        yield Asked(crop, value, state)


def _row(kind: str, name: str, asked: Sequence[Asked]) -> Row:
    readings = RECOGNIZERS[asked[0].crop.spec.kind]([one.crop for one in asked])
    judged = [Judged(reading.p, _is_right(one, reading), one.writer) for one, reading in zip(asked, readings, strict=True)]
    return row(kind, name, judged, _others(asked[:BESIDE]) if asked[0].crop.spec.traits.digits_only else None)


def _is_right(one: Asked, reading: Reading) -> bool:
    return reading.state is one.state and (one.state is not State.READ or reading.value == one.value)


def _others(asked: Sequence[Asked]) -> dict[str, float]:
    """Share of values whose digits another reader gets wrong, told where the boxes' print is."""
    pictures = [_without_print(one.crop) for one in asked]
    wanted = ["".join(c for c in str(one.value or "") if c.isdigit()) for one in asked]
    shipped = [greedy(steps[:, ONLY_DIGITS], "0123456789") for steps in read_steps(pictures, shipped_file())]
    found = {"network as shipped": _wrong(shipped, wanted)}
    try:
        found["Tesseract"] = _wrong(["".join(word.text for word in read_line(p, DPI)) for p in pictures], wanted)
    except MissingProgramError:  # shown by the missing figure
        return found
    return found


def _without_print(crop: Crop) -> Image:
    if crop.blank is None:
        return crop.image
    cleaned = crop.image.astype(np.int16) + (255 - crop.blank.astype(np.int16))
    return np.asarray(np.clip(cleaned, 0, 255), np.uint8)


def _wrong(texts: Sequence[str], wanted: Sequence[str]) -> float:
    digits_only = ("".join(c for c in text if c.isdigit()) for text in texts)
    return float(np.mean([text != want for text, want in zip(digits_only, wanted, strict=True)]))
