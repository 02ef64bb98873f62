"""Every PDF that leaves the program is PDF/A by a validator that is not ours, and sound by qpdf:
forms, packs, lists, what is sent and archived.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date, timedelta

import pikepdf
import pytest
from PIL import Image

from pipeline.domain import dates
from pipeline.domain.model import Client, Role
from pipeline.export.archive.sheets import PlacedText, SheetSide, sheet_pdf
from pipeline.export.fhir import document as sent_sheet
from pipeline.forms.letterhead import Letterhead
from pipeline.forms.printing import Sheet, print_sheets
from pipeline.preparation.form_editor.trial import print_trial_sheet
from pipeline.preparation.outage_pack.pack import make_pack
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.preparation.outage_pack.parts import PackOrder
from pipeline.registers.pack_quantities import SheetQuantity
from pipeline.reporting.audit import follow_up
from pipeline.reporting.audit.client_extract import make_client_extract, render_extract_pdf
from pipeline.reporting.author_questions import make_question_list
from pipeline.reporting.progress import make_progress_report
from pipeline.reporting.situation_print import situation_pdf
from pipeline.review.questions import Questions
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.registers import client_register
from pipeline.store.review import author_questions
from pipeline.store.schema.clock import utc_now
from tests.support.pages.form_choice import by_form
from tests.support.pages.logo import grey_logo
from tests.support.store.export_examples import ARNE, FORMS, MADE_AT, SIV, in_all_states, run, terms
from tests.support.store.targets import TARGETS
from tests.support.store.ward import ADMIN, ASTA, EVA, NORTH, NOW, SOUTH, Ward, person
from tests.support.store.ward import FORMS as WARD_FORMS
from tests.support.store.work import work
from tests.support.validators.pdf_validator import ARCHIVED, faults

pytest_plugins = ("tests.support.store.databases",)

PRINTED = [
    form.id
    for form in FORMS.values()
    if form is FORMS.latest(form.id) and not form.printed_elsewhere
]
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
        for seen in queue.open_claimed_entry(
            conn, WARD_FORMS, EVA, entry_id, queue.ClaimTerms(NOW)
        ).pages:
            queue.record_page_view(conn, EVA, seen.id)
        client_register.look_up_client(conn, EVA, ASTA.pid)
        work(Questions, conn, EVA, forms=WARD_FORMS).ask(entry_id, 0, ASKED, "")
    return ward


@pytest.mark.parametrize("form_id", by_form(PRINTED))
def test_every_form_is_printed_as_pdf_a(form_id: str) -> None:
    form = FORMS.latest(form_id)
    assert (
        faults(
            print_sheets(
                form,
                [Sheet("K7M3PX", "Norr"), Sheet("K7M3PY", "Norr", SIV)],
                letterhead=Letterhead("Kommunen", grey_logo(), DAY),
                printed_on=DAY,
            )
        )
        == []
    )


def test_a_trial_sheet_is() -> None:
    assert faults(print_trial_sheet(FORMS.latest("hsl-anteckning"), "Kommunen")) == []


def test_every_part_of_a_pack_is() -> None:
    clients = (
        Client(SIV.pid, SIV.name, "Norr"),
        Client(ARNE.pid, ARNE.name, "Norr", protected=True),
    )
    pack = make_pack(
        PackOrder(
            PackInfo("Norr", "Kommunen", DAY, grey_logo()),
            [SheetQuantity("hsl-anteckning", 1, 1), SheetQuantity("besokslista", 1)],
            clients,
        ),
        FORMS,
    )
    files = {name: data for name, data in pack.files.items() if name.endswith(".pdf")}
    assert len(files) > 4
    assert {name: found for name, data in files.items() if (found := faults(data))} == {}


@pytest.mark.parametrize("form_id", by_form(PRINTED))
def test_every_forms_list_to_key_in_is(form_id: str) -> None:
    found = in_all_states(FORMS.latest(form_id))
    assert (
        faults(TARGETS["skriv-in"].make(found, run("skriv-in", len(found)), terms("skriv-in")))
        == []
    )


def test_an_authors_list_of_questions_is(ward: Ward) -> None:
    with ward.store.read() as conn:
        asked = author_questions.list_questions(conn, EVA)
    assert asked
    assert (
        faults(make_question_list("Disa Penn", asked, WARD_FORMS, made_by="Eva Ek", made_at=NOW))
        == []
    )


def test_the_extract_of_the_log_is(ward: Ward) -> None:
    with ward.store.begin() as conn:
        days = follow_up.day_range(
            dates.today_in_sweden() - timedelta(days=1), dates.today_in_sweden() + timedelta(days=1)
        )
        found = make_client_extract(conn, LOGGER, ASTA.pid, *days, utc_now())
    assert found.lines
    assert faults(render_extract_pdf(found, "Kalix kommun")) == []


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_overview_is(language: str, ward: Ward) -> None:
    with ward.store.read() as conn:
        found = make_progress_report(conn, WARD_FORMS, ADMIN, NOW)
    assert faults(situation_pdf(found, "Kalix kommun", NOW, language)) == []


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_sheet_that_is_sent_is(mode: str) -> None:
    assert faults(sent_sheet.small_sheet_pdf([picture(mode), picture(mode)], ODD, MADE_AT)) == []


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_archived_sheet_is_and_its_words_can_be_searched(mode: str) -> None:
    sides = [
        SheetSide(
            picture(mode),
            210,
            297,
            (PlacedText((15, 46, 66, 8), SIV.pid), PlacedText((15, 100, 180, 80), ODD * 30, 14)),
        ),
        SheetSide(picture(mode), 148, 210, ()),
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


@pytest.mark.parametrize(
    ("spoil", "said"), [(_unembed, "FONT"), (_uncolour, "DEVICE"), (_script, "ACTION")]
)
def test_what_a_pdf_for_the_archive_must_not_be_is_noticed(
    spoil: Callable[[pikepdf.Pdf], None], said: str
) -> None:
    assert faults(_spoilt(lambda _: None)) == []
    assert any(said in fault for fault in faults(_spoilt(spoil)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: re.sub(
            rb"/Length (\d+)", lambda found: b"/Length %d" % (int(found[1]) - 9), data, count=1
        ),
        lambda data: data[: len(data) // 2],
        lambda data: data[: data.index(b"\nxref\n") + 30] + data[data.index(b"\nxref\n") + 40 :],
    ],
    ids=["a wrong length", "half a file", "a hole"],
)
def test_a_damaged_file_is_noticed(spoil: Callable[[bytes], bytes]) -> None:
    assert faults(spoil(_sheet()))
