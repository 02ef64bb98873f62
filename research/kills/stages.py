"""The stages of the work, each as a process that may be killed at any moment and is begun again.

Everything is real but the ink: the reading of a page gives what its sheet says.
"""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import yaml

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    Outcome,
    PageReading,
    Person,
    Reading,
    Role,
    SheetCode,
    State,
    Value,
)
from pipeline.domain.record import Route
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.domain.settings import ROOT, Settings
from pipeline.export.runs import (
    ExportContext,
    RunKind,
    confirm_delivery,
    fetch_run_file,
    list_runs,
    list_undelivered,
    make_runs_of_kind,
)
from pipeline.export.runs.receipts import ReceiptAnswer, open_run_items, submit_receipts
from pipeline.files.atomic import write_private
from pipeline.login.passwords import hash_password
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import PageJob
from pipeline.reading.read_page import PageResult
from pipeline.review.decisions import Decision
from pipeline.review.session import ReviewSession
from pipeline.review.signing import SIGNING_REASONS, Signing
from pipeline.store.accounts import people
from pipeline.store.database.copies import back_up
from pipeline.store.database.history import head
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.exports.routes import save_route
from pipeline.store.paper.pages import list_queued_pages
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from research.simulation.paper import load_sample_clients

FORM_ID, UNIT, TARGET = "hsl-anteckning", "Hemsjukvården Centrum", "rivta"
TITLE = "sjuksköterska"
HSA_IDS = {
    "care_provider_hsa_id": "SE2120002692-100",
    "source_system_hsa_id": "SE2120002692-900",
}
ADMINISTRATOR = Person(
    "sven", "Sven Dahl", "systemförvaltare", Role.ADMINISTRATOR, frozenset({UNIT}), ALL_AREAS
)
_ATTEMPTS = 1000
"""Of a page: kills are no fault of it, and here there are many."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """A workspace, the folder of scans and the folder that files of exports go to."""

    settings: Settings
    scans: Path
    outbox: Path

    @property
    def staff(self) -> tuple[Person, Person]:
        """Two persons who review, sign and export."""
        return tuple(  # type: ignore[return-value]
            Person(login, name, TITLE, Role.REVIEWER, frozenset({UNIT}), ALL_AREAS)
            for login, name in (("anna", "Anna Öst"), ("per", "Per Åhs"))
        )

    def open(self) -> Store:
        """Open the store."""
        return open_store(self.settings)


def prepare(place: Workplace) -> None:
    """Make the workspace with its unit, clients and staff."""
    load_forms()
    for folder in (place.scans, place.outbox):
        folder.mkdir(parents=True)
    # Exports to the care system name the care provider and this system
    place.settings.workspace.mkdir(parents=True)
    (place.settings.workspace / "settings.yaml").write_text(
        yaml.safe_dump(HSA_IDS), encoding="utf-8"
    )
    password = hash_password("fyra lösa ord här")
    with closing(open_store(place.settings, create=True)) as store, store.begin() as conn:
        client_register.save_units(conn, {UNIT: "HSL"})
        client_register.save_clients(conn, load_sample_clients())
        for person in place.staff:
            people.save_person(conn, person, password)
        save_route(conn, ADMINISTRATOR, Route("journal", TARGET, (FORM_ID,), "Journal"), utc_now())


def write_scans(place: Workplace, first: int, count: int) -> None:
    """Write the scans of new sheets, numbered from `first`, instead of those before."""
    shutil.rmtree(place.scans)
    place.scans.mkdir()
    for number in range(first, first + count):
        (place.scans / f"{number:06d}.png").write_bytes(_make_scan(number))


def _make_scan(number: int) -> bytes:
    """Return an image whose first pixels are the number of its sheet."""
    pixels = np.full((40, 40), 255, np.uint8)
    pixels[0, :4] = list(number.to_bytes(4))
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def take_in(place: Workplace) -> None:
    """Import the scans, as one batch."""
    with closing(place.open()) as store:
        files = sorted(place.scans.iterdir())
        import_files(store, files, unit=UNIT, place="Pärm 1", by="anna")


class _ScanReader:
    """A reader that knows what each scan says."""

    def __init__(self) -> None:
        self.forms = load_forms()
        self._form = self.forms.latest(FORM_ID)

    def read(self, data: bytes, media_type: str, unit: str = "") -> PageResult:
        """Return what the sheet says."""
        del media_type, unit
        pixels = np.asarray(PIL.Image.open(io.BytesIO(data)))
        serial = sheet_serial(int.from_bytes(pixels[0, :4].tobytes()))
        form = self._form
        readings = {spec.name: _read(spec) for spec in form.pages[0].all_fields}
        code = SheetCode(form.id, form.version, 1, len(form.pages), serial)
        return PageResult(PageReading(Outcome.READ, code, 0.0, 0.1, (), readings), data)


def sheet_serial(number: int) -> str:
    """Return the serial of a sheet."""
    return f"K{number:05d}"


@cache
def load_forms() -> Forms:
    """Load the program's forms: once, before the processes of the stages are forked."""
    return Forms.load(ROOT / "forms")


def _read(spec: FieldSpec) -> Reading:
    answer = _answer(spec)
    return Reading(answer.value, 0.99, answer.state)


@cache
def _client_pid() -> str:
    return load_sample_clients()[0].pid


def _answer(spec: FieldSpec) -> Answer:
    said: Mapping[Meaning | None, Value] = {
        Meaning.CLIENT_PID: _client_pid(),
        Meaning.EVENT_DATE: "2021-12-17",
        Meaning.EVENT_TIME: "08:15",
        Meaning.AUTHOR_NAME: "Gun Ek",
        Meaning.AUTHOR_TITLE: TITLE,
    }
    by_name: Mapping[str, Value] = {"kontakttyp": "besok", "anteckning": "Såret läker."}
    value = by_name.get(spec.name, said.get(spec.means) if spec.means else None)
    return Answer(value) if value is not None else Answer(None, State.EMPTY)


@contextmanager
def _logging_errors_only() -> Iterator[None]:
    """Leave warnings out of the log for a while: a caller's process goes on with its own level."""
    logger = logging.getLogger("pipeline")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def read(place: Workplace) -> None:
    """Read every queued page, and do not log what its worn pages lack."""
    with _logging_errors_only(), closing(place.open()) as store:
        job = PageJob(store, _ScanReader(), _ATTEMPTS, 0.05)
        with store.read() as conn:
            waiting = list_queued_pages(conn)
        for page_id in waiting:
            job.read(page_id)


def review(place: Workplace) -> None:
    """Let two persons decide every entry, and sign it."""
    forms = load_forms()
    with closing(place.open()) as store:
        for person in place.staff:
            session = ReviewSession(store, forms, place.settings, person)
            while (view := session.next_entry(lambda *_: None)) is not None:
                decision = Decision(view.entry.id, view.entry.revision, _answers(view, forms))
                session.decide(view, decision, utc_now())
        signing = Signing(store, forms, place.settings, place.staff[1])
        for entry in signing.load_queue().other_entries:
            signing.sign(entry.id, entry.revision, reason=SIGNING_REASONS[0])


def _answers(view: EntryView, forms: Forms) -> dict[str, Answer]:
    form: Form = forms.latest(FORM_ID)
    is_open = {one.spec.name for one in view.fields if one.is_open}
    specs = [spec for spec in asked_fields(form, view.entry.row) if spec.traits.filled_by_hand]
    return {spec.name: _answer(spec) for spec in specs if spec.name in is_open}


def export(place: Workplace) -> None:
    """Export what is ready, and write every file that nobody was handed."""
    with closing(place.open()) as store:
        context, person = ExportContext(store, place.settings, load_forms()), place.staff[0]
        make_runs_of_kind(context, person, RunKind("journal", TARGET), utc_now())
        for status in list_undelivered(context, person, TARGET):
            file = fetch_run_file(context, person, status.run.id)
            write_private(place.outbox / file.name, file.data)
            confirm_delivery(context, person, status.run.id, utc_now())


def receipt(place: Workplace) -> None:
    """Let the target accept all that it was handed."""
    with closing(place.open()) as store:
        context, person = ExportContext(store, place.settings, load_forms()), place.staff[0]
        for status in list_runs(context, person):
            items = open_run_items(context, person, status.run.id) if status.waiting else []
            answers = [
                ReceiptAnswer(item.entry_id, accepted=True)
                for item in items
                if item.accepted is None
            ]
            if answers:
                submit_receipts(context, person, status.run.id, answers, utc_now())


def backup(place: Workplace) -> None:
    """Make a backup copy of the database, instead of those before."""
    copies = place.settings.workspace / "copies"
    with closing(place.open()) as store, store.begin() as conn:
        copy = back_up(conn, copies, head(), utc_now())
    for other in copy.parent.glob(f"{copy.name.partition('-')[0]}-before-*"):
        if other != copy:
            other.unlink()


STAGES: Mapping[str, Callable[[Workplace], None]] = {
    "intake": take_in,
    "reading": read,
    "review": review,
    "export": export,
    "receipt": receipt,
    "backup": backup,
}
"""In the order in which paper passes them."""
