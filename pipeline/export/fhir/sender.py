"""Sending a run's transactions to the FHIR server; each answer becomes the entry's receipt at once.

A process that ends in between leaves entries without receipts: sending again takes those. One
that the server accepted and whose receipt was not written is sent again; the server then finds
that it has it (If-None-Exist), which is a receipt too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipeline.domain.errors import ExportError, TargetUnavailableError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action
from pipeline.export.exporter import DATA_LANGUAGE
from pipeline.export.fhir.amendments import end_earlier_versions
from pipeline.export.fhir.bundle import FORMS_BUNDLE_NUMBER, bundle_position
from pipeline.export.fhir.resource_context import DOCUMENT_TYPE, Resource
from pipeline.export.fhir.server import FhirServer, ServerReply
from pipeline.export.runs import ExportContext, require_run
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.files.text import make_printable
from pipeline.store.event_log import events
from pipeline.store.exports import run_items, runs
from pipeline.store.exports.run_items import RunItem
from pipeline.store.exports.sender_lock import sender_lock
from pipeline.texts import Text

_MAX_TEXT_LENGTH = 500
"""Characters of a receipt's text."""
PARTLY_ACCEPTED = Text("fhir_text.partly_accepted")
"""Added to a refusal by a server that does not keep transactions together."""
TARGET = "fhir"
_MAX_CONSECUTIVE_FAILURES = 2
"""A server that fails on one transaction may accept the next; one that fails on two is away."""


def receipt_answer(entry_id: str, reply: ServerReply) -> ReceiptAnswer:
    """Return the receipt that a server's answer to a transaction means.

    Its text is where the server has the document, or why it was refused.
    """
    entries: list[Resource] = reply.body.get("entry", []) if reply.accepted else []
    failed = [entry for entry in entries if not _entry_status(entry).startswith("2")]
    if entries and not failed:
        return ReceiptAnswer(entry_id, accepted=True, text=_document_location(entries))
    words = _outcome_text(
        failed[0].get("response", {}).get("outcome", {}) if failed else reply.body
    )
    # A server that does not keep transactions together may have a part of the entry now.
    is_partly_accepted = 0 < len(failed) < len(entries)
    partly = PARTLY_ACCEPTED.in_language(DATA_LANGUAGE) if is_partly_accepted else ""
    return ReceiptAnswer(
        entry_id,
        accepted=False,
        text=" ".join(part for part in (words, partly) if part)[:_MAX_TEXT_LENGTH],
    )


def _entry_status(entry: Resource) -> str:
    return str(entry.get("response", {}).get("status", ""))


def _document_location(entries: list[Resource]) -> str:
    """Return `DocumentReference/<id>` at the server; empty if the answer does not say it."""
    locations = (str(entry.get("response", {}).get("location", "")) for entry in entries)
    location = next((each for each in locations if f"{DOCUMENT_TYPE}/" in each), "")
    _, separator, resource_id = location.partition(f"{DOCUMENT_TYPE}/")
    return f"{DOCUMENT_TYPE}/{resource_id.partition('/_history')[0]}" if separator else ""


def _outcome_text(outcome: dict[str, Any]) -> str:
    """Return the errors of an OperationOutcome in words."""
    issues = [
        issue
        for issue in outcome.get("issue", [])
        if isinstance(issue, dict) and issue.get("severity") in ("fatal", "error")
    ]
    texts = [
        issue.get("details", {}).get("text") or issue.get("diagnostics") or issue.get("code", "")
        for issue in issues
    ]
    return make_printable("; ".join(str(text) for text in texts if text))


class ProgressCallback(Protocol):
    """Called with how many entries are sent, of how many."""

    def __call__(self, done: int, of: int) -> None: ...


@dataclass(frozen=True, slots=True)
class SendResult:
    """How many entries were accepted, refused, and not sent.

    `unanswered`: the server failed on them, they can be sent again. `overtaken`: corrected since,
    so they are not sent.
    """

    accepted: int
    refused: int
    unanswered: int
    overtaken: int


def send_run(
    context: ExportContext,
    person: Person,
    run_id: str,
    server: FhirServer,
    clock: Callable[[], datetime],
    on_progress: ProgressCallback | None = None,
) -> SendResult:
    """Send the entries of a run that have no receipt yet and that the person may see.

    What was done before an error stays done.

    Raises:
        NotAllowedError: the person may not export and receipt, or see none of the run's entries.
        ExportError: there is no such run, it is no FHIR run, or it is being sent already.
        TargetUnavailableError, TargetAccessError, TargetIncompatibleError: see `FhirServer`.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        require_run(conn, person, run_id, Action.RECEIPT)
        if run.target != TARGET:
            raise ExportError("run_no_fhir_run", run_id=run_id)
        # What is on its way can no longer be undone
        runs.save_delivery(conn, run_id, person.login, clock())
        events.record(
            conn,
            person.login,
            "send_export",
            run_id,
            unit=run_items.run_unit(conn, run_id),
            entries=run.entries,
        )
    with sender_lock(context.store, TARGET):
        with context.store.read() as conn:
            waiting = [
                item
                for item in run_items.list_visible_items(conn, person, run_id)
                if item.accepted is None
            ]
        lines = _lines_by_number(context.store.images.get(run.sha256))
        return _RunSender(context, person, run_id, server, clock, on_progress, lines).send_all(
            waiting
        )


@dataclass(frozen=True, slots=True)
class _RunSender:
    """Sends the entries of one run. `lines` are the bundles of its file, by their position."""

    context: ExportContext
    person: Person
    run_id: str
    server: FhirServer
    clock: Callable[[], datetime]
    on_progress: ProgressCallback | None
    lines: dict[str, bytes]

    def send_all(self, waiting: list[RunItem]) -> SendResult:
        """Send the forms, then each entry, until the server fails on several in a row."""
        current = [item for item in waiting if item.is_current]
        if current:
            self._send_forms()
        answers: list[ReceiptAnswer] = []
        superseded, failures = len(waiting) - len(current), 0
        for done, item in enumerate(current):
            self._report_progress(done, len(current))
            # Others may correct an entry while this run is sent.
            if not self._is_still_current(item):
                superseded += 1
                continue
            try:
                answers.append(self._send_item(item))
                failures = 0
            except TargetUnavailableError:
                failures += 1
                if failures == min(_MAX_CONSECUTIVE_FAILURES, len(current)):
                    raise
        self._report_progress(len(current), len(current))
        accepted = sum(answer.accepted for answer in answers)
        return SendResult(
            accepted=accepted,
            refused=len(answers) - accepted,
            unanswered=len(waiting) - len(answers) - superseded,
            overtaken=superseded,
        )

    def _is_still_current(self, item: RunItem) -> bool:
        """Return whether it has not been corrected or made void while others were sent."""
        with self.context.store.read() as conn:
            return run_items.find_items_by_number(conn, self.run_id, item.number)[0].is_current

    def _send_forms(self) -> None:
        line = self.lines.get(bundle_position(self.run_id, FORMS_BUNDLE_NUMBER))
        if line and not receipt_answer("", self.server.transact(json.loads(line))).accepted:
            raise ExportError("fhir_server_does_not_take")

    def _send_item(self, item: RunItem) -> ReceiptAnswer:
        reply = self._transact_item(item)
        if item.is_amendment and not reply.accepted:
            # What the server has may have changed since the search, or by an attempt whose answer
            # was lost.
            reply = self._transact_item(item)
        answer = receipt_answer(item.entry_id, reply)
        submit_receipts(self.context, self.person, self.run_id, [answer], self.clock())
        return answer

    def _transact_item(self, item: RunItem) -> ServerReply:
        bundle: Resource = json.loads(self.lines[bundle_position(self.run_id, item.number)])
        return self.server.transact(
            end_earlier_versions(bundle, item, self.server, self.context.settings)
            if item.is_amendment
            else bundle
        )

    def _report_progress(self, done: int, of: int) -> None:
        if self.on_progress:
            self.on_progress(done, of)


def _lines_by_number(data: bytes) -> dict[str, bytes]:
    """Return the lines of a run's file by the identifier of their bundle."""
    return {json.loads(line)["identifier"]["value"]: line for line in data.splitlines()}
