"""Pages with problems: the list of cases, live, and each with its reason, image and actions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.issues import IssueCode
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Outcome, Person
from pipeline.review.transfers import Transfers
from pipeline.store.accounts import visibility
from pipeline.store.entries import photocopies
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import OPEN_STATES, Entry, list_sheet_entries
from pipeline.store.paper import page_lists, pages
from pipeline.store.paper.pages import Page
from ui import session
from ui.browser.document import scroll_to
from ui.i18n import code_text, issue_texts, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.scan.case_images import begin_case_views, case_images
from ui.screens.scan.problem_closing import (
    JUST_CLOSED_KEY,
    SHOWN_PAGE_KEY,
    action_button,
    closing_form,
    closure_text,
    reopen_button,
    undo_line,
)
from ui.screens.scan.stacks import SHOWN_STACK_KEY, STACK_TURN_KEY
from ui.session import requires_open_session
from ui.widgets.messages import errors_to, toast_error
from ui.workspace import AppContext

_CASES_PER_STEP = 8
"""Cases that are shown at first, and added by each click on "more"."""
_MORE_COUNT_KEY, _KIND_KEY = "problem_more", "problem_kind"
_LIST_KEY = "problem_list"
_OPEN_CASE_KEY, _KIND_CHANGED_KEY = "problem_open", "problem_kind_changed"


def problem_list(context: AppContext, person: Person) -> None:
    """Show the list on the left, the chosen page with its actions on the right.

    The list is drawn again every few seconds; what is typed or chosen on the right is not.
    """
    if not is_allowed(person, Action.PROBLEMS):
        return
    with st.container(key=_LIST_KEY):
        _list_and_case(context, person)
    # The list is below the stacks, and may be out of sight when one of them is chosen.
    if turn := st.session_state.get(STACK_TURN_KEY):
        scroll_to(turn, _LIST_KEY, "[class*='st-key-look-'] button")


def _list_and_case(context: AppContext, person: Person) -> None:
    st.header(t("problems.title"), anchor=False)
    undo_line(context, person)
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        _live_cases(context, person)
    open_case: ProblemCase | None = st.session_state.get(_OPEN_CASE_KEY)
    begin_case_views(open_case.page.id if open_case else None)
    if open_case is not None:
        with right:
            _case_details(context, person, open_case)


@st.fragment(run_every="4s")
def _live_cases(context: AppContext, person: Person) -> None:
    if session.current_person(context, active=False) is None:
        st.rerun()
    if st.session_state.pop(_KIND_CHANGED_KEY, False):
        st.rerun()  # the case of another kind is no longer shown
    stack = st.session_state.get(SHOWN_STACK_KEY)
    cases = [
        case for case in context.store.query(list_cases, person) if stack in {None, case.page.batch}
    ]
    if stack is not None:
        _stack_filter()
    rest = [case for case in cases if not can_act_on(person, case)]
    if rest and not st.toggle(md("problems.rest", count=len(rest)), key="problem_rest"):
        cases = [case for case in cases if case not in rest]
    counts = {kind: sum(case.kind == kind for case in cases) for kind in CASE_KINDS}
    kinds = [kind for kind in CASE_KINDS if counts[kind]]
    if not kinds:
        st.session_state.pop(_OPEN_CASE_KEY, None)
        st.caption(t("problems.none"))
        return
    if st.session_state.get(_KIND_KEY) not in kinds:
        st.session_state[_KIND_KEY] = kinds[0]
    labels = {kind: t(f"problems.kind.{kind}", count=counts[kind]) for kind in kinds}
    kind = st.segmented_control(
        t("problems.show"),
        kinds,
        format_func=lambda value: plain(labels[value]),
        key=_KIND_KEY,
        on_change=partial(st.session_state.__setitem__, _KIND_CHANGED_KEY, True),
        required=True,
        label_visibility="collapsed",
    )
    st.caption(t(f"problems.about.{kind}"))
    shown = [case for case in cases if case.kind == kind]
    if kind == "failed" and (count := sum(case.page.image_sha256 is not None for case in shown)):
        st.button(
            md("problems.again_all", count=count),
            key="again_all",
            on_click=partial(_requeue_failed, context, person),
        )
    st.session_state[_OPEN_CASE_KEY] = next(
        (case for case in shown if case.page.id == st.session_state.get(SHOWN_PAGE_KEY)), None
    )
    limit = _CASES_PER_STEP * st.session_state.get(_MORE_COUNT_KEY, 1)
    for case in shown[:limit]:
        _case_row(context, case)
    if len(shown) > limit:
        st.button(
            md("problems.more", count=len(shown) - limit),
            key="problem_more_button",
            on_click=_show_more,
        )


def _stack_filter() -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="stack_filter"):
        st.markdown(t("problems.of_stack"))
        st.button(
            t("problems.all_stacks"),
            key="all_stacks",
            on_click=partial(st.session_state.pop, SHOWN_STACK_KEY, None),
        )


def _case_row(context: AppContext, case: ProblemCase) -> None:
    page = case.page
    reason = reason_text(context, case).partition("\n")[0]
    with st.container(
        border=True,
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
        key=f"case-{page.id}",
    ):
        source = t("problems.from", name=page.source_name, number=page.source_page)
        st.markdown(
            f"**{plain(source)}**  \n{md('problems.page', position=page.position)}"
            + (f"  \n:gray[{plain(reason)}]" if reason else ""),
            width="stretch",
        )
        if st.button(t("problems.look"), key=f"look-{page.id}"):
            st.session_state[SHOWN_PAGE_KEY] = page.id
            st.session_state.pop(JUST_CLOSED_KEY, None)
            # The case is drawn outside this fragment, which a press in it does not draw.
            st.rerun()


def _case_details(context: AppContext, person: Person, case: ProblemCase) -> None:
    page = case.page
    source = t("problems.from", name=page.source_name, number=page.source_page)
    st.subheader(plain(source), anchor=False)
    if reason := reason_text(context, case):
        st.info(plain_with_code(reason), icon=":material/info:")
    case_actions(context, person, case)
    if case.fronts:
        captions = [
            t("problems.this"),
            *(
                t("problems.front", name=front.source_name, number=front.source_page)
                for front in case.fronts
            ),
        ]
        case_images(context, person, page, [page, *case.fronts], captions)
        return
    # A duplicate is shown next to the first scan, if the user may see that.
    shown_pages = [page]
    if page.duplicate_of:
        with context.store.read() as conn:
            first = pages.load_page(conn, page.duplicate_of)
            is_visible = visibility.can_see_page(conn, person, Action.VIEW_PAGE, first)
        if is_visible:
            shown_pages.append(first)
        else:
            st.caption(t("problems.first_elsewhere"))
    case_images(
        context,
        person,
        page,
        shown_pages,
        [t("problems.this"), t("problems.first")][: len(shown_pages)],
    )


def _show_more() -> None:
    st.session_state[_MORE_COUNT_KEY] = st.session_state.get(_MORE_COUNT_KEY, 1) + 1


# What can be done with a page on the list of problems.
#
# A sheet can also be transferred to the unit that it belongs to, by staff who handle the paper.


@requires_open_session
def _requeue_failed(context: AppContext, person: Person) -> None:
    with errors_to(toast_error):
        count = context.store.change(page_lists.requeue_failed_pages, person)
        st.toast(md("problems.again_done", count=count), icon=":material/check:")


def case_actions(context: AppContext, person: Person, case: ProblemCase) -> None:
    """Show the buttons and forms of what can be done with a page."""
    page = case.page
    with st.container(horizontal=True):
        if case.kind == "failed" and page.image_sha256:
            action_button(
                context, "again", page, lambda conn: page_lists.requeue_page(conn, person, page.id)
            )
        if case.kind == "closed":
            reopen_button(context, person, page)
        if case.kind == "duplicate":
            action_button(
                context,
                "same",
                page,
                lambda conn: sheets.settle_duplicate(
                    conn, person, page.id, context.forms, same=True
                ),
            )
            action_button(
                context,
                "other",
                page,
                lambda conn: sheets.settle_duplicate(
                    conn, person, page.id, context.forms, same=False
                ),
            )
        for front in case.fronts if case.kind == "apart" else ():
            _assign_button(context, person, page, front)
        if case.kind == "laid":
            action_button(
                context,
                "take_off",
                page,
                lambda conn: photocopies.unassign_side(conn, person, page.id, context.forms),
            )
        if case.kind == "empty":
            action_button(
                context,
                "nothing_written",
                page,
                lambda conn: sheets.confirm_empty_sheet(conn, person, page.id),
            )
    if case.kind in {"unidentified", "noted"}:
        _transfer_form(context, person, page)
    if case.kind == "failed":
        closing_form(context, person, page)
    if case.kind == "closed":
        closure_text(context, person, page)


def _assign_button(context: AppContext, person: Person, page: Page, front: Page) -> None:
    label = t("problems.belongs", name=front.source_name, number=front.source_page)
    action_button(
        context,
        f"belongs-{front.id}",
        page,
        lambda conn: photocopies.assign_side(conn, person, page.id, front.id, context.forms),
        label,
    )


def _transfer_form(context: AppContext, person: Person, page: Page) -> None:
    """Show the choice of a unit, if the page is the whole of one undecided entry."""
    if page.sheet is None or not is_allowed(person, Action.FORWARD, page.unit):
        return
    entries = [
        entry
        for entry in context.store.query(list_sheet_entries, page.sheet)
        if entry.state in OPEN_STATES
    ]
    transfers = context.work(Transfers, person)
    units = transfers.list_units(entries[0]) if len(entries) == 1 else []
    if not units:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(
            t("problems.send"),
            units,
            index=None,
            placeholder=t("returns.forward.choose"),
            key=f"send_to-{page.id}",
        )
        st.button(
            t("problems.send_do"),
            key=f"send_on-{page.id}",
            disabled=unit is None,
            on_click=partial(_transfer, context, person, entries[0], str(unit or "")),
        )


@requires_open_session
def _transfer(context: AppContext, person: Person, entry: Entry, unit: str) -> None:
    with errors_to(toast_error):
        context.work(Transfers, person).send(entry.id, entry.revision, unit, "")
        st.toast(md("problems.sent", unit=unit), icon=":material/check:")


# The cases on the list of pages with problems: each a page and its kind of problem.

CASE_KINDS = (
    "failed",
    IssueCode.IMAGE_AWAY.value,
    "duplicate",
    "apart",
    "empty",
    "unidentified",
    "incomplete",
    "noted",
    "laid",
    "repeated",
    "blank",
    "closed",
)
"""In order: those that need a decision come first."""


@dataclass(frozen=True, slots=True)
class ProblemCase:
    """A page and its kind of problem.

    `missing_pages` are the pages of its sheet that have not been scanned, `fronts` the front sides
    that it may belong to.
    """

    kind: str
    page: Page
    missing_pages: tuple[int, ...] = ()
    fronts: tuple[Page, ...] = ()


def list_cases(conn: Connection, person: Person) -> list[ProblemCase]:
    """Return all cases of the user's units."""
    problem_cases = [
        ProblemCase(_case_kind(page), page) for page in page_lists.list_problem_pages(conn, person)
    ]
    apart = [
        ProblemCase("apart", side.page, fronts=side.fronts)
        for side in photocopies.list_separated_sides(conn, person)
    ]
    # A sheet whose sides may be separated is not reported as incomplete too.
    separated = {page.id for case in apart for page in (case.page, *case.fronts)}
    incomplete = [
        ProblemCase("incomplete", sheet.pages[0], sheet.missing_pages)
        for sheet in page_lists.list_incomplete_sheets(conn, person)
        if sheet.pages[0].id not in separated
    ]
    repeated_cases = [
        ProblemCase("repeated", page) for page in page_lists.list_repeated_pages(conn, person)
    ]
    blank_cases = [ProblemCase("blank", page) for page in page_lists.list_blank_pages(conn, person)]
    assigned = [
        ProblemCase("laid", side.page, fronts=side.fronts)
        for side in photocopies.list_assigned_sides(conn, person)
    ]
    closed = [ProblemCase("closed", page) for page in page_lists.list_closed_pages(conn, person)]
    return [*problem_cases, *apart, *incomplete, *assigned, *repeated_cases, *blank_cases, *closed]


def can_act_on(person: Person, case: ProblemCase) -> bool:
    """Return whether the user has something to do: what waits under Granska is for who reviews."""
    if case.kind in {"unidentified", "noted"}:
        return is_allowed(person, Action.REVIEW, case.page.unit)
    return case.kind not in {"laid", "repeated", "blank", "closed"}


def _case_kind(page: Page) -> str:
    if page.state == pages.STATE_FAILED:
        return "failed"
    if page.state == pages.STATE_QUEUED:
        return IssueCode.IMAGE_AWAY.value
    if page.duplicate_of:
        return "duplicate"
    if page.outcome is Outcome.UNIDENTIFIED:
        return "unidentified"
    return "noted" if page.problems else "empty"


def reason_text(context: AppContext, case: ProblemCase) -> str:
    """Return what is wrong with the page, in the user's words."""
    page = case.page
    if case.missing_pages:
        return t(
            "problems.missing",
            count=len(case.missing_pages),
            pages=", ".join(map(str, case.missing_pages)),
        )
    if page.reason:
        return code_text("issue", page.reason)
    form = context.forms.get((page.form or "", page.version or 0))
    return "\n\n".join(issue_texts(page.problems, form))
