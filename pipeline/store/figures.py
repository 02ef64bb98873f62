"""The figures of `efterskrift status`: for whoever runs the machine, so without units and persons."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, func, select

from pipeline.issues import split_code
from pipeline.store.pages import all_problem_pages, status
from pipeline.store.stacks import unfinished
from pipeline.store.tables import batch
from pipeline.store.workers import entry_states, queue_figures


def figures(conn: Connection) -> dict[str, Any]:
    """`pages` {in, done, waiting, failed, queued} where in = done + waiting + failed and `queued` of the waiting are not read yet;
    `entries` by state; `problems` by code; `batches` {in, unfinished: [id …]}."""
    *_, queued = queue_figures(conn)
    codes: Counter[str] = Counter()
    for page in all_problem_pages(conn):
        codes.update({split_code(text)[0] for text in (*page.problems, page.reason, _kind(page.outcome, page.duplicate_of)) if text})
    return {
        "pages": status(conn) | {"queued": queued},
        "entries": entry_states(conn),
        "problems": dict(sorted(codes.items())),
        "batches": {"in": conn.execute(select(func.count()).select_from(batch)).scalar_one(), "unfinished": unfinished(conn)},
    }


def _kind(outcome: str | None, duplicate_of: str | None) -> str:
    if duplicate_of:
        return "duplicate"
    return "unidentified" if outcome == "unidentified" else ""
