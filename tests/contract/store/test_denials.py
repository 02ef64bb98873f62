"""The person who is denied something is in the log, also where the right is asked before any
transaction; and the log holds nothing of what people wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from pipeline.domain.errors import BlockedClientError, NotAllowedError
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person, Role
from pipeline.export import runs
from pipeline.export.runs import ExportContext, receipts
from pipeline.operations.intake import import_uploads
from pipeline.operations.learning import learn
from pipeline.operations.learning.learn import LearningContext
from pipeline.reporting.audit.client_extract import make_client_extract
from pipeline.review import rejections
from pipeline.review.attachments import Attachments
from pipeline.review.corrections import Corrections
from pipeline.store.entries import queue
from pipeline.store.event_log.events import client_log_subject, list_events, record
from pipeline.store.event_log.hash_chain import read_rows
from pipeline.store.event_log.queries import Hint, LogFilter, count_log_rows
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.lookup.by_serial import find_sheets
from pipeline.store.registers import blocks
from pipeline.store.registers.client_register import look_up_client, save_units
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.store import export_office, route_steps
from tests.support.store.export_examples import SIV
from tests.support.store.ward import person, whole_log
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")
pytestmark = pytest.mark.both_databases

CHIEF = person("chef", Role.MANAGER, ("Norr",))
LOGGER = person("lova", Role.LOG_REVIEWER, ("Norr",))
ABROAD = person("ute", Role.REVIEWER, ("Väster",))


def _upload(office: ExportContext, who: Person) -> object:
    return import_uploads(
        office.store, office.settings, [("a.pdf", b"x")], person=who, unit="Norr", place=""
    )


def _learn(office: ExportContext, who: Person) -> object:
    return learn.learn_from_entries(
        LearningContext(office.store, office.settings, office.forms), who, lambda _done, _of: None
    )


ACTS: dict[str, Callable[[ExportContext, Person], object]] = {
    "ready": lambda office, who: runs.list_run_previews(office, who),
    "make_run": lambda office, who: runs.make_run(
        office, who, runs.RunKind("rivta", "rivta"), utc_now()
    ),
    "history": lambda office, who: runs.list_runs(office, who),
    "run_file": lambda office, who: runs.fetch_run_file(office, who, "x"),
    "apply_receipt_file": lambda office, who: receipts.apply_receipt_file(
        office, who, b"", utc_now()
    ),
    "take_in_uploads": _upload,
    "learn": _learn,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_denial_is_noted_once_wherever_it_is_asked(
    office: ExportContext, act: Callable[[ExportContext, Person], object]
) -> None:
    with pytest.raises(NotAllowedError):
        act(office, CHIEF)
    with office.store.read() as conn:
        assert [(row.by, row.action) for row in read_rows(conn) if row.action == "denied"] == [
            ("chef", "denied")
        ]


def test_a_whole_way_leaves_its_rows_and_no_word_that_was_written(office: ExportContext) -> None:
    entry = export_office.confirm(
        office, "hsl-anteckning", "AAAA0001", anteckning="Såret läker fint.", plan="Ny omläggning."
    )
    run = route_steps.make_run(office, export_office.ANNA, "rivta", utc_now())
    assert run is not None
    runs.fetch_run_file(office, export_office.ANNA, run.id)
    receipts.submit_receipts(
        office,
        export_office.ANNA,
        run.id,
        [receipts.ReceiptAnswer(entry, accepted=True, text="Mottaget, tack.")],
        utc_now(),
    )
    export_office.correct(office, entry, "anteckning", "Såret läker inte.")
    with pytest.raises(NotAllowedError), office.store.begin() as conn:
        work(Corrections, conn, ABROAD, utc_now()).void(entry, 9, "fel person")
    with pytest.raises(NotAllowedError), office.store.begin() as conn:
        rejections.reopen_rejected(conn, ABROAD, entry, 9)
    with office.store.read() as conn:
        done = {(row.by, row.action, row.unit) for row in read_rows(conn)}
        log = whole_log(conn)
        assert verify_chain(conn).count == 0
    assert {
        ("anna", "decide", "Norr"),
        ("anna", "exported", "Norr"),
        ("anna", "fetch_export", "Norr"),
        ("anna", "receipted", "Norr"),
        ("ute", "denied", "Norr"),
    } <= done
    for secret in (
        SIV.pid,
        SIV.pid[2:],
        SIV.name,
        "Såret",
        "omläggning",
        "tack",
        "Gun Ek",
        "fel person",
        "läste fel",
    ):
        assert secret not in log


@dataclass(frozen=True, slots=True)
class Paper:
    """What a person reaches for: an exported entry about Siv, its page and its run."""

    office: ExportContext
    entry: str
    page: str
    run: str


@pytest.fixture
def sivs(office: ExportContext) -> Paper:
    """Paper about a client that another unit has blocked."""
    entry = export_office.confirm(office, "hsl-anteckning", "AAAA0001", anteckning="Såret läker.")
    run = route_steps.make_run(office, export_office.ANNA, "rivta", utc_now())
    assert run is not None
    with office.store.begin() as conn:
        sheet = select(paper.entry.c.sheet).where(paper.entry.c.id == entry).scalar_subquery()
        page = conn.execute(select(paper.page.c.id).where(paper.page.c.sheet == sheet)).scalars()
        return Paper(office, entry, next(page), run.id)


def _subject_of_siv(sivs: Paper) -> str:
    with sivs.office.store.read() as conn:
        return client_log_subject(conn, SIV.pid)


def _in(
    act: Callable[[Connection, Paper, Person], object],
) -> Callable[[Paper, Person], object]:
    def run(sivs: Paper, who: Person) -> object:
        with sivs.office.store.begin() as conn:
            return act(conn, sivs, who)

    return run


REACHES: dict[str, tuple[Callable[[Paper, Person], object], Callable[[Paper], str]]] = {
    "entry": (
        _in(lambda conn, sivs, who: rejections.reopen_rejected(conn, who, sivs.entry, 9)),
        lambda sivs: sivs.entry,
    ),
    "claim": (
        _in(lambda conn, sivs, who: queue.renew_claim(conn, who, sivs.entry, utc_now())),
        lambda sivs: sivs.entry,
    ),
    "page": (
        _in(lambda conn, sivs, who: queue.record_page_view(conn, who, sivs.page)),
        lambda sivs: sivs.page,
    ),
    "serial": (
        _in(lambda conn, _sivs, who: find_sheets(conn, who, "AAAA0001")),
        lambda _: "AAAA0001",
    ),
    "run": (
        lambda sivs, who: runs.fetch_run_file(sivs.office, who, sivs.run),
        lambda sivs: sivs.run,
    ),
    "client": (
        _in(lambda conn, _sivs, who: look_up_client(conn, who, SIV.pid)),
        _subject_of_siv,
    ),
    "client's sheets": (
        _in(lambda conn, _sivs, who: work(Attachments, conn, who).find_client_sheets(SIV.pid)),
        _subject_of_siv,
    ),
    "block": (
        _in(
            lambda conn, _sivs, who: blocks.set_block(
                conn, who, "Norr", SIV.pid, "nyfiken", utc_now()
            )
        ),
        _subject_of_siv,
    ),
}


@pytest.mark.parametrize(("reach", "subject"), REACHES.values(), ids=REACHES)
def test_a_denial_names_what_was_reached_for_and_is_in_the_clients_extract(
    sivs: Paper,
    reach: Callable[[Paper, Person], object],
    subject: Callable[[Paper], str],
) -> None:
    now = utc_now()
    during = LogFilter(now - timedelta(days=1), now + timedelta(days=1))
    with pytest.raises(NotAllowedError):
        reach(sivs, CHIEF)
    with sivs.office.store.begin() as conn:
        (denial,) = [row for row in read_rows(conn) if row.action == "denied"]
        of_siv = replace(during, client=SIV.pid, action="denied")
        assert count_log_rows(conn, {"Norr"}, of_siv) == 1
        extract = make_client_extract(conn, LOGGER, SIV.pid, during.start, during.end, utc_now())
        log = whole_log(conn)
    assert (denial.by, denial.subject) == ("chef", subject(sivs))
    assert denial.detail["right"] in set(Action)
    assert [line.count for line in extract.lines if "nekades" in line.description] == [1]
    assert SIV.pid not in log


def test_a_blocked_client_who_is_searched_for_is_named(sivs: Paper) -> None:
    west = person("vera", Role.REVIEWER, ("Norr",))
    with sivs.office.store.begin() as conn:
        other = person("bo", Role.ADMINISTRATOR, ("Väster",))
        save_units(conn, {"Väster": "HSL"})
        blocks.set_block(conn, other, "Väster", SIV.pid, "klientens önskan", utc_now())
    for act in (
        lambda conn: work(Attachments, conn, west).find_client_sheets(SIV.pid),
        lambda conn: queue.record_page_view(conn, west, sivs.page),
    ):
        with pytest.raises(BlockedClientError), sivs.office.store.begin() as conn:
            act(conn)
    with sivs.office.store.read() as conn:
        denied = [row.subject for row in read_rows(conn) if row.action == "denied"]
    assert denied == [_subject_of_siv(sivs), sivs.page]


def test_a_denial_is_no_step_of_the_work_with_an_entry(sivs: Paper) -> None:
    """Who only looked is still asked why, and what is undone is the last thing that was done."""
    now = utc_now()
    with sivs.office.store.begin() as conn:
        record(conn, "ute", "view_page", sivs.page, unit="Norr")
        before = list_events(conn, sivs.entry)
    for act in (REACHES["entry"], REACHES["page"]):
        with pytest.raises(NotAllowedError):
            act[0](sivs, ABROAD)
    with sivs.office.store.read() as conn:
        assert list_events(conn, sivs.entry) == before
        without = LogFilter(
            now - timedelta(days=1), utc_now(), by="ute", hint=Hint.WITHOUT_DECISION
        )
        assert count_log_rows(conn, {"Norr"}, without) == 1


def test_what_is_typed_is_named_only_if_it_is_no_personal_number(office: ExportContext) -> None:
    for typed in (SIV.pid, "x" * 500):
        with pytest.raises(NotAllowedError), office.store.begin() as conn:
            find_sheets(conn, CHIEF, typed)
    with office.store.read() as conn:
        denied = [row.subject for row in read_rows(conn) if row.action == "denied"]
    assert denied == ["correct", "x" * 80]
