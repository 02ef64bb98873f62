"""Files become rows, once each, whatever happens on the way."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fpdf import FPDF
from PIL import Image as Pillow

from pipeline.domain.errors import IntakeError, NotAllowedError, StoreUnavailableError
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import Settings
from pipeline.operations.intake import IntakeResult, SourceFile, import_files, import_uploads
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper.intake.batches import list_unfinished
from pipeline.store.paper.intake.stacks import list_stacks
from pipeline.store.paper.pages import (
    Page,
    count_pages_by_state,
    list_batch_pages,
    list_queued_pages,
)
from tests.support.image_folder import folder_of
from tests.support.pages.small_pages import (
    CutShortError,
    blank_page,
    foreign_page,
    pdf,
    stop_after,
    write_stack,
)

pytestmark = pytest.mark.slow

SCANNER = Person(
    "a.b",
    "Anna Berg",
    "administratör",
    Role.ADMINISTRATOR,
    frozenset({"Norra"}),
    frozenset({"HSL"}),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path / "workspace")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings, create=True)
    yield store
    store.close()


def given(store: Store, paths: list[Path], place: str = "Pärm 1") -> IntakeResult:
    return import_files(store, paths, unit="Norra", place=place, by="a.b")


def pages(store: Store, batch: str) -> list[Page]:
    with store.read() as conn:
        return list_batch_pages(conn, batch)


def tiff(path: Path, count: int) -> Path:
    frames = [Pillow.fromarray(np.full((60, 40), 200 + n, np.uint8)) for n in range(count)]
    frames[0].save(path, "TIFF", save_all=True, append_images=frames[1:])
    return path


def test_pages_stand_in_the_order_of_the_files_with_their_bytes_as_they_came(
    store: Store, tmp_path: Path
) -> None:
    paths = [tiff(tmp_path / "b.tif", 3), *write_stack(tmp_path / "in", 2)]
    taken = given(store, paths)
    found = pages(store, taken.batch)
    assert taken == IntakeResult(taken.batch, 5, 0, False)
    assert [(p.position, p.source_name, p.source_page) for p in found] == [
        (1, "b.tif", 1),
        (2, "b.tif", 2),
        (3, "b.tif", 3),
        (4, "0000.png", 1),
        (5, "0001.png", 1),
    ]
    assert found[4].image_sha256 is not None
    assert store.images.get(found[4].image_sha256) == paths[2].read_bytes()
    assert {p.state for p in found} == {"queued"}


def test_a_bad_file_is_a_failed_page_with_its_reason_and_its_bytes_and_the_rest_goes_on(
    store: Store, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nnothing more")
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    good = write_stack(tmp_path / "in", 1)
    taken = given(store, [broken, empty, *good])
    found = pages(store, taken.batch)
    assert [p.state for p in found] == ["failed", "failed", "queued"]
    assert [p.reason.partition(":")[0] for p in found[:2]] == ["broken_file", "empty_file"]
    assert store.images.get(found[0].source_sha256 or "") == broken.read_bytes()
    with store.read() as conn:
        assert count_pages_by_state(conn) == {"in": 3, "done": 0, "waiting": 1, "failed": 2}


@pytest.mark.parametrize("make", [tiff, pdf])
@pytest.mark.parametrize("cut", [1, 3, 4, 7])
def test_taking_in_that_was_cut_short_is_continued_by_the_same_files(
    store: Store, tmp_path: Path, make: Callable[[Path, int], Path], cut: int
) -> None:
    paths = [make(tmp_path / "a.x", 4), *write_stack(tmp_path / "in", 3)]
    with pytest.raises(CutShortError):
        import_files(store, paths, unit="Norra", place="Pärm 1", by="a.b", on_page=stop_after(cut))
    with store.read() as conn:
        begun = list_unfinished(conn)
    taken = given(store, paths)
    assert taken == IntakeResult(begun[0], 7, 0, True)
    assert [p.position for p in pages(store, taken.batch)] == list(range(1, 8))
    with store.read() as conn:
        assert list_unfinished(conn) == []
        assert len(list_queued_pages(conn)) == 7


def test_a_file_that_stands_twice_in_a_stack_is_in_twice_also_when_it_is_continued(
    store: Store, tmp_path: Path
) -> None:
    one, two = write_stack(tmp_path / "in", 2)
    with pytest.raises(CutShortError):
        import_files(
            store, [one, two, one], unit="Norra", place="", by="a.b", on_page=stop_after(2)
        )
    taken = import_files(store, [one, two, one], unit="Norra", place="", by="a.b")
    assert [p.source_name for p in pages(store, taken.batch)] == [one.name, two.name, one.name]


def test_the_same_files_given_again_after_the_end_double_nothing_and_heal_their_images(
    store: Store, tmp_path: Path
) -> None:
    paths = write_stack(tmp_path / "in", 2)
    first = given(store, paths)
    lost = folder_of(store).path(pages(store, first.batch)[0].image_sha256 or "")
    lost.unlink()
    assert given(store, paths) == replace(first, is_resumed=True)
    assert lost.read_bytes() == paths[0].read_bytes()
    with store.read() as conn:
        assert len(list_stacks(conn, SCANNER)) == 1


def test_files_with_a_page_that_failed_are_taken_in_again(store: Store, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nand no more")
    assert given(store, [broken]).batch != given(store, [broken]).batch


def test_the_same_files_from_another_place_are_another_batch(store: Store, tmp_path: Path) -> None:
    paths = write_stack(tmp_path / "in", 2)
    with pytest.raises(CutShortError):
        import_files(store, paths, unit="Norra", place="Pärm 1", by="a.b", on_page=stop_after(1))
    assert not given(store, paths, place="Pärm 2").is_resumed


def test_a_stick_that_is_pulled_out_fails_no_page(store: Store, tmp_path: Path) -> None:
    paths = [*write_stack(tmp_path / "in", 2), tiff(tmp_path / "c.tif", 2)]

    def pull(done: int) -> None:
        if done == 1:
            paths[1].unlink()

    with pytest.raises(IntakeError, match=r"0001\.png cannot be read"):
        import_files(store, paths, unit="Norra", place="Pärm 1", by="a.b", on_page=pull)
    with store.read() as conn:
        assert count_pages_by_state(conn)["failed"] == 0
        assert len(list_unfinished(conn)) == 1
    paths[1].write_bytes(foreign_page(1))
    assert given(store, paths).pages == 4


def test_a_file_that_changes_on_the_way_is_no_bad_page(tmp_path: Path) -> None:
    path = write_stack(tmp_path, 1)[0]
    source = SourceFile.of(path)
    path.write_bytes(b"half")
    with pytest.raises(IntakeError, match="changed"):
        source.check_unchanged()


def test_a_file_that_is_replaced_on_the_way_is_not_taken_for_what_it_was(
    store: Store, tmp_path: Path
) -> None:
    """A copier that uses its names again: pages of the new file under the old one's digest would
    make the old one count as imported.
    """
    one, two = write_stack(tmp_path / "in", 2)
    before = two.read_bytes()

    def replaced(done: int) -> None:
        if done == 1:
            two.write_bytes(foreign_page(99))

    with pytest.raises(IntakeError, match="changed"):
        import_files(store, [one, two], unit="Norra", place="", by="a.b", on_page=replaced)
    with store.read() as conn:
        assert count_pages_by_state(conn)["in"] == 1
    two.write_bytes(before)
    assert given(store, [one, two]).pages == 2


def test_nothing_and_a_missing_file_are_refused_before_a_batch_is_made(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(IntakeError):
        given(store, [])
    with pytest.raises(IntakeError, match=r"gone\.pdf cannot be read"):
        given(store, [tmp_path / "gone.pdf"])
    with store.read() as conn:
        assert list_stacks(conn, SCANNER) == []


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_names_itself_and_the_same_files_continue(store: Store, tmp_path: Path) -> None:
    small = write_stack(tmp_path / "in", 2)
    noise = tmp_path / "noise.png"
    noise.write_bytes(
        cv2.imencode(".png", np.random.default_rng(1).integers(0, 255, (1600, 1600), np.uint8))[
            1
        ].tobytes()
    )
    paths = [*small, noise]
    with (
        no_file_larger_than(2_000_000),
        pytest.raises(StoreUnavailableError, match="cannot be written"),
    ):
        given(store, paths)
    assert not list(folder_of(store).folder.rglob("*.part"))
    assert given(store, paths) == IntakeResult(given_batch(store), 3, 0, True)


def test_a_page_that_could_not_be_drawn_for_a_full_disk_is_no_damaged_page(
    store: Store, tmp_path: Path
) -> None:
    drawn = FPDF(unit="mm", format="A4")
    drawn.add_page()
    drawn.line(20, 20, 190, 270)
    drawn.output(str(tmp_path / "drawn.pdf"))
    with (
        no_file_larger_than(2_000_000),
        pytest.raises(StoreUnavailableError, match="could not be drawn"),
    ):
        given(store, [tmp_path / "drawn.pdf"])
    with store.read() as conn:
        assert count_pages_by_state(conn)["failed"] == 0
    assert given(store, [tmp_path / "drawn.pdf"]) == IntakeResult(given_batch(store), 1, 0, True)


def given_batch(store: Store) -> str:
    with store.read() as conn:
        return list_stacks(conn, SCANNER)[0].id


def test_uploads_are_taken_in_and_leave_no_file_behind(store: Store, settings: Settings) -> None:
    uploads = [("../../etc/blad.png", blank_page(1)), ("blad.png", foreign_page(2)), ("", b"")]
    taken = import_uploads(store, settings, uploads, person=SCANNER, unit="Norra", place="")
    assert (taken.pages, taken.failed) == (3, 1)
    assert [p.source_name for p in pages(store, taken.batch)] == ["blad.png", "blad.png", "upload"]
    assert [path for path in (settings.workspace / "uploads").iterdir() if path.is_dir()] == []


def test_uploads_that_a_killed_process_left_are_swept_by_the_next(
    store: Store, settings: Settings
) -> None:
    name_a_folder = "from pipeline.files import atomic; print(atomic.temporary_folder_prefix())"
    ended = subprocess.run([sys.executable, "-c", name_a_folder], capture_output=True, check=True)
    left = settings.workspace / "uploads" / f"{ended.stdout.decode().strip()}abandoned"
    (left / "00000").mkdir(parents=True)
    (left / "00000" / "blad.png").write_bytes(blank_page(1))
    import_uploads(
        store, settings, [("blad.png", blank_page(2))], person=SCANNER, unit="Norra", place=""
    )
    assert not left.exists()


def test_only_who_may_scan_for_the_unit_uploads(store: Store, settings: Settings) -> None:
    for role, units in ((Role.REVIEWER, {"Norra"}), (Role.ADMINISTRATOR, {"Södra"})):
        person = Person("a.b", "Anna Berg", "", role, frozenset(units), frozenset({"HSL"}))
        with pytest.raises(NotAllowedError):
            import_uploads(
                store,
                settings,
                [("blad.png", blank_page(1))],
                person=person,
                unit="Norra",
                place="",
            )
