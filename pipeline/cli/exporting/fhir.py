"""`efterskrift send`, `read-back`: entries go to a FHIR server, and are looked for there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.context import (
    LANGUAGE,
    REVIEW,
    As,
    AsJson,
    print_note,
    print_text,
    resolve_acting_person,
)
from pipeline.cli.exporting.runs import open_export_context
from pipeline.domain.errors import ExitCode, ExportError, UsageError

if TYPE_CHECKING:
    from pipeline.domain.model import Person
    from pipeline.export.fhir.read_back.read_run import Reading, RunProofs
    from pipeline.export.fhir.sender import SendResult
    from pipeline.export.fhir.server import FhirServer
    from pipeline.export.runs import ExportContext


def register_fhir_commands(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("send", rich_help_panel=REVIEW)(send)
    app.command("read-back", rich_help_panel=REVIEW)(read_back)


def send(
    target: Annotated[str, typer.Argument(help="fhir: the FHIR server of the settings.")],
    run_id: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Run to send. Default: every run with entries without a receipt."
        ),
    ] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Send entries without a receipt to a FHIR server; read back.

    Each answer is stored as a receipt. Sending again creates nothing twice.
    """
    _require_fhir_target(target)
    with open_export_context() as context:
        _send_runs(context, resolve_acting_person(context.store, login), run_id, as_json=as_json)


def _send_runs(context: ExportContext, person: Person, run_id: str, *, as_json: bool) -> None:
    """Send the run of this id; without an id, every run that waits, the oldest first."""
    from pipeline.export.exporter import ExportOptions
    from pipeline.export.fhir.exporter import find_example_notice
    from pipeline.export.fhir.read_back.read_run import Reading
    from pipeline.export.fhir.sender import TARGET, send_run
    from pipeline.export.fhir.server import connect_fhir_server
    from pipeline.export.runs import list_runs
    from pipeline.store.database.clock import utc_now

    waiting = [
        status.run.id
        for status in reversed(list_runs(context, person))
        if status.run.target == TARGET and status.waiting
    ]
    with connect_fhir_server(context.settings) as server:
        for sent_id in [run_id] if run_id else waiting:
            if notice := find_example_notice(ExportOptions(context.settings, context.forms)):
                typer.echo(notice.in_language(LANGUAGE), err=True)
            result = send_run(context, person, sent_id, server, utc_now)
            _print_send_result(sent_id, result, as_json=as_json)
            try:
                sent_back = {sent_id: Reading(only_unproven=True)}
                _read_back_runs(context, person, server, sent_back, as_json=as_json)
            except ExportError as error:
                # What was sent stays sent, and is read back another time.
                print_note("read_back.failed", reason=error.message)
    if not (run_id or waiting):
        print_note("send.nothing")


def _print_send_result(run_id: str, sent: SendResult, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"run": run_id} | asdict(sent)))
        return
    print_text(
        "send.sent",
        run=run_id,
        accepted=sent.accepted,
        refused=sent.refused,
        unanswered=sent.unanswered,
        superseded=sent.overtaken,
    )


def read_back(
    target: Annotated[str, typer.Argument(help="fhir: the FHIR server of the settings.")],
    run_id: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Run to look for, every entry of it. Default: all entries without a proof.",
        ),
    ] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Compare what a FHIR server has with what was exported.

    What it has as exported is proven, and receipted also if another person has loaded the file.
    With a run, the server is asked again for entries that were proven before.
    Exit code 0 if nothing is left without a proof, otherwise 9.
    """
    from pipeline.export.fhir.read_back.read_run import Reading
    from pipeline.export.fhir.server import connect_fhir_server

    _require_fhir_target(target)
    with open_export_context() as context:
        person = resolve_acting_person(context.store, login)
        with connect_fhir_server(context.settings) as server:
            # Who names a run wants to know what the server has now.
            runs = (
                {run_id: Reading()}
                if run_id
                else dict.fromkeys(
                    _list_unproven_runs(context, person), Reading(only_unproven=True)
                )
            )
            unproven = _read_back_runs(context, person, server, runs, as_json=as_json)
    if not runs:
        print_note("read_back.nothing")
    if unproven:
        raise typer.Exit(ExitCode.EXPORT)


def _require_fhir_target(target: str) -> None:
    from pipeline.export.fhir.sender import TARGET

    if target != TARGET:
        raise UsageError("nothing_can_sent", target=target, target_2=TARGET)


def _list_unproven_runs(context: ExportContext, person: Person) -> list[str]:
    """Return the FHIR runs with entries without a proof, the oldest first."""
    from pipeline.export.fhir.read_back.read_run import load_run_proofs
    from pipeline.export.fhir.sender import TARGET
    from pipeline.export.runs import list_runs

    runs = [status.run for status in reversed(list_runs(context, person))]
    return [
        run.id
        for run in runs
        if run.target == TARGET and load_run_proofs(context, person, run.id).unproven
    ]


def _read_back_runs(
    context: ExportContext,
    person: Person,
    server: FhirServer,
    runs: Mapping[str, Reading],
    *,
    as_json: bool,
) -> int:
    """Read runs back, print what is found, and return how many entries have no proof."""
    from pipeline.export.fhir.read_back.read_run import read_back_run

    unproven = 0
    for run_id, reading in runs.items():
        found = read_back_run(context, person, run_id, server, reading)
        _print_proofs(run_id, found, as_json=as_json)
        unproven += found.unproven
    return unproven


def _print_proofs(run_id: str, found: RunProofs, *, as_json: bool) -> None:
    from pipeline.export.fhir.read_back.comparison import difference_text
    from pipeline.store.exports.proofs import Finding

    counts = {finding.value: found.count(finding) for finding in Finding}
    different = [proof for proof in found.proofs if proof.found is Finding.DIFFERENT]
    if as_json:
        listed = {proof.entry_id: list(proof.differences) for proof in different}
        counts_and_run = {"read_back": run_id, "entries": found.entries} | counts
        typer.echo(json.dumps(counts_and_run | {"differences": listed}, ensure_ascii=False))
        return
    print_text("read_back.found", run=run_id, entries=found.entries, **counts)
    for proof in different:
        names = "; ".join(difference_text(each).in_language(LANGUAGE) for each in proof.differences)
        print_text("read_back.different", entry=proof.entry_id, differences=names)
