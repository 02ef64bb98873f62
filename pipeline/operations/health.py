"""Check that all parts work: programs, models, forms, database, disk; each with a remedy if not."""

from __future__ import annotations

import os
import platform
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
from pipeline.texts import Text, Words

MIN_DISK_BYTES = 2 * 1024**3
_ENGLISH = Words("en")
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


def check_health(words: Words = _ENGLISH) -> list[HealthFinding]:
    """Check every part that the program needs, and say so in a language."""
    settings = load_settings()
    return [
        *check_installation(settings, words),
        *_check_workspace(settings, words),
        _check_modes(settings, words),
        _check_disk(settings, words),
        HealthFinding("Python", platform.python_version(), code=ExitCode.OK),
    ]


def check_installation(settings: Settings, words: Words = _ENGLISH) -> list[HealthFinding]:
    """Check what comes with the program or is installed with it."""
    from pipeline.reading.fields.marks.reader import load_mark_model
    from pipeline.reading.fields.printed_text import language_folder
    from pipeline.reading.language.language_model import load_swedish

    return [
        _run_check(words, "health.part.swedish", language_folder),
        _check_poppler(words),
        *(
            _run_check(words, part, partial(_check_network, file))
            for part, file in _network_files()
        ),
        _run_check(
            words,
            "health.part.marks",
            lambda: Text("health.networks", {"number": 1 + len(load_mark_model().second)}),
        ),
        _run_check(words, "health.part.handwriting", lambda: _check_handwriting(settings)),
        _run_check(
            words,
            "health.part.words",
            lambda: Text(
                "health.words", {"number": len(load_swedish(settings.models).general.words)}
            ),
        ),
        _check_calibration(settings, words),
        _run_check(
            words,
            "health.part.forms",
            lambda: Text("health.forms", {"number": len(Forms.load(*settings.form_folders))}),
        ),
        _run_check(words, "health.part.own_forms", lambda: describe_workspace_forms(settings)),
        _run_check(words, "health.part.foreign_files", _describe_sandbox),
        _run_check(
            words,
            "health.part.logo",
            lambda: str(settings.logo) if load_logo(settings) else Text("health.none"),
        ),
        _run_check(words, "health.part.server_address", lambda: describe_server_address(settings)),
    ]


def _check_workspace(settings: Settings, words: Words) -> list[HealthFinding]:
    """Check the store, and its images if there is one."""
    store = _run_check(words, "health.part.store", lambda: _check_store(settings))
    if store.remedy:
        return [store]
    return [
        store,
        _run_check(words, "health.part.first_settings", lambda: describe_first_setup(settings)),
        _run_check(words, "health.part.pictures", lambda: _check_image_files(settings)),
        _run_check(words, "health.part.last_check", lambda: _describe_last_check(settings)),
        _run_check(words, "health.part.last_log_check", lambda: _describe_last_log_check(settings)),
        _run_check(words, "health.part.backup_folder", lambda: describe_backup_folder(settings)),
        _run_check(words, "health.part.last_backup", lambda: _describe_last_backup(settings)),
        _run_check(words, "health.part.unfinished", lambda: describe_unfinished(settings)),
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


def describe_workspace_forms(settings: Settings) -> Text:
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
    return Text("health.published", {"number": len(forms)})


def _check_calibration(settings: Settings, words: Words) -> HealthFinding:
    """Check that every network has curves of its own: without, its readings have a low p."""
    from pipeline.reading.calibration.curves import (
        NO_FINGERPRINT,
        file_fingerprint,
        installed_curves,
    )
    from pipeline.reading.field_readers import NETWORK_FINGERPRINTS

    part = words("health.part.calibration")
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
        return HealthFinding(part, str(error), words("health.restore_curves"))
    if not missing:
        return HealthFinding(part, words("health.curves_fit"))
    state = words("health.without_curves", networks=", ".join(missing))
    return HealthFinding(part, state, words("health.fit_curves"))


def _check_poppler(words: Words) -> HealthFinding:
    part, path = words("health.part.poppler"), shutil.which("pdftoppm")
    if path:
        return HealthFinding(part, path)
    return HealthFinding(part, words("health.missing"), "apt-get install poppler-utils")


def _run_check(words: Words, part: str, attempt: Callable[[], str | Text]) -> HealthFinding:
    try:
        state = attempt()
    except EfterskriftError as error:
        remedy = error.remedy_in(words.language) or words("health.see_message")
        message = error.message_in(words.language)
        return HealthFinding(words(part), message, remedy, error.exit_code)
    said = state.in_language(words.language) if isinstance(state, Text) else state
    return HealthFinding(words(part), said)


def _network_files() -> Iterator[tuple[str, Path]]:
    """Yield the files of all networks but that for handwriting, which is a setting."""
    from pipeline.reading.fields.digits import letters, reader
    from pipeline.reading.fields.handwriting import strikethrough
    from pipeline.reading.fields.handwriting.network import find_second_file

    yield "health.part.digits", reader.DIGIT_MODEL
    yield "health.part.second_digits", reader.SECOND_DIGIT_MODEL
    yield "health.part.letters", letters.LETTER_MODEL
    yield "health.part.struck_out", strikethrough.STRIKE_MODEL
    if second := find_second_file():
        yield "health.part.second_handwriting", second


def _check_network(file: Path) -> str:
    """Open a network's file and return its name.

    Raises:
        MissingProgramError: it is missing or damaged.
    """
    from pipeline.reading.imaging.onnx_sessions import open_session

    open_session(file)
    return file.name


def _describe_sandbox() -> Text:
    """Return that programs which open foreign files reach no network, as a text.

    Raises:
        MissingProgramError: they reach one, or do not start.
    """
    try:
        if reaches_network():
            raise MissingProgramError("foreign_files_reach_network")
    except (ReaderEndedError, ReaderTooSlowError) as error:
        raise MissingProgramError("foreign_files_not_opened") from error
    return Text("health.shut_in")


def _check_handwriting(settings: Settings) -> str | Text:
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
        file = find_network_file().name
        return Text("health.non_commercial_only", {"file": file, "reason": reason})
    return f"{find_network_file().name} ({reason})"


def _describe_own_network(file: Path) -> Text:
    """Return the file, the start of its digest, and whether its readings are measured."""
    from pipeline.reading.calibration.curves import file_fingerprint, installed_curves

    fingerprint = file_fingerprint(file)
    is_measured = any(network == fingerprint for _, network in installed_curves())
    key = "health.own_measured" if is_measured else "health.own_unmeasured"
    return Text(key, {"file": file.name, "digest": fingerprint})


def _check_store(settings: Settings) -> str:
    store = open_store(settings)
    with store.read():
        return store.name


def _check_image_files(settings: Settings) -> Text:
    """Return the number of page images, as a text.

    A restored database, or one of several machines, may lack the images. Their folder or object
    store is tried out with a small file.

    Raises:
        StoreError: images are missing, or their place is away, another one or cannot be written.
    """
    with closing(open_for_images(settings)) as store:
        names = set(store.query(list_image_names))
        store.images.require_present()
        store.images.try_out()
        if missing := len(names.difference(store.images.list_names())):
            raise StoreError(
                "images_missing", gone=missing, number=len(names), images=store.images.place
            )
        return Text("health.pictures", {"number": len(names), "place": store.images.place})


def _describe_last_check(settings: Settings) -> Text:
    """Return when the whole store was checked last, as a text.

    Raises:
        StoreError: something was missing or damaged then.
    """
    with closing(open_store(settings)) as store, store.read() as conn:
        last = find_last_check(conn)
    if last is None:
        return Text("health.never", {"command": "efterskrift check"})
    at = f"{last.started_at:%Y-%m-%d %H:%M} UTC"
    if last.changed:
        raise StoreError("last_check_found_changes", at=at, changed=last.changed)
    if not last.is_whole:
        raise StoreError("last_check_failed", at=at, missing=last.missing, damaged=last.damaged)
    return Text("health.files_whole", {"at": at, "number": last.files})


def _describe_last_log_check(settings: Settings) -> Text:
    """Return when the whole log was last found unchanged, as a text.

    Raises:
        LogBrokenError: it was found changed since.
    """
    with closing(open_store(settings)) as store, store.read() as conn:
        check = find_last_log_check(conn)
    if check.failed_at is not None:
        raise LogBrokenError("last_log_check_failed", at=f"{check.failed_at:%Y-%m-%d %H:%M} UTC")
    if check.last_at is None:
        return Text("health.never", {"command": "efterskrift audit verify"})
    return Text("health.log_unchanged", {"at": f"{check.last_at:%Y-%m-%d %H:%M} UTC"})


def _describe_last_backup(settings: Settings) -> str | Text:
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
        return Text("health.never", {"command": "efterskrift backup"})
    # One from the future was made by a wrong clock, and says nothing of how old it is
    if abs(utc_now() - state.last_at) > BACKUP_AGE:
        raise StoreError("last_backup_old", at=at)
    if state.missing:
        raise StoreError("last_backup_not_whole", at=at, number=state.missing)
    return at


def _check_modes(settings: Settings, words: Words = _ENGLISH) -> HealthFinding:
    """Name the files with secrets or care that other users of the machine may open."""
    found = find_open_paths(settings)
    if not found:
        return HealthFinding(words("health.part.permissions"), words("health.own_user"))
    state = ", ".join(f"{path.name} {describe_mode(path)}" for path in found)
    names = " ".join(shlex.quote(str(path)) for path in found)
    remedy = words("health.chmod", names=names)
    return HealthFinding(words("health.part.permissions"), state, remedy, ExitCode.STORE)


def _check_disk(settings: Settings, words: Words) -> HealthFinding:
    folder = next(
        path for path in (settings.workspace, *settings.workspace.parents) if path.exists()
    )
    free = shutil.disk_usage(folder).free
    part = words("health.part.disk")
    state = words("health.free", gigabytes=f"{free / 1024**3:.1f}")
    if free >= MIN_DISK_BYTES:
        return HealthFinding(part, state)
    return HealthFinding(part, state, words("health.make_room"), ExitCode.STORE)


# What a workspace needs before it is put into service, besides the program and its files.

_FOLDER_VARIABLE = "EFTERSKRIFT_BACKUP_FOLDER"


def describe_first_setup(settings: Settings) -> Text:
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
    return Text("health.units_accounts", {"units": units, "accounts": accounts})


def describe_unfinished(settings: Settings) -> Text:
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
    if not files:
        return Text("health.all_fetched")
    return Text("health.unfetched", {"number": len(files), "files": ", ".join(files)})


def describe_backup_folder(settings: Settings) -> str | Text:
    """Return the folder that the timer backs up to, as a text.

    Raises:
        UsageError: there is no key to encrypt to.
        StoreUnavailableError: the folder is away or cannot be written.
        SettingsError: it is on the same disk as the workspace.
    """
    name = os.environ.get(_FOLDER_VARIABLE, "")
    if not name:
        return Text("health.none_set")
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
    return name
