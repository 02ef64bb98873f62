"""Everything that is wrong with the forms of a folder, each mistake with its file, its line and
what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.domain.form.form import Form
from pipeline.files.yaml_positions import YamlLines
from pipeline.forms.form_yaml import dump_form
from pipeline.forms.layout.form import FORM_FILE, OUTLINE_FILE, place_outline
from pipeline.forms.layout.outline import Outline
from pipeline.forms.library import find_frozen_problems, load_published
from pipeline.forms.problems import FormProblem, LayoutError
from pipeline.preparation.form_check.rules import find_form_problems
from pipeline.preparation.form_check.schema_errors import find_schema_problems


@dataclass(frozen=True, slots=True)
class FormFinding:
    """One mistake. `line` counts from 1."""

    file: Path
    line: int
    fault: FormProblem

    def said(self, language: str = "sv") -> str:
        """File, line, what is wrong and what to do, as compilers say it."""
        return f"{self.file}:{self.line}: {self.fault.what(language)} {self.fault.remedy(language)}"


@dataclass(frozen=True, slots=True)
class CheckedForm:
    """The files of one form version, and what is wrong with them. `form` is None if it cannot be
    read at all.
    """

    name: str
    form: Form | None
    findings: tuple[FormFinding, ...]


def check_forms(folder: Path) -> list[CheckedForm]:
    """Every form version under a folder of forms.

    Raises:
        FormError: the list of published forms is broken.
    """
    digests = load_published(folder)
    paths = [*folder.glob(f"*/{FORM_FILE}"), *folder.glob(f"*/v*/{FORM_FILE}")]
    bare = [
        path.parent / FORM_FILE
        for path in folder.glob(f"*/{OUTLINE_FILE}")
        if not (path.parent / FORM_FILE).exists()
    ]
    return [_check_form(folder, path, digests) for path in sorted({*paths, *bare})]


def check_outline(path: Path) -> list[FormFinding]:
    """What is wrong with an outline, up to what does not fit on paper."""
    findings, outline, lines = _read_model(path, Outline)
    if not isinstance(outline, Outline):
        return findings
    try:
        faults = find_form_problems(place_outline(outline))
    except LayoutError as error:
        faults = [error.problem]
    return [*findings, *(_locate_problem(path, lines, fault) for fault in faults)]


def _check_form(folder: Path, path: Path, digests: Mapping[str, str]) -> CheckedForm:
    outline = path.parent / OUTLINE_FILE
    drawn = check_outline(outline) if outline.exists() else []
    name = path.parent.relative_to(folder).as_posix()
    if not path.exists():
        return CheckedForm(
            name, None, (*drawn, FormFinding(path, 1, FormProblem("not_placed", {"form": name})))
        )
    findings, form, lines = _read_model(path, Form)
    if not isinstance(form, Form):
        return CheckedForm(name, None, (*drawn, *findings))
    own = [] if drawn else find_form_problems(form)  # what is wrong with an outline is told there
    faults = [*own, *find_frozen_problems(form, digests), *_check_names(form, path)]
    if (
        outline.exists()
        and not drawn
        and path.read_text("utf-8") != dump_form(_place_outline(outline))
    ):
        faults.append(FormProblem("not_placed", {"form": form.id}))
    return CheckedForm(
        name,
        form,
        (
            *drawn,
            *findings,
            *sorted(
                (_locate_problem(path, lines, one) for one in faults), key=lambda found: found.line
            ),
        ),
    )


def _place_outline(outline: Path) -> Form:
    return place_outline(Outline.model_validate(yaml.safe_load(outline.read_text("utf-8"))))


def _check_names(form: Form, path: Path) -> Iterator[FormProblem]:
    """The folder bears the form's name; an old version's is one deeper."""
    folder = path.parent.parent if path.parent.name == f"v{form.version}" else path.parent
    if folder.name != form.id:
        yield FormProblem("other_folder", {"form": form.id, "folder": folder.name}, ("id",))


def _read_model(
    path: Path, kind: type[BaseModel]
) -> tuple[list[FormFinding], BaseModel | None, YamlLines]:
    """The file as a form or an outline, if it is one, and what hinders it."""
    try:
        text = path.read_text("utf-8")
        lines = YamlLines(text)
        content = yaml.safe_load(text)
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
        found = [_locate_problem(path, lines, fault) for fault in find_schema_problems(kind, error)]
        return sorted((*findings, *found), key=lambda one: one.line), None, lines


def _unreadable_finding(path: Path, error: yaml.YAMLError) -> FormFinding:
    mark = getattr(error, "problem_mark", None)
    why = getattr(error, "problem", None) or str(error)
    return FormFinding(path, mark.line + 1 if mark else 1, FormProblem("not_yaml", {"why": why}))


def _locate_problem(path: Path, lines: YamlLines, problem: FormProblem) -> FormFinding:
    """With its line: that of the field if one is named and found, else that of the part."""
    column = problem.field.rpartition(".")[2]
    turns = (
        column,
        column.partition("_")[2],
    )  # a repeated field is written without the prefix of its turn
    named = next((line for name in turns if name and (line := lines.line_of_field(name))), None)
    return FormFinding(path, named or lines.line(problem.at), problem)
