"""The workspace's key and share for drawing fields to rekey, and its key of forms without paper."""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import Connection, select

from pipeline.domain.review.sampling import new_sampling_key
from pipeline.store.database.engines import insert_missing
from pipeline.store.schema.review import control_key

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
        insert_missing(conn, control_key, [{"id": 1, "secret": new_sampling_key()}])
        secret = conn.execute(query).scalar_one()
    return str(secret)


def digital_form_secret(conn: Connection) -> str:
    """Return the secret that the keys of forms without paper are made from; it never changes."""
    return hmac.new(sampling_key(conn).encode(), b"digital forms", hashlib.sha256).hexdigest()
