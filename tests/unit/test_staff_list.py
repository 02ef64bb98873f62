"""The staff list in the store, and the command that takes it in."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import build_app
from pipeline.model import StaffMember
from pipeline.settings import Settings
from pipeline.store.database import open_store
from pipeline.store.staff_list import save_staff, staff_list

EVA = StaffMember("Eva Marklund", "sjuksköterska", "EM", "Hemsjukvården Centrum")
ERIK = StaffMember("Erik Molin", "undersköterska", "EM", "Hemsjukvården Centrum")
LEILA = StaffMember("Leila Hassan", "undersköterska", "LH", "Hemtjänsten Norr")


def test_a_new_list_replaces_that_of_its_unit_only(tmp_path: Path) -> None:
    with open_store(Settings(workspace=tmp_path), create=True).begin() as conn:
        assert save_staff(conn, [EVA, ERIK, LEILA]) == 3
        assert staff_list(conn) == [ERIK, EVA, LEILA]
        save_staff(conn, [EVA])
        assert staff_list(conn) == [EVA, LEILA]


def test_the_command_takes_in_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    file = tmp_path / "personal.csv"
    file.write_text(f"namn;titel;signatur;enhet\n{EVA.name};{EVA.title};{EVA.signature};{EVA.unit}\n", "utf-8")
    store = open_store(Settings(workspace=tmp_path / "workspace"), create=True)
    result = CliRunner().invoke(build_app(), ["staff", str(file)])
    assert (result.exit_code, result.stdout) == (0, "1 line\n")
    with store.read() as conn:
        assert staff_list(conn) == [EVA]
