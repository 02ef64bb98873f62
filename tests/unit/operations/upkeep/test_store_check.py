"""`efterskrift check`: what is missing, damaged or nobody's, in database and files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner, Result

from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, ImagesAwayError
from pipeline.domain.settings import Settings
from pipeline.operations.health import check_health
from pipeline.operations.intake import import_files
from pipeline.operations.upkeep.store_check import FileState, check_store, check_when_due
from pipeline.operations.worker_pool import WorkerPool
from pipeline.store.database.image_files import ID_FILE
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_units
from pipeline.store.reports.upkeep import StoreCheck, find_last_check
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import page
from pipeline.store.schema.registers import store_check
from tests.faults.watching import until
from tests.support.image_folder import folder_of
from tests.support.pages.small_pages import write_stack

pytestmark = pytest.mark.patient

pytest_plugins = ("tests.support.store.databases",)
on_sqlite = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
PAGES = 3


@pytest.fixture
def files(store: Store, tmp_path: Path) -> list[Path]:
    """The files of a few pages in the store."""
    with store.begin() as conn:
        save_units(conn, {"Norra": "HSL"})
    import_files(store, write_stack(tmp_path / "in", PAGES), unit="Norra", place="", by="a.b")
    with store.read() as conn:
        return [
            folder_of(store).path(name)
            for name in conn.execute(select(page.c.image_sha256)).scalars()
        ]


def checks(store: Store) -> int:
    """How many checks there were."""
    with store.read() as conn:
        return len(conn.execute(select(store_check.c.id)).all())


def test_a_whole_store_is_found_whole(store: Store, files: list[Path]) -> None:
    seen: list[tuple[int, int]] = []
    report = check_store(store, "a.b", lambda done, total: seen.append((done, total)))
    assert (report.check.is_whole, report.check.files, report.problems) == (True, len(files), ())
    assert seen == [(number, PAGES) for number in range(1, PAGES + 1)]
    with store.read() as conn:
        assert find_last_check(conn) == report.check


def test_missing_damaged_and_unnamed_files_are_counted_and_named(
    store: Store, files: list[Path]
) -> None:
    files[0].unlink()
    files[1].write_bytes(b"damaged")
    store.images.put(b"nobody's")
    report = check_store(store, "a.b")
    found = report.check
    assert (found.is_whole, found.missing, found.damaged, found.orphans) == (False, 1, 1, 1)
    states = {problem.sha256: problem.state for problem in report.problems}
    assert states == {files[0].name: FileState.MISSING, files[1].name: FileState.DAMAGED}
    assert all(problem.uses[0].startswith("page ") for problem in report.problems)


@pytest.mark.usefixtures("files")
def test_while_the_disk_of_pictures_is_away_nothing_is_judged(store: Store) -> None:
    folder_of(store).folder.rename(folder_of(store).folder.with_name("away"))
    with pytest.raises(ImagesAwayError):
        check_store(store, "a.b")
    assert checks(store) == 0


@pytest.mark.usefixtures("files")
def test_wrong_counts_are_made_anew_and_are_no_damage(store: Store) -> None:
    with store.begin() as conn:
        conn.execute(update(page).values(standing="done"))
    report = check_store(store, "a.b")
    assert (report.check.is_whole, report.recounted > 0) == (True, True)
    with store.read() as conn:
        assert set(conn.execute(select(page.c.standing)).scalars()) == {"waiting"}
    assert check_store(store, "a.b").recounted == 0


@on_sqlite
@pytest.mark.usefixtures("files")
def test_a_damaged_database_is_noticed(store: Store, store_settings: Settings) -> None:
    with closing(sqlite3.connect(store_settings.workspace / "efterskrift.db")) as database:
        database.execute("DELETE FROM batch")
        database.commit()
    found = check_store(store, "a.b").check
    assert not found.is_whole
    assert "page" in found.database_problem


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("ago", [timedelta(hours=200), timedelta(hours=-1)])
def test_a_check_is_due_when_the_last_is_old_or_of_a_wrong_clock(
    store: Store, store_settings: Settings, ago: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.nice", lambda _: 0)
    for _ in range(2):
        check_when_due(store_settings)
    assert checks(store) == 1
    with store.begin() as conn:
        conn.execute(update(store_check).values(started_at=utc_now() - ago))
    check_when_due(store_settings)
    assert checks(store) == 2


@on_sqlite
@pytest.mark.usefixtures("files")
def test_the_workers_check_the_store_when_it_is_due(store: Store, store_settings: Settings) -> None:
    pool = WorkerPool(store_settings, 0)
    pool.check_store()
    until(lambda: _last_check(store) is not None, "the store is checked")
    pool.check_store()
    pool.stop()
    assert checks(store) == 1


def _last_check(store: Store) -> StoreCheck | None:
    with store.read() as conn:
        return find_last_check(conn)


@pytest.fixture
def command(store_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command on the store."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    monkeypatch.delenv("EFTERSKRIFT_DATABASE_URL", raising=False)
    return lambda *words: CliRunner().invoke(build_app(), ["check", *words])


@on_sqlite
def test_the_command_says_what_is_wrong_by_its_exit_code(
    files: list[Path], command: Callable[..., Result]
) -> None:
    assert command().exit_code == ExitCode.OK
    files[0].unlink()
    found = command("--json")
    assert found.exit_code == ExitCode.STORE
    told = json.loads(found.stdout)
    assert (told["ok"], told["missing"], told["files"]) == (False, 1, PAGES)
    assert files[0].name in command().stdout
    states = {finding.part: finding for finding in check_health()}
    assert states["Last check"].remedy


@on_sqlite
@pytest.mark.usefixtures("files")
def test_a_restored_folder_without_its_id_is_accepted_on_request(
    store: Store, command: Callable[..., Result]
) -> None:
    (folder_of(store).folder / ID_FILE).unlink()
    assert isinstance(command().exception, ImagesAwayError)
    assert command("--accept-images").exit_code == ExitCode.OK
    assert command().exit_code == ExitCode.OK
