"""Bundles of paper: a cover sheet (försättsblad) says where the pages after it in a scanned stack
are found, and how many sheets there should be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from pipeline.domain.confidence import UNREVIEWED_VALUE_FROM
from pipeline.domain.form.form import COVER_SHEET
from pipeline.domain.model import Outcome, Person, State
from pipeline.domain.permissions import Action, require_permission
from pipeline.forms.fiducials import format_serial
from pipeline.store.paper import pages as paper_pages
from pipeline.store.schema import paper

_page_table, _entry_table, _reading_table, _decision_table = (
    paper.page,
    paper.entry,
    paper.reading,
    paper.decision,
)
_DAY_FIELD, _NUMBER_FIELD, _COUNT_FIELD = "handelsedatum", "bunt", "antal_ark"
_MAX_IDS = 500


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle by its cover. `said` is the number of sheets that the cover gives (None: not known),
    `found` those that follow it in the stack.

    `unread` pages of it are still being read.
    """

    serial: str
    unit: str
    day: str
    number: str
    stated_sheets: int | None
    found_sheets: int
    unread_pages: int
    batch: str

    @property
    def place(self) -> str:
        """Where the paper is, in words."""
        which = f"bunt {self.number}" if self.number else ""
        return ", ".join(
            filter(None, (self.unit, self.day, which, f"försättsblad {format_serial(self.serial)}"))
        )

    @property
    def is_complete(self) -> bool | None:
        """Whether as many sheets have come as the cover says; None as long as that is not known."""
        return (
            None
            if self.stated_sheets is None or self.unread_pages
            else self.found_sheets == self.stated_sheets
        )


def describe_bundle_places(conn: Connection, pages: Collection[str]) -> dict[str, str]:
    """For each of these pages that follows a cover sheet: its bundle, in words."""
    ids = sorted(pages)
    found: dict[str, str] = {}
    for start in range(0, len(ids), _MAX_IDS):
        some = set(ids[start : start + _MAX_IDS])
        batches = set(
            conn.execute(select(_page_table.c.batch).where(_page_table.c.id.in_(some))).scalars()
        )
        for bundle, members in _find_bundles(conn, batches):
            found |= {page: bundle.place for page in members if page in some}
    return found


def list_bundles(conn: Connection, person: Person) -> list[Bundle]:
    """The bundles of the person's units, by unit, day and number.

    Raises:
        NotAllowedError: the person may not see figures.
    """
    require_permission(person, Action.PROGRESS)
    covers = select(_page_table.c.batch).where(
        _page_table.c.form == COVER_SHEET, _page_table.c.unit.in_(sorted(person.units))
    )
    found = [
        bundle
        for bundle, _ in _find_bundles(conn, set(conn.execute(covers).scalars()))
        if bundle.unit in person.units
    ]
    return sorted(found, key=lambda one: (one.unit, one.day, one.number, one.serial))


def _find_bundles(conn: Connection, batches: Collection[str]) -> Iterator[tuple[Bundle, list[str]]]:
    """Each bundle of these stacks with the ids of its pages; what follows another scan of a cover
    lies in the bundle of that cover.
    """
    columns = (
        _page_table.c.id,
        _page_table.c.batch,
        _page_table.c.serial,
        _page_table.c.sheet,
        _page_table.c.unit,
        _page_table.c.form,
        _page_table.c.outcome,
        _page_table.c.state,
    )
    pages: Select[Any] = select(*columns)
    rows = conn.execute(
        pages.where(_page_table.c.batch.in_(sorted(batches))).order_by(
            _page_table.c.batch, _page_table.c.position
        )
    ).all()
    said = _cover_values(conn, {_cover_sheet(row) for row in rows if _is_cover(row)})
    following: dict[str, tuple[Row[Any], list[Row[Any]]]] = {}
    latest: Row[Any] | None = None
    for row in rows:
        if _is_cover(row):
            latest = row
            following.setdefault(_cover_sheet(row), (row, []))
        elif latest is not None and latest.batch == row.batch:
            following[_cover_sheet(latest)][1].append(row)
    for sheet, (cover, members) in following.items():
        yield _build_bundle(cover, members, said.get(sheet, {})), [page.id for page in members]


def _is_cover(row: Row[Any]) -> bool:
    return row.form == COVER_SHEET and row.serial is not None


def _cover_sheet(cover: Row[Any]) -> str:
    """The cover's sheet; a second scan of one is on none."""
    return str(cover.sheet or cover.serial)


def _build_bundle(cover: Row[Any], pages: list[Row[Any]], values: Mapping[str, str]) -> Bundle:
    sheets = {
        page.sheet
        for page in pages
        if page.sheet is not None and page.outcome != Outcome.BLANK.value
    }
    count = values.get(_COUNT_FIELD, "")
    unread = sum(page.state == paper_pages.STATE_QUEUED for page in pages)
    known = Bundle(
        cover.serial,
        cover.unit,
        values.get(_DAY_FIELD, ""),
        values.get(_NUMBER_FIELD, ""),
        None,
        len(sheets),
        unread,
        cover.batch,
    )
    return replace(known, stated_sheets=int(count)) if count.isdecimal() else known


def _cover_values(conn: Connection, sheets: Collection[str]) -> dict[str, dict[str, str]]:
    """By sheet, what its cover says: as confirmed, or, until somebody has, what the machine is sure
    of.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    sure = select(_page_table.c.sheet, _reading_table.c.field, _reading_table.c.value).join(
        _page_table, _page_table.c.id == _reading_table.c.page
    )
    for row in conn.execute(
        sure.where(
            _page_table.c.sheet.in_(sorted(sheets)),
            _reading_table.c.p >= UNREVIEWED_VALUE_FROM,
            _reading_table.c.state == State.READ.value,
        )
    ):
        found[row.sheet][row.field] = str(row.value)
    confirmed = select(
        _entry_table.c.sheet,
        _decision_table.c.field,
        _decision_table.c.value,
        _decision_table.c.state,
    )
    confirmed = (
        confirmed.join(_entry_table, _entry_table.c.id == _decision_table.c.entry)
        .where(_entry_table.c.sheet.in_(sorted(sheets)))
        .order_by(_decision_table.c.id)
    )
    for one in conn.execute(confirmed):
        found[one.sheet][one.field] = str(one.value) if one.state == State.READ.value else ""
    return found
