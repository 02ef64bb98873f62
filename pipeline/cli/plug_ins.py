"""`efterskrift check-target`, `check-reader`: the conformance kits of plug-ins."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.context import AsJson, print_json, print_text
from pipeline.domain.errors import ExitCode
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import load_settings
from pipeline.export.check_target import check_target as try_target
from pipeline.export.targets import find_target
from pipeline.reading.check_reader import check_reader as try_reader


def check_target(
    name: Annotated[str, typer.Argument(help="Name of the target; an unknown name lists all.")],
    as_json: AsJson = False,
) -> None:
    """Try an export target on sample entries of its forms.

    For who writes a target of their own: docs/extending.md. Exit code 0 if it keeps all rules.
    """
    settings = load_settings()
    exporter = find_target(settings, name)
    found = try_target(exporter, settings, Forms.load(*settings.form_folders))
    if as_json:
        print_json(asdict(found), ensure_ascii=False)
    else:
        for problem in found.problems:
            print_text(f"cli.check_target.{problem.rule}", where=problem.where)
        print_text("cli.check_target.carried", carried=found.carried, entries=found.entries)
        for reason in found.reasons:
            print_text("cli.check_target.left_out", reason=reason)
    if found.problems:
        raise typer.Exit(ExitCode.EXPORT)


def check_reader(
    name: Annotated[str, typer.Argument(help="Name of the reader; it need not be in use.")],
    as_json: AsJson = False,
) -> None:
    """Try a further reader of handwriting on drawn lines.

    For who writes a reader of their own: docs/extending.md. Exit code 0 if it keeps all rules.
    """
    found = try_reader(name, load_settings())
    if as_json:
        print_json(asdict(found))
    else:
        for problem in found.problems:
            print_text(f"cli.check_reader.{problem}")
        print_text("cli.check_reader.right", right=found.right, lines=found.lines)
        print_text("cli.check_reader.cut_off" if found.is_cut_off else "cli.check_reader.network")
    if found.problems:
        raise typer.Exit(ExitCode.READING)
