"""One body over SQLite and PostgreSQL: what every database of the store has to keep."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Thread

import pytest
from sqlalchemy import Connection, select

from pipeline.domain.errors import (
    EfterskriftError,
    NotAllowedError,
    ReviewError,
    StoreError,
    StoreUnavailableError,
    UnstorableTextError,
)
from pipeline.domain.model import Client, EntryState, IssuedSheet, Person, PriorityKind
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.review import (
    decisions,
    rejections,
    session,
)
from pipeline.review.corrections import Corrections
from pipeline.review.questions import Questions
from pipeline.review.rejections import ComparisonSource
from pipeline.review.signing import Signing
from pipeline.review.transfers import Transfers
from pipeline.store.database.engines import make_engine
from pipeline.store.database.image_files import ImageFolder
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import queue, queue_order, versions
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import list_sheet_entries, load_entry
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.event_log.events import record
from pipeline.store.paper import page_lists, pages
from pipeline.store.registers import client_register
from pipeline.store.registers.client_register import find_issued_sheet
from pipeline.store.registers.issued_sheets import save_issued_sheets
from pipeline.store.review import author_questions
from pipeline.store.schema import paper
from tests.support.store.ward import (
    ASTA,
    BROR,
    CILLA,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    STAFF,
    VISITS,
    Ward,
    answers,
    page_reading,
    whole_log,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.both_databases, pytest.mark.patient]


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def together(*acts: Callable[[], None]) -> list[Exception]:
    """Run acts at the same moment in threads; the errors that they end with."""
    barrier, errors = Barrier(len(acts)), list[Exception]()

    def run(act: Callable[[], None]) -> None:
        barrier.wait()
        try:
            act()
        except Exception as error:  # handed to the test
            errors.append(error)

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_a_store_is_made_by_many_at_once_and_opened_again(bare_settings: Settings) -> None:
    assert together(*[lambda: open_store(bare_settings, create=True).close()] * 4) == []
    store = open_store(bare_settings)
    with store.read() as conn:
        assert pages.count_pages_by_state(conn) == {"in": 0, "done": 0, "waiting": 0, "failed": 0}
    store.close()


def test_a_new_database_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """SQLite refuses some of them to write ahead, without waiting: 27 of 6,000."""

    def opened(name: str) -> None:
        engine = make_engine(f"sqlite:///{tmp_path / name}", 30)
        with engine.connect():
            pass
        engine.dispose()

    assert [
        error for number in range(150) for error in together(*[partial(opened, f"{number}.db")] * 4)
    ] == []


def test_a_lock_is_waited_for_and_then_named(store: Store, store_settings: Settings) -> None:
    impatient = open_store(store_settings, wait_seconds=0.2)
    with store.begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailableError, match="locked"), impatient.begin() as other:
            record(other, "eva", "try", "x")
    with impatient.begin() as other:
        record(other, "eva", "try", "x")
    impatient.close()


def test_the_entry_that_a_person_has_is_waited_for_when_somebody_looks_at_it(
    ward: Ward, store_settings: Settings
) -> None:
    """The person who looks for a free entry holds, for a moment, one that has just been taken."""
    for serial in ("AAAA", "BBBB"):
        ward.note(serial)
    with ward.store.begin() as conn:
        mine = queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(NOW))
    assert mine is not None
    impatient = open_store(store_settings, wait_seconds=0.2)
    with ward.store.begin() as conn:
        conn.execute(
            select(paper.entry.c.id).where(paper.entry.c.id == mine.entry.id).with_for_update()
        )
        for take in (
            partial(queue.claim_next, forms=FORMS),
            partial(queue.resume_claim, entry_id=mine.entry.id, revision=0),
        ):
            with pytest.raises(StoreUnavailableError, match="locked"), impatient.begin() as other:
                take(other, person=EVA, terms=queue.ClaimTerms(NOW))
    impatient.close()


def test_a_text_that_the_database_cannot_hold_is_named_without_quoting_it(ward: Ward) -> None:
    """SQLite holds any text; PostgreSQL no NUL."""
    entry_id = ward.note("AAAA")
    expected: AbstractContextManager[object] = nullcontext()
    if ward.store.engine.dialect.name == "postgresql":
        expected = pytest.raises(
            UnstorableTextError,
            match=r"^A text is too long, or holds a character that the database cannot hold\.",
        )
    with expected, ward.store.begin() as conn:
        work(Questions, conn, EVA).ask(entry_id, 0, "Vilken dos?\0", "")


def test_of_two_that_are_marked_as_duplicates_of_each_other_at_once_one_stays(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, both, reject = (ward.note("AAAA"), ward.note("BBBB")), Barrier(2), rejections.reject_entry

    def reject_together(
        conn: Connection, who: Person, one: rejections.Rejection, now: datetime
    ) -> None:
        with suppress(BrokenBarrierError):
            both.wait(0.5)  # until the other has looked too, if anything lets it
        reject(conn, who, one, now)

    def mark(who: Person, one: str, other: str) -> None:
        with ward.store.begin() as conn:
            rejections.mark_duplicate(
                conn,
                ward.store.images,
                who,
                rejections.Duplicate(one, 0, ComparisonSource(other_entry=other)),
                NOW,
            )

    monkeypatch.setattr(rejections, "reject_entry", reject_together)
    (told,) = together(partial(mark, EVA, *ids), partial(mark, NILS, *reversed(ids)))
    assert isinstance(told, ReviewError)
    with ward.store.read() as conn:
        assert {load_entry(conn, one).state for one in ids} == {
            EntryState.REVIEW,
            EntryState.REJECTED,
        }


def test_registers_are_replaced_by_key(ward: Ward) -> None:
    moved = ASTA.__class__(ASTA.pid, ASTA.name, SOUTH, protected=True)
    with ward.store.begin() as conn:
        assert client_register.save_clients(conn, [moved]) == 1
        client_register.save_units(conn, {NORTH: "SoL"})
        assert client_register.load_client(conn, ASTA.pid) == moved
        assert client_register.list_clients(conn, [SOUTH]) == [moved, CILLA]
        assert client_register.list_clients(conn) == [moved, BROR, CILLA]
        assert client_register.areas_by_unit(conn) == {NORTH: "SoL", SOUTH: "HSL"}


def test_a_plus_sign_never_means_a_child(ward: Ward) -> None:
    child, old = (
        Client(f"{century}1212121212", "Tolvan Tolvansson", NORTH) for century in ("20", "19")
    )
    with ward.store.begin() as conn:
        client_register.save_clients(conn, [child])
        assert client_register.find_client(conn, "121212+1212") is None
        client_register.save_clients(conn, [old])
        assert client_register.find_client(conn, "121212+1212") == old


def test_ten_digits_that_fit_two_clients_fit_none(ward: Ward) -> None:
    with ward.store.begin() as conn:
        assert client_register.find_client(conn, "900101-9802") == ASTA
        client_register.save_clients(
            conn, [ASTA.__class__("20" + ASTA.pid[2:], "Yngre Provberg", NORTH)]
        )
        assert client_register.find_client(conn, "900101-9802") is None
        assert client_register.find_client(conn, "18900101-9802") == ASTA


def test_a_serial_is_issued_once_and_the_error_quotes_nothing(ward: Ward) -> None:
    sheet = IssuedSheet("AAAA", NOTE.id, 1, NORTH, ASTA.pid)
    ward.issue(sheet)
    with pytest.raises(StoreError) as error, ward.store.begin() as conn:
        save_issued_sheets(conn, [sheet], "admin")
    assert "AAAA" not in str(error.value)
    assert ASTA.pid not in str(error.value)
    assert error.value.__cause__ is None
    with ward.store.read() as conn:
        assert find_issued_sheet(conn, "AAAA") == sheet


def test_pages_of_a_sheet_read_at_once_make_one_entry(ward: Ward) -> None:
    for number in range(10):
        serial = f"S{number:03d}"
        ids = [ward.scan(), ward.scan(), ward.scan()]
        readings = [
            page_reading(NOTE, serial, SAID),
            page_reading(NOTE, serial, PLAN, 2),
            page_reading(NOTE, serial, SAID),
        ]
        assert (
            together(
                *(
                    partial(ward.read, page_id, reading)
                    for page_id, reading in zip(ids, readings, strict=True)
                )
            )
            == []
        )
        with ward.store.read() as conn:
            assert [entry.id for entry in list_sheet_entries(conn, serial)] == [f"{serial}-00"]
            assert [
                page.duplicate_of for page in (pages.load_page(conn, page_id) for page_id in ids)
            ] == [None, None, ids[0]]


def test_the_same_picture_read_at_once_has_one_original(ward: Ward) -> None:
    for number in range(10):
        ids = [ward.scan(f"same {number}".encode()) for _ in range(3)]
        reading = page_reading(VISITS, f"S{number:03d}", {"rad01.pnr": ASTA.pid})
        assert together(*(partial(ward.read, page_id, reading) for page_id in ids)) == []
        with ward.store.read() as conn:
            found = [pages.load_page(conn, page_id) for page_id in ids]
        assert [(page.duplicate_of, page.settled) for page in found] == [
            (None, False),
            (ids[0], True),
            (ids[0], True),
        ]


def test_two_decisions_at_once_are_one(ward: Ward) -> None:
    for number in range(10):
        entry_id = ward.note(f"S{number:03d}")

        def decide(entry_id: str = entry_id) -> None:
            with ward.store.begin() as conn:
                decisions.decide_entry(
                    conn,
                    FORMS,
                    EVA,
                    decisions.Decision(entry_id, 0, answers({**SAID, **PLAN})),
                    NOW,
                )

        errors = together(decide, decide, decide)
        assert [type(error).__name__ for error in errors] == ["StaleDecisionError"] * 2
        with ward.store.read() as conn:
            (entry,) = list_sheet_entries(conn, f"S{number:03d}")
            rows = conn.exec_driver_sql(
                f"SELECT count(*) FROM decision WHERE entry = '{entry_id}'"
            ).scalar_one()
        assert (entry.state, entry.revision, rows) == (
            EntryState.CONFIRMED,
            1,
            len(SAID) + len(PLAN),
        )


def test_nothing_written_on_paper_is_in_the_log(ward: Ward) -> None:
    ward.issue(IssuedSheet("AAAA", NOTE.id, 1, NORTH, ASTA.pid))
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(NOW))
        session.save_draft(conn, EVA, entry_id, {"namn": Answer("Asta")}, ClaimTerms(NOW))
        decisions.decide_entry(
            conn,
            FORMS,
            EVA,
            decisions.Decision(entry_id, 0, answers({**SAID, **PLAN}, datum=Answer("2026-02-18"))),
            NOW,
        )
        queue.claim_next(conn, FORMS, NILS, queue.ClaimTerms(NOW))
        decisions.decide_entry(
            conn, FORMS, NILS, decisions.Decision(entry_id, 1, {"datum": Answer("2026-02-18")}), NOW
        )
        work(Corrections, conn, NILS).correct(
            entry_id, 2, {"text": Answer("Sov illa.")}, "Disa hörde av sig"
        )
        rejections.reject_entry(conn, EVA, rejections.Rejection(entry_id, 3, "fel person"), NOW)
    with ward.store.read() as conn:
        log = whole_log(conn)
    assert len(log.splitlines()) > 6
    for said in (
        *SAID.values(),
        *PLAN.values(),
        ASTA.name,
        ASTA.pid,
        "2026-02-18",
        "Sov illa.",
        "Disa",
    ):
        assert str(said) not in log


NO_IMAGES = ImageFolder(Path("nowhere"))

ACTS: dict[str, Callable[[Connection, Person, str], object]] = {
    "open_entry": lambda conn, who, _: queue.open_claimed_entry(
        conn, FORMS, who, "AAAA-00", queue.ClaimTerms(NOW)
    ),
    "skip": lambda conn, who, _: queue.skip_entry(conn, who, "AAAA-00", 0),
    "save_draft": lambda conn, who, _: session.save_draft(
        conn, who, "AAAA-00", {"namn": Answer("x")}, ClaimTerms(NOW)
    ),
    "save_answers": lambda conn, who, _: decisions.decide_entry(
        conn, FORMS, who, decisions.Decision("AAAA-00", 0, {}), NOW
    ),
    "reject": lambda conn, who, _: rejections.reject_entry(
        conn, who, rejections.Rejection("AAAA-00", 0, "oläsligt"), NOW
    ),
    "undo": lambda conn, who, _: work(Corrections, conn, who).undo([("AAAA-00", 0)]),
    "reopen": lambda conn, who, _: rejections.reopen_rejected(conn, who, "AAAA-00", 0),
    "correct": lambda conn, who, _: work(Corrections, conn, who).correct("AAAA-00", 0, {}, "fel"),
    "void": lambda conn, who, _: work(Corrections, conn, who).void("AAAA-00", 0, "fel"),
    "view_page": queue.record_page_view,
    "requeue": page_lists.requeue_page,
    "settle_duplicate": lambda conn, who, page: sheets.settle_duplicate(
        conn, who, page, FORMS, same=True
    ),
    "settle_empty": sheets.confirm_empty_sheet,
    "add_row": lambda conn, who, page: sheets.add_row(conn, who, page, 1, FORMS),
    "pull_to_front": lambda conn, who, _: queue_order.prioritize(
        conn, who, PriorityKind.ENTRY, NORTH, "AAAA-00", NOW
    ),
    "forward": lambda conn, who, _: work(Transfers, conn, who).send("AAAA-00", 0, "", ""),
    "forward_protected": lambda conn, who, _: work(Transfers, conn, who).send_protected(
        "AAAA-00", 0
    ),
    "ask_author": lambda conn, who, _: work(Questions, conn, who).ask("AAAA-00", 9, "Vad?", ""),
    "questions_of": lambda conn, who, _: author_questions.list_entry_questions(
        conn, who, "AAAA-00"
    ),
    "mark_duplicate": lambda conn, who, _: rejections.mark_duplicate(
        conn, NO_IMAGES, who, rejections.Duplicate("AAAA-00", 9, ComparisonSource(text="x")), NOW
    ),
    "sign": lambda conn, who, _: work(Signing, conn, who).sign("AAAA-00", 0),
    "take_signature_back": lambda conn, who, _: work(Signing, conn, who).withdraw([("AAAA-00", 0)]),
    "versions": lambda conn, who, _: versions.list_versions(conn, who, "AAAA-00"),
}
"""Everything that a person can do to an entry or page of the northern unit."""

MAY = {name: {"eva", "nils"} for name in ACTS} | {
    "requeue": {"admin"},
    "settle_duplicate": {"admin"},
    "settle_empty": {"admin"},
    "view_page": {"admin", "eva", "nils"},
    "pull_to_front": {"chef"},
    "forward": {"admin", "eva", "nils"},
    "forward_protected": {"admin", "eva", "nils"},
    "questions_of": {"admin", "eva", "nils"},
    "versions": {"admin", "eva", "nils"},
}


@pytest.mark.parametrize("name", ACTS)
def test_every_act_asks_for_the_right(ward: Ward, name: str) -> None:
    page_id = ward.scan()
    ward.read(page_id, page_reading(NOTE, "AAAA", SAID))
    for who in STAFF:
        refused = False
        try:
            with ward.store.begin() as conn:
                ACTS[name](conn, who, page_id)
        except NotAllowedError:
            refused = True
        except EfterskriftError:
            refused = False  # allowed, but not in this state
        assert refused is (who.login not in MAY[name]), who.login
