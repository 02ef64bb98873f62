"""Rows of a care system that the tests hand in."""

from __future__ import annotations

from pipeline.domain.model import Person
from pipeline.export.care_system_check.decisions import (
    confirm_match,
    reject_match,
)
from pipeline.export.care_system_matches import (
    CareSystemMatch,
    CareSystemMatchList,
    erase_settled_lists,
    list_matches,
)
from pipeline.export.runs import ExportContext
from pipeline.registers.care_system_list import CareRow
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.exports import care_system_exports
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text
from tests.support.store.export_examples import FORMS, SIV
from tests.support.store.export_office import ANNA
from tests.support.store.route_steps import target_status

NOTE = {
    "kontakttyp": "besok",
    "anteckning": "Såret på vänster fot läker fint. Lägger om enligt ordination.",
}


ROW = CareRow(
    (SIV.pid,), "2021-12-17", "08:27", "Besök", "Såret vänster fot läker fint, lägger om", "Bo Ek"
)


def hand_in(
    office: ExportContext, *rows: CareRow, unit: str = "Norr", area: str = "HSL", by: Person = ANNA
) -> int:
    with office.store.begin() as conn:
        return care_system_exports.save_list(conn, by, unit, area, rows or (ROW,), utc_now())


def listed(office: ExportContext, person: Person = ANNA) -> CareSystemMatchList:
    with office.store.begin() as conn:
        erase_settled_lists(conn, FORMS, 60, utc_now())
        return list_matches(conn, FORMS, person, 60, utc_now())


def only(office: ExportContext, person: Person = ANNA) -> CareSystemMatch:
    (clash,) = listed(office, person).matches
    return clash


def get(office: ExportContext, entry_id: str) -> Entry:
    with office.store.read() as conn:
        return load_entry(conn, entry_id)


def already(office: ExportContext, clash: CareSystemMatch, person: Person = ANNA) -> None:
    confirm_match(
        office, person, clash.entry.id, clash.entry.revision, clash.care_row.digest, utc_now()
    )


def other(office: ExportContext, clash: CareSystemMatch, person: Person = ANNA) -> None:
    reject_match(
        office, person, clash.entry.id, clash.entry.revision, clash.care_row.digest, utc_now()
    )


def skipped(office: ExportContext, target: str) -> dict[str, Text]:
    line = target_status(office, ANNA, target)
    return {each.entry_id: each.reason for each in line.unsupported}
