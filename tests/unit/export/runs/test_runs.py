"""Export runs: each confirmed entry once at each revision, whole or not at all, and the same bytes
ever after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from pipeline.domain.errors import ExportError, NotAllowedError, StoreError
from pipeline.domain.model import EntryState, State
from pipeline.domain.record import Run
from pipeline.domain.review.rules import Answer as Answered
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.rivta.elements import DOMAIN_NS
from pipeline.export.runs import (
    ExportContext,
    confirm_delivery,
    fetch_run_file,
    list_runs,
    list_undelivered,
    make,
)
from pipeline.export.runs.receipts import ReceiptAnswer, open_run_items, submit_receipts
from pipeline.registers.client_check import ClientStatement
from pipeline.store.entries import queue
from pipeline.store.event_log import events
from pipeline.store.exports import ready_entries
from pipeline.store.exports import run_items as exports_run_items
from pipeline.store.reports.entry_counts import workspace_metrics
from pipeline.store.schema.clock import utc_now
from tests.support.image_folder import folder_of
from tests.support.store.export_examples import ARNE, FORMS, SIV
from tests.support.store.export_office import (
    ANNA,
    PER,
    STIG,
    confirm,
    correct,
    corrected,
    review,
    state,
    void,
)
from tests.support.store.rivta_archives import rivta_documents, rivta_text
from tests.support.store.route_steps import make_run, target_status
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}


def export(office: ExportContext, target: str = "rivta", **options: Any) -> Run:  # noqa: ANN401
    run = make_run(office, ANNA, target, utc_now(), **options)
    assert run is not None
    return run


LOOKED_AT = {"rivta", "fhir", "besok", "skriv-in"}
"""Others take some of these entries too."""


def waiting(office: ExportContext, unit: str | None = None) -> dict[str, tuple[int, int]]:
    return {
        line.target: (line.entries, line.amendments)
        for line in (target_status(office, ANNA, target, unit) for target in LOOKED_AT)
        if line.entries
    }


def text(office: ExportContext, run: Run, name: str) -> list[str]:
    return [
        element.text or ""
        for document in rivta_documents(fetch_run_file(office, ANNA, run.id).data)
        for element in document.iter(f"{{{DOMAIN_NS}}}{name}")
    ]


def test_ready_counts_what_each_target_can_take(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "besokslista", "AAAA02", start="08:15", dusch=True)
    confirm(office, "hsl-anteckning", "AAAA03", unit="Söder", **NOTE)
    assert waiting(office) == {"rivta": (2, 0), "fhir": (2, 0), "besok": (1, 0), "skriv-in": (3, 0)}
    assert waiting(office, "Söder") == {"rivta": (1, 0), "fhir": (1, 0), "skriv-in": (1, 0)}


def test_a_run_has_a_file_a_checksum_and_its_items(office: ExportContext) -> None:
    later = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    earlier = confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    run = export(office)
    file = fetch_run_file(office, ANNA, run.id)
    assert (run.entries, run.made_by) == (2, "Anna Öst")
    assert hashlib.sha256(file.data).hexdigest() == run.sha256 == file.sha256
    assert [
        (item.number, item.entry_id, item.revision) for item in open_run_items(office, ANNA, run.id)
    ] == [(1, earlier, 1), (2, later, 1)]
    assert text(office, run, "documentId") == [earlier, later]
    assert {state(office, entry) for entry in (earlier, later)} == {EntryState.EXPORTED}


def test_making_it_again_changes_nothing(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = export(office)
    first = fetch_run_file(office, ANNA, run.id)
    assert make_run(office, ANNA, "rivta", utc_now() + timedelta(days=1)) is None
    assert make_run(office, ANNA, "skriv-in", utc_now()) is None
    assert fetch_run_file(office, ANNA, run.id) == first
    assert [each.run for each in list_runs(office, ANNA)] == [run]


def test_a_run_that_nobody_was_handed_is_listed_until_somebody_is(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = export(office)
    assert [status.run for status in list_undelivered(office, ANNA, "rivta")] == [run]
    assert list_undelivered(office, ANNA, "skriv-in") == []
    with office.store.read() as conn:
        assert workspace_metrics(conn)["exports"] == {"unfetched": [run.id]}
    fetch_run_file(office, ANNA, run.id)
    assert not list_runs(office, ANNA)[0].is_delivered, "to look at it is not to have it"
    confirm_delivery(office, ANNA, run.id, utc_now())
    assert list_undelivered(office, ANNA, "rivta") == []
    with office.store.read() as conn:
        assert workspace_metrics(conn)["exports"] == {"unfetched": []}


def test_a_run_that_its_target_has_answered_was_delivered(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = export(office)
    submit_receipts(office, ANNA, run.id, [ReceiptAnswer(entry_id, accepted=True)], utc_now())
    assert list_undelivered(office, ANNA, "rivta") == []


def test_with_nothing_ready_nothing_is_made(office: ExportContext) -> None:
    assert make_run(office, ANNA, "rivta", utc_now()) is None
    assert list(folder_of(office.store).folder.rglob("*.*")) == []
    assert list_runs(office, ANNA) == []


def test_a_unit_is_exported_alone(office: ExportContext) -> None:
    north = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    south = confirm(office, "hsl-anteckning", "AAAA02", unit="Söder", **NOTE)
    export(office, unit="Söder")
    assert (state(office, north), state(office, south)) == (EntryState.SIGNED, EntryState.EXPORTED)


def test_the_first_target_takes_an_entry(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    export(office, "skriv-in")
    assert waiting(office) == {}


def test_a_form_without_mapping_goes_by_hand(office: ExportContext) -> None:
    confirm(office, "fri-anteckning", "AAAA01", rubrik="Samtal", anteckning="x")
    assert waiting(office) == {"skriv-in": (1, 0)}


def test_what_a_target_cannot_carry_waits_and_says_why(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", handelsedatum="", **NOTE)
    line = target_status(office, ANNA, "rivta")
    assert (line.entries, [each.entry_id for each in line.unsupported]) == (0, [entry])
    assert "Tidpunkt saknas" in in_swedish(line.unsupported[0].reason)
    assert make_run(office, ANNA, "rivta", utc_now()) is None
    assert export(office, "skriv-in").entries == 1


def test_a_wrong_mapping_stops_its_own_target_and_no_other(office: ExportContext) -> None:
    there = confirm(office, "hsl-anteckning", "AAAA02", **NOTE)
    export(office, "treserva-exempel")
    correct(office, there, "anteckning", "Såret vätskar.")
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    folder = office.settings.own_forms / "hsl-anteckning"
    folder.mkdir(parents=True)
    (folder / "export.treserva-exempel.yaml").write_text(
        "about: x\ncolumns: [{title: Text, source: field.antekning}]\n", "utf-8"
    )
    found = {
        target: target_status(office, ANNA, target) for target in ("treserva-exempel", "rivta")
    }
    assert "no field antekning" in str(found["treserva-exempel"].fault)
    assert "forms show hsl-anteckning" in str(found["treserva-exempel"].fault)
    assert (found["treserva-exempel"].entries, found["rivta"].entries, found["rivta"].fault) == (
        0,
        1,
        None,
    )
    with pytest.raises(ExportError, match="antekning"):
        make_run(office, ANNA, "treserva-exempel", utc_now())
    assert export(office).entries == 1
    assert make_run(office, ANNA, "skriv-in", utc_now()) is None, (
        "the correction waits for its own target"
    )


def test_a_correction_is_an_amendment_for_the_same_target(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    first = export(office)
    correct(office, entry, "anteckning", "Såret vätskar.")
    assert waiting(office) == {"rivta": (1, 1)}
    assert make_run(office, ANNA, "skriv-in", utc_now()) is None
    second = export(office)
    (item,) = open_run_items(office, ANNA, second.id)
    assert (item.entry_id, item.revision, item.is_amendment) == (entry, 2, True)
    assert text(office, first, "documentId") == text(office, second, "documentId") == [entry]
    note = text(office, second, "clinicalDocumentNoteText")[0]
    assert f"Rättelse av tidigare överförd post (körning {first.id}" in note
    assert "Såret vätskar." in note
    assert "Såret ser bra ut." in text(office, first, "clinicalDocumentNoteText")[0]
    assert not open_run_items(office, ANNA, first.id)[0].is_current


def test_a_correction_before_the_export_is_no_amendment(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    correct(office, entry, "anteckning", "Såret vätskar.")
    assert "Rättelse" not in text(office, export(office), "clinicalDocumentNoteText")[0]


def test_a_voided_entry_is_nullified_in_the_target(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    export(office)
    void(office, entry)
    run = export(office)
    assert (text(office, run, "documentId"), text(office, run, "nullifiedReason")) == (
        [entry],
        ["fel person"],
    )
    assert state(office, entry) is EntryState.EXPORTED


def test_a_voided_entry_that_the_target_had_refused_is_not_sent(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    first = export(office)
    void(office, entry)
    submit_receipts(
        office,
        ANNA,
        first.id,
        [ReceiptAnswer(entry, accepted=False, text="okänd enhet")],
        utc_now(),
    )
    assert waiting(office) == {}


def test_a_voided_entry_is_nullified_for_the_client_whom_the_target_has(
    office: ExportContext,
) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    export(office)
    corrected(office, entry, "personnummer", Answered(ARNE.pid))
    void(office, entry)
    told = rivta_text(fetch_run_file(office, ANNA, export(office).id).data)
    assert (SIV.pid in told, ARNE.pid in told) == (True, False)


@pytest.mark.parametrize("field", ["personnummer", "handelsedatum"])
def test_a_voided_entry_is_nullified_although_its_correction_could_not_go(
    office: ExportContext, field: str
) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    export(office)
    corrected(
        office,
        entry,
        field,
        Answered(None, State.ILLEGIBLE),
        ClientStatement("går inte att läsa", "Okänd", temporary=field == "personnummer"),
    )
    assert make_run(office, ANNA, "rivta", utc_now()) is None
    void(office, entry)
    assert text(office, export(office), "nullifiedReason") == ["fel person"]


def test_a_voiding_that_the_target_refuses_is_sent_again_and_reviewed_by_nobody(
    office: ExportContext,
) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    submit_receipts(
        office, ANNA, export(office).id, [ReceiptAnswer(entry, accepted=True)], utc_now()
    )
    void(office, entry)
    submit_receipts(
        office,
        ANNA,
        export(office).id,
        [ReceiptAnswer(entry, accepted=False, text="okänd enhet")],
        utc_now(),
    )
    with office.store.begin() as conn:
        assert queue.claim_next(conn, FORMS, PER, queue.ClaimTerms(utc_now())) is None
    assert text(office, export(office), "nullifiedReason") == ["fel person"]


def test_a_refused_entry_is_new_to_the_target_when_it_comes_again(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    submit_receipts(
        office,
        ANNA,
        export(office).id,
        [ReceiptAnswer(entry, accepted=False, text="okänd enhet")],
        utc_now(),
    )
    review(office, entry, "hsl-anteckning", **NOTE)
    assert waiting(office) == {"rivta": (1, 0), "fhir": (1, 0), "skriv-in": (1, 0)}
    run = export(office)
    assert "Rättelse" not in text(office, run, "clinicalDocumentNoteText")[0]
    assert [item.revision for item in open_run_items(office, ANNA, run.id)] == [2]


@pytest.mark.both_databases
def test_of_many_at_once_one_wins(office: ExportContext) -> None:
    entries = {confirm(office, "hsl-anteckning", f"AAAA{n:02d}", **NOTE) for n in range(5)}
    start = Barrier(4)

    def one(target: str) -> Run | None:
        start.wait()
        return make_run(office, ANNA, target, utc_now())

    with ThreadPoolExecutor(4) as pool:
        made = [run for run in pool.map(one, ["rivta", "rivta", "skriv-in", "skriv-in"]) if run]
    carried = [item.entry_id for run in made for item in open_run_items(office, ANNA, run.id)]
    assert len(made) == 1
    assert sorted(carried) == sorted(entries)


def test_an_entry_that_changes_while_the_file_is_made_is_not_exported_as_it_was(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    make = TARGETS["rivta"].make
    made: list[bytes] = []

    def meddled(items: list[Item], run: Run, terms: ExportOptions) -> bytes:
        made.append(make(items, run, terms))
        if len(made) == 1:
            correct(office, entry, "anteckning", "Såret vätskar.")
        return made[-1]

    monkeypatch.setattr(TARGETS["rivta"], "make", meddled)
    run = export(office)
    assert len(made) == 2
    assert "Såret vätskar." in text(office, run, "clinicalDocumentNoteText")[0]


def test_entries_that_never_hold_still_are_given_up_with_an_error(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    monkeypatch.setattr(make, "_save_run", lambda *_: None)
    with pytest.raises(ExportError, match="changed all the time"):
        make_run(office, ANNA, "rivta", utc_now())


@pytest.mark.parametrize("breaking", ["save_run", "mark_exported", "record"])
def test_a_failure_half_way_leaves_nothing(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch, breaking: str
) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    module = {"save_run": exports_run_items, "mark_exported": ready_entries, "record": events}[
        breaking
    ]
    monkeypatch.setattr(module, breaking, _fails(getattr(module, breaking)))
    with pytest.raises(StoreError, match="cannot be kept: gone"):
        make_run(office, ANNA, "rivta", utc_now())
    monkeypatch.undo()
    assert state(office, entry) is EntryState.SIGNED
    assert list_runs(office, ANNA) == []
    assert export(office).entries == 1


def test_a_second_export_of_a_revision_in_its_route_is_refused(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = export(office)
    other = Run("other", run.target, "x", run.made_at, "x", 1, run.sha256, run.route)
    with pytest.raises(StoreError), office.store.begin() as conn:
        exports_run_items.save_run(conn, other, [(entry, 1)])
    assert [each.run.id for each in list_runs(office, ANNA)] == [run.id]


def test_what_was_done_is_in_the_log_without_a_value(office: ExportContext) -> None:
    entry = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    run = export(office)
    fetch_run_file(office, ANNA, run.id)
    open_run_items(office, ANNA, run.id)
    with office.store.read() as conn:
        told = events.list_events(conn, run.id) + events.list_events(conn, entry)
    assert [event.action for event in told if event.subject == run.id] == [
        "export",
        "fetch_export",
        "view_export",
    ]
    assert "exported" in [event.action for event in told]
    assert all(secret not in str(told) for secret in ("Siv", "192801", "Såret"))


def test_other_units_stay_closed(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert make_run(office, STIG, "rivta", utc_now()) is None
    with pytest.raises(NotAllowedError):
        make_run(office, STIG, "rivta", utc_now(), unit="Norr")
    run = export(office)
    assert list_runs(office, STIG) == []
    for look in (fetch_run_file, open_run_items):
        with pytest.raises(NotAllowedError):
            look(office, STIG, run.id)


def test_unknown_targets_and_runs_are_errors(office: ExportContext) -> None:
    with pytest.raises(ExportError, match="no target treserva"):
        make_run(office, ANNA, "treserva", utc_now())
    with pytest.raises(ExportError, match="no run x"):
        fetch_run_file(office, ANNA, "x")


def _fails(real: Callable[..., Any]) -> Callable[..., None]:
    def half(*args: Any, **named: Any) -> None:  # noqa: ANN401
        real(*args, **named)
        raise StoreError("upload_not_kept", reason="gone")

    return half
