"""The figures of Läge as a file: one line a figure, so that nothing has to be guessed from where a number stands. In Swedish, for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pipeline.burn_down import SWEDEN
from pipeline.export.csv_file import write_table
from pipeline.overview import Overview

HEADER = ("tidpunkt", "vad", "enhet", "blankett", "klass", "grupp", "värde")
_Line = tuple[str, str, str, str, str, str]


def overview_csv(found: Overview, now: datetime) -> bytes:
    """The file: `;`, UTF-8 with byte order mark, CRLF, decimal comma."""
    at = f"{now.astimezone(SWEDEN):%Y-%m-%d %H:%M}"
    return write_table(HEADER, [(at, *line) for line in _lines(found)])


def _lines(found: Overview) -> Iterator[_Line]:
    for page in found.pages:
        counts = {"in": page.pages, "klara": page.done, "väntar": page.waiting, "misslyckade": page.failed}
        yield from (("sidor", page.unit, page.form, "", name, str(value)) for name, value in counts.items())
    for entry in found.entries:
        yield "poster", entry.unit, entry.form, entry.criticality, f"{entry.state.value}, {entry.age} dagar", str(entry.count)
    for unit in found.units:
        yield "poster inte införda", unit.unit, "", "", "", str(unit.entries)
        yield "personer med klass A inte införd", unit.unit, "", "A", "", str(unit.persons_a)
        yield "äldsta händelse inte införd", unit.unit, "", "", "", unit.oldest_event or ""
    for name, counted in found.due.items():
        yield from (("poster med lagfrist", name, "", "", _DUE[group], str(value)) for group, value in counted.items())
    for criticality, (confirmed, twice) in found.second_checked.items():
        yield "bekräftade", "", "", criticality, "", str(confirmed)
        yield "bekräftade av två", "", "", criticality, "", str(twice)
    for sheet in found.sheets:
        counts = {"utlämnade": sheet.issued, "åter": sheet.back, "oanvända": sheet.unused, "saknas": sheet.missing}
        yield from (("ark", sheet.unit, sheet.form, "", name, str(value)) for name, value in counts.items())
    for run in found.silent_runs:
        yield "poster utan kvittens", "", "", "", f"{run.target} {run.id}", str(run.entries)
    for day in found.behind:
        yield from (("dag", "", "", "", f"{day.day} {name}", str(n)) for name, n in (("in", day.made), ("klara", day.ended), ("kvar", day.open)))
    for name, days in (("snabbast", found.outlook.optimistic), ("troligt", found.outlook.middle), ("långsammast", found.outlook.pessimistic)):
        yield "dagar kvar", "", "", "", name, "" if days is None else str(days)
    tempo = found.tempo
    for name, value in (("per fält", tempo.seconds_a_field), ("per post", tempo.seconds_an_entry)):
        yield "sekunder", "", "", "", name, _decimal(value)
    yield "timmar kvar vid skärmen", "", "", "", "", _decimal(tempo.hours_left)


_DUE = {"over": "passerad", "today": "i dag", "tomorrow": "i morgon", "3": "2–3 dagar", "7": "4–7 dagar", "later": "senare"}


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}".replace(".", ",")
