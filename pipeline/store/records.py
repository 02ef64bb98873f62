"""Confirmed entries as records for export: what they say, and the times and people of their whole way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, literal, or_, select, update

from pipeline import access
from pipeline.access import Action
from pipeline.errors import StoreError
from pipeline.field_spec import Meaning
from pipeline.model import Client, EntryState, Person, State, Value
from pipeline.record import Record, Stamp
from pipeline.review import Answer
from pipeline.store import export_tables, sight, tables
from pipeline.store.controls import has_open_difference
from pipeline.store.entries import UNDECIDED, Entry, entries
from pipeline.store.entry_views import form_of
from pipeline.store.exports import earlier
from pipeline.store.plants import has_open_plant
from pipeline.store.record_sources import Sources, said, sources_of
from pipeline.store.registers import units
from pipeline.swedish_time import today
from pipeline.template import Form, Forms
from pipeline.told_labels import told_labels

_entry = tables.entry
_MOST_IDS = 500
_READY = (
    _entry.c.id,
    _entry.c.state,
    _entry.c.unit,
    _entry.c.form,
    _entry.c.version,
    _entry.c.area,
    _entry.c.client_pid,
    _entry.c.event_on,
    _entry.c.voided,
)


def ready(conn: Connection, forms: Forms, person: Person, *, unit: str | None = None, form: str | None = None, lock: bool = False) -> list[str]:
    """Ids of the entries that the person may see and that wait to be exported, of one unit or of all of the person's.

    Signed ones are, and confirmed ones that need no signature.

    Not those in which a control found another value, as long as no third person has looked.

    Args:
        lock: keep them from being changed until the transaction ends.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    access.require(person, Action.EXPORT, unit)
    # Nobody looks at a void entry for a third time, so a difference must not keep it from being nullified.
    held = or_(has_open_plant(_entry.c.id), has_open_difference(_entry.c.id) & _entry.c.voided.is_(None))
    found: list[Row[Any]] = []
    for state in (tables.IS_READY, tables.IS_SIGNED):
        query = select(*_READY).where(state, sight.visible_entries(conn, person), ~held).order_by(_entry.c.id)
        if unit is not None:
            query = query.where(_entry.c.unit == unit)
        if form is not None:
            query = query.where(_entry.c.form == form)
        found += conn.execute(query.with_for_update() if lock else query)
    asks = needs_signature(conn, forms)
    going = [row for row in found if row.state == EntryState.SIGNED or row.voided is not None or not asks(row.form, row.version, row.unit, row.area)]
    return [row.id for row in sorted(going, key=lambda row: (row.unit, row.client_pid or "", row.event_on or "", row.id))]


def needs_signature(conn: Connection, forms: Forms) -> Callable[[str, int, str, str | None], bool]:
    """Tells of an entry's form, version, unit and area whether it has to be signed, by the rule that holds today."""
    areas, rule = units(conn), forms.signing_rule(today())

    @cache
    def asks(form_id: str, version: int, unit: str, area: str | None) -> bool:
        form = forms.get((form_id, version))
        return rule is not None and form is not None and rule.asks(form, area or areas.get(unit, ""))

    return asks


def records(conn: Connection, forms: Forms, entry_ids: Sequence[str], as_of: Mapping[str, int] | None = None) -> list[Record]:
    """The records of these entries, in their order; of those in `as_of` with what had been answered up to that revision.

    Raises:
        FormError: the form of one of them is not there any longer.
        StoreError: one of them is not decided, or holds a planted value.
    """
    found = {record.entry_id: record for part in _parts(entry_ids) for record in _records(conn, forms, part, as_of or {})}
    return [found[entry_id] for entry_id in entry_ids if entry_id in found]


def mark_exported(conn: Connection, entry_ids: Sequence[str]) -> None:
    """Note that these confirmed entries are in a file."""
    for part in _parts(entry_ids):
        confirmed = update(_entry).where(_entry.c.id.in_(part), _entry.c.state.in_([EntryState.CONFIRMED.value, EntryState.SIGNED.value]))
        conn.execute(confirmed.values(state=EntryState.EXPORTED.value))


def mark_accepted(conn: Connection, given: Sequence[tuple[str, int]]) -> None:
    """Note that the target has these entries, each (entry id, revision of its record, as in `export_item`).

    Nothing happens to one whose revision is not the latest, or that has moved on.
    """
    accepted = update(_entry).where(_exported_as(bindparam("accepted"), bindparam("record"))).values(state=EntryState.RECEIPTED.value)
    if given:
        conn.execute(accepted, [{"accepted": entry_id, "record": revision} for entry_id, revision in given])


def mark_refused(conn: Connection, entry_id: str, revision: int) -> None:
    """Note that the target has refused an entry: it goes back to review, with what the target said as its reason. Otherwise as `mark_accepted`.

    Nothing of a void one is reviewed: it waits to be sent again, or is put aside as soon as no system has anything of it.
    """
    exported = update(_entry).where(_exported_as(literal(entry_id), literal(revision)))
    told = select(export_tables.receipt.c.text).where(export_tables.receipt.c.entry == entry_id, export_tables.receipt.c.revision == revision)
    reason = conn.execute(told).scalar_one_or_none() or ""
    moved = {"reason": reason, "revision": _entry.c.revision + 1}
    conn.execute(exported.where(_entry.c.voided.is_(None)).values({**UNDECIDED, **moved}))
    if earlier(conn, [entry_id]):
        conn.execute(exported.where(_entry.c.voided.is_not(None)).values({**moved, "state": EntryState.CONFIRMED.value}))
    else:
        void = update(_entry).where(_entry.c.id == entry_id, _entry.c.voided.is_not(None), _entry.c.state != EntryState.REJECTED.value)
        conn.execute(void.values({**moved, "state": EntryState.REJECTED.value}))


def _exported_as(entry_id: ColumnElement[str], revision: ColumnElement[int]) -> ColumnElement[bool]:
    latest = select(func.max(export_tables.export_item.c.revision)).where(export_tables.export_item.c.entry == entry_id).scalar_subquery()
    return and_(_entry.c.id == entry_id, _entry.c.state == EntryState.EXPORTED.value, latest == revision)


def _records(conn: Connection, forms: Forms, entry_ids: Sequence[str], as_of: Mapping[str, int]) -> list[Record]:
    found = entries(conn, select(_entry).where(_entry.c.id.in_(entry_ids)))
    _refuse_planted(conn, entry_ids)
    forms_of = {one.id: form_of(forms, one) for one in found}
    sources = sources_of(conn, found, forms_of, as_of)
    return [_record(forms_of[one.id], one, sources) for one in found]


def _refuse_planted(conn: Connection, entry_ids: Sequence[str]) -> None:
    """Nothing of an entry that somebody has a planted value of on the screen leaves the store, whoever asks."""
    planted = conn.execute(select(_entry.c.id).where(_entry.c.id.in_(entry_ids), has_open_plant(_entry.c.id)).limit(1)).scalar_one_or_none()
    if planted is not None:
        raise StoreError("entry_being_controlled", planted=planted)


def _record(form: Form, found: Entry, sources: Sources) -> Record:
    answers, page = sources.answers[found.id], sources.pages[found.page]
    specs = [spec for spec in form.entry_fields(found.row) if spec.name in answers]
    labels = told_labels(form, found.row)
    event_at, event_clock = _moment(form, found, answers, Meaning.EVENT_DATE, Meaning.EVENT_TIME)
    written_at, written_clock = _moment(form, found, answers, Meaning.WRITTEN_DATE, Meaning.WRITTEN_TIME)
    unknown = [name for name, known in (("event_at", event_clock), ("written_at", written_clock)) if not known]
    return Record(
        entry_id=found.id,
        revision=sources.exports.get(found.id, 0) + 1,
        form=form.id,
        version=form.version,
        title=form.title,
        area=found.area or sources.areas.get(found.unit, form.area.value),
        unit=found.unit,
        client=_client(form, found, sources),
        fields={spec.column: answers[spec.name].value for spec in specs},
        labels={spec.column: labels[spec.name] for spec in specs},
        event_at=event_at,
        written_at=written_at,
        author=_author(form, found, answers),
        author_title=_text(said(form, found, answers, Meaning.AUTHOR_TITLE)),
        serial=found.serial or "",
        row=found.row,
        place=" · ".join(filter(None, (page.place, sources.bundles.get(found.page, "")))),
        scanned=Stamp(page.scanned_at, sources.names.get(page.scanned_by, page.scanned_by)),
        read_at=page.read_at,
        reader_version=page.reader_version,
        entered=_entered(found, sources.names),
        verified=_stamp(found.second_at, found.second_by, sources.names),
        signed=_stamp(found.signed_at, found.signed_by, sources.names),
        signed_why=found.signed_why or "",
        voided=found.voided,
        illegible=frozenset(spec.column for spec in specs if answers[spec.name].state is State.ILLEGIBLE),
        clock_unknown=frozenset(unknown),
        approved=tuple(sources.approvals.get(found.id, ())),
        pages=sources.pictures.get(found.sheet, ()),
    )


def _client(form: Form, found: Entry, sources: Sources) -> Client:
    """The client as the register has it; one outside it, or one of another unit whose identity is protected, with the name that the paper gives."""
    answers = sources.answers[found.id]
    pid = _text(said(form, found, answers, Meaning.CLIENT_PID)) or found.client_pid or ""
    name = _text(said(form, found, answers, Meaning.CLIENT_NAME))
    known = sources.clients.get(pid)
    if known is not None and known.protected and known.unit != found.unit:
        return Client(pid, name, found.unit, protected=True)
    return known or Client(pid, name, found.unit)


def _author(form: Form, found: Entry, answers: Mapping[str, Answer]) -> str:
    """Who wrote: the name, or initials where the row has no name."""
    return _text(said(form, found, answers, Meaning.AUTHOR_NAME)) or _text(said(form, found, answers, Meaning.AUTHOR_SIGNATURE))


def _moment(form: Form, found: Entry, answers: Mapping[str, Answer], day: Meaning, clock: Meaning) -> tuple[datetime | None, bool]:
    """A moment as on the paper, local Swedish time without zone, and whether its time of day is known."""
    on, at = said(form, found, answers, day), said(form, found, answers, clock)
    if not isinstance(on, str):
        return None, True
    start = datetime.combine(date.fromisoformat(on), time())
    if not isinstance(at, str):
        return start, False
    hour, minute = map(int, at.split(":"))
    return start + timedelta(hours=hour, minutes=minute), True  # 24:00 is the first moment of the next day


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _stamp(at: datetime | None, by: str | None, names: Mapping[str, str]) -> Stamp | None:
    return Stamp(at, names.get(by, by)) if at and by else None


def _entered(found: Entry, names: Mapping[str, str]) -> Stamp:
    stamp = _stamp(found.first_at, found.first_by, names)
    if stamp is None:
        raise StoreError("entry_not_decided_anybody", value=found.id)
    return stamp


def _parts(entry_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (entry_ids[start : start + _MOST_IDS] for start in range(0, len(entry_ids), _MOST_IDS))
