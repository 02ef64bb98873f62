"""One sender at a time to each target, over all processes and machines of a store.

The lock ends with the process that holds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import text

from pipeline.domain.errors import ExportError
from pipeline.files.atomic import hold_lock
from pipeline.store.database.store import Store


@contextmanager
def sender_lock(store: Store, target: str) -> Iterator[None]:
    """Hold the right to send to a target until the block or the process ends.

    Raises:
        ExportError: another process is sending to it now.
    """
    lock = (
        _lock_on_server(store, target)
        if store.engine.dialect.name == "postgresql"
        else _lock_on_machine(store, target)
    )
    with lock as is_held:
        if not is_held:
            raise ExportError("somebody_sending_system_already")
        yield


@contextmanager
def _lock_on_server(store: Store, target: str) -> Iterator[bool]:
    """Try to lock on a PostgreSQL server; yield whether it succeeded.

    It is a lock of the session, on a connection of its own outside any transaction.
    """
    # PostgreSQL's locks are numbers: seven bytes of the digest fit a bigint
    number = int.from_bytes(hashlib.sha256(f"sending {target}".encode()).digest()[:7])
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        is_held = bool(
            conn.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": number}).scalar_one()
        )
        try:
            yield is_held
        finally:
            if is_held:
                conn.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": number})


def _lock_on_machine(store: Store, target: str) -> AbstractContextManager[bool]:
    """Try to lock a file beside the database, since SQLite serves one machine."""
    return hold_lock(Path(str(store.engine.url.database)).parent / f"sending-{target}.lock")
