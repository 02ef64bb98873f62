"""The actions of the form editor: begin, change, restore, discard and publish a draft.

A published form is frozen in the workspace's folder of forms. Its checksum in `published.json` puts
it in use.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from pipeline.domain.errors import FormEditorError, FormError, MissingProgramError
from pipeline.domain.form.form import Area, Form, Forms, Subject, load_form
from pipeline.domain.form.rules import FormLoader
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.files.atomic import hold_lock, write_atomically
from pipeline.forms.library import PUBLISHED_FILE, dump_form, geometry_digest, load_published
from pipeline.preparation.form_editor import drafts, drawn_boxes, outline_edits
from pipeline.preparation.form_editor.draft_form import check_draft, require_complete_form
from pipeline.preparation.form_editor.drafts import (
    BOXES_FILE,
    COPY_FILE,
    FORM_FILE,
    OUTLINE_FILE,
    Draft,
    YamlData,
    archive_draft,
    form_text,
)
from pipeline.preparation.form_editor.drawn_boxes import BLANK_IMAGE_FILE
from pipeline.preparation.form_editor.trial import load_trial_results
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import contains_pid, record
from pipeline.store.registers.form_publications import (
    Publication,
    begin_publication,
    end_publications,
    list_publications,
)
from pipeline.store.schema.clock import utc_now

_LOCK_FILE = "publishing.lock"
MIN_REASON_LENGTH = 10
MAX_REASON_LENGTH = 300
"""Length of the reason for publishing a form in spite of serious remarks."""


def write_published_form(draft: Draft, form: Form, folder: Path) -> None:
    """Make a draft's form the current version in a folder of forms.

    The version before it moves to a folder of its own.

    Raises:
        FormError: this version was published before, or an older version is missing.
    """
    key, digests = f"{form.id}/{form.version}", load_published(folder)
    if key in digests:
        raise FormEditorError("published")
    form_folder = folder / form.id
    _archive_previous_version(form_folder, form)
    # Copy the sources, write the form, and check that the file gives the form that was tried.
    form_folder.mkdir(parents=True, exist_ok=True)
    for name in (OUTLINE_FILE, BOXES_FILE, BLANK_IMAGE_FILE):
        if (draft.folder / name).exists():
            write_atomically(form_folder / name, (draft.folder / name).read_bytes())
    write_atomically(form_folder / FORM_FILE, dump_form(form))
    written = load_form(form_folder / FORM_FILE)
    if geometry_digest(written) != geometry_digest(form):
        raise FormError("form_changed_since_trial", form=form.id)
    # Only then put it in use.
    digests |= {key: geometry_digest(written)}
    write_atomically(folder / PUBLISHED_FILE, json.dumps(digests, indent=2, sort_keys=True) + "\n")
    archive_draft(draft)


def _archive_previous_version(form_folder: Path, form: Form) -> None:
    """Move the files of the current version to `v<N>`.

    Files that an interrupted publication left there are overwritten.
    """
    if not (form_folder / FORM_FILE).exists():
        return
    current = load_form(form_folder / FORM_FILE)
    if current.version >= form.version:
        return
    archive = form_folder / f"v{current.version}"
    archive.mkdir(exist_ok=True)
    # The form moves last: until then its version is found in the old place.
    for name in (OUTLINE_FILE, BOXES_FILE, BLANK_IMAGE_FILE, FORM_FILE):
        if (form_folder / name).exists():
            (form_folder / name).replace(archive / name)


@dataclass(frozen=True, slots=True)
class NewFormInfo:
    """The title of a new form, its area of law, and whom it is about."""

    title: str
    area: Area
    subject: Subject


def begin_outline_draft(
    store: Store,
    settings: Settings,
    forms: Forms,
    person: Person,
    start: NewFormInfo,
    like: str = "",
) -> Draft:
    """Begin a form of sections and rows: nearly empty, or a copy of the form `like` (an id).

    A form whose boxes were placed by hand has an outline for its copies alone.

    Raises:
        NotAllowedError: the person may not make forms.
        FormError: there is no title, or the form to copy was printed elsewhere.
    """
    _require_form_editor(store, person)
    form_id = _new_form_id(settings, forms, start)
    if not like:
        return drafts.create_draft(
            settings.form_drafts,
            form_id,
            outline_edits.empty_outline(form_id, start.title.strip(), start.area, start.subject),
        )
    source = find_copied_outline(settings, like)
    data = outline_edits.copy_outline(_load_source(source), form_id, start.title.strip())
    return drafts.create_draft(settings.form_drafts, form_id, data | {"area": start.area.value})


def find_copied_outline(settings: Settings, form_id: str) -> Path | None:
    """Return the file that a copy of a form in use begins with; None if it cannot be copied."""
    return _find_file(settings.form_folders, form_id, OUTLINE_FILE, COPY_FILE)


def begin_drawing_draft(
    store: Store,
    settings: Settings,
    forms: Forms,
    person: Person,
    start: NewFormInfo,
    data: bytes,
    name: str,
) -> Draft:
    """Begin a form printed elsewhere, on the image of its blank page, with proposed boxes.

    Each page of a file with several becomes a form; the first is returned. Nothing on such paper
    says which pages belong together, so each page is a sheet by itself.

    Raises:
        NotAllowedError: the person may not make forms.
        FormError: there is no title, or the file cannot be read or has too many sides.
    """
    _require_form_editor(store, person)
    sides = drawn_boxes.render_blank_sides(data, name)
    title = start.title.strip()
    titles = (
        [title]
        if len(sides) == 1 or not title
        else [
            form_text("form_content.page_title", title=title, number=number)
            for number in range(1, len(sides) + 1)
        ]
    )
    created = []
    for side, side_title in zip(sides, titles, strict=False):
        form_id = _new_form_id(settings, forms, replace(start, title=side_title))
        drawing = drawn_boxes.empty_drawing(
            form_id, side_title, start.area, start.subject, side.size
        )
        # Without Tesseract the boxes are drawn by hand.
        with suppress(MissingProgramError):
            drawing = drawn_boxes.propose_boxes(drawing, side.image, side.words)
        files = {BLANK_IMAGE_FILE: side.image}
        created.append(drafts.create_draft(settings.form_drafts, form_id, drawing, files))
    return created[0]


def begin_version_draft(store: Store, settings: Settings, person: Person, form: Form) -> Draft:
    """Begin the next version of a form that was made in this workspace.

    Raises:
        NotAllowedError: the person may not make forms.
        FormError: the form is one of the program's, or there is a draft of it.
    """
    _require_form_editor(store, person)
    name = BOXES_FILE if form.printed_elsewhere else OUTLINE_FILE
    source = _find_file(settings.form_folders[1:], form.id, name)
    data = _load_source(source) | {"version": form.version + 1}
    blank = settings.own_forms / form.id / BLANK_IMAGE_FILE
    files = {BLANK_IMAGE_FILE: blank.read_bytes()} if form.printed_elsewhere else None
    if form.printed_elsewhere:
        data = drawn_boxes.remove_proposals(data)
    return drafts.create_draft(settings.form_drafts, form.id, data, files)


def change_draft(store: Store, person: Person, draft: Draft, data: YamlData) -> Draft:
    """Save the changes of a draft, and the form that it gives now.

    Raises:
        NotAllowedError: the person may not make forms.
        StaleDecisionError: another user has changed it meanwhile.
    """
    _require_form_editor(store, person)
    return _save_with_form(drafts.save_draft(draft, data))


def restore_draft(store: Store, person: Person, draft: Draft, revision: int) -> Draft:
    """Save an earlier revision of a draft as a new one.

    Raises:
        NotAllowedError: the person may not make forms.
        FormEditorError: there is no such revision.
        StaleDecisionError: another user has changed it meanwhile.
    """
    _require_form_editor(store, person)
    return _save_with_form(drafts.restore_revision(draft, revision))


def discard_draft(store: Store, person: Person, draft: Draft) -> None:
    """Discard a draft; its files are archived.

    Raises:
        NotAllowedError: the person may not make forms.
    """
    _require_form_editor(store, person)
    with store.begin() as conn:
        end_publications(conn, draft.id, draft.version, utc_now())
        record(conn, person.login, "discard_form_draft", draft.id, version=draft.version)
    drafts.archive_draft(draft)


def publish_draft(
    store: Store, settings: Settings, person: Person, draft: Draft, reason: str = ""
) -> Form:
    """Put a draft in use and freeze it.

    Raises:
        NotAllowedError: the person may not make forms.
        FormError: the draft is wrong or was not tried as it is now, or a trial has serious remarks
            and no reason is given.
    """
    _require_form_editor(store, person)
    form = require_complete_form(draft)
    trial, reason = load_trial_results(draft, form), reason.strip()[:MAX_REASON_LENGTH]
    if trial.missing_pages:
        raise FormEditorError("not_tried")
    if trial.serious_count and (len(reason) < MIN_REASON_LENGTH or contains_pid(reason)):
        raise FormEditorError("no_reason")
    if f"{form.id}/{form.version}" in load_published(settings.own_forms):
        # Its files were written, and the process was killed before that was stored
        if finish_publication(store, settings, person, form.id, form.version):
            return form
        raise FormEditorError("published")
    # The intention first: a form is never in use without an event that says who wanted it
    with store.begin() as conn:
        begin_publication(
            conn, Publication(form.id, form.version, draft.revision, person.login, utc_now())
        )
        record(
            conn,
            person.login,
            "publish_form",
            form.id,
            version=form.version,
            fields=len(form.fields),
            problems=trial.serious_count,
            reason=reason,
        )
    _put_in_use(store, settings, draft, form)
    return form


def finish_publication(
    store: Store, settings: Settings, person: Person, form_id: str, version: int
) -> bool:
    """Finish a publication that was begun; return whether there is one that can be.

    One whose draft was changed since has to be tried and published again.

    Raises:
        NotAllowedError: the person may not make forms.
        FormError: the draft gives no form.
    """
    _require_form_editor(store, person)
    key = (form_id, version)
    begun = [one for one in store.query(list_publications) if (one.form, one.version) == key]
    drafted = [one for one in drafts.list_drafts(settings.form_drafts) if one.id == form_id]
    draft = next((one for one in drafted if one.version == version), None)
    if not begun:
        return False
    is_in_use = f"{form_id}/{version}" in load_published(settings.own_forms)
    if not is_in_use and (draft is None or draft.revision != begun[-1].revision):
        return False
    if draft is not None and not is_in_use:
        _put_in_use(store, settings, draft, require_complete_form(draft))
        return True
    if draft is not None:
        archive_draft(draft)
    store.change(end_publications, form_id, version, utc_now())
    return True


def _put_in_use(store: Store, settings: Settings, draft: Draft, form: Form) -> None:
    """Write the files of a publication that was begun, and store that it has ended.

    Raises:
        FormError: a person is publishing at this moment.
    """
    with hold_lock(settings.form_drafts / _LOCK_FILE) as is_held:
        if not is_held:
            raise FormEditorError("publishing_now")
        write_published_form(draft, form, settings.own_forms)
    store.change(end_publications, form.id, form.version, utc_now())


def _save_with_form(draft: Draft) -> Draft:
    """Write the form that a saved draft gives next to it."""
    form = check_draft(draft).form
    drafts.write_draft_form(draft, dump_form(form) if form else None)
    return draft


def _require_form_editor(store: Store, person: Person) -> None:
    store.require_permission(person, Action.MAKE_FORMS)


def _new_form_id(settings: Settings, forms: Forms, start: NewFormInfo) -> str:
    if not start.title.strip():
        raise FormEditorError("no_title")
    taken = {form_id for form_id, _ in forms} | {
        draft.id for draft in drafts.list_drafts(settings.form_drafts)
    }
    return drafts.make_form_id(start.title.strip(), taken)


def _find_file(folders: Iterable[Path], form_id: str, *names: str) -> Path | None:
    paths = (folder / form_id / name for name in names for folder in folders)
    return next((path for path in paths if path.exists()), None)


def _load_source(path: Path | None) -> YamlData:
    """Load the outline or the boxes that a form in use was made from.

    Raises:
        FormEditorError: there is no such file.
    """
    if path is None:
        raise FormEditorError("no_source")
    return dict(yaml.load(path.read_text("utf-8"), Loader=FormLoader))
