"""`efterskrift export` and `efterskrift receipt`: files, JSON and what is said when there is
nothing to do.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from frictionless import Resource
from typer.testing import CliRunner

from pipeline.cli import context
from pipeline.cli import export_runs as exporting
from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, ExportError, UsageError
from pipeline.domain.model import EntryState
from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext, list_runs, undo_run
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import SIV
from tests.support.store.export_office import ANNA, confirm, open_office, state
from tests.support.store.route_steps import make_run, route_to

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportContext]:
    """An office in the workspace that the commands open, with one note that is ready."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("EFTERSKRIFT_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    opened = open_office(Settings(workspace=tmp_path / "workspace", database_url=""))
    confirm(opened, "hsl-anteckning", "AAAA01", kontakttyp="besok", anteckning="Såret ser bra ut.")
    route_to(opened, "rivta", "khsl")
    yield opened
    opened.store.close()


def say(*words: str) -> str:
    app = build_app()
    done = CliRunner().invoke(app, list(words), standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


@pytest.mark.usefixtures("office")
def test_an_export_writes_the_file_and_its_receipt_form(tmp_path: Path) -> None:
    said = json.loads(say("export", "rivta", "-o", "ut.xml", "--json"))
    data = (tmp_path / "ut.xml").read_bytes()
    assert (said["entries"], said["amendments"], said["unfit"], said["file"]) == (
        1,
        0,
        [],
        "ut.xml",
    )
    assert hashlib.sha256(data).hexdigest() == said["sha256"]
    assert (tmp_path / "ut.xml").stat().st_mode & 0o077 == 0
    assert "AAAA01-00" in (tmp_path / said["receipt_file"]).read_text("utf-8-sig")


def test_a_tables_schema_is_written_beside_it_and_validates_it(
    office: ExportContext, tmp_path: Path
) -> None:
    confirm(office, "social-anteckning", "AAAA02", anteckning="Ringde sonen.")
    route_to(office, "treserva-exempel")
    said = json.loads(say("export", "treserva-exempel", "--json"))
    assert (said["entries"], said["schema_file"]) == (2, f"{said['file']}.schema.json")
    schema = tmp_path / said["schema_file"]
    assert schema.stat().st_mode & 0o077 == 0
    for value in (SIV.pid, SIV.name, "Ringde"):
        assert value not in schema.read_text("utf-8")
    report = Resource(path=said["file"], basepath=str(tmp_path), schema=schema.name).validate()
    assert report.flatten(["type", "message"]) == []


@pytest.mark.usefixtures("office")
def test_statistics_are_written_without_a_receipt_form_and_take_no_entry(tmp_path: Path) -> None:
    said = json.loads(say("export", "khsl", "-o", "ut.zip", "--json"))
    assert (said["entries"], said["file"]) == (1, "ut.zip")
    assert "Kolumnlistan måste jämföras" in said["notice"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in {".zip", ".csv"}) == [
        "ut.zip"
    ]
    assert json.loads(say("export", "rivta", "--json"))["entries"] == 1
    assert "Receipt file" not in say("export", "khsl", "--run", said["run"])


@pytest.mark.usefixtures("office")
def test_nothing_to_export_is_said_and_is_no_error() -> None:
    say("export", "rivta")
    assert say("export", "rivta") == "Nothing to export.\n"
    assert json.loads(say("export", "rivta", "--json"))["run"] is None


@pytest.mark.usefixtures("office")
def test_a_run_whose_file_was_never_written_is_handed_out_by_the_next_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What nothing catches: typer itself turns an interrupt into an exit code."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "write_secret", killed)
        with pytest.raises(Killed):
            say("export", "rivta", "--json")
    (earlier,) = json.loads(say("export", "rivta", "--json"))["unfetched"]
    data = (tmp_path / earlier["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == earlier["sha256"]
    assert json.loads(say("export", "rivta", "--json"))["unfetched"] == []


def test_a_run_of_another_person_is_named_and_left_to_them(office: ExportContext) -> None:
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None
    assert json.loads(say("export", "rivta", "--json"))["unfetched"] == []


def test_an_earlier_run_is_written_again(office: ExportContext, tmp_path: Path) -> None:
    run = json.loads(say("export", "rivta", "-o", "ut.xml", "--json"))["run"]
    say("export", "rivta", "--run", run, "-o", "igen.xml")
    assert (tmp_path / "igen.xml").read_bytes() == (tmp_path / "ut.xml").read_bytes()
    with pytest.raises(UsageError, match="is one of rivta"):
        say("export", "fhir", "--run", run)
    with pytest.raises(UsageError, match="There is no unit Nor") as error:
        say("export", "rivta", "--unit", "Nor")
    assert "Norr" in error.value.remedy
    assert len(list_runs(office, ANNA)) == 1


def test_a_receipt_file_is_taken_in(office: ExportContext, tmp_path: Path) -> None:
    say("export", "rivta")
    (tmp_path / "kvittens.csv").write_text("post;status\nAAAA01-00;godkänd\n", "utf-8")
    assert (
        say("receipt", "kvittens.csv") == "1 accepted, 0 refused, 0 known before, 0 not answered\n"
    )
    assert json.loads(say("receipt", "kvittens.csv", "--json")) == {
        "accepted": 0,
        "refused": 0,
        "already": 1,
        "unanswered": 0,
        "hidden": 0,
    }
    assert state(office, "AAAA01-00") is EntryState.RECEIPTED


def test_the_operator_or_a_named_person_does_it(office: ExportContext) -> None:
    say("export", "rivta", "--as", "anna")
    confirm(office, "hsl-anteckning", "AAAA02", kontakttyp="besok", anteckning="x")
    say("export", "rivta")
    assert {each.run.made_by for each in list_runs(office, ANNA)} == {"Anna Öst", getpass.getuser()}
    with pytest.raises(UsageError, match="no member of staff with the login nobody"):
        say("export", "rivta", "--as", "nobody")


def test_what_cannot_be_carried_is_said(office: ExportContext) -> None:
    entry = confirm(
        office, "hsl-anteckning", "AAAA02", handelsedatum="", kontakttyp="besok", anteckning="x"
    )
    assert [each["entry_id"] for each in json.loads(say("export", "rivta", "--json"))["unfit"]] == [
        entry
    ]


def test_a_wrong_place_or_target_stops_before_anything_is_exported(
    office: ExportContext, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        say("export", "rivta", "-o", str(tmp_path / "saknas" / "ut.xml"))
    with pytest.raises(ExportError, match="no target treserva"):
        say("export", "treserva")
    (tmp_path / "mapp").mkdir()
    assert list_runs(office, ANNA) == []
    with pytest.raises(ExportError, match="cannot be written") as caught:
        say("export", "rivta", "-o", str(tmp_path / "mapp"))
    assert list_runs(office, ANNA)[0].run.id in caught.value.remedy


def test_what_may_be_keyed_in_already_is_told_and_held_back(
    office: ExportContext, tmp_path: Path
) -> None:
    care = tmp_path / "lista.csv"
    care.write_text(
        (
            f"Personnummer;När;Anteckning\n{SIV.pid};2021-12-17 08:27;Såret ser bra ut\n"
            ";2021-12-17;x\n"
        ),
        "utf-8",
    )
    said = json.loads(say("clashes", str(care), "--unit", "Norr", "--column", "day=När", "--json"))
    pair = {
        "entry_id": "AAAA01-00",
        "form": "hsl-anteckning",
        "minutes": 12,
        "text": 100,
        "kind": None,
        "in_review": False,
    }
    assert said == {
        "rows": 1,
        "no_person": [3],
        "no_day": [],
        "kept": True,
        "hidden": 0,
        "pairs": [pair],
    }
    told = say("clashes")
    assert "AAAA01-00 (hsl-anteckning): 12 minutes apart, text 100 % alike" in told
    assert SIV.pid not in told
    exported = json.loads(say("export", "rivta", "--json"))
    assert (exported["run"], [one["entry_id"] for one in exported["unfit"]]) == (
        None,
        ["AAAA01-00"],
    )
    assert state(office, "AAAA01-00") is EntryState.SIGNED
    for wrong in ("day=Saknas", "färg=När"):
        with pytest.raises(UsageError):
            say("clashes", str(care), "--unit", "Norr", "--column", wrong)
    with pytest.raises(UsageError, match="no unit"):
        say("clashes", str(care), "--column", "day=När")
    with pytest.raises(UsageError, match="No column is known for day") as error:
        say("clashes", str(care), "--unit", "Norr")
    assert '--column day="TITLE"' in error.value.remedy


@pytest.mark.usefixtures("office")
def test_a_list_that_is_erased_at_once_is_told_of(tmp_path: Path) -> None:
    """Nothing of the unit waits; what is scanned later is not compared with it, and could be
    entered twice.
    """
    care = tmp_path / "lista.csv"
    care.write_text(f"Personnummer;Datum;Anteckning\n{SIV.pid};2021-11-01 08:27;Annat\n", "utf-8")
    app = build_app()
    result = CliRunner().invoke(app, ["clashes", str(care), "--unit", "Norr"])
    assert "Import it again when more paper has been scanned." in result.stderr


@pytest.mark.usefixtures("office")
def test_a_receipt_file_that_somebody_has_filled_in_is_not_emptied(tmp_path: Path) -> None:
    said = json.loads(say("export", "rivta", "-o", "ut.xml", "--json"))
    filled = tmp_path / said["receipt_file"]
    filled.write_bytes(b"post;status;text\r\nAAAA01-00;nekad;Fel enhet\r\n")
    say("export", "rivta", "--run", said["run"], "-o", "igen.xml")
    assert b"nekad" in filled.read_bytes()


@pytest.mark.usefixtures("office")
def test_a_file_that_others_could_read_becomes_secret(tmp_path: Path) -> None:
    (tmp_path / "ut.xml").touch(mode=0o644)
    say("export", "rivta", "-o", "ut.xml")
    assert (tmp_path / "ut.xml").stat().st_mode & 0o077 == 0


def test_a_route_says_to_a_job_runner_whether_there_was_something_to_do(
    office: ExportContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = json.loads(say("export", "--route", "rivta", "-o", "ut.xml", "--json"))
    assert (said["route"], said["target"], said["entries"]) == ("rivta", "rivta", 1)
    assert [run["file"] for run in said["runs"]] == ["ut.xml"]
    assert (tmp_path / "ut.xml").exists()
    app = build_app()
    nothing = CliRunner().invoke(app, ["export", "--route", "rivta", "--json"])
    assert nothing.exit_code == ExitCode.NOTHING_TO_DO
    # A setting that is wrong is a fault, and nothing that waits for people
    monkeypatch.setenv("EFTERSKRIFT_SOURCE_SYSTEM_HSA_ID", "fel")
    confirm(office, "hsl-anteckning", "AAAA02", kontakttyp="besok", anteckning="Läker.")
    faulty = CliRunner().invoke(app, ["export", "--route", "rivta"])
    assert faulty.exit_code == ExitCode.EXPORT
    for wrong in (("--route", "saknas"), ("rivta", "--route", "rivta"), ()):
        with pytest.raises(UsageError):
            say("export", *wrong)
    assert office.store


@pytest.mark.usefixtures("office")
def test_a_file_of_a_run_that_was_undone_meanwhile_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = context.write_secret

    def undone(path: Path, data: bytes, remedy: object) -> None:
        real(path, data, remedy)  # type: ignore[arg-type]
        with exporting.open_export_context() as context:
            (status,) = list_runs(context, ANNA)
            undo_run(context, ANNA, status.run.id, utc_now())

    monkeypatch.setattr(exporting, "write_secret", undone)
    with pytest.raises(ExportError, match="undone"):
        say("export", "rivta", "-o", "ut.xml")
    assert not (tmp_path / "ut.xml").exists()


@pytest.mark.usefixtures("office")
def test_a_list_from_the_care_system_receipts_only_what_is_confirmed(tmp_path: Path) -> None:
    say("export", "rivta", "--json")
    (tmp_path / "lista.csv").write_text(
        f"Personnummer;Datum;Tid;Anteckning\n{SIV.pid};2021-12-17;08:15;Besök. Såret ser bra ut.\n",
        "utf-8",
    )
    command = ("check-receipts", "lista.csv", "--unit", "Norr", "--route", "rivta", "--json")
    proposed = json.loads(say(*command))
    assert (proposed["receipted"], [each["doubt"] for each in proposed["entries"]]) == (0, [None])
    assert json.loads(say(*command, "--confirm"))["receipted"] == 1
    assert json.loads(say(*command))["entries"] == []


@pytest.mark.usefixtures("office")
def test_a_list_that_does_not_prove_everything_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    say("export", "rivta", "--json")
    app = build_app()
    command = ["check-receipts", "lista.csv", "--unit", "Norr", "--route", "rivta"]
    for text, code in (("Något annat.", 9), ("Besök. Såret ser bra ut.", 0)):
        (tmp_path / "lista.csv").write_text(
            f"Personnummer;Datum;Tid;Anteckning\n{SIV.pid};2021-12-17;08:15;{text}\n", "utf-8"
        )
        assert CliRunner().invoke(app, command).exit_code == code


@pytest.mark.usefixtures("office")
def test_a_route_that_is_not_there_is_told_also_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="no route Journal") as caught:
        say("export", "--route", "Journal")
    assert "rivta" in caught.value.remedy
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "empty"))
    open_office(Settings(workspace=tmp_path / "empty", database_url="")).store.close()
    with pytest.raises(UsageError, match="no route Journal") as caught:
        say("export", "--route", "Journal")
    assert "No route is set" in caught.value.remedy
