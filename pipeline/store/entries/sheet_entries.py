"""Turn readings into sheets and entries.

Pages of a sheet come in any order, and some come twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert, update

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form, Forms, Subject
from pipeline.domain.form.rules import FREE_NOTE_FORM
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Outcome, PageReading, Person, Reading, State
from pipeline.domain.review.rules import form_area
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
from pipeline.store.entries.later_scans import contains_earlier_scan, find_added_rows
from pipeline.store.entries.queue_order import apply_priorities, set_queue_places
from pipeline.store.event_log.events import record
from pipeline.store.paper.duplicates import (
    detach_from_sheet,
    find_page_of_same_side,
    find_page_with_same_bytes,
    is_photocopied,
    list_untouched_separated_sides,
    replace_original,
    replace_with_later_scan,
)
from pipeline.store.paper.pages import (
    STATE_READ,
    Page,
    is_empty_sheet,
    is_queued,
    is_unsettled_duplicate,
    list_sheet_pages,
    load_page,
    load_page_reading,
    load_visible_page,
    mark_page_failed,
)
from pipeline.store.registers.client_register import (
    areas_by_unit,
    find_issued_sheet,
    printed_client_pid,
)
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now

_page_table = paper.page


def save_page_reading(
    conn: Connection,
    page_id: str,
    reading: PageReading,
    *,
    upright_sha256: str | None,
    form: Form | None,
    reader_version: str,
) -> None:
    """Store the reading of a queued page, and make the entries of its sheet.

    A page that has been read stays as it is.

    Args:
        form: the form that the page's code names, None if it has no code or the form is unknown.
        upright_sha256: the image of the page registered to its form, for showing.

    Raises:
        StoreError: there is no such page.
    """
    if reading.outcome is Outcome.FAILED:
        mark_page_failed(conn, page_id, ", ".join(reading.issues))
        return
    queued_page = load_page(conn, page_id)
    code = reading.code
    # Pages with the same image or serial are stored one after the other.
    lock_keys(conn, *filter(None, (queued_page.image_sha256, code.serial if code else None)))
    # The unit may be another one than the one that scanned the page.
    values: dict[str, Any] = {
        "state": STATE_READ,
        "outcome": reading.outcome.value,
        "rotation_deg": reading.rotation_deg,
        "residual_mm": reading.residual_mm,
        "problems": list(reading.issues),
        "upright_sha256": upright_sha256,
        "read_at": utc_now(),
        "reader_version": reader_version,
        "unit": _resolve_unit(conn, queued_page, reading),
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
    # Another worker may have stored the page in the meantime.
    if not conn.execute(
        update(_page_table).where(_page_table.c.id == page_id, is_queued).values(values)
    ).rowcount:
        return
    _save_field_readings(conn, page_id, reading.fields)
    record(
        conn,
        "system",
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
    """Register whether a second scan is the same paper, and return how many entries it adds.

    If not, it is another paper: a copy of the blank form that was filled in on its own. If it is
    the same, other sides that were kept apart because of it join the sheet, and what was written on
    it since the first scan is reviewed.

    Raises:
        NotAllowedError: the person does not handle problems of this unit.
        ReviewError: the page is no open duplicate.
    """
    page = load_visible_page(conn, person, Action.PROBLEMS, page_id)
    form = forms.get((page.form or "", page.version or 0))
    added_rows = find_added_rows(conn, page, form) if same else ()
    # The same paper with nothing new is settled; everything else becomes a sheet.
    values: dict[str, Any] = {"settled": True} if same and not added_rows else {"sheet": page_id}
    if not conn.execute(
        update(_page_table)
        .where(_page_table.c.id == page_id, is_unsettled_duplicate)
        .values(values)
    ).rowcount:
        raise ReviewError("page_not_an_open_duplicate")
    record(conn, person.login, "settle_duplicate", page_id, unit=page.unit, same=same)
    # The later scan replaces the first one, gets entries of the added rows only, adds nothing, or
    # is a sheet of its own.
    if (
        form is not None
        and added_rows
        and contains_earlier_scan(conn, page)
        and replace_with_later_scan(conn, page, load_page(conn, page.duplicate_of or ""))
    ):
        _update_page(conn, page_id, sheet=page.serial, duplicate_of=None)
        make_entries(conn, replace(page, sheet=page.serial), form)
        _join_to_original(conn, page, forms)
    elif form is not None and added_rows:
        _add_row_entries(conn, replace(page, sheet=page_id), form, added_rows)
        set_queue_places(conn, form, page_id, load_page_reading(conn, page_id))
    elif same:
        _join_to_original(conn, page, forms)
    else:
        make_entries(conn, replace(page, sheet=page_id), form)
    return len(added_rows)


def _join_to_original(conn: Connection, settled: Page, forms: Forms) -> None:
    """Join untouched other sides of the serial to its sheet, now that no copy is suspected."""
    lock_keys(conn, settled.serial or settled.id)
    for side in list_untouched_separated_sides(conn, settled):
        if not is_photocopied(conn, side):
            detach_from_sheet(conn, side)
            _place_page(
                conn, replace(side, sheet=None), forms.get((side.form or "", side.version or 0))
            )


def confirm_empty_sheet(conn: Connection, person: Person, page_id: str) -> None:
    """Register that a person has seen that nothing is written on this sheet.

    Raises:
        NotAllowedError: the person does not handle problems of this unit.
        ReviewError: the page was not taken for empty.
    """
    page = load_visible_page(conn, person, Action.PROBLEMS, page_id)
    # Only a sheet without entries that has not been settled.
    if not conn.execute(
        update(_page_table).where(_page_table.c.id == page_id, is_empty_sheet).values(settled=True)
    ).rowcount:
        raise ReviewError("page_not_blank")
    record(conn, person.login, "settle_empty", page_id, unit=page.unit)


def add_row(conn: Connection, person: Person, page_id: str, row: int | None, forms: Forms) -> str:
    """Make an entry of a row that was taken for empty, and return its id.

    Raises:
        NotAllowedError: the person does not review this unit.
        ReviewError: the page has no such row.
    """
    page = load_visible_page(conn, person, Action.REVIEW, page_id)
    form = forms.get((page.form or "", page.version or 0))
    if form is None or page.sheet is None or row not in form.rows():
        raise ReviewError("page_no_such_row")
    # The page is no longer settled as empty.
    conn.execute(update(_page_table).where(_page_table.c.id == page_id).values(settled=False))
    _add_row_entries(conn, page, form, [row])
    set_queue_places(conn, form, page.sheet, load_page_reading(conn, page_id))
    record(conn, person.login, "add_row", make_entry_id(page.sheet, row), unit=page.unit)
    return make_entry_id(page.sheet, row)


def _resolve_unit(conn: Connection, page: Page, reading: PageReading) -> str:
    """Return the unit that the sheet or the form without paper was made for, or that scanned it.

    The scanning unit is taken too where the unit on the sheet is not known in this installation.
    """
    if reading.unit:
        return reading.unit if reading.unit in areas_by_unit(conn) else page.unit
    issued = (
        find_issued_sheet(conn, reading.code.serial)
        if reading.code and reading.code.serial
        else None
    )
    return issued.unit if issued and issued.unit in areas_by_unit(conn) else page.unit


def _save_field_readings(conn: Connection, page_id: str, fields: Mapping[str, Reading]) -> None:
    rows = [
        {
            "page": page_id,
            "field": name,
            "value": reading.value,
            "p": reading.p,
            "state": reading.state.value,
            "alternatives": [list(pair) for pair in reading.alternatives],
            "characters": list(reading.characters),
            "reasons": list(reading.evidence),
            "words": [
                [
                    word.start,
                    word.end,
                    *word.box,
                    *([word.alternatives] if word.alternatives else []),
                ]
                for word in reading.words
            ]
            or None,
        }
        for name, reading in fields.items()
    ]
    if rows:
        conn.execute(insert(paper.reading), rows)


def _place_page(conn: Connection, page: Page, form: Form | None) -> None:
    """Find the sheet that a page belongs to, or the page that it repeats."""
    # The same image again: settled at once, unless the first one's sheet is void.
    if (twin := find_page_with_same_bytes(conn, page)) and not is_sheet_void(
        conn, load_page(conn, twin).sheet or twin
    ):
        _update_page(conn, page.id, duplicate_of=twin, settled=True)
        return
    # Without a code, or of an unknown form: a sheet of its own.
    if not _is_identified(page, form):
        sheet = page.id
    # The same side of the same serial: a person says whether it is the same paper.
    elif (
        page.serial
        and (other := find_page_of_same_side(conn, page))
        and not replace_original(conn, page, other)
    ):
        _update_page(conn, page.id, duplicate_of=other.id)
        return
    # The other side of a photocopied form may be of any copy, and a page on a void sheet would be
    # done without being seen: both are kept apart.
    elif page.serial and (is_photocopied(conn, page) or is_sheet_void(conn, page.serial)):
        sheet = page.id
    else:
        sheet = page.serial or page.id
    _update_page(conn, page.id, sheet=sheet)
    make_entries(conn, replace(page, sheet=sheet), form)


def is_sheet_void(conn: Connection, sheet: str) -> bool:
    """Return whether a sheet has entries and all of them are void.

    A page that is added to such a sheet would be done at once, without being seen.
    """
    entries = list_sheet_entries(conn, sheet)
    return bool(entries) and all(entry.voided is not None for entry in entries)


def make_entries(conn: Connection, page: Page, form: Form | None) -> None:
    """Make the entries of the sheet that a page has just been added to.

    What was decided without the page is reviewed again.
    """
    defaults = _entry_defaults(page, form)
    # An unidentified page is one entry: a free note.
    if form is None or not _is_identified(page, form):
        _add_row_entries(conn, page, form, [None])
        apply_priorities(conn, defaults.sheet)
        return
    readings, sheet_pages = load_page_reading(conn, page.id), list_sheet_pages(conn, defaults.sheet)
    # What was decided without this page may be wrong.
    if is_written(form, readings) and len(sheet_pages) > 1:
        reopen_sheet(conn, defaults.sheet)
    # All pages, not only the new one: entries of several pages may have been deleted when one of
    # them was replaced (`duplicates.replace_original`).
    for sheet_page in sheet_pages:
        _add_row_entries(
            conn, sheet_page, form, find_filled_rows(form, load_page_reading(conn, sheet_page.id))
        )
    set_queue_places(
        conn,
        form,
        defaults.sheet,
        {
            name: reading
            for sheet_page in sheet_pages
            for name, reading in load_page_reading(conn, sheet_page.id).items()
        },
    )


def add_parts(conn: Connection, page: Page, rows: Sequence[int]) -> list[str]:
    """Make an entry, a free note, of each of these parts of a page without a form."""
    add_entries(conn, _entry_defaults(page, None), rows)
    apply_priorities(conn, page.sheet or page.id)
    return [make_entry_id(page.sheet or page.id, row) for row in rows]


def _is_identified(page: Page, form: Form | None) -> bool:
    return form is not None and page.form == form.id


def _add_row_entries(
    conn: Connection, page: Page, form: Form | None, rows: Iterable[int | None]
) -> None:
    """Make the entries of these rows, each for the client that it was printed for, if any."""
    issued = find_issued_sheet(conn, page.serial)
    defaults = _entry_defaults(page, form)
    readings = load_page_reading(conn, page.id)
    for row in rows:
        number = form.meaning(Meaning.CLIENT_PID, row) if form else None
        # Where a number is optional and written all the same, the entry is about a client.
        is_number_written = (
            number is not None
            and number.name in readings
            and readings[number.name].state is not State.EMPTY
        )
        subject = Subject.CLIENT.value if is_number_written else defaults.subject
        client_pid = printed_client_pid(issued, number, row)
        add_entries(conn, replace(defaults, client_pid=client_pid, subject=subject), [row])


def _entry_defaults(page: Page, form: Form | None) -> NewEntry:
    """Return what all entries of a page have in common."""
    form_facts = (form.id, form.version, form.criticality) if form else (*FREE_NOTE_FORM, "A")
    subject = form.subject.value if form else Subject.CLIENT.value
    return NewEntry(
        page.sheet or page.id,
        page.serial,
        page.id,
        *form_facts,
        page.unit,
        None,
        form_area(form),
        subject,
    )


def _update_page(conn: Connection, page_id: str, **values: Any) -> None:  # noqa: ANN401 - columns of many types
    conn.execute(update(_page_table).where(_page_table.c.id == page_id).values(values))
