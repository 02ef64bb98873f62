"""The professions of those who review, and which areas of law each may see and confirm: data/professions.yaml.

The areas are kept apart (PDL 4:2, SoLPUL 10 §). An account may be given others than its profession's, for instance where a planner has HSL
tasks by delegation; that is the system administrator's decision and stands in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.field_spec import Strict
from pipeline.law_file import law_of
from pipeline.model import Role
from pipeline.settings import ROOT
from pipeline.template import Area

FILE = ROOT / "data" / "professions.yaml"
ALL_AREAS = frozenset(area.value for area in Area)
NO_PAPER = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.LOG_REVIEWER})


class Profession(Strict):
    """One profession with the titles that it is known by."""

    id: str
    name: str
    areas: Annotated[tuple[Area, ...], Field(min_length=1)]
    titles: Annotated[tuple[str, ...], Field(min_length=1)]


def load_professions(file: Path = FILE) -> list[Profession]:
    """The professions of a file.

    Raises:
        FormError: the file is missing, or not as its first lines say.
    """
    return law_of(file, TypeAdapter(list[Profession]))


def default_areas(role: Role, title: str) -> frozenset[str]:
    """The areas of an account that is given none of its own.

    Those who review have their profession's, and none if the profession is not known. Administrators, registrars and managers have all areas of
    their own units, since who scans a stack sees all that lies in it. Those who look after accounts and logs see no paper.
    """
    if role is Role.REVIEWER:
        return _by_title().get(title.strip().casefold(), frozenset())
    return frozenset() if role in NO_PAPER else ALL_AREAS


@cache
def _by_title() -> Mapping[str, frozenset[str]]:
    return {title.casefold(): frozenset(area.value for area in one.areas) for one in load_professions() for title in one.titles}
