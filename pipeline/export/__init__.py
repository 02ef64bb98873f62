"""Confirmed entries become files in a target system's form. `TARGETS` names every kind there is."""

from __future__ import annotations

from pipeline.export.activities import ActivitiesExporter
from pipeline.export.aid_file import AidFileExporter
from pipeline.export.csv_file import CsvExporter
from pipeline.export.erms import ErmsExporter
from pipeline.export.exporter import Exporter, Statistics
from pipeline.export.fhir.exporter import FhirExporter
from pipeline.export.key_in_list import KeyInListExporter
from pipeline.export.khsl import KhslExporter
from pipeline.export.observations import ObservationsExporter
from pipeline.export.pain001 import PaymentExporter
from pipeline.export.rivta import RivtaExporter

STATISTICS: dict[str, Statistics] = {"khsl": KhslExporter(), "ekonomiskt-bistand": AidFileExporter()}
"""Targets that tell of whole months and take no entry: see `monthly.py`."""
TARGETS: dict[str, Exporter] = {
    "rivta": RivtaExporter(),
    "observationer": ObservationsExporter(),
    "aktiviteter": ActivitiesExporter(),
    "fhir": FhirExporter(),
    "besok": CsvExporter("Besök och insatser (CSV)"),
    "matvarden": CsvExporter("Mätvärden (CSV)"),
    "treserva-exempel": CsvExporter("Exempel: anteckningar till Treserva (CSV)"),
    "tes-exempel": CsvExporter("Exempel: besök till TES (CSV)"),
    "timecare-exempel": CsvExporter("Exempel: avvikelser till TimeCare (CSV)"),
    "timecare-schema-exempel": CsvExporter("Exempel: scheman till TimeCare (CSV)"),
    "ciceron-exempel": CsvExporter("Exempel: diariet till Ciceron (CSV)"),
    "mat-exempel": CsvExporter("Exempel: beställning till matleverantör (CSV)"),
    "erms": ErmsExporter(),
    "pain001": PaymentExporter(),
    "skriv-in": KeyInListExporter(),
    **STATISTICS,
}
