"""Entries of a FHIR run, searched for at the server: a proof where it has what was exported.

The server's answer to a transaction is a receipt: it took the entry. That it has it, as it was
exported, is seen by reading it back. An entry that somebody else has loaded from the run's file
gets its receipt in this way; a difference is named and left to people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action
from pipeline.export.exporter import DATA_LANGUAGE
from pipeline.export.fhir.amendments import (
    ENTRY_TYPES,
    find_entry_resources,
    is_ended,
    is_of_version,
)
from pipeline.export.fhir.bundle import bundle_position
from pipeline.export.fhir.read_back.comparison import ServerContent, compare_transaction
from pipeline.export.fhir.resource_context import (
    DOCUMENT_TYPE,
    PROVENANCE_TYPE,
    Resource,
    identifier_system,
    version_id,
)
from pipeline.export.fhir.sender import TARGET, ProgressCallback, lines_by_position
from pipeline.export.fhir.server import FhirServer
from pipeline.export.runs import ExportContext, require_run
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.store.database.clock import utc_now
from pipeline.store.event_log import events
from pipeline.store.exports import proofs, run_items
from pipeline.store.exports.proofs import Finding, Proof
from pipeline.store.exports.run_items import RunItem
from pipeline.texts import Text

SEEN_AT_SERVER = Text("fhir_text.seen_at_server")
"""Receipt of an entry that the server has without having been sent it from here."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a run is read back.

    With `only_unproven` entries that were found as exported are not asked for again. Otherwise
    they are: a server may lose what it had.
    """

    clock: Callable[[], datetime] = utc_now
    only_unproven: bool = False
    on_progress: ProgressCallback | None = None


@dataclass(frozen=True, slots=True)
class RunProofs:
    """The entries of a run that are still what was exported, and what was found of them."""

    entries: int
    proofs: tuple[Proof, ...]

    def count(self, found: Finding) -> int:
        """Return of how many entries this was found."""
        return sum(proof.found is found for proof in self.proofs)

    @property
    def unproven(self) -> int:
        """How many entries nobody has seen at the server as they were exported."""
        return self.entries - self.count(Finding.SAME)


def load_run_proofs(context: ExportContext, person: Person, run_id: str) -> RunProofs:
    """Return what was found of the entries of a run that the person may see.

    Raises:
        NotAllowedError: the person may not export, or see none of the run's entries.
        ExportError: there is no such run.
    """
    with context.store.read() as conn:
        require_run(conn, person, run_id, Action.EXPORT)
        items = [
            item
            for item in run_items.list_visible_items(conn, person, run_id)
            if item.is_current and item.accepted is not False
        ]
        found = proofs.list_run_proofs(conn, run_id)
    return RunProofs(
        len(items), tuple(found[item.entry_id] for item in items if item.entry_id in found)
    )


def read_back_run(
    context: ExportContext,
    person: Person,
    run_id: str,
    server: FhirServer,
    reading: Reading,
) -> RunProofs:
    """Search the server for the entries of a run, and store what is found.

    What was found before an error stays stored.

    Raises:
        NotAllowedError: the person may not export and receipt, or see none of the run's entries.
        ExportError: there is no such run, or it is no FHIR run.
        TargetUnavailableError, TargetAccessError, TargetIncompatibleError: see `FhirServer`.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        require_run(conn, person, run_id, Action.RECEIPT)
        if run.target != TARGET:
            raise ExportError("run_no_fhir_run", run_id=run_id)
        events.record(
            conn,
            person.login,
            "read_back_export",
            run_id,
            unit=run_items.run_unit(conn, run_id),
            entries=run.entries,
        )
        known = proofs.list_run_proofs(conn, run_id)
        proven = {each for each, proof in known.items() if proof.found is Finding.SAME}
        waiting = [
            item
            for item in run_items.list_visible_items(conn, person, run_id)
            if item.is_current
            and item.accepted is not False
            and not (reading.only_unproven and item.entry_id in proven)
        ]
    lines = lines_by_position(context.store.images.get(run.sha256))
    for done, item in enumerate(waiting):
        if reading.on_progress:
            reading.on_progress(done, len(waiting))
        bundle = json.loads(lines[bundle_position(run_id, item.number)])
        proof = look_for_entry(bundle, item, server, context)
        _save_proof(context, person, run_id, (item, proof), reading.clock())
    return load_run_proofs(context, person, run_id)


def look_for_entry(
    bundle: Resource, item: RunItem, server: FhirServer, context: ExportContext
) -> Proof:
    """Search for what a transaction made of an entry, and compare it. Errors as `read_back_run`."""
    settings, version = context.settings, version_id(item.entry_id, item.route_revision)
    tag = f"{identifier_system(settings, 'version')}|{version}"
    # An earlier version may have had what this one has not.
    exported = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    kinds: Collection[str] = ENTRY_TYPES if item.is_amendment else exported
    revisions = range(1, item.route_revision + 1)
    found = find_entry_resources(item.entry_id, revisions, server, settings, kinds)
    content = ServerContent(
        version=[
            *(each for each in found if is_of_version(each, version, settings)),
            *server.search(PROVENANCE_TYPE, _tag=tag),
        ],
        other_versions=[each for each in found if not is_of_version(each, version, settings)],
        read=server.read,
    )
    if not content.version:
        return Proof(item.entry_id, item.revision, Finding.MISSING)
    differences = compare_transaction(bundle, content, is_ended)
    # The document of the entry itself, among those of its attachments
    place = next(
        (
            f"{DOCUMENT_TYPE}/{each.get('id')}"
            for each in content.version
            if each["resourceType"] == DOCUMENT_TYPE
            and each.get("masterIdentifier", {}).get("value") == version
        ),
        "",
    )
    finding = Finding.DIFFERENT if differences else Finding.SAME
    return Proof(item.entry_id, item.revision, finding, tuple(differences), place)


def _save_proof(
    context: ExportContext,
    person: Person,
    run_id: str,
    found: tuple[RunItem, Proof],
    now: datetime,
) -> None:
    """Store what was found, unless it was found before; a first proof is a receipt as well."""
    item, proof = found
    # The receipt first: without the proof the entry is looked for again, whatever happens now.
    if proof.found is Finding.SAME and item.accepted is None:
        text = f"{SEEN_AT_SERVER.in_language(DATA_LANGUAGE)} {proof.place}"
        answer = ReceiptAnswer(item.entry_id, accepted=True, text=text)
        submit_receipts(context, person, run_id, [answer], now)
    with context.store.begin() as conn:
        if proofs.list_run_proofs(conn, run_id).get(item.entry_id) != proof:
            proofs.save_proofs(conn, run_id, [proof], person.login, now)
