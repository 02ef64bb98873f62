"""Where third-party data lies that is not part of the project: beside its folder, or where `EFTERSKRIFT_SHARED` says."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.settings import ROOT

SHARED = Path(os.environ.get("EFTERSKRIFT_SHARED", ROOT.parent / "shared"))
"""May be absent; whoever uses it says what is done without."""
