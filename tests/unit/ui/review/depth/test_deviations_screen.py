"""Bara avvikelser on the screen: only what deviates is asked, and the sheet must be looked at."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pipeline.domain.form.form import Form, load_form
from pipeline.domain.model import EntryState, Value
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import load_entry
from pipeline.store.paper import pages
from tests.support.image_folder import folder_of
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, NURSE, UNIT
from tests.unit.ui.conftest import OpenScreen

SAID: dict[str, Value] = {
    "personnummer": CLIENTS[0].pid,
    "datum": "2021-12-18",
    "skribent": "Nina Berglund",
    "rad1_insats": "Alvedon",
    "rad1_tid": "08:00",
    "rad1_dag1": "nb",
    "rad1_dag3": "nb",
}
"""On the second day nobody has signed."""


def field(name: str, kind: str, box: list[float], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": name, "label": name.capitalize(), "kind": kind, "box": box, **more}


@pytest.fixture
def form(store: Store) -> Form:
    """A list of one drug and three days, a form of the municipality's own."""
    line = {"group": "Rad 1"}
    pid = {"format": "personnummer", "critical": True, "required": True, "means": "client_pid"}
    day = {"format": "date", "critical": True, "required": True, "means": "event_date"}
    boxes = [
        field(
            f"rad1_dag{n}",
            "initials",
            [90 + 20 * n, 90, 14, 8],
            planned_by="rad1_tid",
            codes=[{"value": "1", "label": "ej given"}],
            **line,
        )
        for n in (1, 2, 3)
    ]
    fields = [
        field("personnummer", "digits", [15, 46, 66, 8], **pid),
        field("datum", "digits", [100, 46, 44, 8], **day),
        field("skribent", "text", [15, 66, 80, 8], means="author_name"),
        field("rad1_insats", "text", [15, 90, 60, 8], **line),
        field("rad1_tid", "digits", [80, 90, 22, 8], format="time", **line),
        *boxes,
    ]
    head = {"id": "egen-lista", "version": 1, "title": "Lista", "area": "HSL", "criticality": "A"}
    more = {"law": [{"ref": "PDL", "source": "SFS"}], "entries": "sheet", "depth": "deviations"}
    path = folder_of(store).folder.parent / "forms" / "egen-lista" / "form.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(head | more | {"pages": [{"fields": fields}]}), "utf-8")
    return load_form(path)


@pytest.fixture
def entry_id(store: Store, form: Form) -> str:
    """The list, scanned and read."""
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 1", ADMINISTRATOR.login)
    return seeding.add_sheet(store, form, batch, 1, SAID, {})


def test_only_the_head_and_what_deviates_is_asked_and_the_rest_is_looked_at(
    store: Store, entry_id: str, open_screen: OpenScreen
) -> None:
    bench = Bench(open_screen(NURSE, "review"))
    assert "rad1_dag2" in bench.names
    assert not {"rad1_dag1", "rad1_dag3"} & set(bench.names)
    for name in ("personnummer", "datum"):
        bench.type(name, str(SAID[name]))
    bench.type("rad1_dag2", "-").save()
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.REVIEW
    assert "sett det" in bench.card["warning"]
    bench.save(looked=True)
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is not EntryState.REVIEW
        answered = decided_answers(conn, entry_id)
    assert "rad1_dag2" in answered
    assert "rad1_dag1" not in answered


@pytest.mark.usefixtures("entry_id")
def test_a_box_that_the_machine_missed_can_be_added(open_screen: OpenScreen) -> None:
    bench = Bench(open_screen(NURSE, "review"))
    assert "rad1_dag3" in [option["value"] for option in bench.card["add"]["options"]]
    assert "rad1_dag3" in bench.act("add", name="rad1_dag3").names


@pytest.mark.parametrize(
    ("typed", "said", "then"),
    [
        ("9", "Koderna är 1 = ej given", EntryState.REVIEW),
        ("NB", "initialer betyder att dosen är given", EntryState.SECOND),
    ],
)
def test_another_code_is_refused_and_initials_are_asked_about_once(
    store: Store, entry_id: str, open_screen: OpenScreen, typed: str, said: str, then: EntryState
) -> None:
    bench = Bench(open_screen(NURSE, "review"))
    head = {name: str(SAID[name]) for name in ("personnummer", "datum")}
    for name, text in (head | {"rad1_dag2": typed}).items():
        bench.type(name, text)
    bench.save(looked=True)
    assert said in bench.errors()["rad1_dag2"]
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.REVIEW
    bench.save(looked=True)
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is then


def test_each_planned_line_of_a_month_is_shown_whole_without_what_the_machine_read(
    store: Store, form: Form, open_screen: OpenScreen
) -> None:
    path = folder_of(store).folder.parent / "forms" / form.id / "form.yaml"
    described = yaml.safe_load(path.read_text("utf-8"))
    page = described["pages"][0]
    page["fields"] = [one for one in page["fields"] if not one["name"].startswith("rad1")]
    lines = {"prefix": "rad", "label": "Rad", "count": 2, "x": 15, "top": 90}
    size = {"width": 180, "height": 8.5}
    own = [
        field("insats", "text", [6, 0, 33, 8]),
        field("tid", "text", [41, 0, 13, 8], format="time"),
    ]
    box = field("dag", "initials", [56, 0, 7, 8], planned_by="tid")
    days = {"first": 1, "last": 3, "pitch": 7.8, "codes": [{"value": "1", "label": "ej given"}]}
    page["grids"] = [{**lines, **size, "fields": own, "days": {**days, "field": box}}]
    path.write_text(yaml.safe_dump(described), "utf-8")
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 1", ADMINISTRATOR.login)
    seeding.add_sheet(store, load_form(path), batch, 1, SAID, {})
    bench = Bench(open_screen(NURSE, "review"))
    (strip,) = bench.card["strips"]
    assert [cell["day"] for cell in strip["cells"]] == ["", "", "1", "2", "3"]
    assert {key for cell in strip["cells"] for key in cell} == {"name", "day", "crop"}
    assert strip["codes"] == "1 ej given"
    assert "rad1_dag2" in bench.names
    assert "rad1_dag1" not in bench.names
