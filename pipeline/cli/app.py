"""The command line: all commands, and how an error becomes a text and an exit code.

Names, options, JSON keys and exit codes are a contract with other programs.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline import __version__
from pipeline.cli import (
    benchmark,
    forms,
    learning,
    operations,
    oversight,
    printing,
    reading,
    work,
)
from pipeline.cli.context import LANGUAGE, print_note
from pipeline.cli import plug_ins
from pipeline.cli import receipt_list
from pipeline.cli import archiving
from pipeline.cli import export_runs as exporting
from pipeline.cli import registers
from pipeline.cli import lifecycle
from pipeline.cli import fleet
from pipeline.cli import first_setup
from pipeline.domain.errors import EfterskriftError, ExitCode, describe_error_location
from pipeline.domain.settings import read_environment_file
from pipeline.operations.upkeep.log_lines import start_log

COMMANDS = (
    forms.register,
    printing.register_print_command,
    printing.register_pack_commands,
    work.register,
    reading.register_read_command,
    exporting.register_export_commands,
    exporting.register_header_command,
    plug_ins.register_target_command,
    oversight.register_care_system_command,
    receipt_list.register_list_receipt_command,
    archiving.register_archive_command,
    oversight.register_backlog_command,
    first_setup.register_init_command,
    lifecycle.register_store_commands,
    registers.register_register_commands,
    registers.register_person_command,
    registers.register_block_command,
    operations.register_ui_command,
    operations.register_demo_command,
    operations.register_upkeep_commands,
    operations.register_paper_commands,
    oversight.register_audit_commands,
    oversight.register_metrics_command,
    fleet.register_fleet_commands,
    learning.register,
    reading.register_recognize_command,
    benchmark.register_bench_command,
)
"""What adds the commands, in the order of `--help`: the groups of `context` one after another."""


def build_app() -> typer.Typer:
    """Return the application with all its commands."""
    app = typer.Typer(
        name="efterskrift",
        help="Print the forms for an outage, read the filled-in paper, review it and export it to "
        "the care system.",
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
    del version  # `_print_version` has printed it and ended the program
    # Settings of the machine, which services get from systemd: deploy/efterskrift names the file
    if file := os.environ.pop("EFTERSKRIFT_ENVIRONMENT_FILE", ""):
        os.environ.update(read_environment_file(Path(file)))
    if workspace is not None:
        os.environ["EFTERSKRIFT_WORKSPACE"] = str(workspace.resolve())
    start_log(verbose=verbose)


def main() -> None:
    """Run a command; print an error's text and remedy, and end with its exit code."""
    # A shell starts background jobs with SIGINT ignored; a SIGINT that is sent must still end them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = build_app()(standalone_mode=False)
    except EfterskriftError as error:
        if _is_verbose():
            raise
        _end_with_error(error.exit_code, error.message_in(LANGUAGE), error.remedy_in(LANGUAGE))
    except typer.TyperException as error:
        if text := error.format_message():  # empty where the help was shown instead
            print_note("cli.app.error", text=text.replace(": Value error, ", ": "))
            print_note("cli.app.help_hint")
        sys.exit(ExitCode.USAGE)
    except (typer.Abort, KeyboardInterrupt):
        print_note("cli.app.ended")
        sys.exit(130)
    except (
        Exception
    ) as error:  # its text may quote what is written on paper: only the place is shown
        if _is_verbose():
            raise
        print_note("cli.app.program_failed", place=describe_error_location(error))
        print_note("cli.app.program_failed_remedy")
        sys.exit(ExitCode.PROGRAM)
    sys.exit(code or 0)


def _end_with_error(code: ExitCode, text: str, remedy: str) -> NoReturn:
    print_note("cli.app.error", text=text)
    if remedy:
        typer.echo(remedy, err=True)
    sys.exit(code)


def _is_verbose() -> bool:
    return "-v" in sys.argv or "--verbose" in sys.argv
