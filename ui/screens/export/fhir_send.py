"""Sending a FHIR run to the server and reading it back: buttons, progress, and what was found."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed
from pipeline.export.fhir.read_back.comparison import difference_text
from pipeline.export.fhir.read_back.read_run import (
    Reading,
    RunProofs,
    load_run_proofs,
    read_back_run,
)
from pipeline.export.fhir.sender import TARGET, SendResult, send_run
from pipeline.export.fhir.server import FhirServer, connect_fhir_server
from pipeline.export.runs import ExportContext
from pipeline.store.database.clock import utc_now
from pipeline.store.exports.proofs import Finding
from pipeline.store.exports.runs import RunStatus
from ui.i18n import show_text, t
from ui.markdown import md
from ui.widgets.errors import error_text


def send_button(
    context: ExportContext,
    person: Person,
    status: RunStatus,
    run_and_report: Callable[[Callable[[], str]], None],
) -> None:
    """Show what was found of a run at the server, and the button for what is next.

    `run_and_report` runs an action and stores its result or error for the next drawing.
    """
    run = status.run
    if run.target != TARGET or not is_allowed(person, Action.RECEIPT):
        return
    found = load_run_proofs(context, person, run.id)
    _show_proofs(found)
    if not status.waiting and not found.entries:
        return
    if not context.settings.fhir_url:
        if status.waiting or found.unproven:
            st.caption(t("fhir.no_server"))
        return
    with st.container(horizontal=True):
        if status.waiting and st.button(
            md("fhir.send", count=status.waiting),
            key=f"send-{run.id}",
            type="primary",
            icon=":material/send:",
        ):
            run_and_report(lambda: _send_run(context, person, run.id))
            st.rerun()
        # Also a run that is proven: the server is asked for all of it again.
        if found.entries and st.button(
            t("fhir.read_back"), key=f"read-back-{run.id}", icon=":material/fact_check:"
        ):
            run_and_report(lambda: _read_back_run(context, person, run.id))
            st.rerun()


def _show_proofs(found: RunProofs) -> None:
    """Show how many entries are proven, and what differs of others."""
    if found.proofs:
        st.caption(md("fhir.proven", same=found.count(Finding.SAME), entries=found.entries))
    if missing := found.count(Finding.MISSING):
        st.warning(md("fhir.missing", count=missing), icon=":material/search_off:")
    if different := [proof for proof in found.proofs if proof.found is Finding.DIFFERENT]:
        st.error(md("fhir.different", count=len(different)), icon=":material/difference:")
        for proof in different:
            names = "; ".join(show_text(difference_text(each)) for each in proof.differences)
            st.caption(md("fhir.difference", entry=proof.entry_id, differences=names))


def _send_run(context: ExportContext, person: Person, run_id: str) -> str:
    bar = st.progress(0.0, t("fhir.connecting"))
    with connect_fhir_server(context.settings) as server:
        result = send_run(
            context,
            person,
            run_id,
            server,
            utc_now,
            lambda done, of: _show_progress(bar, "fhir.progress", done, of),
        )
        return f"{_result_text(result)} {_read_back_text(context, person, run_id, server)}".strip()


def _read_back_text(context: ExportContext, person: Person, run_id: str, server: FhirServer) -> str:
    """Read back what was sent; if that fails, say why: what was sent stays sent."""
    try:
        found = read_back_run(context, person, run_id, server, Reading(only_unproven=True))
    except EfterskriftError as error:
        return t("fhir.not_read_back", reason=error_text(error))
    return t("fhir.proven", same=found.count(Finding.SAME), entries=found.entries)


def _read_back_run(context: ExportContext, person: Person, run_id: str) -> str:
    bar = st.progress(0.0, t("fhir.connecting"))
    with connect_fhir_server(context.settings) as server:
        reading = Reading(
            on_progress=lambda done, of: _show_progress(bar, "fhir.reading_back", done, of)
        )
        found = read_back_run(context, person, run_id, server, reading)
    return t("fhir.proven", same=found.count(Finding.SAME), entries=found.entries)


def _show_progress(bar: DeltaGenerator, key: str, done: int, total: int) -> None:
    bar.progress(done / total if total else 1.0, md(key, done=done, of=total))


def _result_text(result: SendResult) -> str:
    texts = [t("fhir.sent", count=result.accepted, refused=result.refused)]
    if result.unanswered:
        texts.append(t("fhir.unanswered", count=result.unanswered))
    if result.overtaken:
        texts.append(t("fhir.overtaken", count=result.overtaken))
    return " ".join(texts)
