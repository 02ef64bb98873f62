"""Sending a run's transactions to the FHIR server, one after the other; each answer becomes the entry's receipt at once.

A process that ends in between leaves entries with receipts and entries without: sending again takes those without. One that the server took
and whose receipt was not written is sent again, and then the server finds that it has it (If-None-Exist), which is a receipt too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.access import Action
from pipeline.errors import ExportError, TargetAwayError
from pipeline.export.fhir.answer import answer_of
from pipeline.export.fhir.bundle import FORMS_NUMBER, place_in_run
from pipeline.export.fhir.earlier_versions import with_earlier_ended
from pipeline.export.fhir.filing import Resource
from pipeline.export.fhir.server import FhirServer, Reply
from pipeline.export.receipts import Answer, give_receipts
from pipeline.export.run_files import open_run
from pipeline.export.runs import Office
from pipeline.model import Person
from pipeline.store import events, exports
from pipeline.store.exports import RunItem
from pipeline.store.sending import only_sender

TARGET = "fhir"
_IN_A_ROW = 2
"""A server that fails on one transaction may take the next; one that fails on two is away."""


class Told(Protocol):
    """Is told how far it has come."""

    def __call__(self, done: int, of: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """How it went. `unanswered`: the server failed on them, they can be sent again. `overtaken`: corrected since, so they are not sent."""

    accepted: int
    refused: int
    unanswered: int
    overtaken: int


def send_run(office: Office, person: Person, run_id: str, server: FhirServer, clock: Callable[[], datetime], told: Told | None = None) -> Sent:
    """Send what of a run has no receipt yet and the person may see. What was done before an error stays done.

    Raises:
        NotAllowedError: the person may not export and receipt, or see none of what the run holds.
        ExportError: there is no such run, it is no FHIR run, or somebody is sending already.
        TargetAwayError, TargetDeniedError, TargetUnfitError: see `FhirServer`.
    """
    with office.store.begin() as conn:
        run = open_run(conn, person, run_id, Action.EXPORT)
        open_run(conn, person, run_id, Action.RECEIPT)
        if run.target != TARGET:
            raise ExportError("run_no_fhir_run", run_id=run_id)
        events.record(conn, person.login, "send_export", run_id, unit=exports.unit_of(conn, run_id), entries=run.entries)
    with only_sender(office.store, TARGET):
        with office.store.read() as conn:
            waiting = [item for item in exports.visible_items(conn, person, run_id) if item.accepted is None]
        lines = _lines(office.store.images.get(run.sha256))
        return _Sending(office, person, run_id, server, clock, told, lines).all_of(waiting)


@dataclass(frozen=True, slots=True)
class _Sending:
    office: Office
    person: Person
    run_id: str
    server: FhirServer
    clock: Callable[[], datetime]
    told: Told | None
    lines: dict[str, bytes]

    def all_of(self, waiting: list[RunItem]) -> Sent:
        going = [item for item in waiting if item.current]
        if going:
            self._forms()
        answers: list[Answer] = []
        overtaken, away = len(waiting) - len(going), 0
        for done, item in enumerate(going):
            self._tell(done, len(going))
            if not self._stands(item):
                overtaken += 1
                continue
            try:
                answers.append(self._one(item))
                away = 0
            except TargetAwayError:
                away += 1
                if away == min(_IN_A_ROW, len(going)):
                    raise
        self._tell(len(going), len(going))
        accepted = sum(answer.accepted for answer in answers)
        return Sent(accepted, len(answers) - accepted, len(waiting) - len(answers) - overtaken, overtaken)

    def _stands(self, item: RunItem) -> bool:
        """Whether it has not been corrected or made void while others were sent."""
        with self.office.store.read() as conn:
            return exports.items_numbered(conn, self.run_id, item.number)[0].current

    def _forms(self) -> None:
        line = self.lines.get(place_in_run(self.run_id, FORMS_NUMBER))
        if line and not answer_of("", self.server.transact(json.loads(line))).accepted:
            raise ExportError("fhir_server_does_not_take")

    def _one(self, item: RunItem) -> Answer:
        reply = self._transacted(item)
        if item.amends and not reply.accepted:
            # What the server has may have changed between looking and sending, or been changed by an attempt whose answer was lost.
            reply = self._transacted(item)
        answer = answer_of(item.entry_id, reply)
        give_receipts(self.office, self.person, self.run_id, [answer], self.clock())
        return answer

    def _transacted(self, item: RunItem) -> Reply:
        bundle: Resource = json.loads(self.lines[place_in_run(self.run_id, item.number)])
        return self.server.transact(with_earlier_ended(bundle, item, self.server, self.office.settings) if item.amends else bundle)

    def _tell(self, done: int, of: int) -> None:
        if self.told:
            self.told(done, of)


def _lines(data: bytes) -> dict[str, bytes]:
    """The lines of a run's file by their place in it."""
    return {json.loads(line)["identifier"]["value"]: line for line in data.splitlines()}
