"""Printed fields through Tesseract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from fpdf import FPDF
from pdf2image import convert_from_bytes

from pipeline.domain.errors import MissingProgramError, ReadingError
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import UNSEEN_P, Image, State
from pipeline.reading.field_readers import calibrate_readings
from pipeline.reading.fields import printed_text
from pipeline.reading.fields.field_image import FieldImage

pytestmark = pytest.mark.slow

PX = 8.0
SPEC = FieldSpec(name="name", label="name", kind=Kind.PRINTED, box=(0, 0, 70, 6))
NAMES = ["Anna-Lisa Öberg", "Gösta Ärlig", "Enhet Näsbyn", "Maj-Britt Sjöström"]


@pytest.fixture
def not_loaded() -> Iterator[None]:
    """A process that has not read anything yet."""
    printed_text._load_engine.cache_clear()
    yield
    printed_text._load_engine.cache_clear()


def test_fields_are_read_as_printed() -> None:
    blank = _text("")
    readings = printed_text.read_printed_texts(
        [*(_crop(_text(name), blank) for name in NAMES), _crop(blank, blank)]
    )
    assert [r.value for r in readings] == [*NAMES, None]
    assert readings[-1].state is State.EMPTY
    assert all(r.p > 0.5 and len(r.characters) == len(str(r.value)) for r in readings[:-1])


@pytest.mark.parametrize("slope", [-4, 0, 4])
def test_struck_out_print_has_low_confidence_and_issue(slope: int) -> None:
    """A struck-out name on a sheet printed for another person was read as a third name with p =
    0.97.
    """
    blank = _text("")
    for name in NAMES:
        struck = _text(name).copy()
        rows, columns = (np.flatnonzero((struck < 128).any(axis=axis)) for axis in (1, 0))
        middle = int(rows.mean())
        cv2.line(
            struck,
            (int(columns[0]) - 6, middle - slope),
            (int(columns[-1]) + 6, middle + slope),
            (60,),
            3,
            cv2.LINE_AA,
        )
        (reading,) = calibrate_readings(
            [SPEC], printed_text.read_printed_texts([_crop(struck, blank)])
        )
        assert reading.issues == ("struck_out",), name
        assert reading.p <= UNSEEN_P, name


def test_print_in_any_style_is_not_struck_out() -> None:
    blank = _text("")
    for name in (*NAMES, "Ek", "Bo Ö - Å", "TELEFONTJÄNST"):
        for picture in (
            _text(name),
            cv2.GaussianBlur(_text(name), (0, 0), 1.0),
            np.asarray(np.where(_text(name) < 200, 0, 255), np.uint8),
        ):
            (reading,) = printed_text.read_printed_texts(
                [_crop(np.asarray(picture, np.uint8), blank)]
            )
            assert reading.issues == (), name


@pytest.mark.usefixtures("not_loaded")
def test_tesseract_is_loaded_once() -> None:
    for name in NAMES:
        printed_text.read_printed_line(_text(name), 200)
    assert printed_text._load_engine.cache_info().misses == 1


def test_empty_fields_are_read_without_tesseract_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printed_text, "read_printed_line", lambda *_: pytest.fail("called"))
    (reading,) = printed_text.read_printed_texts([_crop(_text(""), None)])
    assert reading.state is State.EMPTY


@pytest.mark.usefixtures("not_loaded")
def test_missing_program_error_names_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    picture = _text("x")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError, match="apt install tesseract-ocr tesseract-ocr-swe"):
        printed_text.read_printed_line(picture, 300)


def test_missing_swedish_data_error_names_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printed_text, "TESSERACT_LANGUAGE", "xxx")
    with pytest.raises(MissingProgramError, match="tesseract-ocr-swe"):
        printed_text.read_printed_line(_text("x"), 300)


def test_tesseract_timeout_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printed_text, "_load_engine", lambda _: _Silent())
    with pytest.raises(ReadingError, match="no answer"):
        printed_text.read_printed_line(_text("Anna-Lisa"), 300)
    assert _Silent.cleared


class _Silent:
    """A Tesseract engine that never finishes."""

    cleared = False

    def SetImageBytes(self, *_: object) -> None: ...  # noqa: N802

    def SetSourceResolution(self, *_: object) -> None: ...  # noqa: N802

    def Recognize(self, *_: object) -> bool:  # noqa: N802
        return False

    def Clear(self) -> None:  # noqa: N802
        _Silent.cleared = True


def _text(text: str) -> Image:
    """Text as printed on forms, in a field of 70 mm × 6 mm."""
    pdf = FPDF(unit="mm", format=(70, 6))
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    pdf.text(2, 4.3, text)
    (page,) = convert_from_bytes(
        bytes(pdf.output()), dpi=round(PX * 25.4), grayscale=True, size=(560, 48)
    )
    return np.asarray(page, np.uint8)


def _crop(image: Image, blank: Image | None) -> FieldImage:
    return FieldImage(image, SPEC, blank, PX)


def test_non_words_are_read_without_error(caplog: pytest.LogCaptureFixture) -> None:
    stroke = np.asarray(
        cv2.line(np.full((80, 300), 255, np.uint8), (20, 40), (280, 42), (0,), 3), np.uint8
    )
    assert printed_text.read_printed_line(stroke, 300) == []
    assert not caplog.records
