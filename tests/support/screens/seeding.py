"""A small workspace for the tests of the screens, built with the functions that the program itself
uses. All persons are invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from pipeline.domain.form.confidence import CLIENT_MAX_P
from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.form.form import Area, Depth, Form, Forms, Subject
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    Client,
    Image,
    IssuedSheet,
    Outcome,
    PageReading,
    Person,
    Reading,
    Role,
    SheetCode,
    State,
    Value,
    WordBox,
)
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT, Settings
from pipeline.export.runs import ExportContext
from pipeline.forms.fiducials import new_serial
from pipeline.forms.field_types import FieldType
from pipeline.forms.printing import Sheet
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.form_editor.drawn_boxes import replace_box
from pipeline.preparation.form_editor.outline_edits import add_item
from pipeline.preparation.form_editor.trial import make_trial_form
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.review import decisions
from pipeline.review.signing import Signing
from pipeline.store.accounts import own_choices, people
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import queue
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import load_entry, make_entry_id
from pipeline.store.entries.entry_depth import set_unit_depth
from pipeline.store.paper import pages
from pipeline.store.paper.pages import NewPage
from pipeline.store.registers import client_register, issued_sheets
from pipeline.store.schema.clock import utc_now
from tests.support.image_folder import folder_of
from tests.support.pages.printed_elsewhere import page as unfilled
from tests.support.store.passwords import hashed
from tests.support.store.route_steps import route_to
from tests.support.store.work import work

UNIT = "Hemsjukvården Centrum"
OTHER_UNIT = "Hemtjänsten Norr"
PASSWORD = "papper och penna"
UNITS = frozenset({UNIT, OTHER_UNIT})
AREAS = frozenset({"HSL", "SoL"})
ADMINISTRATOR = Person("anna", "Anna Sundin", "administratör", Role.ADMINISTRATOR, UNITS, ALL_AREAS)
NURSE = Person("nina", "Nina Berglund", "sjuksköterska", Role.REVIEWER, UNITS, AREAS)
COLLEAGUE = Person("omar", "Omar Ek", "sjuksköterska", Role.REVIEWER, UNITS, AREAS)
MANAGER = Person("carl", "Carl Wiklund", "enhetschef", Role.MANAGER, UNITS, ALL_AREAS)
REGISTRAR = Person("rita", "Rita Lund", "registrator", Role.REGISTRAR, UNITS, ALL_AREAS)
SYSTEM_ADMINISTRATOR = Person(
    "sven", "Sven Dahl", "systemförvaltare", Role.SYSTEM_ADMINISTRATOR, frozenset(), frozenset()
)
LOG_REVIEWER = Person(
    "lova", "Lova Ståhl", "dataskyddssamordnare", Role.LOG_REVIEWER, frozenset(), frozenset()
)
STAFF = (ADMINISTRATOR, NURSE, COLLEAGUE, MANAGER, REGISTRAR, SYSTEM_ADMINISTRATOR, LOG_REVIEWER)
CLIENTS = (
    Client("193001016595", "Elsa Fjällberg", UNIT),
    Client("189002099811", "Gunnar Ågren", UNIT),
)
NOTE: Mapping[str, Value] = {
    "personnummer": CLIENTS[0].pid,
    "namn": "Elsa Fjällberg",
    "handelsedatum": "2021-12-18",
    "handelsetid": "09:40",
    "kontakttyp": "besok",
    "information": True,
    "anteckning": "Hembesök. Såret på vänster fot läker fint.\nLägger om enligt ordination.",
    "plan": "Ny omläggning på måndag.",
    "skribent": "Nina Berglund",
    "yrkestitel": "ssk",
    "underskrift": True,
}


@cache
def forms() -> Forms:
    """The forms of the project, which no test changes."""
    return Forms.load(ROOT / "forms")


def settings(store: Store) -> Settings:
    """The settings of a workspace made by `make_store`."""
    return Settings(workspace=folder_of(store).folder.parent)


def make_store(workspace: Path) -> Store:
    """An empty workspace with its units, staff, clients and routes. Nobody is new here: the guide
    is closed.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    store = open_store(Settings(workspace=workspace), create=True)
    with store.begin() as conn:
        client_register.save_units(conn, {UNIT: "HSL", OTHER_UNIT: "SoL"})
        client_register.save_clients(conn, CLIENTS)
        for person in STAFF:
            people.save_person(conn, person, hashed(PASSWORD))
            own_choices.close_guide(conn, person.login, utc_now())
    route_to(ExportContext(store, settings(store), forms()), "rivta", "khsl")
    return store


def add_drafts(store: Store) -> tuple[Draft, Draft]:
    """A draft of a form of sections and rows, and one drawn on a blank."""
    own = settings(store)
    start = actions.NewFormInfo("Nattrond", Area.HSL, Subject.CLIENT)
    outline = actions.begin_outline_draft(store, own, forms(), ADMINISTRATOR, start)
    fields = (("Sov", FieldType.CHOICE), ("Puls", FieldType.NUMBER), ("Larmade", FieldType.MARK))
    data = outline.data
    for label, sort in fields:
        data = add_item(data, 2, label, sort)
    outline = actions.change_draft(store, ADMINISTRATOR, outline, data)
    blank = cv2.imencode(".png", unfilled("Gammal rondlista", 3))[1].tobytes()
    started = actions.NewFormInfo("Gammal rondlista", Area.HSL, Subject.CLIENT)
    drawn = actions.begin_drawing_draft(
        store, own, forms(), ADMINISTRATOR, started, blank, "blankett.png"
    )
    data = drawn.data
    # The boxes of the paper are proposed in this order.
    for box_id, label in enumerate(("Klar", "Personnummer", "Datum"), start=1):
        data = replace_box(data, box_id, label=label)
    return outline, actions.change_draft(store, ADMINISTRATOR, drawn, data)


def filled_trial(form: Form) -> bytes:
    """A scan (PNG) of a trial sheet on which a person has written."""
    picture, rng = (
        render_sheet_page(make_trial_form(form), Sheet(new_serial())),
        np.random.default_rng(5),
    )
    values = {name: value for name, value in NOTE.items() if name in form.by_name} | {
        "sov": "ja",
        "puls": "72",
        "larmade": True,
    }
    return cv2.imencode(
        ".png", fill_field(picture, form.pages[0], values, make_writers(1, seed=3)[0], rng)
    )[1].tobytes()


def add_notes(store: Store, count: int, **changed: Value) -> list[str]:
    """Filled journal notes, scanned and read; answers with the ids of their entries. `changed` is
    what the machine read wrongly.
    """
    form = forms()["hsl-anteckning", 1]
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 1", ADMINISTRATOR.login)
    return [
        add_sheet(store, form, batch, position, NOTE, changed) for position in range(1, count + 1)
    ]


def confirm_two_clients(store: Store) -> list[str]:
    """A confirmed journal note of each of the first two clients; answers with their entries."""
    other = CLIENTS[1]
    values = {**NOTE, "personnummer": other.pid, "namn": other.name}
    entries = [
        *add_notes(store, 1),
        add_sheet_of(store, forms()["hsl-anteckning", 1], values),
    ]
    for entry_id, said in zip(entries, (NOTE, values), strict=True):
        confirm(store, NURSE, entry_id, said, sign=True)
    return entries


def add_sheet_of(
    store: Store,
    form: Form,
    values: Mapping[str, Value],
    unit: str = UNIT,
    changed: Mapping[str, Value] = MappingProxyType({}),
) -> str:
    """A filled sheet of any form, all its pages scanned and read; answers with the id of its entry;
    of a list that of no row. `changed` is what the machine read wrongly.
    """
    with store.begin() as conn:
        batch = pages.create_batch(conn, unit, "Pärm 1", ADMINISTRATOR.login)
    return add_sheet(store, form, batch, 1, values, changed, unit)


def add_visits(
    store: Store,
    rows: tuple[int, ...],
    changed: Mapping[str, Value] = MappingProxyType({}),
    p: float | None = None,
) -> str:
    """A visit list in which something is written in these rows; answers with its serial."""
    form, serial = forms().latest("besokslista"), new_serial()
    values: dict[str, Value] = {
        "datum": "2021-12-18",
        "skribent": "Nina Berglund",
        "underskrift": True,
    }
    for row in rows:
        values |= {
            f"rad{row:02d}.personnummer": CLIENTS[1].pid,
            f"rad{row:02d}.start": f"{row:02d}:30",
            f"rad{row:02d}.dusch": True,
        }
    with store.begin() as conn:
        issued_sheets.save_issued_sheets(
            conn, [IssuedSheet(serial, form.id, form.version, OTHER_UNIT)], ADMINISTRATOR.login
        )
        batch = pages.create_batch(conn, OTHER_UNIT, "Pärm 3", ADMINISTRATOR.login)
    read_page(store, form, serial, batch, 1, values, changed, p=p)
    return serial


def add_visit_lists(store: Store, count: int, odd: str = "") -> list[str]:
    """Full visit lists, all showers and nothing else, certainly read; answers with the ids of their
    entries. In the `odd` field nothing is written. The unit types them as a whole, as groups need.
    """
    form, ids = forms().latest("besokslista"), list[str]()
    values: dict[str, Value] = {
        "datum": "2021-12-18",
        "skribent": "Nina Berglund",
        "underskrift": True,
    }
    for row in form.rows():
        values |= {
            f"rad{row:02d}.personnummer": CLIENTS[1].pid,
            f"rad{row:02d}.start": f"{row:02d}:30",
            f"rad{row:02d}.dusch": True,
        }
    with store.begin() as conn:
        batch = pages.create_batch(conn, OTHER_UNIT, "Pärm 4", ADMINISTRATOR.login)
        set_unit_depth(conn, forms(), MANAGER, OTHER_UNIT, form.id, Depth.FULL, utc_now())
    for position in range(1, count + 1):
        serial = new_serial()
        with store.begin() as conn:
            issued_sheets.save_issued_sheets(
                conn, [IssuedSheet(serial, form.id, form.version, OTHER_UNIT)], ADMINISTRATOR.login
            )
        there = {name: value for name, value in values.items() if position > 1 or name != odd}
        read_page(store, form, serial, batch, position, there, values, p=0.995)
        ids += [make_entry_id(serial, row) for row in form.rows()]
    return ids


def confirm(
    store: Store,
    person: Person,
    entry_id: str,
    values: Mapping[str, Value] = NOTE,
    *,
    sign: bool = False,
    known: Forms | None = None,
) -> None:
    """Decide an entry as `person` would who reads the paper right; with `sign`, the author of
    `NOTE` then signs it. `known` are all forms.
    """
    known = known or forms()
    with store.begin() as conn:
        view = queue.open_claimed_entry(conn, known, person, entry_id, queue.ClaimTerms(utc_now()))
        answers = {
            field.spec.name: answer(field.spec, values) for field in view.fields if field.is_open
        }
        decisions.decide_entry(
            conn,
            known,
            person,
            decisions.Decision(entry_id, view.entry.revision, answers),
            utc_now() + timedelta(seconds=1),
        )
    if sign:
        sign_note(store, entry_id, known)


def sign_note(store: Store, entry_id: str, known: Forms | None = None) -> None:
    """The author of `NOTE` signs it."""
    with store.begin() as conn:
        work(Signing, conn, NURSE, utc_now(), forms=known or forms()).sign(
            entry_id, load_entry(conn, entry_id).revision
        )


def answer(spec: FieldSpec, values: Mapping[str, Value]) -> Answer:
    """What a person answers for a field of a sheet that says `values`."""
    value = values.get(spec.name)
    return Answer(None, State.EMPTY) if value in (None, False) else Answer(value)


def add_sheet(
    store: Store,
    form: Form,
    batch: str,
    position: int,
    values: Mapping[str, Value],
    changed: Mapping[str, Value],
    unit: str = UNIT,
) -> str:
    serial = new_serial()
    with store.begin() as conn:
        issued_sheets.save_issued_sheets(
            conn, [IssuedSheet(serial, form.id, form.version, unit)], ADMINISTRATOR.login
        )
    for page_no in range(1, len(form.pages) + 1):
        read_page(
            store, form, serial, batch, position + page_no - 1, values, changed, page_no=page_no
        )
    return f"{serial}-00"


def read_page(
    store: Store,
    form: Form,
    serial: str,
    batch: str,
    position: int,
    values: Mapping[str, Value],
    changed: Mapping[str, Value],
    *,
    page_no: int = 1,
    shade: int = 255,
    p: float | None = None,
) -> None:
    upright = store.images.put(jpeg(_written(form, serial, page_no, values, shade)))
    readings = {
        spec.name: _reading(spec, {**values, **changed})
        for spec in form.pages[page_no - 1].all_fields
    }
    readings = (
        readings
        if p is None
        else {name: replace(reading, p=p) for name, reading in readings.items()}
    )
    reading = PageReading(
        Outcome.READ,
        SheetCode(form.id, form.version, page_no, len(form.pages), serial),
        0.0,
        0.1,
        (),
        readings,
    )
    with store.begin() as conn:
        page = pages.add_page(
            conn,
            NewPage(batch, position, "bunt.pdf", position, upright, upright, "image/jpeg"),
            ADMINISTRATOR.login,
        )
        sheets.save_page_reading(
            conn, page, reading, upright_sha256=upright, form=form, reader_version="test"
        )


def _reading(spec: FieldSpec, values: Mapping[str, Value]) -> Reading:
    value = values.get(spec.name)
    if value in (None, False):
        return Reading.empty(0.995, False if spec.kind is Kind.MARK else None)
    doubtful = spec.name == "anteckning" and isinstance(value, str)
    characters = (
        tuple(0.55 if place in {12, 13, 30} else 0.97 for place in range(len(value)))
        if doubtful and isinstance(value, str)
        else ()
    )
    words = (
        tuple(_places(spec, value)) if spec.kind is Kind.LINES and isinstance(value, str) else ()
    )
    p = 0.7 if doubtful else CLIENT_MAX_P if spec.means is Meaning.CLIENT_PID else 0.995
    return Reading(value, p, State.READ, characters=characters, words=words)


def _places(spec: FieldSpec, text: str) -> Iterator[WordBox]:
    """About where the words are: a row of the paper for each line, and room for each
    character; one of them may be something else.
    """
    x, y, _, h = spec.box
    high = h / (spec.lines or 1)
    for found in re.finditer(r"\S+", text):
        line = text.count("\n", 0, found.start())
        column = found.start() - (text.rfind("\n", 0, found.start()) + 1)
        yield WordBox(
            found.start(),
            found.end(),
            (x + 2 + 2.2 * column, y + high * line, 2.2 * len(found[0]), high),
            ("spåret", "håret") if found[0] == "Såret" else (),
        )


def _written(
    form: Form, serial: str, page_no: int, values: Mapping[str, Value], shade: int
) -> Image:
    """The filled page upright, with the serial written once more at the foot: no two sheets look
    alike.
    """
    own = tuple(
        sorted(
            (spec.name, values[spec.name])
            for spec in form.pages[page_no - 1].all_fields
            if spec.name in values
        )
    )
    paper = _filled(form.model_dump_json(exclude_unset=True), page_no, own).copy()
    cv2.putText(
        paper, serial, (760, 2330), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (90, 90, 90), 1, cv2.LINE_AA
    )
    return np.minimum(paper, shade).astype(np.uint8)


@cache
def _filled(definition: str, page_no: int, values: tuple[tuple[str, Value], ...]) -> Image:
    form = Form.model_validate_json(definition)
    page = render_sheet_page(form, Sheet("0" * 8, UNIT), page_no)
    paper = fill_field(
        page, form.pages[page_no - 1], dict(values), make_writers(1, 3)[0], np.random.default_rng(3)
    )
    return np.asarray(cv2.resize(paper, (1680, 2376), interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(picture: Image) -> bytes:
    """A picture as a scanner would hand it over."""
    done, data = cv2.imencode(".jpg", picture, [int(cv2.IMWRITE_JPEG_QUALITY), 85])
    assert done
    return data.tobytes()
