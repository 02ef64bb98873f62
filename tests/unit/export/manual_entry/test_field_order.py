"""Where entries are keyed in, the order of fields there, and what is copied and printed of them."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Role
from pipeline.export.manual_entry.block import build_block
from pipeline.export.manual_entry.field_order import load_field_order, save_field_order
from pipeline.export.manual_entry.one_list import find_destination, with_field_orders
from pipeline.export.manual_entry.printed_list import running_text
from pipeline.export.runs import ExportContext
from pipeline.store.event_log.events import list_events
from pipeline.store.schema.clock import utc_now
from tests.support.store import export_examples as examples
from tests.support.store.ward import person

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

SYSTEM, FORM = "Patientjournal", "hsl-anteckning"
BOSS = person("anders", Role.ADMINISTRATOR)


@pytest.mark.parametrize(
    ("form", "area", "route", "title"),
    [
        ("hsl-anteckning", "HSL", ("", ""), "Patientjournal, HSL"),
        ("matvarden", "HSL", ("", ""), "Patientjournal, HSL"),
        (
            "bistandsbeslut",
            "SoL",
            ("", ""),
            "Verksamhetssystem för omsorgen, Handläggning, SoL",
        ),
        ("social-anteckning", "LSS", ("", ""), "Verksamhetssystem för omsorgen, LSS"),
        ("social-anteckning", "SoL", ("Systemet", "Utförare"), "Systemet, Utförare, SoL"),
    ],
)
def test_an_entry_is_keyed_in_where_its_route_or_the_table_of_systems_says(
    form: str, area: str, route: tuple[str, str], title: str
) -> None:
    assert find_destination(form, area, *route).title == title


@pytest.mark.both_databases
def test_an_arranged_order_holds_for_its_form_and_system_and_is_logged(
    office: ExportContext,
) -> None:
    (item,) = examples.items(examples.record(fields={"anteckning": "Ny.", "plan": "I morgon."}))
    fields = load_field_order(office, BOSS, SYSTEM, FORM)
    assert [field.name for field in fields if field.own] == ["handelsedatum", "handelsetid"]
    arranged = sorted(fields, key=lambda field: field.name != "plan")
    said = [(field.name, field.name == "plan") for field in arranged]
    save_field_order(office, BOSS, (SYSTEM, FORM), said, utc_now())
    assert load_field_order(office, BOSS, SYSTEM, FORM)[0].own
    with office.store.read() as conn:
        here, elsewhere = (
            build_block(item, with_field_orders(conn, examples.terms("skriv-in"), system))
            for system in (SYSTEM, "Annat")
        )
        (event,) = [one for one in list_events(conn, FORM) if one.action == "key_in_order"]
    assert event.subject == FORM
    assert here.own_rows == (here.rows[0],)
    assert here.rows[0][1] == "I morgon."
    assert elsewhere.rows[0][1] != "I morgon."
    assert set(here.rows) == set(elsewhere.rows)
    assert "I morgon." not in here.note_text
    assert all(text in here.whole_text for _, text in here.rows)


def test_an_order_has_every_field_of_its_form_once(office: ExportContext) -> None:
    fields = [(field.name, False) for field in load_field_order(office, BOSS, SYSTEM, FORM)]
    for wrong in (fields[1:], [*fields, fields[0]], [*fields[1:], ("annat", False)]):
        with pytest.raises(ExportError, match="other fields"):
            save_field_order(office, BOSS, (SYSTEM, FORM), wrong, utc_now())


def test_short_fields_run_on_and_a_long_one_stands_alone() -> None:
    long = "Såret ser bra ut. " * 6
    rows = [("Typ", "Besök"), ("Insats", "HSL"), ("Anteckning", long)]
    rows += [("Plan", "Ny omläggning."), ("Yrke", "ssk")]
    assert running_text(rows) == [
        "Typ: Besök; Insats: HSL",
        f"Anteckning: {long}",
        "Plan: Ny omläggning. Yrke: ssk",
    ]
