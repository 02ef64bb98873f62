"""`efterskrift check-header`: compare a target's columns with another system's header."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.given import given_line
from pipeline.cli.options import REVIEW
from pipeline.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check-header", rich_help_panel=REVIEW)(check_header)


def check_header(
    target: Annotated[str, typer.Argument(help="A target that writes a table, such as treserva-exempel.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a form.")] = False,
) -> None:
    """Compare a target's columns with your system's header line.

    The header line is read from standard input. Exit code 0 if all columns match.
    """
    from pipeline.cli.export_commands import opened
    from pipeline.export.header_check import check_header as checked

    with opened() as office:
        found = checked(office, target, given_line())
    for check in found:
        if as_json:
            typer.echo(json.dumps(asdict(check) | {"fits": check.fits}, ensure_ascii=False))
        elif check.fits:
            typer.echo(f"{check.form}: fits")
        else:
            typer.echo(
                f"{check.form}: lacks {', '.join(check.lacking) or 'nothing'}; not asked for: {', '.join(check.unknown) or 'nothing'}"
                + ("" if check.in_order else "; the order differs")
            )
    if not all(check.fits for check in found):
        raise typer.Exit(ExitCode.EXPORT)
