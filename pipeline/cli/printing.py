"""`efterskrift print`, `pack` and `issued take-in`: print paper and register it."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.context import format_count, open_workspace, print_note, resolve_acting_person
from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import EfterskriftError, UsageError
from pipeline.domain.form.form import Area, Form, Forms, Subject
from pipeline.domain.model import Client
from pipeline.domain.settings import Settings, load_settings
from pipeline.files.atomic import flush_to_disk, open_partial, replace_file
from pipeline.forms.letterhead import find_logo, load_letterhead
from pipeline.forms.printing import (
    Binder,
    Sheet,
    make_blank_sheets,
    make_client_sheets,
    print_sheets,
    split_by_binder,
    to_issued_sheet,
)
from pipeline.forms.visit_lists import PlannedVisit, load_visit_plan, make_visit_sheets
from pipeline.preparation.outage_pack.pack import add_digital_forms, make_pack, write_pack
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.preparation.outage_pack.parts import PackOrder, count_clients
from pipeline.preparation.outage_pack.staff_pages import load_chain, load_schedule
from pipeline.preparation.outage_pack.unit_documents import (
    describe_lacks,
    find_given_documents,
    list_slots,
)
from pipeline.registers.clients import ClientRegister, load_client_register
from pipeline.registers.pack_quantities import SheetQuantity, default_quantities, load_quantities
from pipeline.registers.prescriptions import (
    Prescription,
    has_prescription_lines,
    load_prescriptions,
    make_prescription_sheets,
)
from pipeline.store.database.sampling_key import digital_form_secret
from pipeline.store.database.store import Store
from pipeline.store.registers import client_register, issued_sheets
from pipeline.store.registers.issued_sheets import save_issued_sheets

PRINTED_BY = "kommandorad"
"""Login under which the register of issued sheets has those that the command line printed."""
EXISTING_FILE = {"exists": True, "dir_okay": False}


def print_form(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="Form id; see `forms list`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="PDF file to write.")],
    copies: Annotated[
        int | None, typer.Option(min=1, max=2000, help="Number of blank sheets. Default: 1.")
    ] = None,
    clients: Annotated[
        Path | None,
        typer.Option(
            help="Client register (CSV or xlsx): a pre-filled sheet each. With --plan: used only "
            "for protected identities."
        ),
    ] = None,
    unit: Annotated[
        str,
        typer.Option(
            help="Unit printed on blank sheets. Default: the only unit. With --clients or --plan: "
            "only this unit's rows."
        ),
    ] = "",
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Planned visits (table: enhet;datum;tid;personnummer;namn;insats;rutt) to print "
            "in the rows; for a signing list prescriptions (table: enhet;månad;personnummer;namn;"
            "läkemedel;tider;ordinatör;ordinerat;styrka;form;väg;dos;delegerad;kortnamn)."
        ),
    ] = None,
) -> None:
    """Print a form as PDF, each sheet with a serial of its own.

    The serials are registered as issued. Sheets of clients with a protected identity go to a
    separate file, `-skyddade.pdf`. Sheets of planned clients who are in no register go to another,
    `-ej-i-registret.pdf`, since their identities may be protected too.
    """
    if copies is not None and (clients or plan):
        raise UsageError("copies_and_clients")
    if not output.name:
        raise UsageError("sheets_not_writable", output=output, value=os.strerror(errno.EISDIR))
    settings = load_settings()
    form = Forms.load(*settings.form_folders).latest(form_id)
    if clients is not None and form.subject is Subject.NONE:
        raise UsageError("concerns_no_client", form=form.id)
    register, planned_items = _load_clients(clients), _load_plan(form, plan, unit)
    store = open_workspace(settings, create=True)
    sheets = (
        _make_planned_sheets(form, planned_items, register, store)
        if plan
        else _make_sheets(copies or 1, register, unit or _find_only_unit(register, store), store)
    )
    _require_known_units(sheets, store)
    paths = {suffix: output.with_stem(output.stem + suffix) for suffix in sheets}
    _require_unused_paths(paths.values())
    _issue_sheets(form, {paths[suffix]: batch for suffix, batch in sheets.items()}, store, settings)
    store.close()
    for suffix, batch in sheets.items():
        print_note("cli.print.printed", file=paths[suffix], number=len(batch), title=form.title)
    report_unregistered_visits(
        f"{output.stem}{Binder.UNKNOWN}{output.suffix}" if Binder.UNKNOWN in sheets else ""
    )


def _issue_sheets(
    form: Form, sheets: Mapping[Path, Sequence[Sheet]], store: Store, settings: Settings
) -> None:
    """Print the sheets of each file and register them as issued, all or none.

    Raises:
        UsageError: a file cannot be written.
    """
    letterhead = load_letterhead(settings, today_in_sweden())
    with ExitStack() as files:
        # Written inside the transaction: no sheet is registered whose paper could not be written.
        with store.begin() as conn:
            issued = [to_issued_sheet(form, sheet) for batch in sheets.values() for sheet in batch]
            save_issued_sheets(conn, issued, by=PRINTED_BY)
            pdfs = {
                path: print_sheets(form, batch, letterhead=letterhead)
                for path, batch in sheets.items()
            }
            partials = _write_partials(pdfs, files)
        # Named once they are registered: no sheet can be printed before.
        for path, partial in partials.items():
            with _report_write_errors(path):
                replace_file(partial, path)


def _require_unused_paths(paths: Iterable[Path]) -> None:
    """Check that no file is overwritten: its issued sheets would be counted as missing for ever.

    Raises:
        UsageError: a file exists.
    """
    # Not `Path.is_file`, which raises where the folder may not be read.
    if existing := [
        str(path)
        for path in paths
        if os.path.isfile(path) and os.path.getsize(path)  # noqa: PTH113, PTH202
    ]:
        raise UsageError("output_exists", taken=", ".join(existing))


def report_unregistered_visits(file: str) -> None:
    """Name the file with the visits to clients who are in no register, if there is one."""
    if file:
        print_note("cli.print.unregistered", file=file)


def report_missing_protection(register: ClientRegister) -> None:
    """Warn of a register that does not say whose identity is protected."""
    if "protected" in register.missing_columns:
        print_note("cli.print.no_protection")


def _load_clients(clients: Path | None) -> Sequence[Client] | None:

    if clients is None:
        return None
    register = load_client_register(clients)
    report_missing_protection(register)
    return register.clients


def _load_plan(form: Form, plan: Path | None, unit: str) -> Sequence[PlannedVisit | Prescription]:
    """Load the prescriptions of a signing list, or the visits of any other form."""
    if plan is None or has_prescription_lines(form):
        return load_prescriptions(plan, unit) if plan else ()
    return load_visit_plan(plan, unit)


def _make_sheets(
    copies: int, register: Sequence[Client] | None, unit: str, store: Store
) -> dict[str, list[Sheet]]:
    """Make blank sheets, or one sheet a client of a unit, by the suffix of the file's name.

    Raises:
        UsageError: the register has no client to print for.
    """
    if register is None:
        return {"": make_blank_sheets(copies, unit)}
    chosen = [client for client in register if unit in ("", client.unit)]
    if not chosen:
        raise UsageError("register_without_clients_to_print")
    # Protected is who is protected by the given register or by that of the workspace.
    pids = {client.pid for client in chosen}
    protected = {
        client.pid for client in _find_known_clients(chosen, pids, store) if client.protected
    }
    clients_by_binder = {
        Binder.TOGETHER: [client for client in chosen if client.pid not in protected],
        Binder.PROTECTED: [client for client in chosen if client.pid in protected],
    }
    return {
        binder: make_client_sheets(clients)
        for binder, clients in clients_by_binder.items()
        if clients
    }


def _make_planned_sheets(
    form: Form,
    planned_items: Sequence[PlannedVisit | Prescription],
    register: Sequence[Client] | None,
    store: Store,
) -> dict[str, list[Sheet]]:
    """Make sheets with planned visits or prescriptions, by the suffix of the file's name.

    Raises:
        UsageError: no register has any of the clients, so nothing says who is protected.
    """
    known = _find_known_clients(register or (), {each.pid for each in planned_items}, store)
    by_binder = split_by_binder(planned_items, known)
    if set(by_binder) == {Binder.UNKNOWN}:
        raise UsageError("planned_protection_unknown")
    return {binder: _make_sheets_of(form, items) for binder, items in by_binder.items()}


def _make_sheets_of(form: Form, items: Sequence[PlannedVisit | Prescription]) -> list[Sheet]:

    if prescriptions := [each for each in items if isinstance(each, Prescription)]:
        return make_prescription_sheets(form, prescriptions)
    return make_visit_sheets(form, [each for each in items if isinstance(each, PlannedVisit)])


def _find_only_unit(register: Sequence[Client] | None, store: Store) -> str:
    """Return the unit of blank sheets if none is named: the only unit there is, else none."""
    units = store.query(client_register.areas_by_unit)
    return next(iter(units)) if register is None and len(units) == 1 else ""


def _find_known_clients(
    register: Sequence[Client], pids: Collection[str], store: Store
) -> list[Client]:
    """Return the clients of the given register, and those of the workspace's with these numbers."""
    return [*register, *store.query(client_register.filter_known_clients, pids)]


def _require_known_units(sheets: Mapping[str, Sequence[Sheet]], store: Store) -> None:
    """Check the units: sheets of an unknown unit would be in no list of missing sheets.

    Raises:
        UsageError: the workspace has units, but not all of these.
    """
    known = store.query(client_register.areas_by_unit)
    if not known:
        print_note("cli.print.no_units")
    elif unknown := sorted(
        {sheet.unit for batch in sheets.values() for sheet in batch} - set(known)
    ):
        named = ", ".join(unit or "(none)" for unit in unknown)
        raise UsageError("unit_not_added", named=named, known=", ".join(known))


def _write_partials(pdfs: Mapping[Path, bytes], files: ExitStack) -> dict[Path, Path]:
    """Write each PDF into a partial file next to its path; return the partial files by path.

    `files` removes those that are not renamed to their paths.
    """
    partials = {}
    for path, pdf in pdfs.items():
        with _report_write_errors(path):
            partials[path] = files.enter_context(open_partial(path))
            with partials[path].open("wb") as out:
                out.write(pdf)
                flush_to_disk(out)
    return partials


@contextmanager
def _report_write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError("sheets_not_writable", output=path, value=error.strerror) from error


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
            help="Number of sheets of each form (CSV or xlsx: enhet, blankett, antal, per_klient).",
            **EXISTING_FILE,
        ),
    ] = None,
    clients: Annotated[
        Path | None,
        typer.Option(help="Client register (CSV or xlsx) for pre-filled sheets.", **EXISTING_FILE),
    ] = None,
    phones: Annotated[
        Path | None,
        typer.Option(
            help="Telephone chain (CSV or xlsx: namn, telefon, roll, ringer).", **EXISTING_FILE
        ),
    ] = None,
    schedule: Annotated[
        Path | None,
        typer.Option(help="Staff schedule (CSV or xlsx: namn, datum, pass).", **EXISTING_FILE),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Planned visits (table: enhet;datum;tid;personnummer;namn;insats;rutt) for tour "
            "lists. Needs --clients.",
            **EXISTING_FILE,
        ),
    ] = None,
    documents: Annotated[
        Path | None,
        typer.Option(
            help="Folder with the unit's own documents, named SLOT-YYYY-MM-DD.pdf; the slots are "
            "in data/pack/slots.yaml.",
            exists=True,
            file_okay=False,
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
    `issued take-in`. With the workspace's database it also has each form without paper.
    """
    if not unit.strip():
        raise UsageError("unit_name_missing")
    if plan and not clients:
        raise UsageError("planned_protection_unknown")
    settings = load_settings()
    forms = Forms.load(*settings.form_folders)
    register = load_client_register(clients) if clients else ClientRegister(())
    order = PackOrder(
        PackInfo(unit, settings.care_provider, today_in_sweden(), find_logo(settings)),
        load_quantities(numbers, unit)
        if numbers
        else _default_quantities(forms, unit, area, register, days),
        register.clients,
        load_chain(phones) if phones else (),
        load_schedule(schedule) if schedule else (),
        load_visit_plan(plan, unit) if plan else (),
        days,
        first_day.date() if first_day else None,
        find_given_documents(documents, list_slots(area)) if documents else (),
    )
    if clients and not count_clients(order):
        raise UsageError("register_without_clients", unit_name=unit)
    made = make_pack(order, forms)
    if secret := _load_digital_secret(settings):
        made = add_digital_forms(made, order, forms, secret)
    write_pack(made, output)
    print_note(
        "cli.pack.made",
        folder=output,
        files=format_count(len(made.files), "file"),
        sheets=format_count(len(made.sheets), "sheet"),
    )
    # What the first page says too: the person who prints it may not read it.
    for line in describe_lacks(order.needed_slots, order.about.printed_on):
        print_note("cli.pack.document", line=line)
    report_missing_protection(register)
    report_unregistered_visits(made.unregistered_visits_file)


def _load_digital_secret(settings: Settings) -> str:
    """Return the secret of forms without paper; empty, and said so, without a database."""
    try:
        store = open_workspace(settings)
    except EfterskriftError:
        print_note("cli.pack.no_digital")
        return ""
    secret = store.change(digital_form_secret)
    store.close()
    return secret


def _default_quantities(
    forms: Forms, unit: str, area: Area | None, register: ClientRegister, days: int
) -> Sequence[SheetQuantity]:
    """Return the usual numbers of sheets of the area of law for the unit's clients.

    Raises:
        UsageError: no area is named.
    """
    if area is None:
        raise UsageError("unit_forms_unknown", area=", ".join(Area))
    clients = sum(client.unit == unit for client in register.clients)
    return default_quantities(area, clients, days, {form_id for form_id, _ in forms})


def take_in(
    file: Annotated[
        Path, typer.Argument(help="The utlamnade.csv of a pack.", exists=True, dir_okay=False)
    ],
) -> None:
    """Register the sheets of a pack as issued.

    Importing the same file again changes nothing.
    """
    settings = load_settings()
    store = open_workspace(settings)
    operator = resolve_acting_person(store, "")
    imported = store.change(
        issued_sheets.import_issued_file,
        Forms.load(*settings.form_folders),
        operator,
        file.read_bytes(),
    )
    store.close()
    print_note(
        "cli.issued.imported",
        new=imported.new,
        known=imported.known,
        scanned=imported.scanned_before,
    )
    if imported.unknown_forms:
        print_note("cli.issued.unknown_forms", forms=", ".join(imported.unknown_forms))
    if imported.unissued:
        print_note("cli.issued.unissued", number=imported.unissued)
