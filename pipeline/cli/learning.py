"""`efterskrift learn`: recalibrate the readers with confirmed entries."""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.context import (
    AsAdministrator,
    AsJson,
    message,
    open_workspace,
    print_json,
    print_note,
    print_table,
    print_text,
    resolve_acting_person,
    show_progress,
)
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.settings import load_settings
from pipeline.operations.learning.curves import CurveLesson
from pipeline.operations.learning.learn import (
    LearningContext,
    LearningResult,
    TrainingPermit,
    export_training_set,
    install_learned,
    learn_from_entries,
)
from pipeline.store.schema.clock import utc_now

_COLUMNS = (
    "cli.learn.column.curve",
    "cli.learn.column.fitted",
    "cli.learn.column.judged",
    "cli.learn.column.log_loss",
    "cli.learn.column.ece",
    "cli.learn.column.brier",
    "cli.learn.column.most_confident",
    "cli.learn.column.verdict",
)


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
    settings = load_settings()
    with closing(open_workspace(settings)) as store:
        context = LearningContext(store, settings, Forms.load(*settings.form_folders))
        person = resolve_acting_person(store, login)
        # A permit that lacks something is refused before the sheets are read again.
        permit = (
            TrainingPermit(
                purpose, legal_ground, consent, with_health_data, person.login, utc_now()
            )
            if training_set is not None
            else None
        )
        with nullcontext() if dry_run else context.alone():
            learned = _run_learning(context, person)
            _print_learning_result(learned, as_json=as_json)
            if training_set is not None and permit is not None:
                images = export_training_set(context, person, learned, training_set, permit)
                print_note("cli.learn.training_set", images=images, file=training_set)
            if not dry_run:
                installed = install_learned(context, person, learned)
                print_note("cli.learn.installed", names=", ".join(installed))


def _run_learning(context: LearningContext, person: Person) -> LearningResult:
    """Read the confirmed sheets again and fit to them, with a progress bar on stderr."""
    title, noun = message("cli.learn.progress"), message("cli.learn.sheets")
    with show_progress(title, noun, is_transient=True) as on_sheet:
        return learn_from_entries(context, person, on_sheet)


def _print_learning_result(learned: LearningResult, *, as_json: bool) -> None:
    if as_json:
        print_json(_learning_object(learned), ensure_ascii=False)
        return
    print_table(_COLUMNS, map(_lesson_row, learned.curves))
    words, signers = learned.words, learned.signers
    print_text(
        "cli.learn.words",
        words=len(words.words),
        characters=words.characters,
        before=words.before,
        after=words.after,
    )
    print_text(
        "cli.learn.signers",
        sheets=signers.sheets,
        before=f"{signers.before:.3f}",
        after=f"{signers.after:.3f}",
    )


def _lesson_row(lesson: CurveLesson) -> tuple[str, ...]:
    """Return a row of the table: each metric before and after, and the verdict."""
    counts = (lesson.key, str(lesson.readings), str(lesson.held_out))
    if lesson.before is None or lesson.after is None:
        return (*counts, "", "", "", "", message("cli.learn.more_needed", number=lesson.missing))
    old, new = lesson.before, lesson.after
    pairs = (
        (old.log_loss, new.log_loss),
        (old.calibration, new.calibration),
        (old.brier, new.brier),
    )
    most_confident = f"{old.surest.wrong}/{old.surest.of} → {new.surest.wrong}/{new.surest.of}"
    return (
        *counts,
        *(f"{a:.4f} → {b:.4f}" for a, b in pairs),
        most_confident,
        message("cli.learn.better" if lesson.better else "cli.learn.worse"),
    )


def _learning_object(learned: LearningResult) -> dict[str, Any]:
    """Return what was learned with the JSON keys of the contract."""
    curves = [
        {
            "key": lesson.key,
            "readings": lesson.readings,
            "apart": lesson.held_out,
            "missing": lesson.missing,
            "better": lesson.better,
        }
        | {
            name: asdict(score) if score else None
            for name, score in (("before", lesson.before), ("after", lesson.after))
        }
        for lesson in learned.curves
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
