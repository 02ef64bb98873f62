"""`efterskrift learn`: confirmed entries of a workspace become lessons, shown before and after, and installed only where they are better."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline import access
from pipeline.access import Action
from pipeline.clients import ClientRegister
from pipeline.errors import NothingLearnedError, StoreError
from pipeline.known_names import known_names
from pipeline.learning.curves import Lesson, install, kept_apart, lessons
from pipeline.learning.reread import Reread, author, reread
from pipeline.learning.signers import SignedSheet, SignerLesson, install_signers, learned_signers, signer_lesson
from pipeline.learning.training_set import HEALTH, Permit, write_training_set
from pipeline.learning.words import WordLesson, install_words, word_lesson
from pipeline.model import Person
from pipeline.recognize.learned_words import word_counts
from pipeline.resolve import Context
from pipeline.settings import Settings
from pipeline.staff import StaffRegister
from pipeline.store import registers
from pipeline.store.database import Store
from pipeline.store.events import record
from pipeline.store.protection import covered_on
from pipeline.store.reviewed import ReviewedSheet, reviewed_sheets
from pipeline.store.staff_list import staff_list
from pipeline.template import Forms
from pipeline.whole_file import held

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class School:
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
        """Let nobody else learn here: what was drawn from the same lessons before would take the place of what was installed meanwhile.

        Raises:
            StoreError: somebody else does, or the disk refuses.
        """
        with ExitStack() as stack:
            try:
                self.models.mkdir(parents=True, exist_ok=True)
                is_held = stack.enter_context(held(self.models / "learning.lock"))
            except OSError as error:
                raise _unwritten(error) from error
            if not is_held:
                raise StoreError("somebody_learning_workspace_already")
            yield


@dataclass(frozen=True, slots=True)
class Learned:
    """All lessons of a run, and the fields that they come from."""

    sheets: int
    fields: list[Reread]
    curves: list[Lesson]
    words: WordLesson
    signers: SignerLesson

    @property
    def better(self) -> bool:
        """Whether anything is worth installing."""
        return any(one.better for one in self.curves) or self.words.better or self.signers.better


def learn(school: School, person: Person, tick: Callable[[int, int], None]) -> Learned:
    """Read the confirmed fields of the person's units again and draw the lessons; nothing is changed. `tick` is told sheets done, of how many.

    Raises:
        NotAllowedError: only an administrator may.
        NothingLearnedError: nothing is confirmed yet.
        StoreError: a picture is missing or has been changed.
        MissingProgramError: a file of what was learned before is damaged.
    """
    with school.store.read() as conn:
        access.require(person, Action.MANAGE)
        sheets = reviewed_sheets(conn, person)
        clients, staff = registers.clients(conn), staff_list(conn)
    if not sheets:
        raise NothingLearnedError("nothing_confirmed_yet_could_learnt")
    names = known_names(Context(ClientRegister(clients), staff=StaffRegister(staff)))
    fields: list[Reread] = []
    for done, sheet in enumerate(sheets, start=1):
        form = school.forms.get((sheet.form, sheet.version))
        fields += reread(school.store, form, sheet, names) if form else []
        tick(done, len(sheets))
    apart = kept_apart(fields)
    signed = [SignedSheet(sheet.unit, _author(school.forms, sheet), sheet.sheet) for sheet in sheets]
    return Learned(
        len(sheets),
        fields,
        lessons(fields),
        word_lesson(fields, apart, clients, word_counts(school.models)),
        signer_lesson(signed, staff, _every_third({s.sheet for s in signed}), learned_signers(school.models)),
    )


def take_over(school: School, person: Person, learned: Learned) -> list[str]:
    """Install what is better; answers with the names of what was installed. Readers take it from their next page on; initials after a restart.

    Raises:
        NotAllowedError: only an administrator may.
        NothingLearnedError: nothing is better than what is in use.
        StoreError: the disk refuses. What was installed before it did stays.
    """
    with school.store.noting_denials():
        access.require(person, Action.MANAGE)
    if not learned.better:
        raise _nothing_learned(learned)
    done: list[str] = []
    try:
        for names in _installed(school.models, learned):
            done += names
    except BaseException as error:
        try:
            _note(school, person, learned, done)
        except StoreError as unwritten:  # must not hide the error that came first
            _log.error("That %s was installed could not be written in the log: %s", ", ".join(done), unwritten)
        if isinstance(error, OSError):
            raise _unwritten(error) from error
        raise
    _note(school, person, learned, done)
    return done


def _note(school: School, person: Person, learned: Learned, done: Sequence[str]) -> None:
    if done:
        with school.store.begin() as conn:
            record(conn, person.login, "learn", "models", sheets=learned.sheets, fields=len(learned.fields), installed=",".join(done))


def _unwritten(error: OSError) -> StoreError:
    return StoreError("learned_not_written", reason=error.strerror)


def _installed(models: Path, learned: Learned) -> Iterator[list[str]]:
    """Installs one thing after another, and names each once it is there."""
    if curves := [one.key for one in learned.curves if one.better]:
        install(models, learned.curves)
        yield curves
    if learned.words.better:
        install_words(models, learned.words)
        yield ["words"]
    if learned.signers.better:
        install_signers(models, learned.signers.signed)
        yield ["signers"]


def hand_out(school: School, person: Person, learned: Learned, file: Path, permit: Permit) -> int:
    """Write a training set; answers with how many pictures it holds. Health care's sheets only with a permit for them.

    Raises:
        NotAllowedError: only an administrator may.
        UsageError, StoreError: see `write_training_set`.
    """
    with school.store.read() as conn:
        access.require(person, Action.MANAGE)
        sheets = reviewed_sheets(conn, person)
        health = {sheet.sheet for sheet in sheets if _is_health(school.forms, sheet)}
        hidden = {s.sheet for s in sheets if covered_on(conn, person, school.forms.get((s.form, s.version)), s.pages).rows}
    free = {sheet.sheet for sheet in sheets} - (hidden if permit.health else hidden | health)  # as it is now: reading them took a while
    count = write_training_set(file, [one for one in learned.fields if one.sheet in free], permit)
    with school.store.begin() as conn:
        record(conn, person.login, "training_set", "models", pictures=count, health=permit.health, purpose=permit.purpose, ground=permit.legal_ground)
    return count


def _is_health(forms: Forms, sheet: ReviewedSheet) -> bool:
    """By the unit's area of law or by the form's: one is enough."""
    form = forms.get((sheet.form, sheet.version))
    return HEALTH in (sheet.area, form.area if form else HEALTH)


def _author(forms: Forms, sheet: ReviewedSheet) -> str:
    form = forms.get((sheet.form, sheet.version))
    return author(form, sheet) if form else ""


def _nothing_learned(learned: Learned) -> NothingLearnedError:
    judged = [one for one in learned.curves if one.before is not None]
    if judged:
        return NothingLearnedError("no_better_curves", number=len(judged))
    fewest = min((one.missing for one in learned.curves), default=0)
    if not fewest:
        return NothingLearnedError("too_few_fields_of_none", number=len(learned.fields))
    return NothingLearnedError("too_few_fields", number=len(learned.fields), missing=fewest)


def _every_third(sheets: Sequence[str] | set[str]) -> set[str]:
    return set(sorted(sheets)[2::3])
