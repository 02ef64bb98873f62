"""The wrong-person guard on the review screen: a conflict is shown, blocks, and is resolved, handed
on, or becomes a temporary identity.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from pipeline.domain.model import EntryState, Person, Value
from pipeline.registers.client_check import NO_CLIENT, NO_REGISTER
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.client_identities import list_temporary_identities
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.event_log.events import client_log_subject, list_events
from pipeline.store.registers import client_register
from pipeline.store.schema import registers
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, NURSE, OTHER_UNIT
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import type_all
from ui.screens.review.client_card import is_client_seen
from ui.screens.review.workbench import acts


def found(store: Store, entry_id: str) -> Entry:
    with store.read() as conn:
        return load_entry(conn, entry_id)


def conflicting(store: Store, open_screen: OpenScreen) -> tuple[Bench, str]:
    """The nurse has typed the number of one client where the paper has another's name."""
    entry_id = seeding.add_notes(store, 1, personnummer=CLIENTS[1].pid)[0]
    bench = Bench(open_screen(NURSE, "review"))
    return type_all(bench, personnummer=CLIENTS[1].pid).save(), entry_id


def banner(bench: Bench) -> dict[str, Any]:
    """The client in the banner."""
    (client,) = bench.card["banner"]["clients"]
    return dict(client)


def test_a_conflict_blocks_until_a_choice_is_stated(store: Store, open_screen: OpenScreen) -> None:
    bench, entry_id = conflicting(store, open_screen)
    assert found(store, entry_id).state is EntryState.REVIEW
    assert "Namnet på papperet liknar inte patientens namn." in bench.card["question"]["lines"]
    bench.save()
    assert found(store, entry_id).state is EntryState.REVIEW
    bench.save(question={"choice": "slip"})
    assert found(store, entry_id).state is EntryState.CONFIRMED


def test_a_client_who_has_not_been_shown_is_shown_before_anything_is_saved(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "is_client_seen", is_client_seen)
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review"))).save()
    assert found(store, entry_id).state is EntryState.REVIEW
    assert "Se efter att patienten är rätt" in bench.card["warning"]
    assert banner(bench)["unit"] == CLIENTS[0].unit
    bench.type("personnummer", CLIENTS[1].pid).save()
    assert "Se efter att patienten är rätt" in bench.card["warning"]  # another number and client
    bench.type("personnummer", CLIENTS[0].pid).save()
    assert found(store, entry_id).state is EntryState.CONFIRMED


def test_a_key_that_is_pressed_twice_is_no_look_at_the_client(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        acts,
        "is_client_seen",
        lambda held, number, now, _: is_client_seen(held, number, now, timedelta(hours=1)),
    )
    entry_id = seeding.add_notes(store, 1)[0]
    type_all(Bench(open_screen(NURSE, "review"))).save().save()
    assert found(store, entry_id).state is EntryState.REVIEW


def test_an_empty_register_asks_for_no_reason(store: Store, open_screen: OpenScreen) -> None:
    """Each entry was refused once, for a reason that did not fit."""
    with store.begin() as conn:
        conn.execute(delete(registers.client))
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review")))
    assert "Klientregistret är tomt" in str(bench.act("draft").card["banner"])
    assert bench.card["banner"]["clear"]
    bench.type("personnummer", CLIENTS[0].pid[:-1] + str(9 - int(CLIENTS[0].pid[-1]))).save()
    assert found(store, entry_id).state is EntryState.REVIEW, "the check digit counts"
    assert banner(bench)["against"] == ["kontrollsiffran stämmer inte"]
    bench.type("personnummer", CLIENTS[0].pid).save()
    assert found(store, entry_id).state is EntryState.CONFIRMED
    with store.read() as conn:
        (identity,) = list_temporary_identities(conn, NURSE)
    assert (identity.number, identity.reason) == (CLIENTS[0].pid, NO_REGISTER)
    follow_up = open_screen(NURSE, "follow_up")
    assert not follow_up.exception


def test_one_client_in_the_register_is_enough_to_ask(store: Store, open_screen: OpenScreen) -> None:
    with store.begin() as conn:
        conn.execute(delete(registers.client).where(registers.client.c.pid != CLIENTS[1].pid))
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review"))).save()
    assert found(store, entry_id).state is EntryState.REVIEW
    assert bench.card["question"]["kind"] == "outside"


def test_a_number_that_is_none_is_said_at_once(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "is_client_seen", is_client_seen)
    seeding.add_notes(store, 1)
    bench = type_all(Bench(open_screen(NURSE, "review")), personnummer="1930").save()
    assert list(bench.errors()) == ["personnummer"]


def test_a_conflict_is_handed_on(store: Store, open_screen: OpenScreen) -> None:
    bench, entry_id = conflicting(store, open_screen)
    bench.save(question={"choice": "hand_on"})
    assert found(store, entry_id).state is EntryState.SECOND


def test_a_number_that_nobody_can_read_becomes_a_temporary_identity(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review")), personnummer="?").save()
    bench.save(question={"outside": "numret går inte att läsa", "name": "Elsa F"})
    assert found(store, entry_id).state is EntryState.SECOND
    app = open_screen(NURSE, "follow_up")
    app.segmented_control(key="follow_up_kind").set_value("identities").run()
    assert not app.exception
    assert "Elsa F" in " ".join(markdown.value for markdown in app.markdown)


def test_an_empty_number_is_only_asked_for(store: Store, open_screen: OpenScreen) -> None:
    """Saving too early must not ask for a temporary identity."""
    seeding.add_notes(store, 1)
    bench = type_all(Bench(open_screen(NURSE, "review")), personnummer="").save()
    assert bench.card["question"] is None
    assert list(bench.errors()) == ["personnummer"]


def test_a_protected_client_is_covered_and_handed_on(store: Store, open_screen: OpenScreen) -> None:
    """The machine read the number of a client of a unit that the nurse has not."""
    entry_id, here = protected(store)
    bench = Bench(open_screen(here, "review"))
    assert "Skyddade personuppgifter" in bench.card["hidden"]["title"]
    assert bench.names == []
    assert CLIENTS[1].pid not in bench.sent()
    bench.act("hand_over")
    assert found(store, entry_id).unit == OTHER_UNIT


def test_an_entry_whose_client_is_hidden_is_not_sent_ahead(
    store: Store, open_screen: OpenScreen
) -> None:
    first = seeding.add_notes(store, 1)[0]
    hidden, here = protected(store)
    with store.begin() as conn:  # so that the other comes after it
        queue.open_claimed_entry(conn, seeding.forms(), here, first, queue.ClaimTerms(utc_now()))
    bench = Bench(open_screen(here, "review"))
    assert bench.entry == first
    assert bench.data["ahead"] is None
    assert bench.card["canAdvance"] is False
    assert hidden not in bench.sent()


def protected(store: Store) -> tuple[str, Person]:
    """A note about a protected client of another unit, and the nurse of this one only."""
    here = replace(NURSE, units=frozenset({seeding.UNIT}))
    with store.begin() as conn:
        client_register.save_clients(conn, [replace(CLIENTS[1], unit=OTHER_UNIT, protected=True)])
        save_person(conn, here, None)
    return seeding.add_notes(store, 1, personnummer=CLIENTS[1].pid)[0], here


def test_a_photo_that_is_about_nobody_is_confirmed_from_the_lines_that_the_machine_read(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = unusual_paper.add_free_page(store, "Extra bemanning hela veckan.")
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.value("anteckning") == "Extra bemanning hela veckan."
    type_photo(bench).save()
    reasons = [option["label"] for option in bench.card["question"]["select"]["options"]]
    assert "Gäller ingen enskild klient (till exempel foto av en whiteboard)" in reasons
    bench.save(question={"outside": NO_CLIENT})
    assert (found(store, entry_id).state, found(store, entry_id).client_pid) == (
        EntryState.SECOND,
        None,
    )


def type_photo(bench: Bench) -> Bench:
    """Answer what is asked about a photo of a whiteboard, without a client."""
    said = dict.fromkeys(("personnummer", "handelsetid", "skrivet_datum", "skriven_tid"), "-")
    said |= {"handelsedatum": "2021-12-17", "rubrik": "Whiteboard", "namn": "-"}
    for name, text in (said | {"skribent": "Nina Berglund", "yrkestitel": "-"}).items():
        bench.type(name, text)
    return bench.choose("omrade", "Annat").choose("underskrift", "Tomt")


def test_the_client_of_a_number_that_stands_there_as_read_is_shown_at_once(
    store: Store, open_screen: OpenScreen
) -> None:
    """On a tour list the number was printed: it is not typed, but it is looked at like any
    other.
    """
    client = CLIENTS[0]
    values: dict[str, Value] = {
        "datum": "2021-12-18",
        "rad01.personnummer": client.pid,
        "rad01.namn": client.name,
        "rad01.utford": True,
    }
    seeding.add_sheet_of(store, seeding.forms().latest("korlista"), values)
    shown = banner(Bench(open_screen(NURSE, "review")))
    assert (shown["name"], shown["unit"]) == (client.name, client.unit)


def test_a_missing_name_speaks_neither_for_nor_against_the_client(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 1)
    bench = Bench(open_screen(NURSE, "review"))
    bench.type("namn", "-").type("personnummer", CLIENTS[0].pid).act("draft")
    shown = banner(bench)
    assert shown["for"]
    assert [text for text in (*shown["for"], *shown["against"]) if "saknas" in text] == []


def test_the_lookup_of_a_client_is_logged_once_for_each_showing(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 1)
    pid = CLIENTS[0].pid
    bench = Bench(open_screen(NURSE, "review"))
    for number in (pid, CLIENTS[1].pid, pid):
        bench.type("personnummer", number).act("draft")
    bench.type("handelsetid", "09:4").act("draft")
    assert lookups(store, pid) == 1
    Bench(open_screen(NURSE, "review"))
    assert lookups(store, pid) == 2


def lookups(store: Store, pid: str) -> int:
    """How often the nurse has looked the client up, by the log."""
    with store.read() as conn:
        events = list_events(conn, client_log_subject(conn, pid))
    return sum(event.action == "look_up_client" and event.by == NURSE.login for event in events)
