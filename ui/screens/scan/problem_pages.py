"""Pages that somebody has to look into, each with its reason, its picture and what can be done.

Pages that somebody may want to look into, by what is the matter with them.

Sending a sheet that lies among the problems on to the unit that it belongs to, by whoever
handles the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Outcome, Person
from pipeline.domain.permissions import Action, is_allowed
from pipeline.store.accounts import visibility
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry import OPEN_STATES, Entry, list_sheet_entries
from pipeline.store.paper import page_lists, pages, photocopies, sheets
from pipeline.store.paper.pages import Page
from pipeline.store.review import transfers
from ui.browser.page_view import data_url
from ui.i18n import code_text, t
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.problem_text import issue_texts
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

CASE_KINDS = (
    "failed",
    "duplicate",
    "apart",
    "empty",
    "unidentified",
    "incomplete",
    "noted",
    "laid",
    "repeated",
    "blank",
)
"""Those that need a decision first."""
_CASES_PER_STEP = 8


@dataclass(frozen=True, slots=True)
class ProblemCase:
    """A page and what is the matter with it; `missing` are the pages of its sheet that have not
    come, `fronts` first sides that it may belong to.
    """

    kind: str
    page: Page
    missing_pages: tuple[int, ...] = ()
    fronts: tuple[Page, ...] = ()


def list_cases(conn: Connection, person: Person) -> list[ProblemCase]:
    """All cases of the person's units."""
    troubled = [
        ProblemCase(_case_kind(page), page) for page in pages.list_problem_pages(conn, person)
    ]
    apart = [
        ProblemCase("apart", one.page, fronts=one.fronts)
        for one in photocopies.list_separated_sides(conn, person)
    ]
    asked = {page.id for one in apart for page in (one.page, *one.fronts)}
    some = (
        sheet
        for sheet in page_lists.list_incomplete_sheets(conn, person)
        if sheet.pages[0].id not in asked
    )
    incomplete = [ProblemCase("incomplete", sheet.pages[0], sheet.missing_pages) for sheet in some]
    repeated = [
        ProblemCase("repeated", page) for page in page_lists.list_repeated_pages(conn, person)
    ]
    blank = [ProblemCase("blank", page) for page in page_lists.list_blank_pages(conn, person)]
    laid = [
        ProblemCase("laid", one.page, fronts=one.fronts)
        for one in photocopies.list_assigned_sides(conn, person)
    ]
    return [*troubled, *apart, *incomplete, *laid, *repeated, *blank]


def _case_kind(page: Page) -> str:
    if page.state == "failed":
        return "failed"
    if page.duplicate_of:
        return "duplicate"
    if page.outcome is Outcome.UNIDENTIFIED:
        return "unidentified"
    return "noted" if page.problems else "empty"


def transfer_form(context: AppContext, person: Person, page: Page) -> None:
    """Where the page is the whole of one undecided entry: the unit to choose, and the button."""
    if page.sheet is None or not is_allowed(person, Action.FORWARD, page.unit):
        return
    with context.store.read() as conn:
        found = [one for one in list_sheet_entries(conn, page.sheet) if one.state in OPEN_STATES]
        units = transfers.list_transfer_units(conn, found[0]) if len(found) == 1 else []
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
            on_click=partial(_transfer, context, person, found[0], str(unit or "")),
        )


@requires_open_session
def _transfer(context: AppContext, person: Person, entry: Entry, unit: str) -> None:
    try:
        with context.store.begin() as conn:
            transfers.transfer_entry(
                conn, context.forms, person, entry.id, entry.revision, unit, "", utc_now()
            )
    except EfterskriftError as error:
        st.toast(error_text(error), icon=":material/error:")
    else:
        st.toast(t("problems.sent", unit=unit), icon=":material/check:")


_SHOWN_PAGE_KEY, _MORE_COUNT_KEY, _VIEWED_KEY = (
    "problem_page",
    "problem_more",
    f"{VIEW_KEY_PREFIX}problem",
)


def problem_list(context: AppContext, person: Person) -> None:
    """The list to the left, the chosen page with its choices to the right."""
    if not is_allowed(person, Action.PROBLEMS):
        return
    st.header(t("problems.title"), anchor=False)
    with context.store.read() as conn:
        found = list_cases(conn, person)
    counts = {kind: sum(case.kind == kind for case in found) for kind in CASE_KINDS}
    kinds = [kind for kind in CASE_KINDS if counts[kind]]
    if not kinds:
        st.session_state.pop(_VIEWED_KEY, None)
        st.caption(t("problems.none"))
        return
    label = {kind: t(f"problems.kind.{kind}", count=counts[kind]) for kind in kinds}
    kind = st.segmented_control(
        t("problems.show"),
        kinds,
        default=kinds[0],
        format_func=label.__getitem__,
        key="problem_kind",
        required=True,
        label_visibility="collapsed",
    )
    st.caption(t(f"problems.about.{kind or kinds[0]}"))
    _case_list(context, person, [case for case in found if case.kind == kind])


def _case_list(context: AppContext, person: Person, chosen: list[ProblemCase]) -> None:
    left, right = st.columns([1, 1.25], gap="large")
    at_once = _CASES_PER_STEP * st.session_state.get(_MORE_COUNT_KEY, 1)
    with left:
        for case in chosen[:at_once]:
            _case_row(context, case)
        if len(chosen) > at_once:
            st.button(
                t("problems.more", count=len(chosen) - at_once),
                key="problem_more_button",
                on_click=_show_more,
            )
    shown = next(
        (case for case in chosen if case.page.id == st.session_state.get(_SHOWN_PAGE_KEY)), None
    )
    seen_of, _ = st.session_state.get(_VIEWED_KEY, ("", frozenset()))
    if shown is None or seen_of != shown.page.id:
        st.session_state.pop(_VIEWED_KEY, None)
    if shown is not None:
        with right:
            _case_details(context, person, shown)


def _case_row(context: AppContext, case: ProblemCase) -> None:
    page = case.page
    reason = _reason_text(context, case).partition("\n")[0]
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(
            f"**{t('problems.from', name=page.source_name, number=page.source_page)}**  \n{t('problems.page', position=page.position)}"
            + (f"  \n:gray[{reason}]" if reason else ""),
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
        st.info(reason, icon=":material/info:")
    _case_actions(context, person, case)
    if case.fronts:
        captions = [
            t("problems.this"),
            *(
                t("problems.front", name=one.source_name, number=one.source_page)
                for one in case.fronts
            ),
        ]
        _case_images(context, person, case, [page, *case.fronts], captions)
        return
    both = [page]
    if page.duplicate_of:
        with context.store.read() as conn:
            first = pages.load_page(conn, page.duplicate_of)
            shown = visibility.can_see_page(conn, person, Action.VIEW_PAGE, first)
        if shown:
            both.append(first)
        else:
            st.caption(t("problems.first_elsewhere"))
    _case_images(
        context, person, case, both, [t("problems.this"), t("problems.first")][: len(both)]
    )


def _case_images(
    context: AppContext,
    person: Person,
    case: ProblemCase,
    shown: Sequence[Page],
    captions: Sequence[str],
) -> None:
    for column, each, caption in zip(st.columns(len(shown)), shown, captions, strict=True):
        with column:
            _record_case_view(context, person, case, each)
            _page_image(context, person, each, caption)


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


def _assign_button(context: AppContext, person: Person, page: Page, front: Page) -> None:
    told = t("problems.belongs", name=front.source_name, number=front.source_page)
    _action_button(
        context,
        f"belongs-{front.id}",
        page,
        lambda conn: photocopies.assign_side(conn, person, page.id, front.id, context.forms),
        told,
    )


def _action_button(
    context: AppContext,
    choice: str,
    page: Page,
    act: Callable[[Connection], int | None],
    label: str = "",
) -> None:
    """A button; what the act answers is in how many entries something was written since the first
    scan.
    """
    if not st.button(label or t(f"problems.{choice}"), key=f"{choice}-{page.id}"):
        return
    try:
        with context.store.begin() as conn:
            more = act(conn)
    except EfterskriftError as error:
        st.error(error_text(error))
        return
    if more:
        st.toast(t("problems.more_written", count=more), icon=":material/info:", duration="long")
    st.session_state.pop(_SHOWN_PAGE_KEY, None)
    st.rerun()


def _record_case_view(context: AppContext, person: Person, case: ProblemCase, page: Page) -> None:
    """Record the look at a page, once for each showing of its case."""
    _, seen = st.session_state.get(_VIEWED_KEY, ("", frozenset()))
    if page.id not in seen:
        with context.store.begin() as conn:
            queue.record_page_view(conn, person, page.id)
    st.session_state[_VIEWED_KEY] = (case.page.id, seen | {page.id})


def _page_image(context: AppContext, person: Person, page: Page, caption: str) -> None:
    picture = page_image(context, page, find_covered_for(context, person, page))
    st.caption(caption)
    if picture is None:
        st.caption(t("problems.no_picture"))
    else:
        st.html(f'<img class="ef-page" alt="{t("picture.alt")}" src="{data_url(picture)}">')


def _show_more() -> None:
    st.session_state[_MORE_COUNT_KEY] = st.session_state.get(_MORE_COUNT_KEY, 1) + 1
