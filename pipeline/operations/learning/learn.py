"""`efterskrift learn`: confirmed entries of a workspace become lessons, shown before and after, and
installed only where they are better.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain import permissions
from pipeline.domain.errors import NothingLearnedError, StoreError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action
from pipeline.domain.settings import Settings
from pipeline.files.atomic import hold_lock
from pipeline.operations.learning.curves import (
    ConfirmedField,
    CurveLesson,
    hold_out_writers,
    install_curves,
    learn_curves,
    reread_fields,
    sheet_author,
)
from pipeline.operations.learning.training_set import (
    HEALTH_AREA,
    TrainingPermit,
    write_training_set,
)
from pipeline.operations.learning.words import (
    SignedSheet,
    SignerLesson,
    WordLesson,
    install_signers,
    install_words,
    learn_signers,
    learn_words,
    load_learned_signers,
)
from pipeline.reading.language.language_model import load_word_counts
from pipeline.reading.read_page import expected_names
from pipeline.reading.resolve.resolve import ReadingContext
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister
from pipeline.store.accounts.protected_identity import find_covered_areas
from pipeline.store.database.store import Store
from pipeline.store.entries.closed_entries import ReviewedSheet, list_reviewed_sheets
from pipeline.store.event_log.events import record
from pipeline.store.registers import client_register
from pipeline.store.registers.staff import load_staff_list

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LearningContext:
    """Where it is learned: a store with its settings and forms."""

    store: Store
    settings: Settings
    forms: Forms

    @property
    def models(self) -> Path:
        """Where a workspace keeps what it has learned."""
        return self.settings.workspace / "models"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody else learn here: what was drawn from the same lessons before would take the
        place of what was installed meanwhile.

        Raises:
            StoreError: somebody else does, or the disk refuses.
        """
        with ExitStack() as stack:
            try:
                self.models.mkdir(parents=True, exist_ok=True)
                is_held = stack.enter_context(hold_lock(self.models / "learning.lock"))
            except OSError as error:
                raise _write_error(error) from error
            if not is_held:
                raise StoreError("somebody_learning_workspace_already")
            yield


@dataclass(frozen=True, slots=True)
class LearningResult:
    """All lessons of a run, and the fields that they come from."""

    sheets: int
    fields: list[ConfirmedField]
    curves: list[CurveLesson]
    words: WordLesson
    signers: SignerLesson

    @property
    def better(self) -> bool:
        """Whether anything is worth installing."""
        return any(one.better for one in self.curves) or self.words.better or self.signers.better


def learn_from_entries(
    school: LearningContext, person: Person, tick: Callable[[int, int], None]
) -> LearningResult:
    """Read the confirmed fields of the person's units again and draw the lessons; nothing is
    changed. `tick` is told sheets done, of how many.

    Raises:
        NotAllowedError: only an administrator may.
        NothingLearnedError: nothing is confirmed yet.
        StoreError: a picture is missing or has been changed.
        MissingProgramError: a file of what was learned before is damaged.
    """
    with school.store.read() as conn:
        permissions.require_permission(person, Action.MANAGE)
        sheets = list_reviewed_sheets(conn, person)
        clients, staff = client_register.list_clients(conn), load_staff_list(conn)
    if not sheets:
        raise NothingLearnedError("nothing_confirmed_yet_could_learnt")
    names = expected_names(ReadingContext(ClientRegister(clients), staff=StaffRegister(staff)))
    fields: list[ConfirmedField] = []
    for done, sheet in enumerate(sheets, start=1):
        form = school.forms.get((sheet.form, sheet.version))
        fields += reread_fields(school.store, form, sheet, names) if form else []
        tick(done, len(sheets))
    apart = hold_out_writers(fields)
    signed = [
        SignedSheet(sheet.unit, _sheet_writer(school.forms, sheet), sheet.sheet) for sheet in sheets
    ]
    return LearningResult(
        len(sheets),
        fields,
        learn_curves(fields),
        learn_words(fields, apart, clients, load_word_counts(school.models)),
        learn_signers(
            signed,
            staff,
            _hold_out_third({s.sheet for s in signed}),
            load_learned_signers(school.models),
        ),
    )


def install_learned(school: LearningContext, person: Person, learned: LearningResult) -> list[str]:
    """Install what is better; answers with the names of what was installed. Readers take it from
    their next page on; initials after a restart.

    Raises:
        NotAllowedError: only an administrator may.
        NothingLearnedError: nothing is better than what is in use.
        StoreError: the disk refuses. What was installed before it did stays.
    """
    with school.store.recording_denials():
        permissions.require_permission(person, Action.MANAGE)
    if not learned.better:
        raise _nothing_learned(learned)
    done: list[str] = []
    try:
        for names in _install_lessons(school.models, learned):
            done += names
    except BaseException as error:
        try:
            _log_outcome(school, person, learned, done)
        except StoreError as unwritten:  # must not hide the error that came first
            _log.error(
                "That %s was installed could not be written in the log: %s",
                ", ".join(done),
                unwritten,
            )
        if isinstance(error, OSError):
            raise _write_error(error) from error
        raise
    _log_outcome(school, person, learned, done)
    return done


def _log_outcome(
    school: LearningContext, person: Person, learned: LearningResult, done: Sequence[str]
) -> None:
    if done:
        with school.store.begin() as conn:
            record(
                conn,
                person.login,
                "learn",
                "models",
                sheets=learned.sheets,
                fields=len(learned.fields),
                installed=",".join(done),
            )


def _write_error(error: OSError) -> StoreError:
    return StoreError("learned_not_written", reason=error.strerror)


def _install_lessons(models: Path, learned: LearningResult) -> Iterator[list[str]]:
    """Installs one thing after another, and names each once it is there."""
    if curves := [one.key for one in learned.curves if one.better]:
        install_curves(models, learned.curves)
        yield curves
    if learned.words.better:
        install_words(models, learned.words)
        yield ["words"]
    if learned.signers.better:
        install_signers(models, learned.signers.signed)
        yield ["signers"]


def export_training_set(
    school: LearningContext,
    person: Person,
    learned: LearningResult,
    file: Path,
    permit: TrainingPermit,
) -> int:
    """Write a training set; answers with how many pictures it holds. Health care's sheets only with
    a permit for them.

    Raises:
        NotAllowedError: only an administrator may.
        UsageError, StoreError: see `write_training_set`.
    """
    with school.store.read() as conn:
        permissions.require_permission(person, Action.MANAGE)
        sheets = list_reviewed_sheets(conn, person)
        health = {sheet.sheet for sheet in sheets if _is_health_care(school.forms, sheet)}
        hidden = {
            s.sheet
            for s in sheets
            if find_covered_areas(conn, person, school.forms.get((s.form, s.version)), s.pages).rows
        }
    free = {sheet.sheet for sheet in sheets} - (
        hidden if permit.health else hidden | health
    )  # as it is now: reading them took a while
    count = write_training_set(file, [one for one in learned.fields if one.sheet in free], permit)
    with school.store.begin() as conn:
        record(
            conn,
            person.login,
            "training_set",
            "models",
            pictures=count,
            health=permit.health,
            purpose=permit.purpose,
            ground=permit.legal_ground,
        )
    return count


def _is_health_care(forms: Forms, sheet: ReviewedSheet) -> bool:
    """By the unit's area of law or by the form's: one is enough."""
    form = forms.get((sheet.form, sheet.version))
    return HEALTH_AREA in (sheet.area, form.area if form else HEALTH_AREA)


def _sheet_writer(forms: Forms, sheet: ReviewedSheet) -> str:
    form = forms.get((sheet.form, sheet.version))
    return sheet_author(form, sheet) if form else ""


def _nothing_learned(learned: LearningResult) -> NothingLearnedError:
    judged = [one for one in learned.curves if one.before is not None]
    if judged:
        return NothingLearnedError("no_better_curves", number=len(judged))
    fewest = min((one.missing for one in learned.curves), default=0)
    if not fewest:
        return NothingLearnedError("too_few_fields_of_none", number=len(learned.fields))
    return NothingLearnedError("too_few_fields", number=len(learned.fields), missing=fewest)


def _hold_out_third(sheets: Sequence[str] | set[str]) -> set[str]:
    return set(sorted(sheets)[2::3])
