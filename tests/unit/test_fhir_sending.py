"""Sending FHIR runs to an existing server: once, twice, in parts, refused, corrected, made void."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline.errors import ExportError, NotAllowedError, TargetDeniedError
from pipeline.export.fhir.send import Sent, send_run
from pipeline.export.fhir.server import connected
from pipeline.export.receipts import run_items
from pipeline.export.run_files import history
from pipeline.export.runs import Office, make_run
from pipeline.model import EntryState, Person, Role
from pipeline.record import Run
from pipeline.store import entries
from pipeline.store.clock import utc_now
from pipeline.store.sending import only_sender
from tests.export_examples import ARNE, SIV
from tests.export_office import ANNA, STIG, TORA, agree, confirm, correct, review, state, void
from tests.fhir_servers import SECRET, Served, fhir_serving

pytest_plugins = ("tests.databases", "tests.offices", "tests.fhir_servers")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}
VALUES = {"bt_sys": "140", "bt_dia": "85", "puls": "72"}


def at(office: Office, served: Served, **settings: Any) -> Office:  # noqa: ANN401 - any setting
    """The office with the server in its settings."""
    return replace(office, settings=office.settings.model_copy(update={"fhir_url": served.url, "fhir_token_url": served.token_url} | settings))


def made_run(office: Office) -> Run:
    run = make_run(office, ANNA, "fhir", utc_now())
    assert run is not None
    return run


def sent(office: Office, run: Run, person: Person = ANNA) -> Sent:
    with connected(office.settings) as server:
        return send_run(office, person, run.id, server, utc_now)


@pytest.fixture
def here(office: Office, fhir: Served) -> Office:
    return at(office, fhir)


def test_each_entry_is_taken_once_and_receipted(here: Office, fhir: Served) -> None:
    made = [confirm(here, "hsl-anteckning", "AAAA01", **NOTE), confirm(here, "matvarden", "AAAA02", **VALUES)]
    run = made_run(here)
    steps: list[tuple[int, int]] = []
    with connected(here.settings) as server:
        assert send_run(here, ANNA, run.id, server, utc_now, lambda done, of: steps.append((done, of))) == Sent(2, 0, 0, 0)
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert {state(here, entry) for entry in made} == {EntryState.RECEIPTED}
    expected = {"Patient": 1, "DocumentReference": 2, "Observation": 2, "QuestionnaireResponse": 1, "Questionnaire": 1, "Provenance": 2}
    assert fhir.counts() == expected
    places = {f"DocumentReference/{each['id']}" for each in fhir.all_of("DocumentReference")}
    assert {item.text for item in run_items(here, ANNA, run.id)} == places
    (patient,) = fhir.all_of("Patient")
    assert {each["subject"]["reference"] for each in fhir.all_of("Observation")} == {f"Patient/{patient['id']}"}


def test_sending_twice_makes_nothing_twice(here: Office, fhir: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(here, "matvarden", "AAAA02", **VALUES)
    run = made_run(here)
    with monkeypatch.context() as lost:
        lost.setattr("pipeline.export.fhir.send.give_receipts", lambda *_: None)  # as if the process had ended before each receipt
        sent(here, run)
    before = fhir.counts()
    assert sent(here, run) == Sent(2, 0, 0, 0)
    assert sent(here, run) == Sent(0, 0, 0, 0)
    assert fhir.counts() == before


def test_a_client_whom_the_server_has_is_not_made_again(here: Office, fhir: Served) -> None:
    fhir.put_in({"resourceType": "Patient", "identifier": [{"system": "http://electronichealth.se/identifier/personnummer", "value": SIV.pid}]})
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    sent(here, made_run(here))
    assert fhir.counts()["Patient"] == 1


def test_a_refusal_goes_back_to_review_and_the_others_go_on(here: Office, fhir: Served) -> None:
    twice = {"resourceType": "Patient", "identifier": [{"system": "http://electronichealth.se/identifier/personnummer", "value": ARNE.pid}]}
    fhir.put_in(twice)
    fhir.put_in(twice)
    bad = confirm(here, "hsl-anteckning", "AAAA01", personnummer=ARNE.pid, **NOTE)
    good = confirm(here, "hsl-anteckning", "AAAA02", **NOTE)
    run = made_run(here)
    assert sent(here, run) == Sent(1, 1, 0, 0)
    assert (state(here, bad), state(here, good)) == (EntryState.REVIEW, EntryState.RECEIPTED)
    with here.store.read() as conn:
        assert entries.entry(conn, bad).reason == "Multiple resources found matching condition"
    assert [(item.accepted, bool(item.text)) for item in run_items(here, ANNA, run.id)] == [(False, True), (True, True)]


def test_a_refused_entry_is_sent_again_in_its_next_revision(here: Office, fhir: Served) -> None:
    full = VALUES | {"temp": "37.5", "vikt": "60", "b_glukos": "5.1", "saturation": "95", "smarta": "2"}
    entry = confirm(here, "matvarden", "AAAA01", **full)
    assert sent(here, made_run(here)).refused == 1  # Medplum keeps eight resources together at most
    assert fhir.counts()["Observation"] == 0
    review(here, entry, "matvarden", **VALUES)
    assert sent(here, made_run(here)).accepted == 1
    (document,) = fhir.all_of("DocumentReference")
    assert document["masterIdentifier"]["value"] == f"{entry}.2"
    assert "relatesTo" not in document


def test_a_correction_replaces_and_what_it_replaces_stays_readable(here: Office, fhir: Served) -> None:
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    sent(here, made_run(here))
    correct(here, entry, "anteckning", "Såret vätskar.")
    assert sent(here, made_run(here)) == Sent(1, 0, 0, 0)
    old, new = sorted(fhir.all_of("DocumentReference"), key=lambda each: str(each["masterIdentifier"]["value"]))
    assert (old["status"], new["status"], new["docStatus"]) == ("superseded", "current", "amended")
    assert new["relatesTo"][0]["code"] == "replaces"
    assert new["relatesTo"][0]["target"]["reference"] == f"DocumentReference/{old['id']}"
    assert old["content"][0]["attachment"]["data"] != new["content"][0]["attachment"]["data"]
    assert {each["status"] for each in fhir.all_of("QuestionnaireResponse")} == {"entered-in-error", "amended"}
    assert fhir.counts()["Patient"] == 1


def test_a_corrected_measurement_is_the_only_one_that_holds(here: Office, fhir: Served) -> None:
    entry = confirm(here, "matvarden", "AAAA01", **VALUES)
    sent(here, made_run(here))
    correct(here, entry, "rad01.puls", "92")
    agree(here, entry, "matvarden", TORA, **VALUES | {"puls": "92"})
    sent(here, made_run(here))
    pulses = [each for each in fhir.all_of("Observation") if "valueQuantity" in each]
    assert {(each["status"], each["valueQuantity"]["value"]) for each in pulses} == {("entered-in-error", 72), ("corrected", 92)}


def test_a_correction_whose_answer_was_lost_is_taken_when_sent_again(here: Office, fhir: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    sent(here, made_run(here))
    correct(here, entry, "anteckning", "Såret vätskar.")
    run = made_run(here)
    with monkeypatch.context() as lost:
        lost.setattr("pipeline.export.fhir.send.give_receipts", lambda *_: None)
        sent(here, run)
    before = {each["id"]: each for each in fhir.all_of("DocumentReference")}
    assert sent(here, run) == Sent(1, 0, 0, 0)
    assert {each["id"]: each for each in fhir.all_of("DocumentReference")} == before


def test_what_is_void_is_marked_so_in_all_its_parts(here: Office, fhir: Served) -> None:
    entry = confirm(here, "matvarden", "AAAA01", **VALUES)
    sent(here, made_run(here))
    void(here, entry)
    assert sent(here, made_run(here)) == Sent(1, 0, 0, 0)
    held = fhir.all_of("DocumentReference") + fhir.all_of("Observation")
    assert len(held) == 4
    assert {each["status"] for each in held} == {"entered-in-error"}
    assert {each["activity"]["coding"][0]["code"] for each in fhir.all_of("Provenance")} == {"CREATE", "NULLIFY"}


def test_what_a_correction_has_overtaken_is_not_sent(here: Office, fhir: Served) -> None:
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    late = made_run(here)
    correct(here, entry, "anteckning", "Såret vätskar.")
    assert sent(here, late) == Sent(0, 0, 0, 1)
    assert fhir.counts()["DocumentReference"] == 0
    assert sent(here, made_run(here)) == Sent(1, 0, 0, 0)


def test_what_is_made_void_while_others_are_sent_is_not_sent(here: Office, fhir: Served) -> None:
    first, second = (confirm(here, "hsl-anteckning", serial, **NOTE) for serial in ("AAAA01", "AAAA02"))
    run = made_run(here)
    with connected(here.settings) as server:
        assert send_run(here, ANNA, run.id, server, utc_now, lambda done, _: void(here, second) if done == 1 else None) == Sent(1, 0, 0, 1)
    assert (state(here, first), fhir.counts()["DocumentReference"]) == (EntryState.RECEIPTED, 1)


def test_only_who_may_sends_and_only_fhir_runs(here: Office, fhir: Served) -> None:
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    chief = Person("chef", "Chef Ek", "enhetschef", Role.MANAGER, ANNA.units, ANNA.areas)
    run = made_run(here)
    for person in (STIG, chief):
        with pytest.raises(NotAllowedError):
            sent(here, run, person)
    confirm(here, "hsl-anteckning", "AAAA02", **NOTE)
    other = make_run(here, ANNA, "rivta", utc_now())
    assert other is not None
    with pytest.raises(ExportError, match="no FHIR run"):
        sent(here, other)
    assert fhir.counts()["DocumentReference"] == 0


@pytest.mark.both_databases
def test_two_do_not_send_at_once(here: Office) -> None:
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    run = made_run(here)
    with only_sender(here.store, "fhir"), pytest.raises(ExportError, match="already"):
        sent(here, run)
    assert sent(here, run).accepted == 1


def test_client_credentials_open_a_server_that_asks_for_them(office: Office, fhir_installed: Path, tmp_path: Path) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = made_run(office)
    (tmp_path / "secret").write_text(SECRET + "\n")
    with fhir_serving(fhir_installed, tokens=True) as served:
        closed = at(office, served, fhir_token_url="")
        wrong = at(office, served, fhir_client_id="efterskrift", fhir_client_secret=SecretStr("another secret of one test, long enough"))
        for refused in (closed, wrong):
            with pytest.raises(TargetDeniedError):
                sent(refused, run)
        known = at(office, served, fhir_client_id="efterskrift", fhir_client_secret_file=tmp_path / "secret", fhir_scope="system/*.write")
        assert sent(known, run) == Sent(1, 0, 0, 0)
    assert history(office, ANNA)[0].accepted == 1


def test_no_value_and_no_secret_is_logged(here: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    sent(here, made_run(here))
    correct(here, entry, "anteckning", "Såret vätskar.")
    sent(here, made_run(here))
    assert "HTTP Request" in caplog.text
    for word in (SIV.pid, SIV.name, "Såret", "Gun Ek", SECRET):
        assert word not in caplog.text


def test_a_failing_server_is_told_to_whoever_sends(office: Office, make_away: Callable[[Office], Office]) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    with pytest.raises(ExportError, match="away"):
        sent(make_away(office), made_run(office))


@pytest.fixture
def make_away() -> Callable[[Office], Office]:
    """Settings of a server that is not there."""
    return lambda office: at(office, Served("http://127.0.0.1:9/R4", ""), fhir_attempts=1)
