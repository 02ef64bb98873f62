"""The group way of working between sheets: pieces that were read alike, of which the person marks the odd ones and confirms the others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import streamlit as st

from pipeline.errors import EfterskriftError, StaleDecisionError
from pipeline.fiducials import as_printed
from pipeline.model import Person
from pipeline.store import claims, groups
from pipeline.store.clock import utc_now
from pipeline.store.group_cells import Cell, Group, GroupDone
from ui.components import entry_turn
from ui.components.answers import in_words
from ui.components.crop_grid import GridCell, crop_grid
from ui.components.entry_turn import UNDO_GROUP
from ui.components.faults import fault_text
from ui.components.first_look import forget_drawn, is_too_soon, note_drawn
from ui.components.heading import person_menu
from ui.components.key_help import key_help
from ui.components.pictures import covered_for, crop_pictures
from ui.components.showing import LOOKED_AT
from ui.session import while_open
from ui.site import Site
from ui.text import t

LEAST_LOOK = timedelta(seconds=1)
"""Nobody has looked at a whole group that came up less than this ago."""
REST = 5
"""So many sheets are reviewed before the queue is asked again whether enough pieces are alike; twice as many after a group was passed by."""
_REST, _SEEN = "group_rest", f"{LOOKED_AT}group"


def comes(here: Site, person: Person) -> bool:
    """Whether a group has its turn now; it is then the person's."""
    return not _resting() and _taken(here, person) is not None


def group_turn(here: Site, person: Person) -> bool:
    """Show a group if it is its turn, between two entries; answers whether something is shown."""
    if entry_turn.current() is not None or _resting():
        return False
    group = _taken(here, person)
    if group is not None:
        _show(here, person, group)
    return group is not None


def _taken(here: Site, person: Person) -> Group | None:
    """The person's group, the looks at its pages being in the log."""
    now, settings = utc_now(), here.settings
    with here.store.begin() as conn:
        group = groups.next_group(
            conn, here.forms, person, now, minutes=settings.claim_minutes, share=settings.plant_share, order=settings.queue_order
        )
        if group is not None and st.session_state.get(_SEEN) != group.id:
            for page_id in dict.fromkeys(cell.page.id for cell in group.cells):
                claims.view_page(conn, person, page_id)
    if group is None:
        st.session_state[_REST] = REST
    elif st.session_state.get(_SEEN) != group.id:
        st.session_state[_SEEN] = group.id
    return group


def _resting() -> bool:
    left = int(st.session_state.get(_REST, 0))
    st.session_state[_REST] = max(0, left - 1)
    return left > 0


def _show(here: Site, person: Person, group: Group) -> None:
    what = t("group.what", field=group.spec.full_label, value=in_words(group.spec, group.answer))
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.title(what, anchor=False)
            st.caption(f"{group.title} · {t('way.group', count=len(group.cells))}")
        key_help()
        person_menu(here, person)
    entry_turn.show_said()
    st.markdown(t("group.how"))
    crop_grid(group.id, what, _grid(here, person, group.cells), partial(mark, here, person), partial(_confirm, here, person))
    note_drawn(group.id)
    with st.container(horizontal=True):
        st.button(t("group.skip"), key=f"skip-{group.id}", shortcut="Alt+S", on_click=partial(_leave, here, person, group.id))
        if UNDO_GROUP in st.session_state:
            st.button(t("review.undo"), key=f"undo-{group.id}", shortcut="Alt+Z", on_click=partial(_undo, here, person, group.id))


def _grid(here: Site, person: Person, cells: Sequence[Cell]) -> list[GridCell]:
    """The pieces with their pictures, each page taken apart once. A piece without a picture is shown as nothing, and so as odd."""
    pages = {cell.page.id: cell.page for cell in cells}
    pictures = {
        (page_id, cell.spec.box): picture
        for page_id, page in pages.items()
        for own in [[cell for cell in cells if cell.page.id == page_id]]
        for cell, picture in zip(own, crop_pictures(here, page, [cell.spec.box for cell in own], covered_for(here, person, page)), strict=True)
    }
    return [GridCell(cell.id, pictures[cell.page.id, cell.spec.box], _where(cell), cell.marked) for cell in cells]


def _where(cell: Cell) -> str:
    sheet = as_printed(cell.page.serial)
    return f"{sheet}, {t('review.row', row=cell.spec.row)}" if cell.spec.row else sheet


@while_open
def mark(here: Site, person: Person, group_id: str, marked: Sequence[int]) -> None:
    """Keep which pieces are odd. A mark is sent half a second after it was made: of a group that was skipped meanwhile it is worth nothing."""
    try:
        with here.store.begin() as conn:
            groups.mark_cells(conn, person, group_id, marked, utc_now(), here.settings.claim_minutes)
    except StaleDecisionError:
        return
    except EfterskriftError as error:
        entry_turn.say(fault_text(error))


@while_open
def _confirm(here: Site, person: Person, group_id: str, marked: Sequence[int]) -> None:
    now = utc_now()
    if st.session_state.get(_SEEN) != group_id or is_too_soon(group_id, now, LEAST_LOOK):
        return
    try:
        with here.store.begin() as conn:
            done = groups.confirm_group(conn, here.forms, person, group_id, marked, now)
    except EfterskriftError as error:
        entry_turn.say(fault_text(error))
        return
    st.session_state[UNDO_GROUP] = True
    forget_drawn()
    _tell(done)


def _tell(done: GroupDone) -> None:
    if done.missed:
        entry_turn.say(t("group.missed", where="; ".join(map(_where, done.missed))))
    said = [t("group.kept", count=done.kept), *([t("group.sent_back", count=done.odd)] if done.odd else [])]
    st.toast(" ".join(said), icon=":material/check:")


@while_open
def _leave(here: Site, person: Person, group_id: str) -> None:
    try:
        with here.store.begin() as conn:
            groups.leave_group(conn, person, group_id, utc_now())
    except EfterskriftError as error:
        entry_turn.say(fault_text(error))
    st.session_state[_REST] = 2 * REST


@while_open
def _undo(here: Site, person: Person, group_id: str) -> None:
    """Take the last group back: what is on the screen now goes back too, so that the same comes up again."""
    _give_back(here, person, group_id)
    with here.store.begin() as conn:
        count = groups.undo_group(conn, person, utc_now())
    st.session_state.pop(UNDO_GROUP, None)
    entry_turn.say(t("ways.undone", count=count))


def _give_back(here: Site, person: Person, group_id: str) -> None:
    with suppress(StaleDecisionError), here.store.begin() as conn:  # left alone so long that it has gone back by itself
        groups.leave_group(conn, person, group_id, utc_now())
