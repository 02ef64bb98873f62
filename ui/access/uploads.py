"""How much a person may upload, and how much of it is held in memory at a time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from streamlit.runtime import get_instance

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings

_MEGABYTE = 1024 * 1024
_LIST_MB = 20
"""Largest list (staff, plan, receipts) of a role that scans no paper."""
_ENVELOPE_BYTES = 64 * 1024
"""What the request around a file adds to its size."""
_PAPER_ACTIONS = (Action.SCAN, Action.MAKE_FORMS)
_LIST_ACTIONS = (Action.PACK, Action.RECEIPT, Action.FOLLOW_UP)


def file_limit(settings: Settings, person: Person) -> int:
    """Return the largest file that this person's role may upload, in bytes; 0: none at all."""
    if any(is_allowed(person, action) for action in _PAPER_ACTIONS):
        return settings.upload_mb * _MEGABYTE
    if any(is_allowed(person, action) for action in _LIST_ACTIONS):
        return min(settings.upload_mb, _LIST_MB) * _MEGABYTE
    return 0


def session_limit(settings: Settings) -> int:
    """Return how many bytes of uploads one login may hold at a time, in all its windows."""
    return settings.upload_session_mb * _MEGABYTE


def held_bytes(session_ids: Iterable[str]) -> int:
    """Return the size of the files that these Streamlit sessions hold in memory."""
    storage = get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    files = (storage.get(session_id, {}) for session_id in session_ids)
    return sum(len(file.data) for held in files for file in list(held.values()))


def exceeds(length: int, limit: int) -> bool:
    """Return whether a request of this length carries a file above the limit."""
    return length > limit + _ENVELOPE_BYTES


class Reservations:
    """Uploads that are on their way, by login: several at once must not pass the limit together."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def reserve(
        self, login: str, length: int, held: Callable[[], int], limit: int
    ) -> Iterator[bool]:
        """Reserve room for one upload while the block runs; False: there is none."""
        with self._lock:
            is_room = not exceeds(held() + self._bytes[login] + length, limit)
            if is_room:
                self._bytes[login] += length
        try:
            yield is_room
        finally:
            if is_room:
                with self._lock:
                    self._bytes[login] -= length
                    if self._bytes[login] <= 0:
                        del self._bytes[login]


RESERVATIONS = Reservations()
