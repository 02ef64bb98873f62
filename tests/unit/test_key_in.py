"""Keying in by hand: one person an entry, a tick is the receipt, the other system's order of fields."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import NotAllowedError
from pipeline.export import key_in
from pipeline.export.key_in_block import block
from pipeline.export.mapping import KeyInField, KeyInMapping, load_mappings, missing_fields
from pipeline.export.receipts import Answer, give_receipts
from pipeline.export.runs import Office, make_run
from pipeline.model import EntryState, Person
from pipeline.settings import ROOT
from pipeline.store.clock import utc_now
from tests import export_examples as examples
from tests.export_office import ANNA, PER, STIG, confirm, correct, state

pytest_plugins = ("tests.databases", "tests.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}


def listed(office: Office, how_many: int = 2) -> str:
    """A list with so many entries; answers with its id."""
    for number in range(how_many):
        confirm(office, "hsl-anteckning", f"KJ{number:04d}", **NOTE)
    run = make_run(office, ANNA, key_in.TARGET, utc_now())
    assert run is not None
    return run.id


def tick(office: Office, person: Person, run: str, shown: key_in.Shown) -> None:
    """It is in the other system."""
    give_receipts(office, person, run, [Answer(shown.item.entry_id, accepted=True)], utc_now())


@pytest.mark.both_databases
def test_two_people_never_get_the_same_entry_and_an_entry_is_kept_a_while(office: Office) -> None:
    run, now = listed(office), utc_now()
    first = key_in.next_entry(office, ANNA, run, now)
    again = key_in.next_entry(office, ANNA, run, now)
    other = key_in.next_entry(office, PER, run, now)
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.item == again.item
    assert other.item.entry_id != first.item.entry_id
    assert other.others == 1
    tick(office, PER, run, other)
    assert key_in.next_entry(office, PER, run, now) is None
    later = now + timedelta(minutes=key_in.CLAIM_MINUTES + 1)
    left_behind = key_in.next_entry(office, PER, run, later)
    assert left_behind is not None
    assert left_behind.item == first.item


def test_a_tick_is_the_receipt_and_is_given_once(office: Office) -> None:
    run, now = listed(office, 1), utc_now()
    shown = key_in.next_entry(office, ANNA, run, now)
    assert shown is not None
    tick(office, ANNA, run, shown)
    assert state(office, shown.item.entry_id) is EntryState.RECEIPTED
    assert key_in.next_entry(office, ANNA, run, now) is None
    assert key_in.waiting_runs(office, ANNA) == []


def test_a_list_of_which_nothing_can_be_keyed_in_any_longer_waits_for_nobody(office: Office) -> None:
    """What was corrected since is on a newer list, or will be."""
    run = listed(office)
    correct(office, "KJ0000-00", "anteckning", "Såret ser sämre ut.")
    assert [(status.run.id, status.waiting, status.entries) for status in key_in.waiting_runs(office, ANNA)] == [(run, 1, 1)]
    newer = make_run(office, ANNA, key_in.TARGET, utc_now())
    assert newer is not None
    tick(office, ANNA, run, _shown(office, run))
    assert [(status.run.id, status.waiting, status.entries) for status in key_in.waiting_runs(office, ANNA)] == [(newer.id, 1, 1)]


def _shown(office: Office, run: str) -> key_in.Shown:
    shown = key_in.next_entry(office, ANNA, run, utc_now())
    assert shown is not None
    return shown


def test_the_skipped_come_back_and_a_correction_says_what_it_corrects(office: Office) -> None:
    run, now = listed(office), utc_now()
    first = key_in.next_entry(office, ANNA, run, now)
    assert first is not None
    second = key_in.next_entry(office, ANNA, run, now, [first.item.entry_id])
    assert second is not None
    assert second.item.entry_id != first.item.entry_id
    assert key_in.next_entry(office, ANNA, run, now, [first.item.entry_id, second.item.entry_id]) is None
    tick(office, ANNA, run, second)
    correct(office, second.item.entry_id, "anteckning", "Såret ser rött ut.")
    corrected = make_run(office, ANNA, key_in.TARGET, utc_now())
    assert corrected is not None
    shown = key_in.next_entry(office, ANNA, corrected.id, utc_now())
    assert shown is not None
    assert shown.block.notice.startswith(f"Rättelse av tidigare överförd post (körning {run}")


def test_only_those_who_may_receipt_the_paper_see_it(office: Office) -> None:
    run = listed(office, 1)
    assert key_in.waiting_runs(office, STIG) == []
    with pytest.raises(NotAllowedError):
        key_in.next_entry(office, STIG, run, utc_now())


def test_the_orders_that_come_with_the_program_are_called_examples_and_name_fields_of_their_forms() -> None:
    shipped = load_mappings([ROOT / "forms"], key_in.TARGET, KeyInMapping)
    assert set(shipped) == {"hsl-anteckning", "social-anteckning", "bistandsbeslut"}
    for form_id, mapping in shipped.items():
        assert mapping.about.startswith("Exempel")
        assert "Inte leverantörens ordning" in mapping.about
        assert missing_fields(examples.FORMS.latest(form_id), mapping) == set()


def test_the_fields_stand_in_the_other_systems_order_and_nothing_is_dropped(tmp_path: Path) -> None:
    (item,) = examples.items(examples.record(fields={"anteckning": "Ny omläggning.", "plan": "I morgon.", "kontakttyp": "besok"}))
    terms = examples.terms(key_in.TARGET)
    own = block(item, replace(terms, mappings={}))
    folder = tmp_path / "hsl-anteckning"
    folder.mkdir()
    (folder / "export.skriv-in.yaml").write_text(
        "about: Vårt system.\norder:\n  - {field: plan, title: Planering}\n  - {field: anteckning}\n", "utf-8"
    )
    mappings = load_mappings([tmp_path], key_in.TARGET, KeyInMapping)
    assert mappings["hsl-anteckning"].order[0] == KeyInField(field="plan", title="Planering")
    ordered = block(item, replace(terms, mappings=mappings))
    assert [label for label, _ in ordered.rows][:2] == ["Planering", "Anteckning"]
    assert {text for _, text in ordered.rows} == {text for _, text in own.rows}
    assert (ordered.empty, ordered.late) == (own.empty, own.late)
