"""Each screen of a full workspace, opened by a person of a unit that has no paper in it: no
client's name or number and no serial is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Person
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.schema.registers import issued_sheet
from tests.support.screens.bench import Bench
from tests.support.screens.filled_workspace import ELSEWHERE
from tests.support.screens.seeding import CLIENTS
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.office.test_screens import OPENED, of
from ui.screens.follow_up import screen
from ui.screens.signing import screen as signing

KINDS: dict[str, tuple[str, Sequence[str]]] = {
    "follow_up": ("follow_up_kind", screen.KINDS),
    "signing": ("signing_kind", signing.QUEUE_KINDS),
}
"""Screens that show one list at a time, and how another is chosen."""
NAMES_SOMEBODY = ("review", "signing", "follow_up", "backlog", "queue", "key_in", "payments")
"""Screens that tell the unit's own people of clients or sheets as they open."""


@pytest.mark.parametrize("world", ["filled"], indirect=True)
@pytest.mark.parametrize(("name", "person"), OPENED, ids=[of(*pair) for pair in OPENED])
def test_another_units_people_see_nothing_of_its_clients(
    store: Store, open_screen: OpenScreen, name: str, person: Person
) -> None:
    elsewhere = replace(person, units=frozenset({ELSEWHERE}))
    with store.begin() as conn:
        save_person(conn, elsewhere, None)
    shown = all_shown(open_screen(elsewhere, name), name)
    assert {said for said in secrets_of(store) if said in shown} == set()


@pytest.mark.parametrize("world", ["filled"], indirect=True)
@pytest.mark.parametrize("name", NAMES_SOMEBODY)
def test_the_same_search_finds_what_the_own_unit_sees(
    store: Store, open_screen: OpenScreen, name: str
) -> None:
    person = next(person for shown_to, person in OPENED if shown_to == name)
    shown = all_shown(open_screen(person, name), name)
    assert {said for said in secrets_of(store) if said in shown} != set()


def all_shown(app: AppTest, name: str) -> bytes:
    """What the browser is sent, as the screen opens and with each of its lists: texts, tables, and
    what our own components are given.
    """
    sent = [_sent(app)]
    key, kinds = KINDS.get(name, ("", ()))
    for kind in kinds:
        app.segmented_control(key=key).set_value(kind).run()
        sent.append(_sent(app))
    return b"".join(sent)


def _sent(app: AppTest) -> bytes:
    assert not app.exception
    elements = [
        element for root in (app.main, app.sidebar) for element in root if element is not root
    ]
    drawn = b"".join(
        element.proto.SerializeToString() for element in elements if element.proto is not None
    )
    bench = Bench(app)
    return drawn + (bench.sent().encode() if bench.is_up else b"")


def secrets_of(store: Store) -> set[bytes]:
    """Names and numbers of the clients and the serials of all paper, as they may be written."""
    with store.read() as conn:
        serials = set(conn.execute(select(issued_sheet.c.serial)).scalars())
    assert serials
    names = {word for client in CLIENTS for word in (client.name, client.name.split()[0])}
    numbers = {number for client in CLIENTS for number in (client.pid, format_pid(client.pid))}
    return {said.encode() for said in names | numbers | serials}
