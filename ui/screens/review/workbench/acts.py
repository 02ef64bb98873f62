"""What the browser asks for at the workbench, one act at a time, each with its number.

The browser may show the next entry before its save is answered; the answer is the truth, and brings
an entry back that could not be saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from streamlit.runtime.scriptrunner import StopException

from pipeline.domain.errors import (
    AnswerError,
    EfterskriftError,
    RecountError,
    StaleDecisionError,
)
from pipeline.domain.form.field_labels import accessible_name
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import EntryState, Person
from pipeline.review import session
from pipeline.review.decisions import Decision
from pipeline.review.session import Decided, Review, ReviewSession
from pipeline.review.signing import Signing
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry, stale_decision_error
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.review.duplicate_entries import DUPLICATE_REASON
from pipeline.store.schema.clock import utc_now
from ui.browser.image_cache import forget_sent_images
from ui.i18n import t, words_of_area
from ui.screens.review import current_entry
from ui.screens.review.answer_errors import error_texts
from ui.screens.review.client_card import (
    client_number,
    is_client_seen,
    note_client_seen,
    typed_number,
)
from ui.screens.review.client_question import (
    number_in,
    question_of_error,
    statement_of,
)
from ui.screens.review.deviations import (
    add_deviation,
    is_grid_view,
    with_added_deviations,
)
from ui.screens.review.entry_actions import entry_actions
from ui.screens.review.entry_header import find_sums, finding_text, first_outage_day
from ui.screens.review.field_cards import (
    all_answers,
    answers_so_far,
)
from ui.screens.review.rejection import rejection_action
from ui.screens.review.workbench import actions
from ui.screens.review.workbench.actions import go_to_next
from ui.screens.review.workbench.drafts import ask_whole_number, store_drafts, with_whole_number
from ui.screens.review.workbench_state import (
    ALL_FIELDS,
    FOCUS_LOOK,
    FOCUS_SAVE,
    HeldEntry,
    bench_state,
    is_mode,
)
from ui.session import drawing_own_acts, note_activity
from ui.widgets.messages import error_text
from ui.workspace import AppContext

Message = Mapping[str, Any]
_Act = Callable[[AppContext, Person, EntryView, HeldEntry, Message], None]


def handle_act(context: AppContext, person: Person, message: Message | None) -> None:
    """Do what the browser asks for, once, and note that it was heard."""
    state = bench_state()
    number = int(message["n"]) if message else 0
    if message is None or number <= state.begun:
        return
    if not note_activity(context):
        state.needs_screen = True
        return
    before, state.begun = state.begun, number
    try:
        with drawing_own_acts():
            _do(context, person, message)
    except StopException:
        # Another run ends this one. What it has not stored has no answer and is sent again, also if
        # the store cannot say: no entry is decided twice.
        state.begun = before
        if not _may_come_again(context, message):
            state.begun = number
        raise
    finally:
        state.heard = state.begun


def _may_come_again(context: AppContext, message: Message) -> bool:
    """Return whether an act that was broken off changed nothing that a second one would repeat."""
    entry_id = str(message["entry"])
    if message["kind"] not in ("draft", "save", "again") or is_mode(entry_id):
        return False
    return context.store.query(load_entry, entry_id).revision == int(message["revision"])


def _do(context: AppContext, person: Person, message: Message) -> None:
    kind = str(message["kind"])
    if kind == "missing":
        forget_sent_images()
    elif kind == "undo":
        # What was typed just before in the entry that goes is no less kept.
        if message["values"] and not is_mode(str(message["entry"])):
            _do(context, person, {**message, "kind": "draft"})
            bench_state().fresh_turn = None
        before = current_entry.current_entry_id()
        actions.undo_last(context, person)
        if current_entry.current_entry_id() not in (None, before):
            bench_state().say(t("review.undone"))
    elif kind == "again":
        _save_again(context, person, message)
    elif is_mode(str(message["entry"])):
        _do_mode(context, person, message)
    elif (view := _open_view(context, person, message)) is not None:
        held = bench_state().hold(view.entry.id, view.entry.revision)
        message = with_whole_number(context, person, view, held, message)
        store_drafts(context, person, view, held, message["values"])
        ask_whole_number(view, held, message)
        if kind != "draft":
            held.warning = ""
        elif view.entry.id == current_entry.current_entry_id():
            bench_state().fresh_turn = view  # what was typed is in `held`
        with words_of_area(view.form.area):
            _ACTS[kind](context, person, view, held, message)


def _save_again(context: AppContext, person: Person, message: Message) -> None:
    """Save what an earlier window of the person sent, unless that was done or the entry is gone.

    What was on the screen stays there. Answers to an entry that another person has stay a draft.
    """
    entry_id, state = str(message["entry"]), bench_state()
    if is_mode(entry_id):
        state.kept = int(message["n"])  # the answer is in its field when the task comes up
        return
    try:
        with context.store.begin() as conn:
            entry = load_entry(conn, entry_id)
            if entry.revision != message["revision"]:
                if person.login in (entry.first_by, entry.second_by):
                    state.say(t("review.saved"))
                else:
                    state.say(t("unsent.changed"), "warn")
                return
            view = queue.open_claimed_entry(
                conn,
                context.forms,
                person,
                entry_id,
                queue.ClaimTerms(utc_now(), context.settings.claim_minutes),
            )
    except StaleDecisionError:
        state.kept = int(message["n"])
        state.say(t("unsent.elsewhere"), "warn")
        return
    except EfterskriftError as error:
        state.say(error_text(error), "warn")
        return
    shown, now = current_entry.current_entry_id(), utc_now()
    held = state.hold(entry_id, view.entry.revision)
    held.shown_at = min(
        held.shown_at, now - timedelta(milliseconds=float(message.get("seen") or 0))
    )
    if message.get("clientSeen"):
        note_client_seen(held, client_number(view, held, message["values"]))
    _do(context, person, {**message, "kind": "save"})
    if shown not in (None, entry_id) and current_entry.current_entry_id() is None:
        current_entry.open_entry(shown)


def _do_mode(context: AppContext, person: Person, message: Message) -> None:
    """Do what is asked for in a mode, and go on when it is over or is another's by now.

    One that was opened is drawn again if its entry has changed meanwhile.
    """
    key, kind, was_open = str(message["entry"]), message["kind"], actions.is_mode_open()
    mode = actions.mode_of(context, person, key)
    if mode is None or mode.key != key:
        is_over = kind in {"save", "skip"} and not was_open
        if mode is not None and was_open and kind == "save":
            current_entry.set_warning(error_text(stale_decision_error()))
    else:
        with words_of_area(mode.area):
            is_over = mode.act(bench_state().hold(key, 0), message)
        if kind == "draft":
            bench_state().fresh_turn = mode  # what was typed is in what is held
    if is_over:
        bench_state().let_go(key)
        actions.leave_mode(context, person, key)


def _open_view(context: AppContext, person: Person, message: Message) -> EntryView | None:
    """Return the entry that an act is about; None, with a message, if it is another's by now."""
    entry_id, is_draft = str(message["entry"]), message["kind"] == "draft"
    try:
        view = context.work(ReviewSession, person).open_entry(entry_id, int(message["revision"]))
    except EfterskriftError as error:
        # The last draft of an entry that is decided may arrive late; nothing is lost then.
        if not (is_draft and current_entry.current_entry_id() != entry_id):
            current_entry.set_warning(error_text(error))
            current_entry.open_entry(None)
        return None
    return with_added_deviations(view)


def _save(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry, message: Message
) -> None:
    """Save the answers. Nothing is saved for a client who has not been shown."""
    now, values, review = utc_now(), message["values"], context.work(ReviewSession, person)
    if not held.attempts and not review.has_been_seen(held.shown_at):
        return
    if held.is_rejecting:
        _reject_for(context, person, view, held, message.get("question") or {})
        return
    if not is_client_seen(held, client_number(view, held, values), now, session.MIN_VIEW_TIME):
        held.stop(t("review.look_at_client"), FOCUS_SAVE)
        return
    if is_grid_view(view) and not message.get("looked"):
        held.stop(t("deviations.look_first"), FOCUS_LOOK)
        return
    answers = all_answers(view, held, values)
    number = typed_number(view, values)
    about = statement_of(held.question, number_in(view, number), message.get("question") or {})
    in_batches = {one.spec.name: one.draft for one in view.fields if one.is_batch_confirmed}
    confirmed = {name: answer for name, answer in in_batches.items() if answer is not None}
    outage_start = first_outage_day(context, view)
    # The second person answers what was in doubt; the norm depends on the rest too.
    settled = answers_so_far(view, held) if view.is_second_review else {}
    findings = find_sums(view, settled | confirmed | answers, outage_start)
    try:
        decided = review.decide(
            view,
            Decision(
                view.entry.id,
                view.entry.revision,
                answers,
                about,
                ask_figures=held.findings != findings,
                is_norm_confirmed=held.findings == findings
                and any(one.code is IssueCode.NORM_OTHER_YEAR for one in findings),
                outage_start=outage_start,
            ),
            held.shown_since(message),
        )
    except RecountError:
        held.findings = findings
        held.refuse(
            {
                one.field: f"{finding_text(view.form, one)} {t(one.code.recount.again)}"
                for one in findings
            }
        )
    except AnswerError as error:
        held.question = question_of_error(view, error, number, about.outside)
        held.refuse(error_texts(view, held, error))
    except EfterskriftError as error:
        current_entry.set_warning(error_text(error))
        if isinstance(error, StaleDecisionError):
            current_entry.open_entry(None)
        return
    else:
        _after_save(context, person, view, decided)
        return
    held.warning = t("review.not_saved")


def _after_save(
    context: AppContext,
    person: Person,
    view: EntryView,
    decided: Decided,
) -> None:
    if decided.missed_field is not None:
        field = accessible_name(view.form, view.form.by_name[decided.missed_field])
        bench_state().let_go(view.entry.id)
        current_entry.set_warning(t("control.missed", field=field))
        return
    state = bench_state()
    state.is_task_due, state.skipped_tasks = True, frozenset()
    go_to_next(context, person)
    current_entry.allow_undo()
    current_entry.set_toast(_saved_text(context, person, view.entry.id, decided.state))


def _saved_text(context: AppContext, person: Person, entry_id: str, decided: EntryState) -> str:
    """Return what has become of a saved entry: who has to look at it or sign it now."""
    if decided is EntryState.SECOND:
        return t("review.sent_on")
    with context.store.read() as conn:
        entry = load_entry(conn, entry_id)
        must_be_signed = entry.state is EntryState.CONFIRMED and signature_rule(
            conn, context.forms
        )(entry.form, entry.version, entry.unit, entry.area)
    if not must_be_signed:
        return t("review.saved")
    if context.work(Signing, person).is_own(entry):
        return t("review.saved_sign_own")
    author = " ".join((entry.author or "").split())
    return t("review.saved_sign_author", author=author) if author else t("review.saved_sign")


def _skip(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry, message: Message
) -> None:
    del held, message
    actions.skip_current(context, person, view)


def _reject(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry, message: Message
) -> None:
    """Ask for the reason in place of the fields, or for the fields again."""
    del context, person, view, message
    held.is_rejecting = not held.is_rejecting
    held.refuse({})


def _reject_for(
    context: AppContext,
    person: Person,
    view: EntryView,
    held: HeldEntry,
    given: Mapping[str, str],
) -> None:
    """Reject the entry for the reason that is given, or say what is missing."""
    if given.get("choice") == DUPLICATE_REASON:
        current_entry.start_comparing(view.entry.id)
        bench_state().needs_screen = True
        return
    action = rejection_action(context, person, view, given)
    if isinstance(action, str):
        held.warning = t(action)
    else:
        actions.reject_current(context, person, view, action, given)


def _hand_over(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry, message: Message
) -> None:
    """Hand the entry over; a second press of the key that saved the entry before is ignored."""
    del message
    if held.attempts or context.work(Review, person).has_been_seen(held.shown_at):
        actions.hand_over_current(context, person, view)


def _unfold(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry, message: Message
) -> None:
    del context, person, view, message
    held.expanded |= {ALL_FIELDS}


def _add(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry, message: Message
) -> None:
    del context, person, held
    add_deviation(view.entry.id, str(message["name"]))


def _open(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry, message: Message
) -> None:
    del held
    name = str(message["what"]).removeprefix("open:")
    for action in entry_actions(context, person, view):
        if action.name == name:
            action.run()
            bench_state().forget_actions()  # what is opened may change them
            bench_state().needs_screen = True


def _no_act(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry, message: Message
) -> None:
    """Do nothing more than store the drafts."""


_ACTS: Mapping[str, _Act] = {
    "draft": _no_act,
    "save": _save,
    "skip": _skip,
    "reject": _reject,
    "hand_over": _hand_over,
    "unfold": _unfold,
    "add": _add,
    "open": _open,
}
