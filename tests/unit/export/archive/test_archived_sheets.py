"""Which sheets are archived: every settled one once as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from threading import Barrier

import pytest
from lxml import etree
from sqlalchemy import Connection, select, update

from pipeline.domain.errors import StoreError
from pipeline.domain.law.retention import retention_label
from pipeline.domain.model import Client
from pipeline.domain.record import Run
from pipeline.domain.settings import Settings
from pipeline.export.archive import package
from pipeline.export.archive.runs import find_ready, make_package
from pipeline.export.archive.sheets import SheetFiles, longest_retention
from pipeline.export.authorities.erms.elements import ERMS_NS as ERMS
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.store.exports import archives
from pipeline.store.exports.archives import ArchivedSheet, ArchivePackage
from pipeline.store.schema import paper as schema_paper
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.exports import archived_sheet
from tests.support.store.export_examples import FORMS, SETTINGS, SIV, record
from tests.support.store.export_office import ANNA, correct, review, void
from tests.support.store.route_steps import make_run
from tests.unit.export.archive.archive_steps import (
    BO,
    NOTE,
    export_and_receipt,
    packed,
    scanned,
    sent,
    unpacked,
)

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

SAMPLED = "200910152396"
"""Born on a day that research keeps."""


def list_package_sheets(conn: Connection, package_id: str) -> list[ArchivedSheet]:
    """Return the sheets of a package."""
    query = (
        select(archived_sheet)
        .where(archived_sheet.c.package == package_id)
        .order_by(archived_sheet.c.sheet)
    )
    return [
        ArchivedSheet(row.sheet, row.content, row.rule, row.earliest) for row in conn.execute(query)
    ]


def test_only_what_a_care_system_has_is_archived(office: ExportContext) -> None:
    scanned(office, "AAAA01", **NOTE)
    assert find_ready(office, BO).sheets == 0
    assert make_package(office, BO, utc_now(), "DHP 2022-3") is None
    export_and_receipt(office)
    assert find_ready(office, BO).classes == (("HSL-10/1", 1),)
    assert packed(office).sheets == 1


def test_a_sheet_goes_once_as_it_is_and_again_when_it_was_corrected(office: ExportContext) -> None:
    sent(office, "AAAA01", "AAAA02")
    assert packed(office).sheets == 2
    assert find_ready(office, BO).sheets == 0
    correct(office, "AAAA01-00", "anteckning", "Såret ser dåligt ut.")
    assert find_ready(office, BO).sheets == 0
    export_and_receipt(office)
    again = packed(office)
    with office.store.read() as conn:
        assert [each.sheet for each in list_package_sheets(conn, again.id)] == ["AAAA01"]


def test_a_voided_entry_is_archived_as_void(office: ExportContext, tmp_path: Path) -> None:
    sent(office, "AAAA01")
    void(office, "AAAA01-00")
    export_and_receipt(office)
    erms = etree.parse(
        unpacked(office, packed(office), tmp_path) / "metadata" / "descriptive" / "erms.xml"
    )
    assert [each.get("value") for each in erms.iter(f"{{{ERMS}}}status")] == ["obliterated"]


def test_a_refused_entry_waits_for_its_way_back(office: ExportContext) -> None:
    scanned(office, "AAAA01", **NOTE)
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None
    submit_receipts(
        office, ANNA, run.id, [ReceiptAnswer("AAAA01-00", accepted=False, text="fel")], utc_now()
    )
    assert find_ready(office, BO).sheets == 0


def test_a_row_that_its_target_refused_and_somebody_voided_keeps_no_list_back(
    office: ExportContext,
) -> None:
    voided, other = scanned(office, "AAAA05", "besokslista"), "AAAA05-02"
    review(office, other, "besokslista")
    run = make_run(office, ANNA, "besok", utc_now())
    assert run is not None
    with office.store.begin() as conn:
        conn.execute(
            update(schema_paper.entry)
            .where(schema_paper.entry.c.id.not_in([voided, other]))
            .values(state="avvisad", reason="tom rad")
        )
    void(office, voided)
    submit_receipts(
        office,
        ANNA,
        run.id,
        [ReceiptAnswer(other, accepted=True), ReceiptAnswer(voided, accepted=False, text="fel")],
        utc_now(),
    )
    assert (find_ready(office, BO).sheets, find_ready(office, BO).unsettled) == (1, 0)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_sheet_is_kept_for_ever_whichever_of_its_rows_says_so(turn: int) -> None:
    undated = record("besokslista", area="SoL", event_at=None, written_at=None)
    sampled = record("besokslista", area="SoL", client=Client("198001152384", "Elsa Ek", "Norr"))
    assert retention_label(
        longest_retention([undated, sampled][::turn], SETTINGS, FORMS)
    ).startswith("BEVARAS")


@pytest.mark.parametrize(
    ("name", "number", "kept"),
    [
        ("medsokande_personnummer", SAMPLED, True),
        ("barn6_personnummer", SAMPLED, True),
        ("medsokande_personnummer", SIV.pid, False),
        ("barn1_personnummer", f"{SAMPLED[:-1]}0", False),
        ("medsokande_namn", SAMPLED, False),
    ],
)
def test_a_file_is_kept_for_somebody_who_applies_too_or_a_child_in_the_sample(
    name: str, number: str, *, kept: bool
) -> None:
    found = longest_retention(
        [record("ansokan-ekonomiskt", {name: number}, area="IFO")], SETTINGS, FORMS
    )
    assert (bool(found.permanent_reason), found.earliest is None) == (kept, kept)
    assert ("någon annan på arket" in found.permanent_reason, number in found.permanent_reason) == (
        kept,
        False,
    )


def test_a_number_on_a_form_that_is_there_no_longer_is_looked_for_everywhere() -> None:
    gone = record(
        "ansokan-ekonomiskt", {"medsokande_personnummer": SAMPLED}, area="IFO", version=99
    )
    assert longest_retention([gone], SETTINGS, FORMS).permanent_reason


def test_a_day_at_the_end_of_time_is_kept_until_then() -> None:
    last = datetime(9999, 12, 31, 7)
    assert (
        longest_retention(
            [record("besokslista", area="HSL", event_at=last, written_at=last)], SETTINGS, FORMS
        ).earliest
        == date.max
    )


def test_somebody_elses_correction_meanwhile_makes_it_start_over(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(office, "AAAA01", "AAAA02")
    calls = iter([True])

    def late(sheets: list[SheetFiles], run: Run, settings: Settings, decision: str) -> bytes:
        if next(calls, False):
            correct(office, "AAAA01-00", "anteckning", "Annat.")
        return package.build_package(sheets, run, settings, decision)

    monkeypatch.setattr("pipeline.export.archive.runs.build_package", late)
    assert packed(office).sheets == 1


def test_a_package_that_fails_half_way_leaves_nothing_and_is_made_later(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(office, "AAAA01")
    add = archives.add_package

    def fails(conn: Connection, made: ArchivePackage, sheets: Sequence[ArchivedSheet]) -> None:
        add(conn, made, sheets)
        raise StoreError("upload_not_kept", reason="full")

    with monkeypatch.context() as patch:
        patch.setattr(archives, "add_package", fails)
        with pytest.raises(StoreError):
            make_package(office, BO, utc_now(), "DHP 2022-3")
    with office.store.read() as conn:
        assert archives.list_packages(conn, BO) == []
    assert packed(office).sheets == 1


@pytest.mark.both_databases
def test_two_who_archive_at_once_make_one_package(office: ExportContext) -> None:
    sent(office, "AAAA01", "AAAA02")
    start = Barrier(2)

    def archive() -> ArchivePackage | None:
        start.wait()
        return make_package(office, BO, utc_now(), "DHP 2022-3")

    with ThreadPoolExecutor(2) as pool:
        made = [each.result() for each in [pool.submit(archive) for _ in range(2)]]
    assert sorted(each.sheets for each in made if each) == [2]


def test_the_database_refuses_a_sheet_twice(office: ExportContext) -> None:
    sent(office, "AAAA01")
    made = packed(office)
    with office.store.read() as conn:
        sheets = list_package_sheets(conn, made.id)
    twice = ArchivePackage("x", "x.zip", made.sha256, utc_now(), "Bo", 1, "DHP 2022-3")
    with pytest.raises(StoreError), office.store.begin() as conn:
        archives.add_package(conn, twice, sheets)


OPENED: Mapping[str, Mapping[str, str]] = {
    "skyddsbedomning": {"utredning": "inleds"},
    "lvu-omhandertagande": {},
}


@pytest.mark.parametrize("form", sorted(OPENED))
def test_a_concern_that_led_to_an_investigation_is_archived_with_the_childs_file(
    office: ExportContext, tmp_path: Path, form: str
) -> None:
    concern = scanned(office, "AAAA01", "orosanmalan")
    scanned(office, "AAAA02", form, **OPENED[form])
    export_and_receipt(office, "skriv-in")
    labels = dict(find_ready(office, BO).classes)
    assert not any("ANM-5" in label for label in labels)
    erms = etree.parse(
        unpacked(office, packed(office), tmp_path) / "metadata" / "descriptive" / "erms.xml"
    )
    (document,) = (
        one
        for one in erms.iter(f"{{{ERMS}}}record")
        if one.findtext(f"{{{ERMS}}}objectId") == concern
    )
    assert "ANM-5" not in str(document.findtext(f".//{{{ERMS}}}disposalScheduleId"))


def test_a_concern_alone_says_in_a_whole_sentence_what_to_look_at(
    office: ExportContext, tmp_path: Path
) -> None:
    scanned(office, "AAAA01", "orosanmalan")
    export_and_receipt(office, "skriv-in")
    erms = etree.parse(
        unpacked(office, packed(office), tmp_path) / "metadata" / "descriptive" / "erms.xml"
    )
    assert "ANM-5, version 1" in {one.text for one in erms.iter(f"{{{ERMS}}}disposalScheduleId")}
    comments = [one.text for one in erms.iter(f"{{{ERMS}}}disposalComment")]
    assert (
        "Kontrollera före gallring: om anmälan ledde till utredning hör den till barnets"
        " personakt och gallras med den."
    ) in comments
