"""The area of law of what a form is the paper of."""

from __future__ import annotations

from sqlalchemy import Connection, update

from pipeline.own_forms import STAYS
from pipeline.store import tables
from pipeline.template import Form, Forms

FREE_NOTE = ("fri-anteckning", 1)
"""The form of a page that nobody's code identifies (okänd handling): a person keys what it says. Class A until somebody has looked."""


def area_of_form(form: Form | None) -> str | None:
    """The area of law that a form says; None where that of the unit holds: nobody knows the form, or every unit writes it, such as the free note."""
    return None if form is None or form.id in {FREE_NOTE[0], *STAYS} else form.area.value


def note_areas(conn: Connection, forms: Forms) -> None:
    """Write down the areas of pages and entries that were made before areas were kept."""
    for (form_id, version), form in forms.items():
        for table in (tables.page, tables.entry):
            of_form = update(table).where(table.c.form == form_id, table.c.version == version, table.c.area.is_(None))
            conn.execute(of_form.values(area=area_of_form(form)))
