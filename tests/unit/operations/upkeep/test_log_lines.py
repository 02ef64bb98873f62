"""The program's own log: one JSON object a line, shared by processes, and no value of a field."""

from __future__ import annotations

import json
import logging
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from pipeline.domain.settings import LogFormat, Settings
from pipeline.operations.upkeep.log_lines import make_log_handler, start_log
from pipeline.store.database.store import Store
from pipeline.store.schema import paper, registers
from tests.support.screens import seeding
from tests.support.screens.filled_workspace import fill

pytestmark = pytest.mark.patient

_PID = "19300101-6595"
_LEAST_CHARACTERS = 5
"""Shorter values, such as a clock time, may be in a log by chance."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A workspace that logs to a file, as JSON."""
    return Settings(workspace=tmp_path, log_format=LogFormat.JSON, log_file=Path("log/program.log"))


@pytest.fixture
def log(settings: Settings) -> Iterator[Path]:
    """The file that this process logs everything to."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    handler = start_log(settings, verbose=True)
    yield settings.workspace / "log" / "program.log"
    handler.close()
    root.setLevel(level)
    root.handlers[:] = handlers


def lines(log: Path) -> list[dict[str, object]]:
    """The objects of a log."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_each_line_is_an_object(log: Path) -> None:
    logging.getLogger("pipeline.test").warning("Slut på\nark %d", 3)
    (line,) = lines(log)
    assert line.keys() == {"time", "level", "logger", "process", "message"}
    assert line["message"] == "Slut på\nark 3"
    assert (line["level"], line["logger"]) == ("warning", "pipeline.test")
    assert log.stat().st_mode & 0o077 == 0


def test_an_exception_is_told_by_its_place_and_never_by_its_message(log: Path) -> None:
    try:
        raise ValueError("Såret på vänster fot")
    except ValueError:
        logging.getLogger("pipeline.test").exception("Failed")
    (line,) = lines(log)
    assert "Såret" not in log.read_text("utf-8")
    assert "ValueError at test_log_lines.py" in str(line["message"])


@pytest.mark.parametrize("number", ["193001016595", "19300101-6595", "300101-6595", "300101+6595"])
def test_a_personal_number_is_left_out_of_any_message(log: Path, number: str) -> None:
    logging.getLogger("httpx").info("GET /Patient?identifier=%s", number)
    logging.getLogger("other").warning("client %s, page 3", number)
    assert number not in log.read_text("utf-8")
    assert lines(log)[1]["message"] == "client …, page 3"


def test_what_only_looks_a_little_like_one_stays(log: Path) -> None:
    logging.getLogger("pipeline.test").warning("run 2026-03-02 09:00, 1234567890abcdef")
    assert lines(log)[0]["message"] == "run 2026-03-02 09:00, 1234567890abcdef"


def test_text_says_the_same_without_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    handlers = root.handlers[:]
    start_log(Settings(workspace=tmp_path))
    logging.getLogger("pipeline.test").warning("client %s", _PID)
    root.handlers[:] = handlers
    assert capsys.readouterr().err == "WARNING pipeline.test: client …\n"


def _write_much(settings: Settings, name: str) -> None:
    handler = make_log_handler(settings)
    for number in range(4000):
        text = f"{name} {number} {'x' * 300}"
        handler.handle(logging.LogRecord("t", logging.WARNING, "", 0, text, (), None))


def test_processes_share_a_file_and_lose_no_line_when_it_is_full(settings: Settings) -> None:
    small = settings.model_copy(update={"log_file_mb": 1})
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_write_much, args=(small, name)) for name in ("a", "b")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    files = [file for file in (settings.workspace / "log").iterdir() if file.suffix != ".lock"]
    written = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    said = {" ".join(str(line["message"]).split()[:2]) for line in written}
    assert said == {f"{name} {number}" for name in "ab" for number in range(4000)}
    assert max(file.stat().st_size for file in files) <= 1024 * 1024


def test_a_workspace_in_use_leaves_no_value_in_its_log(log: Path, tmp_path: Path) -> None:
    store = seeding.make_store(tmp_path / "workspace")
    fill(store)
    for entry_id in seeding.add_notes(store, 2):
        seeding.confirm(store, seeding.NURSE, entry_id, sign=True)
    logging.getLogger("pipeline.test").warning("The end")
    text = log.read_text("utf-8")
    assert "The end" in text
    values = _confirmed_values(store)
    assert len(values) > 10
    assert {value for value in values if value in text} == set()


def _confirmed_values(store: Store) -> set[str]:
    """What people have confirmed, and the numbers and names of clients."""
    with store.read() as conn:
        decided = conn.execute(select(paper.decision.c.value)).scalars().all()
        clients = conn.execute(select(registers.client.c.pid, registers.client.c.name)).all()
    said = {value for value in decided if isinstance(value, str)}
    said |= {part for client in clients for part in client}
    return {value for value in said if len(value) >= _LEAST_CHARACTERS}
