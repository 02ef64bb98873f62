"""Confirmed entries become files in a target system's form. `TARGETS` names every kind there is."""

from __future__ import annotations

from pipeline.export.aid_file import AidFileExporter
from pipeline.export.csv_file import CsvExporter
from pipeline.export.erms import ErmsExporter
from pipeline.export.exporter import Exporter
from pipeline.export.key_in_list import KeyInListExporter
from pipeline.export.pain001 import PaymentExporter
from pipeline.export.rivta import RivtaExporter

TARGETS: dict[str, Exporter] = {
    "rivta": RivtaExporter(),
    "besok": CsvExporter("Besök och insatser (CSV)"),
    "matvarden": CsvExporter("Mätvärden (CSV)"),
    "erms": ErmsExporter(),
    "pain001": PaymentExporter(),
    "ekonomiskt-bistand": AidFileExporter(),
    "skriv-in": KeyInListExporter(),
}
