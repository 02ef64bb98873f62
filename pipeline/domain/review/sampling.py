"""Drawing lots that nobody can steer and everybody can check: a keyed hash of what is drawn
decides, not a person and not the moment.

The same key and the same thing always give the same lot, so that whoever holds the key can show
afterwards that the draw was right.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

_BYTES = 8


def new_sampling_key() -> str:
    """A secret key, as hexadecimal text."""
    return secrets.token_hex(32)


def keyed_fraction(key: str, *what: str) -> float:
    """A number from 0 up to 1, spread evenly over all that can be drawn (HMAC-SHA-256)."""
    digest = hmac.new(bytes.fromhex(key), "\x1f".join(what).encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:_BYTES]) / float(1 << (8 * _BYTES))


def is_drawn(key: str, share: float, *what: str) -> bool:
    """Whether this is among the `share` that is drawn."""
    return keyed_fraction(key, *what) < share
