"""Kill everything at random moments: `python -m research.kills --kills 1000`.

Sheets pass intake, reading, review, export, receipt and backup. Each stage is a process that is
killed with SIGKILL at random moments and begun again until it ends by itself. After each round
everything is counted: pages, entries, decisions, exports, delivered files, receipts, the log, and
every stored file. A first round is not disturbed, and has to reach a receipt for every entry.

Then real commands are killed (`commands.py`) and compared with an undisturbed run. Ends with 1 if
anything was lost, doubled or other than undisturbed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.domain.settings import Settings
from research.kills.commands import TRIALS, run_commands
from research.kills.counts import count_faults
from research.kills.stages import HSA_IDS, STAGES, Workplace, prepare, write_scans

SHEETS_PER_ROUND = 4
KILLS_PER_STAGE = 8
"""Kills of one stage in a round."""
_SLACK = 1.15
"""A kill comes at latest after this part of the time that the stage took last, undisturbed."""


def main() -> None:
    """Run rounds until there were enough kills, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="kills that hit, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database-url", default="", help="an empty database; default: SQLite")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after this time")
    parser.add_argument("--command-kills", type=int, default=20, help="of each command")
    parser.add_argument("--commands", nargs="*", default=list(TRIALS), choices=list(TRIALS))
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        settings = Settings(workspace=Path(folder) / "work", database_url=given.database_url)
        settings = settings.model_copy(update=HSA_IDS)
        place = Workplace(settings, Path(folder) / "scans", Path(folder) / "outbox")
        result = run_stages(place, given.kills, given.seed, given.seconds)
        chance, grounds = Random(given.seed), Path(folder) / "commands"
        result["commands"] = run_commands(given.commands, given.command_kills, chance, grounds)
    print(json.dumps(result, ensure_ascii=False))
    sys.exit(has_faults(result))


def has_faults(result: Mapping[str, Any]) -> bool:
    """Return whether anything was lost, doubled or other than undisturbed."""
    commands = result.get("commands", {})
    return any(result["faults"].values()) or any(one["faults"] for one in commands.values())


def run_stages(place: Workplace, kills: int, seed: int, seconds: float) -> dict[str, Any]:
    """Kill the stages until there were enough kills or it took so many seconds; count the faults.

    Raises:
        SystemExit: the first round, which nothing disturbs, has faults.
    """
    chance, hits, end = Random(seed), Counter[str](), time.monotonic() + seconds
    prepare(place)
    durations = dict.fromkeys(STAGES, 1.0)
    rounds = 0
    while hits.total() < kills and time.monotonic() < end:
        write_scans(place, rounds * SHEETS_PER_ROUND, SHEETS_PER_ROUND)
        for stage in STAGES:
            for _ in range(KILLS_PER_STAGE if rounds else 0):  # the first round measures
                hits[stage] += _run_stage(place, stage, chance.uniform(0, durations[stage]))
            began = time.monotonic()
            if _run_stage(place, stage, None):
                raise SystemExit(f"{stage} did not end by itself")
            # Most work is done by the killed processes: the longest time counts
            durations[stage] = (
                max(durations[stage], (time.monotonic() - began) * _SLACK)
                if rounds
                else (time.monotonic() - began) * _SLACK
            )
        rounds += 1
        if rounds == 1 and any((undisturbed := count_faults(place, SHEETS_PER_ROUND)).values()):
            raise SystemExit(f"undisturbed, the work has faults: {undisturbed}")
        print(f"round {rounds}: {hits.total()} kills", file=sys.stderr, flush=True)
    faults = count_faults(place, rounds * SHEETS_PER_ROUND)
    return {
        "kills": hits.total(),
        "by stage": dict(hits),
        "sheets": rounds * SHEETS_PER_ROUND,
        "faults": faults,
    }


def _run_stage(place: Workplace, stage: str, seconds: float | None) -> bool:
    """Run a stage in a process of its own; return whether it was killed, or failed.

    Args:
        place: the workplace.
        stage: the name of the stage.
        seconds: when the process is killed; None lets it end.
    """
    process = multiprocessing.get_context("fork").Process(target=STAGES[stage], args=(place,))
    process.start()
    process.join(seconds)
    is_alive = process.exitcode is None
    if is_alive and process.pid:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise SystemExit(f"{stage} failed with exit code {process.exitcode}")
    return process.exitcode != 0


if __name__ == "__main__":
    main()
