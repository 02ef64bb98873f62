"""`efterskrift send`: what it says, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import TargetUnavailableError, UsageError
from pipeline.export.runs import ExportContext
from pipeline.store.database.clock import utc_now
from tests.support.servers.fhir_servers import Served
from tests.support.store.export_office import ANNA, confirm
from tests.support.store.route_steps import make_run

pytest_plugins = (
    "tests.support.store.databases",
    "tests.support.store.offices",
    "tests.support.servers.fhir_servers",
)

EXAMPLE = "EFTERSKRIFT_FHIR_SYSTEM"
NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}


@pytest.fixture(autouse=True)
def workspace(office: ExportContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(office.settings.workspace))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", office.settings.database_url)


def called(*arguments: str, command: str = "send") -> str:
    result = CliRunner().invoke(build_app(), [command, *arguments])
    if result.exception is not None:
        raise result.exception
    # Without the notice that the office has the example's address
    return "".join(line for line in result.output.splitlines(True) if EXAMPLE not in line)


def test_all_runs_that_wait_are_sent_and_then_there_is_nothing(
    office: ExportContext, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    for serial in ("AAAA01", "AAAA02"):
        confirm(office, "hsl-anteckning", serial, **NOTE)
        assert make_run(office, ANNA, "fhir", utc_now()) is not None
    said: list[dict[str, Any]] = [
        json.loads(line) for line in called("fhir", "--as", "anna", "--json").splitlines()
    ]
    sent, read_back = said[::2], said[1::2]
    assert [(one["accepted"], one["refused"]) for one in sent] == [(1, 0), (1, 0)]
    assert [(one["read_back"], one["same"], one["missing"]) for one in read_back] == [
        (one["run"], 1, 0) for one in sent
    ]
    assert fhir.counts()["DocumentReference"] == 2
    assert "Nothing to send." in called("fhir")


def test_a_run_is_named_in_plain_words(
    office: ExportContext, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = make_run(office, ANNA, "fhir", utc_now())
    assert run is not None
    assert called("fhir", run.id).splitlines() == [
        f"Run {run.id}: 1 accepted, 0 refused, 0 not answered, 0 overtaken by a correction",
        f"Run {run.id}: 1 of 1 at the server as exported, 0 different, 0 missing",
    ]
    assert called("fhir", command="read-back") == "Nothing to read back.\n"


def test_identifiers_of_an_example_are_told_before_they_are_sent(
    office: ExportContext, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = make_run(office, ANNA, "fhir", utc_now())
    assert run is not None
    assert EXAMPLE in CliRunner().invoke(build_app(), ["send", "fhir", run.id]).output
    assert fhir.counts()["DocumentReference"] == 1  # told, not refused


def test_a_named_run_is_asked_for_again_though_it_was_proven(
    office: ExportContext, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = make_run(office, ANNA, "fhir", utc_now())
    assert run is not None
    called("fhir", run.id)
    fhir.clear()
    # Without a name only what has no proof is searched for
    assert called("fhir", command="read-back") == "Nothing to read back.\n"
    result = CliRunner().invoke(build_app(), ["read-back", "fhir", run.id])
    assert result.output.strip() == (
        f"Run {run.id}: 0 of 1 at the server as exported, 0 different, 1 missing"
    )
    assert result.exit_code == 9


def test_what_nobody_loaded_is_missing_and_the_exit_code_says_so(
    office: ExportContext, fhir: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", fhir.url)
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = make_run(office, ANNA, "fhir", utc_now())
    assert run is not None
    result = CliRunner().invoke(build_app(), ["read-back", "fhir", "--json"])
    assert json.loads(result.output) == {
        "read_back": run.id,
        "entries": 1,
        "same": 0,
        "different": 0,
        "missing": 1,
        "differences": {},
    }
    assert result.exit_code == 9


def test_what_cannot_be_sent_is_told(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="rivta"):
        called("rivta")
    with pytest.raises(UsageError, match="fhir_url"):
        called("fhir")
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    make_run(office, ANNA, "fhir", utc_now())
    monkeypatch.setenv("EFTERSKRIFT_FHIR_URL", "http://127.0.0.1:9/R4")
    monkeypatch.setenv("EFTERSKRIFT_FHIR_ATTEMPTS", "1")
    with pytest.raises(TargetUnavailableError):
        called("fhir")
