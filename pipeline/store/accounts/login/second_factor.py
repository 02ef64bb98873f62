"""The second factor of local accounts: codes of an app (TOTP), and recovery codes on paper.

The secrets are encrypted by a key that is a file of the workspace and not in the database: a copy
of the database alone gives no codes. Without the key, or another app, the recovery codes work.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, delete, exists, func, insert, select, update

from pipeline.domain.errors import StoreError, UsageError
from pipeline.domain.settings import Settings
from pipeline.store.accounts import sessions
from pipeline.store.accounts.login.limits import LoginRequest
from pipeline.store.event_log.events import record
from pipeline.store.schema.accounts import recovery_code, second_factor

# Make, normalize and digest the codes that a person reads from paper or is told, and types.

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without characters that look alike on paper."""
_GROUPS, _GROUP_LENGTH = 3, 4
"""A code has 59 bits, too many to guess from its digest."""


def make_code() -> str:
    """Return a new code in groups, such as k7mp-2rtx-9hdw."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS)
    )


def normalize_code(text: str) -> str:
    """Return a typed code without spaces and hyphens, in lower case."""
    return "".join(text.split()).replace("-", "").casefold()


def code_digest(login: str, code: str) -> str:
    """Return what is stored of an account's code."""
    return hashlib.sha256(f"{login}\n{normalize_code(code)}".encode()).hexdigest()


RECOVERY_CODES = 10
_APP_DIGITS = 6
_STEP_SECONDS = 30
"""Seconds that a code of an app holds; the one before and after are accepted too."""


@dataclass(frozen=True, slots=True)
class _Key:
    fernet: Fernet = field(repr=False)
    id: str


def has_second_factor(conn: Connection, login: str) -> bool:
    """Return whether the account asks for a code."""
    found: bool = conn.execute(select(exists().where(second_factor.c.login == login))).scalar_one()
    return found


def logins_with_second_factor(conn: Connection) -> frozenset[str]:
    """Return the logins of all accounts that ask for a code."""
    return frozenset(conn.execute(select(second_factor.c.login)).scalars())


def count_recovery_codes(conn: Connection, login: str) -> int:
    """Return how many recovery codes are left."""
    count: int = conn.execute(
        select(func.count())
        .select_from(recovery_code)
        .where(recovery_code.c.login == login, recovery_code.c.used_at.is_(None))
    ).scalar_one()
    return count


def add_second_factor(
    request: LoginRequest, login: str, secret: str, code: str, token: str | None
) -> tuple[str, ...]:
    """Start to use the app that gave the code; return recovery codes to print, shown once.

    The person's other sessions end.

    Raises:
        UsageError: the code is wrong, or the account has a second factor already.
        StoreError: the key is missing or is another.
    """
    step = _matching_step(secret, code, request, after=-1)
    if step is None:
        raise UsageError("code_wrong")
    with request.store.begin() as conn:
        if has_second_factor(conn, login):
            raise UsageError("second_factor_exists")
        key = _open_key(conn, request.settings, create=True)
        row = {
            "login": login,
            "secret": key.fernet.encrypt(f"{login}\n{secret}".encode()).decode(),
            "key_id": key.id,
            "added_at": request.now,
            "last_step": step,
        }
        conn.execute(insert(second_factor).values(row))
        codes = replace_recovery_codes(conn, login)
        sessions.end_other_sessions(conn, login, token, request.now)
        record(conn, login, "add_second_factor", login)
    return codes


def remove_second_factor(conn: Connection, login: str) -> None:
    """Remove the second factor and its recovery codes; the caller records why."""
    for table in (second_factor, recovery_code):
        conn.execute(delete(table).where(table.c.login == login))


def use_code(conn: Connection, request: LoginRequest, login: str, code: str) -> str | None:
    """Use up a code; return "app" or "recovery" by its kind, None if it is wrong.

    A code of the app is not accepted again, nor is an earlier one.

    Raises:
        StoreError: the key is missing or is another.
    """
    typed = normalize_code(code)
    if typed.isdecimal() and len(typed) == _APP_DIGITS:
        return "app" if _use_app_code(conn, request, login, typed) else None
    # A recovery code that is unused; the condition lets it be used once, whoever else is typing it
    unused = update(recovery_code).where(
        recovery_code.c.login == login,
        recovery_code.c.code_sha256 == code_digest(login, code),
        recovery_code.c.used_at.is_(None),
    )
    if not conn.execute(unused.values(used_at=request.now)).rowcount:
        return None
    record(conn, login, "use_recovery_code", login)
    return "recovery"


def _use_app_code(conn: Connection, request: LoginRequest, login: str, code: str) -> bool:
    row = conn.execute(select(second_factor).where(second_factor.c.login == login)).one_or_none()
    if row is None:
        return False
    secret = _decrypt(_open_key(conn, request.settings), row.key_id, row.secret, login)
    step = _matching_step(secret, code, request, after=row.last_step)
    if step is None:
        return False
    later = (second_factor.c.login == login) & (second_factor.c.last_step < step)
    return bool(conn.execute(update(second_factor).where(later).values(last_step=step)).rowcount)


def _matching_step(secret: str, code: str, request: LoginRequest, after: int) -> int | None:
    """Return the time step later than `after` whose code this is, if any."""
    app, now = pyotp.TOTP(secret, interval=_STEP_SECONDS), int(request.now.timestamp())
    typed = normalize_code(code)
    for step in range(now // _STEP_SECONDS - 1, now // _STEP_SECONDS + 2):
        expected = app.at(step * _STEP_SECONDS)
        if step > after and hmac.compare_digest(expected.encode(), typed.encode()):
            return step
    return None


def replace_recovery_codes(conn: Connection, login: str) -> tuple[str, ...]:
    """Make new recovery codes, so that earlier ones are no longer accepted."""
    codes = tuple(make_code() for _ in range(RECOVERY_CODES))
    conn.execute(delete(recovery_code).where(recovery_code.c.login == login))
    conn.execute(
        insert(recovery_code),
        [{"login": login, "code_sha256": code_digest(login, code)} for code in codes],
    )
    return codes


def _decrypt(key: _Key, key_id: str, secret: str, login: str) -> str:
    """Return the secret of an account; one that was copied from another account is refused."""
    try:
        owner, _, text = key.fernet.decrypt(secret.encode()).decode().partition("\n")
    except InvalidToken:
        owner, text = "", ""
    if key.id != key_id or owner != login:
        raise StoreError("second_factor_key_wrong")
    return text


def _open_key(conn: Connection, settings: Settings, *, create: bool = False) -> _Key:
    """Return the key; make it for the first second factor.

    Raises:
        StoreError: there is no key although second factors exist, or it is not the one they were
            encrypted by, or its file cannot be read or made.
    """
    known = set(conn.execute(select(second_factor.c.key_id).distinct()).scalars())
    file = settings.second_factor_key or settings.workspace / "second-factor.key"
    try:
        if create and not known:
            _create_key(file)
        return _check_key(_read_key(file), known)
    except (OSError, ValueError) as error:
        raise StoreError("second_factor_key_missing", file=file) from error


def _check_key(key: _Key, known: Collection[str]) -> _Key:
    if known and key.id not in known:
        raise StoreError("second_factor_key_wrong")
    return key


def _create_key(file: Path) -> None:
    """Make a key that only the owner may read, unless there is one."""
    with suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(Fernet.generate_key())
            out.flush()
            os.fsync(out.fileno())


def _read_key(file: Path) -> _Key:
    content = file.read_bytes().strip()
    return _Key(Fernet(content), hashlib.sha256(content).hexdigest()[:16])
