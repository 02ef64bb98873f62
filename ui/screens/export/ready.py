"""What is ready on the screen Export: a card a route, with what a run would hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

import cv2
import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units
from pipeline.domain.model import Person
from pipeline.domain.record import DEFAULT_ROUTE, MANUAL_ENTRY_TARGET, Run
from pipeline.export import runs
from pipeline.export.care_system_matches import HELD_FOR_MATCH
from pipeline.export.payments.approval import PAYMENT_TARGET
from pipeline.export.runs import ExportContext, RunKind, RunPreview, UnsupportedEntry
from pipeline.export.tables.csv_table import HeaderCheck, check_header
from pipeline.export.tables.table_schema import has_table_schema
from pipeline.files.pdf_render import render_own_pdf
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_day, show_text, t
from ui.markdown import md, plain, plain_with_code
from ui.session import requires_open_session
from ui.widgets.heading import screen_link
from ui.widgets.messages import error_text, show_error
from ui.widgets.run_once import RunOnce, run_once
from ui.widgets.tables import show_table

RunAndReport = Callable[[Callable[[], str]], None]
"""Runs an action and keeps its result or error for the next drawing."""
NEWEST_RUN_KEY = "newest_run"
_MADE_KEY = "export_made"
_SHOWN_KEY = "export_first_entry"
"""The kind of run whose first entry is shown."""
_FIRST_KEY = "export_first_entry_read"
_CARDS_PER_ROW = 3
_PREVIEW_WIDTH_PX = 900


def show_ready(context: ExportContext, person: Person, run_and_report: RunAndReport) -> None:
    """Show what waits in each route, and what is left out of all."""
    previews = [
        preview
        for preview in runs.list_run_previews(context, person)
        if preview.entries or preview.unsupported or preview.fault
    ]
    st.header(t("export.ready"), anchor=False)
    if unsigned := runs.count_unsigned(context, person):
        st.info(md("export.unsigned", count=unsigned), icon=":material/signature:")
    if held_ids := {
        item.entry_id
        for preview in previews
        for item in preview.unsupported
        if item.reason == HELD_FOR_MATCH
    }:
        st.warning(md("export.held", count=len(held_ids)), icon=":material/content_copy:")
    _default_route_note(person, previews)
    # Statistics are sent to authorities, and listed apart from the care systems.
    systems = [preview for preview in previews if not preview.is_statistics]
    if not systems:
        st.caption(t("export.nothing_ready"))
    _cards(context, person, systems, run_and_report)
    if statistics := [preview for preview in previews if preview.is_statistics]:
        st.header(t("export.statistics"), anchor=False)
        st.caption(
            md(
                "export.statistics_what",
                units=", ".join(sorted(permitted_units(person, Action.EXPORT))),
            )
        )
        _cards(context, person, statistics, run_and_report)


def _default_route_note(person: Person, previews: Sequence[RunPreview]) -> None:
    """Say how many entries go to the key-in list because their form has no route."""
    count = sum(
        preview.entries + len(preview.unsupported) - preview.amendments
        for preview in previews
        if preview.route.name == DEFAULT_ROUTE.name
    )
    if count:
        key = "export.by_default" if is_allowed(person, Action.ROUTES) else "export.by_default_ask"
        st.info(md(key, count=count), icon=":material/alt_route:")


def route_title(preview: RunPreview) -> str:
    """Return the receiving system and module of a route, or the name of its format."""
    route = preview.route
    names = (route.system, route.module)
    return " · ".join(filter(None, names)) or show_text(preview.title)


def _cards(
    context: ExportContext,
    person: Person,
    previews: Sequence[RunPreview],
    run_and_report: RunAndReport,
) -> None:
    """Show the routes next to each other, a row of three at a time."""
    for start in range(0, len(previews), _CARDS_PER_ROW):
        row = previews[start : start + _CARDS_PER_ROW]
        for column, preview in zip(st.columns(_CARDS_PER_ROW), row, strict=False):
            with (
                column,
                st.container(border=True, height="stretch", vertical_alignment="distribute"),
            ):
                _card(context, person, preview, run_and_report)
        for preview in row:
            if st.session_state.get(_SHOWN_KEY) == _key(preview.kind):
                _first_entry(context, person, preview)


def _key(kind: RunKind) -> str:
    """Return what the parts of a card are named by."""
    is_by_hand = kind.target == MANUAL_ENTRY_TARGET and kind.route != MANUAL_ENTRY_TARGET
    return f"{kind.route}-by-hand" if is_by_hand else kind.route


def _card(
    context: ExportContext, person: Person, preview: RunPreview, run_and_report: RunAndReport
) -> None:
    st.markdown(f"**{plain(route_title(preview))}**")
    route, kind = preview.route, preview.kind
    facts = [kind.route, show_text(preview.title)] if route.system else [kind.route]
    if kind.route != MANUAL_ENTRY_TARGET:
        st.caption(plain(" · ".join(filter(None, (*facts, route.deliverer)))))
    if preview.fault:
        show_error(preview.fault)
        return
    if not route.is_active:
        st.caption(t("export.route_ended"))
    if kind.target != route.target:
        st.caption(t("export.route_by_hand"))
    for notice in preview.notices:
        st.warning(plain(show_text(notice)), icon=":material/rule:")
    st.metric(t("export.entries"), plain(preview.entries), label_visibility="collapsed")
    st.caption(
        md("export.amendments", count=preview.amendments)
        if preview.amendments
        else md("export.entries_ready", count=preview.entries)
    )
    if preview.first_day:
        st.caption(_days_markdown(preview))
    if kind.target == PAYMENT_TARGET and preview.entries:
        st.error(t("export.payment_warning"), icon=":material/warning:")
    _left_out(context, person, preview, run_and_report)
    is_shown = st.session_state.get(_SHOWN_KEY) == _key(kind)
    st.button(
        t("export.hide_first" if is_shown else "export.show_first"),
        key=f"first-{_key(kind)}",
        disabled=not preview.entries,
        width="stretch",
        on_click=partial(_toggle_first, kind),
    )
    if kind.target == MANUAL_ENTRY_TARGET:
        screen_link("key_in", t("export.key_in"))
        return
    st.button(
        t("export.tell" if preview.is_statistics else "export.make"),
        key=f"make-{_key(kind)}",
        disabled=not preview.entries,
        width="stretch",
        on_click=partial(_make_run, context, person, kind, run_and_report),
    )
    header_check_form(context, kind.target)


def _days_markdown(preview: RunPreview) -> str:
    first, last = format_day(preview.first_day), format_day(preview.last_day)
    return (
        md("export.day", day=first) if first == last else md("export.days", first=first, last=last)
    )


def _left_out(
    context: ExportContext, person: Person, preview: RunPreview, run_and_report: RunAndReport
) -> None:
    """Show what is left out by reason; what no format can carry can be keyed in instead."""
    in_order = sorted(preview.unsupported, key=lambda item: (_reason_texts(item), item.entry_id))
    held = [item for item in in_order if item.reason == HELD_FOR_MATCH]
    for label, items in (
        ("export.held_here", held),
        ("export.unfit", [item for item in in_order if item not in held]),
    ):
        if not items:
            continue
        with st.expander(md(label, count=len(items))):
            for _, group in groupby(items, key=_reason_texts):
                _reason_group(context, person, preview, list(group), run_and_report)


def _reason_texts(item: UnsupportedEntry) -> tuple[str, ...]:
    return tuple(show_text(reason) for reason in item.reasons)


def _reason_group(
    context: ExportContext,
    person: Person,
    preview: RunPreview,
    items: Sequence[UnsupportedEntry],
    run_and_report: RunAndReport,
) -> None:
    """Show all that keeps these entries out of the route's format, and their numbers."""
    kind, title = preview.kind, show_text(preview.title)
    st.markdown(md("export.left_out", count=len(items[0].reasons), name=title))
    st.markdown("\n".join(f"- {plain(text)}" for text in _reason_texts(items[0])))
    st.caption(plain(", ".join(item.entry_id for item in items)))
    by_hand = [item.entry_id for item in items if item.can_be_keyed_in]
    if by_hand:
        st.button(
            md("export.by_hand", count=len(by_hand)),
            key=f"by-hand-{_key(kind)}-{by_hand[0]}",
            help=t("export.by_hand_what"),
            on_click=partial(
                _make_run,
                context,
                person,
                RunKind(kind.route, MANUAL_ENTRY_TARGET),
                run_and_report,
                by_hand,
            ),
        )


def _toggle_first(kind: RunKind) -> None:
    is_shown = st.session_state.get(_SHOWN_KEY) == _key(kind)
    st.session_state[_SHOWN_KEY] = None if is_shown else _key(kind)
    # Showing an entry is recorded as a view: another press reads it, and records it, anew.
    st.session_state.pop(_FIRST_KEY, None)


def _first_entry(context: ExportContext, person: Person, preview: RunPreview) -> None:
    """Show the first entry of a run as its receiver gets it; it is read once a press."""
    if _FIRST_KEY not in st.session_state:
        try:
            first = runs.preview_first_entry(context, person, preview.kind, utc_now())
        except EfterskriftError as error:
            show_error(error)
            return
        st.session_state[_FIRST_KEY] = first
    first = st.session_state[_FIRST_KEY]
    if first is None:
        return
    with st.container(border=True, key=f"preview-{_key(preview.kind)}"):
        st.markdown(f"**{md('export.first', entry=first.entry_id, name=route_title(preview))}**")
        st.caption(t("export.first_what"))
        if first.pdf:
            picture = render_own_pdf(first.pdf, 1, size=(_PREVIEW_WIDTH_PX, None))
            st.image(cv2.imencode(".png", picture)[1].tobytes())
            return
        show_table(("export.column.name", "export.column.value"), first.rows)


@requires_open_session
def _make_run(
    context: ExportContext,
    person: Person,
    kind: RunKind,
    run_and_report: RunAndReport,
    by_hand: Sequence[str] = (),
) -> None:
    def make() -> str:
        job: RunOnce[Sequence[Run]] = run_once(_MADE_KEY)
        make_runs = partial(runs.make_runs_of_kind, context, person, kind, utc_now())
        job.run((kind, *by_hand), partial(make_runs, by_hand=by_hand))
        made = job.result() or ()
        if not made:
            return t("export.nothing_ready")
        run = made[0]
        st.session_state[NEWEST_RUN_KEY] = run.id
        st.session_state[_SHOWN_KEY] = None
        # A key-in list for each system and area of law
        if len(made) > 1:
            entries = sum(each.entries for each in made)
            return t("export.made_lists", lists=len(made), count=entries)
        return t("export.made", name=run.file_name, count=run.entries)

    run_and_report(make)


# Checking a table against the receiving system: a header line is pasted, differences are shown.


def header_check_form(context: ExportContext, target: str) -> None:
    """Show the field to paste a header line in, for targets that are tables."""
    if not has_table_schema(context, target):
        return
    with st.expander(t("header.title")):
        line = st.text_area(
            t("header.line"), key=f"header-{target}", placeholder=t("header.example"), height=80
        )
        if not line.strip():
            st.caption(t("header.what"))
            return
        try:
            checks = check_header(context, target, line)
        except EfterskriftError as error:
            st.error(plain_with_code(error_text(error)))
            return
        for check in checks:
            _show_check(context.forms.latest(check.form).title, check)


def _show_check(form: str, check: HeaderCheck) -> None:
    if check.is_match:
        st.success(md("header.fits", form=form))
        return
    lines_markdown = [md("header.differs", form=form)]
    lines_markdown += (
        [md("header.lacking", names=", ".join(check.lacking))] if check.lacking else []
    )
    lines_markdown += (
        [md("header.unknown", names=", ".join(check.unknown))] if check.unknown else []
    )
    lines_markdown += [] if check.in_order else [t("header.order")]
    st.warning("  \n".join([*lines_markdown, t("header.remedy")]))
