"""What the archives of RIVTA runs hold: their documents in order, and the manifest."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from lxml import etree

from pipeline.export.rivta.run_archive import MANIFEST_NAME


def rivta_files(data: bytes) -> dict[str, bytes]:
    """The documents by name, in the archive's order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != MANIFEST_NAME}


def rivta_text(data: bytes) -> str:
    """All documents as text, in the archive's order."""
    return b"".join(rivta_files(data).values()).decode()


def rivta_documents(data: bytes) -> list[etree._Element]:
    """The documents in the archive's order."""
    return [etree.fromstring(content) for content in rivta_files(data).values()]


def rivta_document(data: bytes) -> etree._Element:
    """The only document."""
    (document,) = rivta_documents(data)
    return document


def rivta_manifest(data: bytes) -> dict[str, Any]:
    """The manifest."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST_NAME))
    return manifest
