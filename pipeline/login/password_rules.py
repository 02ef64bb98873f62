"""Refuse passwords that are short, breached, or made of words that an attacker tries first.

`zxcvbn` estimates how many guesses a password takes, from lists of breached passwords, names, dates
and patterns, and from the words given here: those of the person, of the organisation and of care.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from zxcvbn import zxcvbn

from pipeline.domain.errors import UsageError
from pipeline.domain.model import Person
from pipeline.domain.settings import ROOT, Settings
from pipeline.login.password_hashes import MAX_PASSWORD_LENGTH, hash_password, password_vocabulary
from pipeline.store.accounts.people import PasswordHash

MIN_PASSWORD_LENGTH = 10
MIN_GUESSES = 10**10
"""Fewest guesses that a password may take (zxcvbn's highest level): also a stolen hash holds."""
_WORDS_FILE = ROOT / "data" / "password_words.txt"
_WORD = re.compile(r"\w{3,}")
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
        yield from _WORD.findall(text.casefold())


@cache
def _local_words() -> tuple[str, ...]:
    lines = _WORDS_FILE.read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
