"""A provider's identity decides whose account it is, not a name that can change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_units
from pipeline.store.schema.clock import utc_now
from tests.support.store.passwords import hashed
from tests.support.store.ward import EVA, NILS, NORTH, SOUTH, whole_log
from ui.access.logins import verify_provider_login

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

DAY = timedelta(hours=12)
SEALED = replace(EVA, login="nod", break_glass=True)


@pytest.fixture
def staffed(store: Store) -> Store:
    """A store with two nurses and an account for emergencies."""
    with store.begin() as conn:
        save_units(conn, {NORTH: "HSL", SOUTH: "HSL"})
        for one in (EVA, NILS, SEALED):
            people.save_person(conn, one, hashed("fyra små blå hästar"))
    return store


def claims(name: str | None, subject: str = "s-1", **other: object) -> dict[str, object]:
    """What a provider says of who has logged in a moment ago."""
    now = utc_now().timestamp()
    named = {} if name is None else {"preferred_username": name}
    return (
        {"iss": "https://a.example", "sub": subject, "iat": now - 1, "exp": now + 600}
        | named
        | other
    )


def entered(store: Store, said: dict[str, object]) -> str | None:
    found = verify_provider_login(store, said, DAY)
    return found[0] if found else None


def test_the_identity_counts_from_the_first_login_on(staffed: Store) -> None:
    assert entered(staffed, claims("eva")) == "eva"
    assert entered(staffed, claims("eva-ny")) == "eva"
    assert entered(staffed, claims("nils")) == "eva"
    assert entered(staffed, claims(None)) == "eva"
    with staffed.read() as conn:
        assert whole_log(conn).count("link_identity") == 1


def test_another_with_the_same_name_does_not_get_in(staffed: Store) -> None:
    assert entered(staffed, claims("eva")) == "eva"
    assert entered(staffed, claims("eva", "s-2")) is None
    assert entered(staffed, claims("eva", iss="https://b.example")) is None
    assert entered(staffed, claims("nils", "s-2")) == "nils"


@pytest.mark.parametrize(
    "said",
    [
        claims("nod"),
        claims("finns-inte"),
        claims("eva", ""),
        claims("eva", iss=None),
        claims("eva", sub=7),
        claims("eva", exp=1),
        claims("eva", iat=1),
        claims(None, email="eva"),
        claims(None, email="eva", email_verified=False),
    ],
    ids=[
        "emergency account",
        "no account",
        "empty subject",
        "no issuer",
        "subject is a number",
        "ended at the provider",
        "logged in long ago",
        "address not said to be verified",
        "address not verified",
    ],
)
def test_without_an_identity_or_an_account_nobody_gets_in(
    staffed: Store, said: dict[str, object]
) -> None:
    assert entered(staffed, said) is None
    with staffed.read() as conn:
        assert "link_identity" not in whole_log(conn)


def test_a_verified_address_is_a_name_too(staffed: Store) -> None:
    assert entered(staffed, claims(None, email="eva", email_verified=True)) == "eva"


def test_a_closed_account_stays_closed(staffed: Store) -> None:
    assert entered(staffed, claims("eva")) == "eva"
    with staffed.begin() as conn:
        people.deactivate_person(conn, "eva")
    assert entered(staffed, claims("eva")) is None
