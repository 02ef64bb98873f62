"""Outages by unit and system: which of them an entry falls into, and which days paper is from.

The systems are data (`data/systems.yaml`). A row that names the unit or the system goes before one
that is about all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import Area, FormId
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.record import Outage, OutageKind
from pipeline.domain.settings import ROOT

SYSTEMS_FILE = ROOT / "data" / "systems.yaml"
ALL = ""
"""In place of a unit or a system: all of them."""


class CareModule(StrictModel):
    """A part of a system that is opened by itself, and the forms that are entered there."""

    name: Annotated[str, Field(min_length=1)]
    forms: tuple[FormId, ...]


class CareSystem(StrictModel):
    """A system that paper is entered into: of these forms, or of all others of these areas."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    name: Annotated[str, Field(min_length=1)]
    forms: tuple[FormId, ...] = ()
    areas: tuple[Area, ...] = ()
    targets: tuple[str, ...] = ()
    modules: tuple[CareModule, ...] = ()


@dataclass(frozen=True, slots=True)
class OutagePeriod:
    """A row of the administrator's table. `unit` or `system` is empty where it is about all."""

    unit: str
    system: str
    kind: OutageKind
    start: datetime
    end: datetime | None
    id: int = 0
    by: str = ""

    @property
    def days(self) -> tuple[date, date]:
        """The first and last Swedish day; until today while it lasts."""
        return swedish_day(self.start), swedish_day(self.end) if self.end else today_in_sweden()

    @property
    def as_outage(self) -> Outage:
        """The period as entries carry it."""
        return Outage(self.start, self.end, self.kind, system_name(self.system))


@cache
def load_systems(file: Path = SYSTEMS_FILE) -> tuple[CareSystem, ...]:
    """Load the systems.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return load_rules_file(file, TypeAdapter(tuple[CareSystem, ...]))


def system_name(system: str) -> str:
    """Return the name of a system for people; empty for all of them."""
    return next((each.name for each in load_systems() if each.id == system), system)


def find_system(form_id: str, area: str) -> str:
    """Return the id of the system that a form's entries go to; empty if none is named."""
    systems = load_systems()
    by_form = (each.id for each in systems if form_id in each.forms)
    by_area = (each.id for each in systems if area in {one.value for one in each.areas})
    return next(by_form, next(by_area, ALL))


def find_module(system: str, form_id: str) -> str:
    """Return the name of the part of a system that a form is entered in; empty if none is named."""
    modules = (module for each in load_systems() if each.id == system for module in each.modules)
    return next((module.name for module in modules if form_id in module.forms), "")


def find_outage(
    periods: Iterable[OutagePeriod], unit: str, system: str, day: date | None
) -> OutagePeriod | None:
    """Return the outage that an entry was written in; None if the table says nothing of it.

    Of the rows that are the most about the unit and the system it is the one that holds the day,
    else the last one before it, else the first.
    """
    rows = sorted(_relevant(periods, unit, system), key=lambda row: row.start)
    if not rows or day is None:
        return rows[0] if rows else None
    holding = [row for row in rows if row.days[0] <= day <= row.days[1]]
    before = [row for row in rows if row.days[0] <= day]
    return (holding or before or rows)[-1 if holding or before else 0]


def outage_days(
    periods: Iterable[OutagePeriod], unit: str, system: str = ALL
) -> tuple[date, date] | None:
    """Return the first and last day of a unit's outages of a system, or of any of its systems.

    None if the table says nothing of it.
    """
    rows = (
        _relevant(periods, unit, system)
        if system
        else [row for row in periods if row.unit in (unit, ALL)]
    )
    if not rows:
        return None
    return min(row.days[0] for row in rows), max(row.days[1] for row in rows)


def covers(
    periods: Iterable[OutagePeriod], unit: str, system: str, start: datetime, end: datetime
) -> bool:
    """Whether the outages of a unit and system reach from one moment to another without a gap."""
    reached = start
    for row in sorted(_relevant(periods, unit, system), key=lambda row: row.start):
        # A row that begins after what is covered so far leaves a gap.
        if row.start > reached:
            break
        reached = max(reached, row.end or end)
    return reached >= end


def _relevant(periods: Iterable[OutagePeriod], unit: str, system: str) -> list[OutagePeriod]:
    """Return the rows about a unit and system, those that name the most of both."""
    about = [row for row in periods if row.unit in (unit, ALL) and row.system in (system, ALL)]
    most = max((_precision(row) for row in about), default=0)
    return [row for row in about if _precision(row) == most]


def _precision(row: OutagePeriod) -> int:
    return 2 * bool(row.unit) + bool(row.system)


def overlaps(row: OutagePeriod, others: Sequence[OutagePeriod]) -> bool:
    """Whether a row says something else of the same unit, system and time as one of the others."""
    return any(
        (other.unit, other.system) == (row.unit, row.system)
        and (other.end is None or row.start < other.end)
        and (row.end is None or other.start < row.end)
        for other in others
    )
