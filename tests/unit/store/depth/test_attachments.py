"""Attachments: pages that go with an entry, with a title and a day, and are never typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.domain.errors import NotAllowedError, ReviewError, StaleDecisionError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, IssuedSheet, Outcome, PageReading, Value
from pipeline.domain.record import TypedPart
from pipeline.domain.review.attachment_title import AttachmentChoice
from pipeline.domain.settings import ROOT
from pipeline.review import decisions
from pipeline.review.attachments import Attachments
from pipeline.review.transfers import Transfers
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.attached_pages import (
    find_sheet_before,
    list_attached_pages,
    list_followers,
)
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.exports.records import load_records
from pipeline.store.paper.page_lists import list_problem_pages
from pipeline.store.paper.pages import count_pages_by_state, list_sheet_pages, load_page
from tests.support.rights.things_found import confirm
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    SOFIA,
    SOUTH,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
ALL_FORMS = Forms(FORMS | {("bilaga", 1): Forms.load(ROOT / "forms").latest("bilaga")})
NOTE_ID, OTHER_ID = "AAAA-00", "BBBB-00"


@pytest.fixture
def ward(store: Store) -> Ward:
    """A stack: a note, two loose pages around a blank one, another note, one loose page."""
    ward = Ward(store).begin()
    ward.issue(*(IssuedSheet(serial, NOTE.id, 1, NORTH) for serial in ("AAAA", "BBBB")))
    ward.note("AAAA")
    loose(ward)
    ward.read(ward.scan(), PageReading(Outcome.BLANK))
    loose(ward)
    ward.note("BBBB")
    loose(ward)
    return ward


def loose(ward: Ward) -> str:
    page = ward.scan()
    ward.read(page, PageReading(Outcome.UNIDENTIFIED))
    return page


def proposed(ward: Ward, entry_id: str = NOTE_ID) -> list[str]:
    with ward.store.read() as conn:
        entry = load_entry(conn, entry_id)
        return [page.id for page in work(Attachments, conn, EVA).list_proposed_pages(entry)]


def attach(ward: Ward, pages: list[str], entry_id: str = NOTE_ID) -> None:
    choices = [
        AttachmentChoice(page, f"Hyresavi {place}", "2026-02-01")
        for place, page in enumerate(pages, 1)
    ]
    with ward.store.begin() as conn:
        work(Attachments, conn, EVA, forms=ALL_FORMS).attach(entry_id, choices)


@contextmanager
def refused(key: str) -> Iterator[None]:
    """What the person is told when this is refused."""
    with pytest.raises(ReviewError) as error:
        yield
    assert error.value.key == f"error.{key}"


def titles(ward: Ward, sheet: str = "AAAA") -> list[str]:
    with ward.store.read() as conn:
        return [one.title for one in list_attached_pages(conn, sheet)]


def counts(ward: Ward) -> dict[str, int]:
    with ward.store.read() as conn:
        return count_pages_by_state(conn)


def test_the_loose_pages_up_to_the_next_form_are_proposed(ward: Ward) -> None:
    assert len(proposed(ward)) == 2
    assert len(proposed(ward, OTHER_ID)) == 1


def test_a_page_that_is_not_read_yet_ends_the_proposal(ward: Ward) -> None:
    ward.scan()
    loose(ward)
    assert len(proposed(ward, OTHER_ID)) == 1


def test_the_sheet_before_a_loose_page_is_known(ward: Ward) -> None:
    with ward.store.read() as conn:
        (page, _) = list_followers(conn, list_sheet_pages(conn, "AAAA"))
        assert find_sheet_before(conn, page) == "AAAA"


def test_attached_pages_are_no_problem_and_done_with_their_entry(ward: Ward) -> None:
    attach(ward, proposed(ward))
    with ward.store.read() as conn:
        assert len(list_problem_pages(conn, ADMIN)) == 1
        view = load_entry_view(conn, FORMS, EVA, NOTE_ID)
    assert [one.title for one in view.attachments] == ["Hyresavi 1", "Hyresavi 2"]
    assert len(view.pages) == 2
    # Two pages of the other note and its loose page wait, and the note with its attachments
    assert counts(ward) == {"in": 8, "done": 1, "waiting": 7, "failed": 0}
    confirm(ward.store, NOTE_ID, EVA)
    assert counts(ward) == {"in": 8, "done": 5, "waiting": 3, "failed": 0}


def test_a_record_names_its_attachments_and_no_page_twice(ward: Ward) -> None:
    attach(ward, proposed(ward))
    confirm(ward.store, NOTE_ID, EVA)
    with ward.store.read() as conn:
        (record,) = load_records(conn, FORMS, [NOTE_ID])
    assert [(one.title, one.day) for one in record.attachments] == [
        ("Hyresavi 1", "2026-02-01"),
        ("Hyresavi 2", "2026-02-01"),
    ]
    assert len(record.pages) == 2
    assert not {one.picture for one in record.attachments} & set(record.pages)
    assert record.typed is TypedPart.WHOLE


def test_a_page_can_be_taken_off_and_attached_again(ward: Ward) -> None:
    (first, second) = proposed(ward)
    attach(ward, [first, second])
    with ward.store.begin() as conn:
        work(Attachments, conn, EVA, later(1), forms=ALL_FORMS).detach([first])
        entry = load_entry(conn, f"{first}-00")
    assert (entry.state, entry.form, entry.unit) == (EntryState.REVIEW, "fri-anteckning", NORTH)
    assert titles(ward) == ["Hyresavi 2"]
    attach(ward, [first])
    assert titles(ward) == ["Hyresavi 2", "Hyresavi 1"]


def test_a_page_can_be_moved_to_another_entry(ward: Ward) -> None:
    attach(ward, proposed(ward))
    with ward.store.begin() as conn:
        page = list_attached_pages(conn, "AAAA")[0].page.id
        work(Attachments, conn, EVA, later(1), forms=ALL_FORMS).attach(OTHER_ID, (), moved=[page])
    assert (titles(ward), titles(ward, "BBBB")) == (["Hyresavi 2"], ["Hyresavi 1"])


@pytest.mark.parametrize(
    ("title", "day", "key"),
    [(" ", "", "attachment_no_title"), ("Avi", "2026-02-31", "attachment_no_day")],
)
def test_a_wrong_title_or_day_attaches_nothing(ward: Ward, title: str, day: str, key: str) -> None:
    choices = [AttachmentChoice(proposed(ward)[0], title, day)]
    with refused(key), ward.store.begin() as conn:
        work(Attachments, conn, EVA, forms=ALL_FORMS).attach(NOTE_ID, choices)
    assert len(proposed(ward)) == 2


def test_an_attachment_moves_with_its_entry_to_another_unit(ward: Ward) -> None:
    (page, _) = proposed(ward)
    attach(ward, [page])
    with ward.store.begin() as conn:
        work(Transfers, conn, EVA).send(NOTE_ID, 0, SOUTH, "")
        assert load_page(conn, page).unit == SOUTH
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        queue.record_page_view(conn, EVA, page)


def test_a_person_of_another_unit_attaches_nothing(ward: Ward) -> None:
    choices = [AttachmentChoice(proposed(ward)[0], "Avi", "")]
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        work(Attachments, conn, SOFIA, forms=ALL_FORMS).attach(NOTE_ID, choices)


def test_a_page_that_a_colleague_has_open_is_not_taken(ward: Ward) -> None:
    (page, _) = proposed(ward)
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, NILS, f"{page}-00", queue.ClaimTerms(NOW))
    assert page not in proposed(ward)
    with refused("page_not_loose"):
        attach(ward, [page])


def test_a_sent_entry_neither_gets_nor_loses_an_attachment(ward: Ward) -> None:
    (first, second) = proposed(ward)
    attach(ward, [first])
    confirm(ward.store, NOTE_ID, EVA)
    ward.export(NOTE_ID)
    with refused("entry_takes_no_pages"):
        attach(ward, [second])
    with refused("entry_takes_no_pages"), ward.store.begin() as conn:
        work(Attachments, conn, EVA, later(1), forms=ALL_FORMS).detach([first])


def test_a_row_among_others_takes_no_attachment(ward: Ward) -> None:
    ward.issue(IssuedSheet("CCCC", VISITS.id, 1, NORTH))
    said: dict[str, Value] = {"datum": "2026-02-17", "rad01.pnr": ASTA.pid, "rad01.mat": True}
    ward.read(ward.scan(), page_reading(VISITS, "CCCC", said))
    page = loose(ward)
    with refused("entry_takes_no_pages"):
        attach(ward, [page], "CCCC-01")


def test_the_sheets_of_a_client_are_found_and_the_search_is_recorded(ward: Ward) -> None:
    with ward.store.begin() as conn:
        sheets = work(Attachments, conn, EVA).find_client_sheets(ASTA.pid)
        found = work(Attachments, conn, EVA).find_entries(sheets)
    assert {entry.id for entry in found} == {NOTE_ID, OTHER_ID}


def test_a_loose_page_becomes_an_attachment_of_its_own_with_three_answers(ward: Ward) -> None:
    entry_id = f"{proposed(ward)[0]}-00"
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, ALL_FORMS, EVA, entry_id, queue.ClaimTerms(NOW))
        work(Attachments, conn, EVA, forms=ALL_FORMS).set_own(entry_id, 0, on=True)
        view = load_entry_view(conn, ALL_FORMS, EVA, entry_id)
        asked = [field.spec.name for field in view.fields if field.is_open]
        said = {"personnummer": ASTA.pid, "titel": "Hyresavi", "handelsedatum": "2026-02-01"}
        state = decisions.decide_entry(
            conn, ALL_FORMS, EVA, decisions.Decision(entry_id, 1, answers(said)), NOW
        )
        (record,) = (
            load_records(conn, ALL_FORMS, [entry_id]) if state is EntryState.CONFIRMED else (None,)
        )
    assert asked == ["personnummer", "titel", "handelsedatum"]
    assert state is EntryState.CONFIRMED
    assert record is not None
    assert (record.client.pid, record.typed) == (ASTA.pid, TypedPart.HEAD)


def test_an_attachment_of_its_own_can_be_typed_after_all(ward: Ward) -> None:
    entry_id = f"{proposed(ward)[0]}-00"
    with ward.store.begin() as conn:
        work(Attachments, conn, EVA, forms=ALL_FORMS).set_own(entry_id, 0, on=True)
        work(Attachments, conn, EVA, forms=ALL_FORMS).set_own(entry_id, 1, on=False)
        assert load_entry(conn, entry_id).form == "fri-anteckning"
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        work(Attachments, conn, EVA, forms=ALL_FORMS).set_own(entry_id, 0, on=True)
