"""Following up who has seen what, on both databases: rows and counts, and the extract."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pikepdf
import pytest
from sqlalchemy import Connection

from pipeline.domain import dates
from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import Client, PriorityKind, Role
from pipeline.domain.settings import Settings
from pipeline.reporting.audit import follow_up
from pipeline.reporting.audit.client_extract import (
    format_extract_csv,
    make_client_extract,
    render_extract_pdf,
)
from pipeline.reporting.audit.storelog import write_storelog
from pipeline.store.database.store import Store
from pipeline.store.entries import queue_order
from pipeline.store.event_log.events import record
from pipeline.store.event_log.queries import Hint, LogFilter, clients_of_subjects
from pipeline.store.registers import client_register
from pipeline.store.schema import paper, registers
from pipeline.store.schema.clock import utc_now
from tests.contract.store.audit_steps import ALL, LOGGER, TODAY, extract, make_looked_at_ward
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CILLA,
    EVA,
    NILS,
    NORTH,
    NOW,
    SAID,
    SOUTH,
    UNKNOWN_PID,
    Ward,
    later,
    person,
)

pytest_plugins = ("tests.support.store.databases",)

pytestmark = pytest.mark.both_databases

NORTHERN = person("lona", Role.LOG_REVIEWER, (NORTH,))


@pytest.fixture
def ward(store: Store) -> Ward:
    return make_looked_at_ward(store)


def test_rows_are_those_of_the_own_units_the_newest_first_and_the_look_is_logged(
    ward: Ward,
) -> None:
    with ward.store.begin() as conn:
        page = follow_up.load_log_page(conn, NORTHERN, ALL, 0, 5)
        assert len(page.rows) == 5
        assert [row.id for row in page.rows] == sorted((row.id for row in page.rows), reverse=True)
        every = follow_up.load_log_page(conn, NORTHERN, ALL, 0, 500, first=False)
        assert len(every.rows) == every.total == page.total
        assert {row.unit for row in every.rows} == {NORTH, None}
        assert page.names["eva"] == EVA.name
    with ward.store.begin() as conn:
        views = follow_up.load_log_page(
            conn, LOGGER, LogFilter(*TODAY, action="view_log"), 0, 5, first=False
        )
    assert [(row.by, row.detail["rows"]) for row in views.rows] == [("lona", page.total)]


def test_rows_are_chosen_by_person_action_unit_client_and_time(ward: Ward) -> None:
    def found(**wanted: object) -> list[tuple[str, str]]:
        with ward.store.read() as conn:
            chosen = LogFilter(**{"start": TODAY[0], "end": TODAY[1], **wanted})  # type: ignore[arg-type]
            return [
                (row.by, row.action)
                for row in follow_up.load_log_page(conn, LOGGER, chosen, 0, 99, first=False).rows
            ]

    assert set(found(by="eva")) == {
        ("eva", "view_page"),
        ("eva", "look_up_client"),
        ("eva", "decide"),
    }
    assert found(action="decide") == [("eva", "decide")]
    assert set(found(unit=SOUTH, action="view_page")) == {("admin", "view_page")}
    assert ("eva", "look_up_client") in found(client=ASTA.pid)
    assert ("admin", "view_page") not in found(client=ASTA.pid)
    assert ("admin", "print_for_client") in found(client=CILLA.pid)
    assert found(client=BROR.pid) == []
    assert found(end=TODAY[0]) == []
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        follow_up.load_log_page(conn, NORTHERN, LogFilter(*TODAY, unit=SOUTH), 0, 5)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.LOG_REVIEWER])
def test_nobody_else_sees_the_log(ward: Ward, role: Role) -> None:
    who = person("x", role, (NORTH, SOUTH))
    acts: list[Callable[[Connection], object]] = [
        lambda conn: follow_up.load_log_page(conn, who, ALL, 0, 5),
        lambda conn: follow_up.export_log_csv(conn, who, ALL),
        lambda conn: follow_up.count_hints(conn, who, ALL),
        lambda conn: follow_up.count_views_per_day(conn, who, ALL),
        lambda conn: follow_up.list_filter_choices(conn, who, ALL),
        lambda conn: make_client_extract(conn, who, ASTA.pid, *TODAY, utc_now()),
    ]
    for act in acts:
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            act(conn)
    with pytest.raises(NotAllowedError):
        write_storelog(ward.store, who, Settings(), ALL, io.BytesIO())
    with ward.store.read() as conn:
        denied = follow_up.load_log_page(
            conn, LOGGER, LogFilter(*TODAY, by="x", action="denied"), 0, 99, first=False
        )
    assert denied.total == len(acts) + 1


def test_accesses_that_are_worth_a_question_are_counted_and_listed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(
            registers.staff_unit.insert(),
            [
                {"login": who.login, "unit": unit}
                for who in (EVA, NILS, ADMIN)
                for unit in who.units
                if unit != SOUTH
            ],
        )
        client_register.save_clients(conn, [Client(ASTA.pid, ASTA.name, NORTH, protected=True)])
        record(conn, "eva", "break_glass", "eva", unit=NORTH)
        record(conn, "system", "login_failed", "unknown")
        found = follow_up.count_hints(conn, LOGGER, ALL)
        assert found == {
            Hint.WITHOUT_DECISION: 1,
            Hint.OTHER_UNIT: 1,
            Hint.PROTECTED: 2,
            Hint.BREAK_GLASS: 0,
            Hint.DENIED: 1,
            Hint.LOGIN_FAILED: 0,
            Hint.CHANGED_ALONE: 0,
            Hint.CHANGED_THEN_SIGNED: 0,
        }
    with ward.store.read() as conn:
        found = follow_up.count_hints(conn, LOGGER, ALL)
        assert (found[Hint.BREAK_GLASS], found[Hint.LOGIN_FAILED]) == (1, 1)
        (lonely,) = follow_up.load_log_page(
            conn, LOGGER, LogFilter(*TODAY, hint=Hint.WITHOUT_DECISION), 0, 9, first=False
        ).rows
        assert (lonely.by, lonely.subject) == ("admin", f"{ward.batch}-00003")


def test_views_per_day_are_swedish_days_with_none_left_out(ward: Ward) -> None:
    with ward.store.read() as conn:
        found = follow_up.count_views_per_day(conn, LOGGER, ALL)
    today = dates.today_in_sweden().isoformat()
    assert list(found) == [
        (dates.today_in_sweden() + timedelta(days=n)).isoformat() for n in (-1, 0, 1)
    ]
    assert found[today] == sum(found.values()) == 3


def test_the_table_names_no_client(ward: Ward) -> None:
    with ward.store.begin() as conn:
        text = follow_up.export_log_csv(conn, LOGGER, ALL).decode("utf-8-sig")
    assert text.splitlines()[0] == "nummer;tid;login;namn;händelse;enhet;gäller;uppgifter;sha256"
    assert "eva;Eva Ek;view_page;" in text
    for secret in (ASTA.pid, ASTA.name, CILLA.pid, *map(str, SAID.values())):
        assert secret not in text.replace("Eva Ek", "")


def test_a_client_is_told_when_and_where_and_by_whom_not(ward: Ward) -> None:
    with ward.store.begin() as conn:
        made = make_client_extract(
            conn, LOGGER, ASTA.pid[2:8] + "-" + ASTA.pid[8:], *TODAY, utc_now()
        )
    assert (made.pid, made.name, made.other_unit_rows) == (ASTA.pid, ASTA.name, 0)
    assert {line.unit for line in made.lines} == {NORTH}
    assert {line.description: line.count for line in made.lines} == {
        "En blankett med ditt namn skrevs ut": 1,
        "Personal såg på papperet": 2,
        "Personal sökte efter dina uppgifter": 2,
        "Personal förde in eller kontrollerade uppgifter från papperet": 1,
    }
    table = format_extract_csv(made).decode("utf-8-sig")
    assert EVA.name not in table
    assert "eva" not in table
    assert "Ett utdrag som detta togs fram" in extract(ward, ASTA.pid)


def test_what_was_once_taken_for_the_client_is_told_and_what_never_was_is_not(ward: Ward) -> None:
    assert "Personal såg på papperet" in extract(ward, CILLA.pid)
    assert extract(ward, BROR.pid) == []
    with ward.store.begin() as conn:
        conn.execute(
            paper.entry.update().where(paper.entry.c.id == "AAAA-00").values(client_pid=BROR.pid)
        )
    assert "Personal såg på papperet" in extract(ward, ASTA.pid)
    assert "Personal såg på papperet" in extract(ward, BROR.pid)


def test_a_client_who_was_pulled_to_the_front_is_told_so(ward: Ward) -> None:
    chief = person("chefen", Role.MANAGER, (NORTH,))
    asked = "En chef bad att uppgifterna skulle föras in först"
    with ward.store.begin() as conn:
        by_number = queue_order.prioritize(conn, chief, PriorityKind.CLIENT, NORTH, BROR.pid, NOW)
        by_entry = queue_order.prioritize(conn, chief, PriorityKind.ENTRY, NORTH, "AAAA-00", NOW)
        queue_order.prioritize(conn, chief, PriorityKind.UNIT, NORTH, "", NOW)
    assert extract(ward, BROR.pid) == [asked]
    assert extract(ward, ASTA.pid).count(asked) == 1
    with ward.store.begin() as conn:
        queue_order.undo_priority(conn, chief, by_number.id, later(1))
        assert clients_of_subjects(conn, [by_number.id, by_entry.id]) == {
            by_number.id: {BROR.pid},
            by_entry.id: {ASTA.pid},
        }
    assert len(extract(ward, BROR.pid)) > 1


def test_an_extract_says_what_it_does_not_cover_and_wants_a_whole_number(ward: Ward) -> None:
    with ward.store.begin() as conn:
        made = make_client_extract(conn, NORTHERN, CILLA.pid, *TODAY, utc_now())
        # Viewed, printed, and denied
        assert made.other_unit_rows == 3
        assert {line.unit for line in made.lines} <= {NORTH, ""}
        assert make_client_extract(conn, LOGGER, UNKNOWN_PID, *TODAY, utc_now()).lines == ()
        with pytest.raises(UsageError, match="personal number"):
            make_client_extract(conn, LOGGER, "Asta", *TODAY, utc_now())


def test_the_extract_as_paper_holds_unit_and_words(ward: Ward) -> None:
    with ward.store.begin() as conn:
        full = make_client_extract(conn, LOGGER, ASTA.pid, *TODAY, utc_now())
        partial = make_client_extract(conn, NORTHERN, CILLA.pid, *TODAY, utc_now())
        nothing = make_client_extract(conn, LOGGER, BROR.pid, *TODAY, utc_now())
    for each in (full, partial, nothing):
        with pikepdf.open(io.BytesIO(render_extract_pdf(each, "Kalix kommun"))) as pdf:
            assert len(pdf.pages) == 1
