"""`efterskrift pack`, `issued take-in` and `planned`: outage packs and accounting for their sheets."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.counting import counted
from pipeline.cli.options import BEFORE
from pipeline.cli.print_commands import tell_strangers, tell_unprotected
from pipeline.errors import UsageError
from pipeline.planning import PlanKind
from pipeline.settings import load_settings
from pipeline.swedish_time import today
from pipeline.template import Area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model import Client
    from pipeline.pack.numbers import Need
    from pipeline.template import Forms

CSV = {"exists": True, "dir_okay": False}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pack", rich_help_panel=BEFORE)(pack)
    issued = typer.Typer(help="Sheets printed elsewhere: import their serials.", no_args_is_help=True)
    issued.command("take-in")(take_in)
    issued.callback()(lambda: None)  # keeps the group a group although it has one command
    app.add_typer(issued, name="issued", rich_help_panel=BEFORE)
    app.command("planned", rich_help_panel=BEFORE)(planned)


def pack(
    unit: Annotated[str, typer.Argument(help="Name of the unit, as in the client register and as printed on paper.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write the pack to.")],
    area: Annotated[Area | None, typer.Option(help="Area of law of the unit: selects the forms unless --numbers does.", case_sensitive=False)] = None,
    numbers: Annotated[Path | None, typer.Option(help="Number of sheets of each form (CSV: enhet, blankett, antal, per_klient).", **CSV)] = None,
    clients: Annotated[Path | None, typer.Option(help="Client register (CSV) for pre-filled sheets.", **CSV)] = None,
    phones: Annotated[Path | None, typer.Option(help="Telephone chain (CSV: namn, telefon, roll, ringer).", **CSV)] = None,
    schedule: Annotated[Path | None, typer.Option(help="Staff schedule (CSV: namn, datum, pass).", **CSV)] = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="Planned visits (CSV: enhet;datum;tid;personnummer;namn;insats;rutt) for tour lists. Needs --clients.", **CSV),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=60, help="Number of days the pack must last.")] = 14,
    first_day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of a planned outage, printed on the covers.")
    ] = None,
) -> None:
    """Make the outage pack of a unit: all paper that it needs.

    Works without a database: the serials are written to a file of the pack, to be imported with
    `issued take-in`.
    """
    from pipeline.clients import ClientRegister, load_register
    from pipeline.pack.make import make_pack, write_pack
    from pipeline.pack.parts import Order, clients_of
    from pipeline.pack.plain_page import About
    from pipeline.pack.schedule import load_schedule
    from pipeline.pack.telephone_chain import load_chain
    from pipeline.template import Forms
    from pipeline.visit_plan import load_plan

    if not unit.strip():
        raise UsageError("unit_name")
    if plan and not clients:
        raise UsageError("nothing_says_planned_clients_protected")
    settings = load_settings()
    forms = Forms.load(*settings.form_folders)
    found = load_register(clients) if clients else ClientRegister(())
    register = found.clients
    order = Order(
        About(unit, settings.care_provider, today()),
        _needs(forms, unit, area, numbers, register, days),
        register,
        load_chain(phones) if phones else (),
        load_schedule(schedule) if schedule else (),
        load_plan(plan, unit) if plan else (),
        days,
        first_day.date() if first_day else None,
    )
    if clients and not clients_of(order):
        raise UsageError("register_no_clients", unit_name=unit)
    made = make_pack(order, forms)
    write_pack(made, output)
    typer.echo(f"{output}: {counted(len(made.files), 'file')}, {counted(len(made.sheets), 'sheet')} with serials of their own", err=True)
    tell_unprotected(found)
    tell_strangers(made.strangers)


def _needs(forms: Forms, unit: str, area: Area | None, numbers: Path | None, register: Sequence[Client], days: int) -> Sequence[Need]:
    from pipeline.pack.numbers import default_needs, load_needs

    if numbers:
        return load_needs(numbers, unit)
    if area is None:
        raise UsageError("nothing_says_forms_unit_needs", area=", ".join(Area))
    return default_needs(area, sum(client.unit == unit for client in register), days, {form_id for form_id, _ in forms})


def take_in(file: Annotated[Path, typer.Argument(help="The utlamnade.csv of a pack.", exists=True, dir_okay=False)]) -> None:
    """Register the sheets of a pack as issued.

    Importing the same file again changes nothing.
    """
    from pipeline.cli.acting import person_of
    from pipeline.store import issued_files
    from pipeline.store.database import open_store
    from pipeline.template import Forms

    settings = load_settings()
    store = open_store(settings)
    operator = person_of(store, "")
    with store.begin() as conn:
        taken = issued_files.take_in_issued(conn, Forms.load(*settings.form_folders), operator, file.read_bytes())
    store.close()
    typer.echo(f"{taken.new} new, {taken.known} known before, {taken.scanned_before} of the new scanned already", err=True)
    if taken.unknown_forms:
        typer.echo(f"Forms that are not in the forms folder: {', '.join(taken.unknown_forms)}. Their pages cannot be read before they are.", err=True)
    if taken.unissued:
        typer.echo(f"{taken.unissued} scanned sheets of the units bear serials that no file has told of.", err=True)


def planned(
    file: Annotated[Path, typer.Argument(help="CSV: enhet, datum and optionally antal (default 1).", **CSV)],
    kind: Annotated[PlanKind, typer.Option(help="What the rows count: planned visits (besok) or shifts (pass).")] = PlanKind.VISITS,
) -> None:
    """Import the number of planned visits or shifts by unit and day.

    With them a day whose paper is missing differs from a day without work.
    """
    from pipeline.cli.acting import person_of
    from pipeline.planning import planned_of
    from pipeline.store.database import open_store
    from pipeline.store.planned import save_planned

    counts = planned_of(file.read_bytes(), file)
    store = open_store(load_settings())
    operator = person_of(store, "")
    with store.begin() as conn:
        save_planned(conn, operator, kind, counts)
    store.close()
    units = {unit for unit, _ in counts}
    typer.echo(f"{counted(len(counts), 'day')} of {counted(len(units), 'unit')}", err=True)
