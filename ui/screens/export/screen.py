"""Export: what is ready, the files that were made, and the receipts of the receiving systems."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed, permitted_units
from pipeline.domain.record import Run
from pipeline.export import runs
from pipeline.export.care_system_check.matches import HELD_FOR_MATCH
from pipeline.export.payments.approval import PAYMENT_TARGET as PAYMENTS
from pipeline.export.runs import ExportContext, TargetStatus, receipts
from pipeline.export.runs.receipts import ReceiptAnswer, ReceiptResult
from pipeline.export.tables.table_schema import (
    MEDIA_TYPE,
    SUFFIX,
    fetch_run_schema,
    has_table_schema,
)
from pipeline.export.targets import STATISTICS
from pipeline.store.database.clock import utc_now
from pipeline.store.exports.runs import RunStatus
from ui.i18n import format_moment, show_text, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.export.fhir_send import send_button
from ui.screens.export.header_check import header_check_form
from ui.session import requires_open_session
from ui.widgets.errors import error_text, show_error
from ui.widgets.heading import screen_heading, translate_upload_button
from ui.widgets.run_once import find_just_created
from ui.widgets.target_name import target_name
from ui.workspace import AppContext

_NEWEST_RUN_KEY, _RUN_FILE_KEY, _MESSAGE_KEY = "newest_run", "run_file", "export_said"
_CARDS_PER_ROW = 3
"""Targets next to each other."""


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    export_context = ExportContext(context.store, context.settings, context.forms)
    screen_heading(context, person, t("export.title"), t("export.what"))
    if message := st.session_state.pop(_MESSAGE_KEY, None):
        kind, text = message
        (st.success if kind == "ok" else st.error)(plain_with_code(text))
    _ready_section(export_context, person)
    history = runs.list_runs(export_context, person)
    st.header(t("export.history"), anchor=False)
    if not history:
        st.caption(t("export.no_history"))
        return
    if undelivered := [status for status in history if not status.is_delivered]:
        st.warning(md("export.undelivered", count=len(undelivered)), icon=":material/unarchive:")
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        for status in history:
            _show_run(export_context, person, status)
    if is_allowed(person, Action.RECEIPT):
        with right:
            _receipt_upload(export_context, person)


def _ready_section(context: ExportContext, person: Person) -> None:
    targets = [
        target
        for target in runs.list_target_status(context, person)
        if target.entries or target.unsupported or target.fault
    ]
    st.header(t("export.ready"), anchor=False)
    if unsigned := runs.count_unsigned(context, person):
        st.info(md("export.unsigned", count=unsigned), icon=":material/signature:")
    if held_ids := {
        item.entry_id
        for target in targets
        for item in target.unsupported
        if item.reason == HELD_FOR_MATCH
    }:
        st.warning(md("export.held", count=len(held_ids)), icon=":material/content_copy:")
    # Statistics are sent to authorities, and listed apart from the care systems.
    systems = [target for target in targets if target.target not in STATISTICS]
    if not systems:
        st.caption(t("export.nothing_ready"))
    _target_cards(context, person, systems)
    if statistics := [target for target in targets if target.target in STATISTICS]:
        st.header(t("export.statistics"), anchor=False)
        st.caption(
            md(
                "export.statistics_what",
                units=", ".join(sorted(permitted_units(person, Action.EXPORT))),
            )
        )
        _target_cards(context, person, statistics)


def _target_cards(context: ExportContext, person: Person, targets: list[TargetStatus]) -> None:
    """Show the targets next to each other, a row of three at a time."""
    for start in range(0, len(targets), _CARDS_PER_ROW):
        row = targets[start : start + _CARDS_PER_ROW]
        for column, ready in zip(st.columns(_CARDS_PER_ROW), row, strict=False):
            with (
                column,
                st.container(border=True, height="stretch", vertical_alignment="distribute"),
            ):
                _target_card(context, person, ready)


def _target_card(context: ExportContext, person: Person, ready: TargetStatus) -> None:
    st.markdown(f"**{plain(show_text(ready.title))}**")
    if ready.fault:
        show_error(ready.fault)
        return
    for notice in ready.notices:
        st.warning(plain(show_text(notice)), icon=":material/rule:")
    st.metric(t("export.entries"), plain(ready.entries), label_visibility="collapsed")
    st.caption(
        md("export.amendments", count=ready.amendments)
        if ready.amendments
        else md("export.entries_ready", count=ready.entries)
    )
    if ready.target == PAYMENTS and ready.entries:
        st.error(t("export.payment_warning"), icon=":material/warning:")
    held = [item for item in ready.unsupported if item.reason == HELD_FOR_MATCH]
    for label, items in (
        ("export.held_here", held),
        ("export.unfit", [item for item in ready.unsupported if item not in held]),
    ):
        if items:
            with st.expander(md(label, count=len(items))):
                for item in items:
                    st.caption(f"{plain(item.entry_id)}: {plain(show_text(item.reason))}")
    st.button(
        t("export.tell" if ready.target in STATISTICS else "export.make"),
        key=f"make-{ready.target}",
        disabled=not ready.entries,
        width="stretch",
        on_click=partial(_make_run, context, person, ready.target),
    )
    header_check_form(context, ready.target)


@requires_open_session
def _make_run(context: ExportContext, person: Person, target: str) -> None:
    def make() -> str:
        clicked_at = utc_now()
        run = runs.make_run(context, person, target, clicked_at) or find_just_created(
            _list_runs(context, person, target), person, clicked_at
        )
        if run is None:
            return t("export.nothing_ready")
        st.session_state[_NEWEST_RUN_KEY] = run.id
        return t("export.made", name=run.file_name, count=run.entries)

    _run_and_report(make)


def _list_runs(context: ExportContext, person: Person, target: str) -> list[Run]:
    return [status.run for status in runs.list_runs(context, person) if status.run.target == target]


def _show_run(context: ExportContext, person: Person, status: RunStatus) -> None:
    run = status.run
    is_newest = run.id == st.session_state.get(_NEWEST_RUN_KEY)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            made = t("export.run", count=run.entries, at=format_moment(run.made_at), by=run.made_by)
            st.markdown(
                f"**{plain(target_name(run.target))}**  \n{plain(run.file_name)}  \n{plain(made)}"
            )
            if not status.is_delivered:
                st.badge(t("export.not_fetched"), icon=":material/unarchive:", color="orange")
            if not status.hidden:  # the file holds everything
                st.download_button(
                    t("export.download"),
                    data=partial(_load_run_file, context, person, run.id),
                    file_name=run.file_name,
                    key=f"download-{run.id}",
                    type="primary" if is_newest or not status.is_delivered else "secondary",
                    on_click="ignore",
                )
            if has_table_schema(run.target):
                st.download_button(
                    t("export.schema"),
                    data=partial(_load_run_schema, context, person, run.id),
                    file_name=f"{run.file_name}{SUFFIX}",
                    mime=MEDIA_TYPE,
                    key=f"schema-{run.id}",
                    help=t("export.schema_what"),
                    type="tertiary",
                    on_click="ignore",
                )
            if status.waiting and is_allowed(person, Action.RECEIPT):
                st.download_button(
                    t("export.template"),
                    data=partial(_load_receipt_template, context, person, run.id),
                    file_name=f"kvittens-{run.id}.csv",
                    mime="text/csv",
                    key=f"template-{run.id}",
                    on_click="ignore",
                )
        if status.hidden:
            st.info(md("export.hidden", count=status.hidden), icon=":material/visibility_off:")
        else:
            st.caption(t("export.secret"))
        st.caption(md("export.checksum", sha256=run.sha256))
        if status.has_receipts:
            st.caption(
                md(
                    "export.answers",
                    accepted=status.accepted,
                    refused=status.refused,
                    waiting=status.waiting,
                )
            )
        send_button(context, person, status, _run_and_report)
        if status.waiting and is_allowed(person, Action.RECEIPT):
            st.toggle(t("export.tick"), key=f"tick-{run.id}")
            if st.session_state.get(f"tick-{run.id}"):
                _receipt_form(context, person, run.id)


def _load_run_file(context: ExportContext, person: Person, run_id: str) -> bytes:
    """Return the run's bytes when the user fetches them: view and delivery are recorded."""
    data = runs.fetch_run_file(context, person, run_id).data
    runs.confirm_delivery(context, person, run_id, utc_now())
    return data


def _load_run_schema(context: ExportContext, person: Person, run_id: str) -> bytes:
    """Return the Table Schema of the run's file, for who reads it."""
    return fetch_run_schema(context, person, run_id) or b""


def _load_receipt_template(context: ExportContext, person: Person, run_id: str) -> bytes:
    """Return the receipt file to fill in."""
    return receipts.fetch_receipt_template(context, person, run_id).data


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
        answers = _receipt_answers(
            edited_table.to_numpy().tolist(), is_all_accepted=is_all_accepted
        )
        _run_and_report(
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
        _run_and_report(
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
    return f"{text} {t('export.receipts_hidden', count=result.hidden)}" if result.hidden else text


def _run_and_report(action: Callable[[], str]) -> None:
    try:
        st.session_state[_MESSAGE_KEY] = ("ok", action())
    except EfterskriftError as error:
        st.session_state[_MESSAGE_KEY] = ("fault", error_text(error))
