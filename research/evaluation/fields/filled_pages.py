"""Pages filled in by drawing, spoilt as scanners spoil, and laid on their form: crops of every
field with what was written there.

Nothing here has been trained on: digits are real ones that were set aside, texts are in fonts of
families that were set aside.

What the staff of the sample stack wrote: invented people and events, in the trade's own words.

Values to fill a form with: plausible, random, for any form.

One row of digit boxes with a value of a format, written in real people's digits and scanned: for
measuring many of them quickly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.form.field import CELLS_BY_FORMAT, FieldSpec, Format, Kind, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Client, Image, State, Value
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import (
    PRINT_DPI,
    SOLID_MARK,
    cell_characters,
    fill_field,
    render_sheet_page,
)
from pipeline.preparation.practice.synthetic_handwriting import Mask, SyntheticWriter
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.register.register import cut_box
from pipeline.reading.template_images import field_margin_mm, template_image
from pipeline.registers.clients import load_client_register
from research.training.digits.glyphs import add_local_habit

SampleEntry = dict[str, Value]
SAMPLE_STAFF = (
    ("Eva Marklund", "ssk"),
    ("Jonas Hedström", "ssk"),
    ("Fatima Rahimi", "ssk"),
    ("Britta Lundmark", "dsk"),
    ("Ylva Ström", "usk"),
    ("Adam Nilsson", "vårdbiträde"),
    ("Leila Hassan", "usk"),
    ("Oskar Bergdahl", "usk"),
)
SAMPLE_NOTES = (
    (
        "2021-12-16",
        "08:20",
        "besok",
        "Såromläggning höger underben. Såret rent,\nrodnad i kanten 2 cm. Smärta 3 av 10.",
        "Ny omläggning på måndag.",
    ),
    (
        "2021-12-16",
        "10:05",
        "telefon",
        "Dotter ringer, orolig för att mamma äter dåligt.\nHar tappat vikt sedan november.",
        "Vägning vid nästa besök.",
    ),
    (
        "2021-12-16",
        "13:40",
        "bedomning",
        "Patienten har ramlat i badrummet i morse.\nInga yttre skador. Kan belasta "
        "benet.\nBlodtryck 140/78.",
        "Rehab kontaktas.",
    ),
    (
        "2021-12-17",
        "07:45",
        "atgard",
        "Blodprov taget enligt ordination.\nGick bra, inga besvär.",
        "",
    ),
    (
        "2021-12-17",
        "09:30",
        "besok",
        "Ny kateter inlagd utan problem.\nKlar urin.",
        "Byte om tre månader.",
    ),
    (
        "2021-12-17",
        "14:15",
        "telefon",
        "Läkare kontaktad om värk i ryggen.\nOrdination enligt Pascal.",
        "Uppföljning i morgon.",
    ),
    (
        "2021-12-18",
        "08:10",
        "besok",
        "Insulin givet. Har ätit frukost.\nMår bra och är på gott humör.",
        "",
    ),
    (
        "2021-12-18",
        "11:50",
        "bedomning",
        "Andfådd vid ansträngning, svullna ben.\nVikt har ökat 2 kg på en vecka.",
        "Läkare kontaktas idag.",
    ),
    ("2021-12-19", "16:25", "atgard", "Stomi bytt. Huden hel och fin.", "Nytt material beställs."),
    (
        "2021-12-20",
        "08:05",
        "besok",
        "Omläggning av trycksår på hälen.\nGrad 2, minskar i storlek.",
        "Avlastning fortsätter.",
    ),
    (
        "2021-12-20",
        "12:00",
        "telefon",
        "Sonen meddelar att patienten är inlagd\npå sjukhuset i Sunderbyn.",
        "Bevakas i Lifecare.",
    ),
    (
        "2021-12-21",
        "09:15",
        "besok",
        "Dosett delad för två veckor.\nPatienten tar sina mediciner själv.",
        "",
    ),
    (
        "2021-12-22",
        "10:30",
        "bedomning",
        "Nedstämd och sover dåligt.\nVill gärna ha samtal.",
        "Kurator kontaktas.",
    ),
    ("2021-12-23", "07:55", "atgard", "Sprutan given i vänster arm.", ""),
    (
        "2021-12-24",
        "09:40",
        "besok",
        "Hembesök på julafton. Allt lugnt.\nAnhöriga är på plats.",
        "",
    ),
    (
        "2021-12-27",
        "13:05",
        "telefon",
        "Fråga om hjälpmedel, rullstol är trasig.",
        "Arbetsterapeut meddelas.",
    ),
    ("2021-12-28", "08:30", "besok", "Såret läkt. Omläggning avslutas.", "Kontroll om en vecka."),
    (
        "2021-12-29",
        "15:20",
        "bedomning",
        "Feber 38,4 och hosta sedan i går.\nProv taget.",
        "Ring läkare om sämre.",
    ),
    ("2021-12-30", "11:10", "atgard", "Kompressionsförband lagt på båda benen.", "Byte på fredag."),
)
SAMPLE_MEASUREMENTS: tuple[tuple[SampleEntry, ...], ...] = (
    (
        {
            "datum": "2021-12-16",
            "tid": "08:00",
            "bt_sys": "135",
            "bt_dia": "82",
            "puls": "72",
            "temp": "36.8",
        },
        {
            "datum": "2021-12-17",
            "tid": "08:10",
            "bt_sys": "142",
            "bt_dia": "85",
            "puls": "76",
            "temp": "37.1",
        },
    ),
    (
        {"datum": "2021-12-16", "tid": "07:30", "b_glukos": "7.4"},
        {"datum": "2021-12-16", "tid": "17:15", "b_glukos": "9.2"},
    ),
    ({"datum": "2021-12-18", "tid": "09:05", "vikt": "71.5", "puls": "88", "saturation": "94"},),
    (
        {"datum": "2021-12-19", "tid": "08:20", "temp": "38.4", "puls": "96", "saturation": "92"},
        {"datum": "2021-12-19", "tid": "14:00", "temp": "38.0", "puls": "90", "saturation": "93"},
        {"datum": "2021-12-20", "tid": "08:15", "temp": "37.2", "puls": "84", "saturation": "95"},
    ),
    (
        {
            "datum": "2021-12-20",
            "tid": "10:45",
            "bt_sys": "118",
            "bt_dia": "64",
            "puls": "60",
            "smarta": "4",
        },
    ),
    ({"datum": "2021-12-23", "tid": "08:40", "bt_sys": "156", "bt_dia": "91", "puls": "79"},),
    (
        {"datum": "2021-12-27", "tid": "07:50", "b_glukos": "6.1", "vikt": "58.0"},
        {"datum": "2021-12-28", "tid": "07:45", "b_glukos": "5.8"},
    ),
    ({"datum": "2021-12-29", "tid": "15:30", "temp": "38.4", "saturation": "91", "puls": "102"},),
)
_MORNING_VISITS = (
    ("07:15", "07:45", ("omvardnad", "mat")),
    ("07:55", "08:20", ("omvardnad", "tillsyn")),
    ("08:30", "09:10", ("dusch", "mat")),
    ("09:20", "09:35", ("tillsyn",)),
    ("09:45", "10:30", ("stad", "tvatt")),
)
_EVENING_VISITS = (
    ("16:30", "16:50", ("mat",)),
    ("17:05", "17:40", ("omvardnad", "mat", "dubbel")),
    ("18:00", "18:15", ("tillsyn",)),
    ("19:10", "19:55", ("omvardnad",)),
)
SAMPLE_VISITS = tuple(
    (day, (_MORNING_VISITS if number % 2 == 0 else _EVENING_VISITS)[: 3 + number % 3])
    for number, day in enumerate(
        (
            "2021-12-16",
            "2021-12-16",
            "2021-12-17",
            "2021-12-17",
            "2021-12-18",
            "2021-12-18",
            "2021-12-19",
            "2021-12-19",
            "2021-12-20",
            "2021-12-21",
            "2021-12-22",
            "2021-12-23",
            "2021-12-24",
            "2021-12-27",
        )
    )
)
_FIRST_DAY = date(2021, 12, 16)
SCAN_MODES = ("grey", "150 dpi", "1 bit", "blurred", "stained", "uneven light")
"""How paper reaches the program on a working day, once it is registered."""
MAX_REGISTRATION_MM = 0.25
"""How far registration may leave a page from its place."""
FILLED_SERIAL = "23456789"
BLACK_LEVEL = 180
"""Darker than this is black in a scan with one bit."""
FILLED_UNIT = "Hemsjukvården Centrum"
CLIENT_COUNT = 3
"""How many clients have sheets printed for them."""
STRUCK_SHARE = 0.04
"""Share of marks that are filled in to cancel them."""
EMPTY_SHARE = 0.12
"""Share of fields that are not filled in."""
CLIENT_SHEET_SHARE = 0.35
"""Share of sheets that are printed for one client."""
LOCAL_HABIT_SHARE = 0.2
"""Share of 0, 1 and 7 written with stroke, flag or bar."""
LINE_KINDS = frozenset({Kind.TEXT, Kind.LINES})
"""The kinds of lines.

Lines are measured on real people's; those drawn here only make the page look real.
"""
DigitShapes = Mapping[int, Sequence[Image]]
"""Shapes of each digit, 255 = ink, cut to their ink."""
ROW_PX_PER_MM = 8.0
CELL_SIZE_MM = (5.5, 8.0)
ROW_MARGIN_MM = 2.0
NUMBER_CELLS = (2, 3, 4)
InkLayer = NDArray[np.float32]


def make_values(form: Form, rng: Generator) -> dict[str, Value]:
    """Return values for nearly every field, and about half of a table's rows.

    Never what the printer prints.
    """
    rows = {row: row in (None, 1) or rng.random() < 0.6 for row in form.rows()}
    values: dict[str, Value] = {}
    for spec in form.fields:
        if not spec.traits.filled_by_hand or not rows.get(spec.row, True):
            continue
        values[spec.name] = _make_value(spec, rng)
    return values


def _make_value(spec: FieldSpec, rng: Generator) -> Value:
    match spec.kind:
        case Kind.DIGITS:
            return make_digits_value(spec, rng)
        case Kind.MARK:
            return bool(rng.random() < 0.4)
        case Kind.CHOICE:
            return spec.options[rng.integers(len(spec.options))].value
        case Kind.LINES:
            return "\n".join(
                str(SAMPLE_NOTES[rng.integers(len(SAMPLE_NOTES))][3]).split("\n")[: spec.lines]
            )
        case Kind.TEXT:
            return (
                SAMPLE_STAFF[rng.integers(len(SAMPLE_STAFF))][0]
                if spec.area.w > 40
                else SAMPLE_STAFF[rng.integers(len(SAMPLE_STAFF))][1][:4]
            )
        case Kind.INITIALS:
            return "".join(
                part[0] for part in SAMPLE_STAFF[rng.integers(len(SAMPLE_STAFF))][0].split()
            )
        case Kind.LETTERS:
            return "".join(
                part[0] for part in SAMPLE_STAFF[rng.integers(len(SAMPLE_STAFF))][0].split()
            )[: spec.cell_count]
        case _:
            return True


def make_digits_value(spec: FieldSpec, rng: Generator) -> str:
    """Return a value of a row of digit boxes, in its format."""
    match spec.format:
        case Format.DATE:
            return (_FIRST_DAY + timedelta(days=int(rng.integers(25)))).isoformat()
        case Format.TIME:
            return f"{rng.integers(24):02d}:{rng.integers(12) * 5:02d}"
        case Format.PERSONAL_NUMBER:
            clients = load_client_register(ROOT / "data" / "samples" / "klienter.csv").clients
            return clients[rng.integers(len(clients))].pid
        case Format.CODE:
            length = rng.integers(max(1, spec.cell_count - 2), spec.cell_count + 1)
            return "".join(str(digit) for digit in rng.integers(10, size=length))
        case _:
            low, high = (
                spec.minimum or 0,
                spec.maximum
                if spec.maximum is not None
                else 10 ** (spec.cell_count - spec.decimals) - 1,
            )
            return f"{rng.uniform(low, high):.{spec.decimals}f}"


@dataclass(frozen=True, slots=True)
class FilledField:
    """A field's crop with what it says, its page, and how that page was degraded."""

    crop: FieldImage
    value: Value
    state: State
    page: str
    way: str


@dataclass(frozen=True, slots=True)
class DigitWriter(SyntheticWriter):
    """A writer whose digits are those of given people."""

    digits: DigitShapes

    def digit(self, value: int, height_px: int, rng: Generator) -> Mask:
        """Return a digit of one of them, as high as asked."""
        shapes = self.digits[value]
        shape = shapes[int(rng.integers(len(shapes)))]
        if rng.random() < LOCAL_HABIT_SHARE:
            shape = add_local_habit(shape, value, rng)
        width = int(np.clip(round(height_px * shape.shape[1] / shape.shape[0]), 3, height_px))
        return np.asarray(
            cv2.resize(shape, (width, height_px), interpolation=cv2.INTER_AREA) / 255.0, np.float32
        )


def make_digit_writers(
    fonts: Sequence[Path], digits: DigitShapes, count: int, rng: Generator
) -> list[DigitWriter]:
    """Return people who fill in forms: a font, a pen, an ink, and others' digits."""
    inks = (
        (115, 60, 30),
        (40, 40, 40),
        (150, 40, 20),
        (105, 105, 105),
    )  # blue, black, bright blue, pencil (BGR)
    return [
        DigitWriter(
            fonts[i % len(fonts)], float(rng.uniform(0.25, 0.6)), inks[i % len(inks)], digits
        )
        for i in range(count)
    ]


def draw_filled_fields(
    people: Sequence[DigitWriter], pages: int, rng: Generator
) -> Iterator[list[FilledField]]:
    """Return the fields of so many pages, forms, people and scan modes in turn."""
    forms = [form for form in Forms.load(ROOT / "forms").values() if len(form.pages) == 1]
    clients = [
        c
        for c in load_client_register(ROOT / "data" / "samples" / "klienter.csv").clients
        if not c.protected
    ][:CLIENT_COUNT]
    for number in range(pages):
        form, hand, way = (
            forms[number % len(forms)],
            people[number % len(people)],
            SCAN_MODES[int(rng.integers(len(SCAN_MODES)))],
        )
        client = (
            clients[int(rng.integers(len(clients)))] if rng.random() < CLIENT_SHEET_SHARE else None
        )
        sheet = Sheet(FILLED_SERIAL, client.unit if client else FILLED_UNIT, client)
        values = _sheet_values(form, client, rng)
        page = cv2.GaussianBlur(
            to_grayscale(fill_field(_print_sheet(form, sheet), form.pages[0], values, hand, rng)),
            (0, 0),
            0.6,
        ).astype(np.uint8)
        x, y = rng.uniform(-MAX_REGISTRATION_MM, MAX_REGISTRATION_MM, 2) * PRINT_DPI / 25.4
        crops = [
            _cut_field_image(page, spec, form, way, (x, y), rng)
            for spec in form.fields
            if spec.kind not in LINE_KINDS
        ]
        yield [
            FilledField(c, *_field_truth(c.spec, values, sheet), f"{number:04d}", way)
            for c in crops
        ]


@cache
def _print_cached(definition: str, sheet: Sheet) -> Image:
    return render_sheet_page(Form.model_validate_json(definition), sheet)


def _print_sheet(form: Form, sheet: Sheet) -> Image:
    return _print_cached(form.model_dump_json(), sheet)


def _sheet_values(form: Form, client: Client | None, rng: Generator) -> dict[str, Value]:
    values = {
        name: value for name, value in make_values(form, rng).items() if rng.random() >= EMPTY_SHARE
    }
    for name, value in values.items():
        if form.by_name[name].traits.is_check_box and value is True and rng.random() < STRUCK_SHARE:
            values[name] = SOLID_MARK
    given = {
        spec.name
        for spec in form.fields
        if client
        and spec.row in (None, 1)
        and spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)
    }
    return {name: value for name, value in values.items() if name not in given}


def _field_truth(spec: FieldSpec, values: Mapping[str, Value], sheet: Sheet) -> tuple[Value, State]:
    value = values.get(spec.name)
    if value == SOLID_MARK:
        return False, State.CANCELLED
    if spec.means is Meaning.UNIT and not spec.traits.filled_by_hand:
        value = sheet.unit
    elif sheet.client and spec.row in (None, 1) and spec.means is Meaning.CLIENT_PID:
        value = sheet.client.pid
    elif sheet.client and spec.row in (None, 1) and spec.means is Meaning.CLIENT_PRINTED:
        value = sheet.client.name
    if spec.traits.is_signature:
        value = bool(value)
    if spec.traits.is_check_box:
        value = value is True
    return value, State.EMPTY if value is None or value is False else State.READ


def _cut_field_image(
    page: Image, spec: FieldSpec, form: Form, way: str, astray: tuple[float, float], rng: Generator
) -> FieldImage:
    """Return a field as its reader gets it: grey, 8 px/mm, as far off as registration leaves it.

    It is degraded in one of `SCAN_MODES`. `page` is grey at 300 dpi.
    """
    margin = field_margin_mm(spec, form.fields)
    unfilled = cut_box(template_image(form, 1), spec.area, margin)
    scale = PRINT_DPI / 25.4 / PX_PER_MM
    left, top = (
        (v - margin) * PRINT_DPI / 25.4 + shift
        for v, shift in zip((spec.area.x, spec.area.y), astray, strict=True)
    )
    place = np.array([[scale, 0, left], [0, scale, top]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(
        page,
        place,
        unfilled.shape[::-1],
        flags=flags,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255,),
    )
    return FieldImage(
        scan_picture(np.asarray(seen, np.uint8), way, rng), spec, unfilled, PX_PER_MM, margin
    )


def scan_picture(picture: Image, way: str, rng: Generator) -> Image:
    """Scan a grey image at 8 px/mm, in one of `SCAN_MODES`."""
    grey_levels = picture.astype(np.float32)
    height, width = picture.shape
    match way:
        case "150 dpi":
            small = cv2.resize(grey_levels, None, fx=0.74, fy=0.74, interpolation=cv2.INTER_AREA)
            grey_levels = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(
                np.float32
            )
        case "blurred":
            grey_levels = cv2.GaussianBlur(grey_levels, (0, 0), 0.12 * PX_PER_MM).astype(np.float32)
        case "stained":
            across = np.linspace(0, np.pi * rng.uniform(0.5, 2), width) + rng.uniform(0, np.pi)
            grey_levels *= (1 - 0.2 * np.abs(np.sin(across)))[None, :].astype(np.float32)
        case "uneven light":
            grey_levels *= np.linspace(1, rng.uniform(0.6, 0.9), width)[None, :].astype(np.float32)
    seen = np.clip(
        grey_levels + rng.normal(0, 8 if way == "1 bit" else 4, picture.shape), 0, 255
    ).astype(np.uint8)
    if way == "1 bit":
        return np.where(seen < BLACK_LEVEL, 0, 255).astype(np.uint8)
    code = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint8)


ONE_BIT_SHARE, LOW_RESOLUTION_SHARE = 0.2, 0.2


def draw_row_field(
    form: Format, shapes: DigitShapes, rng: Generator, *, empty: bool = False
) -> tuple[FieldImage, tuple[Value, State]]:
    """Return a field of a format and what it says."""
    spec = _row_spec(form, rng)
    value = None if empty else make_digits_value(spec, rng)
    blank, edges = _draw_boxes(spec.cell_count)
    ink = np.zeros(blank.shape, np.float32)
    if value is not None:
        _write_digits(ink, cell_characters(spec, value), edges, shapes, rng)
    image = _scan_row(blank, ink, rng)
    return FieldImage(image, spec, blank, ROW_PX_PER_MM, ROW_MARGIN_MM), (
        value,
        State.EMPTY if value is None else State.READ,
    )


def _row_spec(form: Format, rng: Generator) -> FieldSpec:
    cells = CELLS_BY_FORMAT.get(form) or int(rng.choice(NUMBER_CELLS))
    box = (20.0, 20.0, CELL_SIZE_MM[0] * cells, CELL_SIZE_MM[1])
    number = {"cells": cells, "decimals": int(rng.integers(2))} if form is Format.NUMBER else {}
    return FieldSpec.model_validate(
        {"name": "row", "label": "row", "kind": Kind.DIGITS, "box": box, "format": form, **number}
    )


def _draw_boxes(cells: int) -> tuple[Image, list[int]]:
    margin, pitch, height = (round(mm * ROW_PX_PER_MM) for mm in (ROW_MARGIN_MM, *CELL_SIZE_MM))
    blank = np.full((height + 2 * margin, pitch * cells + 2 * margin), 255, np.uint8)
    edges = [margin + i * pitch for i in range(cells + 1)]
    for x in edges:
        cv2.line(blank, (x, margin), (x, margin + height), (200,), 2)
    for y in (margin, margin + height):
        cv2.line(blank, (margin, y), (edges[-1], y), (200,), 2)
    return blank, edges


def _write_digits(
    ink: InkLayer, text: str, edges: list[int], shapes: DigitShapes, rng: Generator
) -> None:
    """Write digits in one hand: sizes in a row are alike."""
    size = rng.uniform(0.55, 0.85) * CELL_SIZE_MM[1] * ROW_PX_PER_MM
    for character, left in zip(text, edges, strict=False):
        if character == " ":
            continue
        shape = shapes[int(character)][int(rng.integers(len(shapes[int(character)])))]
        if rng.random() < LOCAL_HABIT_SHARE:
            shape = add_local_habit(shape, int(character), rng)
        height = round(size * rng.uniform(0.9, 1.1))
        width = int(
            np.clip(round(height * 0.75 * shape.shape[1] / shape.shape[0]), 3, edges[1] - edges[0])
        )
        small = (
            cv2.resize(shape, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
            / 255
        )
        x = left + (edges[1] - edges[0] - width) // 2 + int(rng.integers(-4, 5))
        y = (ink.shape[0] - height) // 2 + int(rng.integers(-5, 6))
        x, y = max(0, x), max(0, y)
        part = ink[y : y + height, x : x + width]
        np.maximum(part, small[: part.shape[0], : part.shape[1]], out=part)


def _scan_row(blank: Image, ink: InkLayer, rng: Generator) -> Image:
    """Draw with a pen between pencil and felt, a row a little off its place, and scan it."""
    shift = np.array([[1, 0, rng.uniform(-2, 2)], [0, 1, rng.uniform(-2, 2)]], np.float32)
    printed = cv2.warpAffine(
        blank, shift, blank.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    sheet = printed - rng.uniform(3, 25) - ink * rng.uniform(70, 200)
    sheet = cv2.GaussianBlur(sheet, (0, 0), rng.uniform(0.4, 1.2))
    grey = np.clip(sheet + rng.normal(0, rng.uniform(1, 6), sheet.shape), 0, 255).astype(np.uint8)
    if rng.random() < LOW_RESOLUTION_SHARE:
        small = cv2.resize(grey, None, fx=0.74, fy=0.74, interpolation=cv2.INTER_AREA)
        grey = np.asarray(
            cv2.resize(small, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8
        )
    if rng.random() < ONE_BIT_SHARE:
        grey = np.where(grey < np.percentile(grey, 90) - rng.uniform(45, 90), 0, 255).astype(
            np.uint8
        )
    return np.asarray(grey, np.uint8)
