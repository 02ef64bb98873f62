"""`efterskrift send`: send exported entries to a FHIR server and store its receipts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.acting import person_of
from pipeline.cli.export_commands import opened
from pipeline.cli.options import REVIEW, As, AsJson
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.export.fhir.send import Sent
    from pipeline.export.runs import Office
    from pipeline.model import Person


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send", rich_help_panel=REVIEW)(send)


def send(
    target: Annotated[str, typer.Argument(help="fhir: the FHIR server of the settings.")],
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Run to send. Default: every run with entries without a receipt.")] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Send exported entries without a receipt to a FHIR server.

    Each answer is stored as a receipt. Sending again creates nothing twice.
    """
    from pipeline.export.fhir.send import TARGET

    if target != TARGET:
        raise UsageError("nothing_can_sent", target=target, target_2=TARGET)
    with opened() as office:
        _send(office, person_of(office.store, login), run_id, as_json=as_json)


def _send(office: Office, person: Person, run_id: str, *, as_json: bool) -> None:
    from pipeline.export.fhir.send import TARGET, send_run
    from pipeline.export.fhir.server import connected
    from pipeline.export.run_files import history
    from pipeline.store.clock import utc_now

    waiting = [status.run.id for status in reversed(history(office, person)) if status.run.target == TARGET and status.waiting]
    with connected(office.settings) as server:
        for one in [run_id] if run_id else waiting:
            _say(one, send_run(office, person, one, server, utc_now), as_json=as_json)
    if not (run_id or waiting):
        typer.echo("Nothing to send.", err=True)


def _say(run_id: str, sent: Sent, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"run": run_id} | asdict(sent)))
        return
    typer.echo(
        f"Run {run_id}: {sent.accepted} accepted, {sent.refused} refused, {sent.unanswered} not answered, {sent.overtaken} overtaken by a correction"
    )
