"""Kö: a manager pulls to the front and takes it back, without seeing any paper."""

from __future__ import annotations

from pipeline.domain.form.form import Depth
from pipeline.domain.model import PriorityKind
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry_depth import list_unit_depths
from pipeline.store.entries.queue_order import list_priorities
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, MANAGER, NURSE, UNIT
from tests.unit.ui.conftest import OpenScreen


def first(store: Store) -> str:
    """The entry that a nurse would get now."""
    with store.begin() as conn:
        view = queue.claim_next(conn, seeding.forms(), NURSE, queue.ClaimTerms(utc_now()))
        assert view is not None
        queue.release_claim(conn, NURSE, view.entry.id)
    return view.entry.id


def test_a_client_is_pulled_by_number_and_taken_back(store: Store, open_screen: OpenScreen) -> None:
    (early,) = seeding.add_notes(store, 1)
    (late,) = seeding.add_notes(store, 1, personnummer=CLIENTS[1].pid, handelsedatum="2021-12-20")
    app = open_screen(MANAGER, "queue")
    app.selectbox(key="pull_unit").set_value(UNIT)
    app.text_input(key="pull_client").input("18900209-9811")
    app.button(key="pull").click().run()
    assert not app.exception
    assert app.info[0].value == "1 post ligger nu först."
    assert first(store) == late
    with store.read() as conn:
        (held,) = list_priorities(conn, MANAGER)
    app.button(key=f"undo-{held.id}").click().run()
    assert not app.exception
    assert first(store) == early


def test_nothing_named_is_told(store: Store, open_screen: OpenScreen) -> None:
    del store
    app = open_screen(MANAGER, "queue")
    app.button(key="pull").click().run()
    assert not app.exception
    assert len(app.info) == 1


def test_a_day_and_a_unit_are_pulled(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 2)
    app = open_screen(MANAGER, "queue")
    app.segmented_control(key="pull_kind").set_value(PriorityKind.UNIT).run()
    app.selectbox(key="pull_unit").set_value(UNIT)
    app.button(key="pull").click().run()
    assert app.info[0].value == "2 poster ligger nu först."
    app.segmented_control(key="pull_kind").set_value(PriorityKind.DAY).run()
    assert not app.exception
    assert app.date_input(key="pull_day").value


def test_a_unit_chooses_how_much_of_a_form_is_typed(store: Store, open_screen: OpenScreen) -> None:
    app = open_screen(MANAGER, "queue")
    app.selectbox(key="depth_unit").set_value(UNIT)
    app.selectbox(key="depth_form").set_value("hsl-anteckning").run()
    chosen = [one for one in app.radio if str(one.key).startswith("depth_depth")]
    assert chosen[0].value is None
    chosen[0].set_value(Depth.ATTACHMENT)
    app.button(key="depth_save").click().run()
    assert not app.exception
    with store.read() as conn:
        assert list_unit_depths(conn, MANAGER) == {(UNIT, "hsl-anteckning"): Depth.ATTACHMENT}
    # The choice in force is shown, not the form's own
    chosen = [one for one in app.radio if str(one.key).startswith("depth_depth")]
    assert chosen[0].value is Depth.ATTACHMENT
