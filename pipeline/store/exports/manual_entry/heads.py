"""What decides on which list an entry is keyed in: its form, area of law and client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from pipeline.domain.form.form import Forms
from pipeline.store.exports.record_sources import load_answers
from pipeline.store.paper.form_areas import record_area
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.id_chunks import chunk_ids
from pipeline.store.schema.paper import entry


@dataclass(frozen=True, slots=True)
class EntryHead:
    """The form, the area of law and the client's number of an entry; the number may be empty.

    `urgency` is its level of triage and then its deadline, as the queue orders it.
    """

    form: str
    area: str
    pid: str
    urgency: tuple[int, str]


def load_heads(conn: Connection, forms: Forms, entry_ids: Sequence[str]) -> dict[str, EntryHead]:
    """Return the head of each of these entries."""
    heads: dict[str, EntryHead] = {}
    areas, table = areas_by_unit(conn), entry.c
    columns = (
        *(table.id, table.form, table.version, table.area, table.unit, table.client_pid),
        *(table.lane, table.due_on),
    )
    for part in chunk_ids(entry_ids):
        rows = conn.execute(select(*columns).where(table.id.in_(part))).all()
        # A screen asks for this at each drawing: the answers of other forms are not needed
        answers = load_answers(
            conn,
            [
                row.id
                for row in rows
                if (known := forms.get((row.form, row.version))) and known.rules.areas
            ],
            {},
        )
        for row in rows:
            form = forms.get((row.form, row.version))
            area = row.area or areas.get(row.unit) or (form.area.value if form else "")
            area = record_area(form, answers[row.id], area) if form else area
            urgency = (row.lane, row.due_on)
            heads[row.id] = EntryHead(row.form, area, row.client_pid or "", urgency)
    return heads
