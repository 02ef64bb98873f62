"""Draw samples by the workspace's key, such as fields to rekey; its key of forms without paper.

Samples cannot be steered and can be verified: a keyed hash of the item decides. The same key and
item always give the same result, so that the holder of the key can prove afterwards that the sample
was drawn correctly.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, select

from pipeline.store.database.engines import insert_missing
from pipeline.store.schema.review import control_key

_BYTES = 8


def keyed_fraction(key: str, *item: str) -> float:
    """Return a number from 0 up to 1, evenly distributed over all items (HMAC-SHA-256)."""
    digest = hmac.new(bytes.fromhex(key), "\x1f".join(item).encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:_BYTES]) / float(1 << (8 * _BYTES))


def is_drawn(key: str, share: float, *item: str) -> bool:
    """Whether an item is in the sample, which is a `share` of all."""
    return keyed_fraction(key, *item) < share


REKEYING_SHARE_OPTION = "efterskrift_control_share"
"""Connection option with the share (0 to 1) of confirmed fields to rekey; set by `open_store`."""


def rekeying_share(conn: Connection) -> float:
    """Return the share (0 to 1) of confirmed fields to rekey."""
    return float(conn.get_execution_options().get(REKEYING_SHARE_OPTION, 0.0))


def sampling_key(conn: Connection) -> str:
    """Return the key, which is created at the first call and never changes."""
    query = select(control_key.c.secret).where(control_key.c.id == 1)
    secret = conn.execute(query).scalar_one_or_none()
    if secret is None:
        # Another process may create it at the same time; the first one counts
        insert_missing(conn, control_key, [{"id": 1, "secret": secrets.token_hex(32)}])
        secret = conn.execute(query).scalar_one()
    return str(secret)


def digital_form_secret(conn: Connection) -> str:
    """Return the secret that the keys of forms without paper are made from; it never changes."""
    return hmac.new(sampling_key(conn).encode(), b"digital forms", hashlib.sha256).hexdigest()
