"""The validator of E-ARK packages (PyPI `eark-validator`), with the vocabularies that it brings
instead of those that it would fetch from the web.
"""

from __future__ import annotations

import io
import urllib.request
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

import pytest


def findings(package: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the validator finds in a package's folder, by severity; raises if the structure cannot
    be read.
    """
    monkeypatch.setattr(urllib.request, "urlopen", _bundled)
    validator: Any = pytest.importorskip("eark_validator.packages")
    model: Any = pytest.importorskip("eark_validator.specifications.specification")
    report = validator.PackageValidator.validate(model.SpecificationVersion.V2_1_0, package)
    results = [*report.structure.messages]
    if report.metadata:
        results += [
            *report.metadata.schema_results.messages,
            *report.metadata.schematron_results.messages,
        ]
    found: dict[str, list[str]] = {}
    for result in results:
        found.setdefault(result.severity.value, []).append(
            f"{result.rule_id}: {result.message} {result.location}"
        )
    return found


def _bundled(uri: str) -> io.BytesIO:
    name = PurePosixPath(uri).name
    return io.BytesIO(
        (files("eark_validator") / "ipxml" / "resources" / "vocabs" / name).read_bytes()
    )
