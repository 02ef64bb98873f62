"""What the server loads before the first person comes is out of the garbage collector's sight."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.domain.settings import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.patient]

_ASK = """
import gc, sys, time
import ui.start.server
ui.start.server.preload()
frozen = gc.get_freeze_count()
begun = time.process_time(); gc.collect(); ours = time.process_time() - begun
gc.unfreeze()
begun = time.process_time(); gc.collect(); all_of_it = time.process_time() - begun
screens = sum(name.startswith("ui.screens.") for name in sys.modules)
print(frozen, screens, ours < all_of_it / 3)
"""


def test_a_collection_passes_over_what_the_server_has_loaded(tmp_path: Path) -> None:
    """Without a workspace, too: that it is missing is told to the person who comes."""
    environment = os.environ | {"EFTERSKRIFT_WORKSPACE": str(tmp_path)}
    asked = subprocess.run(
        [sys.executable, "-c", _ASK],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    frozen, screens, is_quicker = asked.stdout.split()
    assert int(frozen) > 50_000
    assert int(screens) == len(list((ROOT / "ui" / "screens").rglob("*.py"))) - 1
    assert is_quicker == "True"
