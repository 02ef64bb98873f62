"""Uppföljning: what somebody may have keyed in already. One pair at a time, the likeliest first; a person decides, and may take it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

import streamlit as st

from pipeline.access import Action, allowed
from pipeline.clash import Likeness
from pipeline.errors import EfterskriftError
from pipeline.export import clash_decisions
from pipeline.export.clashes import Clash
from pipeline.export.runs import Office
from pipeline.identity import shown_pid
from pipeline.model import Person
from pipeline.store import claims, clash_pairs, duplicate_marks
from pipeline.store.clash_pairs import OtherDecided
from pipeline.store.clock import utc_now
from pipeline.store.entry_views import look_at
from ui.components.care_list_upload import care_lists_here
from ui.components.duplicate_compare import entry_title, side_by_side
from ui.components.faults import fault_text
from ui.components.first_look import LEAST_LOOK, forget_drawn, is_too_soon, note_drawn
from ui.components.follow_up_act import tell, tried
from ui.components.keyboard import keyboard
from ui.components.page_view import data_url
from ui.components.pictures import covered_for, page_picture
from ui.session import while_open
from ui.site import Site
from ui.text import moment, t

_SHOWN, _SKIPPED, _LATEST, _PICTURES = "clash_shown", "clash_skipped", "clash_latest", "clash_pictures"


def show(here: Site, person: Person, found: Sequence[object]) -> None:
    """The first pair that is not skipped, what was decided, and the lists from the care system."""
    clashes = [one for one in found if isinstance(one, Clash)]
    _undo_latest(here, person)
    _pair(here, person, clashes)
    _others(here, person)
    care_lists_here(here, person)


def _pair(here: Site, person: Person, clashes: list[Clash]) -> None:
    if not clashes:
        st.info(t("follow_up.empty.clashes"), icon=":material/info:")
        return
    skipped: list[str] = st.session_state.get(_SKIPPED, [])
    one = next((clash for clash in clashes if _name(clash) not in skipped), None)
    if one is None:
        st.info(t("clashes.skipped", count=len(clashes)), icon=":material/info:")
        st.button(t("clashes.again"), key="clash_again", on_click=lambda: st.session_state.pop(_SKIPPED, None))
        return
    _note_look(here, person, one)
    with st.container(border=True, key="clash_card"):
        st.caption(t("clashes.place", number=clashes.index(one) + 1, count=len(clashes)))
        st.markdown(f"**{entry_title(here, one.entry)}**")
        st.markdown(spoken_for(one.likeness, read=one.ours is None))
        side_by_side(_rows(one), t("clashes.theirs"), t("clashes.ours"))
        if one.ours is None:
            st.caption(t("clashes.see_paper"))
        if one.ours is None or st.toggle(t("clashes.show_paper"), key=f"clash_paper-{_name(one)}"):
            _paper(here, person, one)
    if not allowed(person, Action.REVIEW, one.entry.unit):
        st.caption(t("clashes.reviewer_decides"))
        return
    with st.container(horizontal=True):
        act = partial(_decide, here, person, one)
        st.button(t("clashes.already"), key="clash_already", type="primary", shortcut="Ctrl+Enter", on_click=partial(act, same=True))
        st.button(t("clashes.other"), key="clash_other", shortcut="Alt+I", on_click=partial(act, same=False))
        st.button(t("clashes.skip"), key="clash_skip", shortcut="Alt+S", on_click=_skip, args=(_name(one),))
    # The choice of list above has the focus, and keeps Enter to itself.
    keyboard(f"clash-{_name(one)}", [], save="clash_already", least_look=LEAST_LOOK)
    note_drawn(_name(one))


def spoken_for(like: Likeness, *, read: bool) -> str:
    """What speaks for its being the same, in words. Of an entry that waits for review only what the machine was sure of is told of."""
    if read:
        return t("clashes.as_read")
    parts = [t("clashes.person"), t("clashes.day") if like.minutes is None else t("clashes.minutes", count=like.minutes)]
    parts += [t("clashes.text", percent=like.text)] if like.text is not None else []
    parts += [t("clashes.same_kind" if like.kind else "clashes.other_kind")] if like.kind is not None else []
    told = " · ".join(parts)
    return told[0].upper() + told[1:]


def _rows(one: Clash) -> list[tuple[str, str, str, str]]:
    ours, theirs = one.ours, one.theirs
    said = "\n".join(f"{label}: {words}" for label, words in ours.rows) if ours else ""
    rows = [
        ("clashes.who", f"{shown_pid(ours.pid)} {ours.name}" if ours else "", shown_pid(theirs.pid)),
        ("clashes.when", ours.when if ours else "", f"{theirs.day} {theirs.clock}".strip()),
        ("clashes.kind", ours.title if ours else "", theirs.kind),
        ("clashes.says", said, theirs.text),
        ("clashes.author", ours.author if ours else "", theirs.author),
    ]
    return [(t(label), mine, other, "") for label, mine, other in rows if mine or other]


def _note_look(here: Site, person: Person, one: Clash) -> None:
    """Record a look once for each showing, before anything is shown."""
    if st.session_state.get(_SHOWN) == _name(one):
        return
    with here.store.begin() as conn:
        clash_decisions.view_clash(conn, person, one.entry.id, one.theirs.digest, utc_now())
    st.session_state[_SHOWN] = _name(one)
    st.session_state.pop(_PICTURES, None)


def _paper(here: Site, person: Person, one: Clash) -> None:
    with here.store.begin() as conn:
        pages = look_at(conn, here.forms, person, one.entry.id).pages
        if st.session_state.get(_PICTURES) != _name(one):
            for page in pages:
                claims.view_page(conn, person, page.id)
    st.session_state[_PICTURES] = _name(one)
    for page in pages:
        picture = page_picture(here, page, covered_for(here, person, page))
        if picture is not None:
            st.html(f'<img class="ef-page" alt="{escape(t("picture.alt"))}" src="{data_url(picture)}">')


@while_open
def _decide(here: Site, person: Person, one: Clash, *, same: bool) -> None:
    now = utc_now()
    if is_too_soon(_name(one), now):
        return
    office = Office(here.store, here.settings, here.forms)
    decide = clash_decisions.already_there if same else clash_decisions.something_else
    try:
        made = decide(office, person, one.entry.id, one.entry.revision, one.theirs.digest, now)
    except EfterskriftError as error:
        tell("fault", fault_text(error))
        return
    st.session_state[_LATEST] = (same, made)
    tell("ok", t("clashes.is_already" if same else "clashes.is_other"))


def _skip(name: str) -> None:
    st.session_state[_SKIPPED] = [*st.session_state.get(_SKIPPED, []), name]


def _undo_latest(here: Site, person: Person) -> None:
    """The way back from the decision that was taken just now."""
    if latest := st.session_state.get(_LATEST):
        same, made = latest
        st.button(t("clashes.undo"), key="clash_undo", on_click=_take_back, args=(here, person, same, made))


@while_open
def _take_back(here: Site, person: Person, same: bool, made: int) -> None:
    act: Callable[..., None] = duplicate_marks.take_back_duplicate if same else clash_pairs.take_back_other
    tried(here, "clashes.undone", lambda conn: act(conn, person, made, utc_now()))
    st.session_state.pop(_LATEST, None)
    st.session_state.pop(_SHOWN, None)
    forget_drawn()


def _others(here: Site, person: Person) -> None:
    with here.store.read() as conn:
        found = clash_pairs.others_decided(conn, person)
    if not found:
        return
    with st.expander(t("clashes.others", count=len(found)), key="clash_others"):
        for one in found:
            _other(here, person, one)


def _other(here: Site, person: Person, one: OtherDecided) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{entry_title(here, one.entry)}  \n{t('follow_up.marked', by=one.by, at=moment(one.at))}")
        if allowed(person, Action.REVIEW, one.entry.unit):
            st.button(t("clashes.take_back"), key=f"clash_back-{one.id}", on_click=_take_back, args=(here, person, False, one.id))


def _name(one: Clash) -> str:
    return f"{one.entry.id}-{one.entry.revision}-{one.theirs.digest[:12]}"
