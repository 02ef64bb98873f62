"""The commands `forms` and `print`, as called by other programs."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pdf2image import pdfinfo_from_bytes
from sqlalchemy import Connection
from typer.testing import CliRunner

from pipeline.cli import printing
from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, FormError, StoreUnavailableError, UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Client
from pipeline.domain.settings import ROOT, load_settings
from pipeline.store.database.store import Store, open_store
from pipeline.store.registers.client_register import save_clients, save_units
from tests.support.store.outstanding import list_outstanding

pytestmark = pytest.mark.slow

REGISTER = (
    "personnummer;namn;enhet\n"
    "192501019216;Astrid Åkerström;Hemtjänst Öst\n"
    "195001182046;Birger Näslund;Hemtjänst Väst\n"
    "195004112354;Gunhild Åkerström;Hemtjänst Väst\n"
)

SIDES = len(Forms.load(ROOT / "forms").latest("hsl-anteckning").pages)


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))


def _run(*arguments: str) -> str:
    app = build_app()
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _pages(*pdfs: Path) -> list[int]:
    return [pdfinfo_from_bytes(pdf.read_bytes())["Pages"] for pdf in pdfs]


def _issued() -> list[tuple[str, str | None]]:
    store = open_store(load_settings())
    with store.read() as conn:
        sheets = list_outstanding(conn)
    store.close()
    return [(sheet.unit, sheet.client_pid) for sheet in sheets]


def test_list_names_every_form() -> None:
    forms = json.loads(_run("forms", "list", "--json"))
    assert {"hsl-anteckning", "besokslista", "matvarden", "fri-anteckning"} <= {
        form["id"] for form in forms
    }
    assert all(form["version"] >= 1 and form["title"] for form in forms)
    assert "Tillfällig journalanteckning" in _run("forms", "list")


def test_show_gives_every_field_with_its_place() -> None:
    form = json.loads(_run("forms", "show", "matvarden", "--json"))
    assert (form["id"], form["version"]) == ("matvarden", 2)
    page = form["pages"][0]
    assert (page["width_mm"], page["height_mm"]) == (210.0, 297.0)
    fields = {field["name"]: field for field in page["fields"]}
    temp = fields["rad02.temp"]
    assert (temp["kind"], temp["critical"], temp["cells"], temp["decimals"], temp["row"]) == (
        "digits",
        True,
        3,
        1,
        2,
    )
    assert len(temp["cells_mm"]) == 3
    assert len(temp["box_mm"]) == 4
    assert "rad01.temp" in _run("forms", "show", "matvarden")


def test_show_gives_the_options_of_a_choice() -> None:
    form = json.loads(_run("forms", "show", "hsl-anteckning", "--json"))
    choice = next(field for field in form["pages"][0]["fields"] if field["kind"] == "choice")
    assert [option["value"] for option in choice["options"]] == [
        "besok",
        "telefon",
        "digital",
        "utan_patient",
    ]
    assert all(len(option["box_mm"]) == 4 for option in choice["options"])


def test_check_has_no_findings_for_shipped_forms() -> None:
    lines = _run("forms", "check").splitlines()
    assert "hsl-anteckning version 1: ok" in lines
    assert [line for line in lines if not line.endswith(": ok")] == []


def test_placing_form_without_outline_fails_with_its_path() -> None:
    app = build_app()
    result = CliRunner().invoke(app, ["forms", "place", "besokslista"])
    assert result.exit_code == ExitCode.FORM
    assert "besokslista/outline.yaml" in result.stderr
    assert "form.yaml" not in result.stderr


def test_check_reports_unpublished_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "forms" / "fri-anteckning"
    folder.mkdir(parents=True)
    folder.joinpath("form.yaml").write_bytes(
        (ROOT / "forms" / "fri-anteckning" / "form.yaml").read_bytes()
    )
    monkeypatch.setenv("EFTERSKRIFT_FORMS", str(tmp_path / "forms"))
    app = build_app()
    result = CliRunner().invoke(app, ["forms", "check"])
    assert result.exit_code == 3
    assert "form.yaml:2: fri-anteckning/1 finns inte i published.json. Publicera" in result.stdout


def test_printed_sheets_are_issued(tmp_path: Path) -> None:
    pdf = tmp_path / "ut.pdf"
    _run("print", "besokslista", "--copies", "3", "--unit", "Hemtjänst Öst", "-o", str(pdf))
    assert pdfinfo_from_bytes(pdf.read_bytes())["Pages"] == 3
    assert _issued() == [("Hemtjänst Öst", None)] * 3


def test_issued_sheets_are_not_overwritten(tmp_path: Path) -> None:
    pdf, register = tmp_path / "ut.pdf", tmp_path / "klienter.csv"
    lines = REGISTER.splitlines()
    register.write_text(
        "\n".join([f"{lines[0]};skyddad", f"{lines[1]};ja", f"{lines[2]};"]), "utf-8"
    )
    secret = pdf.with_stem("ut-skyddade")
    secret.write_bytes(b"printed before")
    for _ in range(2):
        with pytest.raises(UsageError, match="there is such a file"):
            _run("print", "hsl-anteckning", "--clients", str(register), "-o", str(pdf))
    assert secret.read_bytes() == b"printed before"
    assert not pdf.exists()
    assert _issued() == []


def test_every_client_gets_a_sheet(tmp_path: Path) -> None:
    pdf, register = tmp_path / "ut.pdf", tmp_path / "klienter.csv"
    register.write_text(REGISTER, "utf-8")
    _run("print", "hsl-anteckning", "--clients", str(register), "-o", str(pdf))
    assert pdfinfo_from_bytes(pdf.read_bytes())["Pages"] == 3 * SIDES
    assert {pid for _, pid in _issued()} == {"192501019216", "195001182046", "195004112354"}


def test_sheets_of_one_unit_only(tmp_path: Path) -> None:
    pdf, register = tmp_path / "ut.pdf", tmp_path / "klienter.csv"
    register.write_text(REGISTER, "utf-8")
    _run(
        "print",
        "hsl-anteckning",
        "--clients",
        str(register),
        "--unit",
        "Hemtjänst Väst",
        "-o",
        str(pdf),
    )
    assert [unit for unit, _ in _issued()] == ["Hemtjänst Väst"] * 2
    with pytest.raises(UsageError, match="no clients"):
        _run(
            "print", "hsl-anteckning", "--clients", str(register), "--unit", "Okänd", "-o", str(pdf)
        )


def test_sheets_of_protected_clients_are_in_separate_file(tmp_path: Path) -> None:
    pdf, register = tmp_path / "ut.pdf", tmp_path / "klienter.csv"
    lines = REGISTER.strip().splitlines()
    register.write_text(
        "\n".join([f"{lines[0]};skyddad", f"{lines[1]};ja", *(f"{line};" for line in lines[2:])]),
        "utf-8",
    )
    _run("print", "hsl-anteckning", "--clients", str(register), "-o", str(pdf))
    assert _pages(pdf, tmp_path / "ut-skyddade.pdf") == [2 * SIDES, SIDES]
    assert len(_issued()) == 3


def test_sheets_of_clients_protected_in_store_are_in_separate_file(
    tmp_path: Path,
) -> None:
    pdf, register = tmp_path / "ut.pdf", tmp_path / "klienter.csv"
    register.write_text(REGISTER, "utf-8")
    store = open_store(load_settings(), create=True)
    with store.begin() as conn:
        save_clients(
            conn, [Client("195001182046", "Birger Näslund", "Hemtjänst Väst", protected=True)]
        )
    store.close()
    _run("print", "hsl-anteckning", "--clients", str(register), "-o", str(pdf))
    assert _pages(pdf, tmp_path / "ut-skyddade.pdf") == [2 * SIDES, SIDES]


def test_unwritten_sheets_are_not_issued(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        _run("print", "besokslista", "-o", str(tmp_path / "missing" / "ut.pdf"))
    assert _issued() == []


@pytest.mark.parametrize("place", ["/", ".", ""])
def test_target_that_is_not_a_file_is_rejected(place: str) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        _run("print", "besokslista", "-o", place)
    assert not load_settings().workspace.exists()


def test_no_file_is_left_if_one_of_two_cannot_be_written(tmp_path: Path) -> None:
    register = tmp_path / "klienter.csv"
    lines = REGISTER.strip().splitlines()
    register.write_text(
        "\n".join([f"{lines[0]};skyddad", f"{lines[1]};ja", *(f"{line};" for line in lines[2:])]),
        "utf-8",
    )
    (tmp_path / "ut-skyddade.pdf").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        _run("print", "hsl-anteckning", "--clients", str(register), "-o", str(tmp_path / "ut.pdf"))
    assert _issued() == []
    assert not (tmp_path / "ut.pdf").exists()


def test_full_disk_leaves_no_unregistered_sheets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    open_store(load_settings(), create=True).close()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space"):
        _run("print", "besokslista", "-o", str(tmp_path / "ut.pdf"))
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]
    assert _issued() == []


def test_unregistered_sheets_are_not_left_for_printing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(load_settings(), create=True).close()
    begin = Store.begin

    @contextmanager
    def fails_at_its_end(store: Store) -> Iterator[Connection]:
        with begin(store) as conn:
            yield conn
            raise StoreUnavailableError("upload_not_kept", reason="full")

    monkeypatch.setattr(Store, "begin", fails_at_its_end)
    with pytest.raises(StoreUnavailableError):
        _run("print", "besokslista", "-o", str(tmp_path / "ut.pdf"))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


def test_printing_before_units_exist_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printing.print_form("besokslista", tmp_path / "ut.pdf", copies=1, unit="Norr")
    assert "no units yet" in capsys.readouterr().err


def test_file_with_names_is_readable_only_by_owner(tmp_path: Path) -> None:
    pdf, register = tmp_path / "ut.pdf", tmp_path / "klienter.csv"
    register.write_text(REGISTER, "utf-8")
    pdf.touch(0o644)
    _run("print", "hsl-anteckning", "--clients", str(register), "-o", str(pdf))
    assert pdf.stat().st_mode & 0o777 == 0o600


def test_empty_register_prints_no_blank_sheet(tmp_path: Path) -> None:
    register = tmp_path / "klienter.csv"
    register.write_text(REGISTER.splitlines()[0] + "\n", "utf-8")
    with pytest.raises(UsageError, match="no clients"):
        _run("print", "hsl-anteckning", "--clients", str(register), "-o", str(tmp_path / "ut.pdf"))
    assert not (tmp_path / "ut.pdf").exists()


def test_contradictory_arguments_are_rejected(tmp_path: Path) -> None:
    register = tmp_path / "klienter.csv"
    register.write_text(REGISTER, "utf-8")
    with pytest.raises(UsageError, match="exclude"):
        _run(
            "print",
            "besokslista",
            "--copies",
            "2",
            "--clients",
            str(register),
            "-o",
            str(tmp_path / "ut.pdf"),
        )
    with pytest.raises(FormError, match="There is no form"):
        _run("print", "besoklista", "-o", str(tmp_path / "ut.pdf"))


def test_blank_sheets_are_of_the_only_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    store = open_store(load_settings(), create=True)
    with store.begin() as conn:
        save_units(conn, {"Norr": "HSL"})
    printing.print_form("hsl-anteckning", tmp_path / "ut.pdf", copies=2)
    with store.read() as conn:
        assert [sheet.unit for sheet in list_outstanding(conn)] == ["Norr", "Norr"]
    store.close()


@pytest.mark.parametrize("unit", ["", "Nor"])
def test_printing_without_known_unit_is_rejected(
    unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    store = open_store(load_settings(), create=True)
    with store.begin() as conn:
        save_units(conn, {"Norr": "HSL", "Söder": "HSL"})
    with pytest.raises(UsageError, match="no unit") as raised:
        printing.print_form("hsl-anteckning", tmp_path / "ut.pdf", copies=2, unit=unit)
    assert "Norr, Söder" in raised.value.remedy
    with store.read() as conn:
        assert list_outstanding(conn) == []
    store.close()
