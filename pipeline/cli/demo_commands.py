"""`efterskrift demo`: create a demo workspace with a stack of pages to review."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from pipeline.cli.options import RUNNING
from pipeline.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", rich_help_panel=RUNNING)(demo)


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Do not start the user interface.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="Number of reading processes.")] = os.cpu_count() or 1,
) -> None:
    """Create a demo workspace with sample pages and open it.

    The sample stack is imported and read, then the user interface starts. A second run reuses what
    is there.
    """
    from pipeline.cli.ui_commands import ui
    from pipeline.cli.work_commands import progress, status, work
    from pipeline.demo import ACCOUNTS, PASSWORD, WORKSPACE, pages_in, prepare_store, prepare_workspace, scan_samples, stacks
    from pipeline.scan import page_count

    prepare_workspace()
    os.environ["EFTERSKRIFT_WORKSPACE"] = str(WORKSPACE)
    os.environ.pop("EFTERSKRIFT_DATABASE_URL", None)  # what is made up here, and a password that everybody knows, are not for a database of care
    store = prepare_store(load_settings())
    total = sum(page_count(path) or 1 for files in stacks().values() for path in files)
    if pages_in(store) < total:
        with progress("Taking in") as bar:
            task = bar.add_task("", total=total)
            scan_samples(store, lambda _: bar.advance(task))
    store.close()
    work(processes=processes, until_idle=True)
    status()
    typer.echo("\nLogga in som / log in as:")
    for account in ACCOUNTS:
        typer.echo(f"  {account.person.login:<8} {account.person.role.value:<20} {account.does}")
    typer.echo(f"Lösenord för alla / password for all: {PASSWORD}\n")
    if not headless:
        ui()
