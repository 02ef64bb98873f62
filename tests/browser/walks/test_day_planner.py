"""A day of a planner of home care with a colleague: visit lists and a tour list row by row, a time
that machine and person read differently, the file for the planning system and its receipt. Of
the same unit's signing list, which is health care, the planner sees nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.domain.law.permissions import default_areas
from pipeline.domain.model import Client, EntryState, Person, Role, Value
from pipeline.store.accounts import own_choices
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry, make_entry_id
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from tests.browser.support.nurse import (
    client,
    fill_in,
    press_until,
    press_until_gone,
    save,
    save_last,
    settle,
    wait_for_entry,
)
from tests.browser.support.people import fetched, go, logged_in
from tests.browser.support.serving import serving
from tests.support.screens import seeding
from tests.support.screens.seeding import OTHER_UNIT
from tests.support.store.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]

PLANNER, COLLEAGUE = (
    Person(
        login,
        name,
        title,
        Role.REVIEWER,
        frozenset({OTHER_UNIT}),
        default_areas(Role.REVIEWER, title),
    )
    for login, name, title in (
        ("petra", "Petra Wall", "planerare"),
        ("sanna", "Sanna Hed", "samordnare"),
    )
)
INGRID, AKE, FOLKE = (
    Client("193207319207", "Ingrid Mårtensson", OTHER_UNIT),
    Client("192702237179", "Åke Tjäder", OTHER_UNIT),
    Client("194111186377", "Folke Niemi", OTHER_UNIT),
)
HEAD: dict[str, Value] = {"datum": "2021-12-18", "skribent": "Leila Hassan", "underskrift": True}
VISITS: Mapping[str, Value] = HEAD | {
    "rad01.personnummer": INGRID.pid,
    "rad01.namn": INGRID.name,
    "rad01.start": "07:40",
    "rad01.slut": "08:10",
    "rad01.omvardnad": True,
    "rad01.mat": True,
    "rad02.personnummer": AKE.pid,
    "rad02.namn": AKE.name,
    "rad02.start": "08:30",
    "rad02.slut": "08:50",
    "rad02.tillsyn": True,
}
TOUR: Mapping[str, Value] = HEAD | {
    "rutt": "Norr 2",
    "rad01.planerad_tid": "17:00",
    "rad01.personnummer": INGRID.pid,
    "rad01.namn": INGRID.name,
    "rad01.insats": "Middag",
    "rad01.utford": True,
    "rad01.start": "17:05",
    "rad01.slut": "17:25",
    "rad02.planerad_tid": "17:45",
    "rad02.personnummer": AKE.pid,
    "rad02.namn": AKE.name,
    "rad02.insats": "Tillsyn",
    "rad02.utebliven": True,
}
SIGNING_LIST: Mapping[str, Value] = {
    "personnummer": FOLKE.pid,
    "namn": FOLKE.name,
    "insats": "Ögondroppar",
    "typ": "delegerad",
    "tid1": "07:30",
    "skribent": "Leila Hassan",
    "underskrift": True,
    "dag01.datum": "2021-12-18",
    "dag01.given1": "LH",
}
_DONE = "Inget väntar på dig just nu."


@pytest.fixture
def lists(store: Store) -> dict[str, str]:
    """A visit list, on which the machine misread when the second visit began, a tour list and a
    signing list: the serial of each.
    """
    with store.begin() as conn:
        client_register.save_clients(conn, (INGRID, AKE, FOLKE))
        for person in (PLANNER, COLLEAGUE):
            save_person(conn, person, hashed(seeding.PASSWORD))
            own_choices.close_guide(conn, person.login, utc_now())
    written = {"besokslista": VISITS, "korlista": TOUR, "signeringslista": SIGNING_LIST}
    misread = {"besokslista": {"rad02.start": "08:36"}}
    forms = seeding.forms()
    added = {
        form: seeding.add_sheet_of(
            store, forms.latest(form), values, OTHER_UNIT, misread.get(form, {})
        )
        for form, values in written.items()
    }
    return {form: added_id.rpartition("-")[0] for form, added_id in added.items()}


@pytest.fixture
def address(lists: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The workspace served."""
    assert lists
    with serving(tmp_path) as served:
        yield served


def test_planner(
    browser: Browser, address: str, store: Store, lists: dict[str, str], tmp_path: Path
) -> None:
    visits, tour = (
        [make_entry_id(lists[form], row) for row in (1, 2)] for form in ("besokslista", "korlista")
    )
    with logged_in(browser, address, PLANNER) as page:
        go(page, "Kvar på papper")
        _has_holes(page, INGRID, AKE)
        page.get_by_role("link", name="Granska").click()
        _reviews(
            page,
            dict.fromkeys(tour, ("korlista", TOUR))
            | dict.fromkeys(visits, ("besokslista", VISITS)),
        )
        assert _states(store, *tour, visits[0], visits[1]) == [EntryState.CONFIRMED] * 3 + [
            EntryState.SECOND
        ]
        _finds_nothing(page, lists["signeringslista"])
        with logged_in(browser, address, COLLEAGUE) as other:
            _decides_as_second(other, visits[1])
        go(page, "Signera")
        expect(page.get_by_text("Du har inget att signera.")).to_be_visible()
        go(page, "Export")
        performed = _exported(page, "besok", tmp_path)
        assert [
            (row["Namn"], row["Start"], row["Slut"], row["Mat"], row["Tillsyn"])
            for row in performed
        ] == [
            (INGRID.name, "07:40", "08:10", "1", "0"),
            (AKE.name, "08:30", "08:50", "0", "1"),
        ]
        toured = _exported(page, "tes-exempel", tmp_path)
        assert [
            (row["Namn"], row["Planerad tid"], row["Start"], row["Utförd"], row["Utebliven"])
            for row in toured
        ] == [
            (INGRID.name, "17:00", "17:05", "1", "0"),
            (AKE.name, "17:45", "", "0", "1"),
        ]
        go(page, "Kvar på papper")
        _has_holes(page)
    assert _states(store, *visits, *tour, make_entry_id(lists["signeringslista"], 1)) == [
        EntryState.RECEIPTED
    ] * 4 + [EntryState.REVIEW]


def _states(store: Store, *entry_ids: str) -> list[EntryState]:
    with store.read() as conn:
        return [load_entry(conn, each).state for each in entry_ids]


def _has_holes(page: Page, *clients: Client) -> None:
    """Whose records lack something, and that there is something else, which is not the planner's to
    know.
    """
    expect(page.get_by_text("1 post visas inte här")).to_be_visible()
    for each in clients:
        expect(page.get_by_role("cell", name=each.name)).to_be_visible()
    settle(page)
    assert [client.name for client in (INGRID, AKE, FOLKE) if client.name in page.content()] == [
        client.name for client in clients
    ]


def _reviews(page: Page, papers: Mapping[str, tuple[str, Mapping[str, Value]]]) -> None:
    """All rows by keyboard; on the tour list, whose numbers were printed, the client is there
    before a key is pressed.
    """
    left, last = dict(papers), ""
    while left:
        last = wait_for_entry(page, other_than=last)
        sheet = last.removeprefix("rows:").rpartition("-")[0]
        rows = [each for each in left if each.startswith(sheet)] if ":" in last else [last]
        form, values = papers[rows[0]]
        for row in rows:
            del left[row]
        if rows == [last] and form == "korlista":
            expect(client(page)).to_contain_text(str(values[f"rad{last[-2:]}.namn"]))
        fill_in(page, values, form)
        if rows != [last]:  # a sheet is to be in sight for longer than an entry
            press_until_gone(page, "Control+Enter", page.locator(f'.wb[data-entry="{last}"]'))
        else:
            save(page, last)
    expect(page.get_by_text(_DONE)).to_be_visible()
    expect(page.get_by_text("1 post på dina enheter visas inte för dig")).to_be_visible()


def _finds_nothing(page: Page, serial: str) -> None:
    press_until(page, "Alt+l", page.get_by_role("heading", level=1, name="Slå upp"))
    expect(page.locator(".st-key-lookup_typed input")).to_be_focused()
    page.keyboard.type(serial)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{serial[:4]}-{serial[4:]}", exact=False)).to_be_visible()
    settle(page)
    assert FOLKE.name not in page.content()
    assert "Signeringslista" not in page.content()
    press_until(page, "Escape", page.get_by_text(_DONE))


def _decides_as_second(page: Page, differs: str) -> None:
    """Both times are shown and neither is chosen; the earlier one, which is on the paper, comes
    first.
    """
    assert wait_for_entry(page) == differs
    page.keyboard.press("Space")
    save_last(page, differs)


def _exported(page: Page, target: str, folder: Path) -> list[dict[str, str]]:
    """Make the file, take it home, and tick that the system has taken all of it; answers with its
    rows.
    """
    page.locator(f".st-key-make-{target} button").click()
    expect(page.get_by_text("är gjord med 2 poster")).to_be_visible()
    file = fetched(page, page.locator("[class*='st-key-download-'] button").first, folder)
    page.locator("[class*='st-key-tick-']").first.get_by_text("Kvittera för hand").click()
    page.locator("[class*='st-key-all-']").get_by_text("Alla är införda").click()
    page.locator("[class*='st-key-save-'] button").click()
    expect(page.get_by_text("Kvitterade 2, nekade 0")).to_be_visible()
    settle(page)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=";"))
