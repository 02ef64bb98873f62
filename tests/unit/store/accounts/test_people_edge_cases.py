"""What people do that is not the main road: numbers found after all, duplicates of duplicates,
signatures given again, pulls of what comes back.
"""

from __future__ import annotations

import pytest

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Client, EntryState, PriorityKind, Role, State
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.registers.client_check import NO_CLIENT, ClientStatement
from pipeline.review import decisions, rejections
from pipeline.review.corrections import Corrections
from pipeline.review.questions import Questions
from pipeline.review.rejections import ComparisonSource
from pipeline.review.signing import Signing
from pipeline.review.transfers import Transfers
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import client_identities, queue_order, versions
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.queries import clients_of_subjects
from pipeline.store.quality import checked_work
from pipeline.store.registers import blocks, client_register
from pipeline.store.reports import backlog
from pipeline.store.review import author_questions, duplicate_entries
from tests.support.store.ward import (
    _HEAD,
    ADMIN,
    ASTA,
    CHIEF,
    EVA,
    FORMS,
    FREE,
    NILS,
    NORTH,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    UNKNOWN_PID,
    Ward,
    _field,
    _form,
    answers,
    later,
    page_reading,
    person,
)
from tests.support.store.work import work
from tests.unit.store.review.test_signing import DISA, confirmed, signed

pytest_plugins = ("tests.support.store.databases",)
ALL = {**SAID, **PLAN}


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


@pytest.mark.parametrize("why", [NO_CLIENT, "numret går inte att läsa"])
def test_a_number_that_is_found_after_all_is_not_thrown_away(ward: Ward, why: str) -> None:
    ward.read(ward.scan(), page_reading(FREE, "FFFF", {**SAID, "pnr": None}))
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn,
            FORMS,
            EVA,
            decisions.Decision(
                "FFFF-00", 0, answers(SAID), about=ClientStatement(why, temporary=True)
            ),
            NOW,
        )
        assert decided_answers(conn, "FFFF-00")["pnr"].answer == Answer(ASTA.pid)
        assert load_entry(conn, "FFFF-00").subject == "client"


def test_two_entries_are_not_duplicates_of_each_other(ward: Ward) -> None:
    first, second = ward.note("AAAA"), ward.note("BBBB")
    with ward.store.begin() as conn:
        rejections.mark_duplicate(
            conn,
            ward.store.images,
            EVA,
            rejections.Duplicate(second, 0, ComparisonSource(other_entry=first)),
            NOW,
        )
        assert (
            duplicate_entries.find_similar_entries(conn, NILS, load_entry(conn, first), [ASTA.pid])
            == []
        )
        with pytest.raises(ReviewError):
            rejections.mark_duplicate(
                conn,
                ward.store.images,
                NILS,
                rejections.Duplicate(first, 0, ComparisonSource(other_entry=second)),
                later(1),
            )
        assert [marker.pid for marker in backlog.load_backlog(conn, EVA).markers] == [ASTA.pid]


def test_what_has_no_picture_is_not_typed_again(store_settings: Settings) -> None:
    form = _form(
        "tva-sidor",
        "sheet",
        [{"fields": _HEAD}, {"fields": [_field("vikt", "digits", format="number", cells=3)]}],
        "B",
    )
    forms = Forms({**FORMS, (form.id, form.version): form})
    ward = Ward(
        open_store(store_settings.model_copy(update={"control_share": 1.0}), create=True)
    ).begin()
    said = {name: value for name, value in SAID.items() if name != "text"}
    ward.read(ward.scan(), page_reading(form, "AAAA", said), form=form)
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn, forms, EVA, decisions.Decision("AAAA-00", 0, answers(said)), NOW
        )
        work(Corrections, conn, EVA, later(1), forms=forms).correct(
            "AAAA-00", 1, {"vikt": Answer("70")}, "sidan låg kvar i pärmen"
        )
        for _ in range(10):
            task = checked_work.claim_next_rekeying(conn, forms, NILS, NOW, 15)
            assert task is not None
            assert task.spec.name != "vikt"
            checked_work.skip_rekeying(conn, NILS, task)


def test_a_signature_that_is_given_anew_stands_with_its_version(ward: Ward) -> None:
    one = signed(ward, DISA, confirmed(ward))
    with ward.store.begin() as conn:
        work(Signing, conn, DISA, later(6)).withdraw([(one.id, one.revision)])
        again = load_entry(conn, one.id)
    signed(ward, DISA, again)
    with ward.store.read() as conn:
        (only,) = versions.list_versions(conn, EVA, one.id)
    assert [each.is_withdrawn for each in only.signatures] == [False, True, False]


def test_a_signature_after_a_mark_that_was_taken_back_stands_with_what_was_confirmed(
    ward: Ward,
) -> None:
    one, other = confirmed(ward), ward.note("BBBB")
    with ward.store.begin() as conn:
        mark = rejections.mark_duplicate(
            conn,
            ward.store.images,
            EVA,
            rejections.Duplicate(one.id, one.revision, ComparisonSource(other_entry=other)),
            later(1),
        )
        rejections.withdraw_duplicate_mark(conn, EVA, mark, later(2))
        again = load_entry(conn, one.id)
    signed(ward, DISA, again)
    with ward.store.read() as conn:
        assert [
            (each.kind, len(each.signatures)) for each in versions.list_versions(conn, EVA, one.id)
        ] == [("first", 1), ("reject", 0)]


def test_a_pull_holds_for_paper_whose_author_has_answered(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        work(Questions, conn, EVA).ask(entry_id, 0, "Vilken fot?", "")
        queue_order.prioritize(conn, CHIEF, PriorityKind.CLIENT, NORTH, ASTA.pid, NOW)
        (asked,) = author_questions.list_questions(conn, EVA)
        work(Questions, conn, EVA, later(1)).save_answer(asked.id, "Vänster", "Disa Penn", NOW)
        assert conn.exec_driver_sql("SELECT rank FROM entry").scalar_one() == 0


@pytest.mark.parametrize(("unit", "rank"), [(SOUTH, 0), (NORTH, 1)])
def test_a_pull_is_of_the_unit_that_the_paper_is_sent_to(ward: Ward, unit: str, rank: int) -> None:
    chief, entry_id = person("chefen", Role.MANAGER, (NORTH, SOUTH)), ward.note("AAAA")
    with ward.store.begin() as conn:
        queue_order.prioritize(conn, chief, PriorityKind.CLIENT, unit, ASTA.pid, NOW)
        work(Transfers, conn, EVA).send(entry_id, 0, SOUTH, "")
        assert conn.exec_driver_sql("SELECT rank FROM entry").scalar_one() == rank


def test_whoever_is_protected_by_now_is_not_named_on_the_list_of_identities(ward: Ward) -> None:
    given = {"pnr": Answer(UNKNOWN_PID), "namn": Answer("Doris Nyström")}
    entry_id = ward.note("AAAA", {**SAID, "pnr": UNKNOWN_PID, "namn": "Doris Nyström"})
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn,
            FORMS,
            EVA,
            decisions.Decision(
                entry_id, 0, answers(ALL, **given), about=ClientStatement("ny klient")
            ),
            NOW,
        )
        client_register.save_clients(
            conn, [Client(UNKNOWN_PID, "Doris Nyström", SOUTH, protected=True)]
        )
        (one,) = client_identities.list_temporary_identities(conn, EVA)
    assert (one.number, one.name) == ("", "")


def test_what_was_copied_from_the_care_system_names_nobody_to_who_lacks_the_right(
    ward: Ward,
) -> None:
    entry_id, copied = ward.note("AAAA"), "900101-9802 Asta Provberg, Storgatan 1"
    with ward.store.begin() as conn:
        client_register.save_clients(conn, [Client(ASTA.pid, ASTA.name, NORTH, protected=True)])
        rejections.mark_duplicate(
            conn,
            ward.store.images,
            EVA,
            rejections.Duplicate(
                entry_id, 0, ComparisonSource(text=copied, picture=b"\xff\xd8\xff")
            ),
            NOW,
        )
        assert [
            (mark.text, mark.picture_sha256)
            for mark in duplicate_entries.list_duplicate_marks(conn, ADMIN)
        ] == [("", None)]
        assert [mark.text for mark in duplicate_entries.list_duplicate_marks(conn, NILS)] == [
            copied
        ]


def test_an_identity_is_settled_when_the_entry_turns_out_to_be_about_nobody(ward: Ward) -> None:
    given, nobody = {"pnr": Answer(UNKNOWN_PID)}, {"pnr": Answer(None, State.EMPTY)}
    ward.read(ward.scan(), page_reading(FREE, "FFFF", {**SAID, "pnr": UNKNOWN_PID}))
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn,
            FORMS,
            EVA,
            decisions.Decision(
                "FFFF-00", 0, answers(SAID, **given), about=ClientStatement("ny klient")
            ),
            NOW,
        )
        work(Corrections, conn, EVA, later(1)).correct(
            "FFFF-00", 1, nobody, "ett telefonnummer", about=ClientStatement(NO_CLIENT)
        )
        assert (
            decisions.decide_entry(
                conn,
                FORMS,
                NILS,
                decisions.Decision("FFFF-00", 2, nobody, about=ClientStatement(NO_CLIENT)),
                later(2),
            )
            is EntryState.CONFIRMED
        )
        assert client_identities.list_temporary_identities(conn, EVA) == []


def test_setting_a_block_is_found_by_its_client_in_the_log(ward: Ward) -> None:
    with ward.store.begin() as conn:
        block = blocks.set_block(conn, EVA, NORTH, ASTA.pid, "begärd", NOW)
        assert clients_of_subjects(conn, [block]) == {block: {ASTA.pid}}


def test_a_pull_tells_no_number_of_a_protected_client(ward: Ward) -> None:
    ward.note("AAAA")
    with ward.store.begin() as conn:
        queue_order.prioritize(conn, CHIEF, PriorityKind.CLIENT, NORTH, ASTA.pid, NOW)
        assert [one.key for one in queue_order.list_priorities(conn, CHIEF)] == [ASTA.pid]
        client_register.save_clients(conn, [Client(ASTA.pid, ASTA.name, NORTH, protected=True)])
        assert [(one.key, one.waiting) for one in queue_order.list_priorities(conn, CHIEF)] == [
            ("", 1)
        ]


@pytest.mark.parametrize(
    ("typed", "number"),
    [("50-017845/6", "50017845/6"), ("50017845/6", "50017845/6"), ("pr-1234", "PR1234")],
)
def test_paper_about_a_client_with_a_local_number_is_confirmed(
    ward: Ward, typed: str, number: str
) -> None:
    with ward.store.begin() as conn:
        client_register.save_clients(conn, [Client(number, "Asta Prov", ASTA.unit)])
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        given = answers({**SAID, **PLAN}, pnr=Answer(typed))
        assert (
            decisions.decide_entry(conn, FORMS, EVA, decisions.Decision(entry_id, 0, given), NOW)
            is EntryState.SECOND
        )
