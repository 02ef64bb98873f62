"""Figures for managers: how many entries are where, and how long they have been. Counts only, and only of the person's units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from pipeline.access import Action, require
from pipeline.model import EntryState, Person
from pipeline.store.counts import entry_groups

AGES = {"0-1": 1, "2-3": 3, "4-7": 7, "8-14": 14}
"""How long ago an entry was made: name → it is younger than this many days."""
OLDEST = "15-"


@dataclass(frozen=True, slots=True)
class EntryCount:
    """How many entries are alike. `age` is one of `AGES` or `OLDEST`. What is `void` is dealt with, or waits only to be withdrawn."""

    state: EntryState
    void: bool
    unit: str
    form: str
    criticality: str
    age: str
    count: int


def entry_counts(conn: Connection, person: Person, now: datetime) -> list[EntryCount]:
    """Entries of the person's units by state, whether they are void, unit, form, class and age.

    Raises:
        NotAllowedError: the person may not see figures.
    """
    require(person, Action.PROGRESS)
    moments = {name: now - timedelta(days=days) for name, days in AGES.items()}
    groups = entry_groups(conn, person.units, moments, OLDEST)
    return [EntryCount(EntryState(group[0]), *group[1:]) for group in groups]
