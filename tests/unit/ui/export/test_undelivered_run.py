"""A run that nobody has fetched is named on the screen Export."""

from __future__ import annotations

import re

from pipeline.export.runs import ExportContext, confirm_delivery
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE
from tests.support.store.route_steps import make_run
from tests.unit.ui.conftest import OpenScreen


def test_an_export_that_nobody_has_is_said_until_it_is_fetched(
    store: Store, open_screen: OpenScreen
) -> None:
    here = ExportContext(store, seeding.settings(store), seeding.forms())
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id, sign=True)
    run = make_run(here, NURSE, "rivta", utc_now())
    assert run is not None
    undelivered = "1 fil har ingen hämtat"
    app = open_screen(NURSE, "export")
    assert any(undelivered in warning.value for warning in app.warning)
    confirm_delivery(here, NURSE, run.id, utc_now())
    assert not any(undelivered in warning.value for warning in app.run().warning)


def test_lists_to_key_in_wait_on_a_screen_of_their_own_and_say_where_they_go(
    store: Store, open_screen: OpenScreen
) -> None:
    here = ExportContext(store, seeding.settings(store), seeding.forms())
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id, sign=True)
    assert make_run(here, NURSE, "skriv-in", utc_now()) is not None
    app = open_screen(NURSE, "export")
    assert not app.warning
    assert any(re.search(r"Skriv in.+lista.+ · .+, HSL", each.value) for each in app.markdown)
