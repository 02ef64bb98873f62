"""`efterskrift archive`: the package's file, JSON, and what is said when there is nothing to do."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import ExportError, UsageError
from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext
from pipeline.store.schema import paper
from tests.support.pages.small_pages import blank_page
from tests.support.store.export_office import confirm, open_office
from tests.unit.export.archive.archive_steps import export_and_receipt

pytestmark = pytest.mark.slow


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportContext]:
    """An office in the workspace that the commands open, with a note that its target has."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("EFTERSKRIFT_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    opened = open_office(Settings(workspace=tmp_path / "workspace", database_url=""))
    confirm(opened, "hsl-anteckning", "AAAA01", kontakttyp="besok", anteckning="Såret ser bra ut.")
    with opened.store.begin() as conn:
        conn.execute(
            update(paper.page).values(
                image_sha256=opened.store.images.put(blank_page(1)), media_type="image/png"
            )
        )
    export_and_receipt(opened)
    yield opened
    opened.store.close()


def say(*words: str) -> str:
    app = build_app()
    done = CliRunner().invoke(app, list(words), standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


@pytest.mark.usefixtures("office")
def test_a_package_is_written_for_its_owner_only_and_can_be_written_again(tmp_path: Path) -> None:
    said = json.loads(say("archive", "-o", "arkiv.zip", "--decision", "DHP 2022-3", "--json"))
    path = tmp_path / "arkiv.zip"
    assert (said["sheets"], said["waiting"], said["unsettled"], said["file"]) == (
        1,
        0,
        0,
        "arkiv.zip",
    )
    assert hashlib.sha256(path.read_bytes()).hexdigest() == said["sha256"]
    assert path.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(path) as file:
        assert f"{said['package']}/representations/pdfa/data/AAAA01.pdf" in file.namelist()
    again = json.loads(say("archive", "-o", "igen.zip", "--package", said["package"], "--json"))
    assert again["sheets"] == 0
    assert (tmp_path / "igen.zip").read_bytes() == path.read_bytes()


@pytest.mark.usefixtures("office")
def test_nothing_to_archive_is_said_and_is_no_error() -> None:
    assert "1 sheet in" in say("archive", "--decision", "DHP 2022-3")
    assert say("archive") == "Nothing to archive.\n"


@pytest.mark.usefixtures("office")
def test_what_is_ready_is_not_archived_without_a_decision() -> None:
    with pytest.raises(ExportError, match="number"):
        say("archive")


def test_a_sheet_with_an_entry_on_its_way_is_counted(office: ExportContext) -> None:
    with office.store.begin() as conn:
        row = dict(conn.execute(paper.entry.select().limit(1)).mappings().one())
        conn.execute(paper.entry.insert().values(row | {"id": "AAAA01-77", "state": "granskas"}))
    assert "1 sheet waits: an entry on it is not reviewed." in say("archive")
    assert json.loads(say("archive", "--json"))["waits"] == {"review": 1}


@pytest.mark.usefixtures("office")
def test_a_missing_folder_or_package_is_refused_before_anything_is_made() -> None:
    with pytest.raises(UsageError, match="folder"):
        say("archive", "-o", "ingen/arkiv.zip")
    with pytest.raises(ExportError, match="no package"):
        say("archive", "--package", "x")
    assert "1 sheet in" in say("archive", "--decision", "DHP 2022-3")
