"""One sender at a time, over all processes and machines of a store. Who is killed lets go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import text

from pipeline.domain.errors import ExportError
from pipeline.files.atomic import hold_lock
from pipeline.store.database.store import Store


@contextmanager
def sender_lock(store: Store, target: str) -> Iterator[None]:
    """Hold the right to send to a target; it ends with the block or the process.

    Raises:
        ExportError: somebody else is sending to it now.
    """
    holding = (
        _lock_on_server(store, target)
        if store.engine.dialect.name == "postgresql"
        else _lock_on_machine(store, target)
    )
    with holding as is_held:
        if not is_held:
            raise ExportError("somebody_sending_system_already")
        yield


@contextmanager
def _lock_on_server(store: Store, target: str) -> Iterator[bool]:
    """A lock of the session, on a connection of its own that is no transaction."""
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
    """SQLite serves one machine: a locked file in the workspace."""
    return hold_lock(store.images.folder.parent / f"sending-{target}.lock")
