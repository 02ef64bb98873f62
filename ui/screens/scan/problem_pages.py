"""Pages with problems: the list of cases, and each with its reason, image and possible actions.

A sheet among the problems can also be transferred to the unit that it belongs to, by staff who
handle the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError, StoreError
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import CloseReason, Outcome, Person
from pipeline.domain.permissions import Action, is_allowed
from pipeline.store.accounts import visibility
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry import OPEN_STATES, Entry, list_sheet_entries
from pipeline.store.paper import page_lists, pages, photocopies, sheets
from pipeline.store.paper.pages import Page
from pipeline.store.review import transfers
from ui.browser.page_view import data_url
from ui.i18n import code_text, format_moment, t
from ui.markdown import md, plain, plain_with_code
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.problem_text import issue_texts
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

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
_CASES_PER_STEP = 8
"""Cases that are shown at first, and added by each click on "more"."""
_SHOWN_PAGE_KEY, _MORE_COUNT_KEY = "problem_page", "problem_more"
_VIEWED_KEY = f"{VIEW_KEY_PREFIX}problem"


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


def problem_list(context: AppContext, person: Person) -> None:
    """Show the list on the left, the chosen page with its actions on the right."""
    if not is_allowed(person, Action.PROBLEMS):
        return
    st.header(t("problems.title"), anchor=False)
    with context.store.read() as conn:
        cases = list_cases(conn, person)
    counts = {kind: sum(case.kind == kind for case in cases) for kind in CASE_KINDS}
    kinds = [kind for kind in CASE_KINDS if counts[kind]]
    if not kinds:
        st.session_state.pop(_VIEWED_KEY, None)
        st.caption(t("problems.none"))
        return
    labels = {kind: t(f"problems.kind.{kind}", count=counts[kind]) for kind in kinds}
    kind = st.segmented_control(
        t("problems.show"),
        kinds,
        default=kinds[0],
        format_func=lambda value: plain(labels[value]),
        key="problem_kind",
        required=True,
        label_visibility="collapsed",
    )
    st.caption(t(f"problems.about.{kind or kinds[0]}"))
    shown = [case for case in cases if case.kind == kind]
    if kind == "failed" and (count := sum(case.page.image_sha256 is not None for case in shown)):
        st.button(
            md("problems.again_all", count=count),
            key="again_all",
            on_click=partial(_requeue_failed, context, person),
        )
    _case_list(context, person, shown)


@requires_open_session
def _requeue_failed(context: AppContext, person: Person) -> None:
    try:
        with context.store.begin() as conn:
            count = pages.requeue_failed_pages(conn, person)
    except EfterskriftError as error:
        st.toast(plain_with_code(error_text(error)), icon=":material/error:")
    else:
        st.toast(md("problems.again_done", count=count), icon=":material/check:")


def _case_list(context: AppContext, person: Person, cases: list[ProblemCase]) -> None:
    left, right = st.columns([1, 1.25], gap="large")
    limit = _CASES_PER_STEP * st.session_state.get(_MORE_COUNT_KEY, 1)
    with left:
        for case in cases[:limit]:
            _case_row(context, case)
        if len(cases) > limit:
            st.button(
                md("problems.more", count=len(cases) - limit),
                key="problem_more_button",
                on_click=_show_more,
            )
    open_case = next(
        (case for case in cases if case.page.id == st.session_state.get(_SHOWN_PAGE_KEY)), None
    )
    # Another case: its pages have not been viewed yet.
    viewed_id, _ = st.session_state.get(_VIEWED_KEY, ("", frozenset()))
    if open_case is None or viewed_id != open_case.page.id:
        st.session_state.pop(_VIEWED_KEY, None)
    if open_case is not None:
        with right:
            _case_details(context, person, open_case)


def _case_row(context: AppContext, case: ProblemCase) -> None:
    page = case.page
    reason = _reason_text(context, case).partition("\n")[0]
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        source = t("problems.from", name=page.source_name, number=page.source_page)
        st.markdown(
            f"**{plain(source)}**  \n{md('problems.page', position=page.position)}"
            + (f"  \n:gray[{plain(reason)}]" if reason else ""),
            width="stretch",
        )
        st.button(
            t("problems.look"),
            key=f"look-{page.id}",
            on_click=partial(st.session_state.__setitem__, _SHOWN_PAGE_KEY, page.id),
        )


def _case_details(context: AppContext, person: Person, case: ProblemCase) -> None:
    page = case.page
    if reason := _reason_text(context, case):
        st.info(plain_with_code(reason), icon=":material/info:")
    _case_actions(context, person, case)
    if case.fronts:
        captions = [
            t("problems.this"),
            *(
                t("problems.front", name=front.source_name, number=front.source_page)
                for front in case.fronts
            ),
        ]
        _case_images(context, person, case, [page, *case.fronts], captions)
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
    _case_images(
        context,
        person,
        case,
        shown_pages,
        [t("problems.this"), t("problems.first")][: len(shown_pages)],
    )


def _case_images(
    context: AppContext,
    person: Person,
    case: ProblemCase,
    shown_pages: Sequence[Page],
    captions: Sequence[str],
) -> None:
    for column, page, caption in zip(
        st.columns(len(shown_pages)), shown_pages, captions, strict=True
    ):
        with column:
            _record_case_view(context, person, case, page)
            _page_image(context, person, page, caption)


def _reason_text(context: AppContext, case: ProblemCase) -> str:
    page = case.page
    if case.missing_pages:
        return t(
            "problems.missing",
            count=len(case.missing_pages),
            pages=", ".join(map(str, case.missing_pages)),
        )
    if page.reason:
        return code_text("failure", page.reason)
    form = context.forms.get((page.form or "", page.version or 0))
    return "\n\n".join(issue_texts(page.problems, form))


def _case_actions(context: AppContext, person: Person, case: ProblemCase) -> None:
    page = case.page
    with st.container(horizontal=True):
        if case.kind == "failed" and page.image_sha256:
            _action_button(
                context, "again", page, lambda conn: pages.requeue_page(conn, person, page.id)
            )
        if case.kind == "closed":
            _action_button(
                context,
                "reopen",
                page,
                lambda conn: page_lists.reopen_closed_page(conn, person, page.id, utc_now()),
            )
        if case.kind == "duplicate":
            _action_button(
                context,
                "same",
                page,
                lambda conn: sheets.settle_duplicate(
                    conn, person, page.id, context.forms, same=True
                ),
            )
            _action_button(
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
            _action_button(
                context,
                "take_off",
                page,
                lambda conn: photocopies.unassign_side(conn, person, page.id, context.forms),
            )
        if case.kind == "empty":
            _action_button(
                context,
                "nothing_written",
                page,
                lambda conn: sheets.confirm_empty_sheet(conn, person, page.id),
            )
    if case.kind in {"unidentified", "noted"}:
        transfer_form(context, person, page)
    if case.kind == "failed":
        _close_form(context, person, page)
    if case.kind == "closed":
        _closure_text(context, page)


def _close_form(context: AppContext, person: Person, page: Page) -> None:
    """Show the form that closes a failed page for a reason."""
    with st.container(border=True):
        reason = st.selectbox(
            t("problems.close_reason"),
            list(CloseReason),
            index=None,
            placeholder=t("problems.close_choose"),
            format_func=lambda reason: t(f"problems.close.{reason.value}"),
            key=f"close_reason-{page.id}",
        )
        other = (
            st.text_input(t("problems.scanned_as"), key=f"close_other-{page.id}", max_chars=80)
            if reason is CloseReason.SCANNED_AGAIN
            else ""
        )
        if reason is not None:
            _action_button(
                context,
                "close_do",
                page,
                lambda conn: page_lists.close_failed_page(
                    conn, person, page.id, reason, utc_now(), other
                ),
            )


def _closure_text(context: AppContext, page: Page) -> None:
    with context.store.read() as conn:
        closure = page_lists.find_closure(conn, page.id)
    if closure is not None:
        reason = " ".join((t(f"problems.close.{closure.reason.value}"), closure.other)).strip()
        at = format_moment(closure.at)
        st.caption(md("problems.closed_by", reason=reason, by=closure.by, at=at))


def _assign_button(context: AppContext, person: Person, page: Page, front: Page) -> None:
    label = t("problems.belongs", name=front.source_name, number=front.source_page)
    _action_button(
        context,
        f"belongs-{front.id}",
        page,
        lambda conn: photocopies.assign_side(conn, person, page.id, front.id, context.forms),
        label,
    )


def _action_button(
    context: AppContext,
    name: str,
    page: Page,
    action: Callable[[Connection], int | None],
    label: str = "",
) -> None:
    """Show a button that runs an action on the page.

    The action returns in how many entries something was written since the first scan.
    """
    if not st.button(plain(label) or t(f"problems.{name}"), key=f"{name}-{page.id}"):
        return
    try:
        with context.store.begin() as conn:
            changed = action(conn)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    if changed:
        st.toast(
            md("problems.more_written", count=changed), icon=":material/info:", duration="long"
        )
    st.session_state.pop(_SHOWN_PAGE_KEY, None)
    st.rerun()


def _record_case_view(context: AppContext, person: Person, case: ProblemCase, page: Page) -> None:
    """Record the view of a page, once for each showing of its case."""
    _, viewed = st.session_state.get(_VIEWED_KEY, ("", frozenset()))
    if page.id not in viewed:
        with context.store.begin() as conn:
            queue.record_page_view(conn, person, page.id)
    st.session_state[_VIEWED_KEY] = (case.page.id, viewed | {page.id})


def _page_image(context: AppContext, person: Person, page: Page, caption: str) -> None:
    st.caption(plain(caption))
    try:
        image = page_image(context, page, find_covered_for(context, person, page))
    except StoreError as error:
        st.caption(plain_with_code(error_text(error)))
        return
    if image is None:
        st.caption(t("problems.no_picture"))
    else:
        st.html(f'<img class="ef-page" alt="{t("picture.alt")}" src="{data_url(image)}">')


def _show_more() -> None:
    st.session_state[_MORE_COUNT_KEY] = st.session_state.get(_MORE_COUNT_KEY, 1) + 1


def transfer_form(context: AppContext, person: Person, page: Page) -> None:
    """Show the choice of a unit, if the page is the whole of one undecided entry."""
    if page.sheet is None or not is_allowed(person, Action.FORWARD, page.unit):
        return
    with context.store.read() as conn:
        entries = [
            entry for entry in list_sheet_entries(conn, page.sheet) if entry.state in OPEN_STATES
        ]
        units = transfers.list_transfer_units(conn, entries[0]) if len(entries) == 1 else []
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
    try:
        with context.store.begin() as conn:
            transfers.transfer_entry(
                conn, context.forms, person, entry.id, entry.revision, unit, "", utc_now()
            )
    except EfterskriftError as error:
        st.toast(plain_with_code(error_text(error)), icon=":material/error:")
    else:
        st.toast(md("problems.sent", unit=unit), icon=":material/check:")


def list_cases(conn: Connection, person: Person) -> list[ProblemCase]:
    """Return all cases of the user's units."""
    problem_cases = [
        ProblemCase(_case_kind(page), page) for page in pages.list_problem_pages(conn, person)
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
