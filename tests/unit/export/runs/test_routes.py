"""Routes: each takes what is routed to it, once; an entry is done when all of its routes are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.domain.errors import ExportError, NotAllowedError, UsageError
from pipeline.domain.model import EntryState
from pipeline.domain.record import Route, Run
from pipeline.export.runs import (
    ExportContext,
    RunKind,
    confirm_delivery,
    count_unproven,
    fetch_run_file,
    list_run_previews,
    list_runs,
    make_run,
    preview_first_entry,
    set_route,
    undo_run,
)
from pipeline.export.runs.candidates import NO_MAPPING
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.store.event_log.events import list_events
from pipeline.store.exports.routes import save_route
from pipeline.store.exports.runs import Finding, Proof, save_proofs
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import ARNE
from tests.support.store.export_office import ANNA, confirm, correct, review, sign, state, void
from tests.support.store.route_steps import ROUTE_SETTER

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = "hsl-anteckning"
JOURNAL = Route("journal", "rivta", (NOTE,), "Patientjournal", "Journaltext", "Sven")
SHARED = Route("delad", "fhir", (NOTE,), "Regional delning")
SAID = {"kontakttyp": "besok", "anteckning": "Såret läker."}


def set_routes(office: ExportContext, *routes: Route) -> None:
    for route in routes:
        set_route(office, ROUTE_SETTER, route, utc_now())


def noted(office: ExportContext, serial: str = "AAAA01") -> str:
    return confirm(office, NOTE, serial, **SAID)


def run_of(office: ExportContext, route: str, target: str) -> Run | None:
    return make_run(office, ANNA, RunKind(route, target), utc_now())


def taken(office: ExportContext, route: Route) -> Run:
    run = run_of(office, route.name, route.target)
    assert run is not None
    return run


def answer(office: ExportContext, run: Run, entry_id: str, *, accepted: bool = True) -> None:
    submit_receipts(office, ANNA, run.id, [ReceiptAnswer(entry_id, accepted, "")], utc_now())


def waiting(office: ExportContext) -> dict[str, int]:
    return {each.kind.route: each.entries for each in list_run_previews(office, ANNA)}


def test_an_entry_is_exported_when_each_route_has_it_and_accepted_when_each_said_so(
    office: ExportContext,
) -> None:
    set_routes(office, JOURNAL, SHARED)
    entry = noted(office)
    first = taken(office, JOURNAL)
    assert state(office, entry) is EntryState.SIGNED
    assert run_of(office, "journal", "rivta") is None
    answer(office, first, entry)
    assert state(office, entry) is EntryState.SIGNED
    second = taken(office, SHARED)
    assert state(office, entry) is EntryState.EXPORTED
    answer(office, second, entry)
    assert state(office, entry) is EntryState.RECEIPTED
    assert (first.route, second.route) == ("journal", "delad")


def test_nothing_is_taken_by_what_is_not_routed_to(office: ExportContext) -> None:
    set_routes(office, JOURNAL)
    entry = noted(office)
    assert run_of(office, "skriv-in", "skriv-in") is None
    assert run_of(office, "fhir", "fhir") is None
    assert waiting(office) == {"journal": 1, "skriv-in": 0}
    other = confirm(office, "matvarden", "BBBB01", puls="70")
    assert waiting(office) == {"journal": 1, "skriv-in": 1}
    assert run_of(office, "skriv-in", "skriv-in") is not None
    assert (state(office, entry), state(office, other)) == (
        EntryState.SIGNED,
        EntryState.EXPORTED,
    )


def test_a_refusal_by_one_returns_the_entry_and_the_other_gets_the_correction(
    office: ExportContext,
) -> None:
    set_routes(office, JOURNAL, SHARED)
    entry = noted(office)
    first, second = taken(office, JOURNAL), taken(office, SHARED)
    answer(office, second, entry)
    answer(office, first, entry, accepted=False)
    assert state(office, entry) is EntryState.REVIEW
    review(office, entry, NOTE, **SAID)
    previews = {each.kind.route: each for each in list_run_previews(office, ANNA)}
    assert (previews["journal"].entries, previews["journal"].amendments) == (1, 0)
    assert (previews["delad"].entries, previews["delad"].amendments) == (1, 1)


def test_a_refusal_before_the_other_route_took_the_entry_returns_it_too(
    office: ExportContext,
) -> None:
    set_routes(office, JOURNAL, SHARED)
    entry = noted(office)
    answer(office, taken(office, JOURNAL), entry, accepted=False)
    assert state(office, entry) is EntryState.REVIEW
    assert run_of(office, "delad", "fhir") is None


def test_an_entry_keeps_the_routes_it_had_when_the_first_took_it(office: ExportContext) -> None:
    set_routes(office, JOURNAL, SHARED)
    entry, later = noted(office), "AAAA02"
    taken(office, JOURNAL)
    # Another system instead of both: nothing of the first entry goes there, and nothing is lost.
    new = Route("ny", "skriv-in", (NOTE,), "Nytt system")
    ended = (replace(JOURNAL, is_active=False), replace(SHARED, is_active=False))
    set_routes(office, new, *ended)
    second = noted(office, later)
    assert waiting(office) == {"delad": 1, "ny": 1, "skriv-in": 0}
    taken(office, SHARED)
    assert state(office, entry) is EntryState.EXPORTED
    assert taken(office, new).entries == 1
    assert state(office, second) is EntryState.EXPORTED
    correct(office, entry, "anteckning", "Såret är läkt.")
    assert waiting(office) == {"journal": 1, "delad": 1, "ny": 0, "skriv-in": 0}


def test_a_void_entry_goes_to_those_who_have_it_alone(office: ExportContext) -> None:
    set_routes(office, JOURNAL, SHARED)
    entry = noted(office)
    taken(office, JOURNAL)
    void(office, entry)
    assert waiting(office) == {"journal": 1, "delad": 0, "skriv-in": 0}
    taken(office, JOURNAL)
    assert state(office, entry) is EntryState.EXPORTED


def test_the_files_of_a_route_count_their_own_revisions(office: ExportContext) -> None:
    set_routes(office, JOURNAL, SHARED)
    entry = noted(office)
    taken(office, JOURNAL)
    taken(office, SHARED)
    with office.store.read() as conn:
        seen = [
            event.detail["revision"]
            for event in list_events(conn, entry)
            if event.action == "exported"
        ]
    assert seen == [1, 1]


def test_an_undone_run_was_never_made(office: ExportContext) -> None:
    set_routes(office, JOURNAL)
    entry = noted(office)
    run = taken(office, JOURNAL)
    assert undo_run(office, ANNA, run.id, utc_now()) == 1
    assert state(office, entry) is EntryState.SIGNED
    (status,) = list_runs(office, ANNA)
    assert (status.is_undone, status.is_unclaimed, status.waiting) == (True, False, 0)
    with office.store.read() as conn:
        assert "export_undone" in {event.action for event in list_events(conn, entry)}
    for use in (fetch_run_file, _receipt, _undo, _deliver):
        with pytest.raises(ExportError, match="undone"):
            use(office, ANNA, run.id)
    again = taken(office, JOURNAL)
    assert b"<revision>2" not in fetch_run_file(office, ANNA, again.id).data
    assert state(office, entry) is EntryState.EXPORTED


def _receipt(office: ExportContext, who: object, run_id: str) -> object:
    del who
    return submit_receipts(
        office, ANNA, run_id, [ReceiptAnswer("AAAA01-00", accepted=True)], utc_now()
    )


def _undo(office: ExportContext, who: object, run_id: str) -> object:
    del who
    return undo_run(office, ANNA, run_id, utc_now())


def _deliver(office: ExportContext, who: object, run_id: str) -> object:
    del who
    confirm_delivery(office, ANNA, run_id, utc_now())
    return run_id


@pytest.mark.parametrize("use", [_deliver, _receipt], ids=["fetched", "receipted"])
def test_what_somebody_has_is_not_undone(
    office: ExportContext, use: Callable[[ExportContext, object, str], object]
) -> None:
    set_routes(office, JOURNAL)
    noted(office)
    run = taken(office, JOURNAL)
    use(office, ANNA, run.id)
    with pytest.raises(ExportError, match="cannot be undone"):
        undo_run(office, ANNA, run.id, utc_now())


def test_a_run_that_a_later_one_builds_on_is_undone_after_it(office: ExportContext) -> None:
    set_routes(office, JOURNAL)
    entry = noted(office)
    first = taken(office, JOURNAL)
    correct(office, entry, "anteckning", "Såret är läkt.")
    second = taken(office, JOURNAL)
    with pytest.raises(ExportError, match="later run"):
        undo_run(office, ANNA, first.id, utc_now())
    undo_run(office, ANNA, second.id, utc_now())
    undo_run(office, ANNA, first.id, utc_now())
    assert waiting(office)["journal"] == 1


def test_what_a_format_cannot_carry_is_keyed_in_when_a_person_says_so(
    office: ExportContext,
) -> None:
    route = Route("lakemedel", "aktiviteter", ("signeringslista",), "Journal")
    set_routes(office, route)
    entry = confirm(office, "signeringslista", "CCCC01", insats="Alvedon")
    (preview,) = [one for one in list_run_previews(office, ANNA) if one.kind.route == "lakemedel"]
    (left_out,) = preview.unsupported
    assert left_out.can_be_keyed_in
    assert run_of(office, "lakemedel", "skriv-in") is None
    run = make_run(
        office, ANNA, RunKind("lakemedel", "skriv-in"), utc_now(), by_hand=[left_out.entry_id]
    )
    assert run is not None
    assert (run.route, run.target, run.entries) == ("lakemedel", "skriv-in", 1)
    assert state(office, entry) is EntryState.EXPORTED


def test_a_version_without_a_mapping_is_named_and_not_lost(office: ExportContext) -> None:
    set_routes(office, JOURNAL)
    noted(office)
    with office.store.begin() as conn:
        save_route(conn, ROUTE_SETTER, replace(JOURNAL, forms=("matvarden",)), utc_now())
    confirm(office, "matvarden", "BBBB01", puls="70")
    (preview,) = [one for one in list_run_previews(office, ANNA) if one.kind.route == "journal"]
    assert [each.reason for each in preview.unsupported] == [NO_MAPPING]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "skriv-in"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"module": "x" * 81}, "too long"),
        ({"target": "khsl", "forms": ("fri-anteckning",)}, "no mapping"),
        ({"system": "Annat system"}, "has runs"),
        ({"target": "fhir"}, "has runs"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_route_that_cannot_be_is_refused(
    office: ExportContext, change: dict[str, object], message: str
) -> None:
    set_routes(office, JOURNAL)
    noted(office)
    taken(office, JOURNAL)
    with pytest.raises((UsageError, ExportError), match=message):
        set_routes(office, replace(JOURNAL, **change))  # type: ignore[arg-type]


def test_only_administrators_set_routes_and_it_is_logged(office: ExportContext) -> None:
    with pytest.raises(NotAllowedError):
        set_route(office, ANNA, JOURNAL, utc_now())
    set_routes(office, JOURNAL, JOURNAL)
    with office.store.read() as conn:
        actions = [(event.action, event.by) for event in list_events(conn, "journal")]
    assert actions == [("set_route", ROUTE_SETTER.login)]


def test_what_was_sent_and_not_receipted_is_counted_after_some_days(
    office: ExportContext,
) -> None:
    set_routes(office, JOURNAL)
    entry = noted(office)
    run = taken(office, JOURNAL)
    in_time = utc_now() + timedelta(days=office.settings.proof_days, hours=-1)
    late = in_time + timedelta(hours=2)
    assert count_unproven(office, ANNA, late) == []  # nobody has fetched it: it is not sent
    confirm_delivery(office, ANNA, run.id, utc_now())
    assert count_unproven(office, ANNA, in_time) == []
    assert [(each.route, each.entries) for each in count_unproven(office, ANNA, late)] == [
        ("journal", 1)
    ]
    answer(office, run, entry)
    assert count_unproven(office, ANNA, late) == []


@pytest.mark.parametrize("target", ["rivta", "fhir", "treserva-exempel", "khsl", "skriv-in"])
def test_the_first_entry_is_shown_as_its_file_has_it(office: ExportContext, target: str) -> None:
    set_routes(office, Route("en", target, (NOTE,), "System"))
    entry = noted(office)
    first = preview_first_entry(office, ANNA, RunKind("en", target), utc_now())
    assert first is not None
    assert first.entry_id == entry
    if target == "skriv-in":
        assert first.pdf.startswith(b"%PDF")
    else:
        said = " ".join(value for _, value in first.rows)
        assert target == "khsl" or "Såret läker." in said
        assert first.rows
    assert ARNE.name not in str(first.rows)
    with office.store.read() as conn:
        assert "preview_export" in {event.action for event in list_events(conn, entry)}
    assert state(office, entry) is EntryState.SIGNED


def test_days_and_counts_stand_before_a_run(office: ExportContext) -> None:
    set_routes(office, JOURNAL)
    noted(office)
    confirm(office, NOTE, "AAAA02", **SAID, handelsedatum="2021-12-20")
    sign(office, "AAAA02-00")
    (preview,) = [one for one in list_run_previews(office, ANNA) if one.kind.route == "journal"]
    assert (preview.entries, preview.first_day, preview.last_day) == (2, "2021-12-17", "2021-12-20")


def test_a_route_that_carries_a_part_is_never_the_only_one_and_waits_for_no_more(
    office: ExportContext,
) -> None:
    set_routes(office, Route("varningar", "varningar", ("ny-patient",)))
    warned = confirm(
        office, "ny-patient", "CCCC01", overkanslighet=True, overkanslighet_mot="Penicillin"
    )
    silent = confirm(office, "ny-patient", "CCCC02", overkanslighet_mot="ingen känd")
    assert waiting(office) == {"varningar": 1, "skriv-in": 2}
    assert run_of(office, "skriv-in", "skriv-in") is not None
    assert state(office, warned) is not EntryState.EXPORTED
    assert state(office, silent) is EntryState.EXPORTED


def test_what_was_looked_for_and_not_found_has_no_proof_although_it_has_a_receipt(
    office: ExportContext,
) -> None:
    set_routes(office, JOURNAL)
    entry = noted(office)
    run = taken(office, JOURNAL)
    answer(office, run, entry)
    late = utc_now() + timedelta(days=60)
    assert count_unproven(office, ANNA, late) == []
    for found, count in ((Finding.MISSING, 1), (Finding.SAME, 0), (Finding.DIFFERENT, 1)):
        with office.store.begin() as conn:
            save_proofs(conn, run.id, [Proof(entry, 1, found)], ANNA.login, utc_now())
        assert sum(each.entries for each in count_unproven(office, ANNA, late)) == count
