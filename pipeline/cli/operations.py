"""`efterskrift ui`: serve the web interface of a workspace, with workers that read pages.

`efterskrift demo`: create a demo workspace with a stack of pages to review.

`efterskrift doctor`: check that everything needed is installed and reachable.

`efterskrift bench --damage`: read forms with damage of rising strength.

`efterskrift bench --quality`: accuracy and calibration of each kind of field.

`efterskrift bench`: measure speed, memory and quality of reading with the research code.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.cli.options import RESEARCH, RUNNING, AsJson
from pipeline.domain.errors import ExitCode, MissingProgramError, UsageError
from pipeline.domain.settings import ROOT, load_settings

if TYPE_CHECKING:
    from research.benchmark.compare import Comparison, Pace

_WORKER_SHUTDOWN_SECONDS = 100
"""Workers finish their page first (crew.py gives them 90 s)."""
SERVER_SHUTDOWN_SECONDS = 20
"""A server that is told to end waits for browsers to hang up, which one that sleeps may never do.
What it was doing is done by then.
"""
_POLL_SECONDS = 15
"""How often it is looked whether the workers live. A database that was away is back by one of these
times.
"""
_RESEARCH = "research"
"""Package with the code for measurements; absent from an installed wheel."""


def register_ui_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ui", rich_help_panel=RUNNING)(ui)


def ui(
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")
    ] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            min=0,
            help="Number of reading workers; 0 if `efterskrift work` runs elsewhere.",
        ),
    ] = 1,
) -> None:
    """Serve the web interface on this machine.

    Other machines reach it through a TLS proxy. Ends with Ctrl-C.
    """
    from pipeline.store.database.store import open_store

    settings = load_settings()
    open_store(settings).close()
    _require_free_port(port)
    workspace = settings.workspace.resolve()
    typer.echo(f"http://localhost:{port}", err=True)
    with ExitStack() as stack, _interrupt_on_sigterm():
        server = stack.enter_context(
            _run_child_process(
                server_command(port, workspace, headless=headless),
                workspace,
                SERVER_SHUTDOWN_SECONDS,
            )
        )
        workers = (
            stack.enter_context(
                _run_child_process(worker_command(processes), workspace, _WORKER_SHUTDOWN_SECONDS)
            )
            if processes
            else None
        )
        try:
            while (code := _poll_exit_code(server)) is None:
                if workers and (why := workers.poll()) is not None:
                    typer.echo(
                        f"The workers ended (exit code {why}) and are started again; what they wrote above says why.",
                        err=True,
                    )
                    workers = stack.enter_context(
                        _run_child_process(
                            worker_command(processes), workspace, _WORKER_SHUTDOWN_SECONDS
                        )
                    )
        except KeyboardInterrupt:
            code = 0
    raise typer.Exit(0 if code in {0, -signal.SIGINT, -signal.SIGTERM} else code)


def _require_free_port(port: int) -> None:
    """Tell before the server and its workers begin what the server alone would say without a
    remedy.

    Raises:
        UsageError: something else has the port, or we may not have it.
    """
    with socket.socket() as tried:
        tried.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the server does: what has just ended may be begun again
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError("port_not_used", port=port, reason=error.strerror) from error


def _poll_exit_code(process: subprocess.Popen[bytes]) -> int | None:
    """Its exit code, if it ends before the next look."""
    try:
        return process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def server_command(port: int, workspace: Path, *, headless: bool) -> list[str]:
    """What starts the server. The provider's secrets for `oidc` are read from the workspace, never
    from the project.
    """
    settings = {
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "secrets.files": str(workspace / "secrets.toml"),
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "ui" / "server.py"), *options]


def worker_command(processes: int) -> list[str]:
    """What starts the workers."""
    return [
        sys.executable,
        "-c",
        "from pipeline.cli.app import main; main()",
        "work",
        "--processes",
        str(processes),
    ]


@contextmanager
def _run_child_process(
    arguments: Sequence[str], workspace: Path, patience: float
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends when the block does, if need be by force after `patience` seconds. It has
    a session of its own: the keyboard's Ctrl-C reaches only us, who end it in order."""
    environment = os.environ | {"EFTERSKRIFT_WORKSPACE": str(workspace)}
    with subprocess.Popen(arguments, cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                typer.echo(
                    f"A process did not end within {patience:g} s and was ended by force. What was saved is kept.",
                    err=True,
                )


@contextmanager
def _interrupt_on_sigterm() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does, so that no child is left behind."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def register_demo_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", rich_help_panel=RUNNING)(demo)


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Do not start the user interface.")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of reading processes.")
    ] = os.cpu_count() or 1,
) -> None:
    """Create a demo workspace with sample pages and open it.

    The sample stack is imported and read, then the user interface starts. A second run reuses what
    is there.
    """
    from pipeline.cli.work import make_progress_bar, status, work
    from pipeline.files.page_files import count_pages
    from pipeline.operations.demo import (
        DEMO_ACCOUNTS,
        DEMO_PASSWORD,
        DEMO_WORKSPACE,
        count_demo_pages,
        prepare_store,
        prepare_workspace,
        sample_batches,
        scan_samples,
    )

    prepare_workspace()
    os.environ["EFTERSKRIFT_WORKSPACE"] = str(DEMO_WORKSPACE)
    os.environ.pop(
        "EFTERSKRIFT_DATABASE_URL", None
    )  # what is made up here, and a password that everybody knows, are not for a database of care
    store = prepare_store(load_settings())
    total = sum(count_pages(path) or 1 for files in sample_batches().values() for path in files)
    if count_demo_pages(store) < total:
        with make_progress_bar("Taking in") as bar:
            task = bar.add_task("", total=total)
            scan_samples(store, lambda _: bar.advance(task))
    store.close()
    work(processes=processes, until_idle=True)
    status()
    typer.echo("\nLogga in som / log in as:")
    for account in DEMO_ACCOUNTS:
        typer.echo(f"  {account.person.login:<8} {account.person.role.value:<20} {account.does}")
    typer.echo(f"Lösenord för alla / password for all: {DEMO_PASSWORD}\n")
    if not headless:
        ui()


def register_upkeep_commands(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", rich_help_panel=RUNNING)(doctor)


def doctor() -> None:
    """Check that everything needed is installed and reachable."""
    from pipeline.operations.health import check_health

    table = Table("Part", "State", "Remedy", box=None, pad_edge=False)
    findings = check_health()
    for finding in findings:
        table.add_row(finding.part, escape(finding.state), escape(finding.remedy))
    Console().print(table)
    if wrong := [finding for finding in findings if finding.remedy]:
        lacking = any(finding.code is ExitCode.MISSING_PROGRAM for finding in wrong)
        typer.echo(
            f"{'' if lacking else 'What Efterskrift needs is installed. '}Next ({wrong[0].part}): {wrong[0].remedy}"
        )
        raise typer.Exit(ExitCode.MISSING_PROGRAM if lacking else wrong[0].code)


def run_damage_benchmark(form: str, sheets: int, processes: int, *, as_json: bool) -> None:
    """Run the damage series on one form (all, if none is named) and print its table.

    Raises:
        UsageError: there is no such form.
    """
    from pipeline.cli.work import make_progress_bar
    from research.evaluation.damage.report import format_markdown, summarize_series
    from research.evaluation.damage.series import (
        DAMAGE_SERIES,
        list_form_ids,
        plan_trials,
        run_trials,
    )

    known = list_form_ids()
    if form and form not in known:
        raise UsageError("no_form", form=form, known=", ".join(known))
    plan = plan_trials([form] if form else known, DAMAGE_SERIES, sheets)
    outcomes = []
    with make_progress_bar("Damaging and reading") as bar:
        task = bar.add_task("", total=len(plan))
        for done in run_trials(plan, processes):
            outcomes.append(done)
            bar.advance(task)
    found = summarize_series(outcomes, DAMAGE_SERIES)
    typer.echo(
        json.dumps([one.as_dict() for one in found], ensure_ascii=False)
        if as_json
        else format_markdown(found)
    )


def run_quality_benchmark(
    folder: Path | None, mnist: Path | None, only: Sequence[str], *, quick: bool, as_json: bool
) -> None:
    """Measure and print; sets whose data is not here are shown as absent.

    Raises:
        UsageError: a name in `only` is none of the measurements.
    """
    from research.evaluation.measure import EvaluationData
    from research.evaluation.report import (
        COLUMN_EXPLANATION,
        COLUMN_TITLES,
        MEASUREMENTS,
        format_by_writer,
        format_cells,
        to_json_objects,
    )

    if unknown := set(only) - set(MEASUREMENTS):
        raise UsageError(
            "no_measurement",
            unknown=", ".join(sorted(unknown)),
            measurements=", ".join(MEASUREMENTS),
        )
    if folder is None:
        typer.echo(
            "No test data is given: only what the program draws itself is measured. Give its folder with --data.",
            err=True,
        )
    data = EvaluationData(folder, mnist, quick)
    rows = []
    columns = (
        TextColumn("Measuring {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(only or MEASUREMENTS))
        for name in only or MEASUREMENTS:
            bar.update(task, description=name)
            rows += MEASUREMENTS[name](data)
            bar.advance(task)
    if as_json:
        typer.echo(json.dumps(to_json_objects(rows), ensure_ascii=False))
        return
    table = Table(*COLUMN_TITLES, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*format_cells(row))
    console = Console(width=max(180, Console().width))
    console.print(table)
    console.print(COLUMN_EXPLANATION)
    console.print(f"Error of each writer, worst first:\n{format_by_writer(rows)}")


def register_bench_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench", rich_help_panel=RESEARCH)(bench)


def bench(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Pages to read. Default: synthetic filled-in forms.", exists=True),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of reading processes.")
    ] = os.cpu_count() or 1,
    pages: Annotated[int, typer.Option(min=1, help="Number of pages of each kind.")] = 12,
    soak: Annotated[
        int,
        typer.Option(
            min=0, help="Instead: read this many pages in one process and report its memory."
        ),
    ] = 0,
    damage: Annotated[
        bool, typer.Option("--damage", help="Instead: read forms with damage of rising strength.")
    ] = False,
    form: Annotated[str, typer.Option("--form", help="With --damage: only this form.")] = "",
    quality: Annotated[
        bool,
        typer.Option("--quality", help="Instead: accuracy and calibration of each kind of field."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="With --quality: folder of the test sets (handwriting/, scans/).",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    mnist: Annotated[
        Path | None,
        typer.Option(
            help="With --quality: folder of the MNIST idx files.", exists=True, file_okay=False
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="With --quality: only this measurement; repeat for more."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="With --quality: a small part of each test set.")
    ] = False,
    sheets: Annotated[
        int,
        typer.Option(
            "--sheets", min=1, help="With --damage: number of filled-in sheets of each form."
        ),
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure the speed of reading, or its memory or accuracy.

    Speed is pages a second and CPU time by stage, compared with OCRmyPDF and whole-page Tesseract
    on the same pages. --soak measures memory, --damage robustness and --quality accuracy instead.
    Needs the folder `research` of a source checkout.
    """
    of_damage, of_quality = form or sheets > 1, data or mnist or only or quick
    if (of_damage and not damage) or (of_quality and not quality):
        raise UsageError("option_another_measurement")
    _require_research()
    if damage:
        run_damage_benchmark(form, sheets, processes, as_json=as_json)
        return
    if quality:
        run_quality_benchmark(data, mnist, only or [], quick=quick, as_json=as_json)
        return
    from pipeline.domain.form.form import Forms
    from research.benchmark.pages import draw_every_page, draw_pages, load_pages

    forms = Forms.load(*load_settings().form_folders)
    if soak:
        _run_soak(
            load_pages(files, pages) if files else list(draw_every_page(forms)),
            soak,
            as_json=as_json,
        )
        return
    sorts = {"given pages": load_pages(files, pages)} if files else draw_pages(forms, pages)
    from research.benchmark.compare import compare_programs

    results = [compare_programs(sort, some, processes) for sort, some in sorts.items()]
    if as_json:
        typer.echo(
            json.dumps(
                {"processes": processes, "sorts": [result.as_dict() for result in results]},
                ensure_ascii=False,
            )
        )
        return
    for result in results:
        _print_comparison(result, processes)


def _require_research() -> None:
    """Make the research code importable, which only a source checkout has.

    Raises:
        MissingProgramError: the installation holds the runtime only.
    """
    if (ROOT / "research").is_dir() and str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))  # an editable installation finds only `pipeline` and `ui`
    if find_spec(_RESEARCH) is None:
        raise MissingProgramError("no_research")


def _print_comparison(result: Comparison, processes: int) -> None:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in result.outcomes.items())
    table = Table(
        "",
        "pages/s",
        "CPU ms/page",
        "CPU / read's",
        title=f"{result.sort}, {processes} processes: {outcomes}",
        title_justify="left",
    )
    table.columns[1].justify = table.columns[2].justify = table.columns[3].justify = "right"
    table.add_row("read", *_pace_cells(result.read), "1.0")
    for name, ms in sorted(result.stages.items(), key=lambda item: -item[1]):
        table.add_row(f"  {name}", "", f"{ms:.0f}", "")
    table.add_row(
        "whole-page Tesseract",
        *_pace_cells(result.tesseract),
        f"{result.times(result.tesseract):.1f}",
    )
    if result.ocrmypdf:
        table.add_row(
            "OCRmyPDF", *_pace_cells(result.ocrmypdf), f"{result.times(result.ocrmypdf):.1f}"
        )
    else:
        table.add_row("OCRmyPDF", "not installed", "", "")
    console = Console()
    console.print(table)
    if result.remedy:
        console.print(result.remedy, markup=False)


def _pace_cells(pace: Pace) -> tuple[str, str]:
    return f"{pace.per_second:.2f}", f"{pace.cpu_ms:.0f}"


def _run_soak(pages: list[bytes], count: int, *, as_json: bool) -> None:
    from research.benchmark.soak import run_soak

    def tell(done: int, mib: float) -> None:
        if not as_json:
            typer.echo(f"{done:7d} pages  {mib:7.1f} MiB")

    result = run_soak(pages, count, tell)
    typer.echo(
        json.dumps(result.as_dict())
        if as_json
        else f"peak {result.peak_mib:.0f} MiB, {result.growth_mib:+.2f} MiB per 1,000 pages"
    )
