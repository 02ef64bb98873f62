"""The commands that bring paper into the store, as other programs call them."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner, Result

from pipeline.cli import operations
from pipeline.cli import work as cli_work
from pipeline.cli.app import build_app
from pipeline.cli.work import WorkSummary
from pipeline.domain.errors import (
    EfterskriftError,
    ExitCode,
    IntakeError,
    SchemaTooNewError,
    UsageError,
)
from pipeline.domain.model import Client
from pipeline.domain.settings import Settings
from pipeline.operations import health, worker_pool
from pipeline.operations.health import check_health
from pipeline.store.database.store import open_store
from pipeline.store.paper.pages import list_batch_pages
from pipeline.store.registers.client_register import load_client, save_clients, save_units
from pipeline.store.schema import paper
from pipeline.texts import Words
from tests.faults.watching import until
from tests.support.pages.small_pages import foreign_page, write_stack
from tests.support.store.ward import ASTA

pytestmark = [pytest.mark.slow, pytest.mark.patient]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(folder))
    monkeypatch.setenv("EFTERSKRIFT_WATCH_SECONDS", "0.05")
    store = open_store(Settings(workspace=folder), create=True)
    with store.begin() as conn:
        save_units(conn, {"Norra": "HSL"})
    store.close()
    return folder


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(build_app(), arguments, catch_exceptions=True)
    if isinstance(result.exception, EfterskriftError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def counts() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = json.loads(run("status", "--json").stdout)
    return found


@pytest.mark.usefixtures("workspace")
def test_scan_says_the_batch_and_status_counts_its_pages(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"no pdf")
    files = [*write_stack(tmp_path / "in", 3), bad]
    told = run("scan", *map(str, files), "--place", "Pärm 1")
    assert "4 pages, 1 of them could not be imported" in told.stdout
    assert "bad.pdf, page 1: The file is not a PDF" in told.stderr
    assert "scan that paper once more" in told.stderr
    assert "Imported before" not in told.stderr
    found = counts()
    assert found["pages"] == {"in": 4, "done": 0, "waiting": 3, "failed": 1, "queued": 3}
    assert found["problems"] == {"not_a_document": 1}
    assert found["batches"] == {"in": 1, "unfinished": []}
    assert "Pages in 4 = done 0 + waiting 3 + failed 1" in run("status").stdout


@pytest.mark.usefixtures("workspace")
def test_the_last_that_scan_says_is_which_pages_failed_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_work, "_MAX_REPORTED_FILES", 2)
    (first,) = write_stack(tmp_path / "in", 1)
    run("scan", str(first))
    files = [first, *(tmp_path / f"bad{number}.pdf" for number in range(3))]
    for file in files[1:]:
        file.write_bytes(b"no pdf")
    *_, known, one, two, rest, remedy = run("scan", *map(str, files)).stderr.splitlines()
    assert known.startswith("Imported before")
    assert ("bad0.pdf, page 1" in one, "bad1.pdf, page 1" in two) == (True, True)
    assert rest == "  and 1 page more, which the screen Skanna shows"
    assert "Import a whole file" in remedy


@pytest.mark.usefixtures("workspace")
def test_a_file_that_was_taken_in_before_is_told_of(tmp_path: Path) -> None:
    first, second = write_stack(tmp_path / "in", 2)
    run("scan", str(first))
    (again := tmp_path / "Bunt från Åsa 1.png").write_bytes(first.read_bytes())
    (bad := tmp_path / "bad.pdf").write_bytes(b"no pdf")
    assert "Imported before" not in run("scan", str(bad)).stderr + run("scan", str(bad)).stderr
    told = run("scan", str(again), str(second)).stderr
    assert "Imported before: Bunt från Åsa 1.png." in told
    assert second.name not in told


def test_the_unit_must_be_known_and_is_asked_for_when_there_are_several(
    workspace: Path, tmp_path: Path
) -> None:
    file = str(write_stack(tmp_path / "in", 1)[0])
    with pytest.raises(UsageError, match="There is no unit Södra"):
        run("scan", file, "--unit", "Södra")
    store = open_store(Settings(workspace=workspace))
    with store.begin() as conn:
        save_units(conn, {"Södra": "SoL"})
    store.close()
    with pytest.raises(UsageError, match="Say which unit") as error:
        run("scan", file)
    assert "Norra, Södra" in error.value.remedy
    run("scan", file, "--unit", "Södra")


@pytest.mark.usefixtures("workspace")
def test_a_missing_file_is_named_before_anything_is_taken_in(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file gone\.pdf"):
        run("scan", str(tmp_path / "gone.pdf"))
    assert counts()["pages"]["in"] == 0


@pytest.mark.usefixtures("workspace")
def test_a_folder_is_no_file_and_one_that_may_not_be_looked_into_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = write_stack(tmp_path / "in", 1)
    with pytest.raises(UsageError, match="in is a folder") as error:
        run("scan", str(file.parent))
    assert "watch" in error.value.remedy
    real = os.stat

    def refused(path: Any, *more: Any, **named: Any) -> os.stat_result:  # noqa: ANN401 - as os.stat
        if str(path) == str(file):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *more, **named)

    monkeypatch.setattr(os, "stat", refused)
    with pytest.raises(UsageError, match=r"no file 0000\.png"):
        cli_work.scan([file])


@pytest.mark.usefixtures("workspace")
def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = write_stack(tmp_path / "in", 1)
    real = Path.open

    def refused(path: Path, *mode: Any, **more: Any) -> Any:  # noqa: ANN401 - as Path.open
        if path == file:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *mode, **more)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(IntakeError, match=r"0000\.png cannot be read: Permission denied"):
        run("scan", str(file))


def test_scan_takes_in_what_the_shell_lists_in_the_order_of_the_paper(
    workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for number in (1, 2, 10):
        (tmp_path / "in" / f"Scan {number}.png").write_bytes(foreign_page(number))
    result = run("scan", *map(str, sorted((tmp_path / "in").iterdir())))
    assert "in the order of their numbers" in result.stderr
    with closing(open_store(Settings(workspace=workspace))) as store, store.read() as conn:
        (batch,) = set(conn.scalars(select(paper.page.c.batch)))
        assert [page.source_name for page in list_batch_pages(conn, batch)] == [
            "Scan 1.png",
            "Scan 2.png",
            "Scan 10.png",
        ]


@pytest.mark.usefixtures("workspace")
def test_watch_once_takes_in_what_is_there_and_ends(tmp_path: Path) -> None:
    folder = tmp_path / "scanner"
    write_stack(folder, 2)
    (folder / "brev.docx").write_bytes(b"x")
    result = run("watch", str(folder), "--once")
    assert "2 pages" in result.stdout
    assert "Left alone, not scans: 1 file (.docx)" in result.stderr
    assert "pages" not in run("watch", str(folder), "--once").stdout
    assert counts()["pages"]["in"] == 2


@pytest.mark.usefixtures("workspace")
def test_a_watch_that_goes_on_tells_at_once_what_it_leaves_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names, told = iter(("brev.docx", "film.mov", "", "film2.mov")), []

    def another_file(_seconds: float) -> None:
        told.append(capsys.readouterr().err)
        name = next(names, None)
        if name is None:
            raise KeyboardInterrupt
        if name:
            (tmp_path / "scanner" / name).write_bytes(b"x")

    (tmp_path / "scanner").mkdir()
    monkeypatch.setattr(time, "sleep", another_file)
    cli_work.watch(tmp_path / "scanner")
    left = "Left alone, not scans:"
    assert [text.count(left) for text in told] == [0, 1, 1, 0, 1]
    assert f"{left} 1 file (.docx)" in told[1]
    assert f"{left} 2 files (.docx, .mov)" in told[2]
    assert f"{left} 3 files (.docx, .mov)" in told[4]


def test_a_watch_ends_when_the_workspace_was_upgraded_under_it(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade(_seconds: float) -> None:
        (tmp_path / "scanner" / "a.png").write_bytes(foreign_page(1))
        with closing(sqlite3.connect(workspace / "efterskrift.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.commit()

    (tmp_path / "scanner").mkdir()
    monkeypatch.setattr(time, "sleep", upgrade)
    with pytest.raises(SchemaTooNewError, match="later version"):
        cli_work.watch(tmp_path / "scanner")


@pytest.mark.usefixtures("workspace")
def test_watch_once_names_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="is not there"):
        run("watch", str(tmp_path / "gone"), "--once")


@pytest.mark.parametrize(("columns", "still"), [("", True), (";skyddad;adress", False)])
def test_a_register_takes_no_protection_away_by_saying_nothing(
    workspace: Path, tmp_path: Path, columns: str, still: bool
) -> None:
    store = open_store(Settings(workspace=workspace))
    with store.begin() as conn:
        save_clients(
            conn, [Client(ASTA.pid, ASTA.name, "Norra", protected=True, address="Storgatan 3")]
        )
    file = tmp_path / "klienter.csv"
    file.write_text(
        f"personnummer;namn;enhet{columns}\n{ASTA.pid};Asta Gift;Norra{';' * columns.count(';')}\n",
        "utf-8",
    )
    run("clients", str(file))
    with store.read() as conn:
        assert load_client(conn, ASTA.pid) == Client(
            ASTA.pid, "Asta Gift", "Norra", protected=still, address="Storgatan 3" if still else ""
        )
    store.close()


def test_pictures_that_a_backup_lacked_are_told_by_the_doctor(
    tmp_path: Path, workspace: Path
) -> None:
    run("scan", *map(str, write_stack(tmp_path / "in", 3)))
    pictures = {each.part: each.state for each in check_health()}["Pictures"]
    assert pictures.startswith("3 there, in ")
    shutil.rmtree(next((workspace / "images").iterdir()))
    found = next(each for each in check_health() if each.part == "Pictures")
    assert found.state == "1 of 3 missing"
    assert found.remedy


def test_the_doctor_speaks_the_language_of_the_command_line(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path)
    (store,) = health._check_workspace(settings, Words("sv"))
    assert (store.part, store.state.split()[0]) == ("Databas", "Det")
    assert health._check_disk(settings, Words("sv")).state.endswith("GB ledigt")


def test_the_doctor_tells_a_newcomer_to_make_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "none"))
    monkeypatch.setattr(
        health, "check_installation", lambda *_: [health.HealthFinding("Poppler", "there")]
    )
    result = CliRunner().invoke(build_app(), ["doctor"])
    assert result.exit_code == ExitCode.STORE
    assert result.stdout.count("There is no store") == 1
    assert result.stdout.splitlines()[-1].startswith(
        "What Efterskrift needs is installed. Next (Store): `efterskrift init` makes"
    )
    monkeypatch.setattr(
        health,
        "check_installation",
        lambda *_: [health.HealthFinding("Poppler", "missing", "apt-get install poppler-utils")],
    )
    result = CliRunner().invoke(build_app(), ["doctor"])
    assert result.exit_code == ExitCode.MISSING_PROGRAM
    assert result.stdout.splitlines()[-1] == "Next (Poppler): apt-get install poppler-utils"


def test_a_mere_note_of_the_doctor_is_shown_and_refuses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What harms nothing by itself leaves the exit code as it is."""
    note = health.HealthFinding("Python", "3.11.7: slow", "Upgrade.", ExitCode.OK)
    monkeypatch.setattr(operations, "check_health", lambda _: [note])
    result = CliRunner().invoke(build_app(), ["doctor"])
    assert "3.11.7: slow" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("Next (Python): Upgrade.")
    assert result.exit_code == ExitCode.OK


@pytest.mark.usefixtures("workspace")
def test_workers_that_end_beside_the_server_are_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setattr(operations, "_POLL_SECONDS", 0.2)
    monkeypatch.setattr(
        operations,
        "server_command",
        lambda *_, **__: [sys.executable, "-c", "import time; time.sleep(2)"],
    )
    work = f"open({str(begun)!r}, 'a').write('x'); raise SystemExit(6)"
    monkeypatch.setattr(operations, "worker_command", lambda _: [sys.executable, "-c", work])
    with pytest.raises(typer.Exit):
        operations.ui(port=free_port(), headless=True, processes=1)
    assert len(begun.read_text()) > 1


def test_a_server_that_waits_for_a_browser_that_never_hangs_up_is_ended_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It had held up the end of the program by 100 s, now and then."""
    deaf, told = (
        (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({!r}, "
            "'w').close(); time.sleep(600)"
        ),
        tmp_path / "deaf",
    )
    with operations._run_child_process(
        [sys.executable, "-c", deaf.format(str(told))], tmp_path, 0.2
    ) as process:
        until(told.exists, "it has begun")
    assert process.returncode == -signal.SIGKILL
    assert "did not end within 0.2 s" in capsys.readouterr().err


@pytest.mark.usefixtures("workspace")
def test_a_unit_has_a_name() -> None:
    with pytest.raises(UsageError, match="has a name"):
        run("unit", " ", "HSL")


@pytest.mark.usefixtures("workspace")
def test_work_that_waits_for_pages_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        worker_pool,
        "run_pool",
        lambda *_, **__: iter(
            [
                worker_pool.ReadingProgress(1, 0, 1),
                worker_pool.ReadingProgress(2, 0, 0),
                worker_pool.ReadingProgress(2, 0, 0),
            ]
        ),
    )
    monkeypatch.setattr(
        worker_pool, "measure_progress", lambda _: worker_pool.ReadingProgress(3, 0, 0)
    )
    told = run("work", "--processes", "1").stderr
    assert (
        told.count("No page waits to be read. What comes in is read until Ctrl-C ends this.") == 1
    )
    assert told.splitlines()[-1].startswith(
        "2 pages read in "
    )  # one of them while the workers ended
    assert "No page waits" not in run("work", "--processes", "1", "--until-idle").stderr


def test_the_time_of_reading_is_that_in_which_pages_waited_or_were_read() -> None:
    tally = WorkSummary()
    looks = [
        (100.0, 7, 1, 0),
        (160.0, 7, 1, 2),
        (170.0, 8, 1, 1),
        (172.0, 8, 2, 0),
        (900.0, 8, 2, 0),
        (901.0, 9, 2, 0),
        (990.0, 9, 2, 0),
    ]
    for at, read, unreadable, waiting in looks:
        tally.update(worker_pool.ReadingProgress(read, unreadable, waiting), at)
    assert tally.describe() == (
        "2 pages read and 1 that could not be read in 13.0 s (0.2 a second); none waits to be read."
    )
    tally.update(worker_pool.ReadingProgress(9, 2, 4), 995.0)
    assert tally.describe().endswith("; 4 wait to be read.")


@pytest.mark.usefixtures("workspace")
def test_work_that_read_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        worker_pool, "run_pool", lambda *_, **__: iter([worker_pool.ReadingProgress(5, 0, 0)])
    )
    monkeypatch.setattr(
        worker_pool, "measure_progress", lambda _: worker_pool.ReadingProgress(5, 0, 0)
    )
    assert (
        "No page was read; none waits to be read."
        in run("work", "--processes", "1", "--until-idle").stderr
    )


def test_what_could_not_be_taken_in_is_no_page_that_could_not_be_read(
    workspace: Path, tmp_path: Path
) -> None:
    (bad := tmp_path / "bad.pdf").write_bytes(b"no pdf")
    run("scan", *map(str, write_stack(tmp_path / "in", 3)), str(bad))
    with closing(open_store(Settings(workspace=workspace))) as store:
        with store.begin() as conn:
            first, second, *_ = conn.scalars(
                select(paper.page.c.id).where(paper.page.c.state == "queued")
            )
            for page, state in ((first, "read"), (second, "failed")):
                conn.execute(paper.page.update().where(paper.page.c.id == page).values(state=state))
        assert worker_pool.measure_progress(store) == worker_pool.ReadingProgress(1, 1, 1)


@pytest.mark.usefixtures("workspace")
def test_a_port_that_is_taken_is_told_of_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        operations, "server_command", lambda *_, **__: [sys.executable, "-c", "raise SystemExit(1)"]
    )
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(UsageError, match="cannot be used: Address already in use") as error,
    ):
        run("ui", "--port", str(other.getsockname()[1]), "--headless", "--processes", "0")
    assert "--port" in error.value.remedy
