"""The screens of the menu, in its order. A new screen is a module with `show` and a line here."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.domain.model import Person
from pipeline.domain.permissions import Action
from ui.screens import signing
from ui.screens.admin import accounts, log
from ui.screens.export import archive, manual_entry, payments
from ui.screens.export import screen as export_screen
from ui.screens.follow_up import screen as follow_up_screen
from ui.screens.forms import screen as forms_screen
from ui.screens.pack import screen as pack_screen
from ui.screens.progress import backlog, my_work, paper_days, quality, queue
from ui.screens.progress import screen as progress_screen
from ui.screens.review import screen as review_screen
from ui.screens.scan import screen as scan_screen
from ui.workspace import AppContext

Screen = Callable[[AppContext, Person], None]
"""Shows a screen to a user."""
SCREENS: tuple[tuple[str, Action, str, Screen], ...] = (
    ("scan", Action.SCAN, ":material/document_scanner:", scan_screen.show),
    ("review", Action.REVIEW, ":material/fact_check:", review_screen.show),
    ("signing", Action.SIGN, ":material/signature:", signing.show),
    ("follow_up", Action.FOLLOW_UP, ":material/assignment_return:", follow_up_screen.show),
    ("own_work", Action.REVIEW, ":material/person_check:", my_work.show),
    ("progress", Action.PROGRESS, ":material/monitoring:", progress_screen.show),
    ("paper_days", Action.PROGRESS, ":material/calendar_month:", paper_days.show),
    ("backlog", Action.BACKLOG, ":material/inventory:", backlog.show),
    ("quality", Action.QUALITY, ":material/verified:", quality.show),
    ("queue", Action.PULL, ":material/low_priority:", queue.show),
    ("export", Action.EXPORT, ":material/outbox:", export_screen.show),
    ("key_in", Action.RECEIPT, ":material/keyboard:", manual_entry.show),
    ("payments", Action.APPROVE_PAYMENT, ":material/payments:", payments.show),
    ("archive", Action.ARCHIVE, ":material/archive:", archive.show),
    ("pack", Action.PACK, ":material/inventory_2:", pack_screen.show),
    ("forms", Action.FORMS, ":material/description:", forms_screen.show),
    ("accounts", Action.ACCOUNTS, ":material/manage_accounts:", accounts.show),
    ("log", Action.LOG, ":material/policy:", log.show),
)
"""Name (also of its address and texts), the action that it requires, icon, and function."""
