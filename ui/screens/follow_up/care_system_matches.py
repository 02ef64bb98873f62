"""Uppföljning: what somebody may have keyed in already. One pair at a time, the likeliest first; a
person decides, and may take it back.

Handing in what the care system has already, to be compared with; which lists there are, and
erasing them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

import pandas as pd
import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed
from pipeline.export.care_system_check import decisions
from pipeline.export.care_system_check.decisions import import_care_list
from pipeline.export.care_system_check.matches import CareSystemMatch, list_matches
from pipeline.export.runs import ExportContext
from pipeline.registers.care_system_list import (
    REQUIRED_COLUMNS,
    CareColumn,
    CareList,
    CareTable,
    ColumnMapping,
    parse_care_table,
    propose_columns,
    read_care_list,
)
from pipeline.registers.care_system_match import MatchSimilarity
from pipeline.store.database.clock import utc_now
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.registers import care_system_exports, care_system_matches, client_register
from pipeline.store.registers.care_system_matches import RejectedMatch
from pipeline.store.review import duplicate_entries
from ui.browser.keyboard import keyboard
from ui.browser.page_view import data_url
from ui.i18n import format_moment, t
from ui.screens.follow_up.actions import run_and_report, set_message
from ui.screens.lookup.duplicate_comparison import entry_title, side_by_side
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.heading import translate_upload_button
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.min_view_time import MIN_VIEW_TIME, is_too_soon, note_drawn, reset_drawn
from ui.workspace import AppContext

_UPLOAD_COUNT_KEY = "care_list_sent"


_PREVIEW_ROWS, _MAX_SHOWN_ROW_NUMBERS = 3, 10


def care_lists_section(context: AppContext, person: Person) -> None:
    """The lists there are, and the form for another."""
    with context.store.read() as conn:
        kept = care_system_exports.list_care_lists(conn, person)
    for one in kept:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                t(
                    "clashes.list",
                    unit=one.unit,
                    area=one.area,
                    count=one.rows,
                    by=one.by,
                    at=format_moment(one.at),
                )
            )
            if is_allowed(person, Action.REVIEW, one.unit, one.area):
                act = partial(
                    run_and_report, context, "clashes.erased", partial(_erase_list, person, one.id)
                )
                st.button(t("clashes.erase"), key=f"erase_list-{one.id}", on_click=act)
    if is_allowed(person, Action.REVIEW) and person.units and person.areas:
        with st.expander(t("clashes.upload"), icon=":material/upload_file:", key="care_list"):
            _upload_form(context, person)


def _erase_list(person: Person, list_id: int, conn: Connection) -> None:
    care_system_exports.erase_list(conn, person, list_id, utc_now())


def _upload_form(context: AppContext, person: Person) -> None:
    translate_upload_button()
    st.caption(t("clashes.upload_what"))
    with context.store.read() as conn:
        areas = client_register.areas_by_unit(conn)
    left, right = st.columns(2)
    unit = left.selectbox(t("clashes.unit"), sorted(person.units), key="care_list_unit")
    own = sorted(person.areas)
    usual = areas.get(unit or "", "")
    area = right.selectbox(
        t("clashes.area"),
        own,
        index=own.index(usual) if usual in own else 0,
        key=f"care_list_area-{unit}",
    )
    file = st.file_uploader(
        t("clashes.file"),
        type=["csv", "txt", "tsv"],
        key=f"care_list_{st.session_state.get(_UPLOAD_COUNT_KEY, 0)}",
    )
    if file is None or unit is None or area is None:
        return
    try:
        table = parse_care_table(file.getvalue(), file.name)
    except EfterskriftError as error:
        st.error(error_text(error))
        return
    columns = _choose_columns(table)
    _preview_rows(table, columns)
    lacking = [part for part in REQUIRED_COLUMNS if not columns.get(part)]
    if lacking:
        st.warning(
            t(
                "clashes.lacking",
                parts=", ".join(t(f"clashes.part.{part.value}") for part in lacking),
            )
        )
    if st.button(t("clashes.compare"), key="care_list_do", disabled=bool(lacking)):
        _import_list(context, person, unit, area, read_care_list(table, columns))


def _choose_columns(table: CareTable) -> ColumnMapping:
    """Which column says what: as proposed, unless the person chooses otherwise."""
    found, chosen = (
        propose_columns(table.titles, table.rows[0][1]),
        dict[CareColumn, tuple[int, ...]](),
    )
    every, sent = list(range(len(table.titles))), st.session_state.get(_UPLOAD_COUNT_KEY, 0)

    def title(column: int) -> str:
        return table.titles[column] or t("clashes.column", number=column + 1)

    st.caption(t("clashes.columns"))
    places = st.columns(3)
    for place, part in enumerate(CareColumn):
        with places[place % 3]:
            key, label = (
                f"care_part_{part.value}-{sent}-{hash(table.titles)}",
                t(f"clashes.part.{part.value}"),
            )
            if part is CareColumn.TEXT:
                chosen[part] = tuple(
                    st.multiselect(
                        label,
                        every,
                        default=found.get(part, ()),
                        format_func=title,
                        key=key,
                        placeholder=t("clashes.none"),
                    )
                )
                continue
            index = found[part][0] if part in found else None
            one = st.selectbox(
                label, every, index=index, format_func=title, key=key, placeholder=t("clashes.none")
            )
            chosen[part] = () if one is None else (one,)
    return chosen


def _preview_rows(table: CareTable, columns: ColumnMapping) -> None:
    """How the first rows are understood."""
    if any(not columns.get(part) for part in REQUIRED_COLUMNS):
        return
    understood = read_care_list(CareTable(table.titles, table.rows[:_PREVIEW_ROWS]), columns)
    rows = [
        (row.pids[0], row.day, row.clock, row.kind, row.text, row.author) for row in understood.rows
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=[t(f"clashes.part.{part.value}") for part in CareColumn]),
        hide_index=True,
        width="stretch",
    )


def _import_list(
    context: AppContext, person: Person, unit: str, area: str, care_list: CareList
) -> None:
    office = ExportContext(context.store, context.settings, context.forms)
    try:
        made = import_care_list(office, person, unit, area, care_list, utc_now())
    except EfterskriftError as error:
        st.error(error_text(error))
        return
    with context.store.read() as conn:
        count = len(
            list_matches(
                conn, context.forms, person, context.settings.clash_minutes, utc_now()
            ).matches
        )
        kept = care_system_exports.is_list_stored(conn, made)
    st.session_state[_UPLOAD_COUNT_KEY] = st.session_state.get(_UPLOAD_COUNT_KEY, 0) + 1
    set_message(
        "ok",
        " ".join(
            filter(
                None, (_import_result_text(care_list, count), "" if kept else t("clashes.not_kept"))
            )
        ),
    )
    st.rerun()


def _import_result_text(care_list: CareList, count: int) -> str:
    parts = [t("clashes.compared", count=len(care_list.rows)), t("clashes.found", count=count)]
    for key, numbers in (
        ("clashes.no_person", care_list.rows_without_person),
        ("clashes.no_day", care_list.rows_without_day),
    ):
        if numbers:
            more = "…" if len(numbers) > _MAX_SHOWN_ROW_NUMBERS else ""
            parts.append(
                t(
                    key,
                    count=len(numbers),
                    rows=", ".join(map(str, numbers[:_MAX_SHOWN_ROW_NUMBERS])) + more,
                )
            )
    return " ".join(parts)


_SHOWN_KEY, _SKIPPED_KEY, _LATEST_DECISION_KEY, _IMAGES_KEY = (
    "clash_shown",
    "clash_skipped",
    "clash_latest",
    "clash_pictures",
)


def show(context: AppContext, person: Person, rows: Sequence[object]) -> None:
    """The first pair that is not skipped, what was decided, and the lists from the care system."""
    clashes = [one for one in rows if isinstance(one, CareSystemMatch)]
    _undo_latest(context, person)
    _show_match(context, person, clashes)
    _rejected_matches(context, person)
    care_lists_section(context, person)


def _show_match(context: AppContext, person: Person, clashes: list[CareSystemMatch]) -> None:
    if not clashes:
        st.info(t("follow_up.empty.clashes"), icon=":material/info:")
        return
    skipped: list[str] = st.session_state.get(_SKIPPED_KEY, [])
    one = next((clash for clash in clashes if _match_id(clash) not in skipped), None)
    if one is None:
        st.info(t("clashes.skipped", count=len(clashes)), icon=":material/info:")
        st.button(
            t("clashes.again"),
            key="clash_again",
            on_click=lambda: st.session_state.pop(_SKIPPED_KEY, None),
        )
        return
    _record_match_view(context, person, one)
    with st.container(border=True, key="clash_card"):
        st.caption(t("clashes.place", number=clashes.index(one) + 1, count=len(clashes)))
        st.markdown(f"**{entry_title(context, one.entry)}**")
        st.markdown(describe_evidence(one.likeness, read=one.entry_side is None))
        side_by_side(_comparison_rows(one), t("clashes.theirs"), t("clashes.ours"))
        if one.entry_side is None:
            st.caption(t("clashes.see_paper"))
        if one.entry_side is None or st.toggle(
            t("clashes.show_paper"), key=f"clash_paper-{_match_id(one)}"
        ):
            _show_paper(context, person, one)
    if not is_allowed(person, Action.REVIEW, one.entry.unit):
        st.caption(t("clashes.reviewer_decides"))
        return
    with st.container(horizontal=True):
        act = partial(_decide_match, context, person, one)
        st.button(
            t("clashes.already"),
            key="clash_already",
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=partial(act, same=True),
        )
        st.button(
            t("clashes.other"),
            key="clash_other",
            shortcut="Alt+I",
            on_click=partial(act, same=False),
        )
        st.button(
            t("clashes.skip"),
            key="clash_skip",
            shortcut="Alt+S",
            on_click=_skip_match,
            args=(_match_id(one),),
        )
    # The choice of list above has the focus, and keeps Enter to itself.
    keyboard(f"clash-{_match_id(one)}", [], save="clash_already", min_view_time=MIN_VIEW_TIME)
    note_drawn(_match_id(one))


def describe_evidence(similarity: MatchSimilarity, *, read: bool) -> str:
    """What speaks for its being the same, in words. Of an entry that waits for review only what the
    machine was sure of is told of.
    """
    if read:
        return t("clashes.as_read")
    parts = [
        t("clashes.person"),
        t("clashes.day")
        if similarity.minutes is None
        else t("clashes.minutes", count=similarity.minutes),
    ]
    parts += [t("clashes.text", percent=similarity.text)] if similarity.text is not None else []
    parts += (
        [t("clashes.same_kind" if similarity.kind else "clashes.other_kind")]
        if similarity.kind is not None
        else []
    )
    told = " · ".join(parts)
    return told[0].upper() + told[1:]


def _comparison_rows(match: CareSystemMatch) -> list[tuple[str, str, str, str]]:
    ours, theirs = match.entry_side, match.care_row
    said = "\n".join(f"{label}: {words}" for label, words in ours.rows) if ours else ""
    rows = [
        (
            "clashes.who",
            f"{format_pid(ours.pid)} {ours.name}" if ours else "",
            format_pid(theirs.pid),
        ),
        ("clashes.when", ours.when if ours else "", f"{theirs.day} {theirs.clock}".strip()),
        ("clashes.kind", ours.title if ours else "", theirs.kind),
        ("clashes.says", said, theirs.text),
        ("clashes.author", ours.author if ours else "", theirs.author),
    ]
    return [(t(label), mine, other, "") for label, mine, other in rows if mine or other]


def _record_match_view(context: AppContext, person: Person, match: CareSystemMatch) -> None:
    """Record a look once for each showing, before anything is shown."""
    if st.session_state.get(_SHOWN_KEY) == _match_id(match):
        return
    with context.store.begin() as conn:
        decisions.record_match_view(conn, person, match.entry.id, match.care_row.digest, utc_now())
    st.session_state[_SHOWN_KEY] = _match_id(match)
    st.session_state.pop(_IMAGES_KEY, None)


def _show_paper(context: AppContext, person: Person, match: CareSystemMatch) -> None:
    with context.store.begin() as conn:
        pages = load_entry_view(conn, context.forms, person, match.entry.id).pages
        if st.session_state.get(_IMAGES_KEY) != _match_id(match):
            for page in pages:
                queue.record_page_view(conn, person, page.id)
    st.session_state[_IMAGES_KEY] = _match_id(match)
    for page in pages:
        picture = page_image(context, page, find_covered_for(context, person, page))
        if picture is not None:
            st.html(
                f'<img class="ef-page" alt="{escape(t("picture.alt"))}" src="{data_url(picture)}">'
            )


@requires_open_session
def _decide_match(
    context: AppContext, person: Person, match: CareSystemMatch, *, same: bool
) -> None:
    now = utc_now()
    if is_too_soon(_match_id(match), now):
        return
    office = ExportContext(context.store, context.settings, context.forms)
    decide = decisions.confirm_match if same else decisions.reject_match
    try:
        made = decide(
            office, person, match.entry.id, match.entry.revision, match.care_row.digest, now
        )
    except EfterskriftError as error:
        set_message("fault", error_text(error))
        return
    st.session_state[_LATEST_DECISION_KEY] = (same, made)
    set_message("ok", t("clashes.is_already" if same else "clashes.is_other"))


def _skip_match(name: str) -> None:
    st.session_state[_SKIPPED_KEY] = [*st.session_state.get(_SKIPPED_KEY, []), name]


def _undo_latest(context: AppContext, person: Person) -> None:
    """The way back from the decision that was taken just now."""
    if latest := st.session_state.get(_LATEST_DECISION_KEY):
        same, made = latest
        st.button(
            t("clashes.undo"),
            key="clash_undo",
            on_click=_withdraw_decision,
            args=(context, person, same, made),
        )


@requires_open_session
def _withdraw_decision(context: AppContext, person: Person, same: bool, made: int) -> None:
    act: Callable[..., None] = (
        duplicate_entries.withdraw_duplicate_mark
        if same
        else care_system_matches.withdraw_rejection
    )
    run_and_report(context, "clashes.undone", lambda conn: act(conn, person, made, utc_now()))
    st.session_state.pop(_LATEST_DECISION_KEY, None)
    st.session_state.pop(_SHOWN_KEY, None)
    reset_drawn()


def _rejected_matches(context: AppContext, person: Person) -> None:
    with context.store.read() as conn:
        found = care_system_matches.list_rejected_matches(conn, person)
    if not found:
        return
    with st.expander(t("clashes.others", count=len(found)), key="clash_others"):
        for one in found:
            _rejected_match_row(context, person, one)


def _rejected_match_row(context: AppContext, person: Person, rejected_match: RejectedMatch) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{entry_title(context, rejected_match.entry)}  \n{t('follow_up.marked', by=rejected_match.by, at=format_moment(rejected_match.at))}"
        )
        if is_allowed(person, Action.REVIEW, rejected_match.entry.unit):
            st.button(
                t("clashes.take_back"),
                key=f"clash_back-{rejected_match.id}",
                on_click=_withdraw_decision,
                args=(context, person, False, rejected_match.id),
            )


def _match_id(match: CareSystemMatch) -> str:
    return f"{match.entry.id}-{match.entry.revision}-{match.care_row.digest[:12]}"
