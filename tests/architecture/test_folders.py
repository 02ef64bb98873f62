"""Each folder answers a question of its own, and no two folders import each other."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from pipeline.domain.settings import ROOT
from research.figures.imports import mutual_pairs, sources, syntax_tree

LONGEST_LINE = 100
STILL_MUTUAL = Path(__file__).parent / "mutual_pairs.txt"
"""Pairs of folders that import each other today. The list only becomes shorter."""


def folder_lines() -> dict[str, str]:
    """What each folder of code says it is about: the first line of its `__init__.py`."""
    lines = {}
    for folder in {path.parent for path in sources("pipeline", "ui", "research")}:
        package = folder / "__init__.py"
        text = ast.get_docstring(syntax_tree(package)) if package.exists() else None
        lines[folder.relative_to(ROOT).as_posix()] = (text or "").partition("\n")[0]
    return lines


def test_each_folder_says_in_one_sentence_what_it_answers() -> None:
    unclear = {
        folder: line
        for folder, line in folder_lines().items()
        if not re.fullmatch(r".{15,}[.?]", line)
        or len(line) > LONGEST_LINE
        or re.search(r"[.?] [A-ZÅÄÖ]", line)
    }
    assert unclear == {}


def test_no_two_folders_answer_the_same_question() -> None:
    counts = Counter(folder_lines().values())
    assert [line for line, count in counts.items() if count > 1] == []


def test_no_two_folders_import_each_other() -> None:
    listed = {tuple(line.split()) for line in STILL_MUTUAL.read_text("utf-8").splitlines()}
    found = mutual_pairs()
    assert found - listed == set(), "New mutual pairs: move what both need below them."
    assert listed - found == set(), f"No longer mutual: remove them from {STILL_MUTUAL.name}."
