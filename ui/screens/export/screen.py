"""Export: what is ready, the files that were made, and the receipts of the receiving systems."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.domain.record import MANUAL_ENTRY_TARGET, Run
from pipeline.export import runs
from pipeline.export.manual_entry.one_list import find_run_destinations
from pipeline.export.runs import ExportContext, receipts
from pipeline.export.runs.receipts import ReceiptAnswer, ReceiptResult
from pipeline.export.tables.table_schema import (
    MEDIA_TYPE,
    SUFFIX,
    fetch_run_schema,
    has_table_schema,
)
from pipeline.store.exports.runs import RunStatus
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md, plain
from ui.screens.export.ready import NEWEST_RUN_KEY, show_ready
from ui.screens.export.receipts_by_list import receipts_by_list
from ui.screens.export.unproven import UNPROVEN_ROUTE_KEY, show_runs_of, unproven_section
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading, translate_upload_button
from ui.widgets.messages import Message
from ui.widgets.target_name import target_name
from ui.workspace import AppContext

_MESSAGE = Message("export_said")


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    export_context = ExportContext(context.store, context.settings, context.forms)
    screen_heading(context, person, t("export.title"), t("export.what"))
    _MESSAGE.show()
    unproven_section(export_context, person)
    show_ready(export_context, person, _MESSAGE.report)
    history = runs.list_runs(export_context, person)
    st.header(t("export.history"), anchor=False)
    if not history:
        st.caption(t("export.no_history"))
        return
    # Lists to key in wait on a screen of their own.
    if undelivered := [
        status
        for status in history
        if status.is_unclaimed and status.run.target != MANUAL_ENTRY_TARGET
    ]:
        st.warning(md("export.undelivered", count=len(undelivered)), icon=":material/unarchive:")
        _watch_deliveries(export_context, person, {status.run.id for status in undelivered})
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        shown = _runs_shown(history)
        places = context.store.query(
            find_run_destinations, context.forms, [one.run for one in shown]
        )
        main_run = _find_main_run(shown)
        for status in shown:
            destination = places.get(status.run.id, "")
            _show_run(export_context, person, status, destination, is_main=status is main_run)
    if is_allowed(person, Action.RECEIPT):
        with right:
            _receipt_upload(export_context, person)
            receipts_by_list(export_context, person, history, _MESSAGE.report)


@st.fragment(run_every="3s")
def _watch_deliveries(context: ExportContext, person: Person, shown: set[str]) -> None:
    """Draw the screen again when a run that it calls not fetched has been fetched or undone.

    Streamlit draws a screen before the file of a press is made.
    """
    unclaimed = {one.run.id for one in runs.list_runs(context, person) if one.is_unclaimed}
    if shown - unclaimed:
        st.rerun()


def _runs_shown(history: Sequence[RunStatus]) -> Sequence[RunStatus]:
    """Return all runs, or those of one route without a receipt that the user asked for."""
    route = st.session_state.get(UNPROVEN_ROUTE_KEY)
    if not route:
        return history
    st.info(md("export.only_unproven", route=route), icon=":material/filter_alt:")
    st.button(t("export.show_all"), key="show_all_runs", on_click=partial(show_runs_of, None))
    return [status for status in history if status.run.route == route and status.waiting]


def _find_main_run(shown: Sequence[RunStatus]) -> RunStatus | None:
    """Return the run whose file is the next to be fetched: the newest one, or one of before."""
    newest = st.session_state.get(NEWEST_RUN_KEY)
    unclaimed = [status for status in shown if status.is_unclaimed]
    return next(
        (status for status in shown if status.run.id == newest), next(iter(unclaimed), None)
    )


def _show_run(
    context: ExportContext, person: Person, status: RunStatus, destination: str, *, is_main: bool
) -> None:
    run = status.run
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            made = t("export.run", count=run.entries, at=format_moment(run.made_at), by=run.made_by)
            title = " · ".join(filter(None, (_run_title(run), destination)))
            st.markdown(f"**{plain(title)}**  \n{plain(run.file_name)}  \n{plain(made)}")
            if status.is_undone:
                st.badge(t("export.undone"), icon=":material/undo:", color="grey")
            if status.is_unclaimed:
                st.badge(t("export.not_fetched"), icon=":material/unarchive:", color="orange")
            # The file holds everything
            if not status.hidden and not status.is_undone:
                st.download_button(
                    t("export.download"),
                    data=partial(_load_run_file, context, person, run.id),
                    file_name=run.file_name,
                    key=f"download-{run.id}",
                    type="primary" if is_main else "secondary",
                    on_click="ignore",
                )
            if has_table_schema(context, run.target) and not status.is_undone:
                st.download_button(
                    t("export.schema"),
                    data=lambda: fetch_run_schema(context, person, run.id) or b"",
                    file_name=f"{run.file_name}{SUFFIX}",
                    mime=MEDIA_TYPE,
                    key=f"schema-{run.id}",
                    help=t("export.schema_what"),
                    type="tertiary",
                    on_click="ignore",
                )
            if status.is_unclaimed and not status.hidden:
                st.button(
                    t("export.undo"),
                    key=f"undo-{run.id}",
                    help=t("export.undo_what"),
                    on_click=partial(_undo_run, context, person, run.id),
                )
            if status.waiting and is_allowed(person, Action.RECEIPT):
                st.download_button(
                    t("export.template"),
                    data=lambda: receipts.fetch_receipt_template(context, person, run.id).data,
                    file_name=f"kvittens-{run.id}.csv",
                    mime="text/csv",
                    key=f"template-{run.id}",
                    on_click="ignore",
                )
        if status.hidden:
            st.info(md("export.hidden", count=status.hidden), icon=":material/visibility_off:")
        elif not status.is_undone:
            st.caption(t("export.secret"))
        if status.has_receipts and not status.is_undone:
            st.caption(
                md(
                    "export.answers",
                    accepted=status.accepted,
                    refused=status.refused,
                    waiting=status.waiting,
                )
            )
        if status.waiting and is_allowed(person, Action.RECEIPT):
            st.toggle(t("export.tick"), key=f"tick-{run.id}")
            if st.session_state.get(f"tick-{run.id}"):
                _receipt_form(context, person, run.id)


def _run_title(run: Run) -> str:
    """Return the name of a run's format, after that of its route where it has one of its own."""
    target = target_name(run.target)
    return target if run.route == run.target else f"{run.route} · {target}"


@requires_open_session
def _undo_run(context: ExportContext, person: Person, run_id: str) -> None:
    _MESSAGE.report(
        lambda: t("export.run_undone", count=runs.undo_run(context, person, run_id, utc_now()))
    )


def _load_run_file(context: ExportContext, person: Person, run_id: str) -> bytes:
    """Return the run's bytes when the user fetches them: view and delivery are recorded."""
    data = runs.fetch_run_file(context, person, run_id).data
    runs.confirm_delivery(context, person, run_id, utc_now())
    return data


def _receipt_form(context: ExportContext, person: Person, run_id: str) -> None:
    items = [
        item for item in receipts.open_run_items(context, person, run_id) if item.accepted is None
    ]
    with st.form(f"receipt-{run_id}", border=False):
        columns = [
            t("export.column.number"),
            t("export.column.entry"),
            t("export.column.accepted"),
            t("export.column.refused"),
            t("export.column.text"),
        ]
        table = pd.DataFrame(
            [(item.number, item.entry_id, False, False, "") for item in items], columns=columns
        )
        edited_table = st.data_editor(
            table, hide_index=True, disabled=columns[:2], width="stretch", key=f"ticks-{run_id}"
        )
        is_all_accepted = st.checkbox(t("export.all_accepted"), key=f"all-{run_id}")
        is_sent = st.form_submit_button(
            t("export.save_receipts"), key=f"save-{run_id}", type="primary"
        )
    if is_sent:
        # The message stands at the top of the screen, which this run has drawn already.
        answers = _receipt_answers(
            edited_table.to_numpy().tolist(), is_all_accepted=is_all_accepted
        )
        _MESSAGE.report(
            lambda: _receipt_result_text(
                receipts.submit_receipts(context, person, run_id, answers, utc_now())
            )
        )
        st.rerun()


def _receipt_answers(rows: list[list[object]], *, is_all_accepted: bool) -> list[ReceiptAnswer]:
    """Return the answers that were ticked.

    A refusal counts whatever else is ticked: the entry then waits for a person again.
    """
    return [
        ReceiptAnswer(str(entry), accepted=not refused, text=str(text or ""))
        for _, entry, accepted, refused, text in rows
        if is_all_accepted or accepted or refused
    ]


def _receipt_upload(context: ExportContext, person: Person) -> None:
    translate_upload_button()
    with st.form("receipt_file", border=True, clear_on_submit=True):
        st.markdown(f"**{t('export.receipt_file')}**")
        st.caption(t("export.receipt_file_what"))
        file = st.file_uploader(
            t("export.receipt_file"),
            type=["csv", "xlsx"],
            key="receipt_upload",
            label_visibility="collapsed",
        )
        is_sent = st.form_submit_button(t("export.read_receipts"), key="receipt_submit")
    if is_sent and file is not None:
        data = file.getvalue()
        _MESSAGE.report(
            lambda: _receipt_result_text(
                receipts.apply_receipt_file(context, person, data, utc_now())
            )
        )
        st.rerun()


def _receipt_result_text(result: ReceiptResult) -> str:
    text = t(
        "export.receipts_read",
        accepted=result.accepted,
        refused=result.refused,
        already=result.already,
    )
    if result.refused:
        text = f"{text} {t('export.refused_are_back')}"
    return f"{text} {t('export.receipts_hidden', count=result.hidden)}" if result.hidden else text
