"""Sending a FHIR run to the server: a button, the progress, and the result."""

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
from ui.markdown import md


def send_button(
    context: ExportContext,
    person: Person,
    status: RunStatus,
    run_and_report: Callable[[Callable[[], str]], None],
) -> None:
    """Show the button, if the run has something to send.

    `run_and_report` runs the sending and stores its result or error for the next drawing.
    """
    run = status.run
    if run.target != TARGET or not status.waiting or not is_allowed(person, Action.RECEIPT):
        return
    if not context.settings.fhir_url:
        st.caption(t("fhir.no_server"))
        return
    if st.button(
        md("fhir.send", count=status.waiting),
        key=f"send-{run.id}",
        type="primary",
        icon=":material/send:",
    ):
        run_and_report(lambda: _send_run(context, person, run.id))
        st.rerun()


def _send_run(context: ExportContext, person: Person, run_id: str) -> str:
    bar = st.progress(0.0, t("fhir.connecting"))
    with connect_fhir_server(context.settings) as server:
        result = send_run(
            context,
            person,
            run_id,
            server,
            utc_now,
            lambda sent, total: _show_progress(bar, sent, total),
        )
    return _result_text(result)


def _show_progress(bar: DeltaGenerator, sent: int, total: int) -> None:
    bar.progress(sent / total if total else 1.0, md("fhir.progress", done=sent, of=total))


def _result_text(result: SendResult) -> str:
    texts = [t("fhir.sent", count=result.accepted, refused=result.refused)]
    if result.unanswered:
        texts.append(t("fhir.unanswered", count=result.unanswered))
    if result.overtaken:
        texts.append(t("fhir.overtaken", count=result.overtaken))
    return " ".join(texts)
