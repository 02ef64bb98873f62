"""What is odd about the backups of a folder: numbers that are gone, dates in the future."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.domain.errors import StoreError
from pipeline.operations.upkeep.backup_folder import BackupFolder

_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OrderRemarks:
    """Numbers that are absent though nothing removed them, and names of backups that are odd.

    `unnumbered` are those of programs that gave no numbers: they come first, by their dates.
    """

    absent: tuple[int, ...] = ()
    future: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    unnumbered: int = 0

    @property
    def is_doubtful(self) -> bool:
        """Whether a person has to look at the folder."""
        return bool(self.absent or self.future or self.damaged)


def find_remarks(folder: BackupFolder, now: datetime) -> OrderRemarks:
    """Return what is odd about the backups of a folder.

    Raises:
        StoreUnavailableError: the folder cannot be read.
    """
    manifests = folder.manifests()
    there = {manifest.sequence for manifest in manifests if manifest.sequence}
    removed = manifests[-1].removed if manifests else ()
    numbers = range(min(there), max(there)) if there else range(0)
    return OrderRemarks(
        tuple(number for number in numbers if number not in there and number not in removed),
        tuple(manifest.name for manifest in manifests if manifest.made_at > now + _SKEW),
        tuple(sorted(set(folder.names()).difference(manifest.name for manifest in manifests))),
        sum(not manifest.sequence for manifest in manifests),
    )


def require_order(folder: BackupFolder, now: datetime) -> None:
    """Check that no backup of a folder is gone, damaged or from the future.

    Raises:
        StoreError: one is.
        StoreUnavailableError: the folder cannot be read.
    """
    remarks = find_remarks(folder, now)
    if remarks.is_doubtful:
        named = (*map(str, remarks.absent), *remarks.future, *remarks.damaged)
        raise StoreError("backup_order_doubtful", folder=folder.folder, names=", ".join(named))
