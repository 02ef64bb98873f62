"""`efterskrift forms list|show|check|place`: list, show and check forms, lay out an outline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.cli.options import BEFORE, AsJson
from pipeline.domain.errors import ExitCode
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import PageSpec
from pipeline.domain.settings import load_settings

if TYPE_CHECKING:
    from pipeline.preparation.form_check.check import CheckedForm


def register(app: typer.Typer) -> None:
    """Add the commands."""
    forms = typer.Typer(help="Forms: list, show, check, lay out.", no_args_is_help=True)
    forms.command("list")(list_forms)
    forms.command("show")(show_form)
    forms.command("check")(check_forms)
    forms.command("place")(place_form)
    app.add_typer(forms, name="forms", rich_help_panel=BEFORE)


def list_forms(as_json: AsJson = False) -> None:
    """List every form and version."""
    forms = Forms.load(*load_settings().form_folders)
    rows = [
        {
            "id": f.id,
            "version": f.version,
            "title": f.title,
            "area": f.area,
            "criticality": f.criticality,
        }
        for f in forms.values()
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    _print_table(
        ("Form", "Version", "Title", "Area", "Class"),
        [[str(value) for value in row.values()] for row in rows],
    )


def show_form(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="Form id; see `forms list`.")],
    as_json: AsJson = False,
) -> None:
    """Show the newest version of a form: fields and boxes in mm."""
    form = Forms.load(*load_settings().form_folders).latest(form_id)
    if as_json:
        typer.echo(json.dumps(form_object(form), ensure_ascii=False))
        return
    elsewhere = ", printed elsewhere" if form.printed_elsewhere else ""
    typer.echo(
        f"{form.id} version {form.version}: {form.title} ({form.area}, class {form.criticality}{elsewhere})"
    )
    rows = [
        [spec.name, spec.kind, "yes" if spec.critical else "", str(spec.area.as_list()), spec.label]
        for spec in form.fields
    ]
    _print_table(("Field", "Kind", "Critical", "Box mm", "Label"), rows)


def check_forms(as_json: AsJson = False) -> None:
    """Check all form.yaml and outline.yaml files.

    Reports each problem with file, line and remedy. Exit code 3 if there is one.
    """
    from pipeline.preparation.form_check.check import check_forms as checked_forms

    settings = load_settings()
    checked = [one for folder in settings.form_folders for one in checked_forms(folder)]
    if as_json:
        typer.echo(
            json.dumps(
                [_check_result_object(one, settings.language) for one in checked],
                ensure_ascii=False,
            )
        )
    else:
        for one in checked:
            name = f"{one.form.id} version {one.form.version}" if one.form else one.name
            typer.echo(f"{name}: {'ok' if not one.findings else ''}".rstrip())
            for finding in one.findings:
                typer.echo(f"  {finding.said(settings.language)}")
    if any(one.findings for one in checked):
        raise typer.Exit(ExitCode.FORM)


def _check_result_object(checked: CheckedForm, language: str) -> dict[str, Any]:
    form = checked.form
    problems = [finding.said(language) for finding in checked.findings]
    told = [
        {
            "file": str(finding.file),
            "line": finding.line,
            "code": finding.fault.code,
            "what": finding.fault.what(language),
            "remedy": finding.fault.remedy(language),
        }
        for finding in checked.findings
    ]
    return {
        "id": form.id if form else checked.name,
        "version": form.version if form else None,
        "problems": problems,
        "findings": told,
    }


def place_form(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="Folder with an outline.yaml.")],
) -> None:
    """Lay out an outline.yaml on A4 and write the form.yaml.

    A published version is never replaced.
    """
    from pipeline.forms.layout.form import OUTLINE_FILE, write_form_yaml
    from pipeline.preparation.form_check.check import check_outline

    settings = load_settings()
    folder = settings.forms / form_id
    findings = check_outline(folder / OUTLINE_FILE)
    for finding in findings:
        typer.echo(finding.said(settings.language), err=True)
    if findings:
        raise typer.Exit(ExitCode.FORM)
    form = write_form_yaml(folder)
    fields = sum(len(page.all_fields) for page in form.pages)
    typer.echo(
        f"{form.id} version {form.version}: {len(form.pages)} page(s), {fields} fields", err=True
    )


def form_object(form: Form) -> dict[str, Any]:
    """A form as other programs get it."""
    return {
        "id": form.id,
        "version": form.version,
        "title": form.title,
        "area": form.area,
        "subject": form.subject,
        "criticality": form.criticality,
        "entries": form.entries,
        "law": [law.model_dump() for law in form.law],
        "pages": [_page_object(page) for page in form.pages],
    }


def _page_object(page: PageSpec) -> dict[str, Any]:
    width, height = page.size
    return {
        "width_mm": width,
        "height_mm": height,
        "blank": page.blank.name if page.blank else None,
        "fields": [_field_object(spec) for spec in page.all_fields],
    }


def _field_object(spec: FieldSpec) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": spec.name,
        "label": spec.label,
        "group": spec.group,
        "kind": spec.kind,
        "critical": spec.critical,
        "required": spec.required,
        "means": spec.means,
        "row": spec.row,
        "box_mm": spec.area.as_list(),
    }
    if spec.format:
        shown |= {
            "format": spec.format,
            "cells": spec.cell_count,
            "cells_mm": [cell.as_list() for cell in spec.cell_boxes],
            "decimals": spec.decimals,
        }
    if spec.lines:
        shown["lines"] = spec.lines
    if spec.options:
        shown["options"] = [
            {"value": o.value, "label": o.label, "box_mm": [round(v, 2) for v in o.box]}
            for o in spec.options
        ]
    return shown


def _print_table(headings: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
