"""Betalningar and Arkiv: two persons approve a payment, and paper is kept until a decision is
named.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.domain.review.rules import Answer
from pipeline.export.archive.runs import find_ready
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import ReceiptAnswer as Receipt
from pipeline.export.runs.receipts import submit_receipts
from pipeline.store.accounts import own_choices, people
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import list_events
from pipeline.store.exports import archives, originals, payment_approvals
from pipeline.store.registers import client_register
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, MANAGER, NURSE, REGISTRAR
from tests.support.store.export_examples import ARNE, FORMS, SIV
from tests.support.store.export_office import (
    ANNA,
    PER,
    TORA,
    confirm,
    corrected,
    receipt_run,
    void,
)
from tests.support.store.passwords import hashed
from tests.support.store.route_steps import make_run, route_to
from tests.unit.ui.conftest import OpenScreen, tables
from ui.screens.export.key_in import copy_parts
from ui.screens.export.screen import _receipt_answers

CHIEFS = tuple(
    Person(name.lower(), f"{name} Ek", "chef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)
    for name in ("Elin", "Olle")
)


def office(store: Store) -> ExportContext:
    return ExportContext(store, seeding.settings(store), seeding.forms())


def exported(store: Store, count: int = 1) -> None:
    """Notes that are in the care system."""
    for entry_id in seeding.add_notes(store, count):
        seeding.confirm(store, NURSE, entry_id, sign=True)
    run = make_run(office(store), ADMINISTRATOR, "rivta", utc_now())
    assert run is not None
    receipt_run(office(store), ADMINISTRATOR, run.id)


def test_a_package_is_made_fetched_and_its_paper_kept_until_a_decision(
    store: Store, open_screen: OpenScreen
) -> None:
    exported(store, 2)
    app = open_screen(REGISTRAR, "archive")
    assert app.metric[0].value == "2"
    app.button(key="archive_make").click().run()
    assert "nummer" in app.error[0].value
    app.text_input(key="archive_plan").set_value("DHP 2022-3")
    app.button(key="archive_make").click().run()
    assert not app.exception
    assert "2 ark" in app.success[0].value
    with store.read() as conn:
        package = archives.list_packages(conn, REGISTRAR)[0].id
    app.toggle(key=f"paper-{package}").set_value(True).run()
    assert [row["Bevarandeklass"] for row in tables(app)[0]] == ["HSL-10/1"] * 2
    assert any("Papperet bevaras" in each.value for each in app.caption)
    app.text_input[1].set_value("Volym 7")
    app.button(key=f"save-box-{package}").click().run()
    assert [row["Volym"] for row in tables(app)[0]] == ["Volym 7"] * 2
    app.text_input[3].set_value("KS 2022-14")
    app.button(key=f"save-decision-{package}").click().run()
    with store.read() as conn:
        assert originals.find_active_decision(conn, package) == "KS 2022-14"
    sheet = tables(app)[0][0]["Ark"]
    with store.begin() as conn:
        conn.execute(
            update(paper.entry).where(paper.entry.c.sheet == sheet).values(state="granskas")
        )
    app.run()
    assert any(f"Bevara papperet till {sheet}:" in each.value for each in app.warning)
    with store.begin() as conn:
        conn.execute(
            update(paper.entry).where(paper.entry.c.sheet == sheet).values(state="kvitterad")
        )
    app.button(key=f"keep-{package}").click().run()
    with store.read() as conn:
        assert originals.find_active_decision(conn, package) == ""
    assert find_ready(office(store), REGISTRAR).sheets == 0


def test_an_administrator_archives_and_names_no_decision(
    store: Store, open_screen: OpenScreen
) -> None:
    exported(store)
    app = open_screen(ADMINISTRATOR, "archive")
    app.text_input(key="archive_plan").set_value("DHP 2022-3")
    app.button(key="archive_make").click().run()
    with store.read() as conn:
        package = archives.list_packages(conn, ADMINISTRATOR)[0].id
    app.toggle(key=f"paper-{package}").set_value(True).run()
    assert any("Bara registratorn" in each.value for each in app.caption)
    assert not any((each.key or "").startswith("save-decision") for each in app.button)


@pytest.fixture
def listed(store: Store) -> str:
    """A confirmed payment that is not made, and one that is; answers with the id of the first."""
    with store.begin() as conn:
        client_register.save_units(conn, {"Norr": "IFO", "Söder": "IFO"})
        for person in (ANNA, PER, *CHIEFS):
            people.save_person(conn, person, hashed(seeding.PASSWORD))
            own_choices.close_guide(conn, person.login, utc_now())
    given = ExportContext(store, seeding.settings(store), FORMS)
    row = {
        "clearing": "3300",
        "konto": "1234567",
        "belopp": "4500",
        "summa": "4500",
        "namn": "Elsa *Fjällberg*",
    }
    first = confirm(given, "utbetalningslista", "AAAA01", personnummer=CLIENTS[0].pid, **row)
    second = confirm(
        given, "utbetalningslista", "AAAA02", personnummer=CLIENTS[1].pid, utbetald=True, **row
    )
    with store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.id.not_in([first, second]))
            .values(state="avvisad", reason="tom rad")
        )
    return first


def test_two_managers_approve_a_payment_and_a_made_one_is_only_told(
    store: Store, open_screen: OpenScreen, listed: str
) -> None:
    app = open_screen(CHIEFS[0], "payments")
    assert not app.exception
    assert "Risk för dubbel betalning" in app.error[0].value
    assert any("4\xa0500 kr" in each.value for each in app.markdown)
    assert any("Redan utbetald" in each.value for each in app.caption)
    assert app.button(key=f"approve-{listed}").disabled
    app.checkbox[0].check().run()
    app.button(key=f"approve-{listed}").click().run()
    assert app.success
    app.button(key=f"undo-{listed}").click().run()
    app.checkbox[0].check().run()
    app.button(key=f"approve-{listed}").click().run()
    other = open_screen(CHIEFS[1], "payments")
    other.checkbox[0].check().run()
    other.button(key=f"approve-{listed}").click().run()
    assert any("Godkänd av 2 av 2: Elin Ek" in each.value for each in other.caption)
    with store.read() as conn:
        assert [each.by for each in payment_approvals.list_approvals(conn, [listed])[listed]] == [
            "elin",
            "olle",
        ]


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(("who", "screen"), [(CHIEFS[0], "payments"), (ANNA, "export")])
def test_why_a_payment_stays_behind_is_told_in_english_on_an_english_screen(
    store: Store, open_screen: OpenScreen, who: Person, screen: str
) -> None:
    route_to(ExportContext(store, seeding.settings(store), FORMS), "pain001")
    app = open_screen(who, screen)
    app.session_state["language"] = "en"
    app.run()
    told = [each.value for each in (*app.caption, *app.markdown)]
    assert not app.exception
    assert any("Paid already, says the paper." in each for each in told)
    assert not any("enligt papperet" in each for each in told)


@pytest.mark.usefixtures("listed")
def test_targets_have_english_names_on_an_english_screen(open_screen: OpenScreen) -> None:
    app = open_screen(ANNA, "export")
    app.session_state["language"] = "en"
    told = [each.value for each in app.run().markdown]
    assert "**Key-in list (PDF)**" in told
    assert not any("Skriv in-lista" in each for each in told)


def test_the_log_tells_who_looked_and_who_approved(
    store: Store, open_screen: OpenScreen, listed: str
) -> None:
    app = open_screen(CHIEFS[0], "payments")
    app.checkbox[0].check().run()
    app.button(key=f"approve-{listed}").click().run()
    with store.read() as conn:
        done = [
            (each.action, each.by) for each in list_events(conn, listed) if "payment" in each.action
        ]
    assert done == [("view_payment", "elin"), ("approve_payment", "elin")]


def test_nobody_is_warned_of_payments_that_are_not_there(open_screen: OpenScreen) -> None:
    app = open_screen(MANAGER, "payments")
    assert [each.value for each in app.info] == ["Ingen betalning väntar på att godkännas."]
    assert not app.error


def test_a_refusal_stands_although_all_are_ticked_as_taken() -> None:
    rows: list[list[object]] = [
        [1, "a", False, False, ""],
        [2, "b", False, True, "Okänd person"],
        [3, "c", True, True, "Fel enhet"],
    ]
    said = {one.entry_id: one.accepted for one in _receipt_answers(rows, is_all_accepted=True)}
    assert said == {"a": True, "b": False, "c": False}
    assert [
        (one.entry_id, one.accepted) for one in _receipt_answers(rows, is_all_accepted=False)
    ] == [
        ("b", False),
        ("c", False),
    ]


def moved(store: Store) -> tuple[ExportContext, str]:
    """An office, and an entry that was keyed in about Siv and then moved to Arne on a list that
    nobody has ticked.
    """
    with store.begin() as conn:
        client_register.save_units(conn, {"Norr": "HSL", "Söder": "HSL"})
        client_register.save_clients(conn, [SIV, ARNE])
        for person in (ANNA, PER, TORA):
            people.save_person(conn, person, hashed(seeding.PASSWORD))
            own_choices.close_guide(conn, person.login, utc_now())
    here = ExportContext(store, seeding.settings(store), FORMS)
    entry_id = confirm(
        here, "hsl-anteckning", "AAAA01", kontakttyp="besok", anteckning="Såret läker."
    )
    first = make_run(here, ANNA, "skriv-in", utc_now())
    assert first is not None
    submit_receipts(here, ANNA, first.id, [Receipt(entry_id, accepted=True)], utc_now())
    corrected(here, entry_id, "personnummer", Answer(ARNE.pid))
    assert make_run(here, ANNA, "skriv-in", utc_now()) is not None
    return here, entry_id


def test_who_makes_a_moved_entry_void_is_not_told_to_key_it_in(
    store: Store, open_screen: OpenScreen
) -> None:
    here, entry_id = moved(store)
    void(here, entry_id)
    assert make_run(here, ANNA, "skriv-in", utc_now()) is not None
    told = " ".join(warning.value for warning in open_screen(ANNA, "key_in").warning)
    assert "Makulera posten om den finns i systemet" in told
    assert (
        f"stod först hos {format_pid(SIV.pid)} {SIV.name}. Makulera den där också om "
        "den är inmatad."
    ) in told
    assert "Makulering av tidigare överförd post" in told
    assert "skriv sedan in den" not in told


def test_who_keys_in_is_told_where_an_entry_stands_that_was_moved_to_another_client(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, entry_id = moved(store)
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(
        copy_parts, "component", lambda *_, **__: lambda data, **_: given.append(data)
    )
    app = open_screen(ANNA, "key_in")
    assert not app.exception
    (told,) = (
        warning.value
        for warning in app.warning
        if "Makulera den där om den är inmatad" in warning.value
    )
    assert f"{format_pid(SIV.pid)} {SIV.name}" in told
    assert format_pid(ARNE.pid) in {part["text"] for part in given[0]["client"]}
    corrected(here, entry_id, "personnummer", Answer(SIV.pid), judge=replace(TORA, login="ulla"))
    assert make_run(here, ANNA, "skriv-in", utc_now()) is not None
    told = " ".join(warning.value for warning in open_screen(ANNA, "key_in").warning)
    assert "Makulera den där om" not in told
    assert f"hos {format_pid(ARNE.pid)} {ARNE.name}. Titta där" in told


@pytest.mark.parametrize(("language", "told"), [("sv", "1 post"), ("en", "1 entry")])
def test_who_does_not_see_all_of_a_run_is_told_so_and_is_offered_no_file(
    store: Store, open_screen: OpenScreen, language: str, told: str
) -> None:
    here = office(store)
    first, second = seeding.add_notes(store, 2)
    for entry_id in (first, second):
        seeding.confirm(store, NURSE, entry_id, sign=True)
    run = make_run(here, NURSE, "skriv-in", utc_now())
    assert run is not None
    assert "visas inte" not in str(open_screen(NURSE, "export").info)
    with store.begin() as conn:
        conn.execute(
            update(paper.entry).where(paper.entry.c.id == first).values(unit=seeding.OTHER_UNIT)
        )
        people.save_person(
            conn, replace(NURSE, units=frozenset({seeding.UNIT})), hashed(seeding.PASSWORD)
        )
    for screen in ("export", "key_in"):
        app = open_screen(NURSE, screen)
        app.session_state["language"] = language
        assert not app.run().exception
        assert any(each.value.startswith(told) for each in app.info)
        assert not any(each.key == f"download-{run.id}" for each in app.get("download_button"))
        assert not any(
            "sekretess" in each.value or "confidential" in each.value for each in app.caption
        )
    assert any(each.key == f"tick-{run.id}" for each in open_screen(NURSE, "export").toggle)
