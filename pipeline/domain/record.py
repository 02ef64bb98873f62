"""Confirmed entries as they are exported (`Record`), their routes, and the runs that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from pipeline.domain.model import Client, Value

MANUAL_ENTRY_TARGET: Final = "skriv-in"
"""The target of lists that people key in from, and the name of the route where none is set."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who did something, and when (with time zone).

    `by` is the person's name. `login` and `hsa_id` are those of the account, empty where there is
    none.
    """

    at: datetime
    by: str
    login: str = field(default="", compare=False)
    hsa_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What became of an entry of a run: "voided", "corrected", "rejected" or "refused".

    `number` is the one in the run, `by` a name.
    """

    number: int
    entry_id: str
    kind: str
    by: str
    at: datetime | None


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
        duties: The open duties of law, rule → last moment, see `domain/law/duties.py`.
        meanings: What codes and numbers of lines mean, by field name.
        outage: The outage of the unit and system; None: that of the settings.
        provider: The unit's care provider; None: that of the settings.
        unit_hsa_id, author_hsa_id: By the registers; empty where they do not say it.
        author_role, author_role_code: The author's title and code of role by the staff list.
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
    duties: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    outage: Outage | None = None
    provider: CareProvider | None = None
    unit_hsa_id: str = ""
    author_hsa_id: str = ""
    author_role: str = ""
    author_role_code: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Where entries of these forms go (väg): a system, the format it takes, and who delivers.

    A form may have several routes. An entry is exported once in each of them.

    Attributes:
        target: The format, by the name of an export target.
        system: The receiving system, for people, such as "Treserva".
        module: Its module or list.
        deliverer: Who hands the files over.
        is_active: Whether it takes new entries; corrections of what it has go there in any case.
        by: The login of the person who set it, empty where nobody has.
    """

    name: str
    target: str
    forms: tuple[str, ...] = ()
    system: str = ""
    module: str = ""
    deliverer: str = ""
    is_active: bool = True
    by: str = ""

    def takes(self, form: str) -> bool:
        """Return whether new entries of a form go here."""
        return self.is_active and form in self.forms


DEFAULT_ROUTE: Final = Route(MANUAL_ENTRY_TARGET, MANUAL_ENTRY_TARGET)
"""Where entries go whose form has no route: every care system can be keyed into."""


@dataclass(frozen=True, slots=True)
class Run:
    """One export run (körning): a fixed set of entries in one file.

    `sha256` is empty until the file is written. `route` is empty in runs from before there were
    routes: their route is named as their target.
    """

    id: str
    target: str
    file_name: str
    made_at: datetime
    made_by: str
    entries: int
    sha256: str = ""
    route: str = ""


@dataclass(frozen=True, slots=True)
class PreviousExport:
    """The latest run of a route that carried an entry and was neither refused nor undone.

    Attributes:
        revision: The revision that the run carried, as the route's files count.
        entry_revision: The revision of the entry itself.
        exported_record: What the run carried, where that was about another client than the entry
            is now: it has to be withdrawn there.
        possible_records: The same by lists to key in that are not ticked, about yet other
            clients: it may have been keyed in there, and has to be searched for.
        export_number: Its number among all exports of the entry, in all routes.
        route: The run's route.
    """

    run: str
    target: str
    made_at: datetime
    revision: int = 1
    entry_revision: int = 0
    exported_record: Record | None = None
    possible_records: tuple[Record, ...] = ()
    export_number: int = 0
    route: str = ""
