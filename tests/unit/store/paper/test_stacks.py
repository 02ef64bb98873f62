"""The counts of a stack, asked for in one query of the latest stacks, and the pace of reading."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import CloseReason
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.store.database.store import Store
from pipeline.store.paper import page_lists, pages, workers
from pipeline.store.paper.intake import stacks
from pipeline.store.paper.intake.stacks import ReadingPace, Stack
from pipeline.store.schema import paper
from pipeline.store.schema.tally_triggers import count_wrong_tallies
from tests.support.store.counted_statements import statements
from tests.support.store.ward import (
    ADMIN,
    EVA,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOUTH,
    Ward,
    page_reading,
)
from tests.unit.store.paper.page_steps import BLANK, FOREIGN, SOUTHERN

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    """Pages of every kind in one stack."""
    ward = Ward(store).begin()
    ward.read(ward.scan(), BLANK)
    ward.read(ward.scan(), FOREIGN)
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", SAID))
    ward.read(ward.scan(), page_reading(NOTE, "AAAA", SAID))  # a second scan
    ward.read(ward.scan(), page_reading(NOTE, "BBBB", {}))  # nothing written
    ward.read(ward.scan(), page_reading(NOTE, "CCCC", SAID))
    failed, closed, away = ward.scan(), ward.scan(), ward.scan()
    ward.scan()
    with store.begin() as conn:
        reject_entry(conn, EVA, Rejection("CCCC-00", 0, "oläsligt"), NOW)
        pages.mark_page_failed(conn, failed, "broken_file")
        pages.mark_page_failed(conn, closed, "broken_file")
        page_lists.close_failed_page(conn, ADMIN, closed, CloseReason.EMPTY, NOW)
        workers.set_aside(conn, away, "image_away: x")
    return ward


def listed(ward: Ward, limit: int = stacks.MAX_STACKS) -> list[Stack]:
    with ward.store.read() as conn:
        return stacks.list_stacks(conn, ADMIN, limit=limit)


def test_a_stack_counts_its_pages(ward: Ward) -> None:
    (stack,) = listed(ward)
    assert (stack.pages, stack.read, stack.queued, stack.failed) == (10, 9, 1, 1)
    assert stack.pages == stack.done + stack.waiting + stack.failed
    # Second scan, empty, failed, without its image; the foreign one waits for who may type it.
    assert (stack.done, stack.problems, stack.to_review) == (3, 4, 2)


def test_every_page_is_one_of_three_and_the_counts_that_are_kept_are_right(ward: Ward) -> None:
    query = select(paper.page.c.id)
    with ward.store.read() as conn:
        found = [
            set(conn.execute(query.where(condition)).scalars())
            for condition in (pages.is_done, pages.is_waiting, pages.is_failed)
        ]
        everything = conn.execute(query).scalars().all()
        assert sorted(page for each in found for page in each) == sorted(everything)
        assert all(found)
        assert count_wrong_tallies(conn) == 0


def test_only_the_latest_stacks_are_counted_in_one_query(ward: Ward) -> None:
    with ward.store.begin() as conn:
        later = [pages.create_batch(conn, unit, "", "admin") for unit in (NORTH, SOUTH, NORTH)]
    with statements(ward.store) as asked:
        found = listed(ward, limit=2)
    assert [stack.id for stack in found] == [later[2], later[1]]
    assert len([one for one in asked if "FROM batch" in one]) == 1
    with ward.store.read() as conn:
        assert [one.id for one in stacks.list_stacks(conn, SOUTHERN)] == [later[1]]
        with pytest.raises(NotAllowedError):
            stacks.list_stacks(conn, EVA)


def test_a_stack_that_is_coming_in_says_so(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(update(paper.batch).values(taking_in="a" * 64))
    (stack,) = listed(ward)
    assert (stack.is_coming, stack.is_interrupted) == (True, False)


def test_the_pace_is_measured_over_the_last_minutes(ward: Ward) -> None:
    read = paper.page.c.state == pages.STATE_READ
    with ward.store.begin() as conn:
        conn.execute(update(paper.page).values(read_at=None))
        assert stacks.measure_pace(conn, NOW) == ReadingPace(1, None)
        at = NOW - timedelta(seconds=60)
        conn.execute(update(paper.page).where(read).values(read_at=at))
        assert stacks.measure_pace(conn, NOW) == ReadingPace(1, 6.0)
        conn.execute(update(paper.page).values(read_at=NOW - timedelta(hours=1)))
        assert stacks.measure_pace(conn, NOW).per_minute is None


@pytest.mark.parametrize(
    ("per_minute", "ahead", "left"), [(None, 9, None), (6.0, 1, 1), (6.0, 18, 3), (6.0, 19, 4)]
)
def test_minutes_left_are_rounded_up(
    per_minute: float | None, ahead: int, left: int | None
) -> None:
    assert ReadingPace(ahead, per_minute).minutes_left(ahead) == left
