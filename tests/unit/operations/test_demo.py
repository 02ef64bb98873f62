"""The demo workspace: made once, continued after a kill, never doubled."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from pipeline.cli import demo as command
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, find_signing_profession, is_allowed
from pipeline.domain.settings import ROOT, Settings
from pipeline.operations import demo
from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from pipeline.store.schema.registers import issued_sheet as issued
from tests.support.store.databases import revert_to_baseline
from tests.support.store.outstanding import list_outstanding
from tests.support.store.passwords import logged_in

pytestmark = pytest.mark.slow

ISSUED = tuple(
    csv.DictReader(
        (ROOT / "data" / "samples" / "utlamnade.csv").read_text("utf-8").splitlines(), delimiter=";"
    )
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The demo's store in a folder of the test."""
    demo.prepare_workspace(tmp_path)
    return demo.prepare_store(Settings(workspace=tmp_path))


def test_everybody_can_log_in_and_every_sheet_is_accounted_for(store: Store) -> None:
    for account in demo.DEMO_ACCOUNTS:
        assert logged_in(store, account.person.login, demo.DEMO_PASSWORD) == account.person
    with store.begin() as conn:
        outstanding = {sheet.serial for sheet in list_outstanding(conn)}
    assert outstanding == {row["löpnummer"] for row in ISSUED}


def test_a_second_run_takes_nothing_in_again(store: Store) -> None:
    demo.scan_samples(store, lambda _: None)
    first = demo.count_demo_pages(store)
    demo.scan_samples(store, lambda _: None)
    assert demo.count_demo_pages(store) == first == 134


def test_taking_in_that_was_cut_short_is_continued(store: Store) -> None:
    def cut(_pages: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.scan_samples(store, cut)
    demo.scan_samples(store, lambda _: None)
    assert demo.count_demo_pages(store) == 134


def test_the_settings_say_when_the_outage_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.prepare_workspace(tmp_path)
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    assert Settings(workspace=tmp_path).outage_start == datetime(2021, 12, 16, 3)


def test_the_demo_keeps_to_a_database_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    care = tmp_path / "care.db"
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", f"sqlite:///{care}")
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "care"))
    monkeypatch.setattr(command, "DEMO_WORKSPACE", tmp_path / "demo")
    monkeypatch.setattr(command, "scan_samples", lambda *_: None)
    monkeypatch.setattr(command, "work", lambda **_: None)
    monkeypatch.setattr(command, "status", lambda: None)
    command.demo(headless=True, processes=1)
    assert not care.exists()


def test_the_demo_of_an_earlier_version_is_upgraded(tmp_path: Path, store: Store) -> None:
    with store.begin() as conn:
        revert_to_baseline(conn)
    store.close()
    again = demo.prepare_store(Settings(workspace=tmp_path))
    with again.read() as conn:
        assert len(people.list_people(conn)) == len(demo.DEMO_ACCOUNTS)
    again.close()


def test_every_entry_can_be_finished_by_its_accounts(store: Store) -> None:
    """Two people review each sheet of the stack, and what has to be signed has a signer."""
    forms = Forms.load(ROOT / "forms")
    rule = forms.signing[-1]
    with store.read() as conn:
        accounts = people.list_people(conn)
        sheets = {
            tuple(row)
            for row in conn.execute(select(issued.c.form, issued.c.version, issued.c.unit))
        }
    for form_id, version, unit in sorted(sheets):
        form = forms[form_id, version]
        area = demo.AREA_BY_UNIT[unit] if form_id in rule.by_unit else form.area.value
        reviewers = [
            one.login for one in accounts if is_allowed(one, Action.REVIEW, unit, area, form_id)
        ]
        assert len(reviewers) >= 2, (form_id, unit)
        if rule.requires_signature(form, area):
            assert any(
                find_signing_profession(one, rule, form, unit, area, own=False) for one in accounts
            ), (form_id, unit)
        if form_id == "utbetalningslista":
            payers = {
                one.login for one in accounts if is_allowed(one, Action.APPROVE_PAYMENT, unit, area)
            }
            assert len(payers - set(reviewers)) >= 2
