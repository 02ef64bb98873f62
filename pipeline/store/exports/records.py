"""Confirmed entries as records for export: what they say, and the times and people of their whole
way.

The pictures of a sheet of paper, for exports that carry what was written by hand.

What the records of some entries are put together from: each kind of it is asked for once,
whatever their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)

from pipeline.domain import permissions
from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import StoreError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Client, EntryState, Person, State, Value
from pipeline.domain.permissions import Action
from pipeline.domain.record import Record, Stamp
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import UNDECIDED_VALUES, Entry, select_entries
from pipeline.store.entries.entry_view import entry_form
from pipeline.store.exports import run_items
from pipeline.store.exports.payment_approvals import list_approvals
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.paper.bundles import describe_bundle_places
from pipeline.store.quality.rekeying import has_open_difference
from pipeline.store.quality.seeded_errors import has_open_seeded_error
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema import exports as schema_exports
from pipeline.store.schema import paper
from pipeline.store.schema.paper import page as _page

_entry_table = paper.entry
_MAX_IDS = 500
_READY_COLUMNS = (
    _entry_table.c.id,
    _entry_table.c.state,
    _entry_table.c.unit,
    _entry_table.c.form,
    _entry_table.c.version,
    _entry_table.c.area,
    _entry_table.c.client_pid,
    _entry_table.c.event_on,
    _entry_table.c.voided,
)


def sheet_image_names(conn: Connection, sheets: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By sheet, its sides in their order, as names in the image folder: laid on the form, or as
    scanned where the form is not known.
    """
    found: dict[str, list[str]] = defaultdict(list)
    picture = func.coalesce(_page.c.upright_sha256, _page.c.image_sha256)
    query = select(_page.c.sheet, picture.label("picture")).where(
        _page.c.sheet.in_(sorted(sheets)), picture.is_not(None)
    )
    for row in conn.execute(query.order_by(_page.c.page_no, _page.c.id)):
        found[row.sheet].append(row.picture)
    return {sheet: tuple(pictures) for sheet, pictures in found.items()}


@dataclass(frozen=True, slots=True)
class RecordSources:
    """By entry: answers, how often it was exported, approvals. By page: the page, the place of its
    bundle. By sheet: its pictures. Clients by number, names of staff by login, areas of law by
    unit.
    """

    answers: Mapping[str, Mapping[str, Answer]]
    pages: Mapping[str, Row[Any]]
    pictures: Mapping[str, tuple[str, ...]]
    clients: Mapping[str, Client]
    names: Mapping[str, str]
    exports: Mapping[str, int]
    areas: Mapping[str, str]
    approvals: Mapping[str, Sequence[Stamp]]
    bundles: Mapping[str, str]


def load_record_sources(
    conn: Connection,
    entries: Sequence[Entry],
    forms_of: Mapping[str, Form],
    revisions: Mapping[str, int],
) -> RecordSources:
    """The sources of these entries; `forms_of` names the form of each by the entry's id, `as_of`
    the revision whose answers are meant.

    One that is void says what its target had when it was made void, so that it is found there.
    """
    entry_ids = [one.id for one in entries]
    void = {
        one.id: run_items.last_export_before_void(conn, one.id)
        for one in entries
        if one.voided is not None
    }
    answers = _load_answers(
        conn,
        entry_ids,
        {entry_id: run.entry_revision for entry_id, run in void.items() if run} | dict(revisions),
    )
    pids = {
        str(
            meaning_value(forms_of[one.id], one, answers[one.id], Meaning.CLIENT_PID)
            or one.client_pid
            or ""
        )
        for one in entries
    }
    return RecordSources(
        answers,
        pages=_load_pages(conn, entries),
        pictures=sheet_image_names(conn, {one.sheet for one in entries}),
        clients=_load_clients(conn, pids),
        names=_load_names(conn),
        exports=_load_export_counts(conn, entry_ids),
        areas=areas_by_unit(conn),
        approvals=list_approvals(conn, entry_ids),
        bundles=describe_bundle_places(conn, {one.page for one in entries}),
    )


def meaning_value(
    form: Form, entry: Entry, answers: Mapping[str, Answer], meaning: Meaning
) -> Value:
    """What an entry says in the field that means this; None where the form has none or nothing was
    answered.
    """
    spec = form.meaning(meaning, entry.row)
    return answers[spec.name].value if spec and spec.name in answers else None


def _load_answers(
    conn: Connection, entry_ids: Sequence[str], until: Mapping[str, int]
) -> dict[str, dict[str, Answer]]:
    found: dict[str, dict[str, Answer]] = defaultdict(dict)
    table = paper.decision.c
    query = (
        select(table.entry, table.field, table.value, table.state, table.revision)
        .where(table.entry.in_(entry_ids))
        .order_by(table.id)
    )
    for row in conn.execute(query):
        if row.entry not in until or row.revision <= until[row.entry]:
            found[row.entry][row.field] = Answer(row.value, State(row.state))
    return found


def _load_pages(conn: Connection, entries: Sequence[Entry]) -> dict[str, Row[Any]]:
    page, batch = paper.page.c, paper.batch.c
    query: Select[Any] = select(
        page.id, page.scanned_at, page.scanned_by, page.read_at, page.reader_version, batch.place
    )
    wanted: ColumnElement[bool] = page.id.in_({one.page for one in entries})
    return {
        row.id: row
        for row in conn.execute(query.select_from(paper.page.join(paper.batch)).where(wanted))
    }


def _load_clients(conn: Connection, pids: Iterable[str]) -> dict[str, Client]:
    table = paper.client.c
    query = select(table.pid, table.name, table.unit, table.protected).where(
        table.pid.in_(list(pids))
    )
    return {row["pid"]: Client(**row) for row in conn.execute(query).mappings()}


def _load_names(conn: Connection) -> dict[str, str]:
    return {
        row.login: row.name for row in conn.execute(select(paper.staff.c.login, paper.staff.c.name))
    }


def _load_export_counts(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    item = schema_exports.export_item.c
    query = select(item.entry, func.count()).where(item.entry.in_(entry_ids)).group_by(item.entry)
    return {row[0]: row[1] for row in conn.execute(query)}


def list_ready_entries(
    conn: Connection,
    forms: Forms,
    person: Person,
    *,
    unit: str | None = None,
    form: str | None = None,
    lock: bool = False,
) -> list[str]:
    """Ids of the entries that the person may see and that wait to be exported, of one unit or of
    all of the person's.

    Signed ones are, and confirmed ones that need no signature.

    Not those in which a control found another value, as long as no third person has looked.

    Args:
        lock: keep them from being changed until the transaction ends.

    Raises:
        NotAllowedError: the person may not export, or not from this unit.
    """
    permissions.require_permission(person, Action.EXPORT, unit)
    # Nobody looks at a void entry for a third time, so a difference must not keep it from being
    # nullified.
    held = or_(
        has_open_seeded_error(_entry_table.c.id),
        has_open_difference(_entry_table.c.id) & _entry_table.c.voided.is_(None),
    )
    found: list[Row[Any]] = []
    for state in (paper.IS_READY, paper.IS_SIGNED):
        query = (
            select(*_READY_COLUMNS)
            .where(state, visibility.visible_entries_condition(conn, person), ~held)
            .order_by(_entry_table.c.id)
        )
        if unit is not None:
            query = query.where(_entry_table.c.unit == unit)
        if form is not None:
            query = query.where(_entry_table.c.form == form)
        found += conn.execute(query.with_for_update() if lock else query)
    asks = signature_rule(conn, forms)
    going = [
        row
        for row in found
        if row.state == EntryState.SIGNED
        or row.voided is not None
        or not asks(row.form, row.version, row.unit, row.area)
    ]
    return [
        row.id
        for row in sorted(
            going, key=lambda row: (row.unit, row.client_pid or "", row.event_on or "", row.id)
        )
    ]


def signature_rule(conn: Connection, forms: Forms) -> Callable[[str, int, str, str | None], bool]:
    """Tells of an entry's form, version, unit and area whether it has to be signed, by the rule
    that holds today.
    """
    areas, rule = areas_by_unit(conn), forms.signing_rule(today_in_sweden())

    @cache
    def asks(form_id: str, version: int, unit: str, area: str | None) -> bool:
        form = forms.get((form_id, version))
        return (
            rule is not None
            and form is not None
            and rule.requires_signature(form, area or areas.get(unit, ""))
        )

    return asks


def load_records(
    conn: Connection,
    forms: Forms,
    entry_ids: Sequence[str],
    revisions: Mapping[str, int] | None = None,
) -> list[Record]:
    """The records of these entries, in their order; of those in `as_of` with what had been answered
    up to that revision.

    Raises:
        FormError: the form of one of them is not there any longer.
        StoreError: one of them is not decided, or holds a planted value.
    """
    found = {
        record.entry_id: record
        for part in _chunk_ids(entry_ids)
        for record in _load_chunk(conn, forms, part, revisions or {})
    }
    return [found[entry_id] for entry_id in entry_ids if entry_id in found]


def mark_exported(conn: Connection, entry_ids: Sequence[str]) -> None:
    """Note that these confirmed entries are in a file."""
    for part in _chunk_ids(entry_ids):
        confirmed = update(_entry_table).where(
            _entry_table.c.id.in_(part),
            _entry_table.c.state.in_([EntryState.CONFIRMED.value, EntryState.SIGNED.value]),
        )
        conn.execute(confirmed.values(state=EntryState.EXPORTED.value))


def mark_accepted(conn: Connection, revisions: Sequence[tuple[str, int]]) -> None:
    """Note that the target has these entries, each (entry id, revision of its record, as in
    `export_item`).

    Nothing happens to one whose revision is not the latest, or that has moved on.
    """
    accepted = (
        update(_entry_table)
        .where(_was_exported_as(bindparam("accepted"), bindparam("record")))
        .values(state=EntryState.RECEIPTED.value)
    )
    if revisions:
        conn.execute(
            accepted,
            [{"accepted": entry_id, "record": revision} for entry_id, revision in revisions],
        )


def mark_refused(conn: Connection, entry_id: str, revision: int) -> None:
    """Note that the target has refused an entry: it goes back to review, with what the target said
    as its reason. Otherwise as `mark_accepted`.

    Nothing of a void one is reviewed: it waits to be sent again, or is put aside as soon as no
    system has anything of it.
    """
    exported = update(_entry_table).where(_was_exported_as(literal(entry_id), literal(revision)))
    told = select(schema_exports.receipt.c.text).where(
        schema_exports.receipt.c.entry == entry_id, schema_exports.receipt.c.revision == revision
    )
    reason = conn.execute(told).scalar_one_or_none() or ""
    moved = {"reason": reason, "revision": _entry_table.c.revision + 1}
    conn.execute(
        exported.where(_entry_table.c.voided.is_(None)).values({**UNDECIDED_VALUES, **moved})
    )
    if latest_exports(conn, [entry_id]):
        conn.execute(
            exported.where(_entry_table.c.voided.is_not(None)).values(
                {**moved, "state": EntryState.CONFIRMED.value}
            )
        )
    else:
        void = update(_entry_table).where(
            _entry_table.c.id == entry_id,
            _entry_table.c.voided.is_not(None),
            _entry_table.c.state != EntryState.REJECTED.value,
        )
        conn.execute(void.values({**moved, "state": EntryState.REJECTED.value}))


def _was_exported_as(
    entry_id: ColumnElement[str], revision: ColumnElement[int]
) -> ColumnElement[bool]:
    latest = (
        select(func.max(schema_exports.export_item.c.revision))
        .where(schema_exports.export_item.c.entry == entry_id)
        .scalar_subquery()
    )
    return and_(
        _entry_table.c.id == entry_id,
        _entry_table.c.state == EntryState.EXPORTED.value,
        latest == revision,
    )


def _load_chunk(
    conn: Connection, forms: Forms, entry_ids: Sequence[str], revisions: Mapping[str, int]
) -> list[Record]:
    found = select_entries(conn, select(_entry_table).where(_entry_table.c.id.in_(entry_ids)))
    _require_no_seeded_errors(conn, entry_ids)
    forms_of = {one.id: entry_form(forms, one) for one in found}
    sources = load_record_sources(conn, found, forms_of, revisions)
    return [_build_record(forms_of[one.id], one, sources) for one in found]


def _require_no_seeded_errors(conn: Connection, entry_ids: Sequence[str]) -> None:
    """Nothing of an entry that somebody has a planted value of on the screen leaves the store,
    whoever asks.
    """
    planted = conn.execute(
        select(_entry_table.c.id)
        .where(_entry_table.c.id.in_(entry_ids), has_open_seeded_error(_entry_table.c.id))
        .limit(1)
    ).scalar_one_or_none()
    if planted is not None:
        raise StoreError("entry_being_controlled", planted=planted)


def _build_record(form: Form, entry: Entry, sources: RecordSources) -> Record:
    answers, page = sources.answers[entry.id], sources.pages[entry.page]
    specs = [spec for spec in form.entry_fields(entry.row) if spec.name in answers]
    labels = accessible_names(form, entry.row)
    event_at, event_clock = _record_moment(
        form, entry, answers, Meaning.EVENT_DATE, Meaning.EVENT_TIME
    )
    written_at, written_clock = _record_moment(
        form, entry, answers, Meaning.WRITTEN_DATE, Meaning.WRITTEN_TIME
    )
    unknown = [
        name
        for name, known in (("event_at", event_clock), ("written_at", written_clock))
        if not known
    ]
    return Record(
        entry_id=entry.id,
        revision=sources.exports.get(entry.id, 0) + 1,
        form=form.id,
        version=form.version,
        title=form.title,
        area=entry.area or sources.areas.get(entry.unit, form.area.value),
        unit=entry.unit,
        client=_record_client(form, entry, sources),
        fields={spec.column: answers[spec.name].value for spec in specs},
        labels={spec.column: labels[spec.name] for spec in specs},
        event_at=event_at,
        written_at=written_at,
        author=_record_author(form, entry, answers),
        author_title=_value_text(meaning_value(form, entry, answers, Meaning.AUTHOR_TITLE)),
        serial=entry.serial or "",
        row=entry.row,
        place=" · ".join(filter(None, (page.place, sources.bundles.get(entry.page, "")))),
        scanned=Stamp(page.scanned_at, sources.names.get(page.scanned_by, page.scanned_by)),
        read_at=page.read_at,
        reader_version=page.reader_version,
        entered=_entered_stamp(entry, sources.names),
        verified=_make_stamp(entry.second_at, entry.second_by, sources.names),
        signed=_make_stamp(entry.signed_at, entry.signed_by, sources.names),
        signed_why=entry.signed_why or "",
        voided=entry.voided,
        illegible=frozenset(
            spec.column for spec in specs if answers[spec.name].state is State.ILLEGIBLE
        ),
        clock_unknown=frozenset(unknown),
        approved=tuple(sources.approvals.get(entry.id, ())),
        pages=sources.pictures.get(entry.sheet, ()),
    )


def _record_client(form: Form, entry: Entry, sources: RecordSources) -> Client:
    """The client as the register has it; one outside it, or one of another unit whose identity is
    protected, with the name that the paper gives.
    """
    answers = sources.answers[entry.id]
    pid = (
        _value_text(meaning_value(form, entry, answers, Meaning.CLIENT_PID))
        or entry.client_pid
        or ""
    )
    name = _value_text(meaning_value(form, entry, answers, Meaning.CLIENT_NAME))
    known = sources.clients.get(pid)
    if known is not None and known.protected and known.unit != entry.unit:
        return Client(pid, name, entry.unit, protected=True)
    return known or Client(pid, name, entry.unit)


def _record_author(form: Form, entry: Entry, answers: Mapping[str, Answer]) -> str:
    """Who wrote: the name, or initials where the row has no name."""
    return _value_text(meaning_value(form, entry, answers, Meaning.AUTHOR_NAME)) or _value_text(
        meaning_value(form, entry, answers, Meaning.AUTHOR_SIGNATURE)
    )


def _record_moment(
    form: Form, entry: Entry, answers: Mapping[str, Answer], day: Meaning, clock: Meaning
) -> tuple[datetime | None, bool]:
    """A moment as on the paper, local Swedish time without zone, and whether its time of day is
    known.
    """
    on, at = meaning_value(form, entry, answers, day), meaning_value(form, entry, answers, clock)
    if not isinstance(on, str):
        return None, True
    start = datetime.combine(date.fromisoformat(on), time())
    if not isinstance(at, str):
        return start, False
    hour, minute = map(int, at.split(":"))
    return start + timedelta(
        hours=hour, minutes=minute
    ), True  # 24:00 is the first moment of the next day


def _value_text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _make_stamp(at: datetime | None, by: str | None, names: Mapping[str, str]) -> Stamp | None:
    return Stamp(at, names.get(by, by)) if at and by else None


def _entered_stamp(entry: Entry, names: Mapping[str, str]) -> Stamp:
    stamp = _make_stamp(entry.first_at, entry.first_by, names)
    if stamp is None:
        raise StoreError("entry_not_decided_anybody", value=entry.id)
    return stamp


def _chunk_ids(entry_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (entry_ids[start : start + _MAX_IDS] for start in range(0, len(entry_ids), _MAX_IDS))
