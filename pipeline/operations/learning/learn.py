"""Learn from the confirmed entries of a workspace (`efterskrift learn`).

Each lesson is measured before and after, and installed only where it is better.
"""

from __future__ import annotations

import json
import logging
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import cv2

from pipeline.domain.errors import NothingLearnedError, StoreError, UsageError
from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.form.form import Forms
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person, State
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
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record
from pipeline.store.paper.protected_identity import find_covered_areas
from pipeline.store.registers import client_register
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.reports.closed_entries import (
    LEARNING_SUBJECT,
    ReviewedSheet,
    find_unfinished_learning,
    list_reviewed_sheets,
)

# Export confirmed fields as a training set for networks: images, labels and the permit.
#
# It is made on request only: a purpose and a legal ground have to be stated, and paper of health
# care is left out unless it is requested too.

HEALTH_AREA = "HSL"
REFORMATTED_FORMATS = frozenset(
    {Format.DATE, Format.TIME, Format.NUMBER, Format.CODE, Format.PERSONAL_NUMBER}
)
"""Formats that are not stored as they are written: `24/11 26` is stored as 2026-11-24.

What the image of such a line shows is not known.
"""
MIN_REASON_LENGTH = 10
"""Least number of characters of a stated purpose, legal ground or consent."""


@dataclass(frozen=True, slots=True)
class TrainingPermit:
    """The permit for a training set: stated by the person who requests it, and stored with it.

    `consent` states who agreed, or why no consent was needed.
    """

    purpose: str
    legal_ground: str
    consent: str
    health: bool
    by: str
    at: datetime

    def __post_init__(self) -> None:
        for name, text in (
            ("purpose", self.purpose),
            ("legal ground", self.legal_ground),
            ("consent", self.consent),
        ):
            if len(text.strip()) < MIN_REASON_LENGTH:
                raise UsageError("training_set_fact_missing", name=name)


def write_training_set(file: Path, fields: Iterable[ConfirmedField], permit: TrainingPermit) -> int:
    """Write the zip file, readable by its owner only; return the number of images in it.

    `labels.tsv` has an image's name, tab, its text, as `research/training/handwriting/train.py
    --lines` takes it; an image's name has kind, writer and number, where writers are numbered, not
    named.

    Raises:
        UsageError: the file exists already, or there is no field for it.
        StoreError: the file cannot be written.
    """
    chosen = [
        field
        for field in fields
        if _is_label_known(field.crop.spec) and field.decided.answer.state is State.READ
    ]
    if file.exists():
        raise UsageError("file_exists", file=file.name)
    if not chosen:
        raise UsageError("no_fields_for_training")
    # A partial file becomes the file once it is complete.
    partial = file.with_name(file.name + ".part")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            _write_archive(archive, chosen, permit)
        partial.replace(file)
    except OSError as error:
        raise StoreError("no_room_to_write", file=file.name, reason=error.strerror) from error
    finally:
        # An incomplete file has personal data, and may open as if it were complete.
        partial.unlink(missing_ok=True)
    return len(chosen)


def _is_label_known(spec: FieldSpec) -> bool:
    return spec.traits.can_train and not (
        spec.traits.is_handwriting and spec.format in REFORMATTED_FORMATS
    )


def _write_archive(
    archive: zipfile.ZipFile, fields: list[ConfirmedField], permit: TrainingPermit
) -> None:
    writer_numbers = {
        writer: number
        for number, writer in enumerate(sorted({field.writer for field in fields}), start=1)
    }
    # The images, with a line of labels each.
    labels: list[str] = []
    for number, field in enumerate(fields, start=1):
        name = f"{field.crop.spec.kind}_{writer_numbers[field.writer]:03d}_{number:05d}.png"
        archive.writestr(name, cv2.imencode(".png", field.crop.image)[1].tobytes())
        lines = (" ".join(line.split()) for line in str(field.decided.answer.value).splitlines())
        labels.append(f"{name}\t{' / '.join(lines)}\n")
    archive.writestr("labels.tsv", "".join(labels))
    # The permit and the contents.
    counts = Counter(str(field.crop.spec.kind) for field in fields)
    manifest = asdict(permit) | {
        "at": permit.at.isoformat(),
        "pictures": dict(sorted(counts.items())),
        "hands": len(writer_numbers),
    }
    archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LearningContext:
    """The store, settings and forms of the workspace that learns."""

    store: Store
    settings: Settings
    forms: Forms

    @property
    def models(self) -> Path:
        """The folder for what the workspace has learned."""
        return self.settings.workspace / "models"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of learning in this workspace.

        Otherwise older results could replace those that another process installed meanwhile.

        Raises:
            StoreError: another process is learning, or the lock cannot be written.
        """
        with ExitStack() as stack:
            try:
                self.models.mkdir(parents=True, exist_ok=True)
                is_held = stack.enter_context(hold_lock(self.models / "learning.lock"))
            except OSError as error:
                raise _write_error(error) from error
            if not is_held:
                raise StoreError("learning_already")
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
    def better(self) -> list[str]:
        """The names of what is worth installing."""
        curves = [lesson.key for lesson in self.curves if lesson.better]
        words = ["words"] if self.words.better else []
        return [*curves, *words, *(["signers"] if self.signers.better else [])]


def learn_from_entries(
    context: LearningContext, person: Person, tick: Callable[[int, int], None]
) -> LearningResult:
    """Read the confirmed fields of the person's units again and learn from them; install nothing.

    Args:
        tick: called with the number of sheets done, and of all sheets.

    Raises:
        NotAllowedError: the person is no administrator.
        NothingLearnedError: nothing is confirmed yet.
        StoreError: an image is missing or has been changed.
        MissingProgramError: a file of what was learned before is damaged.
    """
    with context.store.read() as conn:
        permissions.require_permission(person, Action.MANAGE)
        sheets = list_reviewed_sheets(conn, person)
        clients, staff = client_register.list_clients(conn), load_staff_list(conn)
    if not sheets:
        raise NothingLearnedError("nothing_to_learn_from")
    # Read the fields of every sheet again.
    names = expected_names(ReadingContext(ClientRegister(clients), staff=StaffRegister(staff)))
    fields: list[ConfirmedField] = []
    for number, sheet in enumerate(sheets, start=1):
        form = context.forms.get((sheet.form, sheet.version))
        fields += reread_fields(context.store, form, sheet, names) if form else []
        tick(number, len(sheets))
    # Learn from most of them, and judge by the rest.
    held_out = hold_out_writers(fields)
    signed_sheets = [
        SignedSheet(sheet.unit, _sheet_writer(context.forms, sheet), sheet.sheet)
        for sheet in sheets
    ]
    return LearningResult(
        len(sheets),
        fields,
        learn_curves(fields),
        learn_words(fields, held_out, clients, load_word_counts(context.models)),
        learn_signers(
            signed_sheets,
            staff,
            set(sorted({sheet.sheet for sheet in signed_sheets})[2::3]),
            load_learned_signers(context.models),
        ),
    )


def install_learned(context: LearningContext, person: Person, learned: LearningResult) -> list[str]:
    """Install what is better; return the names of what was installed.

    Readers use it from their next page on; initials after a restart. What is to be installed is in
    the log before it is; what an earlier run was stopped at is logged as installed, too.

    Raises:
        NotAllowedError: the person is no administrator.
        NothingLearnedError: nothing is better than what is in use.
        StoreError: a file cannot be written. What was installed before stays.
    """
    context.store.require_permission(person, Action.MANAGE)
    # What an earlier run began and is no longer better was installed by it.
    begun = context.store.query(find_unfinished_learning)
    installed = [name for name in begun if name not in learned.better]
    if not learned.better and not begun:
        raise _nothing_learned(learned)
    planned = ",".join([*installed, *learned.better])
    context.store.change(
        record, person.login, "begin_learning", LEARNING_SUBJECT, installed=planned
    )
    try:
        for names in _install_lessons(context.models, learned):
            installed += names
    except BaseException as error:
        # What was installed before the error is logged too.
        try:
            _log_outcome(context, person, learned, installed)
        except StoreError as log_error:  # must not hide the error that came first
            _log.error(
                "That %s was installed could not be written in the log: %s",
                ", ".join(installed),
                log_error,
            )
        if isinstance(error, OSError):
            raise _write_error(error) from error
        raise
    _log_outcome(context, person, learned, installed)
    return installed


def _log_outcome(
    context: LearningContext, person: Person, learned: LearningResult, installed: Sequence[str]
) -> None:
    context.store.change(
        record,
        person.login,
        "learn",
        LEARNING_SUBJECT,
        sheets=learned.sheets,
        fields=len(learned.fields),
        installed=",".join(installed),
    )


def _write_error(error: OSError) -> StoreError:
    return StoreError("learned_not_written", reason=error.strerror)


def _install_lessons(models: Path, learned: LearningResult) -> Iterator[list[str]]:
    """Install one lesson after another, and yield the names of each once it is installed."""
    if curves := [lesson.key for lesson in learned.curves if lesson.better]:
        install_curves(models, learned.curves)
        yield curves
    if learned.words.better:
        install_words(models, learned.words)
        yield ["words"]
    if learned.signers.better:
        install_signers(models, learned.signers.sheet_counts)
        yield ["signers"]


def export_training_set(
    context: LearningContext,
    person: Person,
    learned: LearningResult,
    file: Path,
    permit: TrainingPermit,
) -> int:
    """Write a training set and return the number of its images.

    Sheets of health care are included only with a permit for them.

    Raises:
        NotAllowedError: the person is no administrator.
        UsageError, StoreError: see `write_training_set`.
    """
    # Permissions and protection are checked again, as reading took a while.
    with context.store.read() as conn:
        permissions.require_permission(person, Action.MANAGE)
        sheets = list_reviewed_sheets(conn, person)
        health_sheets = {sheet.sheet for sheet in sheets if _is_health_care(context.forms, sheet)}
        hidden_sheets = {
            sheet.sheet
            for sheet in sheets
            if find_covered_areas(
                conn, person, context.forms.get((sheet.form, sheet.version)), sheet.pages
            ).rows
        }
    excluded = hidden_sheets if permit.health else hidden_sheets | health_sheets
    included = {sheet.sheet for sheet in sheets} - excluded
    fields = [field for field in learned.fields if field.sheet in included]
    count = write_training_set(file, fields, permit)
    context.store.change(
        record,
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
    """Whether the unit's area of law or the form's is health care."""
    form = forms.get((sheet.form, sheet.version))
    return HEALTH_AREA in (sheet.area, form.area if form else HEALTH_AREA)


def _sheet_writer(forms: Forms, sheet: ReviewedSheet) -> str:
    form = forms.get((sheet.form, sheet.version))
    return sheet_author(form, sheet) if form else ""


def _nothing_learned(learned: LearningResult) -> NothingLearnedError:
    judged = [lesson for lesson in learned.curves if lesson.before is not None]
    if judged:
        return NothingLearnedError("no_better_calibration", number=len(judged))
    fewest_missing = min((lesson.missing for lesson in learned.curves), default=0)
    if not fewest_missing:
        return NothingLearnedError("too_few_fields_of_none", number=len(learned.fields))
    return NothingLearnedError("too_few_fields", number=len(learned.fields), missing=fewest_missing)
