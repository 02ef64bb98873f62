"""An export is a run: confirmed entries, fixed, in one file, each entry once at each revision.

Statistics report entries besides that: `authorities/monthly.py`.
"""

from pipeline.export.runs.candidates import add_carried_records
from pipeline.export.runs.context import ExportContext, find_target, load_export_options
from pipeline.export.runs.files import (
    RunFile,
    confirm_delivery,
    fetch_run_file,
    list_runs,
    list_undelivered,
    require_run,
)
from pipeline.export.runs.make import make_run, make_runs
from pipeline.export.runs.status import (
    TargetStatus,
    UnsupportedEntry,
    count_unsigned,
    list_target_status,
)

__all__ = [
    "ExportContext",
    "RunFile",
    "TargetStatus",
    "UnsupportedEntry",
    "add_carried_records",
    "confirm_delivery",
    "count_unsigned",
    "fetch_run_file",
    "find_target",
    "list_runs",
    "list_target_status",
    "list_undelivered",
    "load_export_options",
    "make_run",
    "make_runs",
    "require_run",
]
