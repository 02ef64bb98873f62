"""The screens of the menu, in its order. A new screen is a module with `show` and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pipeline.domain.model import Person
from pipeline.domain.permissions import Action
from ui.screens.admin import accounts, hsa_ids, log, office
from ui.screens.export import archive, payments, routes
from ui.screens.export import screen as export_screen
from ui.screens.export.key_in import screen as key_in_screen
from ui.screens.follow_up import screen as follow_up_screen
from ui.screens.forms import screen as forms_screen
from ui.screens.pack import screen as pack_screen
from ui.screens.progress import backlog, my_work, paper_days, quality, queue
from ui.screens.progress import screen as progress_screen
from ui.screens.review import screen as review_screen
from ui.screens.scan import screen as scan_screen
from ui.screens.signing import screen as signing_screen
from ui.workspace import AppContext

Screen = Callable[[AppContext, Person], None]
"""Shows a screen to a user."""


class MenuScreen(NamedTuple):
    """A screen of the menu."""

    name: str
    """Also its address and the prefix of its texts."""
    action: Action
    """The action whose permission it requires."""
    icon: str
    show: Screen
    under: str = ""
    """The screen on which it is a tab for who has that one, instead of a line of the menu."""


SCREENS = (
    MenuScreen("scan", Action.SCAN, ":material/document_scanner:", scan_screen.show),
    MenuScreen("review", Action.REVIEW, ":material/fact_check:", review_screen.show),
    MenuScreen("signing", Action.SIGN, ":material/signature:", signing_screen.show),
    MenuScreen(
        "follow_up", Action.FOLLOW_UP, ":material/assignment_return:", follow_up_screen.show
    ),
    MenuScreen("own_work", Action.REVIEW, ":material/person_check:", my_work.show),
    MenuScreen("progress", Action.PROGRESS, ":material/monitoring:", progress_screen.show),
    MenuScreen(
        "paper_days", Action.PROGRESS, ":material/calendar_month:", paper_days.show, "progress"
    ),
    MenuScreen("backlog", Action.BACKLOG, ":material/inventory:", backlog.show),
    MenuScreen("quality", Action.QUALITY, ":material/verified:", quality.show, "progress"),
    MenuScreen("queue", Action.PULL, ":material/low_priority:", queue.show, "progress"),
    MenuScreen("export", Action.EXPORT, ":material/outbox:", export_screen.show),
    MenuScreen("routes", Action.ROUTES, ":material/alt_route:", routes.show),
    MenuScreen("key_in", Action.RECEIPT, ":material/keyboard:", key_in_screen.show),
    MenuScreen("payments", Action.APPROVE_PAYMENT, ":material/payments:", payments.show),
    MenuScreen("archive", Action.ARCHIVE, ":material/archive:", archive.show),
    MenuScreen("pack", Action.PACK, ":material/inventory_2:", pack_screen.show),
    MenuScreen("forms", Action.FORMS, ":material/description:", forms_screen.show),
    MenuScreen("accounts", Action.ACCOUNTS, ":material/manage_accounts:", accounts.show),
    MenuScreen("office", Action.OFFICE, ":material/domain:", office.show),
    MenuScreen("hsa_ids", Action.OFFICE, ":material/badge:", hsa_ids.show),
    MenuScreen("log", Action.LOG, ":material/policy:", log.show),
)
"""The screens in the order of the menu."""
