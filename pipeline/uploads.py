"""Files that come through the browser: laid in a folder of their own in the workspace, taken in like all others, removed.

A folder that a killed process left behind is removed by the next upload; a lock tells it from one that is in use.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.access import Action, require
from pipeline.errors import StoreUnavailableError
from pipeline.intake import Taken, take_in
from pipeline.model import Person
from pipeline.settings import Settings
from pipeline.store.database import Store

_LOCK = ".in-use"


def take_in_uploads(
    store: Store,
    settings: Settings,
    uploads: Iterable[tuple[str, bytes]],
    *,
    person: Person,
    unit: str,
    place: str,
    on_page: Callable[[int], None] | None = None,
) -> Taken:
    """Take in uploaded files, each given by its name and its bytes, in order. Uploading the same files again continues what was cut short.

    Raises:
        NotAllowedError: the person may not take in for this unit.
        IntakeError, StoreError: as `intake.take_in`.
    """
    with store.noting_denials():
        require(person, Action.SCAN, unit)
    with _folder(settings.workspace / "uploads") as folder:
        paths = _laid_out(folder, uploads)
        return take_in(store, paths, unit=unit, place=place, by=person.login, on_page=on_page)


def _laid_out(folder: Path, uploads: Iterable[tuple[str, bytes]]) -> Sequence[Path]:
    paths = []
    for number, (name, data) in enumerate(uploads):
        path = folder / f"{number:05d}" / (Path(name.replace("\\", "/")).name[-100:] or "upload")
        try:
            path.parent.mkdir()
            path.write_bytes(data)
        except OSError as error:
            raise StoreUnavailableError("upload_not_kept", reason=error.strerror) from error
        paths.append(path)
    return paths


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / _LOCK).open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # nobody sweeps between the making of a folder and its lock
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
        in_use = (folder / _LOCK).open("w")
        fcntl.flock(in_use, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        in_use.close()


def _sweep(parent: Path) -> None:
    for lock_file in parent.glob(f"*/{_LOCK}"):
        try:
            with lock_file.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_file.parent)
        except (BlockingIOError, FileNotFoundError):
            continue  # in use, or removed just now by its own process
