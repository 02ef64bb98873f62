"""Who may do what, in which unit and area of law. Every public function that acts for a person asks
here; hiding a button is no protection.

Rights follow the need of the work (PDL 4:1–2, SoLPUL 10 §): a manager sees counts but no paper,
a reviewer the paper of the own units as far as it belongs to an area of law of the own
profession. What a certain page or entry asks for, and blocks, is in `store/sight.py`.

The professions of those who review, and which areas of law each may see and confirm:
data/professions.yaml.

The areas are kept apart (PDL 4:2, SoLPUL 10 §). An account may be given others than its
profession's, for instance where a planner has HSL tasks by delegation; that is the system
administrator's decision and stands in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import Area
from pipeline.domain.law.rules_file import load_rules_file
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import ROOT

PROFESSIONS_FILE = ROOT / "data" / "professions.yaml"
ALL_AREAS = frozenset(area.value for area in Area)
ROLES_WITHOUT_PAPER = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.LOG_REVIEWER})


class Action(StrEnum):
    """What a person can want to do."""

    SCAN = "scan"
    VIEW_PAGE = "view_page"
    PROBLEMS = "problems"
    REVIEW = "review"
    CORRECT = "correct"
    EXPORT = "export"
    RECEIPT = "receipt"
    PROGRESS = "progress"
    PULL = "pull"
    MANAGE = "manage"
    PRINT = "print"
    SIGN = "sign"
    VOID = "void"
    FORWARD = "forward"
    ACCOUNTS = "accounts"
    LOG = "log"
    BACKLOG = "backlog"
    QUALITY = "quality"
    FOLLOW_UP = "follow_up"
    BLOCK = "block"
    ALARM = "alarm"
    ARCHIVE = "archive"
    DISPOSE = "dispose"
    APPROVE_PAYMENT = "approve_payment"
    PACK = "pack"
    FORMS = "forms"
    MAKE_FORMS = "make_forms"


ROLE_ACTIONS: Mapping[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(
        {
            Action.SCAN,
            Action.PRINT,
            Action.VIEW_PAGE,
            Action.PROBLEMS,
            Action.FORWARD,
            Action.EXPORT,
            Action.RECEIPT,
            Action.PROGRESS,
            Action.BACKLOG,
            Action.FOLLOW_UP,
            Action.BLOCK,
            Action.MANAGE,
            Action.ARCHIVE,
            Action.PACK,
            Action.FORMS,
            Action.MAKE_FORMS,
        }
    ),
    Role.REVIEWER: frozenset(
        {
            Action.VIEW_PAGE,
            Action.REVIEW,
            Action.CORRECT,
            Action.SIGN,
            Action.VOID,
            Action.FORWARD,
            Action.BACKLOG,
            Action.FOLLOW_UP,
            Action.BLOCK,
            Action.EXPORT,
            Action.RECEIPT,
        }
    ),
    Role.MANAGER: frozenset(
        {
            Action.PROGRESS,
            Action.PULL,
            Action.BACKLOG,
            Action.QUALITY,
            Action.ALARM,
            Action.APPROVE_PAYMENT,
            Action.PACK,
        }
    ),
    Role.REGISTRAR: frozenset(
        {
            Action.SCAN,
            Action.PRINT,
            Action.VIEW_PAGE,
            Action.REVIEW,
            Action.CORRECT,
            Action.FORWARD,
            Action.EXPORT,
            Action.RECEIPT,
            Action.ARCHIVE,
            Action.DISPOSE,
        }
    ),
    Role.SYSTEM_ADMINISTRATOR: frozenset(
        {Action.ACCOUNTS, Action.MANAGE, Action.FORMS, Action.MAKE_FORMS}
    ),
    Role.LOG_REVIEWER: frozenset({Action.LOG, Action.ALARM}),
}


def is_allowed(
    person: Person, action: Action, unit: str | None = None, area: str | None = None
) -> bool:
    """Whether the person may; with a unit, whether there; with an area of law, whether within it."""
    return (
        action in ROLE_ACTIONS[person.role]
        and (unit is None or unit in person.units)
        and (area is None or area in person.areas)
    )


def require_permission(
    person: Person, action: Action, unit: str | None = None, area: str | None = None
) -> None:
    """Go on only if the person may. For a page or an entry, `sight.require_page` and
    `sight.require_entry` ask for all that it asks for.

    Raises:
        NotAllowedError: the role, the unit or the area of law does not allow it.
    """
    if action not in ROLE_ACTIONS[person.role]:
        raise NotAllowedError(
            "role_may_not_do",
            role=person.role,
            wanted=action,
            by=person.login,
            action=action.value,
            unit=unit,
        )
    if unit is not None and unit not in person.units:
        raise NotAllowedError("other_unit", by=person.login, action=action.value, unit=unit)
    if area is not None and area not in person.areas:
        raise NotAllowedError("other_area", by=person.login, action=action.value, unit=unit)


class Profession(StrictModel):
    """One profession with the titles that it is known by."""

    id: str
    name: str
    areas: Annotated[tuple[Area, ...], Field(min_length=1)]
    titles: Annotated[tuple[str, ...], Field(min_length=1)]


def load_professions(file: Path = PROFESSIONS_FILE) -> list[Profession]:
    """The professions of a file.

    Raises:
        FormError: the file is missing, or not as its first lines say.
    """
    return load_rules_file(file, TypeAdapter(list[Profession]))


def default_areas(role: Role, title: str) -> frozenset[str]:
    """The areas of an account that is given none of its own.

    Those who review have their profession's, and none if the profession is not known.
    Administrators, registrars and managers have all areas of their own units, since who scans a
    stack sees all that lies in it. Those who look after accounts and logs see no paper.
    """
    if role is Role.REVIEWER:
        return _areas_by_title().get(title.strip().casefold(), frozenset())
    return frozenset() if role in ROLES_WITHOUT_PAPER else ALL_AREAS


@cache
def _areas_by_title() -> Mapping[str, frozenset[str]]:
    return {
        title.casefold(): frozenset(area.value for area in one.areas)
        for one in load_professions()
        for title in one.titles
    }
