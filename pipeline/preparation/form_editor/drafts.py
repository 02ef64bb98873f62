"""The files of form drafts in the workspace: `form-drafts/<id>/`.

A draft may be wrong. It is an outline (`outline.yaml`), or boxes on a blank form (`boxes.yaml` and
its image); next to it is the `form.yaml` that it gives, if it gives one. Every revision is kept
under `saved/`; the last one is the draft.
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
from pipeline.domain.form.rules import FormLoader
from pipeline.files.atomic import write_atomically
from pipeline.preparation import PAPER_LANGUAGE
from pipeline.texts import Words

OUTLINE_FILE, BOXES_FILE, FORM_FILE = "outline.yaml", "boxes.yaml", "form.yaml"
COPY_FILE = "copy.yaml"
"""The outline of the copies of a form whose boxes were placed by hand."""
LOCAL_FORM_PREFIX = "egen-"
"""Begins the id of every form that is made in a workspace; no release has a form of such an id."""
_MAX_ID_LENGTH = 23
"""An id of this length fits the code on a sheet, with the prefix of a trial sheet too."""
_SAVED_FOLDER, _PUBLISHED_FOLDER = "saved", "published"
YamlData = dict[str, Any]
"""Content of a YAML file."""
form_text = Words(PAPER_LANGUAGE)
"""Return the text `form_content.<key>` that the editor puts into a form."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it was last saved; revisions are numbered from 1."""

    id: str
    data: YamlData
    revision: int
    saved_at: datetime
    folder: Path

    @property
    def is_drawn(self) -> bool:
        """Whether it is boxes on the image of a form printed elsewhere."""
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
    """Return all drafts in a folder of drafts, by title."""
    ids = [
        path.parent.name for name in (OUTLINE_FILE, BOXES_FILE) for path in folder.glob(f"*/{name}")
    ]
    drafts = (load_draft(folder, draft_id) for draft_id in ids)
    return sorted(drafts, key=lambda draft: draft.title.casefold())


def load_draft(folder: Path, draft_id: str) -> Draft:
    """Load the last revision of a draft.

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
    """Return the files of all revisions, oldest first."""
    return sorted((folder / draft_id / _SAVED_FOLDER).glob("*.yaml"), key=_revision_number)


def create_draft(
    folder: Path, draft_id: str, data: YamlData, files: Mapping[str, bytes] | None = None
) -> Draft:
    """Begin a draft, with files that belong to it, such as the image of a blank form.

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


def save_draft(draft: Draft, data: YamlData) -> Draft:
    """Save the draft with this content as a new revision, unless nothing was changed.

    Raises:
        StaleDecisionError: another user has saved since this draft was loaded; nothing is written.
    """
    folder = draft.folder.parent
    if data == draft.data:
        return draft
    if load_draft(folder, draft.id).revision != draft.revision:
        raise StaleDecisionError("draft_changed_by_another")
    return _write_revision(
        folder,
        draft.id,
        data,
        draft.revision + 1,
        BOXES_FILE if draft.is_drawn else OUTLINE_FILE,
    )


def write_draft_form(draft: Draft, text: str | None) -> None:
    """Write the form that the draft gives next to it, or remove it if the draft gives none."""
    if text is None:
        (draft.folder / FORM_FILE).unlink(missing_ok=True)
    else:
        _write_file(draft.folder / FORM_FILE, text.encode())


def restore_revision(draft: Draft, revision: int) -> Draft:
    """Save an earlier revision of the draft as a new one.

    Raises:
        FormError: there is no such revision.
        StaleDecisionError: another user has saved since this draft was loaded.
    """
    for path in list_revision_files(draft.folder.parent, draft.id):
        if _revision_number(path) == revision:
            return save_draft(draft, _read_yaml(path))
    raise FormEditorError("no_saving")


def archive_draft(draft: Draft) -> None:
    """Move a draft that was published or discarded, with all its revisions, to the archive."""
    archive = draft.folder.parent / _PUBLISHED_FOLDER
    archive.mkdir(exist_ok=True)
    stem = f"{draft.id}-v{draft.version}"
    taken = sum(path.name.startswith(f"{stem}-") for path in archive.iterdir())
    shutil.move(draft.folder, archive / f"{stem}-{taken + 1}")


def make_form_id(title: str, taken: Collection[str]) -> str:
    """Return an unused id for a form of this title."""
    stem = (LOCAL_FORM_PREFIX + make_slug(title, "-"))[:_MAX_ID_LENGTH].rstrip("-")
    numbered = (f"{stem[: _MAX_ID_LENGTH - 3]}-{number}" for number in range(2, 100))
    return next(form_id for form_id in (stem, *numbered) if form_id not in taken)


def unused_name(name: str, taken: Collection[str]) -> str:
    """Return a name of a field or option that is not taken: itself, or with a number."""
    numbered = (f"{name}_{number}" for number in range(2, 1000))
    return next(candidate for candidate in (name, *numbered) if candidate not in taken)


def make_slug(text: str, joiner: str) -> str:
    """Return a text as a name in a form: small letters a–z and digits, a letter first."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", joiner, plain).strip(joiner)
    return name if name[:1].isalpha() else f"f{joiner}{name}".strip(joiner)


def _write_revision(folder: Path, draft_id: str, data: YamlData, revision: int, name: str) -> Draft:
    """Write a revision and make it the draft.

    Raises:
        StaleDecisionError: another user has just written a revision of this number.
        StoreUnavailableError: a file cannot be written.
    """
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=120).encode()
    place = folder / draft_id
    path = place / _SAVED_FOLDER / f"{revision:06d}.yaml"
    try:
        # Of two users who save at once, the second gets an error.
        with path.open("xb") as file:
            file.write(text)
    except FileExistsError as error:
        raise StaleDecisionError("draft_changed_by_another") from error
    except OSError as error:
        raise _write_error(error) from error
    _write_file(place / name, text)
    return Draft(draft_id, data, revision, _saved_at(path), place)


def _write_file(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise _write_error(error) from error


def _write_error(error: OSError) -> StoreUnavailableError:
    return StoreUnavailableError("draft_not_kept", reason=error.strerror)


def _read_yaml(path: Path) -> YamlData:
    try:
        data = yaml.load(path.read_text("utf-8"), Loader=FormLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FormError("draft_unreadable", path=path) from error
    return data if isinstance(data, dict) else {}


def _revision_number(path: Path) -> int:
    return int(path.stem)


def _saved_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
