"""What a workspace needs before it is put into service, besides the program and its files."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from pipeline.domain.errors import (
    FormError,
    SettingsError,
    StoreError,
    StoreUnavailableError,
    UsageError,
)
from pipeline.domain.settings import Settings
from pipeline.operations.upkeep.backup import is_on_other_disk
from pipeline.operations.upkeep.backup_folder import BackupFolder, require_order
from pipeline.store.accounts.people import people_by_login
from pipeline.store.database.store import open_store
from pipeline.store.exports.archives import list_undelivered_packages
from pipeline.store.exports.runs import list_undelivered_runs
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.form_publications import list_publications
from pipeline.store.reports.closed_entries import find_unfinished_learning
from pipeline.store.schema.clock import utc_now

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
