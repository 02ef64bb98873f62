"""A failed page is closed by a person with a reason: the backlog can reach zero."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import CloseReason
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import list_events
from pipeline.store.paper import page_lists, pages
from pipeline.store.reports.backlog import load_backlog
from pipeline.store.reports.progress import count_pages_by_form
from tests.support.store.ward import ADMIN, EVA, NORTH, NOW, SOUTH, Ward
from tests.unit.store.paper.page_steps import BLANK, status

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


@pytest.fixture
def failed(ward: Ward) -> str:
    """A page that cannot be read."""
    page_id = ward.scan()
    with ward.store.begin() as conn:
        pages.mark_page_failed(conn, page_id, "broken_file")
    return page_id


def close(ward: Ward, page_id: str, reason: CloseReason, other: str = "") -> None:
    with ward.store.begin() as conn:
        page_lists.close_failed_page(conn, ADMIN, page_id, reason, NOW, other)


@pytest.mark.parametrize("reason", [CloseReason.EMPTY, CloseReason.NOT_OURS, CloseReason.NOT_PAPER])
def test_a_closed_page_leaves_every_figure_of_what_is_left(
    ward: Ward, failed: str, reason: CloseReason
) -> None:
    assert status(ward) == {"in": 1, "done": 0, "waiting": 0, "failed": 1}
    close(ward, failed, reason)
    assert status(ward) == {"in": 1, "done": 1, "waiting": 0, "failed": 0}
    with ward.store.begin() as conn:
        (count,) = count_pages_by_form(conn, {NORTH})
        assert (count.done, count.waiting, count.failed) == (1, 0, 0)
        assert load_backlog(conn, ADMIN).unknown == 0
        assert page_lists.list_problem_pages(conn, ADMIN) == []
        # Still countable, with its reason
        assert [page.id for page in page_lists.list_closed_pages(conn, ADMIN)] == [failed]
        closure = page_lists.find_closure(conn, failed)
    assert closure is not None
    assert (closure.reason, closure.by) == (reason, ADMIN.login)


def test_closing_is_logged_and_can_be_undone(ward: Ward, failed: str) -> None:
    close(ward, failed, CloseReason.EMPTY)
    with ward.store.begin() as conn:
        page_lists.reopen_closed_page(conn, ADMIN, failed, NOW)
        with pytest.raises(UsageError, match="not closed"):
            page_lists.reopen_closed_page(conn, ADMIN, failed, NOW)
        actions = [event.action for event in list_events(conn, failed)]
    assert actions[-2:] == ["close_page", "reopen_page"]
    assert status(ward)["failed"] == 1
    close(ward, failed, CloseReason.EMPTY)
    assert status(ward)["failed"] == 0


def test_scanned_again_names_a_page_that_can_be_read(ward: Ward, failed: str) -> None:
    again = ward.scan()
    for other in ("", failed, "finns-inte", ward.batch):
        with pytest.raises(UsageError, match="scanned again"):
            close(ward, failed, CloseReason.SCANNED_AGAIN, other)
    close(ward, failed, CloseReason.SCANNED_AGAIN, again)
    with ward.store.read() as conn:
        closure = page_lists.find_closure(conn, failed)
    assert closure is not None
    assert closure.other == again


def test_only_a_failed_page_is_closed_once_and_by_who_handles_problems(
    ward: Ward, failed: str
) -> None:
    with ward.store.begin() as conn, pytest.raises(NotAllowedError):
        page_lists.close_failed_page(conn, EVA, failed, CloseReason.EMPTY, NOW)
    close(ward, failed, CloseReason.EMPTY)
    for page_id in (failed, ward.scan()):
        with pytest.raises(UsageError, match="not failed"):
            close(ward, page_id, CloseReason.EMPTY)


def test_a_closed_page_is_not_read_again_before_it_is_opened(ward: Ward, failed: str) -> None:
    close(ward, failed, CloseReason.EMPTY)
    with ward.store.begin() as conn:
        page_lists.requeue_page(conn, ADMIN, failed)
    assert status(ward) == {"in": 1, "done": 1, "waiting": 0, "failed": 0}


def test_a_page_may_have_been_scanned_again_as_a_later_one_of_its_unit(
    ward: Ward, failed: str
) -> None:
    blank, later, broken = ward.scan(), ward.scan(), ward.scan()
    with ward.store.begin() as conn:
        elsewhere = pages.create_batch(conn, SOUTH, "", "admin")
    ward.scan(batch=elsewhere)
    ward.read(blank, BLANK)
    with ward.store.begin() as conn:
        pages.mark_page_failed(conn, broken, "broken_file")
        assert [one.id for one in page_lists.list_new_scans(conn, ADMIN, failed)] == [later]
        assert page_lists.list_new_scans(conn, ADMIN, broken) == []
        with pytest.raises(NotAllowedError):
            page_lists.list_new_scans(conn, EVA, failed)


def test_the_log_tells_the_new_scan(ward: Ward, failed: str) -> None:
    later = ward.scan()
    close(ward, failed, CloseReason.SCANNED_AGAIN, later)
    with ward.store.read() as conn:
        closed = list_events(conn, failed)[-1]
        closure = page_lists.find_closure(conn, failed)
        assert closure is not None
        new_scan = page_lists.find_new_scan(conn, closure)
    assert closed.detail == {"reason": "scanned_again", "new_scan": later}
    assert new_scan is not None
    assert new_scan.id == later
