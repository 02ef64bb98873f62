"""`efterskrift demo`: try the program with invented paper."""

from __future__ import annotations

import os
from itertools import count
from typing import Annotated

import typer

from pipeline.cli.context import (
    message,
    print_text,
    require_research,
    show_progress,
)
from pipeline.cli.operations import ui
from pipeline.cli.work import status, work
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
    data/store/demo-through; another one that is set is neither read nor changed. With --through it
    needs the folder `research` of a source checkout.
    """
    if through:
        require_research()
    workspace = THROUGH_WORKSPACE if through else DEMO_WORKSPACE
    prepare_workspace(workspace)
    print_text("cli.demo.workspace", workspace=workspace)
    os.environ["EFTERSKRIFT_WORKSPACE"] = str(workspace)
    # Invented entries and a well-known password must never reach a database of real care.
    os.environ.pop("EFTERSKRIFT_DATABASE_URL", None)
    store = prepare_store(load_settings())
    total = sum(count_pages(path) or 1 for files in sample_batches().values() for path in files)
    if count_demo_pages(store) < total:
        done = count(1)
        with show_progress(message("cli.scan.progress"), message("cli.read.pages")) as on_page:
            scan_samples(store, lambda _: on_page(next(done), total))
    store.close()
    work(processes=processes, until_idle=True)
    if through:
        from research.simulation.demo_command import drive_demo_through

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
