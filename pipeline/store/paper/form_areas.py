"""The area of law of a form's paper, and of a free note: the one that people have confirmed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, update

from pipeline.domain.form.form import INTERNAL_FORMS, Area, Form
from pipeline.domain.review.rules import Answer
from pipeline.store.schema import paper

FREE_NOTE_FORM = ("fri-anteckning", 1)
"""The form of a page without a known code (okänd handling): a person keys what it says.

It is class A until a person has looked at it.
"""
ATTACHMENT_FORM = ("bilaga", 1)
"""The form of an attachment that belongs to no other sheet; also printed as a cover of several."""
_UNIT_FORMS = frozenset({FREE_NOTE_FORM[0], ATTACHMENT_FORM[0], *INTERNAL_FORMS})
"""Forms that every unit uses, whatever its area of law."""
AREA_FIELD = "omrade"
"""The field of the free note that says which area of law it belongs to."""
_AREA_BY_NAME: Mapping[object, str] = {area.value.casefold(): area.value for area in Area}


def form_area(form: Form | None) -> str | None:
    """Return the area of law of a form; None where that of the unit applies.

    That is the case for unknown forms and for forms that every unit uses, such as the free note.
    """
    return None if form is None or form.id in _UNIT_FORMS else form.area.value


def confirmed_area(form: Form, answers: Mapping[str, Answer]) -> str | None:
    """Return the area of law of an entry with these answers.

    A free note gives its own area; if it gives no valid one, that of its unit applies.
    """
    area_answer = answers.get(AREA_FIELD) if form.id == FREE_NOTE_FORM[0] else None
    return _AREA_BY_NAME.get(area_answer.value) if area_answer is not None else form_area(form)


def set_free_note_area(conn: Connection, form_id: str, sheet: str, area: str | None) -> None:
    """Set the area of a free note's pages.

    A person who may not see the note's text may not see its image either.
    """
    if form_id == FREE_NOTE_FORM[0]:
        conn.execute(update(paper.page).where(paper.page.c.sheet == sheet).values(area=area))
