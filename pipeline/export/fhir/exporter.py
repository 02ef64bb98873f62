"""Entries as FHIR R4: a file of one JSON bundle a line (ndjson), each a transaction for a server's
base address.

The first line holds the run's forms, if answers go along; then comes one line an entry in the
run's order. A line can be posted by any program; `send.py` does it and takes in the answers as
receipts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions, Item
from pipeline.export.fhir.bundle import entry_bundle, forms_bundle, list_answered_forms
from pipeline.export.fhir.common import Resource, pid_system
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.texts import Text


class FhirExporter:
    """Any form with a mapping to FHIR R4."""

    title = Text("target.fhir")
    media_type = "application/fhir+ndjson"
    suffix = ".ndjson"
    mapping = FhirMapping

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """A record needs a number of a known series, and a measurement the day when it was made."""
        mapping = options.mapping(record.form, FhirMapping)
        if is_temporary_pid(record.client.pid):
            return TEMPORARY_CLIENT
        if not pid_system(record.client.pid, mapping.local_id_system):
            return Text("export_reason.no_pid_system")
        if mapping.measurements and record.event_at is None:
            return Text("export_reason.no_measurement_day")
        return None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """One bundle a line."""
        forms = list_answered_forms(items, options)
        bundles = [forms_bundle(forms, run, options.settings)] if forms else []
        lines = [_bundle_line(bundle) for bundle in bundles] + [
            _bundle_line(entry_bundle(item, run, options)) for item in items
        ]
        return b"".join(lines)


def _bundle_line(bundle: Resource) -> bytes:
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
