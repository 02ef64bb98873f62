"""Socialstyrelsen's monthly files on financial aid (ekonomiskt bistånd): tab-separated, CRLF, no header line, one file a month in a ZIP archive.

The month of a row is the one that the aid is for, not that of the payment. Of the layout only the first 18 columns of the one before 2017 are
public; the rest, and later years, come from the authority's own instruction, so the columns are a mapping that is edited. The file is the whole
delivery of a month: an amended row stands in it as it is now, a voided one not at all, and the month is delivered anew.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from pipeline.errors import ExportError
from pipeline.export.aid_mapping import AidColumn, AidMapping
from pipeline.export.exporter import TEMPORARY_CLIENT, Item, Terms
from pipeline.export.late_entry import local
from pipeline.identity import PidKind, age_on, is_temporary, normal_pid
from pipeline.record import Record, Run

NO_MONTH = "Månaden som biståndet avser saknas eller är ogiltig. Rapporten gäller den månad biståndet är till för, inte när det betalades."
NOT_GRANTED = "Inget bistånd är beviljat: avslag redovisas inte i månadsfilen."
NO_NUMBER = "Personnummer eller samordningsnummer saknas eller är ogiltigt."
NO_OTHER_NUMBER = "Medsökandes personnummer är ogiltigt."
NO_AMOUNT = "Beloppet saknas eller är ogiltigt."
TOO_LONG = "En uppgift är längre än filens kolumn tillåter."
_MONTH = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])")
_BREAKS = re.compile(r"[\t\r\n]+")


@dataclass(frozen=True, slots=True)
class Aid:
    """What a decision says for the statistics: the month, whole kronor, and the numbers of one or two applicants."""

    year: str
    month: str
    amount: str
    pid: str
    other: str

    @property
    def last_day(self) -> date:
        """The last day of the month, on which ages are counted."""
        first = date(int(self.year), int(self.month), 1)
        return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


class AidFileExporter:
    """Decisions on financial aid to the monthly file."""

    title = "Ekonomiskt bistånd, månadsfil (Socialstyrelsen, layout från tiden före 2017)"
    media_type = "application/zip"
    suffix = ".zip"
    mapping = AidMapping

    def unfit(self, record: Record, terms: Terms) -> str:
        """The statistics ask for a known person, a month and an amount that was granted."""
        mapping = terms.mapping(record.form, AidMapping)
        if is_temporary(record.client.pid):
            return TEMPORARY_CLIENT
        if mapping.outcome and _text(record, mapping.outcome) not in mapping.granted:
            return NOT_GRANTED
        aid = _aid(record, mapping)
        if isinstance(aid, str):
            return aid
        return TOO_LONG if any(column.width is not None and len(_cell(column, aid, record)) > column.width for column in mapping.columns) else ""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """A file a month with a row an entry, in the items' order, without those that are void.

        Raises:
            ExportError: an entry cannot be reported, or the forms of the run have different encodings.
        """
        encodings = {terms.mapping(item.record.form, AidMapping).encoding for item in items}
        if len(encodings) > 1:
            raise ExportError("mappings_target_different_encodings")
        rows: dict[str, list[str]] = {self.month(item.record, terms): [] for item in items}
        for item in items:
            if item.record.voided is None:
                rows[self.month(item.record, terms)].append(_line(item.record, terms.mapping(item.record.form, AidMapping)))
        encoding = next(iter(encodings), "iso-8859-1")
        return _packed({month: "".join(f"{line}\r\n" for line in lines).encode(encoding, "replace") for month, lines in rows.items()}, run)

    def month(self, record: Record, terms: Terms) -> str:
        """The month that the aid is for."""
        aid = _aid(record, terms.mapping(record.form, AidMapping))
        return "" if isinstance(aid, str) else f"{aid.year}-{aid.month}"

    def notice(self, terms: Terms) -> str:
        """That only a part of the layout is public."""
        layouts = {mapping.layout for mapping in terms.mappings.values() if isinstance(mapping, AidMapping)}
        return " ".join(sorted(layouts))


def _packed(files: Mapping[str, bytes], run: Run) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for month, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"ekonomiskt-bistand-{month}.txt", local(run.made_at).timetuple()[:6])
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _line(record: Record, mapping: AidMapping) -> str:
    aid = _aid(record, mapping)
    if isinstance(aid, str):
        raise ExportError("entry_not_reported", entry_id=record.entry_id)
    return "\t".join(_cell(column, aid, record) for column in mapping.columns)


def _aid(record: Record, mapping: AidMapping) -> Aid | str:
    """What is reported, or why nothing can be."""
    month = _text(record, mapping.month)
    if not _MONTH.fullmatch(month):
        return NO_MONTH
    if not _reportable(record.client.pid):
        return NO_NUMBER
    other = _text(record, mapping.other_person) if mapping.other_person else ""
    if mapping.other_person in record.illegible or (other and not _reportable(other)):
        return NO_OTHER_NUMBER
    amount = _kronor(_text(record, mapping.amount))
    if not amount:
        return NO_AMOUNT
    return Aid(month[:4], month[4:], amount, record.client.pid, other)


def _reportable(pid: str) -> bool:
    number = normal_pid(pid)
    return number.valid and number.kind in (PidKind.PERSONAL, PidKind.COORDINATION) and len(number.value12) == 12


def _kronor(text: str) -> str:
    """Whole kronor; half a krona is rounded up. Empty if it is no amount."""
    try:
        amount = Decimal(text.replace(",", "."))
        return str(amount.quantize(Decimal(1), ROUND_HALF_UP)) if amount.is_finite() and amount >= 0 else ""
    except InvalidOperation:
        return ""


def _cell(column: AidColumn, aid: Aid, record: Record) -> str:
    if column.constant is not None:
        text = column.constant
    elif column.field:
        value = record.fields.get(column.field)
        text = ("ja" if value else "nej") if isinstance(value, bool) else _text(record, column.field)
    else:
        text = _of_origin(column, aid)
    return _BREAKS.sub(" ", column.codes.get(text, text))


def _of_origin(column: AidColumn, aid: Aid) -> str:
    pid = aid.other if column.about == "other_person" else aid.pid
    if column.origin == "client.sex":
        return ("1" if int(pid[10]) % 2 else "2") if pid else ""
    if column.origin == "client.age":
        return str(age_on(pid, aid.last_day) or 0) if pid else ""
    values = {"month.year": aid.year, "month.month": aid.month, "client.pid": pid, "amount": aid.amount}
    return values.get(column.origin or "", "")


def _text(record: Record, field: str) -> str:
    """What a field says; an illegible or empty one nothing."""
    value = record.fields.get(field)
    return value.strip() if isinstance(value, str) and field not in record.illegible else ""
