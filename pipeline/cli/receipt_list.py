"""`efterskrift check-receipts`: exported entries that a list from the care system proves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.context import (
    As,
    AsJson,
    print_json,
    print_text,
    resolve_acting_person,
    resolve_unit,
)
from pipeline.cli.export_runs import open_export_context
from pipeline.cli.oversight import AreaOfFile, ColumnNames, select_columns
from pipeline.domain.errors import ExitCode
from pipeline.domain.model import Role


def check_receipts(
    file: Annotated[
        Path,
        typer.Argument(help="CSV or xlsx exported from the care system.", dir_okay=False),
    ],
    unit: Annotated[str, typer.Option(help="Unit that the file is of.")],
    route: Annotated[str, typer.Option(help="Route to the system that the file comes from.")],
    area: AreaOfFile = None,
    column: ColumnNames = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Acknowledge the entries that the file surely has.")
    ] = False,
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Find exported entries in a list from the care system.

    Lists which of them it certainly has and which it does not prove. Nothing changes without
    --confirm. Exit code 9 if the list does not prove something.
    """
    from pipeline.export.care_system_check.receipt_proposals import (
        ListScope,
        confirm_proposals,
        propose_receipts,
    )
    from pipeline.registers.care_system_list import parse_care_table, read_care_list
    from pipeline.store.registers.client_register import areas_by_unit
    from pipeline.store.schema.clock import utc_now

    with open_export_context() as context:
        person = resolve_acting_person(context.store, login, Role.REVIEWER)
        unit = resolve_unit(context.store, unit)
        table = parse_care_table(file.read_bytes(), str(file))
        care_list = read_care_list(table, select_columns(table, column or []))
        with context.store.read() as conn:
            law_area = area.value if area else areas_by_unit(conn)[unit]
        scope = ListScope(unit, law_area, route)
        found = propose_receipts(context, person, scope, care_list.rows)
        receipted = (
            confirm_proposals(context, person, scope, found.proposed, utc_now()).accepted
            if confirm
            else 0
        )
    named = [
        {
            "entry_id": entry.item.entry_id,
            "form": entry.form,
            "run": entry.run_id,
            "doubt": entry.doubt.value if entry.doubt else None,
        }
        for entry in (*found.proposed, *found.doubtful)
    ]
    if as_json:
        print_json({"receipted": receipted, "hidden": found.hidden, "entries": named})
    else:
        for entry in named:
            print_text(f"cli.list_receipts.{entry['doubt'] or 'found'}", entry=entry["entry_id"])
        print_text(
            "cli.list_receipts.receipted" if confirm else "cli.list_receipts.proposed",
            count=receipted if confirm else len(found.proposed),
        )
    if found.doubtful or found.hidden:
        raise typer.Exit(ExitCode.EXPORT)
