"""Bundles of paper: a cover sheet (försättsblad) says where the pages after it in a scanned stack are found, and how many sheets there should be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from pipeline.access import Action, require
from pipeline.confidence import UNREVIEWED_VALUE_FROM
from pipeline.fiducials import shown_serial
from pipeline.model import Outcome, Person, State
from pipeline.own_forms import COVER
from pipeline.store import page_states, tables

_page, _entry, _reading, _decision = tables.page, tables.entry, tables.reading, tables.decision
_DAY, _NUMBER, _COUNT = "handelsedatum", "bunt", "antal_ark"
_MOST = 500


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle by its cover. `said` is the number of sheets that the cover gives (None: not known), `found` those that follow it in the stack.

    `unread` pages of it are still being read.
    """

    serial: str
    unit: str
    day: str
    number: str
    said: int | None
    found: int
    unread: int
    batch: str

    @property
    def place(self) -> str:
        """Where the paper is, in words."""
        which = f"bunt {self.number}" if self.number else ""
        return ", ".join(filter(None, (self.unit, self.day, which, f"försättsblad {shown_serial(self.serial)}")))

    @property
    def complete(self) -> bool | None:
        """Whether as many sheets have come as the cover says; None as long as that is not known."""
        return None if self.said is None or self.unread else self.found == self.said


def bundle_places(conn: Connection, pages: Collection[str]) -> dict[str, str]:
    """For each of these pages that follows a cover sheet: its bundle, in words."""
    ids = sorted(pages)
    found: dict[str, str] = {}
    for start in range(0, len(ids), _MOST):
        some = set(ids[start : start + _MOST])
        batches = set(conn.execute(select(_page.c.batch).where(_page.c.id.in_(some))).scalars())
        for bundle, members in _bundles(conn, batches):
            found |= {page: bundle.place for page in members if page in some}
    return found


def bundles(conn: Connection, person: Person) -> list[Bundle]:
    """The bundles of the person's units, by unit, day and number.

    Raises:
        NotAllowedError: the person may not see figures.
    """
    require(person, Action.PROGRESS)
    covers = select(_page.c.batch).where(_page.c.form == COVER, _page.c.unit.in_(sorted(person.units)))
    found = [bundle for bundle, _ in _bundles(conn, set(conn.execute(covers).scalars())) if bundle.unit in person.units]
    return sorted(found, key=lambda one: (one.unit, one.day, one.number, one.serial))


def _bundles(conn: Connection, batches: Collection[str]) -> Iterator[tuple[Bundle, list[str]]]:
    """Each bundle of these stacks with the ids of its pages; what follows another scan of a cover lies in the bundle of that cover."""
    columns = (_page.c.id, _page.c.batch, _page.c.serial, _page.c.sheet, _page.c.unit, _page.c.form, _page.c.outcome, _page.c.state)
    pages: Select[Any] = select(*columns)
    rows = conn.execute(pages.where(_page.c.batch.in_(sorted(batches))).order_by(_page.c.batch, _page.c.position)).all()
    said = _said(conn, {_sheet(row) for row in rows if _is_cover(row)})
    following: dict[str, tuple[Row[Any], list[Row[Any]]]] = {}
    latest: Row[Any] | None = None
    for row in rows:
        if _is_cover(row):
            latest = row
            following.setdefault(_sheet(row), (row, []))
        elif latest is not None and latest.batch == row.batch:
            following[_sheet(latest)][1].append(row)
    for sheet, (cover, members) in following.items():
        yield _bundle(cover, members, said.get(sheet, {})), [page.id for page in members]


def _is_cover(row: Row[Any]) -> bool:
    return row.form == COVER and row.serial is not None


def _sheet(cover: Row[Any]) -> str:
    """The cover's sheet; a second scan of one is on none."""
    return str(cover.sheet or cover.serial)


def _bundle(cover: Row[Any], pages: list[Row[Any]], said: Mapping[str, str]) -> Bundle:
    sheets = {page.sheet for page in pages if page.sheet is not None and page.outcome != Outcome.BLANK.value}
    count = said.get(_COUNT, "")
    unread = sum(page.state == page_states.QUEUED for page in pages)
    known = Bundle(cover.serial, cover.unit, said.get(_DAY, ""), said.get(_NUMBER, ""), None, len(sheets), unread, cover.batch)
    return replace(known, said=int(count)) if count.isdecimal() else known


def _said(conn: Connection, sheets: Collection[str]) -> dict[str, dict[str, str]]:
    """By sheet, what its cover says: as confirmed, or, until somebody has, what the machine is sure of."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    sure = select(_page.c.sheet, _reading.c.field, _reading.c.value).join(_page, _page.c.id == _reading.c.page)
    for row in conn.execute(
        sure.where(_page.c.sheet.in_(sorted(sheets)), _reading.c.p >= UNREVIEWED_VALUE_FROM, _reading.c.state == State.READ.value)
    ):
        found[row.sheet][row.field] = str(row.value)
    confirmed = select(_entry.c.sheet, _decision.c.field, _decision.c.value, _decision.c.state)
    confirmed = confirmed.join(_entry, _entry.c.id == _decision.c.entry).where(_entry.c.sheet.in_(sorted(sheets))).order_by(_decision.c.id)
    for one in conn.execute(confirmed):
        found[one.sheet][one.field] = str(one.value) if one.state == State.READ.value else ""
    return found
