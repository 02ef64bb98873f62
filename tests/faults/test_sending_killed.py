"""A process that is killed while it sends: what is left is sent afterwards, and nothing is there
twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.model import EntryState
from pipeline.domain.settings import Settings
from pipeline.export.fhir import sender
from pipeline.export.fhir.sender import send_run
from pipeline.export.fhir.server import connect_fhir_server
from pipeline.export.runs import ExportContext, list_runs
from pipeline.export.runs.receipts import submit_receipts
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import open_store
from tests.faults.killed import assert_killed, die
from tests.support.servers.fhir_servers import Served
from tests.support.store.export_examples import FORMS
from tests.support.store.export_office import ANNA, confirm, state
from tests.support.store.route_steps import make_run

pytest_plugins = (
    "tests.support.store.databases",
    "tests.support.store.offices",
    "tests.support.servers.fhir_servers",
)
pytestmark = pytest.mark.both_databases


def send_until(workspace: Path, database: str, url: str, run: str, when: str) -> None:
    """Send, and be killed before or after the second receipt is written down."""
    real, done = submit_receipts, 0

    def killed(*args: Any) -> None:  # noqa: ANN401 - as what it stands for is called
        nonlocal done
        done += 1
        if done == 2 and when == "before":
            die()
        real(*args)
        if done == 2:
            die()

    setattr(sender, "submit_receipts", killed)  # noqa: B010 - mypy lets no other function be there
    settings = Settings(workspace=workspace, database_url=database, fhir_url=url)
    with connect_fhir_server(settings) as server:
        send_run(ExportContext(open_store(settings), settings, FORMS), ANNA, run, server, utc_now)


@pytest.mark.faults
@pytest.mark.parametrize(("when", "receipted"), [("before", 1), ("after", 2)])
def test_a_killed_sending_goes_on_where_it_was(
    office: ExportContext, fhir: Served, when: str, receipted: int
) -> None:
    made = [
        confirm(office, "hsl-anteckning", f"AAAA{n:02d}", kontakttyp="besok", anteckning="x")
        for n in range(4)
    ]
    run = make_run(office, ANNA, "fhir", utc_now())
    assert run is not None
    assert_killed(
        send_until, office.settings.workspace, office.settings.database_url, fhir.url, run.id, when
    )
    assert list_runs(office, ANNA)[0].accepted == receipted
    assert fhir.counts()["DocumentReference"] == 2
    with connect_fhir_server(office.settings.model_copy(update={"fhir_url": fhir.url})) as server:
        assert send_run(office, ANNA, run.id, server, utc_now).accepted == 4 - receipted
    assert {state(office, entry) for entry in made} == {EntryState.RECEIPTED}
    counted = fhir.counts()
    assert (counted["Patient"], counted["DocumentReference"], counted["Provenance"]) == (1, 4, 4)
