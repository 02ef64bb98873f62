"""`efterskrift check-target`: the conformance kit of export targets."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.context import AsJson, print_text
from pipeline.domain.errors import ExitCode
from pipeline.domain.settings import load_settings


def check_target(
    name: Annotated[str, typer.Argument(help="Name of the target; an unknown name lists all.")],
    as_json: AsJson = False,
) -> None:
    """Try an export target on sample entries of its forms.

    For who writes a target of their own: docs/extending.md. Exit code 0 if it keeps all rules.
    """
    from pipeline.domain.form.form import Forms
    from pipeline.export.check_target import check_target as try_target
    from pipeline.export.targets import find_target

    settings = load_settings()
    exporter = find_target(settings, name)
    found = try_target(exporter, settings, Forms.load(*settings.form_folders))
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        for problem in found.problems:
            print_text(f"cli.check_target.{problem.rule}", where=problem.where)
        print_text("cli.check_target.carried", carried=found.carried, entries=found.entries)
        for reason in found.reasons:
            print_text("cli.check_target.left_out", reason=reason)
    if found.problems:
        raise typer.Exit(ExitCode.EXPORT)
