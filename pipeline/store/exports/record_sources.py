"""Load what the records of entries are built from, with one query per kind of source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import Client, StaffMember, State, Value
from pipeline.domain.record import CareProvider, Stamp
from pipeline.domain.review.rules import Answer
from pipeline.registers.outages import OutagePeriod
from pipeline.store.accounts.people import names_by_login
from pipeline.store.entries.attached_pages import AttachedPage, attached_pages_by_sheet, part_images
from pipeline.store.entries.entry import Entry
from pipeline.store.exports.payment_approvals import list_approvals
from pipeline.store.exports.run_items import WAS_UNDONE, last_export_before_void
from pipeline.store.paper.bundles import describe_bundle_places
from pipeline.store.paper.sheets import missing_pages_by_sheet
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.hsa_ids import hsa_ids_by_login, hsa_ids_by_unit
from pipeline.store.registers.outages import list_outages
from pipeline.store.registers.providers import providers_by_unit
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.schema import paper, registers
from pipeline.store.schema.depth import ATTACHED_PAGES
from pipeline.store.schema.exports import export_item


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
