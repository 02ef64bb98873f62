"""Packages for the archive: every settled sheet once as it is, PDF/A with searchable text, and a
package that the validator of others takes.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Barrier

import cv2
import numpy as np
import pikepdf
import pytest
from lxml import etree
from sqlalchemy import Connection, select, update

from pipeline.domain.errors import ExportError, NotAllowedError, StoreError
from pipeline.domain.model import Client, Person, Role
from pipeline.domain.permissions import ALL_AREAS
from pipeline.domain.record import Run
from pipeline.domain.settings import Settings
from pipeline.export.archive import package
from pipeline.export.archive.mets import METS_NS, XLINK_NS
from pipeline.export.archive.pdfa import PlacedText, SheetSide, sheet_pdf
from pipeline.export.archive.premis import PREMIS_NS as PREMIS
from pipeline.export.archive.runs import find_ready, make_package, package_file
from pipeline.export.archive.sheets import SheetFiles, longest_retention, retention_label
from pipeline.export.authorities.erms import ERMS_NS as ERMS
from pipeline.export.runs import ExportContext, make_run
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.store.database.clock import utc_now
from pipeline.store.event_log import events
from pipeline.store.event_log.queries import clients_of_subjects, log_subjects_of_client
from pipeline.store.exports import archives
from pipeline.store.exports.archives import ArchivedSheet, ArchivePackage
from pipeline.store.paper import originals
from pipeline.store.schema import paper as schema_paper
from pipeline.store.schema.exports import archived_sheet
from tests.support.shared_data import shared
from tests.support.store.export_examples import ARNE, FORMS, MADE_AT, SETTINGS, SIV, record
from tests.support.store.export_office import ANNA, confirm, correct, review, void
from tests.support.validators.package_validator import findings
from ui.screens.export import archive as export_archive
from ui.widgets.run_once import find_just_created

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

RUT = Person(
    "rut", "Rut Ek", "registrator", Role.REGISTRAR, frozenset({"Norr", "Söder"}), ALL_AREAS
)
BO = Person(
    "bo", "Bo Alm", "administratör", Role.ADMINISTRATOR, frozenset({"Norr", "Söder"}), ALL_AREAS
)
SAMPLED = "200910152396"
"""Born on a day that research keeps."""
NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}
CONTRADICTION = "SIP14"
"""The validator's rule SIP14 asks that the note of the program be an IDENTIFICATIONCODE, its rule
CSIP16 that the same note be a SOFTWARE VERSION: no package can please both. CSIP16 is the one
that the specification has for a program.
"""

leaves_files_open = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""The validator does not close what it reads."""


def picture(text: str) -> bytes:
    """A page laid on its form: 8 px/mm, grey."""
    paper = np.full((297 * 8, 210 * 8), 245, np.uint8)
    cv2.putText(paper, text, (200, 400), cv2.FONT_HERSHEY_SIMPLEX, 3, 0, 4)
    return cv2.imencode(".jpg", paper)[1].tobytes()


def scanned(
    office: ExportContext, serial: str, form: str = "hsl-anteckning", **fields: str | bool
) -> str:
    """A confirmed entry whose page has pictures: the scan and the same laid upright."""
    entry = confirm(office, form, serial, "Norr", **fields)
    scan, upright = (
        office.store.images.put(picture(f"skannat {serial}")),
        office.store.images.put(picture(serial)),
    )
    page = schema_paper.page
    with office.store.begin() as conn:
        conn.execute(
            update(page)
            .where(page.c.serial == serial)
            .values(image_sha256=scan, media_type="image/jpeg", upright_sha256=upright)
        )
    return entry


def sent(office: ExportContext, *serials: str, target: str = "rivta") -> None:
    """Notes that are in their care system."""
    for serial in serials:
        scanned(office, serial, **NOTE)
    assert make_run(office, ANNA, target, utc_now())


def packed(office: ExportContext) -> ArchivePackage:
    made = make_package(office, BO, utc_now())
    assert made is not None
    return made


def unpacked(office: ExportContext, made: ArchivePackage, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(package_file(office, BO, made.id).data)) as file:
        file.extractall(folder)
    return folder / made.id


def text_of(pdf: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


def test_only_what_a_care_system_has_is_archived(office: ExportContext) -> None:
    scanned(office, "AAAA01", **NOTE)
    assert find_ready(office, BO).sheets == 0
    assert make_package(office, BO, utc_now()) is None
    make_run(office, ANNA, "rivta", utc_now())
    assert find_ready(office, BO).classes == (("HSL-10/1", 1),)
    assert packed(office).sheets == 1


def list_package_sheets(conn: Connection, package_id: str) -> list[ArchivedSheet]:
    """Return the sheets of a package."""
    query = (
        select(archived_sheet)
        .where(archived_sheet.c.package == package_id)
        .order_by(archived_sheet.c.sheet)
    )
    return [
        ArchivedSheet(row.sheet, row.content, row.rule, row.earliest) for row in conn.execute(query)
    ]


def test_a_sheet_goes_once_as_it_is_and_again_when_it_was_corrected(office: ExportContext) -> None:
    sent(office, "AAAA01", "AAAA02")
    assert packed(office).sheets == 2
    assert find_ready(office, BO).sheets == 0
    correct(office, "AAAA01-00", "anteckning", "Såret ser dåligt ut.")
    assert find_ready(office, BO).sheets == 0
    make_run(office, ANNA, "rivta", utc_now())
    again = packed(office)
    with office.store.read() as conn:
        assert [each.sheet for each in list_package_sheets(conn, again.id)] == ["AAAA01"]


def test_a_voided_entry_is_archived_as_void(office: ExportContext, tmp_path: Path) -> None:
    sent(office, "AAAA01")
    void(office, "AAAA01-00")
    make_run(office, ANNA, "rivta", utc_now())
    erms = etree.parse(
        unpacked(office, packed(office), tmp_path) / "metadata" / "descriptive" / "erms.xml"
    )
    assert [each.get("value") for each in erms.iter(f"{{{ERMS}}}status")] == ["obliterated"]


def test_a_refused_entry_waits_for_its_way_back(office: ExportContext) -> None:
    scanned(office, "AAAA01", **NOTE)
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None
    submit_receipts(
        office, ANNA, run.id, [ReceiptAnswer("AAAA01-00", accepted=False, text="fel")], utc_now()
    )
    assert find_ready(office, BO).sheets == 0


def test_a_row_that_its_target_refused_and_somebody_voided_keeps_no_list_back(
    office: ExportContext,
) -> None:
    voided, other = scanned(office, "AAAA05", "besokslista"), "AAAA05-02"
    review(office, other, "besokslista")
    run = make_run(office, ANNA, "besok", utc_now())
    assert run is not None
    with office.store.begin() as conn:
        conn.execute(
            update(schema_paper.entry)
            .where(schema_paper.entry.c.id.not_in([voided, other]))
            .values(state="avvisad", reason="tom rad")
        )
    void(office, voided)
    submit_receipts(
        office,
        ANNA,
        run.id,
        [ReceiptAnswer(other, accepted=True), ReceiptAnswer(voided, accepted=False, text="fel")],
        utc_now(),
    )
    assert (find_ready(office, BO).sheets, find_ready(office, BO).unsettled) == (1, 0)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_sheet_is_kept_for_ever_whichever_of_its_rows_says_so(turn: int) -> None:
    undated = record("besokslista", area="SoL", event_at=None, written_at=None)
    sampled = record("besokslista", area="SoL", client=Client("198001152384", "Elsa Ek", "Norr"))
    assert retention_label(
        longest_retention([undated, sampled][::turn], SETTINGS, FORMS)
    ).startswith("BEVARAS")


@pytest.mark.parametrize(
    ("name", "number", "kept"),
    [
        ("medsokande_personnummer", SAMPLED, True),
        ("barn6_personnummer", SAMPLED, True),
        ("medsokande_personnummer", SIV.pid, False),
        ("barn1_personnummer", f"{SAMPLED[:-1]}0", False),
        ("medsokande_namn", SAMPLED, False),
    ],
)
def test_a_file_is_kept_for_somebody_who_applies_too_or_a_child_in_the_sample(
    name: str, number: str, *, kept: bool
) -> None:
    found = longest_retention(
        [record("ansokan-ekonomiskt", {name: number}, area="IFO")], SETTINGS, FORMS
    )
    assert (bool(found.permanent_reason), found.earliest is None) == (kept, kept)
    assert ("någon annan på arket" in found.permanent_reason, number in found.permanent_reason) == (
        kept,
        False,
    )


def test_a_number_on_a_form_that_is_there_no_longer_is_looked_for_everywhere() -> None:
    gone = record(
        "ansokan-ekonomiskt", {"medsokande_personnummer": SAMPLED}, area="IFO", version=99
    )
    assert longest_retention([gone], SETTINGS, FORMS).permanent_reason


def test_a_day_at_the_end_of_time_is_kept_until_then() -> None:
    last = datetime(9999, 12, 31, 7)
    assert (
        longest_retention(
            [record("besokslista", area="HSL", event_at=last, written_at=last)], SETTINGS, FORMS
        ).earliest
        == date.max
    )


def test_somebody_elses_correction_meanwhile_makes_it_start_over(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(office, "AAAA01", "AAAA02")
    calls = iter([True])

    def late(sheets: list[SheetFiles], run: Run, settings: Settings) -> bytes:
        if next(calls, False):
            correct(office, "AAAA01-00", "anteckning", "Annat.")
        return package.build_package(sheets, run, settings)

    monkeypatch.setattr("pipeline.export.archive.runs.build_package", late)
    assert packed(office).sheets == 1


def test_a_package_that_fails_half_way_leaves_nothing_and_is_made_later(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(office, "AAAA01")
    add = archives.add_package

    def fails(conn: Connection, made: ArchivePackage, sheets: Sequence[ArchivedSheet]) -> None:
        add(conn, made, sheets)
        raise StoreError("upload_not_kept", reason="full")

    with monkeypatch.context() as patch:
        patch.setattr(archives, "add_package", fails)
        with pytest.raises(StoreError):
            make_package(office, BO, utc_now())
    with office.store.read() as conn:
        assert archives.list_packages(conn, BO) == []
    assert packed(office).sheets == 1


@pytest.mark.both_databases
def test_two_who_archive_at_once_make_one_package(office: ExportContext) -> None:
    sent(office, "AAAA01", "AAAA02")
    start = Barrier(2)

    def archive() -> ArchivePackage | None:
        start.wait()
        return make_package(office, BO, utc_now())

    with ThreadPoolExecutor(2) as pool:
        made = [each.result() for each in [pool.submit(archive) for _ in range(2)]]
    assert sorted(each.sheets for each in made if each) == [2]


def test_the_database_refuses_a_sheet_twice(office: ExportContext) -> None:
    sent(office, "AAAA01")
    made = packed(office)
    with office.store.read() as conn:
        sheets = list_package_sheets(conn, made.id)
    twice = ArchivePackage("x", "x.zip", made.sha256, utc_now(), "Bo", 1)
    with pytest.raises(StoreError), office.store.begin() as conn:
        archives.add_package(conn, twice, sheets)


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
    make_run(office, ANNA, "besok", utc_now())
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
    make_run(office, ANNA, "besok", utc_now())
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
    make_run(office, ANNA, "rivta", utc_now())
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
    make_run(office, ANNA, "rivta", utc_now())
    with pytest.raises(ExportError, match="AAAA01 has no picture"):
        make_package(office, BO, utc_now())


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


def test_who_may_not_archive_is_refused_and_a_blocked_sheet_left_out(office: ExportContext) -> None:
    sent(office, "AAAA01")
    with pytest.raises(NotAllowedError):
        make_package(office, ANNA, utc_now())
    elsewhere = Person(
        "eva", "Eva", "administratör", Role.ADMINISTRATOR, frozenset({"Söder"}), ALL_AREAS
    )
    assert make_package(office, elsewhere, utc_now()) is None
    made = packed(office)
    with pytest.raises(NotAllowedError):
        package_file(office, elsewhere, made.id)
    with office.store.read() as conn:
        assert archives.list_packages(conn, elsewhere) == []


def test_a_sheet_with_an_entry_of_another_unit_is_not_archived_by_half(
    office: ExportContext,
) -> None:
    sent(office, "AAAA01")
    mine = Person(
        "eva", "Eva", "administratör", Role.ADMINISTRATOR, frozenset({"Norr"}), frozenset({"SoL"})
    )
    assert make_package(office, mine, utc_now()) is None


def test_paper_is_kept_until_an_archivist_names_a_decision(office: ExportContext) -> None:
    sent(office, "AAAA01")
    made = packed(office)
    with office.store.begin() as conn:
        before = originals.list_originals(conn, RUT, made.id)
        assert [(each.place, each.box, each.decision) for each in before] == [("pärm 3", "", "")]
        originals.save_paper_place(conn, BO, before[0].batch, "Volym 12", "Bunt 3", utc_now())
        with pytest.raises(NotAllowedError):
            originals.approve_destruction(conn, BO, made.id, "KS 2022-14", utc_now())
        with pytest.raises(ExportError, match="number"):
            originals.approve_destruction(conn, RUT, made.id, "  ", utc_now())
        originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())
        after = originals.list_originals(conn, RUT, made.id)[0]
        assert (after.box, after.bundle, after.decision) == ("Volym 12", "Bunt 3", "KS 2022-14")
        with pytest.raises(ExportError, match="already"):
            originals.approve_destruction(conn, RUT, made.id, "KS 2022-15", utc_now())
        originals.withdraw_destruction(conn, RUT, made.id, utc_now())
        assert originals.list_originals(conn, RUT, made.id)[0].decision == ""
        with pytest.raises(ExportError, match="no decision"):
            originals.withdraw_destruction(conn, RUT, made.id, utc_now())
        assert [each.action for each in events.list_events(conn, made.id)] == [
            "archive",
            "may_destroy_paper",
            "keep_paper",
        ]


def test_paper_of_a_sheet_that_changes_after_the_decision_is_kept(office: ExportContext) -> None:
    sent(office, "AAAA01", "AAAA02")
    made = packed(office)
    with office.store.begin() as conn:
        originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())
    correct(office, "AAAA02-00", "anteckning", "Såret ser dåligt ut.")
    with office.store.read() as conn:
        found = {each.sheet: each.decision for each in originals.list_originals(conn, RUT, made.id)}
    assert found == {"AAAA01": "KS 2022-14", "AAAA02": ""}


def test_the_log_leads_from_the_client_to_the_package_and_back(office: ExportContext) -> None:
    sent(office, "AAAA01")
    made = packed(office)
    package_file(office, BO, made.id)
    with office.store.read() as conn:
        assert made.id in set(conn.execute(log_subjects_of_client(conn, SIV.pid)).scalars())
        assert made.id not in set(conn.execute(log_subjects_of_client(conn, ARNE.pid)).scalars())
        assert clients_of_subjects(conn, [made.id]) == {made.id: {SIV.pid}}


def test_a_protected_client_is_marked_in_the_description(
    office: ExportContext, tmp_path: Path
) -> None:
    scanned(office, "AAAA01", personnummer=ARNE.pid, **NOTE)
    with office.store.begin() as conn:
        conn.execute(
            update(schema_paper.client)
            .where(schema_paper.client.c.pid == ARNE.pid)
            .values(protected=True)
        )
    make_run(office, ANNA, "rivta", utc_now())
    erms = etree.parse(
        unpacked(office, packed(office), tmp_path) / "metadata" / "descriptive" / "erms.xml"
    )
    assert [each.text for each in erms.iter(f"{{{ERMS}}}protectedIdentity")] == ["true"]


def test_the_years_are_counted_from_the_day_on_which_it_was_written_down() -> None:
    late = record(
        "besokslista",
        area="HSL",
        event_at=datetime(2021, 12, 16, 7),
        written_at=datetime(2022, 1, 10, 9),
    )
    assert longest_retention([late], SETTINGS, FORMS).earliest == date(2032, 1, 10)


def test_a_package_that_took_long_is_told_of_when_it_was_pressed_twice(
    office: ExportContext,
) -> None:
    sent(office, "AAAA01")
    pressed = utc_now()
    made = make_package(office, RUT, pressed)
    found = export_archive._list_packages(office, RUT)
    assert find_just_created(found, RUT, pressed + timedelta(seconds=0.3)) == made
    assert find_just_created(found, RUT, pressed + timedelta(minutes=1)) is None
    assert find_just_created(found, ANNA, pressed + timedelta(seconds=0.3)) is None
