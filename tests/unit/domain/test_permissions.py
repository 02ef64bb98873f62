"""Every role, action and unit."""

from __future__ import annotations

from itertools import product

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.form import Area
from pipeline.domain.model import Role
from pipeline.domain.permissions import (
    Action,
    default_areas,
    is_allowed,
    load_professions,
    require_permission,
)
from tests.support.store.ward import NORTH, SOUTH, person

PAPER = {Role.ADMINISTRATOR, Role.REVIEWER, Role.REGISTRAR}
TYPING = {Role.REVIEWER, Role.REGISTRAR, Role.TYPIST}
DECIDING = {Role.REVIEWER, Role.REGISTRAR}
MAY: dict[Action, set[Role]] = {
    Action.SCAN: {Role.ADMINISTRATOR, Role.REGISTRAR},
    Action.PRINT: {Role.ADMINISTRATOR, Role.REGISTRAR},
    Action.VIEW_PAGE: PAPER | {Role.TYPIST},
    Action.PROBLEMS: {Role.ADMINISTRATOR},
    Action.FORWARD: PAPER,
    Action.REVIEW: TYPING,
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
    Action.BLOCK: {Role.ADMINISTRATOR, Role.REVIEWER},
    Action.ALARM: {Role.MANAGER, Role.LOG_REVIEWER},
    Action.PACK: {Role.ADMINISTRATOR, Role.MANAGER},
    Action.ARCHIVE: {Role.ADMINISTRATOR, Role.REGISTRAR},
    Action.DISPOSE: {Role.REGISTRAR},
    Action.APPROVE_PAYMENT: {Role.MANAGER},
    Action.FORMS: {Role.ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR},
    Action.MAKE_FORMS: {Role.ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR},
}


def test_the_table_names_every_action() -> None:
    assert set(MAY) == set(Action)


@pytest.mark.parametrize(("role", "action"), list(product(Role, Action)))
def test_rights_are_those_of_the_table_in_the_own_units_and_areas_only(
    role: Role, action: Action
) -> None:
    who = person("eva", role, (NORTH,), frozenset({"HSL"}))
    for unit, area in product((None, NORTH, SOUTH), (None, "HSL", "IFO", "")):
        expected = role in MAY[action] and unit != SOUTH and area in (None, "HSL")
        assert is_allowed(who, action, unit, area) is expected
        if expected:
            require_permission(who, action, unit, area)
        else:
            with pytest.raises(NotAllowedError):
                require_permission(who, action, unit, area)


def test_each_profession_has_its_areas_and_no_title_is_of_two() -> None:
    professions = load_professions()
    titles = [title for one in professions for title in one.titles]
    assert len(titles) == len(set(titles))
    assert {area for one in professions for area in one.areas} == set(Area)
    assert all(title == title.strip().casefold() for title in titles)


@pytest.mark.parametrize(
    ("role", "title", "areas"),
    [
        (Role.REVIEWER, "Sjuksköterska ", {"HSL"}),
        (Role.REVIEWER, "planerare", {"SoL", "LSS"}),
        (Role.REVIEWER, "biståndshandläggare", {"SoL", "LSS"}),
        (Role.REVIEWER, "socialsekreterare", {"IFO"}),
        (Role.REVIEWER, "trollkarl", set()),
        (Role.REVIEWER, "enhetschef", {"SoL", "LSS", "ADM"}),
        (Role.REVIEWER, "registrator", {"ADM"}),
        (Role.TYPIST, "assistent", {"ADM"}),
        (Role.ADMINISTRATOR, "trollkarl", {"HSL", "SoL", "LSS", "IFO", "ADM"}),
        (Role.REGISTRAR, "registrator", {"HSL", "SoL", "LSS", "IFO", "ADM"}),
        (Role.MANAGER, "områdeschef", {"HSL", "SoL", "LSS", "IFO", "ADM"}),
        (Role.SYSTEM_ADMINISTRATOR, "sjuksköterska", set()),
        (Role.LOG_REVIEWER, "sjuksköterska", set()),
    ],
)
def test_an_account_without_areas_of_its_own_has_those_of_the_profession(
    role: Role, title: str, areas: set[str]
) -> None:
    assert default_areas(role, title) == areas
