"""Random samples that cannot be steered and can be verified: a keyed hash of the item decides.

The same key and item always give the same result, so that the holder of the key can prove
afterwards that the sample was drawn correctly.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

_BYTES = 8


def new_sampling_key() -> str:
    """Make a secret key, as hexadecimal text."""
    return secrets.token_hex(32)


def keyed_fraction(key: str, *item: str) -> float:
    """Return a number from 0 up to 1, evenly distributed over all items (HMAC-SHA-256)."""
    digest = hmac.new(bytes.fromhex(key), "\x1f".join(item).encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:_BYTES]) / float(1 << (8 * _BYTES))


def is_drawn(key: str, share: float, *item: str) -> bool:
    """Whether an item is in the sample, which is a `share` of all."""
    return keyed_fraction(key, *item) < share
