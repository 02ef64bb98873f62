"""Password hashes (Argon2id), and which passwords are refused.

Hashes are computed outside every transaction and few at a time: one takes tens of milliseconds and
64 MiB. In a transaction it would stop all who write; many at a time would take the processors and
the memory from those who work.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Condition

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from zxcvbn import zxcvbn

from pipeline.domain.errors import UsageError
from pipeline.domain.model import Person
from pipeline.domain.settings import ROOT, Settings
from pipeline.reading.language.vocabulary import load_vocabulary
from pipeline.store.accounts.login.limits import Lane
from pipeline.store.accounts.people import NO_PASSWORD, PasswordHash
from pipeline.store.database.store import is_transaction_open

MOST_AT_ONCE = 2
"""Hashes that one process computes at the same time."""
WAIT_SECONDS = 15.0
"""How long a hash waits for its turn before the person is asked to try again."""
MAX_PASSWORD_LENGTH = 200
SEALED_PASSWORD_WORDS = 6
"""For a password that is kept in a sealed envelope for months."""

_WORD = re.compile(r"[a-zåäö]{4,9}")
_hasher = PasswordHasher()
_SHARED_LANE = Lane()


class _Turns:
    """Turns of hashing that lanes take one after the other, however many wait in one of them."""

    def __init__(self) -> None:
        self.waiting: list[tuple[bool, int, int, str]] = []
        self._free = MOST_AT_ONCE
        self._round = self._arrivals = 0
        self._changed = Condition()

    def acquire(self, lane: Lane, seconds: float) -> bool:
        """Wait for a turn; return whether it came in time."""
        with self._changed:
            # A lane's next is served in the round after that of its last who waits
            rounds = [number for _, number, _, source in self.waiting if source == lane.source]
            self._arrivals += 1
            place = (
                lane.is_stranger,
                max([self._round, *(number + 1 for number in rounds)]),
                self._arrivals,
                lane.source,
            )
            self.waiting.append(place)
            is_own = self._changed.wait_for(
                lambda: self._free > 0 and min(self.waiting) == place, seconds
            )
            self.waiting.remove(place)
            if is_own:
                self._free -= 1
                self._round = max(self._round, place[1])
            self._changed.notify_all()
            return is_own

    def release(self) -> None:
        """Give the turn to the next."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()


_turns = _Turns()


def hash_password(password: str) -> PasswordHash:
    """Return the hash of a new password.

    Raises:
        UsageError: too many others are hashing, so that the person has to wait.
        RuntimeError: a transaction is open, which is a programming error.
    """
    with _turn(_SHARED_LANE):
        return PasswordHash(_hasher.hash(password))


def matches_password(digest: PasswordHash | None, password: str, lane: Lane = _SHARED_LANE) -> bool:
    """Return whether a password has this hash; without one it takes as long. Raises as above."""
    has_password = digest is not None and digest != NO_PASSWORD
    if len(password) > MAX_PASSWORD_LENGTH:
        return False
    with _turn(lane):
        text = digest.text if has_password and digest is not None else _dummy_hash()
        try:
            return _hasher.verify(text, password) and has_password
        except VerifyMismatchError:
            return False


@contextmanager
def _turn(lane: Lane) -> Iterator[None]:
    if is_transaction_open():
        raise RuntimeError("a password is hashed inside a transaction")
    if not _turns.acquire(lane, WAIT_SECONDS):
        raise UsageError("login_busy")
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
    return tuple(word for word in load_vocabulary() if _WORD.fullmatch(word))


# Refuse passwords that are short, breached, or made of words that an attacker tries first.
#
# `zxcvbn` estimates how many guesses a password takes, from lists of breached passwords, names,
# dates and patterns, and from the words given here: of the person, the organisation and of care.

MIN_PASSWORD_LENGTH = 10
MIN_GUESSES = 10**10
"""Fewest guesses that a password may take (zxcvbn's highest level): also a stolen hash holds."""
_WORDS_FILE = ROOT / "data" / "password_words.txt"
_TOKEN = re.compile(r"\w{3,}")
_COMPARED_LENGTH = 72
"""zxcvbn looks at the beginning only: its time grows faster than the length."""


def hash_new_password(password: str, person: Person, settings: Settings) -> PasswordHash:
    """Return the hash of a password that a person chooses.

    Raises:
        UsageError: it is too short or too long, or too easy to guess; or too many others are
            hashing.
    """
    require_strong_password(password, person, settings)
    return hash_password(password)


def require_strong_password(password: str, person: Person, settings: Settings) -> None:
    """Check a password that a person chooses.

    Raises:
        UsageError: it is too short or too long, or too easy to guess.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise UsageError("password_too_short", shortest_password=MIN_PASSWORD_LENGTH)
    if len(password) > MAX_PASSWORD_LENGTH:
        raise UsageError("password_too_long", longest_password=MAX_PASSWORD_LENGTH)
    known = [*_words_of(person, settings), *_local_words(), *password_vocabulary()]
    estimate = zxcvbn(password[:_COMPARED_LENGTH].casefold(), user_inputs=known)
    if estimate["guesses"] < MIN_GUESSES:
        raise UsageError("password_too_easy")


def _words_of(person: Person, settings: Settings) -> Iterable[str]:
    """Return the words of a person and the organisation, as a whole and one by one."""
    texts = [person.login, person.name, person.title, settings.care_provider, settings.county]
    for text in [*texts, *sorted(person.all_units)]:
        yield from (text.casefold(), "".join(text.casefold().split()))
        yield from _TOKEN.findall(text.casefold())


@cache
def _local_words() -> tuple[str, ...]:
    lines = _WORDS_FILE.read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
