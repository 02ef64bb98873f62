"""`efterskrift print`: sheets with serials of their own, registered as issued."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import UsageError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.printing import Sheet
    from pipeline.template import Form

BY = "kommandorad"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("print")(print_form)


def print_form(
    form_id: Annotated[str, typer.Argument(metavar="ID", help="`forms list` shows those there are.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The PDF to write.")],
    copies: Annotated[int | None, typer.Option(min=1, max=2000, help="How many blank sheets. Default: 1.")] = None,
    clients: Annotated[Path | None, typer.Option(help="Client register (CSV): one pre-filled sheet for each client.")] = None,
    unit: Annotated[str, typer.Option(help="Unit to print on blank sheets; with --clients or --plan, only what is of this unit.")] = "",
    plan: Annotated[
        Path | None, typer.Option(help="Planned visits (CSV: enhet;datum;tid;personnummer;namn;insats;rutt), printed in the rows.")
    ] = None,
) -> None:
    """Print a form as PDF. Every sheet has its own serial, which is registered as issued."""
    from pipeline.printing import issued, print_sheets
    from pipeline.store.database import open_store
    from pipeline.store.issued import add_issued
    from pipeline.template import Forms, Subject

    if sum(given is not None for given in (copies, clients, plan)) > 1:
        raise UsageError("--copies, --clients and --plan exclude each other.", "Each client gets one sheet, each route as many as it needs.")
    settings = load_settings()
    form = Forms.load(*settings.form_folders).latest(form_id)
    if clients is not None and form.subject is Subject.NONE:
        raise UsageError(f"{form.id} is about no client.", "Print it with --copies.")
    sheets = _planned(form, plan, unit) if plan else _sheets(copies or 1, clients, unit)
    pdf = print_sheets(form, sheets, organisation=settings.care_provider)
    store = open_store(settings, create=True)
    # Written inside the transaction: no sheet is registered whose paper could not be written.
    with store.begin() as conn:
        add_issued(conn, [issued(form, sheet) for sheet in sheets], by=BY)
        _write(output, pdf)
    store.close()
    typer.echo(f"{output}: {len(sheets)} × {form.title}", err=True)


def _sheets(copies: int, clients: Path | None, unit: str) -> list[Sheet]:
    from pipeline.clients import load_register
    from pipeline.printing import issue, issue_for_clients

    if clients is None:
        return issue(copies, unit)
    chosen = [client for client in load_register(clients) if unit in ("", client.unit)]
    if not chosen:
        raise UsageError("The register has no clients to print for.", "Check the file and the unit's name.")
    return issue_for_clients(chosen)


def _planned(form: Form, plan: Path, unit: str) -> list[Sheet]:
    from pipeline.visit_plan import issue_for_plan, load_plan

    return issue_for_plan(form, load_plan(plan, unit))


def _write(output: Path, pdf: bytes) -> None:
    try:
        output.write_bytes(pdf)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.", "Give another place with -o.") from error
