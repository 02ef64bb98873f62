"""What the tests of the statistics count."""

from __future__ import annotations

import io
import zipfile

import pandas as pd

from pipeline.domain.record import Run
from pipeline.export.runs import ExportContext, fetch_run_file
from tests.support.store.export_office import (
    ANNA,
)
from tests.support.store.route_steps import target_status

LABEL = "HSLF-FS-2017-67-utformning-2019.txt"


def unpacked(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def basis(told: dict[str, str]) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(told["underlag.csv"]), sep=";", dtype=str, keep_default_na=False)


# Whole months, from a store.


def khsl(office: ExportContext) -> tuple[int, int]:
    line = target_status(office, ANNA, "khsl")
    return line.entries, line.amendments


def told(office: ExportContext, of: Run) -> dict[str, str]:
    return unpacked(fetch_run_file(office, ANNA, of.id).data)
