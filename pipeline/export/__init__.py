"""Confirmed entries become files in a target system's form. `TARGETS` names every kind there is."""

from __future__ import annotations

from pipeline.export.csv_file import CsvExporter
from pipeline.export.exporter import Exporter
from pipeline.export.fhir.exporter import FhirExporter
from pipeline.export.key_in_list import KeyInListExporter
from pipeline.export.rivta import RivtaExporter

TARGETS: dict[str, Exporter] = {
    "rivta": RivtaExporter(),
    "fhir": FhirExporter(),
    "besok": CsvExporter("Besök och insatser (CSV)"),
    "matvarden": CsvExporter("Mätvärden (CSV)"),
    "skriv-in": KeyInListExporter(),
}
