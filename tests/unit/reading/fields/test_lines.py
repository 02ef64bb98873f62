"""Segmentation of text lines: slanted, drifting, dense, inserted, beyond the field; underlining,
struck-out words, the back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting import reader
from pipeline.reading.fields.ink import find_ink
from pipeline.reading.fields.segmentation import lines
from pipeline.reading.fields.segmentation.find_lines import find_rows
from pipeline.reading.fields.segmentation.lines import STRUCK_PLACEHOLDER, segment_plain_paper
from pipeline.reading.fields.segmentation.overleaf import refers_overleaf
from pipeline.reading.fields.segmentation.rows import RowInk, segment_rows
from pipeline.reading.register.template_images import (
    FIELD_MARGIN_MM,
    LINES_MARGIN_MM,
    field_margin_mm,
)

pytestmark = [pytest.mark.slow, pytest.mark.patient]

PX = 8.0
PITCH = 9.0
WIDTH = 110.0
AROUND = 8.0
TEXTS = ("Hemma hela dagen", "Ringde sonen", "Mat och vatten", "Sover nu")


class Paper:
    """A ruled area, with paper around it, to write on."""

    def __init__(self, rows: int = 6) -> None:
        self.rows = rows
        size = round((rows * PITCH + 2 * AROUND) * PX), round((WIDTH + 2 * AROUND) * PX)
        self.blank = np.full(size, 255, np.uint8)
        for row in range(1, rows + 1):
            y = round((row * PITCH + AROUND) * PX)
            self.blank[y - 1 : y + 1, round(AROUND * PX) : -round(AROUND * PX)] = 170
        self.image = self.blank.copy()

    def write(
        self,
        text: str,
        x: float,
        foot: float,
        *,
        scale: float = 1.2,
        degrees: float = 0.0,
        sag: float = 0.0,
    ) -> float:
        """Write with the baseline `foot` mm below the area's top and return where the text ends
        (mm); `sag` is how much lower the middle is (mm).
        """
        pen = max(2, round(2.4 * scale))
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, pen)
        line = np.full((height + below + 12, width + 8), 255, np.uint8)
        cv2.putText(
            line, text, (4, height + 6), cv2.FONT_HERSHEY_SIMPLEX, scale, 20, pen, cv2.LINE_AA
        )
        left, top = round((x + AROUND) * PX), (foot + AROUND) * PX - height - 6
        for column in range(line.shape[1]):
            down = np.tan(np.deg2rad(degrees)) * column + sag * PX * np.sin(
                np.pi * column / line.shape[1]
            )
            start = round(top + down)
            place = slice(start, start + len(line)), left + column
            self.image[place] = np.minimum(self.image[place], line[:, column])
        return x + width / PX

    def stroke(self, *points: tuple[float, float], pen: int = 3) -> None:
        """Draw a stroke through points in mm from the area's top left."""
        at = np.array(
            [[round((x + AROUND) * PX), round((y + AROUND) * PX)] for x, y in points], np.int32
        )
        cv2.polylines(self.image, [at], False, (20,), pen, cv2.LINE_AA)

    def crop(self) -> FieldImage:
        spec = FieldSpec(
            name="note",
            label="note",
            kind=Kind.LINES,
            box=(0, 0, WIDTH, self.rows * PITCH),
            lines=self.rows,
        )
        return FieldImage(self.image, spec, self.blank, PX, AROUND)

    def read(self) -> Reading:
        (reading,) = lines.read_text_areas([self.crop()])
        return reading

    def found(self) -> RowInk:
        return segment_rows(find_ink(self.crop()), self.rows)


def _alike(read: Sequence[str], written: Sequence[str]) -> bool:
    """Whether the lines are the same but for one or two misread letters: these tests are about the
    position of lines.
    """
    return len(read) == len(written) and all(
        Levenshtein.distance(a, b) <= 3 for a, b in zip(read, written, strict=True)
    )


def test_lines_on_rules_are_read_with_empty_lines_between() -> None:
    paper = Paper()
    for row, text in ((1, TEXTS[0]), (2, TEXTS[1]), (4, TEXTS[3])):
        paper.write(text, 3, row * PITCH)
    assert _alike(str(paper.read().value).split("\n"), [TEXTS[0], TEXTS[1], "", TEXTS[3]])


@pytest.mark.parametrize("degrees", [-5.0, 5.0])
def test_slanted_lines_are_separated_and_straightened(degrees: float) -> None:
    paper = Paper()
    start = 1.0 if degrees > 0 else 1.8
    for row, text in enumerate(TEXTS[:3]):
        paper.write(text, 3, (row + start) * PITCH, degrees=degrees)
    assert _lines(paper.read()) == list(TEXTS[:3])


def test_curved_lines_are_straightened() -> None:
    paper = Paper()
    for row, text in enumerate(TEXTS):
        paper.write(text, 3, (row + 1) * PITCH, sag=4.0)
    assert _lines(paper.read()) == list(TEXTS)


@pytest.mark.parametrize("pitch", [0.8, 1.25])
def test_writing_off_its_rules_is_kept_in_its_lines(pitch: float) -> None:
    paper = Paper()
    for row, text in enumerate(TEXTS):
        paper.write(text, 3, PITCH + row * pitch * PITCH, scale=1.0)
    assert _alike(_lines(paper.read()), TEXTS)


def test_two_rows_squeezed_between_rules_are_two_lines() -> None:
    paper = Paper()
    for row, text in enumerate(TEXTS):
        paper.write(text, 3, PITCH * (1 + row / 2), scale=0.75)
    assert paper.read().value == "\n".join(TEXTS)


@pytest.mark.parametrize("caret", [True, False])
def test_words_between_lines_are_inserted_at_their_place(caret: bool) -> None:
    paper = Paper()
    end = paper.write("Patienten vill", 3, 2 * PITCH)
    paper.write("stanna hemma", end + 4, 2 * PITCH)
    if caret:
        paper.write("inte", end - 4, 2 * PITCH - 5.5, scale=0.6)
        paper.stroke(
            (end + 1, 2 * PITCH + 1.5), (end + 2, 2 * PITCH - 0.8), (end + 3, 2 * PITCH + 1.5)
        )
    else:
        paper.write("inte", end + 1, 2 * PITCH - 5.5, scale=0.6)
    paper.write("Ringde sonen igen idag", 3, 3 * PITCH)
    assert _lines(paper.read()) == ["Patienten vill inte stanna hemma", "Ringde sonen igen idag"]


def test_v_in_word_is_not_an_insertion_caret() -> None:
    paper = Paper()
    end = paper.write("Patienten", 3, 2 * PITCH)
    paper.write("är vaken", end + 4, 2 * PITCH)
    paper.write("ej", end + 1, 2 * PITCH - 5.5, scale=0.6)
    assert _lines(paper.read()) == ["Patienten ej är vaken"]


@pytest.mark.parametrize("scale", [3.0, 3.5, 4.0])
def test_letters_as_high_as_two_rules_are_read(scale: float) -> None:
    paper = Paper()
    paper.write(TEXTS[0], 3, PITCH)
    paper.write("OBS", 3, 5 * PITCH, scale=scale)
    assert _alike(_lines(paper.read()), [TEXTS[0], "OBS"])


def test_field_with_large_letters_is_not_empty() -> None:
    paper = Paper()
    paper.write("OBS ring", 3, 3 * PITCH, scale=5)
    assert _alike(_lines(paper.read()), ["OBS ring"])


@pytest.mark.parametrize("x", [8, 13, 18, 23, 28])
def test_words_above_a_word_are_inserted_before_or_after_it(x: float) -> None:
    paper = Paper()
    paper.write("Hemma hela dagen", 3, 2 * PITCH)
    paper.write("inte", x, 2 * PITCH - 5.5, scale=0.8)
    words = str(paper.read().value).split()
    assert sorted(words) == sorted(["Hemma", "hela", "dagen", "inte"])


def test_line_beyond_field_is_read_to_its_end() -> None:
    paper = Paper()
    paper.write("Ringde sonen hemma", WIDTH + 6 - 51, PITCH)
    paper.write("Sista raden", 3, 6.65 * PITCH)
    assert _lines(paper.read()) == ["Ringde sonen hemma", "Sista raden"]


def test_writing_of_other_field_in_margin_is_not_read() -> None:
    paper = Paper()
    paper.write(TEXTS[0], 3, PITCH)
    paper.write("Annat", 3, -3.5, scale=0.8)
    assert paper.read().value == TEXTS[0]


def test_letters_touching_across_lines_are_split_between_lines() -> None:
    paper = Paper()
    for row in (1, 2):
        paper.write("lollipop", 3, row * PITCH)
    paper.stroke((12, 5), (12, 17))
    found = paper.found()
    assert len(found.rows) == 2
    upper, lower = (np.flatnonzero((found.owner == row).any(axis=1)) for row in (0, 1))
    cut = float((upper[-1] + lower[0]) / 2 / PX - AROUND)
    assert PITCH < cut < 1.8 * PITCH


@pytest.mark.parametrize("slope", [0.0, 0.04])
def test_underlining_is_neither_text_nor_strike_out(slope: float) -> None:
    paper = Paper()
    for row, text in enumerate(TEXTS[:2], start=1):
        end = paper.write(text, 3, row * PITCH)
        paper.stroke((3, row * PITCH + 1.2), (end, row * PITCH + 1.2 + slope * (end - 3)))
    reading = paper.read()
    assert _alike(_lines(reading), TEXTS[:2])
    assert reading.issues == ()


@pytest.mark.parametrize("how", ["line", "scribble"])
def test_struck_out_word_is_marked_as_struck_out(how: str) -> None:
    paper = Paper()
    start = paper.write("Dotter", 3, PITCH) + 4
    end = paper.write("Karin", start, PITCH)
    paper.write("ringde", end + 4, PITCH)
    middle = PITCH - 1.6
    if how == "line":
        paper.stroke((start - 1, middle), (end + 1, middle - 0.3), pen=4)
        paper.stroke((start - 1, middle - 0.9), (end + 1, middle - 0.7), pen=4)
    else:
        steps = np.arange(start, end, 0.8)
        paper.stroke(
            *((float(x), middle + (1.6 if i % 2 else -1.6)) for i, x in enumerate(steps)), pen=4
        )
    reading = paper.read()
    assert f"Dotter {STRUCK_PLACEHOLDER}" in str(reading.value)
    assert "Karin" not in str(reading.value)
    assert reading.issues == (IssueCode.STRUCK_OUT,)
    assert len(reading.characters) == len(str(reading.value))


def test_single_line_field_omits_struck_out_words_with_issue() -> None:
    image = np.full((96, 640), 255, np.uint8)
    cv2.putText(image, "Karim  Karin", (20, 66), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 20, 3, cv2.LINE_AA)
    for y in (48, 55):
        cv2.line(image, (14, y), (142, y - 3), 20, 4, cv2.LINE_AA)
    spec = FieldSpec(name="name", label="name", kind=Kind.TEXT, box=(0, 0, 80, 12))
    (reading,) = reader.read_handwriting([FieldImage(image, spec, np.full_like(image, 255), PX)])
    assert _alike([str(reading.value)], ["Karin"])
    assert reading.issues == (IssueCode.STRUCK_OUT,)
    assert reading.p <= 0.3  # a long bar of tt looks struck out too


@pytest.mark.parametrize(
    ("form", "struck", "value"),
    [
        (Format.DATE, "15/12", "2021-12-16"),
        (Format.DATE, "12/16", "2021-12-16"),
        (Format.TIME, "7.30", "08:30"),
        (Format.NUMBER, "36,5", "37.5"),
    ],
)
def test_value_beside_struck_out_value_is_read_by_format(
    form: Format, struck: str, value: str
) -> None:
    """A struck-out date before the right one gave `16/12 2021` in a date field."""
    written = {Format.DATE: "16/12 2021", Format.TIME: "kl 8.30", Format.NUMBER: "37,5"}[form]
    paper = Paper(1)
    end = paper.write(struck, 3, PITCH - 2)
    for y in (-4.5, -3.5, -2.5):
        paper.stroke((2, PITCH + y), (end + 1, PITCH + y + 0.4), pen=4)
    paper.write(written, end + 4, PITCH - 2)
    spec = FieldSpec(
        name="value", label="value", kind=Kind.TEXT, box=(0, 0, WIDTH, PITCH), format=form
    )
    (reading,) = reader.read_handwriting([FieldImage(paper.image, spec, paper.blank, PX, AROUND)])
    assert (reading.value, reading.issues) == (value, (IssueCode.STRUCK_OUT,))


def test_value_with_struck_out_part_has_low_confidence() -> None:
    paper = Paper(1)
    end = paper.write("Pat", 3, PITCH - 2)
    stop = paper.write("15/12", end + 4, PITCH - 2)
    for y in (-4.5, -3.5, -2.5):
        paper.stroke((end + 3, PITCH + y), (stop + 1, PITCH + y + 0.4), pen=4)
    paper.write("sover", stop + 4, PITCH - 2)
    spec = FieldSpec(
        name="value", label="value", kind=Kind.TEXT, box=(0, 0, WIDTH, PITCH), format=Format.DATE
    )
    (reading,) = reader.read_handwriting([FieldImage(paper.image, spec, paper.blank, PX, AROUND)])
    assert (reading.value, reading.issues) == ("Pat sover", (IssueCode.STRUCK_OUT,))
    assert reading.p <= 0.3


@pytest.mark.parametrize("form", [Format.DOSE, Format.NUMBER, None])
def test_number_with_unit_read_as_struck_out_has_low_confidence(form: Format | None) -> None:
    """`10 E` with a round E, crossed by its own bar, was read as 10 with high confidence."""
    image = np.full((104, 480), 245, np.uint8)
    cv2.putText(image, "10", (40, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 40, 3, cv2.LINE_AA)
    cv2.ellipse(image, (150, 52), (20, 17), 0, 40, 320, 40, 4, cv2.LINE_AA)
    cv2.line(image, (128, 52), (172, 52), 40, 4, cv2.LINE_AA)
    spec = FieldSpec(name="value", label="value", kind=Kind.TEXT, box=(0, 0, 60, 13), format=form)
    (reading,) = reader.read_handwriting([FieldImage(image, spec, np.full_like(image, 255), PX)])
    assert reading.value != "10" or reading.p <= 0.3


def test_arrow_at_end_is_reference_to_back() -> None:
    paper = Paper()
    paper.write(TEXTS[0], 3, PITCH)
    end = paper.write("Mera om det", 3, 2 * PITCH) + 4
    y = 2 * PITCH - 2
    paper.stroke((end, y), (end + 14, y))
    paper.stroke((end + 11, y - 2), (end + 14, y), (end + 11, y + 2))
    assert IssueCode.SEE_BACK in paper.read().issues


@pytest.mark.parametrize(
    "text",
    [
        "Se baksidan",
        "forts. på baksidan",
        "Mår bra. V.g. vänd",
        "vgv",
        "Läs mer på nästa sida",
        "se baksdan",
        "Mår bra ->",
        "se sid 2",
        "Fortsättning sida 2",
        "Ringt sonen. Forts.",
        "Se baks.",
        "forts. baks",
        "OBS baksidan!",
        "-> baks.",
        "Forts. på nytt blad",
        "Fortsätter på ny sida",
        "fortsättning följer",
        "forts. nästa",
        "P.T.O.",
    ],
)
def test_phrase_is_reference_to_back(text: str) -> None:
    assert refers_overleaf(text)


@pytest.mark.parametrize(
    "text",
    [
        "Sår på baksidan av låret",
        "VAS 7 -> 3 efter tablett",
        "Vände sig om i sängen",
        "Ligger på sidan",
        "Ser bra ut",
        "Fortsätt med Alvedon",
        "Se s.k. lista",
        "Behöver mer papper",
        "OBS sår på baksidan av låret",
        "Fortsättning följer planen",
    ],
)
def test_other_words_are_not_reference_to_back(text: str) -> None:
    assert not refers_overleaf(text)


@pytest.mark.parametrize("dpi", [100, 300])
def test_plain_page_is_read_in_order_at_any_scale(dpi: int) -> None:
    page = _plain_page()
    size = round(210 * dpi / 25.4), round(297 * dpi / 25.4)
    scaled = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8)
    spec = FieldSpec.model_construct(
        name="page", label="", kind=Kind.LINES, box=(0, 0, 210, 297), lines=None
    )
    (reading,) = lines.read_text_areas([FieldImage(scaled, spec)])
    assert _lines(reading) == list(TEXTS)


def test_skewed_plain_page_is_read() -> None:
    turn = cv2.getRotationMatrix2D((840, 1188), 1.3, 1.0)
    page = np.asarray(
        cv2.warpAffine(_plain_page(), turn, (1680, 2376), borderValue=(120,)), np.uint8
    )
    spec = FieldSpec.model_construct(
        name="page", label="", kind=Kind.LINES, box=(0, 0, 210, 297), lines=None
    )
    (reading,) = lines.read_text_areas([FieldImage(page, spec)])
    assert _lines(reading) == list(TEXTS)


def test_part_of_page_is_read_without_scale() -> None:
    page = _plain_page()[150:700, 250:1100]
    spec = FieldSpec.model_construct(
        name="page", label="", kind=Kind.LINES, box=(0, 0, 90, 60), lines=None
    )
    (reading,) = lines.read_text_areas([FieldImage(np.ascontiguousarray(page), spec)])
    assert _lines(reading) == list(TEXTS)


def test_empty_page_has_no_lines() -> None:
    spec = FieldSpec.model_construct(
        name="page", label="", kind=Kind.LINES, box=(0, 0, 210, 297), lines=None
    )
    (reading,) = lines.read_text_areas([FieldImage(np.full((2376, 1680), 255, np.uint8), spec)])
    assert (reading.value, reading.state) == (None, "empty")


def test_line_crop_extends_to_neighbouring_fields() -> None:
    note = FieldSpec(name="note", label="", kind=Kind.LINES, box=(10, 50, 100, 45), lines=5)
    far = FieldSpec(name="far", label="", kind=Kind.TEXT, box=(10, 120, 50, 8))
    near = FieldSpec(name="near", label="", kind=Kind.TEXT, box=(10, 100, 50, 8))
    assert field_margin_mm(note, [note, far]) == LINES_MARGIN_MM
    assert field_margin_mm(note, [note, far, near]) == pytest.approx(4.5)
    assert field_margin_mm(far, [note, far, near]) == FIELD_MARGIN_MM


def _plain_page() -> Image:
    """Ruled A4 paper with a margin line and punched holes, at 8 px/mm."""
    page = np.full((2376, 1680), 245, np.uint8)
    for y in range(200, 2200, 64):
        page[y : y + 2, 60:1620] = 190
    page[:, 230:233] = 170
    for y in (868, 1508):
        cv2.circle(page, (96, y), 22, 90, 3, cv2.LINE_AA)
    for row, text in enumerate(TEXTS):
        cv2.putText(
            page, text, (280, 260 + 80 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 30, 3, cv2.LINE_AA
        )
    return page


def _lines(reading: Reading) -> Sequence[str]:
    return [line for line in str(reading.value).split("\n") if line]


def test_page_of_short_strokes_is_read_in_bounded_time() -> None:
    """A photographed form has hundreds of short pieces of print; joining them took minutes."""
    mask = np.zeros((2400, 1800), bool)
    for x, y in np.random.default_rng(3).integers((0, 0), (1740, 2380), (500, 2)):
        mask[y : y + 12, x : x + 50] = True
    begun = time.process_time()
    assert len(find_rows(mask, PX, 12.0, 0.0)) == 174
    assert time.process_time() - begun < 60


def test_strip_of_noise_is_read_in_bounded_time() -> None:
    """Its text lines gave an impossible scale, and it took more than a minute."""
    strip = np.random.default_rng(1).integers(0, 256, (50, 3000), np.uint8)
    begun = time.process_time()
    area = segment_plain_paper(strip)
    assert area.row_ink.ink.px_per_mm >= 3
    assert sum(len(row.parts) for row in area.rows) < 10
    assert time.process_time() - begun < 30


def test_page_with_too_many_rows_is_illegible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A page of noise has 150 rows and took half a minute."""
    monkeypatch.setattr(lines, "MAX_LINE_PARTS", 3)
    paper = Paper()
    for row, text in enumerate(TEXTS):
        paper.write(text, 3, PITCH * (row + 1))
    assert paper.read().state is State.ILLEGIBLE


@pytest.mark.parametrize("shape", [(400, 3), (2000, 1), (3, 3), (1, 400)])
def test_very_narrow_image_is_read(shape: tuple[int, int]) -> None:
    assert [
        one.state
        for one in lines.read_written_areas([segment_plain_paper(np.full(shape, 255, np.uint8))])
    ] == [State.EMPTY]
