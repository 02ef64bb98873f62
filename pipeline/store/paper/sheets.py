"""Readings become sheets and entries. Pages of a sheet come in any order, and some come twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form, Forms, Subject
from pipeline.domain.model import Outcome, PageReading, Person, Reading, State
from pipeline.domain.permissions import Action
from pipeline.store.accounts import visibility
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import lock_keys
from pipeline.store.entries.entry import (
    NewEntry,
    add_entries,
    find_filled_rows,
    is_written,
    list_sheet_entries,
    make_entry_id,
    reopen_sheet,
)
from pipeline.store.entries.queue_order import apply_priorities, set_queue_places
from pipeline.store.event_log.events import record
from pipeline.store.paper import pages as paper_pages
from pipeline.store.paper.duplicates import (
    detach_from_sheet,
    find_page_of_same_side,
    find_page_with_same_bytes,
    is_photocopied,
    list_untouched_separated_sides,
    replace_original,
    replace_with_later_scan,
)
from pipeline.store.paper.form_areas import FREE_NOTE_FORM, form_area
from pipeline.store.paper.later_scans import contains_earlier_scan, find_added_rows
from pipeline.store.paper.pages import Page, load_page, load_page_reading, mark_page_failed
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.issued_sheets import find_issued_sheet, printed_client_pid
from pipeline.store.schema import paper

_page_table = paper.page


def save_page_reading(
    conn: Connection,
    page_id: str,
    reading: PageReading,
    *,
    upright_sha256: str | None,
    form: Form | None,
    reader_version: str,
    by: str = "system",
) -> None:
    """Keep what the machine read on a queued page, and make the entries of its sheet. A page that
    has been read stays as it is.

    Args:
        form: the form that the page's code names, None if it has no code or the form is unknown.
        upright_sha256: the page laid on its form, for showing.

    Raises:
        StoreError: there is no such page.
    """
    if reading.outcome is Outcome.FAILED:
        mark_page_failed(conn, page_id, ", ".join(reading.issues))
        return
    before = load_page(conn, page_id)
    code = reading.code
    lock_keys(conn, *filter(None, (before.image_sha256, code.serial if code else None)))
    values: dict[str, Any] = {
        "state": paper_pages.STATE_READ,
        "outcome": reading.outcome.value,
        "rotation_deg": reading.rotation_deg,
        "residual_mm": reading.residual_mm,
        "problems": list(reading.issues),
        "upright_sha256": upright_sha256,
        "read_at": utc_now(),
        "reader_version": reader_version,
        "unit": _resolve_unit(conn, before, reading),
        "area": form_area(form),
    }
    if code is not None:
        values |= {
            "form": code.form,
            "version": code.version,
            "page_no": code.page_no,
            "pages": code.pages,
            "serial": code.serial or None,
        }
    if not conn.execute(
        update(_page_table).where(_page_table.c.id == page_id, paper_pages.is_queued).values(values)
    ).rowcount:
        return
    _save_field_readings(conn, page_id, reading.fields)
    record(
        conn,
        by,
        "read_page",
        page_id,
        unit=values["unit"],
        outcome=reading.outcome.value,
        fields=len(reading.fields),
    )
    if reading.outcome is not Outcome.BLANK:
        _place_page(conn, load_page(conn, page_id), form)


def settle_duplicate(
    conn: Connection, person: Person, page_id: str, forms: Forms, *, same: bool
) -> int:
    """A person says whether a second scan of a serial is the same paper, or another paper copied
    from the blank form and filled in by itself.

    If it is the same, other sides that stood apart because of it are laid to the sheet, and what
    was written on it since the first scan is reviewed. Answers in how many entries something
    was.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
        ReviewError: the page is no open duplicate.
    """
    found = load_page(conn, page_id)
    visibility.require_visible_page(conn, person, Action.PROBLEMS, found)
    form = forms.get((found.form or "", found.version or 0))
    more = find_added_rows(conn, found, form) if same else ()
    values: dict[str, Any] = {"settled": True} if same and not more else {"sheet": page_id}
    if not conn.execute(
        update(_page_table)
        .where(_page_table.c.id == page_id, paper_pages.is_unsettled_duplicate)
        .values(values)
    ).rowcount:
        raise ReviewError("page_no_open_duplicate")
    record(conn, person.login, "settle_duplicate", page_id, unit=found.unit, same=same)
    if (
        form is not None
        and more
        and contains_earlier_scan(conn, found)
        and replace_with_later_scan(conn, found, load_page(conn, found.duplicate_of or ""))
    ):
        _update_page(conn, page_id, sheet=found.serial, duplicate_of=None)
        make_entries(conn, replace(found, sheet=found.serial), form)
        _join_to_original(conn, found, forms)
    elif form is not None and more:
        _add_row_entries(conn, replace(found, sheet=page_id), form, more)
        set_queue_places(conn, form, page_id, load_page_reading(conn, page_id))
    elif same:
        _join_to_original(conn, found, forms)
    else:
        make_entries(conn, replace(found, sheet=page_id), form)
    return len(more)


def _join_to_original(conn: Connection, settled: Page, forms: Forms) -> None:
    lock_keys(conn, settled.serial or settled.id)
    for side in list_untouched_separated_sides(conn, settled):
        if not is_photocopied(conn, side):
            detach_from_sheet(conn, side)
            _place_page(
                conn, replace(side, sheet=None), forms.get((side.form or "", side.version or 0))
            )


def confirm_empty_sheet(conn: Connection, person: Person, page_id: str) -> None:
    """A person has seen that nothing is written on this sheet.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
        ReviewError: the page is not one that was taken for empty.
    """
    found = load_page(conn, page_id)
    visibility.require_visible_page(conn, person, Action.PROBLEMS, found)
    if not conn.execute(
        update(_page_table)
        .where(_page_table.c.id == page_id, paper_pages.is_empty_sheet)
        .values(settled=True)
    ).rowcount:
        raise ReviewError("page_not_taken_empty")
    record(conn, person.login, "settle_empty", page_id, unit=found.unit)


def add_row(conn: Connection, person: Person, page_id: str, row: int | None, forms: Forms) -> str:
    """Make an entry of a row that the machine took for empty; answers with its id.

    Raises:
        NotAllowedError: the person may not review this unit.
        ReviewError: the page has no such row.
    """
    found = load_page(conn, page_id)
    visibility.require_visible_page(conn, person, Action.REVIEW, found)
    form = forms.get((found.form or "", found.version or 0))
    if form is None or found.sheet is None or row not in form.rows():
        raise ReviewError("page_no_such_row")
    conn.execute(update(_page_table).where(_page_table.c.id == page_id).values(settled=False))
    _add_row_entries(conn, found, form, [row])
    set_queue_places(conn, form, found.sheet, load_page_reading(conn, page_id))
    record(conn, person.login, "add_row", make_entry_id(found.sheet, row), unit=found.unit)
    return make_entry_id(found.sheet, row)


def list_sheet_pages(conn: Connection, sheet: str) -> list[Page]:
    """The pages of a sheet that have come, by page number."""
    query = (
        select(_page_table)
        .where(_page_table.c.sheet == sheet)
        .order_by(_page_table.c.page_no, _page_table.c.id)
    )
    return [Page.from_row(row) for row in conn.execute(query).mappings()]


def find_missing_pages(conn: Connection, sheet: str) -> tuple[int, ...]:
    """Numbers of the pages of a sheet that have not come, also of one that is known by its page, as
    a copy is. An unidentified page misses none.
    """
    return missing_page_numbers(list_sheet_pages(conn, sheet))


def missing_page_numbers(found: Iterable[Page]) -> tuple[int, ...]:
    """As `missing_pages`, when the pages that have come are known."""
    pages = [page for page in found if page.outcome is Outcome.READ]
    count = max((p.pages or 1 for p in pages), default=0)
    return tuple(sorted(set(range(1, count + 1)) - {p.page_no or 1 for p in pages}))


def _resolve_unit(conn: Connection, before: Page, reading: PageReading) -> str:
    """The unit that the sheet was printed for; else, or if nobody here is of that unit, the one
    that scanned it.
    """
    issued = (
        find_issued_sheet(conn, reading.code.serial)
        if reading.code and reading.code.serial
        else None
    )
    return issued.unit if issued and issued.unit in areas_by_unit(conn) else before.unit


def _save_field_readings(conn: Connection, page_id: str, fields: Mapping[str, Reading]) -> None:
    rows = [
        {
            "page": page_id,
            "field": name,
            "value": read.value,
            "p": read.p,
            "state": read.state.value,
            "alternatives": [list(pair) for pair in read.alternatives],
            "characters": list(read.characters),
            "reasons": list(read.evidence),
            "words": [[word.start, word.end, *word.box] for word in read.words] or None,
        }
        for name, read in fields.items()
    ]
    if rows:
        conn.execute(insert(paper.reading), rows)


def _place_page(conn: Connection, page: Page, form: Form | None) -> None:
    """Find the sheet that a page belongs to, or the page that it repeats."""
    if (twin := find_page_with_same_bytes(conn, page)) and not is_sheet_void(
        conn, load_page(conn, twin).sheet or twin
    ):
        _update_page(conn, page.id, duplicate_of=twin, settled=True)
        return
    if not _is_identified(page, form):
        sheet = page.id
    elif (
        page.serial
        and (other := find_page_of_same_side(conn, page))
        and not replace_original(conn, page, other)
    ):
        _update_page(conn, page.id, duplicate_of=other.id)
        return
    elif page.serial and (is_photocopied(conn, page) or is_sheet_void(conn, page.serial)):
        sheet = (
            page.id
        )  # nobody can tell whose other side it is, or nobody would see it with what is void
    else:
        sheet = page.serial or page.id
    _update_page(conn, page.id, sheet=sheet)
    make_entries(conn, replace(page, sheet=sheet), form)


def is_sheet_void(conn: Connection, sheet: str) -> bool:
    """Whether a sheet has had entries, and all of them are void: a page laid to it would be done at
    once, unseen.
    """
    there = list_sheet_entries(conn, sheet)
    return bool(there) and all(one.voided is not None for one in there)


def make_entries(conn: Connection, read: Page, form: Form | None) -> None:
    """Make the entries of the sheet that a page has just been laid to; what was decided without the
    page is reviewed anew.
    """
    common = _entry_defaults(read, form)
    if form is None or not _is_identified(read, form):
        _add_row_entries(conn, read, form, [None])
        apply_priorities(conn, common.sheet)
        return
    readings, pages = load_page_reading(conn, read.id), list_sheet_pages(conn, common.sheet)
    if is_written(form, readings) and len(pages) > 1:
        reopen_sheet(conn, common.sheet)
    for (
        side
    ) in pages:  # an entry of several pages may have been given up with one of them (`take_over`)
        _add_row_entries(conn, side, form, find_filled_rows(form, load_page_reading(conn, side.id)))
    set_queue_places(
        conn,
        form,
        common.sheet,
        {name: read for page in pages for name, read in load_page_reading(conn, page.id).items()},
    )


def _is_identified(page: Page, form: Form | None) -> bool:
    return form is not None and page.form == form.id


def _add_row_entries(
    conn: Connection, page: Page, form: Form | None, rows: Iterable[int | None]
) -> None:
    """Make the entries of these rows, each for the client that it was printed for, if any."""
    issued, common = (
        find_issued_sheet(conn, page.serial) if page.serial else None,
        _entry_defaults(page, form),
    )
    readings = load_page_reading(conn, page.id)
    for row in rows:
        number = form.meaning(Meaning.CLIENT_PID, row) if form else None
        written = (
            number is not None
            and number.name in readings
            and readings[number.name].state is not State.EMPTY
        )
        subject = (
            Subject.CLIENT.value if written else common.subject
        )  # where a number may be left out and is not, it is about somebody
        add_entries(
            conn,
            replace(common, client_pid=printed_client_pid(issued, number, row), subject=subject),
            [row],
        )


def _entry_defaults(page: Page, form: Form | None) -> NewEntry:
    known = (form.id, form.version, form.criticality) if form else (*FREE_NOTE_FORM, "A")
    subject = form.subject.value if form else Subject.CLIENT.value
    return NewEntry(
        page.sheet or page.id,
        page.serial,
        page.id,
        *known,
        page.unit,
        None,
        form_area(form),
        subject,
    )


def _update_page(conn: Connection, page_id: str, **values: Any) -> None:  # noqa: ANN401 - columns of many types
    conn.execute(update(_page_table).where(_page_table.c.id == page_id).values(values))
