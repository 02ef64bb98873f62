"""What becomes of an entry after its first export: moved, corrected, refused, made void, and what
its target then knows.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Client, EntryState, State
from pipeline.domain.record import Run
from pipeline.domain.review.rules import Answer
from pipeline.export.exporter import MOVED_TO_OTHER_CLIENT
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.export.runs.receipts import ReceiptAnswer as Tick
from pipeline.export.runs.receipts import apply_receipt_file, submit_receipts
from pipeline.registers.client_check import ClientStatement
from pipeline.review import decisions, rejections
from pipeline.review.corrections import Corrections
from pipeline.store.accounts import people
from pipeline.store.entries import entry, queue
from pipeline.store.exports import originals, run_items
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import ARNE, FORMS, SIV
from tests.support.store.export_office import (
    ANNA,
    TORA,
    agree,
    confirm,
    correct,
    corrected,
    in_long_outage,
    next_client,
    review,
    sign,
    state,
    void,
)
from tests.support.store.passwords import hashed
from tests.support.store.rivta_archives import rivta_text
from tests.support.store.route_steps import make_run
from tests.support.store.work import work
from tests.support.texts import in_swedish
from tests.unit.export.archive.archive_steps import (
    RUT,
    export_and_receipt,
    forget_receipt,
    packed,
    sent,
)

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")
NOTE = {"kontakttyp": "besok", "anteckning": "Såret läker."}
NOBODY_KNOWN = ClientStatement("okänd person", "Bo", temporary=True)


def exported(
    office: ExportContext, target: str = "rivta", form: str = "hsl-anteckning", **said: str
) -> tuple[str, Run]:
    entry_id = confirm(office, form, "AAAA01", **(said or NOTE))
    made = make_run(office, ANNA, target, utc_now())
    assert made is not None
    return entry_id, made


def void_under(office: ExportContext) -> Client | None:
    """Under whom a new list to key in says that its one entry has to be made void first."""
    made = make_run(office, ANNA, "skriv-in", utc_now())
    assert made is not None
    shown = next_client(office, ANNA, made.id)
    assert shown is not None
    return shown.entries[0].previous_client


@pytest.mark.parametrize("target", ["rivta", "fhir", "treserva-exempel"])
def test_one_that_is_moved_to_whom_its_target_cannot_name_is_keyed_in_and_made_void_under_the_first(
    office: ExportContext, target: str
) -> None:
    entry_id, _ = exported(office, target)
    corrected(office, entry_id, "personnummer", Answer(None, State.ILLEGIBLE), NOBODY_KNOWN)
    assert make_run(office, ANNA, target, utc_now()) is None
    assert void_under(office) == SIV


def test_a_given_dose_that_a_correction_takes_away_is_keyed_in_where_no_file_can_say_so(
    office: ExportContext,
) -> None:
    entry_id, _ = exported(
        office, "aktiviteter", "signeringslista", insats="Alvedon", tid1="08:00", given1="GE"
    )
    name = next(
        spec.name
        for spec in FORMS["signeringslista", 1].entry_fields(1)
        if spec.column == "avvikelse1"
    )
    corrected(office, entry_id, name, Answer(None, State.ILLEGIBLE))
    assert make_run(office, ANNA, "aktiviteter", utc_now()) is None
    assert make_run(office, ANNA, "skriv-in", utc_now()) is not None


def test_a_receipt_of_before_a_correction_is_none_for_the_correction(office: ExportContext) -> None:
    entry_id, _ = exported(office)
    file = f"post;status\r\n{entry_id};godkänd\r\n".encode()
    apply_receipt_file(office, ANNA, file, utc_now())
    correct(office, entry_id, "anteckning", "Såret ser dåligt ut.")
    assert make_run(office, ANNA, "rivta", utc_now()) is not None
    with pytest.raises(ExportError, match="line 2"):
        apply_receipt_file(office, ANNA, file, utc_now())
    assert state(office, entry_id) is EntryState.EXPORTED


def refused_again(office: ExportContext) -> str:
    """An entry that its target has, and whose correction it refused."""
    entry_id, _ = exported(office)
    correct(office, entry_id, "anteckning", "Såret ser dåligt ut.")
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None
    submit_receipts(office, ANNA, run.id, [Tick(entry_id, accepted=False, text="fel")], utc_now())
    assert state(office, entry_id) is EntryState.REVIEW
    return entry_id


def test_what_its_target_has_can_be_made_void_while_its_correction_is_reviewed(
    office: ExportContext,
) -> None:
    void(office, refused_again(office))
    assert make_run(office, ANNA, "rivta", utc_now()) is not None


def test_what_no_system_has_is_put_aside_when_it_is_made_void(office: ExportContext) -> None:
    entry_id, run = exported(office)
    submit_receipts(office, ANNA, run.id, [Tick(entry_id, accepted=False, text="fel")], utc_now())
    review(office, entry_id, "hsl-anteckning", **NOTE)
    assert state(office, entry_id) is EntryState.SIGNED
    void(office, entry_id)
    assert state(office, entry_id) is EntryState.REJECTED


def test_paper_is_not_given_free_that_has_been_corrected_since(office: ExportContext) -> None:
    sent(office, "AAAA01")
    made = packed(office)
    correct(office, "AAAA01-00", "anteckning", "Såret ser dåligt ut.")
    for archived_again in (False, True):
        with office.store.begin() as conn, pytest.raises(ExportError, match="AAAA01"):
            originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())
        if not archived_again:
            export_and_receipt(office)
    packed(office)
    with office.store.begin() as conn:
        originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())


def test_a_month_that_its_only_entry_was_moved_from_is_told_again_empty(
    office: ExportContext,
) -> None:
    office = in_long_outage(office)
    entry_id, _ = exported(office, "khsl")
    correct(office, entry_id, "handelsedatum", "2022-01-03")
    agree(office, entry_id, "hsl-anteckning", TORA, handelsedatum="2022-01-03", **NOTE)
    again = make_run(office, ANNA, "khsl", utc_now())
    assert again is not None
    with zipfile.ZipFile(io.BytesIO(fetch_run_file(office, ANNA, again.id).data)) as archive:
        files = {
            name[:13]: archive.read(name) for name in archive.namelist() if name.startswith("KHSL1")
        }
    assert files.keys() == {"KHSL1-2021-12", "KHSL1-2022-01"}
    assert files["KHSL1-2021-12"] == b""
    assert make_run(office, ANNA, "khsl", utc_now()) is None


def test_what_is_made_void_after_a_run_that_started_over_is_nullified(
    office: ExportContext,
) -> None:
    """Its entries were decided after it was asked for: as when another run took what it was about
    to take, or when machines' clocks differ.
    """
    asked_at = utc_now()
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert make_run(office, ANNA, "rivta", asked_at) is not None
    void(office, entry_id)
    again = make_run(office, ANNA, "rivta", utc_now())
    assert again is not None
    assert SIV.pid in rivta_text(fetch_run_file(office, ANNA, again.id).data)


def test_a_month_that_a_run_that_started_over_has_told_is_told_again_empty(
    office: ExportContext,
) -> None:
    office, asked_at = in_long_outage(office), utc_now()
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert make_run(office, ANNA, "khsl", asked_at) is not None
    correct(office, entry_id, "handelsedatum", "2022-01-03")
    agree(office, entry_id, "hsl-anteckning", TORA, handelsedatum="2022-01-03", **NOTE)
    again = make_run(office, ANNA, "khsl", utc_now())
    assert again is not None
    with zipfile.ZipFile(io.BytesIO(fetch_run_file(office, ANNA, again.id).data)) as archive:
        assert {name[:13] for name in archive.namelist() if name.startswith("KHSL1")} == {
            "KHSL1-2021-12",
            "KHSL1-2022-01",
        }


def test_what_was_moved_after_a_run_that_started_over_is_made_void_under_the_first(
    office: ExportContext,
) -> None:
    asked_at = utc_now()
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert make_run(office, ANNA, "rivta", asked_at) is not None
    corrected(office, entry_id, "personnummer", Answer(ARNE.pid))
    again = make_run(office, ANNA, "rivta", utc_now())
    assert again is not None
    told = rivta_text(fetch_run_file(office, ANNA, again.id).data)
    assert (
        told.index(SIV.pid) < told.index(in_swedish(MOVED_TO_OTHER_CLIENT)) < told.index(ARNE.pid)
    )


@pytest.mark.parametrize("voided", [False, True])
def test_what_was_not_keyed_in_yet_is_still_made_void_under_the_first_when_it_changes_again(
    office: ExportContext, voided: bool
) -> None:
    entry_id, _ = exported(office)
    corrected(office, entry_id, "personnummer", Answer(None, State.ILLEGIBLE), NOBODY_KNOWN)
    assert make_run(office, ANNA, "skriv-in", utc_now()) is not None
    if voided:
        void(office, entry_id)
    else:
        correct(office, entry_id, "anteckning", "Ny.")
    assert void_under(office) == SIV


def test_paper_of_which_nothing_is_left_to_archive_does_not_hold_its_package(
    office: ExportContext,
) -> None:
    sent(office, "AAAA01", "AAAA02")
    made = packed(office)
    forget_receipt(office, "AAAA01-00")
    with office.store.read() as conn:
        (run,) = run_items.list_entry_runs(conn, ["AAAA01-00"])["AAAA01-00"]
    submit_receipts(
        office, ANNA, run, [Tick("AAAA01-00", accepted=False, text="finns redan")], utc_now()
    )
    with office.store.begin() as conn:
        rejections.reject_entry(
            conn,
            ANNA,
            rejections.Rejection(
                "AAAA01-00", entry.load_entry(conn, "AAAA01-00").revision, "dubblett"
            ),
            utc_now(),
        )
    with office.store.begin() as conn:
        originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())


def to_arne(office: ExportContext, entry_id: str) -> None:
    """Corrected to be about Arne; a person who had said nothing of it agrees, and it is signed."""
    dora = replace(TORA, login="dora", name="Dora Ek")
    with office.store.begin() as conn:
        people.save_person(conn, dora, hashed("fyra lösa ord här"))
        revision = entry.load_entry(conn, entry_id).revision
        work(Corrections, conn, ANNA, utc_now(), forms=FORMS).correct(
            entry_id, revision, {"personnummer": Answer(ARNE.pid)}, "läste fel"
        )
    with office.store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, dora, entry_id, queue.ClaimTerms(utc_now()))
        given = {field.spec.name: Answer(ARNE.pid) for field in view.fields if field.is_open}
        decisions.decide_entry(
            conn, FORMS, dora, decisions.Decision(entry_id, view.entry.revision, given), utc_now()
        )
    sign(office, entry_id)


def test_what_was_moved_twice_before_it_was_keyed_in_is_made_void_under_the_first(
    office: ExportContext,
) -> None:
    entry_id, _ = exported(office)
    corrected(office, entry_id, "personnummer", Answer(None, State.ILLEGIBLE), NOBODY_KNOWN)
    assert make_run(office, ANNA, "skriv-in", utc_now()) is not None
    to_arne(office, entry_id)
    assert void_under(office) == SIV
