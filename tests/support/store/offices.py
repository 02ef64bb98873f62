"""The fixture `office`, for modules that say `pytest_plugins = ("tests.support.store.databases",
"tests.support.store.offices")`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext
from tests.support.store.export_office import open_office


@pytest.fixture
def office(store_settings: Settings) -> Iterator[ExportContext]:
    """An office to export from, on each kind of database."""
    opened = open_office(store_settings)
    yield opened
    opened.store.close()
