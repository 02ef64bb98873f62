"""Uppföljning: entries that may be in the care system already, and the lists to compare with.

One pair at a time, the most likely first; a person decides, and may undo it. Lists from the care
system are uploaded and erased here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.law.permissions import Action, is_allowed, permitted_areas, permitted_units
from pipeline.domain.model import Person
from pipeline.export.care_system_check import decisions
from pipeline.export.care_system_check.decisions import import_care_list
from pipeline.export.care_system_matches import CareSystemMatch, list_matches
from pipeline.export.runs import ExportContext
from pipeline.registers.care_system_list import (
    REQUIRED_COLUMNS,
    CareColumn,
    CareList,
    CareTable,
    ColumnMapping,
    MatchSimilarity,
    parse_care_table,
    read_care_list,
)
from pipeline.review.corrections import Corrections
from pipeline.review.session import MIN_VIEW_TIME, Review
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.exports import care_system_exports, care_system_matches
from pipeline.store.exports.care_system_matches import RejectedMatch
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from ui.browser.keyboard import keyboard
from ui.browser.page_view import data_url
from ui.i18n import format_moment, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.follow_up import MESSAGE
from ui.screens.review.duplicate_comparison import entry_title, side_by_side
from ui.session import requires_open_session
from ui.widgets.care_columns import choose_columns
from ui.widgets.heading import translate_upload_button
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.messages import carry_out, commit, error_text, errors_to
from ui.widgets.tables import html_table
from ui.widgets.views import drawn_at, note_drawn, reset_drawn
from ui.workspace import AppContext

_SHOWN_KEY, _SKIPPED_KEY = "clash_shown", "clash_skipped"
_LATEST_DECISION_KEY, _IMAGES_KEY = "clash_latest", "clash_pictures"
_UPLOAD_COUNT_KEY = "care_list_sent"
_PREVIEW_ROWS, _MAX_SHOWN_ROW_NUMBERS = 3, 10


def show(context: AppContext, person: Person, matches: Sequence[CareSystemMatch]) -> None:
    """Show the first pair that is not skipped, earlier decisions, and the care system's lists."""
    _undo_latest(context, person)
    _show_match(context, person, matches)
    _rejected_matches(context, person)
    care_lists_section(context, person)


def _show_match(context: AppContext, person: Person, matches: Sequence[CareSystemMatch]) -> None:
    if not matches:
        st.info(t("follow_up.empty.clashes"), icon=":material/info:")
        return
    skipped: list[str] = st.session_state.get(_SKIPPED_KEY, [])
    match = next((candidate for candidate in matches if _match_id(candidate) not in skipped), None)
    if match is None:
        st.info(md("clashes.skipped", count=len(matches)), icon=":material/info:")
        st.button(
            t("clashes.again"),
            key="clash_again",
            on_click=lambda: st.session_state.pop(_SKIPPED_KEY, None),
        )
        return
    _record_match_view(context, person, match)
    with st.container(border=True, key="clash_card"):
        st.caption(md("clashes.place", number=matches.index(match) + 1, count=len(matches)))
        st.markdown(f"**{plain(entry_title(context, match.entry))}**")
        st.markdown(plain(describe_evidence(match.likeness, read=match.entry_side is None)))
        side_by_side(_comparison_rows(match), t("clashes.theirs"), t("clashes.ours"))
        if match.entry_side is None:
            st.caption(t("clashes.see_paper"))
        if match.entry_side is None or st.toggle(
            t("clashes.show_paper"), key=f"clash_paper-{_match_id(match)}"
        ):
            _show_paper(context, person, match)
    if not is_allowed(person, Action.REVIEW, match.entry.unit):
        st.caption(t("clashes.reviewer_decides"))
        return
    _decision_buttons(context, person, match)


def _decision_buttons(context: AppContext, person: Person, match: CareSystemMatch) -> None:
    with st.container(horizontal=True):
        decide = partial(_decide_match, context, person, match)
        st.button(
            t("clashes.already"),
            key="clash_already",
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=partial(decide, is_same=True),
        )
        st.button(
            t("clashes.other"),
            key="clash_other",
            shortcut="Alt+I",
            on_click=partial(decide, is_same=False),
        )
        st.button(
            t("clashes.skip"),
            key="clash_skip",
            shortcut="Alt+S",
            on_click=_skip_match,
            args=(_match_id(match),),
        )
    # The choice of list above has the focus and does not let Enter through.
    keyboard(f"clash-{_match_id(match)}", [], save="clash_already", min_view_time=MIN_VIEW_TIME)
    note_drawn(_match_id(match))


def describe_evidence(similarity: MatchSimilarity, *, read: bool) -> str:
    """Return the evidence for a match in words.

    Of an entry that waits for review (`read`) no details are shown: only high-confidence readings
    were compared.
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
    text = " · ".join(parts)
    return text[0].upper() + text[1:]


def _comparison_rows(match: CareSystemMatch) -> list[tuple[str, str, str, str]]:
    entry_side, care_row = match.entry_side, match.care_row
    text = "\n".join(f"{label}: {value}" for label, value in entry_side.rows) if entry_side else ""
    rows = [
        (
            "clashes.who",
            f"{format_pid(entry_side.pid)} {entry_side.name}" if entry_side else "",
            format_pid(care_row.pid),
        ),
        (
            "clashes.when",
            entry_side.when if entry_side else "",
            f"{care_row.day} {care_row.clock}".strip(),
        ),
        ("clashes.kind", entry_side.title if entry_side else "", care_row.kind),
        ("clashes.says", text, care_row.text),
        ("clashes.author", entry_side.author if entry_side else "", care_row.author),
    ]
    return [
        (t(label), own_text, care_text, "")
        for label, own_text, care_text in rows
        if own_text or care_text
    ]


def _record_match_view(context: AppContext, person: Person, match: CareSystemMatch) -> None:
    """Record a view once for each showing, before anything is shown."""
    if st.session_state.get(_SHOWN_KEY) == _match_id(match):
        return
    context.store.change(
        decisions.record_match_view, person, match.entry.id, match.care_row.digest, utc_now()
    )
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
    context: AppContext, person: Person, match: CareSystemMatch, *, is_same: bool
) -> None:
    now = utc_now()
    if not context.work(Review, person).has_been_seen(drawn_at(_match_id(match))):
        return
    export_context = ExportContext(context.store, context.settings, context.forms)
    decide = decisions.confirm_match if is_same else decisions.reject_match
    with errors_to(MESSAGE.failed):
        decision_id = decide(
            export_context, person, match.entry.id, match.entry.revision, match.care_row.digest, now
        )
        st.session_state[_LATEST_DECISION_KEY] = (is_same, decision_id)
        MESSAGE.done(t("clashes.is_already" if is_same else "clashes.is_other"))


def _skip_match(name: str) -> None:
    st.session_state[_SKIPPED_KEY] = [*st.session_state.get(_SKIPPED_KEY, []), name]


def _undo_latest(context: AppContext, person: Person) -> None:
    """Show the button that undoes the latest decision."""
    if latest := st.session_state.get(_LATEST_DECISION_KEY):
        is_same, decision_id = latest
        st.button(
            t("clashes.undo"),
            key="clash_undo",
            on_click=_withdraw_decision,
            args=(context, person, is_same, decision_id),
        )


@requires_open_session
def _withdraw_decision(
    context: AppContext, person: Person, is_same: bool, decision_id: int
) -> None:
    def withdraw() -> None:
        if is_same:
            context.work(Corrections, person).withdraw_duplicate(decision_id)
        else:
            context.store.change(
                care_system_matches.withdraw_rejection, person, decision_id, utc_now()
            )

    carry_out(context, MESSAGE, withdraw, "clashes.undone")
    st.session_state.pop(_LATEST_DECISION_KEY, None)
    st.session_state.pop(_SHOWN_KEY, None)
    reset_drawn()


def _rejected_matches(context: AppContext, person: Person) -> None:
    rejected = context.store.query(care_system_matches.list_rejected_matches, person)
    if not rejected:
        return
    with st.expander(md("clashes.others", count=len(rejected)), key="clash_others"):
        for rejected_match in rejected:
            _rejected_match_row(context, person, rejected_match)


def _rejected_match_row(context: AppContext, person: Person, rejected_match: RejectedMatch) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        decided_at = format_moment(rejected_match.at)
        marked = t("follow_up.marked", by=rejected_match.by, at=decided_at)
        st.markdown(f"{plain(entry_title(context, rejected_match.entry))}  \n{plain(marked)}")
        if is_allowed(person, Action.REVIEW, rejected_match.entry.unit):
            st.button(
                t("clashes.take_back"),
                key=f"clash_back-{rejected_match.id}",
                on_click=_withdraw_decision,
                args=(context, person, False, rejected_match.id),
            )


def _match_id(match: CareSystemMatch) -> str:
    return f"{match.entry.id}-{match.entry.revision}-{match.care_row.digest[:12]}"


def care_lists_section(context: AppContext, person: Person) -> None:
    """Show the stored lists, and the form for another."""
    care_lists = context.store.query(care_system_exports.list_care_lists, person)
    for care_list in care_lists:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                md(
                    "clashes.list",
                    unit=care_list.unit,
                    area=care_list.area,
                    count=care_list.rows,
                    by=care_list.by,
                    at=format_moment(care_list.at),
                )
            )
            if is_allowed(person, Action.REVIEW, care_list.unit, care_list.area):
                erase = partial(
                    commit,
                    context,
                    MESSAGE,
                    partial(_erase_list, person, care_list.id),
                    "clashes.erased",
                )
                st.button(t("clashes.erase"), key=f"erase_list-{care_list.id}", on_click=erase)
    if permitted_units(person, Action.REVIEW) and permitted_areas(person, Action.REVIEW):
        with st.expander(t("clashes.upload"), icon=":material/upload_file:", key="care_list"):
            _upload_form(context, person)


def _erase_list(person: Person, list_id: int, conn: Connection) -> None:
    care_system_exports.erase_list(conn, person, list_id, utc_now())


def _upload_form(context: AppContext, person: Person) -> None:
    translate_upload_button()
    st.caption(t("clashes.upload_what"))
    areas = context.store.query(client_register.areas_by_unit)
    left, right = st.columns(2)
    unit = left.selectbox(
        t("clashes.unit"), sorted(permitted_units(person, Action.REVIEW)), key="care_list_unit"
    )
    own_areas = sorted(permitted_areas(person, Action.REVIEW, unit))
    default_area = areas.get(unit or "", "")
    area = right.selectbox(
        t("clashes.area"),
        own_areas,
        index=own_areas.index(default_area) if default_area in own_areas else 0,
        key=f"care_list_area-{unit}",
    )
    file = st.file_uploader(
        t("clashes.file"),
        type=["csv", "txt", "tsv", "xlsx"],
        key=f"care_list_{st.session_state.get(_UPLOAD_COUNT_KEY, 0)}",
    )
    if file is None or unit is None or area is None:
        return
    try:
        table = parse_care_table(file.getvalue(), file.name)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    columns = choose_columns(table, st.session_state.get(_UPLOAD_COUNT_KEY, 0))
    _preview_rows(table, columns)
    missing = [part for part in REQUIRED_COLUMNS if not columns.get(part)]
    if missing:
        st.warning(
            md(
                "clashes.lacking",
                parts=", ".join(t(f"clashes.part.{part.value}") for part in missing),
            )
        )
    if st.button(t("clashes.compare"), key="care_list_do", disabled=bool(missing)):
        _import_list(context, person, unit, area, read_care_list(table, columns))


def _preview_rows(table: CareTable, columns: ColumnMapping) -> None:
    """Show how the first rows are understood."""
    if any(not columns.get(part) for part in REQUIRED_COLUMNS):
        return
    understood = read_care_list(CareTable(table.titles, table.rows[:_PREVIEW_ROWS]), columns)
    rows = [
        (row.pids[0], row.day, row.clock, row.kind, row.text, row.author) for row in understood.rows
    ]
    st.html(html_table([t(f"clashes.part.{part.value}") for part in CareColumn], rows))


def _import_list(
    context: AppContext, person: Person, unit: str, area: str, care_list: CareList
) -> None:
    export_context = ExportContext(context.store, context.settings, context.forms)
    try:
        list_id = import_care_list(export_context, person, unit, area, care_list, utc_now())
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    with context.store.read() as conn:
        count = len(
            list_matches(
                conn, context.forms, person, context.settings.clash_minutes, utc_now()
            ).matches
        )
        is_stored = care_system_exports.is_list_stored(conn, list_id)
    # An uploader cannot be emptied from here: another key makes a new one.
    st.session_state[_UPLOAD_COUNT_KEY] = st.session_state.get(_UPLOAD_COUNT_KEY, 0) + 1
    texts = [_import_result_text(care_list, count)]
    if not is_stored:
        texts.append(t("clashes.not_kept"))
    MESSAGE.done(" ".join(texts))
    st.rerun()


def _import_result_text(care_list: CareList, count: int) -> str:
    parts = [t("clashes.compared", count=len(care_list.rows)), t("clashes.found", count=count)]
    for key, numbers in (
        ("clashes.no_person", care_list.rows_without_person),
        ("clashes.no_day", care_list.rows_without_day),
    ):
        if numbers:
            ellipsis = "…" if len(numbers) > _MAX_SHOWN_ROW_NUMBERS else ""
            parts.append(
                t(
                    key,
                    count=len(numbers),
                    rows=", ".join(map(str, numbers[:_MAX_SHOWN_ROW_NUMBERS])) + ellipsis,
                )
            )
    return " ".join(parts)
