"""A day of a case officer with a colleague: what has a legal deadline first, an application whose
sums do not add up, a telephone number that machine and person read differently, a question to
the author, and the list that is keyed in where no system takes a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.domain.form.form import Depth
from pipeline.domain.law.permissions import default_areas
from pipeline.domain.model import Client, EntryState, Person, Role, Value
from pipeline.export.key_in.signatures import UNDO_MINUTES, settle_signatures
from pipeline.store.accounts import own_choices
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_depth import set_unit_depth
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from tests.browser.support.asking import fill_in_question, send_rejection, write_answer
from tests.browser.support.nurse import (
    client,
    field_input,
    fill_in,
    press_until,
    save,
    save_last,
    settle,
    wait_for_entry,
)
from tests.browser.support.people import go, logged_in
from tests.browser.support.serving import serving
from tests.support.screens import seeding
from tests.support.store.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]

UNIT = "Individ- och familjeomsorgen"
OFFICER, COLLEAGUE = (
    Person(
        login, name, title, Role.REVIEWER, frozenset({UNIT}), default_areas(Role.REVIEWER, title)
    )
    for login, name, title in (
        ("frida", "Frida Ahl", "socialsekreterare"),
        ("gote", "Göte Rask", "förste socialsekreterare"),
    )
)
HANNA, ELIAS, LIAM = (
    Client("198809262382", "Hanna Mäki", UNIT),
    Client("200908102395", "Elias Kemi", UNIT),
    Client("200904142395", "Liam Palo", UNIT),
)
_WRITER: Mapping[str, Value] = {
    "skribent": OFFICER.name,
    "yrkestitel": OFFICER.title,
    "underskrift": True,
}
PAPER: Mapping[str, Mapping[str, Value]] = {
    "fri-anteckning": {
        "personnummer": ELIAS.pid,
        "namn": ELIAS.name,
        "handelsedatum": "2021-12-30",
        "handelsetid": "14:00",
        "omrade": "ifo",
        "rubrik": "Samtal med farmor",
        "anteckning": "Farmor kan ta emot Elias över helgen.\nHan vill själv dit.",
        "skribent": COLLEAGUE.name,
        "yrkestitel": COLLEAGUE.title,
        "underskrift": True,
    },
    "ansokan-ekonomiskt": {
        "personnummer": HANNA.pid,
        "namn": HANNA.name,
        "adress": "Kyrkogatan 7",
        "manad": "202201",
        "civilstand": "ensamstaende",
        "clearing": "3300",
        "konto": "1234567890",
        "kontohavare": HANNA.name,
        "lon_sokande": "6200",
        "barnbidrag_sokande": "1250",
        "inkomst_summa": "7540",
        "hyra": "6100",
        "el": "450",
        "utgift_summa": "6550",
        "inga_tillgangar": True,
        "bilaga_hyra": True,
        "antal_bilagor": "1",
        "underskrift_datum": "2021-12-22",
        "skribent": HANNA.name,
        "underskrift": True,
        "handelsedatum": "2021-12-22",
        "mottagare": OFFICER.name,
    },
    "orosanmalan": {
        "personnummer": ELIAS.pid,
        "namn": ELIAS.name,
        "handelsedatum": "2021-12-20",
        "handelsetid": "15:45",
        "satt": "telefon",
        "anmalare_namn": "Karin Alm",
        "anmalare_roll": "Skolsköterska",
        "telefon": "070-1740615",
        "vistelse": "Hemma hos mamman",
        "informerade": "en",
        "oro": "Har varit borta från skolan i två veckor.\nKommer i tunna kläder.",
        **_WRITER,
    },
    "lvu-omhandertagande": {
        "personnummer": LIAM.pid,
        "namn": LIAM.name,
        "beslutsdatum": "2021-12-23",
        "beslutstid": "13:20",
        "beslutsfattare": "Ulf Stenman",
        "beslutat_av": "ordforande",
        "skal": "Samtycke saknas.\nRättens beslut kan inte avvaktas.",
        "verkstallt_datum": "2021-12-23",
        "verkstallt_tid": "15:10",
        "placerad": "Jourhem",
        "polis": True,
        "understallt_datum": "2021-12-27",
        "understallt_tid": "10:30",
        "malnummer": "1234-21",
        "forsandelse": "bud",
        **_WRITER,
    },
}
_QUESTION, _ANSWER = "Vilken helg gäller det?", "Nyårshelgen."
MISREAD: Mapping[str, Mapping[str, Value]] = {"orosanmalan": {"telefon": "070-1740675"}}


@pytest.fixture
def papers(store: Store) -> dict[str, str]:
    """The paper, scanned with the most urgent last: the entry of each form."""
    forms = seeding.forms()
    with store.begin() as conn:
        client_register.save_units(conn, {UNIT: "IFO"})
        client_register.save_clients(conn, (HANNA, ELIAS, LIAM))
        for person in (OFFICER, COLLEAGUE):
            save_person(conn, person, hashed(seeding.PASSWORD))
            own_choices.close_guide(conn, person.login, utc_now())
        # This office types applications too, so that their sums are compared.
        manager = replace(seeding.MANAGER, units=frozenset({UNIT}))
        application = "ansokan-ekonomiskt"
        set_unit_depth(conn, forms, manager, UNIT, application, Depth.FULL, utc_now())
    return {
        form: seeding.add_sheet_of(store, forms.latest(form), values, UNIT, MISREAD.get(form, {}))
        for form, values in PAPER.items()
    }


@pytest.fixture
def address(papers: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The workspace served."""
    assert papers
    with serving(tmp_path) as served:
        yield served


def test_case_officer(browser: Browser, address: str, store: Store, papers: dict[str, str]) -> None:
    with logged_in(browser, address, OFFICER) as page:
        _enters(
            page,
            papers,
            "orosanmalan",
            due="Skyddsbedömningen ska vara gjord senast tis 21 dec. 2021",
        )
        _enters(
            page,
            papers,
            "lvu-omhandertagande",
            due="annars upphör det. Gjort mån 27 dec. 2021",
        )
        _asks(page, papers)
        _enters_sums_as_they_stand(page, papers)
        expect(page.get_by_text("2 poster väntar på en annan person än dig")).to_be_visible()
        assert _states(store, papers) == {
            "orosanmalan": EntryState.SECOND,
            "lvu-omhandertagande": EntryState.CONFIRMED,
            "fri-anteckning": EntryState.REJECTED,
            "ansokan-ekonomiskt": EntryState.SECOND,
        }
        with logged_in(browser, address, COLLEAGUE) as other:
            _decides_as_second(other, papers)
            write_answer(other, _QUESTION, _ANSWER)
        page.get_by_role("link", name="Granska").click()
        assert wait_for_entry(page) == papers["fri-anteckning"]
        expect(page.get_by_text(_ANSWER)).to_be_visible()
        fill_in(page, PAPER["fri-anteckning"], "fri-anteckning")
        save_last(page, papers["fri-anteckning"])
        go(page, "Signera")
        expect(
            page.get_by_text("Du har inget att signera.")
        ).to_be_visible()  # what the Patient Data Act is not about
        _keys_in(page)
        go(page, "Kvar på papper")
        expect(page.get_by_text("Ingen känd person har papper kvar att föra in.")).to_be_visible()
    settle_signatures(store, utc_now() + timedelta(minutes=UNDO_MINUTES))
    assert set(_states(store, papers).values()) == {EntryState.RECEIPTED}


def _states(store: Store, papers: Mapping[str, str]) -> dict[str, EntryState]:
    with store.read() as conn:
        return {form: load_entry(conn, entry_id).state for form, entry_id in papers.items()}


def _enters(page: Page, papers: Mapping[str, str], form: str, *, due: str) -> None:
    """The next entry, which is of this form; the law's day is shown once the dates are typed."""
    entry_id = papers[form]
    assert wait_for_entry(page) == entry_id
    fill_in(page, PAPER[form], form)
    expect(page.get_by_text(due)).to_be_visible()
    expect(client(page)).to_contain_text(str(PAPER[form]["namn"]))
    save(page, entry_id)


def _asks(page: Page, papers: Mapping[str, str]) -> None:
    entry_id = papers["fri-anteckning"]
    assert wait_for_entry(page) == entry_id
    fill_in_question(page, entry_id, _QUESTION)
    expect(page.locator("#wb-question-name")).to_have_value(COLLEAGUE.name)
    send_rejection(page)


def _enters_sums_as_they_stand(page: Page, papers: Mapping[str, str]) -> None:
    """The sum on the paper is wrong. The officer is warned, finds that it is there so, and saves
    once more: then another person looks too.
    """
    entry_id = papers["ansokan-ekonomiskt"]
    assert wait_for_entry(page) == entry_id
    fill_in(page, PAPER["ansokan-ekonomiskt"], "ansokan-ekonomiskt")
    save(page, entry_id)
    expect(page.locator(".wb-error").filter(has_text="delarna blir 7")).to_be_visible()
    expect(field_input(page, "inkomst_summa")).to_be_focused()
    save_last(page, entry_id)


def _decides_as_second(page: Page, papers: Mapping[str, str]) -> None:
    """The telephone number is the one of two that is on the paper; of the sum both said the same.
    Neither is chosen beforehand.
    """
    for form, act in (("orosanmalan", save), ("ansokan-ekonomiskt", save_last)):
        assert wait_for_entry(page) == papers[form]
        expect(page.get_by_role("radio", checked=True)).to_have_count(0)
        page.keyboard.press("Space")
        act(page, papers[form])


def _keys_in(page: Page) -> None:
    go(page, "Skriv in")
    expect(page.get_by_text("Inskrivna poster: 0 av")).to_be_visible()
    settle(page)
    press_until(page, "Control+Enter", page.get_by_text("Inget väntar på att skrivas in."))
