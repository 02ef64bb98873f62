"""What a form file says that a form cannot say: unknown keys and words with the nearest right ones,
missing keys, values that do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from pipeline.forms.problems import FormProblem
from pipeline.texts import catalogue

_NAME_KEYS = frozenset({"name", "value", "prefix", "id", "less_than", "rule", "day"})
_WORD_ERRORS = frozenset({"enum", "literal_error"})


def find_schema_problems(root: type[BaseModel], error: ValidationError) -> list[FormProblem]:
    """The mistakes behind an error of validation, each with its place in the file."""
    return [_make_problem(root, dict(one)) for one in error.errors()]


def _make_problem(root: type[BaseModel], one: Mapping[str, Any]) -> FormProblem:
    at, kind, said = tuple(one["loc"]), one["type"], one.get("ctx") or {}
    key = next((str(part) for part in reversed(at) if isinstance(part, str)), "")
    if f"form_problem.{kind}" in catalogue("en"):
        return FormProblem(
            kind,
            {name: value for name, value in said.items() if name != "field"},
            at,
            field=str(said.get("field", "")),
        )
    if kind == "extra_forbidden":
        return FormProblem(
            "unknown_key",
            {"key": key, "hint": _nearest_words(key, _allowed_keys(root, at[:-1]))},
            at,
        )
    if kind == "missing":
        return FormProblem("missing_key", {"key": key}, at)
    if kind in _WORD_ERRORS:
        return _unknown_word_problem(key, str(one["input"]), str(said.get("expected", "")), at)
    if kind == "string_pattern_mismatch" and key in _NAME_KEYS:
        joiner = "-" if key in ("id", "rule") else "_"
        return FormProblem(
            "bad_name", {"key": key, "word": str(one["input"]), "joiner": joiner}, at
        )
    return FormProblem("bad_value", {"key": key, "why": one["msg"]}, at)


def _unknown_word_problem(
    key: str, word: str, expected: str, at: tuple[str | int, ...]
) -> FormProblem:
    known = [each.strip(" '") for part in expected.split(" or ") for each in part.split(",")]
    near = get_close_matches(word, known, 1)
    return FormProblem(
        "unknown_word",
        {
            "key": key,
            "word": word,
            "known": ", ".join(known),
            "hint": f" → {near[0]}" if near else "",
        },
        at,
    )


def _nearest_words(key: str, known: list[str]) -> str:
    near = get_close_matches(key, known, 1, 0.6)
    return f"→ {near[0]}" if near else f"→ {', '.join(known)}"


def _allowed_keys(root: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that the part of a file may have."""
    models = [root]
    for part in path:
        if isinstance(part, str):
            models = [
                found
                for model in models
                if part in model.model_fields
                for found in _nested_models(model.model_fields[part].annotation)
            ] or models
    held = (
        models[0].model_fields
        if len(models) == 1
        else {name: None for model in models for name in model.model_fields}
    )
    return [name for name in held if name != "row"]


def _nested_models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any annotation of a field
    """The models that a field may hold, however deep in lists and alternatives."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _nested_models(inner)
