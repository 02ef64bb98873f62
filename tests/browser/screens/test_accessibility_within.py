"""What lies behind a screen's first sight, against the same rules: a second review, rejecting, the
guard, a task, a sheet sought, the first day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert, update

from pipeline.domain.model import Value
from pipeline.store.accounts import own_choices, people
from pipeline.store.database.store import Store
from pipeline.store.registers import client_register
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import control
from tests.browser.screens.test_accessibility import seen, window
from tests.browser.support.nurse import (
    fill_in,
    log_in,
    press_until,
    save,
    settle,
    wait_for_entry,
)
from tests.browser.support.serving import serving
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, NOTE, NURSE
from tests.support.store.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.slow]

UNITS = ("Avvisning", "Vakt", "Andra", "Kontroll", "Sökning", "Guide", "Lösenord")
"""A unit for each, with a person of its own: so what is looked at is first."""


@dataclass(frozen=True, slots=True)
class Served:
    """Where the workspace is served, and the serial of the sheet that is sought."""

    address: str
    sought: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all."""
    workspace: Path = tmp_path_factory.mktemp("within")
    store = seeding.make_store(workspace)
    with store.begin() as conn:
        client_register.save_units(conn, dict.fromkeys(UNITS, "HSL"))
        for unit in UNITS:
            person = replace(NURSE, login=unit.lower(), name=f"{unit} Ek", units=frozenset({unit}))
            people.save_person(
                conn, person, hashed(seeding.PASSWORD), must_change=unit == "Lösenord"
            )
            if unit != "Guide":
                own_choices.close_guide(conn, person.login, utc_now())
    note(store, "Avvisning")
    note(store, "Vakt", personnummer=CLIENTS[1].pid)
    note(store, "Andra", confirmed={**NOTE, "handelsetid": "10:40"})
    typed_again, sought = (
        note(store, "Kontroll", confirmed=NOTE),
        note(store, "Sökning", confirmed=NOTE),
    )
    with store.begin() as conn:
        conn.execute(
            insert(control).values(
                entry=typed_again, field="handelsetid", drawn_at=utc_now(), passed=0
            )
        )
    store.close()
    with serving(workspace) as address:
        yield Served(address, sought.rpartition("-")[0])


def note(
    store: Store, unit: str, confirmed: Mapping[str, Value] | None = None, **changed: Value
) -> str:
    """A note of a unit; answers with its entry's id."""
    entry_id = seeding.add_notes(store, 1, **changed)[0]
    if confirmed is not None:
        seeding.confirm(
            store, NURSE, entry_id, confirmed, sign=unit == "Sökning"
        )  # only what was signed can be made void
    with store.begin() as conn:
        conn.execute(update(paper.entry).where(paper.entry.c.id == entry_id).values(unit=unit))
        conn.execute(
            update(paper.page)
            .where(paper.page.c.sheet == entry_id.rpartition("-")[0])
            .values(unit=unit)
        )
    return entry_id


def rejecting(page: Page, served: Served) -> Iterator[str]:
    del served
    wait_for_entry(page)
    page.keyboard.press("Alt+a")
    page.locator(".wb-rejecting").wait_for()
    yield "Avvisa"
    for reason in ("Den som skrev måste tillfrågas", "Hör till en annan enhet"):
        page.get_by_text(reason).click()
        page.locator(".wb-parts .wb-part").first.wait_for()
        yield reason
    page.keyboard.press("Escape")


def guard(page: Page, served: Served) -> Iterator[str]:
    del served
    entry_id = wait_for_entry(page)
    fill_in(page, {**NOTE, "personnummer": CLIENTS[1].pid})
    save(page, entry_id)
    page.locator(".wb-question").wait_for()
    yield "Fel person?"


def second(page: Page, served: Served) -> Iterator[str]:
    del served
    wait_for_entry(page)
    yield "Andra granskning"


def control_task(page: Page, served: Served) -> Iterator[str]:
    del served
    wait_for_entry(page)
    expect(page.locator(".wb-title")).to_have_text("Kontrollskrivning")
    yield "Kontrollskrivning"


def looking_up(page: Page, served: Served) -> Iterator[str]:
    page.locator(".st-key-lookup_open button").click()
    page.locator(".st-key-lookup_typed input").fill(served.sought)
    page.keyboard.press("Enter")
    look = page.get_by_role("button", name="Visa", exact=True)
    look.wait_for()
    yield "Slå upp"
    look.click()
    for act in ("Rätta", "Makulera"):
        page.get_by_role("button", name=act, exact=True).click()
        wait_for_entry(page)
        yield act
        press_until(page, "Alt+s", page.get_by_role("button", name=act, exact=True))
        settle(page)


def first_day(page: Page, served: Served) -> Iterator[str]:
    del served
    page.locator(".st-key-guide_close").wait_for()
    yield "Guiden"
    page.locator(".st-key-guide_practice button").click()
    page.locator(".st-key-practice_check").wait_for()
    yield "Övning"


def choosing_a_password(page: Page, served: Served) -> Iterator[str]:
    del served
    page.locator(".st-key-password_again").wait_for()
    yield "Välj lösenord"


@pytest.mark.parametrize(
    ("unit", "way"),
    list(
        zip(
            UNITS,
            (rejecting, guard, second, control_task, looking_up, first_day, choosing_a_password),
            strict=True,
        )
    ),
    ids=UNITS,
)
def test_what_lies_within_breaks_no_rule(
    browser: Browser, served: Served, unit: str, way: Callable[[Page, Served], Iterator[str]]
) -> None:
    with window(browser) as context:
        page = context.new_page()
        page.goto(served.address)
        log_in(page, replace(NURSE, login=unit.lower()))
        settle(page)
        assert [problem for state in way(page, served) for problem in seen(page, state)] == []
