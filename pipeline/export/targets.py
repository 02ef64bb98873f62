"""Every kind of target there is, by its name.

An export is one file with an `Exporter`, a line here with its title in the catalogue, and its
mapping files `forms/<id>/export.<target>.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.export.authorities.erms import exporter as erms
from pipeline.export.authorities.financial_aid import AidFileExporter
from pipeline.export.authorities.health_care_statistics import KhslExporter
from pipeline.export.exporter import Exporter, ExportOptions, StatisticsExporter
from pipeline.export.fhir import exporter as fhir
from pipeline.export.manual_entry.printed_list import ManualEntryListExporter
from pipeline.export.payments.pain001 import PaymentExporter
from pipeline.export.rivta.activities import ActivitiesExporter
from pipeline.export.rivta.alerts import AlertsExporter
from pipeline.export.rivta.care_documentation import CareDocumentationExporter
from pipeline.export.rivta.observations import ObservationsExporter
from pipeline.export.tables.csv_table import CsvExporter
from pipeline.texts import Text

STATISTICS: dict[str, StatisticsExporter] = {
    "khsl": KhslExporter(),
    "ekonomiskt-bistand": AidFileExporter(),
}
"""Targets that report whole months and take no entry: see `authorities/monthly.py`."""
TARGETS: dict[str, Exporter] = {
    "rivta": CareDocumentationExporter(),
    "observationer": ObservationsExporter(),
    "aktiviteter": ActivitiesExporter(),
    "varningar": AlertsExporter(),
    "fhir": fhir.FhirExporter(),
    "besok": CsvExporter(Text("target.besok")),
    "matvarden": CsvExporter(Text("target.matvarden")),
    "treserva-exempel": CsvExporter(Text("target.treserva-exempel")),
    "tes-exempel": CsvExporter(Text("target.tes-exempel")),
    "timecare-exempel": CsvExporter(Text("target.timecare-exempel")),
    "timecare-schema-exempel": CsvExporter(Text("target.timecare-schema-exempel")),
    "ciceron-exempel": CsvExporter(Text("target.ciceron-exempel")),
    "mat-exempel": CsvExporter(Text("target.mat-exempel")),
    "erms": erms.ErmsExporter(),
    "pain001": PaymentExporter(),
    "skriv-in": ManualEntryListExporter(),
    **STATISTICS,
}
HSA_ID_TARGETS = frozenset({"rivta", "observationer", "aktiviteter", "varningar"})
"""Targets that take no entry without the HSA-ids of the care provider and of this system."""
EXAMPLE_NOTICES: dict[str, Callable[[ExportOptions], Text | None]] = {
    "fhir": fhir.find_example_notice,
    "erms": erms.find_example_notice,
}
"""What says that a target's file would have values that are examples, and what to set."""
