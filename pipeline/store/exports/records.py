"""Build export records of confirmed entries: their values, and who handled them when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, select

from pipeline.domain.errors import StoreError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.duties import open_duties
from pipeline.domain.model import Client, State, Value
from pipeline.domain.record import Outage, Record, RecordAttachment, Stamp, TypedPart
from pipeline.domain.review.depth import (
    explain_values,
    is_box_planned,
    is_grid_box,
    name_boxes,
    unanswered_fields,
)
from pipeline.domain.review.rules import Answer
from pipeline.registers.outages import find_outage, find_system
from pipeline.registers.staff import find_member
from pipeline.store.entries.entry import Entry, entry_form, select_entries
from pipeline.store.exports.record_sources import (
    RecordSources,
    load_record_sources,
    meaning_value,
)
from pipeline.store.paper.form_areas import record_area
from pipeline.store.quality.seeded_errors import has_open_seeded_error
from pipeline.store.schema import paper
from pipeline.store.schema.id_chunks import chunk_ids

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
