"""A FHIR run's way to the server from the screen Export: a button, how far it has come, and how it went."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pipeline.access import Action, allowed
from pipeline.export.fhir.send import TARGET, Sent, send_run
from pipeline.export.fhir.server import connected
from pipeline.export.runs import Office
from pipeline.model import Person
from pipeline.store.clock import utc_now
from pipeline.store.export_runs import RunStatus
from ui.text import t


def send_button(office: Office, person: Person, status: RunStatus, tried: Callable[[Callable[[], str]], None]) -> None:
    """The button, where a run has something to send. `tried` runs the sending and keeps what it says, or what went wrong, for the next drawing."""
    run = status.run
    if run.target != TARGET or not status.waiting or not allowed(person, Action.RECEIPT):
        return
    if not office.settings.fhir_url:
        st.caption(t("fhir.no_server"))
        return
    if st.button(t("fhir.send", count=status.waiting), key=f"send-{run.id}", type="primary", icon=":material/send:"):
        tried(lambda: _send(office, person, run.id))
        st.rerun()


def _send(office: Office, person: Person, run_id: str) -> str:
    bar = st.progress(0.0, t("fhir.connecting"))
    with connected(office.settings) as server:
        sent = send_run(office, person, run_id, server, utc_now, lambda done, of: _show(bar, done, of))
    return _told(sent)


def _show(bar: DeltaGenerator, done: int, of: int) -> None:
    bar.progress(done / of if of else 1.0, t("fhir.progress", done=done, of=of))


def _told(sent: Sent) -> str:
    parts = [t("fhir.sent", count=sent.accepted, refused=sent.refused)]
    if sent.unanswered:
        parts.append(t("fhir.unanswered", count=sent.unanswered))
    if sent.overtaken:
        parts.append(t("fhir.overtaken", count=sent.overtaken))
    return " ".join(parts)
