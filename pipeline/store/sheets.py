"""Readings become sheets and entries. Pages of a sheet come in any order, and some come twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pipeline.access import Action
from pipeline.errors import ReviewError
from pipeline.field_spec import Meaning
from pipeline.model import Outcome, PageReading, Person, Reading, State
from pipeline.store import page_states, sight, tables
from pipeline.store.clock import utc_now
from pipeline.store.database import lock_keys
from pipeline.store.duplicates import give_up_sheet, is_copied, same_bytes, same_side, set_apart, stand_in, take_over
from pipeline.store.entries import NewEntry, add_entries, entries_of, entry_id, filled_rows, is_written, reopen
from pipeline.store.events import record
from pipeline.store.form_areas import FREE_NOTE, area_of_form
from pipeline.store.issued import issued_sheet, printed_client
from pipeline.store.pages import Page, fail_page, page, page_reading
from pipeline.store.places import note_places
from pipeline.store.pulls import raise_pulled
from pipeline.store.registers import units
from pipeline.store.written_since import rows_not_there, shows_all
from pipeline.template import Form, Forms, Subject

_page = tables.page


def save_reading(
    conn: Connection,
    page_id: str,
    reading: PageReading,
    *,
    upright_sha256: str | None,
    form: Form | None,
    reader_version: str,
    by: str = "system",
) -> None:
    """Keep what the machine read on a queued page, and make the entries of its sheet. A page that has been read stays as it is.

    Args:
        form: the form that the page's code names, None if it has no code or the form is unknown.
        upright_sha256: the page laid on its form, for showing.

    Raises:
        StoreError: there is no such page.
    """
    if reading.outcome is Outcome.FAILED:
        fail_page(conn, page_id, ", ".join(reading.problems))
        return
    before = page(conn, page_id)
    code = reading.code
    lock_keys(conn, *filter(None, (before.image_sha256, code.serial if code else None)))
    values: dict[str, Any] = {
        "state": page_states.READ,
        "outcome": reading.outcome.value,
        "rotation_deg": reading.rotation_deg,
        "residual_mm": reading.residual_mm,
        "problems": list(reading.problems),
        "upright_sha256": upright_sha256,
        "read_at": utc_now(),
        "reader_version": reader_version,
        "unit": _unit(conn, before, reading),
        "area": area_of_form(form),
    }
    if code is not None:
        values |= {"form": code.form, "version": code.version, "page_no": code.page_no, "pages": code.pages, "serial": code.serial or None}
    if not conn.execute(update(_page).where(_page.c.id == page_id, page_states.queued).values(values)).rowcount:
        return
    _save_fields(conn, page_id, reading.fields)
    record(conn, by, "read_page", page_id, unit=values["unit"], outcome=reading.outcome.value, fields=len(reading.fields))
    if reading.outcome is not Outcome.BLANK:
        _place(conn, page(conn, page_id), form)


def settle_duplicate(conn: Connection, person: Person, page_id: str, forms: Forms, *, same: bool) -> int:
    """A person says whether a second scan of a serial is the same paper, or another paper copied from the blank form and filled in by itself.

    If it is the same, other sides that stood apart because of it are laid to the sheet, and what was written on it since the first scan is reviewed.
    Answers in how many entries something was.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
        ReviewError: the page is no open duplicate.
    """
    found = page(conn, page_id)
    sight.require_page(conn, person, Action.PROBLEMS, found)
    form = forms.get((found.form or "", found.version or 0))
    more = rows_not_there(conn, found, form) if same else ()
    values: dict[str, Any] = {"settled": True} if same and not more else {"sheet": page_id}
    if not conn.execute(update(_page).where(_page.c.id == page_id, page_states.unsettled_duplicate).values(values)).rowcount:
        raise ReviewError("page_no_open_duplicate")
    record(conn, person.login, "settle_duplicate", page_id, unit=found.unit, same=same)
    if form is not None and more and shows_all(conn, found) and stand_in(conn, found, page(conn, found.duplicate_of or "")):
        _update(conn, page_id, sheet=found.serial, duplicate_of=None)
        make_entries(conn, replace(found, sheet=found.serial), form)
        _lay_together(conn, found, forms)
    elif form is not None and more:
        _add(conn, replace(found, sheet=page_id), form, more)
        note_places(conn, form, page_id, page_reading(conn, page_id))
    elif same:
        _lay_together(conn, found, forms)
    else:
        make_entries(conn, replace(found, sheet=page_id), form)
    return len(more)


def _lay_together(conn: Connection, settled: Page, forms: Forms) -> None:
    lock_keys(conn, settled.serial or settled.id)
    for side in set_apart(conn, settled):
        if not is_copied(conn, side):
            give_up_sheet(conn, side)
            _place(conn, replace(side, sheet=None), forms.get((side.form or "", side.version or 0)))


def settle_empty(conn: Connection, person: Person, page_id: str) -> None:
    """A person has seen that nothing is written on this sheet.

    Raises:
        NotAllowedError: the person may not handle problems of this unit.
        ReviewError: the page is not one that was taken for empty.
    """
    found = page(conn, page_id)
    sight.require_page(conn, person, Action.PROBLEMS, found)
    if not conn.execute(update(_page).where(_page.c.id == page_id, page_states.empty_sheet).values(settled=True)).rowcount:
        raise ReviewError("page_not_taken_empty")
    record(conn, person.login, "settle_empty", page_id, unit=found.unit)


def add_row(conn: Connection, person: Person, page_id: str, row: int | None, forms: Forms) -> str:
    """Make an entry of a row that the machine took for empty; answers with its id.

    Raises:
        NotAllowedError: the person may not review this unit.
        ReviewError: the page has no such row.
    """
    found = page(conn, page_id)
    sight.require_page(conn, person, Action.REVIEW, found)
    form = forms.get((found.form or "", found.version or 0))
    if form is None or found.sheet is None or row not in form.rows():
        raise ReviewError("page_no_such_row")
    conn.execute(update(_page).where(_page.c.id == page_id).values(settled=False))
    _add(conn, found, form, [row])
    note_places(conn, form, found.sheet, page_reading(conn, page_id))
    record(conn, person.login, "add_row", entry_id(found.sheet, row), unit=found.unit)
    return entry_id(found.sheet, row)


def sheet_pages(conn: Connection, sheet: str) -> list[Page]:
    """The pages of a sheet that have come, by page number."""
    query = select(_page).where(_page.c.sheet == sheet).order_by(_page.c.page_no, _page.c.id)
    return [Page.of(row) for row in conn.execute(query).mappings()]


def missing_pages(conn: Connection, sheet: str) -> tuple[int, ...]:
    """Numbers of the pages of a sheet that have not come, also of one that is known by its page, as a copy is. An unidentified page misses none."""
    return missing_among(sheet_pages(conn, sheet))


def missing_among(found: Iterable[Page]) -> tuple[int, ...]:
    """As `missing_pages`, when the pages that have come are known."""
    pages = [page for page in found if page.outcome is Outcome.READ]
    count = max((p.pages or 1 for p in pages), default=0)
    return tuple(sorted(set(range(1, count + 1)) - {p.page_no or 1 for p in pages}))


def _unit(conn: Connection, before: Page, reading: PageReading) -> str:
    """The unit that the sheet was printed for; else, or if nobody here is of that unit, the one that scanned it."""
    issued = issued_sheet(conn, reading.code.serial) if reading.code and reading.code.serial else None
    return issued.unit if issued and issued.unit in units(conn) else before.unit


def _save_fields(conn: Connection, page_id: str, fields: Mapping[str, Reading]) -> None:
    rows = [
        {
            "page": page_id,
            "field": name,
            "value": read.value,
            "p": read.p,
            "state": read.state.value,
            "alternatives": [list(pair) for pair in read.alternatives],
            "characters": list(read.characters),
            "reasons": list(read.reasons),
            "words": [[word.start, word.end, *word.box] for word in read.words] or None,
        }
        for name, read in fields.items()
    ]
    if rows:
        conn.execute(insert(tables.reading), rows)


def _place(conn: Connection, read: Page, form: Form | None) -> None:
    """Find the sheet that a page belongs to, or the page that it repeats."""
    if (twin := same_bytes(conn, read)) and not is_void(conn, page(conn, twin).sheet or twin):
        _update(conn, read.id, duplicate_of=twin, settled=True)
        return
    if not _identified(read, form):
        sheet = read.id
    elif read.serial and (other := same_side(conn, read)) and not take_over(conn, read, other):
        _update(conn, read.id, duplicate_of=other.id)
        return
    elif read.serial and (is_copied(conn, read) or is_void(conn, read.serial)):
        sheet = read.id  # nobody can tell whose other side it is, or nobody would see it with what is void
    else:
        sheet = read.serial or read.id
    _update(conn, read.id, sheet=sheet)
    make_entries(conn, replace(read, sheet=sheet), form)


def is_void(conn: Connection, sheet: str) -> bool:
    """Whether a sheet has had entries, and all of them are void: a page laid to it would be done at once, unseen."""
    there = entries_of(conn, sheet)
    return bool(there) and all(one.voided is not None for one in there)


def make_entries(conn: Connection, read: Page, form: Form | None) -> None:
    """Make the entries of the sheet that a page has just been laid to; what was decided without the page is reviewed anew."""
    common = _common(read, form)
    if form is None or not _identified(read, form):
        _add(conn, read, form, [None])
        raise_pulled(conn, common.sheet)
        return
    readings, pages = page_reading(conn, read.id), sheet_pages(conn, common.sheet)
    if is_written(form, readings) and len(pages) > 1:
        reopen(conn, common.sheet)
    for side in pages:  # an entry of several pages may have been given up with one of them (`take_over`)
        _add(conn, side, form, filled_rows(form, page_reading(conn, side.id)))
    note_places(conn, form, common.sheet, {name: read for page in pages for name, read in page_reading(conn, page.id).items()})


def _identified(read: Page, form: Form | None) -> bool:
    return form is not None and read.form == form.id


def _add(conn: Connection, read: Page, form: Form | None, rows: Iterable[int | None]) -> None:
    """Make the entries of these rows, each for the client that it was printed for, if any."""
    issued, common = issued_sheet(conn, read.serial) if read.serial else None, _common(read, form)
    readings = page_reading(conn, read.id)
    for row in rows:
        number = form.meaning(Meaning.CLIENT_PID, row) if form else None
        written = number is not None and number.name in readings and readings[number.name].state is not State.EMPTY
        subject = Subject.CLIENT.value if written else common.subject  # where a number may be left out and is not, it is about somebody
        add_entries(conn, replace(common, client_pid=printed_client(issued, number, row), subject=subject), [row])


def _common(read: Page, form: Form | None) -> NewEntry:
    known = (form.id, form.version, form.criticality) if form else (*FREE_NOTE, "A")
    subject = form.subject.value if form else Subject.CLIENT.value
    return NewEntry(read.sheet or read.id, read.serial, read.id, *known, read.unit, None, area_of_form(form), subject)


def _update(conn: Connection, page_id: str, **values: Any) -> None:  # noqa: ANN401 - columns of many types
    conn.execute(update(_page).where(_page.c.id == page_id).values(values))
