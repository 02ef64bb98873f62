"""Export: what is ready, the files that were made, and what the receiving systems said."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from pipeline.access import Action, allowed
from pipeline.errors import EfterskriftError
from pipeline.export import STATISTICS, receipts, run_files, runs
from pipeline.export.clashes import HELD
from pipeline.export.receipts import Answer, ReceiptResult
from pipeline.export.runs import Office, Ready
from pipeline.model import Person
from pipeline.payments import TARGET as PAYMENTS
from pipeline.record import Run
from pipeline.store.clock import utc_now
from pipeline.store.export_runs import RunStatus
from ui.components.faults import fault_text, show_fault
from ui.components.header_check import header_check
from ui.components.heading import choose_files_in_words, heading
from ui.components.once import just_made
from ui.components.send_run import send_button
from ui.components.target_name import target_name
from ui.fault_words import in_language
from ui.session import while_open
from ui.site import Site
from ui.text import language, moment, t

_NEWEST, _FILE, _SAID = "newest_run", "run_file", "export_said"
_A_ROW = 3
"""Targets side by side."""


def show(here: Site, person: Person) -> None:
    """The screen."""
    office = Office(here.store, here.settings, here.forms)
    heading(here, person, t("export.title"), t("export.what"))
    if said := st.session_state.pop(_SAID, None):
        kind, text = said
        (st.success if kind == "ok" else st.error)(text)
    _ready(office, person)
    history = run_files.history(office, person)
    st.header(t("export.history"), anchor=False)
    if not history:
        st.caption(t("export.no_history"))
        return
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        for status in history:
            _run(office, person, status)
    if allowed(person, Action.RECEIPT):
        with right:
            _receipt_file(office, person)


def _ready(office: Office, person: Person) -> None:
    found = [ready for ready in runs.ready(office, person) if ready.entries or ready.unfit or ready.fault]
    st.header(t("export.ready"), anchor=False)
    if unsigned := runs.unsigned(office, person):
        st.info(t("export.unsigned", count=unsigned), icon=":material/signature:")
    if waiting := {one.entry_id for ready in found for one in ready.unfit if one.reason == HELD}:
        st.warning(t("export.held", count=len(waiting)), icon=":material/content_copy:")
    taking = [ready for ready in found if ready.target not in STATISTICS]
    if not taking:
        st.caption(t("export.nothing_ready"))
    _cards(office, person, taking)
    if telling := [ready for ready in found if ready.target in STATISTICS]:
        st.header(t("export.statistics"), anchor=False)
        st.caption(t("export.statistics_what", units=", ".join(sorted(person.units))))
        _cards(office, person, telling)


def _cards(office: Office, person: Person, found: list[Ready]) -> None:
    """The targets side by side, a row of three at a time."""
    for start in range(0, len(found), _A_ROW):
        row = found[start : start + _A_ROW]
        for column, ready in zip(st.columns(_A_ROW), row, strict=False):
            with column, st.container(border=True, height="stretch", vertical_alignment="distribute"):
                _target(office, person, ready)


def _target(office: Office, person: Person, ready: Ready) -> None:
    st.markdown(f"**{in_language(ready.title, language())}**")
    if ready.fault:
        show_fault(ready.fault)
        return
    for notice in ready.notices:
        st.warning(in_language(notice, language()), icon=":material/rule:")
    st.metric(t("export.entries"), ready.entries, label_visibility="collapsed")
    st.caption(t("export.amendments", count=ready.amendments) if ready.amendments else t("export.entries_ready", count=ready.entries))
    if ready.target == PAYMENTS and ready.entries:
        st.error(t("export.payment_warning"), icon=":material/warning:")
    waiting = [one for one in ready.unfit if one.reason == HELD]
    for label, left_out in (("export.held_here", waiting), ("export.unfit", [one for one in ready.unfit if one not in waiting])):
        if left_out:
            with st.expander(t(label, count=len(left_out))):
                for one in left_out:
                    st.caption(f"{one.entry_id}: {in_language(one.reason, language())}")
    st.button(
        t("export.tell" if ready.target in STATISTICS else "export.make"),
        key=f"make-{ready.target}",
        disabled=not ready.entries,
        width="stretch",
        on_click=partial(_make, office, person, ready.target),
    )
    header_check(office, ready.target)


@while_open
def _make(office: Office, person: Person, target: str) -> None:
    def make() -> str:
        pressed = utc_now()
        run = runs.make_run(office, person, target, pressed) or just_made(_runs_of(office, person, target), person, pressed)
        if run is None:
            return t("export.nothing_ready")
        st.session_state[_NEWEST] = run.id
        return t("export.made", name=run.file_name, count=run.entries)

    _tried(make)


def _runs_of(office: Office, person: Person, target: str) -> list[Run]:
    return [status.run for status in run_files.history(office, person) if status.run.target == target]


def _run(office: Office, person: Person, status: RunStatus) -> None:
    run = status.run
    newest = run.id == st.session_state.get(_NEWEST)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            made = t("export.run", count=run.entries, at=moment(run.made_at), by=run.made_by)
            st.markdown(f"**{target_name(run.target)}**  \n{run.file_name}  \n{made}")
            if not status.hidden:  # the file holds everything
                st.download_button(
                    t("export.download"),
                    data=partial(_file, office, person, run.id),
                    file_name=run.file_name,
                    key=f"download-{run.id}",
                    type="primary" if newest else "secondary",
                    on_click="ignore",
                )
            if status.waiting and allowed(person, Action.RECEIPT):
                st.download_button(
                    t("export.template"),
                    data=partial(_template, office, person, run.id),
                    file_name=f"kvittens-{run.id}.csv",
                    mime="text/csv",
                    key=f"template-{run.id}",
                    on_click="ignore",
                )
        if status.hidden:
            st.info(t("export.hidden", count=status.hidden), icon=":material/visibility_off:")
        else:
            st.caption(t("export.secret"))
        st.caption(t("export.checksum", sha256=run.sha256))
        if status.answered:
            st.caption(t("export.answers", accepted=status.accepted, refused=status.refused, waiting=status.waiting))
        send_button(office, person, status, _tried)
        if status.waiting and allowed(person, Action.RECEIPT):
            st.toggle(t("export.tick"), key=f"tick-{run.id}")
            if st.session_state.get(f"tick-{run.id}"):
                _ticks(office, person, run.id)


def _file(office: Office, person: Person, run_id: str) -> bytes:
    """The run's bytes when the person really asks for them: that look is recorded."""
    return run_files.run_file(office, person, run_id).data


def _template(office: Office, person: Person, run_id: str) -> bytes:
    """The receipt file to fill in."""
    return receipts.receipt_template(office, person, run_id).data


def _ticks(office: Office, person: Person, run_id: str) -> None:
    items = [item for item in receipts.run_items(office, person, run_id) if item.accepted is None]
    with st.form(f"receipt-{run_id}", border=False):
        columns = [
            t("export.column.number"),
            t("export.column.entry"),
            t("export.column.accepted"),
            t("export.column.refused"),
            t("export.column.text"),
        ]
        table = pd.DataFrame([(item.number, item.entry_id, False, False, "") for item in items], columns=columns)
        edited = st.data_editor(table, hide_index=True, disabled=columns[:2], width="stretch", key=f"ticks-{run_id}")
        every = st.checkbox(t("export.all_accepted"), key=f"all-{run_id}")
        sent = st.form_submit_button(t("export.save_receipts"), key=f"save-{run_id}", type="primary")
    if sent:
        answers = _answers(edited.to_numpy().tolist(), every=every)
        _tried(lambda: _told(receipts.give_receipts(office, person, run_id, answers, utc_now())))
        st.rerun()


def _answers(rows: list[list[object]], *, every: bool) -> list[Answer]:
    """What was ticked. A refusal stands, whatever else is ticked: the entry then waits for a person again."""
    return [
        Answer(str(entry), accepted=not refused, text=str(text or "")) for _, entry, accepted, refused, text in rows if every or accepted or refused
    ]


def _receipt_file(office: Office, person: Person) -> None:
    choose_files_in_words()
    with st.form("receipt_file", border=True, clear_on_submit=True):
        st.markdown(f"**{t('export.receipt_file')}**")
        st.caption(t("export.receipt_file_what"))
        file = st.file_uploader(t("export.receipt_file"), type=["csv"], key="receipt_upload", label_visibility="collapsed")
        sent = st.form_submit_button(t("export.read_receipts"), key="receipt_submit")
    if sent and file is not None:
        data = file.getvalue()
        _tried(lambda: _told(receipts.apply_receipt_file(office, person, data, utc_now())))
        st.rerun()


def _told(result: ReceiptResult) -> str:
    said = t("export.receipts_read", accepted=result.accepted, refused=result.refused, already=result.already)
    return f"{said} {t('export.receipts_hidden', count=result.hidden)}" if result.hidden else said


def _tried(act: Callable[[], str]) -> None:
    try:
        st.session_state[_SAID] = ("ok", act())
    except EfterskriftError as error:
        st.session_state[_SAID] = ("fault", fault_text(error))
