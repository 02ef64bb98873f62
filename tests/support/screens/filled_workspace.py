"""A workspace in which every screen has something to show: paper of two units in every state, and a
third unit that has none.
"""

from __future__ import annotations

from pipeline.domain.model import PriorityKind
from pipeline.export.archive.runs import make_package
from pipeline.export.care_system_check import decisions as clash_decisions
from pipeline.export.runs import ExportContext
from pipeline.registers.care_system_list import CareList, CareRow
from pipeline.review import rejections
from pipeline.review.questions import Questions
from pipeline.review.transfers import Transfers
from pipeline.store.database.store import Store
from pipeline.store.entries.queue_order import prioritize
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import (
    ADMINISTRATOR,
    CLIENTS,
    MANAGER,
    NOTE,
    NURSE,
    OTHER_UNIT,
    UNIT,
)
from tests.support.store.export_office import receipt_run
from tests.support.store.route_steps import make_run
from tests.support.store.work import work

ELSEWHERE = "Boendet Väster"
"""A unit that none of the paper is of."""


def fill(store: Store) -> None:
    """Paper that waits, failed, was sent on, asked about, confirmed, exported, keyed in and
    archived.
    """
    with store.begin() as conn:
        client_register.save_units(conn, {UNIT: "HSL", OTHER_UNIT: "SoL", ELSEWHERE: "HSL"})
    _sent_out(store)
    unusual_paper.add_payments(store)
    first, unsigned, asked, illegible, forwarded, _open = seeding.add_notes(store, 6)
    unusual_paper.add_failed_page(store)
    unusual_paper.add_blank_page(store)
    unusual_paper.add_duplicate(store, first)
    unusual_paper.add_bundle(store, said=2, sheets=1)
    seeding.add_visits(store, (1,))
    seeding.add_drafts(store)
    seeding.confirm(store, NURSE, first, sign=True)
    seeding.confirm(store, NURSE, unsigned)
    with store.begin() as conn:
        work(Questions, conn, NURSE, utc_now(), forms=seeding.forms()).ask(
            asked, 0, "Vilken fot gäller såret?", ""
        )
        rejections.reject_entry(
            conn, NURSE, rejections.Rejection(illegible, 0, "oläsligt"), utc_now()
        )
        work(Transfers, conn, NURSE, utc_now(), forms=seeding.forms()).send(
            forwarded, 0, OTHER_UNIT, "Klienten har flyttat."
        )
        prioritize(conn, MANAGER, PriorityKind.CLIENT, UNIT, CLIENTS[0].pid, utc_now())
    row = CareRow(
        (CLIENTS[0].pid,), "2021-12-18", "09:52", "Besök", "Såret vänster fot läker fint", "Bo Ek"
    )
    clash_decisions.import_care_list(
        _office(store), NURSE, UNIT, "HSL", CareList((row,)), utc_now()
    )


def _sent_out(store: Store) -> None:
    """On days of their own: what may be in the care system already is not keyed in."""
    for target, day in (("rivta", "2021-12-20"), ("skriv-in", "2021-12-22")):
        values = {**NOTE, "handelsedatum": day}
        entry_id = seeding.add_sheet_of(store, seeding.forms()["hsl-anteckning", 1], values)
        seeding.confirm(store, NURSE, entry_id, values, sign=True)
        run = make_run(_office(store), ADMINISTRATOR, target, utc_now())
        if target == "rivta" and run is not None:
            receipt_run(_office(store), ADMINISTRATOR, run.id)
            make_package(_office(store), ADMINISTRATOR, utc_now(), "DHP 2022-3")


def _office(store: Store) -> ExportContext:
    return ExportContext(store, seeding.settings(store), seeding.forms())
