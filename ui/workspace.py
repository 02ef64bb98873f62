"""The workspace that the screens use, opened once for all sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import streamlit as st

from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings, load_settings
from pipeline.forms.library import FormLibrary
from pipeline.review.session import Review
from pipeline.store.database.history import require_head
from pipeline.store.database.store import Store, open_store

Kind = TypeVar("Kind", bound=Review)


class StoreContext(Protocol):
    """What has a store and settings: the `AppContext`, or an `ExportContext` of it."""

    @property
    def store(self) -> Store:
        """The store."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings."""
        ...


@dataclass(frozen=True)
class AppContext:
    """One workspace: its settings, its store and its forms."""

    settings: Settings
    store: Store
    forms: Forms

    def form_titles(self) -> dict[str, str]:
        """Return the title of each form by its id."""
        return {form_id: form.title for (form_id, _), form in self.forms.items()}

    def work(self, kind: type[Kind], person: Person) -> Kind:
        """Return a person's work of one kind, for example the review of entries or signing."""
        return kind(self.store, self.forms, self.settings, person)


def open_app_context() -> AppContext:
    """Return the workspace that `EFTERSKRIFT_WORKSPACE` names.

    Raises:
        UsageError: the settings are invalid.
        StoreError: there is no store, or it cannot be opened.
        SchemaMismatchError: its schema is of another version, or was upgraded while this one runs.
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
    """Check every 10 seconds that the schema has not been upgraded under this version."""
    del key
    _store.query(require_head, _store.name)
