"""Build export records of confirmed entries: their values, and who handled them when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from pipeline.domain.errors import StoreError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import EntriesPer, Form, Forms
from pipeline.domain.law.duties import open_duties
from pipeline.domain.model import Client, StaffMember, State, Value
from pipeline.domain.record import CareProvider, Outage, Record, RecordAttachment, Stamp, TypedPart
from pipeline.domain.review.depth import (
    explain_values,
    is_box_planned,
    is_left_in_image,
    name_boxes,
)
from pipeline.domain.review.rules import Answer, is_grid_box, record_area, unanswered_fields
from pipeline.registers.outages import OutagePeriod, find_outage, find_system
from pipeline.registers.staff import find_member
from pipeline.store.accounts.people import names_by_login
from pipeline.store.entries.attached_pages import AttachedPage, attached_pages_by_sheet, part_images
from pipeline.store.entries.entry import Entry, entry_form, select_entries
from pipeline.store.exports.payment_approvals import list_approvals
from pipeline.store.exports.run_items import WAS_UNDONE, last_export_before_void
from pipeline.store.paper.bundles import describe_bundle_places
from pipeline.store.paper.pages import missing_pages_by_sheet
from pipeline.store.quality.checked_work import has_open_seeded_error
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.hsa_ids import hsa_ids_by_login, hsa_ids_by_unit, providers_by_unit
from pipeline.store.registers.planning import list_outages
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.schema import paper, registers
from pipeline.store.schema.exports import export_item
from pipeline.store.schema.id_chunks import chunk_ids
from pipeline.store.schema.review import ATTACHED_PAGES

# Load what the records of entries are built from, with one query per kind of source.


@dataclass(frozen=True, slots=True)
class RecordSources:
    """What the records of some entries are built from.

    By entry id: `answers` by field, `exports` (how often it was exported) and `approvals`. By page
    id: `pages` and `bundles` (the place of the page's bundle). By sheet: `pictures`, as names in
    the image folder (of a part of a page by entry id), `attachments`, and `missing_pages` by their
    numbers. By personal number: `clients`. By login: `names` and `staff_hsa_ids`. By unit: `areas`
    of law, `unit_hsa_ids`, and `providers` of care that are not the organisation. `outages` are by
    unit and system; `staff` is the staff list of all units.
    """

    answers: Mapping[str, Mapping[str, Answer]]
    pages: Mapping[str, Row[Any]]
    pictures: Mapping[str, tuple[str, ...]]
    attachments: Mapping[str, Sequence[AttachedPage]]
    missing_pages: Mapping[str, tuple[int, ...]]
    clients: Mapping[str, Client]
    names: Mapping[str, str]
    exports: Mapping[str, int]
    areas: Mapping[str, str]
    approvals: Mapping[str, Sequence[Stamp]]
    bundles: Mapping[str, str]
    outages: Sequence[OutagePeriod]
    providers: Mapping[str, CareProvider]
    staff: Sequence[StaffMember]
    staff_hsa_ids: Mapping[str, str]
    unit_hsa_ids: Mapping[str, str]


def load_record_sources(
    conn: Connection,
    entries: Sequence[Entry],
    forms_by_entry: Mapping[str, Form],
    revisions: Mapping[str, int],
) -> RecordSources:
    """Return the sources of these entries' records.

    The answers of a void entry are those that its target had when it was made void, so that it is
    found there.

    Args:
        entries: the entries.
        forms_by_entry: the form of each entry, by the entry's id.
        revisions: by entry id, the revision up to which answers count; all answers for others.
    """
    entry_ids = [entry.id for entry in entries]
    # What the target has of void entries, if they were exported before
    void_exports = {
        entry.id: last_export_before_void(conn, entry.id)
        for entry in entries
        if entry.voided is not None
    }
    void_revisions = {
        entry_id: export.entry_revision for entry_id, export in void_exports.items() if export
    }
    answers = load_answers(conn, entry_ids, void_revisions | dict(revisions))
    pids = {
        str(
            meaning_value(forms_by_entry[entry.id], entry, answers[entry.id], Meaning.CLIENT_PID)
            or entry.client_pid
            or ""
        )
        for entry in entries
    }
    staff = load_staff_list(conn)
    return RecordSources(
        answers,
        pages=_load_pages(conn, entries),
        pictures=sheet_image_names(conn, {entry.sheet for entry in entries})
        | {entry: (image,) for entry, image in part_images(conn, entries).items()},
        attachments=attached_pages_by_sheet(conn, {entry.sheet for entry in entries}),
        missing_pages=missing_pages_by_sheet(conn, {entry.sheet for entry in entries}),
        clients=_load_clients(conn, pids),
        names=names_by_login(conn),
        exports=_count_exports(conn, entry_ids),
        areas=areas_by_unit(conn),
        approvals=list_approvals(conn, entry_ids),
        bundles=describe_bundle_places(conn, {entry.page for entry in entries}),
        outages=list_outages(conn),
        providers=providers_by_unit(conn),
        staff=staff,
        staff_hsa_ids=hsa_ids_by_login(conn, staff),
        unit_hsa_ids=hsa_ids_by_unit(conn),
    )


def meaning_value(
    form: Form, entry: Entry, answers: Mapping[str, Answer], meaning: Meaning
) -> Value:
    """Return an entry's value of the field with this meaning.

    None if the form has no such field, or nothing was answered.
    """
    spec = form.meaning(meaning, entry.row)
    return answers[spec.name].value if spec and spec.name in answers else None


def sheet_image_names(conn: Connection, sheets: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the sides of each sheet in their order, as names in the image folder.

    A page is the image registered to its form, or the scan where the form is unknown.
    """
    names: dict[str, list[str]] = defaultdict(list)
    picture = func.coalesce(paper.page.c.upright_sha256, paper.page.c.image_sha256)
    # The pages of the sheets that have an image, without attachments
    query = select(paper.page.c.sheet, picture.label("picture")).where(
        paper.page.c.sheet.in_(sorted(sheets)),
        picture.is_not(None),
        paper.page.c.id.not_in(ATTACHED_PAGES),
    )
    for row in conn.execute(query.order_by(paper.page.c.page_no, paper.page.c.id)):
        names[row.sheet].append(row.picture)
    return {sheet: tuple(pictures) for sheet, pictures in names.items()}


def load_answers(
    conn: Connection, entry_ids: Sequence[str], last_revisions: Mapping[str, int]
) -> dict[str, dict[str, Answer]]:
    """Return the latest answers by entry and field, up to the last revision where one is given."""
    answers: dict[str, dict[str, Answer]] = defaultdict(dict)
    table = paper.decision.c
    # In the order of their ids, so that later answers replace earlier ones
    query = (
        select(table.entry, table.field, table.value, table.state, table.revision)
        .where(table.entry.in_(entry_ids))
        .order_by(table.id)
    )
    for row in conn.execute(query):
        if row.entry not in last_revisions or row.revision <= last_revisions[row.entry]:
            answers[row.entry][row.field] = Answer(row.value, State(row.state))
    return answers


def _load_pages(conn: Connection, entries: Sequence[Entry]) -> dict[str, Row[Any]]:
    """Return the scan and reading of each entry's page, with the place of its batch."""
    page, batch = paper.page.c, paper.batch.c
    query: Select[Any] = select(
        page.id, page.scanned_at, page.scanned_by, page.read_at, page.reader_version, batch.place
    )
    # An entry's page is the one that it was made from
    is_wanted: ColumnElement[bool] = page.id.in_({entry.page for entry in entries})
    return {
        row.id: row
        for row in conn.execute(query.select_from(paper.page.join(paper.batch)).where(is_wanted))
    }


def _load_clients(conn: Connection, pids: Iterable[str]) -> dict[str, Client]:
    table = registers.client.c
    columns = (table.pid, table.name, table.unit, table.protected, table.address)
    query = select(*columns).where(table.pid.in_(list(pids)))
    return {row["pid"]: Client(**row) for row in conn.execute(query).mappings()}


def _count_exports(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    item = export_item.c
    wanted = item.entry.in_(entry_ids), ~WAS_UNDONE
    query = select(item.entry, func.count()).where(*wanted).group_by(item.entry)
    return {row[0]: row[1] for row in conn.execute(query)}


_entry_table = paper.entry


def load_records(
    conn: Connection,
    forms: Forms,
    entry_ids: Sequence[str],
    revisions: Mapping[str, int] | None = None,
) -> list[Record]:
    """Return the records of these entries, in their order.

    Args:
        revisions: by entry id, the revision up to which answers count.

    Raises:
        FormError: the form of an entry no longer exists.
        StoreError: an entry is not decided, or holds a seeded error.
    """
    record_by_entry = {
        record.entry_id: record
        for part in chunk_ids(entry_ids)
        for record in _load_chunk(conn, forms, part, revisions or {})
    }
    return [record_by_entry[entry_id] for entry_id in entry_ids if entry_id in record_by_entry]


def _load_chunk(
    conn: Connection, forms: Forms, entry_ids: Sequence[str], revisions: Mapping[str, int]
) -> list[Record]:
    entries = select_entries(conn, select(_entry_table).where(_entry_table.c.id.in_(entry_ids)))
    _require_no_seeded_errors(conn, entry_ids)
    forms_by_entry = {entry.id: entry_form(forms, entry) for entry in entries}
    sources = load_record_sources(conn, entries, forms_by_entry, revisions)
    return [_build_record(forms_by_entry[entry.id], entry, sources) for entry in entries]


def _require_no_seeded_errors(conn: Connection, entry_ids: Sequence[str]) -> None:
    """Check that no entry has a seeded error on a screen now: it must not leave the store."""
    # The first of the entries with a seeded error that is not ended
    seeded_id = conn.execute(
        select(_entry_table.c.id)
        .where(_entry_table.c.id.in_(entry_ids), has_open_seeded_error(_entry_table.c.id))
        .limit(1)
    ).scalar_one_or_none()
    if seeded_id is not None:
        raise StoreError("entry_in_quality_check", planted=seeded_id)


def _build_record(form: Form, entry: Entry, sources: RecordSources) -> Record:
    answers, page = sources.answers[entry.id], sources.pages[entry.page]
    specs = [spec for spec in form.entry_fields(entry.row) if spec.name in answers]
    values = {spec.name: answers[spec.name].value for spec in specs}
    meanings = explain_values(form, values)
    # When it happened and when it was written, as far as the paper says
    event_at, is_event_time_known = _record_moment(
        form, entry, answers, Meaning.EVENT_DATE, Meaning.EVENT_TIME
    )
    labels = accessible_names(form, entry.row) | name_boxes(
        form, values, event_at.date() if event_at else None
    )
    author = _record_author(form, entry, answers)
    member = find_member(sources.staff, entry.unit, author)
    written_at, is_written_time_known = _record_moment(
        form, entry, answers, Meaning.WRITTEN_DATE, Meaning.WRITTEN_TIME
    )
    is_time_known = {"event_at": is_event_time_known, "written_at": is_written_time_known}
    return Record(
        entry_id=entry.id,
        revision=sources.exports.get(entry.id, 0) + 1,
        form=form.id,
        version=form.version,
        title=form.title,
        area=record_area(
            form, answers, entry.area or sources.areas.get(entry.unit, form.area.value)
        ),
        unit=entry.unit,
        client=_record_client(form, entry, sources),
        fields={spec.column: answers[spec.name].value for spec in specs},
        labels={spec.column: labels[spec.name] for spec in specs},
        event_at=event_at,
        written_at=written_at,
        author=author,
        author_title=_value_text(meaning_value(form, entry, answers, Meaning.AUTHOR_TITLE)),
        serial=entry.serial or "",
        row=entry.row,
        place=" · ".join(filter(None, (page.place, sources.bundles.get(entry.page, "")))),
        scanned=_stamp(page.scanned_at, page.scanned_by, sources),
        read_at=page.read_at,
        reader_version=page.reader_version,
        entered=_entered_stamp(entry, sources),
        verified=_make_stamp(entry.second_at, entry.second_by, sources),
        signed=_make_stamp(entry.signed_at, entry.signed_by, sources),
        signed_why=entry.signed_why or "",
        voided=entry.voided,
        illegible=frozenset(
            spec.column for spec in specs if answers[spec.name].state is State.ILLEGIBLE
        ),
        clock_unknown=frozenset(name for name, is_known in is_time_known.items() if not is_known),
        approved=tuple(sources.approvals.get(entry.id, ())),
        pages=sources.pictures.get(entry.id, sources.pictures.get(entry.sheet, ())),
        attachments=tuple(
            RecordAttachment(attached.title, attached.day, attached.page.image_sha256)
            for attached in sources.attachments.get(entry.sheet, ())
            if attached.page.image_sha256
        ),
        missing_pages=sources.missing_pages.get(entry.sheet, ()),
        duties=open_duties(form, entry.deadlines),
        typed=_typed_part(form, entry, answers),
        boxes=tuple(
            spec.column for spec in specs if is_box_planned(form, spec, _known_values(answers))
        ),
        meanings={spec.column: meanings[spec.name] for spec in specs if spec.name in meanings},
        outage=_record_outage(form, entry, event_at or written_at, sources),
        provider=sources.providers.get(entry.unit),
        unit_hsa_id=sources.unit_hsa_ids.get(entry.unit, ""),
        author_hsa_id=member.hsa_id if member else "",
        author_role=member.title if member else "",
        author_role_code=member.role_code if member else "",
    )


def _typed_part(form: Form, entry: Entry, answers: Mapping[str, Answer]) -> TypedPart:
    """Return how much of the paper is typed, by what nobody has answered."""
    unanswered = unanswered_fields(form, entry.row, answers)
    if form.entries is EntriesPer.ROW:
        # Rows that are confirmed together are whole without it.
        unanswered = [spec for spec in unanswered if not is_left_in_image(spec)]
    if not unanswered:
        return TypedPart.WHOLE
    has_grid = any(is_grid_box(form, spec) for spec in unanswered)
    return TypedPart.DEVIATIONS if has_grid else TypedPart.HEAD


def _known_values(answers: Mapping[str, Answer]) -> dict[str, Value]:
    """Return the value of each answer; what is there and cannot be read is no empty field."""
    return {
        name: True if answer.state is State.ILLEGIBLE else answer.value
        for name, answer in answers.items()
    }


def _record_outage(
    form: Form, entry: Entry, moment: datetime | None, sources: RecordSources
) -> Outage | None:
    """Return the outage of the unit and of the system that the form goes to, if any is kept."""
    system = find_system(form.id, entry.area or form.area.value)
    period = find_outage(sources.outages, entry.unit, system, moment.date() if moment else None)
    return period.as_outage if period else None


def _record_client(form: Form, entry: Entry, sources: RecordSources) -> Client:
    """Return the client as the register has it.

    A client outside the register has the name on the paper; so has one with protected identity who
    is of another unit.
    """
    answers = sources.answers[entry.id]
    pid = (
        _value_text(meaning_value(form, entry, answers, Meaning.CLIENT_PID))
        or entry.client_pid
        or ""
    )
    name = _value_text(meaning_value(form, entry, answers, Meaning.CLIENT_NAME))
    client = sources.clients.get(pid)
    if client is not None and client.protected and client.unit != entry.unit:
        return Client(pid, name, entry.unit, protected=True)
    return client or Client(pid, name, entry.unit)


def _record_author(form: Form, entry: Entry, answers: Mapping[str, Answer]) -> str:
    """Return the author's name, or the initials where the row has no name."""
    return _value_text(meaning_value(form, entry, answers, Meaning.AUTHOR_NAME)) or _value_text(
        meaning_value(form, entry, answers, Meaning.AUTHOR_SIGNATURE)
    )


def _record_moment(
    form: Form, entry: Entry, answers: Mapping[str, Answer], day: Meaning, clock: Meaning
) -> tuple[datetime | None, bool]:
    """Return a moment as on the paper, and whether its time of day is known.

    The moment is local Swedish time without a zone.
    """
    on = meaning_value(form, entry, answers, day)
    at = meaning_value(form, entry, answers, clock)
    if not isinstance(on, str):
        return None, True
    start = datetime.combine(date.fromisoformat(on), time())
    if not isinstance(at, str):
        return start, False
    # 24:00 is the first moment of the next day
    hour, minute = map(int, at.split(":"))
    return start + timedelta(hours=hour, minutes=minute), True


def _value_text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _stamp(at: datetime, by: str, sources: RecordSources) -> Stamp:
    return Stamp(at, sources.names.get(by, by), by, sources.staff_hsa_ids.get(by, ""))


def _make_stamp(at: datetime | None, by: str | None, sources: RecordSources) -> Stamp | None:
    return _stamp(at, by, sources) if at and by else None


def _entered_stamp(entry: Entry, sources: RecordSources) -> Stamp:
    stamp = _make_stamp(entry.first_at, entry.first_by, sources)
    if stamp is None:
        raise StoreError("entry_undecided", value=entry.id)
    return stamp
