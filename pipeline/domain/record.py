"""What leaves the program: confirmed entries as they are exported, and the runs that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.model import Client, Value


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who did something, and when (with time zone)."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Record:
    """One confirmed entry as it is exported: what it says, and the times and people of its whole
    way.

    `fields` holds the confirmed values by field name, for a table row without the row's prefix.
    `event_at` is händelsetid, `written_at` skriven_tid (both local Swedish time, as on the
    paper), `author` original_av. `revision` counts corrections, 1 for the first export. Author,
    transcriber (`entered`), verifier and signer are four things: `signed_why` says why somebody
    else than the author signed (PDL 3:10). `illegible` names the fields that a person declared
    illegible. `clock_unknown` holds "event_at" or "written_at" where the paper gives a day but
    no time of day; that moment then stands at 00:00, which nobody wrote. `approved` are the
    approvals of a payment that stand, by login. `pages` are the pictures of the sheet's sides in
    their order, as names in the image folder (SHA-256): laid on the form, or as scanned where
    the form is not known.
    """

    entry_id: str
    revision: int
    form: str
    version: int
    title: str
    area: str
    unit: str
    client: Client
    fields: Mapping[str, Value]
    labels: Mapping[str, str]
    event_at: datetime | None
    written_at: datetime | None
    author: str
    author_title: str
    serial: str
    row: int | None
    place: str
    scanned: Stamp
    read_at: datetime
    reader_version: str
    entered: Stamp
    verified: Stamp | None
    signed: Stamp | None = None
    signed_why: str = ""
    voided: str | None = None
    illegible: frozenset[str] = frozenset()
    clock_unknown: frozenset[str] = frozenset()
    approved: tuple[Stamp, ...] = ()
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One export (körning): a fixed set of entries in one file. `sha256` is empty until the file is
    made.
    """

    id: str
    target: str
    file_name: str
    made_at: datetime
    made_by: str
    entries: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class PreviousExport:
    """The latest run that carried an entry, if its target has not refused it, and the revision that
    it carried: `entry_revision` is the entry's own.

    `carried` is what it carried where that was about another client than the entry is now: there
    it has to be withdrawn. `perhaps` is what lists to key in that nobody has ticked say of yet
    others: it may have been keyed in there, and is looked for.
    """

    run: str
    target: str
    made_at: datetime
    revision: int = 1
    entry_revision: int = 0
    exported_record: Record | None = None
    possible_records: tuple[Record, ...] = ()
