"""Where a table column's value may come from: the words of `source:` in a mapping file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pipeline.errors import ExportError
from pipeline.export.exporter import Item, Terms
from pipeline.export.late_entry import amendment_text, late_entry_text, local
from pipeline.export.left_out import REST, rest_text
from pipeline.export.mapping import OF_FIELDS, TableColumn
from pipeline.export.patient_id import short_form
from pipeline.export.signatures import signature_of
from pipeline.export.values import ILLEGIBLE, decimal_comma, said, spec_of
from pipeline.field_spec import Format
from pipeline.record import Record, Run, Stamp

Get = Callable[[Item, Run, Terms], str]


def _record(get: Callable[[Record], str]) -> Get:
    return lambda item, _run, _terms: get(item.record)


def _date(moment: datetime | None) -> str:
    return f"{local(moment):%Y-%m-%d}" if moment else ""


def _clock(moment: datetime | None) -> str:
    return f"{local(moment):%H:%M}" if moment else ""


def _both(moment: datetime | None) -> str:
    return f"{_date(moment)} {_clock(moment)}".strip()


def _at(stamp: Stamp | None) -> str:
    return _both(stamp.at) if stamp else ""


def _by(stamp: Stamp | None) -> str:
    return stamp.by if stamp else ""


SOURCES: dict[str, Get] = {
    "client.pid": _record(lambda r: r.client.pid),
    "client.pid_short": lambda item, run, _terms: short_form(item.record.client.pid, local(run.made_at).date()),
    "client.name": _record(lambda r: r.client.name),
    "event.date": _record(lambda r: _date(r.event_at)),
    "event.time": _record(lambda r: "" if "event_at" in r.clock_unknown else _clock(r.event_at)),
    "written.date": _record(lambda r: _date(r.written_at)),
    "written.time": _record(lambda r: "" if "written_at" in r.clock_unknown else _clock(r.written_at)),
    "author.name": _record(lambda r: r.author),
    "author.title": _record(lambda r: r.author_title),
    "scanned.at": _record(lambda r: _at(r.scanned)),
    "scanned.by": _record(lambda r: _by(r.scanned)),
    "read.at": _record(lambda r: _both(r.read_at)),
    "read.version": _record(lambda r: r.reader_version),
    "entered.at": _record(lambda r: _at(r.entered)),
    "entered.by": _record(lambda r: _by(r.entered)),
    "verified.at": _record(lambda r: _at(r.verified)),
    "verified.by": _record(lambda r: _by(r.verified)),
    "signed.at": _record(lambda r: _at(r.signed)),
    "signed.by": _record(lambda r: _by(r.signed)),
    "entry.id": _record(lambda r: r.entry_id),
    "entry.revision": _record(lambda r: str(r.revision)),
    "entry.serial": _record(lambda r: r.serial),
    "entry.row": _record(lambda r: "" if r.row is None else str(r.row)),
    "entry.place": _record(lambda r: r.place),
    "entry.unit": _record(lambda r: r.unit),
    "entry.form": _record(lambda r: r.title),
    "entry.area": _record(lambda r: r.area),
    "entry.voided": _record(lambda r: r.voided or ""),
    "run.id": lambda _item, run, _terms: run.id,
    "run.number": lambda item, _run, _terms: str(item.number),
    "run.at": lambda _item, run, _terms: _both(run.made_at),
    "run.by": lambda _item, run, _terms: run.made_by,
    "late.text": lambda item, _run, terms: late_entry_text(item.record, terms.settings),
    "amendment.text": lambda item, _run, _terms: amendment_text(item),
    REST: lambda item, _run, terms: rest_text(item, terms),
}


def column_text(column: TableColumn, item: Item, run: Run, terms: Terms) -> str:
    """What a column says about an entry, codes applied.

    Raises:
        ExportError: the source is unknown.
    """
    if column.constant is not None:
        return column.constant
    source = column.source or ""
    text = _of_paper(item.record, source, terms) if source.startswith(OF_FIELDS) else _source(source)(item, run, terms)
    return column.codes.get(text, text)


def _of_paper(record: Record, source: str, terms: Terms) -> str:
    word, _, name = source.partition(".")
    return _field(record, name, terms) if word == "field" else _performer(record, name, terms)


def _performer(record: Record, name: str, terms: Terms) -> str:
    """Who stands for a row by its initials; where there are none that anybody could read, whoever wrote the sheet."""
    signature = signature_of(record, name, terms.staff)
    return (signature.performer if signature else "") or record.author


def known_source(source: str) -> bool:
    """Whether `source:` is a field or one of the words of `SOURCES`."""
    return source.startswith(OF_FIELDS) or source in SOURCES


def _source(name: str) -> Get:
    try:
        return SOURCES[name]
    except KeyError as error:
        raise ExportError("no_source", name=name, sources=", ".join(SOURCES)) from error


def _field(record: Record, name: str, terms: Terms) -> str:
    """The value as data, not as words: `ja`/`nej`, an option's value, a number with decimal comma and without its measure."""
    if name in record.illegible:
        return ILLEGIBLE
    value = said(record, name, terms.forms)
    if isinstance(value, bool):
        return "ja" if value else "nej"
    spec = spec_of(record, name, terms.forms)
    return decimal_comma(value or "") if spec and spec.format is Format.NUMBER else value or ""
