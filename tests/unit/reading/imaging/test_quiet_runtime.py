"""The runtime of the networks tells its makers nothing: no queue, no id of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipeline.domain.settings import ROOT

OPEN = """
from pipeline.reading.fields.digits.reader import DIGIT_MODEL
from pipeline.reading.imaging.onnx_sessions import open_session
open_session(DIGIT_MODEL)
"""


def test_opening_a_network_leaves_nothing_at_home(tmp_path: Path) -> None:
    kept = {
        name: value
        for name, value in os.environ.items()
        # Builds of the runtime's makers are silent by themselves where these are set.
        if not name.startswith(("ORT_", "XDG_", "CI")) and name != "GITHUB_ACTIONS"
    }
    environment = kept | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", OPEN], env=environment, check=True)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
