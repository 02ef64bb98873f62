"""`kill -9` at any process at many moments loses no page and doubles none.

`python -m research.kills` does the same at length, with all stages and commands.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from pipeline.domain.settings import Settings
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_units
from research.kills.__main__ import has_faults, run_stages
from research.kills.commands import run_commands
from research.kills.stages import HSA_IDS, Workplace
from tests.faults.watching import (
    assert_each_page_ended_once,
    figures_of,
    is_running,
    processes_below,
    until,
)
from tests.support.pages.small_pages import write_stack

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.faults

INTAKE_KILLS = 3
VICTIMS = ["one"] * 2 + ["both", "parent", "all"]
SINGLE_PAGES, FRAMES = 60, 15


@dataclass
class Commands:
    """Commands as processes, on one store; what is still running at the end is ended."""

    settings: Settings
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command, in a process group of its own as from a shell."""
        given = {
            "EFTERSKRIFT_WORKSPACE": str(self.settings.workspace),
            "EFTERSKRIFT_DATABASE_URL": self.settings.database_url,
            "EFTERSKRIFT_BEAT_SECONDS": "0.2",
            "EFTERSKRIFT_TAKEOVER_SECONDS": "1.5",
            "EFTERSKRIFT_PAGE_ATTEMPTS": "50",
        }
        command = [sys.executable, "-c", "from pipeline.cli.app import main; main()", *arguments]
        process = subprocess.Popen(
            command, env=os.environ | given, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self.running.append(process)
        return process

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def commands(settings: Settings) -> Iterator[Commands]:
    """Commands for the length of a `with`."""
    begun = Commands(settings)
    try:
        yield begun
    finally:
        begun.end()


def stack(folder: Path) -> list[str]:
    """Files of single pages, one of them twice, one of many pages, and one that is broken."""
    singles = write_stack(folder, SINGLE_PAGES)
    many = folder / "many.tif"
    frames = [Pillow.fromarray(np.full((300, 200), 255 - n, np.uint8)) for n in range(FRAMES)]
    frames[0].save(many, save_all=True, append_images=frames[1:])
    broken = folder / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nand no more")
    return [str(path) for path in (*singles[:30], many, broken, *singles[30:], singles[1])]


EXPECTED = SINGLE_PAGES + FRAMES + 2


def kill(pid: int) -> bool:
    """Whether the process was there to be killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def kill_intake(begun: Commands, store: Store, files: list[str], dice: random.Random) -> int:
    """Import, killed at random numbers of pages, until it ends by itself. Returns how many kills
    hit.
    """
    hits = 0
    for done in [*sorted(dice.sample(range(1, EXPECTED - 5), INTAKE_KILLS)), None]:
        intake = begun.begin("scan", *files, "--place", "Pärm 1")
        if done is None:
            assert intake.wait(60) == 0
            break
        is_far_enough = partial(_has_taken, store, done, intake)
        until(is_far_enough, f"{done} pages are in")
        hits += intake.poll() is None
        kill(intake.pid)
        intake.wait()
    return hits


def kill_workers(begun: Commands, store: Store, dice: random.Random) -> int:
    """Read, while a worker, both, their parent or everything is killed at random numbers of pages.
    Returns how many kills hit.
    """
    hits = 0
    work = begun.begin("work", "--processes", "2")
    for left, victim in zip(
        moments(figures_of(store)["queued"], dice), dice.sample(VICTIMS, len(VICTIMS)), strict=True
    ):
        until(lambda: figures_of(store)["queued"] <= left, f"{left} pages are left")  # noqa: B023
        until(lambda: bool(workers_of(work)), "a worker lives")  # noqa: B023
        workers = workers_of(work)
        for pid in {
            "one": [dice.choice(workers)],
            "both": workers,
            "parent": [work.pid],
            "all": [work.pid, *workers],
        }[victim]:
            hits += kill(pid)
        if victim in ("parent", "all"):
            work.wait()
            until(lambda: not any(map(is_running, workers)), "workers without a parent end")  # noqa: B023
            work = begun.begin("work", "--processes", "2")
    until(lambda: figures_of(store)["queued"] == 0, "all pages are read", seconds=90)
    os.killpg(work.pid, signal.SIGINT)  # as Ctrl-C does
    assert work.wait(60) == 0
    return hits


def moments(pages: int, dice: random.Random) -> list[int]:
    """At how many pages left to kill."""
    return sorted(dice.sample(range(5, pages), len(VICTIMS)), reverse=True)


def workers_of(work: subprocess.Popen[bytes]) -> list[int]:
    """Process ids of the reading processes."""
    return processes_below(work.pid, "spawn_main", levels=1)


def _has_taken(store: Store, pages: int, intake: subprocess.Popen[bytes]) -> bool:
    """Whether so many pages are in, or the import has ended."""
    return figures_of(store)["in"] >= pages or intake.poll() is not None


@pytest.mark.parametrize("seed", [2])
def test_kills_lose_no_page_and_double_none(
    store: Store,
    store_settings: Settings,
    tmp_path: Path,
    seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    dice = random.Random(seed)
    with store.begin() as conn:
        save_units(conn, {"Norra": "HSL"})
    files = stack(tmp_path / "in")
    with commands(store_settings) as begun:
        taking_in = kill_intake(begun, store, files, dice)
        reading = kill_workers(begun, store, dice)
    assert_each_page_ended_once(store, EXPECTED)
    assert taking_in + reading >= 6
    record_property(
        "measured",
        (
            f"kills survived on {store.engine.dialect.name}: {taking_in} while taking in, "
            f"{reading} while reading"
        ),
    )


def test_undisturbed_work_reaches_a_receipt_and_killed_work_too(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path / "work", database_url="").model_copy(update=HSA_IDS)
    place = Workplace(settings, tmp_path / "scans", tmp_path / "outbox")
    result = run_stages(place, kills=3, seed=1, seconds=60)
    assert result["kills"] >= 3
    assert not has_faults(result)


def test_work_that_reaches_no_receipt_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was without HSA-ids: nothing was exported, and nothing was lost."""
    monkeypatch.setenv("EFTERSKRIFT_SOURCE_SYSTEM_HSA_ID", "")
    settings = Settings(workspace=tmp_path / "work", database_url="")
    place = Workplace(settings, tmp_path / "scans", tmp_path / "outbox")
    with pytest.raises(SystemExit, match="'entries without a receipt': 4"):
        run_stages(place, kills=1, seed=1, seconds=60)


def test_killed_commands_leave_what_undisturbed_ones_do(tmp_path: Path) -> None:
    done = run_commands(["backup", "restore", "watch"], 2, random.Random(1), tmp_path)
    assert not has_faults({"faults": {}, "commands": done})
    assert all(one["kills"] >= 2 for one in done.values())
