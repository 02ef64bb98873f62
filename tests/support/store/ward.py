"""A small care organisation to test with: two units, their staff and clients, three forms, and
pages of these as the machine reads them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from pipeline.domain.form.form import Area, Form, Forms, SigningRule
from pipeline.domain.form.rules import FormRules, Signers
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    Client,
    IssuedSheet,
    Outcome,
    PageReading,
    Person,
    Reading,
    Role,
    SheetCode,
    State,
    Value,
)
from pipeline.domain.record import Run
from pipeline.domain.review.rules import Answer
from pipeline.store.database.store import Store
from pipeline.store.entries.sheet_entries import save_page_reading
from pipeline.store.exports import ready_entries, run_items
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from pipeline.store.registers.client_register import save_clients, save_units
from pipeline.store.registers.issued_sheets import save_issued_sheets
from pipeline.store.schema import registers

RULE = SigningRule(
    version=3,
    since=date(2020, 1, 1),
    law=(),
    areas=frozenset({Area.HSL}),
    signers={Area.HSL: Signers(author=frozenset({"nurse"}), absent=frozenset({"nurse"}))},
)
"""Notes of health care are signed by nurses."""
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NORTH, SOUTH = "Norra hemsjukvården", "Södra hemsjukvården"
ASTA = Client("189001019802", "Asta Provberg", NORTH)
BROR = Client("189001029819", "Bror Testlund", NORTH)
CILLA = Client("189001039800", "Cilla Modellgren", SOUTH)
UNKNOWN_PID = "189001049817"


def person(
    login: str,
    role: Role = Role.REVIEWER,
    units: tuple[str, ...] = (NORTH,),
    areas: frozenset[str] = ALL_AREAS,
) -> Person:
    """A member of staff."""
    return Person(login, login.capitalize() + " Ek", "sjuksköterska", role, frozenset(units), areas)


EVA, NILS = person("eva"), person("nils")
SOFIA = person("sofia", units=(SOUTH,))
ADMIN = person("admin", Role.ADMINISTRATOR, (NORTH, SOUTH))
CHIEF = person("chef", Role.MANAGER)
STAFF = (EVA, NILS, SOFIA, ADMIN, CHIEF)


def _field(name: str, kind: str = "text", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of FieldSpec
    return {
        "name": name,
        "label": name.capitalize(),
        "kind": kind,
        "box": more.pop("box", [20, 20, 60, 8]),
        **more,
    }


def _form(form_id: str, entries: str, pages: list[dict[str, Any]], criticality: str = "A") -> Form:
    law = [{"ref": "PDL 3 kap. 6 §", "source": "SFS 2008:355"}]
    top = {
        "id": form_id,
        "version": 1,
        "title": form_id.capitalize(),
        "area": "HSL",
        "criticality": criticality,
        "law": law,
    }
    return Form.model_validate(top | {"entries": entries, "pages": pages})


_PID = _field("pnr", "digits", format="personnummer", critical=True, means="client_pid")
_DAY = _field("datum", "digits", format="date", critical=True, means="event_date")
_CLOCK = _field("tid", "digits", format="time", means="event_time")
_HEAD = [
    _field("enhet", "printed", means="unit"),
    _PID,
    _field("namn", means="client_name"),
    _DAY,
    _CLOCK,
    _field("skribent", means="author_name"),
]

NOTE = _form(
    "anteckning",
    "sheet",
    [
        {"fields": [*_HEAD, _field("text", "lines", lines=4)]},
        {"fields": [_field("plan", "lines", lines=4)]},
    ],
)
ROW_FIELDS = [
    each | {"box": [20, 0, 60, 8]}
    for each in (
        _PID,
        _CLOCK,
        _field("mat", "mark"),
        _field("sign", "initials", means="author_signature"),
    )
]
TABLE = {
    "prefix": "rad",
    "count": 3,
    "x": 10,
    "top": 60,
    "width": 190,
    "height": 20,
    "fields": ROW_FIELDS,
}
VISITS = _form(
    "lista",
    "row",
    [{"fields": [_DAY, _field("skribent", means="author_name")], "table": TABLE}],
    "B",
)
FREE = _form(
    "fri-anteckning", "sheet", [{"fields": [*_HEAD, _field("text", "lines", lines=10)]}]
).model_copy(update={"rules": FormRules(every_area=True)})
FORMS = Forms({(form.id, form.version): form for form in (NOTE, VISITS, FREE)})

SAID: Mapping[str, Value] = {
    "pnr": ASTA.pid,
    "namn": "Asta Provberg",
    "datum": "2026-02-17",
    "tid": "08:15",
    "skribent": "Disa Penn",
    "text": "Sov gott.",
}
"""What a note says on its first page."""
PLAN: Mapping[str, Value] = {"plan": "Ny kontroll."}


def answers(values: Mapping[str, Value], **changed: Answer) -> dict[str, Answer]:
    """Answers that say these values; None is an empty field."""
    said = {
        name: Answer(None, State.EMPTY) if value is None else Answer(value)
        for name, value in values.items()
    }
    return said | changed


def readings(form: Form, page_no: int, values: Mapping[str, Value]) -> dict[str, Reading]:
    """A reading of every field of a page: what `values` has, and the others empty."""
    fields = form.pages[page_no - 1].all_fields
    return {
        spec.name: Reading(values[spec.name], 0.995, State.READ)
        if values.get(spec.name)
        else Reading.empty(0.995)
        for spec in fields
    }


def page_reading(
    form: Form, serial: str, values: Mapping[str, Value], page_no: int = 1
) -> PageReading:
    """A page that was read."""
    code = SheetCode(form.id, form.version, page_no, len(form.pages), serial)
    return PageReading(Outcome.READ, code, residual_mm=0.1, fields=readings(form, page_no, values))


@dataclass
class Ward:
    """The organisation in a store. `scan` and `read` do in one step what intake and worker do."""

    store: Store
    batch: str = ""
    position: int = 0

    def begin(self) -> Ward:
        """Put in units, staff, clients and a first batch."""
        with self.store.begin() as conn:
            save_units(conn, {NORTH: "HSL", SOUTH: "HSL"})
            save_clients(conn, (ASTA, BROR, CILLA))
            conn.execute(insert(registers.staff), [_account(each) for each in STAFF])
            self.batch = create_batch(conn, NORTH, "Pärm 3", "admin")
        return self

    def issue(self, *sheets: IssuedSheet) -> None:
        """Register printed sheets."""
        with self.store.begin() as conn:
            save_issued_sheets(conn, sheets, "admin")

    def scan(self, picture: bytes | None = None, batch: str = "") -> str:
        """Take a page in; answers with its id. Without a picture it gets one of its own."""
        self.position += 1
        sha256 = hashlib.sha256(picture or f"page {self.position}".encode()).hexdigest()
        with self.store.begin() as conn:
            new = NewPage(
                batch or self.batch,
                self.position,
                "scan.pdf",
                self.position,
                None,
                sha256,
                "image/png",
            )
            return add_page(conn, new, "admin")

    def read(self, page_id: str, reading: PageReading, form: Form | None = None) -> None:
        """Keep a reading as the worker does. `form`: one that is not in `FORMS`."""
        if form is None and reading.code:
            form = FORMS.get((reading.code.form, reading.code.version))
        with self.store.begin() as conn:
            save_page_reading(
                conn, page_id, reading, upright_sha256=None, form=form, reader_version="test 1"
            )

    def note(
        self, serial: str, said: Mapping[str, Value] = SAID, plan: Mapping[str, Value] = PLAN
    ) -> str:
        """Both pages of a note; answers with the entry's id."""
        self.read(self.scan(), page_reading(NOTE, serial, said))
        self.read(self.scan(), page_reading(NOTE, serial, plan, page_no=2))
        return f"{serial}-00"

    def export(self, entry_id: str, revision: int = 1) -> None:
        """Put a confirmed entry into a run."""
        with self.store.begin() as conn:
            run_items.save_run(
                conn,
                Run(f"r{revision}", "rivta", "f", NOW, EVA.login, 1, "0" * 64),
                [(entry_id, revision)],
            )
            ready_entries.mark_exported(conn, [entry_id])


def _account(of: Person) -> dict[str, Any]:
    """A row of staff. Without a real hash: nobody logs in here, and hashing takes time on
    purpose.
    """
    return {
        "login": of.login,
        "name": of.name,
        "title": of.title,
        "role": of.role.value,
        "password_hash": "-",
        "active": True,
    }


def later(minutes: float) -> datetime:
    """Some minutes after `NOW`."""
    return NOW + timedelta(minutes=minutes)


def whole_log(conn: Connection) -> str:
    """All rows of the event log as text."""
    return "\n".join(str(tuple(row)) for row in conn.exec_driver_sql("SELECT * FROM event"))
