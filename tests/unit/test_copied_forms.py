"""A form of two pages that somebody has photocopied and filled in: two papers with one serial."""

from __future__ import annotations

import pytest

from pipeline.model import EntryState, Outcome, PageReading, SheetCode
from pipeline.store import claims, decisions, pages, sheets
from pipeline.store.database import Store
from pipeline.store.entries import entry
from tests.ward import ADMIN, EVA, FORMS, NOTE, NOW, PLAN, SAID, Ward, answers, page_reading

pytest_plugins = ("tests.databases",)

OTHER = {**SAID, "text": "Ont i ryggen."}
OTHER_PLAN = {"plan": "Ring dottern."}


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def read(ward: Ward, *sides: int) -> list[str]:
    """Sides come in as they lie in the stack, of each the original first; what is a second scan is said to be of another paper."""
    said = {1: [SAID, OTHER], 2: [PLAN, OTHER_PLAN]}
    came = [ward.scan() for _ in sides]
    for page_id, side in zip(came, sides, strict=True):
        ward.read(page_id, page_reading(NOTE, "AAAA", said[side].pop(0), side))
    for page_id in came:
        with ward.store.begin() as conn:
            if pages.page(conn, page_id).sheet is None:
                sheets.settle_duplicate(conn, ADMIN, page_id, FORMS, same=False)
    return came


@pytest.mark.parametrize("order", [(1, 2, 1, 2), (1, 1, 2, 2)])
def test_a_half_whose_other_half_nobody_has_found_can_be_decided(ward: Ward, order: tuple[int, ...]) -> None:
    for page_id in read(ward, *order):
        with ward.store.begin() as conn:
            view = claims.open_entry(conn, FORMS, EVA, f"{pages.page(conn, page_id).sheet}-00", NOW)
            if view.entry.state is not EntryState.REVIEW:
                continue
            there = {one.page_no for one in view.pages}
            assert view.missing_pages == tuple(sorted({1, 2} - there))
            given = {field.spec.name for field in view.fields if field.open}
            kept = {name: one for name, one in answers({**SAID, **PLAN}).items() if name in given}
            decisions.save_answers(conn, FORMS, EVA, view.entry.id, view.entry.revision, kept, NOW)
            assert entry(conn, view.entry.id).state is not EntryState.REVIEW


def test_a_page_of_a_form_that_nobody_knows_misses_none(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, PageReading(Outcome.UNIDENTIFIED, SheetCode("okänd", 1, 2, 3, "BBBB"), problems=("unknown_form",)))
    with ward.store.read() as conn:
        assert sheets.missing_pages(conn, page_id) == ()
