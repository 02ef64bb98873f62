"""Pages that somebody has to look into, each with its reason, its picture and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.access import Action, allowed
from pipeline.errors import EfterskriftError
from pipeline.model import Person
from pipeline.store import claims, copied, pages, sheets, sight
from pipeline.store.pages import Page
from ui.components.faults import fault_text
from ui.components.page_view import data_url
from ui.components.pictures import covered_for, page_picture
from ui.components.problem_cases import KINDS, Case, cases
from ui.components.problem_text import problem_texts
from ui.components.send_on import send_on
from ui.components.showing import LOOKED_AT
from ui.site import Site
from ui.text import known, t

_SHOWN, _MORE, _SEEN = "problem_page", "problem_more", f"{LOOKED_AT}problem"
_AT_ONCE = 8


def problem_list(here: Site, person: Person) -> None:
    """The list to the left, the chosen page with its choices to the right."""
    if not allowed(person, Action.PROBLEMS):
        return
    st.header(t("problems.title"), anchor=False)
    with here.store.read() as conn:
        found = cases(conn, person)
    counts = {kind: sum(case.kind == kind for case in found) for kind in KINDS}
    kinds = [kind for kind in KINDS if counts[kind]]
    if not kinds:
        st.session_state.pop(_SEEN, None)
        st.caption(t("problems.none"))
        return
    label = {kind: t(f"problems.kind.{kind}", count=counts[kind]) for kind in kinds}
    kind = st.segmented_control(
        t("problems.show"), kinds, default=kinds[0], format_func=label.__getitem__, key="problem_kind", required=True, label_visibility="collapsed"
    )
    st.caption(t(f"problems.about.{kind or kinds[0]}"))
    _list(here, person, [case for case in found if case.kind == kind])


def _list(here: Site, person: Person, chosen: list[Case]) -> None:
    left, right = st.columns([1, 1.25], gap="large")
    at_once = _AT_ONCE * st.session_state.get(_MORE, 1)
    with left:
        for case in chosen[:at_once]:
            _row(here, case)
        if len(chosen) > at_once:
            st.button(t("problems.more", count=len(chosen) - at_once), key="problem_more_button", on_click=_more)
    shown = next((case for case in chosen if case.page.id == st.session_state.get(_SHOWN)), None)
    seen_of, _ = st.session_state.get(_SEEN, ("", frozenset()))
    if shown is None or seen_of != shown.page.id:
        st.session_state.pop(_SEEN, None)
    if shown is not None:
        with right:
            _details(here, person, shown)


def _row(here: Site, case: Case) -> None:
    page = case.page
    reason = _reason(here, case).partition("\n")[0]
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f"**{t('problems.from', name=page.source_name, number=page.source_page)}**  \n{t('problems.page', position=page.position)}"
            + (f"  \n:gray[{reason}]" if reason else ""),
            width="stretch",
        )
        st.button(t("problems.look"), key=f"look-{page.id}", on_click=partial(st.session_state.__setitem__, _SHOWN, page.id))


def _details(here: Site, person: Person, case: Case) -> None:
    page = case.page
    if reason := _reason(here, case):
        st.info(reason, icon=":material/info:")
    _choices(here, person, case)
    if case.fronts:
        captions = [t("problems.this"), *(t("problems.front", name=one.source_name, number=one.source_page) for one in case.fronts)]
        _pictures(here, person, case, [page, *case.fronts], captions)
        return
    both = [page]
    if page.duplicate_of:
        with here.store.read() as conn:
            first = pages.page(conn, page.duplicate_of)
            shown = sight.sees_page(conn, person, Action.VIEW_PAGE, first)
        if shown:
            both.append(first)
        else:
            st.caption(t("problems.first_elsewhere"))
    _pictures(here, person, case, both, [t("problems.this"), t("problems.first")][: len(both)])


def _pictures(here: Site, person: Person, case: Case, shown: Sequence[Page], captions: Sequence[str]) -> None:
    for column, each, caption in zip(st.columns(len(shown)), shown, captions, strict=True):
        with column:
            _note_look(here, person, case, each)
            _picture(here, person, each, caption)


def _reason(here: Site, case: Case) -> str:
    page = case.page
    if case.missing:
        return t("problems.missing", count=len(case.missing), pages=", ".join(map(str, case.missing)))
    if page.reason:
        return known("failure", page.reason)
    form = here.forms.get((page.form or "", page.version or 0))
    return "\n\n".join(problem_texts(page.problems, form))


def _choices(here: Site, person: Person, case: Case) -> None:
    page = case.page
    with st.container(horizontal=True):
        if case.kind == "failed" and page.image_sha256:
            _act(here, "again", page, lambda conn: pages.requeue(conn, person, page.id))
        if case.kind == "duplicate":
            _act(here, "same", page, lambda conn: sheets.settle_duplicate(conn, person, page.id, here.forms, same=True))
            _act(here, "other", page, lambda conn: sheets.settle_duplicate(conn, person, page.id, here.forms, same=False))
        for front in case.fronts if case.kind == "apart" else ():
            _belongs(here, person, page, front)
        if case.kind == "laid":
            _act(here, "take_off", page, lambda conn: copied.take_off(conn, person, page.id, here.forms))
        if case.kind == "empty":
            _act(here, "nothing_written", page, lambda conn: sheets.settle_empty(conn, person, page.id))
    if case.kind in {"unidentified", "noted"}:
        send_on(here, person, page)


def _belongs(here: Site, person: Person, page: Page, front: Page) -> None:
    told = t("problems.belongs", name=front.source_name, number=front.source_page)
    _act(here, f"belongs-{front.id}", page, lambda conn: copied.lay_to(conn, person, page.id, front.id, here.forms), told)


def _act(here: Site, choice: str, page: Page, act: Callable[[Connection], int | None], label: str = "") -> None:
    """A button; what the act answers is in how many entries something was written since the first scan."""
    if not st.button(label or t(f"problems.{choice}"), key=f"{choice}-{page.id}"):
        return
    try:
        with here.store.begin() as conn:
            more = act(conn)
    except EfterskriftError as error:
        st.error(fault_text(error))
        return
    if more:
        st.toast(t("problems.more_written", count=more), icon=":material/info:", duration="long")
    st.session_state.pop(_SHOWN, None)
    st.rerun()


def _note_look(here: Site, person: Person, case: Case, page: Page) -> None:
    """Record the look at a page, once for each showing of its case."""
    _, seen = st.session_state.get(_SEEN, ("", frozenset()))
    if page.id not in seen:
        with here.store.begin() as conn:
            claims.view_page(conn, person, page.id)
    st.session_state[_SEEN] = (case.page.id, seen | {page.id})


def _picture(here: Site, person: Person, page: Page, caption: str) -> None:
    picture = page_picture(here, page, covered_for(here, person, page))
    st.caption(caption)
    if picture is None:
        st.caption(t("problems.no_picture"))
    else:
        st.html(f'<img class="ef-page" alt="{t("picture.alt")}" src="{data_url(picture)}">')


def _more() -> None:
    st.session_state[_MORE] = st.session_state.get(_MORE, 1) + 1
