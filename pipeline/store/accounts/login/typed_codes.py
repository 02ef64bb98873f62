"""Make, normalize and digest the codes that a person reads from paper or is told, and types."""

from __future__ import annotations

import hashlib
import secrets

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
