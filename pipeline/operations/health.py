"""Check that all parts work: programs, models, forms, database, disk; each with a remedy if not."""

from __future__ import annotations

import os
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.domain.errors import (
    EfterskriftError,
    ExitCode,
    FormError,
    LogBrokenError,
    MissingProgramError,
    SettingsError,
    StoreError,
    StoreUnavailableError,
    UsageError,
)
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import ROOT, Handwriting, Settings, load_settings
from pipeline.files.private_files import describe_mode, find_open_paths
from pipeline.files.sandbox_process import ReaderEndedError, ReaderTooSlowError, reaches_network
from pipeline.forms.letterhead import load_logo
from pipeline.forms.library import frozen_problem_texts, load_published
from pipeline.operations.upkeep.backup import is_on_other_disk
from pipeline.operations.upkeep.backup_folder import BackupFolder, require_order
from pipeline.operations.upkeep.interpreter import describe_interpreter
from pipeline.store.accounts.people import people_by_login
from pipeline.store.database.store import open_for_images, open_store
from pipeline.store.event_log.verification import find_last_log_check
from pipeline.store.exports.archives import list_undelivered_packages
from pipeline.store.exports.runs import list_undelivered_runs
from pipeline.store.paper.pages import list_image_names
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.form_publications import list_publications
from pipeline.store.reports.closed_entries import find_unfinished_learning
from pipeline.store.reports.upkeep import find_last_backup, find_last_check
from pipeline.store.schema.clock import utc_now

MIN_DISK_BYTES = 2 * 1024**3
BACKUP_AGE = timedelta(days=2)
"""A daily backup that is older has not been made."""
_OWN_ADDRESSES = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """The state of one part, and the remedy and exit code if it does not work; OK: a mere note."""

    part: str
    state: str
    remedy: str = ""
    code: ExitCode = ExitCode.MISSING_PROGRAM


def check_health() -> list[HealthFinding]:
    """Check every part that the program needs."""
    settings = load_settings()
    return [
        *check_installation(settings),
        *_check_workspace(settings),
        _check_modes(settings),
        _check_disk(settings),
        HealthFinding("Python", *describe_interpreter(), code=ExitCode.OK),
    ]


def check_installation(settings: Settings) -> list[HealthFinding]:
    """Check what comes with the program or is installed with it."""
    from pipeline.reading.fields.marks.reader import load_mark_model
    from pipeline.reading.fields.printed_text import language_folder
    from pipeline.reading.language.language_model import load_swedish

    return [
        _run_check("Tesseract's Swedish", language_folder),
        _check_program("Poppler", "pdftoppm", "apt-get install poppler-utils"),
        *(_run_check(part, partial(_check_network, file)) for part, file in _network_files()),
        _run_check("Check boxes", lambda: f"{1 + len(load_mark_model().second)} networks"),
        _run_check("Handwriting network", lambda: _check_handwriting(settings)),
        _run_check(
            "Swedish words", lambda: f"{len(load_swedish(settings.models).general.words)} words"
        ),
        _check_calibration(settings),
        _run_check("Forms", lambda: f"{len(Forms.load(*settings.form_folders))} forms"),
        _run_check("Own forms", lambda: describe_workspace_forms(settings)),
        _run_check("Foreign files", _describe_sandbox),
        _run_check("Logo", lambda: str(settings.logo) if load_logo(settings) else "none"),
        _run_check("Server address", lambda: describe_server_address(settings)),
    ]


def _check_workspace(settings: Settings) -> list[HealthFinding]:
    """Check the store, and its images if there is one."""
    store = _run_check("Store", lambda: _check_store(settings))
    if store.remedy:
        return [store]
    return [
        store,
        _run_check("First settings", lambda: describe_first_setup(settings)),
        _run_check("Pictures", lambda: _check_image_files(settings)),
        _run_check("Last check", lambda: _describe_last_check(settings)),
        _run_check("Last log check", lambda: _describe_last_log_check(settings)),
        _run_check("Backup folder", lambda: describe_backup_folder(settings)),
        _run_check("Last backup", lambda: _describe_last_backup(settings)),
        _run_check("Files and forms", lambda: describe_unfinished(settings)),
    ]


def describe_server_address(settings: Settings) -> str:
    """Return the address on which the server listens.

    Raises:
        SettingsError: it is reached from other computers, and failed logins cannot be counted by
            address, since no header names it.
    """
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    address = os.environ.get("STREAMLIT_SERVER_ADDRESS", config["server"].get("address", ""))
    if address not in _OWN_ADDRESSES and not settings.address_header:
        raise SettingsError("address_header_missing", address=address or "0.0.0.0")
    return str(address)


def describe_workspace_forms(settings: Settings) -> str:
    """Return the number of forms published in the workspace, as a text.

    Raises:
        FormError: one differs from its published version, so that its sheets would be misread.
    """
    digests = load_published(settings.own_forms)
    forms = Forms.load(settings.own_forms)
    for form in forms.values():
        if problems := frozen_problem_texts(form, digests):
            raise FormError(
                "own_form_frozen", problem=problems[0], folder=settings.own_forms / form.id
            )
    return f"{len(forms)} published here"


def _check_calibration(settings: Settings) -> HealthFinding:
    """Check that every network has curves of its own: without, its readings have a low p."""
    from pipeline.reading.calibration.curves import (
        NO_FINGERPRINT,
        file_fingerprint,
        installed_curves,
    )
    from pipeline.reading.field_readers import NETWORK_FINGERPRINTS

    try:
        # A network of the organisation's own is measured by `efterskrift learn` alone.
        weights = settings.weights
        unmeasured = {NO_FINGERPRINT} | (
            {file_fingerprint(weights)} if isinstance(weights, Path) else set()
        )
        calibrated = {(key.partition("-")[0], network) for key, network in installed_curves()}
        missing = sorted(
            kind
            for kind, network in NETWORK_FINGERPRINTS.items()
            if network() not in unmeasured and (str(kind), network()) not in calibrated
        )
    except (EfterskriftError, OSError) as error:
        return HealthFinding(
            "Calibration", str(error), "Restore it with `git checkout data/models`."
        )
    if not missing:
        return HealthFinding("Calibration", "fits the networks")
    return HealthFinding(
        "Calibration",
        f"without curves: {', '.join(missing)}",
        "Fit curves to the networks that are installed: see research/training/calibration/fit.py.",
    )


def _check_program(part: str, name: str, remedy: str) -> HealthFinding:
    path = shutil.which(name)
    return HealthFinding(part, path) if path else HealthFinding(part, "missing", remedy)


def _run_check(part: str, attempt: Callable[[], str]) -> HealthFinding:
    try:
        return HealthFinding(part, attempt())
    except EfterskriftError as error:
        return HealthFinding(
            part, error.message, error.remedy or "See the message.", error.exit_code
        )


def _network_files() -> Iterator[tuple[str, Path]]:
    """Yield the files of all networks but that for handwriting, which is a setting."""
    from pipeline.reading.fields.digits import letters, reader
    from pipeline.reading.fields.handwriting import strikethrough
    from pipeline.reading.fields.handwriting.network import find_second_file

    yield "Digit network", reader.DIGIT_MODEL
    yield "Second digit network", reader.SECOND_DIGIT_MODEL
    yield "Letter network", letters.LETTER_MODEL
    yield "Struck-out words", strikethrough.STRIKE_MODEL
    if second := find_second_file():
        yield "Second handwriting network", second


def _check_network(file: Path) -> str:
    """Open a network's file and return its name.

    Raises:
        MissingProgramError: it is missing or damaged.
    """
    from pipeline.reading.imaging.onnx_sessions import open_session

    open_session(file)
    return file.name


def _describe_sandbox() -> str:
    """Return that programs which open foreign files reach no network, as a text.

    Raises:
        MissingProgramError: they reach one, or do not start.
    """
    try:
        if reaches_network():
            raise MissingProgramError("foreign_files_reach_network")
    except (ReaderEndedError, ReaderTooSlowError) as error:
        raise MissingProgramError("foreign_files_not_opened") from error
    return "opened without network, secrets and new rights"


def _check_handwriting(settings: Settings) -> str:
    """Return which weights read, and why these."""
    from pipeline.reading.fields.handwriting.network import (
        LINE_HEIGHT,
        find_network_file,
        read_steps,
    )

    read_steps([np.full((LINE_HEIGHT, 2 * LINE_HEIGHT), 255, np.uint8)])
    if isinstance(settings.weights, Path):
        return _describe_own_network(settings.weights)
    reason = f"handwriting: {settings.handwriting}"
    if settings.handwriting is Handwriting.AUTO:
        reason += f", non_commercial: {str(settings.non_commercial).lower()}"
    elif settings.weights is Handwriting.BEST and not settings.non_commercial:
        reason += "; CC BY-NC 4.0, for non-commercial use only"
    return f"{find_network_file().name} ({reason})"


def _describe_own_network(file: Path) -> str:
    """Return the file, the start of its digest, and whether its readings are measured."""
    from pipeline.reading.calibration.curves import file_fingerprint, installed_curves

    fingerprint = file_fingerprint(file)
    is_measured = any(network == fingerprint for _, network in installed_curves())
    state = "measured" if is_measured else "not measured: `efterskrift learn`"
    return f"{file.name} (SHA-256 {fingerprint}…, {state})"


def _check_store(settings: Settings) -> str:
    store = open_store(settings)
    with store.read():
        return store.name


def _check_image_files(settings: Settings) -> str:
    """Return the number of page images, as a text.

    A restored database, or one of several machines, may lack the images. Their folder or object
    store is tried out with a small file.

    Raises:
        StoreError: images are missing, or their place is away, another one or cannot be written.
    """
    with closing(open_for_images(settings)) as store:
        with store.read() as conn:
            names = set(list_image_names(conn))
        store.images.require_present()
        store.images.try_out()
        if missing := len(names.difference(store.images.list_names())):
            raise StoreError(
                "images_missing", gone=missing, number=len(names), images=store.images.place
            )
        return f"{len(names)} there, in {store.images.place}"


def _describe_last_check(settings: Settings) -> str:
    """Return when the whole store was checked last, as a text.

    Raises:
        StoreError: something was missing or damaged then.
    """
    with closing(open_store(settings)) as store, store.read() as conn:
        last = find_last_check(conn)
    if last is None:
        return "never: `efterskrift check`"
    at = f"{last.started_at:%Y-%m-%d %H:%M} UTC"
    if last.changed:
        raise StoreError("last_check_found_changes", at=at, changed=last.changed)
    if not last.is_whole:
        raise StoreError("last_check_failed", at=at, missing=last.missing, damaged=last.damaged)
    return f"{at}: {last.files} files are whole"


def _describe_last_log_check(settings: Settings) -> str:
    """Return when the whole log was last found unchanged, as a text.

    Raises:
        LogBrokenError: it was found changed since.
    """
    with closing(open_store(settings)) as store, store.read() as conn:
        check = find_last_log_check(conn)
    if check.failed_at is not None:
        raise LogBrokenError("last_log_check_failed", at=f"{check.failed_at:%Y-%m-%d %H:%M} UTC")
    if check.last_at is None:
        return "never: `efterskrift audit verify`"
    return f"{check.last_at:%Y-%m-%d %H:%M} UTC: unchanged"


def _describe_last_backup(settings: Settings) -> str:
    """Return when the workspace was backed up last, as a text.

    Raises:
        StoreError: it has failed since, was long ago, or is not whole.
    """
    with closing(open_store(settings)) as store, store.read() as conn:
        state = find_last_backup(conn)
    at = f"{state.last_at:%Y-%m-%d %H:%M} UTC" if state.last_at else "never"
    if state.failed_at is not None:
        raise StoreError("last_backup_failed", at=f"{state.failed_at:%Y-%m-%d %H:%M} UTC", last=at)
    if state.last_at is None:
        return "never: `efterskrift backup`"
    # One from the future was made by a wrong clock, and says nothing of how old it is
    if abs(utc_now() - state.last_at) > BACKUP_AGE:
        raise StoreError("last_backup_old", at=at)
    if state.missing:
        raise StoreError("last_backup_not_whole", at=at, number=state.missing)
    return at


def _check_modes(settings: Settings) -> HealthFinding:
    """Name the files with secrets or care that other users of the machine may open."""
    found = find_open_paths(settings)
    if not found:
        return HealthFinding("Permissions", "for this user only")
    state = ", ".join(f"{path.name} {describe_mode(path)}" for path in found)
    names = " ".join(shlex.quote(str(path)) for path in found)
    return HealthFinding("Permissions", state, f"Run: chmod go-rwx {names}", ExitCode.STORE)


def _check_disk(settings: Settings) -> HealthFinding:
    folder = next(
        path for path in (settings.workspace, *settings.workspace.parents) if path.exists()
    )
    free = shutil.disk_usage(folder).free
    state = f"{free / 1024**3:.1f} GB free"
    if free >= MIN_DISK_BYTES:
        return HealthFinding("Disk", state)
    return HealthFinding("Disk", state, "Make room: a page takes about 1–5 MB.", ExitCode.STORE)


# What a workspace needs before it is put into service, besides the program and its files.

_FOLDER_VARIABLE = "EFTERSKRIFT_BACKUP_FOLDER"


def describe_first_setup(settings: Settings) -> str:
    """Return how many units and accounts there are, as a text.

    Raises:
        StoreError: nobody can log in, or no unit can have paper.
    """
    with closing(open_store(settings)) as store, store.read() as conn:
        accounts, units = len(people_by_login(conn)), len(areas_by_unit(conn))
    if not accounts:
        raise StoreError("no_accounts_yet")
    if not units:
        raise StoreError("no_units_yet")
    return f"{units} units, {accounts} accounts"


def describe_unfinished(settings: Settings) -> str:
    """Return which files of exports and archive packages nobody has fetched, as a text.

    Raises:
        FormError: the publication of a form was stopped half done.
        StoreError: so was the installation of what was learned.
    """
    with closing(open_store(settings)) as store, store.read() as conn:
        files = [*list_undelivered_runs(conn), *list_undelivered_packages(conn)]
        forms, learned = list_publications(conn), find_unfinished_learning(conn)
    if learned:
        raise StoreError("learning_unfinished", names=", ".join(learned))
    if forms:
        raise FormError("publication_unfinished", form=forms[0].name)
    return f"{len(files)} fetched by nobody: {', '.join(files)}" if files else "all are fetched"


def describe_backup_folder(settings: Settings) -> str:
    """Return the folder that the timer backs up to, as a text.

    Raises:
        UsageError: there is no key to encrypt to.
        StoreUnavailableError: the folder is away or cannot be written.
        SettingsError: it is on the same disk as the workspace.
        StoreError: a backup in it is gone, damaged or from the future.
    """
    name = os.environ.get(_FOLDER_VARIABLE, "")
    if not name:
        return "none set"
    folder = Path(name)
    if not settings.backup_keys:
        raise UsageError("backup_no_key")
    try:
        is_apart = is_on_other_disk(settings, folder)
    except OSError as error:
        raise StoreUnavailableError(
            "backup_folder_failed", folder=folder, reason=error.strerror
        ) from error
    if not os.access(folder, os.W_OK):
        raise StoreUnavailableError(
            "backup_folder_failed", folder=folder, reason="it may not be written"
        )
    if not is_apart:
        raise SettingsError("backup_same_disk", folder=folder)
    require_order(BackupFolder(folder), utc_now())
    return name
