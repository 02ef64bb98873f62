"""Printed words of loose pages: searched by those with the right, and by nobody else."""

from __future__ import annotations

import pytest

from pipeline.domain.model import Outcome, PageReading, Person
from pipeline.store.database.store import Store
from pipeline.store.entries.attached_pages import save_page_text, search_page_texts
from tests.support.store.ward import ASTA, EVA, FORMS, NILS, SOFIA, Ward, whole_log

pytest_plugins = ("tests.support.store.databases",)
WORDS = (("HYRESAVI", 0.1, 0.1, 0.2, 0.02), ("5432,00", 0.4, 0.1, 0.1, 0.02))


@pytest.fixture
def page(store: Store) -> str:
    """A loose page of the northern unit with a printed text."""
    ward = Ward(store).begin()
    page = ward.scan()
    ward.read(page, PageReading(Outcome.UNIDENTIFIED))
    with store.begin() as conn:
        save_page_text(conn, page, WORDS)
        save_page_text(conn, page, (("ANNAT", 0.1, 0.1, 0.1, 0.1),))
    return page


@pytest.mark.parametrize(
    ("who", "typed", "count"),
    [
        (EVA, "hyresavi 5432", 1),
        (EVA, "hyresavi kvitto", 0),
        (EVA, "hy", 0),
        (EVA, "annat", 0),
        (EVA, "hyres%", 0),
        (SOFIA, "hyresavi", 0),
    ],
)
def test_pages_are_found_by_all_words_within_the_own_units(
    store: Store, page: str, who: Person, typed: str, count: int
) -> None:
    with store.begin() as conn:
        found = search_page_texts(conn, FORMS, who, typed)
    assert [one.page.id for one in found] == [page] * count


@pytest.mark.usefixtures("page")
def test_a_search_is_logged_without_its_words(store: Store) -> None:
    with store.begin() as conn:
        search_page_texts(conn, FORMS, EVA, "hyresavi")
    with store.read() as conn:
        log = whole_log(conn)
    assert "search_text" in log
    assert "hyresavi" not in log.casefold()


@pytest.mark.usefixtures("page")
def test_the_text_of_a_protected_client_of_another_unit_is_not_found(store: Store) -> None:
    with store.begin() as conn:
        conn.exec_driver_sql(
            f"UPDATE client SET protected = true, unit = 'Annan' WHERE pid = '{ASTA.pid}'"
        )
        conn.exec_driver_sql(f"UPDATE entry SET client_pid = '{ASTA.pid}'")
        assert search_page_texts(conn, FORMS, NILS, "hyresavi") == []
