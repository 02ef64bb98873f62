"""Every role, action and unit."""

from __future__ import annotations

from itertools import product

import pytest

from pipeline.access import Action, allowed, require
from pipeline.errors import NotAllowedError
from pipeline.model import Role
from tests.ward import NORTH, SOUTH, person

PAPER = {Role.ADMINISTRATOR, Role.REVIEWER, Role.REGISTRAR}
DECIDING = {Role.REVIEWER, Role.REGISTRAR}
MAY: dict[Action, set[Role]] = {
    Action.SCAN: {Role.ADMINISTRATOR, Role.REGISTRAR},
    Action.PRINT: {Role.ADMINISTRATOR, Role.REGISTRAR},
    Action.VIEW_PAGE: PAPER,
    Action.PROBLEMS: {Role.ADMINISTRATOR},
    Action.FORWARD: PAPER,
    Action.REVIEW: DECIDING,
    Action.CORRECT: DECIDING,
    Action.SIGN: {Role.REVIEWER},
    Action.VOID: {Role.REVIEWER},
    Action.FOLLOW_UP: {Role.ADMINISTRATOR, Role.REVIEWER},
    Action.EXPORT: PAPER,
    Action.RECEIPT: PAPER,
    Action.PROGRESS: {Role.ADMINISTRATOR, Role.MANAGER},
    Action.BACKLOG: {Role.ADMINISTRATOR, Role.REVIEWER, Role.MANAGER},
    Action.PULL: {Role.MANAGER},
    Action.QUALITY: {Role.MANAGER},
    Action.ACCOUNTS: {Role.SYSTEM_ADMINISTRATOR},
    Action.MANAGE: {Role.ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR},
    Action.LOG: {Role.LOG_REVIEWER},
}


def test_the_table_names_every_action() -> None:
    assert set(MAY) == set(Action)


@pytest.mark.parametrize(("role", "action", "unit"), list(product(Role, Action, (None, NORTH, SOUTH))))
def test_rights_are_those_of_the_table_in_the_own_units_only(role: Role, action: Action, unit: str | None) -> None:
    who = person("eva", role, (NORTH,))
    expected = role in MAY[action] and unit != SOUTH
    assert allowed(who, action, unit) is expected
    if expected:
        require(who, action, unit)
    else:
        with pytest.raises(NotAllowedError):
            require(who, action, unit)
