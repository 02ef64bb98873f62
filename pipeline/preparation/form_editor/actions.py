"""What a person does who makes forms: begins a draft, changes it, publishes it.

From draft to a form in use: laid into the workspace's folder of forms and frozen. Its checksum
in `published.json` is what puts it in use.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from pipeline.domain.errors import FormEditorError, FormError
from pipeline.domain.form.form import Area, Form, Forms, Subject, load_form
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.settings import Settings
from pipeline.forms.form_yaml import dump_form
from pipeline.forms.library import PUBLISHED_FILE, geometry_digest, load_published
from pipeline.preparation.form_editor import drafts, drawn_boxes, outline_edits
from pipeline.preparation.form_editor.draft_form import check_draft, require_complete_form
from pipeline.preparation.form_editor.drafts import (
    BOXES_FILE,
    FORM_FILE,
    OUTLINE_FILE,
    Draft,
    YamlData,
    archive_draft,
)
from pipeline.preparation.form_editor.drawn_boxes import BLANK_IMAGE_FILE
from pipeline.preparation.form_editor.outline_inference import can_infer_outline, infer_outline
from pipeline.preparation.form_editor.trial_results import load_trial_results
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import contains_pid, record

MIN_REASON_LENGTH = 10
MAX_REASON_LENGTH = 300


def write_published_form(draft: Draft, form: Form, folder: Path) -> None:
    """Make a draft's form the present version in a folder of forms; the version before it goes into
    a folder of its own.

    Raises:
        FormError: this version was published before, or an older version is missing.
    """
    key, digests = f"{form.id}/{form.version}", load_published(folder)
    if key in digests:
        raise FormEditorError("published")
    place = folder / form.id
    _archive_previous_version(place, form)
    place.mkdir(parents=True, exist_ok=True)
    for name in (OUTLINE_FILE, BOXES_FILE, BLANK_IMAGE_FILE):
        if (draft.folder / name).exists():
            shutil.copyfile(draft.folder / name, place / name)
    (place / FORM_FILE).write_text(dump_form(form), "utf-8")
    laid = load_form(place / FORM_FILE)
    if geometry_digest(laid) != geometry_digest(form):
        raise FormError("read_file_otherwise_than_tried", form=form.id)
    fresh = folder / f".{PUBLISHED_FILE}.new"
    fresh.write_text(
        json.dumps(digests | {key: geometry_digest(laid)}, indent=2, sort_keys=True) + "\n", "utf-8"
    )
    fresh.replace(folder / PUBLISHED_FILE)
    archive_draft(draft)


def _archive_previous_version(place: Path, form: Form) -> None:
    """Move the present version, with all that belongs to it, to `v<N>`. What a publication that was
    cut short left is written over.
    """
    if not (place / FORM_FILE).exists():
        return
    present = load_form(place / FORM_FILE)
    if present.version >= form.version:
        return
    old = place / f"v{present.version}"
    old.mkdir(exist_ok=True)
    for name in (
        OUTLINE_FILE,
        BOXES_FILE,
        BLANK_IMAGE_FILE,
        FORM_FILE,
    ):  # the form last: until then the version is found where it was
        if (place / name).exists():
            (place / name).replace(old / name)


@dataclass(frozen=True, slots=True)
class NewFormInfo:
    """What a new form is called and what it is about."""

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
    """A new form of sections and rows: nearly empty, or a copy of one (`like`, an id). Of one
    placed by hand what can be told from its boxes.

    Raises:
        NotAllowedError: the person makes no forms.
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
    model = forms.latest(like)
    placed = not has_source(settings, like) and can_infer_outline(model)
    data = outline_edits.copy_outline(
        infer_outline(model)[0] if placed else _load_form_source(settings, like, OUTLINE_FILE),
        form_id,
        start.title.strip(),
    )
    return drafts.create_draft(settings.form_drafts, form_id, data | {"area": start.area.value})


def has_source(settings: Settings, form_id: str) -> bool:
    """Whether there is the outline that a form in use was made from."""
    return any((folder / form_id / OUTLINE_FILE).exists() for folder in settings.form_folders)


def begin_drawing_draft(
    store: Store,
    settings: Settings,
    forms: Forms,
    person: Person,
    start: NewFormInfo,
    data: bytes,
    name: str,
) -> Draft:
    """A form printed elsewhere, on a picture of its unfilled page. Of a file with several sides
    each becomes a form; the first is given.

    Nothing on such paper says which sides belong together, so each side is a sheet by itself.

    Raises:
        NotAllowedError: the person makes no forms.
        FormError: there is no title, or the file cannot be read or has too many sides.
    """
    _require_form_editor(store, person)
    sides = drawn_boxes.render_blank_images(data, name)
    title = start.title.strip()
    titles = (
        [title]
        if len(sides) == 1 or not title
        else [f"{title}, sida {number}" for number in range(1, len(sides) + 1)]
    )
    begun = []
    for (picture, size), own in zip(sides, titles, strict=False):
        form_id = _new_form_id(settings, forms, replace(start, title=own))
        drawn = drawn_boxes.empty_drawing(form_id, own, start.area, start.subject, size)
        begun.append(
            drafts.create_draft(
                settings.form_drafts, form_id, drawn, {drawn_boxes.BLANK_IMAGE_FILE: picture}
            )
        )
    return begun[0]


def begin_version_draft(store: Store, settings: Settings, person: Person, form: Form) -> Draft:
    """The next version of a form that was made in this workspace, as a draft.

    Raises:
        NotAllowedError: the person makes no forms.
        FormError: the form is one of the program's, or there is a draft of it.
    """
    _require_form_editor(store, person)
    name = BOXES_FILE if form.printed_elsewhere else OUTLINE_FILE
    data = _load_form_source(settings, form.id, name, is_own=True) | {"version": form.version + 1}
    blank = settings.own_forms / form.id / drawn_boxes.BLANK_IMAGE_FILE
    return drafts.create_draft(
        settings.form_drafts,
        form.id,
        data,
        {drawn_boxes.BLANK_IMAGE_FILE: blank.read_bytes()} if form.printed_elsewhere else None,
    )


def change_draft(store: Store, person: Person, draft: Draft, data: YamlData) -> Draft:
    """Keep what was changed in a draft, and the form that it gives now.

    Raises:
        NotAllowedError: the person makes no forms.
        StaleDecisionError: somebody else has changed it meanwhile.
    """
    _require_form_editor(store, person)
    return _save_with_form(drafts.save_draft(draft, data))


def restore_draft(store: Store, person: Person, draft: Draft, revision: int) -> Draft:
    """The draft as it was saved earlier, as a new saving.

    Raises:
        NotAllowedError: the person makes no forms.
        FormMakingError: there is no such saving.
        StaleDecisionError: somebody else has changed it meanwhile.
    """
    _require_form_editor(store, person)
    return _save_with_form(drafts.restore_revision(draft, revision))


def discard_draft(store: Store, person: Person, draft: Draft) -> None:
    """Put a draft away.

    Raises:
        NotAllowedError: the person makes no forms.
    """
    _require_form_editor(store, person)
    with store.begin() as conn:
        record(conn, person.login, "discard_form_draft", draft.id, version=draft.version)
    drafts.archive_draft(draft)


def publish_draft(
    store: Store, settings: Settings, person: Person, draft: Draft, reason: str = ""
) -> Form:
    """Put a draft in use and freeze it.

    Raises:
        NotAllowedError: the person makes no forms.
        FormError: the draft is wrong, was not tried as it is now, or a trial has shown what is
        serious and no reason is given.
    """
    _require_form_editor(store, person)
    form = require_complete_form(draft)
    shown, said = load_trial_results(draft, form), reason.strip()[:MAX_REASON_LENGTH]
    if shown.missing_pages:
        raise FormEditorError("not_tried")
    if shown.serious_count and (len(said) < MIN_REASON_LENGTH or contains_pid(said)):
        raise FormEditorError("no_reason")
    with store.begin() as conn:
        record(
            conn,
            person.login,
            "publish_form",
            form.id,
            version=form.version,
            fields=len(form.fields),
            problems=shown.serious_count,
            reason=said,
        )
        write_published_form(
            draft, form, settings.own_forms
        )  # inside: what cannot be laid out was not published
    return form


def _save_with_form(saved: Draft) -> Draft:
    form = check_draft(saved).form
    drafts.write_draft_form(saved, dump_form(form) if form else None)
    return saved


def _require_form_editor(store: Store, person: Person) -> None:
    with store.recording_denials():
        require_permission(person, Action.MAKE_FORMS)


def _new_form_id(settings: Settings, forms: Forms, start: NewFormInfo) -> str:
    if not start.title.strip():
        raise FormEditorError("no_title")
    taken = {form_id for form_id, _ in forms} | {
        draft.id for draft in drafts.list_drafts(settings.form_drafts)
    }
    return drafts.make_form_id(start.title.strip(), taken)


def _load_form_source(
    settings: Settings, form_id: str, name: str, *, is_own: bool = False
) -> YamlData:
    """What a form in use was made from."""
    folders = settings.form_folders[1:] if is_own else settings.form_folders
    path = next(
        (folder / form_id / name for folder in folders if (folder / form_id / name).exists()), None
    )
    if path is None:
        raise FormEditorError("no_source")
    return dict(yaml.safe_load(path.read_text("utf-8")))
