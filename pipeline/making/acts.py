"""What a person does who makes forms: begins a draft, changes it, publishes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import yaml

from pipeline.access import Action, require
from pipeline.errors import FormMakingError
from pipeline.form_file import form_yaml
from pipeline.making import drafts, drawn_boxes, outline_edits
from pipeline.making.draft_form import checked, whole_form
from pipeline.making.drafts import BOXES, OUTLINE, Data, Draft
from pipeline.making.publishing import lay_out
from pipeline.making.recovered import recoverable, recovered
from pipeline.making.trials import tried
from pipeline.model import Person
from pipeline.settings import Settings
from pipeline.store.database import Store
from pipeline.store.events import names_somebody, record
from pipeline.template import Area, Form, Forms, Subject

LEAST_REASON = 10
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Start:
    """What a new form is called and what it is about."""

    title: str
    area: Area
    subject: Subject


def begin_outline(store: Store, settings: Settings, forms: Forms, person: Person, start: Start, like: str = "") -> Draft:
    """A new form of sections and rows: nearly empty, or a copy of one (`like`, an id). Of one placed by hand what can be told from its boxes.

    Raises:
        NotAllowedError: the person makes no forms.
        FormError: there is no title, or the form to copy was printed elsewhere.
    """
    _ask(store, person)
    form_id = _id(settings, forms, start)
    if not like:
        return drafts.begin(settings.form_drafts, form_id, outline_edits.empty_outline(form_id, start.title.strip(), start.area, start.subject))
    model = forms.latest(like)
    placed = not has_source(settings, like) and recoverable(model)
    data = outline_edits.copied(recovered(model)[0] if placed else _source(settings, like, OUTLINE), form_id, start.title.strip())
    return drafts.begin(settings.form_drafts, form_id, data | {"area": start.area.value})


def has_source(settings: Settings, form_id: str) -> bool:
    """Whether there is the outline that a form in use was made from."""
    return any((folder / form_id / OUTLINE).exists() for folder in settings.form_folders)


def begin_drawing(store: Store, settings: Settings, forms: Forms, person: Person, start: Start, data: bytes, name: str) -> Draft:
    """A form printed elsewhere, on a picture of its unfilled page. Of a file with several sides each becomes a form; the first is given.

    Nothing on such paper says which sides belong together, so each side is a sheet by itself.

    Raises:
        NotAllowedError: the person makes no forms.
        FormError: there is no title, or the file cannot be read or has too many sides.
    """
    _ask(store, person)
    sides = drawn_boxes.blank_pictures(data, name)
    title = start.title.strip()
    titles = [title] if len(sides) == 1 or not title else [f"{title}, sida {number}" for number in range(1, len(sides) + 1)]
    begun = []
    for (picture, size), own in zip(sides, titles, strict=False):
        form_id = _id(settings, forms, replace(start, title=own))
        drawn = drawn_boxes.empty_drawing(form_id, own, start.area, start.subject, size)
        begun.append(drafts.begin(settings.form_drafts, form_id, drawn, {drawn_boxes.BLANK: picture}))
    return begun[0]


def begin_version(store: Store, settings: Settings, person: Person, form: Form) -> Draft:
    """The next version of a form that was made in this workspace, as a draft.

    Raises:
        NotAllowedError: the person makes no forms.
        FormError: the form is one of the program's, or there is a draft of it.
    """
    _ask(store, person)
    name = BOXES if form.printed_elsewhere else OUTLINE
    data = _source(settings, form.id, name, own=True) | {"version": form.version + 1}
    blank = settings.own_forms / form.id / drawn_boxes.BLANK
    return drafts.begin(settings.form_drafts, form.id, data, {drawn_boxes.BLANK: blank.read_bytes()} if form.printed_elsewhere else None)


def change(store: Store, person: Person, draft: Draft, data: Data) -> Draft:
    """Keep what was changed in a draft, and the form that it gives now.

    Raises:
        NotAllowedError: the person makes no forms.
        StaleDecisionError: somebody else has changed it meanwhile.
    """
    _ask(store, person)
    return _with_form(drafts.save(draft, data))


def go_back(store: Store, person: Person, draft: Draft, revision: int) -> Draft:
    """The draft as it was saved earlier, as a new saving.

    Raises:
        NotAllowedError: the person makes no forms.
        FormMakingError: there is no such saving.
        StaleDecisionError: somebody else has changed it meanwhile.
    """
    _ask(store, person)
    return _with_form(drafts.restored(draft, revision))


def discard(store: Store, person: Person, draft: Draft) -> None:
    """Put a draft away.

    Raises:
        NotAllowedError: the person makes no forms.
    """
    _ask(store, person)
    with store.begin() as conn:
        record(conn, person.login, "discard_form_draft", draft.id, version=draft.version)
    drafts.retire(draft)


def publish(store: Store, settings: Settings, person: Person, draft: Draft, reason: str = "") -> Form:
    """Put a draft in use and freeze it.

    Raises:
        NotAllowedError: the person makes no forms.
        FormError: the draft is wrong, was not tried as it is now, or a trial has shown what is serious and no reason is given.
    """
    _ask(store, person)
    form = whole_form(draft)
    shown, said = tried(draft, form), reason.strip()[:_LONGEST_REASON]
    if shown.missing:
        raise FormMakingError("not_tried")
    if shown.serious and (len(said) < LEAST_REASON or names_somebody(said)):
        raise FormMakingError("no_reason")
    with store.begin() as conn:
        record(conn, person.login, "publish_form", form.id, version=form.version, fields=len(form.fields), problems=shown.serious, reason=said)
        lay_out(draft, form, settings.own_forms)  # inside: what cannot be laid out was not published
    return form


def _with_form(saved: Draft) -> Draft:
    form = checked(saved).form
    drafts.keep_form(saved, form_yaml(form) if form else None)
    return saved


def _ask(store: Store, person: Person) -> None:
    with store.noting_denials():
        require(person, Action.MAKE_FORMS)


def _id(settings: Settings, forms: Forms, start: Start) -> str:
    if not start.title.strip():
        raise FormMakingError("no_title")
    taken = {form_id for form_id, _ in forms} | {draft.id for draft in drafts.drafts(settings.form_drafts)}
    return drafts.new_id(start.title.strip(), taken)


def _source(settings: Settings, form_id: str, name: str, *, own: bool = False) -> Data:
    """What a form in use was made from."""
    folders = settings.form_folders[1:] if own else settings.form_folders
    path = next((folder / form_id / name for folder in folders if (folder / form_id / name).exists()), None)
    if path is None:
        raise FormMakingError("no_source")
    return dict(yaml.safe_load(path.read_text("utf-8")))
