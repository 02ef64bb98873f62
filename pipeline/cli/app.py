"""The command line: all commands, and how an error becomes a text and an exit code.

Names, options, JSON keys and exit codes are a contract with other programs.
"""

from __future__ import annotations

import ast
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline import __version__
from pipeline.cli.context import BEFORE, IMPORT, LANGUAGE, RESEARCH, REVIEW, RUNNING, print_note
from pipeline.domain.errors import EfterskriftError, ExitCode, describe_error_location
from pipeline.domain.settings import read_environment_file
from pipeline.operations.upkeep.log_lines import start_log

Command = tuple[str, str]
"""Module in this folder, which is imported when the command is asked for, and its function."""
COMMANDS: Mapping[str, Mapping[str, Command]] = {
    BEFORE: {
        "print": ("printing", "print_form"),
        "pack": ("printing", "pack"),
        "planned": ("operations", "planned"),
    },
    IMPORT: {
        "scan": ("work", "scan"),
        "watch": ("work", "watch"),
        "work": ("work", "work"),
        "reread": ("work", "reread"),
        "status": ("work", "status"),
        "read": ("reading", "read"),
        "check-reader": ("plug_ins", "check_reader"),
    },
    REVIEW: {
        "export": ("export_runs", "export"),
        "receipt": ("export_runs", "receipt"),
        "check-header": ("export_runs", "check_header"),
        "check-target": ("plug_ins", "check_target"),
        "clashes": ("care_system_lists", "clashes"),
        "check-receipts": ("care_system_lists", "check_receipts"),
        "archive": ("archiving", "archive"),
        "backlog": ("oversight", "backlog"),
        "packs": ("operations", "packs"),
        "close-page": ("operations", "close_page"),
    },
    RUNNING: {
        "init": ("first_setup", "init"),
        "upgrade": ("lifecycle", "upgrade"),
        "backup-key": ("lifecycle", "backup_key"),
        "backup": ("lifecycle", "backup"),
        "restore": ("lifecycle", "restore"),
        "unit": ("registers", "unit"),
        "clients": ("registers", "clients"),
        "staff": ("registers", "staff"),
        "person": ("registers", "person"),
        "block": ("registers", "block"),
        "ui": ("operations", "ui"),
        "demo": ("demo", "demo"),
        "doctor": ("operations", "doctor"),
        "check": ("operations", "check"),
        "metrics": ("oversight", "metrics"),
        "learn": ("learning", "learn"),
    },
    RESEARCH: {"recognize": ("reading", "recognize"), "bench": ("benchmark", "bench")},
}
"""The commands by their panel of `--help`, in its order."""
GROUPS: Mapping[tuple[str, str, str], Mapping[str, Command]] = {
    (BEFORE, "forms", "Forms: list, show, check, lay out."): {
        "list": ("forms", "list_forms"),
        "show": ("forms", "show_form"),
        "check": ("forms", "check_forms"),
        "place": ("forms", "place_form"),
        "html": ("forms", "make_html_form"),
    },
    (BEFORE, "drill", "Yearly drill: print, fill in, scan and read ten sheets."): {
        "make": ("forms", "make_drill"),
        "read": ("forms", "read_drill"),
    },
    (BEFORE, "issued", "Sheets printed elsewhere: import their serials."): {
        "take-in": ("printing", "take_in"),
    },
    (RUNNING, "audit", "Event log: verify, seal, extract for a client, export."): {
        "verify": ("oversight", "verify"),
        "seal": ("oversight", "seal"),
        "extract": ("oversight", "extract"),
        "export": ("oversight", "export"),
    },
}
"""The groups of commands: panel, name and help, with their commands."""


def build_app(words: Sequence[str] | None = None) -> typer.Typer:
    """Return the application with all commands, or for a command line with those that it needs.

    What reads paper takes a second to import: a command waits only for its own module, and the list
    of all commands for none.

    Args:
        words: the command line.
    """
    names = {name for commands in COMMANDS.values() for name in commands}
    names |= {name for _, name, _ in GROUPS}
    named = names.intersection(words or ()) if words and words[0] != "--help" else set()
    wanted = named or names
    load = _import_command if named or words is None else _list_command
    app = typer.Typer(
        name="efterskrift",
        help="Print the forms for an outage, read the filled-in paper, review it and export it to "
        "the care system.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_set_global_options)
    for panel, commands in COMMANDS.items():
        for name, command in commands.items():
            if name in wanted:
                app.command(name, rich_help_panel=panel)(load(command))
    for (panel, name, text), commands in GROUPS.items():
        if name not in wanted:
            continue
        group = typer.Typer(help=text, no_args_is_help=True)
        group.callback()(lambda: None)  # a group stays one although it has a single command
        for each, command in commands.items():
            group.command(each)(load(command))
        app.add_typer(group, name=name, rich_help_panel=panel)
    return app


def _import_command(command: Command) -> Callable[..., None]:
    module, function = command
    found: Callable[..., None] = getattr(import_module(f"pipeline.cli.{module}"), function)
    return found


def _list_command(command: Command) -> Callable[..., None]:
    """Return what stands for a command in the list of all: its description in the source."""
    module, function = command

    def listed() -> None: ...

    listed.__doc__ = _descriptions(module)[function]
    return listed


@cache
def _descriptions(module: str) -> dict[str, str | None]:
    code = ast.parse(Path(__file__).with_name(f"{module}.py").read_text("utf-8"))
    return {
        each.name: ast.get_docstring(each)
        for each in code.body
        if isinstance(each, ast.FunctionDef)
    }


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
        code = build_app(sys.argv[1:])(standalone_mode=False)
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
