"""Confirmed entries as they are exported (`Record`), and the export runs that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pipeline.domain.model import Client, Value


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who did something, and when (with time zone)."""

    at: datetime
    by: str


class OutageKind(StrEnum):
    """What an outage left of a system: nothing, or reading alone."""

    DOWN = "down"
    READ_ONLY = "read_only"


@dataclass(frozen=True, slots=True)
class Outage:
    """When a system could not be written in, for a unit.

    Times without a zone are Swedish. `end` is None while it lasts, `system` its name for people,
    empty for all systems.
    """

    start: datetime
    end: datetime | None
    kind: OutageKind = OutageKind.DOWN
    system: str = ""


@dataclass(frozen=True, slots=True)
class CareProvider:
    """Who gives the care (vårdgivare, utförare). The ids are empty where nobody has said them."""

    name: str
    hsa_id: str
    organisation_number: str = ""


@dataclass(frozen=True, slots=True)
class RecordAttachment:
    """A page that goes with an entry and is not typed.

    `day` is YYYY-MM-DD, or empty; `picture` is its image's name in the image folder.
    """

    title: str
    day: str
    picture: str


class TypedPart(StrEnum):
    """How much of an entry's paper is typed; the rest is in its image."""

    WHOLE = "whole"
    DEVIATIONS = "deviations"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Record:
    """One confirmed entry as it is exported: its values, and the times and people of its history.

    Author, transcriber (`entered`), verifier and signer are four different roles.

    Attributes:
        revision: Counts corrections, 1 for the first export.
        fields: The confirmed values by field name, for a table row without the row's prefix.
        event_at: händelsetid, local Swedish time as on the paper.
        written_at: skriven_tid, local Swedish time as on the paper.
        author: original_av.
        signed_why: Why another person than the author signed (PDL 3:10).
        illegible: The fields that a reviewer declared illegible.
        clock_unknown: "event_at" or "written_at" where the paper gives a day but no time of day;
            that moment is then at 00:00, which is not on the paper.
        approved: The valid approvals of a payment, by login.
        pages: The images of the sheet's sides in their order, as names in the image folder
            (SHA-256): registered to the form, or as scanned where the form is not known.
        attachments: The pages that go with the entry and are not typed, in their order.
        typed: How much of the paper is typed.
        boxes: The answered boxes of a grid in which something was planned, in their order.
        missing_pages: The numbers of the pages of the sheet that have not come.
        meanings: What codes and numbers of lines mean, by field name.
        outage: The outage of the unit and system; None: that of the settings.
        provider: The unit's care provider; None: that of the settings.
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
    attachments: tuple[RecordAttachment, ...] = ()
    typed: TypedPart = TypedPart.WHOLE
    boxes: tuple[str, ...] = ()
    missing_pages: tuple[int, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    outage: Outage | None = None
    provider: CareProvider | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One export run (körning): a fixed set of entries in one file.

    `sha256` is empty until the file is written.
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
    """The latest run that carried an entry and was not refused by its target.

    Attributes:
        revision: The revision that the run carried.
        entry_revision: The revision of the entry itself.
        exported_record: What the run carried, where that was about another client than the entry
            is now: it has to be withdrawn there.
        possible_records: The same by lists to key in that are not ticked, about yet other
            clients: it may have been keyed in there, and has to be searched for.
    """

    run: str
    target: str
    made_at: datetime
    revision: int = 1
    entry_revision: int = 0
    exported_record: Record | None = None
    possible_records: tuple[Record, ...] = ()
