"""`efterskrift init`: makes a workspace, and asks once for what it needs."""

from __future__ import annotations

import getpass
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.context import (
    ask_password,
    message,
    open_workspace,
    print_note,
    print_text,
    read_password,
)
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings, load_settings
from pipeline.login.passwords import hash_new_password
from pipeline.preparation import first_setup
from pipeline.preparation.first_setup import (
    FirstSetup,
    compared_name,
    has_accounts,
    is_wrong,
    load_setup,
    parse_setup,
)
from pipeline.store.accounts.people import PasswordHash
from pipeline.store.database.store import open_for_images

_YES, _NO = {"y", "yes", "j", "ja"}, {"", "n", "no", "nej"}


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
    # A wrong file is reported before anything is made.
    answers = load_setup(file) if file else None
    settings = load_settings()
    open_workspace(settings, create=True).close()
    store = open_for_images(settings)
    print_text("cli.init.store", store=store.name)
    if answers is None:
        if not (sys.stdin.isatty() if ask is None else ask):
            return
        if store.query(has_accounts):
            print_note("cli.init.known")
            return
        answers = _ask_everything()
    _save(settings, answers, is_asked=file is None)


def _save(settings: Settings, answers: FirstSetup, *, is_asked: bool) -> None:

    store = open_workspace(settings)
    store.query(first_setup.require_new, settings)
    person = first_setup.administrator(answers)
    if is_asked:
        digest = _ask_new_password(person, settings)
    else:
        digest = hash_new_password(read_password(), person, settings)
    with store.begin() as conn:
        first_setup.save_setup(conn, answers, digest, by=getpass.getuser())
        written = first_setup.write_settings(answers, settings.workspace)
    print_text("cli.init.settings", file=written)
    print_text("cli.init.administrator", login=answers.administrator.login)
    if empty := first_setup.list_empty(answers):
        print_note("cli.init.empty", keys=", ".join(empty))
    print_text("cli.init.next")


def _ask_new_password(person: Person, settings: Settings) -> PasswordHash:
    """Ask until two that are typed are the same and strong enough: no other answer is lost."""
    while True:
        password = ask_password()
        if password != ask_password("cli.init.ask.password_again"):
            print_note("cli.init.passwords_differ")
            continue
        try:
            return hash_new_password(password, person, settings)
        except UsageError as error:
            print_note("cli.init.wrong", problem=str(error))


def _ask_everything() -> FirstSetup:
    """Ask until the answers fit together."""
    while True:
        print_note("cli.init.begun")
        content: dict[str, object] = {
            "care_provider": _ask("care_provider"),
            "organisation_number": _ask_checked("organisation_number"),
            "care_provider_hsa_id": _ask_checked("care_provider_hsa_id"),
            "source_system_hsa_id": _ask_checked("source_system_hsa_id"),
            "non_commercial": _ask_whether("non_commercial"),
            "outage_start": (start := _ask_time("outage_start")),
            "outage_end": _ask_time("outage_end", start),
            "units": _ask_units(),
            "administrator": {"login": _ask("login"), "name": _ask("name")},
        }
        try:
            return parse_setup(content)
        except UsageError as error:
            print_note("cli.init.wrong", problem=error.message)


def _ask(name: str, default: str | None = None) -> str:
    text = message(f"cli.init.ask.{name}")
    return str(typer.prompt(text, default=default, show_default=False, err=True)).strip()


def _ask_checked(name: str) -> str:
    """Ask for what may be left empty, until it has a form that is possible."""
    while is_wrong(name, answer := _ask(name, default="")):
        print_note("cli.init.no_number")
    return answer


def _ask_whether(name: str) -> bool:
    """Ask for yes or no, in English or Swedish; empty is no."""
    while (answer := _ask(name, default="").casefold()) not in _YES | _NO:
        print_note("cli.init.no_answer")
    return answer in _YES


def _ask_time(name: str, after: datetime | None = None) -> datetime | None:
    while typed := _ask(name, default=""):
        try:
            at = datetime.fromisoformat(typed)
        except ValueError:
            print_note("cli.init.no_time")
            continue
        if after is None or at >= after:
            return at
        print_note("cli.init.ends_too_early")
    return None


def _ask_units() -> list[dict[str, str]]:
    """Ask for units until an empty line; there is at least one.

    One whose area is left empty is left out: it may have been a slip.
    """
    units: dict[str, dict[str, str]] = {}
    known = {area.value.casefold(): area.value for area in Area}
    while name := _ask("unit", default="" if units else None):
        if compared_name(name) in units:
            print_note("cli.init.unit_known")
            continue
        while (area := _ask("area", default="").casefold()) and area not in known:
            print_note("cli.init.no_area", areas=", ".join(known.values()))
        if area:
            units[compared_name(name)] = {"name": name, "area": known[area]}
    return list(units.values())
