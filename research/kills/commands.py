"""Kill real commands at random steps and moments, and compare with an undisturbed run.

A trial prepares a ground once. A copy of it is acted on undisturbed; other copies are acted on by
processes that are killed, and at last by one that ends by itself. What is there then must be the
same. The act is what an operator does: the same command again, until it is done.

Half of the kills come at a step: before a commit, or before a file is opened, renamed or removed.
What is done between two of them is soon done, and a moment would rarely hit it.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import cv2
from sqlalchemy import Connection, Engine, event

from pipeline.cli.app import main as run_command_line
from pipeline.domain.errors import ExitCode
from pipeline.domain.form.form import Area, Forms, Subject
from pipeline.domain.model import StaffMember
from pipeline.domain.settings import ROOT, Settings
from pipeline.forms.library import load_published
from pipeline.forms.printing import make_blank_sheets
from pipeline.operations.learning import learn as learning
from pipeline.operations.upkeep.backup_check import check_backup, open_keys
from pipeline.operations.upkeep.backup_folder import BackupFolder
from pipeline.operations.upkeep.store_check import check_store
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.draft_form import check_draft
from pipeline.preparation.form_editor.drafts import list_drafts
from pipeline.preparation.form_editor.trial import make_trial_form, run_trial
from pipeline.preparation.outage_pack.pack import ISSUED_FILE
from pipeline.preparation.practice.fill_sheet import render_sheet_page
from pipeline.store.database.migrations.row_copy import write_rows
from pipeline.store.database.store import open_store
from pipeline.store.event_log.events import list_events
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.exports.archives import list_packages
from pipeline.store.registers.staff import save_staff
from research.kills.stages import (
    ADMINISTRATOR,
    HSA_IDS,
    STAGES,
    TITLE,
    UNIT,
    Workplace,
    prepare,
    write_scans,
)

_SHEETS = 4
_KILLS_A_COPY = 3
_SHARE_OF_STEPS = 0.5
_STEPS = multiprocessing.get_context("fork").RawValue("i", 0)
"""How many steps the last process has done."""
_OLD_STORE = ROOT / "tests" / "data" / "store_versions"
_REPEATED_TABLES = {"event", "event_head", "record_digest", "store_check", "import_attempt"}
"""Tables that a command begun again may have more rows in: what was begun, looked at or logged."""
_LEARNED_SHEETS = 60
_SIGNERS = (("Gun Ek", "GE"), ("Ulf Alm", "UA"))
_REASON = "Provad på papper av den som gör blanketten"


@dataclass(frozen=True, slots=True)
class Ground:
    """A workspace, the files that a command is given, and where it writes."""

    folder: Path

    @property
    def place(self) -> Workplace:
        """The workplace whose workspace this is."""
        settings = Settings(workspace=self.folder / "work", database_url="").model_copy(
            update=HSA_IDS
        )
        return Workplace(settings, self.folder / "scans", self.folder / "outbox")

    @property
    def out(self) -> Path:
        """The folder that a command writes to."""
        return self.folder / "out"


Act = Callable[[Ground], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """How a ground is prepared, what is killed on it, and what has to be the same afterwards."""

    prepare: Act
    act: Act
    compare: Callable[[Ground], object]


def run_commands(
    names: list[str], kills: int, chance: Random, folder: Path
) -> dict[str, dict[str, Any]]:
    """Run the trials of these commands; return the kills that hit and the faults of each."""
    finished = Ground(folder / "finished")
    _prepare_finished(finished)
    return {
        name: _run_trial(TRIALS[name], kills, chance, finished, folder / name) for name in names
    }


def _run_trial(
    trial: Trial, kills: int, chance: Random, finished: Ground, folder: Path
) -> dict[str, Any]:
    shutil.copytree(finished.folder, folder / "template")
    trial.prepare(Ground(folder / "template"))
    whole = _copy(folder, "undisturbed")
    began = time.monotonic()
    if code := act_on(whole, trial.act):
        return {"kills": 0, "faults": [f"undisturbed, it ends with {code}"]}
    steps = _STEPS.value
    seconds, expected = time.monotonic() - began, trial.compare(whole)
    hits, faults = 0, list[str]()
    # As many runs as it takes, but no endless ones of a command that is too fast to be hit
    for number in range(4 * kills):
        if hits >= kills:
            break
        ground = _copy(folder, f"killed-{number}")
        for _ in range(_KILLS_A_COPY):
            if chance.random() < _SHARE_OF_STEPS:
                code = act_on(ground, trial.act, step=chance.randint(1, steps))
            else:
                code = act_on(ground, trial.act, chance.uniform(0, seconds))
            hits += code == -signal.SIGKILL
        if code := act_on(ground, trial.act):
            faults.append(f"begun again, it ends with {code}")
        elif (found := _compare(trial, ground)) != expected:
            faults.append(f"{found} instead of {expected}")
        shutil.rmtree(ground.folder)
    return {"kills": hits, "faults": faults}


def _compare(trial: Trial, ground: Ground) -> object:
    try:
        return trial.compare(ground)
    except Exception as error:  # whatever is wrong with what is left is a fault of the command
        return repr(error)


def _copy(folder: Path, name: str) -> Ground:
    shutil.copytree(folder / "template", folder / name)
    return Ground(folder / name)


def act_on(ground: Ground, act: Act, seconds: float | None = None, step: int = 0) -> int:
    """Act in a process of its own; return its exit code, negative for a signal.

    Args:
        ground: what it acts on.
        act: what it does.
        seconds: when it and its own processes are killed; None lets it end.
        step: at which of its steps it kills itself; 0 for none.
    """
    _STEPS.value = 0
    process = multiprocessing.get_context("fork").Process(target=_begin, args=(ground, act, step))
    process.start()
    process.join(seconds)
    if process.exitcode is None and process.pid:
        # Before it leads its group there is nobody else to kill
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.join()
    return process.exitcode or 0


def _begin(ground: Ground, act: Act, step: int) -> None:
    os.setsid()
    with (ground.folder / "said.txt").open("ab") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    os.environ |= {
        "EFTERSKRIFT_WORKSPACE": str(ground.place.settings.workspace),
        "EFTERSKRIFT_WATCH_SECONDS": "0.05",
    }
    os.chdir(ground.out)
    _count_steps(step)
    act(ground)


def _count_steps(last: int) -> None:
    """Count the steps of this process and of none that it forks; kill it at the last one."""
    own = os.getpid()

    def count() -> None:
        if os.getpid() == own:
            _STEPS.value += 1
            if _STEPS.value == last:
                os.killpg(0, signal.SIGKILL)

    def watch(name: str, given: tuple[object, ...]) -> None:
        is_written = name == "open" and set(str(given[1])) & set("wax+")
        if is_written or name in {"os.rename", "os.remove", "os.rmdir"}:
            count()

    sys.addaudithook(watch)
    event.listen(Engine, "commit", lambda _conn: count())


def _command(*words: str) -> Act:
    """Return the act of a command; {folder} is that of the ground."""

    def act(ground: Ground) -> None:
        sys.argv = ["efterskrift", *(word.format(folder=ground.folder) for word in words)]
        run_command_line()

    return act


def _prepare_finished(ground: Ground) -> None:
    """Make a workspace whose sheets have come as far as their receipt."""
    prepare(ground.place)
    ground.out.mkdir()
    write_scans(ground.place, 0, _SHEETS)
    for stage in STAGES.values():
        stage(ground.place)


def _prepare_nothing(_ground: Ground) -> None:
    """Leave the ground as it is."""


def _prepare_scans(ground: Ground) -> None:
    write_scans(ground.place, _SHEETS, 3 * _SHEETS)


def _prepare_backup(ground: Ground) -> None:
    if act_on(ground, _BACKUP):
        raise SystemExit("the backup that is to be restored failed")


def _prepare_old_store(ground: Ground) -> None:
    file = ground.place.settings.workspace / "efterskrift.db"
    for path in file.parent.glob("efterskrift.db*"):
        path.unlink()
    latest = max(_OLD_STORE.glob("*.sql"))
    with closing(sqlite3.connect(file)) as database:
        database.executescript(latest.read_text("utf-8"))


def _prepare_pack(ground: Ground) -> None:
    (ground.folder / "numbers.csv").write_text(
        f"enhet;blankett;antal;per_klient\n{UNIT};hsl-anteckning;2;0\n", "utf-8"
    )


def _prepare_draft(ground: Ground) -> None:
    settings = ground.place.settings
    with closing(ground.place.open()) as store:
        info = actions.NewFormInfo("Rond på natten", Area.HSL, Subject.CLIENT)
        forms = Forms.load(*settings.form_folders)
        draft = actions.begin_outline_draft(store, settings, forms, ADMINISTRATOR, info)
        form = check_draft(draft).form
        if form is None:
            raise SystemExit("the draft gives no form")
        tried = make_trial_form(form)
        for number, _ in enumerate(tried.pages, 1):
            sheet = render_sheet_page(tried, make_blank_sheets(1)[0], number)
            data = cv2.imencode(".png", sheet)[1].tobytes()
            run_trial(store, ADMINISTRATOR, draft, data, f"{number}.png")


def _publish(ground: Ground) -> None:
    settings = ground.place.settings
    with closing(ground.place.open()) as store:
        for draft in list_drafts(settings.form_drafts):
            actions.publish_draft(store, settings, ADMINISTRATOR, draft, _REASON)


def _prepare_learning(ground: Ground) -> None:
    """Let one of two write many sheets: from their initials there is something to learn."""
    members = [StaffMember(name, TITLE, sign, UNIT) for name, sign in _SIGNERS]
    with closing(ground.place.open()) as store, store.begin() as conn:
        save_staff(conn, members)
    write_scans(ground.place, _SHEETS, _LEARNED_SHEETS)
    for stage in STAGES.values():
        stage(ground.place)


def _learn(ground: Ground) -> None:
    # As in the other stages all is real but the ink: there is none to read again, nor a second
    # page that says who wrote
    setattr(learning, "reread_fields", lambda *_: [])  # noqa: B010 - in a process that ends
    setattr(learning, "sheet_author", lambda *_: _SIGNERS[0][0].casefold())  # noqa: B010
    try:
        _command("learn")(ground)
    except SystemExit as ended:
        # What a killed process installed is not better than itself
        if not (ended.code == ExitCode.NOTHING_LEARNED and _list_models(ground)):
            raise


def _list_models(ground: Ground) -> list[Path]:
    return sorted((ground.place.settings.workspace / "models").rglob("*.json"))


def _restore(ground: Ground) -> None:
    # Killed at its very end it has restored all the same
    if not (ground.folder / "new" / "efterskrift.db").exists():
        _command("restore", "{folder}/out", "{folder}/new")(ground)


def _pack(ground: Ground) -> None:
    # Likewise: where a pack is, none is made
    if not (ground.out / ISSUED_FILE).exists():
        _command(*_PACK)(ground)


def _count_rows(conn: Connection) -> dict[str, int]:
    sums = write_rows(conn, lambda _line: None)
    return {
        name: one.rows for name, one in sums.items() if one.rows and name not in _REPEATED_TABLES
    }


def _describe_store(workspace: Path) -> dict[str, object]:
    """Return the number of rows of each table, and whether files, database and log are whole."""
    with closing(open_store(Settings(workspace=workspace, database_url=""))) as store:
        with store.read() as conn:
            rows, changed = _count_rows(conn), verify_chain(conn, []).count
        is_whole = check_store(store, "kills").check.is_whole
    return {"rows": rows, "whole": is_whole, "changed rows of the log": changed}


def _describe_workspace(ground: Ground) -> object:
    return _describe_store(ground.place.settings.workspace)


def _describe_restored(ground: Ground) -> object:
    return _describe_store(ground.folder / "new")


def _describe_backups(ground: Ground) -> object:
    """Return what the newest backup holds, and what is wrong with any of them."""
    folder = BackupFolder(ground.out)
    problems = Counter[str]()
    for manifest in folder.manifests():
        keys = open_keys(manifest, None)
        problems.update(one.key for one in check_backup(folder, manifest, keys).problems)
    newest = folder.load()
    rows = {name: one.rows for name, one in newest.tables.items() if name not in _REPEATED_TABLES}
    partial = len(list(ground.out.glob(".*.partial")))
    return rows, newest.images, newest.missing, dict(problems), partial


def _describe_upgrade(ground: Ground) -> object:
    """Return what the store has; the files of the workspace are those of another database."""
    with closing(ground.place.open()) as store, store.read() as conn:
        return _count_rows(conn), verify_chain(conn, []).count


def _describe_archive(ground: Ground) -> object:
    """Return what the store has, and how many packages there are no files of."""
    there = {_digest(path) for path in ground.out.iterdir() if path.is_file()}
    with closing(ground.place.open()) as store, store.read() as conn:
        packages = list_packages(conn, ADMINISTRATOR)
    lost = sum(package.sha256 not in there for package in packages)
    return len(packages), lost, _describe_workspace(ground)


def _describe_pack(ground: Ground) -> object:
    """Return the files of the pack; each has its own serials."""
    files = [path for path in ground.out.rglob("*") if path.is_file()]
    return sorted(path.relative_to(ground.out).as_posix() for path in files if path.stat().st_size)


def _describe_learned(ground: Ground) -> object:
    with closing(ground.place.open()) as store, store.read() as conn:
        is_logged = any(one.action == "learn" for one in list_events(conn, "models"))
    models = {path.name: _digest(path) for path in _list_models(ground)}
    return models, is_logged, _describe_workspace(ground)


def _describe_forms(ground: Ground) -> object:
    """Return the forms in use, those that the log says are published, and what is left to do."""
    settings = ground.place.settings
    used = sorted(load_published(settings.own_forms))
    with closing(ground.place.open()) as store, store.read() as conn:
        published = {
            f"{form}/{one.detail['version']}"
            for form in {name.partition("/")[0] for name in used}
            for one in list_events(conn, form)
            if one.action == "publish_form"
        }
    return used, sorted(published), len(list_drafts(settings.form_drafts))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


_BACKUP = _command("backup", "{folder}/out", "--unencrypted", "--keep", "7")
_PACK = ("pack", UNIT, "-o", "{folder}/out", "--numbers", "{folder}/numbers.csv")
_ARCHIVE = ("archive", "--decision", "DHP 1", "-o", "{folder}/out/paket.zip")
_WATCH = ("watch", "{folder}/scans", "--unit", UNIT, "--once")

TRIALS: Mapping[str, Trial] = {
    "backup": Trial(_prepare_nothing, _BACKUP, _describe_backups),
    "restore": Trial(_prepare_backup, _restore, _describe_restored),
    "upgrade": Trial(_prepare_old_store, _command("upgrade"), _describe_upgrade),
    "watch": Trial(_prepare_scans, _command(*_WATCH), _describe_workspace),
    "pack": Trial(_prepare_pack, _pack, _describe_pack),
    "archive": Trial(_prepare_nothing, _command(*_ARCHIVE), _describe_archive),
    "learn": Trial(_prepare_learning, _learn, _describe_learned),
    "publish": Trial(_prepare_draft, _publish, _describe_forms),
}
