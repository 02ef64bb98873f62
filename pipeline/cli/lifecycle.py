"""`efterskrift upgrade`, `backup-key`, `backup`, `restore`: keep a workspace."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.context import (
    AsJson,
    format_count,
    message,
    open_workspace,
    print_json,
    print_note,
    print_text,
    show_progress,
)
from pipeline.domain.errors import ExitCode, UsageError
from pipeline.domain.settings import Settings, load_settings
from pipeline.operations.upkeep.backup import Backup, BackupOrder, make_backup
from pipeline.operations.upkeep.backup_check import (
    BackupCheck,
    check_backup,
    open_keys,
    require_fresh_backup,
)
from pipeline.operations.upkeep.backup_folder import BackupFolder
from pipeline.operations.upkeep.encryption import PublicKeys, write_new_key
from pipeline.operations.upkeep.restore import RestoreOrder, restore_backup
from pipeline.store.database.history import head
from pipeline.store.database.image_store import make_images
from pipeline.store.database.migrations.upgrade import Upgrade, upgrade_store
from pipeline.store.schema.clock import utc_now

_REMAINING_NAMES = 10
"""Files and settings outside of the workspace that are named."""

Target = Annotated[Path, typer.Argument(help="Folder of the backups, on another disk.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key", help="File with the private key that opens the backup.")
]
BackupName = Annotated[
    str, typer.Option("--backup", help="Name of a backup in the folder. Default: the newest.")
]


def upgrade(
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Make no copy: you have made one yourself.")
    ] = False,
    backed_up: Annotated[
        Path | None,
        typer.Option(
            "--backed-up", help="Folder of a backup of the last day; it is read, no copy is made."
        ),
    ] = None,
) -> None:
    """Migrate the database, after a backup copy.

    Programs of the version before that still run end, or refuse to go on; end them first all the
    same.
    """

    def report(planned: Upgrade) -> None:
        if planned.backup:
            print_text("cli.upgrade.backup", file=planned.backup)
        print_text("cli.upgrade.begun", before=planned.before, after=planned.after)

    settings = load_settings()
    if backed_up is not None:
        images = make_images(settings, None)
        made = require_fresh_backup(BackupFolder(backed_up), images, utc_now())
        print_text("cli.upgrade.backed_up", name=made.name, folder=backed_up)
    done = upgrade_store(settings, backup=not (no_backup or backed_up), report=report)
    print_text(
        "cli.upgrade.done" if done.is_needed else "cli.upgrade.not_needed",
        store=done.store,
        schema=done.after,
    )


def backup_key(
    file: Annotated[Path, typer.Argument(help="File to write the private key to.")],
) -> None:
    """Make a key for backups and print its public part.

    The public key goes into the setting `backup_keys`. The file with the private key is needed to
    restore: keep it in two places that the backed-up machine cannot reach.
    """
    public = write_new_key(file)
    typer.echo(public)
    print_note("cli.backup.key", file=file)


def backup(
    target: Target,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", help="Public key (age1…); repeat for more. Default: `backup_keys`."),
    ] = None,
    unencrypted: Annotated[
        bool, typer.Option("--unencrypted", help="Do not encrypt: the disk itself is encrypted.")
    ] = False,
    keep: Annotated[
        int, typer.Option(min=0, help="Keep the last backup of so many days; 0: all.")
    ] = 0,
    keep_weeks: Annotated[
        int, typer.Option(min=0, help="Also keep the last backup of so many weeks.")
    ] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Make none, but read one of the folder back.")
    ] = False,
    key: KeyFile = None,
    name: BackupName = "",
    as_json: AsJson = False,
) -> None:
    """Back up the workspace while it is in use, or verify a backup.

    Database first, then the images that the folder lacks, keys, settings and what was learned. Exit
    code 6 if something is missing or damaged. To verify reads everything and needs no workspace: do
    so each week.
    """
    if verify:
        _verify(target, name, key, as_json=as_json)
        return

    settings = load_settings()
    keys = _choose_keys(settings, to, unencrypted=unencrypted)
    order = BackupOrder(BackupFolder(target), keys, getpass.getuser(), keep, keep_weeks)
    store = open_workspace(settings)
    with show_progress(
        message("cli.backup.progress"), is_hidden=not sys.stderr.isatty()
    ) as on_image:
        made = make_backup(store, settings, order, on_image)
    store.close()
    _report_backup(made, as_json=as_json)
    if made.manifest.missing:
        raise typer.Exit(ExitCode.STORE)


def _choose_keys(settings: Settings, to: list[str] | None, *, unencrypted: bool) -> PublicKeys:
    """Return the keys to encrypt to.

    Raises:
        UsageError: there is none and the backup is to be encrypted, or both are asked for.
    """
    if unencrypted and to:
        raise UsageError("backup_keys_unencrypted")
    keys = () if unencrypted else tuple(to or settings.backup_keys)
    if not keys and not unencrypted:
        raise UsageError("backup_no_key")
    return PublicKeys(keys)


def _report_backup(made: Backup, *, as_json: bool) -> None:
    manifest = made.manifest
    if as_json:
        result = {
            "ok": not manifest.missing,
            "backup": manifest.name,
            "rows": manifest.rows,
            "images": manifest.images,
            "copied": made.copied,
            "removed": made.removed,
            "missing": list(manifest.missing),
            "outside": list(manifest.outside),
            "other_disk": made.is_apart,
            "log_head": {"number": manifest.log_head[0], "sha256": manifest.log_head[1]},
        }
        print_json(result)
    else:
        print_text(
            "cli.backup.done",
            name=manifest.name,
            rows=format_count(manifest.rows, "row"),
            images=format_count(manifest.images, "file"),
            copied=made.copied,
        )
        if made.removed:
            print_text("cli.backup.removed", count=made.removed)
    # What the backup lacks belongs to its result, no matter who reads it
    if manifest.missing:
        print_note("cli.backup.missing", count=len(manifest.missing))
    if manifest.outside:
        print_note("cli.backup.outside", names=_some(manifest.outside))
    if not manifest.keys:
        print_note("cli.backup.unencrypted")
    if not made.is_apart:
        print_note("cli.backup.same_disk")


def _some(names: Sequence[object]) -> str:
    """Return the first of some names."""
    return ", ".join(map(str, names[:_REMAINING_NAMES]))


def _verify(target: Path, name: str, key: Path | None, *, as_json: bool) -> None:
    folder = BackupFolder(target)
    manifest = folder.load(name)
    with show_progress(
        message("cli.backup.verifying"), is_hidden=not sys.stderr.isatty()
    ) as on_file:
        check = check_backup(folder, manifest, open_keys(manifest, key), on_file)
    if as_json:
        print_json(_check_result(check))
    else:
        _print_check(check)
    if check.problems or manifest.missing:
        raise typer.Exit(ExitCode.STORE)


def _check_result(check: BackupCheck) -> dict[str, object]:
    return {
        "ok": not (check.problems or check.manifest.missing),
        "missing": list(check.manifest.missing),
        "backup": check.manifest.name,
        "opened": check.is_opened,
        "files": check.files,
        "rows": check.manifest.rows,
        "problems": [problem.message for problem in check.problems],
    }


def _print_check(check: BackupCheck) -> None:
    for problem in check.problems:
        typer.echo(problem.message)
    # What helps is the same for each file of a kind
    for remedy in dict.fromkeys(problem.remedy for problem in check.problems):
        typer.echo(remedy, err=True)
    facts = {"name": check.manifest.name, "files": format_count(check.files, "file")}
    if check.problems:
        print_text("cli.backup.not_whole", **facts, count=len(check.problems))
    elif check.manifest.missing:
        print_text("cli.backup.lacks", **facts, count=len(check.manifest.missing))
    elif check.is_opened:
        print_text("cli.backup.whole", **facts, rows=format_count(check.manifest.rows, "row"))
    else:
        print_text("cli.backup.unchanged", **facts)


def restore(
    target: Target,
    workspace: Annotated[Path, typer.Argument(help="Folder of the new workspace; empty.")],
    database: Annotated[
        str, typer.Option(help="URL of an empty PostgreSQL database. Default: SQLite.")
    ] = "",
    images: Annotated[
        str,
        typer.Option(
            help="URL of an object store for the images, such as s3://bucket/prefix. Default: the "
            "folder `images` in the workspace."
        ),
    ] = "",
    key: KeyFile = None,
    name: BackupName = "",
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Restore the rest if images are damaged.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into a new workspace and check it.

    A backup of an earlier version is upgraded. Rows, files, database and log are compared with the
    backup before the workspace opens. Exit code 6 if images are missing, 12 if the log was changed
    already when the backup was made.
    """
    if os.environ.get("EFTERSKRIFT_DATABASE_URL") and not database:
        raise UsageError("restore_database_unclear")
    folder = BackupFolder(target)
    manifest = folder.load(name)
    keys = open_keys(manifest, key)
    if keys is None:
        raise UsageError("restore_needs_key", name=manifest.name)
    order = RestoreOrder(manifest, keys, workspace, database, incomplete, images)
    with show_progress(
        message("cli.restore.progress"), is_hidden=not sys.stderr.isatty()
    ) as on_image:
        restored = restore_backup(folder, order, load_settings(), getpass.getuser(), on_image)
    if as_json:
        result = {
            "ok": not (restored.lost_images or restored.log_problems),
            "backup": manifest.name,
            "rows": manifest.rows,
            "files": restored.files,
            "missing": restored.lost_images,
            "log_problems": restored.log_problems,
        }
        print_json(result)
    else:
        print_text(
            "cli.restore.done",
            name=manifest.name,
            workspace=workspace,
            rows=format_count(manifest.rows, "row"),
            files=format_count(restored.files, "file"),
        )
    if unreadable := folder.list_unreadable():
        print_note("cli.backup.manifest_damaged", names=_some(unreadable))
    if manifest.schema != head():
        print_note("cli.restore.upgraded", before=manifest.schema, after=head())
    if manifest.outside:
        print_note("cli.backup.outside", names=_some(manifest.outside))
    if restored.log_problems:
        print_note("cli.restore.log_broken", count=restored.log_problems)
        raise typer.Exit(ExitCode.LOG_BROKEN)
    if restored.lost_images:
        print_note("cli.restore.missing", count=restored.lost_images)
        raise typer.Exit(ExitCode.STORE)
