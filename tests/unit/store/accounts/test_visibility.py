"""Areas of law are separate, and a block hides a client's paper from other units: everywhere, at
once, and without losing count.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from pipeline.domain.errors import BlockedClientError, NotAllowedError, UsageError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import (
    Assignment,
    EntryState,
    IssuedSheet,
    Outcome,
    PageReading,
    Person,
    PriorityKind,
    Role,
)
from pipeline.review import decisions, rejections
from pipeline.store.accounts import visibility
from pipeline.store.database.store import Store
from pipeline.store.entries import queue, queue_order
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports import ready_entries
from pipeline.store.lookup import by_serial, own_actions
from pipeline.store.paper import page_lists, pages
from pipeline.store.registers import blocks, client_register
from pipeline.store.schema import paper
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
    SAID,
    SOFIA,
    SOUTH,
    VISITS,
    Ward,
    answers,
    page_reading,
    person,
    whole_log,
)

pytest_plugins = ("tests.support.store.databases",)

SOCIAL = person("sol", areas=frozenset({"SoL"}))
NORTHERN_ADMIN = replace(ADMIN, units=frozenset({NORTH}))
SOUTHERN_ADMIN = replace(ADMIN, units=frozenset({SOUTH}))
REASON = "Klienten har begärt det."


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation with a note about Asta in the north, of which the sheet says whom it is
    about.
    """
    ward = Ward(store).begin()
    ward.issue(IssuedSheet("AAAA", NOTE.id, 1, NORTH, ASTA.pid))
    ward.note("AAAA")
    return ward


def block(ward: Ward, unit: str, who: Person = ADMIN) -> str:
    """Asta is blocked for all other units."""
    with ward.store.begin() as conn:
        return blocks.set_block(conn, who, unit, ASTA.pid, REASON, NOW)


def waiting(ward: Ward, who: Person) -> tuple[int, int]:
    """How many entries a person could take, and how many are kept from that person."""
    with ward.store.begin() as conn:
        return queue.count_waiting(conn, who, NOW), queue.count_hidden(conn, who)


def test_an_entry_of_another_area_is_counted_and_not_shown(ward: Ward) -> None:
    assert waiting(ward, SOCIAL) == (0, 1)
    assert waiting(ward, EVA) == (1, 0)
    with ward.store.begin() as conn:
        assert queue.claim_next(conn, FORMS, SOCIAL, queue.ClaimTerms(NOW)) is None
        with pytest.raises(NotAllowedError, match="area of law"):
            queue.open_claimed_entry(conn, FORMS, SOCIAL, "AAAA-00", queue.ClaimTerms(NOW))
        with pytest.raises(NotAllowedError, match="area of law"):
            queue.record_page_view(conn, SOCIAL, load_entry(conn, "AAAA-00").page)
        assert by_serial.find_sheets(conn, SOCIAL, "AAAA") == []


def test_what_nobody_can_identify_has_the_area_that_its_unit_has_now(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, PageReading(Outcome.UNIDENTIFIED))
    assert (waiting(ward, SOCIAL), waiting(ward, EVA)) == ((0, 2), (2, 0))
    with ward.store.begin() as conn:
        client_register.save_units(conn, {NORTH: "SoL"})
        assert visibility.effective_area(conn, pages.load_page(conn, page_id)) == "SoL"
    assert waiting(ward, SOCIAL) == (1, 1)
    health = replace(EVA, areas=frozenset({"HSL"}))
    assert waiting(ward, health) == (1, 1)


def test_a_paper_of_an_unknown_unit_is_shown_to_nobody_with_some_areas(ward: Ward) -> None:
    page_id = ward.scan()
    with ward.store.begin() as conn:
        conn.execute(paper.page.update().where(paper.page.c.id == page_id).values(unit="Okänd"))
        stranger = replace(
            ADMIN, units=frozenset({"Okänd"}), areas=frozenset({"HSL", "SoL", "LSS"})
        )
        with pytest.raises(NotAllowedError):
            queue.record_page_view(conn, stranger, page_id)


def test_a_block_hides_everything_from_other_units_and_nothing_from_the_own(ward: Ward) -> None:
    block(ward, SOUTH)
    assert waiting(ward, EVA) == (0, 1)
    with ward.store.begin() as conn:
        page_id = load_entry(conn, "AAAA-00").page
        assert queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(NOW)) is None
        for act in (
            lambda: queue.open_claimed_entry(conn, FORMS, EVA, "AAAA-00", queue.ClaimTerms(NOW)),
            lambda: queue.record_page_view(conn, NORTHERN_ADMIN, page_id),
            lambda: queue_order.prioritize(conn, CHIEF, PriorityKind.ENTRY, NORTH, "AAAA-00", NOW),
            lambda: rejections.reject_entry(
                conn, EVA, rejections.Rejection("AAAA-00", 0, "oläsligt"), NOW
            ),
            lambda: by_serial.entry_history(conn, EVA, "AAAA-00"),
        ):
            with pytest.raises(BlockedClientError):
                act()
        assert by_serial.find_sheets(conn, EVA, "AAAA") == []
        assert pages.count_pages_by_state(conn, [NORTH])["in"] == 2
        queue.record_page_view(conn, ADMIN, page_id)
    assert waiting(ward, replace(EVA, units=frozenset({NORTH, SOUTH}))) == (1, 0)
    block(ward, NORTH)
    assert waiting(ward, EVA) == (1, 0)


def test_a_second_scan_is_hidden_with_the_first(ward: Ward) -> None:
    ward.read(ward.scan(b"another picture"), page_reading(NOTE, "AAAA", SAID))
    with ward.store.begin() as conn:
        assert len(page_lists.list_problem_pages(conn, NORTHERN_ADMIN)) == 1
    block(ward, SOUTH)
    with ward.store.begin() as conn:
        (twin,) = page_lists.list_problem_pages(conn, ADMIN)
        assert page_lists.list_problem_pages(conn, NORTHERN_ADMIN) == []
        assert page_lists.list_repeated_pages(conn, NORTHERN_ADMIN) == []
        with pytest.raises(BlockedClientError):
            queue.record_page_view(conn, NORTHERN_ADMIN, twin.id)


def test_a_list_with_a_blocked_client_in_one_row_is_hidden_whole(ward: Ward) -> None:
    ward.read(
        ward.scan(),
        page_reading(
            VISITS, "LLLL", {"datum": "2026-02-17", "rad01.tid": "08:00", "rad02.tid": "09:00"}
        ),
    )
    with ward.store.begin() as conn:
        conn.execute(
            paper.entry.update().where(paper.entry.c.id == "LLLL-01").values(client_pid=ASTA.pid)
        )
    assert waiting(ward, EVA) == (3, 0)
    block(ward, SOUTH)
    assert waiting(ward, EVA) == (0, 3)


def test_nobody_confirms_what_is_about_a_client_blocked_for_them(ward: Ward) -> None:
    ward.note("BBBB")
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, EVA, "BBBB-00", queue.ClaimTerms(NOW))
    block(ward, SOUTH)
    with ward.store.begin() as conn:
        shown = client_register.look_up_client(conn, EVA, ASTA.pid)
        assert shown is not None
        assert (shown.blocked, shown.name, shown.unit) == (True, "", "")
        with pytest.raises(BlockedClientError):
            decisions.decide_entry(
                conn,
                FORMS,
                EVA,
                decisions.Decision("BBBB-00", 0, answers(SAID) | answers(PLAN)),
                NOW,
            )


def test_an_export_leaves_out_and_keeps_from_others_what_is_blocked(ward: Ward) -> None:
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, EVA, "AAAA-00", queue.ClaimTerms(NOW))
        state = decisions.decide_entry(
            conn, FORMS, EVA, decisions.Decision("AAAA-00", 0, answers(SAID) | answers(PLAN)), NOW
        )
        assert state is EntryState.CONFIRMED
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == ["AAAA-00"]
        assert ready_entries.list_ready_entries(conn, FORMS, SOCIAL) == []
    block(ward, SOUTH)
    with ward.store.begin() as conn:
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == []
        assert own_actions.list_own_latest(conn, EVA) == []
        assert ready_entries.list_ready_entries(conn, FORMS, ADMIN) == ["AAAA-00"]


def test_a_block_is_set_once_lifted_with_a_reason_by_its_own_unit_and_kept(ward: Ward) -> None:
    first = block(ward, SOUTH, SOFIA)
    assert block(ward, SOUTH) == first
    with ward.store.begin() as conn:
        assert [one.id for one in blocks.list_blocks(conn, SOFIA)] == [first]
        assert blocks.list_blocks(conn, EVA) == []
        for who, unit in ((EVA, SOUTH), (CHIEF, NORTH)):
            with pytest.raises(NotAllowedError):
                blocks.lift_block(conn, who, unit, ASTA.pid, REASON, NOW)
        with pytest.raises(UsageError, match="not blocked"):
            blocks.lift_block(conn, NILS, NORTH, ASTA.pid, REASON, NOW)
        for reason, pid in ((" ", ASTA.pid), (REASON, "189001019803"), (REASON, "ingen")):
            with pytest.raises(UsageError):
                blocks.lift_block(conn, SOFIA, SOUTH, pid, reason, NOW)
        assert blocks.lift_block(conn, SOFIA, SOUTH, "18900101-9802", REASON, NOW) == first
        assert blocks.list_blocks(conn, SOFIA) == []
    with ward.store.read() as conn:
        said = whole_log(conn)
    assert "lift_block" in said
    assert ASTA.pid not in said
    assert REASON not in said
    assert waiting(ward, EVA) == (1, 0)
    assert block(ward, SOUTH) != first


def test_two_roles_show_what_each_shows_in_its_own_units(ward: Ward) -> None:
    """A manager of the north who reviews in the south sees no note of the north."""
    southern = Assignment(Role.REVIEWER, "ssk", frozenset({SOUTH}), frozenset({"HSL"}))
    northern = replace(southern, units=frozenset({NORTH}))
    for further, count in (((southern,), 0), ((southern, northern), 1)):
        who = replace(CHIEF, further=further)
        with ward.store.begin() as conn:
            assert queue.count_waiting(conn, who, NOW) == count
            assert (
                queue.claim_next(conn, FORMS, who, queue.ClaimTerms(NOW, 15)) is not None
            ) is bool(count)


@pytest.mark.parametrize("role", [Role.TYPIST, Role.REVIEWER])
def test_a_typist_is_not_shown_a_reserved_form(
    ward: Ward, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "reserved_forms", lambda: frozenset({NOTE.id}))
    who, is_shown = person("eva", role), role is Role.REVIEWER
    with ward.store.begin() as conn:
        page = pages.load_page(conn, conn.execute(select(paper.page.c.id).limit(1)).scalar_one())
        assert visibility.can_see_page(conn, who, Action.VIEW_PAGE, page) is is_shown
        assert queue.count_waiting(conn, who, NOW) == int(is_shown)
