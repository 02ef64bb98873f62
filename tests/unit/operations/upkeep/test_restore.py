"""What a restoration refuses, what it needs, and the parts that are only sometimes there."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import JSON, Connection, insert
from sqlalchemy.exc import OperationalError

from pipeline.domain.errors import StoreError, UsageError
from pipeline.domain.settings import Settings
from pipeline.operations.upkeep.backup_folder import choose_kept
from pipeline.store.database.engines import redact_error
from pipeline.store.database.history import head
from pipeline.store.database.migrations.row_copy import (
    TableSum,
    fill_database,
    sum_lines,
    write_rows,
)
from pipeline.store.database.store import RESTORATION_MARK, Store, open_store
from pipeline.store.paper.intake.stacks import WatchedFolder, save_watched_folder
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.registers import watched_folder
from tests.support.store.databases import new_database, postgres_server
from tests.unit.operations.upkeep.backed_up import BusyWard, Safe, all_rows, make_safe, rows_of

pytest_plugins = ("tests.support.store.databases",)
on_sqlite = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
"""See `test_restored_elsewhere.py` for PostgreSQL."""


@pytest.fixture
def safe(store: Store, store_settings: Settings, tmp_path: Path) -> Safe:
    """A backup of a ward with some notes."""
    ward = BusyWard(store)
    ward.begin()
    ward.work(0, 2)
    made = make_safe(tmp_path)
    made.back_up(store, store_settings)
    return made


@on_sqlite
def test_files_of_the_workspace_come_back_without_what_is_made_anew(
    safe: Safe, store: Store, store_settings: Settings, tmp_path: Path
) -> None:
    workspace = store_settings.workspace
    for name in ("models/words.json", "forms/egen/form.yaml", "logo.png", "secrets.toml"):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(name)
    for name in (".pgpass", ".cache/deviceid", "skanner/bunt.pdf"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text(name)
    with store.begin() as conn:
        watched = WatchedFolder(str((workspace / "skanner").resolve()), "Norra", "", utc_now())
        save_watched_folder(conn, watched)
    for name in ("queue.db", "uploads/u.pdf", "efterskrift-before-upgrade-from-0018.db"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text(name)
    (workspace / "settings.yaml").write_text("language: en\ndatabase_url: sqlite:///elsewhere.db\n")
    (safe.folder.folder / safe.folder.names()[0] / "manifest.json").unlink()
    safe.back_up(store, store_settings)
    new = tmp_path / "new"
    safe.restore(new)
    there = {path.relative_to(new).as_posix() for path in new.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith("images/")} == {
        "efterskrift.db",
        "forms/egen/form.yaml",
        "logo.png",
        "models/words.json",
        "secrets.toml",
        "settings.yaml",
    }
    assert (new / "settings.yaml").read_text() == "language: en\n"
    assert {path.stat().st_mode & 0o077 for path in (new, *new.rglob("*.*"))} == {0}


@on_sqlite
@pytest.mark.parametrize("what", ["file", "database"])
def test_only_what_is_empty_is_restored_into(safe: Safe, tmp_path: Path, what: str) -> None:
    new = tmp_path / "new"
    if what == "file":
        new.mkdir()
        (new / "anything").touch()
        with pytest.raises(UsageError) as refused:
            safe.restore(new)
        assert refused.value.key == "error.restore_not_empty"
        return
    other = tmp_path / "other.db"
    open_store(Settings(workspace=tmp_path, database_url=f"sqlite:///{other}"), create=True).close()
    with pytest.raises(StoreError) as full:
        safe.restore(new, f"sqlite:///{other}")
    assert full.value.key == "error.database_not_empty"


@on_sqlite
def test_a_damaged_image_stops_it_unless_the_rest_is_wanted(safe: Safe, tmp_path: Path) -> None:
    safe.images()[0].write_bytes(b"damaged")
    new = tmp_path / "new"
    with pytest.raises(StoreError) as damaged:
        safe.restore(new)
    assert damaged.value.key == "error.backup_images_damaged"
    with pytest.raises(StoreError):
        open_store(Settings(workspace=new, database_url=""))
    assert safe.restore(new, is_incomplete=True).lost_images == 1


@on_sqlite
@pytest.mark.usefixtures("safe")
def test_rows_that_differ_from_the_manifest_are_not_restored(store: Store, tmp_path: Path) -> None:
    lines = list[bytes]()
    with store.snapshot() as conn:
        sums = write_rows(conn, lines.append)
    assert sum_lines(lines) == sums
    url, into = f"sqlite:///{tmp_path / 'new.db'}", (sums, head())
    with pytest.raises(StoreError) as differ:
        fill_database(url, [line.replace(b"Sov gott", b"Sov illa") for line in lines], *into)
    assert differ.value.key == "error.restored_rows_differ"
    fill_database(url, lines, *into)


@on_sqlite
def test_a_backup_of_a_later_schema_names_the_version_that_restores_it(
    safe: Safe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.operations.upkeep.restore.revisions", lambda: ("0001",))
    monkeypatch.setattr("pipeline.operations.upkeep.restore.head", lambda: "0001")
    with pytest.raises(StoreError, match="Install version 1"):
        safe.restore(tmp_path / "new")
    assert not (tmp_path / "new").exists()


EARLIER = "0023"


def write_earlier_rows(conn: Connection, write: Callable[[bytes], object]) -> dict[str, TableSum]:
    """Write the rows as a program of that schema did, whose columns were in another order."""
    lines = list[bytes]()
    write_rows(conn, lines.append)
    written = list[bytes]()
    for line in lines:
        content = json.loads(line)
        if isinstance(content, dict):
            content["columns"].reverse()
        else:
            content.reverse()
        written.append(
            json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        )
        write(written[-1])
    return sum_lines(written)


@pytest.mark.both_databases
def test_a_backup_of_an_earlier_schema_is_restored_and_upgraded(
    store: Store,
    store_settings: Settings,
    bare_settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ward = BusyWard(store)
    ward.begin()
    ward.work(0, 2)
    safe = make_safe(tmp_path)
    with monkeypatch.context() as earlier:
        earlier.setattr("pipeline.operations.upkeep.backup.write_rows", write_earlier_rows)
        earlier.setattr("pipeline.operations.upkeep.backup.head", lambda: EARLIER)
        with store.snapshot() as conn:
            before = rows_of(conn)
        made = safe.back_up(store, store_settings)
    assert made.manifest.schema == EARLIER

    new = tmp_path / "new"
    restored = safe.restore(new, bare_settings.database_url)

    assert (restored.lost_images, restored.log_problems) == (0, 0)
    after = all_rows(Settings(workspace=new, database_url=bare_settings.database_url))
    # Counts are made again; restoration and upgrade are in the log, and the check in its table
    own = {"tally", "event", "event_head", "record_digest", "store_check"}
    assert {name for name in before if before[name] != after[name]} <= own
    assert len(after["tally"]) > 0
    assert len(after["event"]) > len(before["event"])


@pytest.mark.both_databases
@pytest.mark.postgres
def test_empty_values_of_json_stay_what_they_are(tmp_path: Path) -> None:
    """JSON's null and no value at all read the same, and are not."""
    first = Settings(workspace=tmp_path / "first", database_url="")
    row = {"folder": "/å", "unit": "Norr", "place": " ", "looked_at": utc_now(), "is_away": False}
    with closing(open_store(first, create=True)) as store, store.begin() as conn:
        for name, value in (("a", JSON.NULL), ("b", {"ä": [1.5, None, "\u2028"]}), ("c", [])):
            conn.execute(insert(watched_folder), {**row, "id": name, "passed_over": value})
    safe = make_safe(tmp_path)
    with closing(open_store(first)) as store:
        safe.back_up(store, first)
    with new_database(postgres_server()) as url:
        second = Settings(workspace=tmp_path / "second", database_url=url)
        safe.restore(second.workspace, url)
        assert all_rows(second)["watched_folder"] == all_rows(first)["watched_folder"]


def test_days_and_weeks_without_a_backup_do_not_count() -> None:
    names = [f"202601{day}T{hour}0000Z" for day in ("05", "06", 12, 13, 28) for hour in (10, 19)]
    kept = {"20260106T190000Z", "20260113T190000Z", "20260128T190000Z"}
    assert choose_kept(names, days=2, weeks=3) == kept
    assert choose_kept(names, 0, 0) == {names[-1]}
    assert choose_kept([], 3, 3) == set()


@on_sqlite
def test_what_a_machine_has_in_the_home_of_the_program_is_no_workspace(
    safe: Safe, tmp_path: Path
) -> None:
    """The workspace of a server is its user's home: caches and a password file lie there."""
    home = tmp_path / "home"
    for name in (".cache/deviceid", ".pgpass"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "skanner").mkdir()
    safe.restore(home)
    assert (home / ".pgpass").read_text() == ".pgpass"
    assert (home / "efterskrift.db").exists()


@on_sqlite
def test_an_unfinished_workspace_says_how_it_goes_on(safe: Safe, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / RESTORATION_MARK).touch()
    for create in (False, True):
        with pytest.raises(StoreError, match="same `efterskrift restore` again"):
            open_store(Settings(workspace=new), create)
    safe.restore(new)
    # Whatever left the mark there after the end: people have worked with this database since.
    (new / RESTORATION_MARK).touch()
    with pytest.raises(UsageError, match="not empty"):
        safe.restore(new)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('FATAL:  database "x" does not exist', "no such database"),
        ('FATAL:  role "x" does not exist', "no such role"),
        ('FATAL:  password authentication failed for user "x"', "wrong password"),
        ("failed to resolve host 'db'", "no such host"),
        ("FATAL:  the database system is starting up", "no connection"),
    ],
)
def test_a_database_that_is_not_reached_says_why_without_a_value(said: str, reason: str) -> None:
    error = redact_error(OperationalError("", {}, Exception(said)), "postgresql://db/x")
    assert f"({reason})" in str(error)
