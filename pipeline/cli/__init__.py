"""The command line. Names, options, JSON keys and exit codes are a contract with other programs."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline import __version__
from pipeline.cli import (
    archive_commands,
    audit_commands,
    backlog_command,
    bench_command,
    block_command,
    clash_command,
    demo_commands,
    export_commands,
    forms_commands,
    header_command,
    learn_commands,
    pack_commands,
    person_command,
    print_commands,
    read_commands,
    recognize_commands,
    send_command,
    store_commands,
    ui_commands,
    upkeep_commands,
    work_commands,
)
from pipeline.errors import EfterskriftError, ExitCode, place_of

PARTS = (
    forms_commands,
    print_commands,
    pack_commands,
    work_commands,
    read_commands,
    export_commands,
    send_command,
    header_command,
    clash_command,
    archive_commands,
    backlog_command,
    store_commands,
    person_command,
    block_command,
    ui_commands,
    demo_commands,
    upkeep_commands,
    audit_commands,
    learn_commands,
    recognize_commands,
    bench_command,
)
"""In the order of `--help`: the groups of `options` one after the other."""


def build_app() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        name="efterskrift",
        help="Print the forms for an outage, read the filled-in paper, review it and export it to the care system.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for part in PARTS:
        part.register(app)
    return app


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"efterskrift {__version__}")
        raise typer.Exit


def _options(
    workspace: Annotated[Path | None, typer.Option(help="Folder of the database and the images. Default: EFTERSKRIFT_WORKSPACE.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log progress, and show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_say_version)] = False,
) -> None:
    del version  # said before any command is looked for
    if workspace is not None:
        os.environ["EFTERSKRIFT_WORKSPACE"] = str(workspace.resolve())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def main() -> None:
    """Run a command; an error of ours becomes its text, its remedy and its exit code."""
    # A shell starts background jobs with SIGINT ignored; whoever sends one to us means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = build_app()(standalone_mode=False)
    except EfterskriftError as error:
        if _wants_all():
            raise
        typer.echo(f"Error: {error.message}", err=True)
        if error.remedy:
            typer.echo(error.remedy, err=True)
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        if message := error.format_message():  # empty where the help has been shown instead
            typer.echo(f"Error: {message.replace(': Value error, ', ': ')}", err=True)
            typer.echo("`--help` after the command's name shows how it is called.", err=True)
        sys.exit(ExitCode.USAGE)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:  # whose own text may quote what stands on paper
        if _wants_all():
            raise
        typer.echo(f"Error: The program itself failed ({place_of(error)}).", err=True)
        typer.echo("Try again; if it fails again, report it with what was given. `efterskrift -v …` shows where it came from.", err=True)
        sys.exit(ExitCode.PROGRAM)
    sys.exit(code or 0)


def _wants_all() -> bool:
    return "-v" in sys.argv or "--verbose" in sys.argv
