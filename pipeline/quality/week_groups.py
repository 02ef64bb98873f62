"""The group way in the simulated week: a person looks over a grid of alike pieces and marks those that are seen to be odd."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from pipeline.field_spec import FieldSpec
from pipeline.model import Person
from pipeline.quality.week_people import Keyer, as_reading
from pipeline.review import Answer, agree
from pipeline.store import groups
from pipeline.store.entry_views import EntryView, FieldView
from pipeline.store.group_cells import Cell, Group, GroupDone
from pipeline.template import Forms
from pipeline.ways import is_routine

FIND_PIECE = 4
"""Keys for reaching an odd piece with the arrows and marking it."""

True_ = Callable[[str, FieldSpec], Answer]
"""What the paper with this serial says in a field."""


def work_group(conn: Connection, forms: Forms, person: Person, now: datetime, share: float, keyer: Keyer, true: True_) -> GroupDone | None:
    """Decide the next group, if there is one. `share` is that of planted values."""
    group = groups.next_group(conn, forms, person, now, share=share)
    if group is None:
        return None
    marked = [cell.id for cell in group.cells if _is_marked(group, cell, keyer, true)]
    keyer.saves()
    return groups.confirm_group(conn, forms, person, group.id, marked, now)


def stands_folded(view: EntryView, one: FieldView) -> bool:
    """Whether a field is read over on its sheet rather than passed with Tab."""
    return not view.second and not one.blind and one.draft is None and is_routine(view.form, one.spec, one.reading, view.problems)


def _is_marked(group: Group, cell: Cell, keyer: Keyer, true: True_) -> bool:
    right = agree(cell.spec, true(cell.page.serial or "", cell.spec), as_reading(group.answer))
    odd = keyer.chance.random() < keyer.slips.spoiled if right else keyer.chance.random() >= keyer.slips.unseen_grouped
    keyer.press(cell.spec, FIND_PIECE if odd else 0)
    return odd
