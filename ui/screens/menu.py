"""The screens of the menu, in its order. A new screen is a module with `show` and a line here.

The menu is a person's day: four places, each a screen or a few as tabs, and the rest under "Mer".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person, Role
from ui import screens
from ui.screens.review.in_place import open_in_place, opened_screen
from ui.widgets.heading import SEARCH_KEY
from ui.workspace import AppContext


class MenuScreen(NamedTuple):
    """A screen of the menu.

    Attributes:
        name: Also its address and the prefix of its texts.
        action: The action whose permission it requires.
        module: Below `ui.screens`; imported when the screen is first shown or when the server has
            started, so that the login page does not wait for it.
        group: The place of which it is a tab (`PLACES`), or the heading under "Mer" (`MORE`).
    """

    name: str
    action: Action
    icon: str
    module: str
    group: str

    @property
    def entry(self) -> str:
        """The name of its entry in the menu: its place, or its own."""
        return self.group if self.group in PLACES else self.name

    @property
    def entry_title(self) -> str:
        """The key of the text of its entry in the menu."""
        return "send.title" if self.group == "send" else f"{self.entry}.title"

    def show(self, context: AppContext, person: Person) -> None:
        """Show the screen to a user, or what is open in its place."""
        module = self.module
        if self.name == "review":
            if st.session_state.pop(SEARCH_KEY, False):
                open_in_place("lookup")
            module = IN_PLACE_OF_REVIEW.get(opened_screen(), module)
        import_module(f"{screens.__name__}.{module}").show(context, person)


PLACES = {
    "scan": ":material/document_scanner:",
    "review": ":material/fact_check:",
    "progress": ":material/monitoring:",
    "send": ":material/outbox:",
}
"""The places in the order of a day, with their icons; each leads to the first of its screens."""
MORE = ("after", "before", "settings")
"""The headings under "Mer"."""
MOST_ENTRIES = 5
"""So many entries are side by side at 200 %: with more of them the rest is under "Mer"."""

SCREENS = (
    MenuScreen("scan", Action.SCAN, PLACES["scan"], "scan.screen", "scan"),
    MenuScreen("review", Action.REVIEW, PLACES["review"], "review.workbench.screen", "review"),
    MenuScreen("progress", Action.PROGRESS, PLACES["progress"], "progress.screen", "progress"),
    MenuScreen(
        "paper_days",
        Action.PROGRESS,
        ":material/calendar_month:",
        "progress.paper_days",
        "progress",
    ),
    MenuScreen("backlog", Action.BACKLOG, ":material/inventory:", "progress.backlog", "progress"),
    MenuScreen("quality", Action.QUALITY, ":material/verified:", "progress.quality", "progress"),
    MenuScreen("queue", Action.PULL, ":material/low_priority:", "progress.queue", "progress"),
    MenuScreen(
        "own_work", Action.REVIEW, ":material/person_check:", "progress.my_work", "progress"
    ),
    MenuScreen("signing", Action.SIGN, ":material/signature:", "signing.screen", "send"),
    MenuScreen("key_in", Action.RECEIPT, ":material/keyboard:", "export.key_in.screen", "send"),
    MenuScreen("export", Action.EXPORT, ":material/file_export:", "export.screen", "send"),
    MenuScreen(
        "payments", Action.APPROVE_PAYMENT, ":material/payments:", "export.payments", "send"
    ),
    MenuScreen("archive", Action.ARCHIVE, ":material/archive:", "export.archive", "send"),
    MenuScreen(
        "follow_up", Action.FOLLOW_UP, ":material/assignment_return:", "follow_up.screen", "after"
    ),
    MenuScreen("pack", Action.PACK, ":material/inventory_2:", "pack.screen", "before"),
    MenuScreen("forms", Action.FORMS, ":material/description:", "forms.screen", "before"),
    MenuScreen(
        "accounts", Action.ACCOUNTS, ":material/manage_accounts:", "admin.accounts", "settings"
    ),
    MenuScreen("office", Action.OFFICE, ":material/domain:", "admin.office", "settings"),
    MenuScreen("hsa_ids", Action.OFFICE, ":material/badge:", "admin.hsa_ids", "settings"),
    MenuScreen("routes", Action.ROUTES, ":material/alt_route:", "export.routes", "settings"),
    MenuScreen("log", Action.LOG, ":material/policy:", "admin.log", "settings"),
)
"""The screens in the order of the menu."""

FIRST_SCREENS: Mapping[Role, str] = {
    Role.ADMINISTRATOR: "scan",
    Role.REVIEWER: "review",
    Role.MANAGER: "progress",
    Role.REGISTRAR: "scan",
    Role.SYSTEM_ADMINISTRATOR: "accounts",
    Role.LOG_REVIEWER: "log",
    Role.TYPIST: "review",
}
"""The screen on which the day of a role begins."""

IN_PLACE_OF_REVIEW = {
    "lookup": "lookup.screen",
}
"""The modules of what is opened in Granska, shown at its address until it is closed."""


class Menu(NamedTuple):
    """What a person has in the menu: entries side by side, and by heading what is under "Mer".

    An entry is the first screen of a place, or a screen of those who have few.
    """

    entries: Sequence[MenuScreen]
    more: Mapping[str, Sequence[MenuScreen]]


def allowed_screens(person: Person) -> list[MenuScreen]:
    """Return the screens that a person may open, in the order of the menu."""
    return [screen for screen in SCREENS if is_allowed(person, screen.action)]


def list_tabs(person: Person, group: str) -> list[MenuScreen]:
    """Return the screens of a place or of a heading that a person may open."""
    return [screen for screen in allowed_screens(person) if screen.group == group]


def build_menu(person: Person) -> Menu:
    """Return the menu of a person."""
    entries = [tabs[0] for place in PLACES if (tabs := list_tabs(person, place))]
    more = {heading: tabs for heading in MORE if (tabs := list_tabs(person, heading))}
    rest = [screen for tabs in more.values() for screen in tabs]
    if len(entries) + len(rest) > MOST_ENTRIES:
        return Menu(entries, more)
    return Menu([*entries, *rest], {})


def first_screen(person: Person) -> MenuScreen:
    """Return where a person's day begins, by the first of the roles."""
    return next(screen for screen in SCREENS if screen.name == FIRST_SCREENS[person.roles[0]])
