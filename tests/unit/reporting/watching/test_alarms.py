"""What is wrong is reported with its remedy; else nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, text, update

from pipeline.domain.form.confidence import Share
from pipeline.domain.model import EntryState
from pipeline.domain.settings import Settings
from pipeline.operations.health import BACKUP_AGE, MIN_DISK_BYTES
from pipeline.reporting.audit.follow_up import take_anchor, verify_log
from pipeline.reporting.watching import drift
from pipeline.reporting.watching.alarms import (
    Alarm,
    AlarmKind,
    Severity,
    WatchState,
    describe_alarm,
    find_alarms,
    load_watch_state,
)
from pipeline.reporting.watching.drift import (
    PAST_SAMPLES,
    RECENT_SAMPLES,
    Comparison,
    Dimension,
    Drift,
)
from pipeline.store.database.store import Store
from pipeline.store.event_log.hash_chain import ChainHead
from pipeline.store.event_log.verification import LogCheck, is_latest_intact
from pipeline.store.exports.runs import save_delivery
from pipeline.store.paper.workers import save_heartbeat
from pipeline.store.reports.entry_counts import (
    QueueState,
    count_unreceipted,
    list_ended_pages,
    load_queue_state,
)
from pipeline.store.reports.upkeep import BackupState, StoreCheck
from pipeline.store.schema import paper
from pipeline.texts import LANGUAGES
from tests.contract.store.test_long_queue_work import work
from tests.load.many_rows import UNITS, fill
from tests.support.image_folder import folder_of
from tests.support.store.ward import FORMS, NORTH, NOTE, NOW, SAID, SOUTH, Ward, page_reading

pytest_plugins = ("tests.support.store.databases",)
SETTINGS = Settings()
YESTERDAY, LONG_AGO = NOW - timedelta(days=1), NOW - timedelta(days=40)
HEALTHY = WatchState(
    at=NOW,
    queue=QueueState(3, YESTERDAY, 2, 4.0, LONG_AGO),
    backup=BackupState(YESTERDAY),
    check=StoreCheck(1, YESTERDAY, YESTERDAY, files=5),
    log_check=LogCheck(YESTERDAY),
    unreceipted=0,
    sent=4,
    free_bytes=MIN_DISK_BYTES,
    is_log_intact=True,
    are_images_away=False,
)
RISE = Comparison(Share(36, 400), Share(180, 6000), 1e-6)


def risen(dimension: Dimension, name: str) -> Drift:
    """A group that people change more of than before."""
    return Drift(dimension, name, RISE, is_rise=True)


WRONG = {
    AlarmKind.IMAGES_AWAY: replace(HEALTHY, are_images_away=True),
    AlarmKind.LOG_BROKEN: replace(HEALTHY, is_log_intact=False),
    AlarmKind.VERIFY_FAILED: replace(HEALTHY, log_check=LogCheck(LONG_AGO, YESTERDAY)),
    AlarmKind.NETWORK_OPEN: replace(HEALTHY, is_network_open=True),
    AlarmKind.VERIFY_OLD: replace(HEALTHY, log_check=LogCheck(LONG_AGO)),
    AlarmKind.VERIFY_NEVER: replace(HEALTHY, log_check=LogCheck()),
    AlarmKind.CHECK_FAILED: replace(HEALTHY, check=StoreCheck(1, YESTERDAY, YESTERDAY, missing=1)),
    AlarmKind.DISK_FULL: replace(HEALTHY, free_bytes=MIN_DISK_BYTES - 1),
    AlarmKind.NO_WORKER: replace(HEALTHY, queue=replace(HEALTHY.queue, workers=0)),
    AlarmKind.BACKUP_FAILED: replace(HEALTHY, backup=BackupState(LONG_AGO, 0, YESTERDAY, "error")),
    AlarmKind.BACKUP_NOT_WHOLE: replace(HEALTHY, backup=BackupState(YESTERDAY, 4)),
    AlarmKind.BACKUP_OLD: replace(HEALTHY, backup=BackupState(NOW - BACKUP_AGE * 1.01)),
    AlarmKind.BACKUP_NEVER: replace(HEALTHY, backup=BackupState()),
    AlarmKind.CHECK_OLD: replace(HEALTHY, check=StoreCheck(1, LONG_AGO, LONG_AGO)),
    AlarmKind.CHECK_NEVER: replace(HEALTHY, check=None),
    AlarmKind.PAGES_FAILING: replace(HEALTHY, failing=(Share(40, 400), Share(60, 6000))),
    AlarmKind.UNRECEIPTED: replace(HEALTHY, unreceipted=1200),
    AlarmKind.DRIFT_FORM: replace(HEALTHY, drift=(risen(Dimension.FORM, NOTE.id),)),
    AlarmKind.DRIFT_SCANNER: replace(HEALTHY, drift=(risen(Dimension.SCANNER, "skanner-3"),)),
    AlarmKind.DRIFT_KIND: replace(HEALTHY, drift=(risen(Dimension.KIND, "digits"),)),
    AlarmKind.DRIFT_AUTHOR: replace(
        HEALTHY, drift=(risen(Dimension.AUTHOR, "Disa Penn"), risen(Dimension.AUTHOR, "Eva Ek"))
    ),
}


def test_where_nothing_is_wrong_there_is_no_alarm() -> None:
    assert find_alarms(HEALTHY, SETTINGS) == []


def test_a_backup_from_the_future_does_not_silence_the_alarm() -> None:
    future = replace(HEALTHY, backup=BackupState(NOW + BACKUP_AGE * 1000))
    assert [alarm.kind for alarm in find_alarms(future, SETTINGS)] == [AlarmKind.BACKUP_OLD]


@pytest.mark.parametrize("kind", list(AlarmKind))
def test_what_is_wrong_is_said_with_its_remedy_in_each_language(kind: AlarmKind) -> None:
    (alarm,) = find_alarms(WRONG[kind], SETTINGS)
    assert alarm.kind is kind
    for language in LANGUAGES:
        said = describe_alarm(alarm, FORMS, language)
        assert said.sentence.endswith(".")
        assert said.remedy.endswith((".", ")."))
        assert "{" not in said.sentence + said.remedy
        assert "Penn" not in said.sentence


def test_numbers_and_moments_are_said_as_people_write_them() -> None:
    said = [
        describe_alarm(find_alarms(WRONG[kind], SETTINGS)[0], FORMS, "sv").sentence
        for kind in (AlarmKind.UNRECEIPTED, AlarmKind.BACKUP_FAILED, AlarmKind.DRIFT_FORM)
    ]
    assert said == [
        "1\u00a0200 poster skickades för mer än 3 dygn sedan och har ingen kvittens.",
        "Säkerhetskopieringen 2026-03-01 10:00 misslyckades.",
        "Det som läses av på blanketten Anteckning ändras oftare än förut: 9\u00a0% nu, "
        "3\u00a0% tidigare.",
    ]


def test_a_person_who_writes_worse_is_only_counted() -> None:
    assert find_alarms(WRONG[AlarmKind.DRIFT_AUTHOR], SETTINGS) == [
        Alarm(AlarmKind.DRIFT_AUTHOR, 2)
    ]


def test_alarms_come_by_urgency() -> None:
    state = replace(WRONG[AlarmKind.BACKUP_OLD], unreceipted=1, are_images_away=True)
    found = find_alarms(state, SETTINGS)
    kinds = [AlarmKind.IMAGES_AWAY, AlarmKind.BACKUP_OLD, AlarmKind.UNRECEIPTED]
    assert [alarm.kind for alarm in found] == kinds
    assert [alarm.severity for alarm in found] == [Severity.CRITICAL, *[Severity.WARNING] * 2]


def test_a_new_workspace_need_not_have_a_copy_yet() -> None:
    never = replace(HEALTHY, backup=BackupState(), check=None, log_check=LogCheck())
    new = replace(never, queue=QueueState(first_at=YESTERDAY))
    assert find_alarms(new, SETTINGS) == []


def test_without_checks_by_workers_the_last_check_may_be_a_week_old() -> None:
    week = replace(HEALTHY, check=StoreCheck(1, NOW - timedelta(days=7), NOW))
    assert find_alarms(week, Settings(check_hours=0)) == []
    assert find_alarms(week, Settings(check_hours=24))[0].kind is AlarmKind.CHECK_OLD


@pytest.fixture
def ward(store: Store) -> Ward:
    """A ward with a note that was read and a page that waits."""
    drift._kept.clear()
    ward = Ward(store).begin()
    ward.read(ward.scan(), page_reading(NOTE, "AAA1", SAID))
    ward.scan()
    return ward


def loaded(ward: Ward) -> WatchState:
    """What is known of the ward."""
    workspace = folder_of(ward.store).folder.parent
    return load_watch_state(ward.store, Settings(workspace=workspace), FORMS, NOW)


def test_a_page_that_waits_needs_a_worker_that_lives(ward: Ward) -> None:
    with ward.store.begin() as conn:
        save_heartbeat(conn, "dead", NOW - timedelta(minutes=5))
    state = loaded(ward)
    assert (state.queue.waiting, state.queue.workers) == (1, 0)
    with ward.store.begin() as conn:
        save_heartbeat(conn, "alive", NOW - timedelta(seconds=5))
    assert loaded(ward).queue.workers == 1


def test_images_that_are_away_are_noticed(ward: Ward) -> None:
    assert not loaded(ward).are_images_away
    folder = folder_of(ward.store).folder
    folder.rename(folder.with_name("gone"))
    assert loaded(ward).are_images_away


def test_a_row_that_was_removed_from_the_log_is_noticed(ward: Ward) -> None:
    assert loaded(ward).is_log_intact
    with ward.store.engine.begin() as conn:
        if conn.dialect.name == "sqlite":
            conn.execute(text("DROP TRIGGER event_no_update"))
        else:
            conn.execute(text("ALTER TABLE event DISABLE TRIGGER USER"))
        conn.execute(update(paper.event).where(paper.event.c.id == 1).values(by="nobody"))
    assert not loaded(ward).is_log_intact


def _verified(ward: Ward, anchors: list[ChainHead], *, from_anchor: bool = False) -> LogCheck:
    """What is known of the log after a verification."""
    verify_log(ward.store, "root", anchors, from_anchor=from_anchor)
    return loaded(ward).log_check


@pytest.mark.both_databases
def test_the_last_verification_of_the_whole_log_is_known(ward: Ward) -> None:
    assert loaded(ward).log_check == LogCheck()
    with ward.store.begin() as conn:
        anchor = take_anchor(conn, "root", NOW).head

    assert _verified(ward, [anchor], from_anchor=True) == LogCheck()
    whole = _verified(ward, [])
    assert whole.last_at is not None
    assert whole.failed_at is None


@pytest.mark.both_databases
def test_what_an_anchor_showed_stands_until_anchors_match(ward: Ward) -> None:
    with ward.store.begin() as conn:
        anchor = take_anchor(conn, "root", NOW).head
    rewritten = replace(anchor, sha256="0" * 64)

    assert _verified(ward, [rewritten]).failed_at is not None
    # Without anchors, as each night, a log that was rewritten as a whole looks unchanged
    assert _verified(ward, []).failed_at is not None
    assert _verified(ward, [anchor]).failed_at is None
    assert _verified(ward, [rewritten], from_anchor=True).failed_at is not None


def test_more_failed_pages_than_usual_are_noticed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        _add_stacks(conn, 60, days_ago=20, failed=0)
    assert loaded(ward).failing is None
    with ward.store.begin() as conn:
        _add_stacks(conn, 20, days_ago=1, failed=6)
    failing = loaded(ward).failing
    assert failing is not None
    recent, past = failing
    assert recent.wrong > 100
    assert past.wrong == 0


def _add_stacks(conn: Connection, stacks: int, *, days_ago: int, failed: int) -> None:
    """Stacks of twenty pages, so many of which failed."""
    for stack in range(stacks):
        batch = f"{days_ago}-{stack}"
        at = NOW - timedelta(days=days_ago, minutes=stack)
        row = {"id": batch, "created_at": at, "created_by": "x", "unit": NORTH}
        conn.execute(insert(paper.batch).values(row))
        pages = [
            {
                "id": f"{batch}-{number}",
                "batch": batch,
                "position": number,
                "source_name": "s.pdf",
                "source_page": 1,
                "scanned_at": at,
                "scanned_by": "x",
                "unit": NORTH,
                "state": "failed" if number < failed else "read",
            }
            for number in range(20)
        ]
        conn.execute(insert(paper.page), pages)


def test_what_was_sent_and_not_answered_is_late_after_some_days(ward: Ward) -> None:
    entry_id = ward.note("AAA2")
    with ward.store.begin() as conn:
        confirmed = update(paper.entry).where(paper.entry.c.id == entry_id)
        conn.execute(confirmed.values(state=EntryState.CONFIRMED.value))
    ward.export(entry_id)
    late = (NOW - timedelta(days=3), NOW)
    with ward.store.read() as conn:
        assert [count_unreceipted(conn, {NORTH}, before) for before in late] == [(0, 0)] * 2
    with ward.store.begin() as conn:
        save_delivery(conn, "r1", "root", NOW)
    with ward.store.read() as conn:
        assert [count_unreceipted(conn, {NORTH}, before) for before in late] == [(1, 0), (1, 1)]
        assert count_unreceipted(conn, {SOUTH}, NOW) == (0, 0)


@pytest.mark.slow
@pytest.mark.both_databases
def test_ten_times_the_past_takes_no_longer_to_watch(store: Store, other_store: Store) -> None:
    few, many = (
        _watching_work(each, pages) for each, pages in ((store, 8_000), (other_store, 80_000))
    )
    # PostgreSQL's costs are estimated from a sample of the rows, and differ by a half between runs
    assert many < 3 * few


def _watching_work(store: Store, pages: int) -> float:
    """What the database does for all that is watched but drift, which is kept for ten minutes."""
    fill(store, pages, 1_000, NOW)

    def look(conn: Connection) -> None:
        load_queue_state(conn, NOW, timedelta(minutes=2))
        list_ended_pages(conn, UNITS, RECENT_SAMPLES + PAST_SAMPLES)
        count_unreceipted(conn, UNITS, NOW - timedelta(days=3))
        is_latest_intact(conn)

    return work(store, look)
