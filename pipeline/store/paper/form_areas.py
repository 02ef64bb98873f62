"""The area of law of a form's paper, and of notes on which people tick what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sqlalchemy import Connection, update

from pipeline.domain.form.form import Form
from pipeline.domain.form.rules import load_form_rules
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT
from pipeline.store.schema import paper

FREE_NOTE_FORM = ("fri-anteckning", 1)
"""The form of a page without a known code (okänd handling): a person keys what it says.

It is class A until a person has looked at it.
"""
ATTACHMENT_FORM = ("bilaga", 1)
"""The form of an attachment that belongs to no other sheet; also printed as a cover of several."""


@cache
def choice_forms() -> frozenset[str]:
    """Return the program's forms of every area of law whose answers choose the entry's area.

    It is that of the unit until a person has confirmed what is ticked.
    """
    rules = load_form_rules(ROOT / "forms").items()
    return frozenset(form_id for form_id, each in rules if each.every_area and each.areas)


def form_area(form: Form | None) -> str | None:
    """Return the area of law of a form; None where that of the unit applies.

    That is the case for unknown forms and for forms that every unit uses, such as the free note.
    """
    return None if form is None or form.rules.every_area else form.area.value


def confirmed_area(form: Form, answers: Mapping[str, Answer]) -> str | None:
    """Return the area of law of an entry with these answers.

    A note of every area gives its own; if it gives no valid one, that of its unit applies.
    """
    answer = answers.get(form.rules.area_field) if form.rules.every_area else None
    return form.rules.areas.get(answer.value) if answer else form_area(form)


def record_area(form: Form, answers: Mapping[str, Answer], area: str) -> str:
    """Return the area of law that the record of an entry is of: LSS where the paper says so.

    LSS has a personal file of its own. Who may see the entry follows from its area alone, so that
    no entry leaves those who work with it.

    Args:
        form: the entry's form.
        answers: its answers by field.
        area: the entry's area.
    """
    answer = None if form.rules.every_area else answers.get(form.rules.area_field)
    return form.rules.areas.get(answer.value, area) if answer else area


def set_confirmed_area(conn: Connection, form_id: str, sheet: str, area: str | None) -> None:
    """Set the area of the pages of a note of every area.

    A person who may not see the note's text may not see its image either.
    """
    if form_id in choice_forms():
        conn.execute(update(paper.page).where(paper.page.c.sheet == sheet).values(area=area))
