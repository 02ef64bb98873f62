"""Drafts of forms, in the workspace: `form-drafts/<id>/`. Every saving is kept under `saved/`; the
last one is the draft.

A draft is what a person has written so far, and may be wrong: an outline (`outline.yaml`), or
boxes on a blank (`boxes.yaml` and its picture). Beside it lies the `form.yaml` that it gives, as
long as it gives one.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from pipeline.domain.errors import (
    FormEditorError,
    FormError,
    StaleDecisionError,
    StoreUnavailableError,
)

OUTLINE_FILE, BOXES_FILE, FORM_FILE = "outline.yaml", "boxes.yaml", "form.yaml"
LOCAL_FORM_PREFIX = "egen-"
"""Begins the id of every form that is made in a workspace, so that a later release never brings
another form of the same id.
"""
_MAX_ID_LENGTH = 23
"""With the trial's mark before it, an id still goes into a code of the size that all sheets have."""
_SAVED_FOLDER, _PUBLISHED_FOLDER = "saved", "published"
YamlData = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it was last saved; `revision` counts the savings from 1."""

    id: str
    data: YamlData
    revision: int
    saved_at: datetime
    folder: Path

    @property
    def is_drawn(self) -> bool:
        """Whether it is boxes on a blank of a form printed elsewhere."""
        return (self.folder / BOXES_FILE).exists()

    @property
    def title(self) -> str:
        """What the form is called so far."""
        return str(self.data.get("title") or "")

    @property
    def version(self) -> int:
        """The version that the draft is to become."""
        return int(self.data.get("version") or 1)


def list_drafts(folder: Path) -> list[Draft]:
    """All drafts in a folder of drafts, by title."""
    found = [
        path.parent.name for name in (OUTLINE_FILE, BOXES_FILE) for path in folder.glob(f"*/{name}")
    ]
    return sorted(
        (load_draft(folder, each) for each in found), key=lambda one: one.title.casefold()
    )


def load_draft(folder: Path, draft_id: str) -> Draft:
    """One draft.

    Raises:
        FormError: there is no such draft, or its file was broken by hand.
    """
    place = folder / draft_id
    saved = list_revision_files(folder, draft_id)
    if not saved:
        raise FormEditorError("no_draft")
    return Draft(
        draft_id, _read_yaml(saved[-1]), _revision_number(saved[-1]), _saved_at(saved[-1]), place
    )


def list_revision_files(folder: Path, draft_id: str) -> list[Path]:
    """The files of all savings, oldest first."""
    return sorted((folder / draft_id / _SAVED_FOLDER).glob("*.yaml"), key=_revision_number)


def create_draft(
    folder: Path, draft_id: str, data: YamlData, files: Mapping[str, bytes] | None = None
) -> Draft:
    """Begin a draft, with files that go with it, such as the picture of a blank.

    Raises:
        FormError: there is a draft of this id.
    """
    place = folder / draft_id
    try:
        (place / _SAVED_FOLDER).mkdir(parents=True, exist_ok=False)
    except FileExistsError as error:
        raise FormEditorError("draft_exists") from error
    for name, content in (files or {}).items():
        _write_file(place / name, content)
    return _write_revision(folder, draft_id, data, 1, BOXES_FILE if files else OUTLINE_FILE)


def save_draft(draft_: Draft, data: YamlData) -> Draft:
    """Keep what was changed.

    Raises:
        StaleDecisionError: somebody else has saved since this draft was shown. Nothing is written.
    """
    folder = draft_.folder.parent
    if data == draft_.data:
        return draft_
    if load_draft(folder, draft_.id).revision != draft_.revision:
        raise StaleDecisionError("somebody_else_changed_draft")
    return _write_revision(
        folder,
        draft_.id,
        data,
        draft_.revision + 1,
        BOXES_FILE if draft_.is_drawn else OUTLINE_FILE,
    )


def write_draft_form(draft_: Draft, text: str | None) -> None:
    """Lay the form that the draft gives beside it; None while it gives none."""
    if text is None:
        (draft_.folder / FORM_FILE).unlink(missing_ok=True)
    else:
        _write_file(draft_.folder / FORM_FILE, text.encode())


def restore_revision(draft_: Draft, revision: int) -> Draft:
    """The draft as it was saved earlier, as a new saving.

    Raises:
        FormError: there is no such saving.
        StaleDecisionError: as `save`.
    """
    found = next(
        (
            path
            for path in list_revision_files(draft_.folder.parent, draft_.id)
            if _revision_number(path) == revision
        ),
        None,
    )
    if found is None:
        raise FormEditorError("no_saving")
    return save_draft(draft_, _read_yaml(found))


def archive_draft(draft_: Draft) -> None:
    """Put the draft away, with all its savings: it was published or is not wanted."""
    away = draft_.folder.parent / _PUBLISHED_FOLDER
    away.mkdir(exist_ok=True)
    taken = sum(path.name.startswith(f"{draft_.id}-v{draft_.version}-") for path in away.iterdir())
    shutil.move(draft_.folder, away / f"{draft_.id}-v{draft_.version}-{taken + 1}")


def make_form_id(title: str, taken: Collection[str]) -> str:
    """An id for a form of this title, unlike those that are taken."""
    stem = (LOCAL_FORM_PREFIX + make_slug(title, "-"))[:_MAX_ID_LENGTH].rstrip("-")
    numbers = (f"{stem[: _MAX_ID_LENGTH - 3]}-{number}" for number in range(2, 100))
    return next(each for each in (stem, *numbers) if each not in taken)


def make_slug(text: str, joiner: str) -> str:
    """A name as forms have them, of words: small letters a–z and digits, begun by a letter."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", joiner, plain).strip(joiner)
    return name if name[:1].isalpha() else f"f{joiner}{name}".strip(joiner)


def _write_revision(folder: Path, draft_id: str, data: YamlData, revision: int, name: str) -> Draft:
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=120).encode()
    place = folder / draft_id
    path = place / _SAVED_FOLDER / f"{revision:06d}.yaml"
    try:
        with path.open("xb") as file:  # two who save at once: one of them is told
            file.write(text)
    except FileExistsError as error:
        raise StaleDecisionError("somebody_else_changed_draft") from error
    except OSError as error:
        raise _write_error(error) from error
    _write_file(place / name, text)
    return Draft(draft_id, data, revision, _saved_at(path), place)


def _write_file(path: Path, data: bytes) -> None:
    """All or nothing."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as error:
        raise _write_error(error) from error


def _write_error(error: OSError) -> StoreUnavailableError:
    return StoreUnavailableError("draft_not_kept", reason=error.strerror)


def _read_yaml(path: Path) -> YamlData:
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FormError("not_read_restore_remove", path=path) from error
    return found if isinstance(found, dict) else {}


def _revision_number(path: Path) -> int:
    return int(path.stem)


def _saved_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
