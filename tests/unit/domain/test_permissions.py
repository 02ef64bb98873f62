"""Every role, action and unit."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.form import Area
from pipeline.domain.law.permissions import (
    Action,
    default_areas,
    is_allowed,
    load_professions,
    permitted_areas,
    permitted_units,
    require_permission,
    reserved_forms,
    units_within_block,
)
from pipeline.domain.model import Assignment, Role
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
    Action.OFFICE: {Role.ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR},
    Action.ROUTES: {Role.ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR},
    Action.LOG: {Role.LOG_REVIEWER},
    Action.BLOCK: {Role.ADMINISTRATOR, Role.REVIEWER},
    Action.ALARM: {Role.MANAGER, Role.LOG_REVIEWER},
    Action.PACK: {Role.ADMINISTRATOR, Role.MANAGER},
    Action.ARCHIVE: {Role.ADMINISTRATOR, Role.REGISTRAR},
    Action.DISPOSE: {Role.REGISTRAR},
    Action.APPROVE_PAYMENT: {Role.MANAGER},
    Action.DUTY: PAPER | {Role.MANAGER},
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


SEVERAL = replace(
    person("eva", Role.REVIEWER, (NORTH,), frozenset({"HSL"})),
    further=(
        Assignment(Role.ADMINISTRATOR, "sjuksköterska", frozenset({SOUTH}), frozenset({"SoL"})),
        Assignment(Role.MANAGER, "enhetschef", frozenset({NORTH}), frozenset({"IFO"})),
    ),
)


@pytest.mark.parametrize(
    ("action", "unit", "area", "expected"),
    [
        (Action.REVIEW, NORTH, "HSL", True),
        (Action.REVIEW, SOUTH, "HSL", False),
        (Action.REVIEW, SOUTH, "SoL", False),
        (Action.REVIEW, NORTH, "SoL", False),
        (Action.REVIEW, NORTH, "IFO", False),
        (Action.SCAN, SOUTH, "SoL", True),
        (Action.SCAN, NORTH, None, False),
        (Action.VIEW_PAGE, NORTH, "HSL", True),
        (Action.VIEW_PAGE, SOUTH, "HSL", False),
        (Action.QUALITY, NORTH, None, True),
        (Action.QUALITY, SOUTH, None, False),
        (Action.PROGRESS, None, None, True),
        (Action.ACCOUNTS, None, None, False),
    ],
)
def test_a_role_reaches_no_further_than_its_own_assignment(
    action: Action, unit: str | None, area: str | None, expected: bool
) -> None:
    assert is_allowed(SEVERAL, action, unit, area) is expected


def test_what_is_shown_is_the_union() -> None:
    assert SEVERAL.roles == (Role.REVIEWER, Role.ADMINISTRATOR, Role.MANAGER)
    assert SEVERAL.all_units == {NORTH, SOUTH}
    assert SEVERAL.all_areas == {"HSL", "SoL", "IFO"}
    assert permitted_units(SEVERAL, Action.VIEW_PAGE) == {NORTH, SOUTH}
    assert permitted_areas(SEVERAL, Action.VIEW_PAGE, SOUTH) == {"SoL"}
    assert permitted_units(SEVERAL, Action.LOG) == frozenset()


def test_a_block_is_opened_by_no_unit_whose_paper_the_person_does_not_see() -> None:
    manager = Assignment(Role.MANAGER, "chef", frozenset({SOUTH}), frozenset({"HSL"}))
    assert units_within_block(replace(person("eva"), further=(manager,))) == {NORTH}
    assert units_within_block(person("chef", Role.MANAGER)) == {NORTH}


@pytest.mark.parametrize("form", [None, "hsl-anteckning", *sorted(reserved_forms())])
def test_a_typist_types_no_reserved_form(form: str | None) -> None:
    typist, reviewer = (person("eva", role) for role in (Role.TYPIST, Role.REVIEWER))
    expected = form not in reserved_forms()
    for action in (Action.REVIEW, Action.VIEW_PAGE):
        assert is_allowed(typist, action, NORTH, "HSL", form) is expected
        assert is_allowed(reviewer, action, NORTH, "HSL", form)
    if not expected:
        with pytest.raises(NotAllowedError, match="typist"):
            require_permission(typist, Action.REVIEW, NORTH, "HSL", form)


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
