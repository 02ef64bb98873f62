"""A small variant of the load: three people in a queue of some hundred entries. The large one is `python -m tests.load.at_work`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.serving import CHROMIUM
from tests.load.at_work import at_work

pytestmark = [pytest.mark.browser, pytest.mark.slow]

P95_MS = 5000
"""Generous: the machine that tests may be busy with other things."""


def test_people_at_work_never_meet_and_wait_little(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    measured = at_work(tmp_path, people=3, entries=300, browsers=1, saves=4, think_s=1.0)
    with capsys.disabled():
        print(f"\n{measured.table()}")
    assert len(measured.browsers) == 4
    assert measured.others
    assert measured.twice == 0
    assert max(measured.browsers) < P95_MS
