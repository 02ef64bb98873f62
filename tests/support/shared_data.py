"""Third-party test data that is not part of the project.

Tests that need it are marked `shared`: they run by themselves, after all others, where it is there.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.preparation.practice.synthetic_handwriting import SHARED_FOLDER

is_marked = True
"""Whether the running test is marked `shared`; set before each test."""


def shared(*parts: str) -> Path:
    """A path in the shared data; skips a marked test where it is absent, fails any other."""
    if not is_marked:
        pytest.fail("A test that needs third-party data is marked `shared`.")
    path = SHARED_FOLDER.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"third-party test data {'/'.join(parts)} is not here")
    return path
