"""How large each feature of the runtime is, and how large the whole may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from pipeline.domain.settings import ROOT
from research.figures.imports import RUNTIME, syntax_tree

ARCHITECTURE = ROOT / "ARCHITECTURE.md"
_TABLE = re.compile(r"(?<=<!-- features -->\n).*?(?=<!-- /features -->)", re.DOTALL)
_GROWTH = re.compile(r"<!-- growth -->\n(.*?)<!-- /growth -->", re.DOTALL)


@dataclass(frozen=True)
class Feature:
    """A part of the runtime that a person asked for: its files begin with one of `paths`."""

    name: str
    users: str
    paths: tuple[str, ...]
    statements: int = 0
    script_lines: int = 0


@cache
def _definition() -> tuple[int, tuple[Feature, ...]]:
    document = yaml.safe_load((Path(__file__).parent / "features.yaml").read_text("utf-8"))
    return document["budget"], tuple(
        Feature(row["feature"], row["for"], tuple(row["paths"])) for row in document["features"]
    )


def runtime_files() -> list[Path]:
    """The Python, JavaScript and CSS files of the runtime."""
    return [
        path
        for top in RUNTIME
        for path in sorted((ROOT / top).rglob("*"))
        if path.suffix in (".py", ".js", ".css") and "node_modules" not in path.parts
    ]


def feature_of(path: Path) -> str | None:
    """The feature that a file belongs to."""
    name = path.relative_to(ROOT).as_posix()
    fitting = [
        (len(prefix), feature.name)
        for feature in _definition()[1]
        for prefix in feature.paths
        if name == prefix or name.startswith(f"{prefix}/")
    ]
    return max(fitting)[1] if fitting else None


def measured_features() -> list[Feature]:
    """All features with the size that they have now, the largest first."""
    statements: dict[str | None, int] = {}
    lines: dict[str | None, int] = {}
    for path in runtime_files():
        name = feature_of(path)
        if path.suffix == ".py":
            count = sum(isinstance(node, ast.stmt) for node in ast.walk(syntax_tree(path)))
            statements[name] = statements.get(name, 0) + count
        else:
            lines[name] = lines.get(name, 0) + len(path.read_text("utf-8").splitlines())
    measured = [
        replace(
            feature,
            statements=statements.get(feature.name, 0),
            script_lines=lines.get(feature.name, 0),
        )
        for feature in _definition()[1]
    ]
    return sorted(measured, key=lambda feature: -feature.statements)


def stale_paths() -> list[str]:
    """The paths of the definition that do not exist."""
    return [
        path for feature in _definition()[1] for path in feature.paths if not (ROOT / path).exists()
    ]


def feature_table(features: Iterable[Feature]) -> str:
    """The table of features as Markdown, with the sum in its last row."""
    rows = list(features)
    lines = [
        "| feature | for | statements | lines of JavaScript and CSS |",
        "|---|---|--:|--:|",
        *(
            f"| {row.name} | {row.users} | {row.statements:,} | {row.script_lines or ''} |"
            for row in rows
        ),
        f"| **sum** | | **{sum(row.statements for row in rows):,}** "
        f"| **{sum(row.script_lines for row in rows):,}** |",
    ]
    return "\n".join(lines) + "\n"


def documented_sums() -> tuple[int, int]:
    """Statements and lines of scripts in the last row of the table in ARCHITECTURE.md."""
    table = _TABLE.search(ARCHITECTURE.read_text("utf-8"))
    assert table, "ARCHITECTURE.md has no table of features"
    statements, lines = re.findall(r"\*\*([\d,]+)\*\*", table[0].splitlines()[-1])
    return int(statements.replace(",", "")), int(lines.replace(",", ""))


def allowed_statements() -> int:
    """The budget and what the table "Growth" in ARCHITECTURE.md adds to it."""
    table = _GROWTH.search(ARCHITECTURE.read_text("utf-8"))
    assert table, "ARCHITECTURE.md has no table of growth"
    added = re.findall(r"^\| ([+-]\d+) \|", table[1], re.MULTILINE)
    return _definition()[0] + sum(map(int, added))


def write_feature_table() -> None:
    """Write the table of features into ARCHITECTURE.md."""
    text = ARCHITECTURE.read_text("utf-8")
    table = feature_table(measured_features())
    ARCHITECTURE.write_text(_TABLE.sub(lambda _: table, text), "utf-8")
