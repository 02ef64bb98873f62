"""Every role, action and unit."""

from __future__ import annotations

from itertools import product

import pytest

from pipeline.access import Action, allowed, require
from pipeline.errors import NotAllowedError
from pipeline.model import Role
from tests.ward import NORTH, SOUTH, person

MAY: dict[Action, set[Role]] = {
    Action.SCAN: {Role.ADMINISTRATOR},
    Action.VIEW_PAGE: {Role.ADMINISTRATOR, Role.REVIEWER},
    Action.PROBLEMS: {Role.ADMINISTRATOR},
    Action.REVIEW: {Role.REVIEWER},
    Action.CORRECT: {Role.REVIEWER},
    Action.EXPORT: {Role.ADMINISTRATOR, Role.REVIEWER},
    Action.RECEIPT: {Role.ADMINISTRATOR, Role.REVIEWER},
    Action.PROGRESS: {Role.ADMINISTRATOR, Role.MANAGER},
    Action.PULL: {Role.MANAGER},
    Action.MANAGE: {Role.ADMINISTRATOR},
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
