"""Printed fields through Tesseract."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from fpdf import FPDF
from pdf2image import convert_from_bytes

from pipeline.errors import MissingProgramError, ReadingError
from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image, State
from pipeline.recognize import printed, tesseract
from pipeline.recognize.crop import Crop

PX = 8.0
NAMES = ["Anna-Lisa Öberg", "Gösta Ärlig", "Enhet Näsbyn", "Maj-Britt Sjöström"]


def test_several_fields_are_read_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(image: Image, mode: int, dpi: int) -> list[tesseract.Word]:
        calls.append(mode)
        return tesseract.read_words(image, mode, dpi)

    monkeypatch.setattr(printed, "read_words", counted)
    blank = _text("")
    readings = printed.recognize([*(_crop(_text(name), blank) for name in NAMES), _crop(blank, blank)])
    assert [r.value for r in readings] == [*NAMES, None]
    assert readings[-1].state is State.EMPTY
    assert len(calls) == 1
    assert all(r.p > 0.5 and len(r.characters) == len(str(r.value)) for r in readings[:-1])


def test_empty_fields_cost_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printed, "read_words", lambda *_: pytest.fail("called"))
    (reading,) = printed.recognize([_crop(_text(""), None)])
    assert reading.state is State.EMPTY


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture = _text("x")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError, match="apt install tesseract-ocr tesseract-ocr-swe"):
        tesseract.read_words(picture, 7, 300)


def test_missing_swedish_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract, "LANGUAGE", "xxx")
    with pytest.raises(MissingProgramError, match="tesseract-ocr-swe"):
        tesseract.read_words(_text("x"), 7, 300)


def test_a_failure_is_told_without_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = _text("x")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 3, b"", b"Anna-Lisa"))
    with pytest.raises(ReadingError, match="code 3") as error:
        tesseract.read_words(picture, 7, 300)
    assert "Anna" not in str(error.value)


def test_the_child_runs_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    def run(*_: object, env: dict[str, str], **__: object) -> subprocess.CompletedProcess[bytes]:
        seen.update(env)
        return subprocess.CompletedProcess([], 0, b"", b"")

    picture = _text("x")
    monkeypatch.setattr(subprocess, "run", run)
    assert tesseract.read_words(picture, 7, 300) == []
    assert seen["OMP_THREAD_LIMIT"] == "1"


def _text(text: str) -> Image:
    """As the forms' program prints it: the text in a field 70 mm × 6 mm."""
    pdf = FPDF(unit="mm", format=(70, 6))
    pdf.set_auto_page_break(False)
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    pdf.text(2, 4.3, text)
    (page,) = convert_from_bytes(bytes(pdf.output()), dpi=round(PX * 25.4), grayscale=True, size=(560, 48))
    return np.asarray(page, np.uint8)


def _crop(image: Image, blank: Image | None) -> Crop:
    spec = FieldSpec(name="name", label="name", kind=Kind.PRINTED, box=(0, 0, 70, 6))
    return Crop(image, spec, blank, PX)
