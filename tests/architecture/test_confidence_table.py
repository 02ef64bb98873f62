"""Thresholds of probability are in one table, each with its source and test set, and nowhere as
bare numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pipeline.domain.form import confidence
from pipeline.domain.settings import ROOT

RESEARCH = ("research/evaluation/", "research/training/")
ENDINGS = ("_FROM", "_BELOW", "_MAX_P", "_FROM_BY_KIND")


def _thresholds() -> Iterator[tuple[str, str]]:
    """Name and description of each."""
    body = ast.parse(Path(confidence.__file__).read_text("utf-8")).body
    for statement, following in pairwise(body):
        targets = (
            [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else statement.targets
            if isinstance(statement, ast.Assign)
            else []
        )
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        description = ""
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            description = str(following.value.value)
        yield from ((name, description) for name in names if name.endswith(ENDINGS))


def test_each_threshold_says_what_it_decides_and_how_it_was_chosen() -> None:
    thresholds = dict(_thresholds())
    assert len(thresholds) > 20
    assert [
        name
        for name, text in thresholds.items()
        if "\nSource: " not in text or "Test set: " not in text
    ] == []


def test_thresholds_are_probabilities() -> None:
    values = [getattr(confidence, name) for name, _ in _thresholds()]
    assert all(
        0 < p < 1
        for value in values
        for p in ([value] if isinstance(value, float) else value.values())
    )


def _bare(path: Path) -> list[int]:
    """The lines where a probability is compared with a number."""
    compared = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Compare)
    ]
    return [
        node.lineno
        for node in compared
        if any(map(_is_p, (node.left, *node.comparators))) and any(map(_is_share, node.comparators))
    ]


def _is_p(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "p") or (
        isinstance(node, ast.Attribute) and node.attr == "p"
    )


def _is_share(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value < 1


def test_no_probability_is_compared_with_a_bare_number() -> None:
    files = [
        path for folder in ("pipeline", "ui") for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    named = {path.relative_to(ROOT).as_posix(): lines for path in files if (lines := _bare(path))}
    assert {name: lines for name, lines in named.items() if not name.startswith(RESEARCH)} == {}
