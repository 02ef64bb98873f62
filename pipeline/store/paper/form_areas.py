"""The area of law of what a form is the paper of, and of a free note: the one that people have
confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, update

from pipeline.domain.form.form import INTERNAL_FORMS, Area, Form
from pipeline.domain.review.rules import Answer
from pipeline.store.schema import paper

FREE_NOTE_FORM = ("fri-anteckning", 1)
"""The form of a page that nobody's code identifies (okänd handling): a person keys what it says.
Class A until somebody has looked.
"""
AREA_FIELD = "omrade"
"""The field of the free note that says which area of law it belongs to."""
_AREA_BY_NAME: Mapping[object, str] = {area.value.casefold(): area.value for area in Area}


def form_area(form: Form | None) -> str | None:
    """The area of law that a form says; None where that of the unit holds: nobody knows the form,
    or every unit writes it, such as the free note.
    """
    return (
        None if form is None or form.id in {FREE_NOTE_FORM[0], *INTERNAL_FORMS} else form.area.value
    )


def confirmed_area(form: Form, answers: Mapping[str, Answer]) -> str | None:
    """The area of law of an entry with these answers: a free note says its own, and where it says
    none that there is, its unit's holds.
    """
    said = answers.get(AREA_FIELD) if form.id == FREE_NOTE_FORM[0] else None
    return _AREA_BY_NAME.get(said.value) if said is not None else form_area(form)


def set_free_note_area(conn: Connection, form_id: str, sheet: str, area: str | None) -> None:
    """Give the pages of a free note its area: whoever may not see what it says may not see its
    picture.
    """
    if form_id == FREE_NOTE_FORM[0]:
        conn.execute(update(paper.page).where(paper.page.c.sheet == sheet).values(area=area))
