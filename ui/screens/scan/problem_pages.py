"""Pages with problems: the list of cases, live, and each with its reason, image and actions."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.store.accounts import visibility
from pipeline.store.paper import pages
from ui import session
from ui.browser.document import scroll_to_part
from ui.i18n import t
from ui.markdown import md, plain, plain_with_code
from ui.screens.scan.case_images import begin_case_views, case_images
from ui.screens.scan.problem_actions import case_actions, requeue_button
from ui.screens.scan.problem_cases import (
    CASE_KINDS,
    ProblemCase,
    can_act_on,
    list_cases,
    reason_text,
)
from ui.screens.scan.problem_closing import JUST_CLOSED_KEY, SHOWN_PAGE_KEY, undo_line
from ui.screens.scan.stacks import SHOWN_STACK_KEY, STACK_TURN_KEY
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
        scroll_to_part(turn, _LIST_KEY, "[class*='st-key-look-'] button")


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
    with context.store.read() as conn:
        cases = [case for case in list_cases(conn, person) if stack in {None, case.page.batch}]
    if stack is not None:
        _stack_filter(stack)
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
        requeue_button(context, person, count)
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


def _stack_filter(stack: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="stack_filter"):
        st.markdown(md("problems.of_stack", stack=stack))
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
