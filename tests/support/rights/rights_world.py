"""A workspace in which every function that acts for a person has something to find, and what each
of them is called with.
"""

from __future__ import annotations

import io
import secrets
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from pipeline.domain import dates
from pipeline.domain.form.form import COVER_SHEET, Forms
from pipeline.domain.model import CloseReason, IssuedSheet, Outcome, PageReading, PriorityKind
from pipeline.domain.record import CareProvider, OutageKind
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.triage import TriageRule
from pipeline.domain.settings import ROOT, Settings
from pipeline.export.care_system_check.receipt_proposals import ListScope
from pipeline.export.runs import ExportContext
from pipeline.forms.fiducials import new_serial
from pipeline.operations.learning.learn import LearningContext
from pipeline.registers.care_system_list import CareList, CareRow
from pipeline.registers.issued_serials import format_issued_file
from pipeline.registers.outages import OutagePeriod
from pipeline.registers.pack_quantities import SheetQuantity
from pipeline.registers.planned_visits import PlanKind
from pipeline.reporting.audit.follow_up import day_range
from pipeline.review.decisions import Decision
from pipeline.review.rejections import ComparisonSource, Duplicate, Rejection
from pipeline.review.signing import SIGNING_REASONS, Signing
from pipeline.store.accounts.own_choices import QueueGrouping
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import entry, photocopies
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import Entry
from pipeline.store.entries.entry_view import EntryView, load_entry_view
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.entries.queue_order import prioritize
from pipeline.store.event_log.queries import LogFilter
from pipeline.store.exports.care_system_exports import save_list
from pipeline.store.exports.care_system_matches import save_match_decision
from pipeline.store.lookup.search import EntrySearch
from pipeline.store.paper import page_lists
from pipeline.store.paper.intake.stacks import WatchedFolder, save_watched_folder
from pipeline.store.paper.pages import Page, list_sheet_pages, mark_page_failed
from pipeline.store.quality.checked_work import RekeyingTask
from pipeline.store.registers import blocks
from pipeline.store.registers.planning import save_pack_quantities
from pipeline.store.schema import paper
from pipeline.store.schema.append_only import protect_tables, unprotect_tables
from pipeline.store.schema.exports import archived_sheet, care_row, clash_decision
from pipeline.store.schema.review import (
    forwarding,
    temporary_identity,
)
from tests.support.pages.alike import visits
from tests.support.rights.depth_found import (
    add_depths,
    add_drill,
    depth_arguments,
    drill_arguments,
)
from tests.support.rights.rights_table import P
from tests.support.rights.things_found import (
    add_archived,
    add_controls,
    add_groups,
    add_measured,
    add_put_aside,
    confirm,
    duty_arguments,
    form_editor_arguments,
    manual_entry_arguments,
    route_arguments,
)
from tests.support.store.route_steps import make_run
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    RULE,
    SAID,
    SOUTH,
    UNKNOWN_PID,
    Ward,
    answers,
    later,
    page_reading,
    person,
)
from tests.support.store.work import work

REASON = "Ett skäl."
TODAY = day_range(
    dates.today_in_sweden() - timedelta(days=1), dates.today_in_sweden() + timedelta(days=1)
)
IDENTITY = {"entry": "BBBB-00", "number": UNKNOWN_PID, "name": "", "reason": REASON, "by": "eva"}
SENT = {
    "entry": "AAAA-00",
    "from_unit": NORTH,
    "to_unit": SOUTH,
    "why": "",
    "secret": False,
    "by": "eva",
}


@cache
def _signed_forms() -> Forms:
    forms = Forms(FORMS)
    forms.signing = (RULE,)
    return forms


@cache
def _all_forms() -> Forms:
    return Forms.load(ROOT / "forms")


@dataclass(frozen=True)
class Known:
    """Ids of what a made world holds: a second scan, a run, a control to type and one to decide, a
    duplicate, a question, a pull, a package, a group, the back of a copy and a front that it may
    belong to, a back that has been laid to one; a loose page, one that is split between clients and
    one that is attached.
    """

    twin: str
    run: str
    untyped: int
    typed: int
    mark: int
    question: int
    pull: str
    package: str
    group: str
    back: str
    front: str
    laid: str
    loose: str
    split: str
    attached: str


@dataclass(frozen=True)
class World:
    """A ward in which there is something to find for each function, all of it northern, of HSL, and
    about Asta.
    """

    store: Store
    settings: Settings
    known: Known

    def arguments(self, name: str) -> dict[str, Any]:
        """By the parameters' names, what the functions are called with."""
        pages = {
            "settle_duplicate": self.known.twin,
            "assign_side": self.known.back,
            "unassign_side": self.known.laid,
            "detach": self.known.attached,
            "move": self.known.attached,
            "split": self.known.loose,
            "join": self.known.split,
        }
        page = pages.get(name.rpartition(".")[2], "first")
        context = (LearningContext if ".learning." in name else ExportContext)(
            self.store, self.settings, FORMS
        )
        return {
            "forms": FORMS,
            "now": later(1),
            "entry_id": "AAAA-00",
            "entry_ids": ["AAAA-00"],
            "revision": 0,
            "field": "text",
            "answer": Answer("Sov gott."),
            "answers": [] if name.startswith(f"{P}export") else answers(SAID) | answers(PLAN),
            "reason": REASON,
            "page_id": self._page() if page == "first" else page,
            "page_ids": [page],
            "front_id": self.known.front,
            "row": None,
            "same": True,
            "serial": "AAAA",
            "unit": NORTH,
            "typed": ASTA.pid,
            "context": context,
            "target": "skriv-in",
            "run_id": self.known.run,
            "clock": lambda: NOW,
            "data": (
                f"körning;löpnummer;post;status;text\n{self.known.run};1;CCCC-00;ok;\n"
            ).encode(),
            "store": self.store,
            "settings": self.settings,
            "uploads": [],
            "place": "",
            "tick": lambda *_: None,
            "learned": None,
            "file": self.settings.workspace / "training.zip",
            "permit": None,
            "account": person("nils"),
            "login": "nils",
            "use_id": "none",
            "change_id": "none",
            "excluded": (),
            "log_view": lambda *_: None,
            "batch_id": self.known.group,
            "kind": PriorityKind.CLIENT,
            "key": ASTA.pid,
            "pull_id": self.known.pull,
            "registration_id": "none",
            "group_id": self.known.group,
            "marks": {},
            "on": False,
            "count": 5,
            "log_filter": LogFilter(*TODAY, unit=NORTH),
            "start": TODAY[0],
            "end": TODAY[1],
            "offset": 0,
            "limit": 10,
            "first": True,
            "search": EntrySearch(serial="AAAA"),
            "grouping": QueueGrouping.FORM,
            "least": 1,
            "minutes": 30,
            "share": 1.0,
            "task_id": self.known.typed if name.endswith("adjudicate") else self.known.untyped,
            "task": self._task(
                self.known.typed if name.endswith("adjudicate") else self.known.untyped
            ),
            "view": self._view(),
            "shown_at": NOW,
            "entry": self._entry("AAAA-00"),
            "images": self.store.images,
            "rejection": Rejection("AAAA-00", 0, "oläsligt"),
            "duplicate": Duplicate("AAAA-00", 0, ComparisonSource(text="Sov gott.")),
            "terms": ClaimTerms(later(1)),
            "mark_id": self.known.mark,
            "to_unit": SOUTH,
            "why": REASON,
            "question_id": self.known.question,
            "answered_by": "Disa Penn",
            "answered_at": NOW,
            "author": "",
            "seen": 0,
            "last_decision": 0,
            "shown_revisions": [("AAAA-00", 0)],
            "package_id": self.known.package,
            "form_id": "none",
            "version": 1,
            "batch": self._entry_page("CCCC").batch,
            "box": "Volym 1",
            "bundle": "",
            "number": "KS 1",
            "decision": Decision("AAAA-00", 0, answers(SAID) | answers(PLAN))
            if name.endswith("decide_entry")
            else "DHP 1",
            "pack_id": "none",
            "rules": [TriageRule(id="a", level=1, reason="A", classes=("A",))],
            "table_id": 0,
            "outage_id": 0,
            "period": OutagePeriod(NORTH, "", OutageKind.DOWN, TODAY[0], None),
            "provider": CareProvider("Omsorg AB", ""),
            "unit_ids": {NORTH: "SE5560000000-A1"},
            "members": [],
            "day": TODAY[0].date(),
            "units": {NORTH},
            "other": "",
        } | self._special(name)

    def _print_little(self, forms: Forms) -> None:
        """A pack of one sheet: what is asked is who gets it."""
        nothing = [
            SheetQuantity(form_id, 0)
            for form_id in sorted({form_id for form_id, _ in forms} - {"hsl-anteckning"})
        ]
        with self.store.begin() as conn:
            for unit in (NORTH, SOUTH):
                save_pack_quantities(
                    conn, ADMIN, unit, [*nothing, SheetQuantity("hsl-anteckning", 1)]
                )

    def _depth_and_drill(self, name: str) -> dict[str, Any]:
        """What the depth of entry, duties, drills and the unit's documents are called with."""
        if name.startswith(f"{P}preparation."):
            return drill_arguments(self.settings) | {"forms": _all_forms()}
        if ".duties." in name:
            return duty_arguments(self.store)
        return depth_arguments(self.store, self.known.loose, name)

    def _special(self, name: str) -> dict[str, Any]:
        """What some functions call by a name that others use for something else."""
        if name.startswith(f"{P}preparation.form_editor."):
            return form_editor_arguments(self.settings, name)
        if ".Questions." in name:
            return {"text": "Vilken tid?"}
        if name.endswith(
            (
                "import_issued_file",
                "save_planned",
                "make_unit_pack",
                "save_pack_quantities",
                "unit_needs",
            )
        ):
            sheet, forms = IssuedSheet(new_serial(), "hsl-anteckning", 1, NORTH), _all_forms()
            if name.endswith("make_unit_pack"):
                self._print_little(forms)
            plan = {"kind": PlanKind.VISITS, "counts": {(NORTH, "2026-02-17"): 3}}
            return {
                "data": format_issued_file([sheet]),
                "forms": forms,
                "quantities": [SheetQuantity("hsl-anteckning", 1)],
                "days": 1,
                **plan,
            }
        if name.endswith(("load_paper_days", "list_day_sheets")):
            return {"first": date(2026, 2, 17), "last": date(2026, 2, 18), "day": "2026-02-17"}
        if name.startswith(
            (
                f"{P}review.attachments.",
                f"{P}store.entries.attached_pages.",
                f"{P}store.entries.entry_depth.",
                f"{P}store.review.duties.",
                f"{P}review.rows.",
                f"{P}preparation.drill.",
                f"{P}preparation.outage_pack.unit_doc",
            )
        ):
            return self._depth_and_drill(name)
        if ".manual_entry." in name or ".key_in." in name:
            return manual_entry_arguments(self.known.run)
        if "care_system" in name:
            return self._handed_in()
        is_route = name.startswith((f"{P}export.runs.", f"{P}store.exports.routes."))
        if is_route and not name.endswith("unsigned"):
            return route_arguments(self.store, self.settings, self.known.run, name)
        if name.endswith("write_storelog"):
            return {"file": io.BytesIO()}
        if name.endswith(("archivable", "archive.runs.find_ready", "make_package")):
            with self.store.begin() as conn:  # so that there is a sheet to archive
                unprotect_tables(conn)
                conn.execute(delete(archived_sheet))
                protect_tables(conn)
                receipted = update(paper.entry).where(paper.entry.c.serial == "CCCC")
                conn.execute(receipted.values(state="kvitterad"))
        if name.endswith("payable"):
            return {"forms": {NOTE.id}}
        if ".payments." in name:
            return {"context": ExportContext(self.store, self._paying(), FORMS)}
        if "signing" in name or name.endswith("unsigned"):
            forms = _signed_forms()
            return {"forms": forms, "context": ExportContext(self.store, self.settings, forms)}
        return {}

    def _handed_in(self) -> dict[str, Any]:
        """A list of the care system with what AAAA-00 says, and a pair of it that a person has
        decided on.
        """
        row = CareRow((ASTA.pid,), "2026-02-17", text=secrets.token_hex(8))
        with self.store.begin() as conn:
            made = save_list(conn, EVA, NORTH, "HSL", [row], NOW)
            digest = conn.execute(
                select(care_row.c.digest).where(care_row.c.list == made)
            ).scalar_one()
            save_match_decision(
                conn, EVA, entry.load_entry(conn, "BBBB-00"), digest, NOW, mark=None
            )
            decided = conn.execute(select(func.max(clash_decision.c.id))).scalar_one()
        return {
            "list_id": made,
            "digest": digest,
            "decision_id": decided,
            "area": "HSL",
            "rows": [row],
            "care_list": CareList((row,)),
            "scope": ListScope(NORTH, "HSL", "skriv-in"),
            "route": "skriv-in",
            "proposed": (),
        }

    def _entry(self, entry_id: str) -> Entry:
        with self.store.read() as conn:
            return entry.load_entry(conn, entry_id)

    def _view(self) -> EntryView:
        with self.store.read() as conn:
            return load_entry_view(conn, FORMS, EVA, "AAAA-00")

    def _task(self, task_id: int) -> RekeyingTask:
        with self.store.read() as conn:
            page = list_sheet_pages(conn, "EEEE")[0]
        sides = (Answer("Sov gott."), Answer("Sov illa.")) if task_id == self.known.typed else ()
        return RekeyingTask(task_id, NOTE, NORTH, NOTE.by_name["text"], page, 1, sides)

    def _page(self) -> str:
        return self._entry_page("AAAA").id

    def _entry_page(self, sheet: str) -> Page:
        with self.store.read() as conn:
            return list_sheet_pages(conn, sheet)[0]

    def _paying(self) -> Settings:
        """Settings by which notes are payments."""
        folder = self.settings.workspace / "forms" / NOTE.id
        folder.mkdir(parents=True, exist_ok=True)
        mapping = "about: x\npaid: text\nclearing: text\naccount: text\namount: text\n"
        (folder / "export.pain001.yaml").write_text(mapping, "utf-8")
        return self.settings.model_copy(update={"forms": folder.parent})


def make_world(folder: Path) -> Known:
    """Fill a workspace; each call of a function gets a copy of it."""
    settings = Settings(workspace=folder, database_url="")
    with closing(open_store(settings, create=True)) as store:
        ward = Ward(store).begin()
        twin, run = _exported(ward, settings)
        package = add_archived(store, settings)
        for serial, who in (("BBBB", EVA), ("EEEE", NILS), ("FFFF", NILS)):
            confirm(store, f"{serial}-00", who)
        visits(ward, "JJJJ", (True, True, True))
        front, back = _copied(ward, "KKKK")
        laid_to, laid = _copied(ward, "LLLL")
        with store.begin() as conn:
            photocopies.assign_side(conn, ADMIN, laid, laid_to, FORMS)
        depths = add_depths(ward)
        add_drill(settings)
        with store.begin() as conn:
            work(Signing, conn, EVA, forms=_signed_forms()).sign(
                "BBBB-00", entry.load_entry(conn, "BBBB-00").revision, reason=SIGNING_REASONS[0]
            )
            ids = add_controls(conn)
            add_measured(conn)
            mark, asked = add_put_aside(conn, store.images)
            conn.execute(insert(temporary_identity).values({**IDENTITY, "at": NOW}))
            conn.execute(insert(forwarding).values({**SENT, "at": NOW}))
            group = add_groups(conn)
            pulled = prioritize(conn, CHIEF, PriorityKind.DAY, NORTH, "2026-02-17", NOW).id
            blocks.set_block(conn, ADMIN, NORTH, ASTA.pid, REASON, NOW)
            save_watched_folder(conn, WatchedFolder("/scanner", NORTH, "", NOW))
    return Known(twin, run, *ids, mark, asked, pulled, package, group, back, front, laid, *depths)


def _copied(ward: Ward, serial: str) -> tuple[str, str]:
    """A note that was photocopied before it was filled in: two fronts, of which one is returned,
    and a back of one of them.
    """
    ward.issue(IssuedSheet(serial, NOTE.id, 1, NORTH, ASTA.pid))
    front, other, back = ward.scan(), ward.scan(), ward.scan()
    for page_id, said, number in ((front, SAID, 1), (other, SAID, 1), (back, PLAN, 2)):
        ward.read(page_id, page_reading(NOTE, serial, said, number))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, other, FORMS, same=False)
    return front, back


def _exported(ward: Ward, settings: Settings) -> tuple[str, str]:
    """Notes of which one has been exported, and pages of every kind; the second scan that is not
    settled, and the run.
    """
    serials = ("AAAA", "BBBB", "CCCC", "DDDD", "EEEE", "FFFF", "GGGG", "HHHH", "IIII")
    ward.issue(*(IssuedSheet(serial, NOTE.id, 1, NORTH, ASTA.pid) for serial in serials))
    for serial in serials:
        if serial != "DDDD":
            ward.note(serial)
    ward.read(ward.scan(), page_reading(NOTE, "DDDD", SAID))
    ward.read(ward.scan(), PageReading(Outcome.BLANK))
    failed = ward.scan()
    with ward.store.begin() as conn:
        mark_page_failed(conn, failed, "broken_file")
        page_lists.close_failed_page(conn, ADMIN, failed, CloseReason.EMPTY, NOW)
    ward.issue(
        IssuedSheet("COVERED1", COVER_SHEET, 1, NORTH), IssuedSheet("MISSING1", NOTE.id, 1, NORTH)
    )
    cover = _all_forms().latest(COVER_SHEET)
    ward.read(ward.scan(), page_reading(cover, "COVERED1", {"antal_ark": "1"}), cover)
    with (
        ward.store.begin() as conn
    ):  # it is about no client, and so in no list of those who may not see Asta's paper
        conn.execute(delete(paper.entry).where(paper.entry.c.form == COVER_SHEET))
        conn.execute(
            update(paper.page).where(paper.page.c.form == COVER_SHEET).values(settled=True)
        )
    twins = [ward.scan(), ward.scan()]
    for twin in twins:
        ward.read(twin, page_reading(NOTE, "AAAA", SAID))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, twins[0], FORMS, same=True)
    confirm(ward.store, "CCCC-00", EVA)
    run = make_run(ExportContext(ward.store, settings, FORMS), ADMIN, "skriv-in", NOW)
    assert run is not None
    return twins[1], run.id
