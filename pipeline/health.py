"""Is everything there? Programs, language, models, database, disk: each with what to do if not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.errors import EfterskriftError, ExitCode, FormError, StoreError
from pipeline.published import frozen_problems, published
from pipeline.settings import Settings, load_settings
from pipeline.store.database import open_store
from pipeline.store.pages import picture_names
from pipeline.template import Forms

ENOUGH_DISK = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: what was found, and the remedy if it is not well, with the exit code that says of which kind that is."""

    part: str
    state: str
    remedy: str = ""
    code: ExitCode = ExitCode.MISSING_PROGRAM


def examine() -> list[Finding]:
    """Every part that the program rests on."""
    settings = load_settings()
    return [*installed(settings), *_workspace(settings), _disk(settings)]


def installed(settings: Settings) -> list[Finding]:
    """What comes with the program or is installed beside it."""
    return [
        _tried("Tesseract's Swedish", _swedish),
        _program("Poppler", "pdftoppm", "apt-get install poppler-utils"),
        *(_tried(part, partial(_network, file)) for part, file in _networks()),
        _tried("Check boxes", _check_boxes),
        _tried("Handwriting network", _handwriting),
        _tried("Swedish words", lambda: _words(settings)),
        _calibration(),
        _tried("Forms", lambda: f"{len(Forms.load(*settings.form_folders))} forms"),
        _tried("Own forms", lambda: own_forms(settings)),
    ]


def _workspace(settings: Settings) -> list[Finding]:
    """The store, and its pictures if there is one."""
    store = _tried("Store", lambda: _store(settings))
    return [store] if store.remedy else [store, _tried("Pictures", lambda: _pictures(settings))]


def own_forms(settings: Settings) -> str:
    """How many forms were published in the workspace.

    Raises:
        FormError: one is not what was published, so that sheets of it would be read wrongly.
    """
    digests = published(settings.own_forms)
    known = Forms.load(settings.own_forms)
    for form in known.values():
        if problems := frozen_problems(form, digests):
            raise FormError("own_form_frozen", problem=problems[0], folder=settings.own_forms / form.id)
    return f"{len(known)} published here"


def _calibration() -> Finding:
    """Whether every network that reads has curves of its own: without, nothing that it reads is believed."""
    from pipeline.recognize.curves import ABSENT, installed
    from pipeline.recognize.registry import NETWORKS

    try:
        known = {(key.partition("-")[0], network) for key, network in installed()}
        without = sorted(kind for kind, network in NETWORKS.items() if network() != ABSENT and (str(kind), network()) not in known)
    except (EfterskriftError, OSError) as error:
        return Finding("Calibration", str(error), "Restore it with `git checkout data/models`.")
    remedy = "Fit curves to the networks that are installed: see pipeline/training/calibrate.py." if without else ""
    return Finding("Calibration", f"without curves: {', '.join(without)}" if without else "fits the networks", remedy)


def _program(part: str, name: str, remedy: str) -> Finding:
    found = shutil.which(name)
    return Finding(part, found) if found else Finding(part, "missing", remedy)


def _swedish() -> str:
    from pipeline.recognize.tesseract import language_folder

    return language_folder()


def _tried(part: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(part, attempt())
    except EfterskriftError as error:
        return Finding(part, error.message, error.remedy or "See the message.", error.exit_code)


def _networks() -> Iterator[tuple[str, Path]]:
    """Those beside the one for handwriting, which is a choice."""
    from pipeline.recognize import digits, strikes
    from pipeline.recognize.network import second_file

    yield "Digit network", digits.MODEL
    yield "Second digit network", digits.SECOND
    yield "Struck-out words", strikes.MODEL
    if second := second_file():
        yield "Second handwriting network", second


def _network(file: Path) -> str:
    """The name of a network's file that can be opened.

    Raises:
        MissingProgramError: it is missing or damaged.
    """
    from pipeline.recognize.inference import opened

    opened(file)
    return file.name


def _check_boxes() -> str:
    from pipeline.recognize.marks import mark_model

    return f"{1 + len(mark_model().second)} networks"


def _words(settings: Settings) -> str:
    from pipeline.recognize.language import swedish

    return f"{len(swedish(settings.models).general.words)} words"


def _handwriting() -> str:
    from pipeline.recognize.network import LINE_HEIGHT, network_file, read_steps

    read_steps([np.full((LINE_HEIGHT, 2 * LINE_HEIGHT), 255, np.uint8)])
    return network_file().name


def _store(settings: Settings) -> str:
    store = open_store(settings)
    with store.read():
        return store.name


def _pictures(settings: Settings) -> str:
    """How many pictures of pages there are: a restored database, or one of several machines, may be without its folder."""
    store = open_store(settings)
    with store.read() as conn:
        names = picture_names(conn)
    if gone := sum(not store.images.path(name).is_file() for name in names):
        raise StoreError("pictures_missing", gone=gone, number=len(names), images=settings.images)
    return f"{len(names)} there"


def _disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.workspace, *settings.workspace.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    shown = f"{free / 1024**3:.1f} GB free"
    return Finding("Disk", shown) if free >= ENOUGH_DISK else Finding("Disk", shown, "Make room: a page takes about 1–5 MB.", ExitCode.STORE)
