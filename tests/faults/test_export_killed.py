"""A process that is killed while it exports leaves a whole run or none."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from pipeline.export.runs import Office, history, make_run, ready, run_file
from pipeline.model import EntryState
from pipeline.settings import ROOT
from pipeline.store.clock import utc_now
from tests.export_office import ANNA, confirm, state

pytest_plugins = ("tests.databases", "tests.offices")

KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.export import runs
from pipeline.settings import Settings
from pipeline.store.clock import utc_now
from pipeline.store.database import open_store
from tests.export_office import ANNA
from tests.export_examples import FORMS

module, name, when = sys.argv[3:]
target = getattr(runs, module)
real = getattr(target, name)

def killed(*args, **named):
    if when == "after":
        real(*args, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(target, name, killed)
settings = Settings(workspace=Path(sys.argv[1]), database_url=sys.argv[2])
runs.make_run(runs.Office(open_store(settings), settings, FORMS), ANNA, "rivta", utc_now())
"""


@pytest.mark.faults
@pytest.mark.parametrize(
    "moment",
    [("exports", "add_run", "before"), ("exports", "add_run", "after"), ("records", "mark_exported", "after"), ("events", "record", "after")],
    ids=lambda moment: "-".join(moment[1:]),
)
def test_a_killed_export_is_whole_or_none(office: Office, moment: tuple[str, str, str]) -> None:
    entries = [confirm(office, "hsl-anteckning", f"AAAA{n:02d}", kontakttyp="besok", anteckning="x") for n in range(3)]
    where = (str(office.settings.workspace), office.settings.database_url)
    done = subprocess.run([sys.executable, "-c", KILLED, *where, *moment], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert history(office, ANNA) == []
    assert {state(office, entry) for entry in entries} == {EntryState.SIGNED}
    assert {line.target: line.entries for line in ready(office, ANNA)}["rivta"] == 3
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None
    assert run.entries == 3
    assert run_file(office, ANNA, run.id).sha256 == run.sha256
