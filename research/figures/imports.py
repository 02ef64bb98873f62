"""Which module of the program imports which, and the folders that import each other."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

from pipeline.domain.settings import ROOT

RUNTIME = ("pipeline", "ui")
MANY_ENTRIES = 20
"""A folder with more entries is listed: it may answer more than one question."""
MANY_LINES = 450
"""A file with more lines is listed: it is split by subject before a line is added."""


def sources(*tops: str) -> list[Path]:
    """All Python files of the given top folders."""
    return [path for top in tops for path in sorted((ROOT / top).rglob("*.py"))]


@cache
def syntax_tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"))


def module_paths() -> dict[str, Path]:
    """The file of each module of the program."""
    names = {}
    for path in sources(*RUNTIME):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if path.name == "__init__.py" else parts)] = path
    return names


@cache
def import_graph() -> dict[str, set[str]]:
    """The modules that each module imports, also those that it imports inside a function."""
    paths = module_paths()
    return {module: _imported(path, paths) - {module} for module, path in paths.items()}


def _imported(path: Path, modules: dict[str, Path]) -> set[str]:
    found = set()
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules.keys()
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found |= {inner if inner in modules else node.module} & modules.keys()
    return found


def closure(module: str) -> set[str]:
    """All modules that are loaded with a module, and the module itself."""
    graph = import_graph()
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph[name]
    return reached


def mutual_pairs() -> set[tuple[str, str]]:
    """The pairs of folders of which each imports the other, as modules in alphabetical order."""
    paths = module_paths()
    folder = {
        module: module if path.name == "__init__.py" else module.rpartition(".")[0]
        for module, path in paths.items()
    }
    edges: dict[str, set[str]] = defaultdict(set)
    for module, targets in import_graph().items():
        edges[folder[module]] |= {folder[target] for target in targets} - {folder[module]}
    return {
        (first, second)
        for first, others in edges.items()
        for second in others
        if first < second and first in edges[second]
    }


def folder_sizes(*tops: str) -> dict[str, int]:
    """The number of entries of each folder, `__init__.py` not counted."""
    folders = {path.parent for path in sources(*tops)}
    return {
        folder.relative_to(ROOT).as_posix(): sum(
            entry.name not in ("__init__.py", "__pycache__", "node_modules")
            for entry in folder.iterdir()
        )
        for folder in sorted(folders)
    }


def file_lengths(*tops: str) -> dict[str, int]:
    """The number of lines of each file."""
    return {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in sources(*tops)
    }


def session_state_files() -> list[str]:
    """The files of the screens that use Streamlit's session state."""
    return [
        path.relative_to(ROOT).as_posix()
        for path in sources("ui")
        if any(
            isinstance(node, ast.Attribute) and node.attr == "session_state"
            for node in ast.walk(syntax_tree(path))
        )
    ]
