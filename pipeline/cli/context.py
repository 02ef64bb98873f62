"""What the commands share: their options, texts and input, the acting user and the unit."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text as RichText

from pipeline.domain.errors import ExportError, MissingProgramError, UsageError
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import ROOT, Settings, load_settings
from pipeline.files.atomic import write_private
from pipeline.files.csv_tables import decode_text
from pipeline.texts import LANGUAGES, Text, Words, catalogue

if TYPE_CHECKING:
    from pipeline.store.database.store import Store

# The groups that `--help` lists the commands in.
BEFORE = "Before the outage"
IMPORT = "Import and reading"
REVIEW = "Review and export"
RUNNING = "Running a workspace"
RESEARCH = "Research"

_LOGIN = "Login of the user to act as. Default: the operator of this machine"

# Options of several commands.
As = Annotated[str, typer.Option("--as", help=f"{_LOGIN}, with all units.")]
AsAdministrator = Annotated[str, typer.Option("--as", help=f"{_LOGIN}.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_chosen = os.environ.get("EFTERSKRIFT_LANGUAGE", "en")
LANGUAGE = _chosen if _chosen in LANGUAGES else "en"
"""Language of the command line: English, since programs may depend on its wording.

`EFTERSKRIFT_LANGUAGE=sv` gives Swedish; the archive's `efterskrift.env` says so.
"""
message = Words(LANGUAGE)
"""Return the text `cli.<key>`; with a plural, its form for `count`."""


def print_text(key: str, /, **values: object) -> None:
    """Print the text `cli.<key>` on stdout."""
    typer.echo(message(key, **values))


def print_note(key: str, /, **values: object) -> None:
    """Print the text `cli.<key>` on stderr, which leaves stdout to the command's result."""
    typer.echo(message(key, **values), err=True)


def print_json(result: object, *, ensure_ascii: bool = True) -> None:
    """Print a result as a line of JSON on stdout."""
    typer.echo(json.dumps(result, ensure_ascii=ensure_ascii))


def print_table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table on stdout, without lines; headings are keys of texts."""
    table = Table(*(message(key) for key in headings), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)


@contextmanager
def show_progress(
    title: str, noun: str = "", *, is_transient: bool = False, is_hidden: bool = False
) -> Iterator[Callable[[int, int | None], None]]:
    """Show on stderr how many of all are done; gives what is called after each.

    With a `noun` for what is done, also how many a second, and the time so far.
    """
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    columns += [TextColumn(noun), _SpeedColumn(), TimeElapsedColumn()] if noun else []
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=is_transient,
        disable=is_hidden,
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _SpeedColumn(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> RichText:
        """Return the speed, or nothing while it is not known."""
        return RichText(f"{task.speed:.1f}/s" if task.speed else "")


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun (`cli.count.<noun>`): `1 sheet`, `2 sheets`."""
    return message(f"cli.count.{noun}", count=number)


def open_workspace(settings: Settings | None = None, *, create: bool = False) -> Store:
    """Open the database of the workspace, by default of the one that the settings name now."""
    from pipeline.store.database.store import open_store

    return open_store(settings or load_settings(), create=create)


def resolve_acting_person(store: Store, login: str, role: Role = Role.ADMINISTRATOR) -> Person:
    """Return the user with this login; without a login, the operator of the machine in a role.

    The operator may see everything, since the database itself is open to them.

    Raises:
        UsageError: there is no such user.
    """
    from pipeline.store.accounts import people
    from pipeline.store.registers import client_register

    with store.read() as conn:
        if not login:
            name = getpass.getuser()
            return Person(
                name,
                name,
                "driftansvarig",
                role,
                frozenset(client_register.areas_by_unit(conn)),
                ALL_AREAS,
            )
        person = people.find_person(conn, login)
    if person is None:
        raise UsageError("no_staff_with_login", login=login)
    return person


def resolve_unit(store: Store, name: str) -> str:
    """Return the unit of this name; without a name, the only unit of the workspace.

    Raises:
        UsageError: there is no such unit, or there are several. The remedy names them.
    """
    from pipeline.store.registers.client_register import areas_by_unit

    units = list(store.query(areas_by_unit))
    if name in units:
        return name
    if not name and len(units) == 1:
        return units[0]
    if not units:
        raise (
            UsageError("unit_unknown_of_none", name=name)
            if name
            else UsageError("unit_of_paper_missing")
        )
    known = ", ".join(units)
    raise (
        UsageError("unit_unknown", name=name, known=known)
        if name
        else UsageError("unit_not_named", known=known)
    )


def read_stdin_line() -> str:
    """Return the first line of standard input with its line end, or an empty string at its end.

    It is decoded as UTF-8, else as Windows-1252.
    """
    return decode_text(sys.stdin.buffer.readline())


def read_stdin() -> str:
    """Return all of standard input, decoded as `read_stdin_line` does."""
    return decode_text(sys.stdin.buffer.read())


def read_password() -> str:
    """Read a password from the terminal, which does not show it, or from standard input.

    Raises:
        UsageError: standard input is empty.
    """
    if sys.stdin.isatty():
        return ask_password()
    if not (line := read_stdin_line()):
        raise UsageError("no_password_given")
    return line.strip("\r\n")


def ask_password(key: str = "cli.person.password") -> str:
    """Ask for a password, by the text `cli.<key>`, without showing it; empty if none is typed."""
    text = message(key)
    return str(typer.prompt(text, hide_input=True, default="", show_default=False, err=True))


def write_secret(path: Path, data: bytes, remedy: Text) -> None:
    """Write a file with personal data atomically; only its owner may read it.

    Raises:
        ExportError: it cannot be written; `remedy` says how to get it all the same.
    """
    try:
        write_private(path, data)
    except OSError as error:
        raise ExportError(
            "secret_not_written", path=path, reason=error.strerror, remedy=remedy
        ) from error


def require_research() -> None:
    """Make the research code importable, which only a source checkout has.

    Raises:
        MissingProgramError: only the runtime is installed.
    """
    if (ROOT / "research").is_dir() and str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))  # an editable installation finds `pipeline` and `ui` only
    if find_spec("research") is None:
        raise MissingProgramError("no_research")


def describe_issue(issue: str) -> str:
    """Describe an issue of a page by the first sentence of its text; the screens show the rest.

    A code without a text is shown with spaces for underscores.
    """
    code, detail = (part.strip() for part in issue.partition(":")[::2])
    if " " in code:  # the issue is a sentence already
        return issue
    if " " in detail:  # the detail is a reason in a sentence
        return detail
    words = catalogue(LANGUAGE).get(f"issue.{code}", code.replace("_", " "))
    words = words.replace("{detail}", detail).partition(". ")[0].removesuffix(".")
    return f"{detail}: {words}" if detail and not detail.isdigit() else words
