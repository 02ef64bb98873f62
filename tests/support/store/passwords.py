"""Passwords of tests: hashed cheaply, also inside a transaction, where the program refuses to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher

from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.login.authentication import Credentials, check_password
from pipeline.store.accounts.login.limits import LoginRequest, LoginSource
from pipeline.store.accounts.people import PasswordHash
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.support.image_folder import folder_of

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@cache
def hashed(password: str) -> PasswordHash:
    """The hash of a password."""
    return PasswordHash(CHEAP.hash(password))


def login_request(
    store: Store,
    now: datetime | None = None,
    source: LoginSource = LoginSource(),  # noqa: B008 - it never changes
    settings: Mapping[str, object] | None = None,
) -> LoginRequest:
    """A step of a login to a store, with the default settings but for those named."""
    own = Settings(workspace=folder_of(store).folder.parent).model_copy(update=settings)
    return LoginRequest(store, own, now or utc_now(), source)


def logged_in(
    store: Store, login: str, password: str, now: datetime | None = None, **settings: object
) -> Person | None:
    """Who logs in with this password, or None."""
    found = check_password(
        login_request(store, now, settings=settings), Credentials(login, password)
    )
    return found.person if found else None
