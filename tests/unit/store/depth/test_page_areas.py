"""One page, several clients: each marked part is an entry that shows its own cut-out only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.model import EntryState, Outcome, PageReading, Reading, State, Value
from pipeline.review import decisions
from pipeline.review.attachments import Attachments, PageArea
from pipeline.review.transfers import Transfers
from pipeline.store.database.image_store import find_file_uses, list_named_files
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.attached_pages import list_parts
from pipeline.store.entries.entry import list_sheet_entries
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.exports.records import load_records
from pipeline.store.paper.pages import count_pages_by_state
from tests.support.store.ward import (
    ASTA,
    BROR,
    CILLA,
    EVA,
    FORMS,
    NILS,
    NOW,
    SAID,
    SOFIA,
    SOUTH,
    Ward,
    answers,
    later,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
TOP = PageArea(0.1, 0.1, 0.8, 0.3, "a" * 64)
BOTTOM = PageArea(0.1, 0.5, 0.8, 0.3, "b" * 64)


@contextmanager
def refused(key: str) -> Iterator[None]:
    """What the person is told when this is refused."""
    with pytest.raises(ReviewError) as error:
        yield
    assert error.value.key == f"error.{key}"


def board(store: Store) -> tuple[Ward, str]:
    """A photo of a whiteboard that the machine has read as one note."""
    ward = Ward(store).begin()
    page = ward.scan()
    note = {"text": Reading("Asta sov. Bror föll.", 0.6, State.READ)}
    ward.read(page, PageReading(Outcome.UNIDENTIFIED, fields=note))
    return ward, page


def split(ward: Ward, page: str, *areas: PageArea) -> list[str]:
    with ward.store.begin() as conn:
        return work(Attachments, conn, EVA).split(page, areas or (TOP, BOTTOM))


def decide(ward: Ward, entry_id: str, pid: str) -> EntryState:
    said: dict[str, Value] = {"tid": None, "text": None, **SAID, "pnr": pid, "namn": None}
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, EVA, entry_id, queue.ClaimTerms(NOW))
        return decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision(entry_id, 0, answers(said)), NOW
        )


def test_each_part_is_an_entry_with_its_own_picture_and_no_reading(store: Store) -> None:
    ward, page = board(store)
    first, second = split(ward, page)
    with store.read() as conn:
        assert [entry.id for entry in list_sheet_entries(conn, page)] == [first, second]
        view = load_entry_view(conn, FORMS, EVA, second)
    assert [one.image_sha256 for one in view.pages] == [BOTTOM.image_sha256]
    assert all(field.reading is None for field in view.fields)


def test_cut_outs_are_files_that_have_to_be_there(store: Store) -> None:
    """So they are checked, backed up and restored with all others."""
    split(*board(store))
    with store.read() as conn:
        assert {TOP.image_sha256, BOTTOM.image_sha256} <= set(list_named_files(conn))
        (use,) = find_file_uses(conn, TOP.image_sha256)
    assert use.startswith("page_area ")


def test_the_page_is_done_when_all_its_parts_are(store: Store) -> None:
    ward, page = board(store)
    first, second = split(ward, page)
    decide(ward, first, ASTA.pid)
    with store.read() as conn:
        assert count_pages_by_state(conn)["waiting"] == 1
    decide(ward, second, BROR.pid)
    with store.begin() as conn:
        conn.exec_driver_sql("UPDATE entry SET state = 'bekräftad'")
        assert count_pages_by_state(conn)["done"] == 1
        records = load_records(conn, FORMS, [first, second])
    assert [(one.client.pid, one.pages) for one in records] == [
        (ASTA.pid, (TOP.image_sha256,)),
        (BROR.pid, (BOTTOM.image_sha256,)),
    ]


def test_a_part_that_is_sent_on_takes_no_other_part_along(store: Store) -> None:
    ward, page = board(store)
    first, second = split(ward, page)
    with store.begin() as conn:
        work(Transfers, conn, EVA).send(second, 0, SOUTH, "")
        queue.record_page_view(conn, SOFIA, page)
        view = load_entry_view(conn, FORMS, SOFIA, second)
        assert [one.image_sha256 for one in view.pages] == [BOTTOM.image_sha256]
    with pytest.raises(NotAllowedError), store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, SOFIA, first, queue.ClaimTerms(NOW))


def test_a_protected_client_hides_the_own_part_only(store: Store) -> None:
    ward, page = board(store)
    first, second = split(ward, page)
    decide(ward, first, CILLA.pid)
    with store.begin() as conn:
        conn.exec_driver_sql(f"UPDATE client SET protected = true WHERE pid = '{CILLA.pid}'")
        conn.exec_driver_sql(f"UPDATE entry SET client_pid = '{CILLA.pid}' WHERE id = '{first}'")
        hidden, shown = (load_entry_view(conn, FORMS, NILS, one) for one in (first, second))
    assert (hidden.is_hidden, shown.is_hidden) == (True, False)
    assert hidden.covered.boxes[page]
    assert not shown.covered.boxes


def test_further_parts_can_be_marked(store: Store) -> None:
    ward, page = board(store)
    split(ward, page, TOP)
    assert split(ward, page, BOTTOM) == [f"{page}-02"]
    with store.read() as conn:
        assert list(list_parts(conn, page)) == [1, 2]


def test_a_split_is_undone_while_nobody_has_begun(store: Store) -> None:
    ward, page = board(store)
    split(ward, page)
    with store.begin() as conn:
        work(Attachments, conn, EVA, later(1)).join(page)
        assert [entry.row for entry in list_sheet_entries(conn, page)] == [None]
    assert split(ward, page, TOP) == [f"{page}-03"]


def test_a_split_is_not_undone_once_a_part_is_decided(store: Store) -> None:
    ward, page = board(store)
    first, _ = split(ward, page)
    decide(ward, first, ASTA.pid)
    with refused("page_part_begun"), store.begin() as conn:
        work(Attachments, conn, EVA, later(1)).join(page)


@pytest.mark.parametrize(
    ("areas", "key"),
    [
        ((), "page_no_parts"),
        ((PageArea(0.5, 0.5, 0.6, 0.2, "c" * 64),), "page_part_size"),
        ((PageArea(0.5, 0.5, 0.001, 0.2, "c" * 64),), "page_part_size"),
    ],
)
def test_a_wrong_area_splits_nothing(store: Store, areas: tuple[PageArea, ...], key: str) -> None:
    _, page = board(store)
    with refused(key), store.begin() as conn:
        work(Attachments, conn, EVA).split(page, areas)


def test_another_unit_splits_nothing(store: Store) -> None:
    _, page = board(store)
    with pytest.raises(NotAllowedError), store.begin() as conn:
        work(Attachments, conn, SOFIA).split(page, (TOP,))
