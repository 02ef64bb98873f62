"""Printed sheets, checked as images and as PDF."""

from __future__ import annotations

import io
import re
import subprocess
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pytest
import zxingcpp
from pdf2image import convert_from_bytes

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form, Forms, Subject
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Box, Client, Image
from pipeline.domain.settings import ROOT
from pipeline.forms.fiducials import (
    CODE_BOXES,
    MARKER_BOXES,
    MARKER_DICTIONARY,
    is_serial,
    parse_code,
)
from pipeline.forms.printing import (
    Sheet,
    make_blank_sheets,
    make_client_sheets,
    print_sheets,
    to_issued_sheet,
)
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.reading.register.template_images import template_image
from tests.support.pages.form_choice import by_form

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
SERIAL = "7F3K9Q2B"
CLIENT = Client("192501019216", "Astrid Åkerström", "Hemtjänst Öst")
DAY = date(2021, 12, 16)
every_form = pytest.mark.parametrize("form", by_form(FORMS.values()))


def _picture(pdf: bytes, page_no: int = 1) -> Image:
    page = convert_from_bytes(
        pdf, size=(1680, 2376), grayscale=True, first_page=page_no, last_page=page_no
    )[0]
    return np.array(page, dtype=np.uint8)


def _inside(picture: Image, box: Box, inset_mm: float = 0.0) -> Image:
    left, top = round((box.x + inset_mm) * PX_PER_MM), round((box.y + inset_mm) * PX_PER_MM)
    right, bottom = (
        round((box.x + box.w - inset_mm) * PX_PER_MM),
        round((box.y + box.h - inset_mm) * PX_PER_MM),
    )
    return picture[top:bottom, left:right]


def _words(pdf: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


@every_form
def test_both_codes_identify_the_sheet(form: Form) -> None:
    serial = make_blank_sheets(1)[0].serial
    picture = _picture(print_sheets(form, [Sheet(serial)]))
    for place in CODE_BOXES:
        found = zxingcpp.read_barcodes(
            _inside(picture, Box(place.x - 2, place.y - 2, place.w + 4, place.h + 4))
        )
        code = parse_code(found[0].text)
        assert code is not None
        assert (code.form, code.version, code.page_no, code.pages, code.serial) == (
            form.id,
            form.version,
            1,
            len(form.pages),
            serial,
        )


@every_form
def test_markers_are_at_their_defined_positions(form: Form) -> None:
    picture = _picture(print_sheets(form, [Sheet(SERIAL)]))
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(MARKER_DICTIONARY))
    corners, ids, _ = detector.detectMarkers(picture)
    assert sorted(ids.ravel()) == sorted(MARKER_BOXES)
    for corner, number in zip(corners, ids.ravel(), strict=True):
        box = MARKER_BOXES[int(number)]
        expected = np.array(
            [
                (box.x, box.y),
                (box.x + box.w, box.y),
                (box.x + box.w, box.y + box.h),
                (box.x, box.y + box.h),
            ]
        )
        assert np.abs(corner.reshape(4, 2) / PX_PER_MM - expected).max() < 0.2


@every_form
def test_print_in_writing_areas_is_pale(form: Form) -> None:
    for page_no, page in enumerate(form.pages, start=1):
        picture = template_image(form, page_no)
        for spec in page.all_fields:
            boxes = [Box(*option.box) for option in spec.options] or [spec.area]
            assert all(_inside(picture, box, 0.2).min() >= 165 for box in boxes), spec.name


@every_form
def test_every_cell_is_white_inside(form: Form) -> None:
    for page_no, page in enumerate(form.pages, start=1):
        for spec in page.all_fields:
            for cell in spec.cell_boxes if spec.format else ():
                assert _inside(template_image(form, page_no), cell, 0.5).min() == 255, spec.name


@every_form
def test_client_sheet_differs_only_in_client_and_unit(form: Form) -> None:
    sheets = [Sheet(SERIAL, "", None), Sheet(SERIAL, CLIENT.unit, CLIENT)]
    pdf = print_sheets(form, sheets, printed_on=DAY)
    changed = _picture(pdf, 1) != _picture(pdf, len(form.pages) + 1)
    pid = form.meaning(Meaning.CLIENT_PID, form.rows()[0])
    assert pid is not None or form.subject is Subject.NONE
    for cell in pid.cell_boxes if pid and form.subject is Subject.CLIENT else ():
        assert _inside(changed, cell).any()
    known = [
        form.meaning(m, form.rows()[0])
        for m in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED, Meaning.UNIT)
    ]
    for spec in filter(None, known):
        box = spec.area
        _inside(changed, Box(max(0, box.x - 26), box.y - 1, box.w + 27, box.h + 2))[:] = False
    assert not changed.any()


def test_printed_name_field_is_invisible_without_client() -> None:
    form = FORMS["hsl-anteckning", 1]
    spec = form.meaning(Meaning.CLIENT_PRINTED)
    assert spec is not None
    around = _inside(
        template_image(form, 1),
        Box(spec.area.x - 24, spec.area.y, spec.area.w + 24, spec.area.h - 0.6),
    )
    assert len(np.unique(around)) == 1


def test_long_name_fits_its_field() -> None:
    form = FORMS["hsl-anteckning", 1]
    client = Client(CLIENT.pid, "Maria Margareta Elisabeth " * 4, "Hemtjänst Öst")
    pdf = print_sheets(form, [Sheet(SERIAL, "", client)])
    spec = form.meaning(Meaning.CLIENT_PRINTED)
    assert spec is not None
    beside = _inside(_picture(pdf), Box(spec.area.x + spec.area.w, spec.area.y, 3, spec.area.h))
    assert beside.min() > 230


def test_each_further_page_names_the_client_and_the_number() -> None:
    """Vårdhandboken: a loose page must not be anybody's."""
    words = _words(print_sheets(FORMS.latest("ny-patient"), [Sheet(SERIAL, "Norr", CLIENT)]))
    assert f"{CLIENT.name}, {format_pid(CLIENT.pid)}" in words


def test_number_too_long_for_boxes_is_printed_whole_or_omitted() -> None:
    """Regional numbers may have up to twenty characters: the first twelve may be another person's
    number.
    """
    client = Client("LMA5012345678901", "Siv Ek", "Norr")
    for form_id in ("hsl-anteckning", "besokslista", "signeringslista"):
        words = _words(print_sheets(FORMS.latest(form_id), [Sheet(SERIAL, "Norr", client)]))
        assert "Siv Ek, LMA5012345678901" in words
        assert not re.search(r"L\s+M\s+A\s+5", words)
    short = print_sheets(
        FORMS["hsl-anteckning", 1], [Sheet(SERIAL, "Norr", Client("KX17", "Siv Ek", "Norr"))]
    )
    assert re.search(r"K\s+X\s+1\s+7", _words(short))


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Siv\nÅkerlund", "Siv Åkerlund"),
        ("محمد Ek", "???? Ek"),
        ("Siv 😀 Ek", "Siv ? Ek"),
        ("Łukasz Żółć", "Łukasz Żółć"),
        ("A\x00B", "A?B"),
    ],
)
def test_name_is_printed_completely(name: str, printed: str) -> None:
    """Without its name, a sheet looks like one for any client; with two words joined, like another
    person's.
    """
    pdf = print_sheets(
        FORMS["hsl-anteckning", 1],
        [Sheet("7K3M91QX", "Norr", Client("192801287158", name, "Norr"))],
    )
    assert printed in _words(pdf)


def test_same_sheets_on_same_day_give_same_bytes() -> None:
    form = FORMS["matvarden", 1]
    sheets = make_client_sheets([CLIENT]) + make_blank_sheets(2, "Hemtjänst Öst")
    assert print_sheets(form, sheets, printed_on=DAY) == print_sheets(form, sheets, printed_on=DAY)


def test_file_is_archivable_without_current_time() -> None:
    with pikepdf.open(
        io.BytesIO(print_sheets(FORMS.latest("besokslista"), [Sheet(SERIAL)], printed_on=DAY))
    ) as pdf:
        with pdf.open_metadata() as metadata:
            assert metadata.pdfa_status == "2B"
            assert metadata["xmp:ModifyDate"].startswith("2021-12-16")
            assert metadata["dc:title"] == "Besöks- och insatslista hemtjänst"
        assert str(pdf.Root.Lang) == "sv-SE"
        assert pdf.Root.OutputIntents[0].S == pikepdf.Name.GTS_PDFA1
        fonts = [
            obj
            for obj in pdf.objects
            if isinstance(obj, pikepdf.Dictionary)
            and obj.get("/Type") == pikepdf.Name.FontDescriptor
        ]
        assert fonts
        assert all("/FontFile2" in font for font in fonts)


def test_a_form_of_two_pages_numbers_them() -> None:
    note = FORMS["hsl-anteckning", 1]
    second = note.pages[0].model_copy(update={"fields": (), "sections": ()})
    pdf = print_sheets(
        note.model_copy(update={"pages": (note.pages[0], second)}), make_blank_sheets(2)
    )
    codes = [
        parse_code(zxingcpp.read_barcodes(_picture(pdf, page))[0].text) for page in range(1, 5)
    ]
    assert [(c.page_no, c.pages) for c in codes if c] == [(1, 2), (2, 2), (1, 2), (2, 2)]
    assert len({c.serial for c in codes if c}) == 2


def test_issued_sheets_have_unique_serials() -> None:
    form = FORMS["hsl-anteckning", 1]
    sheets = make_blank_sheets(50, "Hemtjänst Öst") + make_client_sheets([CLIENT])
    assert len({sheet.serial for sheet in sheets}) == 51
    assert all(is_serial(sheet.serial) for sheet in sheets)
    last = to_issued_sheet(form, sheets[-1])
    assert (last.form, last.version, last.unit, last.client_pid) == (
        "hsl-anteckning",
        form.version,
        CLIENT.unit,
        CLIENT.pid,
    )
    assert to_issued_sheet(form, sheets[0]).client_pid is None


@every_form
def test_blank_is_page_without_codes(form: Form) -> None:
    picture = template_image(form, 1)
    assert picture.shape == (2376, 1680)
    assert picture.dtype == np.uint8
    assert not picture.flags.writeable
    assert template_image(form, 1) is picture
    for code in CODE_BOXES:
        assert _inside(picture, code).min() == 255
    assert _inside(picture, MARKER_BOXES[0]).min() == 0


def test_printing_writes_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    print_sheets(FORMS["hsl-anteckning", 1], make_client_sheets([CLIENT]))
    assert list(tmp_path.iterdir()) == []
