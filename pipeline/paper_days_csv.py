"""Paper by unit and day, and the sheets that are missing, as files: one line a day, or a sheet. In Swedish, for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.export.csv_file import write_table
from pipeline.fiducials import as_printed
from pipeline.store.accounting import MissingSheet
from pipeline.store.paper_days import Paper, PaperDays
from pipeline.swedish_time import SWEDEN

HEADER = ("enhet", "dag", "ark", "poster", "besök på papper", "planerade besök", "planerade pass", "bedömning")
MISSING_HEADER = ("enhet", "blankett", "löpnummer", "utskrivet", "förifyllt")
SAID = {Paper.NONE: "inget papper", Paper.SHORT: "färre än planerat", Paper.THERE: "papper finns", Paper.IDLE: "inget planerat"}


def paper_days_csv(found: PaperDays) -> bytes:
    """The file: `;`, UTF-8 with byte order mark, CRLF."""
    counts = (found.counts[unit, day] for unit in found.units for day in found.days)
    rows = [(c.unit, c.day, *map(_said, (c.sheets, c.entries, c.visits, c.planned_visits, c.planned_shifts)), SAID[c.paper]) for c in counts]
    return write_table(HEADER, rows)


def missing_csv(missing: Iterable[MissingSheet]) -> bytes:
    """The file of missing sheets, in the order given."""
    rows = [
        (m.unit or "okänd enhet", m.form, as_printed(m.serial), f"{m.issued_at.astimezone(SWEDEN):%Y-%m-%d}", "ja" if m.prefilled else "nej")
        for m in missing
    ]
    return write_table(MISSING_HEADER, rows)


def _said(count: int | None) -> str:
    return "" if count is None else str(count)
