"""Files that are waiting to be fetched: whose they are, and that each is fetched once.

Streamlit serves a file at an address made of its content to the person who asks, and forgets it
minutes later. Every download is therefore made when its button is pressed (`data` is a function),
belongs to the session that pressed, and is deleted as soon as it is sent.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import PurePosixPath

from streamlit.runtime.media_file_manager import MediaFileManager


class Downloads:
    """The sessions that may fetch each file of a media file manager."""

    def __init__(self) -> None:
        self._waiting: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()
        self._manager: MediaFileManager | None = None

    def watch(self, manager: MediaFileManager) -> None:
        """Note from now on which session has each file made."""
        self._manager = manager
        make_file = manager.execute_deferred

        def make_file_of_session(file_id: str) -> str:
            entry = manager._deferred_callables.get(file_id)
            url = make_file(file_id)
            if entry is not None:
                self.add(url, entry["session_id"])
            return url

        manager.execute_deferred = make_file_of_session  # type: ignore[method-assign]

    def add(self, url: str, session_id: str) -> None:
        """Note that a session may fetch the file of this address, once more."""
        with self._lock:
            self._waiting.setdefault(file_id_of(url), Counter())[session_id] += 1

    def owners(self, path: str) -> set[str]:
        """Return the sessions that may fetch a file: that had it made, or show it."""
        file_id = file_id_of(path)
        with self._lock:
            owners = set(self._waiting.get(file_id, ()))
        if self._manager is not None:
            with self._manager._lock:
                shown = self._manager._files_by_session_and_coord
                owners |= {session for session, files in shown.items() if file_id in files.values()}
        return owners

    def finish(self, path: str, session_ids: set[str]) -> None:
        """Note that a file is being sent, and delete it unless a person still waits for it."""
        file_id = file_id_of(path)
        with self._lock:
            waiting = self._waiting.get(file_id)
            if waiting is None:
                return
            # Only counts above zero are kept: the person who has a count may fetch the file.
            fetched = next((session for session in session_ids if session in waiting), None)
            if fetched is not None:
                waiting[fetched] -= 1
                if waiting[fetched] == 0:
                    del waiting[fetched]
            if waiting:
                return
            del self._waiting[file_id]
        self._delete(file_id)

    def _delete(self, file_id: str) -> None:
        manager = self._manager
        if manager is None:
            return
        with manager._lock:
            if file_id in manager._file_metadata:
                manager._delete_file(file_id)


def file_id_of(path: str) -> str:
    """Return the id of a file from its address, `/media/<id>.<suffix>`."""
    return PurePosixPath(path).stem


DOWNLOADS = Downloads()
