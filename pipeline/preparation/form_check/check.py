"""Check the forms of a folder: each mistake with its file, its line and its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.domain.form.form import Form
from pipeline.domain.form.yaml_loader import FormLoader
from pipeline.files.yaml_positions import YamlLines
from pipeline.forms.form_yaml import dump_form
from pipeline.forms.layout.form import FORM_FILE, OUTLINE_FILE, place_outline
from pipeline.forms.layout.outline import Outline, load_outline
from pipeline.forms.library import find_frozen_problems, load_published
from pipeline.forms.problems import FormProblem, LayoutError
from pipeline.preparation.form_check.rules import find_form_problems
from pipeline.preparation.form_check.schema_errors import find_schema_problems


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
