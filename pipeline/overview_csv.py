"""The figures of Läge as a file: one line a figure, so that nothing has to be guessed from where a number stands. For spreadsheets.

The words are of the language asked for; signs (`;`, decimal comma) are what Swedish spreadsheets read, whatever the language.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from pipeline.export.csv_file import write_table
from pipeline.measured_error import ErrorFigure
from pipeline.overview import DUE, Overview
from pipeline.swedish_time import SWEDEN
from pipeline.texts import Topic, text

_COLUMNS = ("moment", "what", "unit", "form", "class", "group", "value")
_Line = tuple[str, str, str, str, str, str]


def overview_csv(found: Overview, errors: Collection[ErrorFigure], now: datetime, language: str = "sv") -> bytes:
    """The file: `;`, UTF-8 with byte order mark, CRLF, decimal comma. `errors` are the measured ones that the person may see."""
    at, say = f"{now.astimezone(SWEDEN):%Y-%m-%d %H:%M}", Topic("progress_file", language)
    lines = (*_lines(found, say), *_errors(errors, say))
    columns = [say(f"column.{name}") for name in _COLUMNS]
    return write_table(columns, [(at, *line) for line in lines])


def _lines(found: Overview, say: Topic) -> Iterator[_Line]:
    for page in found.pages:
        counts = {"in": page.pages, "done": page.done, "waiting": page.waiting, "failed": page.failed}
        yield from ((say("pages"), page.unit, page.form, "", say(name), str(value)) for name, value in counts.items())
    for entry in found.entries:
        group = say("age", state=say("void" if entry.void else f"state.{entry.state.name.lower()}"), age=entry.age)
        yield say("entries"), entry.unit, entry.form, entry.criticality, group, str(entry.count)
    for unit in found.units:
        yield say("not_entered"), unit.unit, "", "", "", str(unit.entries)
        yield say("persons_a"), unit.unit, "", "A", "", str(unit.persons_a)
        yield say("oldest"), unit.unit, "", "", "", unit.oldest_event or ""
    for unit_name, counted in found.due.items():
        yield from ((say("due"), unit_name, "", "", say(f"due.{group}"), str(counted[group])) for group in DUE)
    for criticality, (confirmed, twice) in found.second_checked.items():
        yield say("confirmed"), "", "", criticality, "", str(confirmed)
        yield say("second"), "", "", criticality, "", str(twice)
    unknown = text("progress_report.unit_unknown", say.language)
    for sheet in found.sheets:
        counts = {"issued": sheet.issued, "back": sheet.back, "unused": sheet.unused, "missing": sheet.missing}
        yield from ((say("sheets"), sheet.unit or unknown, sheet.form, "", say(name), str(value)) for name, value in counts.items())
    for run in found.silent_runs:
        yield say("silent"), "", "", "", f"{run.target} {run.id}", str(run.entries)
    yield from ((say("cut_stacks"), unit, "", "", "", str(number)) for unit, number in found.cut_stacks.items())
    yield from _work(found, say)


def _work(found: Overview, say: Topic) -> Iterator[_Line]:
    """What was done, and what is ahead."""
    for day in found.behind:
        counts = {"made": day.made, "ended": day.ended, "open": day.open}
        yield from ((say("day"), "", "", "", f"{day.day} {say(name)}", str(value)) for name, value in counts.items())
    out, tempo = found.outlook, found.tempo
    for name, days in (("fastest", out.optimistic), ("likely", out.middle), ("slowest", out.pessimistic)):
        yield say("days_left"), "", "", "", say(name), "" if days is None else str(days)
    yield say("arriving"), "", "", "", "", _decimal(found.scanned_a_day)
    for name, value in (("a_field", tempo.seconds_a_field), ("an_entry", tempo.seconds_an_entry)):
        yield say("seconds"), "", "", "", say(name), _decimal(value)
    yield say("people"), "", "", "", "", _decimal(tempo.people)
    yield say("hours_left"), "", "", "", "", _decimal(tempo.hours_left)


def _errors(errors: Collection[ErrorFigure], say: Topic) -> Iterator[_Line]:
    for one in errors:
        for name, share in (("wrong", one.wrong), ("missed", one.missed)):
            if share is not None:
                yield say(name), "", one.form, "", one.kind, str(share.wrong)
                yield say(name), "", one.form, "", f"{one.kind} {say('controlled')}".strip(), str(share.of)


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}".replace(".", ",")
