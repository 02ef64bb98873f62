"""In which order entries come: by risk and legal deadline, by day, one client's notes together, and
what a manager pulls first.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.form.form import Deadline, Form, Forms
from pipeline.domain.law.duties import due_at
from pipeline.domain.model import EntryState, IssuedSheet, Person, PriorityKind, State, Value
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import QueueOrder
from pipeline.reporting.progress import make_progress_report
from pipeline.review import decisions, session
from pipeline.review.questions import Questions
from pipeline.store.database.store import Store
from pipeline.store.entries import entry as entries_entry
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.queue import ClaimTerms, claim_next
from pipeline.store.entries.queue_order import (
    PriorityOverride,
    list_priorities,
    prioritize,
    undo_priority,
)
from pipeline.store.event_log.events import list_events
from pipeline.store.reports.progress import list_open_deadlines
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.store.ward import (
    ASTA,
    BROR,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOFIA,
    SOUTH,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

CUSTODY = Form.model_validate(
    NOTE.model_dump() | {"id": "lvu", "deadline": {"rule": "lvu-understallning", "day": "datum"}}
)

ALL_FORMS = Forms({**FORMS, (CUSTODY.id, CUSTODY.version): CUSTODY})


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def add(ward: Ward, serial: str, form: Form = NOTE, pid: str = ASTA.pid, **changed: Value) -> str:
    """A note (or a visit in row 1) that was read; answers with its entry's id."""
    row = form is VISITS
    said: dict[str, Value] = (
        {"datum": "2026-02-17", "rad01.pnr": pid, "rad01.tid": "08:15"}
        if row
        else {**SAID, "pnr": pid}
    )
    ward.read(ward.scan(), page_reading(form, serial, said | changed), form)
    return f"{serial}-01" if row else f"{serial}-00"


def test_paper_of_the_first_hours_of_a_day_is_of_that_day(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_in_the_morning = datetime(2026, 7, 18, 23, 0, tzinfo=UTC)
    monkeypatch.setattr(entries_entry, "utc_now", lambda: one_in_the_morning)
    undated = add(ward, "AAAA99", datum=None)
    with ward.store.read() as conn:
        assert (
            conn.scalar(select(paper.entry.c.happened).where(paper.entry.c.id == undated))
            == "2026-07-19 08:15"
        )


def order(ward: Ward, setting: QueueOrder = QueueOrder.OLDEST) -> list[str]:
    """Serials in the order in which one person gets them."""
    taken: list[str] = []
    with ward.store.begin() as conn:
        while (
            view := claim_next(conn, ALL_FORMS, EVA, ClaimTerms(NOW, order=setting), excluded=taken)
        ) is not None:
            taken.append(view.entry.id)
        conn.execute(update(paper.entry).values(claimed_by=None, claimed_until=None))
    return [entry_id.partition("-")[0] for entry_id in taken]


def pull(ward: Ward, kind: PriorityKind, what: str = "") -> PriorityOverride:
    """What a manager of the unit does."""
    with ward.store.begin() as conn:
        return prioritize(conn, CHIEF, kind, NORTH, what, NOW)


def test_a_deadline_counts_from_a_date_of_the_form() -> None:
    with pytest.raises(ValueError, match="no date on this form"):
        Form.model_validate(
            NOTE.model_dump() | {"deadline": Deadline(rule="lvu-understallning", day="namn")}
        )


def test_legal_deadlines_come_first_the_nearest_before_and_class_a_before_b(ward: Ward) -> None:
    add(ward, "BBBB", VISITS)
    add(ward, "AAAA")
    add(ward, "LATE", CUSTODY, datum="2026-02-27")
    add(ward, "SOON", CUSTODY, datum="2026-02-26")
    assert order(ward) == ["SOON", "LATE", "AAAA", "BBBB"]


def test_a_deadline_whose_day_nobody_is_sure_of_is_due_at_once_and_the_decision_says_when(
    ward: Ward,
) -> None:
    entry_id = add(ward, "LVUA", CUSTODY, datum=None)
    with ward.store.begin() as conn:
        found = load_entry(conn, entry_id)
        assert found.due_at == found.created_at
        conn.execute(update(paper.entry).values(claimed_by=None))
        claim_next(conn, ALL_FORMS, EVA, ClaimTerms(NOW))
        given = answers({**SAID, **PLAN}, datum=Answer("2026-02-20"))
        assert (
            decisions.decide_entry(
                conn, ALL_FORMS, EVA, decisions.Decision(entry_id, 0, given), NOW
            )
            is EntryState.SECOND
        )
        assert (
            load_entry(conn, entry_id).due_at == found.created_at
        )  # one person alone does not move a deadline
        decisions.decide_entry(
            conn,
            ALL_FORMS,
            NILS,
            decisions.Decision(entry_id, 1, {"datum": Answer("2026-02-20")}),
            NOW,
        )
        assert load_entry(conn, entry_id).due_at == due_at("lvu-understallning", date(2026, 2, 20))


@pytest.mark.parametrize(
    ("setting", "serials"),
    [(QueueOrder.OLDEST, ["DAY1", "DAY2", "DAY3"]), (QueueOrder.NEWEST, ["DAY3", "DAY2", "DAY1"])],
)
def test_days_run_as_the_setting_says(ward: Ward, setting: QueueOrder, serials: list[str]) -> None:
    for number, pid in ((2, ASTA.pid), (1, BROR.pid), (3, "")):
        add(ward, f"DAY{number}", pid=pid, datum=f"2026-02-1{number}")
    assert order(ward, setting) == serials


@pytest.mark.parametrize("setting", QueueOrder)
def test_one_persons_notes_come_together_in_the_order_of_their_events(
    ward: Ward, setting: QueueOrder
) -> None:
    days = {
        "AST3": ("2026-02-19", "08:00"),
        "AST1": ("2026-02-11", "17:30"),
        "AST2": ("2026-02-19", "07:00"),
    }
    add(ward, "BROR", pid=BROR.pid, datum="2026-02-15")
    for serial, (day, clock) in days.items():
        add(ward, serial, datum=day, tid=clock)
    first = ["AST1", "AST2", "AST3"]
    assert order(ward, setting) == [*first, "BROR"]


def test_the_client_that_the_sheet_was_printed_for_counts_and_a_doubtful_reading_does_not(
    ward: Ward,
) -> None:
    ward.issue(IssuedSheet("ISSU", NOTE.id, 1, NORTH, ASTA.pid))
    add(ward, "ISSU", pid="", datum="2026-02-19")
    doubtful = page_reading(NOTE, "DOUB", {**SAID, "datum": "2026-02-11"})
    fields = {
        name: read if name != "pnr" else type(read)(read.value, 0.6, State.READ)
        for name, read in doubtful.fields.items()
    }
    ward.read(ward.scan(), type(doubtful)(doubtful.outcome, doubtful.code, fields=fields), NOTE)
    with ward.store.read() as conn:
        found = {
            row.serial: row.likely_pid
            for row in conn.execute(select(paper.entry.c.serial, paper.entry.c.likely_pid))
        }
    assert found == {"ISSU": ASTA.pid, "DOUB": ""}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (PriorityKind.CLIENT, BROR.pid),
        (PriorityKind.DAY, "2026-02-18"),
        (PriorityKind.ENTRY, "PULL-00"),
    ],
)
def test_a_manager_pulls_to_the_front_and_takes_it_back(
    ward: Ward, kind: PriorityKind, what: str
) -> None:
    add(ward, "AAAA")
    add(ward, "PULL", pid=BROR.pid, datum="2026-02-18")
    assert order(ward) == ["AAAA", "PULL"]
    held = pull(ward, kind, what)
    assert (held.waiting, held.by) == (1, "chef")
    assert order(ward) == ["PULL", "AAAA"]
    with ward.store.begin() as conn:
        undo_priority(conn, CHIEF, held.id, NOW)
        assert list_priorities(conn, CHIEF) == []
        with pytest.raises(ReviewError):
            undo_priority(conn, CHIEF, held.id, NOW)
        assert [(e.by, e.action) for e in list_events(conn, held.id)] == [
            ("chef", "pull_to_front"),
            ("chef", "undo_pull"),
        ]
    assert order(ward) == ["AAAA", "PULL"]


def test_what_comes_later_is_pulled_too_and_an_undo_leaves_what_another_pull_holds(
    ward: Ward,
) -> None:
    add(ward, "AAAA")
    day, client = (
        pull(ward, PriorityKind.DAY, "2026-02-18"),
        pull(ward, PriorityKind.CLIENT, BROR.pid),
    )
    add(ward, "PULL", pid=BROR.pid, datum="2026-02-18")
    assert order(ward) == ["PULL", "AAAA"]
    with ward.store.begin() as conn:
        undo_priority(conn, CHIEF, day.id, NOW)
    assert order(ward) == ["PULL", "AAAA"]
    with ward.store.begin() as conn:
        undo_priority(conn, CHIEF, client.id, NOW)
    assert order(ward) == ["AAAA", "PULL"]


def test_a_whole_unit_is_pulled_once_and_only_by_its_manager(ward: Ward) -> None:
    add(ward, "AAAA")
    assert pull(ward, PriorityKind.UNIT).waiting == 1
    with pytest.raises(ReviewError):
        pull(ward, PriorityKind.UNIT)
    with pytest.raises(ReviewError):
        pull(ward, PriorityKind.CLIENT, " ")
    for who, unit in ((CHIEF, SOUTH), (EVA, NORTH), (SOFIA, SOUTH)):
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            prioritize(conn, who, PriorityKind.UNIT, unit, "", NOW)


def test_the_next_is_claimed_ahead_and_nobody_else_gets_it(ward: Ward) -> None:
    for serial in ("AAA1", "AAA2", "AAA3"):
        add(ward, serial)
    with ward.store.begin() as conn:
        first = claim_next(conn, FORMS, EVA, ClaimTerms(NOW))
        assert first is not None
        ahead = claim_next(conn, FORMS, EVA, ClaimTerms(NOW), excluded=[first.entry.id])
        again = claim_next(conn, FORMS, EVA, ClaimTerms(NOW), excluded=[first.entry.id])
        other = claim_next(conn, FORMS, NILS, ClaimTerms(NOW))
        assert ahead is not None
        assert again is not None
        assert other is not None
        assert [view.entry.id for view in (first, ahead, again, other)] == [
            "AAA1-00",
            "AAA2-00",
            "AAA2-00",
            "AAA3-00",
        ]
        assert claim_next(conn, FORMS, NILS, ClaimTerms(NOW), excluded=["AAA3-00"]) is None


def skip(ward: Ward, who: Person, now: datetime = NOW) -> str:
    """Get an entry and let it come later; answers with it."""
    with ward.store.begin() as conn:
        view = claim_next(conn, FORMS, who, ClaimTerms(now))
        assert view is not None
        queue.skip_entry(conn, who, view.entry.id, view.entry.revision)
    return view.entry.id


def test_what_is_skipped_comes_after_all_else_for_that_person(ward: Ward) -> None:
    """It was prioritized, and came straight back."""
    for serial in ("AAA1", "AAA2", "PUL1", "PUL2"):
        add(ward, serial)
    for serial in ("PUL1", "PUL2"):
        pull(ward, PriorityKind.ENTRY, f"{serial}-00")
    assert [skip(ward, EVA) for _ in range(6)] == [
        *("PUL1-00", "PUL2-00", "AAA1-00", "AAA2-00"),
        *("PUL1-00", "PUL2-00"),
    ]
    assert skip(ward, NILS).startswith("PUL"), "others have it as before"


def test_a_skip_is_forgotten_the_next_day(ward: Ward) -> None:
    add(ward, "AAAA")
    add(ward, "PULL")
    pull(ward, PriorityKind.ENTRY, "PULL-00")
    assert [skip(ward, EVA), skip(ward, EVA)] == ["PULL-00", "AAAA-00"]
    assert skip(ward, EVA, utc_now() + timedelta(hours=13)) == "PULL-00"


def test_whoever_types_keeps_the_entry(ward: Ward) -> None:
    entry_id = add(ward, "AAAA")
    with ward.store.begin() as conn:
        claim_next(conn, FORMS, EVA, ClaimTerms(NOW))
        session.save_draft(conn, EVA, entry_id, {"namn": Answer("Asta")}, ClaimTerms(later(14)))
        assert load_entry(conn, entry_id).claimed_until == later(14) + timedelta(
            minutes=queue.CLAIM_MINUTES
        )
        assert claim_next(conn, FORMS, NILS, ClaimTerms(later(20))) is None


@pytest.mark.parametrize("setting", QueueOrder)
def test_the_first_entry_is_found_by_the_index_without_sorting(
    ward: Ward, setting: QueueOrder
) -> None:
    with ward.store.begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET enable_seqscan = off")
            conn.exec_driver_sql("SET enable_sort = off")
        found = conn.exec_driver_sql(
            ("EXPLAIN " if conn.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN ")
            + str(
                select(paper.entry.c.id)
                .where(paper.entry.c.state.in_(paper.OPEN_STATES), paper.entry.c.unit == "x")
                .order_by(*paper.QUEUE_ORDERS[setting])
                .limit(1)
                .compile(conn, compile_kwargs={"literal_binds": True})
            )
        )
        plan = "\n".join(str(row) for row in found)
    assert f"entry_queue_{setting}" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_a_deadline_goes_on_while_the_author_is_asked(ward: Ward) -> None:
    entry_id = add(ward, "LLLL", CUSTODY)
    with ward.store.begin() as conn:
        work(Questions, conn, EVA, forms=ALL_FORMS).ask(entry_id, 0, "Vilken dag?", "")
        assert [(one.form, one.entries) for one in list_open_deadlines(conn, CHIEF)] == [
            (CUSTODY.id, 1)
        ]
        assert make_progress_report(conn, FORMS, CHIEF, NOW).due_in("over") == 1


def test_a_deadline_that_people_have_settled_stands_when_another_page_comes(ward: Ward) -> None:
    entry_id = add(ward, "LLLL", CUSTODY, datum="2026-02-26")
    with ward.store.begin() as conn:
        given = answers(SAID, datum=Answer("2026-02-20"))
        assert (
            decisions.decide_entry(
                conn, ALL_FORMS, EVA, decisions.Decision(entry_id, 0, given), NOW
            )
            is EntryState.SECOND
        )
        decisions.decide_entry(
            conn,
            ALL_FORMS,
            NILS,
            decisions.Decision(entry_id, 1, {"datum": Answer("2026-02-20")}),
            NOW,
        )
    ward.read(ward.scan(), page_reading(CUSTODY, "LLLL", PLAN, page_no=2), CUSTODY)
    with ward.store.read() as conn:
        found = load_entry(conn, entry_id)
    assert found.state is EntryState.REVIEW
    assert found.due_at == due_at("lvu-understallning", date(2026, 2, 20))
