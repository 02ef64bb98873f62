"""A form of several pages is one entry, with pages in any order; a missing page is reported."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.domain.form.form import Depth, Form, Forms
from pipeline.domain.model import EntryState, Outcome, PageReading, Reading, SheetCode, State, Value
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT
from pipeline.review import decisions
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import list_sheet_entries, load_entry
from pipeline.store.entries.queue import ClaimTerms, open_claimed_entry
from pipeline.store.paper.page_lists import list_incomplete_sheets
from tests.support.store.ward import ADMIN, ASTA, EVA, NOW, Ward, later

pytest_plugins = ("tests.support.store.databases",)

SHIPPED = Forms.load(ROOT / "forms")
APPLICATION = SHIPPED.latest("ansokan-ekonomiskt").model_copy(update={"depth": Depth.FULL})
SHIPPED[APPLICATION.id, APPLICATION.version] = APPLICATION
SAID: Mapping[str, Value] = {
    "personnummer": ASTA.pid,
    "namn": ASTA.name,
    "manad": "202112",
    "civilstand": "ensamstaende",
    "konto": "0412345678",
    "lon_sokande": "4200",
    "inkomst_summa": "4200",
    "hyra": "6100",
    "utgift_summa": "6100",
    "handelsedatum": "2021-12-20",
    "skribent": ASTA.name,
    "underskrift": True,
}


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def read(ward: Ward, serial: str, page_no: int, form: Form = APPLICATION) -> None:
    """Import a page of a filled sheet."""
    fields = {
        spec.name: Reading(SAID[spec.name], 0.97, State.READ)
        if spec.name in SAID
        else Reading.empty(0.97)
        for spec in form.pages[page_no - 1].all_fields
    }
    code = SheetCode(form.id, form.version, page_no, len(form.pages), serial)
    ward.read(ward.scan(), PageReading(Outcome.READ, code, residual_mm=0.1, fields=fields), form)


def decide(ward: Ward, entry_id: str, minutes: int) -> EntryState:
    """Decide the entry with the pages that are present."""
    with ward.store.begin() as conn:
        view = open_claimed_entry(conn, SHIPPED, EVA, entry_id, ClaimTerms(later(minutes)))
        here = [
            field.spec.name for field in view.fields if field.is_open and field.page is not None
        ]
        given = {
            name: Answer(SAID[name]) if name in SAID else Answer(None, State.EMPTY) for name in here
        }
        return decisions.decide_entry(
            conn,
            SHIPPED,
            EVA,
            decisions.Decision(entry_id, view.entry.revision, given),
            later(minutes),
        )


def test_pages_in_any_order_become_one_entry(ward: Ward) -> None:
    for page_no in (3, 1, 2):
        read(ward, "AAAA", page_no)
    with ward.store.begin() as conn:
        assert [found.id for found in list_sheet_entries(conn, "AAAA")] == ["AAAA-00"]
        view = open_claimed_entry(conn, SHIPPED, EVA, "AAAA-00", ClaimTerms(NOW))
        assert [page.page_no for page in view.pages] == [1, 2, 3]
        assert view.missing_pages == ()
        assert list_incomplete_sheets(conn, ADMIN) == []
    assert decide(ward, "AAAA-00", 1) is EntryState.CONFIRMED
    with ward.store.read() as conn:
        decided = {name: one.answer.value for name, one in decided_answers(conn, "AAAA-00").items()}
    assert {name: decided[name] for name in SAID} == SAID


def test_missing_page_is_reported_and_reopens_entry_on_arrival(ward: Ward) -> None:
    read(ward, "AAAA", 1)
    read(ward, "AAAA", 3)
    with ward.store.begin() as conn:
        (sheet,) = list_incomplete_sheets(conn, ADMIN)
        assert (sheet.sheet, sheet.missing_pages) == ("AAAA", (2,))
        assert (
            "page_missing:2"
            in open_claimed_entry(conn, SHIPPED, EVA, "AAAA-00", ClaimTerms(NOW)).problems
        )
    assert (
        decide(ward, "AAAA-00", 1) is EntryState.CONFIRMED
    )  # what is missing has no numbers to add up
    read(ward, "AAAA", 2)
    with ward.store.read() as conn:
        assert load_entry(conn, "AAAA-00").state is EntryState.REVIEW
        assert list_incomplete_sheets(conn, ADMIN) == []
