"""A process that is killed while it writes several files leaves all of them or none in use, and the
same command goes on.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.domain.settings import ROOT
from pipeline.files import atomic
from pipeline.forms.library import PUBLISHED_FILE, load_published, publish_forms
from pipeline.preparation.outage_pack.pack import ISSUED_FILE, Pack, write_pack
from pipeline.store.database import image_files
from pipeline.store.database.image_files import ImageFolder
from tests.faults.killed import assert_killed, die

pytestmark = pytest.mark.faults
PACK = Pack({ISSUED_FILE: b"serials", "01.pdf": b"one", "02.pdf": b"two"}, ())
FORM_ID = "fri-anteckning"


def _die_at(step: str, number: int) -> None:
    """Be killed when a file is flushed or moved for the n-th time."""
    module, name = {"flush": (atomic, "flush_to_disk"), "move": (Path, "replace")}[step]
    real, calls = getattr(module, name), iter(range(1, 1000))

    def killed(*given: object) -> object:
        if next(calls) == number:
            die()
        return real(*given)

    setattr(module, name, killed)


def pack_until(folder: str, step: str, number: int) -> None:
    """Write a pack, and be killed."""
    _die_at(step, number)
    write_pack(PACK, Path(folder))


@pytest.mark.parametrize("moment", [("flush", 1), ("flush", 3), ("move", 1), ("move", 4)])
def test_a_killed_pack_leaves_no_part_of_one(tmp_path: Path, moment: tuple[str, int]) -> None:
    folder = tmp_path / "pack"
    assert_killed(pack_until, str(folder), *moment)
    assert not folder.exists()
    write_pack(PACK, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == dict(PACK.files)
    assert [path.name for path in tmp_path.iterdir()] == ["pack"], "nothing is left beside it"


def publish_until(folder: str, step: str, number: int) -> None:
    """Publish a form, and be killed."""
    _die_at(step, number)
    publish_forms(Path(folder))


@pytest.mark.parametrize("step", ["flush", "move"])
def test_a_killed_publication_is_repeated(tmp_path: Path, step: str) -> None:
    folder = tmp_path / "forms"
    shutil.copytree(ROOT / "forms" / FORM_ID, folder / FORM_ID)
    assert_killed(publish_until, str(folder), step, 1)
    assert not (folder / PUBLISHED_FILE).exists()
    added = publish_forms(folder)
    assert added
    assert sorted(load_published(folder)) == added


def learn_until(file: str, step: str, number: int) -> None:
    """Write what was learned, and be killed."""
    _die_at(step, number)
    atomic.write_atomically(Path(file), "new")


@pytest.mark.parametrize("step", ["flush", "move"])
def test_a_killed_lesson_leaves_the_one_before(tmp_path: Path, step: str) -> None:
    file = tmp_path / "words.json"
    file.write_text("old")
    assert_killed(learn_until, str(file), step, 1)
    assert file.read_text() == "old"
    atomic.write_atomically(file, "new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def put_until(folder: str) -> None:
    """Heal a damaged image, and be killed before it is in its place."""
    image_files.os.fsync = lambda _: die()  # type: ignore[attr-defined]
    ImageFolder(Path(folder)).put(b"page")


def test_a_killed_healing_is_repeated(tmp_path: Path) -> None:
    images = ImageFolder(tmp_path)
    sha256 = images.put(b"page")
    images.path(sha256).write_bytes(b"pagE")
    assert_killed(put_until, str(tmp_path))
    assert not images.holds(sha256)
    images.put(b"page")
    assert images.get(sha256) == b"page"
