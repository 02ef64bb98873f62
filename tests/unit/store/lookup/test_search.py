"""Search by client, day, author, unit and serial: what is found, by whom, and what is logged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import IssuedSheet, Person, Role
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import client_log_subject, list_events
from pipeline.store.lookup.search import EntrySearch, SearchResult, search_entries
from pipeline.store.registers import blocks
from pipeline.store.schema import paper, registers
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    EVA,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOFIA,
    SOUTH,
    Ward,
    page_reading,
    person,
)

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    """Two decided notes, of Asta and Bror on two days, and one of Asta that waits."""
    ward = Ward(store).begin()
    for serial, client, day, author in (
        ("AAAA", ASTA, "2026-02-17", "Disa Penn"),
        ("BBBB", BROR, "2026-02-19", "Åke Blad"),
        ("CCCC", ASTA, "2026-02-17", "Disa Penn"),
    ):
        said = {**SAID, "pnr": client.pid, "datum": day, "skribent": author}
        ward.read(ward.scan(), page_reading(NOTE, serial, said))
        decided = {"state": "bekräftad", "client_pid": client.pid, "event_on": day}
        with store.begin() as conn:
            if serial != "CCCC":
                conn.execute(
                    update(paper.entry)
                    .where(paper.entry.c.serial == serial)
                    .values(author=author, **decided)
                )
    return ward


def result(ward: Ward, who: Person = EVA, **known: str) -> SearchResult:
    with ward.store.begin() as conn:
        return search_entries(conn, who, EntrySearch(**known))


def ids(found: SearchResult) -> list[str]:
    return [one.entry.id for one in found.entries]


def found(ward: Ward, **known: str) -> list[str]:
    return ids(result(ward, EVA, **known))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"name": "prov asta"}, ["AAAA-00"]),
        ({"number": "18900101-9802"}, ["AAAA-00"]),
        ({"first_day": "2026-02-19", "last_day": "2026-02-19"}, ["BBBB-00"]),
        ({"first_day": "2026-02-17", "last_day": "2026-02-20"}, ["BBBB-00", "AAAA-00"]),
        ({"last_day": "2026-02-18"}, ["AAAA-00"]),
        ({"author": "ÅKE"}, ["BBBB-00"]),
        ({"author": "ake"}, ["BBBB-00"]),
        ({"author": "disa", "name": "Asta"}, ["AAAA-00"]),
        ({"author": "disa", "name": "Bror"}, []),
        ({"serial": "cccc"}, ["CCCC-00"]),
        ({"serial": "CCCC", "unit": NORTH}, ["CCCC-00"]),
        ({"serial": "CCCC", "unit": SOUTH}, []),
        ({"unit": NORTH}, []),
        ({"name": "Asta", "number": BROR.pid}, []),
    ],
)
def test_all_that_is_known_has_to_fit(
    ward: Ward, known: dict[str, str], expected: list[str]
) -> None:
    assert found(ward, **known) == expected


def test_an_open_entry_is_found_by_what_is_printed_only(ward: Ward) -> None:
    """By what was read, a search would tell the value before it is keyed blind."""
    ward.issue(IssuedSheet("CCCC", NOTE.id, 1, NORTH, ASTA.pid))
    assert set(found(ward, name="Asta")) == {"AAAA-00", "CCCC-00"}
    assert found(ward, author="Disa") == ["AAAA-00"]
    assert found(ward, first_day="2026-02-17", last_day="2026-02-17") == ["AAAA-00"]
    (waiting,) = result(ward, serial="CCCC").entries
    assert (waiting.client, waiting.number, waiting.is_open) == ("", "", True)


def test_a_found_entry_has_its_client(ward: Ward) -> None:
    (one,) = result(ward, author="disa").entries
    assert (one.client, one.number) == (ASTA.name, ASTA.pid)


def test_a_protected_client_is_not_found_by_name_or_number_elsewhere(ward: Ward) -> None:
    with ward.store.begin() as conn:
        protect = update(registers.client).where(registers.client.c.pid == ASTA.pid)
        conn.execute(protect.values(protected=True, unit=SOUTH))
    for known in ({"name": "Asta"}, {"number": ASTA.pid}):
        assert found(ward, **known) == []
    (one,) = result(ward, author="disa").entries
    assert (one.is_hidden, one.client, one.number) == (True, "", "")
    both = replace(EVA, units=frozenset({NORTH, SOUTH}))
    assert ids(result(ward, both, name="Asta")) == ["AAAA-00"]


def test_other_units_and_blocked_clients_are_not_found(ward: Ward) -> None:
    assert ids(result(ward, SOFIA, name="Asta")) == []
    with ward.store.begin() as conn:
        blocks.set_block(conn, ADMIN, SOUTH, ASTA.pid, "Klientens begäran", NOW)
    assert found(ward, name="Asta") == []
    assert found(ward, name="Bror") == ["BBBB-00"]


def test_a_typist_may_not_search(ward: Ward) -> None:
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        search_entries(conn, person("eva", Role.TYPIST), EntrySearch(serial="AAAA"))


def test_a_search_is_logged_without_its_words(ward: Ward) -> None:
    found(ward, name="Asta Provberg", author="Disa")
    found(ward, first_day="2026-02-19", author="Åke")
    with ward.store.begin() as conn:
        (by_name,) = list_events(conn, client_log_subject(conn, ASTA.pid))
        (by_day,) = list_events(conn, "entries")
    assert (by_name.action, by_name.detail) == (
        "search_entries",
        {"field": "name author", "entries": 1},
    )
    assert by_day.detail == {"field": "first_day author", "entries": 1}
    assert by_day.unit == NORTH
