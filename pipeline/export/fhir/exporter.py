"""Entries as FHIR R4: a file with one JSON bundle a line (ndjson), each a transaction.

The first line holds the run's forms, if answers go along; then comes one line an entry in the
run's order. Any program can post a line to a server's base address.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import (
    TEMPORARY_CLIENT,
    DetailedExporter,
    ExportOptions,
    Item,
)
from pipeline.export.fhir.bundle import entry_bundle, forms_bundle, list_answered_forms
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.fhir.resource_context import Resource, pid_system
from pipeline.texts import Text

_EXAMPLE_DOMAIN = "example"
"""The top-level domain of addresses that are examples (RFC 2606)."""


class FhirExporter(DetailedExporter):
    """Any form with a mapping to FHIR R4."""

    media_type = "application/fhir+ndjson"
    suffix = ".ndjson"
    mapping = FhirMapping

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield what is missing: a number of a known series, or the day of a measurement."""
        mapping = options.mapping(record.form, FhirMapping)
        if is_temporary_pid(record.client.pid):
            yield TEMPORARY_CLIENT
        elif not pid_system(record.client.pid, mapping.local_id_system):
            yield Text("export_reason.no_pid_system")
        if mapping.measurements and record.event_at is None:
            yield Text("export_reason.no_measurement_day")

    def example_notice(self, options: ExportOptions) -> Text | None:
        """Return that identifiers begin with an example's address, which nobody owns; else None."""
        host = urlsplit(options.settings.fhir_system).hostname or ""
        is_example = host.rpartition(".")[2] == _EXAMPLE_DOMAIN
        return Text("export_notice.example_fhir_system") if is_example else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build one bundle a line."""
        forms = list_answered_forms(items, options)
        bundles = [forms_bundle(forms, run, options.settings)] if forms else []
        lines = [_bundle_line(bundle) for bundle in bundles] + [
            _bundle_line(entry_bundle(item, run, options)) for item in items
        ]
        return b"".join(lines)


def _bundle_line(bundle: Resource) -> bytes:
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
