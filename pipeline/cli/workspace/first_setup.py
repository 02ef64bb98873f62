"""`efterskrift init`: makes a workspace, and asks once for what it needs."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.context import (
    RUNNING,
    ask_password,
    message,
    print_note,
    print_text,
    read_password,
)
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.preparation.first_setup import FirstSetup


def register_init_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init", rich_help_panel=RUNNING)(init)


def init(
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="File with the answers (YAML); the password is read from standard input.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    ask: Annotated[
        bool | None,
        typer.Option(
            "--ask/--no-ask",
            help="Ask for organisation, units and administrator. Default: in a terminal.",
        ),
    ] = None,
) -> None:
    """Create a workspace: folder, database and image folder.

    In a terminal it asks for the organisation, the outage, the units and the first administrator.
    An existing workspace is left as it is.
    """
    from pipeline.preparation.first_setup import has_accounts, load_setup
    from pipeline.store.database.store import open_for_images, open_store

    # A wrong file is reported before anything is made.
    answers = load_setup(file) if file else None
    settings = load_settings()
    open_store(settings, create=True).close()
    store = open_for_images(settings)
    print_text("init.store", store=store.name)
    if answers is None:
        if not (sys.stdin.isatty() if ask is None else ask):
            return
        with store.read() as conn:
            if has_accounts(conn):
                print_note("init.known")
                return
        answers = _ask_everything()
    _save(settings, answers, read_password if file else ask_password)


def _save(settings: Settings, answers: FirstSetup, get_password: Callable[[], str]) -> None:
    from pipeline.preparation import first_setup
    from pipeline.store.accounts.login.password_rules import hash_new_password
    from pipeline.store.database.store import open_store

    store = open_store(settings)
    with store.read() as conn:
        first_setup.require_new(conn, settings)
    password = get_password()
    digest = hash_new_password(password, first_setup.administrator(answers), settings)
    with store.begin() as conn:
        first_setup.save_setup(conn, answers, digest, by=getpass.getuser())
        written = first_setup.write_settings(answers, settings.workspace)
    print_text("init.settings", file=written)
    print_text("init.administrator", login=answers.administrator.login)
    if empty := first_setup.list_empty(answers):
        print_note("init.empty", keys=", ".join(empty))
    print_text("init.next")


def _ask_everything() -> FirstSetup:
    """Ask until the answers fit together."""
    from pipeline.preparation.first_setup import parse_setup

    while True:
        print_note("init.begun")
        content: dict[str, object] = {
            "care_provider": _ask("care_provider"),
            "organisation_number": _ask("organisation_number", default=""),
            "care_provider_hsa_id": _ask("care_provider_hsa_id", default=""),
            "source_system_hsa_id": _ask("source_system_hsa_id", default=""),
            "non_commercial": typer.confirm(message("init.ask.non_commercial"), err=True),
            "outage_start": _ask_time("outage_start"),
            "outage_end": _ask_time("outage_end"),
            "units": _ask_units(),
            "administrator": {"login": _ask("login"), "name": _ask("name")},
        }
        try:
            return parse_setup(content)
        except UsageError as error:
            print_note("init.wrong", problem=error.message)


def _ask(name: str, default: str | None = None) -> str:
    text = message(f"init.ask.{name}")
    return str(typer.prompt(text, default=default, show_default=False, err=True)).strip()


def _ask_time(name: str) -> datetime | None:
    while typed := _ask(name, default=""):
        try:
            return datetime.fromisoformat(typed)
        except ValueError:
            print_note("init.no_time")
    return None


def _ask_units() -> list[dict[str, str]]:
    """Ask for units until an empty line; there is at least one."""
    units: list[dict[str, str]] = []
    known = {area.value.casefold(): area.value for area in Area}
    while True:
        name = _ask("unit", default="" if units else None)
        if not name:
            return units
        while (area := _ask("area").casefold()) not in known:
            print_note("init.no_area", areas=", ".join(known.values()))
        units.append({"name": name, "area": known[area]})
