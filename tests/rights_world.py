"""A workspace in which every function that acts for a person has something to find, and what each of them is called with."""

from __future__ import annotations

import io
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from pipeline.audit.follow_up import days
from pipeline.export.runs import Office, make_run
from pipeline.learning.learn import School
from pipeline.model import IssuedSheet, Outcome, PageReading, Person
from pipeline.review import Answer
from pipeline.settings import Settings
from pipeline.store import blocks, claims, decisions, entries, sheets
from pipeline.store.control_tables import control, look
from pipeline.store.controls import ControlTask
from pipeline.store.database import Store, open_store
from pipeline.store.duplicate_marks import Compared, mark_duplicate
from pipeline.store.entries import Entry
from pipeline.store.entry_views import EntryView, look_at
from pipeline.store.identity_tables import temporary_identity
from pipeline.store.images import ImageFolder
from pipeline.store.log_rows import Wanted
from pipeline.store.pulls import PullKind, pull_to_front
from pipeline.store.questions import ask_author
from pipeline.store.return_tables import duplicate_mark, forwarding, question
from pipeline.store.signing import REASONS, sign
from pipeline.template import Area, Forms, SigningRule
from tests.rights_table import P
from tests.ward import (
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
    SAID,
    SOUTH,
    UNKNOWN_PID,
    Ward,
    answers,
    later,
    page_reading,
    person,
)

REASON = "Ett skäl."
TODAY = days(date.today() - timedelta(days=1), date.today() + timedelta(days=1))
RULE = SigningRule(version=3, since=date(2020, 1, 1), law=(), areas=frozenset({Area.HSL}))
IDENTITY = {"entry": "BBBB-00", "number": UNKNOWN_PID, "name": "", "reason": REASON, "by": "eva"}
SENT = {"entry": "AAAA-00", "from_unit": NORTH, "to_unit": SOUTH, "why": "", "secret": False, "by": "eva"}


@dataclass(frozen=True)
class Known:
    """Ids of what a made world holds: a second scan, a run, a control to type and one to decide, a duplicate's mark, a question, a pull."""

    twin: str
    run: str
    untyped: int
    typed: int
    mark: int
    question: int
    pull: str


@dataclass(frozen=True)
class World:
    """A ward in which there is something to find for each function, all of it northern, of HSL, and about Asta."""

    store: Store
    settings: Settings
    known: Known

    def arguments(self, name: str) -> dict[str, Any]:
        """By the parameters' names, what the functions are called with."""
        page = self.known.twin if name.endswith("settle_duplicate") else "first"
        office = Office(self.store, self.settings, FORMS)
        return {
            "forms": FORMS,
            "now": later(1),
            "entry_id": "AAAA-00",
            "entry_ids": ["AAAA-00"],
            "revision": 0,
            "field": "text",
            "answer": Answer("Sov gott."),
            "answers": [] if name.startswith(f"{P}export") else answers(SAID) | answers(PLAN),
            "reason": "oläsligt" if name.endswith("reject") else REASON,
            "page_id": self._page() if page == "first" else page,
            "row": None,
            "same": True,
            "serial": "AAAA",
            "unit": NORTH,
            "typed": ASTA.pid,
            "office": office,
            "target": "skriv-in",
            "run_id": self.known.run,
            "server": None,
            "clock": lambda: NOW,
            "data": f"körning;löpnummer;post;status;text\n{self.known.run};1;CCCC-00;ok;\n".encode(),
            "store": self.store,
            "settings": self.settings,
            "uploads": [],
            "place": "",
            "school": School(self.store, self.settings, FORMS),
            "tick": lambda *_: None,
            "learned": None,
            "file": self.settings.workspace / "training.zip",
            "permit": None,
            "account": person("nils"),
            "login": "nils",
            "use_id": "none",
            "kind": PullKind.CLIENT,
            "what": ASTA.pid,
            "pull_id": self.known.pull,
            "lot": "none",
            "wanted": Wanted(*TODAY, unit=NORTH),
            "start": TODAY[0],
            "end": TODAY[1],
            "offset": 0,
            "limit": 10,
            "first": True,
            "least": 1,
            "minutes": 30,
            "share": 1.0,
            "task_id": self.known.typed if name.endswith("third_look") else self.known.untyped,
            "task": self._task(self.known.typed if name.endswith("third_look") else self.known.untyped),
            "view": self._view(),
            "shown_at": NOW,
            "found": self._entry("AAAA-00"),
            "images": self.store.images,
            "compared": Compared(text="Sov gott."),
            "mark_id": self.known.mark,
            "to_unit": SOUTH,
            "why": REASON,
            "question_id": self.known.question,
            "answered_by": "Disa Penn",
            "answered_at": NOW,
            "author": "",
            "seen": [("AAAA-00", 0)],
        } | self._special(name)

    def _special(self, name: str) -> dict[str, Any]:
        """What some functions call by a name that others use for something else."""
        if name.endswith(("questions.ask_author", "questions.give_answer")):
            return {"text": "Vilken tid?"}
        if name.endswith("write_storelog"):
            return {"file": io.BytesIO()}
        if "signing" in name or name.endswith("unsigned"):
            forms = Forms(FORMS)
            forms.signing = (RULE,)
            return {"forms": forms, "office": Office(self.store, self.settings, forms)}
        return {}

    def _entry(self, entry_id: str) -> Entry:
        with self.store.read() as conn:
            return entries.entry(conn, entry_id)

    def _view(self) -> EntryView:
        with self.store.read() as conn:
            return look_at(conn, FORMS, EVA, "AAAA-00")

    def _task(self, task_id: int) -> ControlTask:
        with self.store.read() as conn:
            page = sheets.sheet_pages(conn, "EEEE")[0]
        sides = (Answer("Sov gott."), Answer("Sov illa.")) if task_id == self.known.typed else ()
        return ControlTask(task_id, NOTE, NORTH, NOTE.by_name["text"], page, 1, sides)

    def _page(self) -> str:
        with self.store.read() as conn:
            return sheets.sheet_pages(conn, "AAAA")[0].id


def make_world(folder: Path) -> Known:
    """Fill a workspace; each call of a function gets a copy of it."""
    settings = Settings(workspace=folder, database_url="")
    with closing(open_store(settings, create=True)) as store:
        ward = Ward(store).begin()
        twin, run = _exported(ward, settings)
        for serial, who in (("BBBB", EVA), ("EEEE", NILS), ("FFFF", NILS)):
            confirm(store, f"{serial}-00", who)
        with store.begin() as conn:
            sign(conn, FORMS, EVA, "BBBB-00", entries.entry(conn, "BBBB-00").revision, NOW, why=REASONS[0])
            ids = _controls(conn)
            _measured(conn)
            mark, asked = _put_aside(conn, store.images)
            conn.execute(insert(temporary_identity).values({**IDENTITY, "at": NOW}))
            conn.execute(insert(forwarding).values({**SENT, "at": NOW}))
            pulled = pull_to_front(conn, CHIEF, PullKind.DAY, NORTH, "2026-02-17", NOW).id
            blocks.set_block(conn, ADMIN, NORTH, ASTA.pid, REASON, NOW)
    return Known(twin, run, *ids, mark, asked, pulled)


def _exported(ward: Ward, settings: Settings) -> tuple[str, str]:
    """Notes of which one has been exported, and pages of every kind; the second scan that is not settled, and the run."""
    serials = ("AAAA", "BBBB", "CCCC", "DDDD", "EEEE", "FFFF", "GGGG", "HHHH", "IIII")
    ward.issue(*(IssuedSheet(serial, NOTE.id, 1, NORTH, ASTA.pid) for serial in serials))
    for serial in serials:
        if serial != "DDDD":
            ward.note(serial)
    ward.read(ward.scan(), page_reading(NOTE, "DDDD", SAID))
    ward.read(ward.scan(), PageReading(Outcome.BLANK))
    twins = [ward.scan(), ward.scan()]
    for twin in twins:
        ward.read(twin, page_reading(NOTE, "AAAA", SAID))
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, twins[0], FORMS, same=True)
    confirm(ward.store, "CCCC-00", EVA)
    run = make_run(Office(ward.store, settings, FORMS), ADMIN, "skriv-in", NOW)
    assert run is not None
    return twins[1], run.id


def confirm(store: Store, entry_id: str, who: Person) -> None:
    """Somebody decides an entry."""
    with store.begin() as conn:
        claims.open_entry(conn, FORMS, who, entry_id, NOW)
        decisions.save_answers(conn, FORMS, who, entry_id, 0, answers(SAID) | answers(PLAN), NOW)


def _controls(conn: Connection) -> tuple[int, int]:
    """Two fields of Nils's that Eva has to type and to decide."""
    mine = {"field": "text", "drawn_at": NOW, "passed": 0, "claimed_by": EVA.login, "claimed_until": later(60)}
    typed = {"typed_by": "tora", "typed_at": NOW, "typed_value": "Sov illa.", "typed_state": Answer("").state.value}
    first = conn.execute(insert(control).values({**mine, "entry": "EEEE-00"})).inserted_primary_key
    second = conn.execute(insert(control).values({**mine, **typed, "entry": "FFFF-00"})).inserted_primary_key
    assert first is not None
    assert second is not None
    return first[0], second[0]


def _measured(conn: Connection) -> None:
    """Work of three people that has been controlled, and one look of Eva's."""
    done = {"field": "namn", "drawn_at": NOW, "passed": 0, "typed_by": "tora", "typed_at": NOW, "outcome": "agreed"}
    for serial, login in (("BBBB", "eva"), ("EEEE", "nils"), ("FFFF", "tora")):
        conn.execute(insert(control).values({**done, "entry": f"{serial}-00", "confirmed_by": login}))
    row = {"entry": "BBBB-00", "revision": 0, "login": "eva", "at": NOW, "fields": 8, "seconds": 30.0, "second": False}
    conn.execute(insert(look).values(row))


def _put_aside(conn: Connection, images: ImageFolder) -> tuple[int, int]:
    """A rejected entry, a duplicate and a question; the ids of the last two."""
    claims.open_entry(conn, FORMS, EVA, "GGGG-00", NOW)
    mark_duplicate(conn, images, EVA, "GGGG-00", 0, Compared(text="Sov gott."), "", NOW)
    claims.open_entry(conn, FORMS, EVA, "HHHH-00", NOW)
    ask_author(conn, FORMS, EVA, "HHHH-00", 0, "Vilken tid?", "", NOW)
    claims.open_entry(conn, FORMS, EVA, "IIII-00", NOW)
    decisions.reject(conn, EVA, "IIII-00", 0, "oläsligt", NOW)
    mark, asked = conn.execute(select(duplicate_mark.c.id)).scalar_one(), conn.execute(select(question.c.id)).scalar_one()
    return int(mark), int(asked)
