"""A process that is killed while it sends: what is left is sent afterwards, and nothing is there twice."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from pipeline.export.fhir.send import send_run
from pipeline.export.fhir.server import connected
from pipeline.export.runs import Office, history, make_run
from pipeline.model import EntryState
from pipeline.settings import ROOT
from pipeline.store.clock import utc_now
from tests.export_office import ANNA, confirm, state
from tests.fhir_servers import Served

pytest_plugins = ("tests.databases", "tests.offices", "tests.fhir_servers")

KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.export.fhir import send
from pipeline.export.fhir.server import connected
from pipeline.export.runs import Office
from pipeline.settings import Settings
from pipeline.store.clock import utc_now
from pipeline.store.database import open_store
from tests.export_office import ANNA
from tests.export_examples import FORMS

workspace, database, url, run, when = sys.argv[1:]
real, done = send.give_receipts, []

def killed(*args):
    done.append(args)
    if len(done) == 2 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(*args)
    if len(done) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

send.give_receipts = killed
settings = Settings(workspace=Path(workspace), database_url=database, fhir_url=url)
with connected(settings) as server:
    send.send_run(Office(open_store(settings), settings, FORMS), ANNA, run, server, utc_now)
"""


@pytest.mark.faults
@pytest.mark.parametrize(("when", "receipted"), [("before", 1), ("after", 2)])
def test_a_killed_sending_goes_on_where_it_was(office: Office, fhir: Served, when: str, receipted: int) -> None:
    made = [confirm(office, "hsl-anteckning", f"AAAA{n:02d}", kontakttyp="besok", anteckning="x") for n in range(4)]
    run = make_run(office, ANNA, "fhir", utc_now())
    assert run is not None
    call = [str(office.settings.workspace), office.settings.database_url, fhir.url, run.id, when]
    done = subprocess.run([sys.executable, "-c", KILLED, *call], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert history(office, ANNA)[0].accepted == receipted
    assert fhir.counts()["DocumentReference"] == 2
    with connected(office.settings.model_copy(update={"fhir_url": fhir.url})) as server:
        assert send_run(office, ANNA, run.id, server, utc_now).accepted == 4 - receipted
    assert {state(office, entry) for entry in made} == {EntryState.RECEIPTED}
    counted = fhir.counts()
    assert (counted["Patient"], counted["DocumentReference"], counted["Provenance"]) == (1, 4, 4)
