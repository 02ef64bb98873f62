"""Third-party test data that is not part of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.preparation.practice.synthetic_handwriting import SHARED_FOLDER


def shared(*parts: str) -> Path:
    """A path in the shared data; skips the test where it is absent."""
    path = SHARED_FOLDER.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"third-party test data {'/'.join(parts)} is not here")
    return path
