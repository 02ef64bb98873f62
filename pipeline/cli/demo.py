"""`efterskrift demo`: try the program, or let a scripted office take all to the end."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from pipeline.cli.context import (
    message,
    print_text,
)
from pipeline.cli.export_runs import open_export_context
from pipeline.cli.operations import ui
from pipeline.cli.work import make_progress_bar, status, work
from pipeline.domain.errors import ExitCode
from pipeline.domain.settings import load_settings
from pipeline.files.page_files import count_pages
from pipeline.operations.demo import (
    DEMO_ACCOUNTS,
    DEMO_PASSWORD,
    DEMO_WORKSPACE,
    THROUGH_WORKSPACE,
    count_demo_pages,
    prepare_store,
    prepare_workspace,
    sample_batches,
    scan_samples,
)
from pipeline.operations.demo_through import ThroughReport, drive_through


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Do not start the user interface.")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of reading processes.")
    ] = os.cpu_count() or 1,
    through: Annotated[
        bool,
        typer.Option(
            "--through",
            help="Review, export and acknowledge all of it by script, in a workspace of its own.",
        ),
    ] = False,
) -> None:
    """Create a demo workspace with sample pages and open it.

    The sample stack is imported and read, then the user interface starts. A second run reuses what
    is there. The workspace is data/store/demo in the program's folder, with --through
    data/store/demo-through; another one that is set is neither read nor changed.
    """
    workspace = THROUGH_WORKSPACE if through else DEMO_WORKSPACE
    prepare_workspace(workspace)
    print_text("cli.demo.workspace", workspace=workspace)
    os.environ["EFTERSKRIFT_WORKSPACE"] = str(workspace)
    # Invented entries and a well-known password must never reach a database of real care.
    os.environ.pop("EFTERSKRIFT_DATABASE_URL", None)
    store = prepare_store(load_settings())
    total = sum(count_pages(path) or 1 for files in sample_batches().values() for path in files)
    if count_demo_pages(store) < total:
        with make_progress_bar(message("cli.scan.progress")) as bar:
            task = bar.add_task("", total=total)
            scan_samples(store, lambda _: bar.advance(task))
    store.close()
    work(processes=processes, until_idle=True)
    if through:
        drive_demo_through()
        status()
        return
    status()
    typer.echo()
    print_text("cli.demo.log_in")
    for account in DEMO_ACCOUNTS:
        roles = ", ".join(account.person.roles)
        typer.echo(f"  {account.person.login:<8} {roles:<25} {account.does}")
    print_text("cli.demo.password", password=DEMO_PASSWORD)
    typer.echo()
    if not headless:
        ui()


def drive_demo_through() -> None:
    """Let a scripted office take the demo to the last receipt, and print what became of it.

    Raises:
        typer.Exit: an entry is lost, or what left is not what the papers say (exit code 9).
    """
    with open_export_context() as context:
        report = drive_through(context)
    _print_table(report)
    print_text(
        "cli.demo.through.waiting",
        held=len(report.held),
        kept=len(report.kept),
        lost=len(report.lost),
        rejected=len(report.rejected),
        left=sum(report.left.values()),
    )
    typer.echo()
    for (form, error), count in sorted(report.left.items()):
        print_text("cli.demo.through.left", form=form, error=error, count=count)
    for form, field in report.different:
        print_text("cli.demo.through.different", form=form, field=field)
    if report.lost:
        typer.echo(" ".join(report.lost))
    if report.lost or report.different:
        raise typer.Exit(ExitCode.EXPORT)
    print_text("cli.demo.through.same")


def _print_table(report: ThroughReport) -> None:
    titles = [message(key) for key in ("cli.demo.through.route", "cli.demo.through.form")]
    counts = [
        message(key)
        for key in (
            "cli.demo.through.entries",
            "cli.demo.through.receipted",
            "cli.demo.through.unproven",
        )
    ]
    typer.echo(f"{titles[0]:<22}{titles[1]:<28}" + "".join(f"{title:>16}" for title in counts))
    for line in report.lines:
        numbers = (line.entries, line.receipted, line.unproven)
        typer.echo(f"{line.route:<22}{line.form:<28}" + "".join(f"{n:>16}" for n in numbers))
