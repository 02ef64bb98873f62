"""A FHIR run's way to the server from the screen Export: a button, how far it has come, and how it
went.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed
from pipeline.export.fhir.sender import TARGET, SendResult, send_run
from pipeline.export.fhir.server import connect_fhir_server
from pipeline.export.runs import ExportContext
from pipeline.store.database.clock import utc_now
from pipeline.store.exports.runs import RunStatus
from ui.i18n import t


def send_button(
    context: ExportContext,
    person: Person,
    status: RunStatus,
    run_and_report: Callable[[Callable[[], str]], None],
) -> None:
    """The button, where a run has something to send. `tried` runs the sending and keeps what it
    says, or what went wrong, for the next drawing.
    """
    run = status.run
    if run.target != TARGET or not status.waiting or not is_allowed(person, Action.RECEIPT):
        return
    if not context.settings.fhir_url:
        st.caption(t("fhir.no_server"))
        return
    if st.button(
        t("fhir.send", count=status.waiting),
        key=f"send-{run.id}",
        type="primary",
        icon=":material/send:",
    ):
        run_and_report(lambda: _send_run(context, person, run.id))
        st.rerun()


def _send_run(context: ExportContext, person: Person, run_id: str) -> str:
    bar = st.progress(0.0, t("fhir.connecting"))
    with connect_fhir_server(context.settings) as server:
        sent = send_run(
            context, person, run_id, server, utc_now, lambda done, of: _show_progress(bar, done, of)
        )
    return _result_text(sent)


def _show_progress(bar: DeltaGenerator, done: int, of: int) -> None:
    bar.progress(done / of if of else 1.0, t("fhir.progress", done=done, of=of))


def _result_text(result: SendResult) -> str:
    parts = [t("fhir.sent", count=result.accepted, refused=result.refused)]
    if result.unanswered:
        parts.append(t("fhir.unanswered", count=result.unanswered))
    if result.overtaken:
        parts.append(t("fhir.overtaken", count=result.overtaken))
    return " ".join(parts)
