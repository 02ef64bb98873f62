"""Keying in by hand: one person an entry, a tick is the receipt, the other system's order of
fields.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import EntryState, Person
from pipeline.domain.settings import ROOT
from pipeline.export.manual_entry import screen
from pipeline.export.manual_entry.block import build_block
from pipeline.export.manual_entry.sheet_block import is_keyed_with
from pipeline.export.runs import ExportContext, make_run
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.export.tables.mapping import (
    ManualEntryField,
    ManualEntryMapping,
    find_missing_fields,
    load_mappings,
)
from pipeline.store.database.clock import utc_now
from tests.support.store import export_examples as examples
from tests.support.store.export_office import ANNA, PER, STIG, confirm, correct, review, state

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}


def listed(office: ExportContext, how_many: int = 2) -> str:
    """A list with so many entries; answers with its id."""
    for number in range(how_many):
        confirm(office, "hsl-anteckning", f"KJ{number:04d}", **NOTE)
    run = make_run(office, ANNA, screen.TARGET, utc_now())
    assert run is not None
    return run.id


def tick(office: ExportContext, person: Person, run: str, shown: screen.EntryToKeyIn) -> None:
    """It is in the other system."""
    submit_receipts(
        office, person, run, [ReceiptAnswer(shown.item.entry_id, accepted=True)], utc_now()
    )


@pytest.mark.both_databases
def test_two_people_never_get_the_same_entry_and_an_entry_is_kept_a_while(
    office: ExportContext,
) -> None:
    run, now = listed(office), utc_now()
    first = screen.claim_next_entry(office, ANNA, run, now)
    again = screen.claim_next_entry(office, ANNA, run, now)
    other = screen.claim_next_entry(office, PER, run, now)
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.item == again.item
    assert other.item.entry_id != first.item.entry_id
    tick(office, PER, run, other)
    assert screen.claim_next_entry(office, PER, run, now) is None
    later = now + timedelta(minutes=screen.CLAIM_MINUTES + 1)
    left_behind = screen.claim_next_entry(office, PER, run, later)
    assert left_behind is not None
    assert left_behind.item == first.item


def test_a_tick_is_the_receipt_and_is_given_once(office: ExportContext) -> None:
    run, now = listed(office, 1), utc_now()
    shown = screen.claim_next_entry(office, ANNA, run, now)
    assert shown is not None
    tick(office, ANNA, run, shown)
    assert state(office, shown.item.entry_id) is EntryState.RECEIPTED
    assert screen.claim_next_entry(office, ANNA, run, now) is None
    assert screen.list_waiting_runs(office, ANNA) == []


def test_a_list_of_which_nothing_can_be_keyed_in_any_longer_waits_for_nobody(
    office: ExportContext,
) -> None:
    """What was corrected since is on a newer list, or will be."""
    run = listed(office)
    correct(office, "KJ0000-00", "anteckning", "Såret ser sämre ut.")
    assert [
        (status.run.id, status.waiting, status.entries)
        for status in screen.list_waiting_runs(office, ANNA)
    ] == [(run, 1, 1)]
    newer = make_run(office, ANNA, screen.TARGET, utc_now())
    assert newer is not None
    tick(office, ANNA, run, _shown(office, run))
    assert [
        (status.run.id, status.waiting, status.entries)
        for status in screen.list_waiting_runs(office, ANNA)
    ] == [(newer.id, 1, 1)]


def _shown(office: ExportContext, run: str) -> screen.EntryToKeyIn:
    shown = screen.claim_next_entry(office, ANNA, run, utc_now())
    assert shown is not None
    return shown


def test_the_skipped_come_back_and_a_correction_says_what_it_corrects(
    office: ExportContext,
) -> None:
    run, now = listed(office), utc_now()
    first = screen.claim_next_entry(office, ANNA, run, now)
    assert first is not None
    second = screen.claim_next_entry(office, ANNA, run, now, [first.item.entry_id])
    assert second is not None
    assert second.item.entry_id != first.item.entry_id
    assert (
        screen.claim_next_entry(office, ANNA, run, now, [first.item.entry_id, second.item.entry_id])
        is None
    )
    tick(office, ANNA, run, second)
    correct(office, second.item.entry_id, "anteckning", "Såret ser rött ut.")
    corrected = make_run(office, ANNA, screen.TARGET, utc_now())
    assert corrected is not None
    shown = screen.claim_next_entry(office, ANNA, corrected.id, utc_now())
    assert shown is not None
    assert shown.block.notice.startswith(f"Rättelse av tidigare överförd post (körning {run}")


def test_only_those_who_may_receipt_the_paper_see_it(office: ExportContext) -> None:
    run = listed(office, 1)
    assert screen.list_waiting_runs(office, STIG) == []
    with pytest.raises(NotAllowedError):
        screen.claim_next_entry(office, STIG, run, utc_now())


def test_the_orders_that_come_with_the_program_are_called_examples_and_name_form_fields() -> None:
    shipped = load_mappings([ROOT / "forms"], screen.TARGET, ManualEntryMapping)
    assert {form for form, mapping in shipped.items() if mapping.sheet} == {
        "besokslista",
        "korlista",
        "matbestallning",
    }
    for form_id, mapping in shipped.items():
        assert mapping.about.startswith("Exempel")
        assert "Inte leverantörens ordning" in mapping.about
        versions = [one for (known_id, _), one in examples.FORMS.items() if known_id == form_id]
        missing = [find_missing_fields(one, mapping) for one in versions]
        assert set.intersection(*missing) == set()


def test_the_fields_stand_in_the_other_systems_order_and_nothing_is_dropped(tmp_path: Path) -> None:
    (item,) = examples.items(
        examples.record(
            fields={"anteckning": "Ny omläggning.", "plan": "I morgon.", "kontakttyp": "besok"}
        )
    )
    terms = examples.terms(screen.TARGET)
    own = build_block(item, replace(terms, mappings={}))
    folder = tmp_path / "hsl-anteckning"
    folder.mkdir()
    (folder / "export.skriv-in.yaml").write_text(
        (
            "about: Vårt system.\norder:\n  - {field: plan, title: Planering}\n  - {field: "
            "anteckning}\n"
        ),
        "utf-8",
    )
    mappings = load_mappings([tmp_path], screen.TARGET, ManualEntryMapping)
    assert mappings["hsl-anteckning"].order[0] == ManualEntryField(field="plan", title="Planering")
    ordered = build_block(item, replace(terms, mappings=mappings))
    assert [label for label, _ in ordered.rows][:2] == ["Planering", "Anteckning"]
    assert {text for _, text in ordered.rows} == {text for _, text in own.rows}
    assert (ordered.empty, ordered.late_entry_text) == (own.empty, own.late_entry_text)


def rows_of_a_sheet(office: ExportContext, how_many: int = 3) -> tuple[str, list[str]]:
    """A list with rows of one visit list; answers with its id and the entries."""
    visit = {"start": "08:00", "slut": "08:30"}
    first = confirm(office, "besokslista", "RJ0000", **visit)
    rows = [first, *(f"{first[:-2]}{row:02d}" for row in range(2, how_many + 1))]
    for entry_id in rows[1:]:
        review(office, entry_id, "besokslista", **visit)
    run = make_run(office, ANNA, screen.TARGET, utc_now())
    assert run is not None
    return run.id, rows


def test_rows_of_a_sheet_are_one_note_and_are_ticked_together(office: ExportContext) -> None:
    run, rows = rows_of_a_sheet(office)
    shown = screen.claim_next_entry(office, ANNA, run, utc_now())
    assert shown is not None
    assert sorted(shown.entry_ids) == rows
    assert shown.block.whole_text.count("08:30") == len(rows)
    assert all(entry_id in shown.block.late_entry_text for entry_id in rows)
    assert screen.claim_next_entry(office, PER, run, utc_now()) is None
    answers = [ReceiptAnswer(entry_id, accepted=True) for entry_id in shown.entry_ids]
    submit_receipts(office, ANNA, run, answers, utc_now())
    assert {state(office, entry_id) for entry_id in rows} == {EntryState.RECEIPTED}


def test_rows_of_a_sheet_can_be_had_one_by_one(office: ExportContext) -> None:
    run, rows = rows_of_a_sheet(office)
    shown = screen.claim_next_entry(office, ANNA, run, utc_now(), alone=rows)
    assert shown is not None
    assert shown.others == ()
    other = screen.claim_next_entry(office, PER, run, utc_now())
    assert other is not None
    assert len(other.entry_ids) == len(rows) - 1


@pytest.mark.parametrize(
    ("form", "changed", "is_together"),
    [
        ("besokslista", {"client": examples.ARNE}, True),
        ("matvarden", {"client": examples.ARNE}, False),
        ("matvarden", {}, True),
        ("matvarden", {"serial": "K7M3PY"}, False),
        ("matvarden", {"voided": "dubblett"}, False),
        ("besokslista", {"client": replace(examples.SIV, protected=True)}, False),
    ],
)
def test_what_is_keyed_in_together(form: str, changed: dict[str, Any], is_together: bool) -> None:
    first, second = examples.items(
        examples.record(form), replace(examples.record(form), row=2, **changed)
    )
    mappings = load_mappings([ROOT / "forms"], screen.TARGET, ManualEntryMapping)
    options = replace(examples.terms(screen.TARGET), mappings=mappings)
    assert is_keyed_with(first, second, options) is is_together
    assert not is_keyed_with(first, replace(second, amends=examples.EARLIER), options)
