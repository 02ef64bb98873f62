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
    exporting,
    forms,
    learning,
    operations,
    oversight,
    printing,
    reading,
    work,
    workspace,
)
from pipeline.domain.errors import EfterskriftError, ExitCode, describe_error_location

COMMANDS = (
    forms.register,
    printing.register_print_command,
    printing.register_pack_commands,
    work.register,
    reading.register_read_command,
    exporting.register_export_commands,
    exporting.register_send_command,
    exporting.register_header_command,
    exporting.register_care_system_command,
    exporting.register_archive_command,
    oversight.register_backlog_command,
    workspace.register_store_commands,
    workspace.register_person_command,
    workspace.register_block_command,
    operations.register_ui_command,
    operations.register_demo_command,
    operations.register_upkeep_commands,
    oversight.register_audit_commands,
    learning.register,
    reading.register_recognize_command,
    operations.register_bench_command,
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
    app.callback()(_set_global_options)
    for register in COMMANDS:
        register(app)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"efterskrift {__version__}")
        raise typer.Exit


def _set_global_options(
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder of the database and the images. Default: EFTERSKRIFT_WORKSPACE."),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Log progress, and show the traceback of an error."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    del version  # said before any command is looked for
    if workspace is not None:
        os.environ["EFTERSKRIFT_WORKSPACE"] = str(workspace.resolve())
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )


def main() -> None:
    """Run a command; an error of ours becomes its text, its remedy and its exit code."""
    # A shell starts background jobs with SIGINT ignored; whoever sends one to us means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = build_app()(standalone_mode=False)
    except EfterskriftError as error:
        if _is_verbose():
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
        if _is_verbose():
            raise
        typer.echo(
            f"Error: The program itself failed ({describe_error_location(error)}).", err=True
        )
        typer.echo(
            "Try again; if it fails again, report it with what was given. `efterskrift -v …` shows where it came from.",
            err=True,
        )
        sys.exit(ExitCode.PROGRAM)
    sys.exit(code or 0)


def _is_verbose() -> bool:
    return "-v" in sys.argv or "--verbose" in sys.argv
