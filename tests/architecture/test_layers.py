"""The layers of the code, which folder alone knows a library, and names that nothing uses."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from pipeline.domain.settings import ROOT
from research.figures.imports import sources, syntax_tree

STORE_FOLDERS = (
    *("schema", "database", "event_log"),
    *("accounts", "registers", "paper", "entries", "quality", "exports", "review"),
    *("reports", "lookup"),
)
"""The inner order of the store: tables, then rows, then queries over many of them."""
NOT_YET = {
    ("pipeline.store.schema", "pipeline.store.database"),
    ("pipeline.store.database", "pipeline.store.event_log"),
}
"""Imports against the inner order of the store that are still there."""
LAYERS: tuple[tuple[str, ...], ...] = (
    ("pipeline.texts",),
    ("pipeline.domain",),
    ("pipeline.files",),
    ("pipeline.forms",),
    ("pipeline.registers",),
    ("pipeline.reading",),
    *((f"pipeline.store.{folder}",) for folder in STORE_FOLDERS),
    ("pipeline.login",),
    ("pipeline.review",),
    ("pipeline.operations", "pipeline.preparation", "pipeline.export"),
    ("pipeline.reporting",),
    ("pipeline.cli", "ui"),
    ("research",),
)
"""A folder imports from folders of earlier lines; those of one line may import each other."""
LATE_IMPORTS = {("pipeline.cli", "research"), ("pipeline.cli", "ui")}
"""Imports upwards that are allowed inside a function: `efterskrift bench` and `efterskrift ui`."""


@cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """Each imported module, and whether it is imported when the file is (not inside a function)."""
    at_once = {id(node) for node in syntax_tree(path).body}
    found = []
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{alias.name}", id(node) in at_once) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [(alias.name, id(node) in at_once) for alias in node.names]
    return found


def layer_of(module: str) -> str | None:
    """The folder of `LAYERS` that a module belongs to."""
    return next(
        (name for line in LAYERS for name in line if f"{module}.".startswith(f"{name}.")), None
    )


def users_of(library: str, paths: Iterable[Path]) -> set[str]:
    """The files that import a library, relative to the root."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if any(f"{module}.".startswith(f"{library}.") for module, _ in imports(path))
    }


def test_imports_go_one_way() -> None:
    level = {name: number for number, line in enumerate(LAYERS) for name in line}
    upwards = []
    for path in sources("pipeline", "ui", "research"):
        own = layer_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for module, at_once in imports(path):
            other = layer_of(module)
            if own is None or other is None or level[other] <= level[own]:
                continue
            if (own, other) in NOT_YET:
                continue
            if at_once or (own, other) not in LATE_IMPORTS:
                upwards.append(f"{path.relative_to(ROOT)} imports {module}")
    assert upwards == []


def test_no_module_imports_itself_through_others() -> None:
    graph = {}
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in sources("pipeline", "ui")
    }
    for name, path in modules.items():
        names = [module for module, at_once in imports(path) if at_once]
        graph[name] = {
            part
            for module in names
            for part in (module, module.rpartition(".")[0])
            if part in modules
        }
    # Take away, again and again, the modules that import nothing that is left: what stays imports
    # itself.
    left = dict(graph)
    while free := [name for name, needs in left.items() if not needs & left.keys() - {name}]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def test_sql_only_in_the_store() -> None:
    outside = [
        path for path in sources("pipeline", "ui") if "pipeline/store/" not in path.as_posix()
    ]
    names = {
        f"{path.relative_to(ROOT).as_posix()}: {module}"
        for path in outside
        for module, _ in imports(path)
        if module.startswith("sqlalchemy.")
        and module
        not in ("sqlalchemy.Connection", "sqlalchemy.engine.make_url", "sqlalchemy.make_url")
    }
    assert names == set()


def test_the_durable_engine_only_in_the_worker() -> None:
    assert users_of("dbos", sources("pipeline", "ui")) == {"pipeline/operations/worker.py"}


def test_streamlit_only_in_the_screens() -> None:
    assert users_of("streamlit", sources("pipeline", "research")) == set()


def test_research_is_not_in_the_wheel() -> None:
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'include = ["pipeline*", "ui*"]' in settings


def names_used(path: Path) -> Iterator[str]:
    """Every name that the code of a file reads, calls, imports or has as a string."""
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names_defined(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The functions, classes and constants of a module, and the methods of classes without a base.

    What has a decorator may be called by the library that decorates, what overrides by its base.
    """
    for node in body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
            yield from () if node.bases else names_defined(node.body)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not isinstance(node, ast.ClassDef):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


USED_ELSEWHERE = {
    "publish_forms": "called by who adds a form to the program, as forms/README.md says",
    "plain_text": "called by targets of other packages, as docs/extending.md says",
    "TargetConfigurationError": "raised by targets of other packages, as docs/extending.md says",
}
"""Names that no Python code but that of tests uses, and who does."""


def test_every_name_is_used() -> None:
    used = {name for path in sources("pipeline", "ui", "research") for name in names_used(path)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for registered in project["entry-points"].values():
        used |= {value.partition(":")[2] for value in registered.values()}
    unused = [
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in sources("pipeline", "ui")
        if "migrations" not in path.parts  # Alembic calls what they define
        for name in names_defined(syntax_tree(path).body)
        if name not in used and not name.startswith("__")
    ]
    assert {name.rpartition(" ")[2] for name in unused} - set(USED_ELSEWHERE) == set()
