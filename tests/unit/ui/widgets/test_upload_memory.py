"""The memory of an upload is given back once no widget has it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from ui.access import upload_memory as uploads


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> MemoryUploadedFileManager:
    """Streamlit's memory of uploads, with a session that is running."""
    memory = MemoryUploadedFileManager("/upload")
    run = SimpleNamespace(session_id="session", uploaded_file_mgr=memory)
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: run)
    return memory


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The session's state."""
    values: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", values)
    return values


def upload(manager: MemoryUploadedFileManager, file_id: str) -> UploadedFile:
    """A file that has arrived."""
    record = UploadedFileRec(file_id, "bunt.pdf", "application/pdf", b"%PDF")
    manager.add_file("session", record)
    return UploadedFile(record, FileURLs(file_id=file_id))


def held(manager: MemoryUploadedFileManager) -> set[str]:
    return {file.file_id for file in manager.get_files("session", ["old", "new"])}


def test_what_no_widget_has_any_longer_is_given_back(
    manager: MemoryUploadedFileManager, state: dict[str, Any]
) -> None:
    state["upload_0"] = [upload(manager, "old")]
    uploads.release_unused_uploads()
    upload(manager, "new")  # has arrived, and no widget knows of it yet
    assert held(manager) == {"old", "new"}
    state["upload_0"] = []
    uploads.release_unused_uploads()
    assert held(manager) == {"new"}


def test_what_was_taken_in_is_given_back_at_once(
    manager: MemoryUploadedFileManager, state: dict[str, Any]
) -> None:
    del state
    uploads.release_uploads([upload(manager, "old")])
    assert held(manager) == set()
