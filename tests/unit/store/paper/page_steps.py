"""What the tests of pages do to a page."""

from __future__ import annotations

from dataclasses import replace

from pipeline.domain.model import Outcome, PageReading
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.store.entries.entry import Entry, list_sheet_entries
from pipeline.store.paper import pages
from pipeline.store.paper.pages import Page
from tests.support.store.ward import (
    ADMIN,
    EVA,
    NORTH,
    NOW,
    SOUTH,
    Ward,
)

FOREIGN = PageReading(Outcome.UNIDENTIFIED, issues=("no_code",))


BLANK = PageReading(Outcome.BLANK)


NORTHERN, SOUTHERN = (replace(ADMIN, units=frozenset({unit})) for unit in (NORTH, SOUTH))


def status(ward: Ward) -> dict[str, int]:
    """The counts, after checking that they add up."""
    with ward.store.read() as conn:
        found = pages.count_pages_by_state(conn)
    assert found["in"] == found["done"] + found["waiting"] + found["failed"]
    return found


def page(ward: Ward, page_id: str) -> Page:
    """One page."""
    with ward.store.read() as conn:
        return pages.load_page(conn, page_id)


def entries(ward: Ward, sheet: str) -> list[Entry]:
    """The entries of a sheet."""
    with ward.store.read() as conn:
        return list_sheet_entries(conn, sheet)


def decide_all(ward: Ward, sheet: str) -> None:
    """Reject what is open, so that the sheet is done."""
    for entry in entries(ward, sheet):
        with ward.store.begin() as conn:
            reject_entry(conn, EVA, Rejection(entry.id, entry.revision, "tom rad"), NOW)
