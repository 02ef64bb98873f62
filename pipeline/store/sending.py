"""One sender at a time, over all processes and machines of a store. Who is killed lets go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import text

from pipeline.errors import ExportError
from pipeline.store.database import Store
from pipeline.whole_file import held


@contextmanager
def only_sender(store: Store, target: str) -> Iterator[None]:
    """Hold the right to send to a target; it ends with the block or the process.

    Raises:
        ExportError: somebody else is sending to it now.
    """
    holding = _on_server(store, target) if store.engine.dialect.name == "postgresql" else _on_machine(store, target)
    with holding as is_held:
        if not is_held:
            raise ExportError("somebody_sending_system_already")
        yield


@contextmanager
def _on_server(store: Store, target: str) -> Iterator[bool]:
    """A lock of the session, on a connection of its own that is no transaction."""
    number = int.from_bytes(hashlib.sha256(f"sending {target}".encode()).digest()[:7])
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        is_held = bool(conn.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": number}).scalar_one())
        try:
            yield is_held
        finally:
            if is_held:
                conn.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": number})


def _on_machine(store: Store, target: str) -> AbstractContextManager[bool]:
    """SQLite serves one machine: a locked file in the workspace."""
    return held(store.images.folder.parent / f"sending-{target}.lock")
