"""Password hashes (Argon2id), computed outside every transaction and few at a time.

A hash takes tens of milliseconds and 64 MiB. In a transaction it would stop all who write; many at
a time would take the processors and the memory from those who work.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from pipeline.domain.errors import UsageError
from pipeline.domain.settings import ROOT
from pipeline.store.database.store import is_transaction_open

MOST_AT_ONCE = 2
"""Hashes that one process computes at the same time."""
WAIT_SECONDS = 5.0
"""How long a hash waits for its turn before the person is asked to try again."""
MAX_PASSWORD_LENGTH = 200
SEALED_PASSWORD_WORDS = 6
"""For a password that is kept in a sealed envelope for months."""

_VOCABULARY = ROOT / "data" / "vocabulary"
_WORD = re.compile(r"[a-zåäö]{4,9}")
_hasher = PasswordHasher()
_turns = BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """The hash of a password, as stored."""

    text: str = field(repr=False)


NO_PASSWORD = PasswordHash("!")
"""The hash of an account whose person has not chosen a password yet: nothing matches it."""


def hash_password(password: str) -> PasswordHash:
    """Return the hash of a new password.

    Raises:
        UsageError: too many others are hashing, so that the person has to wait.
        RuntimeError: a transaction is open, which is a programming error.
    """
    with _turn():
        return PasswordHash(_hasher.hash(password))


def matches_password(digest: PasswordHash | None, password: str) -> bool:
    """Return whether a password has this hash; without one it takes as long. Raises as above."""
    has_password = digest is not None and digest != NO_PASSWORD
    if len(password) > MAX_PASSWORD_LENGTH:
        return False
    with _turn():
        text = digest.text if has_password and digest is not None else _dummy_hash()
        try:
            return _hasher.verify(text, password) and has_password
        except VerifyMismatchError:
            return False


@contextmanager
def _turn() -> Iterator[None]:
    if is_transaction_open():
        raise RuntimeError("a password is hashed inside a transaction")
    if not _turns.acquire(timeout=WAIT_SECONDS):
        raise UsageError("too_many_log_in_at_once")
    try:
        yield
    finally:
        _turns.release()


@cache
def _dummy_hash() -> str:
    """Return a hash that no password matches: the work done for a login that does not exist."""
    return _hasher.hash(hashlib.sha256(b"nobody").hexdigest())


def make_sealed_password() -> str:
    """Return a password of words drawn at random from the vocabulary, separated by spaces."""
    words = password_vocabulary()
    return " ".join(secrets.choice(words) for _ in range(SEALED_PASSWORD_WORDS))


@cache
def password_vocabulary() -> tuple[str, ...]:
    """Return the words that passwords are drawn from."""
    lines = [
        line
        for file in sorted(_VOCABULARY.glob("*.txt"))
        for line in file.read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    return tuple(sorted({word for line in lines for word in line.split() if _WORD.fullmatch(word)}))
