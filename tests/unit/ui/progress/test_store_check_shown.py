"""Läge shows what the last check of the store found, and of what its numbers are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pipeline.reporting.audit.anchors import verify_log
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.reports.store_checks import begin_check, save_check
from tests.support.screens import seeding
from tests.support.screens.seeding import MANAGER
from tests.unit.ui.conftest import OpenScreen


@pytest.mark.parametrize(("missing", "told"), [(0, "var hela"), (2, "saknas eller är skadade (2)")])
def test_the_last_check_of_the_store_is_shown(
    store: Store, open_screen: OpenScreen, missing: int, told: str
) -> None:
    with store.begin() as conn:
        begun = begin_check(conn, "a.b", utc_now())
        save_check(conn, replace(begun, files=5, missing=missing), utc_now())
    app = open_screen(MANAGER, "progress")
    assert not app.exception
    assert any(told in each.proto.body for each in app.get("html"))


def test_the_last_verification_of_the_log_is_shown(store: Store, open_screen: OpenScreen) -> None:
    verify_log(store, "a.b", [])
    app = open_screen(MANAGER, "progress")
    assert not app.exception
    assert any("var oförändrad" in each.proto.body for each in app.get("html"))


def test_the_numbers_of_a_unit_are_of_pages_and_of_entries_by_name(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 1)
    app = open_screen(MANAGER, "progress")
    assert not app.exception
    shown = " ".join(each.proto.body for each in app.get("html"))
    groups = re.findall(r'<th scope="colgroup" colspan="(\d)"[^>]*>(\w+)</th>', shown)
    assert groups == [("1", "Sidor"), ("4", "Poster")]
    titles = [heading.value for heading in app.subheader]
    assert "Poster hittills, timme för timme" in titles
