"""A process that is killed while it exports leaves a whole run or none."""

from __future__ import annotations

import pytest

from pipeline.domain.model import EntryState
from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext, fetch_run_file, list_runs
from pipeline.store.database.store import open_store
from pipeline.store.event_log import events
from pipeline.store.exports import ready_entries, run_items
from pipeline.store.schema.clock import utc_now
from tests.faults.killed import assert_killed, die
from tests.support.store.export_examples import FORMS
from tests.support.store.export_office import ANNA, confirm, confirmed, paying, state
from tests.support.store.route_steps import make_run, target_status
from tests.support.store.targets import STATISTICS, TARGETS

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


STEPS = {"save_run": run_items, "mark_exported": ready_entries, "record": events}
"""What an export does in the store, by the module that does it."""


def export_until(settings: str, target: str, name: str, when: str) -> None:
    """Export, and be killed before or after something is done."""
    real = getattr(STEPS[name], name)

    def killed(*args: object, **named: object) -> None:
        if when == "after":
            real(*args, **named)
        die()

    setattr(STEPS[name], name, killed)
    own = Settings.model_validate_json(settings)
    make_run(ExportContext(open_store(own), own, FORMS), ANNA, target, utc_now())


@pytest.mark.faults
@pytest.mark.both_databases
@pytest.mark.parametrize(
    "moment",
    [
        ("save_run", "before"),
        ("save_run", "after"),
        ("mark_exported", "after"),
        ("record", "after"),
    ],
    ids=lambda moment: "-".join(moment),
)
def test_a_killed_export_is_whole_or_none(office: ExportContext, moment: tuple[str, str]) -> None:
    entries = [
        confirm(office, "hsl-anteckning", f"AAAA{n:02d}", kontakttyp="besok", anteckning="x")
        for n in range(3)
    ]
    _export_killed(office, "rivta", *moment)
    assert list_runs(office, ANNA) == []
    assert {state(office, entry) for entry in entries} == {EntryState.SIGNED}
    assert target_status(office, ANNA, "rivta").entries == 3
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None
    assert run.entries == 3
    assert fetch_run_file(office, ANNA, run.id).sha256 == run.sha256


@pytest.mark.faults
@pytest.mark.parametrize("target", [target for target in TARGETS if target != "rivta"])
def test_whatever_the_target_a_killed_export_takes_nothing(
    office: ExportContext, target: str
) -> None:
    entry_id = confirmed(office, target)
    office = paying(office) if target == "pain001" else office
    before = state(office, entry_id)
    _export_killed(office, target, "save_run", "after")
    assert list_runs(office, ANNA) == []
    assert state(office, entry_id) is before
    run = make_run(office, ANNA, target, utc_now())
    assert run is not None
    assert run.entries == 1
    assert fetch_run_file(office, ANNA, run.id).sha256 == run.sha256
    # Statistics export no entry, and what carries a part leaves the whole to the key-in list
    is_waiting = target in STATISTICS or TARGETS[target].is_partial
    assert state(office, entry_id) is (before if is_waiting else EntryState.EXPORTED)


def _export_killed(office: ExportContext, target: str, *moment: str) -> None:
    assert_killed(
        export_until, office.settings.model_dump_json(exclude_defaults=True), target, *moment
    )
