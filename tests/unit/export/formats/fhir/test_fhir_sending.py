"""Sending FHIR runs to an existing server: once, twice, in parts, refused, corrected, made void."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline.domain.errors import ExportError, NotAllowedError, TargetAccessError
from pipeline.domain.model import EntryState, Person, Role
from pipeline.domain.record import Run
from pipeline.export.fhir.sender import SendResult, send_run
from pipeline.export.fhir.server import connect_fhir_server
from pipeline.export.runs import ExportContext, list_runs, make_run
from pipeline.export.runs.receipts import open_run_items
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import entry as entries_entry
from pipeline.store.exports.sender_lock import sender_lock
from tests.support.servers.fhir_servers import SECRET, Served, fhir_serving
from tests.support.store.export_examples import ARNE, SIV
from tests.support.store.export_office import (
    ANNA,
    STIG,
    TORA,
    agree,
    confirm,
    correct,
    review,
    state,
    void,
)

pytest_plugins = (
    "tests.support.store.databases",
    "tests.support.store.offices",
    "tests.support.servers.fhir_servers",
)

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}
VALUES = {"bt_sys": "140", "bt_dia": "85", "puls": "72"}


def at(office: ExportContext, served: Served, **settings: Any) -> ExportContext:  # noqa: ANN401 - any setting
    """The office with the server in its settings."""
    return replace(
        office,
        settings=office.settings.model_copy(
            update={"fhir_url": served.url, "fhir_token_url": served.token_url} | settings
        ),
    )


def made_run(office: ExportContext) -> Run:
    run = make_run(office, ANNA, "fhir", utc_now())
    assert run is not None
    return run


def sent(office: ExportContext, run: Run, person: Person = ANNA) -> SendResult:
    with connect_fhir_server(office.settings) as server:
        return send_run(office, person, run.id, server, utc_now)


@pytest.fixture
def here(office: ExportContext, fhir: Served) -> ExportContext:
    return at(office, fhir)


def test_each_entry_is_taken_once_and_receipted(here: ExportContext, fhir: Served) -> None:
    made = [
        confirm(here, "hsl-anteckning", "AAAA01", **NOTE),
        confirm(here, "matvarden", "AAAA02", **VALUES),
    ]
    run = made_run(here)
    steps: list[tuple[int, int]] = []
    with connect_fhir_server(here.settings) as server:
        assert send_run(
            here, ANNA, run.id, server, utc_now, lambda done, of: steps.append((done, of))
        ) == SendResult(2, 0, 0, 0)
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert {state(here, entry) for entry in made} == {EntryState.RECEIPTED}
    expected = {
        "Patient": 1,
        "DocumentReference": 2,
        "Observation": 2,
        "QuestionnaireResponse": 1,
        "Questionnaire": 1,
        "Provenance": 2,
        "AllergyIntolerance": 0,
        "Flag": 0,
    }
    assert fhir.counts() == expected
    places = {f"DocumentReference/{each['id']}" for each in fhir.all_of("DocumentReference")}
    assert {item.text for item in open_run_items(here, ANNA, run.id)} == places
    (patient,) = fhir.all_of("Patient")
    assert {each["subject"]["reference"] for each in fhir.all_of("Observation")} == {
        f"Patient/{patient['id']}"
    }


def test_sending_twice_makes_nothing_twice(
    here: ExportContext, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(here, "matvarden", "AAAA02", **VALUES)
    run = made_run(here)
    with monkeypatch.context() as lost:
        lost.setattr(
            "pipeline.export.fhir.sender.submit_receipts", lambda *_: None
        )  # as if the process had ended before each receipt
        sent(here, run)
    before = fhir.counts()
    assert sent(here, run) == SendResult(2, 0, 0, 0)
    assert sent(here, run) == SendResult(0, 0, 0, 0)
    assert fhir.counts() == before


def test_a_client_whom_the_server_has_is_not_made_again(here: ExportContext, fhir: Served) -> None:
    fhir.put_in(
        {
            "resourceType": "Patient",
            "identifier": [
                {"system": "http://electronichealth.se/identifier/personnummer", "value": SIV.pid}
            ],
        }
    )
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    sent(here, made_run(here))
    assert fhir.counts()["Patient"] == 1


def test_a_refusal_goes_back_to_review_and_the_others_go_on(
    here: ExportContext, fhir: Served
) -> None:
    twice = {
        "resourceType": "Patient",
        "identifier": [
            {"system": "http://electronichealth.se/identifier/personnummer", "value": ARNE.pid}
        ],
    }
    fhir.put_in(twice)
    fhir.put_in(twice)
    bad = confirm(here, "hsl-anteckning", "AAAA01", personnummer=ARNE.pid, **NOTE)
    good = confirm(here, "hsl-anteckning", "AAAA02", **NOTE)
    run = made_run(here)
    assert sent(here, run) == SendResult(1, 1, 0, 0)
    assert (state(here, bad), state(here, good)) == (EntryState.REVIEW, EntryState.RECEIPTED)
    with here.store.read() as conn:
        assert (
            entries_entry.load_entry(conn, bad).reason
            == "Multiple resources found matching condition"
        )
    assert [(item.accepted, bool(item.text)) for item in open_run_items(here, ANNA, run.id)] == [
        (False, True),
        (True, True),
    ]


def test_a_refused_entry_is_sent_again_in_its_next_revision(
    here: ExportContext, fhir: Served
) -> None:
    full = VALUES | {
        "temp": "37.5",
        "vikt": "60",
        "b_glukos": "5.1",
        "saturation": "95",
        "smarta": "2",
    }
    entry = confirm(here, "matvarden", "AAAA01", **full)
    assert sent(here, made_run(here)).refused == 1  # Medplum keeps eight resources together at most
    assert fhir.counts()["Observation"] == 0
    review(here, entry, "matvarden", **VALUES)
    assert sent(here, made_run(here)).accepted == 1
    (document,) = fhir.all_of("DocumentReference")
    assert document["masterIdentifier"]["value"] == f"{entry}.2"
    assert "relatesTo" not in document


def test_a_correction_replaces_and_what_it_replaces_stays_readable(
    here: ExportContext, fhir: Served
) -> None:
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    sent(here, made_run(here))
    correct(here, entry, "anteckning", "Såret vätskar.")
    assert sent(here, made_run(here)) == SendResult(1, 0, 0, 0)
    old, new = sorted(
        fhir.all_of("DocumentReference"), key=lambda each: str(each["masterIdentifier"]["value"])
    )
    assert (old["status"], new["status"], new["docStatus"]) == ("superseded", "current", "amended")
    assert new["relatesTo"][0]["code"] == "replaces"
    assert new["relatesTo"][0]["target"]["reference"] == f"DocumentReference/{old['id']}"
    assert old["content"][0]["attachment"]["data"] != new["content"][0]["attachment"]["data"]
    assert {each["status"] for each in fhir.all_of("QuestionnaireResponse")} == {
        "entered-in-error",
        "amended",
    }
    assert fhir.counts()["Patient"] == 1


def test_a_corrected_measurement_is_the_only_one_that_holds(
    here: ExportContext, fhir: Served
) -> None:
    entry = confirm(here, "matvarden", "AAAA01", **VALUES)
    sent(here, made_run(here))
    correct(here, entry, "rad01.puls", "92")
    agree(here, entry, "matvarden", TORA, **VALUES | {"puls": "92"})
    sent(here, made_run(here))
    pulses = [each for each in fhir.all_of("Observation") if "valueQuantity" in each]
    assert {(each["status"], each["valueQuantity"]["value"]) for each in pulses} == {
        ("entered-in-error", 72),
        ("corrected", 92),
    }


def test_a_correction_whose_answer_was_lost_is_taken_when_sent_again(
    here: ExportContext, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    sent(here, made_run(here))
    correct(here, entry, "anteckning", "Såret vätskar.")
    run = made_run(here)
    with monkeypatch.context() as lost:
        lost.setattr("pipeline.export.fhir.sender.submit_receipts", lambda *_: None)
        sent(here, run)
    before = {each["id"]: each for each in fhir.all_of("DocumentReference")}
    assert sent(here, run) == SendResult(1, 0, 0, 0)
    assert {each["id"]: each for each in fhir.all_of("DocumentReference")} == before


def test_what_is_void_is_marked_so_in_all_its_parts(here: ExportContext, fhir: Served) -> None:
    entry = confirm(here, "matvarden", "AAAA01", **VALUES)
    sent(here, made_run(here))
    void(here, entry)
    assert sent(here, made_run(here)) == SendResult(1, 0, 0, 0)
    held = fhir.all_of("DocumentReference") + fhir.all_of("Observation")
    assert len(held) == 4
    assert {each["status"] for each in held} == {"entered-in-error"}
    assert {each["activity"]["coding"][0]["code"] for each in fhir.all_of("Provenance")} == {
        "CREATE",
        "NULLIFY",
    }


def test_what_a_correction_has_overtaken_is_not_sent(here: ExportContext, fhir: Served) -> None:
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    late = made_run(here)
    correct(here, entry, "anteckning", "Såret vätskar.")
    assert sent(here, late) == SendResult(0, 0, 0, 1)
    assert fhir.counts()["DocumentReference"] == 0
    assert sent(here, made_run(here)) == SendResult(1, 0, 0, 0)


def test_what_is_made_void_while_others_are_sent_is_not_sent(
    here: ExportContext, fhir: Served
) -> None:
    first, second = (
        confirm(here, "hsl-anteckning", serial, **NOTE) for serial in ("AAAA01", "AAAA02")
    )
    run = made_run(here)
    with connect_fhir_server(here.settings) as server:
        assert send_run(
            here,
            ANNA,
            run.id,
            server,
            utc_now,
            lambda done, _: void(here, second) if done == 1 else None,
        ) == SendResult(1, 0, 0, 1)
    assert (state(here, first), fhir.counts()["DocumentReference"]) == (EntryState.RECEIPTED, 1)


def test_only_who_may_sends_and_only_fhir_runs(here: ExportContext, fhir: Served) -> None:
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
def test_two_do_not_send_at_once(here: ExportContext) -> None:
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    run = made_run(here)
    with sender_lock(here.store, "fhir"), pytest.raises(ExportError, match="already"):
        sent(here, run)
    assert sent(here, run).accepted == 1


def test_client_credentials_open_a_server_that_asks_for_them(
    office: ExportContext, fhir_installed: Path, tmp_path: Path
) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = made_run(office)
    (tmp_path / "secret").write_text(SECRET + "\n")
    with fhir_serving(fhir_installed, tokens=True) as served:
        closed = at(office, served, fhir_token_url="")
        wrong = at(
            office,
            served,
            fhir_client_id="efterskrift",
            fhir_client_secret=SecretStr("another secret of one test, long enough"),
        )
        for refused in (closed, wrong):
            with pytest.raises(TargetAccessError):
                sent(refused, run)
        known = at(
            office,
            served,
            fhir_client_id="efterskrift",
            fhir_client_secret_file=tmp_path / "secret",
            fhir_scope="system/*.write",
        )
        assert sent(known, run) == SendResult(1, 0, 0, 0)
    assert list_runs(office, ANNA)[0].accepted == 1


def test_no_value_and_no_secret_is_logged(
    here: ExportContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    sent(here, made_run(here))
    correct(here, entry, "anteckning", "Såret vätskar.")
    sent(here, made_run(here))
    assert "HTTP Request" in caplog.text
    for word in (SIV.pid, SIV.name, "Såret", "Gun Ek", SECRET):
        assert word not in caplog.text


def test_a_server_that_does_not_answer_is_an_error(
    office: ExportContext, make_away: Callable[[ExportContext], ExportContext]
) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    with pytest.raises(ExportError, match="does not answer"):
        sent(make_away(office), made_run(office))


@pytest.fixture
def make_away() -> Callable[[ExportContext], ExportContext]:
    """Settings of a server that is not there."""
    return lambda office: at(office, Served("http://127.0.0.1:9/R4", ""), fhir_attempts=1)
