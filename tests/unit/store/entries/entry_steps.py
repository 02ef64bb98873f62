"""What the tests of entries do to an entry."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert

from pipeline.domain.model import EntryState, Person, Value
from pipeline.domain.record import Record
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement
from pipeline.review import decisions
from pipeline.store.entries import queue
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.exports import ready_entries, records
from pipeline.store.schema import exports
from tests.support.store.ward import (
    EVA,
    FORMS,
    NOW,
    PLAN,
    SAID,
    Ward,
    later,
)

ALL: Mapping[str, Value] = {**SAID, **PLAN}


WRONG_DAY = Answer("2026-02-18")


def get(ward: Ward, entry_id: str) -> Entry:
    """One entry."""
    with ward.store.read() as conn:
        return load_entry(conn, entry_id)


def claim(ward: Ward, who: object = EVA, minutes: float = 0) -> EntryView | None:
    """The next entry of a person."""
    with ward.store.begin() as conn:
        return queue.claim_next(conn, FORMS, who, queue.ClaimTerms(later(minutes)))  # type: ignore[arg-type]


def save(
    ward: Ward,
    entry_id: str,
    given: Mapping[str, Answer],
    who: Person = EVA,
    about: ClientStatement = NO_CLIENT_STATEMENT,
) -> EntryState:
    """Decide an entry as it is now."""
    revision = get(ward, entry_id).revision
    with ward.store.begin() as conn:
        return decisions.decide_entry(
            conn, FORMS, who, decisions.Decision(entry_id, revision, given, about), NOW
        )


def export(ward: Ward, *entry_ids: str) -> list[Record]:
    """Export entries as the exporter does; answers with their records."""
    with ward.store.begin() as conn:
        made = records.load_records(conn, FORMS, entry_ids)
        run = f"run {len(ward.batch)} {made[0].entry_id} {made[0].revision}"[:32]
        conn.execute(
            insert(exports.export_run).values(
                id=run,
                target="csv",
                file_name="f",
                file_sha256="0" * 64,
                made_at=NOW,
                made_by="eva",
            )
        )
        items = [
            {"run": run, "entry": r.entry_id, "revision": r.revision, "number": n}
            for n, r in enumerate(made)
        ]
        conn.execute(insert(exports.export_item), items)
        ready_entries.mark_exported(conn, entry_ids)
    return made


def by_name(view: EntryView) -> dict[str, FieldView]:
    """The fields of a view."""
    return {field.spec.name: field for field in view.fields}
