"""What a sheet needs before it is archived, and its paper before it may be destroyed."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import update

from pipeline.domain.errors import ExportError
from pipeline.domain.law.retention import is_erasable, load_retention_rules
from pipeline.export.archive.runs import find_ready, make_package
from pipeline.export.authorities.erms.elements import ERMS_NS as ERMS
from pipeline.export.runs import ExportContext
from pipeline.store.exports import archives, originals
from pipeline.store.exports.archives import SheetWait
from pipeline.store.schema import paper
from pipeline.store.schema.append_only import protect_tables, unprotect_tables
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.exports import archived_sheet
from tests.support.store.export_office import ANNA, correct
from tests.support.store.route_steps import make_run
from tests.unit.export.archive.archive_steps import (
    BO,
    NOTE,
    PLAN,
    RUT,
    export_and_receipt,
    forget_receipt,
    packed,
    scanned,
    sent,
    unpacked,
)

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


def waits(office: ExportContext) -> dict[SheetWait, int]:
    return dict(find_ready(office, BO).waits)


def test_a_sheet_waits_until_its_target_has_said_that_it_has_it(office: ExportContext) -> None:
    scanned(office, "AAAA01", **NOTE)
    make_run(office, ANNA, "rivta", utc_now())
    assert find_ready(office, BO).sheets == 0
    assert waits(office) == {SheetWait.RECEIPT: 1}
    assert make_package(office, BO, utc_now(), PLAN) is None


def test_the_screen_is_told_what_each_sheet_waits_for(office: ExportContext) -> None:
    sent(office, "AAAA01", "AAAA02", "AAAA03")
    correct(office, "AAAA02-00", "anteckning", "Såret ser dåligt ut.")
    entry = paper.entry
    with office.store.begin() as conn:
        row = conn.execute(entry.select().where(entry.c.id == "AAAA03-00")).mappings().one()
        for number, state in ((1, "exporterad"), (2, "granskas")):
            conn.execute(
                entry.insert().values(dict(row) | {"id": f"AAAA03-{number:02d}", "state": state})
            )
    assert find_ready(office, BO).sheets == 1
    assert set(waits(office).values()) == {1}
    assert SheetWait.REVIEW in waits(office)
    assert SheetWait.RECEIPT not in waits(office)


@pytest.mark.parametrize("decision", ["", "  "])
def test_nothing_is_archived_without_the_number_of_a_decision(
    office: ExportContext, decision: str
) -> None:
    sent(office, "AAAA01")
    with pytest.raises(ExportError, match="number"):
        make_package(office, BO, utc_now(), decision)
    assert find_ready(office, BO).sheets == 1


def test_the_decision_is_stored_and_stands_in_the_package(
    office: ExportContext, tmp_path: Path
) -> None:
    sent(office, "AAAA01")
    made = packed(office)
    with office.store.read() as conn:
        assert archives.load_package(conn, BO, made.id).decision == PLAN
    folder = unpacked(office, made, tmp_path)
    assert PLAN in (folder / "documentation" / "LÄS-MIG.txt").read_text("utf-8")
    erms = etree.parse(folder / "metadata" / "descriptive" / "erms.xml")
    assert any(PLAN in (each.text or "") for each in erms.iter(f"{{{ERMS}}}disposalComment"))


def test_paper_archived_before_receipts_were_demanded_is_kept(office: ExportContext) -> None:
    """A hundred sheets were archived with five receipts."""
    sent(office, "AAAA01", "AAAA02")
    made = packed(office)
    forget_receipt(office, "AAAA02-00")
    with office.store.begin() as conn:
        with pytest.raises(ExportError, match="acknowledged"):
            originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())
        assert archives.package_waits(conn, made.id) == {"AAAA02": SheetWait.RECEIPT}


@pytest.mark.parametrize("rule", ["BEVARAS (SOL-5/1)", "OKÄND-3/1", ""])
def test_paper_that_no_rule_lets_go_is_kept_whatever_is_decided(
    office: ExportContext, rule: str
) -> None:
    sent(office, "AAAA01", "AAAA02")
    made = packed(office)
    with office.store.begin() as conn:
        table = archived_sheet
        unprotect_tables(conn)
        conn.execute(update(table).where(table.c.sheet == "AAAA02").values(rule=rule))
        protect_tables(conn)
        originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())
        found = {each.sheet: each.decision for each in originals.list_originals(conn, RUT, made.id)}
        assert found == {"AAAA01": "KS 2022-14", "AAAA02": ""}
        originals.withdraw_destruction(conn, RUT, made.id, utc_now())
        unprotect_tables(conn)
        conn.execute(update(table).values(rule=rule))
        protect_tables(conn)
        with pytest.raises(ExportError, match="for good"):
            originals.approve_destruction(conn, RUT, made.id, "KS 2022-14", utc_now())


def test_every_known_version_of_a_rule_can_be_decided_on() -> None:
    assert all(is_erasable(f"{rule.rule}/{rule.version}") for rule in load_retention_rules())


def test_a_corrected_sheet_is_archived_again_after_its_new_receipt(office: ExportContext) -> None:
    sent(office, "AAAA01")
    packed(office)
    correct(office, "AAAA01-00", "anteckning", "Såret ser dåligt ut.")
    assert waits(office) == {}
    export_and_receipt(office)
    assert packed(office).sheets == 1
