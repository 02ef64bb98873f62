"""Four people in one queue of 2,000 entries: nobody gets another's entry, and nobody waits for
ever. `tests.load.at_work` measures many more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.support.serving import CHROMIUM
from tests.load.at_work import at_work
from tests.support.store.databases import BOTH, new_database, postgres_server

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timed, pytest.mark.both_databases]

SAVES = 3
LONGEST_MS = 8_000
"""Generous: the machine that tests may be busy with other things."""


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """SQLite in the workspace, or a new PostgreSQL database."""
    if request.param == "sqlite":
        yield ""
        return
    with new_database(postgres_server()) as url:
        yield url


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
def test_nobody_decides_what_another_has_and_everybody_gets_on(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", database_url)
    measured = at_work(
        tmp_path, people=4, entries=2_000, browsers=1, saves=SAVES, think_s=0.7, least=SAVES
    )
    assert measured.twice == 0
    assert len(measured.browsers) == SAVES
    assert measured.fewest >= SAVES
    assert max(measured.browsers + measured.others) < LONGEST_MS
