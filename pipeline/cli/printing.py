"""`efterskrift print`: print sheets with serials and register them as issued.

`efterskrift pack`, `issued take-in` and `planned`: outage packs and accounting for their sheets.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.context import format_count
from pipeline.cli.options import BEFORE
from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.settings import load_settings
from pipeline.files.atomic import flush_to_disk, open_partial, replace_file
from pipeline.forms.visit_lists import Binder, split_by_binder
from pipeline.registers.planned_visits import PlanKind

if TYPE_CHECKING:
    from pipeline.domain.form.form import Form
    from pipeline.domain.model import Client
    from pipeline.forms.printing import Sheet
    from pipeline.forms.visit_lists import PlannedVisit
    from pipeline.registers.clients import ClientRegister
    from pipeline.store.database.store import Store
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.domain.form.form import Forms
    from pipeline.domain.model import Client
    from pipeline.registers.pack_quantities import SheetQuantity

PRINTED_BY = "kommandorad"
EXISTING_FILE = {"exists": True, "dir_okay": False}


def register_print_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("print", rich_help_panel=BEFORE)(print_form)


def print_form(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="Form id; see `forms list`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="PDF file to write.")],
    copies: Annotated[
        int | None, typer.Option(min=1, max=2000, help="Number of blank sheets. Default: 1.")
    ] = None,
    clients: Annotated[
        Path | None,
        typer.Option(
            help="Client register (CSV): one pre-filled sheet a client. With --plan: used only for protected identities."
        ),
    ] = None,
    unit: Annotated[
        str,
        typer.Option(
            help="Unit printed on blank sheets. Default: the only unit. With --clients or --plan: only this unit's rows."
        ),
    ] = "",
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Planned visits (CSV: enhet;datum;tid;personnummer;namn;insats;rutt) to print in the rows."
        ),
    ] = None,
) -> None:
    """Print a form as PDF, each sheet with a serial of its own.

    The serials are registered as issued. Sheets of clients with a protected identity go to a
    separate file, `-skyddade.pdf`. Sheets of planned clients who are in no register go to another,
    `-ej-i-registret.pdf`, since their identities may be protected too.
    """
    from pipeline.domain.form.form import Forms, Subject
    from pipeline.forms.printing import print_sheets, to_issued_sheet
    from pipeline.store.database.store import open_store
    from pipeline.store.registers.issued_sheets import save_issued_sheets

    if copies is not None and (clients or plan):
        raise UsageError("copies_clients_plan_exclude_each")
    if not output.name:
        raise UsageError("sheets_not_written", output=output, value=os.strerror(errno.EISDIR))
    settings = load_settings()
    form = Forms.load(*settings.form_folders).latest(form_id)
    if clients is not None and form.subject is Subject.NONE:
        raise UsageError("about_no_client", form=form.id)
    register, visits = _load_clients(clients), _load_visits(plan, unit)
    store = open_store(settings, create=True)
    sheets = (
        _make_visit_sheets(form, visits, register, store)
        if plan
        else _make_sheets(copies or 1, register, unit or _find_only_unit(register, store), store)
    )
    _require_known_units(sheets, store)
    places = {end: output.with_stem(output.stem + end) for end in sheets}
    _require_unused_paths(places.values())
    # Written inside the transaction: no sheet is registered whose paper could not be written.
    # Printable once it is registered, and not before.
    with ExitStack() as files:
        with store.begin() as conn:
            save_issued_sheets(
                conn,
                [to_issued_sheet(form, sheet) for theirs in sheets.values() for sheet in theirs],
                by=PRINTED_BY,
            )
            pdfs = {
                end: print_sheets(form, those, organisation=settings.care_provider)
                for end, those in sheets.items()
            }
            written = _write_partials({places[end]: pdf for end, pdf in pdfs.items()}, files)
        for place, partial in written.items():
            with _report_write_errors(place):
                replace_file(partial, place)
    store.close()
    for end, those in sheets.items():
        typer.echo(f"{places[end]}: {len(those)} × {form.title}", err=True)
    report_unregistered_visits(
        f"{output.stem}{Binder.UNKNOWN}{output.suffix}" if Binder.UNKNOWN in sheets else ""
    )


def _require_unused_paths(places: Iterable[Path]) -> None:
    """Sheets that are registered as issued and were written over could only be counted as missing.

    Raises:
        UsageError: a file is there.
    """
    # `Path` breaks off where it may not look.
    if taken := [
        str(place) for place in places if os.path.isfile(place) and os.path.getsize(place)
    ]:  # noqa: PTH113, PTH202
        raise UsageError("file_exists_already", taken=", ".join(taken))


def report_unregistered_visits(file: str) -> None:
    """Say which file holds the visits to clients whom no register has, if there is one."""
    if file:
        typer.echo(
            f"{file}: planned clients who are in no register. Keep it sealed: their identities may be protected.",
            err=True,
        )


def report_missing_protection(register: ClientRegister) -> None:
    """Say so if a register cannot tell whose identity is protected."""
    if "protected" in register.missing_columns:
        typer.echo(
            "The register has no column skyddad: by it nobody has a protected identity.", err=True
        )


def _load_clients(clients: Path | None) -> Sequence[Client] | None:
    from pipeline.registers.clients import load_client_register

    if clients is None:
        return None
    register = load_client_register(clients)
    report_missing_protection(register)
    return register.clients


def _load_visits(plan: Path | None, unit: str) -> Sequence[PlannedVisit]:
    from pipeline.forms.visit_lists import load_visit_plan

    return load_visit_plan(plan, unit) if plan else ()


def _make_sheets(
    copies: int, register: Sequence[Client] | None, unit: str, store: Store
) -> dict[str, list[Sheet]]:
    """By the ending of the file's name."""
    from pipeline.forms.printing import make_blank_sheets, make_client_sheets

    if register is None:
        return {"": make_blank_sheets(copies, unit)}
    chosen = [client for client in register if unit in ("", client.unit)]
    if not chosen:
        raise UsageError("register_no_clients_print")
    protected = {
        client.pid
        for client in _find_known_clients(chosen, {one.pid for one in chosen}, store)
        if client.protected
    }
    kept = {
        one: [client for client in chosen if (client.pid in protected) is (one is Binder.PROTECTED)]
        for one in (Binder.TOGETHER, Binder.PROTECTED)
    }
    return {one: make_client_sheets(theirs) for one, theirs in kept.items() if theirs}


def _make_visit_sheets(
    form: Form, visits: Sequence[PlannedVisit], register: Sequence[Client] | None, store: Store
) -> dict[str, list[Sheet]]:
    """By the ending of the file's name."""
    from pipeline.forms.visit_lists import make_visit_sheets

    known = _find_known_clients(register or (), {visit.pid for visit in visits}, store)
    kept = split_by_binder(visits, known)
    if set(kept) == {Binder.UNKNOWN}:
        raise UsageError("nothing_says_planned_clients_protected")
    return {one: make_visit_sheets(form, theirs) for one, theirs in kept.items()}


def _find_only_unit(register: Sequence[Client] | None, store: Store) -> str:
    """The unit of blank sheets for which none is named: the only one that there is, else none."""
    from pipeline.store.registers import client_register

    with store.read() as conn:
        known = client_register.areas_by_unit(conn)
    return next(iter(known)) if register is None and len(known) == 1 else ""


def _find_known_clients(
    register: Sequence[Client], pids: Collection[str], store: Store
) -> list[Client]:
    """What is known of them by the register that was given and by the store's own."""
    from pipeline.store.registers import client_register

    with store.read() as conn:
        return [*register, *client_register.filter_known_clients(conn, pids)]


def _require_known_units(sheets: Mapping[str, Sequence[Sheet]], store: Store) -> None:
    """Sheets of no unit, or of one that is misspelt, would stand in nobody's list of missing
    sheets.
    """
    from pipeline.store.registers import client_register

    with store.read() as conn:
        known = client_register.areas_by_unit(conn)
    if not known:
        typer.echo(
            "The store has no units yet: the sheets are accounted for under an unknown unit until theirs is added.",
            err=True,
        )
    elif strange := sorted(
        {sheet.unit for theirs in sheets.values() for sheet in theirs} - set(known)
    ):
        named = ", ".join(unit or "(none)" for unit in strange)
        raise UsageError("no_unit_add_efterskrift", named=named, known=", ".join(known))


def _write_partials(pdfs: Mapping[Path, bytes], files: ExitStack) -> dict[Path, Path]:
    """By its place, the file beside it that holds the PDF; all are gone with `files` unless they
    are put in their places.
    """
    found = {}
    for place, pdf in pdfs.items():
        with _report_write_errors(place):
            found[place] = files.enter_context(open_partial(place))
            with found[place].open("wb") as out:
                out.write(pdf)
                flush_to_disk(out)
    return found


@contextmanager
def _report_write_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError("sheets_not_written", output=place, value=error.strerror) from error


def register_pack_commands(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pack", rich_help_panel=BEFORE)(pack)
    issued = typer.Typer(
        help="Sheets printed elsewhere: import their serials.", no_args_is_help=True
    )
    issued.command("take-in")(take_in)
    issued.callback()(lambda: None)  # keeps the group a group although it has one command
    app.add_typer(issued, name="issued", rich_help_panel=BEFORE)
    app.command("planned", rich_help_panel=BEFORE)(planned)


def pack(
    unit: Annotated[
        str,
        typer.Argument(help="Name of the unit, as in the client register and as printed on paper."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write the pack to.")],
    area: Annotated[
        Area | None,
        typer.Option(
            help="Area of law of the unit: selects the forms unless --numbers does.",
            case_sensitive=False,
        ),
    ] = None,
    numbers: Annotated[
        Path | None,
        typer.Option(
            help="Number of sheets of each form (CSV: enhet, blankett, antal, per_klient).",
            **EXISTING_FILE,
        ),
    ] = None,
    clients: Annotated[
        Path | None,
        typer.Option(help="Client register (CSV) for pre-filled sheets.", **EXISTING_FILE),
    ] = None,
    phones: Annotated[
        Path | None,
        typer.Option(help="Telephone chain (CSV: namn, telefon, roll, ringer).", **EXISTING_FILE),
    ] = None,
    schedule: Annotated[
        Path | None, typer.Option(help="Staff schedule (CSV: namn, datum, pass).", **EXISTING_FILE)
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Planned visits (CSV: enhet;datum;tid;personnummer;namn;insats;rutt) for tour lists. Needs --clients.",
            **EXISTING_FILE,
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=60, help="Number of days the pack must last.")
    ] = 14,
    first_day: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d"],
            help="First day of a planned outage, printed on the covers.",
        ),
    ] = None,
) -> None:
    """Make the outage pack of a unit: all paper that it needs.

    Works without a database: the serials are written to a file of the pack, to be imported with
    `issued take-in`.
    """
    from pipeline.domain.form.form import Forms
    from pipeline.forms.visit_lists import load_visit_plan
    from pipeline.preparation.outage_pack.pack import make_pack, write_pack
    from pipeline.preparation.outage_pack.pages import PackInfo
    from pipeline.preparation.outage_pack.parts import PackOrder, count_clients
    from pipeline.preparation.outage_pack.staff_pages import load_chain, load_schedule
    from pipeline.registers.clients import ClientRegister, load_client_register

    if not unit.strip():
        raise UsageError("unit_name")
    if plan and not clients:
        raise UsageError("nothing_says_planned_clients_protected")
    settings = load_settings()
    forms = Forms.load(*settings.form_folders)
    found = load_client_register(clients) if clients else ClientRegister(())
    register = found.clients
    order = PackOrder(
        PackInfo(unit, settings.care_provider, today_in_sweden()),
        _load_quantities(forms, unit, area, numbers, register, days),
        register,
        load_chain(phones) if phones else (),
        load_schedule(schedule) if schedule else (),
        load_visit_plan(plan, unit) if plan else (),
        days,
        first_day.date() if first_day else None,
    )
    if clients and not count_clients(order):
        raise UsageError("register_no_clients", unit_name=unit)
    made = make_pack(order, forms)
    write_pack(made, output)
    typer.echo(
        f"{output}: {format_count(len(made.files), 'file')}, {format_count(len(made.sheets), 'sheet')} with serials of their own",
        err=True,
    )
    report_missing_protection(found)
    report_unregistered_visits(made.unregistered_visits_file)


def _load_quantities(
    forms: Forms,
    unit: str,
    area: Area | None,
    numbers: Path | None,
    register: Sequence[Client],
    days: int,
) -> Sequence[SheetQuantity]:
    from pipeline.registers.pack_quantities import default_quantities, load_quantities

    if numbers:
        return load_quantities(numbers, unit)
    if area is None:
        raise UsageError("nothing_says_forms_unit_needs", area=", ".join(Area))
    return default_quantities(
        area,
        sum(client.unit == unit for client in register),
        days,
        {form_id for form_id, _ in forms},
    )


def take_in(
    file: Annotated[
        Path, typer.Argument(help="The utlamnade.csv of a pack.", exists=True, dir_okay=False)
    ],
) -> None:
    """Register the sheets of a pack as issued.

    Importing the same file again changes nothing.
    """
    from pipeline.cli.context import resolve_acting_person
    from pipeline.domain.form.form import Forms
    from pipeline.store.database.store import open_store
    from pipeline.store.registers import issued_sheets

    settings = load_settings()
    store = open_store(settings)
    operator = resolve_acting_person(store, "")
    with store.begin() as conn:
        taken = issued_sheets.import_issued_file(
            conn, Forms.load(*settings.form_folders), operator, file.read_bytes()
        )
    store.close()
    typer.echo(
        f"{taken.new} new, {taken.known} known before, {taken.scanned_before} of the new scanned already",
        err=True,
    )
    if taken.unknown_forms:
        typer.echo(
            f"Forms that are not in the forms folder: {', '.join(taken.unknown_forms)}. Their pages cannot be read before they are.",
            err=True,
        )
    if taken.unissued:
        typer.echo(
            f"{taken.unissued} scanned sheets of the units bear serials that no file has told of.",
            err=True,
        )


def planned(
    file: Annotated[
        Path,
        typer.Argument(help="CSV: enhet, datum and optionally antal (default 1).", **EXISTING_FILE),
    ],
    kind: Annotated[
        PlanKind, typer.Option(help="What the rows count: planned visits (besok) or shifts (pass).")
    ] = PlanKind.VISITS,
) -> None:
    """Import the number of planned visits or shifts by unit and day.

    With them a day whose paper is missing differs from a day without work.
    """
    from pipeline.cli.context import resolve_acting_person
    from pipeline.registers.planned_visits import count_planned
    from pipeline.store.database.store import open_store
    from pipeline.store.registers.planning import save_planned

    counts = count_planned(file.read_bytes(), file)
    store = open_store(load_settings())
    operator = resolve_acting_person(store, "")
    with store.begin() as conn:
        save_planned(conn, operator, kind, counts)
    store.close()
    units = {unit for unit, _ in counts}
    typer.echo(
        f"{format_count(len(counts), 'day')} of {format_count(len(units), 'unit')}", err=True
    )
