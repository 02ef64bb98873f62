"""What is confirmed comes to Skriv in by itself: each entry once, whoever opens the screen."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.domain.form.field import Meaning
from pipeline.domain.record import Run
from pipeline.export.key_in import screen
from pipeline.export.key_in.baskets import fill_baskets
from pipeline.export.key_in.signatures import sign_entries
from pipeline.export.runs import ExportContext, list_run_previews, list_runs
from pipeline.store.exports.run_items import list_run_items
from pipeline.store.schema.clock import utc_now
from tests.support.store import export_examples as examples
from tests.support.store.export_office import ANNA, PER, STIG, confirm, correct, scan
from tests.support.store.route_steps import route_to

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

FORM = examples.FORMS["hsl-anteckning", 1]


def confirm_notes(office: ExportContext, count: int) -> list[str]:
    """Confirmed notes about one client."""
    pid_field = FORM.meaning(Meaning.CLIENT_PID)
    assert pid_field is not None
    said = {pid_field.name: examples.SIV.pid, "kontakttyp": "besok", "anteckning": "Läker."}
    return [confirm(office, FORM.id, f"KB{number:04d}", **said) for number in range(count)]


def items_of(office: ExportContext, runs: list[Run]) -> list[str]:
    """The entries of runs, each as often as it is there."""
    with office.store.read() as conn:
        return [item.entry_id for run in runs for item in list_run_items(conn, run.id)]


def test_all_that_waits_is_put_on_lists_once(office: ExportContext) -> None:
    route_to(office)
    notes = confirm_notes(office, 2)
    confirm(office, "social-anteckning", "KB0007", anteckning="Handlade.")
    made = fill_baskets(office, ANNA, utc_now())
    assert len(made) == 2
    assert sorted(items_of(office, made)) == sorted([*notes, "KB0007-00"])
    assert fill_baskets(office, ANNA, utc_now()) == []
    shown = screen.list_waiting_lists(office, ANNA)
    assert {(each.destination.area, each.waiting) for each in shown} == {("HSL", 2), ("SoL", 1)}


def test_what_is_corrected_after_it_was_keyed_in_comes_back(office: ExportContext) -> None:
    (note,) = confirm_notes(office, 1)
    (run,) = fill_baskets(office, ANNA, utc_now())
    sign_entries(office, ANNA, run.id, [note], utc_now())
    correct(office, note, "anteckning", "Läker inte.")
    (newer,) = fill_baskets(office, ANNA, utc_now())
    assert items_of(office, [newer]) == [note]


def test_what_goes_to_a_system_by_file_stays_for_its_export(office: ExportContext) -> None:
    route_to(office, "rivta")
    notes = confirm_notes(office, 1)
    assert fill_baskets(office, ANNA, utc_now()) == []
    (preview,) = [one for one in list_run_previews(office, ANNA) if one.entries]
    assert (preview.kind.target, preview.entries) == ("rivta", len(notes))


def test_nothing_is_made_of_what_is_not_confirmed(office: ExportContext) -> None:
    scan(office, FORM.id, "KB0000", "Norr")
    assert fill_baskets(office, ANNA, utc_now()) == []
    assert list_runs(office, ANNA) == []


def test_who_works_at_another_unit_takes_nothing_of_this_one(office: ExportContext) -> None:
    notes = confirm_notes(office, 1)
    assert fill_baskets(office, STIG, utc_now()) == []
    assert items_of(office, fill_baskets(office, ANNA, utc_now())) == notes


@pytest.mark.both_databases
def test_of_two_who_open_the_screen_at_once_each_entry_is_on_one_list(
    office: ExportContext,
) -> None:
    notes = confirm_notes(office, 4)
    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(fill_baskets, office, person, utc_now()) for person in (ANNA, PER)]
        made = [run for each in work for run in each.result()]
    assert Counter(items_of(office, made)) == Counter(notes)
