"""Writers of one SQLite database wait in line, and have their turn in the order of arrival."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Event, Thread

import pytest

from pipeline.domain.errors import StoreUnavailableError
from pipeline.domain.settings import Settings
from pipeline.store.database.engines import queue_file, wait_turn
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import list_events, record
from tests.faults.killed import assert_killed, die
from tests.faults.watching import until

pytestmark = pytest.mark.faults
WRITERS = 12


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(workspace=tmp_path / "arbete", database_url="")
    open_store(settings, create=True).close()
    return settings


def _in_line(settings: Settings) -> int:
    """How many have ever joined the line."""
    file = queue_file(settings.workspace / "efterskrift.db")
    return int.from_bytes(file.read_bytes()[:8], "little") if file.exists() else 0


def _join(settings: Settings, start: Callable[[], None]) -> None:
    """Start a writer, and return once it is in line."""
    before = _in_line(settings)
    start()
    until(lambda: _in_line(settings) > before, "a writer joins the line")


def write(folder: str, name: str) -> None:
    """Write one event in a store opened here."""
    store = open_store(Settings(workspace=Path(folder), database_url=""))
    _write(store, name)
    store.close()


def _write(store: Store, name: str) -> None:
    with store.begin() as conn:
        record(conn, "eva", "try", "turn", name=name)


def test_who_came_first_writes_first_in_whatever_thread_or_process(settings: Settings) -> None:
    """SQLite alone: at 50 writers 53 of 100 were refused, and others came first again and again."""
    store = open_store(settings)
    processes = multiprocessing.get_context("forkserver")
    names = [f"writer {number}" for number in range(WRITERS)]
    writers: list[Thread | ForkServerProcess] = []
    with store.begin() as conn:
        for number, name in enumerate(names):
            writer = (
                Thread(target=_write, args=(store, name))
                if number % 2
                else processes.Process(target=write, args=(str(settings.workspace), name))
            )
            _join(settings, writer.start)
            writers.append(writer)
        record(conn, "eva", "try", "turn", name="holder")
    for writer in writers:
        writer.join(120)
    with store.read() as conn:
        written = [event.detail["name"] for event in list_events(conn, "turn")]
    assert written == ["holder", *names]
    store.close()


def test_each_in_front_is_waited_for_not_all_of_them_together(tmp_path: Path) -> None:
    """With one wait for all, the last of a long line failed however fast the others wrote."""
    database, now, order = tmp_path / "x.db", [0.0], list[str]()
    first, second = wait_turn(database, 30), wait_turn(database, 30)
    first.__enter__()
    entered = Event()
    looks = iter(range(10))

    def enter_second() -> None:
        second.__enter__()
        entered.set()

    def pass_time(_: float) -> None:
        now[0] += 14
        look = next(looks)
        if look == 1:
            first.__exit__(None, None, None)
        elif look == 2:
            assert entered.wait(120)
            order.append("second")
        elif look == 3:
            second.__exit__(None, None, None)

    other = Thread(target=enter_second)
    other.start()
    until(lambda: int.from_bytes(queue_file(database).read_bytes()[:8], "little") == 2, "in line")
    with wait_turn(database, 30, sleep=pass_time, clock=lambda: now[0]):
        order.append("third")
    other.join()
    assert order == ["second", "third"]
    assert now[0] > 30


def test_one_who_stays_too_long_is_waited_for_no_more(tmp_path: Path) -> None:
    now, looks = [0.0], list[float]()

    def pass_time(seconds: float) -> None:
        looks.append(seconds)
        now[0] += 10

    with (
        wait_turn(tmp_path / "x.db", 30),
        wait_turn(tmp_path / "x.db", 30, sleep=pass_time, clock=lambda: now[0]),
    ):
        assert 30 < now[0] <= 50


def die_in_line(folder: str) -> None:
    """Join the line, and be killed while waiting."""
    with wait_turn(Path(folder) / "efterskrift.db", 60, sleep=lambda _: die()):
        pass


def die_writing(folder: str) -> None:
    """Be killed while writing."""
    store = open_store(Settings(workspace=Path(folder), database_url=""))
    with store.begin() as conn:
        record(conn, "eva", "try", "turn", name="killed")
        die()


def test_the_line_passes_over_whoever_was_killed(settings: Settings) -> None:
    store, folder = open_store(settings), str(settings.workspace)
    with store.begin() as conn:
        assert_killed(die_in_line, folder)
        late = Thread(target=_write, args=(store, "late"))
        _join(settings, late.start)
        record(conn, "eva", "try", "turn", name="holder")
    late.join(120)
    assert_killed(die_writing, folder)
    _write(store, "last")
    with store.read() as conn:
        assert [event.detail["name"] for event in list_events(conn, "turn")] == [
            "holder",
            "late",
            "last",
        ]
    store.close()


def test_a_writer_outside_the_line_is_waited_for_and_named(settings: Settings) -> None:
    store, impatient = open_store(settings), open_store(settings, wait_seconds=0.1)
    with (
        store.begin(),
        pytest.raises(StoreUnavailableError, match="another program has been writing"),
        impatient.begin(),
    ):
        pytest.fail("the lock is held")
    impatient.close()
    store.close()


def test_without_a_line_sqlite_waits_by_itself(tmp_path: Path) -> None:
    with wait_turn(tmp_path / "absent" / "x.db", 1):
        assert not (tmp_path / "absent").exists()
