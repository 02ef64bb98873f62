"""Permissions: which role may do what, in which unit and area of law.

Every public function that acts for a person checks them; hiding a button is no protection. Rights
follow the need of the work (PDL 4:1–2, SoLPUL 10 §): a manager sees counts but no paper, a reviewer
the paper of their units in the areas of law of their profession. Blocks, and what single pages and
entries need, are in `store/accounts/visibility.py`.

data/professions.yaml lists the professions of reviewers and the areas of law that each may see and
confirm. Areas are separated (PDL 4:2, SoLPUL 10 §). The system administrator may give an account
other areas than its profession's, for instance to a planner who has HSL tasks by delegation; that
is logged.
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
    """An action that needs a permission."""

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
    """Whether the person may do this, and in this unit and area of law if they are given."""
    return (
        action in ROLE_ACTIONS[person.role]
        and (unit is None or unit in person.units)
        and (area is None or area in person.areas)
    )


def require_permission(
    person: Person, action: Action, unit: str | None = None, area: str | None = None
) -> None:
    """Check that the person may do this, and in this unit and area of law if they are given.

    `require_visible_page` and `require_visible_entry` of `visibility` check all that a page or
    an entry needs.

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
    """Load the professions of a file.

    Raises:
        FormError: the file is missing, or not as its first lines document.
    """
    return load_rules_file(file, TypeAdapter(list[Profession]))


def default_areas(role: Role, title: str) -> frozenset[str]:
    """Return the areas of law of an account for which none are set.

    Reviewers have their profession's, and none if the profession is not known. Administrators,
    registrars and managers have all areas of their units, since a person who scans a batch sees
    all of it. System administrators and log reviewers see no paper.
    """
    if role is Role.REVIEWER:
        return _areas_by_title().get(title.strip().casefold(), frozenset())
    return frozenset() if role in ROLES_WITHOUT_PAPER else ALL_AREAS


@cache
def _areas_by_title() -> Mapping[str, frozenset[str]]:
    return {
        title.casefold(): frozenset(area.value for area in profession.areas)
        for profession in load_professions()
        for title in profession.titles
    }
