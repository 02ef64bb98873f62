"""Who may archive, how long paper is kept, and what the log says."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import update

from pipeline.domain.errors import ExportError, NotAllowedError
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.export.archive.runs import make_package, package_file
from pipeline.export.archive.sheets import longest_retention
from pipeline.export.authorities.erms.elements import ERMS_NS as ERMS
from pipeline.export.runs import ExportContext
from pipeline.store.event_log import events
from pipeline.store.event_log.queries import clients_of_subjects, log_subjects_of_client
from pipeline.store.exports import archives, originals
from pipeline.store.schema import registers
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import ARNE, FORMS, SETTINGS, SIV, record
from tests.support.store.export_office import ANNA, correct
from tests.unit.export.archive.archive_steps import (
    BO,
    NOTE,
    RUT,
    export_and_receipt,
    packed,
    scanned,
    sent,
    unpacked,
)

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


def test_who_may_not_archive_is_refused_and_a_blocked_sheet_left_out(office: ExportContext) -> None:
    sent(office, "AAAA01")
    with pytest.raises(NotAllowedError):
        make_package(office, ANNA, utc_now(), "DHP 2022-3")
    elsewhere = Person(
        "eva", "Eva", "administratör", Role.ADMINISTRATOR, frozenset({"Söder"}), ALL_AREAS
    )
    assert make_package(office, elsewhere, utc_now(), "DHP 2022-3") is None
    made = packed(office)
    with pytest.raises(NotAllowedError):
        package_file(office, elsewhere, made.id)
    with office.store.read() as conn:
        assert archives.list_packages(conn, elsewhere) == []


def test_a_sheet_with_an_entry_of_another_unit_is_not_archived_by_half(
    office: ExportContext,
) -> None:
    sent(office, "AAAA01")
    mine = Person(
        "eva", "Eva", "administratör", Role.ADMINISTRATOR, frozenset({"Norr"}), frozenset({"SoL"})
    )
    assert make_package(office, mine, utc_now(), "DHP 2022-3") is None


def test_paper_is_kept_until_an_archivist_names_a_decision(office: ExportContext) -> None:
    sent(office, "AAAA01")
    made = packed(office)
    with office.store.begin() as conn:
        before = originals.list_originals(conn, RUT, made.id)
        assert [(each.place, each.box, each.decision) for each in before] == [("pärm 3", "", "")]
        originals.save_paper_place(conn, BO, before[0].batch, "Volym 12", "Bunt 3", utc_now())
        with pytest.raises(NotAllowedError):
            originals.approve_destruction(conn, BO, made.id, "KS 2022-14", utc_now())
        with pytest.raises(ExportError, match="number"):
            originals.approve_destruction(conn, RUT, made.id, "  ", utc_now())
        originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())
        after = originals.list_originals(conn, RUT, made.id)[0]
        assert (after.box, after.bundle, after.decision) == ("Volym 12", "Bunt 3", "KS 2022-14")
        with pytest.raises(ExportError, match="already"):
            originals.approve_destruction(conn, RUT, made.id, "KS 2022-15", utc_now())
        originals.withdraw_destruction(conn, RUT, made.id, utc_now())
        assert originals.list_originals(conn, RUT, made.id)[0].decision == ""
        with pytest.raises(ExportError, match="no decision"):
            originals.withdraw_destruction(conn, RUT, made.id, utc_now())
        assert [each.action for each in events.list_events(conn, made.id)] == [
            "archive",
            "may_destroy_paper",
            "keep_paper",
        ]


def test_paper_of_a_sheet_that_changes_after_the_decision_is_kept(office: ExportContext) -> None:
    sent(office, "AAAA01", "AAAA02")
    made = packed(office)
    with office.store.begin() as conn:
        originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())
    correct(office, "AAAA02-00", "anteckning", "Såret ser dåligt ut.")
    with office.store.read() as conn:
        found = {each.sheet: each.decision for each in originals.list_originals(conn, RUT, made.id)}
    assert found == {"AAAA01": "KS 2022-14", "AAAA02": ""}


def test_the_log_leads_from_the_client_to_the_package_and_back(office: ExportContext) -> None:
    sent(office, "AAAA01")
    made = packed(office)
    package_file(office, BO, made.id)
    with office.store.read() as conn:
        assert made.id in set(conn.execute(log_subjects_of_client(conn, SIV.pid)).scalars())
        assert made.id not in set(conn.execute(log_subjects_of_client(conn, ARNE.pid)).scalars())
        assert clients_of_subjects(conn, [made.id]) == {made.id: {SIV.pid}}


def test_a_protected_client_is_marked_in_the_description(
    office: ExportContext, tmp_path: Path
) -> None:
    scanned(office, "AAAA01", personnummer=ARNE.pid, **NOTE)
    with office.store.begin() as conn:
        conn.execute(
            update(registers.client)
            .where(registers.client.c.pid == ARNE.pid)
            .values(protected=True)
        )
    export_and_receipt(office)
    erms = etree.parse(
        unpacked(office, packed(office), tmp_path) / "metadata" / "descriptive" / "erms.xml"
    )
    assert [each.text for each in erms.iter(f"{{{ERMS}}}protectedIdentity")] == ["true"]


def test_the_years_are_counted_from_the_day_on_which_it_was_written_down() -> None:
    late = record(
        "besokslista",
        area="HSL",
        event_at=datetime(2021, 12, 16, 7),
        written_at=datetime(2022, 1, 10, 9),
    )
    assert longest_retention([late], SETTINGS, FORMS).earliest == date(2032, 1, 10)
