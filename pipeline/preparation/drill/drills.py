"""Make a drill, read its scan, and remember its result.

A drill is a file of the workspace (`drills/<id>.json`): its sheets with test values, and the counts
of its result. No image and nothing that a person wrote is kept.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, is_allowed, require_permission
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.files.atomic import write_private
from pipeline.forms.letterhead import find_logo
from pipeline.preparation.drill.pages import print_drill
from pipeline.preparation.drill.sheets import (
    DrillResult,
    DrillSheet,
    judge_sheets,
    make_drill_form,
    make_drill_sheets,
)
from pipeline.preparation.form_editor.uploads import load_pages
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.reading.read_page import PageReader
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record
from pipeline.store.schema.clock import utc_now

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
    with store.recording_denials():
        require_permission(person, Action.PACK, unit)
    day = today_in_sweden()
    drill_id = f"{day.isoformat()}-{secrets.token_hex(3)}"
    drill = Drill(drill_id, unit, day, person.login, tuple(make_drill_sheets(forms, day)))
    paper = print_drill(about_drill(settings, drill), forms, drill.sheets)
    _save(settings, drill)
    with store.begin() as conn:
        record(conn, person.login, "make_drill", drill.id, unit=unit, sheets=len(drill.sheets))
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
    with store.recording_denials():
        require_permission(person, Action.PACK, drill.unit)
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
    with store.begin() as conn:
        record(
            conn,
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
