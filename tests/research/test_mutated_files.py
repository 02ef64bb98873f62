"""Mutated files end in pages or problems, and the same seed gives the same files."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from research.robustness.mutated_files import measure
from research.robustness.mutations import mutate_bytes, mutations, seed_files

pytestmark = pytest.mark.slow


def test_mutated_files_are_all_accounted_for(tmp_path: Path) -> None:
    findings = measure(12, 3, tmp_path / "kept")
    assert findings.is_good, findings.describe()
    assert findings.files == 12
    assert findings.pages >= 12


def test_each_kind_of_file_is_mutated_and_by_its_seed() -> None:
    for name, data in seed_files().items():
        mutate = mutations().get(Path(name).suffix, mutate_bytes)
        changed = [mutate(data, Random(seed)) for seed in range(8)]
        assert any(each != data for each in changed), name
        if not name.endswith(".pdf"):  # a PDF is written with the time
            assert changed == [mutate(data, Random(seed)) for seed in range(8)], name
