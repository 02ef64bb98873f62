"""Documents, docstrings, comments and texts use standard words; commits say what is done."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.domain.settings import ROOT
from research.figures import wording

MOST_IDIOMS = 1.0
"""Idioms of `research/figures/plain_words.yaml` per 1,000 words that are allowed."""


@pytest.mark.parametrize("kind", wording.KINDS)
def test_standard_words_are_used(kind: str) -> None:
    assert wording.idioms_per_1000(kind) <= MOST_IDIOMS, wording.worst_files(kind)[:10]


def test_each_idiom_is_found_with_its_plain_words() -> None:
    assert wording.idioms("It is told of whoever reads.") == [
        ("is told", "is flagged, reported, shown as a warning"),
        ("whoever", "the reviewer, the user, the administrator"),
    ]


@pytest.mark.parametrize(
    ("subject", "is_good"),
    [
        ("Reject frames before login", True),
        ("Merge branch 'exports'", True),
        ("Say which page failed", False),
        ("Tell of each page", False),
        ("Let a page fail alone", False),
        ("Added a page check", False),
        ("Adding a page check", False),
        ("adds a page check", False),
        ("Reject frames before login.", False),
        ("Reject " + "x" * 66, False),
    ],
)
def test_subjects_of_commits_are_checked(tmp_path: Path, subject: str, is_good: bool) -> None:
    message = tmp_path / "message"
    message.write_text(f"{subject}\n\nWhy.\n", "utf-8")
    checked = subprocess.run(
        [ROOT / "scripts" / "commit-subject", message], capture_output=True, check=False
    )
    assert (checked.returncode == 0) == is_good
