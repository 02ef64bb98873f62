"""The menu by role: the places of a day, the rest under Mer, and where the day begins."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pipeline.domain.law.permissions import ROLE_ACTIONS
from pipeline.domain.model import Assignment, Person, Role
from pipeline.domain.settings import ROOT
from pipeline.texts import catalogue
from tests.support.screens.seeding import ADMINISTRATOR, NURSE, UNITS
from ui.screens.menu import (
    FIRST_SCREENS,
    MORE,
    MOST_ENTRIES,
    PLACES,
    SCREENS,
    allowed_screens,
    build_menu,
    first_screen,
    list_tabs,
)

SWEDISH = catalogue("sv")


def of(role: Role, *further: Role) -> Person:
    """A person of these roles."""
    also = tuple(Assignment(one, "", UNITS, ADMINISTRATOR.areas) for one in further)
    return replace(NURSE, role=role, further=also)


def title(name: str) -> str:
    return str(SWEDISH[f"{name}.title"])


def documented() -> dict[str, list[str]]:
    """The rows of the tables of docs/screens.md about the menu, by their first cell."""
    part = (ROOT / "docs" / "screens.md").read_text("utf-8")
    part = part.partition("**Menyn**")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|.*\|$", part, re.MULTILINE)
    ]
    return {first: rest for first, *rest in rows}


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_the_menu_of_each_role_is_the_documented_one(role: Role) -> None:
    person = of(role)
    menu, first = build_menu(person), first_screen(person)
    entries = [title(screen.entry) for screen in menu.entries]
    more = [title(screen.name) for screens in menu.more.values() for screen in screens]
    assert documented()[role.value] == [
        title(first.name),
        ", ".join(entries) if len(entries) > 1 else "",
        ", ".join(more),
    ]


def test_a_nurse_has_four_entries_and_nothing_else() -> None:
    menu = build_menu(of(Role.REVIEWER))
    assert [screen.entry for screen in menu.entries] == ["review", "progress", "send", "follow_up"]
    assert not menu.more


def test_the_tabs_are_the_documented_ones() -> None:
    everything = of(*Role)
    for place in PLACES:
        tabs = list_tabs(everything, place)
        if len(tabs) > 1:
            titles = [
                title(tab.name) if tab.name != place else SWEDISH["progress.overview"]
                for tab in tabs
            ]
            assert documented()[title(place)] == [", ".join(map(str, titles))]


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
@pytest.mark.parametrize("also", list(Role), ids=lambda role: role.name.lower())
def test_every_screen_of_a_person_is_reached_once_and_few_are_side_by_side(
    role: Role, also: Role
) -> None:
    person = of(role, also)
    menu = build_menu(person)
    tabs = [
        screen
        for entry in menu.entries
        for screen in (list_tabs(person, entry.group) if entry.group in PLACES else [entry])
    ]
    reached = [*tabs, *(screen for screens in menu.more.values() for screen in screens)]
    assert sorted(reached) == sorted(allowed_screens(person))
    assert len(menu.entries) + bool(menu.more) <= MOST_ENTRIES


def test_every_role_begins_on_a_screen_that_it_has_whatever_further_roles_a_person_has() -> None:
    actions = {screen.name: screen.action for screen in SCREENS}
    assert set(FIRST_SCREENS) == set(Role)
    for role, name in FIRST_SCREENS.items():
        assert actions[name] in ROLE_ACTIONS[role]
        assert first_screen(of(role, *Role)) == first_screen(of(role))


def test_every_screen_has_a_place_or_a_heading() -> None:
    assert {screen.group for screen in SCREENS} == {*PLACES, *MORE}
