"""What was copied is remembered, without a value; what changed meanwhile is not signed for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.domain.errors import EntryChangedError, ExportError, NotAllowedError
from pipeline.domain.model import Person
from pipeline.export.key_in import screen
from pipeline.export.key_in.signatures import CLAIM_MINUTES, save_copied_parts, sign_entries
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.review.corrections import Corrections
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports.manual_entry import list_copies, list_keying
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.exports import key_in_copy, key_in_signature
from tests.support.store import export_examples as examples
from tests.support.store.export_office import ANNA, PER, STIG, confirm, correct, next_client
from tests.support.store.route_steps import make_run
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}


def shown_to(office: ExportContext, person: Person = ANNA) -> tuple[str, screen.ClientToKeyIn]:
    """A list of three notes about one client, on the person's screen; with the list's id."""
    for number in range(3):
        confirm(office, "hsl-anteckning", f"KM{number:04d}", personnummer=examples.SIV.pid, **NOTE)
    run = make_run(office, ANNA, screen.TARGET, utc_now())
    assert run is not None
    shown = next_client(office, person, run.id)
    assert shown is not None
    assert len(shown.entry_ids) == 3
    return run.id, shown


def void(office: ExportContext, entry_id: str) -> None:
    """Per makes an entry void."""
    with office.store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        work(Corrections, conn, PER, utc_now()).void(entry_id, revision, "Fel person")


def refuse(office: ExportContext, run_id: str, entry_id: str) -> None:
    """Per sends an entry back to review."""
    answer = ReceiptAnswer(entry_id, accepted=False, text="Fel klient")
    submit_receipts(office, PER, run_id, [answer], utc_now())


def signed_count(office: ExportContext) -> int:
    """How many signatures there are."""
    with office.store.read() as conn:
        return len(conn.execute(select(key_in_signature)).all())


@pytest.mark.parametrize("kind", ["voided", "corrected", "refused"])
@pytest.mark.both_databases
def test_a_tick_is_refused_when_an_entry_was_changed_since_it_was_shown(
    office: ExportContext, kind: str
) -> None:
    run_id, shown = shown_to(office)
    changed = shown.entry_ids[1]
    if kind == "voided":
        void(office, changed)
    elif kind == "corrected":
        correct(office, changed, "anteckning", "Såret ser rött ut.")
    else:
        refuse(office, run_id, changed)
    for act in (
        lambda: sign_entries(office, ANNA, run_id, shown.entry_ids, utc_now()),
        lambda: save_copied_parts(office, ANNA, run_id, {changed: ["note 1"]}, utc_now()),
    ):
        with pytest.raises(EntryChangedError) as raised:
            act()
        (change,) = raised.value.changes
        assert (change.entry_id, change.kind) == (changed, kind)
        assert change.number == shown.entries[1].item.number
        assert change.at is not None
        if kind != "corrected":
            assert change.by == PER.name
        assert "Såret" not in str(raised.value)
    assert signed_count(office) == 0
    # What is left is drawn again, and can be ticked.
    again = next_client(office, ANNA, run_id)
    assert again is not None
    assert set(again.entry_ids) == set(shown.entry_ids) - {changed}
    assert sign_entries(office, ANNA, run_id, again.entry_ids, utc_now())


@pytest.mark.both_databases
def test_what_was_copied_is_stored_by_name_once_a_person(office: ExportContext) -> None:
    run_id, shown = shown_to(office)
    first, second, _ = shown.entry_ids
    now = utc_now()
    for copied in ({first: ["own 1 Datum"]}, {first: ["own 1 Datum", "note 1"], second: []}):
        save_copied_parts(office, ANNA, run_id, copied, now)
    with office.store.read() as conn:
        stored = [(each.entry_id, each.part, each.by) for each in list_copies(conn, [first])]
        assert list_copies(conn, [second]) == []
        columns = set(conn.execute(select(key_in_copy)).keys())
    assert stored == [(first, "own 1 Datum", "anna"), (first, "note 1", "anna")]
    assert columns == {"id", "entry", "revision", "part", "by", "at"}


def test_copying_keeps_the_claim_and_tells_who_lost_it(office: ExportContext) -> None:
    run_id, shown = shown_to(office)
    nothing = dict.fromkeys(shown.entry_ids, ())
    first, minute = utc_now(), timedelta(minutes=1)
    save_copied_parts(office, ANNA, run_id, nothing, first + CLAIM_MINUTES * minute / 2)
    later = first + (CLAIM_MINUTES + 1) * minute
    place = (run_id, screen.list_waiting_lists(office, PER)[0].destination)
    assert screen.claim_next_client(office, PER, place, later) is None
    much_later = later + CLAIM_MINUTES * minute
    assert screen.claim_next_client(office, PER, place, much_later) is not None
    copied = nothing | {shown.entry_ids[0]: ["note 1"]}
    with pytest.raises(ExportError, match="Another person"):
        save_copied_parts(office, ANNA, run_id, copied, much_later)
    with office.store.read() as conn:
        assert list_copies(conn, shown.entry_ids)  # it was copied all the same


def test_only_those_who_may_receipt_tell_what_they_copied(office: ExportContext) -> None:
    run_id, shown = shown_to(office)
    with pytest.raises(NotAllowedError):
        save_copied_parts(office, STIG, run_id, {shown.entry_ids[0]: ["note 1"]}, utc_now())
    with pytest.raises(ExportError):
        save_copied_parts(office, ANNA, run_id, {"KX0000-00": ["note 1"]}, utc_now())


@pytest.mark.both_databases
def test_whoever_changes_an_entry_is_told_who_keys_it_in(office: ExportContext) -> None:
    run_id, shown = shown_to(office)
    entry_id, now = shown.entry_ids[0], utc_now()
    save_copied_parts(office, ANNA, run_id, {entry_id: ["note 1"]}, now)

    def keying(login: str) -> list[tuple[str, bool]]:
        with office.store.read() as conn:
            found = list_keying(conn, entry_id, login, now)
        return [(each.by, each.at is None) for each in found]

    assert keying("per") == [("anna", True), ("anna", False)]
    assert keying("anna") == []
    sign_entries(office, ANNA, run_id, shown.entry_ids, now)
    assert keying("per") == [("anna", False)]
    refuse(office, run_id, entry_id)
    assert keying("per") == []
