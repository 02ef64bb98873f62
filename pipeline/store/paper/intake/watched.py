"""Folders that are watched for scans: when each was last looked at, and what it passed over."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, select

from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.store.database.engines import insert_missing
from pipeline.store.schema.paper import page
from pipeline.store.schema.upkeep import watched_folder

_SHOWN_FOR = timedelta(days=30)
MAX_PASSED_OVER = 200
"""How many files of a folder are listed; they are the latest."""


class PassedOver(StrEnum):
    """Why a watched folder did not take in a file; also a part of its text's key."""

    OTHER_TYPE = "other_type"
    HIDDEN = "hidden"
    LINK = "link"
    BEING_WRITTEN = "being_written"
    SAME_CONTENT = "same_content"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class PassedFile:
    """A file that was passed over. `detail` is the other name of the same content."""

    name: str
    reason: PassedOver
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A watched folder at its last look; `is_away`: it could not be found or read then."""

    folder: str
    unit: str
    place: str
    looked_at: datetime
    is_away: bool = False
    passed_over: tuple[PassedFile, ...] = ()

    @property
    def id(self) -> str:
        """The same at each look at the same folder for the same unit and place."""
        text = "\0".join((self.folder, self.unit, self.place))
        return hashlib.sha256(text.encode()).hexdigest()


def save_watched_folder(conn: Connection, watched: WatchedFolder) -> None:
    """Write down the last look at a folder, in place of the one before."""
    values = {
        "id": watched.id,
        "folder": watched.folder[-400:],
        "unit": watched.unit,
        "place": watched.place,
        "looked_at": watched.looked_at,
        "is_away": watched.is_away,
        "passed_over": [
            [file.name[-400:], file.reason.value, file.detail[-400:]]
            for file in watched.passed_over[:MAX_PASSED_OVER]
        ],
    }
    insert_missing(conn, watched_folder, [values])
    conn.execute(watched_folder.update().where(watched_folder.c.id == watched.id).values(values))


def list_watched_paths(conn: Connection) -> list[str]:
    """Return the paths of all folders that were ever watched: what they hold is imported."""
    return sorted(set(conn.execute(select(watched_folder.c.folder)).scalars()))


def list_watched_folders(conn: Connection, person: Person, now: datetime) -> list[WatchedFolder]:
    """Return the folders that were watched lately for the person's units.

    Raises:
        NotAllowedError: the person does not scan paper.
    """
    permissions.require_permission(person, Action.SCAN)
    table = watched_folder.c
    query = (
        select(watched_folder)
        .where(
            table.unit.in_(sorted(permissions.permitted_units(person, Action.SCAN))),
            table.looked_at > now - _SHOWN_FOR,
        )
        .order_by(table.unit, table.folder)
    )
    return [
        WatchedFolder(
            row.folder,
            row.unit,
            row.place,
            row.looked_at,
            row.is_away,
            tuple(
                PassedFile(name, PassedOver(reason), detail)
                for name, reason, detail in row.passed_over
            ),
        )
        for row in conn.execute(query)
    ]


def find_imported_names(conn: Connection, source_sha256: str) -> Sequence[str]:
    """Return the names of the files with this content that were taken in, the first one first."""
    query = (
        select(page.c.source_name)
        .where(page.c.source_sha256 == source_sha256)
        .order_by(page.c.scanned_at, page.c.id)
    )
    return list(dict.fromkeys(conn.execute(query).scalars()))
