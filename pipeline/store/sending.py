"""One sender at a time, over all processes and machines of a store. Who is killed lets go."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from pipeline.errors import ExportError
from pipeline.store.database import Store


@contextmanager
def only_sender(store: Store, target: str) -> Iterator[None]:
    """Hold the right to send to a target; it ends with the block or the process.

    Raises:
        ExportError: somebody else is sending to it now.
    """
    holding = _on_server(store, target) if store.engine.dialect.name == "postgresql" else _on_machine(store, target)
    with holding as held:
        if not held:
            raise ExportError("Somebody is sending to this system already.", "Wait until it is done, then send what is left.")
        yield


@contextmanager
def _on_server(store: Store, target: str) -> Iterator[bool]:
    """A lock of the session, on a connection of its own that is no transaction."""
    number = int.from_bytes(hashlib.sha256(f"sending {target}".encode()).digest()[:7])
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        held = bool(conn.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": number}).scalar_one())
        try:
            yield held
        finally:
            if held:
                conn.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": number})


@contextmanager
def _on_machine(store: Store, target: str) -> Iterator[bool]:
    """SQLite serves one machine: a locked file in the workspace."""
    place = store.images.folder.parent / f"sending-{target}.lock"
    with place.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
