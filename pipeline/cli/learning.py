"""`efterskrift learn`: recalibrate the readers with confirmed entries."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.cli.context import resolve_acting_person
from pipeline.cli.options import RUNNING, AsAdministrator, AsJson
from pipeline.domain.settings import load_settings

if TYPE_CHECKING:
    from pipeline.domain.model import Person
    from pipeline.operations.learning.curves import CurveLesson
    from pipeline.operations.learning.learn import LearningContext, LearningResult
    from pipeline.operations.learning.training_set import TrainingPermit


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("learn", rich_help_panel=RUNNING)(learn)


def learn(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the metrics before and after; install nothing.")
    ] = False,
    training_set: Annotated[
        Path | None, typer.Option(help="Also write confirmed fields to a zip file for training.")
    ] = None,
    purpose: Annotated[
        str, typer.Option(help="Purpose of the training set; required for one.")
    ] = "",
    legal_ground: Annotated[
        str, typer.Option(help="Legal ground of the training set; required for one.")
    ] = "",
    consent: Annotated[
        str,
        typer.Option(
            help="Who consented, or why no consent is needed; required for a training set."
        ),
    ] = "",
    with_health_data: Annotated[
        bool,
        typer.Option(
            "--with-health-data", help="Include paper of health care (HSL) in the training set."
        ),
    ] = False,
    login: AsAdministrator = "",
    as_json: AsJson = False,
) -> None:
    """Recalibrate the readers with confirmed entries.

    Fits calibration curves, word frequencies and signer frequencies. Only what is better on held-
    out sheets is installed.
    """
    from pipeline.domain.form.form import Forms
    from pipeline.operations.learning.learn import (
        LearningContext,
        export_training_set,
        install_learned,
    )
    from pipeline.store.database.clock import utc_now
    from pipeline.store.database.store import open_store

    settings = load_settings()
    with closing(open_store(settings)) as store:
        school, person = (
            LearningContext(store, settings, Forms.load(*settings.form_folders)),
            resolve_acting_person(store, login),
        )
        permit = None
        if training_set is not None:
            permit = _make_permit(
                purpose, legal_ground, consent, with_health_data, person.login, utc_now()
            )
        with nullcontext() if dry_run else school.alone():
            learned = _run_learning(school, person)
            _print_learning_result(learned, as_json=as_json)
            if training_set is not None and permit is not None:
                typer.echo(
                    f"{export_training_set(school, person, learned, training_set, permit)} pictures in {training_set}",
                    err=True,
                )
            if not dry_run:
                typer.echo(
                    f"Installed: {', '.join(install_learned(school, person, learned))}", err=True
                )


def _make_permit(
    purpose: str, ground: str, consent: str, health: bool, by: str, at: Any
) -> TrainingPermit:  # noqa: ANN401 - a datetime
    from pipeline.operations.learning.training_set import TrainingPermit

    return TrainingPermit(purpose, ground, consent, health, by, at)


def _run_learning(school: LearningContext, person: Person) -> LearningResult:
    from pipeline.operations.learning.learn import learn_from_entries as draw_lessons

    columns = (
        TextColumn("Reading again"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("sheets"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        return draw_lessons(
            school, person, lambda done, total: bar.update(task, completed=done, total=total)
        )


def _print_learning_result(learned: LearningResult, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_learning_object(learned), ensure_ascii=False))
        return
    table = Table(
        "Curve",
        "Fitted to",
        "Judged on",
        "Log loss",
        "ECE",
        "Brier",
        "Wrong of p ≥ 0.999",
        "Verdict",
        box=None,
        pad_edge=False,
    )
    for one in learned.curves:
        table.add_row(*_lesson_row(one))
    Console().print(table)
    words, signers = learned.words, learned.signers
    typer.echo(
        f"Words: {len(words.words)}; edits of {words.characters} characters kept apart: {words.before} before, {words.after} after."
    )
    typer.echo(
        f"Signers of {signers.sheets} sheets kept apart: surprise {signers.before:.3f} before, {signers.after:.3f} after."
    )


def _lesson_row(one: CurveLesson) -> tuple[str, ...]:
    counts = (one.key, str(one.readings), str(one.held_out))
    if one.before is None or one.after is None:
        return (*counts, "", "", "", "", f"{one.missing} more needed")
    old, new = one.before, one.after
    pairs = (
        (old.log_loss, new.log_loss),
        (old.calibration, new.calibration),
        (old.brier, new.brier),
    )
    sure = f"{old.surest.wrong}/{old.surest.of} → {new.surest.wrong}/{new.surest.of}"
    return (
        *counts,
        *(f"{a:.4f} → {b:.4f}" for a, b in pairs),
        sure,
        "better" if one.better else "worse: not installed",
    )


def _learning_object(learned: LearningResult) -> dict[str, Any]:
    from dataclasses import asdict

    curves = [
        {
            "key": one.key,
            "readings": one.readings,
            "apart": one.held_out,
            "missing": one.missing,
            "better": one.better,
        }
        | {
            name: asdict(score) if score else None
            for name, score in (("before", one.before), ("after", one.after))
        }
        for one in learned.curves
    ]
    words, signers = learned.words, learned.signers
    return {
        "sheets": learned.sheets,
        "fields": len(learned.fields),
        "curves": curves,
        "words": {
            "found": len(words.words),
            "characters": words.characters,
            "before": words.before,
            "after": words.after,
            "better": words.better,
        },
        "signers": {
            "sheets": signers.sheets,
            "before": signers.before,
            "after": signers.after,
            "better": signers.better,
        },
    }
