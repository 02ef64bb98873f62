"""Kvar på papper: whose record has a hole, for those who may know."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from pipeline.cli import oversight
from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.model import EntryState, Role
from pipeline.domain.review.rules import REJECTION_REASONS
from pipeline.domain.settings import Settings
from pipeline.review.corrections import Corrections
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rejections import Rejection, reject_entry, reopen_rejected
from pipeline.store.database.store import Store
from pipeline.store.registers.blocks import set_block
from pipeline.store.reports.backlog import Backlog, load_backlog
from pipeline.store.reports.progress import count_not_entered
from pipeline.store.schema import paper, registers
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    EVA,
    FORMS,
    NORTH,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    answers,
    page_reading,
    person,
    whole_log,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    """Asta has a confirmed note and one that the machine is sure of, Bror a row of a list; of one
    row nobody knows whose it is.
    """
    ward = Ward(store).begin()
    ward.note("AAA1")
    ward.note("AAA2", dict(SAID) | {"datum": "2026-02-03"})
    ward.read(
        ward.scan(),
        page_reading(
            VISITS, "BBB1", {"datum": "2026-02-10", "rad01.pnr": BROR.pid, "rad02.tid": "08:00"}
        ),
    )
    with store.begin() as conn:
        decide_entry(conn, FORMS, EVA, Decision("AAA1-00", 0, answers({**SAID, **PLAN})), NOW)
        for entry_id, pid in (("AAA2-00", ASTA.pid), ("BBB1-01", BROR.pid)):
            conn.execute(
                update(paper.entry).where(paper.entry.c.id == entry_id).values(likely_pid=pid)
            )
    return ward


def listed(ward: Ward, who: object = CHIEF, unit: str | None = None) -> Backlog:
    with ward.store.begin() as conn:
        return load_backlog(conn, who, unit)  # type: ignore[arg-type]


def receipted(ward: Ward, *entry_ids: str) -> None:
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.id.in_(entry_ids))
            .values(state=EntryState.RECEIPTED.value)
        )


def test_a_line_says_how_much_how_old_and_how_grave(ward: Ward) -> None:
    found = listed(ward)
    assert [
        (m.pid, m.name, m.sheets, m.entries, m.oldest, m.criticality, m.is_certain)
        for m in found.markers
    ] == [
        (ASTA.pid, ASTA.name, 2, 2, "2026-02-03", "A", False),
        (BROR.pid, BROR.name, 1, 1, "2026-02-10", "B", False),
    ]
    assert (found.unknown, found.hidden) == (1, 0)


def test_what_is_void_is_no_gap_while_it_waits_to_be_withdrawn(ward: Ward) -> None:
    """It may be void since it was about another person: then nothing lacks in this client's
    record.
    """
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry).where(paper.entry.c.id == "AAA1-00").values(voided="fel person")
        )
        before = count_not_entered(conn, {NORTH})
    (asta, _) = listed(ward).markers
    assert (asta.entries, asta.sheets) == (1, 1)
    with ward.store.begin() as conn:
        conn.execute(update(paper.entry).where(paper.entry.c.id == "AAA1-00").values(voided=None))
        assert (
            sum(one.entries for one in count_not_entered(conn, {NORTH}))
            == sum(one.entries for one in before) + 1
        )


def test_a_marker_is_lifted_when_all_is_receipted_and_not_before(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry)
            .where(paper.entry.c.id == "AAA1-00")
            .values(state=EntryState.EXPORTED.value)
        )
    receipted(ward, "AAA2-00")
    (asta, _) = listed(ward).markers
    assert (asta.entries, asta.is_certain) == (1, True)
    receipted(ward, "AAA1-00")
    assert [marker.pid for marker in listed(ward).markers] == [BROR.pid]


@pytest.mark.parametrize("reason", REJECTION_REASONS)
def test_rejected_paper_stays_on_the_list_unless_the_record_is_whole_without_it(
    ward: Ward, reason: str
) -> None:
    with ward.store.begin() as conn:
        reject_entry(conn, EVA, Rejection("BBB1-01", 0, reason), NOW)
    gap = reason not in {"främmande sida", "dubblett", "tom rad"}
    assert [marker.pid for marker in listed(ward).markers] == [ASTA.pid, *[BROR.pid] * gap]


def test_illegible_paper_leaves_the_list_when_somebody_has_dealt_with_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        reject_entry(conn, EVA, Rejection("BBB1-01", 0, "oläsligt"), NOW)
        with pytest.raises(ReviewError):
            work(Corrections, conn, EVA).void("BBB1-01", 1, " ")
        work(Corrections, conn, EVA).void("BBB1-01", 1, "Skrivet i journalen av Nils.")
    assert [marker.pid for marker in listed(ward).markers] == [ASTA.pid]
    with ward.store.begin() as conn, pytest.raises(ReviewError):
        reopen_rejected(conn, EVA, "BBB1-01", 2)


def test_pages_that_are_not_read_are_counted_as_of_somebody_unknown(ward: Ward) -> None:
    before = listed(ward).unknown
    ward.scan()
    assert listed(ward).unknown == before + 1


def test_protected_identities_are_counted_and_not_named(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(
            update(registers.client)
            .where(registers.client.c.pid == ASTA.pid)
            .values(protected=True)
        )
    found = listed(ward)
    assert ([marker.pid for marker in found.markers], found.hidden) == ([BROR.pid], 2)
    assert [marker.pid for marker in listed(ward, EVA).markers] == [ASTA.pid, BROR.pid]


def test_a_block_of_another_unit_hides_also_what_only_the_machine_has_read(ward: Ward) -> None:
    with ward.store.begin() as conn:
        set_block(conn, ADMIN, SOUTH, BROR.pid, "Klientens begäran.", NOW)
    found = listed(ward)
    assert ([marker.pid for marker in found.markers], found.hidden) == ([ASTA.pid], 1)


def test_another_area_of_law_and_another_unit_give_no_names(ward: Ward) -> None:
    elsewhere = person("soc", Role.REVIEWER, (NORTH,), frozenset({"SoL"}))
    found = listed(ward, elsewhere)
    assert (found.markers, found.hidden) == ((), 4)
    assert listed(ward, person("syd", Role.MANAGER, (SOUTH,))) == Backlog((), 0, 0)
    with pytest.raises(NotAllowedError):
        listed(ward, CHIEF, SOUTH)
    with pytest.raises(NotAllowedError):
        listed(ward, person("rita", Role.REGISTRAR))


def test_looking_at_the_list_is_recorded_without_whom_it_names(ward: Ward) -> None:
    listed(ward)
    with ward.store.read() as conn:
        log = whole_log(conn)
    assert "list_backlog" in log
    assert ASTA.pid not in log
    assert ASTA.name not in log


def test_a_list_that_anybody_could_read_becomes_its_owners_only(
    ward: Ward, store_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", store_settings.database_url)
    file = tmp_path / "kvar.csv"
    file.touch(0o644)
    oversight.backlog(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert sum(one.name in file.read_text("utf-8-sig") for one in (ASTA, BROR)) == len(
        listed(ward).markers
    )
