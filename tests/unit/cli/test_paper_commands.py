"""The commands that open a pack and close a page, as other programs call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import EfterskriftError, UsageError
from pipeline.domain.model import IssuedSheet
from pipeline.domain.settings import Settings
from pipeline.forms.fiducials import new_serial
from pipeline.store.database.store import open_store
from pipeline.store.paper import pages
from pipeline.store.paper.pages import NewPage
from pipeline.store.registers.client_register import save_units
from pipeline.store.registers.issued_sheets import save_issued_sheets


@pytest.fixture
def failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A page that failed, in a workspace for which three sheets were printed."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(folder))
    store = open_store(Settings(workspace=folder), create=True)
    with store.begin() as conn:
        save_units(conn, {"Norra": "HSL"})
        sheets = [IssuedSheet(new_serial(), "hsl-anteckning", 1, "Norra") for _ in range(3)]
        save_issued_sheets(conn, sheets, "bo")
        batch = pages.create_batch(conn, "Norra", "", "bo")
        page = pages.add_page(
            conn, NewPage(batch, 1, "a.pdf", 1, None, None, None, reason="not_a_document"), "bo"
        )
    store.close()
    return page


def run(*arguments: str) -> str:
    result = CliRunner().invoke(build_app(), arguments, catch_exceptions=True)
    if isinstance(result.exception, EfterskriftError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.usefixtures("failed")
def test_a_pack_is_listed_opened_and_taken_back() -> None:
    (pack,) = json.loads(run("packs", "--json"))
    assert (pack["unit"], pack["sheets"], pack["state"]) == ("Norra", 3, "reserve")
    assert "in reserve" in run("packs")
    (pack,) = json.loads(run("packs", "--open", pack["pack"], "--day", "2026-01-09", "--json"))
    assert (pack["state"], pack["opened_on"]) == ("open", "2026-01-09")
    (pack,) = json.loads(run("packs", "--undo", pack["pack"], "--json"))
    assert pack["state"] == "reserve"


def test_a_failed_page_is_closed_and_stays_countable(failed: str) -> None:
    run("close-page", failed, "--reason", "empty")
    found = json.loads(run("status", "--json"))
    assert (found["pages"]["failed"], found["pages"]["done"], found["closed"]) == (0, 1, 1)
    run("close-page", failed, "--undo")
    found = json.loads(run("status", "--json"))
    assert (found["pages"]["failed"], found["closed"]) == (1, 0)


@pytest.mark.parametrize("options", [(), ("--reason", "empty", "--undo")])
def test_a_page_is_closed_for_a_reason_or_opened(failed: str, options: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="why the page is closed"):
        run("close-page", failed, *options)
