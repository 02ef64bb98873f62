"""What an entry allows besides its answers: its attachments, its parts, or another depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline.domain.form.form import Depth, EntriesPer
from pipeline.domain.form.rules import ATTACHMENT_FORM, FREE_NOTE_FORM
from pipeline.domain.model import EntryState, Outcome, Person
from pipeline.review.attachments import Attachments
from pipeline.store.entries.entry import Entry, is_part_of_page
from pipeline.store.entries.entry_depth import list_allowed_depths, set_sheet_depth
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.screens.review import current_entry
from ui.screens.review.in_place import open_in_place
from ui.screens.review.workbench_state import bench_state
from ui.session import requires_open_session
from ui.widgets.messages import errors_to
from ui.workspace import AppContext


@dataclass(frozen=True, slots=True)
class EntryAction:
    """Something that can be done with an entry: `name` is its own, `keys` are its shortcut."""

    name: str
    label: str
    run: Callable[[], None]
    keys: str = ""


def entry_actions(context: AppContext, person: Person, view: EntryView) -> list[EntryAction]:
    """Return what the entry allows: its attachments, its parts, or another depth."""
    if view.entry.state is not EntryState.REVIEW or view.is_hidden:
        return []
    if is_part_of_page(view.entry):
        join = partial(_join_parts, context, person, view.entry.page)
        return [*_split_action(view), EntryAction("join", t("split.join"), join)]
    actions = _attachments_action(context, person, view)
    if is_loose_page(view):
        return [*actions, *_own_attachment_action(context, person, view), *_split_action(view)]
    if view.depth is Depth.DEVIATIONS and view.form.entries is EntriesPer.ROW:
        show_rows = partial(_show_rows, view.entry.sheet)
        actions.append(EntryAction("rows", t("rows.open"), show_rows, "Alt+V"))
    actions += [
        EntryAction(
            f"depth_{depth.value}",
            t(f"depth.choose.{depth.value}"),
            partial(_choose_depth, context, person, view, depth),
        )
        for depth in _other_depths(context, view)
    ]
    return actions


def is_untouched(view: EntryView) -> bool:
    """Return whether an entry waits for its first review, and nobody has typed in it."""
    is_new = view.entry.state is EntryState.REVIEW and not view.is_hidden and bool(view.pages)
    return is_new and all(field.draft is None for field in view.fields)


def is_loose_note(view: EntryView) -> bool:
    """Return whether the entry is a page of no known form that is typed as a free note."""
    return is_loose_page(view) and view.entry.form == FREE_NOTE_FORM[0]


def is_loose_page(view: EntryView) -> bool:
    """Return whether the entry is a page of no known form."""
    is_loose = all(page.outcome is Outcome.UNIDENTIFIED for page in view.pages)
    return view.entry.row is None and bool(view.pages) and is_loose


def _split_action(view: EntryView) -> list[EntryAction]:
    if view.depth is not Depth.FULL or not view.pages:
        return []
    mark = partial(open_in_place, "split", view.pages[0].id)
    return [EntryAction("split", t("split.open"), mark, "Alt+M")]


def attachments_target(context: AppContext, person: Person, view: EntryView) -> Entry | None:
    """Return what gets attachments: the entry, or for a loose page that of the sheet before."""
    if is_loose_page(view):
        return context.work(Attachments, person).find_entry_before(view.pages[0])
    is_one = view.form.entries is EntriesPer.SHEET and view.entry.row is None
    return view.entry if is_one else None


def _attachments_action(context: AppContext, person: Person, view: EntryView) -> list[EntryAction]:
    target = attachments_target(context, person, view)
    if target is None:
        return []
    form = context.forms[(target.form, target.version)]
    label = t("attachments.belongs_to", form=form.title)
    if target is view.entry:
        loose = context.work(Attachments, person).list_proposed_pages(target)
        if not loose and not view.attachments:
            return []
        label = t("attachments.open", count=len(view.attachments), loose=len(loose))
    show = partial(open_in_place, "attachments", target.id)
    return [EntryAction("attachments", label, show, "Alt+J")]


def _own_attachment_action(
    context: AppContext, person: Person, view: EntryView
) -> list[EntryAction]:
    is_own = view.entry.form == ATTACHMENT_FORM[0]
    if not is_own and view.entry.form != FREE_NOTE_FORM[0]:
        return []
    label = t("attachments.type_after_all" if is_own else "attachments.own")
    change = partial(_change_form, context, person, view, to_attachment=not is_own)
    return [EntryAction("own_attachment", label, change, "Alt+G")]


def _other_depths(context: AppContext, view: EntryView) -> list[Depth]:
    allowed = {*list_allowed_depths(context.forms, view.form), view.form.depth}
    return [depth for depth in Depth if depth in allowed and depth is not view.depth]


def _show_rows(sheet: str) -> None:
    bench_state().shown_as_rows[sheet] = True


@requires_open_session
def _choose_depth(context: AppContext, person: Person, view: EntryView, depth: Depth) -> None:
    with errors_to(current_entry.set_warning), context.store.begin() as conn:
        set_sheet_depth(
            conn, context.forms, person, view.entry.id, view.entry.revision, depth, utc_now()
        )


@requires_open_session
def _join_parts(context: AppContext, person: Person, page_id: str) -> None:
    """Make the page of a part whole again."""
    with errors_to(current_entry.set_warning):
        context.work(Attachments, person).join(page_id)
        current_entry.open_entry(None)
        current_entry.set_toast(t("split.joined"))


@requires_open_session
def _change_form(
    context: AppContext, person: Person, view: EntryView, *, to_attachment: bool
) -> None:
    entry = view.entry
    with errors_to(current_entry.set_warning):
        context.work(Attachments, person).set_own(entry.id, entry.revision, on=to_attachment)
        current_entry.open_entry(entry.id)
