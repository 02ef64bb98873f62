"""`efterskrift forms` and `drill`: check and lay out forms, and practise with them once a year."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.context import (
    AsJson,
    message,
    open_workspace,
    print_json,
    print_note,
    print_table,
    print_text,
    resolve_acting_person,
)
from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import ExitCode, UsageError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import PageSpec
from pipeline.domain.law.duties import law_refs
from pipeline.domain.settings import load_settings
from pipeline.forms.layout.form import OUTLINE_FILE, write_form_yaml
from pipeline.preparation.digital_forms.form_file import DigitalPack, make_form_file
from pipeline.preparation.drill import drills
from pipeline.preparation.drill.drills import print_result
from pipeline.preparation.form_check.check import CheckedForm, check_outline
from pipeline.preparation.form_check.check import check_forms as check_folder
from pipeline.store.database.sampling_key import digital_form_secret
from pipeline.store.registers.client_register import areas_by_unit


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
        print_json(rows, ensure_ascii=False)
        return
    headings = (
        "cli.forms.column.form",
        "cli.forms.column.version",
        "cli.forms.column.title",
        "cli.forms.column.area",
        "cli.forms.column.class",
    )
    print_table(headings, [map(str, row.values()) for row in rows])


def show_form(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="Form id; see `forms list`.")],
    as_json: AsJson = False,
) -> None:
    """Show the newest version of a form: fields and boxes in mm."""
    form = Forms.load(*load_settings().form_folders).latest(form_id)
    if as_json:
        print_json(form_object(form), ensure_ascii=False)
        return
    print_text(
        "cli.forms.shown_external" if form.printed_elsewhere else "cli.forms.shown",
        form=form.id,
        version=form.version,
        title=form.title,
        area=form.area,
        criticality=form.criticality,
    )
    rows = [
        [
            spec.name,
            spec.kind,
            message("cli.forms.yes") if spec.critical else "",
            str(spec.area.as_list()),
            spec.label,
        ]
        for spec in form.fields
    ]
    headings = (
        "cli.forms.column.field",
        "cli.forms.column.kind",
        "cli.forms.column.critical",
        "cli.forms.column.box",
        "cli.forms.column.label",
    )
    print_table(headings, rows)


def check_forms(as_json: AsJson = False) -> None:
    """Check all form.yaml and outline.yaml files.

    Reports each problem with file, line and remedy. Exit code 3 if there is one.
    """
    settings = load_settings()
    results = [result for folder in settings.form_folders for result in check_folder(folder)]
    if as_json:
        objects = [_check_result_object(result, settings.language) for result in results]
        print_json(objects, ensure_ascii=False)
    else:
        for result in results:
            _print_check_result(result, settings.language)
    if any(result.findings for result in results):
        raise typer.Exit(ExitCode.FORM)


def _print_check_result(result: CheckedForm, language: str) -> None:
    form = result.form
    name = (
        message("cli.forms.form_version", form=form.id, version=form.version)
        if form
        else result.name
    )
    typer.echo(f"{name}:" if result.findings else f"{name}: ok")
    for finding in result.findings:
        typer.echo(f"  {finding.describe(language)}")


def _check_result_object(result: CheckedForm, language: str) -> dict[str, Any]:
    """Return the check of a form with the JSON keys of the contract."""
    form = result.form
    problems = [finding.describe(language) for finding in result.findings]
    findings = [
        {
            "file": str(finding.file),
            "line": finding.line,
            "code": finding.problem.code,
            "what": finding.problem.what(language),
            "remedy": finding.problem.remedy(language),
        }
        for finding in result.findings
    ]
    return {
        "id": form.id if form else result.name,
        "version": form.version if form else None,
        "problems": problems,
        "findings": findings,
    }


def place_form(
    form_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of a form with an outline.yaml.")
    ],
) -> None:
    """Lay out an outline.yaml on A4 and write the form.yaml.

    A published version is never replaced.
    """
    settings = load_settings()
    folder = settings.forms / form_id
    findings = check_outline(folder / OUTLINE_FILE)
    for finding in findings:
        typer.echo(finding.describe(settings.language), err=True)
    if findings:
        raise typer.Exit(ExitCode.FORM)
    form = write_form_yaml(folder)
    fields = sum(len(page.all_fields) for page in form.pages)
    print_note(
        "cli.forms.placed", form=form.id, version=form.version, pages=len(form.pages), fields=fields
    )


def make_html_form(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="Form id; see `forms list`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.")],
    unit: Annotated[str, typer.Option(help="Unit that the notes are of.")],
) -> None:
    """Make a form without paper: one HTML file for any browser.

    It needs neither server nor network, and saves a note as a file, which `scan` and the watch
    folder import.
    """
    settings = load_settings()
    form = Forms.load(*settings.form_folders).latest(form_id)
    store = open_workspace(settings)
    with store.begin() as conn:
        known, secret = areas_by_unit(conn), digital_form_secret(conn)
    store.close()
    if unit not in known:
        raise UsageError("unit_not_added", named=unit, known=", ".join(known))
    pack = DigitalPack.new(unit, today_in_sweden(), secret)
    output.write_bytes(make_form_file(pack, form))
    print_note("cli.forms.html_made", file=output, title=form.title, unit=unit)


def form_object(form: Form) -> dict[str, Any]:
    """Return a form with the JSON keys of the contract."""
    return {
        "id": form.id,
        "version": form.version,
        "title": form.title,
        "area": form.area,
        "subject": form.subject,
        "criticality": form.criticality,
        "entries": form.entries,
        "law": [
            law.model_dump(include={"ref", "source"}) for law in law_refs(form, today_in_sweden())
        ],
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
    result: dict[str, Any] = {
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
        result |= {
            "format": spec.format,
            "cells": spec.cell_count,
            "cells_mm": [cell.as_list() for cell in spec.cell_boxes],
            "decimals": spec.decimals,
        }
    if spec.lines:
        result["lines"] = spec.lines
    if spec.options:
        result["options"] = [
            {"value": o.value, "label": o.label, "box_mm": [round(v, 2) for v in o.box]}
            for o in spec.options
        ]
    return result


def make_drill(
    unit: Annotated[str, typer.Argument(help="Name of the unit that practises.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="PDF file to write.")],
) -> None:
    """Make the ten sheets of a drill, and what to write on them.

    They are marked ÖVNING and never registered: no accounting misses them. The first page says
    what to write.
    """
    settings = load_settings()
    store = open_workspace(settings)
    person = resolve_acting_person(store, "")
    forms = Forms.load(*settings.form_folders)
    drill, paper = drills.make_drill(store, settings, forms, person, unit)
    store.close()
    output.write_bytes(paper)
    print_note("cli.drill.made", file=output, drill=drill.id, sheets=len(drill.sheets))


def read_drill(
    drill: Annotated[str, typer.Argument(metavar="ID", help="Id of the drill.")],
    scan: Annotated[
        Path, typer.Argument(help="The scanned sheets, one file.", exists=True, dir_okay=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="PDF file with the result.")],
    minutes: Annotated[
        int | None, typer.Option(min=1, max=600, help="Minutes that writing took.")
    ] = None,
) -> None:
    """Read the scan of a drill and write its result on one page."""
    settings = load_settings()
    store = open_workspace(settings)
    person = resolve_acting_person(store, "")
    found = drills.load_drill(store, settings, person, drill)
    read = drills.DrillScan(scan.read_bytes(), scan.name, minutes)
    forms = Forms.load(*settings.form_folders)
    finished = drills.finish_drill(store, settings, forms, person, found, read)
    store.close()
    assert finished.result
    output.write_bytes(print_result(drills.about_drill(settings, finished), finished.result))
    counts = finished.result.counts
    print_note(
        "cli.drill.read",
        file=output,
        back=finished.result.sheets_back,
        sheets=len(finished.sheets),
        right=counts.right,
        person=counts.to_person,
        wrong=counts.wrong,
    )
