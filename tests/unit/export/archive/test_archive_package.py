"""Packages for the archive: valid, described, and PDF/A with searchable text."""

from __future__ import annotations

import hashlib
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from lxml import etree
from sqlalchemy import update

from pipeline.domain.errors import ExportError
from pipeline.export.archive.descriptive import PREMIS_NS as PREMIS
from pipeline.export.archive.package import METS_NS, XLINK_NS
from pipeline.export.archive.runs import find_ready, make_package
from pipeline.export.archive.sheets import PlacedText, SheetSide, sheet_pdf
from pipeline.export.authorities.erms.elements import ERMS_NS as ERMS
from pipeline.export.runs import ExportContext
from pipeline.store.exports import archives
from pipeline.store.schema import paper as schema_paper
from pipeline.store.schema.clock import utc_now
from tests.support.shared_data import shared
from tests.support.store.export_examples import MADE_AT, SIV
from tests.support.store.export_office import confirm
from tests.support.validators.package_validator import findings
from tests.unit.export.archive.archive_steps import (
    BO,
    NOTE,
    export_and_receipt,
    packed,
    picture,
    scanned,
    sent,
    unpacked,
)

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

CONTRADICTION = "SIP14"
"""The validator's rule SIP14 asks that the note of the program be an IDENTIFICATIONCODE, its rule
CSIP16 that the same note be a SOFTWARE VERSION: no package can please both. CSIP16 is the one
that the specification has for a program.
"""


leaves_files_open = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""The validator does not close what it reads."""


def text_of(pdf: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


@leaves_files_open
def test_the_package_is_valid_by_its_makers_validator(
    office: ExportContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(office, "AAAA01", "AAAA02")
    found = findings(unpacked(office, packed(office), tmp_path), monkeypatch)
    assert [each.partition(":")[0] for each in found.get("Error", [])] == [CONTRADICTION]


@leaves_files_open
def test_the_validator_would_notice_files_without_a_use(
    office: ExportContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(office, "AAAA01")
    folder = unpacked(office, packed(office), tmp_path)
    tree = etree.parse(folder / "METS.xml")
    for group in tree.iter(f"{{{METS_NS}}}fileGrp"):
        del group.attrib["USE"]
    tree.write(folder / "METS.xml")
    assert {"CSIP64", CONTRADICTION} <= {
        each.partition(":")[0] for each in findings(folder, monkeypatch)["Error"]
    }


def test_every_file_is_named_with_its_checksum(office: ExportContext, tmp_path: Path) -> None:
    sent(office, "AAAA01")
    folder = unpacked(office, packed(office), tmp_path)
    named = {}
    for element in etree.parse(folder / "METS.xml").iter(
        f"{{{METS_NS}}}file", f"{{{METS_NS}}}mdRef"
    ):
        place = element if element.tag.endswith("mdRef") else element[0]
        named[place.get(f"{{{XLINK_NS}}}href")] = (element.get("CHECKSUM"), element.get("SIZE"))
    there = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert named == {
        path: (hashlib.sha256(data).hexdigest(), str(len(data)))
        for path, data in there.items()
        if path != "METS.xml"
    }
    digests = {
        each.text
        for each in etree.parse(folder / "metadata/preservation/premis.xml").iter(
            f"{{{PREMIS}}}messageDigest"
        )
    }
    assert digests == {named[path][0] for path in there if path.startswith("representations")}


@pytest.mark.shared
def test_the_description_is_valid_and_tells_class_law_secrecy_and_place(
    office: ExportContext, tmp_path: Path
) -> None:
    sent(office, "AAAA01")
    erms = etree.parse(
        unpacked(office, packed(office), tmp_path) / "metadata" / "descriptive" / "erms.xml"
    )
    etree.XMLSchema(etree.parse(shared("schemas", "erms", "ERMS.xsd"))).assertValid(erms)
    told = " ".join(
        " ".join(each for each in erms.getroot().itertext() if isinstance(each, str)).split()
    )
    for said in (
        "HSL-10, version 1",
        "10 år",
        "Patientdatalagen (2008:355) 3 kap. 17 §",
        "2031-12-17T00:00:00",
        "25 kap. 1 §",
        "pärm 3",
        "Inskriven av",
    ):
        assert said in told
    assert {each.get("disposable") for each in erms.iter(f"{{{ERMS}}}disposal")} == {"false"}


def test_the_scan_is_kept_as_it_came(office: ExportContext, tmp_path: Path) -> None:
    sent(office, "AAAA01")
    scan = (
        unpacked(office, packed(office), tmp_path)
        / "representations"
        / "skannat"
        / "data"
        / "AAAA01-1.jpg"
    )
    assert scan.read_bytes() == picture("skannat AAAA01")


def test_what_was_confirmed_can_be_searched_at_its_place(
    office: ExportContext, tmp_path: Path
) -> None:
    sent(office, "AAAA01")
    pdf = (
        unpacked(office, packed(office), tmp_path)
        / "representations"
        / "pdfa"
        / "data"
        / "AAAA01.pdf"
    ).read_bytes()
    told = text_of(pdf)
    assert "Såret ser bra ut." in told
    assert told.index(SIV.pid) < told.index("Såret") < told.index("Gun Ek")
    assert "skannat" not in told


def test_a_list_waits_until_every_row_is_settled(office: ExportContext, tmp_path: Path) -> None:
    scanned(office, "AAAA05", "besokslista", start="08:15", dusch=True)
    export_and_receipt(office, "besok")
    assert (find_ready(office, BO).sheets, find_ready(office, BO).unsettled) == (0, 1)
    with office.store.begin() as conn:
        conn.execute(
            update(schema_paper.entry)
            .where(schema_paper.entry.c.id != "AAAA05-01")
            .values(state="avvisad", reason="tom rad")
        )
    pdf = (
        unpacked(office, packed(office), tmp_path)
        / "representations"
        / "pdfa"
        / "data"
        / "AAAA05.pdf"
    ).read_bytes()
    assert "08:15" in text_of(pdf)


@pytest.mark.parametrize(
    ("reason", "voided", "waits"),
    [
        ("fråga författaren", None, True),
        ("oläsligt", None, True),
        ("oläsligt", "fel person", False),
    ],
)
def test_a_row_that_somebody_may_still_enter_keeps_its_list_back_and_its_paper(
    office: ExportContext, reason: str, voided: str | None, waits: bool
) -> None:
    scanned(office, "AAAA05", "besokslista", start="08:15", dusch=True)
    export_and_receipt(office, "besok")
    rest = update(schema_paper.entry).where(schema_paper.entry.c.id != "AAAA05-01")
    with office.store.begin() as conn:
        conn.execute(rest.values(state="avvisad", reason=reason, voided=voided))
    assert (find_ready(office, BO).sheets, find_ready(office, BO).unsettled) == (
        (0, 1) if waits else (1, 0)
    )
    with office.store.begin() as conn:
        conn.execute(rest.values(reason="tom rad"))
    made = packed(office)
    with office.store.begin() as conn:
        assert archives.changed_archived_sheets(conn, made.id) == []
        conn.execute(rest.values(reason=reason))
        assert archives.changed_archived_sheets(conn, made.id) == (["AAAA05"] if waits else [])


def test_a_page_that_lies_on_no_form_is_archived_as_it_came(
    office: ExportContext, tmp_path: Path
) -> None:
    scanned(office, "AAAA01", **NOTE)
    with office.store.begin() as conn:
        conn.execute(update(schema_paper.page).values(upright_sha256=None))
    export_and_receipt(office, "rivta")
    pdf = (
        unpacked(office, packed(office), tmp_path)
        / "representations"
        / "pdfa"
        / "data"
        / "AAAA01.pdf"
    ).read_bytes()
    assert "Anteckning: Såret ser bra ut." in text_of(pdf)


def test_a_sheet_without_a_picture_is_said(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    with office.store.begin() as conn:
        conn.execute(update(schema_paper.page).values(image_sha256=None))
    export_and_receipt(office, "rivta")
    with pytest.raises(ExportError, match="AAAA01 has no picture"):
        make_package(office, BO, utc_now(), "DHP 2022-3")


@pytest.fixture
def pdf() -> Iterator[pikepdf.Pdf]:
    words = (
        PlacedText((15, 46, 66, 8), "19280128-7158"),
        PlacedText((15, 100, 180, 80), "Såret\nläker\t漢 \x00" * 30, 14),
    )
    data = sheet_pdf(
        [SheetSide(picture("x"), 210, 297, words), SheetSide(picture("y"), 148, 210, ())],
        "Blad <1> & två",
        "Gun Ek",
        MADE_AT,
    )
    with pikepdf.open(io.BytesIO(data)) as opened:
        yield opened


def test_it_says_that_it_is_pdf_a_2u_and_what_its_title_is(pdf: pikepdf.Pdf) -> None:
    """Whether it is, `tests/contract/exports/test_pdfs_valid.py` asks a validator."""
    with pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "2U"
        assert metadata["dc:title"] == "Blad <1> & två"


def test_no_letter_that_the_typeface_lacks_is_asked_for(pdf: pikepdf.Pdf) -> None:
    out = io.BytesIO()
    pdf.save(out)
    told = text_of(out.getvalue())
    assert "Såret" in told
    assert "?" in told
    assert "漢" not in told


def test_the_letters_are_unseen() -> None:
    bare = sheet_pdf([SheetSide(picture("x"), 210, 297, ())], "x", "x", MADE_AT)
    full = sheet_pdf(
        [SheetSide(picture("x"), 210, 297, (PlacedText((15, 46, 66, 8), "19280128-7158"),))],
        "x",
        "x",
        MADE_AT,
    )
    seen = [
        subprocess.run(
            ["pdftoppm", "-r", "50", "-singlefile", "-"],
            input=each,
            capture_output=True,
            check=True,
        ).stdout
        for each in (bare, full)
    ]
    assert len(seen[0]) > 100_000
    assert seen[0] == seen[1]
