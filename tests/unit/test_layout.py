"""The layout shows the architecture: who may import what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pipeline.settings import ROOT

PIPELINE = sorted((ROOT / "pipeline").rglob("*.py"))
UI = sorted((ROOT / "ui").rglob("*.py"))
NOUNS = {"model", "errors", "field_spec", "norm_spec", "page_spec", "template"}


@cache
def _statements(path: Path) -> list[ast.AST]:
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Import | ast.ImportFrom)]


def _imported(path: Path) -> Iterator[str]:
    for node in _statements(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _users(module: str, paths: list[Path]) -> list[str]:
    return [_name(path) for path in paths if any(name.split(".")[0] == module for name in _imported(path))]


def test_streamlit_stays_in_ui() -> None:
    assert _users("streamlit", PIPELINE) == []


def test_sql_stays_in_the_store() -> None:
    outside = [path for path in PIPELINE + UI if "pipeline/store/" not in _name(path) and path.name != "worker.py"]
    assert {(_name(path), name) for path in outside for name in _from_sqlalchemy(path)} == set()


def _from_sqlalchemy(path: Path) -> set[str]:
    """What a module takes from SQLAlchemy, apart from the type of the connection that it hands on."""
    nodes = [node for node in _statements(path) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in nodes if (node.module or "").startswith("sqlalchemy") for alias in node.names} - {"Connection"}


def test_the_engine_stays_in_the_worker() -> None:
    assert _users("dbos", PIPELINE + UI) == ["pipeline/worker.py"]


def test_the_pipeline_does_not_know_the_ui() -> None:
    outside = [path for path in PIPELINE if "pipeline/cli/" not in _name(path)]
    assert _users("ui", outside) == []


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_nouns_import_only_nouns(noun: str) -> None:
    ours = {name for name in _imported(ROOT / "pipeline" / f"{noun}.py") if name.startswith("pipeline.")}
    assert ours <= {f"pipeline.{other}" for other in NOUNS - {noun}}


def test_the_steps_of_reading_know_no_database() -> None:
    steps = [ROOT / "pipeline" / name for name in ("scan.py", "identify.py", "register.py", "digitize.py")]
    steps += sorted((ROOT / "pipeline" / "recognize").glob("*.py")) + sorted((ROOT / "pipeline" / "resolve").glob("*.py"))
    assert [_name(path) for path in steps if any(name.startswith("pipeline.store") for name in _imported(path))] == []


def test_modules_are_small() -> None:
    assert [_name(path) for path in PIPELINE + UI if len(path.read_text("utf-8").splitlines()) > 400] == []


@pytest.mark.parametrize("network", sorted((ROOT / "data" / "models").glob("*.onnx")), ids=lambda path: path.name)
def test_a_network_quotes_no_path_of_the_machine_that_trained_it(network: Path) -> None:
    assert not re.search(rb"site-packages|\.py\b", network.read_bytes())
