"""Check the forms of a folder: each mistake with its file, its line and its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.domain.form.form import Form
from pipeline.domain.form.rules import FormLoader
from pipeline.files.yaml_positions import YamlLines
from pipeline.forms.layout.form import FORM_FILE, OUTLINE_FILE, place_outline
from pipeline.forms.layout.outline import Outline, load_outline
from pipeline.forms.library import dump_form, find_frozen_problems, load_published
from pipeline.forms.problems import FormProblem, LayoutError
from pipeline.preparation.form_check.rules import find_form_problems
from pipeline.texts import catalogue

# Turn validation errors of a form file into problems with a text.
#
# They are unknown keys and words, with the nearest right ones, missing keys, and values that do not
# fit.

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


@dataclass(frozen=True, slots=True)
class FormFinding:
    """A problem of a form and where it is; `line` counts from 1."""

    file: Path
    line: int
    problem: FormProblem

    def describe(self, language: str = "sv") -> str:
        """Return file, line, problem and remedy in the format of compilers."""
        problem = self.problem
        return f"{self.file}:{self.line}: {problem.what(language)} {problem.remedy(language)}"


@dataclass(frozen=True, slots=True)
class CheckedForm:
    """A form version and its findings; `form` is None if its file cannot be read at all."""

    name: str
    form: Form | None
    findings: tuple[FormFinding, ...]


def check_forms(folder: Path) -> list[CheckedForm]:
    """Check every form version under a folder of forms.

    Raises:
        FormError: the list of published forms is broken.
    """
    digests = load_published(folder)
    paths = [*folder.glob(f"*/{FORM_FILE}"), *folder.glob(f"*/v*/{FORM_FILE}")]
    # A folder with an outline but without the form of it has a finding too.
    unplaced = [
        path.parent / FORM_FILE
        for path in folder.glob(f"*/{OUTLINE_FILE}")
        if not (path.parent / FORM_FILE).exists()
    ]
    return [_check_form(folder, path, digests) for path in sorted({*paths, *unplaced})]


def check_outline(path: Path) -> list[FormFinding]:
    """Check an outline: its file, its fields, and whether it fits on paper."""
    findings, outline, lines = _read_model(path, Outline)
    if not isinstance(outline, Outline):
        return findings
    try:
        problems = find_form_problems(place_outline(outline))
    except LayoutError as error:
        problems = [error.problem]
    return [*findings, *(_locate_problem(path, lines, problem) for problem in problems)]


def _check_form(folder: Path, path: Path, digests: Mapping[str, str]) -> CheckedForm:
    """Check a `form.yaml` together with the outline next to it, if there is one."""
    outline = path.parent / OUTLINE_FILE
    outline_findings = check_outline(outline) if outline.exists() else []
    name = path.parent.relative_to(folder).as_posix()
    # Read the form; without one there is nothing more to check.
    if not path.exists():
        not_placed = FormFinding(path, 1, FormProblem("not_placed", {"form": name}))
        return CheckedForm(name, None, (*outline_findings, not_placed))
    findings, form, lines = _read_model(path, Form)
    if not isinstance(form, Form):
        return CheckedForm(name, None, (*outline_findings, *findings))
    # The same problem is not reported of the outline and of the form that was made from it.
    problems = [] if outline_findings else find_form_problems(form)
    problems += [*find_frozen_problems(form, digests), *_check_names(form, path)]
    # The form must be what its outline gives today.
    if (
        outline.exists()
        and not outline_findings
        and path.read_text("utf-8") != dump_form(place_outline(load_outline(outline)))
    ):
        problems.append(FormProblem("not_placed", {"form": form.id}))
    form_findings = [_locate_problem(path, lines, problem) for problem in problems]
    form_findings.sort(key=lambda finding: finding.line)
    return CheckedForm(name, form, (*outline_findings, *findings, *form_findings))


def _check_names(form: Form, path: Path) -> Iterator[FormProblem]:
    """Check that the folder has the form's id; that of an old version is one deeper."""
    folder = path.parent.parent if path.parent.name == f"v{form.version}" else path.parent
    if folder.name != form.id:
        yield FormProblem("other_folder", {"form": form.id, "folder": folder.name}, ("id",))


def _read_model(
    path: Path, kind: type[BaseModel]
) -> tuple[list[FormFinding], BaseModel | None, YamlLines]:
    """Read a file as a form or an outline; return the findings, the model if any, and the lines."""
    try:
        text = path.read_text("utf-8")
        lines = YamlLines(text, FormLoader)
        content = yaml.load(text, Loader=FormLoader)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "UTF-8"
        return [FormFinding(path, 1, FormProblem("no_file", {"why": why}))], None, YamlLines("")
    except yaml.YAMLError as error:
        return [_unreadable_finding(path, error)], None, YamlLines("")
    findings = [
        FormFinding(path, line, FormProblem("key_twice", {"key": key}))
        for key, line in lines.repeated_keys()
    ]
    try:
        return findings, kind.model_validate(content, context={"folder": path.parent}), lines
    except ValidationError as error:
        findings += [
            _locate_problem(path, lines, problem) for problem in find_schema_problems(kind, error)
        ]
        return sorted(findings, key=lambda finding: finding.line), None, lines


def _unreadable_finding(path: Path, error: yaml.YAMLError) -> FormFinding:
    mark = getattr(error, "problem_mark", None)
    why = getattr(error, "problem", None) or str(error)
    return FormFinding(path, mark.line + 1 if mark else 1, FormProblem("not_yaml", {"why": why}))


def _locate_problem(path: Path, lines: YamlLines, problem: FormProblem) -> FormFinding:
    """Give a problem its line: that of the field, if it names one, else that of its part."""
    column = problem.field.rpartition(".")[2]
    # A field of a repeated section has a prefix, which the file does not have.
    names = (column, column.partition("_")[2])
    line = next((line for name in names if name and (line := lines.line_of_field(name))), None)
    return FormFinding(path, line or lines.line(problem.at), problem)
