"""Entries as FHIR R4: a file of one JSON bundle a line (ndjson), each a transaction for a server's base address.

The first line holds the run's forms, if answers go along; then comes one line an entry in the run's order. A line can be posted by any program;
`send.py` does it and takes in the answers as receipts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline.export.exporter import TEMPORARY_CLIENT, Item, Terms
from pipeline.export.fhir.bundle import answered_forms, entry_bundle, forms_bundle
from pipeline.export.fhir.filing import Resource, pid_system
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.identity import is_temporary
from pipeline.record import Record, Run


class FhirExporter:
    """Any form with a mapping to FHIR R4."""

    title = "Vårdposter (HL7 FHIR R4)"
    media_type = "application/fhir+ndjson"
    suffix = ".ndjson"
    mapping = FhirMapping

    def unfit(self, record: Record, terms: Terms) -> str:
        """A record needs a number of a known series, and a measurement the day when it was made."""
        mapping = terms.mapping(record.form, FhirMapping)
        if is_temporary(record.client.pid):
            return TEMPORARY_CLIENT
        if not pid_system(record.client.pid, mapping.local_id_system):
            return "Personnummer saknas, är felaktigt eller är ett lokalt reservnummer, vars nummerserie inte är inställd (local_id_system)."
        if mapping.measurements and record.event_at is None:
            return "Tidpunkt saknas. En mätning måste ha en dag."
        return ""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """One bundle a line."""
        forms = answered_forms(items, terms)
        bundles = [forms_bundle(forms, run, terms.settings)] if forms else []
        lines = [_line(bundle) for bundle in bundles] + [_line(entry_bundle(item, run, terms)) for item in items]
        return b"".join(lines)


def _line(bundle: Resource) -> bytes:
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
