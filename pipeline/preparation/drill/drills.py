"""Make a drill, read its scan, and remember its result.

A drill is a file of the workspace (`drills/<id>.json`): its sheets with test values, and the counts
of its result. No image and nothing that a person wrote is kept.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.law.permissions import Action, is_allowed, require_permission
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.files.atomic import write_private
from pipeline.files.sandbox_pages import load_pages
from pipeline.forms.drawing import PaperDocument
from pipeline.forms.fiducials import format_serial
from pipeline.forms.letterhead import Letterhead, find_logo
from pipeline.forms.printing import Sheet, draw_sheets
from pipeline.preparation.drill.sheets import (
    DrillResult,
    DrillSheet,
    SheetResult,
    judge_sheets,
    make_drill_form,
    make_drill_sheets,
)
from pipeline.preparation.outage_pack.pages import (
    TOP_MM,
    Column,
    PackInfo,
    begin_page,
    count_fitting_rows,
    draw_bullets,
    draw_heading,
    draw_table,
    pack_text,
    pack_texts,
)
from pipeline.reading.read_page import PageReader
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record
from pipeline.store.schema.clock import utc_now

# The paper of a drill: what to write on each sheet, the ten sheets, and the page of the result.

_ROW_MM = 6.0


def print_drill(about: PackInfo, forms: Forms, sheets: Sequence[DrillSheet]) -> bytes:
    """Print what to write, and the ten sheets."""
    title = pack_text("pack_paper.drill.document_title", unit=about.unit)
    with PaperDocument(title, about.printed_on) as paper:
        _draw_task(paper, about, forms, sheets)
        letterhead = Letterhead(about.provider, about.logo)
        for sheet in sheets:
            form = make_drill_form(forms[sheet.form, sheet.version])
            draw_sheets(paper, form, [Sheet(sheet.serial, about.unit)], letterhead)
        return bytes(paper.output())


def _draw_task(
    paper: PaperDocument, about: PackInfo, forms: Forms, sheets: Sequence[DrillSheet]
) -> None:
    """Draw how the drill is done, and a table of what is written on which sheet."""
    rows = [
        row
        for number, sheet in enumerate(sheets, start=1)
        for row in _task_rows(number, sheet, forms[sheet.form, sheet.version])
    ]
    columns = (
        Column(pack_text("pack_paper.drill.number"), 9, align_right=True, bold=True),
        Column(pack_text("pack_paper.drill.sheet"), 66, bold=True),
        Column(pack_text("pack_paper.drill.field"), 45),
        Column(pack_text("pack_paper.drill.write"), 54, bold=True),
    )
    first = True
    while rows:
        begin_page(
            paper, about, pack_text("pack_paper.drill.title"), pack_text("pack_paper.drill.task")
        )
        top = TOP_MM - 4
        if first:
            top = draw_bullets(paper, pack_texts("pack_paper.drill.rule"), top) + 3
        first = False
        count = count_fitting_rows(top, _ROW_MM)
        draw_table(paper, columns, rows[:count], top, _ROW_MM)
        rows = rows[count:]


def _task_rows(number: int, sheet: DrillSheet, form: Form) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row a field; number and serial are in the first one, the form in the second."""
    heads = iter(((str(number), format_serial(sheet.serial)), ("", form.title)))
    for name, value in sheet.values.items():
        spec = form.by_name[name]
        if spec.options:
            option = next(one for one in spec.options if one.value == value)
            words = pack_text("pack_paper.drill.tick", label=option.label)
        elif value is True:
            words = pack_text("pack_paper.drill.tick", label=spec.label)
        else:
            is_pid = spec.cell_count == 12 and spec.traits.digits_only
            words = format_pid(str(value)) if is_pid else str(value)
        label = f"{spec.label} ({pack_text('pack_paper.drill.row')})" if spec.row else spec.label
        yield (*next(heads, ("", "")), label, words)


def print_result(about: PackInfo, result: DrillResult) -> bytes:
    """Print the result on one page."""
    with PaperDocument(pack_text("pack_paper.drill.result"), about.printed_on) as paper:
        about = replace(about, printed_on=result.at.date())
        begin_page(paper, about, pack_text("pack_paper.drill.result"), result.at.date().isoformat())
        top = draw_bullets(paper, describe_result(result), TOP_MM - 4) + 3
        columns = (
            Column(pack_text("pack_paper.drill.sheet"), 92, bold=True),
            Column(pack_text("pack_paper.drill.back"), 18),
            Column(pack_text("pack_paper.drill.right"), 20, align_right=True),
            Column(pack_text("pack_paper.drill.to_person"), 22, align_right=True),
            Column(pack_text("pack_paper.drill.wrong"), 22, align_right=True),
        )
        rows = [_result_row(sheet) for sheet in result.sheets]
        top = draw_table(paper, columns, rows, top, _ROW_MM) + 6
        top = draw_heading(paper, pack_text("pack_paper.drill.remarks"), top)
        draw_bullets(paper, describe_remarks(result), top)
        return bytes(paper.output())


def describe_result(result: DrillResult) -> list[str]:
    """Return the result in sentences."""
    counts = result.counts
    lines = [
        pack_text(
            "pack_paper.drill.sheets_back", back=result.sheets_back, sheets=len(result.sheets)
        ),
        pack_text(
            "pack_paper.drill.fields",
            right=counts.right,
            person=counts.to_person,
            wrong=counts.wrong,
            fields=counts.total,
        ),
        pack_text("pack_paper.drill.reading_time", seconds=result.reading_seconds),
    ]
    if result.minutes is not None:
        lines.append(pack_text("pack_paper.drill.minutes", minutes=result.minutes))
    return lines


def describe_remarks(result: DrillResult) -> list[str]:
    """Return what went wrong, and what to do about it; one line if nothing did."""
    remarks = [
        pack_text("pack_paper.drill.missing", sheet=sheet.title)
        for sheet in result.sheets
        if not sheet.is_back
    ]
    remarks += [
        pack_text(
            "pack_paper.drill.differs", sheet=sheet.title, fields=", ".join(sheet.wrong_labels)
        )
        for sheet in result.sheets
        if sheet.wrong_labels
    ]
    if result.unknown_pages:
        remarks.append(pack_text("pack_paper.drill.unknown", pages=result.unknown_pages))
    if result.remark:
        remarks.append(result.remark)
    return remarks or [pack_text("pack_paper.drill.no_remarks")]


def _result_row(sheet: SheetResult) -> tuple[str, ...]:
    counts = sheet.counts
    back = pack_text("pack_paper.drill.yes" if sheet.is_back else "pack_paper.drill.no")
    return (sheet.title, back, str(counts.right), str(counts.to_person), str(counts.wrong))


MAX_SCAN_PAGES = 60
_FOLDER = "drills"


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill of a unit; without a result its sheets have not come back."""

    id: str
    unit: str
    made_on: date
    by: str
    sheets: tuple[DrillSheet, ...]
    result: DrillResult | None = None


_SCHEMA = TypeAdapter(Drill)


def about_drill(settings: Settings, drill: Drill) -> PackInfo:
    """Return what the pages of a drill show."""
    return PackInfo(drill.unit, settings.care_provider, drill.made_on, find_logo(settings))


def make_drill(
    store: Store, settings: Settings, forms: Forms, person: Person, unit: str
) -> tuple[Drill, bytes]:
    """Make the ten sheets of a drill; return it with its paper. No serial of it is registered.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
        UsageError: none of the forms of the drill is in use.
    """
    store.require_permission(person, Action.PACK, unit)
    day = today_in_sweden()
    drill_id = f"{day.isoformat()}-{secrets.token_hex(3)}"
    drill = Drill(drill_id, unit, day, person.login, tuple(make_drill_sheets(forms, day)))
    paper = print_drill(about_drill(settings, drill), forms, drill.sheets)
    _save(settings, drill)
    store.change(record, person.login, "make_drill", drill.id, unit=unit, sheets=len(drill.sheets))
    return drill, paper


@dataclass(frozen=True, slots=True)
class DrillScan:
    """The scan of a drill, with what the people say of it: minutes of writing, and a remark."""

    data: bytes
    name: str
    minutes: int | None = None
    remark: str = ""


def finish_drill(
    store: Store, settings: Settings, forms: Forms, person: Person, drill: Drill, scan: DrillScan
) -> Drill:
    """Read the scan of a drill and save its result, in place of an earlier one.

    Raises:
        NotAllowedError: the person makes no packs for the drill's unit.
        EfterskriftError: the file cannot be opened.
    """
    store.require_permission(person, Action.PACK, drill.unit)
    start = time.monotonic()
    pages = load_pages(scan.data, scan.name)
    if len(pages) > MAX_SCAN_PAGES:
        raise UsageError("drill_scan_too_long", pages=len(pages), most=MAX_SCAN_PAGES)
    # A reader that knows no other forms rejects all other pages.
    reader = PageReader.of_forms(_drill_forms(forms, drill.sheets))
    readings = [reader.read(page.data or b"", page.media_type).reading for page in pages]
    sheets, unknown = judge_sheets(forms, drill.sheets, readings)
    result = DrillResult(
        utc_now(),
        sheets,
        unknown,
        round(time.monotonic() - start),
        scan.minutes,
        scan.remark,
    )
    finished = replace(drill, result=result)
    _save(settings, finished)
    store.change(
        record,
        person.login,
        "finish_drill",
        drill.id,
        unit=drill.unit,
        sheets=result.sheets_back,
        fields=result.counts.total,
        wrong=result.counts.wrong,
    )
    return finished


def _drill_forms(forms: Forms, sheets: Sequence[DrillSheet]) -> Forms:
    made = [make_drill_form(forms[sheet.form, sheet.version]) for sheet in sheets]
    return Forms({(form.id, form.version): form for form in made})


def list_drills(settings: Settings, person: Person) -> list[Drill]:
    """Return the drills of the units that the person makes packs for, the latest first.

    Raises:
        NotAllowedError: the person makes no packs.
    """
    require_permission(person, Action.PACK)
    mine = [drill for drill in _load_all(settings) if is_allowed(person, Action.PACK, drill.unit)]
    return sorted(mine, key=lambda drill: drill.id, reverse=True)


def load_drill(store: Store, settings: Settings, person: Person, drill_id: str) -> Drill:
    """Return a drill.

    Raises:
        NotAllowedError: the person makes no packs for the drill's unit.
        UsageError: there is no such drill.
    """
    with store.recording_denials():
        require_permission(person, Action.PACK)
        for drill in _load_all(settings):
            if drill.id == drill_id:
                require_permission(person, Action.PACK, drill.unit)
                return drill
    raise UsageError("no_such_drill", drill=drill_id)


def find_last_result(drills: Sequence[Drill], unit: str) -> DrillResult | None:
    """Return the latest result of a unit's drills."""
    results = [drill.result for drill in drills if drill.unit == unit and drill.result]
    return max(results, key=lambda result: result.at, default=None)


def _save(settings: Settings, drill: Drill) -> None:
    folder = settings.workspace / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    data: dict[str, Any] = asdict(drill)
    text = json.dumps(data, ensure_ascii=False, indent=1, default=_to_text)
    write_private(folder / f"{drill.id}.json", text.encode())


def _to_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _load_all(settings: Settings) -> list[Drill]:
    return [_load(path) for path in (settings.workspace / _FOLDER).glob("*.json")]


def _load(path: Path) -> Drill:
    try:
        return _SCHEMA.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError("drill_unreadable", file=path) from error
