"""A watched folder: imported once, by content; left alone while it is written."""

from __future__ import annotations

import errno
import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pikepdf
import pytest
from PIL import Image as Pillow

from pipeline.domain.errors import IntakeError
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import Settings
from pipeline.operations import watch_folder as watch_module
from pipeline.operations.intake import IntakeResult, import_files
from pipeline.operations.watch_folder import FolderWatch, is_complete_file
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper.intake.batches import list_unfinished
from pipeline.store.paper.intake.stacks import list_watched_folders
from pipeline.store.paper.pages import count_pages_by_state, list_batch_pages
from pipeline.store.schema.clock import utc_now
from tests.support.pages.small_pages import (
    CutShortError,
    blank_page,
    foreign_page,
    pdf,
    stop_after,
    write_stack,
)

pytestmark = pytest.mark.slow

SCANNER = Person("a.b", "A B", "administratör", Role.ADMINISTRATOR, frozenset({"Norra"}), ALL_AREAS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(Settings(workspace=tmp_path / "workspace"), create=True)
    yield store
    store.close()


class Scanner:
    """A watched folder with a clock that is turned by hand."""

    def __init__(self, store: Store, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.now = 0.0
        self.folder = folder
        self.watch = FolderWatch(
            store, folder, "Norra", "Pärm 1", "a.b", interval=2, clock=lambda: self.now
        )

    def look(self, after: float = 2) -> IntakeResult | None:
        self.now += after
        return self.watch.poll()


@pytest.fixture
def scanner(store: Store, tmp_path: Path) -> Scanner:
    return Scanner(store, tmp_path / "scanner")


def test_what_has_stood_unchanged_is_taken_in_once_and_left_where_it_is(scanner: Scanner) -> None:
    paths = write_stack(scanner.folder / "DCIM", 3)
    assert scanner.look() is None
    taken = scanner.look()
    assert taken is not None
    assert taken.pages == 3
    assert scanner.look() is None
    assert all(path.exists() for path in paths)


def test_a_file_that_grows_is_left_alone_until_it_stands(scanner: Scanner) -> None:
    path = scanner.folder / "a.png"
    whole = foreign_page(1)
    for size in (100, 200, 300):
        path.write_bytes(whole[:size])
        assert scanner.look() is None
    path.write_bytes(whole)
    assert scanner.look() is None
    taken = scanner.look()
    assert taken is not None
    assert (taken.pages, taken.failed) == (1, 0)


def test_a_half_file_that_stands_waits_for_its_end_but_not_for_ever(scanner: Scanner) -> None:
    (scanner.folder / "a.png").write_bytes(foreign_page(1)[:-60])
    assert scanner.look() is None
    assert scanner.look() is None
    assert scanner.watch.pending() == 1
    assert scanner.look(after=100) is not None


def test_a_file_that_somebody_has_open_for_writing_is_left_alone(scanner: Scanner) -> None:
    path = scanner.folder / "a.png"
    with path.open("wb") as file:
        file.write(foreign_page(1))
        file.flush()
        scanner.look()
        assert scanner.look() is None
    assert scanner.look() is not None


def test_a_name_that_is_used_again_is_taken_in_and_the_same_content_under_another_name_is_not(
    scanner: Scanner,
) -> None:
    (scanner.folder / "scan.png").write_bytes(blank_page(1))
    scanner.look()
    assert scanner.look() is not None
    (scanner.folder / "scan.png").write_bytes(foreign_page(2))
    shutil.copy(scanner.folder / "scan.png", scanner.folder / "copy.png")
    scanner.look()
    again = scanner.look()
    assert again is not None
    assert again.pages == 1


def test_a_new_watch_knows_what_an_earlier_one_took_in(scanner: Scanner, store: Store) -> None:
    write_stack(scanner.folder, 2)
    scanner.look()
    scanner.look()
    later = Scanner(store, scanner.folder)
    write_stack(scanner.folder, 1, start=7)
    later.look()
    taken = later.look()
    assert taken is not None
    assert taken.pages == 1


def test_a_watch_that_was_killed_goes_on_with_its_batch_though_the_folder_has_changed(
    scanner: Scanner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_stack(scanner.folder, 4)
    seen: list[int] = []

    def killed(*args: object, **named: object) -> IntakeResult:
        def on_page(done: int) -> None:
            seen.append(done)
            if done == 2:
                raise KeyboardInterrupt

        return import_files(*args, **named, on_page=on_page)  # type: ignore[arg-type]

    scanner.look()
    monkeypatch.setattr(watch_module, "import_files", killed)
    with pytest.raises(KeyboardInterrupt):
        scanner.look()
    monkeypatch.undo()
    paths[0].unlink()
    write_stack(scanner.folder, 1, start=0)
    write_stack(scanner.folder, 1, start=9)
    later = Scanner(store, scanner.folder)
    later.look()
    taken = later.look()
    assert taken is not None
    assert (taken.pages, taken.is_resumed) == (5, True)
    with store.read() as conn:
        assert [p.source_name for p in list_batch_pages(conn, taken.batch)] == [
            "0000.png",
            "0001.png",
            "0002.png",
            "0003.png",
            "0009.png",
        ]
        assert count_pages_by_state(conn)["in"] == 5
        assert list_unfinished(conn) == []


def test_a_file_that_was_cut_short_is_finished_though_another_came_first(
    scanner: Scanner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = pdf(scanner.folder / "stack.pdf", 3)
    scanner.look()
    monkeypatch.setattr(watch_module, "import_files", partial(import_files, on_page=stop_after(1)))
    with pytest.raises(CutShortError):
        scanner.look()
    monkeypatch.undo()
    away = stack.rename(scanner.folder.parent / "stack.pdf")
    write_stack(scanner.folder, 1)
    later = Scanner(store, scanner.folder)
    later.look()
    assert later.look() is not None
    with store.read() as conn:
        assert list_unfinished(conn)  # what another file finished would be missed by nobody
    away.rename(stack)
    later.look()
    taken = later.look()
    assert taken is not None
    with store.read() as conn:
        assert [page.source_page for page in list_batch_pages(conn, taken.batch)] == [1, 2, 3]
        assert not list_unfinished(conn)


def test_a_locked_pdf_is_a_page_that_failed_and_holds_up_no_other(scanner: Scanner) -> None:
    with pikepdf.open(pdf(scanner.folder.parent / "open.pdf", 2)) as file:
        file.save(scanner.folder / "a.pdf", encryption=pikepdf.Encryption(owner="a", user="b"))
    write_stack(scanner.folder, 1)
    scanner.look()
    taken = scanner.look()
    assert taken is not None
    assert (taken.pages, taken.failed) == (2, 1)


def test_what_is_no_scan_is_left_alone_and_counted_by_kind_only(scanner: Scanner) -> None:
    for name in ("Anteckning.docx", "bild.AVIF", ".hidden.png", "half.part"):
        (scanner.folder / name).write_bytes(b"x")
    scanner.look()
    assert scanner.look() is None
    assert scanner.watch.others == {".docx": 1, ".avif": 1, ".part": 1}


@pytest.mark.parametrize(
    "name", ["a.JPG", "a.jpe", "a.jfif", "a.JFIF", "a.jif", "a.Tiff", "a.TIF", "a.PDF"]
)
def test_a_scan_is_taken_in_under_every_ordinary_name_of_its_kind(
    scanner: Scanner, name: str
) -> None:
    (scanner.folder / name).write_bytes(foreign_page(1))  # what it holds is known by its content
    scanner.look()
    taken = scanner.look()
    assert taken is not None
    assert taken.failed == 0


def test_a_folder_that_goes_away_is_named(scanner: Scanner) -> None:
    scanner.folder.rmdir()
    with pytest.raises(IntakeError, match="is not there"):
        scanner.look()
    scanner.folder.mkdir()
    assert scanner.look() is None


@pytest.mark.parametrize(
    ("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("PDF", "pdf")]
)
def test_each_kind_of_file_shows_its_end(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Pillow.effect_noise((200, 200), 50).save(path, kind)
    assert is_complete_file(path)
    os.truncate(path, path.stat().st_size // 2)
    if kind != "TIFF":
        assert not is_complete_file(path)


@pytest.mark.parametrize(("order", "mark"), [("<", b"II"), (">", b"MM")])
def test_a_tiff_whose_directory_is_not_there_yet_is_being_written(
    tmp_path: Path, order: str, mark: bytes
) -> None:
    path = tmp_path / "a.tif"
    for offset, ready in ((0, False), (5000, False), (16, True)):
        path.write_bytes(mark + struct.pack(order + "HI", 42, offset) + bytes(100))
        assert is_complete_file(path) is ready
    path.write_bytes(mark + struct.pack(order + "HHHQ", 43, 8, 0, 16) + bytes(100))
    assert is_complete_file(path)


@pytest.mark.parametrize(
    "why",
    [
        PermissionError(13, "Permission denied"),
        FileNotFoundError(2, "No such file"),
        OSError(5, "Input/output error"),
    ],
)
def test_a_file_that_another_holds_hinders_one_look_only(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch, why: OSError
) -> None:
    (scanner.folder / "a.png").write_bytes(foreign_page(1))
    scanner.look()

    def refused(*_: object) -> int:
        raise why

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(IntakeError, match="cannot be read"):
        scanner.look()
    monkeypatch.undo()
    assert scanner.look() is not None


def test_a_file_that_nobody_may_read_does_not_hold_up_the_others(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a copier that writes one file with other rights."""
    write_stack(scanner.folder, 3)
    scanner.look()
    real = os.open

    def refused(path: str | Path, *more: int) -> int:
        if Path(path).name == "0000.png":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *more)

    monkeypatch.setattr(os, "open", refused)
    taken = scanner.look()
    assert taken is not None
    assert taken.pages == 2
    with pytest.raises(IntakeError, match=r"0000\.png cannot be read"):
        scanner.look()
    monkeypatch.undo()
    assert scanner.look() is not None


@pytest.mark.parametrize(
    ("where", "name"), [(watch_module, "count_foreign_pages"), (Path, "is_dir"), (Path, "rglob")]
)
def test_a_share_that_breaks_off_does_not_end_the_watch(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch, where: object, name: str
) -> None:
    write_stack(scanner.folder, 1)
    scanner.look()

    def broken_off(*_: object) -> int:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(where, name, broken_off)
    with pytest.raises(IntakeError, match="cannot be read"):
        scanner.look()
    monkeypatch.undo()
    scanner.look()
    assert scanner.look() is not None or scanner.watch.pending() == 0


def test_pictures_that_a_copier_numbers_without_noughts_come_in_the_order_of_the_paper(
    scanner: Scanner, store: Store
) -> None:
    for number in (10, 9, 2, 1):
        (scanner.folder / f"Scan {number}.png").write_bytes(foreign_page(number))
    scanner.look()
    taken = scanner.look()
    assert taken is not None
    with store.read() as conn:
        assert [page.source_name for page in list_batch_pages(conn, taken.batch)] == [
            "Scan 1.png",
            "Scan 2.png",
            "Scan 9.png",
            "Scan 10.png",
        ]


def test_a_folder_whose_name_is_no_utf8_is_watched(store: Store, tmp_path: Path) -> None:
    scanner = Scanner(store, Path(os.fsdecode(os.fsencode(tmp_path) + b"/p\xe4rm")))
    write_stack(scanner.folder, 1)
    scanner.look()
    assert scanner.look() is not None


def test_a_name_that_is_no_utf8_is_taken_in(scanner: Scanner, store: Store) -> None:
    Path(os.fsdecode(os.fsencode(scanner.folder) + b"/bunt\xe5.png")).write_bytes(foreign_page(1))
    scanner.look()
    taken = scanner.look()
    assert taken is not None
    with store.read() as conn:
        assert [page.source_name for page in list_batch_pages(conn, taken.batch)] == ["bunt?.png"]


@pytest.mark.parametrize("change", ["none", "rename", "copy", "new folder"])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_nothing_is_taken_in_twice_after_a_kill_whatever_became_of_the_files(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int, change: str
) -> None:
    folder = tmp_path / "scanner"
    scanner = Scanner(store, folder)
    first, second = pdf(folder / "a.pdf", 2), *write_stack(folder / "z", 1)
    with monkeypatch.context() as patch:
        patch.setattr(watch_module, "import_files", partial(import_files, on_page=stop_after(cut)))
        scanner.look()
        with pytest.raises(CutShortError):
            scanner.look()
    match change:
        case "rename":
            first = first.rename(folder / "b.pdf")
        case "copy":
            shutil.copy(first, folder / "c.pdf")
            shutil.copy(second, folder / "d.png")
        case "new folder":
            (folder / "old").mkdir()
            first.rename(folder / "old" / "a.pdf")
    later = Scanner(store, folder)
    later.look()
    later.look()
    with store.read() as conn:
        assert count_pages_by_state(conn)["in"] == 3
        assert list_unfinished(conn) == []


def test_a_file_of_a_batch_that_cannot_be_continued_is_not_taken_in_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that was being read is gone; the whole one before it was imported a second time."""
    folder = tmp_path / "scanner"
    scanner = Scanner(store, folder)
    write_stack(folder, 1)
    interrupted = pdf(folder / "z.pdf", 2)
    with monkeypatch.context() as patch:
        patch.setattr(watch_module, "import_files", partial(import_files, on_page=stop_after(2)))
        scanner.look()
        with pytest.raises(CutShortError):
            scanner.look()
    interrupted.unlink()
    later = Scanner(store, folder)
    later.look()
    later.look()
    with store.read() as conn:
        assert count_pages_by_state(conn)["in"] == 2


@pytest.mark.parametrize("name", ["gif", "webp", "bmp", "heic"])
def test_a_picture_of_a_phone_or_program_is_taken_in_once_it_stands(
    scanner: Scanner, name: str
) -> None:
    path = scanner.folder / f"a.{name}"
    if name == "heic":
        path.write_bytes((Path(__file__).parents[2] / "data" / "phone.heic").read_bytes())
    else:
        Pillow.new("L", (40, 60), 200).save(path)
    assert scanner.look() is None
    assert scanner.look() is not None


def passed_over(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as conn:
        (watched,) = list_watched_folders(conn, SCANNER, utc_now())
    return sorted((file.name, file.reason.value, file.detail) for file in watched.passed_over)


def test_what_is_passed_over_is_stored_with_its_reason(scanner: Scanner, store: Store) -> None:
    folder = scanner.folder
    (folder / "a.png").write_bytes(blank_page(1))
    (folder / "b.png").write_bytes(blank_page(1))
    (folder / "notes.docx").write_bytes(b"text")
    (folder / "half.png").write_bytes(foreign_page(1)[:-60])
    (folder / ".trash").mkdir()
    (folder / ".trash" / "old.png").write_bytes(blank_page(2))
    (folder / "Thumbs.db").write_bytes(b"of the system")
    (folder / ".DS_Store").write_bytes(b"of the system")
    (folder / "link.png").symlink_to(folder / "a.png")
    for _ in range(5):
        scanner.look()
    assert passed_over(store) == [
        (".trash", "hidden", ""),
        ("b.png", "same_content", "a.png"),
        ("half.png", "being_written", ""),
        ("link.png", "link", ""),
        ("notes.docx", "other_type", ""),
    ]


def test_what_is_put_right_is_no_longer_listed(scanner: Scanner, store: Store) -> None:
    path = scanner.folder / "notes.docx"
    path.write_bytes(b"text")
    scanner.look()
    assert len(passed_over(store)) == 1
    path.unlink()
    scanner.look()
    assert passed_over(store) == []


def test_a_folder_that_is_watched_again_does_not_list_what_it_had_taken_in_before(
    scanner: Scanner, store: Store, tmp_path: Path
) -> None:
    (scanner.folder / "a.png").write_bytes(blank_page(1))
    scanner.look()
    scanner.look()
    again = Scanner(store, tmp_path / "scanner")
    again.look()
    again.look()
    assert passed_over(store) == []


def test_a_folder_that_is_away_says_so(scanner: Scanner, store: Store) -> None:
    scanner.look()
    scanner.folder.rename(scanner.folder.with_name("away"))
    with pytest.raises(IntakeError):
        scanner.look()
    with store.read() as conn:
        (watched,) = list_watched_folders(conn, SCANNER, utc_now())
    assert watched.is_away


def test_a_folder_is_shown_to_its_unit_only(scanner: Scanner, store: Store) -> None:
    scanner.look()
    elsewhere = replace(SCANNER, units=frozenset({"Södra"}))
    with store.read() as conn:
        assert list_watched_folders(conn, elsewhere, utc_now()) == []
