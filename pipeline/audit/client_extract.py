"""What a client may be told of the log (PDL 8:5): from which unit and when somebody has had access to the client's data, in plain words.

The law gives the client unit and time, not the name of the member of staff, so names are not in it. What only the machine did is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from pipeline.access import Action, require
from pipeline.audit.plain_words import OTHER, SAID
from pipeline.errors import UsageError
from pipeline.export.csv_file import write_table
from pipeline.identity import normal_pid, shown_pid
from pipeline.model import Person
from pipeline.store import log_rows
from pipeline.store.events import client_subject, record
from pipeline.store.log_rows import MACHINE, Wanted
from pipeline.store.registers import client, find_client, shown_client
from pipeline.swedish_time import SWEDEN

_FEWEST_DIGITS = 6
"""A reserve number may have letters, but a name is none."""
STACK_PRINTED = "issue"
"""It bears the first serial of a stack, whomever that sheet is for; each sheet for a client has a row of its own."""


@dataclass(frozen=True, slots=True)
class Access:
    """One line: when (Swedish time, to the minute), from which unit, what, and how many times in that minute."""

    at: str
    unit: str
    what: str
    times: int


@dataclass(frozen=True, slots=True)
class Extract:
    """An extract of the log for one client. `elsewhere` counts rows of units whose log the person who made it does not follow up."""

    pid: str
    name: str
    start: datetime
    end: datetime
    made_at: datetime
    units: tuple[str, ...]
    lines: tuple[Access, ...]
    elsewhere: int


def client_number(conn: Connection, typed: str) -> str | None:
    """The personal number in full that is meant by what somebody writes; the client need not be in the register any longer."""
    known = find_client(conn, typed)
    if known is not None:
        return known.pid
    written = normal_pid(typed).value12
    return written if sum(sign.isdigit() for sign in written) >= _FEWEST_DIGITS else None


def client_extract(conn: Connection, person: Person, typed: str, start: datetime, end: datetime, now: datetime) -> Extract:
    """All accesses to a client's data in a time, oldest first. That it was made is an event, under a digest of the number.

    Args:
        typed: the personal number as people write it. It need not be in the register any longer.

    Raises:
        NotAllowedError: the person does not follow up the log.
        UsageError: the number is none in full, and the register knows no client by it.
    """
    require(person, Action.LOG)
    pid = client_number(conn, typed)
    known = client(conn, pid) if pid else None
    if pid is None:
        raise UsageError("no_personal_number_full")
    wanted = Wanted(start, end, client=pid)
    lines = dict[tuple[str, str, str], int]()
    for row in log_rows.every_row(conn, person.units, wanted):
        if row.by != MACHINE and row.action != STACK_PRINTED:
            key = (f"{row.at.astimezone(SWEDEN):%Y-%m-%d %H:%M}", row.unit or "", SAID.get(row.action, OTHER))
            lines[key] = lines.get(key, 0) + 1
    elsewhere = log_rows.count_elsewhere(conn, person.units, wanted, apart_from=STACK_PRINTED)
    record(conn, person.login, "extract_log", client_subject(conn, pid), unit=known.unit if known else None, lines=len(lines))
    shown = shown_client(conn, known, person) if known else None
    accesses = tuple(Access(*key, times) for key, times in sorted(lines.items()))
    return Extract(pid, shown.name if shown else "", start, end, now, tuple(sorted(person.units)), accesses, elsewhere)


def extract_csv(extract: Extract) -> bytes:
    """The extract as a table."""
    rows = [(shown_pid(extract.pid), line.at, line.unit, line.what, str(line.times)) for line in extract.lines]
    return write_table(("personnummer", "tid", "enhet", "vad", "antal gånger"), rows)
