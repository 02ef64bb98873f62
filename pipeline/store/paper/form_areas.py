"""The area of law of a form's paper, and of notes on which people tick what they are about."""

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
_CHOICES: Mapping[str, tuple[str, Mapping[object, str]]] = {
    FREE_NOTE_FORM[0]: ("omrade", {area.value.casefold(): area.value for area in Area}),
    "telefonanteckning": (
        "rort",
        {
            "hemsjukvard": Area.HSL.value,
            "hemtjanst": Area.SOL.value,
            "lss": Area.LSS.value,
            "ifo": Area.IFO.value,
        },
    ),
}
"""Forms of every area of law: the choice that says which one a note belongs to, by its option."""
_LSS_ANSWERS: Mapping[str, tuple[str, frozenset[object]]] = {
    "social-anteckning": ("lss", frozenset({True})),
    "avvikelse-sol": ("lss", frozenset({True})),
    "ansokan-bistand": ("lagrum", frozenset({"lss"})),
    "bistandsbeslut": ("lagrum", frozenset(f"lss_{number}" for number in range(1, 11))),
    "arende-arbetsutskott": ("omrade", frozenset({"lss"})),
}
"""Forms of the Social Services Act that are of LSS where they say so: the field and its answers."""
LSS_FORMS = frozenset(_LSS_ANSWERS)
"""The forms whose answers `record_area` looks at."""
CHOICE_FORMS = frozenset(_CHOICES)
"""Forms whose area of law is that of their unit until a person has confirmed what is ticked."""
_UNIT_FORMS = frozenset({*CHOICE_FORMS, ATTACHMENT_FORM[0], *INTERNAL_FORMS})
"""Forms that every unit uses, whatever its area of law."""


def form_area(form: Form | None) -> str | None:
    """Return the area of law of a form; None where that of the unit applies.

    That is the case for unknown forms and for forms that every unit uses, such as the free note.
    """
    return None if form is None or form.id in _UNIT_FORMS else form.area.value


def confirmed_area(form: Form, answers: Mapping[str, Answer]) -> str | None:
    """Return the area of law of an entry with these answers.

    A note of every area gives its own; if it gives no valid one, that of its unit applies.
    """
    field, areas = _CHOICES.get(form.id, ("", {}))
    answer = answers.get(field)
    return areas.get(answer.value) if answer is not None else form_area(form)


def record_area(form_id: str, answers: Mapping[str, Answer], area: str) -> str:
    """Return the area of law that the record of an entry is of: LSS where the paper says so.

    LSS has a personal file of its own. Who may see the entry follows from its area alone, so that
    no entry leaves those who work with it.

    Args:
        form_id: the entry's form.
        answers: its answers by field.
        area: the entry's area.
    """
    field, lss = _LSS_ANSWERS.get(form_id, ("", frozenset[object]()))
    answer = answers.get(field)
    return Area.LSS.value if answer is not None and answer.value in lss else area


def set_confirmed_area(conn: Connection, form_id: str, sheet: str, area: str | None) -> None:
    """Set the area of the pages of a note of every area.

    A person who may not see the note's text may not see its image either.
    """
    if form_id in CHOICE_FORMS:
        conn.execute(update(paper.page).where(paper.page.c.sheet == sheet).values(area=area))
