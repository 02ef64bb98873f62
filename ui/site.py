"""What the screens work with: one workspace, opened once for all sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import streamlit as st

from pipeline.form_library import FormLibrary
from pipeline.settings import Settings, load_settings
from pipeline.store.database import Store, open_store
from pipeline.template import Forms


class HasStore(Protocol):
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
class Site:
    """One workspace: its settings, its store and its forms."""

    settings: Settings
    store: Store
    forms: Forms


def open_site() -> Site:
    """The workspace that `EFTERSKRIFT_WORKSPACE` names.

    Raises:
        UsageError: the settings are wrong.
        StoreError: there is no store, or it cannot be opened.
    """
    settings = load_settings()
    store, library = _opened(settings.model_dump_json(), settings)
    return Site(settings, store, library.forms())


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(key: str, _settings: Settings) -> tuple[Store, FormLibrary]:
    del key
    return open_store(_settings), FormLibrary(_settings)
