"""Tests that `scripts/test` would leave out unseen."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_what_lies_in_the_folder_of_browsers_says_that_it_needs_one() -> None:
    """They are chosen by this mark: two without it were never run."""
    files = sorted((TESTS / "browser").rglob("test_*.py"))
    assert [path for path in files if "pytest.mark.browser" not in path.read_text("utf-8")] == []
