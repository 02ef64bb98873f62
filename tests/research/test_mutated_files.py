"""Mutated files end in pages or problems, and the same seed gives the same files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from research.robustness.mutations import mutate_bytes, mutations, seed_files

pytestmark = pytest.mark.slow


def test_mutated_files_are_all_accounted_for(tmp_path: Path) -> None:
    # In a process of its own: the peak memory of children counts every child of a process.
    command = [sys.executable, "-m", "research.robustness.mutated_files"]
    kept = tmp_path / "kept"
    options = ["--files", "12", "--seed", "3", "--keep", str(kept)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("12 files, ")
    assert not kept.exists()


def test_each_kind_of_file_is_mutated_and_by_its_seed() -> None:
    for name, data in seed_files().items():
        mutate = mutations().get(Path(name).suffix, mutate_bytes)
        changed = [mutate(data, Random(seed)) for seed in range(8)]
        assert any(each != data for each in changed), name
        if not name.endswith(".pdf"):  # a PDF is written with the time
            assert changed == [mutate(data, Random(seed)) for seed in range(8)], name
