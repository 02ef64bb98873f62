"""Keying in by hand: one person a client, one signature for all of it, the other system's order of
fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from pipeline.domain.errors import ExportError, NotAllowedError
from pipeline.domain.form.field import Meaning
from pipeline.domain.model import Client, EntryState, Person
from pipeline.domain.record import Route
from pipeline.domain.settings import ROOT
from pipeline.export.key_in import screen
from pipeline.export.key_in.signatures import (
    CLAIM_MINUTES,
    UNDO_MINUTES,
    find_open_signature,
    settle_signatures,
    sign_entries,
    undo_signature,
)
from pipeline.export.manual_entry.block import build_block, is_keyed_with
from pipeline.export.manual_entry.one_list import Destination
from pipeline.export.mapping import (
    ManualEntryField,
    ManualEntryMapping,
    find_missing_fields,
    load_mappings,
)
from pipeline.export.runs import (
    ExportContext,
    fetch_run_file,
    list_undelivered,
    undo_run,
)
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.store.exports.routes import save_route
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import entry
from tests.support.store import export_examples as examples
from tests.support.store.export_office import (
    ANNA,
    PER,
    STIG,
    confirm,
    correct,
    printed,
    review,
    state,
)
from tests.support.store.route_steps import ROUTE_SETTER, make_run, make_runs, route_to

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

FORM = examples.FORMS["hsl-anteckning", 1]
JOURNAL = Destination("Patientjournal", "", "HSL")
NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}


def listed(office: ExportContext, how_many: int = 2) -> str:
    """A list with so many entries, each of a client of its own; answers with its id."""
    for number, client in zip(range(how_many), (examples.SIV, examples.ARNE), strict=False):
        confirm_note(office, f"KJ{number:04d}", client)
    run = make_run(office, ANNA, screen.TARGET, utc_now())
    assert run is not None
    return run.id


def confirm_note(office: ExportContext, serial: str, client: Client = examples.SIV) -> str:
    """A confirmed note about a client."""
    pid_field = FORM.meaning(Meaning.CLIENT_PID)
    assert pid_field is not None
    return confirm(office, FORM.id, serial, **{pid_field.name: client.pid}, **NOTE)


def place(office: ExportContext, run: str) -> tuple[str, Destination]:
    """The name of the one list of a run."""
    names = {each.name for each in screen.list_waiting_lists(office, ANNA) if each.run.id == run}
    return names.pop() if names else (run, JOURNAL)


def claim(
    office: ExportContext,
    person: Person,
    run: str,
    now: datetime,
    skipped: Sequence[str] = (),
    alone: Sequence[str] = (),
) -> screen.ClientToKeyIn | None:
    """What the person is given of a list."""
    return screen.claim_next_client(office, person, place(office, run), now, skipped, alone=alone)


def sign(office: ExportContext, person: Person, run: str, shown: screen.ClientToKeyIn) -> str:
    """It is in the other system."""
    return sign_entries(office, person, run, shown.entry_ids, utc_now())


@pytest.mark.both_databases
def test_two_people_never_get_the_same_entry_and_an_entry_is_kept_a_while(
    office: ExportContext,
) -> None:
    run, now = listed(office), utc_now()
    first = claim(office, ANNA, run, now)
    again = claim(office, ANNA, run, now)
    other = claim(office, PER, run, now)
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.entry_ids == again.entry_ids
    assert other.entry_ids != first.entry_ids
    sign(office, PER, run, other)
    assert claim(office, PER, run, now) is None
    later = now + timedelta(minutes=CLAIM_MINUTES + 1)
    left_behind = claim(office, PER, run, later)
    assert left_behind is not None
    assert left_behind.entry_ids == first.entry_ids


@pytest.mark.both_databases
def test_one_signature_becomes_the_receipts_of_a_clients_entries_and_can_be_undone_first(
    office: ExportContext,
) -> None:
    run = listed(office, 1)
    shown = _shown(office, run)
    for undone in (True, False):
        turn = sign(office, ANNA, run, shown)
        assert screen.list_waiting_lists(office, ANNA) == []
        assert sign(office, ANNA, run, shown) == ""
        assert find_open_signature(office, ANNA, utc_now())[0] == turn
        assert find_open_signature(office, PER, utc_now()) == ("", 0)
        if undone:
            assert undo_signature(office, ANNA, turn, utc_now()) == 1
            assert _shown(office, run).entry_ids == shown.entry_ids
            with pytest.raises(ExportError, match="no longer be undone"):
                undo_signature(office, ANNA, turn, utc_now())
    assert settle_signatures(office.store, utc_now()) == 0
    later = utc_now() + timedelta(minutes=UNDO_MINUTES)
    assert settle_signatures(office.store, later) == 1
    assert state(office, shown.entry_ids[0]) is EntryState.RECEIPTED
    with pytest.raises(ExportError, match="no longer be undone"):
        undo_signature(office, ANNA, turn, later)


def test_an_answer_from_elsewhere_is_kept_when_a_signature_is_settled(
    office: ExportContext,
) -> None:
    run = listed(office, 1)
    shown = _shown(office, run)
    sign(office, ANNA, run, shown)
    refusal = ReceiptAnswer(shown.entry_ids[0], accepted=False, text="Fel klient")
    submit_receipts(office, ANNA, run, [refusal], utc_now())
    assert settle_signatures(office.store, utc_now() + timedelta(minutes=UNDO_MINUTES)) == 0
    assert state(office, shown.entry_ids[0]) is not EntryState.RECEIPTED


def test_nobody_signs_for_what_another_person_keys_in(office: ExportContext) -> None:
    run = listed(office, 1)
    shown = _shown(office, run)
    with pytest.raises(ExportError, match="Another person"):
        sign(office, PER, run, shown)


def test_all_entries_of_a_client_come_together(office: ExportContext) -> None:
    made = [confirm_note(office, f"KL{number:04d}") for number in range(3)]
    confirm_note(office, "KL0009", examples.ARNE)
    run = make_run(office, ANNA, screen.TARGET, utc_now())
    assert run is not None
    together = {frozenset(_shown(office, run.id).entry_ids)}
    other = claim(office, PER, run.id, utc_now())
    assert other is not None
    together.add(frozenset(other.entry_ids))
    assert frozenset(made) in together
    assert sorted(map(len, together)) == [1, 3]


def test_a_list_has_one_system_module_and_area_on_paper_and_on_screen(
    office: ExportContext,
) -> None:
    confirm_note(office, "KA0000")
    confirm(office, "matvarden", "KA0001")
    with office.store.begin() as conn:
        client_register.save_units(conn, {"Norr": "HSL", "Söder": "SoL"})
    confirm(office, "nyckelkvittens", "KA0002", unit="Söder")
    route_to(office)
    runs = make_runs(office, ANNA, screen.TARGET, utc_now())
    assert [run.entries for run in runs] in ([2, 1], [1, 2])
    lists = screen.list_waiting_lists(office, ANNA)
    assert {each.destination.area for each in lists} == {"HSL", "SoL"}
    assert len({each.destination for each in lists}) == 2


def test_a_note_that_says_that_it_is_of_lss_stands_on_a_list_of_its_own(
    office: ExportContext,
) -> None:
    confirm(office, "social-anteckning", "KL0000", anteckning="Såret läker.")
    confirm(office, "social-anteckning", "KL0001", anteckning="Såret läker.", lss=True)
    route_to(office)
    runs = make_runs(office, ANNA, screen.TARGET, utc_now())
    assert [run.entries for run in runs] == [1, 1]
    lists = screen.list_waiting_lists(office, ANNA)
    assert {each.destination.area for each in lists} == {"SoL", "LSS"}
    for waiting in lists:
        file = fetch_run_file(office, ANNA, waiting.run.id)
        assert waiting.destination.title in printed(file.data)


def test_a_list_is_of_the_system_that_its_route_names(office: ExportContext) -> None:
    route_to(office)
    confirm_note(office, "KR0000")
    with office.store.begin() as conn:
        route = Route("omsorg", screen.TARGET, (FORM.id,), "Omsorgssystem", "Journal")
        save_route(conn, ROUTE_SETTER, route, utc_now())
    (run,) = make_runs(office, ANNA, screen.TARGET, utc_now())
    (waiting,) = screen.list_waiting_lists(office, ANNA)
    assert waiting.name == (run.id, Destination("Omsorgssystem", "Journal", "HSL"))
    assert screen.claim_next_client(office, ANNA, waiting.name, utc_now())
    assert "Omsorgssystem, Journal, HSL" in printed(fetch_run_file(office, ANNA, run.id).data)


def test_a_run_that_somebody_signed_for_is_not_undone(office: ExportContext) -> None:
    run, now = listed(office, 1), utc_now()
    turn = sign_entries(office, ANNA, run, ["KJ0000-00"], now)
    with pytest.raises(ExportError, match="cannot be undone"):
        undo_run(office, ANNA, run, now)
    undo_signature(office, ANNA, turn, now)
    assert undo_run(office, ANNA, run, now) == 1


def test_a_list_that_is_open_on_a_screen_is_delivered(office: ExportContext) -> None:
    run = listed(office, 1)
    assert [status.run.id for status in list_undelivered(office, ANNA, screen.TARGET)] == [run]
    _shown(office, run)
    assert list_undelivered(office, ANNA, screen.TARGET) == []


def test_a_list_of_which_nothing_can_be_keyed_in_any_longer_waits_for_nobody(
    office: ExportContext,
) -> None:
    """What was corrected since is on a newer list, or will be."""
    run = listed(office)
    correct(office, "KJ0000-00", "anteckning", "Såret ser sämre ut.")
    assert [
        (status.run.id, status.waiting, status.entries)
        for status in screen.list_waiting_lists(office, ANNA)
    ] == [(run, 1, 1)]
    newer = make_run(office, ANNA, screen.TARGET, utc_now())
    assert newer is not None
    sign(office, ANNA, run, _shown(office, run))
    assert [
        (status.run.id, status.waiting, status.entries)
        for status in screen.list_waiting_lists(office, ANNA)
    ] == [(newer.id, 1, 1)]


def _shown(office: ExportContext, run: str) -> screen.ClientToKeyIn:
    shown = claim(office, ANNA, run, utc_now())
    assert shown is not None
    return shown


def test_the_skipped_come_back_and_a_correction_says_what_it_corrects(
    office: ExportContext,
) -> None:
    run, now = listed(office), utc_now()
    first = claim(office, ANNA, run, now)
    assert first is not None
    second = claim(office, ANNA, run, now, first.entry_ids)
    assert second is not None
    assert second.entry_ids != first.entry_ids
    assert claim(office, ANNA, run, now, [*first.entry_ids, *second.entry_ids]) is None
    sign(office, ANNA, run, second)
    correct(office, second.entry_ids[0], "anteckning", "Såret ser rött ut.")
    corrected = make_run(office, ANNA, screen.TARGET, utc_now())
    assert corrected is not None
    shown = claim(office, ANNA, corrected.id, utc_now())
    assert shown is not None
    assert shown.entries[0].block.notice.startswith(
        f"Rättelse av tidigare överförd post (körning {run}"
    )


def test_only_those_who_may_receipt_the_paper_see_it(office: ExportContext) -> None:
    run = listed(office, 1)
    assert screen.list_waiting_lists(office, STIG) == []
    with pytest.raises(NotAllowedError):
        claim(office, STIG, run, utc_now())


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
    assert ordered.late_entry_text == own.late_entry_text


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
    shown = claim(office, ANNA, run, utc_now())
    assert shown is not None
    assert sorted(shown.entry_ids) == rows
    assert shown.entries[0].block.whole_text.count("08:30") == len(rows)
    assert all(entry_id in shown.entries[0].block.late_entry_text for entry_id in rows)
    assert claim(office, PER, run, utc_now()) is None
    sign(office, ANNA, run, shown)
    settle_signatures(office.store, utc_now() + timedelta(minutes=UNDO_MINUTES))
    assert {state(office, entry_id) for entry_id in rows} == {EntryState.RECEIPTED}


def test_rows_of_a_sheet_can_be_had_one_by_one(office: ExportContext) -> None:
    run, rows = rows_of_a_sheet(office)
    shown = claim(office, ANNA, run, utc_now(), alone=rows)
    assert shown is not None
    assert shown.entries[0].others == ()
    other = claim(office, PER, run, utc_now())
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


def test_a_duty_of_law_stands_by_its_entry_on_the_screen_and_in_print(
    office: ExportContext,
) -> None:
    route_to(office)
    entry_id = confirm_note(office, "KU0000")
    with office.store.begin() as conn:
        duties = {"lvu-ansokan": "2090-01-20T23:59:00+01:00"}
        conn.execute(update(entry).where(entry.c.id == entry_id).values(deadlines=duties))
    (run,) = make_runs(office, ANNA, screen.TARGET, utc_now())
    words = " ".join(printed(fetch_run_file(office, ANNA, run.id).data).split())
    assert re.search(r"hos förvaltningsrätten senast fre 20 jan\. 2090 – [\d\s]+ dagar kvar", words)
    (waiting,) = screen.list_waiting_lists(office, ANNA)
    shown = screen.claim_next_client(office, ANNA, waiting.name, utc_now())
    assert shown is not None
    (duty,) = shown.entries[0].duties
    assert "senast fre 20 jan. 2090 – " in duty
