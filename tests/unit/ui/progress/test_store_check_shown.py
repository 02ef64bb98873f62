"""Läge shows what the last check of the store found, and of what its numbers are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pipeline.domain.form.confidence import Share
from pipeline.domain.model import Person
from pipeline.reporting.audit.follow_up import verify_log
from pipeline.reporting.watching.alarms import Alarm, AlarmKind
from pipeline.store.database.store import Store
from pipeline.store.reports.upkeep import begin_check, save_check
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, MANAGER
from tests.unit.ui.conftest import OpenScreen
from ui.screens.progress import screen


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


@pytest.mark.parametrize(
    ("person", "names"), [(MANAGER, ["quality"]), (ADMINISTRATOR, ["scan", "export"])]
)
def test_an_alarm_leads_to_the_screens_of_a_person_where_something_can_be_done(
    open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch, person: Person, names: list[str]
) -> None:
    share = {"recent": Share(36, 400), "past": Share(18, 600)}
    alarms = [
        Alarm(AlarmKind.BACKUP_NEVER),
        Alarm(AlarmKind.PAGES_FAILING, 36, share),
        Alarm(AlarmKind.UNRECEIPTED, 2, {"days": 3}),
        Alarm(AlarmKind.DRIFT_FORM, 1, share | {"name": "hsl-anteckning"}),
        Alarm(AlarmKind.DRIFT_SCANNER, 1, share | {"name": "plan-2"}),
    ]
    monkeypatch.setattr(screen, "find_alarms", lambda *_: alarms)
    app = open_screen(person, "progress")
    assert not app.exception
    links = [each.proto for each in app.get("page_link") if each.proto.label.startswith("Öppna")]
    assert [link.page for link in links] == names


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
