"""Turn validation errors of a form file into problems with a text.

They are unknown keys and words, with the nearest right ones, missing keys, and values that do not
fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from pipeline.forms.problems import FormProblem
from pipeline.texts import catalogue

_NAME_KEYS = frozenset({"name", "value", "prefix", "id", "less_than", "planned_by", "rule", "day"})
"""Keys whose values are names, made of small letters, digits and a joiner."""
_WORD_ERRORS = frozenset({"enum", "literal_error"})
"""Types of Pydantic's errors of a word that is not one of a list."""


def find_schema_problems(root: type[BaseModel], error: ValidationError) -> list[FormProblem]:
    """Return the problems behind a validation error, each with its place in the file."""
    return [_make_problem(root, dict(detail)) for detail in error.errors()]


def _make_problem(root: type[BaseModel], detail: Mapping[str, Any]) -> FormProblem:
    """Return the problem of one of Pydantic's error details (`loc`, `type`, `ctx`, `input`)."""
    at, kind, context = tuple(detail["loc"]), detail["type"], detail.get("ctx") or {}
    # The last key on the path is the one to be named.
    key = next((str(part) for part in reversed(at) if isinstance(part, str)), "")
    # Errors of the form's own rules have a text of their own.
    if f"form_problem.{kind}" in catalogue("en"):
        return FormProblem(
            kind,
            {name: value for name, value in context.items() if name != "field"},
            at,
            field=str(context.get("field", "")),
        )
    # A misspelt key: suggest the most similar allowed one.
    if kind == "extra_forbidden":
        return FormProblem(
            "unknown_key",
            {"key": key, "hint": _nearest_words(key, _allowed_keys(root, at[:-1]))},
            at,
        )
    if kind == "missing":
        return FormProblem("missing_key", {"key": key}, at)
    if kind in _WORD_ERRORS:
        word, expected = str(detail["input"]), str(context.get("expected", ""))
        return _unknown_word_problem(key, word, expected, at)
    if kind == "string_pattern_mismatch" and key in _NAME_KEYS:
        joiner = "-" if key in ("id", "rule") else "_"
        return FormProblem(
            "bad_name", {"key": key, "word": str(detail["input"]), "joiner": joiner}, at
        )
    # Any other error keeps Pydantic's message.
    return FormProblem("bad_value", {"key": key, "why": detail["msg"]}, at)


def _unknown_word_problem(
    key: str, word: str, expected: str, at: tuple[str | int, ...]
) -> FormProblem:
    # Pydantic lists the words as "'a', 'b' or 'c'".
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
    """Return the keys that the part of a file at `path` may have."""
    models = [root]
    # Follow the keys from the root into the models of their values.
    for part in path:
        if isinstance(part, str):
            models = [
                nested
                for model in models
                if part in model.model_fields
                for nested in _nested_models(model.model_fields[part].annotation)
            ] or models
    names = dict.fromkeys(name for model in models for name in model.model_fields)
    return [name for name in names if name != "row"]  # `row` is set by the program


def _nested_models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any annotation of a field
    """Yield the models that a field may hold, however deep in lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _nested_models(inner)
