"""How many confirmed entries wait for a signature, by the rule that also keeps them from export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sqlalchemy import Connection, func, select

from pipeline.domain.form.form import Forms
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.schema import paper


def count_unsigned_by_reviewer(
    conn: Connection, forms: Forms, units: Collection[str]
) -> Counter[tuple[str, str | None]]:
    """Count by unit and login of the first reviewer the entries that have to be signed and are not.

    A void entry is never signed, and many forms need no signature once they are confirmed.
    """
    entry = paper.entry.c
    # What the rule asks for, so that it is asked once a group and not once an entry.
    keys = (entry.unit, entry.first_by, entry.form, entry.version, entry.area)
    query = (
        select(*keys, func.count().label("entries"))
        .where(paper.IS_READY, entry.voided.is_(None), entry.unit.in_(sorted(units)))
        .group_by(*keys)
    )
    needs_signature = signature_rule(conn, forms)
    counts = Counter[tuple[str, str | None]]()
    for row in conn.execute(query):
        if needs_signature(row.form, row.version, row.unit, row.area):
            counts[row.unit, row.first_by] += row.entries
    return counts
