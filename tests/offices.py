"""The fixture `office`, for modules that say `pytest_plugins = ("tests.databases", "tests.offices")`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.export.runs import Office
from pipeline.settings import Settings
from tests.export_office import open_office


@pytest.fixture
def office(store_settings: Settings) -> Iterator[Office]:
    """An office to export from, on each kind of database."""
    opened = open_office(store_settings)
    yield opened
    opened.store.close()
