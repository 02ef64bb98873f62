"""What a killed process left half made is removed by the next that makes something there, and
nothing that another is making.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fpdf import FPDF

from pipeline.files.atomic import (
    partial_name,
    remove_stale_partials,
    remove_stale_partials_daily,
    temporary_folder_prefix,
    write_atomically,
    write_private,
)
from pipeline.files.page_files import read_pages

pytestmark = pytest.mark.patient

_WRITER = """
import sys
from pathlib import Path
from pipeline.files.atomic import open_partial
with open_partial(Path(sys.argv[1])) as partial:
    partial.write_bytes(b"half of it")
    print(partial, flush=True)
    sys.stdin.read()
"""


@contextmanager
def _writing(file: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that is writing a file, and what it has written so far."""
    command = [sys.executable, "-c", _WRITER, str(file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.mark.parametrize(
    "write", [lambda file: write_private(file, b"x"), lambda file: write_atomically(file, "x")]
)
def test_the_next_writer_removes_what_a_killed_one_left_and_nothing_of_a_living_one(
    write: object, tmp_path: Path
) -> None:
    assert callable(write)
    with _writing(tmp_path / "names.csv") as (process, partial):
        write(tmp_path / "other.csv")
        assert partial.read_bytes() == b"half of it"
        process.kill()
        process.wait()
        assert partial.exists()
        write(tmp_path / "other.csv")
    assert list(tmp_path.iterdir()) == [tmp_path / "other.csv"]


def test_what_another_computer_left_is_removed_after_a_day_and_other_programs_files_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "another")
        old, new = tmp_path / partial_name(), tmp_path / partial_name()
    for path in (old, new, tmp_path / ".film.partial", tmp_path / "efterskrift-1.pdf"):
        path.touch()
    for path in tmp_path.iterdir():
        if path != new:
            os.utime(path, (time.time() - 2 * 86400,) * 2)
    remove_stale_partials(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        new.name,
        ".film.partial",
        "efterskrift-1.pdf",
    }


def test_pictures_of_a_killed_reader_go_and_those_of_a_living_one_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = tmp_path / f"{temporary_folder_prefix()}abcd_123"
    dead = tmp_path / _of_a_dead_reader(monkeypatch)
    for folder in (living, dead):
        folder.mkdir()
        (folder / "page.ppm").write_bytes(b"P6")
    remove_stale_partials(tmp_path)
    assert list(tmp_path.iterdir()) == [living]


def test_whoever_draws_page_after_page_looks_for_what_was_left_once_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, temporary = FPDF(format=(20, 30)), tmp_path / "temporary"
    for _ in range(3):
        pages.add_page()
        pages.line(5, 5, 15, 25)  # no picture that could be taken out: each page is drawn
    pages.output(str(tmp_path / "stack.pdf"))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    first, second = (temporary / _of_a_dead_reader(monkeypatch) for _ in range(2))
    first.mkdir(parents=True)
    drawn = iter(read_pages(tmp_path / "stack.pdf"))
    next(drawn)
    assert not first.exists()
    second.mkdir()
    assert [page.source_page for page in drawn] == [2, 3]
    assert second.exists()
    a_day_later = time.monotonic() + 86400
    with monkeypatch.context() as later:
        later.setattr(time, "monotonic", lambda: a_day_later)
        remove_stale_partials_daily(temporary)
    assert not second.exists()


def _of_a_dead_reader(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a folder for passing pictures of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    with monkeypatch.context() as then:
        then.setattr("os.getpid", lambda: ended.pid)
        return f"{temporary_folder_prefix()}abcd_123"


def test_a_folder_that_cannot_be_read_is_no_fault(tmp_path: Path) -> None:
    remove_stale_partials(tmp_path / "gone")
