"""Who may do what, in which unit and area of law. Every public function that acts for a person asks here; hiding a button is no protection.

Rights follow the need of the work (PDL 4:1–2, SoLPUL 10 §): a manager sees counts but no paper, a reviewer the paper of the own units as far
as it belongs to an area of law of the own profession. What a certain page or entry asks for, and blocks, is in `store/sight.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pipeline.errors import NotAllowedError
from pipeline.model import Person, Role


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


RIGHTS: Mapping[Role, frozenset[Action]] = {
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
    Role.MANAGER: frozenset({Action.PROGRESS, Action.PULL, Action.BACKLOG, Action.QUALITY, Action.ALARM, Action.APPROVE_PAYMENT, Action.PACK}),
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
    Role.SYSTEM_ADMINISTRATOR: frozenset({Action.ACCOUNTS, Action.MANAGE, Action.FORMS, Action.MAKE_FORMS}),
    Role.LOG_REVIEWER: frozenset({Action.LOG, Action.ALARM}),
}


def allowed(person: Person, action: Action, unit: str | None = None, area: str | None = None) -> bool:
    """Whether the person may; with a unit, whether there; with an area of law, whether within it."""
    return action in RIGHTS[person.role] and (unit is None or unit in person.units) and (area is None or area in person.areas)


def require(person: Person, action: Action, unit: str | None = None, area: str | None = None) -> None:
    """Go on only if the person may. For a page or an entry, `sight.require_page` and `sight.require_entry` ask for all that it asks for.

    Raises:
        NotAllowedError: the role, the unit or the area of law does not allow it.
    """
    if action not in RIGHTS[person.role]:
        raise NotAllowedError("role_may_not_do", role=person.role, wanted=action, by=person.login, action=action.value, unit=unit)
    if unit is not None and unit not in person.units:
        raise NotAllowedError("other_unit", by=person.login, action=action.value, unit=unit)
    if area is not None and area not in person.areas:
        raise NotAllowedError("other_area", by=person.login, action=action.value, unit=unit)
