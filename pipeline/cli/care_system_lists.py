"""`efterskrift check-receipts`, `clashes`: what a list exported from the care system has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.context import (
    As,
    AsJson,
    format_count,
    message,
    print_json,
    print_note,
    print_text,
    resolve_acting_person,
    resolve_unit,
)
from pipeline.cli.export_runs import open_export_context
from pipeline.domain.errors import ExitCode, UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.model import Role
from pipeline.export.care_system_check.decisions import import_care_list
from pipeline.export.care_system_check.receipt_proposals import (
    ListScope,
    confirm_proposals,
    propose_receipts,
)
from pipeline.export.care_system_matches import CareSystemMatch, list_matches
from pipeline.registers.care_system_list import (
    REQUIRED_COLUMNS,
    CareColumn,
    CareList,
    parse_care_table,
    propose_columns,
    read_care_list,
)
from pipeline.store.database.store import Store
from pipeline.store.exports.care_system_exports import is_list_stored
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.clock import utc_now

AreaOfFile = Annotated[
    Area | None,
    typer.Option(help="Area of law of the file. Default: the unit's.", case_sensitive=False),
]
ColumnNames = Annotated[
    list[str] | None,
    typer.Option(help="Meaning of a column, as pid=TITLE; also day, clock, kind, text, author."),
]


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
    with open_export_context() as context:
        person = resolve_acting_person(context.store, login, Role.REVIEWER)
        unit, law_area = _resolve_scope(context.store, unit, area)
        care_list = _load_list(file, column)
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


def clashes(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="CSV or xlsx exported from the care system. Without it: list the known pairs.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    unit: Annotated[str, typer.Option(help="Unit whose entries are compared with the file.")] = "",
    area: AreaOfFile = None,
    column: ColumnNames = None,
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Find entries that may be in the care system already.

    Lists pairs of an entry and a note in the care system, the most similar first. They are decided
    on the screen Uppföljning.
    """
    if file is not None and not unit:
        raise UsageError("list_without_unit")
    with open_export_context() as context:
        person = resolve_acting_person(context.store, login, Role.REVIEWER)
        result: dict[str, Any] = {}
        if file is not None:
            unit, law_area = _resolve_scope(context.store, unit, area)
            care_list = _load_list(file, column)
            list_id = import_care_list(context, person, unit, law_area, care_list, utc_now())
            result = {
                "rows": len(care_list.rows),
                "no_person": care_list.rows_without_person,
                "no_day": care_list.rows_without_day,
                "kept": context.store.query(is_list_stored, list_id),
            }
        listed = context.store.query(
            list_matches, context.forms, person, context.settings.clash_minutes, utc_now()
        )
    result |= {
        "hidden": listed.hidden,
        "pairs": [_match_as_object(match) for match in listed.matches],
    }
    _print_matches(result, as_json=as_json)


def _resolve_scope(store: Store, unit: str, area: Area | None) -> tuple[str, str]:
    """Return the unit and the area of law that a list is of."""
    unit = resolve_unit(store, unit)
    with store.read() as conn:
        return unit, area.value if area else areas_by_unit(conn)[unit]


def _load_list(file: Path, named: Sequence[str] | None) -> CareList:
    """Return a list by the proposed columns, with those that are named (`pid=TITLE`) instead.

    Raises:
        UsageError: a name is no meaning or no title, or a required column is not known.
    """
    table = parse_care_table(file.read_bytes(), str(file))
    columns = dict(propose_columns(table.titles, table.rows[0][1]))
    for assignment in named or ():
        part, _, title = assignment.partition("=")
        if part not in set(CareColumn) or title not in table.titles:
            raise UsageError("column_option_malformed", part=", ".join(CareColumn))
        columns[CareColumn(part)] = (table.titles.index(title),)
    if lacking := [part for part in REQUIRED_COLUMNS if part not in columns]:
        options = " ".join(f'--column {part}="TITLE"' for part in lacking)
        raise UsageError(
            "columns_not_known",
            lacking=", ".join(lacking),
            told=options,
            table=", ".join(table.titles),
        )
    return read_care_list(table, columns)


def _match_as_object(match: CareSystemMatch) -> dict[str, Any]:
    """Return a pair with the JSON keys of the contract, without anything about the client."""
    likeness = match.likeness
    return {
        "entry_id": match.entry.id,
        "form": match.entry.form,
        "minutes": likeness.minutes,
        "text": likeness.text,
        "kind": likeness.kind,
        "in_review": match.entry_side is None,
    }


def _print_matches(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    if "rows" in result:
        print_note("cli.clashes.compared", rows=format_count(result["rows"], "row"))
    for key in ("no_person", "no_day"):
        if result.get(key):
            print_note(f"cli.clashes.{key}", rows=", ".join(map(str, result[key])))
    if not result.get("kept", True):
        print_note("cli.clashes.erased")
    for pair in result["pairs"]:
        _print_pair(pair)
    if result["hidden"]:
        print_note("cli.clashes.hidden", number=result["hidden"])
    if not result["pairs"]:
        print_text("cli.clashes.nothing")


def _print_pair(pair: dict[str, Any]) -> None:
    """Print how far a pair's times are apart, how alike the texts are, and whether it waits."""
    facts = [
        message("cli.clashes.same_day")
        if pair["minutes"] is None
        else message("cli.clashes.minutes_apart", minutes=pair["minutes"])
    ]
    if pair["text"] is not None:
        facts.append(message("cli.clashes.text_alike", percent=pair["text"]))
    if pair["in_review"]:
        facts.append(message("cli.clashes.in_review"))
    print_text(
        "cli.clashes.pair", entry=pair["entry_id"], form=pair["form"], facts=", ".join(facts)
    )
