"""ERMS: the package of a run, its files with checksums, and the organisation's plan."""

from __future__ import annotations

import hashlib
import io
import subprocess
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Client
from pipeline.domain.record import CareProvider, Record, RecordAttachment
from pipeline.domain.settings import ROOT
from pipeline.export.authorities.erms.classification import ClassificationPlan, load_plan
from pipeline.export.authorities.erms.elements import ERMS_NS
from pipeline.export.exporter import ExportOptions
from tests.support.pages.small_pages import foreign_page
from tests.support.shared_data import shared
from tests.support.store.export_examples import FORMS, SIV, items, record, run, stamp, terms, unzip
from tests.support.store.targets import TARGETS
from tests.support.validators.pdf_validator import faults

NS = {"e": ERMS_NS}
FORM = FORMS.latest("inkommen-handling")
NOBODY = Client("", "", "Norr")
PICTURE = RecordAttachment("Bilaga A", "2021-12-17", "attached")


def registered_page() -> bytes:
    """A page registered to its form, 8 px/mm, whose row of pixels i is grey i % 251."""
    rows = (np.arange(2376) % 251).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(np.tile(rows[:, None], 1680)).save(out, "PNG")
    return out.getvalue()


def with_images(page: bytes | None = None) -> ExportOptions:
    images = {"page": page or foreign_page(1), "attached": foreign_page(2)}
    return replace(terms("erms"), load_image=images.__getitem__)


def letter(row: int = 1, **other: Any) -> Record:  # noqa: ANN401
    said = {"arende": "Klagomål", "avsandare": "Elsa Ek", "slag": "5", "mottagare": "Nämnden"}
    facts: dict[str, Any] = {
        "client": NOBODY,
        "version": FORM.version,
        "row": row,
        "entry_id": f"K7M3PX-{row:02d}",
        "pages": ("page",),
    }
    return record(FORM.id, said, **facts | other)


def meeting(**other: Any) -> Record:  # noqa: ANN401
    facts: dict[str, Any] = {"client": NOBODY, "pages": ("page",)}
    return record("krisledningsmote", **facts | other)


def package(*records: Record, options: ExportOptions | None = None) -> dict[str, bytes]:
    made = TARGETS["erms"].make(items(*records), run("erms"), options or with_images())
    return unzip(made)


def texts(data: bytes, path: str) -> list[str]:
    found = etree.fromstring(data).xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [each if isinstance(each, str) else getattr(each, "text", "") or "" for each in found]


def test_a_sheet_and_its_attachments_are_files_of_their_record() -> None:
    files = package(meeting(attachments=(PICTURE,)))
    folder = f"filer/{meeting().entry_id}"
    assert list(files) == ["erms.xml", f"{folder}/1.pdf", f"{folder}/2.pdf", "SHA256SUMS"]
    told = files["erms.xml"]
    assert texts(told, "//e:appendix/@path") == [f"{folder}/1.pdf", f"{folder}/2.pdf"]
    assert texts(told, "//e:appendix/@name")[1] == "Bilaga A, 2021-12-17"
    assert texts(told, "//e:record/@recordPhysicalOrDigital") == ["physcical_and_digital"]
    assert texts(told, "//e:appendix/@description") == [
        f"SHA-256 {hashlib.sha256(files[f'{folder}/{number}.pdf']).hexdigest()}"
        for number in (1, 2)
    ]


def test_the_checksums_are_confirmed_by_sha256sum(tmp_path: Path) -> None:
    for name, data in package(meeting()).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "erms.xml").write_bytes(b"spoilt")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_the_files_are_pdf_for_archives() -> None:
    files = package(
        meeting(attachments=(PICTURE,)), letter(), options=with_images(registered_page())
    )
    papers = [data for name, data in files.items() if name.endswith(".pdf")]
    assert len(papers) == 3
    assert [faults(data) for data in papers] == [[], [], []]


@pytest.mark.shared
@pytest.mark.parametrize(
    "each",
    [
        meeting(attachments=(PICTURE,)),
        letter(),
        letter(signed=replace(stamp("Eva Lind", 11), hsa_id="SE2120002692-B2")),
        letter(client=replace(SIV, protected=True)),
        meeting(voided="fel person", revision=2),
    ],
    ids=["attachment", "not cut", "signed", "protected", "void"],
)
def test_is_valid_with_files_plan_and_people(each: Record) -> None:
    schema = etree.XMLSchema(etree.parse(shared("schemas", "erms", "ERMS.xsd")))
    schema.assertValid(etree.fromstring(package(each)["erms.xml"]))


def test_a_row_is_cut_from_its_sheet_and_shows_no_other_document() -> None:
    page, spans = FORM.pages[0], dict[int, tuple[float, float]]()
    for row in (1, 2):
        boxes = [spec.box for spec in page.all_fields if spec.row == row]
        spans[row] = min(box[1] for box in boxes), max(box[1] + box[3] for box in boxes)
    shown = {}
    for row in (1, 2):
        (paper,) = (
            data
            for name, data in package(letter(row), options=with_images(registered_page())).items()
            if name.endswith(".pdf")
        )
        shown[row] = _height_mm(paper)
    for row, (top, bottom) in spans.items():
        assert bottom - top <= shown[row] <= bottom - top + 6.5
    assert shown[1] < spans[2][1] - spans[1][0], "it stops short of the next row"


def _height_mm(pdf: bytes) -> float:
    told = subprocess.run(["pdfinfo", "-"], input=pdf, capture_output=True, check=True).stdout
    (line,) = (line for line in told.decode().splitlines() if line.startswith("Page size"))
    return float(line.split()[4]) * 25.4 / 72


@pytest.mark.parametrize(
    ("each", "word"),
    [(letter(), "andra handlingar"), (meeting(client=replace(SIV, protected=True)), "skyddade")],
    ids=["unregistered sheet of rows", "protected identity"],
)
def test_a_paper_that_would_show_too_much_stays_here_and_that_is_said(
    each: Record, word: str
) -> None:
    files = package(each)
    assert list(files) == ["erms.xml", "SHA256SUMS"]
    assert word in " ".join(texts(files["erms.xml"], "//e:note[@noteType='Papperet']"))
    assert texts(files["erms.xml"], "//e:record/@recordPhysicalOrDigital") == ["physical"]


def test_a_void_document_has_no_file_and_says_nothing_of_one() -> None:
    files = package(meeting(voided="fel person", revision=2))
    assert list(files) == ["erms.xml", "SHA256SUMS"]
    assert not texts(files["erms.xml"], "//e:note[@noteType='Papperet']")


def test_documents_of_several_care_providers_are_deliveries_of_their_own() -> None:
    other = CareProvider("Omsorg & Vård AB", "", "556000-0000")
    files = package(meeting(), meeting(entry_id="K7M3PY-00", provider=other))
    folders = {name.partition("/")[0] for name in files} - {"SHA256SUMS"}
    assert folders == {"1-Kalix-kommun", "2-Omsorg-Vård-AB"}
    told = files["2-Omsorg-Vård-AB/erms.xml"]
    assert texts(told, "//e:control/e:identification")[:2] == [other.name, "556000-0000"]
    assert texts(told, "//e:record/e:objectId") == ["K7M3PY-00"]
    assert texts(files["1-Kalix-kommun/erms.xml"], "//e:record/e:objectId") == [meeting().entry_id]
    (path,) = texts(told, "//e:appendix/@path")
    assert f"2-Omsorg-Vård-AB/{path}" in files


def test_everyone_has_their_role() -> None:
    told = package(letter(signed=stamp("Eva Lind", 11)))["erms.xml"]
    roles = {
        name: (kind, role)
        for name, kind, role in zip(
            texts(told, "//e:agents/e:agent/e:name"),
            texts(told, "//e:agents/e:agent/@agentType"),
            ["sjuksköterska", "", "", *texts(told, "//e:agents/e:agent/e:role")[1:]],
            strict=True,
        )
    }
    assert roles == {
        "Gun Ek": ("creator", "sjuksköterska"),
        "Elsa Ek": ("sender", ""),
        "Nämnden": ("receiver", ""),
        "Bo Alm": ("other", "skannade papperet"),
        "Anna Öst": ("other", "registrerade"),
        "Per Åhs": ("other", "kontrollerade"),
        "Eva Lind": ("main_signatory", "signerade"),
    }


def test_people_have_the_hsa_ids_of_the_registers() -> None:
    ids: dict[str, Any] = {
        "author_hsa_id": "SE2120002692-A1",
        "entered": replace(stamp("Anna Öst"), hsa_id="SE2120002692-B2"),
    }
    told = package(letter(**ids))["erms.xml"]
    path = "//e:agent[e:name='{}']/e:idNumber[@idNumberType='HSA-id']"
    assert texts(told, path.format("Gun Ek")) == ["SE2120002692-A1"]
    assert texts(told, path.format("Anna Öst")) == ["SE2120002692-B2"]
    assert not texts(told, path.format("Per Åhs"))


def test_class_and_type_come_from_the_plan_and_an_example_is_said_to_be_one() -> None:
    told = package(letter(), meeting())["erms.xml"]
    assert texts(told, "//e:record/@recordType") == ["Klagomål", "Minnesanteckningar"]
    assert texts(told, "//e:classification/@classificationCode") == ["EX1", "EX2"]
    assert all(name.startswith("EXEMPEL: ") for name in texts(told, "//e:classification"))
    assert texts(told, "//e:control//e:p") == ["EXEMPEL: Klassificeringsplan, version 1"]


PLAN = """
about: Vår plan
name: Plan för Kalix
example: false
source: KF 2020-06-15 § 72
plan_versions:
  - {version: A, from: 2015-01-01, classes: [{code: "1.1", name: Förr}],
     forms: {krisledningsmote: {classification: "1.1", document_type: {otherwise: Protokoll}}}}
  - {version: B, from: 2021-12-17, classes: [{code: "2.4", name: Nu}],
     forms: {krisledningsmote: {classification: "2.4", document_type: {otherwise: Anteckning}}}}
"""


def own_plan(folder: Path, text: str = PLAN) -> ExportOptions:
    """Options with a plan in the workspace's own folder of forms."""
    (folder / "forms").mkdir(exist_ok=True)
    (folder / "forms" / "classification.yaml").write_text(text, "utf-8")
    options = with_images()
    return replace(options, settings=options.settings.model_copy(update={"workspace": folder}))


@pytest.mark.parametrize(
    ("day", "code", "kind", "version"),
    [(16, "1.1", "Protokoll", "A"), (17, "2.4", "Anteckning", "B")],
)
def test_the_plan_in_force_on_the_documents_day_classifies_it(
    day: int, code: str, kind: str, version: str, tmp_path: Path
) -> None:
    each = meeting(event_at=datetime(2021, 12, day, 8))
    told = package(each, options=own_plan(tmp_path))["erms.xml"]
    assert texts(told, "//e:classification/@classificationCode") == [code]
    assert texts(told, "//e:record/@recordType") == [kind]
    assert texts(told, "//e:control//e:p") == [
        f"Plan för Kalix, version {version}, KF 2020-06-15 § 72"
    ]


def test_a_document_from_before_the_plan_has_no_class(tmp_path: Path) -> None:
    each = meeting(event_at=datetime(2014, 12, 31, 8))
    told = package(each, options=own_plan(tmp_path))["erms.xml"]
    assert not texts(told, "//e:classification | //e:classificationSchema")


def test_a_class_that_the_plan_lacks_is_an_error_that_names_it(tmp_path: Path) -> None:
    wrong = PLAN.replace('classification: "1.1"', 'classification: "9.9"')
    with pytest.raises(ExportError, match=r"class 9\.9"):
        load_plan(own_plan(tmp_path, wrong).settings)


def test_the_plan_of_the_program_is_an_example() -> None:
    plan = load_plan(terms("erms").settings.model_copy(update={"workspace": ROOT / "nowhere"}))
    assert isinstance(plan, ClassificationPlan)
    assert plan.example
    assert plan.plan_versions[0].valid_from < date(2021, 1, 1)
