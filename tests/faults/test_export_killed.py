"""A process that is killed while it exports leaves a whole run or none."""

from __future__ import annotations

import pytest

from pipeline.export import STATISTICS, TARGETS, runs
from pipeline.export.run_files import history, run_file
from pipeline.export.runs import Office, make_run, ready
from pipeline.model import EntryState
from pipeline.settings import Settings
from pipeline.store.clock import utc_now
from pipeline.store.database import open_store
from tests.export_examples import FORMS
from tests.export_office import ANNA, confirm, confirmed, paying, state
from tests.faults.killed import assert_killed, die

pytest_plugins = ("tests.databases", "tests.offices")


def export_until(settings: str, target: str, module: str, name: str, when: str) -> None:
    """Export, and be killed before or after something is done."""
    doing = getattr(runs, module)
    real = getattr(doing, name)

    def killed(*args: object, **named: object) -> None:
        if when == "after":
            real(*args, **named)
        die()

    setattr(doing, name, killed)
    own = Settings.model_validate_json(settings)
    make_run(Office(open_store(own), own, FORMS), ANNA, target, utc_now())


@pytest.mark.faults
@pytest.mark.both_databases
@pytest.mark.parametrize(
    "moment",
    [("exports", "add_run", "before"), ("exports", "add_run", "after"), ("records", "mark_exported", "after"), ("events", "record", "after")],
    ids=lambda moment: "-".join(moment[1:]),
)
def test_a_killed_export_is_whole_or_none(office: Office, moment: tuple[str, str, str]) -> None:
    entries = [confirm(office, "hsl-anteckning", f"AAAA{n:02d}", kontakttyp="besok", anteckning="x") for n in range(3)]
    _export_killed(office, "rivta", *moment)
    assert history(office, ANNA) == []
    assert {state(office, entry) for entry in entries} == {EntryState.SIGNED}
    assert {line.target: line.entries for line in ready(office, ANNA)}["rivta"] == 3
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None
    assert run.entries == 3
    assert run_file(office, ANNA, run.id).sha256 == run.sha256


@pytest.mark.faults
@pytest.mark.parametrize("target", [target for target in TARGETS if target != "rivta"])
def test_whatever_the_target_a_killed_export_takes_nothing(office: Office, target: str) -> None:
    entry_id = confirmed(office, target)
    office = paying(office) if target == "pain001" else office
    before = state(office, entry_id)
    _export_killed(office, target, "exports", "add_run", "after")
    assert history(office, ANNA) == []
    assert state(office, entry_id) is before
    run = make_run(office, ANNA, target, utc_now())
    assert run is not None
    assert run.entries == 1
    assert run_file(office, ANNA, run.id).sha256 == run.sha256
    assert state(office, entry_id) is (before if target in STATISTICS else EntryState.EXPORTED)


def _export_killed(office: Office, target: str, *moment: str) -> None:
    assert_killed(export_until, office.settings.model_dump_json(exclude_defaults=True), target, *moment)
