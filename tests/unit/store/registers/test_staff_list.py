"""The staff list in the store, and the command that takes it in."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.model import StaffMember
from pipeline.domain.settings import Settings
from pipeline.store.database.store import open_store
from pipeline.store.registers.staff import load_staff_list, save_staff

EVA = StaffMember("Eva Marklund", "sjuksköterska", "EM", "Hemsjukvården Centrum")
ERIK = StaffMember("Erik Molin", "undersköterska", "EM", "Hemsjukvården Centrum")
LEILA = StaffMember("Leila Hassan", "undersköterska", "LH", "Hemtjänsten Norr")


def test_a_new_list_replaces_that_of_its_unit_only(tmp_path: Path) -> None:
    with open_store(Settings(workspace=tmp_path), create=True).begin() as conn:
        assert save_staff(conn, [EVA, ERIK, LEILA]) == 3
        assert load_staff_list(conn) == [ERIK, EVA, LEILA]
        save_staff(conn, [EVA])
        assert load_staff_list(conn) == [EVA, LEILA]


def test_the_command_takes_in_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    file = tmp_path / "personal.csv"
    file.write_text(
        f"namn;titel;signatur;enhet\n{EVA.name};{EVA.title};{EVA.signature};{EVA.unit}\n", "utf-8"
    )
    store = open_store(Settings(workspace=tmp_path / "workspace"), create=True)
    result = CliRunner().invoke(build_app(), ["staff", str(file)])
    assert (result.exit_code, result.stdout) == (0, "1 line\n")
    with store.read() as conn:
        assert load_staff_list(conn) == [EVA]
