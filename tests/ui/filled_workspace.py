"""A workspace in which every screen has something to show: paper of two units in every state, and a third unit that has none."""

from __future__ import annotations

from pipeline.archive.runs import make_package
from pipeline.care_list import CareList, CareRow
from pipeline.export import clash_decisions
from pipeline.export.runs import Office, make_run
from pipeline.store import decisions, registers
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from pipeline.store.forwarding import forward
from pipeline.store.pulls import PullKind, pull_to_front
from pipeline.store.questions import ask_author
from tests.ui import seeding
from tests.ui.seeding import ADMINISTRATOR, CLIENTS, MANAGER, NOTE, NURSE, OTHER_UNIT, UNIT

ELSEWHERE = "Boendet Väster"
"""A unit that none of the paper is of."""


def fill(store: Store) -> None:
    """Paper that waits, failed, was sent on, asked about, confirmed, exported, keyed in and archived."""
    with store.begin() as conn:
        registers.save_units(conn, {UNIT: "HSL", OTHER_UNIT: "SoL", ELSEWHERE: "HSL"})
    _sent_out(store)
    seeding.add_payments(store)
    first, unsigned, asked, illegible, forwarded, _open = seeding.add_notes(store, 6)
    seeding.add_failed_page(store)
    seeding.add_blank_page(store)
    seeding.add_duplicate(store, first)
    seeding.add_bundle(store, said=2, sheets=1)
    seeding.add_visits(store, (1,))
    seeding.add_drafts(store)
    seeding.confirm(store, NURSE, first, sign=True)
    seeding.confirm(store, NURSE, unsigned)
    with store.begin() as conn:
        ask_author(conn, seeding.forms(), NURSE, asked, 0, "Vilken fot gäller såret?", "", utc_now())
        decisions.reject(conn, NURSE, illegible, 0, "oläsligt", utc_now())
        forward(conn, seeding.forms(), NURSE, forwarded, 0, OTHER_UNIT, "Klienten har flyttat.", utc_now())
        pull_to_front(conn, MANAGER, PullKind.CLIENT, UNIT, CLIENTS[0].pid, utc_now())
    row = CareRow((CLIENTS[0].pid,), "2021-12-18", "09:52", "Besök", "Såret vänster fot läker fint", "Bo Ek")
    clash_decisions.hand_in(_office(store), NURSE, UNIT, "HSL", CareList((row,)), utc_now())


def _sent_out(store: Store) -> None:
    """On days of their own: what may be in the care system already is not keyed in."""
    for target, day in (("rivta", "2021-12-20"), ("skriv-in", "2021-12-22")):
        values = {**NOTE, "handelsedatum": day}
        entry_id = seeding.add_sheet_of(store, seeding.forms().latest("hsl-anteckning"), values)
        seeding.confirm(store, NURSE, entry_id, values, sign=True)
        make_run(_office(store), ADMINISTRATOR, target, utc_now())
        if target == "rivta":
            make_package(_office(store), ADMINISTRATOR, utc_now())


def _office(store: Store) -> Office:
    return Office(store, seeding.settings(store), seeding.forms())
