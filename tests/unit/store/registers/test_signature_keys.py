"""A signature key on paper is a staff list as soon as people have confirmed it, and no sooner."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, IssuedSheet, StaffMember, State, Value
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT
from pipeline.review import decisions, rejections
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import entry, queue
from pipeline.store.registers.staff import load_staff_list, save_staff
from tests.support.store.ward import EVA, NILS, NORTH, NOW, Ward, page_reading
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases
FORMS = Forms.load(ROOT / "forms")
KEY = FORMS.latest("signaturfortydligande")
SERIAL = "KEYSHEET"
SAID: Mapping[str, Value] = {
    "handelsedatum": "2026-02-17",
    "rad01.namn": "Maria Andersson",
    "rad01.yrkestitel": "undersköterska",
    "rad01.signatur": "MA",
    "rad02.namn": "Olle Berg",
    "rad02.signatur": "OB",
}
MARIA = StaffMember("Maria Andersson", "undersköterska", "MA", NORTH)


@pytest.fixture
def ward(store: Store) -> Ward:
    """A key with two rows, printed for the north, scanned and read."""
    ward = Ward(store).begin()
    ward.issue(IssuedSheet(SERIAL, KEY.id, 1, NORTH))
    ward.read(ward.scan(), page_reading(KEY, SERIAL, SAID), KEY)
    return ward


def confirm(ward: Ward, row: int, **changed: Answer) -> EntryState:
    """Eva answers for a row as the paper says it, and Nils where she and the machine differ;
    answers with the entry's state.
    """
    entry_id = entry.make_entry_id(SERIAL, row)
    given = {
        spec.name: Answer(SAID.get(spec.name)) if SAID.get(spec.name) else Answer(None, State.EMPTY)
        for spec in KEY.entry_fields(row)
    }
    given |= {f"rad{row:02d}.{name}": answer for name, answer in changed.items()}
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, EVA, entry_id, queue.ClaimTerms(NOW))
        asked = {spec.name for spec in KEY.entry_fields(row) if spec.kind != "printed"}
        decisions.decide_entry(
            conn,
            FORMS,
            EVA,
            decisions.Decision(
                entry_id, 0, {name: one for name, one in given.items() if name in asked}
            ),
            NOW,
        )
        return entry.load_entry(conn, entry_id).state


def staff(ward: Ward) -> list[StaffMember]:
    with ward.store.read() as conn:
        return load_staff_list(conn)


def test_a_confirmed_row_is_staff_and_needs_no_export(ward: Ward) -> None:
    assert staff(ward) == []
    assert confirm(ward, 1) is EntryState.RECEIPTED
    assert staff(ward) == [MARIA]


def test_a_list_that_was_taken_in_and_a_key_say_each_person_once(ward: Ward) -> None:
    confirm(ward, 1)
    other = StaffMember("Eva Marklund", "sjuksköterska", "EM", NORTH)
    with ward.store.begin() as conn:
        save_staff(conn, [MARIA, other])
    assert staff(ward) == [other, MARIA]


def test_a_row_without_legible_initials_is_nobody(ward: Ward) -> None:
    confirm(ward, 2, signatur=Answer(None, State.ILLEGIBLE))
    assert staff(ward) == []


def test_a_correction_and_a_rejection_change_the_list_at_once(ward: Ward) -> None:
    confirm(ward, 1)
    entry_id = entry.make_entry_id(SERIAL, 1)
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA, forms=FORMS).correct(
            entry_id, 1, {"rad01.signatur": Answer("MAN")}, "Felläst."
        )
    assert [member.signature for member in staff(ward)] == ["MAN"]
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, NILS, rejections.Rejection(entry_id, 2, "tom rad"), NOW)
    assert staff(ward) == []
