"""Which confirmed fields are typed again: drawn by lot when an entry is confirmed, the same however often it is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from pipeline import review
from pipeline.field_spec import FieldSpec
from pipeline.identity import is_temporary
from pipeline.lots import is_drawn
from pipeline.store.answers import decided
from pipeline.store.control_key import control_share, key_for_lots
from pipeline.store.control_tables import control
from pipeline.store.entries import Entry
from pipeline.store.entry_views import page_numbers
from pipeline.store.sheets import missing_among, sheet_pages
from pipeline.store.upsert import insert_new
from pipeline.template import Form


def is_controlled(spec: FieldSpec) -> bool:
    """Whether a field can be drawn at all.

    Not free text, in which two people never set the same commas, nor initials, of which the machine only says that they are there.
    """
    return spec.traits.can_be_rekeyed


def draw_controls(conn: Connection, form: Form, found: Entry, now: datetime) -> None:
    """Put the drawn fields of an entry on the list of what is typed again. A field that is there already stays as it is."""
    share = control_share(conn)
    if not share:
        return
    key, answers = key_for_lots(conn), decided(conn, found.id)
    fields = [spec.name for spec in review.asked(form, found.row) if is_controlled(spec) and spec.name in answers]
    fields = [name for name in fields if not is_temporary(str(answers[name].answer.value))]  # it stands on no paper
    numbers, missing = page_numbers(form), missing_among(sheet_pages(conn, found.sheet))  # nobody can type what has no picture
    drawn = [name for name in fields if numbers[name] not in missing and is_drawn(key, share, "control", found.id, name)]
    insert_new(conn, control, [{"entry": found.id, "field": name, "drawn_at": now, "passed": 0} for name in drawn])
