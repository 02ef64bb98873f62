"""Entries that may be about another client, or about a person without a number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.errors import (
    ClientConflictError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import Client, EntryState, State
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions
from pipeline.registers.client_check import ClientStatement, ConflictChoice
from pipeline.review import decisions, rejections
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import client_identities
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports import records
from pipeline.store.registers import client_register
from pipeline.store.reports import closed_entries
from pipeline.store.reports.closed_entries import list_reviewed_sheets
from pipeline.store.schema.review import client_choice
from tests.support.store.targets import TARGETS
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOW,
    SAID,
    SOFIA,
    UNKNOWN_PID,
    Ward,
    later,
    whole_log,
)
from tests.support.store.work import work
from tests.support.texts import in_swedish
from tests.unit.store.review.correction_steps import get, save

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def test_the_name_of_another_client_of_the_unit_stops_an_entry(ward: Ward) -> None:
    with ward.store.begin() as conn:
        client_register.save_clients(
            conn, [replace(ASTA, name="Ulla Svensson"), replace(BROR, name="Bo Svensson")]
        )
    entry_id = ward.note("AAAA", {**SAID, "namn": "Bo Svensson"})
    with pytest.raises(ClientConflictError) as error:
        save(
            ward,
            entry_id,
            ClientStatement(choice=ConflictChoice.ASK),
            changed={"namn": Answer("Bo Svensson")},
        )
    assert error.value.codes == ("name_fits_other",)
    assert (
        save(
            ward,
            entry_id,
            ClientStatement(choice=ConflictChoice.ASK),
            changed={"namn": Answer("Ulla Svensson")},
        )
        is EntryState.CONFIRMED
    )


def test_a_conflict_stops_the_entry_until_it_is_resolved_or_handed_on(ward: Ward) -> None:
    said = {**SAID, "namn": "Bror Testlund"}
    entry_id = ward.note("AAAA", said)
    given = {"namn": Answer("Bror Testlund")}
    with pytest.raises(ClientConflictError) as error:
        save(ward, entry_id, ClientStatement(choice=ConflictChoice.ASK), changed=given)
    assert (error.value.fields, error.value.codes) == (("pnr",), ("name_differs",))
    with pytest.raises(ClientConflictError):
        save(ward, entry_id, ClientStatement(choice=ConflictChoice.LENT_SHEET), changed=given)
    assert get(ward, entry_id).state is EntryState.REVIEW
    assert (
        save(
            ward,
            entry_id,
            ClientStatement(choice=ConflictChoice.SLIP, why="smeknamn"),
            changed=given,
        )
        is EntryState.CONFIRMED
    )
    with ward.store.read() as conn:
        (row,) = conn.execute(client_choice.select()).all()
        assert (row.entry, row.codes, row.choice, row.why, row.by) == (
            entry_id,
            ["name_differs"],
            "slip",
            "smeknamn",
            "eva",
        )
        assert "smeknamn" not in whole_log(conn)
    other = ward.note("BBBB", said)
    assert save(ward, other, ClientStatement(), changed=given) is EntryState.SECOND


def test_the_second_person_is_asked_too(ward: Ward) -> None:
    entry_id = ward.note("AAAA", {**SAID, "namn": "Bror Testlund"})
    given = {"namn": Answer("Bror Testlund")}
    assert save(ward, entry_id, ClientStatement(), changed=given) is EntryState.SECOND
    with pytest.raises(ClientConflictError):
        save(ward, entry_id, ClientStatement(choice=ConflictChoice.ASK), NILS)
    assert (
        save(ward, entry_id, ClientStatement(choice=ConflictChoice.SLIP), NILS)
        is EntryState.CONFIRMED
    )


def test_a_correction_to_another_client_is_guarded(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    save(ward, entry_id, ClientStatement())
    revision = get(ward, entry_id).revision
    for field, value in (("pnr", BROR.pid), ("namn", BROR.name)):
        with pytest.raises(ClientConflictError), ward.store.begin() as conn:
            work(Corrections, conn, EVA).correct(
                entry_id,
                revision,
                {field: Answer(value)},
                "fel",
                about=ClientStatement(choice=ConflictChoice.ASK),
            )
    with ward.store.begin() as conn:
        state = work(Corrections, conn, EVA).correct(
            entry_id, revision, {"namn": Answer(BROR.name)}, "fel"
        )
    assert state is EntryState.SECOND


def test_a_temporary_identity_needs_a_reason_and_another_person(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    gone = {"pnr": Answer(None, State.ILLEGIBLE)}
    with pytest.raises(MissingAnswerError):
        save(ward, entry_id, ClientStatement(), changed=gone)
    with pytest.raises(MissingAnswerError):
        save(ward, entry_id, ClientStatement(temporary=True), changed=gone)
    about = ClientStatement("numret går inte att läsa", "Asta P", temporary=True)
    assert save(ward, entry_id, about, changed=gone) is EntryState.SECOND
    with ward.store.begin() as conn:
        (one,) = client_identities.list_temporary_identities(conn, EVA)
        assert (one.entry.id, one.name, one.reason) == (entry_id, "Asta P", about.outside)
        assert is_temporary_pid(one.number)
        assert client_identities.list_temporary_identities(conn, SOFIA) == []
        decisions.decide_entry(
            conn,
            FORMS,
            NILS,
            decisions.Decision(entry_id, one.entry.revision, {"pnr": Answer(one.number)}),
            later(1),
        )
        assert load_entry(conn, entry_id).client_pid == one.number
        assert len(client_identities.list_temporary_identities(conn, EVA)) == 1
        assert one.number not in whole_log(conn)
        (sheet,) = list_reviewed_sheets(conn, ADMIN)
        assert "pnr" not in sheet.answers
        (record,) = records.load_records(conn, FORMS, [entry_id])
    assert (
        TARGETS["besok"].unsupported_reason(record, ExportOptions(Settings(), FORMS))
        == TEMPORARY_CLIENT
    )
    assert (
        in_swedish(TARGETS["skriv-in"].unsupported_reason(record, ExportOptions(Settings(), FORMS)))
        == ""
    )


def test_a_temporary_identity_is_held_against_the_name_that_it_was_first_given_with(
    ward: Ward,
) -> None:
    first, other = ward.note("AAAA"), ward.note("BBBB", {**SAID, "namn": "Bror Testlund"})
    assert (
        save(
            ward,
            first,
            ClientStatement("ny klient", temporary=True),
            changed={"pnr": Answer(None, State.ILLEGIBLE)},
        )
        is EntryState.SECOND
    )
    with ward.store.read() as conn:
        (given,) = client_identities.list_temporary_identities(conn, EVA)
    changed = {"pnr": Answer(given.number), "namn": Answer("Bror Testlund")}
    with pytest.raises(ClientConflictError):
        save(ward, other, ClientStatement(choice=ConflictChoice.ASK), changed=changed)
    assert (
        save(
            ward,
            other,
            ClientStatement(choice=ConflictChoice.SLIP, why="kallas så"),
            changed=changed,
        )
        is EntryState.SECOND
    )
    with ward.store.read() as conn:
        assert [(row.entry, row.codes) for row in conn.execute(client_choice.select())] == [
            (other, ["name_differs"])
        ]


@pytest.mark.parametrize("number", ["TILLF0123456", "TILLFACDEFHJ"])
def test_a_temporary_identity_that_was_never_given_is_nobody(ward: Ward, number: str) -> None:
    entry_id = ward.note("AAAA")
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, ClientStatement(), changed={"pnr": Answer(number)})
    assert get(ward, entry_id).state is EntryState.REVIEW


@pytest.mark.parametrize("number", ["12345678/9", "AB-123456"])
def test_somebody_with_a_local_number_that_the_register_lacks_can_be_confirmed(
    ward: Ward, number: str
) -> None:
    entry_id = ward.note("AAAA")
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, ClientStatement(), changed={"pnr": Answer(number)})
    assert (
        save(
            ward,
            entry_id,
            ClientStatement("utländsk eller utan personnummer", "Asta P"),
            changed={"pnr": Answer(number)},
        )
        is EntryState.SECOND
    )
    with ward.store.read() as conn:
        assert client_identities.list_temporary_identities(conn, EVA)[0].number == number.replace(
            "-", ""
        )


def test_an_entry_moves_to_the_client_whom_the_register_has_by_then(ward: Ward) -> None:
    entry_id = ward.note("AAAA", {**SAID, "pnr": UNKNOWN_PID, "namn": "Doris Nyström"})
    given = {"pnr": Answer(UNKNOWN_PID), "namn": Answer("Doris Nyström")}
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, ClientStatement(), changed=given)
    assert save(ward, entry_id, ClientStatement("ny klient"), changed=given) is EntryState.CONFIRMED
    new = Client(UNKNOWN_PID, "Doris Nyström", NORTH)
    with ward.store.begin() as conn:
        assert client_identities.list_temporary_identities(conn, EVA)[0].candidates == ()
        client_register.save_clients(conn, [new])
        (one,) = client_identities.list_temporary_identities(conn, EVA)
        assert one.candidates == (new,)
        work(Corrections, conn, EVA, later(5)).correct(
            entry_id, one.entry.revision, {"pnr": Answer(new.pid)}, "finns nu"
        )
        assert client_identities.list_temporary_identities(conn, EVA) == []
        settled = conn.exec_driver_sql("SELECT settled_by FROM temporary_identity").scalar_one()
    assert settled == "eva"


def test_a_gap_is_not_pushed_off_the_list_by_rows_that_were_empty(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_entries, "_MAX_REJECTED", 1)
    gap, empty = ward.note("AAAA"), ward.note("BBBB")
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection(gap, 0, "oläsligt"), NOW)
        rejections.reject_entry(conn, EVA, rejections.Rejection(empty, 0, "tom rad"), later(1))
        assert [one.id for one in closed_entries.list_rejected(conn, NILS)] == [gap]
