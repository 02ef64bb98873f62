"""An office to export from: a store with two units, their staff, and entries that a person has
confirmed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update

from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import EntryState, Outcome, PageReading, Person, Role, SheetCode, State
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.domain.settings import Settings
from pipeline.export.key_in import screen
from pipeline.export.manual_entry.one_list import find_destination
from pipeline.export.runs import ExportContext
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement
from pipeline.review import decisions, signing
from pipeline.review.corrections import Corrections
from pipeline.review.signing import Signing
from pipeline.store.accounts import people
from pipeline.store.database.store import open_store
from pipeline.store.entries import entry, queue
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.exports import payment_approvals
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from pipeline.store.registers import client_register
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.exports import export_item
from tests.support.pages.small_pages import foreign_page
from tests.support.store.export_examples import ARNE, FORM_OF, FORMS, NEEDED_FIELDS, SIV
from tests.support.store.passwords import hashed
from tests.support.store.work import work

ANNA = Person(
    "anna", "Anna Öst", "sjuksköterska", Role.REVIEWER, frozenset({"Norr", "Söder"}), ALL_AREAS
)
PER = Person(
    "per", "Per Åhs", "sjuksköterska", Role.REVIEWER, frozenset({"Norr", "Söder"}), ALL_AREAS
)
TORA = Person(
    "tora", "Tora Ås", "sjuksköterska", Role.REVIEWER, frozenset({"Norr", "Söder"}), ALL_AREAS
)
STIG = Person("stig", "Stig Alm", "undersköterska", Role.REVIEWER, frozenset({"Söder"}), ALL_AREAS)
MONA = Person("mona", "Mona Ek", "enhetschef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)
NILS = Person("nils", "Nils Alm", "ekonomichef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)
_TITLE = {"arende": "Ansökan"}
_WORDS: Mapping[str, Mapping[str, str]] = {"erms": _TITLE, "ciceron-exempel": _TITLE}
SAID: Mapping[Meaning, str] = {
    Meaning.CLIENT_PID: SIV.pid,
    Meaning.EVENT_DATE: "2021-12-17",
    Meaning.EVENT_TIME: "08:15",
    Meaning.AUTHOR_NAME: "Gun Ek",
    Meaning.AUTHOR_TITLE: "sjuksköterska",
}


def open_office(settings: Settings) -> ExportContext:
    """A new store with units, staff and clients, and no entries."""
    settings = settings.model_copy(
        update={
            "outage_start": datetime(2021, 12, 16, 3),
            "outage_end": datetime(2022, 1, 10),
            "care_provider_hsa_id": "SE2120002692-0000",
            "source_system_hsa_id": "SE2120002692-EFTERSKRIFT",
        }
    )
    store = open_store(settings, create=True)
    with store.begin() as conn:
        client_register.save_units(conn, {"Norr": "HSL", "Söder": "HSL"})
        client_register.save_clients(conn, [SIV, ARNE])
        for person in (ANNA, PER, TORA, STIG):
            people.save_person(conn, person, hashed("fyra lösa ord här"))
    return ExportContext(store, settings, FORMS)


JOURNAL = find_destination("hsl-anteckning", "HSL")
"""Where notes are keyed in."""


def next_client(office: ExportContext, person: Person, run_id: str) -> screen.ClientToKeyIn | None:
    """What a person is given to key in of a run's notes."""
    return screen.claim_next_client(office, person, (run_id, JOURNAL), utc_now())


def printed(data: bytes) -> str:
    """The words of a PDF."""
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True
    ).stdout.decode()


def count_held_back(office: ExportContext, person: Person, run_id: str) -> int:
    """How many notes of a run wait until a person has decided."""
    return screen.count_held_back(office, person, (run_id, JOURNAL))


def in_long_outage(office: ExportContext) -> ExportContext:
    """The same office, whose outage reached over the whole of December 2021 and January 2022."""
    long_outage = {"outage_start": datetime(2021, 11, 30), "outage_end": datetime(2022, 2, 2)}
    settings = office.settings.model_copy(update=long_outage)
    return ExportContext(office.store, settings, office.forms)


def paying(office: ExportContext) -> ExportContext:
    """The same office, that may pay and in which two managers have approved every payment there is.
    Rows that nobody has looked at are rejected.
    """
    settings = office.settings.model_copy(
        update={"payment_account": "SE4550000000058398257466", "payment_bic": "ESSESESS"}
    )
    with office.store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.state.in_(paper.OPEN_STATES))
            .values(state="avvisad")
        )
        for entry_id in payment_approvals.list_payable(
            conn, MONA, {form for form, _ in office.forms}
        ):
            for person in (MONA, NILS):
                payment_approvals.save_approval(
                    conn,
                    person,
                    entry_id,
                    payment_approvals.latest_decisions(conn, [entry_id])[entry_id],
                    utc_now(),
                )
    return ExportContext(office.store, settings, office.forms)


def scan(office: ExportContext, form_id: str, serial: str, unit: str = "Norr") -> str:
    """Scan and read one sheet, which then waits for review; answers with its (first) entry's id."""
    form = FORMS[form_id, 1]
    row = form.rows()[0]
    code = SheetCode(form.id, form.version, 1, 1, serial)
    picture = office.store.images.put(foreign_page(serial))
    with office.store.begin() as conn:
        page = add_page(
            conn,
            NewPage(
                create_batch(conn, unit, "pärm 3", "bo"), 1, "a.pdf", 1, None, picture, "image/png"
            ),
            "bo",
        )
        sheets.save_page_reading(
            conn,
            page,
            PageReading(Outcome.READ, code),
            upright_sha256=None,
            form=form,
            reader_version="1",
        )
    return entry.make_entry_id(serial, row)


def confirm(
    office: ExportContext, form_id: str, serial: str, unit: str = "Norr", **fields: str | bool
) -> str:
    """Scan, read and confirm one sheet; answers with its (first) entry's id. Two people look, as a
    paper of class A needs.
    """
    entry_id = scan(office, form_id, serial, unit)
    review(office, entry_id, form_id, **fields)
    return entry_id


def confirmed(office: ExportContext, target: str, serial: str = "AAAA01") -> str:
    """An entry that can go to this target, confirmed as in `confirm`; answers with its id."""
    said: dict[str, str | bool] = {
        name: value if isinstance(value, bool) else str(value)
        for name, value in NEEDED_FIELDS.get(target, {}).items()
    }
    said |= _WORDS.get(target, {})
    return confirm(office, FORM_OF[target], serial, unit="Norr", **said)


def review(office: ExportContext, entry_id: str, form_id: str, **fields: str | bool) -> None:
    """Let two people confirm an entry that waits for review, and one of them sign it."""
    with office.store.begin() as conn:
        seen = entry.load_entry(conn, entry_id)
        given = {
            spec.name: _answer(spec, fields) for spec in asked_fields(FORMS[form_id, 1], seen.row)
        }
        state = decisions.decide_entry(
            conn, FORMS, ANNA, decisions.Decision(entry_id, seen.revision, given), utc_now()
        )
    if state is EntryState.SECOND:
        agree(office, entry_id, form_id, **fields)
    sign(office, entry_id)


def agree(
    office: ExportContext, entry_id: str, form_id: str, who: Person = PER, /, **fields: str | bool
) -> None:
    """Let a second person confirm what waits for one, and sign."""
    with office.store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, who, entry_id, queue.ClaimTerms(utc_now()))
        given = {
            spec.name: _answer(spec, fields)
            for spec in asked_fields(FORMS[form_id, 1], view.entry.row)
        }
        disputed = {
            field.spec.name: given[field.spec.name] for field in view.fields if field.is_open
        }
        decisions.decide_entry(
            conn, FORMS, who, decisions.Decision(entry_id, view.entry.revision, disputed), utc_now()
        )
    sign(office, entry_id)


def sign(office: ExportContext, entry_id: str) -> None:
    """Sign an entry that waits for a signature, in place of its author."""
    with office.store.begin() as conn:
        waiting = {
            one.id: one for one in work(Signing, conn, PER, forms=FORMS).load_queue().other_entries
        }
        if entry_id in waiting:
            work(Signing, conn, PER, utc_now(), forms=FORMS).sign(
                entry_id, waiting[entry_id].revision, reason=signing.SIGNING_REASONS[0]
            )


def correct(office: ExportContext, entry_id: str, field: str, value: str) -> None:
    """Correct a field of a confirmed or exported entry."""
    with office.store.begin() as conn:
        seen = entry.load_entry(conn, entry_id)
        work(Corrections, conn, ANNA, utc_now(), forms=FORMS).correct(
            entry_id, seen.revision, {field: Answer(value)}, "läste fel"
        )
    sign(office, entry_id)


def corrected(
    office: ExportContext,
    entry_id: str,
    name: str,
    answer: Answer,
    about: ClientStatement = NO_CLIENT_STATEMENT,
    judge: Person = TORA,
) -> None:
    """A correction that a second person agrees to if one is needed, signed again."""
    with office.store.begin() as conn:
        seen = entry.load_entry(conn, entry_id)
        found = work(Corrections, conn, ANNA, utc_now(), forms=FORMS).correct(
            entry_id, seen.revision, {name: answer}, "läste fel", about=about
        )
    if found is EntryState.SECOND:
        with office.store.begin() as conn:
            view = queue.open_claimed_entry(
                conn, FORMS, judge, entry_id, queue.ClaimTerms(utc_now())
            )
            given = {field.spec.name: answer for field in view.fields if field.is_open}
            decisions.decide_entry(
                conn,
                FORMS,
                judge,
                decisions.Decision(entry_id, view.entry.revision, given, about=about),
                utc_now(),
            )
    sign(office, entry_id)


def void(office: ExportContext, entry_id: str) -> None:
    """Make an exported entry void."""
    with office.store.begin() as conn:
        work(Corrections, conn, ANNA, utc_now()).void(
            entry_id, entry.load_entry(conn, entry_id).revision, "fel person"
        )


def state(office: ExportContext, entry_id: str) -> EntryState:
    """Where the entry is."""
    with office.store.read() as conn:
        return entry.load_entry(conn, entry_id).state


def _answer(spec: FieldSpec, fields: Mapping[str, str | bool]) -> Answer:
    value = fields.get(spec.column, SAID.get(spec.means) if spec.means else None)
    if value in (None, ""):
        return Answer(False, State.EMPTY) if spec.kind is Kind.MARK else Answer(None, State.EMPTY)
    return Answer(value)


def receipt_run(office: ExportContext, person: Person, run_id: str) -> None:
    """The target says that it has every entry of a run."""
    with office.store.read() as conn:
        query = select(export_item.c.entry).where(export_item.c.run == run_id)
        entries = list(conn.execute(query).scalars())
    answers = [ReceiptAnswer(entry, accepted=True) for entry in entries]
    submit_receipts(office, person, run_id, answers, utc_now())
