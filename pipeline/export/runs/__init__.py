"""An export is a run of a route: confirmed entries, fixed, in one file.

An entry is in a route once at each revision.

Statistics report entries besides that: `authorities/monthly.py`.
"""

from pipeline.export.context import ExportContext, load_export_options
from pipeline.export.runs.candidates import RunKind, add_carried_records
from pipeline.export.runs.files import (
    RunFile,
    confirm_delivery,
    fetch_run_file,
    list_runs,
    list_undelivered,
    require_run,
    undo_run,
)
from pipeline.export.runs.make import make_run, make_runs_of_kind
from pipeline.export.runs.preview import FirstEntry, preview_first_entry
from pipeline.export.runs.route_setting import list_routable_forms, set_route
from pipeline.export.runs.status import (
    RunPreview,
    UnsupportedEntry,
    count_unproven,
    count_unsigned,
    list_run_previews,
)

__all__ = [
    "ExportContext",
    "FirstEntry",
    "RunFile",
    "RunKind",
    "RunPreview",
    "UnsupportedEntry",
    "add_carried_records",
    "confirm_delivery",
    "count_unproven",
    "count_unsigned",
    "fetch_run_file",
    "list_routable_forms",
    "list_run_previews",
    "list_runs",
    "list_undelivered",
    "load_export_options",
    "make_run",
    "make_runs_of_kind",
    "preview_first_entry",
    "require_run",
    "set_route",
    "undo_run",
]
