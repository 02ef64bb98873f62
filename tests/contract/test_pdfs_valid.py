"""Every PDF that leaves the program is PDF/A by a validator that is not ours, and sound by qpdf: forms, packs, lists, what is sent and archived."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date, timedelta

import pikepdf
import pytest
from PIL import Image

from pipeline import swedish_time
from pipeline.archive.pdfa import Side, Words, sheet_pdf
from pipeline.audit import follow_up
from pipeline.audit.client_extract import client_extract
from pipeline.audit.extract_pdf import extract_pdf
from pipeline.export import TARGETS
from pipeline.export.fhir import sheet_pdf as sent_sheet
from pipeline.making.trial_sheet import trial_pdf
from pipeline.model import Client, Role
from pipeline.overview import overview
from pipeline.overview_pdf import overview_pdf
from pipeline.pack.make import make_pack
from pipeline.pack.numbers import Need
from pipeline.pack.parts import Order
from pipeline.pack.plain_page import About
from pipeline.printing import Sheet, print_sheets
from pipeline.question_list import question_list
from pipeline.store import claims, questions, registers
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from tests.export_examples import ARNE, FORMS, MADE_AT, SIV, in_all_states, run, terms
from tests.form_choice import by_form
from tests.pdf_validator import ARCHIVED, faults
from tests.ward import ADMIN, ASTA, EVA, NORTH, NOW, SOUTH, Ward, person
from tests.ward import FORMS as WARD_FORMS

pytest_plugins = ("tests.databases",)

PRINTED = [form.id for form in FORMS.values() if form is FORMS.latest(form.id) and not form.printed_elsewhere]
LOGGER = person("lo", Role.LOG_REVIEWER, (NORTH, SOUTH))
DAY = date(2026, 11, 25)
ASKED = "Rad <ett> & två\nåäö ﬁ 漢"
ODD = f"{ASKED} \x00"


def picture(mode: str = "L") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (420, 594), "white").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def ward(store: Store) -> Ward:
    """With a note that was looked at, and a question about it."""
    ward = Ward(store).begin()
    entry_id = ward.note("AAAA")
    with store.begin() as conn:
        for seen in claims.open_entry(conn, WARD_FORMS, EVA, entry_id, NOW).pages:
            claims.view_page(conn, EVA, seen.id)
        registers.look_up_client(conn, EVA, ASTA.pid)
        questions.ask_author(conn, WARD_FORMS, EVA, entry_id, 0, ASKED, "", NOW)
    return ward


@pytest.mark.parametrize("form_id", by_form(PRINTED))
def test_every_form_is_printed_as_pdf_a(form_id: str) -> None:
    form = FORMS.latest(form_id)
    assert faults(print_sheets(form, [Sheet("K7M3PX", "Norr"), Sheet("K7M3PY", "Norr", SIV)], organisation="Kommunen", printed_on=DAY)) == []


def test_a_trial_sheet_is() -> None:
    assert faults(trial_pdf(FORMS.latest("hsl-anteckning"), "Kommunen")) == []


def test_every_part_of_a_pack_is() -> None:
    clients = (Client(SIV.pid, SIV.name, "Norr"), Client(ARNE.pid, ARNE.name, "Norr", protected=True))
    pack = make_pack(Order(About("Norr", "Kommunen", DAY), [Need("hsl-anteckning", 1, 1), Need("besokslista", 1)], clients), FORMS)
    files = {name: data for name, data in pack.files.items() if name.endswith(".pdf")}
    assert len(files) > 4
    assert {name: found for name, data in files.items() if (found := faults(data))} == {}


@pytest.mark.parametrize("form_id", by_form(PRINTED))
def test_every_forms_list_to_key_in_is(form_id: str) -> None:
    found = in_all_states(form_id)
    assert faults(TARGETS["skriv-in"].make(found, run("skriv-in", len(found)), terms("skriv-in"))) == []


def test_an_authors_list_of_questions_is(ward: Ward) -> None:
    with ward.store.read() as conn:
        asked = questions.questions(conn, EVA)
    assert asked
    assert faults(question_list("Disa Penn", asked, WARD_FORMS, made_by="Eva Ek", made_at=NOW)) == []


def test_the_extract_of_the_log_is(ward: Ward) -> None:
    with ward.store.begin() as conn:
        days = follow_up.days(swedish_time.today() - timedelta(days=1), swedish_time.today() + timedelta(days=1))
        found = client_extract(conn, LOGGER, ASTA.pid, *days, utc_now())
    assert found.lines
    assert faults(extract_pdf(found, "Kalix kommun")) == []


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_overview_is(language: str, ward: Ward) -> None:
    with ward.store.read() as conn:
        found = overview(conn, ADMIN, NOW)
    assert faults(overview_pdf(found, "Kalix kommun", NOW, language)) == []


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_sheet_that_is_sent_is(mode: str) -> None:
    assert faults(sent_sheet.sheet_pdf([picture(mode), picture(mode)], ODD, MADE_AT)) == []


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_archived_sheet_is_and_its_words_can_be_searched(mode: str) -> None:
    sides = [
        Side(picture(mode), 210, 297, (Words((15, 46, 66, 8), SIV.pid), Words((15, 100, 180, 80), ODD * 30, 14))),
        Side(picture(mode), 148, 210, ()),
    ]
    assert faults(sheet_pdf(sides, ODD, "Gun Ek", MADE_AT), ARCHIVED) == []


def _sheet() -> bytes:
    return print_sheets(FORMS.latest("hsl-anteckning"), [Sheet("K7M3PX")], printed_on=DAY)


def _spoilt(spoil: Callable[[pikepdf.Pdf], None]) -> bytes:
    with pikepdf.open(io.BytesIO(_sheet())) as pdf:
        spoil(pdf)
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def _unembed(pdf: pikepdf.Pdf) -> None:
    for font in pdf.pages[0].resources.Font.values():
        del font.DescendantFonts[0].FontDescriptor["/FontFile2"]


def _uncolour(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.OutputIntents


def _script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


@pytest.mark.parametrize(("spoil", "said"), [(_unembed, "FONT"), (_uncolour, "DEVICE"), (_script, "ACTION")])
def test_what_a_pdf_for_the_archive_must_not_be_is_noticed(spoil: Callable[[pikepdf.Pdf], None], said: str) -> None:
    assert faults(_spoilt(lambda _: None)) == []
    assert any(said in fault for fault in faults(_spoilt(spoil)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: re.sub(rb"/Length (\d+)", lambda found: b"/Length %d" % (int(found[1]) - 9), data, count=1),
        lambda data: data[: len(data) // 2],
        lambda data: data[: data.index(b"\nxref\n") + 30] + data[data.index(b"\nxref\n") + 40 :],
    ],
    ids=["a wrong length", "half a file", "a hole"],
)
def test_a_damaged_file_is_noticed(spoil: Callable[[bytes], bytes]) -> None:
    assert faults(spoil(_sheet()))
