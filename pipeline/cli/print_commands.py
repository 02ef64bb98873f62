"""`efterskrift print`: print sheets with serials and register them as issued."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import BEFORE
from pipeline.errors import UsageError
from pipeline.keeping import Keeping, by_keeping
from pipeline.settings import load_settings
from pipeline.whole_file import beside, put, settle

if TYPE_CHECKING:
    from pipeline.clients import ClientRegister
    from pipeline.model import Client
    from pipeline.printing import Sheet
    from pipeline.store.database import Store
    from pipeline.template import Form
    from pipeline.visit_plan import PlannedVisit

BY = "kommandorad"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("print", rich_help_panel=BEFORE)(print_form)


def print_form(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="Form id; see `forms list`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="PDF file to write.")],
    copies: Annotated[int | None, typer.Option(min=1, max=2000, help="Number of blank sheets. Default: 1.")] = None,
    clients: Annotated[
        Path | None,
        typer.Option(help="Client register (CSV): one pre-filled sheet a client. With --plan: used only for protected identities."),
    ] = None,
    unit: Annotated[
        str, typer.Option(help="Unit printed on blank sheets. Default: the only unit. With --clients or --plan: only this unit's rows.")
    ] = "",
    plan: Annotated[
        Path | None, typer.Option(help="Planned visits (CSV: enhet;datum;tid;personnummer;namn;insats;rutt) to print in the rows.")
    ] = None,
) -> None:
    """Print a form as PDF, each sheet with a serial of its own.

    The serials are registered as issued. Sheets of clients with a protected identity go to a
    separate file, `-skyddade.pdf`. Sheets of planned clients who are in no register go to another,
    `-ej-i-registret.pdf`, since their identities may be protected too.
    """
    from pipeline.printing import issued, print_sheets
    from pipeline.store.database import open_store
    from pipeline.store.issued import add_issued
    from pipeline.template import Forms, Subject

    if copies is not None and (clients or plan):
        raise UsageError("copies_clients_plan_exclude_each")
    if not output.name:
        raise UsageError("sheets_not_written", output=output, value=os.strerror(errno.EISDIR))
    settings = load_settings()
    form = Forms.load(*settings.form_folders).latest(form_id)
    if clients is not None and form.subject is Subject.NONE:
        raise UsageError("about_no_client", form=form.id)
    register, visits = _register(clients), _visits(plan, unit)
    store = open_store(settings, create=True)
    sheets = _planned(form, visits, register, store) if plan else _sheets(copies or 1, register, unit or _only_unit(register, store), store)
    _of_known_units(sheets, store)
    places = {end: output.with_stem(output.stem + end) for end in sheets}
    _require_free(places.values())
    # Written inside the transaction: no sheet is registered whose paper could not be written. Printable once it is registered, and not before.
    with ExitStack() as files:
        with store.begin() as conn:
            add_issued(conn, [issued(form, sheet) for theirs in sheets.values() for sheet in theirs], by=BY)
            pdfs = {end: print_sheets(form, those, organisation=settings.care_provider) for end, those in sheets.items()}
            written = _written({places[end]: pdf for end, pdf in pdfs.items()}, files)
        for place, partial in written.items():
            with _told(place):
                put(partial, place)
    store.close()
    for end, those in sheets.items():
        typer.echo(f"{places[end]}: {len(those)} × {form.title}", err=True)
    tell_strangers(f"{output.stem}{Keeping.UNKNOWN}{output.suffix}" if Keeping.UNKNOWN in sheets else "")


def _require_free(places: Iterable[Path]) -> None:
    """Sheets that are registered as issued and were written over could only be counted as missing.

    Raises:
        UsageError: a file is there.
    """
    # `Path` breaks off where it may not look.
    if taken := [str(place) for place in places if os.path.isfile(place) and os.path.getsize(place)]:  # noqa: PTH113, PTH202
        raise UsageError("file_exists_already", taken=", ".join(taken))


def tell_strangers(file: str) -> None:
    """Say which file holds the visits to clients whom no register has, if there is one."""
    if file:
        typer.echo(f"{file}: planned clients who are in no register. Keep it sealed: their identities may be protected.", err=True)


def tell_unprotected(register: ClientRegister) -> None:
    """Say so if a register cannot tell whose identity is protected."""
    if "protected" in register.silent:
        typer.echo("The register has no column skyddad: by it nobody has a protected identity.", err=True)


def _register(clients: Path | None) -> Sequence[Client] | None:
    from pipeline.clients import load_register

    if clients is None:
        return None
    register = load_register(clients)
    tell_unprotected(register)
    return register.clients


def _visits(plan: Path | None, unit: str) -> Sequence[PlannedVisit]:
    from pipeline.visit_plan import load_plan

    return load_plan(plan, unit) if plan else ()


def _sheets(copies: int, register: Sequence[Client] | None, unit: str, store: Store) -> dict[str, list[Sheet]]:
    """By the ending of the file's name."""
    from pipeline.printing import issue, issue_for_clients

    if register is None:
        return {"": issue(copies, unit)}
    chosen = [client for client in register if unit in ("", client.unit)]
    if not chosen:
        raise UsageError("register_no_clients_print")
    protected = {client.pid for client in _known(chosen, {one.pid for one in chosen}, store) if client.protected}
    kept = {
        one: [client for client in chosen if (client.pid in protected) is (one is Keeping.PROTECTED)] for one in (Keeping.TOGETHER, Keeping.PROTECTED)
    }
    return {one: issue_for_clients(theirs) for one, theirs in kept.items() if theirs}


def _planned(form: Form, visits: Sequence[PlannedVisit], register: Sequence[Client] | None, store: Store) -> dict[str, list[Sheet]]:
    """By the ending of the file's name."""
    from pipeline.visit_plan import issue_for_plan

    known = _known(register or (), {visit.pid for visit in visits}, store)
    kept = by_keeping(visits, known)
    if set(kept) == {Keeping.UNKNOWN}:
        raise UsageError("nothing_says_planned_clients_protected")
    return {one: issue_for_plan(form, theirs) for one, theirs in kept.items()}


def _only_unit(register: Sequence[Client] | None, store: Store) -> str:
    """The unit of blank sheets for which none is named: the only one that there is, else none."""
    from pipeline.store import registers

    with store.read() as conn:
        known = registers.units(conn)
    return next(iter(known)) if register is None and len(known) == 1 else ""


def _known(register: Sequence[Client], pids: Collection[str], store: Store) -> list[Client]:
    """What is known of them by the register that was given and by the store's own."""
    from pipeline.store import registers

    with store.read() as conn:
        return [*register, *registers.known_clients(conn, pids)]


def _of_known_units(sheets: Mapping[str, Sequence[Sheet]], store: Store) -> None:
    """Sheets of no unit, or of one that is misspelt, would stand in nobody's list of missing sheets."""
    from pipeline.store import registers

    with store.read() as conn:
        known = registers.units(conn)
    if not known:
        typer.echo("The store has no units yet: the sheets are accounted for under an unknown unit until theirs is added.", err=True)
    elif strange := sorted({sheet.unit for theirs in sheets.values() for sheet in theirs} - set(known)):
        named = ", ".join(unit or "(none)" for unit in strange)
        raise UsageError("no_unit_add_efterskrift", named=named, known=", ".join(known))


def _written(pdfs: Mapping[Path, bytes], files: ExitStack) -> dict[Path, Path]:
    """By its place, the file beside it that holds the PDF; all are gone with `files` unless they are put in their places."""
    found = {}
    for place, pdf in pdfs.items():
        with _told(place):
            found[place] = files.enter_context(beside(place))
            with found[place].open("wb") as out:
                out.write(pdf)
                settle(out)
    return found


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError("sheets_not_written", output=place, value=error.strerror) from error
