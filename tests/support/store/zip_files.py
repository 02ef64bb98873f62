"""The files of a ZIP archive by name, for tests."""

from __future__ import annotations

import io
import zipfile


def unzip(data: bytes) -> dict[str, bytes]:
    """Every file of the archive, in its order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
