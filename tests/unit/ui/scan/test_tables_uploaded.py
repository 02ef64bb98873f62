"""Skanna takes tables: it asks which form the rows are and where unknown columns belong."""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl
from streamlit.testing.v1 import AppTest

from pipeline.store.database.store import Store
from pipeline.store.paper.intake.stacks import list_stacks
from pipeline.store.paper.pages import list_batch_pages
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR
from tests.unit.ui.conftest import OpenScreen

HEAD = ("Personnummer", "Datum", "Kl", "Rum", "Anteckning", "Skrivet av")
ROWS = (
    ("19121212-1212", "2021-12-18", "09:40", "12 b", "Sov gott.", "Omar Ek"),
    ("19121212-1212", "2021-12-19", "10:00", "12 b", "Åt frukost.", "Omar Ek"),
)
NOTE = "hsl-anteckning"


def workbook(*lines: Sequence[str]) -> bytes:
    """An xlsx file of these lines."""
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(list(line))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Choose the files and the unit, and press Ladda upp."""
    chosen = next(one for one in app.file_uploader if str(one.key).startswith("upload_files"))
    chosen.set_value([(name, data, "application/octet-stream") for name, data in files])
    app.selectbox(key="upload_unit").set_value(seeding.UNIT)
    next(one for one in app.button if one.label == "Ladda upp").click().run()
    assert not app.exception
    return app


def choose_form(app: AppTest, form_id: str) -> AppTest:
    """Answer which form the table is."""
    form = next(one for one in app.selectbox if one.label == "Vilken blankett är det?")
    form.set_value(form_id).run()
    assert not app.exception
    return app


def columns(app: AppTest) -> dict[str, str | None]:
    """What each column is said to be, by its title and first cell."""
    asked = [one for one in app.selectbox if str(one.key).startswith("table_column")]
    return {one.label: one.value for one in asked}


def pages_of(store: Store) -> list[str]:
    with store.read() as conn:
        stacks = list_stacks(conn, ADMINISTRATOR, utc_now(), 5)
        return [page.source_name for one in stacks for page in list_batch_pages(conn, one.id)]


def test_a_table_and_a_note_are_taken_in_together(store: Store, open_screen: OpenScreen) -> None:
    app = upload(
        open_screen(ADMINISTRATOR, "scan"),
        ("natten.xlsx", workbook(HEAD, *ROWS)),
        ("natten.txt", b"Lugn natt."),
    )
    assert pages_of(store) == []
    assert app.button(key="table_submit").disabled
    choose_form(app, NOTE)
    asked = columns(app)
    assert asked["Rum: 12 b"] == "*"
    assert asked["Personnummer: 19121212-1212"] == "personnummer"
    # The form also has the day on which a doctor was called
    assert asked["Datum: 2021-12-18"] == "handelsedatum"
    assert any("Datum → Datum då det hände" in one.value for one in app.markdown)
    app.button(key="table_submit").click().run()
    assert not app.exception
    assert sorted(pages_of(store)) == ["natten.txt", *["natten.xlsx.efterskrift.json"] * 4]
    assert app.success[0].value.startswith("2 filer laddades upp")
    assert "table_submit" not in [button.key for button in app.button]


def test_the_next_table_with_the_same_titles_only_needs_confirming(
    store: Store, open_screen: OpenScreen
) -> None:
    app = upload(open_screen(ADMINISTRATOR, "scan"), ("natten.xlsx", workbook(HEAD, *ROWS)))
    choose_form(app, NOTE)
    room = next(one for one in app.selectbox if one.label == "Rum: 12 b")
    room.set_value("").run()
    app.button(key="table_submit").click().run()

    app = upload(app, ("dagen.csv", ";".join(HEAD).encode() + b"\n19121212-1212;2021-12-20;;7;x;y"))
    assert not app.button(key="table_submit").disabled
    assert columns(app)["Rum: 7"] == ""
    app.button(key="table_submit").click().run()
    assert len(pages_of(store)) == 4 + 2


def test_two_columns_are_never_the_same_field(store: Store, open_screen: OpenScreen) -> None:
    app = upload(open_screen(ADMINISTRATOR, "scan"), ("natten.xlsx", workbook(HEAD, *ROWS)))
    choose_form(app, NOTE)
    room = next(one for one in app.selectbox if one.label == "Rum: 12 b")
    room.set_value("personnummer").run()
    app.button(key="table_submit").click().run()
    assert "samma fält: Personnummer" in app.error[0].value
    assert pages_of(store) == []


def test_what_is_no_table_is_named_with_what_to_do(store: Store, open_screen: OpenScreen) -> None:
    app = upload(open_screen(ADMINISTRATOR, "scan"), ("natten.xlsx", b"PK\3\4 broken"))
    assert "natten.xlsx" in app.error[0].value
    assert "inget ändrades" in app.error[0].value
    assert pages_of(store) == []


def test_cancelling_leaves_nothing_behind(store: Store, open_screen: OpenScreen) -> None:
    app = upload(open_screen(ADMINISTRATOR, "scan"), ("natten.xlsx", workbook(HEAD, *ROWS)))
    app.button(key="table_cancel").click().run()
    assert not app.exception
    assert app.selectbox(key="upload_unit") is not None
    assert "table_files" not in app.session_state
    assert pages_of(store) == []
