"""The alarm list: what needs a person now, in one sentence, with its remedy.

Only what is wrong is in it. It has counts and moments, nothing about a person. Läge and
`efterskrift status` show it, `efterskrift metrics` counts it.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import ImagesAwayError
from pipeline.domain.form.confidence import Share
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import Settings
from pipeline.files.sandbox_process import (
    ReaderEndedError,
    ReaderTooSlowError,
    reaches_network,
)
from pipeline.operations.health import BACKUP_AGE, MIN_DISK_BYTES
from pipeline.reporting.watching.drift import (
    PAST_SAMPLES,
    RECENT_SAMPLES,
    Dimension,
    Drift,
    compare_with_past,
    find_rises,
    measure_drift,
)
from pipeline.store.database.store import Store
from pipeline.store.event_log.verification import LogCheck, find_last_log_check, is_latest_intact
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.reports.entry_counts import (
    QueueState,
    count_unreceipted,
    list_ended_pages,
    load_queue_state,
)
from pipeline.store.reports.upkeep import (
    BackupState,
    StoreCheck,
    find_last_backup,
    find_last_check,
)
from pipeline.texts import Words, grouped

_BEAT_PATIENCE = timedelta(minutes=2)
"""A worker without a heartbeat for longer is not alive: clocks of machines differ by less."""
_RARE_CHECK = timedelta(days=8)
"""Age of the last check that no worker makes: of files with `check_hours` 0, of the whole log."""
_RECENT_FAILURES = timedelta(days=2)


class Severity(StrEnum):
    """How urgent an alarm is."""

    CRITICAL = "critical"
    """Paper is not read or may be lost: a person has to act today."""
    WARNING = "warning"


class AlarmKind(StrEnum):
    """What is wrong; also a part of the keys of its texts, most urgent first."""

    IMAGES_AWAY = "images_away"
    LOG_BROKEN = "log_broken"
    VERIFY_FAILED = "verify_failed"
    CHECK_FAILED = "check_failed"
    DISK_FULL = "disk_full"
    NO_WORKER = "no_worker"
    BACKUP_FAILED = "backup_failed"
    BACKUP_NOT_WHOLE = "backup_not_whole"
    BACKUP_OLD = "backup_old"
    BACKUP_NEVER = "backup_never"
    CHECK_OLD = "check_old"
    CHECK_NEVER = "check_never"
    VERIFY_OLD = "verify_old"
    VERIFY_NEVER = "verify_never"
    NETWORK_OPEN = "network_open"
    PAGES_FAILING = "pages_failing"
    UNRECEIPTED = "unreceipted"
    DRIFT_FORM = "drift_form"
    DRIFT_SCANNER = "drift_scanner"
    DRIFT_KIND = "drift_kind"
    DRIFT_AUTHOR = "drift_author"


_CRITICAL = frozenset(
    {
        AlarmKind.IMAGES_AWAY,
        AlarmKind.LOG_BROKEN,
        AlarmKind.VERIFY_FAILED,
        AlarmKind.CHECK_FAILED,
        AlarmKind.DISK_FULL,
        AlarmKind.NO_WORKER,
    }
)
_COUNTED = frozenset(
    {
        AlarmKind.NO_WORKER,
        AlarmKind.UNRECEIPTED,
        AlarmKind.DRIFT_AUTHOR,
        AlarmKind.BACKUP_NOT_WHOLE,
    }
)
_DRIFT_KINDS = {
    Dimension.FORM: AlarmKind.DRIFT_FORM,
    Dimension.SCANNER: AlarmKind.DRIFT_SCANNER,
    Dimension.KIND: AlarmKind.DRIFT_KIND,
    Dimension.AUTHOR: AlarmKind.DRIFT_AUTHOR,
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong; `count` says of how many pages, entries or people.

    `values` fill the sentence in: moments, shares, and names of forms and folders.
    """

    kind: AlarmKind
    count: int = 1
    values: Mapping[str, datetime | Share | str | int] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How urgent it is."""
        return Severity.CRITICAL if self.kind in _CRITICAL else Severity.WARNING


@dataclass(frozen=True, slots=True)
class WatchState:
    """What is known of a workspace; `failing` compares pages that failed lately with before.

    `is_network_open`: programs that open foreign files reach a network here.

    `unreceipted` entries were sent longer ago than `proof_days`, `sent` are all without receipt.
    """

    at: datetime
    queue: QueueState
    backup: BackupState
    check: StoreCheck | None
    log_check: LogCheck
    unreceipted: int
    sent: int
    free_bytes: int
    is_log_intact: bool
    are_images_away: bool
    is_network_open: bool = False
    failing: tuple[Share, Share] | None = None
    drift: tuple[Drift, ...] = ()


def load_watch_state(
    store: Store,
    settings: Settings,
    forms: Forms,
    now: datetime,
    units: Collection[str] | None = None,
) -> WatchState:
    """Return what is known of a workspace, of paper only that of these units, or of all.

    Raises:
        StoreUnavailableError: the database is locked or out of reach.
    """
    late = now - timedelta(days=settings.proof_days)
    is_network_open = _reaches_network()
    with store.read() as conn:
        known = frozenset(areas_by_unit(conn)) if units is None else frozenset(units)
        sent, unreceipted = count_unreceipted(conn, known, late)
        ended = list_ended_pages(conn, known, RECENT_SAMPLES + PAST_SAMPLES)
        state = WatchState(
            at=now,
            queue=load_queue_state(conn, now, _BEAT_PATIENCE),
            backup=find_last_backup(conn),
            check=find_last_check(conn),
            log_check=find_last_log_check(conn),
            unreceipted=unreceipted,
            sent=sent,
            free_bytes=_free_bytes(settings),
            is_log_intact=is_latest_intact(conn),
            are_images_away=_are_images_away(store),
            is_network_open=is_network_open,
            failing=_compare_failures(ended, now),
        )
    return replace(state, drift=measure_drift(store, forms, known, now))


def find_alarms(state: WatchState, settings: Settings) -> list[Alarm]:
    """Return what is wrong, most urgent first."""
    found = [
        *_paper_alarms(state, settings),
        *_upkeep_alarms(state, settings),
        *_drift_alarms(state.drift),
    ]
    order = list(AlarmKind)
    return sorted(found, key=lambda alarm: order.index(alarm.kind))


@dataclass(frozen=True, slots=True)
class AlarmText:
    """An alarm in one language: what is wrong, and what to do about it."""

    sentence: str
    remedy: str


def describe_alarm(alarm: Alarm, forms: Forms, language: str) -> AlarmText:
    """Return the words of an alarm."""
    say = Words(language)
    values = {name: _describe(value) for name, value in alarm.values.items()}
    name = values.get("name", "")
    if alarm.kind is AlarmKind.DRIFT_FORM:
        values["name"] = next((one.title for one in forms.values() if one.id == name), name)
    if alarm.kind is AlarmKind.DRIFT_KIND:
        values["name"] = say(f"field_kind.{name}")
    key = f"alarm.{alarm.kind.value}"
    sentence = (
        say.count(key, alarm.count, **values) if alarm.kind in _COUNTED else say(key, **values)
    )
    return AlarmText(sentence, say(f"{key}.remedy"))


def _paper_alarms(state: WatchState, settings: Settings) -> Iterator[Alarm]:
    """Yield what is wrong with paper on its way."""
    if state.queue.waiting and not state.queue.workers:
        yield Alarm(AlarmKind.NO_WORKER, state.queue.waiting)
    if state.failing is not None:
        recent, past = state.failing
        yield Alarm(AlarmKind.PAGES_FAILING, recent.wrong, {"recent": recent, "past": past})
    if state.unreceipted:
        yield Alarm(AlarmKind.UNRECEIPTED, state.unreceipted, {"days": settings.proof_days})


def _upkeep_alarms(state: WatchState, settings: Settings) -> Iterator[Alarm]:
    """Yield what is wrong with the machine, its disk, its log and its copies."""
    backup, check, now = state.backup, state.check, state.at
    if state.are_images_away:
        yield Alarm(AlarmKind.IMAGES_AWAY)
    if not state.is_log_intact:
        yield Alarm(AlarmKind.LOG_BROKEN)
    if state.free_bytes < MIN_DISK_BYTES:
        yield Alarm(AlarmKind.DISK_FULL, 1, {"free": f"{state.free_bytes / 1024**3:.1f}"})
    in_use_since = state.queue.first_at or now
    if backup.failed_at is not None:
        yield Alarm(AlarmKind.BACKUP_FAILED, 1, {"at": backup.failed_at})
    elif backup.last_at is not None and abs(now - backup.last_at) > BACKUP_AGE:
        yield Alarm(AlarmKind.BACKUP_OLD, 1, {"at": backup.last_at})
    elif backup.missing:
        yield Alarm(AlarmKind.BACKUP_NOT_WHOLE, backup.missing)
    elif backup.last_at is None and now - in_use_since > BACKUP_AGE:
        yield Alarm(AlarmKind.BACKUP_NEVER)
    limit = max(2 * timedelta(hours=settings.check_hours), BACKUP_AGE)
    limit = limit if settings.check_hours else _RARE_CHECK
    if check is None:
        if now - in_use_since > limit:
            yield Alarm(AlarmKind.CHECK_NEVER)
    elif not check.is_whole:
        yield Alarm(AlarmKind.CHECK_FAILED, 1, {"at": check.started_at})
    elif now - check.started_at > limit:
        yield Alarm(AlarmKind.CHECK_OLD, 1, {"at": check.started_at})
    yield from _log_alarms(state.log_check, now, in_use_since)
    if state.is_network_open:
        yield Alarm(AlarmKind.NETWORK_OPEN)


def _log_alarms(check: LogCheck, now: datetime, in_use_since: datetime) -> Iterator[Alarm]:
    """Yield that the whole log was found changed, or was not looked at for long."""
    if check.failed_at is not None:
        yield Alarm(AlarmKind.VERIFY_FAILED, 1, {"at": check.failed_at})
    elif now - (check.last_at or in_use_since) <= _RARE_CHECK:
        return
    elif check.last_at is not None:
        yield Alarm(AlarmKind.VERIFY_OLD, 1, {"at": check.last_at})
    else:
        yield Alarm(AlarmKind.VERIFY_NEVER)


def _drift_alarms(drift: Collection[Drift]) -> Iterator[Alarm]:
    """Yield what is read worse than before; of authors only how many they are."""
    rises = [one for one in drift if one.is_rise]
    for one in rises:
        if one.dimension is not Dimension.AUTHOR:
            yield Alarm(
                _DRIFT_KINDS[one.dimension],
                1,
                {"name": one.name, "recent": one.recent, "past": one.past},
            )
    if authors := sum(one.dimension is Dimension.AUTHOR for one in rises):
        yield Alarm(AlarmKind.DRIFT_AUTHOR, authors)


def _compare_failures(
    ended: Collection[tuple[str, datetime, bool]], now: datetime
) -> tuple[Share, Share] | None:
    """Return which pages failed lately and before, if that is more than by chance.

    Pages of one stack are alike. Failures of some days ago are no news.
    """
    stacks: dict[str, Share] = {}
    for batch, _, is_failed in ended:
        seen = stacks.get(batch, Share(0, 0))
        stacks[batch] = Share(seen.wrong + is_failed, seen.of + 1)
    compared = compare_with_past(list(stacks.values()))
    newest = max((at for _, at, is_failed in ended if is_failed), default=None)
    if compared is None or newest is None or now - newest > _RECENT_FAILURES:
        return None
    return (compared.recent, compared.past) if find_rises({"pages": compared}) else None


def _free_bytes(settings: Settings) -> int:
    folders = (settings.workspace, *settings.workspace.parents)
    return shutil.disk_usage(next(path for path in folders if path.exists())).free


def _reaches_network() -> bool:
    """Return whether opened foreign files reach a network; if none can be opened, `doctor` says."""
    try:
        return reaches_network()
    except (ReaderEndedError, ReaderTooSlowError):
        return False


def _are_images_away(store: Store) -> bool:
    try:
        store.images.require_present()
    except ImagesAwayError:
        return True
    return False


def _describe(value: datetime | Share | str | int) -> str:
    """Return a value as it is written in a sentence, the same in all languages."""
    match value:
        case datetime():
            return f"{value.astimezone(SWEDEN):%Y-%m-%d %H:%M}"
        case Share():
            return f"{100 * value.wrong / value.of:.0f}\u00a0%"
        case int():
            return grouped(value)
    return value
