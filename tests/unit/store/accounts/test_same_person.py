"""Two people are two people: a second account of the same person is never the other one, in any
rule that needs two.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, update

from pipeline.domain.errors import NotAllowedError, PersonalNumberLoginError, UsageError
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Assignment, EntryState, Person, Reading, Role, State
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.login.accounts import close_account, save_account
from pipeline.review import decisions, seeded_errors
from pipeline.review.corrections import Corrections
from pipeline.review.rekeying import Rekeying
from pipeline.review.signing import Signing
from pipeline.store.accounts import access_notices, people
from pipeline.store.accounts.access_notices import ChangeKind
from pipeline.store.accounts.login import access_changes
from pipeline.store.accounts.visibility import is_same_person
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import fields_taken_back
from pipeline.store.entries.entry import EntryWork, load_entry
from pipeline.store.quality import checked_work
from pipeline.store.schema import registers
from pipeline.store.schema.review import plant
from tests.support.store.passwords import hashed
from tests.support.store.ward import (
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    UNKNOWN_PID,
    Ward,
    answers,
    later,
    person,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)

KEY = "SE2321000016-0E7A"
EVA_TOO = replace(EVA, login="eva2", name="Eva Ek-Berg", key=KEY)
"""Eva's second account: another name, the same person."""
WRONG = Answer("2026-02-18")


@pytest.fixture
def ward(store_settings: Settings) -> Ward:
    """A store in which every confirmed field is typed again, and Eva has two accounts."""
    settings = store_settings.model_copy(update={"control_share": 1.0})
    ward = Ward(open_store(settings, create=True)).begin()
    with ward.store.begin() as conn:
        conn.execute(
            update(registers.staff).where(registers.staff.c.login == "eva").values(person_key=KEY)
        )
        account = {"login": "eva2", "name": EVA_TOO.name, "title": "ssk", "role": EVA.role}
        more = {"password_hash": "-", "active": True, "person_key": KEY}
        conn.execute(insert(registers.staff).values(account | more))
    return ward


def disputed(ward: Ward) -> str:
    """A note whose day Eva has typed otherwise than the machine read it."""
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        said = answers({**SAID, **PLAN}, datum=WRONG)
        state = decisions.decide_entry(conn, FORMS, EVA, decisions.Decision(entry_id, 0, said), NOW)
    assert state is EntryState.SECOND
    return entry_id


def confirmed(ward: Ward) -> str:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision(entry_id, 0, answers({**SAID, **PLAN})), NOW
        )
    return entry_id


@pytest.mark.parametrize("key", [KEY, None])
def test_accounts_are_of_one_person_by_the_key_only(ward: Ward, key: str | None) -> None:
    with ward.store.begin() as conn:
        conn.execute(update(registers.staff).values(person_key=key))
        assert is_same_person(conn, "eva", {"eva2"}) is (key is not None)
        assert is_same_person(conn, "eva", {"eva"})
        assert is_same_person(conn, "nobody", {"nobody"})
        assert not is_same_person(conn, "nobody", {"eva", None})


def test_second_review(ward: Ward) -> None:
    entry_id = disputed(ward)
    with ward.store.begin() as conn:
        assert queue.claim_next(conn, FORMS, EVA_TOO, queue.ClaimTerms(NOW, 15)) is None
        with pytest.raises(NotAllowedError):
            decisions.decide_entry(
                conn,
                FORMS,
                EVA_TOO,
                decisions.Decision(entry_id, 1, answers({"datum": SAID["datum"]})),
                NOW,
            )
        found = queue.claim_next(conn, FORMS, NILS, queue.ClaimTerms(NOW, 15))
        assert found is not None


def test_a_decision_taken_back_is_decided_again_with_the_other_account(ward: Ward) -> None:
    entry_id = disputed(ward)
    with ward.store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        work(Corrections, conn, EVA).undo([(entry_id, revision)])
        assert "datum" in fields_taken_back(conn, entry_id, "eva2")
        assert fields_taken_back(conn, entry_id, "nils") == set()


def test_second_keying(ward: Ward) -> None:
    confirmed(ward)
    with ward.store.begin() as conn:
        assert checked_work.claim_next_rekeying(conn, FORMS, EVA_TOO, NOW, 15) is None
        assert checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15) is not None


def test_adjudication(ward: Ward) -> None:
    """Neither the confirming nor the re-keying person is the third, by any account."""
    confirmed(ward)
    with ward.store.begin() as conn:
        task = checked_work.claim_next_rekeying(conn, FORMS, NILS, NOW, 15)
        assert task is not None
        keyed = work(Rekeying, conn, NILS, later(1)).save_answer(task, Answer(UNKNOWN_PID))
        assert keyed is checked_work.RekeyingOutcome.DIFFERS
        conn.execute(
            update(registers.staff).where(registers.staff.c.login == "nils").values(person_key="N1")
        )
        nils_too = {"login": "nils2", "name": "Nils", "title": "ssk", "role": "granskare"}
        more = {"password_hash": "-", "active": True, "person_key": "N1"}
        conn.execute(insert(registers.staff).values(nils_too | more))
    for who in (EVA_TOO, replace(NILS, login="nils2")):
        with ward.store.begin() as conn, pytest.raises(NotAllowedError):
            work(Rekeying, conn, who, later(2)).adjudicate(task, Answer("x"))


def test_a_value_that_was_seeded_for_the_other_account_needs_another_person(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    row = {"entry": entry_id, "field": "text", "value": "Sov illa.", "state": "read"}
    more = {"login": "eva", "start": 4, "end": 8, "shown_at": NOW, "outcome": "missed"}
    read = {"text": Reading("Sov gott.", 0.9, State.READ)}
    typed = {"text": Answer("Sov illa.")}
    with ward.store.begin() as conn:
        conn.execute(insert(plant).values(row | more))
        for who, expected in ((EVA_TOO, {"text"}), (NILS, set())):
            deed = EntryWork(conn, who, NOTE, load_entry(conn, entry_id))
            found = seeded_errors.fields_matching_seeded_errors(deed, read, typed)
            assert found == expected, who.login


def test_the_name_of_the_own_other_account_is_not_somebody_elses(ward: Ward) -> None:
    """An author with two accounts signs the own note without a reason."""
    with ward.store.begin() as conn:
        conn.execute(
            update(registers.staff).where(registers.staff.c.login == "eva2").values(name=EVA.name)
        )
    entry_id = ward.note("BBBB")
    with ward.store.begin() as conn:
        entry = replace(load_entry(conn, entry_id), author=EVA.name)
        assert work(Signing, conn, EVA).is_own(entry)


BOSS = replace(person("sys", Role.SYSTEM_ADMINISTRATOR, (), frozenset()), key="B1")
BOSS_TOO = replace(BOSS, login="sys2")


@pytest.fixture
def accounts(ward: Ward) -> Store:
    """The same with a system administrator who has two accounts, and an emergency account."""
    with ward.store.begin() as conn:
        for one in (BOSS, BOSS_TOO, replace(CHIEF, key="C1"), NODE):
            people.save_person(conn, one, hashed("fyra små blå hästar"))
    return ward.store


NODE = replace(
    person("nod", Role.ADMINISTRATOR, (NORTH,)), break_glass=True, key="C1", name="Nödkonto"
)


def test_nobody_changes_the_own_account_by_another_one(accounts: Store) -> None:
    with accounts.begin() as conn:
        for account in (BOSS, replace(EVA, key="B1")):
            with pytest.raises(UsageError, match="own account"):
                save_account(conn, BOSS_TOO, account, NOW)
        with pytest.raises(UsageError, match="own account"):
            access_changes.request_change(conn, BOSS_TOO, "sys", ChangeKind.PASSWORD, NOW)
        with pytest.raises(UsageError, match="own account"):
            close_account(conn, BOSS_TOO, "sys")


@pytest.mark.parametrize("login", ["nod", "chef"])
def test_who_used_an_emergency_account_does_not_acknowledge_it(accounts: Store, login: str) -> None:
    with accounts.begin() as conn:
        use = access_notices.start_emergency_use(conn, login, "Inloggningen är nere.", NOW)
        with pytest.raises(NotAllowedError):
            access_notices.acknowledge_use(conn, CHIEF, use, NOW)
        other = person("chef9", Role.MANAGER)
        access_notices.acknowledge_use(conn, other, use, NOW)


def test_a_person_key_is_no_personal_number(accounts: Store) -> None:
    with accounts.begin() as conn, pytest.raises(PersonalNumberLoginError):
        people.save_person(conn, replace(EVA, key=UNKNOWN_PID), None)


def test_all_assignments_of_an_account_are_kept(accounts: Store) -> None:
    more = (
        Assignment(Role.ADMINISTRATOR, "sjuksköterska", frozenset({NORTH}), ALL_AREAS),
        Assignment(Role.LOG_REVIEWER, "samordnare", frozenset(), frozenset()),
    )
    several: Person = replace(EVA, further=more, key=KEY)
    with accounts.begin() as conn:
        for one in (several, replace(several, further=more[1:]), replace(several, further=())):
            people.save_person(conn, one, None)
            assert people.find_person(conn, "eva") == one
