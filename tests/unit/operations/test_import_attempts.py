"""An import that is killed, or whose reader is, goes on; no good page fails and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.domain.errors import ProgramKilledError, StoreUnavailableError
from pipeline.domain.settings import Settings
from pipeline.files.sandbox_pages import ForeignPages
from pipeline.files.sandbox_process import ReaderEndedError, SandboxProcess
from pipeline.operations import intake
from pipeline.operations.intake import IntakeResult, import_files
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper.intake.batches import (
    SourceKey,
    count_death,
    count_start,
    is_source_imported,
    mark_source_imported,
    open_batch,
    reset_starts,
)
from pipeline.store.paper.pages import list_batch_pages
from tests.support.image_folder import folder_of
from tests.support.pages.small_pages import pdf, write_stack

pytestmark = [pytest.mark.slow, pytest.mark.patient]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(Settings(workspace=tmp_path / "workspace"), create=True)
    yield store
    store.close()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A PDF of three pages, and a picture behind it."""
    return [pdf(tmp_path / "a.pdf", 3), *write_stack(tmp_path / "in", 1)]


def given(store: Store, files: list[Path]) -> IntakeResult:
    return import_files(store, files, unit="Norra", place="", by="a.b")


def states(store: Store, result: IntakeResult) -> list[str]:
    with store.read() as conn:
        pages = list_batch_pages(conn, result.batch)
    return [f"{page.source_page} {page.state} {page.reason.partition(':')[0]}" for page in pages]


WHOLE = ["1 queued ", "2 queued ", "3 queued ", "1 queued "]
SECOND_FAILED = ["1 queued ", "2 failed opening_failed", "3 queued ", "1 queued "]


class KilledError(BaseException):
    """As far as the program knows, it is killed: nothing is tidied up."""


def fail_at(
    monkeypatch: pytest.MonkeyPatch, number: int, error: type[BaseException], times: int
) -> None:
    real, left = SandboxProcess.ask, [times]

    def ask(
        self: SandboxProcess, action: str, *of: object, data: bytes | None = None
    ) -> tuple[object, bytes]:
        if (action, *of) == ("read", number) and left[0]:
            left[0] -= 1
            self.end()
            raise error("killed") if error is not ProgramKilledError else error("program_killed")
        return real(self, action, *of, data=data)

    monkeypatch.setattr(SandboxProcess, "ask", ask)


@pytest.mark.parametrize(("deaths", "expected"), [(1, WHOLE), (2, SECOND_FAILED)])
def test_a_page_that_kills_its_reader_twice_fails_alone(
    store: Store,
    files: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    deaths: int,
    expected: list[str],
) -> None:
    fail_at(monkeypatch, 2, ReaderEndedError, deaths)
    assert states(store, given(store, files)) == expected


def test_deaths_are_counted_across_imports(
    store: Store, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_at(patch, 2, KilledError, 1)
        fail_at(patch, 2, ReaderEndedError, 1)
        with pytest.raises(KilledError):
            given(store, files)
    fail_at(monkeypatch, 2, ReaderEndedError, 1)
    assert states(store, given(store, files)) == SECOND_FAILED


@pytest.mark.parametrize(("kills", "expected"), [(1, WHOLE), (2, SECOND_FAILED)])
def test_a_page_that_kills_every_import_fails_in_the_end(
    store: Store,
    files: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    kills: int,
    expected: list[str],
) -> None:
    monkeypatch.setattr(intake, "MAX_STARTS", 2)
    with monkeypatch.context() as patch:
        patch.setattr(intake, "reset_starts", lambda *_: None)
        fail_at(patch, 2, KilledError, 99)
        for _ in range(kills + 1):
            with pytest.raises(KilledError):
                given(store, files)
    assert states(store, given(store, files)) == expected


@pytest.mark.parametrize("error", [StoreUnavailableError, ProgramKilledError, KeyboardInterrupt])
def test_the_machines_fault_is_never_the_pages(
    store: Store,
    files: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    monkeypatch.setattr(intake, "MAX_STARTS", 1)
    fail_at(monkeypatch, 2, error, 3)
    for _ in range(3):
        with pytest.raises(error):
            given(store, files)
    assert states(store, given(store, files)) == WHOLE


def test_a_file_that_cannot_be_opened_any_more_loses_no_page(
    store: Store, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_at(monkeypatch, 3, KeyboardInterrupt, 1)
    with pytest.raises(KeyboardInterrupt):
        given(store, files)

    def ask(*_: object) -> None:
        raise ReaderEndedError

    with monkeypatch.context() as patch:
        patch.setattr(ForeignPages, "_ask_open", ask)
        result = given(store, files)
    assert states(store, result)[:3] == ["1 queued ", "2 queued ", "3 failed opening_failed"]


@pytest.mark.parametrize("error", [RuntimeError, RecursionError, AssertionError])
def test_an_error_of_the_program_at_one_page_leaves_the_others(
    store: Store, files: list[Path], monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    fail_at(monkeypatch, 2, error, 1)
    found = states(store, given(store, files))
    assert found == [WHOLE[0], "2 failed broken_page", *WHOLE[2:]]


def test_counts_begin_anew_with_another_page(store: Store) -> None:
    with store.begin() as conn:
        batch, _ = open_batch(conn, "x", unit="Norra", place="", by="a.b")
        key = SourceKey(batch, "0" * 64)
        assert [count_start(conn, key, 1) for _ in range(2)] == [1, 2]
        assert [count_death(conn, key, 1), count_start(conn, key, 2)] == [1, 1]
        assert count_death(conn, key, 2) == 1
        reset_starts(conn, key)
        assert count_start(conn, key, 2) == 1


@pytest.mark.parametrize(("resumable", "expected"), [("x", False), ("", True), ("y", True)])
def test_a_whole_file_of_an_interrupted_batch_counts_unless_that_is_continued(
    store: Store, resumable: str, expected: bool
) -> None:
    with store.begin() as conn:
        batch, _ = open_batch(conn, "x", unit="Norra", place="", by="a.b")
        key = SourceKey(batch, "0" * 64)
        count_start(conn, key, 1)
        assert not is_source_imported(conn, key.sha256, 1, resumable)
        mark_source_imported(conn, key, 1)
        assert is_source_imported(conn, key.sha256, 1, resumable) is expected


def test_the_same_files_given_often_add_no_failed_page(store: Store, files: list[Path]) -> None:
    """An attempt that ends in order is no start that was killed."""
    results = [given(store, files) for _ in range(intake.MAX_STARTS + 3)]
    assert len({result.batch for result in results}) == 1
    assert states(store, results[-1]) == WHOLE


def test_an_error_while_a_lost_image_is_read_again_leaves_the_others(
    store: Store, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = given(store, files)
    with store.read() as conn:
        images = [str(page.image_sha256) for page in list_batch_pages(conn, first.batch)]
    for image in images:
        folder_of(store).path(image).unlink(missing_ok=True)
    real = ForeignPages.read

    def read(self: ForeignPages, number: int) -> object:
        if number == 2:
            raise RuntimeError("a library's own")
        return real(self, number)

    monkeypatch.setattr(ForeignPages, "read", read)
    assert states(store, given(store, files)) == WHOLE
    assert [store.images.holds(image) for image in images] == [True, False, True, True]
