"""Every kind of target: no seeded value is ever in a file."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from pipeline.domain.form.field import Kind
from pipeline.domain.model import (
    EntryState,
    IssuedSheet,
    Outcome,
    PageReading,
    Reading,
    SheetCode,
    State,
    Value,
)
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.review import decisions
from pipeline.review.seeded_errors import last_missed_field, with_seeded_error
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry, make_entry_id
from pipeline.store.entries.sheet_entries import save_page_reading
from pipeline.store.exports.ready_entries import list_ready_entries
from pipeline.store.exports.records import load_records
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from pipeline.store.registers.issued_sheets import save_issued_sheets
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import plant
from tests.support.pages.small_pages import foreign_page
from tests.support.store.export_examples import FORM_OF, FORMS, MADE_AT, NEEDED_FIELDS, SIV
from tests.support.store.export_office import ANNA, PER, agree, paying, sign
from tests.support.store.route_steps import make_run
from tests.support.store.targets import TARGETS

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


TYPED = {"aktiviteter"}
"""On a signing list whatever a plant could be in is typed."""


def _said(target: str, column: str, kind: Kind) -> Value:
    values: dict[str, Value] = {
        "personnummer": SIV.pid,
        "namn": SIV.name,
        "skribent": "Gun Ek",
        "kontakttyp": "besok",
        "omrade": "hsl",
    }
    values |= dict.fromkeys(("handelsedatum", "datum"), "2021-12-17") | dict.fromkeys(
        ("handelsetid", "tid", "start"), "08:15"
    )
    values |= {
        "anteckning": "Såret på höger fot läker. Gav 75 ml.",
        "anmarkning": "mätt på höger arm",
        "slut": "08:45",
    }
    values |= {
        "arende": "Klagomål på städning",
        "clearing": "3300",
        "konto": "1234567",
        "belopp": "4500",
        "manad": "202112",
        "utfall": "bifall",
    }
    values |= {"beslutsdatum": "2021-12-17", "summa": "4500", "andamal1_belopp": "4500"} | dict(
        NEEDED_FIELDS.get(target, {})
    )
    otherwise: dict[Kind, Value] = {
        Kind.SIGNATURE: True,
        Kind.TEXT: "Gav 75 ml",
        Kind.LINES: "Gav 75 ml",
    }
    return values.get(column, otherwise.get(kind))


def _reading(value: Value, kind: Kind) -> Reading:
    return (
        Reading(value, 0.995, State.READ)
        if value
        else Reading.empty(0.995, False if kind is Kind.MARK else None)
    )


def _scan(office: ExportContext, target: str, number: int) -> str:
    form, serial = FORMS[FORM_OF[target], 1], f"PLANT{number:03d}"
    row = form.rows()[0]
    specs = asked_fields(form, row)
    readings = {
        spec.name: _reading(_said(target, spec.column, spec.kind), spec.kind) for spec in specs
    }
    code = SheetCode(form.id, form.version, 1, 1, serial)
    picture = office.store.images.put(foreign_page(number))
    with office.store.begin() as conn:
        save_issued_sheets(conn, [IssuedSheet(serial, form.id, form.version, "Norr")], "bo")
        new = NewPage(
            create_batch(conn, "Norr", "pärm 3", "bo"), 1, "a.pdf", 1, None, picture, "image/png"
        )
        save_page_reading(
            conn,
            add_page(conn, new, "bo"),
            PageReading(Outcome.READ, code, fields=readings),
            upright_sha256=None,
            form=form,
            reader_version="1",
        )
    return make_entry_id(serial, row)


def _confirm_what_is_shown(office: ExportContext, target: str, entry: str) -> bool:
    """A person who types what has to be typed and confirms the rest unseen, until the entry is
    confirmed; answers whether a plant was missed.
    """
    missed = False
    for _ in range(2):
        with office.store.begin() as conn:
            view = with_seeded_error(
                conn,
                ANNA,
                queue.open_claimed_entry(conn, FORMS, ANNA, entry, queue.ClaimTerms(utc_now())),
                1.0,
                utc_now(),
            )
            given = {}
            for field in view.fields:
                if field.is_open and field.spec.kind is not Kind.PRINTED:
                    value = _said(target, field.spec.column, field.spec.kind)
                    true = Answer(value) if value else Answer(None, State.EMPTY)
                    given[field.spec.name] = (
                        Answer(field.reading.value, field.reading.state) if field.reading else true
                    )
            state = decisions.decide_entry(
                conn, FORMS, ANNA, decisions.Decision(entry, view.entry.revision, given), utc_now()
            )
            missed |= last_missed_field(conn, ANNA, entry) is not None
        if state is EntryState.SECOND:  # of a list of payments another person sees what is critical
            known = {
                spec.column: _said(target, spec.column, spec.kind)
                for spec in asked_fields(view.form, view.entry.row)
            }
            agree(
                office,
                entry,
                view.form.id,
                **{
                    column: value
                    for column, value in known.items()
                    if isinstance(value, str | bool)
                },
            )
            return missed
        if state is EntryState.CONFIRMED:
            sign(office, entry)
            return missed
    raise AssertionError(state)


@pytest.mark.parametrize("target", TARGETS)
def test_who_confirms_everything_unseen_still_exports_what_was_read(
    office: ExportContext, target: str
) -> None:
    form = FORMS[FORM_OF[target], 1]
    made = [_scan(office, target, number) for number in range(4)]
    missed = [_confirm_what_is_shown(office, target, entry) for entry in made]
    assert all(missed) is (target not in TYPED)
    with office.store.read() as conn:
        for record in load_records(
            conn, office.forms, list_ready_entries(conn, office.forms, ANNA)
        ):
            for spec in asked_fields(form, record.row):
                true = _said(target, spec.column, spec.kind)
                assert record.fields[spec.column] == (
                    true or (False if spec.kind is Kind.MARK else None)
                )
    run = make_run(paying(office), replace(ANNA, units=frozenset({"Norr"})), target, MADE_AT)
    assert run is not None
    assert run.entries == len(made)


@pytest.mark.parametrize("target", TARGETS)
def test_an_entry_with_an_open_plant_is_in_no_run(office: ExportContext, target: str) -> None:
    made = _scan(office, target, 1)
    _confirm_what_is_shown(office, target, made)
    office = paying(office)
    with office.store.begin() as conn:
        row = {
            "entry": made,
            "login": PER.login,
            "field": "x",
            "value": "x",
            "state": "read",
            "start": 0,
            "end": 0,
            "shown_at": utc_now(),
        }
        conn.execute(plant.insert().values(row))
    assert make_run(office, ANNA, target, MADE_AT) is None
    with office.store.begin() as conn:
        assert load_entry(conn, made).state in (EntryState.CONFIRMED, EntryState.SIGNED)
        conn.execute(update(plant).values(outcome="withdrawn"))
    run = make_run(office, ANNA, target, MADE_AT)
    assert run is not None
    assert fetch_run_file(office, ANNA, run.id).data
