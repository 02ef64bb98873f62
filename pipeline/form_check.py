"""Everything that is wrong with the forms of a folder, each mistake with its file, its line and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.form_faults import Fault, LayoutError
from pipeline.form_file import form_yaml
from pipeline.form_layout import place
from pipeline.form_rules import form_faults
from pipeline.form_schema_faults import schema_faults
from pipeline.outline import Outline
from pipeline.placed_forms import FORM, OUTLINE
from pipeline.published import frozen_faults, published
from pipeline.template import Form
from pipeline.yaml_lines import YamlLines


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake. `line` counts from 1."""

    file: Path
    line: int
    fault: Fault

    def said(self, language: str = "sv") -> str:
        """File, line, what is wrong and what to do, as compilers say it."""
        return f"{self.file}:{self.line}: {self.fault.what(language)} {self.fault.remedy(language)}"


@dataclass(frozen=True, slots=True)
class CheckedForm:
    """The files of one form version, and what is wrong with them. `form` is None if it cannot be read at all."""

    name: str
    form: Form | None
    findings: tuple[Finding, ...]


def check_forms(folder: Path) -> list[CheckedForm]:
    """Every form version under a folder of forms.

    Raises:
        FormError: the list of published forms is broken.
    """
    digests = published(folder)
    paths = [*folder.glob(f"*/{FORM}"), *folder.glob(f"*/v*/{FORM}")]
    bare = [path.parent / FORM for path in folder.glob(f"*/{OUTLINE}") if not (path.parent / FORM).exists()]
    return [_checked(folder, path, digests) for path in sorted({*paths, *bare})]


def check_outline(path: Path) -> list[Finding]:
    """What is wrong with an outline, up to what does not fit on paper."""
    findings, outline, lines = _read(path, Outline)
    if not isinstance(outline, Outline):
        return findings
    try:
        faults = form_faults(place(outline))
    except LayoutError as error:
        faults = [error.fault]
    return [*findings, *(_located(path, lines, fault) for fault in faults)]


def _checked(folder: Path, path: Path, digests: Mapping[str, str]) -> CheckedForm:
    outline = path.parent / OUTLINE
    drawn = check_outline(outline) if outline.exists() else []
    name = path.parent.relative_to(folder).as_posix()
    if not path.exists():
        return CheckedForm(name, None, (*drawn, Finding(path, 1, Fault("not_placed", {"form": name}))))
    findings, form, lines = _read(path, Form)
    if not isinstance(form, Form):
        return CheckedForm(name, None, (*drawn, *findings))
    own = [] if drawn else form_faults(form)  # what is wrong with an outline is told there
    faults = [*own, *frozen_faults(form, digests), *_names(form, path)]
    if outline.exists() and not drawn and path.read_text("utf-8") != form_yaml(_placed(outline)):
        faults.append(Fault("not_placed", {"form": form.id}))
    return CheckedForm(name, form, (*drawn, *findings, *sorted((_located(path, lines, one) for one in faults), key=lambda found: found.line)))


def _placed(outline: Path) -> Form:
    return place(Outline.model_validate(yaml.safe_load(outline.read_text("utf-8"))))


def _names(form: Form, path: Path) -> Iterator[Fault]:
    """The folder bears the form's name; an old version's is one deeper."""
    folder = path.parent.parent if path.parent.name == f"v{form.version}" else path.parent
    if folder.name != form.id:
        yield Fault("other_folder", {"form": form.id, "folder": folder.name}, ("id",))


def _read(path: Path, kind: type[BaseModel]) -> tuple[list[Finding], BaseModel | None, YamlLines]:
    """The file as a form or an outline, if it is one, and what hinders it."""
    try:
        text = path.read_text("utf-8")
        lines = YamlLines(text)
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "UTF-8"
        return [Finding(path, 1, Fault("no_file", {"why": why}))], None, YamlLines("")
    except yaml.YAMLError as error:
        return [_broken(path, error)], None, YamlLines("")
    findings = [Finding(path, line, Fault("key_twice", {"key": key})) for key, line in lines.repeated_keys()]
    try:
        return findings, kind.model_validate(content, context={"folder": path.parent}), lines
    except ValidationError as error:
        found = [_located(path, lines, fault) for fault in schema_faults(kind, error)]
        return sorted((*findings, *found), key=lambda one: one.line), None, lines


def _broken(path: Path, error: yaml.YAMLError) -> Finding:
    mark = getattr(error, "problem_mark", None)
    why = getattr(error, "problem", None) or str(error)
    return Finding(path, mark.line + 1 if mark else 1, Fault("not_yaml", {"why": why}))


def _located(path: Path, lines: YamlLines, fault: Fault) -> Finding:
    """With its line: that of the field if one is named and found, else that of the part."""
    column = fault.field.rpartition(".")[2]
    turns = (column, column.partition("_")[2])  # a repeated field is written without the prefix of its turn
    named = next((line for name in turns if name and (line := lines.line_of_field(name))), None)
    return Finding(path, named or lines.line(fault.at), fault)
