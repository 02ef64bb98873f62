"""Printing forms that are in use, a unit's own sheets at a time."""

from __future__ import annotations

from pipeline.access import Action, require
from pipeline.errors import UsageError
from pipeline.model import Person
from pipeline.printing import issue, issued, print_sheets
from pipeline.settings import Settings
from pipeline.store.database import Store
from pipeline.store.issued import add_issued
from pipeline.template import Form

MOST_COPIES = 500


def print_copies(store: Store, settings: Settings, form: Form, person: Person, unit: str, copies: int) -> bytes:
    """Blank sheets of a form in use for a unit, each with a serial that is registered as issued.

    Raises:
        NotAllowedError: the person does not print for this unit.
        UsageError: that many cannot be printed.
        FormError: the form is printed elsewhere.
    """
    with store.noting_denials():
        require(person, Action.PRINT, unit)
    if not 1 <= copies <= MOST_COPIES:
        raise UsageError("copies_not_printed_once", copies=copies, most_copies=MOST_COPIES)
    sheets = issue(copies, unit)
    pdf = print_sheets(form, sheets, organisation=settings.care_provider)
    with store.begin() as conn:
        add_issued(conn, [issued(form, sheet) for sheet in sheets], by=person.login)
    return pdf
