"""`efterskrift clashes`: find entries that may be in the care system already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.counting import counted
from pipeline.cli.options import REVIEW, As, AsJson
from pipeline.errors import UsageError
from pipeline.template import Area

if TYPE_CHECKING:
    from pipeline.care_list import CareTable, Columns
    from pipeline.export.clashes import Clash


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("clashes", rich_help_panel=REVIEW)(clashes)


def clashes(
    file: Annotated[
        Path | None, typer.Argument(help="CSV exported from the care system. Without it: list the known pairs.", exists=True, dir_okay=False)
    ] = None,
    unit: Annotated[str, typer.Option(help="Unit whose entries are compared with the file.")] = "",
    area: Annotated[Area | None, typer.Option(help="Area of law of the file. Default: the unit's.", case_sensitive=False)] = None,
    column: Annotated[list[str] | None, typer.Option(help="Meaning of a column, as pid=TITLE; also day, clock, kind, text, author.")] = None,
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Find entries that were already keyed into the care system.

    Lists pairs of an entry and a note in the care system, the most similar first. They are decided
    on the screen Uppföljning.
    """
    from pipeline.care_list import care_list, care_table
    from pipeline.cli.acting import named_unit, person_of
    from pipeline.cli.export_commands import opened
    from pipeline.export.clash_decisions import hand_in
    from pipeline.export.clashes import clash_list
    from pipeline.model import Role
    from pipeline.store.care_lists import is_kept
    from pipeline.store.clock import utc_now
    from pipeline.store.registers import units

    if file is not None and not unit:
        raise UsageError("list_no_unit")
    with opened() as office:
        person = person_of(office.store, login, Role.REVIEWER)
        said: dict[str, Any] = {}
        if file is not None:
            unit = named_unit(office.store, unit)
            table = care_table(file.read_bytes(), str(file))
            found = care_list(table, _columns(table, column or []))
            with office.store.read() as conn:
                of_law = area.value if area else units(conn)[unit]
            made = hand_in(office, person, unit, of_law, found, utc_now())
            with office.store.read() as conn:
                said = {"rows": len(found.rows), "no_person": found.no_person, "no_day": found.no_day, "kept": is_kept(conn, made)}
        with office.store.read() as conn:
            listed = clash_list(conn, office.forms, person, office.settings.clash_minutes, utc_now())
    said |= {"hidden": listed.hidden, "pairs": [_said(one) for one in listed.clashes]}
    _say(said, as_json=as_json)


def _columns(table: CareTable, chosen: list[str]) -> Columns:
    """The proposal, with what the command names instead."""
    from pipeline.care_list import NEEDED, Part, proposed

    columns = dict(proposed(table.titles, table.rows[0][1]))
    for one in chosen:
        part, _, title = one.partition("=")
        if part not in set(Part) or title not in table.titles:
            raise UsageError("column_named_pid_title_title", part=", ".join(Part))
        columns[Part(part)] = (table.titles.index(title),)
    if lacking := [part for part in NEEDED if part not in columns]:
        told = " ".join(f'--column {part}="TITLE"' for part in lacking)
        raise UsageError("no_column_known", lacking=", ".join(lacking), told=told, table=", ".join(table.titles))
    return columns


def _said(one: Clash) -> dict[str, Any]:
    """A pair without what either side says of the person."""
    like = one.likeness
    return {
        "entry_id": one.entry.id,
        "form": one.entry.form,
        "minutes": like.minutes,
        "text": like.text,
        "kind": like.kind,
        "in_review": one.ours is None,
    }


def _say(said: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(said))
        return
    if "rows" in said:
        typer.echo(f"{counted(said['rows'], 'row')} compared", err=True)
    for key, what in (("no_person", "a right personal number"), ("no_day", "a day")):
        if said.get(key):
            typer.echo(f"Not compared, for lack of {what}: row {', '.join(map(str, said[key]))}", err=True)
    if not said.get("kept", True):
        typer.echo("No paper of the unit waits, so the list is erased already. Hand it in again when more paper has been scanned.", err=True)
    for pair in said["pairs"]:
        near = "same day" if pair["minutes"] is None else f"{pair['minutes']} minutes apart"
        alike = "" if pair["text"] is None else f", text {pair['text']} % alike"
        typer.echo(f"{pair['entry_id']} ({pair['form']}): {near}{alike}{', waits for review' if pair['in_review'] else ''}")
    if said["hidden"]:
        typer.echo(f"{said['hidden']} pairs about people whose identity is protected are not shown.", err=True)
    if not said["pairs"]:
        typer.echo("Nothing waits to be compared.")
