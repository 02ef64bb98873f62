"""The memory of uploads, which Streamlit keeps until a session ends: given back after their use."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner_utils.script_run_context import (
    ScriptRunContext,
    get_script_run_ctx,
)
from streamlit.runtime.uploaded_file_manager import UploadedFile

_SEEN_KEY = "uploads_seen"


def release_unused_uploads() -> None:
    """Give back the uploads that a widget had in an earlier run and none has any longer.

    One that has only just arrived is in no widget yet: the browser names it in its next message.
    """
    run = get_script_run_ctx()
    if run is None:
        return
    used = {file.file_id for file in _uploads_in_use()}
    for file_id in st.session_state.get(_SEEN_KEY, set()) - used:
        _forget(run, file_id)
    st.session_state[_SEEN_KEY] = used


def release_uploads(files: list[UploadedFile]) -> None:
    """Give back uploads whose content has been imported."""
    run = get_script_run_ctx()
    if run is None:
        return
    for file in files:
        _forget(run, file.file_id)
        file.close()


def _forget(run: ScriptRunContext, file_id: str) -> None:
    manager = run.uploaded_file_mgr
    if isinstance(manager, MemoryUploadedFileManager):
        manager.remove_file(run.session_id, file_id)


def _uploads_in_use() -> Iterator[UploadedFile]:
    for key in list(st.session_state):
        value = st.session_state[key]
        yield from (
            part
            for part in (value if isinstance(value, list) else [value])
            if isinstance(part, UploadedFile)
        )
