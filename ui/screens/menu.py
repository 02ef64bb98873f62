"""The screens of the menu, in its order. A new screen is a module with `show` and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from ui import screens
from ui.screens.review.in_place import opened_screen
from ui.workspace import AppContext


class MenuScreen(NamedTuple):
    """A screen of the menu."""

    name: str
    """Also its address and the prefix of its texts."""
    action: Action
    """The action whose permission it requires."""
    icon: str
    module: str
    """Below `ui.screens`; imported when the screen is first shown or when the server has started,
    so that the login page does not wait for it."""
    under: str = ""
    """The screen on which it is a tab for who has that one, instead of a line of the menu."""

    def show(self, context: AppContext, person: Person) -> None:
        """Show the screen to a user, or what is open in its place."""
        module = self.module
        if self.name == "review":
            module = IN_PLACE_OF_REVIEW.get(opened_screen(), module)
        import_module(f"{screens.__name__}.{module}").show(context, person)


SCREENS = (
    MenuScreen("scan", Action.SCAN, ":material/document_scanner:", "scan.screen"),
    MenuScreen("review", Action.REVIEW, ":material/fact_check:", "review.workbench.screen"),
    MenuScreen("signing", Action.SIGN, ":material/signature:", "signing.screen"),
    MenuScreen("follow_up", Action.FOLLOW_UP, ":material/assignment_return:", "follow_up.screen"),
    MenuScreen("own_work", Action.REVIEW, ":material/person_check:", "progress.my_work"),
    MenuScreen("progress", Action.PROGRESS, ":material/monitoring:", "progress.screen"),
    MenuScreen(
        "paper_days",
        Action.PROGRESS,
        ":material/calendar_month:",
        "progress.paper_days",
        "progress",
    ),
    MenuScreen("backlog", Action.BACKLOG, ":material/inventory:", "progress.backlog"),
    MenuScreen("quality", Action.QUALITY, ":material/verified:", "progress.quality", "progress"),
    MenuScreen("queue", Action.PULL, ":material/low_priority:", "progress.queue", "progress"),
    MenuScreen("export", Action.EXPORT, ":material/outbox:", "export.screen"),
    MenuScreen("routes", Action.ROUTES, ":material/alt_route:", "export.routes"),
    MenuScreen("key_in", Action.RECEIPT, ":material/keyboard:", "export.key_in.screen"),
    MenuScreen("payments", Action.APPROVE_PAYMENT, ":material/payments:", "export.payments"),
    MenuScreen("archive", Action.ARCHIVE, ":material/archive:", "export.archive"),
    MenuScreen("pack", Action.PACK, ":material/inventory_2:", "pack.screen"),
    MenuScreen("forms", Action.FORMS, ":material/description:", "forms.screen"),
    MenuScreen("accounts", Action.ACCOUNTS, ":material/manage_accounts:", "admin.accounts"),
    MenuScreen("office", Action.OFFICE, ":material/domain:", "admin.office"),
    MenuScreen("hsa_ids", Action.OFFICE, ":material/badge:", "admin.hsa_ids"),
    MenuScreen("log", Action.LOG, ":material/policy:", "admin.log"),
)
"""The screens in the order of the menu."""

IN_PLACE_OF_REVIEW = {
    "lookup": "lookup.screen",
    "attachments": "review.depth.attachments_screen",
    "split": "review.depth.split_screen",
}
"""The modules of what is opened in Granska, shown at its address until it is closed."""
