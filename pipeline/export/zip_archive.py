"""Files in a ZIP archive whose bytes depend on nothing but the files and the moment."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from datetime import datetime

from pipeline.export.record_text import to_local_time

_READABLE_BY_OWNER = 0o600 << 16


def zip_files(files: Iterable[tuple[str, bytes]], made_at: datetime) -> bytes:
    """Return the archive with the files in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, to_local_time(made_at).timetuple()[:6])
            entry.external_attr = _READABLE_BY_OWNER
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
