"""Socialstyrelsen's monthly files on municipal health care: KHSL1 (who has had care) and KHSL2 (which measures), HSLF-FS 2017:67.

No schema is published, so nothing but our own rules (`khsl_layout.py`) checks these files, and the columns have to be compared with the specification
that is in force. A file tells of a whole month and replaces the one that was sent before. Its layout has no place for where an entry comes from: that
stands in `underlag.csv` in the same archive, which is for the office and is not sent.
"""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import ExportError
from pipeline.export.csv_file import write_table
from pipeline.export.exporter import TEMPORARY_CLIENT, Item, Terms
from pipeline.export.khsl_layout import KhslLayout, KhslMapping, LayoutFile, Measure, load_layout
from pipeline.export.late_entry import amendment_text, late_entry_text, local
from pipeline.export.mapping import TableColumn
from pipeline.export.patient_id import series_of
from pipeline.export.sources import column_text
from pipeline.export.values import said
from pipeline.identity import PidKind, is_temporary
from pipeline.record import Record, Run
from pipeline.template import Area

HEADER = (
    "Körning",
    "Löpnummer",
    "Post",
    "Version",
    "Månad",
    "Personnummer",
    "KHSL1",
    "KHSL2",
    "Lämnas inte",
    "Efterregistrering",
    "Rättelse",
    "Makulerad",
)
UNLICENSED = "Åtgärden lämnas inte: den som skrev har ingen legitimerad yrkestitel med kod (3 §)."


@dataclass(frozen=True, slots=True)
class Row:
    """What a row of a file is about: an entry, and in KHSL2 a measure with the code of the profession."""

    item: Item
    code: str = ""
    profession: str = ""


class KhslExporter:
    """Contacts and KVÅ measures by month, in the layout of `forms/khsl.yaml`."""

    title = "Kommunal hälso- och sjukvård till Socialstyrelsen (KHSL1 och KHSL2, HSLF-FS 2017:67, utformning 2019)"
    media_type = "application/zip"
    suffix = ".zip"
    mapping = KhslMapping

    def unfit(self, record: Record, terms: Terms) -> str:
        """The register is of health care, by personal or coordination number and month."""
        mapping = terms.mapping(record.form, KhslMapping)
        if record.area != Area.HSL:
            return "Registret gäller bara hälso- och sjukvård."
        if record.event_at is None:
            return "Datum saknas. Uppgifterna lämnas för en månad."
        if is_temporary(record.client.pid):
            return TEMPORARY_CLIENT
        if series_of(record.client.pid) not in (PidKind.PERSONAL, PidKind.COORDINATION):
            return "Personnummer eller samordningsnummer saknas eller är felaktigt. Lämna uppgiften för hand."
        if not mapping.contact and not _codes(record, mapping, terms):
            return "Posten är varken en kontakt eller en åtgärd med kod (export.khsl.yaml)."
        return ""

    def month(self, record: Record, terms: Terms) -> str:
        """The month in which it happened."""
        del terms
        return month(record) if record.event_at else ""

    def notice(self, terms: Terms) -> str:
        """What the layout says of itself, as long as a column has not been checked."""
        layout = load_layout(terms.settings.forms)
        return layout.about if layout.unchecked else ""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """A ZIP archive: for each month KHSL1 and KHSL2, and the list of what they were made from.

        Raises:
            ExportError: the layout is wrong, or a cell would break its row.
        """
        layout = load_layout(terms.settings.forms)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in _files(items, run, terms, layout):
                entry = zipfile.ZipInfo(name, local(run.made_at).timetuple()[:6])
                entry.external_attr = 0o600 << 16
                archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
        return out.getvalue()


def _files(items: Sequence[Item], run: Run, terms: Terms, layout: KhslLayout) -> Iterator[tuple[str, bytes]]:
    by_month: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_month[month(item.record)].append(item)
    for each, told in sorted(by_month.items()):
        standing = [item for item in told if item.record.voided is None]
        contacts = [Row(item) for item in standing if terms.mapping(item.record.form, KhslMapping).contact]
        measures = [row for item in standing for row in _measures(item, terms, layout)]
        label = f"{each}-{layout.regulation.replace(' ', '-').replace(':', '-')}-utformning-{layout.year}.txt"
        yield f"KHSL1-{label}", rows_of(layout.khsl1, contacts, run, terms)
        yield f"KHSL2-{label}", rows_of(layout.khsl2, measures, run, terms)
    yield "underlag.csv", write_table(HEADER, [_basis(item, run, terms, layout) for item in items])


def rows_of(file: LayoutFile, rows: Sequence[Row], run: Run, terms: Terms) -> bytes:
    """The file: cells parted by semicolons, no header, CRLF; where it is of persons, each row once.

    Raises:
        ExportError: a cell holds a semicolon or a line end, or the last one is empty and must not be.
    """
    lines = [";".join(_cells(file, row, run, terms)) for row in rows]
    if file.rows == "person":
        lines = list(dict.fromkeys(lines))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _cells(file: LayoutFile, row: Row, run: Run, terms: Terms) -> list[str]:
    own = {"month": month(row.item.record).replace("-", ""), "measure.code": row.code, "measure.profession": row.profession}
    cells = []
    for column in file.columns:
        if column.source in own:
            cells.append(own[column.source])
        else:
            found = TableColumn(title=column.title, source=column.source, constant=column.constant)
            cells.append(column_text(found, row.item, run, terms))
        if set(cells[-1]) & set(";\r\n"):
            raise ExportError("cell_column_holds_semicolon_line", title=column.title)
    if not cells[-1] and not file.last_may_be_empty:
        raise ExportError("last_column_empty_row_would", title=file.columns[-1].title)
    return cells


def month(record: Record) -> str:
    """`ÅÅÅÅ-MM`, the month in which care was given."""
    if record.event_at is None:
        raise ValueError("a record without a day is unfit and must not come here")
    return f"{local(record.event_at):%Y-%m}"


def _codes(record: Record, mapping: KhslMapping, terms: Terms) -> list[str]:
    return [measure.code for measure in mapping.measures if _holds(record, measure, terms)]


def _holds(record: Record, measure: Measure, terms: Terms) -> bool:
    if not measure.field:
        return True
    value = said(record, measure.field, terms.forms)
    return ({True: "ja", False: "nej"}[value] if isinstance(value, bool) else value) == measure.value


def _measures(item: Item, terms: Terms, layout: KhslLayout) -> list[Row]:
    profession = layout.professions.get(item.record.author_title.strip().casefold(), "")
    codes = _codes(item.record, terms.mapping(item.record.form, KhslMapping), terms)
    return [Row(item, code, profession) for code in codes] if profession else []


def _basis(item: Item, run: Run, terms: Terms, layout: KhslLayout) -> list[str]:
    """A line of the list: what became of an entry, where it comes from, and what is corrected."""
    record, mapping = item.record, terms.mapping(item.record.form, KhslMapping)
    standing = record.voided is None
    told = [row.code for row in _measures(item, terms, layout)] if standing else []
    left_out = UNLICENSED if standing and not told and _codes(record, mapping, terms) else ""
    contact = "ja" if mapping.contact and standing else "nej"
    start = [run.id, str(item.number), record.entry_id, str(record.revision), month(record), record.client.pid, contact, " ".join(told), left_out]
    return [*start, late_entry_text(record, terms.settings), amendment_text(item), record.voided or ""]
