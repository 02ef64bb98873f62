"""What the screens work with: one workspace, opened once for all sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import streamlit as st

from pipeline.domain.form.form import Forms
from pipeline.domain.settings import Settings, load_settings
from pipeline.forms.library import FormLibrary
from pipeline.store.database.migrations.history import require_head
from pipeline.store.database.store import Store, open_store


class StoreContext(Protocol):
    """A workspace, as `Site`, or what an office of it works with."""

    @property
    def store(self) -> Store:
        """Its store."""
        ...

    @property
    def settings(self) -> Settings:
        """Its settings."""
        ...


@dataclass(frozen=True)
class AppContext:
    """One workspace: its settings, its store and its forms."""

    settings: Settings
    store: Store
    forms: Forms


def open_app_context() -> AppContext:
    """The workspace that `EFTERSKRIFT_WORKSPACE` names.

    Raises:
        UsageError: the settings are wrong.
        StoreError: there is no store, or it cannot be opened.
        SchemaMismatchError: it is of another version, or was upgraded while this one serves.
    """
    settings = load_settings()
    key = settings.model_dump_json()
    store, library = _open_cached(key, settings)
    _check_schema(key, store)
    return AppContext(settings, store, library.forms())


@st.cache_resource(max_entries=4, show_spinner=False)
def _open_cached(key: str, _settings: Settings) -> tuple[Store, FormLibrary]:
    del key
    return open_store(_settings), FormLibrary(_settings)


@st.cache_data(ttl=10, max_entries=4, show_spinner=False)
def _check_schema(key: str, _store: Store) -> None:
    """Check now and then that nobody has upgraded the store under this version of the program."""
    del key
    with _store.read() as conn:
        require_head(conn, _store.name)
