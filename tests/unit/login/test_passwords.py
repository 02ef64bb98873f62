"""Passwords: hashed outside every transaction and few at a time, and not easy to guess."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Literal

import pytest
from argon2 import PasswordHasher, Type

from pipeline.domain.errors import UsageError
from pipeline.domain.settings import Settings
from pipeline.login import authentication, passwords
from pipeline.login.authentication import Credentials, check_password
from pipeline.login.passwords import MOST_AT_ONCE
from pipeline.store.accounts import people
from pipeline.store.accounts.login.limits import Lane
from pipeline.store.database.store import Store, is_transaction_open
from pipeline.store.registers.client_register import save_units
from tests.support.store.passwords import hashed, logged_in, login_request
from tests.support.store.ward import EVA, NORTH, SOUTH, person

pytest_plugins = ("tests.support.store.databases",)

PASSWORD = "fyra små blå hästar"


@pytest.fixture
def with_eva(store: Store) -> Store:
    """A store in which Eva has an account."""
    with store.begin() as conn:
        save_units(conn, {NORTH: "HSL", SOUTH: "HSL"})
        people.save_person(conn, EVA, hashed(PASSWORD))
    return store


class Watching(PasswordHasher):
    """A hasher that notes in which circumstances it works."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.hashes: list[str] = []
        self.open_transactions = 0
        self.at_once = self.most_at_once = 0
        self.meeting: Barrier | None = None

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.hashes.append(str(hash)[:9])
        self.open_transactions += is_transaction_open()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.meeting:
            self.meeting.wait(20)
        self.at_once -= 1
        return super().verify(hash, password)


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Watching:
    hasher = Watching()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    passwords._dummy_hash.cache_clear()
    return hasher


def test_a_stolen_hash_is_slow_to_guess_from(real_hasher: PasswordHasher) -> None:
    """At least as slow as RFC 9106 recommends where memory is short; the tests themselves hash with
    less.
    """
    assert (real_hasher.type, real_hasher.salt_len) == (Type.ID, 16)
    assert real_hasher.time_cost >= 3
    assert real_hasher.memory_cost >= 64 * 1024
    assert real_hasher.verify(real_hasher.hash(PASSWORD), PASSWORD)


def test_no_password_is_hashed_while_a_transaction_is_open(
    with_eva: Store, watching: Watching
) -> None:
    """The person who guesses must not make those wait who write."""
    for login, password in (("eva", PASSWORD), ("eva", "fel"), ("finns-inte", "fel")):
        logged_in(with_eva, login, password)
    authentication.change_password(
        login_request(with_eva), Credentials("eva", PASSWORD), "helt nya ord här", None
    )
    assert len(watching.hashes) == 4
    assert watching.open_transactions == 0
    with with_eva.begin(), pytest.raises(RuntimeError, match="inside a transaction"):
        passwords.hash_password(PASSWORD)
    with with_eva.read(), pytest.raises(RuntimeError, match="inside a transaction"):
        passwords.matches_password(hashed(PASSWORD), PASSWORD)
    assert not is_transaction_open()


def test_an_unknown_login_costs_as_much_as_a_known_one(with_eva: Store, watching: Watching) -> None:
    with with_eva.begin() as conn:
        people.save_person(conn, person("ny"), people.NO_PASSWORD)
    for login in ("eva", "ny", "finns-inte"):
        logged_in(with_eva, login, "fel")
    assert watching.hashes == ["$argon2id"] * 3


def test_a_password_that_is_too_long_is_wrong_and_costs_nothing(
    with_eva: Store, watching: Watching
) -> None:
    assert logged_in(with_eva, "eva", "x" * 1_000_000) is None
    assert watching.hashes == []


def test_few_are_hashed_at_once_and_who_waits_too_long_is_told(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.01)
    watching.meeting = Barrier(MOST_AT_ONCE + 1)
    threads = [
        Thread(target=passwords.matches_password, args=(hashed(PASSWORD), PASSWORD))
        for _ in range(MOST_AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    while watching.at_once < MOST_AT_ONCE:
        threads[0].join(0.001)
    with pytest.raises(UsageError, match="at the same time") as error:
        passwords.matches_password(hashed(PASSWORD), PASSWORD)
    assert error.value.remedy
    watching.meeting.wait(20)
    for thread in threads:
        thread.join()
    assert watching.most_at_once == MOST_AT_ONCE
    watching.meeting = None
    assert passwords.matches_password(hashed(PASSWORD), PASSWORD)


def test_lanes_take_turns_however_many_wait_in_one() -> None:
    """Who sends forty at once is served once for each time that another is."""
    turns = passwords._Turns()
    flood, nina, nils = (Lane(source, is_stranger=True) for source in ("flood", "nina", "nils"))
    for _ in range(MOST_AT_ONCE):
        assert turns.acquire(flood, 0)
    served: list[str] = []

    def wait(lane: Lane) -> None:
        assert turns.acquire(lane, 20)
        served.append(lane.source)
        turns.release()

    arrivals = [*[flood] * 40, nina, nils, Lane("known")]
    threads = []
    for number, lane in enumerate(arrivals, 1):
        threads.append(Thread(target=wait, args=(lane,)))
        threads[-1].start()
        while len(turns.waiting) < number:
            threads[-1].join(0.001)
    turns.release()
    for thread in threads:
        thread.join(20)
    assert len(served) == len(arrivals)
    assert served[:4] == ["known", "flood", "nina", "nils"]


def test_a_login_writes_a_fixed_small_number_of_times(with_eva: Store) -> None:
    """A refused attempt writes nothing at all, so that hammering takes no write lock."""
    written = []
    begin = Store.begin

    def counted(store: Store) -> object:
        written.append(store)
        return begin(store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "begin", counted)
        request = login_request(
            with_eva, settings={"login_failures_account": 1, "login_delay_seconds": 3600}
        )
        assert check_password(request, Credentials("eva", "fel")) is None
        assert len(written) == 2
        for _ in range(10):
            with pytest.raises(Exception, match="Wait"):
                check_password(request, Credentials("eva", PASSWORD))
        assert len(written) == 2


@pytest.mark.parametrize(
    "weak",
    [
        "password123",
        "Sommaren2026!",
        "Vinter2025!!",
        "qwertyuiop12",
        "Eva Ek 1234",
        "evaekevaek",
        "Norrahemsjukvården1",
        "Kalixkommun2026!",
        "Efterskrift2026",
        "sjuksköterska1",
        "19121212-1212",
        "nere hyresavi",
    ],
)
def test_breached_and_local_words_are_refused(weak: str) -> None:
    with pytest.raises(UsageError, match="easy to guess") as error:
        passwords.require_strong_password(weak, EVA, Settings())
    assert weak not in str(error.value)


@pytest.mark.parametrize(
    ("password", "key"),
    [("kort", "password_too_short"), ("ab cd " * 50, "password_too_long")],
)
def test_a_password_has_a_shortest_and_a_longest_length(password: str, key: str) -> None:
    with pytest.raises(UsageError) as error:
        passwords.require_strong_password(password, EVA, Settings())
    assert key in error.value.key


@pytest.mark.parametrize("good", [PASSWORD, "helt nya ord här", "Tr4kt0r!vid#älven"])
def test_words_put_together_are_accepted(good: str) -> None:
    passwords.require_strong_password(good, EVA, Settings())


def test_a_sealed_password_is_strong() -> None:
    passwords.require_strong_password(passwords.make_sealed_password(), EVA, Settings())
