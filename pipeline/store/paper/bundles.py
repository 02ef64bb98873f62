"""Bundles of paper: a cover sheet (försättsblad) describes the pages after it in a scanned batch.

It says where the paper is, and how many sheets there should be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from pipeline.domain.form.confidence import UNREVIEWED_VALUE_FROM
from pipeline.domain.form.form import COVER_SHEET
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Outcome, Person, State
from pipeline.forms.fiducials import format_serial
from pipeline.store.paper import pages as paper_pages
from pipeline.store.schema import paper
from pipeline.texts import text

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
    """A bundle as its cover sheet describes it.

    `stated_sheets` is the number of sheets on the cover (None: not known), `found_sheets` those
    that follow it in the batch. `unread_pages` of it are still to be read.
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
        """Where the paper is, in Swedish words as records have them."""
        number = text("bundle.number", "sv", number=self.number) if self.number else ""
        cover = text("bundle.cover_sheet", "sv", serial=format_serial(self.serial))
        return ", ".join(filter(None, (self.unit, self.day, number, cover)))

    @property
    def is_complete(self) -> bool | None:
        """Whether as many sheets have come as the cover says; None while that is not known."""
        return (
            None
            if self.stated_sheets is None or self.unread_pages
            else self.found_sheets == self.stated_sheets
        )


def describe_bundle_places(conn: Connection, pages: Collection[str]) -> dict[str, str]:
    """Return the bundle in words for each of these pages that follows a cover sheet."""
    ids = sorted(pages)
    places: dict[str, str] = {}
    for start in range(0, len(ids), _MAX_IDS):
        chunk = set(ids[start : start + _MAX_IDS])
        # The batches of these pages; their other pages give the bundles.
        batches = set(
            conn.execute(select(_page_table.c.batch).where(_page_table.c.id.in_(chunk))).scalars()
        )
        for bundle, members in _find_bundles(conn, batches):
            places |= {page: bundle.place for page in members if page in chunk}
    return places


def list_bundles(conn: Connection, person: Person) -> list[Bundle]:
    """Return the bundles of the person's units, by unit, day and number.

    Raises:
        NotAllowedError: the person may not see metrics.
    """
    require_permission(person, Action.PROGRESS)
    # Batches with a cover sheet of these units; they may have bundles of other units too.
    covers = select(_page_table.c.batch).where(
        _page_table.c.form == COVER_SHEET,
        _page_table.c.unit.in_(sorted(permitted_units(person, Action.PROGRESS))),
    )
    bundles = [
        bundle
        for bundle, _ in _find_bundles(conn, set(conn.execute(covers).scalars()))
        if bundle.unit in permitted_units(person, Action.PROGRESS)
    ]
    return sorted(
        bundles, key=lambda bundle: (bundle.unit, bundle.day, bundle.number, bundle.serial)
    )


def _find_bundles(conn: Connection, batches: Collection[str]) -> Iterator[tuple[Bundle, list[str]]]:
    """Yield each bundle of these batches with the ids of its pages.

    Pages after another scan of a cover belong to the bundle of that cover.
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
    # All pages in the order of the paper.
    rows = conn.execute(
        pages.where(_page_table.c.batch.in_(sorted(batches))).order_by(
            _page_table.c.batch, _page_table.c.position
        )
    ).all()
    cover_values = _cover_values(conn, {_cover_sheet(row) for row in rows if _is_cover(row)})
    # Each page belongs to the latest cover before it in its batch.
    following: dict[str, tuple[Row[Any], list[Row[Any]]]] = {}
    latest: Row[Any] | None = None
    for row in rows:
        if _is_cover(row):
            latest = row
            following.setdefault(_cover_sheet(row), (row, []))
        elif latest is not None and latest.batch == row.batch:
            following[_cover_sheet(latest)][1].append(row)
    for sheet, (cover, members) in following.items():
        yield (
            _build_bundle(cover, members, cover_values.get(sheet, {})),
            [page.id for page in members],
        )


def _is_cover(row: Row[Any]) -> bool:
    return row.form == COVER_SHEET and row.serial is not None


def _cover_sheet(cover: Row[Any]) -> str:
    """Return the cover's sheet; a second scan of one has none."""
    return str(cover.sheet or cover.serial)


def _build_bundle(cover: Row[Any], pages: list[Row[Any]], values: Mapping[str, str]) -> Bundle:
    """Return the bundle of a cover and the pages after it."""
    # Blank pages are no sheets; an attached page is paper of its own.
    sheets = {
        page.sheet if page.serial else page.id
        for page in pages
        if page.sheet is not None and page.outcome != Outcome.BLANK.value
    }
    count = values.get(_COUNT_FIELD, "")
    unread = sum(page.state == paper_pages.STATE_QUEUED for page in pages)
    bundle = Bundle(
        cover.serial,
        cover.unit,
        values.get(_DAY_FIELD, ""),
        values.get(_NUMBER_FIELD, ""),
        None,
        len(sheets),
        unread,
        cover.batch,
    )
    return replace(bundle, stated_sheets=int(count)) if count.isdecimal() else bundle


def _cover_values(conn: Connection, sheets: Collection[str]) -> dict[str, dict[str, str]]:
    """Return by sheet what its cover says.

    Confirmed values override the readings, of which only those with high confidence are used.
    """
    values: dict[str, dict[str, str]] = defaultdict(dict)
    # Readings of the covers that are used without review.
    readings = (
        select(_page_table.c.sheet, _reading_table.c.field, _reading_table.c.value)
        .join(_page_table, _page_table.c.id == _reading_table.c.page)
        .where(
            _page_table.c.sheet.in_(sorted(sheets)),
            _reading_table.c.p >= UNREVIEWED_VALUE_FROM,
            _reading_table.c.state == State.READ.value,
        )
    )
    for row in conn.execute(readings):
        values[row.sheet][row.field] = str(row.value)
    # All decided answers in order: the last one of a field holds.
    confirmed = (
        select(
            _entry_table.c.sheet,
            _decision_table.c.field,
            _decision_table.c.value,
            _decision_table.c.state,
        )
        .join(_entry_table, _entry_table.c.id == _decision_table.c.entry)
        .where(_entry_table.c.sheet.in_(sorted(sheets)))
        .order_by(_decision_table.c.id)
    )
    for answer in conn.execute(confirmed):
        is_read = answer.state == State.READ.value
        values[answer.sheet][answer.field] = str(answer.value) if is_read else ""
    return values
