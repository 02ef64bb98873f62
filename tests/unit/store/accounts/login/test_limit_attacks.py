"""The person who guesses pays: attacks on the limits of logins by a clock of the test's own.

Every attack asks as often as it likes, takes each free moment first, and its refused tries cost it
nothing. The person uses another browser each time, as on the first morning of an outage.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import Role
from pipeline.domain.settings import Settings
from pipeline.login import authentication
from pipeline.login.authentication import Credentials, check_password, redeem_code
from pipeline.store.accounts import people
from pipeline.store.accounts.access_notices import ChangeKind
from pipeline.store.accounts.login import access_changes, limits
from pipeline.store.accounts.login.limits import LoginRequest, LoginSource
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_units
from tests.support.store.passwords import hashed
from tests.support.store.ward import NORTH, NOW, person

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

PASSWORD = "fyra små blå hästar"
MINUTES = 60
ATTACKER, OFFICE, ELSEWHERE = "198.51.100.9", "192.0.2.7", "203.0.113.80"
NURSES = [f"nurse{number}" for number in range(50)]
LIMITS = Settings()


@dataclass(frozen=True, slots=True)
class Door:
    """The login of a workspace behind a proxy, at any second."""

    store: Store
    settings: Settings

    def is_let_in(self, second: float, login: str, source: LoginSource) -> bool:
        """Whether the right password opens."""
        return bool(self.tried(second, login, PASSWORD, source))

    def tried(self, second: float, login: str, password: str, source: LoginSource) -> bool | None:
        """Whether a password opens; None if it was not looked at."""
        try:
            found = check_password(self.request(second, source), Credentials(login, password))
        except NotAllowedError:
            return None
        return found is not None

    def request(self, second: float, source: LoginSource) -> LoginRequest:
        """A step of a login."""
        return LoginRequest(self.store, self.settings, NOW + timedelta(seconds=second), source)


@pytest.fixture
def door(store: Store) -> Door:
    """A store with Nina and the nurses of an office."""
    with store.begin() as conn:
        save_units(conn, {NORTH: "HSL"})
        for login in ("nina", *NURSES):
            people.save_person(conn, person(login), hashed(PASSWORD))
    own = {"address_header": "X-Real-IP", "known_networks": (ip_network("10.20.0.0/16"),)}
    return Door(store, LIMITS.model_copy(update=own))


def new_browser(address: str) -> LoginSource:
    """A browser in which nobody has logged in yet."""
    return LoginSource(address, secrets.token_hex(8))


def network(number: int) -> str:
    """An address in a /64 of its own."""
    return f"2001:db8:0:{number:x}::{number % 7 + 1}"


def attack(seconds: int, victim: Callable[[int], object], guess: Callable[[int], object]) -> None:
    """Let the attacker try once a second, before the others, who come every 15 seconds."""
    for second in range(seconds):
        guess(second)
        if second % 15 == 0:
            victim(second)


def test_who_guesses_an_account_from_one_address_keeps_nobody_out(door: Door) -> None:
    """The attack that let in 0 of 76."""
    let_in: list[bool] = []
    attack(
        20 * MINUTES,
        lambda second: let_in.append(door.is_let_in(second, "nina", new_browser(ELSEWHERE))),
        lambda second: door.tried(second, "nina", f"gissning {second}", new_browser(ATTACKER)),
    )
    assert len(let_in) == 80
    assert all(let_in)


def test_who_guesses_from_many_networks_slows_strangers_only(door: Door) -> None:
    own = LoginSource(ELSEWHERE, "Ninas webbläsare")
    assert door.is_let_in(0, "nina", own)
    let_in = Counter[str]()

    def all_ways(second: int) -> None:
        ways = {
            "known browser": own,
            "known network": new_browser("10.20.7.7"),
            "console": new_browser(""),
            "stranger": new_browser(ELSEWHERE),
        }
        for way, source in ways.items():
            let_in[way] += door.is_let_in(second, "nina", source)

    checked = 0

    def guess(second: int) -> None:
        nonlocal checked
        for half in range(2):
            source = new_browser(network((2 * second + half) % 500))
            checked += door.tried(second, "nina", "gissning", source) is False

    attack(5 * MINUTES, all_ways, guess)
    assert let_in == {"known browser": 20, "known network": 20, "console": 20, "stranger": 20}
    assert checked <= 2 * limits.STRANGERS_AN_ACCOUNT
    # A stranger who errs once now waits, and nobody else does
    end = 5 * MINUTES
    assert door.tried(end, "nina", "fel", new_browser(ELSEWHERE)) is False
    assert not door.is_let_in(end + 1, "nina", new_browser(ELSEWHERE))
    assert door.is_let_in(end + 3601, "nina", new_browser(ELSEWHERE))


def test_an_office_is_not_shut_by_a_guesser_behind_its_address(door: Door) -> None:
    """Fifty people begin within the hour, every third mistypes once."""
    waiting = list(enumerate(NURSES))
    entered: dict[str, int] = {}

    def come(second: int) -> None:
        if not waiting:
            return
        number, login = waiting.pop(0)
        if number % 3 == 0:
            assert door.tried(second, login, "fel", new_browser(OFFICE)) is False
        if door.is_let_in(second, login, new_browser(OFFICE)):
            entered[login] = second

    attack(
        13 * MINUTES,
        come,
        lambda second: door.tried(second, "nina", f"gissning {second}", new_browser(OFFICE)),
    )
    assert sorted(entered) == sorted(NURSES)


def test_who_tries_all_accounts_behind_an_office_does_not_shut_it(door: Door) -> None:
    """One password at a time against 300 accounts, once a second."""
    let_in: list[bool] = []
    attack(
        5 * MINUTES,
        lambda second: let_in.append(
            door.is_let_in(second, NURSES[second // 15], new_browser(OFFICE))
        ),
        lambda second: door.tried(second, f"konto{second % 300}", "gissning", new_browser(OFFICE)),
    )
    assert all(let_in)


def test_a_flood_from_one_network_does_not_fill_the_total(door: Door) -> None:
    """Five tries a second at logins that do not exist, each from another address of one /64."""
    let_in: list[bool] = []

    def flood(second: int) -> None:
        for number in range(5):
            source = new_browser(f"2001:db8::{second:x}:{number:x}")
            door.tried(second, f"finns-inte-{second}-{number}", "x", source)

    attack(
        2 * MINUTES,
        lambda second: let_in.append(door.is_let_in(second, "nina", new_browser(ELSEWHERE))),
        flood,
    )
    assert len(let_in) == 8
    assert all(let_in)


def test_a_password_is_guessed_seventy_times_an_hour_from_one_source(door: Door) -> None:
    checked = sum(
        door.tried(second, "nina", "gissning", new_browser(ATTACKER)) is False
        for second in range(0, 60 * MINUTES, 4)
    )
    assert 60 <= checked <= 70


def test_a_password_is_guessed_a_bounded_number_of_times_from_any_number_of_sources(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LIMITS.login_failures_account * 2 + 60 <= limits.STRANGERS_AN_ACCOUNT <= 300
    monkeypatch.setattr(limits, "STRANGERS_AN_ACCOUNT", 30)
    checked = sum(
        door.tried(second, "nina", "gissning", new_browser(network(second))) is False
        for second in range(0, 60 * MINUTES, 40)
    )
    assert checked == 60


def test_one_source_tries_few_passwords_a_minute_on_all_accounts(door: Door) -> None:
    checked = sum(
        door.tried(tick / 10, f"konto{tick}", "gissning", new_browser(ATTACKER)) is False
        for tick in range(10 * MINUTES)
    )
    assert checked == 2 * LIMITS.login_failures_address


def test_the_code_of_an_administrator_opens_where_a_guesser_shares_the_address(
    door: Door,
) -> None:
    """Then nothing but the code tells the two apart; the browser is known from then on."""
    chief = person("sven", Role.SYSTEM_ADMINISTRATOR, units=())
    browser = new_browser(OFFICE)
    for second in range(2 * MINUTES):
        door.tried(second, "nina", "gissning", new_browser(OFFICE))
    assert not door.is_let_in(2 * MINUTES, "nina", browser)
    now = NOW + timedelta(minutes=2)
    with door.store.begin() as conn:
        people.save_person(conn, chief, hashed(PASSWORD))
        change = access_changes.request_change(conn, chief, "nina", ChangeKind.PASSWORD, now)
    request = door.request(2 * MINUTES, browser)
    assert redeem_code(request, "nina", change.code, PASSWORD)
    assert door.is_let_in(2 * MINUTES + 1, "nina", browser)


def test_the_short_code_of_a_second_factor_is_counted_whatever_the_address(door: Door) -> None:
    """Who gets so far has the password: another address must not give more guesses."""

    def try_code(number: int) -> bool:
        source = new_browser(network(number))
        return authentication.check_code(door.request(0, source), "nina", "123456")

    for number in range(LIMITS.login_failures_account):
        assert not try_code(number)
    with pytest.raises(NotAllowedError):
        try_code(99)


@pytest.mark.parametrize(
    ("address", "charged"),
    [
        ("", ""),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("påhittad, 192.0.2.7", "192.0.2.7"),
        ("påhittad", "?"),
    ],
)
def test_an_address_is_charged_by_its_network(address: str, charged: str) -> None:
    assert limits.find_network(address) == charged
