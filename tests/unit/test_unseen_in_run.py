"""An entry of a run that leaves the unit's sight, forwarded or behind a block, takes nothing of the run with it but itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.errors import NotAllowedError
from pipeline.export import key_in
from pipeline.export.fhir.send import Sent, send_run
from pipeline.export.fhir.server import connected
from pipeline.export.receipts import Answer, ReceiptResult, apply_receipt_file, give_receipts, receipt_template, run_items
from pipeline.export.run_files import history, run_file
from pipeline.export.runs import Office, make_run
from pipeline.model import EntryState, Person, Role
from pipeline.professions import ALL_AREAS
from pipeline.record import Run
from pipeline.store import blocks, forwarding, people
from pipeline.store.clock import utc_now
from pipeline.store.entries import entry
from tests.export_examples import ARNE, FORMS, SIV
from tests.export_office import ANNA, STIG, confirm, state
from tests.fhir_servers import Served
from tests.unit.test_fhir_sending import at

pytest_plugins = ("tests.databases", "tests.offices", "tests.fhir_servers")

NORA = Person("nora", "Nora Nord", "sjuksköterska", Role.REVIEWER, frozenset({"Norr"}), ALL_AREAS)
NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}
GONE, HERE, DONE = "AAAA01-00", "AAAA02-00", "AAAA03-00"


def made(office: Office, target: str = "skriv-in") -> Run:
    """A run of three entries, made by somebody who works in one unit only."""
    with office.store.begin() as conn:
        people.save_person(conn, NORA, "fyra lösa ord här")
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    for serial in ("AAAA02", "AAAA03"):
        confirm(office, "hsl-anteckning", serial, personnummer=ARNE.pid, **NOTE)
    run = make_run(office, NORA, target, utc_now())
    assert run is not None
    return run


def forwarded(office: Office, run: Run) -> None:
    give_receipts(office, NORA, run.id, [Answer(GONE, accepted=False, text="Hör till Söder")], utc_now())
    with office.store.begin() as conn:
        forwarding.forward(conn, FORMS, NORA, GONE, entry(conn, GONE).revision, "Söder", "", utc_now())


def blocked(office: Office, _: Run) -> None:
    with office.store.begin() as conn:
        blocks.set_block(conn, STIG, "Söder", SIV.pid, "på begäran", utc_now())


both_ways = pytest.mark.parametrize("leave", [forwarded, blocked])


@both_ways
def test_the_others_are_listed_keyed_in_and_receipted(office: Office, leave: Callable[[Office, Run], None]) -> None:
    run = made(office)
    leave(office, run)
    (status,) = history(office, NORA)
    assert (status.run.entries, status.hidden, status.waiting, status.refused) == (3, 1, 2, 0)
    (waiting,) = key_in.waiting_runs(office, NORA)
    assert (waiting.entries, waiting.waiting, waiting.hidden) == (2, 2, 1)
    assert key_in.held_back(office, NORA, run.id) == 0
    shown = key_in.next_entry(office, NORA, run.id, utc_now())
    assert shown is not None
    assert shown.item.entry_id == HERE
    give_receipts(office, NORA, run.id, [Answer(HERE, accepted=True), Answer(DONE, accepted=True)], utc_now())
    assert (state(office, HERE), state(office, DONE)) == (EntryState.RECEIPTED, EntryState.RECEIPTED)
    assert key_in.next_entry(office, NORA, run.id, utc_now()) is None
    assert (key_in.waiting_runs(office, NORA), history(office, NORA)[0].waiting) == ([], 0)


@both_ways
def test_what_is_gone_is_neither_shown_nor_receipted_nor_in_any_file(office: Office, leave: Callable[[Office, Run], None]) -> None:
    run = made(office)
    leave(office, run)
    assert [item.entry_id for item in run_items(office, NORA, run.id)] == [HERE, DONE]
    template = receipt_template(office, NORA, run.id)
    assert GONE not in template.data.decode()
    assert template.entries == 2
    with pytest.raises(NotAllowedError):
        give_receipts(office, NORA, run.id, [Answer(HERE, accepted=True), Answer(GONE, accepted=True)], utc_now())
    assert state(office, HERE) is EntryState.EXPORTED
    with pytest.raises(NotAllowedError):
        run_file(office, NORA, run.id)
    assert run_file(office, ANNA, run.id).entries == 3
    assert history(office, ANNA)[0].hidden == 0


@both_ways
def test_of_a_whole_receipt_file_the_others_are_settled_and_the_rest_is_counted(office: Office, leave: Callable[[Office, Run], None]) -> None:
    run = made(office)
    leave(office, run)
    file = "".join(f"{run.id};{entry_id};{word}\n" for entry_id, word in ((GONE, "nekad"), (HERE, "godkänd"), (DONE, "godkänd")))
    told = apply_receipt_file(office, NORA, f"körning;post;status\n{file}".encode(), utc_now())
    assert told == ReceiptResult(2, 0, 0, 0, hidden=1)
    with pytest.raises(NotAllowedError):
        apply_receipt_file(office, NORA, f"post;status\n{GONE};nekad\n".encode(), utc_now())


def test_a_run_of_which_a_person_sees_nothing_stays_closed(office: Office) -> None:
    run = made(office)
    assert history(office, STIG) == []
    assert key_in.waiting_runs(office, STIG) == []
    for look in (run_file, run_items, receipt_template, key_in.held_back):
        with pytest.raises(NotAllowedError):
            look(office, STIG, run.id)


@both_ways
def test_statistics_stay_listed_and_their_file_stays_with_those_who_may_see_all(office: Office, leave: Callable[[Office, Run], None]) -> None:
    listed = made(office)
    run = make_run(office, NORA, "khsl", utc_now())
    assert run is not None
    leave(office, listed)
    assert [(each.run.id, each.hidden, each.waiting) for each in history(office, NORA) if each.run.target == "khsl"] == [(run.id, 1, 0)]
    with pytest.raises(NotAllowedError):
        run_file(office, NORA, run.id)


@both_ways
def test_the_others_are_sent_to_the_fhir_server(office: Office, fhir: Served, leave: Callable[[Office, Run], None]) -> None:
    here = at(office, fhir)
    run = made(here, "fhir")
    leave(here, run)
    with connected(here.settings) as server:
        assert send_run(here, NORA, run.id, server, utc_now) == Sent(2, 0, 0, 0)
    assert fhir.counts()["DocumentReference"] == 2
    assert state(here, GONE) is not EntryState.RECEIPTED
