"""Every public function of `pipeline` that acts for a person, found in the code, and what each call
in it asks of rights.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.domain.settings import ROOT

GUARDS = frozenset(
    {
        "require_permission",
        "require_permission_for",
        "require_visible_entry",
        "require_visible_page",
        "load_visible_entry",
        "load_visible_page",
        "load_entry_as_seen",
        "require_run",
    }
)
"""The functions that raise NotAllowedError.

They are of `domain.law.permissions`, `store.accounts.visibility`, `store.entries.entry` and
`store.exports.runs`.
"""


BY_FUNCTIONS = frozenset({"ReviewSession", "RowReview"})
"""Classes of `Review` whose methods only call functions that take a Person."""


_STORE_CALLS = frozenset({"change", "query"})
"""The methods of a store that call a function in a transaction."""


@dataclass(frozen=True, slots=True)
class Acting:
    """A function with a parameter of type Person, or a method of a person's review.

    `call` is the name that others call it by.
    """

    name: str
    module: Path
    code: ast.FunctionDef
    call: str

    @property
    def public(self) -> bool:
        """Whether screens and commands may call it."""
        return not self.code.name.startswith("_")

    def calls(self) -> set[str]:
        """The names of what it calls."""
        return {_name(call) for call in calls_in(self.code)}


def calls_in(code: ast.AST) -> Iterator[ast.Call]:
    """Every call in the code; `store.change(act, ...)` is also the call `act(conn, ...)`."""
    for node in ast.walk(code):
        if isinstance(node, ast.Call):
            yield node
            by_store = isinstance(node.func, ast.Attribute) and node.func.attr in _STORE_CALLS
            if by_store and node.args:
                act, *others = node.args
                yield ast.Call(act, [ast.Name("conn"), *others], node.keywords)


@cache
def acting_functions() -> Mapping[str, Acting]:
    """By dotted name: all functions of `pipeline` that take a Person, without the command line,
    which only hands persons on.
    """
    found = [
        one
        for path in sorted((ROOT / "pipeline").rglob("*.py"))
        if "cli" not in path.parts
        for one in _of(path)
    ]
    return {one.name: one for one in found}


def unguarded() -> set[str]:
    """Public ones that reach no guard: neither by themselves nor through another that takes a
    Person.
    """
    functions = acting_functions()
    guarded = GUARDS
    while more := {one.call for one in functions.values() if one.calls() & guarded} - guarded:
        guarded |= more
    return {one.name for one in functions.values() if one.public and one.call not in guarded}


def without_area() -> set[str]:
    """Calls of `require_permission` that ask for the unit of a page or an entry only.

    They forget its area of law and its blocks.
    """
    return {
        f"{one.name}: {ast.unparse(call)}"
        for one in acting_functions().values()
        for call in calls_in(one.code)
        if _name(call) in {"require_permission", "is_allowed"} and len(call.args) == 3
        if isinstance(call.args[2], ast.Attribute) and call.args[2].attr == "unit"
    }


def _of(path: Path) -> Iterator[Acting]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and any(
            _is_person(argument) for argument in (*node.args.args, *node.args.kwonlyargs)
        ):
            yield Acting(f"{module}.{node.name}", path, node, node.name)
        elif isinstance(node, ast.ClassDef) and is_review(node):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    name = f"{module}.{node.name}.{method.name}"
                    yield Acting(name, path, method, f"self.{method.name}")


def is_review(node: ast.ClassDef) -> bool:
    """Whether a class is a kind of work that a person does, with rules of its own."""
    return "Review" in map(ast.unparse, node.bases) and node.name not in BY_FUNCTIONS


def _is_person(argument: ast.arg) -> bool:
    return isinstance(argument.annotation, ast.Name) and argument.annotation.id == "Person"


def _name(call: ast.Call) -> str:
    name = ast.unparse(call.func)
    return name if name.startswith("self.") else name.rpartition(".")[2]
