"""What a workspace of the rights' tests holds of paper that is not typed as a whole, and a drill,
and what their functions are called with.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import update

from pipeline.domain.form.form import Depth
from pipeline.domain.model import IssuedSheet, Outcome, PageReading
from pipeline.domain.review.attachment_title import AttachmentChoice
from pipeline.domain.settings import Settings
from pipeline.preparation.drill.drills import Drill, DrillScan, _save, list_drills
from pipeline.preparation.outage_pack.unit_documents import load_limits
from pipeline.review.attachments import Attachments, PageArea
from pipeline.review.rows import SeenRow
from pipeline.store.database.store import Store
from pipeline.store.entries.attached_pages import save_page_text
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_depth import set_sheet_depth, set_unit_depth
from pipeline.store.paper.pages import load_page
from pipeline.store.schema import paper
from tests.support.pages.alike import visits
from tests.support.store.ward import ASTA, CHIEF, EVA, FORMS, NORTH, NOTE, NOW, VISITS, Ward
from tests.support.store.work import work

TOP, DAY = PageArea(0.1, 0.1, 0.8, 0.3, "a" * 64), date(2026, 2, 17)


def add_depths(ward: Ward) -> tuple[str, str, str]:
    """A note with loose pages about Asta: one free, one split and one attached; rows of visits."""
    ward.issue(IssuedSheet("MMMM", NOTE.id, 1, NORTH, ASTA.pid))
    ward.note("MMMM")
    loose, split, attached = ward.scan(), ward.scan(), ward.scan()
    for page in (loose, split, attached):
        ward.read(page, PageReading(Outcome.UNIDENTIFIED))
    rows = visits(ward, "VVVV", (True, True))
    with ward.store.begin() as conn:
        save_page_text(conn, loose, (("HYRESAVI", 0.1, 0.1, 0.2, 0.02),))
        work(Attachments, conn, EVA).split(split, [TOP])
        choice = AttachmentChoice(attached, "Avi", "2026-02-01")
        work(Attachments, conn, EVA).attach("MMMM-00", [choice])
        about = update(paper.entry).where(paper.entry.c.sheet.in_([loose, split]))
        conn.execute(about.values(client_pid=ASTA.pid))
        set_unit_depth(conn, FORMS, CHIEF, NORTH, VISITS.id, Depth.FULL, NOW)
        set_sheet_depth(conn, FORMS, EVA, rows[0], 0, Depth.DEVIATIONS, NOW)
    return loose, split, attached


def depth_arguments(store: Store, loose: str, name: str) -> dict[str, Any]:
    """What the functions for attachments, parts of a page, depths and rows are called with."""
    with store.read() as conn:
        entry, page = load_entry(conn, "MMMM-00"), load_page(conn, loose)
    return {
        "forms": FORMS,
        "form_id": VISITS.id,
        "depth": Depth.FULL,
        "entry": entry,
        "entry_id": f"{loose}-00" if name.endswith("set_own") else entry.id,
        "choices": [AttachmentChoice(loose, "Avi", "")],
        "page": page,
        "pid": ASTA.pid,
        "sheets": ["MMMM"],
        "areas": [TOP],
        "typed": "hyresavi",
        "sheet": "VVVV",
        "seen": [SeenRow("VVVV-01", 0)],
    }


def add_drill(settings: Settings) -> None:
    """A drill of the northern unit, without paper."""
    _save(settings, Drill(f"{DAY}-ab12cd", NORTH, DAY, CHIEF.login, ()))


def drill_arguments(settings: Settings) -> dict[str, Any]:
    """What the functions for drills and a unit's documents are called with."""
    drill = list_drills(settings, CHIEF)[-1]
    return {
        "drill": drill,
        "drill_id": drill.id,
        "scan": DrillScan(b"no picture", "x.png"),
        "slot": load_limits().slots[0].slot,
        "dated": DAY,
        "data": b"no document",
    }
